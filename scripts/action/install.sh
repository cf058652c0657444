#!/usr/bin/env bash
# The action's first step: puts `ringfence` on the PATH of the steps that follow,
# from $BINARY, else from the release $VERSION of $REPOSITORY. A release's archive
# must have the hash that the release lists, and its provenance must be this
# repository's.
set -euo pipefail

directory=${RUNNER_TEMP:?}/ringfence-bin
mkdir -p "$directory"
if [ -n "${BINARY:-}" ]; then
  install -m 755 "$BINARY" "$directory/ringfence"
else
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) target=x86_64-unknown-linux-musl ;;
    Linux-aarch64) target=aarch64-unknown-linux-musl ;;
    Darwin-arm64) target=aarch64-apple-darwin ;;
    Darwin-x86_64) target=x86_64-apple-darwin ;;
    *) echo "::error::no binary is released for $(uname -s) on $(uname -m)"; exit 2 ;;
  esac
  archive=ringfence-${VERSION:?}-$target.tar.gz
  from=${GITHUB_SERVER_URL:-https://github.com}/${REPOSITORY:?}/releases/download/v$VERSION
  cd "$directory"
  for file in "$archive" SHA256SUMS; do
    curl --fail --silent --show-error --location --proto '=https' --retry 3 --output "$file" "$from/$file"
  done
  if command -v sha256sum >/dev/null; then check=(sha256sum --check --strict); else check=(shasum -a 256 --check); fi
  # The list's one line about this archive, and no more than one.
  awk -v name="$archive" '$2 == name' SHA256SUMS >one
  [ "$(wc -l <one)" -eq 1 ] || { echo "::error::SHA256SUMS has not one line about $archive"; exit 2; }
  "${check[@]}" one
  if command -v gh >/dev/null; then
    gh attestation verify "$archive" --repo "$REPOSITORY"
  else
    echo "::notice::there is no gh here: the hash was checked, the provenance was not"
  fi
  tar -xzf "$archive" ringfence
  rm -f "$archive" SHA256SUMS one
fi
echo "$directory" >>"${GITHUB_PATH:?}"
"$directory/ringfence" --version

#!/usr/bin/env bash
# Builds the container image `ringfence` (or $IMAGE): by the Dockerfile where an
# image registry answers, else from Debian's packages and a binary of this tree.
# Needs a running Docker engine; without a registry also root and debootstrap.
# $BINARY names a binary to take in place of one that is built here.
set -euo pipefail
cd "$(dirname "$0")/.."

image=${IMAGE:-ringfence}
suite=trixie
binary=${BINARY:-}

say() { printf 'image: %s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

command -v docker >/dev/null || die "docker is not installed (Debian: apt-get install docker.io iptables)"
docker version --format '{{.Server.Version}}' >/dev/null 2>&1 || die "no Docker engine answers: start dockerd"
if [ -z "$binary" ]; then
  say "asking for the base images"
  if timeout "${PULL_TIMEOUT:-300}" docker pull --quiet "debian:$suite-slim" >/dev/null 2>&1; then
    exec docker build --tag "$image" .
  fi
  say "no image registry answers"
  cargo build --locked --profile dist --bin ringfence
  binary=target/dist/ringfence
fi
[ -x "$binary" ] || die "there is no binary $binary"
[ "$(id -u)" = 0 ] || die "building the image without a registry needs root (debootstrap)"
command -v debootstrap >/dev/null || die "debootstrap is not installed (Debian: apt-get install debootstrap)"

. scripts/debian-mirror.sh

work=$(mktemp -d "${TMPDIR:-/tmp}/ringfence-image.XXXXXX")
root=$work/root
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mirror=$(debian_mirror || true)
say "root file system: $suite from ${mirror:-the default mirror}"
debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv,tini \
  "$suite" "$root" ${mirror:+"$mirror"} >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; die "debootstrap failed"; }
install -m 755 "$binary" "$root/usr/local/bin/ringfence"

# The build resolves names and trusts certificates as this machine does; the image
# does as Debian does.
bundle=/etc/ssl/certs/ca-certificates.crt
cp "$root$bundle" "$work/bundle"
cp /etc/resolv.conf "$root/etc/resolv.conf"
if [ -r "$bundle" ]; then cp "$bundle" "$root$bundle"; fi

say "the pinned Python tools"
mkdir -p "$root/opt/ringfence/none"
env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 RINGFENCE_CACHE=/opt/ringfence/cache \
  SSL_CERT_FILE="$bundle" PIP_CERT="$bundle" UV_LINK_MODE=copy \
  ${PIP_INDEX_URL:+PIP_INDEX_URL="$PIP_INDEX_URL"} ${UV_INDEX_URL:+UV_INDEX_URL="$UV_INDEX_URL"} \
  chroot "$root" ringfence doctor --offline /opt/ringfence/none
rm -rf "$root"/opt/ringfence/none "$root"/opt/ringfence/cache/uv-* "$root"/tmp/* "$root"/tmp/.[!.]* \
  "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
cp "$work/bundle" "$root$bundle"
: >"$root/etc/resolv.conf"

say "importing"
tar -C "$root" --numeric-owner -c . | docker import \
  --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  --message "built by scripts/image.sh from Debian $suite" - "$image:root" >/dev/null
# The rest as the Dockerfile says.
# shellcheck disable=SC2016
{ printf 'FROM %s:root\n' "$image"; sed '1,/^FROM \${ROOT}$/d' Dockerfile; } | docker build --quiet --tag "$image" - >/dev/null
docker rmi --no-prune "$image:root" >/dev/null
say "$image built: $(docker image inspect --format '{{.Size}}' "$image") bytes"

#!/usr/bin/env bash
# Makes sure that the LocalStack image which Ringfence tests against is there:
# already present, else pulled, else (no image registry in reach) built from
# Debian and PyPI packages. Needs a running Docker engine; building needs root
# and debootstrap. Leaves nothing behind but the image.
set -euo pipefail

version=4.14.0
image=localstack/localstack:$version
# Unpinned dependencies of localstack-core published later break it at start-up
# with a misleading "No component plugins found".
packages_before=2026-03-06
# LocalStack 4.14 needs Python 3.12 or newer; trixie has 3.13.
suite=trixie

say() { printf 'localstack-image: %s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

command -v docker >/dev/null || die "docker is not installed (Debian: apt-get install docker.io iptables)"
docker version --format '{{.Server.Version}}' >/dev/null 2>&1 || die "no Docker engine answers: start dockerd"
if docker image inspect "$image" >/dev/null 2>&1; then
  say "$image is there"
  exit 0
fi
say "pulling $image"
if timeout "${PULL_TIMEOUT:-300}" docker pull --quiet "$image" >/dev/null 2>&1; then
  say "$image pulled"
  exit 0
fi

say "no image registry answers; building $image from packages"
[ "$(id -u)" = 0 ] || die "building the image needs root (debootstrap)"
command -v debootstrap >/dev/null || die "debootstrap is not installed (Debian: apt-get install debootstrap)"

. "$(dirname "$0")/debian-mirror.sh"

root=$(mktemp -d "${TMPDIR:-/tmp}/localstack-image.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mirror=$(debian_mirror || true)
say "root file system: $suite from ${mirror:-the default mirror}"
# Without a mirror of the machine's own, debootstrap takes its default.
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates,curl,procps \
  "$suite" "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 \
  || { tail -n 20 "$root.log" >&2; rm -f "$root.log"; die "debootstrap failed"; }
rm -f "$root.log"

# The build resolves names and trusts certificates as this machine does.
bundle=/etc/ssl/certs/ca-certificates.crt
image_bundle=$(mktemp)
trap 'rm -rf --one-file-system "$root"; rm -f "$image_bundle"' EXIT
cp "$root$bundle" "$image_bundle"
cp /etc/resolv.conf "$root/etc/resolv.conf"
if [ -r "$bundle" ]; then cp "$bundle" "$root$bundle"; fi

say "packages: localstack-core $version as of $packages_before"
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp/build LANG=C.UTF-8 SSL_CERT_FILE="$bundle" PIP_CERT="$bundle" \
  ${PIP_INDEX_URL:+PIP_INDEX_URL="$PIP_INDEX_URL"} ${UV_INDEX_URL:+UV_INDEX_URL="$UV_INDEX_URL"} \
  chroot "$root" /bin/sh -euc "
    python3 -m venv /tmp/build/uv
    /tmp/build/uv/bin/pip install --quiet --disable-pip-version-check uv
    python3 -m venv --without-pip /opt/localstack
    UV_LINK_MODE=copy /tmp/build/uv/bin/uv pip install --quiet --python /opt/localstack/bin/python \
      --exclude-newer $packages_before 'localstack-core[runtime]==$version'
    rm -rf /tmp/build /var/cache/apt/archives/*.deb /var/lib/apt/lists/*
    mkdir -p /var/lib/localstack
  "
cp "$image_bundle" "$root$bundle"
: >"$root/etc/resolv.conf"

say "importing"
tar -C "$root" --numeric-owner -c . | docker import \
  --change 'ENV PATH=/opt/localstack/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  --change 'ENV GATEWAY_LISTEN=0.0.0.0:4566' \
  --change 'ENV SKIP_SSL_CERT_DOWNLOAD=1' \
  --change 'ENV DISABLE_EVENTS=1' \
  --change 'EXPOSE 4566' \
  --change 'ENTRYPOINT ["/opt/localstack/bin/python", "-m", "localstack.runtime.main"]' \
  --message "built by scripts/localstack-image.sh from Debian $suite and localstack-core $version" \
  - "$image" >/dev/null
say "$image built"

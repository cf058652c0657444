#!/usr/bin/env bash
# Prints a version's section of CHANGELOG.md: scripts/release-notes.sh 0.2.0
set -euo pipefail
cd "$(dirname "$0")/.."

version=${1:?which version}
notes=$(awk -v version="$version" '
  /^## / { inside = ($2 == version); next }
  inside { print }
' CHANGELOG.md)
[ -n "$notes" ] || { echo "CHANGELOG.md has no section $version" >&2; exit 1; }
printf '%s\n' "$notes"

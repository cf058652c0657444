#!/usr/bin/env bash
# The report in a real headless Chromium: a page of 5,000 probes and a small one
# with every verdict. What is missing of Chromium is installed from Debian,
# where this may. Accessibility rules are axe-core's, by npm; without npm they
# are not run, which is said. Arguments go to tests/browser/report.py:
# --pictures DIRECTORY keeps screenshots and the page as PDF.
set -euo pipefail
cd "$(dirname "$0")/.."

axe_version=4.14.1
axe_sha256=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c

browser() { { command -v chromium || command -v google-chrome; } >/dev/null && command -v chromedriver >/dev/null; }
if ! browser; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-dejavu-core >/dev/null
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# As the tests built it: with the features of the workspace nothing is built again.
cargo test -q --workspace --locked --example report --no-run
report() { "${CARGO_TARGET_DIR:-target}/debug/examples/report" "$@"; }
report 5000 "$work/large.html"
report 240 "$work/small.html"

axe=()
if command -v npm >/dev/null && (cd "$work" && npm pack --silent "axe-core@$axe_version" >/dev/null); then
  tar -xzf "$work/axe-core-$axe_version.tgz" -C "$work" package/axe.min.js
  echo "$axe_sha256  $work/package/axe.min.js" | sha256sum --status -c
  axe=(--axe "$work/package/axe.min.js")
fi

python3 tests/browser/report.py "$work/large.html" "$work/small.html" "${axe[@]}" "$@"

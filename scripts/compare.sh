#!/usr/bin/env bash
# The policy engine beside others: speed on Layer 1 and wrong verdicts on the
# corpus, in one run. iam-simulate is part of it where Node is.
set -euo pipefail
cd "$(dirname "$0")/../harness/policy/compare"
if command -v npm >/dev/null && ! [ -d node_modules ]; then
  npm ci --ignore-scripts --no-audit --no-fund
fi
cargo run --release --locked -- "$@"

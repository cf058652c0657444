#!/usr/bin/env bash
# The prover on large policies of many shapes: scripts/compare-shapes.sh [ENTRIES of each side].
# Prints what each question took, and fails where one took more than a second.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --release --locked -p ringfence-prove --example pairs
python3 harness/prove/compare/shapes.py "${1:-2000}" |
  "${CARGO_TARGET_DIR:-target}/release/examples/pairs" |
  python3 -c '
import json, sys
slow = 0
for line in sys.stdin:
    told = json.loads(line)
    reason = told.get("reason") or told.get("error") or ""
    print("%9.1f ms  %s  %s  %s" % (told.get("ms", 0), told.get("verdict"), told.get("id"), reason))
    slow += told.get("ms", 0) > 1_000 or "error" in told
sys.exit(slow > 0)
'

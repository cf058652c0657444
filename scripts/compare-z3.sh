#!/usr/bin/env bash
# The prover beside Z3, on AWS's managed policies as two releases of moto have them
# (2022 and 2026): scripts/compare-z3.sh [PAIRS of different policies]. Needs uv, which
# fetches both and z3-solver.
set -euo pipefail
cd "$(dirname "$0")/.."
pairs="${1:-600}"
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cargo build --quiet --release --locked -p ringfence-prove --example pairs
for release in 4.0.0 5.2.5; do
  uv run --quiet --no-project --python 3.11 --with "moto==$release" python harness/prove/compare/policies.py >"$place/$release.json"
done
uv run --quiet --no-project --python 3.11 --with z3-solver==5.4.1.0 \
  python harness/prove/compare/beside.py "$place/4.0.0.json" "$place/5.2.5.json" "$pairs" \
  "${CARGO_TARGET_DIR:-target}/release/examples/pairs"

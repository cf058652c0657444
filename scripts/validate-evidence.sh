#!/usr/bin/env bash
# Validates a bundle's OSCAL with other people's tools: compliance-trestle and
# check-jsonschema, pinned, installed into the cache (by uv
# where it is there, else by pip). The bundle is the
# argument; without one, a made-up run is rendered.
set -euo pipefail
cd "$(dirname "$0")/.."

TRESTLE=5.2.0
JSONSCHEMA=0.39.0
cache="${RINGFENCE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringfence}"
tools="$cache/evidence-trestle-$TRESTLE-jsonschema-$JSONSCHEMA"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

bundle=${1:-}
if [ -z "$bundle" ]; then
  bundle="$work/bundle"
  cargo run --quiet --locked -p ringfence-evidence --example report -- 200 "$bundle/"
fi
bundle=$(realpath "$bundle")

if [ ! -f "$tools/.complete" ]; then
  rm -rf "$tools"
  packages=("compliance-trestle==$TRESTLE" "check-jsonschema==$JSONSCHEMA")
  if command -v uv >/dev/null; then
    uv venv --quiet "$tools"
    uv pip install --quiet --python "$tools/bin/python" "${packages[@]}"
  else
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet "${packages[@]}"
  fi
  touch "$tools/.complete"
fi
echo "compliance-trestle $TRESTLE, check-jsonschema $JSONSCHEMA"

"$tools/bin/check-jsonschema" --schemafile harness/evidence/tests/data/oscal_assessment-results_schema.json "$bundle/oscal/assessment-results.json"
"$tools/bin/check-jsonschema" --schemafile docs/run.schema.json "$bundle/run.json"

# trestle wants a workspace, and each model at its own place in it.
cd "$work"
mkdir workspace
cd workspace
"$tools/bin/trestle" init --local >/dev/null 2>&1
for model in assessment-results assessment-plan; do
  case "$model" in
    assessment-results) directory=assessment-results ;;
    *) directory="${model}s" ;;
  esac
  mkdir -p "$directory/run"
  cp "$bundle/oscal/$model.json" "$directory/run/$model.json"
  "$tools/bin/trestle" validate -f "$directory/run/$model.json"
done

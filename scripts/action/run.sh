#!/usr/bin/env bash
# The action's command. Ends with 0 whatever the command's verdict: `verdict.sh`
# ends the job, when comment and findings have been sent.
set -uo pipefail

out=${RUNNER_TEMP:?}/ringfence-out
mkdir -p "$out"
summary=${GITHUB_STEP_SUMMARY:-/dev/null}
tell() { printf '%s=%s\n' "$1" "$2" >>"${GITHUB_OUTPUT:?}"; }
wrong() { echo "::error::$1"; tell exit-code 2; exit 2; }

# The paths of `lint`, one a line.
lint() {
  local paths=() path
  while IFS= read -r path; do
    if [ -n "$path" ]; then paths+=("$path"); fi
  done <<<"${LINT:-}"
  [ "${#paths[@]}" -gt 0 ] || wrong "the input \`lint\` names nothing"
  ringfence lint --sarif="$out/lint.sarif" -- "${paths[@]}"
  local code=$?
  if [ -f "$out/lint.sarif" ]; then tell sarif "$out/lint.sarif"; fi
  return "$code"
}

case "${COMMAND:?}" in
  access-diff)
    { [ -n "${OLD:-}" ] && [ -n "${NEW:-}" ]; } || wrong "access-diff needs the inputs \`old\` and \`new\`"
    options=(--markdown)
    if [ -n "${CONFIGURATION:-}" ]; then options+=(--configuration "$CONFIGURATION"); fi
    if [ -n "${OLD_CONFIGURATION:-}" ]; then options+=(--old-configuration "$OLD_CONFIGURATION"); fi
    ringfence access-diff "${options[@]}" -- "$OLD" "$NEW" >"$out/access-diff.md"
    code=$?
    cat "$out/access-diff.md"
    if [ "$code" -lt 2 ]; then
      cat "$out/access-diff.md" >>"$summary"
      tell markdown "$out/access-diff.md"
    fi
    if [ -n "${LINT:-}" ]; then
      lint
      # Findings are for code scanning; what could not be read is not passed over.
      [ "$?" -lt 2 ] || code=2
    fi
    ;;
  lint)
    lint
    code=$?
    ;;
  verify)
    options=(--github --config "${CONFIG:?}" --run-dir "${RUN_DIR:?}")
    if [ -n "${SHARD:-}" ]; then options+=(--shard "$SHARD"); fi
    ringfence verify "${options[@]}"
    code=$?
    ;;
  merge)
    [ -n "${SHARES:-}" ] || wrong "merge needs the input \`shares\`"
    shares=()
    for bundle in "$SHARES"/*/; do
      if [ -d "$bundle" ]; then shares+=("$bundle"); fi
    done
    [ "${#shares[@]}" -gt 0 ] || wrong "\`$SHARES\` holds no share"
    options=(--into "${RUN_DIR:?}")
    if [ -n "${ALLOWED_KEY:-}" ]; then options+=(--allowed-key "$ALLOWED_KEY"); fi
    ringfence evidence merge "${options[@]}" -- "${shares[@]}"
    code=$?
    ;;
  *) wrong "the input \`command\` is access-diff, lint, verify, merge or none" ;;
esac
tell exit-code "$code"

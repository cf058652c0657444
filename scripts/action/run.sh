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

# Ends the step where there is one alone of what is compared.
need_both() {
  { [ -n "${OLD:-}" ] && [ -n "${NEW:-}" ]; } || wrong "access-diff needs the inputs \`old\` and \`new\`"
}

# What changes for whom, in Markdown.
access_diff() {
  local options=(--markdown)
  if [ -n "${CONFIGURATION:-}" ]; then options+=(--configuration "$CONFIGURATION"); fi
  if [ -n "${OLD_CONFIGURATION:-}" ]; then options+=(--old-configuration "$OLD_CONFIGURATION"); fi
  ringfence access-diff "${options[@]}" -- "$OLD" "$NEW"
}

# An option for each line of a text: `each --plan "$PLAN"` adds to `options`.
each() {
  local line
  while IFS= read -r line; do
    if [ -n "$line" ]; then options+=("$1" "$line"); fi
  done <<<"$2"
}

# Shows a file in Markdown, and keeps it for the summary and the comment.
show() {
  cat "$1"
  if [ "$2" -lt 2 ]; then
    cat "$1" >>"$summary"
    tell markdown "$1"
  fi
}

case "${COMMAND:?}" in
  prove)
    [ -n "${PLAN:-}" ] || wrong "prove needs the input \`plan\`"
    [ -z "${LINT:-}" ] || wrong "prove does not lint: give \`lint\` a step of its own"
    if [ -n "${OLD:-}${NEW:-}" ]; then need_both; fi
    options=(--config "${CONFIG:?}" --markdown --sarif="$out/prove.sarif")
    each --plan "$PLAN"
    each --templates "${TEMPLATES:-}"
    if [ -n "${CONFIGURATION:-}" ]; then options+=(--configuration "$CONFIGURATION"); fi
    ringfence prove "${options[@]}" >"$out/prove.md"
    code=$?
    if [ -n "${OLD:-}${NEW:-}" ] && [ "$code" -lt 2 ]; then
      echo >>"$out/prove.md"
      access_diff >>"$out/prove.md"
      grown=$?
      if [ "$grown" -gt "$code" ]; then code=$grown; fi
    fi
    show "$out/prove.md" "$code"
    if [ -f "$out/prove.sarif" ]; then tell sarif "$out/prove.sarif"; fi
    ;;
  access-diff)
    need_both
    access_diff >"$out/access-diff.md"
    code=$?
    show "$out/access-diff.md" "$code"
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
  *) wrong "the input \`command\` is prove, access-diff, lint, verify, merge or none" ;;
esac
tell exit-code "$code"

#!/usr/bin/env bash
# Writes $MARKDOWN to the pull request: the comment of an earlier run is replaced.
set -euo pipefail

marker="<!-- ringfence: ${COMMAND:?} -->"
[ -n "${PULL_REQUEST:-}" ] || { echo "::notice::no pull request started this: nothing is commented"; exit 0; }
repository=${GITHUB_REPOSITORY:?}
body=$(mktemp)
trap 'rm -f "$body"' EXIT
# GitHub takes 65,536 characters.
{ printf '%s\n' "$marker"; head -c 60000 "${MARKDOWN:?}"; } >"$body"
if [ "$(wc -c <"$MARKDOWN")" -gt 60000 ]; then
  printf '\n\nThe rest is in the summary of the job.\n' >>"$body"
fi
id=$(gh api --paginate "repos/$repository/issues/$PULL_REQUEST/comments" \
  --jq ".[] | select(.user.type == \"Bot\" and (.body | startswith(\"$marker\"))) | .id" | head -n 1)
if [ -n "$id" ]; then
  gh api --silent --method PATCH "repos/$repository/issues/comments/$id" --field "body=@$body"
else
  gh api --silent --method POST "repos/$repository/issues/$PULL_REQUEST/comments" --field "body=@$body"
fi

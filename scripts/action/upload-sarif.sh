#!/usr/bin/env bash
# Sends $SARIF to code scanning, as its API takes it: packed, in base64.
set -euo pipefail

packed=$(mktemp)
trap 'rm -f "$packed"' EXIT
gzip -c "${SARIF:?}" | base64 | tr -d '\n' >"$packed"
gh api --silent --method POST "repos/${GITHUB_REPOSITORY:?}/code-scanning/sarifs" \
  --field "commit_sha=${GITHUB_SHA:?}" --field "ref=${GITHUB_REF:?}" --field "sarif=@$packed"

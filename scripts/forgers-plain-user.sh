#!/usr/bin/env bash
# The suites of forgers as a user without privileges; `cargo test` has run them as
# root. Needs root, to become this user, and setpriv (util-linux).
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ]; then
  echo "scripts/forgers-plain-user.sh: not root: cargo test runs the forgers as a plain user" >&2
  exit 2
fi
nobody=65534
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The path of a test's program: NAME TARGET…. Of the whole workspace, whose
# features are those that `cargo test --workspace` has built already.
program() {
  local name=$1
  shift
  cargo test -q --workspace "$@" --locked --no-run --message-format=json \
    | python3 -c '
import json, sys
found = [it["executable"] for it in map(json.loads, sys.stdin)
         if it["reason"] == "compiler-artifact" and it["executable"] and it["target"]["name"] == sys.argv[1]]
print(found[-1])' "$name"
}

# Copies, since a plain user may not be able to enter this directory.
mkdir "$work/home"
cp "$(program forgers --test forgers)" "$work/steps"
cp "$(program ringfence_services --lib)" "$work/functions"
chmod 755 "$work"
chown "$nobody:$nobody" "$work/home"

plain() {
  (cd "$work/home" && setpriv --reuid=$nobody --regid=$nobody --clear-groups --inh-caps=-all \
    env -u XDG_CACHE_HOME -u RINGFENCE_CACHE HOME="$work/home" TMPDIR="$work/home" "$@")
}
# All tests of a program share its limit, which is 1,024 where nobody raised it.
ulimit -n "$(ulimit -Hn)"
plain "$work/steps"
# One at a time: the bound on processes is the user's, and beside another test's
# processes it is so much higher.
plain "$work/functions" forgers --test-threads=1

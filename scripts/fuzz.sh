#!/usr/bin/env bash
# Fuzzes the policy engine's four entries and the prover's three, or those that are named:
# scripts/fuzz.sh [SECONDS each] [TARGET…].
# Needs cargo-fuzz (`cargo install cargo-fuzz --locked`); no nightly toolchain.
# Seeds are the engine's own cases; what is found stays in harness/CRATE/fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/../harness/policy"
seconds="${1:-900}"
targets=" ${*:2} "
export RUSTC_BOOTSTRAP=1

python3 - <<'PY'
import hashlib, json, pathlib
root = pathlib.Path("fuzz/corpus")
prover = pathlib.Path("../prove/fuzz/corpus")

def seed(target, text, root=root):
    folder = root / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(text.encode()).hexdigest()).write_text(text)

def documents(part):
    if isinstance(part, dict) and "Statement" in part:
        yield part
    elif isinstance(part, (dict, list)):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from documents(inner)

def listed(value):
    return value if isinstance(value, list) else [value]

for path in sorted(pathlib.Path("corpus").rglob("*.json")):
    case = json.loads(path.read_text())
    line = {name: part for name, part in case.items() if name not in ("source", "expect")}
    seed("decide", json.dumps(line))
    side = {name: part for name, part in (case.get("policies") or {}).items() if part is not None}
    seed("lines", json.dumps({"id": 1, "a": side, "b": {**side, "boundary": side.get("identity")}}), prover)
    seed("lines", json.dumps({"a": side, "b": {}, "principal": case.get("principal")}), prover)
    held = [str(one) for value in case.get("context", {}).values() for one in listed(value)]
    for document in documents(case.get("policies")):
        seed("document", json.dumps(document))
        for statement in listed(document["Statement"]):
            if not isinstance(statement, dict):
                continue
            for resource in listed(statement.get("Resource", [])):
                if isinstance(resource, str):
                    pattern, name = resource.split(":", 5)[-1], str(case["resource"]).split(":", 5)[-1]
                    seed("arn", f"{pattern}\0{name}")
            blocks = statement.get("Condition")
            for number, keys in enumerate(blocks.values() if isinstance(blocks, dict) else ()):
                for values in keys.values() if isinstance(keys, dict) else ():
                    for wanted in listed(values):
                        for one in held or [""]:
                            for operator in range(13):
                                seed("condition", f"{chr(operator)}{wanted}\0{one}")
PY

fuzz() {
  if [ "$targets" != "  " ] && [[ "$targets" != *" $1 "* ]]; then return; fi
  echo "== $1"
  cargo fuzz run "$1" --sanitizer "${SANITIZER:-address}" -- -max_total_time="$seconds" -timeout="$2" -max_len=4096 -print_final_stats=1
}
for target in document condition arn decide; do fuzz "$target" 10; done
cd ../prove
for target in lines sides certificates; do fuzz "$target" 20; done

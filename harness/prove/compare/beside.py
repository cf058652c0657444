"""Pairs of AWS's managed policies, compared by Ringfence and by Z3 side by side.

`beside.py OLD.json NEW.json PAIRS`: where two releases differ, the old within the new and
the other way; each policy within itself; and each within `PAIRS` others of its services.
Exits 1 where verdicts differ, where Z3 decides what Ringfence does not, or where a bound of
the documentation is not met.
"""

import json
import statistics
import subprocess
import sys
import time

import encoder
import z3

# What Z3 has for a question.
SECONDS = 2
# Milliseconds: the median, the worst, and the worst of two versions of a policy.
MEDIAN, WORST, VERSIONS = 1.0, 250.0, 100.0
FASTER = 5.0
# What may be undecided, of AWS's own policies.
UNDECIDED = 0.01


def services(document):
    found = set()
    for one in encoder.listed(document["Statement"]):
        found |= {str(action).split(":")[0].lower() for action in encoder.listed(one.get("Action", []))}
    return found


def pairs(old, new, count):
    for name in sorted(new):
        yield "itself", name, new[name], new[name]
    for name in sorted(old.keys() & new.keys()):
        if old[name] != new[name]:
            yield "versions", name, old[name], new[name]
            yield "versions", name, new[name], old[name]
    names = sorted(new)
    of = {name: services(new[name]) for name in names}
    made = 0
    for place, name in enumerate(names):
        others = (other for other in names[place + 1 :] if of[name] & of[other])
        for other in list(others)[:2]:
            if made == count:
                return
            made += 1
            yield "services", f"{name} within {other}", new[name], new[other]


def ours(program, asked):
    side = lambda document: {"identity": [document]}
    lines = [json.dumps({"id": n, "a": side(a), "b": side(b)}) for n, (_, _, a, b) in enumerate(asked)]
    done = subprocess.run(program, input="\n".join(lines) + "\n", text=True, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def theirs(inner, outer):
    """Verdict and milliseconds; None for what is not encoded."""
    try:
        solver = encoder.query(inner, outer, SECONDS)
    except encoder.Unencoded:
        return None
    start = time.thread_time()
    found = str(solver.check())
    took = (time.thread_time() - start) * 1000
    return {"sat": "violated", "unsat": "proved"}.get(found, "undecided"), took


def has_list(witness):
    return any(isinstance(value, list) for value in (witness or {}).get("context", {}).values())


def main():
    old, new, count, *program = sys.argv[1:]
    old, new = (json.load(open(path)) for path in (old, new))
    asked = list(pairs(old, new, int(count)))
    found = ours(program, asked)
    faults, unreadable = [], 0
    by_kind, mine, solver, lists, unknown = {}, [], [], 0, 0
    for (kind, name, a, b), one in zip(asked, found, strict=True):
        if "error" in one:
            unreadable += 1
            print(f"not read: {name}: {one['error']}")
            continue
        by_kind.setdefault(kind, []).append((name, one))
        if kind == "itself":
            continue
        answer = theirs(a, b)
        if answer is None:
            continue
        verdict, took = answer
        mine.append(one["ms"])
        solver.append(took)
        if verdict == "undecided":
            unknown += 1
        elif one["verdict"] == "undecided":
            faults.append(f"Z3 decides {name}: {verdict}; Ringfence does not: {one['reason']}")
        elif verdict != one["verdict"] and has_list(one["witness"]):
            # The encoding has one value a key.
            lists += 1
        elif verdict != one["verdict"]:
            faults.append(f"{name}: Ringfence says {one['verdict']}, Z3 {verdict}: {one['witness']}")
    for kind, all_of in by_kind.items():
        times = [one["ms"] for _, one in all_of]
        open_of = [(name, one["reason"]) for name, one in all_of if one["verdict"] == "undecided"]
        print(
            f"{kind}: {len(all_of)} questions, median {statistics.median(times):.3f} ms, "
            f"worst {max(times):.1f} ms, {len(open_of)} undecided"
        )
        for name, reason in open_of:
            print(f"  undecided: {name}: {reason}")
        if kind == "itself":
            faults += [f"{name} is not within itself" for name, one in all_of if one["verdict"] != "proved"]
        else:
            if statistics.median(times) > MEDIAN or max(times) > WORST:
                faults.append(f"{kind}: more than {MEDIAN} ms at the median or {WORST} ms at the worst")
        if kind == "versions" and max(times) > VERSIONS:
            faults.append(f"versions: more than {VERSIONS} ms at the worst")
        if len(open_of) > UNDECIDED * len(all_of):
            faults.append(f"{kind}: more than {UNDECIDED:.0%} are undecided")
    ratio = statistics.median(solver) / statistics.median(mine)
    print(
        f"beside Z3 {z3.get_version_string()}, {len(mine)} questions that it can be asked: median "
        f"{statistics.median(mine):.3f} ms and {statistics.median(solver):.3f} ms, {ratio:.1f} times; worst "
        f"{max(mine):.1f} ms and {max(solver):.1f} ms; Z3 leaves {unknown} undecided; {lists} broken by a list alone"
    )
    if len(mine) < 500:
        faults.append(f"{len(mine)} pairs are fewer than 500")
    if ratio < FASTER:
        faults.append(f"{ratio:.1f} times as fast at the median is less than {FASTER}")
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults or unreadable else 0


sys.exit(main())

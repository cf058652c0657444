import hashlib
import os
import re
import sys


def regex(pattern):
    text, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            text, at = text + "(?:[^/]+/)*", at + 3
        elif pattern.startswith("**", at):
            text, at = text + ".*", at + 2
        elif pattern[at] == "*":
            text, at = text + "[^/]*", at + 1
        elif pattern[at] == "?":
            text, at = text + "[^/]", at + 1
        elif pattern[at] == "[" and "]" in pattern[at + 2 :]:
            end = pattern.index("]", at + 2)
            inner = pattern[at + 1 : end].replace("\\", "\\\\")
            inner = "^" + inner[1:] if inner[0] == "!" else inner
            text, at = text + "[" + inner + "]", end + 1
        else:
            text, at = text + re.escape(pattern[at]), at + 1
    # A directory means all that is in it.
    return re.compile(text.rstrip("/") + "(?:/.*)?")


root = os.getcwd()
rules = []
for line in "\n".join(sys.argv[1:]).split("\n"):
    line = line.strip()
    if not line or line.startswith("#") or line.startswith("--"):
        continue
    out = line.startswith("!")
    line = line[1:] if out else line
    line = os.path.normpath(line) if line != "." else "**"
    if line.startswith(root + "/"):
        line = line[len(root) + 1 :]
    rules.append((out, regex(line)))

found = []
for directory, names, files in os.walk(root):
    names.sort()
    for name in files:
        path = os.path.join(directory, name)
        relative = os.path.relpath(path, root)
        taken = False
        for out, rule in rules:
            if rule.fullmatch(relative):
                taken = not out
        if taken and os.path.isfile(path):
            found.append(path)

total = hashlib.sha256()
for path in sorted(found):
    one = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 16):
            one.update(block)
    total.update(one.digest())
print("hash:" + (total.hexdigest() if found else ""))

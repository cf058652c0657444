import glob
import os
import shutil
import sys

work = os.getcwd()
target = os.environ["RINGFENCE_TARGET"]
hidden = os.environ["RINGFENCE_HIDDEN"] == "true"
taken, out, roots = set(), set(), []


def files(path):
    if os.path.isdir(path):
        for directory, _, names in os.walk(path, followlinks=True):
            paths = (os.path.join(directory, name) for name in names)
            yield from (path for path in paths if os.path.isfile(path))
    elif os.path.isfile(path):
        yield path


for line in os.environ["RINGFENCE_PATHS"].split("\n"):
    line = line.strip()
    if not line:
        continue
    exclude = line.startswith("!")
    pattern = os.path.normpath(os.path.join(work, os.path.expanduser(line[exclude:])))
    found = {
        file
        for path in glob.glob(pattern, recursive=True, include_hidden=True)
        for file in files(path)
    }
    if exclude:
        out |= found
        continue
    taken |= found
    # What stands before the first wildcard, or the directory of a file.
    root = pattern
    while glob.has_magic(root) or not os.path.isdir(root):
        if root == os.path.dirname(root):
            break
        root = os.path.dirname(root)
    roots.append(root)

taken -= out
root = os.path.commonpath(roots) if roots else work
chosen = []
for file in sorted(taken):
    relative = os.path.relpath(file, root)
    if hidden or not any(part.startswith(".") for part in relative.split(os.sep)):
        chosen.append((file, relative))
if not chosen:
    print("ringfence: no files were found")
    sys.exit(1)
for file, relative in chosen:
    copy = os.path.join(target, relative)
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    shutil.copy(file, copy)
print(f"{len(chosen)} files")

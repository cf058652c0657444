"""What a program and all that it started use, seen from outside."""
import os

PAGE = os.sysconf("SC_PAGE_SIZE")
BLOCK = 512


def descendants(of):
    found = []
    waiting = [of]
    while waiting:
        process = waiting.pop()
        try:
            for thread in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{thread}/children") as file:
                    inner = [int(it) for it in file.read().split()]
                found += inner
                waiting += inner
        except OSError:
            pass
    return found


def rough(process):
    """Bytes of a process's private memory; what forks share counts for each."""
    try:
        with open(f"/proc/{process}/statm") as file:
            _, resident, shared, *_ = file.read().split()
        return (int(resident) - int(shared)) * PAGE
    except (OSError, ValueError):
        return 0


def exact(process):
    """The same, in which what forks share counts once. A process that does not
    let itself be looked at counts roughly."""
    try:
        with open(f"/proc/{process}/smaps_rollup") as file:
            parts = [line.split() for line in file if line.startswith("Pss_Anon:")]
        return sum(int(part[1]) << 10 for part in parts) if parts else rough(process)
    except (OSError, ValueError):
        return rough(process)


def memory(of):
    """Bytes of private memory in use by all that is below us."""
    return sum(of(process) for process in descendants(os.getpid()))


def disk(directories):
    """Bytes of the files in directories. No link is followed."""
    total = 0
    waiting = list(directories)
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    total += entry.stat(follow_symlinks=False).st_blocks * BLOCK
        except OSError:
            pass
    return total


def written(output):
    """Bytes of the file that the program's output goes to, if it is one."""
    return 0 if output is None else os.fstat(output).st_blocks * BLOCK


def passed_bound(spec, output):
    """Which bound was passed, in words."""
    bounds = spec["bounds"]
    most = bounds["total_memory_bytes"]
    if memory(rough) > most and memory(exact) > most:
        return f"more than {bounds['total_memory_bytes'] >> 20} MB of memory"
    if bounds["disk_bytes"] is not None:
        places = [it["source"] for it in spec["mounts"] if it["kind"] == "writable"]
        if disk(places) + written(output) > bounds["disk_bytes"]:
            return f"more than {bounds['disk_bytes'] >> 20} MB of disk"
    return None

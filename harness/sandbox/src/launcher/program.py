"""The program itself: who it is, what it may use, and its start."""
import os
import resource

NO_LIMIT = resource.RLIM_INFINITY


def limit(which, value):
    """A bound, where there is one that is lower than the one that is there."""
    if value is None:
        return
    _, hard = resource.getrlimit(which)
    if hard != NO_LIMIT:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def threads_of(user):
    """How many threads a user has."""
    count = 0
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/status") as file:
                    said = dict(line.split(":", 1) for line in file)
                if int(said["Uid"].split()[0]) == user:
                    count += int(said["Threads"])
            except (OSError, KeyError, ValueError):
                pass
    return count


def bound(spec):
    bounds = spec["bounds"]
    with step("bounds"):
        processes = bounds["processes"]
        if not spec["other_user"] and spec["mechanism"] != "namespaces":
            # The kernel counts all that the user runs.
            processes += threads_of(spec["uid"])
        limit(resource.RLIMIT_NPROC, processes)
        limit(resource.RLIMIT_CORE, bounds["core_bytes"])
        limit(resource.RLIMIT_NOFILE, bounds["open_files"])
        limit(resource.RLIMIT_FSIZE, bounds["file_bytes"])
        limit(resource.RLIMIT_DATA, bounds["memory_bytes"])
        limit(resource.RLIMIT_MEMLOCK, bounds["locked_bytes"])
        limit(resource.RLIMIT_MSGQUEUE, 0)


def start(spec, rules):
    """Becomes the program. Comes back only with an error."""
    os.setsid()
    bound(spec)
    if spec["other_user"]:
        with step("another user"):
            kept = None
            if spec["mechanism"] == "landlock":
                # The user may not pass the directories above its own files,
                # which others made for themselves. Landlock alone says then what
                # can be read, and it lets nothing pass that is not listed.
                kept = keep_capability([CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE])
            bound_capabilities(but=kept)
            os.setgroups([])
            os.setresgid(spec["gid"], spec["gid"], spec["gid"])
            os.setresuid(spec["uid"], spec["uid"], spec["uid"])
            confirm_capability(kept)
    if spec["mechanism"] != "nothing":
        with step("the end of all privileges"):
            if not spec["other_user"]:
                drop_capabilities()
            prctl(PR_SET_NO_NEW_PRIVS, 1)
    if rules is not None:
        restrict_self(rules)
    if spec["mechanism"] != "nothing":
        with step("the filter of system calls"):
            install(spec["mechanism"] == "landlock", spec["held"])
    with step("program"):
        os.chdir(spec["directory"])
        os.execvpe(spec["program"], [spec["program"], *spec["arguments"]], dict(spec["environment"]))

"""Starts a program behind walls, waits for it, and ends all that it started.

Standard input is a socket to the owner. What is to be done comes over it; the
answer goes back, with the sockets that listen inside. When the owner closes
its end, or dies, everything ends."""
import array
import json
import os
import select
import signal
import socket
import stat
import struct
import sys

# Milliseconds between two looks at memory and disk.
LOOK = 500
# What the owner says while the program runs.
FREEZE, THAW = b"F", b"T"
POLL_IN = select.POLLIN | select.POLLHUP | select.POLLERR


def receive(owner):
    def exactly(count):
        data = bytearray()
        while len(data) < count:
            piece = owner.recv(min(count - len(data), 1 << 20))
            if not piece:
                os._exit(0)
            data += piece
        return bytes(data)

    (size,) = struct.unpack("<I", exactly(4))
    return json.loads(exactly(size))


def answer(owner, message, sockets=()):
    data = json.dumps(message).encode() + b"\n"
    handles = array.array("i", [it.fileno() for it in sockets])
    extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handles)] if sockets else []
    try:
        sent = owner.sendmsg([data], extra)
        if sent < len(data):
            owner.sendall(data[sent:])
    except OSError:
        # The owner is gone; whoever waits for it next sees it.
        pass


def told(failure):
    """A failure as the owner reads it."""
    return {"failed": failure.what, "number": failure.number}


def child(spec, rules, errors):
    """The program's own process, from fork to exec."""
    try:
        start(spec, rules)
    except Failed as failure:
        os.write(errors, json.dumps(told(failure)).encode())
    except BaseException as error:
        os.write(errors, json.dumps({"failed": repr(error), "number": 0}).encode())
    os._exit(127)


def first_process(spec, errors, statuses):
    """The first process of a tree of its own: when it ends, the tree does."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    prctl(PR_SET_DUMPABLE, 0)
    try:
        build(spec)
        program = os.fork()
    except Failed as failure:
        os.write(errors, json.dumps(told(failure)).encode())
        os._exit(1)
    if program == 0:
        child(spec, None, errors)
    os.close(errors)
    null = os.open("/dev/null", os.O_RDWR)
    for number in (1, 2):
        os.dup2(null, number)
    drop_capabilities()
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == program:
            os.write(statuses, struct.pack("i", status))
            os._exit(0)


def own_streams(spec):
    """A pipe may be opened again by its path (`/dev/stderr`) by its owner only."""
    for number in (1, 2):
        try:
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                os.fchown(number, spec["uid"], spec["gid"])
        except OSError:
            pass


def finish(status):
    """Ends as the program did."""
    if os.WIFSIGNALED(status):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        number = os.WTERMSIG(status)
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))


def started(owner, errors, sockets):
    """Tells the owner that the program runs, or why it does not."""
    said = b""
    while piece := os.read(errors, 4096):
        said += piece
    os.close(errors)
    if said:
        answer(owner, json.loads(said))
        return False
    answer(owner, {"started": True}, sockets)
    for listener in sockets:
        listener.close()
    null = os.open("/dev/null", os.O_RDWR)
    for number in (1, 2):
        os.dup2(null, number)
    os.close(null)
    return True


def told_to(owner, root):
    """Does what the owner says to all below a process; not where the owner went."""
    try:
        said = owner.recv(1)
    except OSError:
        return False
    if said == FREEZE:
        answer(owner, {"frozen": freeze(root)})
    elif said == THAW:
        thaw(root)
        answer(owner, {"thawed": True})
    return said in (FREEZE, THAW)


def watch(owner, ended, spec, output, root):
    """Whether the program came to its end; else the owner went, or a bound that
    no call of the kernel keeps was passed, of which the owner is told."""
    waiting = select.poll()
    waiting.register(owner.fileno(), POLL_IN)
    waiting.register(ended, POLL_IN)
    while True:
        ready = [number for number, _ in waiting.poll(LOOK)]
        if ended in ready:
            return True
        if ready:
            if told_to(owner, root):
                continue
            return False
        passed = passed_bound(spec, output)
        if passed:
            answer(owner, {"exceeded": passed})
            return False


def in_namespaces(owner, spec, output):
    separate(spec["other_user"])
    sockets = listen(spec["openings"])
    errors, errors_in = os.pipe()
    statuses, statuses_in = os.pipe()
    first = os.fork()
    if first == 0:
        first_process(spec, errors_in, statuses_in)
    os.close(errors_in)
    os.close(statuses_in)
    status = b""
    try:
        if started(owner, errors, sockets) and watch(owner, statuses, spec, output, first):
            status = os.read(statuses, 4)
    finally:
        os.kill(first, signal.SIGKILL)
        # The kernel lets it end after all others of its tree.
        os.waitpid(first, 0)
    return status


def end_all(spec):
    """Ends everything that has come to be below us; orphans are given to us."""
    if spec["other_user"]:
        # Nobody else is that user: one call ends all, whatever they start.
        killer = os.fork()
        if killer == 0:
            os.setresuid(spec["uid"], spec["uid"], spec["uid"])
            os.kill(-1, signal.SIGKILL)
            os._exit(0)
        os.waitpid(killer, 0)
    while True:
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for process in descendants(os.getpid()):
                try:
                    os.kill(process, number)
                except OSError:
                    pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            select.select([], [], [], 0.001)
        except ChildProcessError:
            return


def below_us(owner, spec, output):
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    rules = ruleset(spec) if spec["mechanism"] == "landlock" else None
    errors, errors_in = os.pipe()
    program = os.fork()
    if program == 0:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        child(spec, rules, errors_in)
    os.close(errors_in)
    handle = os.pidfd_open(program)
    status = b""
    try:
        if started(owner, errors, []) and watch(owner, handle, spec, output, os.getpid()):
            status = struct.pack("i", os.waitpid(program, 0)[1])
    finally:
        end_all(spec)
    return status


def main():
    os.closerange(3, 65536)
    os.umask(0o022)
    owner = socket.socket(fileno=os.dup(0))
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    # Where memory is short, this goes first, with all that comes of it.
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    spec = receive(owner)
    own_streams(spec)
    # Both streams are given up once the program runs. A pipe is not kept: its
    # reader waits for the end of all who hold it.
    output = os.dup(1) if stat.S_ISREG(os.fstat(1).st_mode) else None
    try:
        run = in_namespaces if spec["mechanism"] == "namespaces" else below_us
        status = run(owner, spec, output)
    except Failed as failure:
        answer(owner, told(failure))
        os._exit(1)
    if len(status) == 4:
        finish(struct.unpack("i", status)[0])
    os._exit(1)


main()

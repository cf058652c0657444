"""Calls of the kernel that Python has no function for."""
import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

MACHINE = os.uname().machine

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
PR_SET_KEEPCAPS, PR_CAP_AMBIENT_RAISE, PR_CAP_AMBIENT_CLEAR_ALL = 8, 2, 4
PR_SET_SECUREBITS, SECURE_NO_SETUID_FIXUP = 28, 0b1100
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 24, 36, 38, 47

# The numbers that differ between the machines; newer calls have one everywhere.
NUMBERS = {
    "x86_64": {"pivot_root": 155, "capset": 126},
    "aarch64": {"pivot_root": 41, "capset": 91},
}.get(MACHINE, {})
MOUNT_SETATTR, LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 442, 444, 445, 446


class Failed(Exception):
    """What was being done, and the kernel's number for why it cannot be."""

    def __init__(self, what, number):
        super().__init__(what)
        self.what, self.number = what, number


class step:
    """Names what is being done, for the error's sake."""

    def __init__(self, what):
        self.what = what

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, OSError):
            raise Failed(self.what, error.errno or 0) from error


def check(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(number, *arguments):
    if number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    passed = [ctypes.c_long(it) if isinstance(it, int) else it for it in arguments]
    return check(libc.syscall(ctypes.c_long(number), *passed))


def prctl(option, *arguments):
    passed = [ctypes.c_ulong(it) if isinstance(it, int) else it for it in arguments]
    passed += [ctypes.c_ulong(0)] * (4 - len(passed))
    return check(libc.prctl(ctypes.c_int(option), *passed))


def unshare(flags):
    check(libc.unshare(ctypes.c_int(flags)))


def mount(source, target, kind, flags, data=None):
    texts = [None if it is None else os.fsencode(it) for it in (source, target, kind, data)]
    check(libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]))


def drop_capabilities():
    """None is left, and none can come back with a program that has some."""
    bound_capabilities()
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    syscall(NUMBERS.get("capset"), header, (ctypes.c_uint32 * 6)())


def keep_capability(candidates):
    """Keeps the first of these that is there, over a change of user and over
    the start of a program, and nothing else. Call it before `confirm`."""
    with open("/proc/self/status") as file:
        held = next(int(line.split()[1], 16) for line in file if line.startswith("CapPrm"))
    prctl(PR_SET_KEEPCAPS, 1)
    # Else `access` answers without it, and programs take for absent what they
    # could open.
    prctl(PR_SET_SECUREBITS, SECURE_NO_SETUID_FIXUP)
    return next((it for it in candidates if held & (1 << it)), None)


def confirm_capability(capability):
    """After the change of user: what was kept is in force."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    mask = 0 if capability is None else 1 << capability
    syscall(NUMBERS.get("capset"), header, (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0))
    if capability is not None:
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)


def bound_capabilities(but=None):
    for capability in range(64):
        if capability == but:
            continue
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError as error:
            # The kernel knows no capability of this number, or we may not drop
            # any: then `no_new_privs` alone stands against it.
            if error.errno == errno.EINVAL:
                break
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)

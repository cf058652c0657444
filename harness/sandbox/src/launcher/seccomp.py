"""The filter of system calls: what neither a step nor a function needs, and
what would reach around the rest of the walls."""
import ctypes
import errno
import struct

# https://github.com/torvalds/linux/blob/master/arch/x86/entry/syscalls/syscall_64.tbl
# https://github.com/torvalds/linux/blob/master/include/uapi/asm-generic/unistd.h
REFUSED = {
    "x86_64": {
        "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
        "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161,
        "setns": 308, "unshare": 272,
        "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
        "keyctl": 250, "add_key": 248, "request_key": 249,
        "kexec_load": 246, "kexec_file_load": 320,
        "init_module": 175, "finit_module": 313, "delete_module": 176,
        "name_to_handle_at": 303, "open_by_handle_at": 304,
        "reboot": 169, "swapon": 167, "swapoff": 168, "acct": 163, "quotactl": 179,
        "syslog": 103, "settimeofday": 164, "clock_settime": 227, "adjtimex": 159,
        "clock_adjtime": 305, "sethostname": 170, "setdomainname": 171, "vhangup": 153,
        "iopl": 172, "ioperm": 173, "modify_ldt": 154,
    },
    "aarch64": {
        "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272,
        "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51,
        "setns": 268, "unshare": 97,
        "bpf": 280, "perf_event_open": 241, "userfaultfd": 282,
        "keyctl": 219, "add_key": 217, "request_key": 218,
        "kexec_load": 104, "kexec_file_load": 294,
        "init_module": 105, "finit_module": 273, "delete_module": 106,
        "name_to_handle_at": 264, "open_by_handle_at": 265,
        "reboot": 142, "swapon": 224, "swapoff": 225, "acct": 89, "quotactl": 60,
        "syslog": 116, "settimeofday": 170, "clock_settime": 112, "adjtimex": 171,
        "clock_adjtime": 266, "sethostname": 161, "setdomainname": 162, "vhangup": 58,
    },
}
# Memory, semaphores and queues that processes share by a number, which outlive them:
# Landlock has no rule for them, a namespace has its own.
SHARED_BY_NUMBER = {
    "x86_64": {
        "shmget": 29, "shmat": 30, "semget": 64, "semop": 65, "semtimedop": 220,
        "msgget": 68, "msgsnd": 69, "msgrcv": 70, "mq_open": 240,
    },
    "aarch64": {
        "shmget": 194, "shmat": 196, "semget": 190, "semop": 193, "semtimedop": 192,
        "msgget": 186, "msgsnd": 189, "msgrcv": 188, "mq_open": 180,
    },
}
# What changes another process of the same user, and which argument names it: zero is
# the caller itself. Landlock has no rule for them, a namespace shows no other.
OWN_ALONE = {
    "x86_64": {
        "prlimit64": (302, 0), "sched_setaffinity": (203, 0), "sched_setparam": (142, 0),
        "sched_setscheduler": (144, 0), "sched_setattr": (314, 0), "migrate_pages": (256, 0), "move_pages": (279, 0),
    },
    "aarch64": {
        "prlimit64": (261, 0), "sched_setaffinity": (122, 0), "sched_setparam": (118, 0),
        "sched_setscheduler": (119, 0), "sched_setattr": (274, 0), "migrate_pages": (238, 0), "move_pages": (239, 0),
    },
}
# The same, of a process, a group or all of a user's: the first argument says which, and
# the second number here is what it says for a process. The second argument is whose.
OWN_ALONE_OF_KIND = {
    "x86_64": {"setpriority": (141, 0), "ioprio_set": (251, 1)},
    "aarch64": {"setpriority": (140, 0), "ioprio_set": (30, 1)},
}
# The same number on every machine: pidfd_getfd, process_madvise, io_uring_*,
# open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr,
# quotactl_fd, process_mrelease, open_tree_attr.
REFUSED_EVERYWHERE = [438, 440, 425, 426, 427, 428, 429, 430, 431, 432, 433, 442, 443, 448, 467]

ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CLONE = {"x86_64": 56, "aarch64": 220}
SOCKET = {"x86_64": 41, "aarch64": 198}
IOCTL = {"x86_64": 16, "aarch64": 29}
# What sends a signal later, by itself: `SIGCONT` would wake a program that is held.
# Programs that know `timer_create` take `setitimer`, whose signals are others, where it
# is not there.
TIMER_CREATE = {"x86_64": 222, "aarch64": 107}
FCNTL, F_SETSIG = {"x86_64": 72, "aarch64": 25}, 10
CLONE3 = 435
NAMESPACES = 0x7E020080
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
SOCK_STREAM, SOCK_TYPE = 1, 0xF
IPPROTO_TCP = 6

LOAD, EQUAL, AT_LEAST, ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
ALLOW, ERROR = 0x7FFF0000, 0x00050000
NUMBER, MACHINE_AT, ARGUMENTS = 0, 4, 16


def low(argument):
    """Where the low half of an argument is."""
    return ARGUMENTS + 8 * argument


def jump(how, value, yes, no):
    return (how, yes, no, value)


def load(at):
    return (LOAD, 0, 0, at)


def refuse(number):
    return (RETURN, 0, 0, ERROR | number)


PASS = (RETURN, 0, 0, ALLOW)


def where(number, rules):
    """Rules for one call; they load what they like and end in an answer."""
    return [jump(EQUAL, number, 0, len(rules))] + rules


def sockets(only_tcp):
    if not only_tcp:
        # Others leave the network namespace (vsock) or reach parts of the
        # kernel that nobody here needs.
        rules = [load(low(0))]
        for family in (AF_UNIX, AF_INET, AF_INET6, AF_NETLINK):
            rules += [jump(EQUAL, family, 0, 1), PASS]
        return rules + [refuse(errno.EAFNOSUPPORT)]
    # Landlock sees TCP alone, and no Unix socket that has a path.
    return [
        load(low(0)),
        jump(EQUAL, AF_INET, 1, 0),
        jump(EQUAL, AF_INET6, 0, 7),
        load(low(1)),
        (AND, 0, 0, SOCK_TYPE),
        jump(EQUAL, SOCK_STREAM, 0, 4),
        load(low(2)),
        jump(EQUAL, 0, 1, 0),
        jump(EQUAL, IPPROTO_TCP, 0, 1),
        PASS,
        refuse(errno.EACCES),
    ]


def program(machine, only_tcp, held):
    """The filter as the kernel reads it."""
    if machine not in ARCHITECTURE:
        raise OSError(errno.ENOSYS, "no filter for this machine")
    rules = [load(MACHINE_AT), jump(EQUAL, ARCHITECTURE[machine], 1, 0), refuse(errno.ENOSYS), load(NUMBER)]
    if machine == "x86_64":
        # The calls of x32.
        rules += [jump(AT_LEAST, 0x40000000, 0, 1), refuse(errno.ENOSYS)]
    refused = [*REFUSED[machine].values(), *REFUSED_EVERYWHERE]
    if only_tcp:
        # Landlock alone parts these processes.
        refused += SHARED_BY_NUMBER[machine].values()
    for number in refused:
        rules += [jump(EQUAL, number, 0, 1), refuse(errno.EPERM)]
    # Its flags are behind a pointer; the C libraries fall back to `clone`.
    rules += [jump(EQUAL, CLONE3, 0, 1), refuse(errno.ENOSYS)]
    rules += where(CLONE[machine], [load(low(0)), jump(ANY_BIT, NAMESPACES, 0, 1), refuse(errno.EPERM), PASS])
    rules += where(
        IOCTL[machine],
        [load(low(1)), jump(EQUAL, TIOCSTI, 1, 0), jump(EQUAL, TIOCLINUX, 0, 1), refuse(errno.EPERM), PASS],
    )
    if held:
        rules += where(TIMER_CREATE[machine], [refuse(errno.ENOSYS)])
        rules += where(FCNTL[machine], [load(low(1)), jump(EQUAL, F_SETSIG, 0, 1), refuse(errno.EPERM), PASS])
    if only_tcp:
        for number, who in OWN_ALONE[machine].values():
            rules += where(number, [load(low(who)), jump(EQUAL, 0, 1, 0), refuse(errno.EPERM), PASS])
        for number, process in OWN_ALONE_OF_KIND[machine].values():
            rules += where(number, [
                load(low(0)), jump(EQUAL, process, 0, 2),
                load(low(1)), jump(EQUAL, 0, 1, 0),
                refuse(errno.EPERM), PASS,
            ])
    rules += where(SOCKET[machine], sockets(only_tcp))
    rules.append(PASS)
    return b"".join(struct.pack("HBBI", *rule) for rule in rules)


def install(only_tcp, held):
    code = program(MACHINE, only_tcp, held)
    held = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(held)))
    prctl(PR_SET_SECCOMP, 2, ctypes.byref(header))

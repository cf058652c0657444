"""Walls of Landlock: files by what is beneath them, TCP by port, signals and
abstract sockets by domain. https://docs.kernel.org/userspace-api/landlock.html"""
import ctypes
import os
import stat
import struct

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
MAKE_CHAR, MAKE_BLOCK = 1 << 6, 1 << 11
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
ALL_FILES = (1 << 16) - 1
OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READ = EXECUTE | READ_FILE | READ_DIR
WRITE = ALL_FILES & ~(MAKE_CHAR | MAKE_BLOCK | IOCTL_DEV)
BIND_TCP, CONNECT_TCP = 1, 2
SCOPE_ABSTRACT_UNIX, SCOPE_SIGNAL = 1, 2
PATH_BENEATH, NET_PORT = 1, 2
VERSION = 1

# TCP rules came with it (Linux 6.7); without them the network would be open.
OLDEST = 4
# Facts of the machine, of no process.
PROC = ["cpuinfo", "meminfo", "stat", "version", "filesystems", "loadavg", "uptime", "sys/vm/overcommit_memory",
        "sys/kernel/osrelease", "sys/kernel/cap_last_cap"]


def interface():
    """Which version of Landlock the kernel has."""
    with step("Landlock"):
        version = syscall(LANDLOCK_CREATE, None, 0, VERSION)
    if version < OLDEST:
        raise Failed(f"Landlock of version {OLDEST} (there is {version})", errno.ENOSYS)
    return version


def ruleset(spec):
    """The rules, while all paths can still be opened."""
    version = interface()
    handled = ALL_FILES if version >= 5 else ALL_FILES & ~IOCTL_DEV
    scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL if version >= 6 else 0
    attributes = struct.pack("QQQ", handled, BIND_TCP | CONNECT_TCP, scoped)
    size = len(attributes) if version >= 6 else 16
    with step("Landlock's rules"):
        rules = syscall(LANDLOCK_CREATE, ctypes.c_char_p(attributes), size, 0)
    readable = DIRECTORIES + [f"/etc/{name}" for name in ETC + ["passwd", "group", "hosts"]]
    allowed = [(path, READ) for path in existing(readable)]
    allowed += [(f"/proc/{name}", READ_FILE) for name in PROC if os.path.exists(f"/proc/{name}")]
    allowed += [(path, READ_FILE | WRITE_FILE) for path in existing([f"/dev/{name}" for name in DEVICES])]
    for wall in spec["mounts"]:
        with step(f"`{wall['source']}`"):
            allowed.append((wall["source"], WRITE if wall["kind"] == "writable" else READ))
    for path, rights in allowed:
        with step(f"`{path}`"):
            at = os.open(path, os.O_PATH | os.O_CLOEXEC)
            if not stat.S_ISDIR(os.fstat(at).st_mode):
                rights &= OF_A_FILE
            rule = struct.pack("=Qi", rights & handled, at)
            syscall(LANDLOCK_ADD, rules, PATH_BENEATH, ctypes.c_char_p(rule), 0)
            os.close(at)
    for _, port in spec["openings"]:
        with step(f"port {port}"):
            rule = struct.pack("QQ", CONNECT_TCP, port)
            syscall(LANDLOCK_ADD, rules, NET_PORT, ctypes.c_char_p(rule), 0)
    return rules


def restrict_self(rules):
    with step("Landlock"):
        syscall(LANDLOCK_RESTRICT, rules, 0)
    os.close(rules)

"""Walls of namespaces: a process tree, a network with nothing but loopback,
and a root directory of one's own."""
import ctypes
import fcntl
import os
import socket
import struct

MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4
AT_EMPTY_PATH, AT_RECURSIVE = 0x1000, 0x8000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
SIOCSIFADDR, SIOCSIFNETMASK = 0x8916, 0x891C

# The kernel's names of users that a program may look up.
PASSWD = "root:x:0:0:root:/:/bin/sh\nrunner:x:{uid}:{gid}::{home}:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n"
GROUP = "root:x:0:\nrunner:x:{gid}:\nnogroup:x:65534:\n"
HOSTS = "127.0.0.1 localhost\n::1 localhost\n"


def separate(other_user):
    """Leaves all namespaces but that of the mounts; the next child is the
    first of the new process tree."""
    if not other_user:
        user, group = os.geteuid(), os.getegid()
        with step("a user namespace"):
            unshare(CLONE_NEWUSER)
        with step("the users of the user namespace"):
            write("/proc/self/setgroups", "deny")
            write("/proc/self/uid_map", f"{user} {user} 1")
            write("/proc/self/gid_map", f"{group} {group} 1")
    with step("namespaces"):
        unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID)
    with step("the host's name"):
        socket.sethostname("localhost")
    with step("the loopback interface"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        name = b"lo".ljust(16, b"\0")
        request = fcntl.ioctl(control, SIOCGIFFLAGS, name + bytes(24))
        (flags,) = struct.unpack_from("H", request, 16)
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", name, flags | IFF_UP))


def have(address):
    """Gives the loopback interface one more address, and no network with it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for request, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, "255.255.255.255")):
            given = struct.pack("=16sHxx4s16x", b"lo:1", socket.AF_INET, socket.inet_aton(value))
            fcntl.ioctl(control, request, given)


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def listen(openings):
    """The openings, as the program inside sees them."""
    sockets = []
    for address in sorted({address for address, _ in openings} - {"127.0.0.1"}):
        with step(f"the address {address}"):
            have(address)
    for address, port in openings:
        with step(f"port {port} inside"):
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            listener.bind((address, port))
            listener.listen(128)
            sockets.append(listener)
    return sockets


class Root:
    """A root directory under construction."""

    def __init__(self):
        # What is shown was opened before: only the old /dev is covered, which
        # is there everywhere, and which nothing here reads from.
        place = "/dev"
        self.devices = [(f"/dev/{name}", os.open(f"/dev/{name}", os.O_PATH)) for name in DEVICES]
        with step("the root directory"):
            mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=16m")
            self.top = os.open(place, os.O_PATH | os.O_DIRECTORY)

    def parent(self, path):
        """The directory that holds a path, made where it is not there, and the
        last name. No link is followed: what a program left cannot lead away."""
        *parts, last = [part for part in path.split("/") if part]
        at = os.dup(self.top)
        for part in parts:
            at = self.enter(at, part)
        return at, last

    def enter(self, at, part):
        try:
            os.mkdir(part, 0o755, dir_fd=at)
        except FileExistsError:
            pass
        inner = os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
        os.close(at)
        return inner

    def directory(self, path):
        at, last = self.parent(path)
        return self.enter(at, last)

    def file(self, path, text=""):
        at, last = self.parent(path)
        try:
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
            with open(os.open(last, flags, 0o644, dir_fd=at), "w") as file:
                file.write(text)
        except FileExistsError:
            pass
        inner = os.open(last, os.O_PATH | os.O_NOFOLLOW, dir_fd=at)
        os.close(at)
        return inner

    def link(self, path, to):
        at, last = self.parent(path)
        os.symlink(to, last, dir_fd=at)
        os.close(at)

    def bind(self, source, path, attributes):
        """Shows an opened file or directory of the old root at a path."""
        is_directory = os.path.isdir(f"/proc/self/fd/{source}")
        make = self.directory if is_directory else self.file
        at = make(path)
        mount(f"/proc/self/fd/{source}", f"/proc/self/fd/{at}", None, MS_BIND | MS_REC)
        os.close(at)
        if attributes:
            # What is mounted is on top of what was made.
            at = make(path) if is_directory else self.opened(path)
            restrict(at, attributes, AT_RECURSIVE)
            os.close(at)

    def opened(self, path):
        at, last = self.parent(path)
        inner = os.open(last, os.O_PATH | os.O_NOFOLLOW, dir_fd=at)
        os.close(at)
        return inner

    def tmpfs(self, path, mode, size):
        at = self.directory(path)
        data = f"mode={mode},size={size}"
        mount("tmpfs", f"/proc/self/fd/{at}", "tmpfs", MS_NOSUID | MS_NODEV, data)
        os.close(at)

    def enter_for_good(self):
        with step("the root directory's place"):
            os.fchdir(self.top)
            syscall(NUMBERS.get("pivot_root"), ctypes.c_char_p(b"."), ctypes.c_char_p(b"."))
            check(libc.umount2(b".", ctypes.c_int(MNT_DETACH)))
            os.chdir("/")
            at = os.open("/", os.O_PATH | os.O_DIRECTORY)
            restrict(at, ATTR_RDONLY, 0)
            os.close(at)


def restrict(at, attributes, recursive):
    wanted = struct.pack("QQQQ", attributes, 0, 0, 0)
    syscall(MOUNT_SETATTR, at, ctypes.c_char_p(b""), AT_EMPTY_PATH | recursive, ctypes.c_char_p(wanted), len(wanted))


def build(spec):
    """Makes the root directory and moves into it."""
    with step("mounts of its own"):
        unshare(CLONE_NEWNS)
        mount(None, "/", None, MS_REC | MS_PRIVATE)
    opened = []
    shown = existing(DIRECTORIES) + existing([f"/etc/{name}" for name in ETC])
    for wall in spec["mounts"]:
        if wall["kind"] == "readable" and wall["source"] == wall["at"] and beneath(wall["at"], shown):
            continue
        if wall["kind"] != "tmpfs":
            with step(f"`{wall['source']}`"):
                opened.append((wall, os.open(wall["source"], os.O_PATH)))
        else:
            opened.append((wall, None))
    system = [(path, os.open(path, os.O_PATH)) for path in existing(DIRECTORIES) if not os.path.islink(path)]
    system += [(path, os.open(path, os.O_PATH)) for path in existing([f"/etc/{name}" for name in ETC])]
    links = [(path, os.readlink(path)) for path in existing(DIRECTORIES) if os.path.islink(path)]
    root = Root()
    locked = ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV
    for path, source in system:
        with step(f"`{path}`"):
            root.bind(source, path, locked)
    for path, to in links:
        root.link(path, to)
    with step("the users"):
        identity = {"home": spec["home"], "uid": spec["uid"], "gid": spec["gid"]}
        root.file("/etc/passwd", PASSWD.format(**identity))
        root.file("/etc/group", GROUP.format(**identity))
        root.file("/etc/hosts", HOSTS)
    with step("the devices"):
        for path, source in root.devices:
            root.bind(source, path, 0)
        for name, to in DEVICE_LINKS.items():
            root.link(f"/dev/{name}", to)
        root.tmpfs("/dev/shm", "1777", "64m")
    with step("a process directory"):
        at = root.directory("/proc")
        mount("proc", f"/proc/self/fd/{at}", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        os.close(at)
    # What holds others comes before them.
    opened.sort(key=lambda it: it[0]["at"].rstrip("/").count("/"))
    for wall, source in opened:
        with step(f"`{wall['at']}`"):
            if wall["kind"] == "tmpfs":
                root.tmpfs(wall["at"], "1777", wall["size"])
            else:
                writable = wall["kind"] == "writable"
                root.bind(source, wall["at"], ATTR_NOSUID | ATTR_NODEV if writable else locked)
    root.enter_for_good()
    for _, source in [*opened, *system, *root.devices]:
        if source is not None:
            os.close(source)

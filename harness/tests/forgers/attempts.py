# What every script of a forger begins with: attempts that print what came of
# them.
import ctypes, errno, os, signal, socket, subprocess, sys
E = os.environ
def attempt(what, action):
    try:
        got = action()
        print(what, "forged", repr(got)[:80])
    except OSError as error:
        print(what, "stopped", errno.errorcode.get(error.errno, error.errno))
def dial(port):
    with socket.create_connection(("127.0.0.1", int(port)), 2) as s:
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return s.recv(100)
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    if libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]) < 0:
        raise OSError(ctypes.get_errno(), "")
NR = {"x86_64": dict(ptrace=101, vm_readv=310, mount=165, unshare=272, bpf=321, keyctl=250, io_uring=425, memfd=319, chroot=161, pivot_root=155, setns=308, open_tree=428, fsopen=430, by_handle=304, perf=298, uffd=323, fanotify=300, reboot=169, clock_settime=227, sethostname=170, pidfd_open=434, vm_writev=311, kcmp=312, prlimit=302, setaffinity=203, syslog=103, shmget=29, setpriority=141),
      "aarch64": dict(ptrace=117, vm_readv=270, mount=40, unshare=97, bpf=280, keyctl=219, io_uring=425, memfd=279, chroot=51, pivot_root=41, setns=268, open_tree=428, fsopen=430, by_handle=265, perf=241, uffd=282, fanotify=262, reboot=142, clock_settime=112, sethostname=161, pidfd_open=434, vm_writev=271, kcmp=272, prlimit=261, setaffinity=122, syslog=116, shmget=194, setpriority=140)}[os.uname().machine]

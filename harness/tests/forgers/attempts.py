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
NR = {"x86_64": dict(ptrace=101, vm_readv=310, mount=165, unshare=272, bpf=321, keyctl=250, io_uring=425, memfd=319),
      "aarch64": dict(ptrace=117, vm_readv=270, mount=40, unshare=97, bpf=280, keyctl=219, io_uring=425, memfd=279)}[os.uname().machine]

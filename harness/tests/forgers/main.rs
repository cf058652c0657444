//! Forgers: hostile workflow steps, each with what it tries and what must come
//! of it. None changes what the harness knows: each is stopped, or its step
//! fails. Every row runs on the strongest mechanism that works here, and on
//! Landlock.
//!
//! A script prints `forged` where it got what it wanted, and otherwise what
//! stopped it. It knows where everything is (`world.rs`).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests, and what they share"
)]

mod attempts;
mod world;

use ringfence::workflow::WorkflowError;
use ringfence_sandbox::Bounds;
use rstest::rstest;

use world::{Ended, SECRET, World, step};

fn python(script: &str) -> String {
    step("python", &format!("{}{script}", attempts::PRELUDE))
}

fn bash(script: &str) -> String {
    step("bash", script)
}

/// All that was printed, the last words of a failed step included.
fn said(ended: &Ended) -> String {
    match ended {
        Ok(report) => report.log.join("\n"),
        Err(WorkflowError::Step(failure)) => {
            format!("{}\n{}", failure.tail.join("\n"), failure.message)
        }
        Err(error) => error.to_string(),
    }
}

/// Each line names what stopped an attempt, in their order.
#[rstest]
#[case::the_emulators_port(
    "attempt('emulator', lambda: dial(E['EMULATOR']))",
    &["emulator stopped ECONNREFUSED|EACCES"]
)]
#[case::every_other_port_of_the_loopback_interface(
    r"
found = []
for port in range(1, 65536):
    with socket.socket() as s:
        # A socket may be given the very port that it asks for, and meet itself.
        if s.connect_ex(('127.0.0.1', port)) == 0 and s.getsockname()[1] != port: found.append(port)
mine = {int(E['GUARD']), int(E['HTTPS_PROXY'].rsplit(':', 1)[1])}
print('ports', 'stopped' if set(found) == mine else 'forged', len(found))",
    &["ports stopped 2"]
)]
#[case::the_emulator_by_ipv6_and_udp(
    r"
attempt('six', lambda: socket.create_connection(('::1', int(E['EMULATOR'])), 2))
attempt('udp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53)))",
    &["six stopped ECONNREFUSED|EACCES", "udp stopped ENETUNREACH|EACCES"]
)]
#[case::the_world_outside(
    r"
attempt('outside', lambda: socket.create_connection(('192.0.2.1', 443), 2))
try: socket.getaddrinfo('example.com', 443); print('names forged')
except socket.gaierror: print('names stopped')",
    &["outside stopped ENETUNREACH|EACCES", "names stopped"]
)]
#[case::raw_and_foreign_sockets(
    r"
attempt('packet', lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt('raw', lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 6))
attempt('vsock', lambda: socket.socket(40, socket.SOCK_STREAM))
attempt('alg', lambda: socket.socket(38, socket.SOCK_SEQPACKET))",
    &[
        "packet stopped EAFNOSUPPORT|EACCES",
        "raw stopped EPERM|EACCES",
        "vsock stopped EAFNOSUPPORT|EACCES",
        "alg stopped EAFNOSUPPORT|EACCES",
    ]
)]
#[case::the_guards_memory(
    r"
attempt('mem', lambda: open('/proc/' + E['HARNESS'] + '/mem', 'r+b'))
attempt('maps', lambda: open('/proc/' + E['HARNESS'] + '/maps').read())",
    &["mem stopped ENOENT|EACCES", "maps stopped ENOENT|EACCES"]
)]
#[case::a_debugger(
    r"
attempt('attach', lambda: call(NR['ptrace'], 16, int(E['HARNESS']), 0, 0))
attempt('seize', lambda: call(NR['ptrace'], 0x4206, os.getppid(), 0, 0))
attempt('read', lambda: call(NR['vm_readv'], int(E['HARNESS']), 0, 0, 0, 0, 0))",
    &["attach stopped EPERM", "seize stopped EPERM", "read stopped EPERM"]
)]
#[case::the_environment_and_command_line_of_others(
    r"
attempt('environ', lambda: open('/proc/' + E['SIGNER'] + '/environ').read())
attempt('cmdline', lambda: open('/proc/' + E['SIGNER'] + '/cmdline').read())
seen = 0
for entry in range(1, 70000):
    try:
        if b'86400' in open(f'/proc/{entry}/cmdline', 'rb').read(): seen += 1
    except OSError: pass
print('seen', seen)",
    &["environ stopped ENOENT|EACCES", "cmdline stopped ENOENT|EACCES", "seen 0"]
)]
#[case::the_first_process(
    r"
attempt('environ', lambda: open('/proc/1/environ').read())
attempt('mem', lambda: open('/proc/1/mem', 'rb'))
attempt('root', lambda: os.listdir('/proc/1/root'))",
    &["environ stopped EACCES", "mem stopped EACCES", "root stopped EACCES"]
)]
#[case::the_signing_key(
    r"
attempt('read', lambda: open(E['KEY']).read())
attempt('list', lambda: os.listdir(E['KEYS']))
attempt('write', lambda: open(E['KEY'], 'w'))
attempt('link', lambda: os.link(E['KEY'], os.path.join(E['HOME'], 'key')))",
    &[
        "read stopped ENOENT|EACCES",
        "list stopped ENOENT|EACCES",
        "write stopped ENOENT|EACCES",
        "link stopped ENOENT|EACCES|EXDEV|EPERM",
    ]
)]
#[case::the_runs_directory(
    r"
attempt('list', lambda: os.listdir(E['RUN'] + '/workflows'))
attempt('new', lambda: open(E['RUN'] + '/forged', 'w'))
attempt('state', lambda: open(E['RUN'] + '/upstream/state', 'w'))
attempt('remove', lambda: os.remove(E['RUN'] + '/upstream/state'))
attempt('rename', lambda: os.rename(E['RUN'] + '/upstream', E['RUN'] + '/other'))",
    &[
        "list stopped ENOENT|EACCES",
        "new stopped ENOENT|EACCES",
        "state stopped ENOENT|EACCES",
        "remove stopped ENOENT|EACCES",
        "rename stopped ENOENT|EACCES",
    ]
)]
#[case::poison_for_the_tools(
    r"
attempt('new', lambda: open(E['TOOLS'] + '/forged', 'w'))
attempt('tool', lambda: open(E['TOOLS'] + '/bin/aws', 'w'))
attempt('replace', lambda: os.rename(E['TOOLS'] + '/bin/aws', E['TOOLS'] + '/bin/old'))",
    &[
        "new stopped EROFS|EACCES",
        "tool stopped EROFS|EACCES",
        "replace stopped EROFS|EACCES",
    ]
)]
#[case::a_stand_in_for_the_next_step(
    r"
import shutil
at = os.path.dirname(shutil.which('sam'))
attempt('stand-in', lambda: os.symlink('/bin/true', at + '/bash'))
attempt('script', lambda: open(sys.argv[0], 'a'))",
    &["stand-in stopped EROFS|EACCES", "script stopped EROFS|EACCES"]
)]
#[case::the_system(
    r"
attempt('usr', lambda: open('/usr/bin/forged', 'w'))
attempt('etc', lambda: open('/etc/passwd', 'a'))
attempt('sys', lambda: open('/proc/sys/kernel/core_pattern', 'w'))
attempt('shadow', lambda: open('/etc/shadow').read())
attempt('node', lambda: os.mknod(os.path.join(E['HOME'], 'disk'), 0o60666, os.makedev(254, 0)))",
    &[
        "usr stopped EROFS|EACCES",
        "etc stopped EROFS|EACCES",
        "sys stopped EROFS|EACCES",
        "shadow stopped ENOENT|EACCES",
        "node stopped EPERM|EACCES",
    ]
)]
#[case::signals_to_others(
    r"
attempt('harness', lambda: os.kill(int(E['HARNESS']), signal.SIGKILL))
attempt('signer', lambda: os.kill(int(E['SIGNER']), signal.SIGSTOP))
attempt('group', lambda: os.killpg(int(E['SIGNER']), signal.SIGKILL))",
    &[
        "harness stopped ESRCH|EPERM",
        "signer stopped ESRCH|EPERM",
        "group stopped ESRCH|EPERM",
    ]
)]
#[case::new_walls_of_its_own(
    r"
attempt('users', lambda: call(NR['unshare'], 0x10000000))
attempt('mount', lambda: call(NR['mount'], 0, 0, 0, 0, 0))
r = subprocess.run(['unshare', '-Ur', 'true'], capture_output=True); print('program', r.returncode)",
    &["users stopped EPERM", "mount stopped EPERM", "program 1"]
)]
#[case::parts_of_the_kernel_that_nobody_needs(
    r"
attempt('bpf', lambda: call(NR['bpf'], 0, 0, 0))
attempt('keys', lambda: call(NR['keyctl'], 0, 0, 0))
attempt('ring', lambda: call(NR['io_uring'], 1, 0))",
    &["bpf stopped EPERM", "keys stopped EPERM", "ring stopped EPERM"]
)]
#[case::another_root(
    r"
attempt('chroot', lambda: call(NR['chroot'], ctypes.c_char_p(b'/tmp')))
attempt('pivot', lambda: call(NR['pivot_root'], 0, 0))
attempt('tree', lambda: call(NR['open_tree'], -100, ctypes.c_char_p(b'/'), 1))
attempt('system', lambda: call(NR['fsopen'], ctypes.c_char_p(b'proc'), 0))
attempt('handle', lambda: call(NR['by_handle'], -100, 0, 0))",
    &[
        "chroot stopped EPERM",
        "pivot stopped EPERM",
        "tree stopped EPERM",
        "system stopped EPERM",
        "handle stopped EPERM",
    ]
)]
#[case::the_names_of_others(
    r"
attempt('net', lambda: call(NR['setns'], os.open('/proc/self/ns/net', os.O_RDONLY), 0))
for name in ['net', 'mnt', 'pid', 'user']:
    attempt(name + '-of-the-harness', lambda: os.open('/proc/' + E['HARNESS'] + '/ns/' + name, os.O_RDONLY))",
    &[
        "net stopped EPERM",
        "net-of-the-harness stopped ENOENT|EACCES",
        "mnt-of-the-harness stopped ENOENT|EACCES",
        "pid-of-the-harness stopped ENOENT|EACCES",
        "user-of-the-harness stopped ENOENT|EACCES",
    ]
)]
#[case::a_process_by_its_handle(
    r"
def handle(then):
    fd = libc.syscall(ctypes.c_long(NR['pidfd_open']), ctypes.c_long(int(E['SIGNER'])), ctypes.c_long(0))
    if fd < 0: raise OSError(ctypes.get_errno(), '')
    return call(then, fd, 9 if then == 424 else 0, 0, 0)
attempt('signal', lambda: handle(424))
attempt('take', lambda: handle(438))
attempt('write', lambda: call(NR['vm_writev'], int(E['HARNESS']), 0, 0, 0, 0, 0))
attempt('compare', lambda: call(NR['kcmp'], int(E['HARNESS']), os.getpid(), 0, 0, 0))",
    &[
        "signal stopped ESRCH|EPERM",
        "take stopped ESRCH|EPERM",
        "write stopped EPERM|ESRCH",
        "compare stopped EPERM|ESRCH",
    ]
)]
#[case::the_limits_of_others(
    r"
limit = (ctypes.c_ulong * 2)(0, 0)
attempt('limits', lambda: call(NR['prlimit'], int(E['HARNESS']), 7, ctypes.byref(limit), 0))
attempt('processors', lambda: call(NR['setaffinity'], int(E['HARNESS']), 8, ctypes.byref(limit)))
attempt('priority', lambda: os.setpriority(os.PRIO_PROCESS, int(E['HARNESS']), 19))
attempt('scheduling', lambda: os.sched_setscheduler(int(E['HARNESS']), os.SCHED_BATCH, os.sched_param(0)))
import resource
os.nice(1)
os.sched_setaffinity(0, os.sched_getaffinity(0))
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))",
    &[
        "limits stopped ESRCH|EPERM",
        "processors stopped ESRCH|EPERM|EINVAL",
        "priority stopped ESRCH|EPERM|EACCES",
        "scheduling stopped ESRCH|EPERM",
    ]
)]
#[case::the_machine(
    r"
import time
attempt('clock', lambda: time.clock_settime(time.CLOCK_REALTIME, 0))
attempt('name', lambda: socket.sethostname('forged'))
attempt('reboot', lambda: call(NR['reboot'], 0xfee1dead, 672274793, 0))
attempt('log', lambda: call(NR['syslog'], 5, 0, 0))
attempt('request', lambda: open('/proc/sysrq-trigger', 'w'))
attempt('kernel', lambda: open('/dev/kmsg', 'w'))
attempt('memory', lambda: open('/dev/mem', 'r+b'))",
    &[
        "clock stopped EPERM",
        "name stopped EPERM",
        "reboot stopped EPERM",
        "log stopped EPERM",
        "request stopped EROFS|EACCES|ENOENT",
        "kernel stopped ENOENT|EACCES|EPERM|EROFS",
        "memory stopped ENOENT|EACCES|EPERM",
    ]
)]
#[case::an_eye_on_others(
    r"
attempt('counters', lambda: call(NR['perf'], 0, int(E['HARNESS']), -1, -1, 0))
attempt('faults', lambda: call(NR['uffd'], 0))
attempt('files', lambda: call(NR['fanotify'], 0, 0))",
    &["counters stopped EPERM|EACCES", "faults stopped EPERM", "files stopped EPERM"]
)]
#[case::groups_of_processes(
    r"
import glob
groups = glob.glob('/sys/fs/cgroup/**/cgroup.procs', recursive=True)[:50]
wrote = 0
for name in groups:
    try: os.write(os.open(name, os.O_WRONLY), b'1'); wrote += 1
    except OSError: pass
print('groups', 'forged' if wrote else 'stopped')
attempt('spared', lambda: os.write(os.open('/proc/self/oom_score_adj', os.O_WRONLY), b'-1000'))",
    &["groups stopped", "spared stopped EACCES|EPERM|EROFS"]
)]
#[case::what_the_harness_left_open(
    r"
strange = []
for fd in range(3, 1024):
    try: os.fstat(fd); strange.append(fd)
    except OSError: pass
print('open', 'forged' if strange else 'stopped', strange)",
    &["open stopped []"]
)]
#[case::sockets_of_the_system(
    r"
def reach(path):
    s = socket.socket(socket.AF_UNIX); s.connect(path)
for path in ['/run/docker.sock', '/var/run/docker.sock', '/run/dbus/system_bus_socket', '/run/systemd/private', '/run/containerd/containerd.sock']:
    attempt(path, lambda: reach(path))",
    &[
        "/run/docker.sock stopped ENOENT|EACCES",
        "/var/run/docker.sock stopped ENOENT|EACCES",
        "/run/dbus/system_bus_socket stopped ENOENT|EACCES",
        "/run/systemd/private stopped ENOENT|EACCES",
        "/run/containerd/containerd.sock stopped ENOENT|EACCES",
    ]
)]
#[case::a_terminal(
    r"
import fcntl, termios
attempt('terminal', lambda: fcntl.ioctl(os.open('/dev/tty', os.O_RDWR), termios.TIOCSTI, b'x'))",
    &["terminal stopped ENXIO|ENOENT|EACCES|EPERM"]
)]
#[case::the_walls_taken_down(
    r"
attempt('privileges', lambda: (_ for _ in ()).throw(OSError(ctypes.get_errno(), '')) if libc.prctl(38, 0, 0, 0, 0) < 0 else None)
attempt('map', lambda: os.write(os.open('/proc/self/uid_map', os.O_WRONLY), b'0 0 4294967295'))
attempt('groups', lambda: os.setgroups([0]))",
    &["privileges stopped EINVAL", "map stopped EPERM|EACCES|EROFS", "groups stopped EPERM"]
)]
#[case::privileges_of_a_file(
    r"
import shutil
own = os.path.join(E['HOME'], 'own')
shutil.copy('/usr/bin/id', own)
os.chmod(own, 0o6755)
out = subprocess.run([own, '-u'], capture_output=True, text=True).stdout.strip()
print('as', 'stopped' if out == str(os.getuid()) else 'forged')
attempt('owner', lambda: os.chown(own, 12345, 12345))
attempt('capability', lambda: os.setxattr(own, 'security.capability', b'\x01\x00\x00\x02' + b'\xff' * 16))",
    &["as stopped", "owner stopped EPERM|EINVAL", "capability stopped EPERM|ENOTSUP|EOPNOTSUPP|EINVAL"]
)]
#[case::the_road_to_the_guard(
    r"
import struct
def route():
    # RTM_NEWLINK with IFF_UP for the first interface.
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    body = struct.pack('=BxHiII', 0, 0, 1, 0, 1)
    s.sendto(struct.pack('=IHHII', 16 + len(body), 16, 5, 1, 0) + body, (0, 0))
    kind = struct.unpack('=IHHIIi', s.recv(4096)[:20])[5]
    if kind < 0: raise OSError(-kind, '')
attempt('link', route)
attempt('filter', lambda: subprocess.run(['iptables', '-L'], check=False, capture_output=True).returncode and (_ for _ in ()).throw(OSError(errno.EPERM, '')))",
    &["link stopped EPERM|EACCES|EAFNOSUPPORT", "filter stopped EPERM|ENOENT"]
)]
#[case::privileges(
    r"
attempt('root', lambda: os.setuid(0) if os.getuid() else (_ for _ in ()).throw(OSError(errno.EPERM, '')))
r = subprocess.run(['su', '-c', 'true'], capture_output=True, stdin=subprocess.DEVNULL); print('su', 'forged' if r.returncode == 0 else 'stopped')",
    &["root stopped EPERM|EINVAL", "su stopped"]
)]
#[case::the_proxy_as_a_way_in(
    r"
def through(target):
    host, port = E['HTTPS_PROXY'].removeprefix('http://').split(':')
    with socket.create_connection((host, int(port)), 5) as s:
        s.sendall(f'CONNECT {target} HTTP/1.1\r\n\r\n'.encode())
        return s.recv(200).split(b'\r\n')[0].decode()
for target in ['127.0.0.1:' + E['EMULATOR'], 'localhost:' + E['EMULATOR'], '[::1]:' + E['EMULATOR'], 'example.com:443']:
    print(target.split(':')[0], through(target))",
    &[
        "127.0.0.1 HTTP/1.1 403 Forbidden",
        "localhost HTTP/1.1 403 Forbidden",
        "[ HTTP/1.1 403 Forbidden",
        "example.com HTTP/1.1 403 Forbidden",
    ]
)]
#[case::the_proxy_by_other_names_of_this_machine(
    r"
host, port = E['HTTPS_PROXY'].removeprefix('http://').split(':')
for name in ['localhost.', '0x7f.1', '2130706433', '0', '[::ffff:127.0.0.1]']:
    with socket.create_connection((host, int(port)), 5) as s:
        s.sendall(('CONNECT ' + name + ':' + E['EMULATOR'] + ' HTTP/1.1\r\n\r\n').encode())
        print(name, s.recv(200).split(b'\r\n')[0].decode())",
    &[
        "localhost. HTTP/1.1 403 Forbidden",
        "0x7f.1 HTTP/1.1 403 Forbidden",
        "2130706433 HTTP/1.1 403 Forbidden",
        "0 HTTP/1.1 403 Forbidden",
        "[::ffff:127.0.0.1] HTTP/1.1 403 Forbidden",
    ]
)]
#[case::a_server_that_waits_for_the_harness(
    r"
host, port = E['HTTPS_PROXY'].removeprefix('http://').split(':')
s = socket.socket()
attempt('bind', lambda: s.bind(('127.0.0.1', int(E['GUARD']))))",
    &["bind stopped EADDRINUSE|EACCES"]
)]
#[tokio::test]
async fn an_attempt_is_stopped(
    #[case] script: &str,
    #[case] stopped: &[&str],
    #[values(false, true)] landlock: bool,
) {
    let world = World::new(landlock).await;
    let ended = world.run(&[python(script)]).await;
    let said = said(&ended);
    assert!(ended.is_ok(), "{said}");
    assert!(!said.contains(SECRET), "{said}");
    attempts::assert_stopped(&said, stopped);
    world.unharmed().await;
}

/// Landlock has no rule for a file's mode: where the step runs as the harness's own
/// user, it can change the mode of what it cannot write.
#[rstest]
#[tokio::test]
async fn the_mode_of_a_tool_is_its_owners(#[values(false, true)] landlock: bool) {
    let world = World::new(landlock).await;
    let change = "tool = E['TOOLS'] + '/bin/aws'
attempt('mode', lambda: os.chmod(tool, os.stat(tool).st_mode))";
    let ended = world.run(&[python(change)]).await;
    let said = said(&ended);
    assert!(ended.is_ok(), "{said}");
    let stopped = ["mode stopped EROFS", "mode stopped EPERM"];
    let found = said.lines().any(|line| stopped.contains(&line));
    assert_eq!(found, !world.only_landlock_parts(), "{said}");
    world.unharmed().await;
}

/// The twin of all these: what a step may do.
#[rstest]
#[tokio::test]
async fn an_honest_step_works(#[values(false, true)] landlock: bool) {
    let world = World::new(landlock).await;
    let first = bash(
        "mkdir -p build && echo one > build/file && echo two > $HOME/file && echo three > $RUNNER_TEMP/file
echo FROM=first >> $GITHUB_ENV
(exec 3<>/dev/tcp/127.0.0.1/$GUARD; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; tail -1 <&3)
sam --version; python3 -c 'print(6 * 7)'; cat < <(echo piped)",
    );
    let second = bash("cat build/file $HOME/file $RUNNER_TEMP/file; echo $FROM");
    let ended = world.run(&[format!("      - uses: actions/checkout@v4\n{first}{second}")]).await;
    let said = said(&ended);
    assert!(ended.is_ok(), "{said}");
    for line in ["welcome", "SAM CLI, version", "42", "piped", "one", "two", "three", "first"] {
        assert!(said.contains(line), "{line} in {said}");
    }
    assert_eq!(world.calls(), 1);
    world.unharmed().await;
}

/// What a step leaves for the harness to read.
#[rstest]
#[case::a_link_to_the_key("rm -f $GITHUB_ENV; ln -sf $KEY $GITHUB_ENV", None)]
#[case::a_pipe("rm -f $GITHUB_OUTPUT; mkfifo $GITHUB_OUTPUT", None)]
#[case::a_directory("rm -f $GITHUB_PATH; mkdir $GITHUB_PATH", None)]
#[case::more_than_a_megabyte(
    "head -c 1048577 /dev/zero | tr '\\0' x > $GITHUB_ENV",
    Some("the file `env` that the step left for the runner is larger than 1 MiB")
)]
#[case::no_text(
    "printf 'A=\\xff\\n' > $GITHUB_OUTPUT",
    Some("the file `output` that the step left for the runner is not UTF-8")
)]
#[case::no_assignment("echo nothing > $GITHUB_ENV", Some("`nothing` is not NAME=VALUE"))]
#[tokio::test]
async fn what_a_step_leaves_is_data(
    #[case] script: &str,
    #[case] message: Option<&str>,
    #[values(false, true)] landlock: bool,
) {
    let world = World::new(landlock).await;
    let next = bash("env; echo reached");
    let ended = world.run(&[format!("{}{next}", bash(script))]).await;
    let WorkflowError::Step(failure) = ended.unwrap_err() else { panic!("another error") };
    match message {
        Some(message) => assert_eq!(failure.message, message),
        // The files can be written, and nothing else can be put in their place.
        None => assert_eq!(failure.message, "exit code 1"),
    }
    assert!(!failure.tail.join("\n").contains(SECRET));
    world.unharmed().await;
}

#[rstest]
#[tokio::test]
async fn a_link_in_the_repository_leads_nowhere(#[values(false, true)] landlock: bool) {
    let world = World::new(landlock).await;
    let cat = bash("cat artifact || test -L artifact; cat src/app.py");
    let ended = world.run(&[format!("      - uses: actions/checkout@v4\n{cat}")]).await;
    let said = said(&ended);
    assert!(ended.is_ok(), "{said}");
    assert!(!said.contains(SECRET) && said.lines().any(|line| line == "app"), "{said}");
    world.unharmed().await;
}

#[rstest]
#[tokio::test]
async fn a_checkout_follows_no_link_that_a_step_left(#[values(false, true)] landlock: bool) {
    let world = World::new(landlock).await;
    let links = bash("ln -s $RUN/upstream src; ln -s $KEY artifact; ln -s $RUN forged");
    let after = bash("test ! -L src && test ! -e forged && cat src/app.py");
    let ended = world.run(&[format!("{links}      - uses: actions/checkout@v4\n{after}")]).await;
    assert!(said(&ended).ends_with("app"), "{}", said(&ended));
    assert!(!world.scratch().join("upstream/app.py").exists());
    world.unharmed().await;
}

/// Programs and settings that a step plants for those that run later.
#[rstest]
#[tokio::test]
async fn what_a_step_plants_stays_in_its_job(#[values(false, true)] landlock: bool) {
    let world = World::new(landlock).await;
    let plant = bash(
        r#"mkdir -p $HOME/bin $HOME/site
for name in bash python3 python3.12 aws sam git; do
  printf '#!/bin/sh\necho planted %s\ntouch $RUN/forged $TOOLS/forged 2>&1\nfor last; do :; done; exec /bin/sh "$last"\n' $name > $HOME/bin/$name; chmod +x $HOME/bin/$name
done
echo $HOME/bin >> $GITHUB_PATH
for name in sitecustomize usercustomize; do echo 'open("'$RUN'/forged", "w")' > $HOME/site/$name.py; done
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
mkdir -p $HOME/.local/lib/python$version/site-packages; cp $HOME/site/* $HOME/.local/lib/python$version/site-packages/
echo PYTHONPATH=$HOME/site >> $GITHUB_ENV
echo LD_PRELOAD=$HOME/forged.so >> $GITHUB_ENV
echo BASH_ENV=$HOME/forged.sh >> $GITHUB_ENV
echo 'index-url = http://127.0.0.1/' > $HOME/.pip.conf"#,
    );
    let python =
        "      - uses: actions/setup-python@v5\n        with:\n          python-version: '3.12'\n";
    let later = bash("echo reached");
    let other = bash(
        "env | grep -c 'PYTHONPATH\\|LD_PRELOAD\\|BASH_ENV' || true; ls -A $HOME; command -v bash",
    );
    let ended = world.run(&[format!("{plant}{python}{later}"), other]).await;
    let said = said(&ended);
    assert!(ended.is_ok(), "{said}");
    assert!(said.contains("planted bash"), "its own later steps have it: {said}");
    let other = said.split("== job1").nth(1).unwrap();
    assert!(!other.contains("planted"), "{other}");
    assert!(other.contains("\n0\n.aws-sam\n"), "an empty home, and no variable: {other}");
    world.unharmed().await;
}

#[rstest]
#[tokio::test]
async fn jobs_share_no_file(#[values(false, true)] landlock: bool) {
    let world = World::new(landlock).await;
    let first = bash(
        "echo x > $HOME/left; echo x > $GITHUB_WORKSPACE/left; echo x > $RUNNER_TEMP/left; { echo x > /tmp/left; } 2>/dev/null || true",
    );
    let second = bash(
        "{ find $HOME $GITHUB_WORKSPACE $RUNNER_TEMP /tmp /dev/shm -name left 2>/dev/null || true; } | wc -l",
    );
    let ended = world.run(&[first, second]).await;
    assert!(said(&ended).ends_with("\n0"), "{}", said(&ended));
    world.unharmed().await;
}

/// Processes that are to outlive their step.
#[rstest]
#[case::forked_twice("(setsid sh -c 'sleep MARK & sleep MARK' >/dev/null 2>&1 &)")]
#[case::without_environment("(cd /; env -i setsid sleep MARK </dev/null >/dev/null 2>&1 &)")]
#[case::stopped("sleep MARK & kill -STOP $!")]
#[case::deaf("(trap '' TERM HUP INT; exec setsid sleep MARK) &")]
#[tokio::test]
async fn nothing_outlives_its_step(#[case] script: &str, #[values(false, true)] landlock: bool) {
    let world = World::new(landlock).await;
    let mark = format!("5{}.{}", std::process::id(), script.len() * 2 + usize::from(landlock));
    let started = world.run(&[bash(&script.replace("MARK", &mark))]).await;
    assert!(started.is_ok(), "{}", said(&started));
    let left = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).contains(&mark))
        .count();
    assert_eq!(left, 0);
    world.unharmed().await;
}

/// A socket of the harness that has a name and no file, as a message bus has.
#[rstest]
#[tokio::test]
async fn a_socket_without_a_file_is_not_reached(#[values(false, true)] landlock: bool) {
    use std::os::linux::net::SocketAddrExt as _;
    let world = World::new(landlock).await;
    let name = format!("ringfence-forgers-{}-{landlock}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let listener = std::os::unix::net::UnixListener::bind_addr(&address).unwrap();
    listener.set_nonblocking(true).unwrap();
    let script =
        format!("attempt('bus', lambda: socket.socket(socket.AF_UNIX).connect('\\0{name}'))");
    let ended = world.run(&[python(&script)]).await;
    attempts::assert_stopped(&said(&ended), &["bus stopped ECONNREFUSED|EPERM|EACCES"]);
    assert!(listener.accept().is_err(), "nobody came");
    world.unharmed().await;
}

/// Memory that processes share by a number, beside the files.
#[rstest]
#[tokio::test]
async fn jobs_share_no_memory(#[values(false, true)] landlock: bool) {
    let world = World::new(landlock).await;
    let make = python("attempt('make', lambda: call(NR['shmget'], 424242, 4096, 0o1666))");
    let find = python("attempt('find', lambda: call(NR['shmget'], 424242, 0, 0))");
    let ended = world.run(&[make, find]).await;
    let said = said(&ended);
    let other = said.split("== job1").nth(1).unwrap();
    attempts::assert_stopped(other, &["find stopped ENOENT|EPERM|EACCES"]);
    world.unharmed().await;
}

const MIB: u64 = 1024 * 1024;

/// What is there for all, and one would use up.
#[rstest]
#[case::processes(
    "f() { f | f & }; f; sleep 1; for i in 1 2 3 4 5 6 7 8 9; do /bin/true || exit 9; done",
    Bounds { processes: 60, ..ringfence::workflow::STEP_BOUNDS },
    &["Resource temporarily unavailable"]
)]
#[case::the_memory_of_a_process(
    "python3 -c 'x = bytearray(1 << 30)'",
    Bounds { memory: Some(512 * MIB), ..ringfence::workflow::STEP_BOUNDS },
    &["MemoryError"]
)]
#[case::the_memory_of_all(
    "for i in 1 2 3 4 5 6; do python3 -c 'import time; x = bytearray(b\"x\") * (100 << 20); time.sleep(60)' & done; wait",
    Bounds { total_memory: 300 * MIB, ..ringfence::workflow::STEP_BOUNDS },
    &["ended, because it used more than 300 MB of memory"]
)]
#[case::the_disk(
    "for i in 1 2 3 4 5 6 7 8; do head -c 20000000 /dev/zero > file$i; done; sleep 60",
    Bounds { disk: Some(64 * MIB), ..ringfence::workflow::STEP_BOUNDS },
    &["ended, because it used more than 64 MB of disk"]
)]
#[case::one_file(
    "head -c 20000000 /dev/zero > file",
    Bounds { file: Some(10 * MIB), ..ringfence::workflow::STEP_BOUNDS },
    &["exit code 153", "File too large", "exit code 1"]
)]
#[tokio::test]
async fn what_is_used_is_bounded(
    #[case] script: &str,
    #[case] bounds: Bounds,
    #[case] ends: &[&str],
    #[values(false, true)] landlock: bool,
) {
    let mut world = World::new(landlock).await;
    world.bounds = bounds;
    let ended = world.run(&[bash(script)]).await;
    let said = said(&ended);
    assert!(ended.is_err() || said.contains(ends[0]), "{said}");
    assert!(ends.iter().any(|end| said.contains(end)), "{said}");
    world.unharmed().await;
}

#[rstest]
#[tokio::test]
async fn a_thousand_connections_leave_the_guard_to_others(#[values(false, true)] landlock: bool) {
    let world = World::new(landlock).await;
    let flood = python(
        r"
held = []
for _ in range(1000):
    s = socket.socket(); s.setblocking(False); s.connect_ex(('127.0.0.1', int(E['GUARD']))); held.append(s)
print('held', len(held))",
    );
    let after = python("print(dial(E['GUARD'])[-7:].decode())");
    let ended = world.run(&[format!("{flood}{after}")]).await;
    assert!(said(&ended).ends_with("\nwelcome"), "{}", said(&ended));
    world.unharmed().await;
}

#[rstest]
#[tokio::test]
async fn what_was_asked_of_the_proxy_is_recorded(#[values(false, true)] landlock: bool) {
    let world = World::new(landlock).await;
    let ask = python(
        r"
host, port = E['HTTPS_PROXY'].removeprefix('http://').split(':')
with socket.create_connection((host, int(port)), 5) as s:
    s.sendall(b'CONNECT evil.example:443 HTTP/1.1\r\n\r\n'); s.recv(100)",
    );
    let report =
        world.run(&[ask.replacen("- shell", "- name: Ask\n        shell", 1)]).await.unwrap();
    assert_eq!(report.reached, ["step `Ask` was refused evil.example:443 (1)"]);
    world.unharmed().await;
}

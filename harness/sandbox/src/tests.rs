//! What a program behind the walls sees and can do, by mechanism: those that
//! work for this user, and for a plain user where we are root.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rstest::rstest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A Python that every user can run.
fn python() -> PathBuf {
    ["/usr/bin/python3", "/usr/local/bin/python3"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.is_file())
        .expect("a python3 of the system")
}

fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A user of the tests, where we are root.
const PLAIN: u32 = 65534;

fn with(mechanism: Mechanism) -> Sandbox {
    Sandbox::with(&python(), mechanism)
}

/// The sandboxes of a kind: as we are, and as a plain user.
fn sandboxes(of: fn(bool) -> Mechanism) -> Vec<Sandbox> {
    let mut all = vec![with(of(root()))];
    if root() {
        all.push(with(of(false)).as_user(PLAIN));
    }
    all
}

fn namespaces(other_user: bool) -> Mechanism {
    Mechanism::Namespaces { other_user }
}

fn landlock(other_user: bool) -> Mechanism {
    Mechanism::Landlock { other_user }
}

fn nothing(_: bool) -> Mechanism {
    Mechanism::Nothing
}

/// A directory that every user may use.
fn directory(sandbox: &Sandbox) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(directory.path(), open).unwrap();
    sandbox.user().own(directory.path()).unwrap();
    directory
}

fn confinement(sandbox: &Sandbox, script: &str) -> Confinement {
    Confinement {
        arguments: ["-c", script].map(OsString::from).to_vec(),
        environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
        ..Confinement::of("/bin/bash", sandbox.user())
    }
}

/// Runs a program and returns its status and what it wrote.
async fn run(sandbox: &Sandbox, confinement: &Confinement) -> (Option<i32>, String) {
    let mut confined = sandbox.start(confinement, Output::piped()).await.unwrap();
    let (out, err) = confined.streams();
    let mut text = String::new();
    out.unwrap().read_to_string(&mut text).await.unwrap();
    err.unwrap().read_to_string(&mut text).await.unwrap();
    (confined.wait().await.unwrap().code(), text)
}

/// A time to sleep that nothing else sleeps.
fn mark() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("4{}.{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// How many processes have a text among their arguments.
fn running(mark: &str) -> usize {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).contains(mark))
        .count()
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waited = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited).await.expect(what);
}

#[rstest]
#[case::namespaces(namespaces)]
#[case::landlock(landlock)]
#[case::nothing(nothing)]
#[tokio::test]
async fn a_program_ends_with_its_own_status(#[case] of: fn(bool) -> Mechanism) {
    for sandbox in sandboxes(of) {
        // Our own pipes can be given to the program's user, but not by that user.
        let path = if sandbox.launcher_user.is_none() { "/dev/stderr" } else { "&2" };
        let script = format!("echo out; echo err >{path}; exit 3");
        let ended = run(&sandbox, &confinement(&sandbox, &script)).await;
        assert_eq!(ended, (Some(3), "out\nerr\n".to_owned()), "{}", sandbox.mechanism());
        let mut confined =
            sandbox.start(&confinement(&sandbox, "kill -TERM $$"), Output::null()).await.unwrap();
        let status = confined.wait().await.unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15));
    }
}

#[rstest]
#[case::namespaces(namespaces)]
#[case::landlock(landlock)]
#[case::nothing(nothing)]
#[tokio::test]
async fn a_program_that_is_not_there_is_the_systems_own_error(#[case] of: fn(bool) -> Mechanism) {
    for sandbox in sandboxes(of) {
        let confinement = Confinement::of("/no/such/program", sandbox.user());
        let error = sandbox.start(&confinement, Output::null()).await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(2), "{error}");
    }
}

#[rstest]
#[case::namespaces(namespaces)]
#[tokio::test]
async fn only_what_is_listed_is_there(#[case] of: fn(bool) -> Mechanism) {
    for sandbox in sandboxes(of) {
        let (secret, read, written) =
            (directory(&sandbox), directory(&sandbox), directory(&sandbox));
        for directory in [&secret, &read] {
            std::fs::write(directory.path().join("file"), "content").unwrap();
        }
        let script = format!(
            "cat {read}/file; echo; echo x > {read}/file; echo y > {written}/file && cat {written}/file; cat {secret}/file; echo z > /usr/z; ls / | tr '\\n' ' '",
            read = read.path().display(),
            written = written.path().display(),
            secret = secret.path().display(),
        );
        let mut confinement = confinement(&sandbox, &script);
        confinement.user.own(written.path()).unwrap();
        confinement.walls =
            vec![Wall::Readable(read.path().to_owned()), Wall::Writable(written.path().to_owned())];
        let (_, text) = run(&sandbox, &confinement).await;
        let mut lines = text.lines();
        assert_eq!((lines.next(), lines.next()), (Some("content"), Some("y")), "{text}");
        let listed = lines.next().unwrap();
        for there in ["home", "root", "run", "sys", "var", "opt"] {
            assert!(!listed.split(' ').any(|name| name == there), "{listed}");
        }
        for refused in
            ["/file: Read-only file system", "/file: No such file or directory", "/usr/z: "]
        {
            assert!(text.contains(refused), "{refused} in {text}");
        }
        assert_eq!(std::fs::read_to_string(read.path().join("file")).unwrap(), "content");
    }
}

#[rstest]
#[case::namespaces(namespaces)]
#[case::landlock(landlock)]
#[tokio::test]
async fn only_the_openings_can_be_reached(#[case] of: fn(bool) -> Mechanism) {
    for sandbox in sandboxes(of) {
        let open = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shut = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut confinement = confinement(
            &sandbox,
            &format!(
                "exec 3<>/dev/tcp/127.0.0.1/{}; cat <&3; exec 4<>/dev/tcp/127.0.0.1/{} || echo shut",
                open.local_addr().unwrap().port(),
                shut.local_addr().unwrap().port(),
            ),
        );
        confinement.openings = vec![open.local_addr().unwrap().into()];
        let serving = tokio::spawn(async move {
            let (mut stream, _) = open.accept().await.unwrap();
            stream.write_all(b"hello\n").await.unwrap();
        });
        let (_, text) = run(&sandbox, &confinement).await;
        serving.await.unwrap();
        assert!(text.starts_with("hello\nshut\n"), "{text}");
        assert!(
            tokio::time::timeout(Duration::from_millis(20), shut.accept()).await.is_err(),
            "nobody arrived"
        );
    }
}

#[rstest]
#[case::namespaces(namespaces)]
#[case::landlock(landlock)]
#[case::nothing(nothing)]
#[tokio::test]
async fn what_left_its_session_ends_with_the_program(#[case] of: fn(bool) -> Mechanism) {
    for sandbox in sandboxes(of) {
        let mark = mark();
        let script = format!(
            "cd /; env -i setsid --wait /bin/sh -c '/bin/sleep {mark} >/dev/null 2>&1 & /bin/sleep {mark} >/dev/null 2>&1 & echo two'"
        );
        let ended = run(&sandbox, &confinement(&sandbox, &script)).await;
        assert_eq!(ended, (Some(0), "two\n".to_owned()));
        assert_eq!(running(&format!("sleep\0{mark}")), 0);
    }
}

#[rstest]
#[case::namespaces(namespaces)]
#[case::landlock(landlock)]
#[case::nothing(nothing)]
#[tokio::test]
async fn everything_ends_with_the_value_or_when_it_is_killed(#[case] of: fn(bool) -> Mechanism) {
    for sandbox in sandboxes(of) {
        let mark = mark();
        let script = format!("setsid sleep {mark} & exec sleep {mark}");
        let both = || running(&format!("sleep\0{mark}")) == 2;
        let none = || running(&format!("sleep\0{mark}")) == 0;
        let start = || async {
            let confined = sandbox.start(&confinement(&sandbox, &script), Output::null()).await;
            until("both run", both).await;
            confined.unwrap()
        };
        let mut killed = start().await;
        killed.kill().await;
        assert!(none(), "gone when `kill` returns");
        drop(start().await);
        until("gone after the drop", none).await;
    }
}

#[tokio::test]
async fn the_strongest_mechanism_is_found() {
    let found = Sandbox::detect(&python()).await.mechanism();
    assert_eq!(found, Mechanism::Namespaces { other_user: root() });
}

#[tokio::test]
async fn what_is_started_is_counted_with_its_time() {
    let sandbox = Sandbox::detect(&python()).await;
    let before = started();
    run(&sandbox, &confinement(&sandbox, "exit 0")).await;
    let own = started().since(before);
    // Other tests of this process start theirs.
    assert!(own.count >= 1 && !own.waited.is_zero(), "{own:?}");
}

/// The length of a file, when it has not grown for a while.
async fn at_rest(file: &std::path::Path) -> u64 {
    let length = || std::fs::metadata(file).unwrap().len();
    let before = length();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(length(), before, "something still writes");
    before
}

/// What forks without an end, and what has left its parent, is held too.
#[rstest]
#[case::itself("while :; do echo; sleep 0.001; done")]
#[case::child("(while :; do echo; done) & wait $!")]
#[case::daemon("setsid sh -c 'while :; do echo; sleep 0.001; done' & while :; do sleep 1; done")]
#[case::forks("while :; do (echo) & wait $!; done")]
#[case::chain("link() { echo; (link &) ; }; link; while :; do sleep 1; done")]
#[tokio::test]
async fn what_is_held_stands_still_until_it_goes_on(
    #[case] script: &str,
    #[values(namespaces, landlock, nothing)] of: fn(bool) -> Mechanism,
) {
    for sandbox in sandboxes(of) {
        let written = tempfile::NamedTempFile::new().unwrap();
        let (path, mark) = (written.path(), mark());
        let length = || std::fs::metadata(path).unwrap().len();
        let script = format!("sleep {mark} & {script}");
        let output = Output::file(written.reopen().unwrap()).unwrap();
        let confinement = Confinement { held: true, ..confinement(&sandbox, &script) };
        let mut confined = sandbox.start(&confinement, output).await.unwrap();
        until("it writes", || length() > 0).await;
        for _ in 0..2 {
            confined.freeze().await.unwrap();
            let held = at_rest(path).await;
            assert!(confined.runs());
            confined.thaw().await.unwrap();
            until("it goes on", || length() > held).await;
        }
        confined.freeze().await.unwrap();
        confined.kill().await;
        assert_eq!(running(&mark), 0, "what is held ends too");
        confined.freeze().await.unwrap_err();
    }
}

/// Processes of which one runs at a time, and wakes the next before it stops itself.
const RING: &str = r#"
import os, signal
first = next = os.getpid()
for _ in range(7):
    child = os.fork()
    if child:
        next = child
        os.waitpid(child, os.WUNTRACED)
        break
if os.getpid() != first:
    os.kill(os.getpid(), signal.SIGSTOP)
while True:
    os.write(1, b".")
    os.kill(next, signal.SIGCONT)
    os.kill(os.getpid(), signal.SIGSTOP)
"#;

/// Each look may find all of them stopped. Where they cannot be held, the environment is
/// ended.
#[rstest]
#[tokio::test]
async fn what_wakes_itself_in_turn_is_held_or_ended(
    #[values(namespaces, landlock)] of: fn(bool) -> Mechanism,
) {
    for sandbox in sandboxes(of) {
        for _ in 0..8 {
            let written = tempfile::NamedTempFile::new().unwrap();
            let output = Output::file(written.reopen().unwrap()).unwrap();
            let confinement = Confinement {
                program: python(),
                arguments: ["-I", "-c", RING].map(OsString::from).to_vec(),
                held: true,
                ..confinement(&sandbox, "")
            };
            let mut confined = sandbox.start(&confinement, output).await.unwrap();
            let length = || std::fs::metadata(written.path()).unwrap().len();
            until("all of them have run", || length() >= 8).await;
            if confined.freeze().await.is_ok() {
                at_rest(written.path()).await;
            }
            confined.kill().await;
        }
    }
}

/// Asks for a signal to come later, by a timer and by a file.
const WAKE: &str = r#"
import ctypes, errno, fcntl, os, signal
libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 222, "aarch64": 107}[os.uname().machine]
event = (ctypes.c_int * 16)(0, 0, signal.SIGCONT)
made = libc.syscall(ctypes.c_long(number), 1, ctypes.byref(event), ctypes.byref(ctypes.c_int()))
print("timer", made, errno.errorcode.get(ctypes.get_errno()))
read, _ = os.pipe()
try:
    print("file", fcntl.fcntl(read, 10, signal.SIGCONT))
except OSError as error:
    print("file", errno.errorcode[error.errno])
fcntl.fcntl(read, fcntl.F_SETFL, os.O_NONBLOCK)
signal.setitimer(signal.ITIMER_REAL, 100)
print("else as ever")
"#;

/// `SIGCONT` would wake what is held; only what is held has no such timer.
#[rstest]
#[case::held(true, "timer -1 ENOSYS\nfile EPERM\nelse as ever\n")]
#[case::step(false, "timer 0 None\nfile 0\nelse as ever\n")]
#[tokio::test]
async fn what_is_held_asks_for_no_signal(
    #[case] held: bool,
    #[case] expected: &str,
    #[values(namespaces, landlock)] of: fn(bool) -> Mechanism,
) {
    for sandbox in sandboxes(of) {
        let confinement = Confinement {
            program: python(),
            arguments: ["-I", "-c", WAKE].map(OsString::from).to_vec(),
            held,
            ..confinement(&sandbox, "")
        };
        assert_eq!(run(&sandbox, &confinement).await, (Some(0), expected.to_owned()));
        let mut confined = sandbox.start(&confinement, Output::null()).await.unwrap();
        assert!(held || confined.freeze().await.is_err());
    }
}

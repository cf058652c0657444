//! Forgers: hostile functions, each with what it tries and what must come of
//! it. Each is stopped. A function whose role allows nothing reads no other
//! function, no session, no memory of ours, and leaves nothing behind.

#[path = "../../../../tests/forgers/attempts.rs"]
mod attempts;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ringfence_sandbox::{Mechanism, Sandbox};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::support::{World, mark_of, orders, processes, with};

/// A service with the strongest mechanism that works here, or with Landlock.
async fn world(landlock: bool) -> World {
    let world = World::new().await;
    let python = ringfence_sandbox::python().unwrap();
    let found = Sandbox::detect(&python).await;
    assert!(found.mechanism().isolates(), "nothing isolates here");
    if landlock {
        let other_user = found.mechanism().other_user();
        let mechanism = Mechanism::Landlock { other_user };
        world.setting.set_sandbox(Sandbox::with(&python, mechanism));
    }
    world
}

/// A port of the harness, and how often somebody came.
async fn port() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let number = listener.local_addr().unwrap().port();
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (number, visits)
}

/// The ports on which this process listens: of every function's Runtime API.
fn listening() -> Vec<u16> {
    let held: Vec<String> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|to| Some(to.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').into()))
        .collect();
    let sockets = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    sockets
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|it| it.get(3) == Some(&"0A") && held.iter().any(|inode| it[9] == inode))
        .map(|it| u16::from_str_radix(it[1].split_once(':').unwrap().1, 16).unwrap())
        .collect()
}

/// Runs code in the function `orders` and returns what it printed.
async fn run(world: &World, facts: Value, code: &str) -> String {
    let event =
        json!({ "do": "run", "facts": facts, "code": format!("{}{code}", attempts::PRELUDE) });
    let invoked = world.invoke(event).await;
    assert_eq!(invoked.error, None, "{:?}", invoked.answer);
    invoked.answer["said"].as_str().unwrap().to_owned()
}

/// Each line names what stopped an attempt.
#[rstest]
#[case::the_emulators_port(
    "attempt('emulator', lambda: socket.create_connection(('127.0.0.1', facts['emulator']), 2))",
    &["emulator stopped ECONNREFUSED|EACCES"]
)]
#[case::another_functions_runtime_api(
    r"
own = [facts['endpoint'], int(os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')[1])]
others = [port for port in facts['listening'] if port not in own]
print('others', len(others) > 0)
for port in others:
    attempt('runtime', lambda: socket.create_connection(('127.0.0.1', port), 2))",
    &["others True", "runtime stopped ECONNREFUSED|EACCES"]
)]
#[case::every_other_port(
    r"
found = []
for port in range(1, 65536):
    with socket.socket() as s:
        # A socket may be given the very port that it asks for, and meet itself.
        if s.connect_ex(('127.0.0.1', port)) == 0 and s.getsockname()[1] != port: found.append(port)
host, port = os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')
own = [int(port)] if host == '127.0.0.1' else []
print('ports', found == sorted([facts['endpoint'], *own]))",
    &["ports True"]
)]
#[case::registries_and_the_world(
    "attempt('outside', lambda: socket.create_connection(('192.0.2.1', 443), 2)); print('proxy', os.environ.get('HTTPS_PROXY'))",
    &["outside stopped ENETUNREACH|EACCES", "proxy None"]
)]
#[case::the_sessions_of_others(
    r"
seen = 0
for entry in range(1, 70000):
    if entry != os.getpid():
        try: seen += b'AWS_SECRET_ACCESS_KEY' in open(f'/proc/{entry}/environ', 'rb').read()
        except OSError: pass
print('seen', seen)
attempt('other', lambda: open('/proc/%d/environ' % facts['other']).read())",
    &["seen 0", "other stopped ENOENT|EACCES"]
)]
#[case::the_guards_memory(
    "attempt('mem', lambda: open('/proc/%d/mem' % facts['harness'], 'r+b')); attempt('attach', lambda: call(NR['ptrace'], 16, facts['harness'], 0, 0)); attempt('users', lambda: call(NR['unshare'], 0x10000000))",
    &["mem stopped ENOENT|EACCES", "attach stopped EPERM", "users stopped EPERM"]
)]
#[case::the_code_of_others(
    "attempt('list', lambda: os.listdir(facts['work'] + '/lambda/code')); attempt('new', lambda: open(facts['work'] + '/forged', 'w'))",
    &["list stopped ENOENT|EACCES", "new stopped ENOENT|EACCES"]
)]
#[case::its_own_code(
    "attempt('code', lambda: open(os.environ['LAMBDA_TASK_ROOT'] + '/bootstrap', 'a'))",
    &["code stopped EROFS|EACCES"]
)]
#[case::signals_to_others(
    "attempt('harness', lambda: os.kill(facts['harness'], signal.SIGKILL)); attempt('other', lambda: os.kill(facts['other'], signal.SIGKILL))",
    &["harness stopped ESRCH|EPERM", "other stopped ESRCH|EPERM"]
)]
#[case::the_files_of_others(
    "print('tmp', [name for name in os.listdir(E.get('TMPDIR', '/tmp'))])",
    &["tmp []"]
)]
#[tokio::test]
async fn an_attempt_is_stopped(
    #[case] code: &str,
    #[case] stopped: &[&str],
    #[values(false, true)] landlock: bool,
) {
    let world = world(landlock).await;
    world.create(json!({ "Timeout": 60 })).await;
    let other = world.create_another("payments").await;
    let (emulator, visits) = port().await;
    let mark = mark_of(&other);
    let id = processes(&mark).first().unwrap().as_raw_nonzero().get();
    let facts = json!({
        "emulator": emulator,
        "listening": listening(),
        "other": id,
        "harness": std::process::id(),
        "work": world.setting.work_dir,
        "endpoint": world.setting.endpoint().unwrap().port().unwrap(),
    });
    let said = run(&world, facts, code).await;
    attempts::assert_stopped(&said, stopped);
    assert_eq!(visits.load(Ordering::SeqCst), 0);
    assert!(!world.setting.work_dir.join("forged").exists());
    assert_eq!(processes(&mark).len(), 1, "the other function lives");
    world.lambda.shutdown().await;
}

/// Landlock has no rule for a file's mode: where the function runs as the user of the
/// service, it can change the mode of what it cannot write.
#[rstest]
#[tokio::test]
async fn the_mode_of_its_code_is_its_owners(#[values(false, true)] landlock: bool) {
    let world = world(landlock).await;
    world.create(json!({ "Timeout": 60 })).await;
    let change = "code = os.environ['LAMBDA_TASK_ROOT'] + '/bootstrap'
attempt('mode', lambda: os.chmod(code, os.stat(code).st_mode))";
    let said = run(&world, json!({}), change).await;
    let alone = world.setting.sandbox().await.unwrap().mechanism()
        == Mechanism::Landlock { other_user: false };
    let stopped = ["mode stopped EROFS", "mode stopped EPERM"];
    assert_eq!(said.lines().any(|line| stopped.contains(&line)), !alone, "{said}");
    world.lambda.shutdown().await;
}

/// The twin: what a function may do.
#[rstest]
#[tokio::test]
async fn an_honest_function_works(#[values(false, true)] landlock: bool) {
    let world = world(landlock).await;
    world.create(json!({ "Timeout": 60 })).await;
    let said = run(
        &world,
        json!({
            "endpoint": world.setting.endpoint().unwrap().port().unwrap(), "own": !landlock,
        }),
        r"
path = os.path.join(E.get('TMPDIR', '/tmp'), 'file')
open(path, 'w').write('kept'); print(open(path).read())
socket.create_connection(('127.0.0.1', facts['endpoint']), 2).close(); print('reached')
print(subprocess.run(['sh', '-c', 'echo child'], capture_output=True, text=True).stdout.strip())
if facts['own']:
    import stat
    print(stat.filemode(os.stat('/opt').st_mode), os.listdir('/opt'))",
    )
    .await;
    // The machine's `/opt` where there is no root directory of its own.
    let opt = if landlock { "" } else { "drwxr-xr-x []\n" };
    assert_eq!(said, format!("kept\nreached\nchild\n{opt}"));
    let again = run(&world, json!({}), "print(os.listdir(E.get('TMPDIR', '/tmp')))").await;
    assert_eq!(again, "['file']\n", "a warm environment keeps its files");
    world.lambda.shutdown().await;
}

#[tokio::test]
async fn the_storage_of_a_function_is_bounded() {
    let world = world(false).await;
    world.create(json!({ "Timeout": 60, "EphemeralStorage": { "Size": 512 } })).await;
    let code = r"
def fill():
    with open('/tmp/full', 'wb', buffering=0) as file:
        for _ in range(600): file.write(bytes(1 << 20))
attempt('full', fill)
os.remove('/tmp/full')";
    let said = run(&world, json!({}), code).await;
    assert!(["full stopped ENOSPC\n", "full stopped EFBIG\n"].contains(&said.as_str()), "{said}");
    world.lambda.shutdown().await;
}

#[rstest]
#[tokio::test]
async fn the_processes_of_a_function_are_bounded(#[values(false, true)] landlock: bool) {
    let world = world(landlock).await;
    world.create(json!({ "Timeout": 60 })).await;
    let code = r"
children = []
try:
    for _ in range(1500):
        children.append(os.posix_spawn('/bin/sleep', ['sleep', '300'], {}))
    print('forged')
except OSError as error:
    print('stopped', errno.errorcode[error.errno], len(children) < 1100)
for child in children:
    os.kill(child, signal.SIGKILL); os.waitpid(child, 0)";
    let said = run(&world, json!({}), code).await;
    assert_eq!(said, "stopped EAGAIN True\n");
    assert_eq!(world.invoke_with(json!({}), with(orders(), json!({}))).await.error, None);
    world.lambda.shutdown().await;
}

/// What a function writes to its log is its disk's too: the file is this machine's.
#[rstest]
#[tokio::test]
async fn the_output_of_a_function_is_bounded(#[values(false, true)] landlock: bool) {
    let world = world(landlock).await;
    world.create(json!({ "Timeout": 60, "EphemeralStorage": { "Size": 512 } })).await;
    let code = "while True: os.write(2, bytes(1 << 20))";
    let event = json!({ "do": "run", "facts": {}, "code": format!("{}{code}", attempts::PRELUDE) });
    let invoked = world.invoke(event).await;
    assert_eq!(invoked.error.as_deref(), Some("Unhandled"), "{:?}", invoked.answer);
    assert_eq!(invoked.answer["errorType"], "Runtime.ExitError");
    world.lambda.shutdown().await;
}

/// One process's memory is the function's to use, and no more: it is ended, as on AWS.
#[rstest]
#[tokio::test]
async fn the_memory_of_a_function_is_bounded(#[values(false, true)] landlock: bool) {
    let world = world(landlock).await;
    world.create(json!({ "Timeout": 60, "MemorySize": 128 })).await;
    let code = "held = bytearray(b'x') * (1400 << 20)
import time; time.sleep(50); print('forged')";
    let event = json!({ "do": "run", "facts": {}, "code": format!("{}{code}", attempts::PRELUDE) });
    let invoked = world.invoke(event).await;
    assert_eq!(invoked.answer["errorType"], "Runtime.ExitError", "{:?}", invoked.answer);
    world.lambda.shutdown().await;
}

/// What sends a message to the endpoint in 200 ms.
const LATE: &str = r#"
import json, threading, time, urllib.request
def send():
    time.sleep(0.2)
    body = json.dumps({"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders", "MessageBody": "late"})
    key = E["AWS_ACCESS_KEY_ID"]
    urllib.request.urlopen(urllib.request.Request(E["AWS_ENDPOINT_URL"], body.encode(), {
        "x-amz-target": "AmazonSQS.SendMessage", "content-type": "application/x-amz-json-1.0",
        "authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0",
    })).read()
"#;

/// An environment stands still between invocations, as on AWS: what a function began
/// and did not end goes on in the next one, and makes no call before.
#[rstest]
#[case::a_thread("threading.Thread(target=send, daemon=True).start()")]
#[case::a_daemon(
    "
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: send()
    os._exit(0)"
)]
#[tokio::test]
async fn nothing_of_a_function_runs_between_its_invocations(
    #[case] begin: &str,
    #[values(false, true)] landlock: bool,
) {
    let world = world(landlock).await;
    world.create(json!({ "Timeout": 60 })).await;
    let sent = || world.upstream.state.lock().unwrap().sent.len();
    let code = format!("{LATE}{begin}");
    run(&world, json!({}), &code).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(sent(), 0, "it made a call when its invocation had ended");
    let began = std::time::Instant::now();
    run(&world, json!({}), "import time; time.sleep(0.5)").await;
    assert!(began.elapsed().as_millis() >= 500, "the next invocation ran as it should");
    assert_eq!(sent(), 1, "it goes on with the next invocation");
    // The twin: the same within an invocation.
    run(&world, json!({}), &format!("{code}\ntime.sleep(0.6)")).await;
    assert_eq!(sent(), 2);
    world.lambda.shutdown().await;
}

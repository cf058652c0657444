//! The stack that the tests share, and one of their own for those that need
//! an empty account.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, OnceLock};

use ringfence::config::{Backend, Config};
use ringfence::progress::{Lines, Progress};
use ringfence::stack::{Options, Stack};
use ringfence_fixture::Stack as Fixture;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

/// The repository's top folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Gives a script of the proofs its input, in the run's own Python, and reads the
/// JSON lines that it prints.
pub(crate) async fn python(stack: &Stack, script: &str, input: &Value) -> Vec<Value> {
    let mut child = tokio::process::Command::new(stack.tools().python())
        .arg(root().join("tests/proofs").join(script))
        // Set on some machines; it is not for a loopback endpoint.
        .env_remove("AWS_CA_BUNDLE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The upstream that `RINGFENCE_BACKEND` names.
fn backend() -> Option<Backend> {
    let name = std::env::var("RINGFENCE_BACKEND").ok()?;
    Some(name.parse().unwrap_or_else(|error| panic!("RINGFENCE_BACKEND: {error}")))
}

fn options() -> Options {
    Options { backend: backend(), progress: Progress::new(Arc::new(Lines)), ..Options::default() }
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap())
}

/// Runs a test on the shared stack: Layer 1 applied, both applications
/// deployed by their own workflows. One test at a time has it. The process's
/// end removes it: the run's sweeper sees to that.
pub(crate) fn with_stack(test: impl AsyncFnOnce(&Stack)) {
    with_fixture(async |fixture| test(fixture.harness()).await);
}

/// As [`with_stack`], as those see it who write tests with it.
pub(crate) fn with_fixture(test: impl AsyncFnOnce(&Fixture)) {
    static TURN: Mutex<()> = Mutex::const_new(());
    runtime().block_on(async {
        let _turn = TURN.lock().await;
        let shared = Fixture::builder().config(root().join("ringfence.toml")).shared().await;
        test(&shared.unwrap_or_else(|error| panic!("{error}"))).await;
    });
}

/// As [`with_empty_account`], as those see it who write tests with it.
pub(crate) fn with_empty_fixture(test: impl AsyncFnOnce(&Fixture)) {
    runtime().block_on(async {
        let builder = Fixture::builder().config(root().join("ringfence.toml")).empty_account();
        let fixture = builder.start().await.unwrap_or_else(|error| panic!("{error}"));
        test(&fixture).await;
        fixture.stop().await.unwrap();
    });
}

/// Runs a test on an account of its own: the issuers of `ringfence.toml`, and
/// nothing else.
pub(crate) fn with_empty_account(test: impl AsyncFnOnce(&Stack)) {
    runtime().block_on(async {
        let file = root().join("ringfence.toml");
        let mut config = Config::load(&file).unwrap();
        config.layer1.clear();
        config.api = None;
        config.platform = None;
        config.apps.clear();
        config.deployers.clear();
        let stack = Stack::start(config, options()).await.unwrap();
        test(&stack).await;
        stack.stop().await;
    });
}

/// Runs a test on an estate of its own: the configuration is what `write` puts
/// into a new directory.
pub(crate) fn with_estate(
    deploy: bool,
    write: impl FnOnce(&Path) -> PathBuf,
    test: impl AsyncFnOnce(&Stack),
) {
    runtime().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let config = Config::load(&write(directory.path())).unwrap();
        let stack = Stack::start(config, Options { deploy, ..options() }).await;
        let stack = stack.unwrap_or_else(|error| panic!("no stack: {error}"));
        test(&stack).await;
        stack.stop().await;
    });
}

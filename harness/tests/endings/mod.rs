//! However a command ends, nothing of it is left.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use ringfence::config::Backend;
use ringfence::emulator::{self, Emulator};
use ringfence::progress::Progress;
use ringfence::scratch::Scratch;
use ringfence::tools::PythonTools;
use rustix::process::{Pid, Signal, kill_process};

/// A busy machine that provisions the tools first.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running command with a temporary directory of its own, where all that it
/// starts works.
struct Running {
    child: Child,
    directory: tempfile::TempDir,
    lines: Receiver<String>,
    said: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .args(arguments)
            .current_dir(root())
            .env("TMPDIR", directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, directory, lines, said: Vec::new() }
    }

    /// Waits for a line of progress; fails with all that was said instead.
    fn until(&mut self, beginning: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("no `{beginning}` in {:#?}", self.said));
            self.said.push(line.clone());
            if line.starts_with(beginning) {
                return line;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The exit code and all that was said.
    fn end(&mut self) -> (Option<i32>, Vec<String>) {
        let code = self.child.wait().unwrap().code();
        self.said.extend(self.lines.iter());
        (code, self.said.clone())
    }

    /// Whether no process works in the directory and no file is left there.
    fn is_swept(&self) -> bool {
        let files = std::fs::read_dir(self.directory.path()).unwrap().count();
        let mut processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        files == 0
            && !processes.any(|entry| {
                std::fs::read_link(entry.path().join("cwd"))
                    .is_ok_and(|place| place.starts_with(self.directory.path()))
            })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Of a test that failed half-way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn verify(backend: &str, run_dir: &Path) -> Running {
    let run_dir = run_dir.to_str().unwrap();
    // An upstream by URL isolates nowhere.
    Running::start(&["verify", "--unisolated", "--backend", backend, "--run-dir", run_dir])
}

/// What a run that died leaves can be taken for nothing else.
fn says_incomplete(bundle: &Path, reason: &str) {
    let text = std::fs::read_to_string(bundle.join("run.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(record["status"]["state"], "incomplete");
    let said = record["status"]["reason"].as_str().unwrap();
    assert!(said.contains(reason), "{said}");
    let output = Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .args(["evidence", "verify", "--hashes-only"])
        .arg(bundle)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("BAD: INCOMPLETE, and so no result: "), "{said}");
}

#[rstest::rstest]
#[case::ctrl_c(Signal::INT)]
#[case::terminate(Signal::TERM)]
fn up_serves_until_a_signal_and_leaves_nothing(#[case] signal: Signal) {
    let ready = tempfile::tempdir().unwrap();
    let ready = ready.path().join("ready");
    let arguments =
        ["up", "--backend", "embedded", "--port", "0", "--ready-file", ready.to_str().unwrap()];
    let mut up = Running::start(&arguments);
    let line = up.until("ringfence: serving at http://");
    let address = line.split(['/', ';']).nth(2).unwrap().to_owned();
    let deadline = Instant::now() + PATIENCE;
    while !ready.exists() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    let environment = std::fs::read_to_string(&ready).unwrap();
    assert!(environment.contains(&format!("export AWS_ENDPOINT_URL=http://{address}")));
    TcpStream::connect(&address).unwrap();
    assert!(!up.is_swept());
    up.signal(signal);
    assert_eq!(up.end().0, Some(0));
    assert!(up.is_swept());
    assert!(!ready.exists());
    assert!(TcpStream::connect(&address).is_err());
}

#[test]
fn a_port_in_use_is_one_message_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut up = Running::start(&["up", "--backend", "embedded", "--port", &port]);
    let (code, said) = up.end();
    assert_eq!(code, Some(2), "{said:#?}");
    let last = said.last().unwrap();
    assert!(last.contains(&port) && last.contains("in use"), "{last}");
    assert!(up.is_swept());
}

#[test]
fn a_broken_configuration_is_one_message_with_file_and_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ringfence.toml");
    std::fs::write(&file, "[account]\nid = \"12\"\n").unwrap();
    let mut run = Running::start(&["verify", "--config", file.to_str().unwrap()]);
    let (code, said) = run.end();
    assert_eq!(code, Some(2), "{said:#?}");
    let text = said.join("\n");
    assert!(text.contains(&format!("{}:2", file.display())), "{text}");
    assert!(run.is_swept());
}

#[rstest::rstest]
#[case::ctrl_c(Signal::INT, 130)]
#[case::terminate(Signal::TERM, 143)]
fn verify_that_is_interrupted_leaves_nothing(#[case] signal: Signal, #[case] expected: i32) {
    let run_dir = tempfile::tempdir().unwrap();
    let mut run = verify("embedded", run_dir.path());
    run.until("ringfence: terraform apply …");
    run.signal(signal);
    let (code, said) = run.end();
    assert_eq!(code, Some(expected), "{said:#?}");
    assert!(said.last().unwrap().starts_with("ringfence: interrupted"), "{said:#?}");
    assert!(run.is_swept());
    says_incomplete(run_dir.path(), "it was interrupted by a signal");
}

#[rstest::rstest]
#[case::ctrl_c(Signal::INT, 130)]
#[case::terminate(Signal::TERM, 143)]
fn prove_that_is_interrupted_while_it_plans_leaves_nothing(
    #[case] signal: Signal,
    #[case] expected: i32,
) {
    let mut run = Running::start(&["prove"]);
    run.until("ringfence: terraform plan …");
    run.signal(signal);
    let (code, said) = run.end();
    assert_eq!(code, Some(expected), "{said:#?}");
    assert!(said.last().unwrap().starts_with("ringfence: interrupted"), "{said:#?}");
    assert!(run.is_swept());
}

/// The key stands on no command line while anything of a team's may run, and a
/// signal to the process that was started reaches the run.
#[test]
fn the_signing_key_is_on_no_command_line_while_a_run_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let (run_dir, key) = (place.path().join("run"), place.path().join("secret-key"));
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    assert!(made.unwrap().success());
    let (run_dir, key) = (run_dir.to_str().unwrap(), key.to_str().unwrap());
    let mut run = Running::start(&[
        "verify",
        "--unisolated",
        "--backend",
        "embedded",
        "--run-dir",
        run_dir,
        "--sign-key",
        key,
    ]);
    run.until("ringfence: terraform apply …");
    let holders: Vec<String> = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|process| {
            let place = process.path();
            let read = |name: &str| std::fs::read(place.join(name)).unwrap_or_default();
            let text = [read("cmdline"), read("environ")].concat();
            let text = String::from_utf8_lossy(&text).into_owned();
            text.contains("secret-key").then_some(text)
        })
        .collect();
    assert_eq!(holders, Vec::<String>::new());
    run.signal(Signal::TERM);
    let (code, said) = run.end();
    assert_eq!(code, Some(143), "{said:#?}");
    assert!(run.is_swept());
    says_incomplete(Path::new(run_dir), "it was interrupted by a signal");
}

#[test]
fn verify_that_is_killed_is_swept_up_after() {
    let run_dir = tempfile::tempdir().unwrap();
    let mut run = verify("embedded", run_dir.path());
    run.until("ringfence: terraform apply …");
    run.signal(Signal::KILL);
    assert_eq!(run.end().0, None);
    says_incomplete(run_dir.path(), "the run has not come to its end");
    let deadline = Instant::now() + PATIENCE;
    while !run.is_swept() {
        assert!(Instant::now() < deadline, "{:?} is not empty", run.directory.path());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_dies_half_way_is_named() {
    let tools = PythonTools::provision(&Progress::silent()).await.unwrap();
    let scratch = Scratch::create(&tools.python()).unwrap();
    let options = emulator::Options {
        backend: &Backend::Embedded,
        image: "",
        environment: &Default::default(),
        account_id: "123456789012",
        several_accounts: false,
        region: "us-east-1",
        // It is used by its URL, as one that somebody else runs.
        sealed: false,
        images: &[],
    };
    let upstream = Emulator::start(&options, &tools, &scratch, &Progress::silent()).await.unwrap();
    let url = upstream.url().clone();
    let run_dir = tempfile::tempdir().unwrap();
    let mut run = verify(url.as_str(), run_dir.path());
    run.until("ringfence: terraform apply …");
    // The first calls have been answered.
    let journal = run_dir.path().join("journal.jsonl");
    let deadline = Instant::now() + PATIENCE;
    while std::fs::read_to_string(&journal).unwrap_or_default().lines().count() < 5 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    upstream.stop().await;
    let (code, said) = tokio::task::spawn_blocking(move || {
        let ended = run.end();
        assert!(run.is_swept());
        ended
    })
    .await
    .unwrap();
    assert_eq!(code, Some(2), "{said:#?}");
    let last = said.last().unwrap();
    assert!(last.contains("the upstream died"), "{said:#?}");
    assert!(last.contains(url.as_str()), "{last}");
    says_incomplete(run_dir.path(), "the upstream died");
    scratch.remove().await;
}

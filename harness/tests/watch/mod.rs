//! `ringfence watch` on a copy of the sample estate: a weakened policy is noticed by
//! name, and its attacks hold again when it is put back.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A busy machine that provisions the tools first.
const PATIENCE: Duration = Duration::from_secs(420);

const URL_CREATED: &str = "administrator-under-deployer-boundary/url-created/api";
const URL_OPENED: &str = "administrator-under-deployer-boundary/url-opened/api";
const FOREIGN_CODE: &str = "high-perm/foreign-code/api";

/// What the boundary loses.
const DENIED: &str = "      \"lambda:CreateFunctionUrlConfig\",\n";

struct Watching {
    child: Child,
    lines: Receiver<String>,
    place: tempfile::TempDir,
    temporary: tempfile::TempDir,
}

fn told(from: impl Read + Send + 'static, to: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                return;
            }
        }
    });
}

impl Watching {
    fn start(arguments: &[&str]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let (place, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let copied = Command::new("cp")
            .arg("-r")
            .args(["terraform", "sam-apps", "ringfence.toml"].map(|name| root.join(name)))
            .arg(place.path())
            .status();
        assert!(copied.unwrap().success());
        // One pipe for both, which keeps their order.
        let (reader, writer) = std::io::pipe().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .arg("watch")
            .args(arguments)
            .current_dir(place.path())
            .env("RINGFENCE_BACKEND", "embedded")
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::null())
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        told(reader, sender);
        Self { child, lines, place, temporary }
    }

    /// What is said until the watch waits for a change.
    fn answer(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut said = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line == "ringfence: watching; Ctrl-C ends" => return said.join("\n"),
                Ok(line) => said.push(line),
                Err(_) => panic!("no answer: {said:#?}"),
            }
        }
    }

    fn boundary(&self) -> PathBuf {
        self.place.path().join("terraform/boundary.tf")
    }

    /// Writes the boundary as an editor does.
    fn write(&self, text: &str) {
        let beside = self.place.path().join("terraform/.boundary.tf.swp");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(&beside, self.boundary()).unwrap();
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // Of a test that failed half-way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn has(answer: &str, expected: &[&str]) {
    for one in expected {
        assert!(answer.contains(one), "no `{one}` in:\n{answer}");
    }
}

#[test]
fn a_weakened_policy_is_noticed_by_name_and_holds_again_when_it_is_put_back() {
    let mut watch = Watching::start(&["--only", URL_CREATED, URL_OPENED, FOREIGN_CODE]);
    has(&watch.answer(), &["3 attacks: 3 held, 0 failed"]);
    let sound = std::fs::read_to_string(watch.boundary()).unwrap();
    let weak = sound.replace(DENIED, "");
    assert_ne!(weak, sound);

    watch.write(&weak);
    let answer = watch.answer();
    let turned = format!("[{URL_CREATED}]");
    has(
        &answer,
        &[
            "changed: Layer 1 (terraform)\n",
            "of 3 attacks were made: ",
            "not made again: the text of policies alone changed",
            "held → failed  ",
            &turned,
            "statement `DenyFunctionUrls` of `",
            "terraform/boundary.tf:147",
            "answered in ",
        ],
    );
    assert!(!answer.contains(&format!("[{FOREIGN_CODE}]")), "{answer}");

    watch.write(&sound);
    let answer = watch.answer();
    has(&answer, &["failed → held  ", &turned, "now: 3 held, 0 failed, 0 open"]);

    // What cannot be applied is told with its place, and the watch goes on.
    watch.write(&format!(
        "{sound}\nresource \"aws_iam_policy\" \"broken\" {{\n  name = local.none\n}}\n"
    ));
    let answer = watch.answer();
    has(&answer, &["terraform/boundary.tf:", "nothing was attacked"]);
    watch.write(&sound);
    has(&watch.answer(), &["now: 3 held, 0 failed, 0 open"]);

    kill_process(Pid::from_child(&watch.child), Signal::INT).unwrap();
    assert_eq!(watch.child.wait().unwrap().code(), Some(130));
    let left = std::fs::read_dir(watch.temporary.path()).unwrap().count();
    assert_eq!(left, 0, "something is left");
}

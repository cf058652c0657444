//! `ringfence calibrate` against the guard's own simulator, and against one
//! that lies.

mod analyzer;

use std::path::{Path, PathBuf};
use std::process::Output;

use ringfence::config::{Backend, Config};
use ringfence::stack::{Options, Stack};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use url::Url;

/// The readable cases of the policy corpus, as lines.
fn corpus() -> String {
    let mut paths = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policy/corpus");
    let mut directories = vec![root];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { directories.push(path) } else { paths.push(path) }
        }
    }
    paths.sort();
    let mut lines = String::new();
    for path in paths {
        let mut case: Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let members = case.as_object_mut().unwrap();
        let expect = members.remove("expect").unwrap();
        members.remove("source");
        if expect.get("error").is_none() {
            members.insert("id".to_owned(), json!(path.file_stem().unwrap().to_str().unwrap()));
            lines += &format!("{case}\n");
        }
    }
    lines
}

async fn empty_account() -> Stack {
    let config = Config::parse("", Path::new("ringfence.toml")).unwrap();
    let backend = Some(Backend::Embedded);
    Stack::start(config, Options { backend, record: false, ..Options::default() }).await.unwrap()
}

struct Asked {
    lines: Vec<Value>,
    output: Output,
}

impl Asked {
    fn summary(&self) -> &Value {
        &self.lines.last().unwrap()["summary"]
    }
}

async fn calibrate(stack: &Stack, endpoint: &Url, file: &Path, more: &[&str]) -> Asked {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.arg("calibrate").arg(file).args(["--rate", "1000", "--json", "--endpoint-url"]);
    command.arg(endpoint.as_str()).args(more);
    stack.root().apply_to(&mut command);
    let output = command.output().await.unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    Asked { lines, output }
}

/// Hands connections on and changes what comes back: `allowed` is told as
/// `implicitDeny`.
async fn liar(guard: Url) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let port = guard.port().unwrap();
            tokio::spawn(async move {
                let upstream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_guard, mut to_guard) = upstream.into_split();
                tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut from_client, &mut to_guard).await;
                });
                let mut buffer = vec![0; 1 << 20];
                while let Ok(count @ 1..) = from_guard.read(&mut buffer).await {
                    // Of the same length: Content-Length stays true.
                    let text = String::from_utf8_lossy(&buffer[..count])
                        .replace("<EvalDecision>allowed<", "<EvalDecision>granted<");
                    if to_client.write_all(text.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

fn file(directory: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = directory.path().join("lines.jsonl");
    std::fs::write(&path, text).unwrap();
    path
}

const LINES: &str = concat!(
    r#"{"id":"may","principal":"arn:aws:iam::123456789012:user/a","action":"s3:GetObject","resource":"arn:aws:s3:::b/k","policies":{"identity":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}]}}"#,
    "\n",
    r#"{"id":"may-not","principal":"arn:aws:iam::123456789012:user/a","action":"s3:PutObject","resource":"arn:aws:s3:::b/k","policies":{"identity":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}]}}"#,
    "\n",
    r#"{"id":"nobody","principal":"*","action":"s3:GetObject","resource":"arn:aws:s3:::b/k","policies":{}}"#,
    "\n",
);

#[tokio::test]
async fn the_corpus_agrees_with_a_simulator_that_tells_the_truth() {
    let stack = empty_account().await;
    let directory = tempfile::tempdir().unwrap();
    let lines = file(&directory, &corpus());
    let asked = calibrate(&stack, stack.endpoint(), &lines, &[]).await;
    let summary = asked.summary();
    let disagree: Vec<&Value> =
        asked.lines.iter().filter(|line| line["compared"]["result"] == "disagrees").collect();
    assert!(disagree.is_empty(), "{disagree:#?}");
    assert_eq!(asked.output.status.code(), Some(0), "{summary:#}");
    assert!(summary["judged"].as_u64().unwrap() > 200, "{summary:#}");
    assert_eq!(summary["judged"], summary["agree"]);
    // Whatever was not judged says why.
    let counted = |member: &str| -> u64 {
        summary[member].as_object().unwrap().values().map(|it| it.as_u64().unwrap()).sum()
    };
    let judged = summary["judged"].as_u64().unwrap();
    assert_eq!(
        judged + counted("left_out") + counted("refused"),
        summary["decisions"].as_u64().unwrap()
    );
    stack.stop().await;
}

#[tokio::test]
async fn a_simulator_that_lies_is_told_of_decision_by_decision() {
    let stack = empty_account().await;
    let directory = tempfile::tempdir().unwrap();
    let lines = file(&directory, LINES);

    let honest = calibrate(&stack, stack.endpoint(), &lines, &[]).await;
    assert_eq!(honest.output.status.code(), Some(0));
    assert_eq!(
        honest.summary(),
        &json!({
            "decisions": 3, "judged": 2, "agree": 2, "same_statement": 1, "other_statement": 0,
            "left_out": {"the caller is no IAM user and no role": 1}, "refused": {},
        })
    );

    let liar = liar(stack.endpoint().clone()).await;
    let asked = calibrate(&stack, &liar, &lines, &[]).await;
    assert_eq!(asked.output.status.code(), Some(1));
    assert_eq!(asked.lines[0]["compared"]["result"], "disagrees");
    assert_eq!(asked.lines[0]["compared"]["aws"]["decision"], "granted");
    assert_eq!(asked.lines[0]["ours"]["decision"], "allowed");
    assert_eq!(asked.lines[1]["compared"]["result"], "agrees");
    assert_eq!(asked.summary()["agree"], 1);
    stack.stop().await;
}

#[tokio::test]
async fn whom_the_account_does_not_let_ask_is_told_what_is_missing() {
    let stack = empty_account().await;
    let directory = tempfile::tempdir().unwrap();
    let lines = file(&directory, LINES);
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.arg("calibrate").arg(&lines).arg("--endpoint-url").arg(stack.endpoint().as_str());
    stack.root().apply_to(&mut command);
    command.env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE000000000");
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("GetCallerIdentity: InvalidClientTokenId"), "{said}");
    stack.stop().await;
}

#[tokio::test]
async fn lines_know_no_principals_and_a_charge_is_named_before_it_is_made() {
    let stack = empty_account().await;
    let directory = tempfile::tempdir().unwrap();
    let lines = file(&directory, LINES);
    let asked = calibrate(&stack, stack.endpoint(), &lines, &["--principals"]).await;
    assert_eq!(asked.output.status.code(), Some(2));
    let said = String::from_utf8(asked.output.stderr).unwrap();
    assert!(said.contains("--principals needs the decisions of a run"), "{said}");
    stack.stop().await;
}

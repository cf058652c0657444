//! The built binary's `compare`, as it is run: lines in, one line out for each.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};

const LESS: &str = r#"{"id":1,"a":{"identity":[{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}]},"b":{"identity":[{"Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b/*"}}]},"principal":"arn:aws:iam::123456789012:user/alice"}"#;
const LESS_ANSWER: &str = r#"{"id":1,"a_within_b":"proved","b_within_a":"violated","witness_a":null,"witness_b":{"principal":"arn:aws:iam::123456789012:user/alice","action":"s3:get","resource":"arn:aws:s3:::b/","context":{}},"reason":null,"universe":"all"}"#;

fn ringfence() -> Child {
    Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .arg("compare")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn compare(input: &[u8]) -> Output {
    let mut child = ringfence();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn each_line_is_answered_in_order() {
    let same = LESS.replace("\"id\":1", "\"id\":\"two\"").replace("Get*", "GetObject");
    let output = compare(format!("{LESS}\n{same}\r\n{LESS}").as_bytes());
    let proved = r#"{"id":"two","a_within_b":"proved","b_within_a":"proved","witness_a":null,"witness_b":null,"reason":null,"universe":"all"}"#;
    assert_eq!(text(&output.stdout), format!("{LESS_ANSWER}\n{proved}\n{LESS_ANSWER}\n"));
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_line_is_answered_before_the_next_is_written() {
    let mut child = ringfence();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..2 {
        stdin.write_all(format!("{LESS}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert_eq!(answer.trim_end(), LESS_ANSWER);
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_line_that_cannot_be_read_is_answered_and_the_rest_goes_on() {
    let mut input = b"{\"id\":\"\xff\"}\n".to_vec();
    // The last `Effect` is that of `b`.
    let (before, last) = LESS.rsplit_once("\"Effect\"").unwrap();
    input.extend(format!("{before}\"Efect\"{last}\n").bytes());
    input.extend(LESS.replace("\"principal\"", "\"caller\"").bytes());
    input.extend(b"\n");
    input.extend(LESS.replace("arn:aws:iam::123456789012:user/alice", "alice@").bytes());
    input.extend(b"\nnonsense\n");
    input.extend(LESS.bytes());
    let output = compare(&input);
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    let [bytes, element, member, principal, nonsense, good] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    assert_eq!(*bytes, r#"{"id":null,"error":"the line is not UTF-8 after byte 7"}"#);
    assert_eq!(
        *element,
        r#"{"id":1,"error":"b: identity[0]: unknown element `Efect`: write `Effect` (line 1, column 15)"}"#
    );
    assert!(member.starts_with(r#"{"id":1,"error":"unknown field `caller`"#), "{member}");
    assert!(principal.starts_with(r#"{"id":1,"error":""#), "{principal}");
    assert!(nonsense.starts_with(r#"{"id":null,"error":""#), "{nonsense}");
    assert_eq!(*good, LESS_ANSWER);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn it_ends_quietly_when_nobody_reads_on() {
    let mut child = ringfence();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(format!("{LESS}\n").as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

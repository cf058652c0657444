//! The commands, as they are run.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests, and what they share"
)]

mod action;
mod book;
mod calibrate;
mod endings;
mod evidence;
mod examples;
mod hostile;
mod integrity;
mod least;
mod networks;
mod pipelines;
mod planned;
mod published;
mod stacks;
mod watch;

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// A bundle is checked by a key, or by its hashes alone, and the error names both.
#[test]
fn what_a_bundle_is_checked_by_is_named() {
    let output = run(&["evidence", "verify", "bundle"], b"");
    let error = text(&output.stderr);
    assert!(error.contains("<--allowed-key <ALLOWED_KEY>|--hashes-only>"), "{error}");
}

const ALLOW: &str = r#"{"id":1,"principal":"arn:aws:iam::123456789012:user/alice","action":"s3:GetObject","resource":"arn:aws:s3:::b/k","policies":{"identity":[{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}]}}"#;
const ALLOWED: &str = r#"{"id":1,"decision":"allow","layer":"identity","statements":[{"policy":"identity[0]","sid":"Read","index":0}],"explanation":"allowed by statement `Read` of `identity[0]`"}"#;

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn decide_answers_in_order() {
    let deny = ALLOW.replace("\"id\":1", "\"id\":\"two\"").replace("b/k", "c/k");
    let output = run(&["decide"], format!("{ALLOW}\n{deny}\r\n{ALLOW}").as_bytes());
    let denied = r#"{"id":"two","decision":"implicit_deny","layer":"identity","statements":[],"explanation":"denied: no identity-based policy allows it; statement `Read` of `identity[0]`: allowed but for the resource"}"#;
    assert_eq!(text(&output.stdout), format!("{ALLOWED}\n{denied}\n{ALLOWED}\n"));
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn decide_goes_on_after_lines_that_it_cannot_read() {
    let mut input = b"{\"id\":\"\xff\"}\n".to_vec();
    input.extend(ALLOW.replace("\"Effect\"", "\"Efect\"").bytes());
    input.extend(b"\nnonsense\n");
    input.extend(ALLOW.bytes());
    let output = run(&["decide"], &input);
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    let [bytes, element, nonsense, allowed] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(*bytes, r#"{"id":null,"error":"the line is not UTF-8 after byte 7"}"#);
    assert_eq!(
        *element,
        r#"{"id":1,"error":"identity[0]: unknown element `Efect`: write `Effect` (line 1, column 52)"}"#
    );
    // What is wrong with it is the JSON library's to say.
    let nonsense: serde_json::Value = serde_json::from_str(nonsense).unwrap();
    assert_eq!(nonsense["id"], serde_json::Value::Null);
    assert!(nonsense["error"].as_str().is_some_and(|error| !error.is_empty()), "{nonsense}");
    assert_eq!(*allowed, ALLOWED);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn decide_ends_quietly_when_nobody_reads_on() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .arg("decide")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(format!("{ALLOW}\n").as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn explain_shows_the_deciding_statement_as_written() {
    let pretty = r#"{
  "principal": "arn:aws:iam::123456789012:user/alice",
  "action": "s3:GetObject",
  "resource": "arn:aws:s3:::b/k",
  "policies": {"identity": [{"Statement": [
    {
      "Sid": "Read",
      "Effect": "Allow",
      "Action": "s3:GetObject",
      "Resource": "arn:aws:s3:::b/*"
    }
  ]}]}
}"#;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("request.json");
    std::fs::write(&file, pretty).unwrap();
    let expected = "\
ALLOWED: arn:aws:iam::123456789012:user/alice asks for s3:GetObject on arn:aws:s3:::b/k
layer: identity
why: allowed by statement `Read` of `identity[0]`

statement `Read` of `identity[0]` (identity):
    {
      \"Sid\": \"Read\",
      \"Effect\": \"Allow\",
      \"Action\": \"s3:GetObject\",
      \"Resource\": \"arn:aws:s3:::b/*\"
    }
";
    let output = run(&["explain", file.to_str().unwrap()], b"");
    assert_eq!(text(&output.stdout), expected);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&run(&["explain", "-"], pretty.as_bytes()).stdout), expected);
}

#[test]
fn explain_says_what_a_near_miss_lacked() {
    let line = ALLOW.replace(
        r#""Resource":"arn:aws:s3:::b/*""#,
        r#""Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"a"}}"#,
    );
    let output = run(&["explain", "-"], line.as_bytes());
    let expected = "\
DENIED (implicitly): arn:aws:iam::123456789012:user/alice asks for s3:GetObject on arn:aws:s3:::b/k
layer: identity
why: denied because no identity-based policy allows the s3:GetObject action

near miss: statement `Read` of `identity[0]`, but for
  - condition StringEquals aws:PrincipalTag/team: the request has no such key
    {\"Sid\":\"Read\",\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"aws:PrincipalTag/team\":\"a\"}}}
";
    assert_eq!(text(&output.stdout), expected);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn explain_shows_the_denying_statement() {
    let line = ALLOW.replace(
        r#""Resource":"arn:aws:s3:::b/*"}"#,
        r#""Resource":"*"},{"Effect":"Deny","Action":"s3:*","Resource":"*"}"#,
    );
    let output = run(&["explain", "-"], line.as_bytes());
    let expected = "\
DENIED (explicitly): arn:aws:iam::123456789012:user/alice asks for s3:GetObject on arn:aws:s3:::b/k
layer: identity
why: denied by statement 2 of `identity[0]`

statement 2 of `identity[0]` (identity):
    {\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"Resource\":\"*\"}
";
    assert_eq!(text(&output.stdout), expected);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn without_a_configuration_a_run_says_what_makes_one() {
    let place = tempfile::tempdir().unwrap();
    for command in ["verify", "attack", "mutate"] {
        let mut ringfence = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        let output = ringfence.arg(command).current_dir(place.path()).output().unwrap();
        let message = "ringfence: there is no `ringfence.toml`: `ringfence init` drafts one from your Terraform, \
                       templates and workflows; `--config FILE` names another\n";
        assert_eq!(text(&output.stderr), message);
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn the_action_installs_this_version() {
    let action = include_str!("../../action.yml");
    let expected = format!("    default: {}\n", env!("CARGO_PKG_VERSION"));
    assert!(action.contains(&expected), "action.yml installs another version");
    let changelog = include_str!("../../CHANGELOG.md");
    let section = format!("\n## {} - ", env!("CARGO_PKG_VERSION"));
    assert!(changelog.contains(&section), "CHANGELOG.md has no section of this version");
}

#[test]
fn a_history_that_is_not_there_is_named() {
    let output = run(&["evidence", "history", "no-such-history"], b"");
    // Why, the operating system says in its own words.
    let said = text(&output.stderr);
    assert!(said.starts_with("ringfence: cannot read the history `no-such-history`: "), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn explain_says_where_it_cannot_read() {
    let output = run(&["explain", "-"], b"{\"action\": 1}");
    let said = text(&output.stderr);
    assert!(said.starts_with("ringfence: cannot read `-`: "), "{said}");
    // The place is part of the claim, its wording is not.
    assert!(said.ends_with(" at line 1 column 12\n"), "{said}");
    assert_eq!(output.status.code(), Some(2));
    let output = run(&["explain", "no-such-file"], b"");
    let said = text(&output.stderr);
    assert!(said.starts_with("ringfence: cannot read `no-such-file`: "), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn mutate_weakens_what_is_named_and_says_which_attacks_notice() {
    const ID: &str = "role/app-service-b-lambda-role/boundary/boundary-detached";
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../ringfence.toml");
    let output = run(&["mutate", "--config", config, "--json", "--only", ID], b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [mutant, summary] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&mutant["id"], &mutant["verdict"]), (&ID.into(), &"killed".into()));
    let killers = mutant["killed_by"].as_array().unwrap();
    assert!(killers.iter().all(|id| id.as_str().unwrap().starts_with("code-in-service-b/")));
    assert!(!killers.is_empty());
    let counts = serde_json::json!({
        "mutants": 1, "killed": 1, "survived": 0, "equivalent": 0, "not_run": 0,
    });
    assert_eq!(*summary, serde_json::json!({"summary": counts}));
}

/// Where the result counts, a run that cannot be isolated is not begun; an
/// upstream by URL never is.
#[rstest::rstest]
#[case::in_ci(Some("true"), &[], "the run would be UNISOLATED: ")]
#[case::told(Some("true"), &["--unisolated"], "the upstream at `http://127.0.0.1:9/` does not answer")]
#[case::at_a_desk(None, &[], "the upstream at `http://127.0.0.1:9/` does not answer")]
fn a_run_that_is_not_isolated_is_not_begun_in_ci(
    #[case] ci: Option<&str>,
    #[case] more: &[&str],
    #[case] expected: &str,
) {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("ringfence.toml"), "").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command
        .args(["attack", "--backend", "http://127.0.0.1:9/"])
        .args(more)
        .current_dir(place.path())
        .env_remove("CI");
    if let Some(ci) = ci {
        command.env("CI", ci);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(expected), "{said}");
}

/// The same of a run that is to be signed, wherever it is.
#[rstest::rstest]
#[case::with_a_key(&["--sign-key", "key"], "the run would be UNISOLATED: ")]
#[case::told(&["--sign-key", "key", "--unisolated"], "the upstream at `http://127.0.0.1:9/` does not answer")]
#[case::without_a_key(&[], "the upstream at `http://127.0.0.1:9/` does not answer")]
fn a_run_that_is_not_isolated_is_not_begun_for_a_key(
    #[case] more: &[&str],
    #[case] expected: &str,
) {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("ringfence.toml"), "").unwrap();
    let key = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(place.path().join("key"))
        .status();
    assert!(key.unwrap().success());
    let output = Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .args(["verify", "--backend", "http://127.0.0.1:9/"])
        .args(more)
        .current_dir(place.path())
        .env_remove("CI")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(expected), "{said}");
}

#[test]
fn who_closes_the_pipe_gets_the_code_of_a_shell_and_no_panic() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .args(["coverage", "--markdown"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(141));
}

/// A repository with an estate, all of it committed.
fn committed_estate() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("terraform")).unwrap();
    std::fs::write(place.path().join("terraform/main.tf"), "").unwrap();
    let text = "[layer1]\ndirectory = \"terraform\"\n";
    std::fs::write(place.path().join("ringfence.toml"), text).unwrap();
    for arguments in [
        &["init", "-q"][..],
        &["add", "."],
        &["-c", "user.name=n", "-c", "user.email=e@example.com", "commit", "-q", "-m", "one"],
    ] {
        let git = Command::new("git").arg("-C").arg(place.path()).args(arguments).status().unwrap();
        assert!(git.success());
    }
    place
}

fn verify_since(revision: &str, place: &std::path::Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .args(["verify", "--changed-since", revision])
        .current_dir(place)
        .output()
        .unwrap()
}

#[test]
fn verify_of_what_changed_ends_at_once_where_nothing_did() {
    let place = committed_estate();
    let nothing = |expected: &str| {
        let output = verify_since("HEAD", place.path());
        assert_eq!(text(&output.stderr), format!("ringfence: {expected}\n"));
        assert_eq!(text(&output.stdout), "");
        assert_eq!(output.status.code(), Some(0));
        assert!(!place.path().join("ringfence-run").exists());
    };
    nothing("nothing that is under test changed since HEAD");
    std::fs::write(place.path().join("README.md"), "").unwrap();
    nothing("nothing that is under test changed since HEAD; 1 file beside it");
}

#[test]
fn verify_of_what_changed_since_no_revision_cannot_run() {
    let place = committed_estate();
    let output = verify_since("nowhere", place.path());
    let said = "ringfence: `nowhere` is no revision of this repository: git: fatal: Needed a single revision\n";
    assert_eq!(text(&output.stderr), said);
    assert_eq!(output.status.code(), Some(2));
    assert!(!place.path().join("ringfence-run").exists());
    for with in [["--only", "a"], ["--shard", "1/2"], ["--sign-key", "k"], ["--baseline", "b"]] {
        let output = run(&[&["verify", "--changed-since", "HEAD"][..], &with].concat(), b"");
        assert_eq!(output.status.code(), Some(2), "{with:?}");
        assert!(text(&output.stderr).contains("cannot be used with"), "{with:?}");
    }
}

//! What hangs on the policies of keys, of roles and of other accounts' resources: identities are
//! compared as if these let in the account of who asks, and nobody is said to be kept out by one
//! that is not in the files.

use rstest::rstest;
use serde_json::{Value, json};

use super::gains::{allow, arn, deny, document, gained, of, policy, role, state};
use super::{ask, in_files, run, text};

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/k";
const OTHER_KEY: &str = "arn:aws:kms:eu-west-1:999999999999:key/k";
const OTHER_QUEUE: &str = "arn:aws:sqs:eu-west-1:999999999999:q";

fn on(mut statement: Value, resource: &str) -> Value {
    statement["Resource"] = json!(resource);
    statement
}

/// A key with the policy that AWS gives it.
fn key() -> Value {
    let lets = json!({"Effect": "Allow", "Principal": {"AWS": arn("root")}, "Action": "kms:*",
        "Resource": "*"});
    let values = json!({"arn": KEY, "key_id": "k", "id": "k", "policy": document(&[lets])});
    of("aws_kms_key", "k", values)
}

#[rstest]
#[case::a_key("kms:Decrypt", KEY)]
#[case::another_accounts_key("kms:Decrypt", OTHER_KEY)]
#[case::another_accounts_queue("sqs:SendMessage", OTHER_QUEUE)]
fn more_of_what_has_a_policy_elsewhere_is_gained(
    #[case] action: &str,
    #[case] resource: &str,
    #[values(false, true)] is_in_files: bool,
) {
    let more: Vec<Value> = is_in_files.then(key).into_iter().collect();
    let with = |statements: &[Value]| -> Vec<Value> {
        [vec![role("app"), policy("app", statements)], more.clone()].concat()
    };
    let reads = allow("s3:GetObject");
    let uses = on(allow(action), resource);
    let (less, more) = (with(std::slice::from_ref(&reads)), with(&[reads.clone(), uses.clone()]));
    assert_eq!(gained("role/app", &less, &more).0, "something");
    assert_eq!(gained("role/app", &more, &less).0, "nothing");
    assert_eq!(gained("role/app", &more, &more).0, "nothing");
    // So is what is denied no more.
    let denied = with(&[reads, uses, on(deny(action), resource)]);
    assert_eq!(gained("role/app", &denied, &more).0, "something");
    assert_eq!(gained("role/app", &more, &denied).0, "nothing");
}

#[test]
fn a_policy_by_itself_that_gains_a_key_is_told() {
    let reads = json!({"Version": "2012-10-17", "Statement": [allow("s3:GetObject")]});
    let more = on(allow("kms:Decrypt"), KEY);
    let uses = json!({"Version": "2012-10-17", "Statement": [allow("s3:GetObject"), more]});
    let directory = in_files(&[("a/app.json", &reads), ("b/app.json", &uses)]);
    let (a, b) = (directory.path().join("a"), directory.path().join("b"));
    let output = run(&a, &b, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let line = format!("  allowed now and not before: `kms:Decrypt` on `{KEY}`");
    assert!(text(&output.stdout).contains(&line), "{}", text(&output.stdout));
    assert_eq!(run(&b, &a, &[]).status.code(), Some(0));
    assert_eq!(run(&b, &b, &[]).status.code(), Some(0));
}

#[rstest]
#[case::a_key("kms:Decrypt", KEY)]
#[case::another_accounts_queue("sqs:SendMessage", OTHER_QUEUE)]
#[case::another_accounts_role("sts:AssumeRole", "arn:aws:iam::999999999999:role/x")]
fn nobody_is_kept_out_by_a_policy_that_is_not_in_the_files(
    #[case] action: &str,
    #[case] resource: &str,
) {
    let own = state(&[role("app"), policy("app", &[on(allow(action), resource)])]);
    let none = state(&[role("app"), policy("app", &[allow("s3:GetObject")])]);
    let directory = in_files(&[("own.json", &own), ("none.json", &none)]);
    let who = |file: &str| ask(directory.path(), &["who-can", action, resource, "--state", file]);
    let (code, told, error) = who("own.json");
    assert_eq!((code, error.as_str()), (Some(1), ""));
    let start = format!("role/app: undecided: `{action}` on `{resource}` hangs on the ");
    assert!(told.starts_with(&start), "{told}");
    assert!(told.ends_with("0 of 2 can, 1 undecided\n"), "{told}");
    let (code, told, _) = who("none.json");
    assert_eq!((code, told.as_str()), (Some(0), "0 of 2 can, 0 undecided\n"));

    let (code, told, error) =
        ask(directory.path(), &["what-can", "role/app", "--state", "own.json"]);
    assert_eq!((code, error.as_str()), (Some(1), ""));
    assert!(told.contains(", which is not in the files: it may let in who asks"), "{told}");
    assert!(told.ends_with(", 1 undecided\n"), "{told}");
}

/// The policy of a key of the files is asked about by itself, and beside those of identities:
/// AWS's own leaves its account to these.
#[test]
fn whom_a_key_of_the_files_lets_in_is_told() {
    let own = [role("app"), policy("app", &[on(allow("kms:Decrypt"), KEY)]), role("none"), key()];
    let directory = in_files(&[("own.json", &state(&own))]);
    let asked = ["who-can", "kms:Decrypt", KEY, "--state", "own.json"];
    let (_, told, error) = ask(directory.path(), &asked);
    assert_eq!(error, "");
    let lines: Vec<&str> = told.lines().collect();
    let [key, app, count] = &lines[..] else { panic!("{told}") };
    assert!(key.starts_with("aws_kms_key.k: `kms:Decrypt` on "), "{told}");
    assert!(app.starts_with("role/app: `kms:Decrypt` on "), "{told}");
    assert!(app.ends_with("assumed-role/app/session`), by `aws_kms_key.k`"), "{told}");
    assert_eq!(*count, "2 of 5 can, 0 undecided");
}

//! What the policies of keys, of roles and of other accounts' resources may let somebody do that
//! are not in the files.

use rstest::rstest;
use serde_json::{Value, json};

use crate::shop::{ACCOUNT, allow, document, estate, iam, of, rail, run, text};

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/k";
const OTHER_KEY: &str = "arn:aws:kms:eu-west-1:999999999999:key/k";
const OTHER_ROLE: &str = "arn:aws:iam::999999999999:role/x";
const OTHER_QUEUE: &str = "arn:aws:sqs:eu-west-1:999999999999:q";

fn resource(kind: &str, name: &str, values: Value) -> Value {
    json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "values": values})
}

fn role(name: &str) -> Value {
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "ec2.amazonaws.com"}})]);
    let arn = iam(&format!("role/{name}"));
    resource("aws_iam_role", name, json!({"name": name, "arn": arn, "assume_role_policy": trust}))
}

fn key(statement: Value) -> Value {
    let values = json!({"key_id": "k", "arn": KEY, "policy": document(&[statement])});
    resource("aws_kms_key", "k", values)
}

fn of_key(whom: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": iam(whom)}, "Action": "kms:*", "Resource": "*"})
}

/// The verdict of a rail about `role/app`, and its first reason.
fn told(own: &Value, action: &str, on: &[&str], more: &[Value]) -> (String, String) {
    let policy = json!({"role": "app", "name": "p", "policy": document(std::slice::from_ref(own))});
    let mut all = vec![role("app"), resource("aws_iam_role_policy", "p", policy)];
    all.extend(more.iter().cloned());
    let state = json!({"format_version": "1.0", "values": {"root_module": {"resources": all}}});
    let directory = estate(&state);
    let on = if on.is_empty() { String::new() } else { format!("resources = {}\n", json!(on)) };
    let config = format!(
        "[account]\nid = \"{ACCOUNT}\"\nregion = \"eu-west-1\"\n\
         [[guard_rail]]\nid = \"r\"\ntitle = \"r\"\nwho = [\"role/app\"]\n\
         actions = [\"{action}\"]\n{on}\
         legitimate = {{ identity = \"platform\", action = \"sts:GetCallerIdentity\", resource = \"*\" }}\n"
    );
    std::fs::write(directory.path().join("ringfence.toml"), config).unwrap();
    let output = run(directory.path(), &["--state", "state.json", "--json"]);
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    assert!(!lines.is_empty(), "{}", text(&output.stderr));
    let found = rail(&lines, "r");
    let reason = found["undecided"][0]["reason"].as_str().unwrap_or_default().to_owned();
    (found["verdict"].as_str().unwrap().to_owned(), reason)
}

/// What only the policy of something could let in that the files do not have is not proved.
#[rstest]
#[case::a_key(allow("kms:*", "*"), "kms:Decrypt", &[KEY], "policy of that key")]
#[case::a_key_by_its_own_policy(allow("kms:Decrypt", KEY), "kms:Decrypt", &[], "policy of that key")]
#[case::another_accounts_key(
    allow("kms:*", "*"),
    "kms:Decrypt",
    &[OTHER_KEY],
    "policy of that key"
)]
#[case::a_role_of_another_account(
    allow("sts:AssumeRole", "*"),
    "sts:AssumeRole",
    &[OTHER_ROLE],
    "trust policy of that role"
)]
#[case::a_queue_of_another_account(
    allow("sqs:*", "*"),
    "sqs:SendMessage",
    &[OTHER_QUEUE],
    "policy of that resource"
)]
fn a_policy_that_is_not_in_the_files_may_let_in(
    #[case] own: Value,
    #[case] action: &str,
    #[case] on: &[&str],
    #[case] what: &str,
) {
    let (verdict, reason) = told(&own, action, on, &[]);
    assert_eq!(verdict, "undecided");
    let end = format!(" hangs on the {what}, which is not in the files: it may let in who asks");
    assert!(reason.ends_with(&end), "{reason}");
    // Whom its own policies let do nothing of that, no account's name lets in.
    assert_eq!(told(&allow("s3:GetObject", "*"), action, on, &[]).0, "proved");
}

/// The policy of a key of the files decides.
#[rstest]
#[case::for_another("role/admin", "proved")]
#[case::for_the_account("root", "violated")]
fn a_key_of_the_files_lets_in_whom_it_names(#[case] whom: &str, #[case] verdict: &str) {
    let keys = [key(of_key(whom))];
    assert_eq!(told(&allow("kms:*", "*"), "kms:Decrypt", &[KEY], &keys).0, verdict);
    // Another one's says nothing of this.
    let other = of("kms", "key/l");
    assert_eq!(told(&allow("kms:*", "*"), "kms:Decrypt", &[&other], &keys).0, "undecided");
}

#[test]
fn a_role_of_the_files_lets_in_whom_its_trust_policy_names() {
    let arn = iam("role/b");
    let own = allow("sts:AssumeRole", "*");
    assert_eq!(told(&own, "sts:AssumeRole", &[&arn], &[role("b")]).0, "proved");
    assert_eq!(told(&own, "sts:AssumeRole", &[&arn], &[]).0, "undecided");
    let own = allow("sts:AssumeRole", &arn);
    assert_eq!(told(&own, "sts:AssumeRole", &[], &[role("b")]).0, "proved");
}

/// Nobody is let in to another account's IAM.
#[test]
fn what_no_policy_of_a_resource_lets_in_is_proved_of_other_accounts() {
    let own = allow("iam:*", "*");
    assert_eq!(
        told(&own, "iam:CreateUser", &["arn:aws:iam::999999999999:user/x"], &[]).0,
        "proved"
    );
    assert_eq!(told(&own, "iam:CreateUser", &[&iam("user/x")], &[]).0, "violated");
}

/// `kms:CallerAccount` is the account of who asks.
#[rstest]
#[case::of_another("999999999999", "proved")]
#[case::its_own(ACCOUNT, "violated")]
fn who_calls_kms_is_of_its_own_account(#[case] account: &str, #[case] verdict: &str) {
    let mut statement = of_key("root");
    statement["Condition"] = json!({"StringEquals": {"kms:CallerAccount": account}});
    let keys = [key(statement)];
    assert_eq!(told(&allow("kms:Decrypt", "*"), "kms:Decrypt", &[KEY], &keys).0, verdict);
}

//! Sessions that users federate, which are other callers than the users.

use std::fs;

use rstest::rstest;
use serde_json::{Value, json};

use crate::shop::{allow, document, iam, rail, run, text};

const CONFIG: &str = "[account]\nid = \"123456789012\"\nregion = \"eu-west-1\"\n\n\
    [[guard_rail]]\nid = \"data\"\ntitle = \"u writes no data\"\nwho = [\"user/u\"]\n\
    actions = [\"s3:PutObject\"]\nresources = [\"arn:aws:s3:::data/*\"]\n\
    legitimate = { identity = \"platform\", action = \"sts:GetCallerIdentity\", resource = \"*\" }\n";

/// What is said of a user with these statements beside a bucket's policy: there is no role.
fn told(own: &[Value], bucket: Option<&Value>) -> (String, String) {
    told_of(&json!({"name": "u", "arn": iam("user/u"), "path": "/"}), own, bucket)
}

/// The same of a user with these values.
fn told_of(user: &Value, own: &[Value], bucket: Option<&Value>) -> (String, String) {
    let resource = |kind: &str, values: Value| json!({"address": format!("{kind}.r"), "mode": "managed", "type": kind, "values": values});
    let policy = json!({"name": "p", "user": "u", "policy": document(own)});
    let mut all =
        vec![resource("aws_iam_user", user.clone()), resource("aws_iam_user_policy", policy)];
    all.extend(bucket.map(|statement| {
        let policy = document(std::slice::from_ref(statement));
        resource("aws_s3_bucket_policy", json!({"bucket": "data", "policy": policy}))
    }));
    let state = json!({"format_version": "1.0", "values": {"root_module": {"resources": all}}});
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("ringfence.toml"), CONFIG).unwrap();
    fs::write(directory.path().join("state.json"), state.to_string()).unwrap();
    let flags = ["--state", "state.json", "--json", "--certificate", "c.json"];
    let output = run(directory.path(), &flags);
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    assert!(!lines.is_empty(), "{}", text(&output.stderr));
    let found = rail(&lines, "u writes no data");
    let verdict = found["verdict"].as_str().unwrap().to_owned();
    if verdict == "proved" {
        let checked = run(directory.path(), &["--check", "c.json", "--state", "state.json"]);
        assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stdout));
    }
    let who = found["violations"][0]["identity"].as_str();
    let why = || found["undecided"][0]["reason"].as_str().unwrap_or_default();
    (verdict, who.unwrap_or_else(why).to_owned())
}

/// A statement about `s3:PutObject` under one condition.
fn put(effect: &str, operator: &str, key: &str, value: &str) -> Value {
    json!({"Effect": effect, "Action": "s3:PutObject", "Resource": "*",
        "Condition": {operator: {key: value}}})
}

/// `aws:PrincipalTag` is the user's own tag, which somebody may change.
#[rstest]
#[case::as_the_policy_asks(json!({"Team": "b"}), "violated")]
#[case::another_value(json!({"team": "a"}), "undecided")]
#[case::none(json!({}), "undecided")]
fn a_users_own_tags_count(#[case] tags: Value, #[case] verdict: &str) {
    let user = json!({"name": "u", "arn": iam("user/u"), "path": "/", "tags": tags,
        "tags_all": tags});
    let of = |own: Value| told_of(&user, &[own], None);
    let (found, told) = of(put("Allow", "StringEquals", "aws:PrincipalTag/team", "b"));
    assert_eq!(found, verdict, "{told}");
    let why = "the tags of `user/u` in the files are others than it takes";
    assert!(if verdict == "violated" { told == "user/u" } else { told.ends_with(why) }, "{told}");
    // What asks for none of them, and what denies whatever they are.
    assert_eq!(of(allow("s3:PutObject", "*")), ("violated".to_owned(), "user/u".to_owned()));
    assert_eq!(of(put("Deny", "StringEquals", "aws:PrincipalTag/team", "b")).0, "proved");
}

fn token(name: &str) -> Value {
    allow("sts:GetFederationToken", &format!("arn:aws:sts::123456789012:federated-user/{name}"))
}

const X: &str = "user/u as federated-user/x";

#[rstest]
#[case::by_the_users_name(put("Deny", "StringEquals", "aws:username", "u"), "violated", X)]
#[case::by_its_kind(put("Deny", "StringEquals", "aws:PrincipalType", "User"), "violated", X)]
#[case::by_its_arn(
    put("Deny", "ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:user/*"),
    "violated",
    X
)]
#[case::of_both(put("Deny", "StringLike", "aws:PrincipalArn", "*"), "proved", "")]
#[case::of_all(json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"}), "proved", "")]
fn a_session_escapes_a_deny_of_its_user(
    #[case] deny: Value,
    #[case] verdict: &str,
    #[case] who: &str,
) {
    let everything = allow("*", "*");
    let found = told(&[everything.clone(), deny.clone()], None);
    assert_eq!(found, (verdict.to_owned(), who.to_owned()));
    let no_token = json!({"Effect": "Deny", "Action": "sts:GetFederationToken", "Resource": "*"});
    assert_eq!(told(&[everything, deny, no_token], None).0, "proved");
}

#[rstest]
#[case::who_may_federate(Some(token("*")), "violated")]
#[case::who_may_not(None, "proved")]
fn an_allow_for_sessions_alone_is_theirs(#[case] token: Option<Value>, #[case] verdict: &str) {
    let own = put("Allow", "StringEquals", "aws:PrincipalType", "FederatedUser");
    let all: Vec<Value> = token.into_iter().chain([own]).collect();
    assert_eq!(told(&all, None).0, verdict);
}

#[rstest]
#[case::of_any_name("*", "violated", "user/u as federated-user/bob by aws_s3_bucket_policy.r")]
#[case::of_this_name("bob", "violated", "user/u as federated-user/bob by aws_s3_bucket_policy.r")]
#[case::of_another_name("alice", "proved", "")]
fn a_session_that_a_bucket_names_is_let_in(
    #[case] name: &str,
    #[case] verdict: &str,
    #[case] who: &str,
) {
    let bob = "arn:aws:sts::123456789012:federated-user/bob";
    let statement = json!({"Effect": "Allow", "Principal": {"AWS": bob},
        "Action": "s3:PutObject", "Resource": "arn:aws:s3:::data/*"});
    let found = told(&[token(name)], Some(&statement));
    assert_eq!(found, (verdict.to_owned(), who.to_owned()));
}

/// A session may be named as its user likes: which of the names a pattern has is not followed.
#[test]
fn a_part_of_a_sessions_name_is_undecided() {
    let some = "arn:aws:sts::123456789012:federated-user/a*";
    let found = told(&[token("*"), put("Allow", "ArnLike", "aws:PrincipalArn", some)], None);
    let why = "policies tell the sessions that `arn:aws:iam::123456789012:user/u` federates apart \
               by a part of the name";
    assert_eq!(found, ("undecided".to_owned(), why.to_owned()));
}

/// What a bucket's policy denies one session by its name, or all but one, is not denied the others.
#[rstest]
#[case::one("Principal", &["arn:aws:sts::123456789012:federated-user/x"], "violated", "user/u as federated-user/xx")]
#[case::all_but_one(
    "NotPrincipal",
    &["arn:aws:iam::123456789012:root", "arn:aws:sts::123456789012:federated-user/bob"],
    "violated",
    "user/u as federated-user/bob"
)]
#[case::everybody("Principal", &["*"], "proved", "")]
fn a_session_that_a_bucket_leaves_out_is_asked_about(
    #[case] element: &str,
    #[case] whom: &[&str],
    #[case] verdict: &str,
    #[case] who: &str,
) {
    let own = [
        put("Allow", "StringEquals", "aws:PrincipalType", "FederatedUser"),
        allow("sts:GetFederationToken", "*"),
    ];
    let mut bucket = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::data/*"});
    bucket[element] = json!({"AWS": whom});
    assert_eq!(told(&own, Some(&bucket)), (verdict.to_owned(), who.to_owned()));
}

//! Boundaries: of those who are made, of those who gain something, and of which nobody knows
//! what they allow.

use ringfence::access::can::{Wanted, who_can};
use ringfence::access::diff::Side;
use ringfence::proof::paths::{Found, Source};
use rstest::rstest;
use serde_json::{Value, json};

use super::{allow, document, estate, found, iam, resource, trust};

fn role(name: &str, boundary: Option<&str>) -> Value {
    let arn = iam(&format!("role/{name}"));
    let boundary = boundary.map(|name| match name.starts_with("arn:") {
        true => name.to_owned(),
        false => iam(&format!("policy/{name}")),
    });
    let trust = trust(&json!({"AWS": iam("role/nobody")}));
    let values = json!({"name": name, "arn": arn, "assume_role_policy": trust,
        "permissions_boundary": boundary});
    resource("aws_iam_role", name, values)
}

fn of_role(name: &str, statements: &[Value]) -> Value {
    let values = json!({"role": name, "policy": document(statements)});
    resource("aws_iam_role_policy", name, values)
}

fn policy(name: &str, statements: &[Value]) -> Value {
    let arn = iam(&format!("policy/{name}"));
    let values = json!({"name": name, "arn": arn, "policy": document(statements)});
    resource("aws_iam_policy", name, values)
}

fn all(actions: &[&str], on: &str) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": on})
}

fn under(operator: &str, value: &str) -> Value {
    json!({"Effect": "Allow", "Action": ["iam:CreateRole", "iam:PutRolePolicy"],
        "Resource": iam("role/runners/*"),
        "Condition": {operator: {"iam:PermissionsBoundary": value}}})
}

fn source<'f>(found: &'f Found, name: &str) -> &'f Source {
    found.sources.iter().find(|one| one.name == name).unwrap()
}

/// What is gained of a kind: of whom, and why nobody knows it.
fn gained(found: &Found, gain: &str) -> Vec<(String, Option<String>)> {
    let of = source(found, "role/deploy").paths.iter().filter(|path| path.gain == gain);
    let of = of.flat_map(|path| {
        let all = std::iter::once(&path.of).chain(&path.others);
        all.map(|of| (of.clone(), path.undecided.clone()))
    });
    of.collect()
}

/// A deployer who makes roles as its boundary lets it.
fn deployer(statement: Value, more: &[Value]) -> Found {
    let boundary = [statement, all(&["lambda:*", "sts:AssumeRole"], "*")];
    let mut resources = vec![
        role("deploy", Some("deploy-boundary")),
        policy("deploy-boundary", &boundary),
        of_role("deploy", &[all(&["iam:*", "lambda:*", "sts:AssumeRole"], "*")]),
    ];
    resources.extend(more.iter().cloned());
    found(&resources)
}

#[rstest]
#[case("StringEquals", "arn:aws:iam::123456789012:policy/runner")]
#[case("StringLike", "arn:aws:iam::*:policy/run*")]
#[case("ArnLike", "arn:aws:iam::${aws:PrincipalAccount}:policy/runner")]
#[case("StringNotLike", "arn:aws:iam::aws:policy/*")]
fn a_role_is_made_under_a_boundary_that_nobody_has_yet(
    #[case] operator: &str,
    #[case] value: &str,
) {
    let runner = policy("runner", &[all(&["s3:*"], "*")]);
    let found = deployer(under(operator, value), &[runner]);
    let under = "a new role under arn:aws:iam::123456789012:policy/runner".to_owned();
    assert!(gained(&found, "session").contains(&(under, None)), "{found:?}");
}

/// What the boundary allows of a role that is made under one of no file is not known, and so
/// what that role may do.
#[test]
fn what_a_boundary_allows_that_is_not_in_the_files_is_not_known() {
    let runner = policy("runner", &[all(&["s3:*"], "*")]);
    let found = deployer(under("StringEquals", &iam("policy/other")), &[runner]);
    let gained = gained(&found, "session");
    let under = |name: &str| format!("a new role under {}", iam(&format!("policy/{name}")));
    assert!(gained.iter().any(|(of, _)| *of == under("other")), "{gained:?}");
    assert!(!gained.iter().any(|(of, _)| *of == under("runner")), "{gained:?}");
    let told = format!("the boundary `{}` is not in the files", iam("policy/other"));
    let whys = gained.iter().map(|(_, why)| why.as_ref().unwrap());
    assert!(whys.clone().all(|why| why.contains(&told)), "{gained:?}");
    assert!(!found.is_none());
}

#[test]
fn any_boundary_may_be_the_widest() {
    let any = json!({"Effect": "Allow", "Action": ["iam:CreateRole", "iam:PutRolePolicy"],
        "Resource": "*", "Condition": {"Null": {"iam:PermissionsBoundary": "false"}}});
    let found = deployer(any, &[]);
    let widest = "a new role under arn:aws:iam::aws:policy/AdministratorAccess".to_owned();
    assert!(gained(&found, "session").contains(&(widest, None)), "{found:?}");
}

/// A request names AWS's policy with the partition.
#[rstest]
#[case::refused("ArnNotLike", "arn:aws:iam::aws:policy/*", false)]
#[case::that_alone("ArnLike", "arn:aws:iam::aws:policy/AdministratorAccess", true)]
#[case::in_any_partition("ArnLike", "arn:*:iam::aws:policy/*", true)]
fn a_policy_of_awss_is_attached(#[case] operator: &str, #[case] value: &str, #[case] gains: bool) {
    let attach = json!({"Effect": "Allow", "Action": "iam:AttachRolePolicy", "Resource": "*",
        "Condition": {operator: {"iam:PolicyARN": value}}});
    let found = found(&[role("deploy", None), of_role("deploy", &[attach])]);
    let gained = gained(&found, "own permissions");
    let [(of, undecided)] = gained.as_slice() else { panic!("{gained:?}") };
    assert_eq!((of.as_str(), undecided.is_none()), ("role/deploy", gains));
}

#[rstest]
#[case::capped(&["s3:*", "iam:PutRolePolicy"], false)]
#[case::not_capped(&["s3:*", "iam:PutRolePolicy", "iam:DeleteRolePermissionsBoundary"], true)]
fn nothing_is_gained_above_the_boundary(#[case] boundary: &[&str], #[case] gains: bool) {
    let found = found(&[
        role("deploy", Some("b")),
        policy("b", &[all(boundary, "*")]),
        of_role("deploy", &[all(&["*"], "*")]),
    ]);
    assert_eq!(!gained(&found, "own permissions").is_empty(), gains, "{found:?}");
}

/// A boundary gives nothing: a role that is made has no policy where nobody may give it one.
#[rstest]
#[case::without_a_policy(false)]
#[case::with_one(true)]
fn a_role_that_is_made_has_what_it_is_given(#[case] is_given: bool) {
    let mut actions = vec!["iam:CreateRole", "sts:AssumeRole"];
    actions.extend(is_given.then_some("iam:PutRolePolicy"));
    let statements =
        [all(&actions, &iam("role/x-*")), all(&["iam:CreatePolicyVersion"], &iam("policy/b"))];
    let found = found(&[
        role("deploy", Some("b")),
        policy("b", &statements),
        of_role("deploy", &statements),
    ]);
    let path = source(&found, "role/deploy").paths.iter().find(|path| path.gain == "session");
    assert_eq!(path.is_some(), is_given, "{found:?}");
    let steps = path.map(|path| path.steps.iter().map(|step| step.by.as_str()).collect());
    let steps: Vec<&str> = steps.unwrap_or_default();
    assert_eq!(steps.contains(&"iam:PutRolePolicy"), is_given);
}

/// What a boundary keeps back that no request asks for is no gain, where it goes.
#[test]
fn what_nothing_does_to_a_resource_is_no_gain() {
    let (make, change) = (iam("role/x-*"), iam("policy/b"));
    let boundary = [all(&["iam:CreateRole"], &make), all(&["iam:CreatePolicyVersion"], &change)];
    let own = json!({"Effect": "Allow", "Action": ["iam:CreateRole", "iam:CreatePolicyVersion"],
        "Resource": [make, change]});
    let with = |own: &[Value]| {
        let estate = [role("deploy", Some("b")), policy("b", &boundary), of_role("deploy", own)];
        gained(&found(&estate), "own permissions").len()
    };
    assert_eq!(with(std::slice::from_ref(&own)), 0);
    assert_eq!(with(&[own, all(&["s3:GetObject"], "*")]), 1);
}

/// One that is not known limits or does not, and gives nothing.
#[test]
fn a_boundary_that_is_not_known_gives_nothing() {
    let elsewhere = iam("policy/elsewhere");
    let reader =
        [role("deploy", Some(&elsewhere)), of_role("deploy", &[all(&["s3:GetObject"], "*")])];
    assert_eq!(source(&found(&reader), "role/deploy").verdict(), "none");
    let asks = |action: &str| {
        let wanted = Wanted { action, resource: None };
        let estate = estate(&reader);
        let all = who_can(&estate, &wanted).unwrap();
        let deployer = all.into_iter().find(|one| one.name == "role/deploy");
        deployer.unwrap().side
    };
    assert!(matches!(asks("iam:CreateUser"), Side::Nothing));
    let Side::Undecided(why) = asks("s3:GetObject") else { panic!("decided") };
    assert_eq!(why, format!("the boundary `{elsewhere}` is not in the files"));
    let writer = [
        role("deploy", Some(&elsewhere)),
        resource(
            "aws_iam_role_policy",
            "deploy",
            json!({"role": "deploy", "policy": allow(&["iam:PutRolePolicy"])}),
        ),
    ];
    assert_eq!(source(&found(&writer), "role/deploy").verdict(), "undecided");
}

//! Policies that are known in part, and those of which nobody knows whose they are.

use std::fs;

use ringfence::access::files::{self, Configurations};
use ringfence::proof::paths::{Found, Source, search};
use rstest::rstest;
use serde_json::{Value, json};

use super::{allow, document, estate, iam, resource, trust};

fn role(name: &str) -> Value {
    let nobody = trust(&json!({"Service": "x.amazonaws.com"}));
    let arn = iam(&format!("role/{name}"));
    resource("aws_iam_role", name, json!({"name": name, "arn": arn, "assume_role_policy": nobody}))
}

fn source<'f>(found: &'f Found, name: &str) -> &'f Source {
    found.sources.iter().find(|one| one.name == name).unwrap()
}

/// A role with a policy of a template, of which the resource of a statement is not known.
fn of_a_template(statements: &str) -> Found {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("template.yaml");
    let text = format!(
        "Parameters: {{Src: {{Type: String}}}}\nResources:\n  R:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: r\n      AssumeRolePolicyDocument: {{Version: '2012-10-17', Statement: [{{Effect: Allow, Principal: {{Service: lambda.amazonaws.com}}, Action: 'sts:AssumeRole'}}]}}\n      Policies: [{{PolicyName: p, PolicyDocument: {{Version: '2012-10-17', Statement: [{statements}]}}}}]\n"
    );
    fs::write(&path, text).unwrap();
    let mut estate = estate(&[role("other")]);
    files::template(&path, &mut estate).unwrap();
    search(&estate, None).unwrap()
}

const READ: &str =
    "{Effect: Allow, Action: 's3:GetObject', Resource: !Sub 'arn:aws:s3:::${Src}/*'}";
const WRITE: &str = "{Effect: Allow, Action: 'iam:PutRolePolicy', Resource: '*'}";
const MAY_WRITE: &str =
    "{Effect: Allow, Action: 'iam:PutRolePolicy', Resource: !Sub 'arn:aws:iam::${Src}:role/*'}";
const MAY_NOT: &str =
    "{Effect: Deny, Action: 'iam:*', Resource: !Sub 'arn:aws:iam::123456789012:role/${Src}'}";
const MAY_NOT_READ: &str = "{Effect: Deny, Action: 's3:*', Resource: !Sub 'arn:aws:s3:::${Src}/*'}";

/// What the known statements allow, and the widest of the Denies that are not known do not
/// deny, is gained; what a statement of which a part is not known alone allows is not known.
#[rstest]
#[case::known(&[READ, WRITE], "found")]
#[case::beside_another_deny(&[MAY_NOT_READ, WRITE], "found")]
#[case::denied_perhaps(&[MAY_NOT, WRITE], "undecided")]
#[case::allowed_perhaps(&[READ, MAY_WRITE], "undecided")]
#[case::not_allowed(&[READ], "none")]
fn the_known_statements_of_a_policy_decide(#[case] statements: &[&str], #[case] expected: &str) {
    let found = of_a_template(&statements.join(", "));
    let source = source(&found, "role/r");
    assert_eq!(source.verdict(), expected, "{source:?}");
    if expected == "found" {
        let own = source.paths.iter().find(|path| path.gain == "own permissions").unwrap();
        assert_eq!(own.undecided, None);
        let request = own.steps.first().unwrap().requests.first().unwrap();
        assert_eq!(request.request.as_ref().unwrap().action, "iam:PutRolePolicy");
        assert!(!request.allowed_by.is_empty(), "{request:?}");
    }
}

/// A plan with two roles, one of which, or both, may have what a resource gives whose owner is
/// known after apply only.
fn planned(kind: &str, after: &Value, unknown: &Value, own: &[&str]) -> Found {
    let change = |address: String, kind: &str, after: &Value, unknown: &Value| {
        json!({"address": address, "mode": "managed", "type": kind,
            "change": {"actions": ["create"], "after": after, "after_unknown": unknown}})
    };
    let of = |one: &Value| {
        let address = one["address"].as_str().unwrap().to_owned();
        change(address, one["type"].as_str().unwrap(), &one["values"], &json!({}))
    };
    let policy = json!({"name": "own", "role": "a", "policy": allow(own)});
    let user = json!({"name": "u", "arn": iam("user/u")});
    let mut all: Vec<Value> =
        [role("a"), role("b"), resource("aws_iam_role_policy", "own", policy)]
            .iter()
            .map(of)
            .collect();
    all.push(of(&resource("aws_iam_user", "u", user)));
    all.push(change(format!("{kind}.p"), kind, after, unknown));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("plan.json");
    let plan = json!({"format_version": "1.2", "resource_changes": all});
    fs::write(&path, plan.to_string()).unwrap();
    let estate = files::shown(&[path], &Configurations::default()).unwrap();
    search(&estate, None).unwrap()
}

fn verdicts(found: &Found) -> [&'static str; 3] {
    ["role/a", "role/b", "user/u"].map(|name| source(found, name).verdict())
}

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const READER: &str = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess";

/// Whose a policy is, is not known: it may be of each role, and what it allows each may do.
#[test]
fn a_policy_whose_owner_is_not_known_may_be_of_each() {
    let attached = |arn: &str, own: &[&str]| {
        let kind = "aws_iam_role_policy_attachment";
        planned(kind, &json!({"policy_arn": arn}), &json!({"role": true}), own)
    };
    let found = attached(ADMINISTRATOR, &["s3:GetObject"]);
    assert_eq!(verdicts(&found), ["undecided", "undecided", "none"]);
    let why = source(&found, "role/b").paths.first().unwrap().undecided.clone().unwrap();
    let reason = "aws_iam_role_policy_attachment.p: role is known after apply only";
    assert!(why.ends_with(reason), "{why}");
    // What one of them may do for certain it gains.
    let found = attached(ADMINISTRATOR, &["iam:PutRolePolicy"]);
    assert_eq!(verdicts(&found), ["found", "undecided", "none"]);
    // Of a policy that allows no way there is none, whosoever it is.
    assert_eq!(verdicts(&attached(READER, &["s3:GetObject"])), ["none"; 3]);
}

/// The same of a policy of one's own, of which nothing, or all, is known.
#[test]
fn an_inline_policy_whose_owner_is_not_known_may_be_of_each() {
    let inline = |after: Value, unknown: Value| {
        verdicts(&planned("aws_iam_role_policy", &after, &unknown, &["iam:PutRolePolicy"]))
    };
    let known =
        |policy: &str| inline(json!({"name": "p", "policy": policy}), json!({"role": true}));
    assert_eq!(known(&allow(&["sqs:*"])), ["found", "none", "none"]);
    let deny = document(&[json!({"Effect": "Deny", "Action": "iam:*", "Resource": "*"})]);
    assert_eq!(known(&deny), ["undecided", "none", "none"]);
    let unknown = inline(json!({"name": "p"}), json!({"role": true, "policy": true}));
    assert_eq!(unknown, ["undecided", "undecided", "none"]);
}

/// Whoever is put into a group that is not told is a user.
#[test]
fn a_member_that_is_not_known_may_be_each_user() {
    let kind = "aws_iam_user_group_membership";
    let after = json!({"groups": ["g"]});
    let found = planned(kind, &after, &json!({"user": true}), &["s3:GetObject"]);
    assert_eq!(verdicts(&found), ["none", "none", "undecided"]);
}

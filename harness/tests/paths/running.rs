//! What runs as a role and is not known in all, and sessions by their names.

use std::fs;

use ringfence::access::files;
use ringfence::proof::paths::{Found, search};
use rstest::rstest;
use serde_json::{Value, json};

use super::{ACCOUNT, document, estate, gains, iam, regional, resource, trust};

fn role(name: &str, trust: String) -> Value {
    resource(
        "aws_iam_role",
        name,
        json!({"name": name, "arn": iam(&format!("role/{name}")), "assume_role_policy": trust}),
    )
}

fn policy(role: &str, action: &str, on: &str) -> Value {
    let text = document(&[json!({"Effect": "Allow", "Action": action, "Resource": on})]);
    resource("aws_iam_role_policy", role, json!({"name": "p", "role": role, "policy": text}))
}

/// A role that may do something to what begins with `shop-`, and an admin as which something
/// else runs.
fn base(action: &str, on: &str, other: Value, service: &str) -> Vec<Value> {
    let nobody = trust(&json!({"Service": "ec2.amazonaws.com"}));
    vec![
        role("base", nobody),
        policy("base", action, on),
        role("admin", trust(&json!({"Service": service}))),
        policy("admin", "*", "*"),
        other,
    ]
}

fn functions() -> Vec<Value> {
    let arn = regional("lambda", "function:other");
    let other = json!({"function_name": "other", "arn": arn, "role": iam("role/admin")});
    let other = resource("aws_lambda_function", "other", other);
    let on = regional("lambda", "function:shop-*");
    base("lambda:UpdateFunctionCode", &on, other, "lambda.amazonaws.com")
}

fn projects() -> Vec<Value> {
    let arn = regional("codebuild", "project/other");
    let other = json!({"name": "other", "arn": arn, "service_role": iam("role/admin")});
    let other = resource("aws_codebuild_project", "other", other);
    base("codebuild:*", &regional("codebuild", "project/shop-*"), other, "codebuild.amazonaws.com")
}

/// What an estate with a template has.
fn with(resources: &[Value], template: &str) -> Found {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("template.yaml");
    fs::write(&path, template).unwrap();
    let mut estate = estate(resources);
    files::template(&path, &mut estate).unwrap();
    search(&estate, None).unwrap()
}

/// What it tells of the way of the base to the admin: nothing, that there is one, or why nobody
/// knows.
fn way(found: &Found) -> Option<String> {
    let source = found.sources.iter().find(|one| one.name == "role/base").unwrap();
    let all = source.paths.iter().filter(|path| path.gain == "session");
    let mut all = all
        .filter(|path| std::iter::once(&path.of).chain(&path.others).any(|of| of == "role/admin"));
    all.next().map(|path| path.undecided.clone().unwrap_or_default())
}

fn template(kind: &str, properties: &str) -> String {
    format!(
        "Transform: AWS::Serverless-2016-10-31\nParameters: {{Stage: {{Type: String}}}}\nResources:\n  F:\n    Type: {kind}\n    Properties: {{{properties}}}\n"
    )
}

const ADMIN: &str = "arn:aws:iam::123456789012:role/admin";
const UNNAMED: &str = "role/base: `lambda:UpdateFunctionCode` on `Resources.F` depends on what is \
                       not known: Resources.F: its name is not known";

#[rstest]
#[case::known("FunctionName: shop-f, Role: ADMIN", Some(""))]
#[case::of_another("FunctionName: other-f, Role: ADMIN", None)]
#[case::without_a_name("Role: ADMIN", Some(UNNAMED))]
#[case::by_a_parameter("FunctionName: !Sub 'shop-${Stage}', Role: ADMIN", Some(UNNAMED))]
#[case::as_another("Role: 'arn:aws:iam::123456789012:role/other'", None)]
#[case::as_whom_nobody_knows(
    "FunctionName: shop-f, Role: !ImportValue r",
    Some(
        "role/base: `lambda:UpdateFunctionCode` on `Resources.F` depends on what is not known: \
          Resources.F: the role that it runs as is not known"
    )
)]
fn a_function_of_a_template_is_never_left_out(
    #[case] properties: &str,
    #[case] expected: Option<&str>,
    #[values("AWS::Serverless::Function", "AWS::Lambda::Function")] kind: &str,
) {
    let template = template(kind, &properties.replace("ADMIN", &format!("'{ADMIN}'")));
    assert_eq!(way(&with(&functions(), &template)).as_deref(), expected);
}

/// Who may do nothing to functions changes none, whatever it is called.
#[test]
fn who_may_change_no_function_changes_none_without_a_name() {
    let mut resources = functions();
    *resources.get_mut(1).unwrap() = policy("base", "s3:GetObject", "*");
    let template = template("AWS::Lambda::Function", &format!("Role: '{ADMIN}'"));
    assert_eq!(way(&with(&resources, &template)), None);
}

#[test]
fn what_else_runs_as_a_role_in_a_template_is_undecided() {
    let of = |role: &str| template("AWS::CodeBuild::Project", &format!("ServiceRole: '{role}'"));
    let found = way(&with(&projects(), &of(ADMIN))).unwrap();
    assert!(found.ends_with("Resources.F: its name is not known"), "{found}");
    assert_eq!(way(&with(&projects(), &of("arn:aws:iam::123456789012:role/other"))), None);
    assert_eq!(way(&with(&projects(), &template("AWS::SQS::Queue", "QueueName: q"))), None);
}

/// A plan that makes a function.
fn planned(after: Value, unknown: &Value) -> Found {
    let directory = tempfile::tempdir().unwrap();
    let change = |one: &Value, after: &Value, unknown: &Value| {
        json!({"address": one["address"], "mode": "managed", "type": one["type"],
            "change": {"actions": ["create"], "after": after, "after_unknown": unknown}})
    };
    let mut all: Vec<Value> =
        functions().iter().map(|one| change(one, &one["values"], &json!({}))).collect();
    let new = resource("aws_lambda_function", "new", json!({}));
    all.push(change(&new, &after, unknown));
    let path = directory.path().join("plan.json");
    let plan = json!({"format_version": "1.2", "resource_changes": all});
    fs::write(&path, plan.to_string()).unwrap();
    let estate = files::shown(&[path], &files::Configurations::default()).unwrap();
    search(&estate, None).unwrap()
}

#[test]
fn a_function_that_is_not_known_before_apply_is_never_left_out() {
    let named = planned(json!({"function_name": "shop-x", "role": ADMIN}), &json!({"arn": true}));
    assert_eq!(way(&named).as_deref(), Some(""));
    let unnamed = planned(json!({"role": ADMIN}), &json!({"arn": true, "function_name": true}));
    let why = way(&unnamed).unwrap();
    assert!(why.ends_with("aws_lambda_function.new: its name is not known"), "{why}");
    let unknown = json!({"arn": true, "role": true});
    let anybodys = planned(json!({"function_name": "shop-x"}), &unknown);
    let why = way(&anybodys).unwrap();
    assert!(
        why.ends_with("aws_lambda_function.new: the role that it runs as is not known"),
        "{why}"
    );
    let other = planned(json!({"function_name": "other-x"}), &unknown);
    assert_eq!(way(&other), None);
}

/// Whoever takes a role chooses the name of the session.
#[test]
fn a_session_is_called_as_the_next_trust_policy_wants_it() {
    let session = |name: &str| format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}");
    let estate_of = |named: &str| {
        let user = json!({"name": "u", "arn": iam("user/u")});
        let found = search(
            &estate(&[
                resource("aws_iam_user", "u", user),
                role("a", trust(&json!({"AWS": iam("user/u")}))),
                role("b", trust(&json!({"AWS": session(named)}))),
                policy("b", "sqs:*", "*"),
            ]),
            None,
        );
        found.unwrap()
    };
    let of = |name: &str| ("session", format!("role/{name}"));
    let found = estate_of("a/bob");
    assert_eq!(gains(&found, "user/u"), [of("a"), of("b")]);
    let source = found.sources.iter().find(|one| one.name == "role/a").unwrap();
    let last = source.paths.first().unwrap().steps.last().unwrap();
    let request = last.requests.first().unwrap().request.as_ref().unwrap();
    assert_eq!(request.principal, session("a/bob"));
    assert_eq!(gains(&estate_of("c/bob"), "user/u"), [of("a")]);
}

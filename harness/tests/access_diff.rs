//! The built binary's `access-diff` and `who-can`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn run(old: &Path, new: &Path, flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .arg("access-diff")
        .args([old, new])
        .args(flags)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn policy(action: &str, resource: &str) -> Value {
    json!({"Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": action, "Resource": resource}})
}

/// A plan in which everything is made: resources as type, name, values and what is
/// not known of them.
fn plan(resources: &[(&str, &str, Value, Value)]) -> Value {
    let change = |(kind, name, after, unknown): &(&str, &str, Value, Value)| {
        json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "name": name,
            "change": {"actions": ["create"], "after": after, "after_unknown": unknown}})
    };
    let changes: Vec<Value> = resources.iter().map(change).collect();
    json!({"format_version": "1.2", "resource_changes": changes,
    "configuration": {"root_module": {"resources": [
        {"address": "aws_iam_role_policy_attachment.a", "expressions": {
            "role": {"references": ["aws_iam_role.r.name", "aws_iam_role.r"]},
            "policy_arn": {"references": ["aws_iam_policy.p.arn", "aws_iam_policy.p"]}}},
        {"address": "aws_iam_role.r", "expressions": {
            "permissions_boundary": {"references": ["aws_iam_policy.b.arn", "aws_iam_policy.b"]}}}
    ]}}})
}

/// A role with a policy by reference, a boundary, and a trust policy.
fn role(action: &str, boundary: Option<&str>) -> Vec<(&'static str, &'static str, Value, Value)> {
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}});
    let mut role = json!({"name": "app", "assume_role_policy": trust.to_string()});
    let mut unknown = json!({"arn": true});
    if boundary.is_some() {
        unknown["permissions_boundary"] = json!(true);
    } else {
        role["permissions_boundary"] = Value::Null;
    }
    let mut all = vec![
        ("aws_iam_role", "r", role, unknown),
        (
            "aws_iam_policy",
            "p",
            json!({"name": "p", "policy": policy(action, "*").to_string()}),
            json!({"arn": true}),
        ),
        (
            "aws_iam_role_policy_attachment",
            "a",
            json!({"role": "app"}),
            json!({"policy_arn": true}),
        ),
    ];
    if let Some(action) = boundary {
        let values = json!({"name": "b", "policy": policy(action, "*").to_string()});
        all.push(("aws_iam_policy", "b", values, json!({"arn": true})));
    }
    all
}

/// Writes two estates and compares them.
fn diff(old: &Value, new: &Value) -> (Option<i32>, Value) {
    let directory = tempfile::tempdir().unwrap();
    let [a, b] = ["old.json", "new.json"].map(|name| directory.path().join(name));
    fs::write(&a, old.to_string()).unwrap();
    fs::write(&b, new.to_string()).unwrap();
    let output = run(&a, &b, &["--json"]);
    assert_eq!(text(&output.stderr), "");
    (output.status.code(), serde_json::from_str(text(&output.stdout)).unwrap())
}

/// What is said of an entry.
fn said<'v>(told: &'v Value, name: &str) -> &'v Value {
    let changes = told["changes"].as_array().unwrap();
    changes.iter().find(|change| change["name"] == name).unwrap()
}

#[test]
fn directories_are_compared_by_file() {
    let directory = tempfile::tempdir().unwrap();
    let [old, new] = ["old", "new"].map(|name| directory.path().join(name));
    for (side, action) in [(&old, "s3:Get*"), (&new, "s3:*")] {
        fs::create_dir_all(side.join("team")).unwrap();
        fs::write(side.join("team/app.json"), policy(action, "*").to_string()).unwrap();
        fs::write(side.join("same.json"), policy("sqs:*", "*").to_string()).unwrap();
        fs::write(side.join("package.json"), r#"{"name": "other"}"#).unwrap();
    }
    let grown = run(&old, &new, &[]);
    let first = "team/app\n  allowed now and not before: `s3:x` on `*` (as `arn:aws:iam::100000000001:user/x`)\n";
    let rest =
        "2 compared for all requests: 1 may do more, 0 may do less, 0 undecided, 1 the same\n";
    assert_eq!(text(&grown.stdout), format!("{first}{rest}"));
    assert_eq!(grown.status.code(), Some(1));
    let shrunk = run(&new, &old, &["--markdown"]);
    assert!(text(&shrunk.stdout).contains("- allowed before and not now: `s3:x` on `*`"));
    assert_eq!(shrunk.status.code(), Some(0));
}

#[test]
fn a_role_has_what_is_attached_by_reference_within_its_boundary() {
    let (get, all) = (plan(&role("s3:Get*", None)), plan(&role("s3:*", None)));
    let bounded = plan(&role("s3:*", Some("s3:Get*")));
    let (code, told) = diff(&get, &all);
    assert_eq!((code, &said(&told, "role/app")["gained"]), (Some(1), &json!("something")));
    assert_eq!(said(&told, "role/app")["allowed_now"]["action"], "s3:x");
    assert_eq!(said(&told, "trust of role/app")["gained"], "nothing");
    let (code, told) = diff(&get, &bounded);
    assert_eq!((code, &said(&told, "role/app")["gained"]), (Some(0), &json!("nothing")));
    assert_eq!(said(&told, "role/app")["lost"], "nothing");
    let (code, told) = diff(&bounded, &all);
    assert_eq!((code, &said(&told, "role/app")["gained"]), (Some(1), &json!("something")));
}

#[test]
fn what_is_known_after_apply_is_undecided() {
    let old = plan(&role("s3:*", None));
    let mut resources = role("s3:*", None);
    resources.push(("aws_iam_role_policy", "i", json!({"role": "app"}), json!({"policy": true})));
    let (code, told) = diff(&old, &plan(&resources));
    let role = said(&told, "role/app");
    assert_eq!(
        (code, &role["gained"], &role["lost"]),
        (Some(1), &json!("undecided"), &json!("undecided"))
    );
    assert_eq!(role["reason"], "aws_iam_role_policy.i: policy is known after apply only");
    let (_, known) = diff(&old, &old);
    assert_eq!(said(&known, "role/app")["gained"], "nothing");
}

#[test]
fn a_managed_policy_elsewhere_is_undecided_where_it_may_matter() {
    let with = |action: &str| {
        let mut resources = role(action, None);
        let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
        let values = json!({"role": "app", "policy_arn": arn});
        resources.push(("aws_iam_role_policy_attachment", "managed", values, json!({})));
        plan(&resources)
    };
    let gained = |old: &Value, new: &Value| {
        let (code, told) = diff(old, new);
        (code, said(&told, "role/app")["gained"].as_str().unwrap().to_owned())
    };
    let without = plan(&role("s3:*", None));
    assert_eq!(gained(&with("s3:*"), &with("s3:Get*")), (Some(0), "nothing".to_owned()));
    assert_eq!(gained(&with("s3:Get*"), &with("s3:*")), (Some(1), "undecided".to_owned()));
    assert_eq!(gained(&without, &with("s3:*")), (Some(1), "undecided".to_owned()));
}

#[test]
fn what_cannot_be_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let good = write("good.json", &policy("s3:*", "*").to_string());
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let bad = [
        (write("wrong.json", &policy("s3:*", "x").to_string()), "wrong.json: "),
        (write("other.json", "{}"), "neither a policy nor what `terraform show -json` prints"),
        (
            write("raw.json", r#"{"terraform_version": "1", "lineage": "x"}"#),
            "Terraform's own state file",
        ),
        (
            write("template.json", r#"{"Resources": {"A": {"Type": "AWS::IAM::Role"}}}"#),
            "CloudFormation",
        ),
        (empty, "no policies and no identities in it"),
        (directory.path().join("missing.json"), "missing.json: "),
    ];
    for (path, message) in bad {
        let output = run(&path, &good, &[]);
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
    }
    assert_eq!(run(&good, &good, &[]).status.code(), Some(0));
}

#[test]
fn who_can_do_something_is_told_with_a_request() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, value: &Value| {
        fs::write(directory.path().join(name), value.to_string()).unwrap();
    };
    write("admin.json", &policy("*", "*"));
    write("app.json", &policy("s3:Get*", "arn:aws:s3:::data/*"));
    let mut hidden = policy("s3:*", "arn:aws:s3:::data/*");
    hidden["Statement"]["Condition"] = json!({"StringEquals": {"aws:PrincipalTag/t": "a"}});
    write("tagged.json", &hidden);
    write(
        "queue.json",
        &json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}}),
    );
    let ask = |question: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .arg("who-can")
            .args(question)
            .arg("--in")
            .arg(directory.path())
            .output()
            .unwrap();
        let told = (text(&output.stdout).to_owned(), text(&output.stderr).to_owned());
        (output.status.code(), told.0, told.1)
    };
    let (code, told, _) = ask(&["s3:PutObject", "arn:aws:s3:::data/x"]);
    let caller = "(as `arn:aws:iam::100000000001:user/x`)";
    let admin = format!("admin: `s3:putobject` on `arn:aws:s3:::data/x` {caller}");
    let tag = r#"with `{"aws:principaltag/t":"a"}`"#;
    let tagged = format!("tagged: `s3:putobject` on `arn:aws:s3:::data/x` {tag} {caller}");
    assert_eq!(told, format!("{admin}\n{tagged}\n2 of 4 can, 0 undecided\n"));
    assert_eq!(code, Some(1));
    let (code, told, _) = ask(&["sqs:SendMessage"]);
    let first: Vec<&str> = told.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!((code, &first[..2]), (Some(1), &["admin", "queue"][..]));
    fs::remove_file(directory.path().join("admin.json")).unwrap();
    let nobody = (Some(0), "0 of 3 can, 0 undecided\n".to_owned(), String::new());
    assert_eq!(ask(&["s3:PutObject", "arn:aws:s3:::other/*"]), nobody);
    let (code, told, error) = ask(&["s3", "x"]);
    assert_eq!((code, told.as_str()), (Some(2), ""));
    assert!(error.contains("the action or the resource cannot stand in a policy"), "{error}");
}

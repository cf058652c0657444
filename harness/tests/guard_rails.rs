//! Guard rails of the configuration's own, as the built binary's `prove` has them.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::fs;
use std::process::{Command, Output};

use rstest::rstest;
use serde_json::{Value, json};

const LEDGER: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger";
const TITLE: &str = "nobody but the clerk writes to the ledger";

/// A guard rail, with other lines behind it.
fn config(id: &str, who: &str, actions: &str, more: &str) -> String {
    format!(
        r#"[[guard_rail]]
id = "{id}"
title = "{TITLE}"
{who}
actions = [{actions}]
resources = ["aws_dynamodb_table.ledger"]
legitimate = {{ identity = "role/clerk", action = "dynamodb:PutItem", resource = "aws_dynamodb_table.ledger" }}
{more}"#
    )
}

/// The ledger, its clerk, and an app that may do what the statements say.
fn state(app: &[Value]) -> Value {
    let resource = |kind: &str, name: &str, values: Value| {
        json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "name": name,
            "values": values})
    };
    let document = |statements: &[Value]| {
        json!({"Version": "2012-10-17", "Statement": statements}).to_string()
    };
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"}})]);
    let role = |name: &str, tags: Value| {
        resource(
            "aws_iam_role",
            name,
            json!({"name": name, "tags": tags,
            "arn": format!("arn:aws:iam::123456789012:role/{name}"), "assume_role_policy": trust}),
        )
    };
    let policy = |name: &str, statements: &[Value]| {
        resource("aws_iam_role_policy", name, json!({"role": name, "policy": document(statements)}))
    };
    let resources = vec![
        resource("aws_dynamodb_table", "ledger", json!({"name": "ledger", "arn": LEDGER})),
        role("clerk", json!({})),
        policy("clerk", &[allow("dynamodb:*", LEDGER)]),
        role("app", json!({"team": "shop"})),
        policy("app", app),
    ];
    json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}})
}

fn allow(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn prove(config: &str, state: &Value) -> Output {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("ringfence.toml"), config).unwrap();
    fs::write(directory.path().join("state.json"), state.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    let command = command.current_dir(directory.path());
    command.args(["prove", "--state", "state.json", "--json"]).output().unwrap()
}

/// The line of the guard rail.
fn proved(config: &str, state: &Value) -> Value {
    let output = prove(config, state);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.find(|line| line["rail"] == TITLE).unwrap()
}

const WRITES: &str = r#""dynamodb:PutItem", "dynamodb:Delete*""#;

#[rstest]
#[case::everyone_but("everyone_but = [\"role/cl*\"]")]
#[case::by_name("who = [\"role/app\"]")]
#[case::by_tag("who = [\"tag/team=shop\"]")]
#[case::by_address("who = [\"aws_iam_role.app\"]")]
fn whoever_is_named_is_kept_from_it(#[case] who: &str) {
    let config = config("ledger", who, WRITES, "");
    let reads = proved(&config, &state(&[allow("dynamodb:GetItem", LEDGER)]));
    assert_eq!(reads["verdict"], "proved", "{reads}");
    let writes = proved(&config, &state(&[allow("dynamodb:*Item", LEDGER)]));
    assert_eq!(writes["verdict"], "violated", "{writes}");
    let broken = &writes["violations"][0];
    assert_eq!(broken["identity"], "role/app");
    assert_eq!(broken["request"]["resource"], LEDGER);
    // Another table is none of its business.
    let other = "arn:aws:dynamodb:eu-west-1:123456789012:table/other";
    let elsewhere = proved(&config, &state(&[allow("dynamodb:*", other)]));
    assert_eq!(elsewhere["verdict"], "proved", "{elsewhere}");
}

#[test]
fn what_is_excepted_is_not_forbidden_and_no_more_than_that() {
    let only_own = json!({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "app"}});
    let mut own = allow("dynamodb:PutItem", LEDGER);
    own["Condition"] = only_own;
    let except =
        "except = { \"ForAllValues:StringEquals\" = { \"dynamodb:LeadingKeys\" = \"app\" } }\n";
    let who = "who = [\"role/app\"]";
    let verdict = |more: &str, statements: &[Value]| {
        proved(&config("ledger", who, WRITES, more), &state(statements))["verdict"].clone()
    };
    assert_eq!(verdict(except, &[own.clone()]), "proved");
    assert_eq!(verdict("", &[own]), "violated");
    assert_eq!(verdict(except, &[allow("dynamodb:PutItem", LEDGER)]), "violated");
}

#[rstest]
#[case::an_id_of_ours(
    config("trust", "who = [\"role/app\"]", WRITES, ""),
    "ringfence.toml:2:6: two guard rails have the id `trust`: give this one another"
)]
#[case::nobody(
    config("ledger", "", WRITES, ""),
    "ringfence.toml:2:6: guard rail `ledger` names nobody: give it `who` or `everyone_but`"
)]
#[case::no_name(
    config("ledger", "who = [\"app\"]", WRITES, ""),
    "ringfence.toml:4:8: `app` names nobody: write the name of a deployer, `role/NAME`"
)]
#[case::nobody_of_the_estate(
    config("ledger", "who = [\"role/shop\"]", WRITES, ""),
    "ringfence.toml:2:1: guard rail `ledger`: `role/shop` is nobody of this estate, which has \
     role/app, role/clerk: correct the name"
)]
#[case::everybody_excepted(
    config("ledger", "everyone_but = [\"role/*\"]", WRITES, ""),
    "ringfence.toml:2:1: guard rail `ledger`: it excepts everybody"
)]
#[case::no_action(
    config("ledger", "who = [\"role/app\"]", "\"dynamodb:WriteItem\"", ""),
    "ringfence.toml:5:12: no action of AWS's is called `dynamodb:WriteItem`"
)]
#[case::no_condition(
    config("ledger", "who = [\"role/app\"]", WRITES, "except = { StringIs = { x = \"y\" } }"),
    "ringfence.toml:8:10: `except` is no condition of a policy: "
)]
fn what_is_no_guard_rail_is_told_with_its_place(#[case] config: String, #[case] message: &str) {
    let output = prove(&config, &state(&[allow("dynamodb:GetItem", LEDGER)]));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains(message) && error.trim().lines().count() == 1, "{error}");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
}

#[test]
fn two_of_one_id_or_of_one_title_are_told() {
    let one = config("ledger", "who = [\"role/app\"]", WRITES, "");
    let other = |id: &str| config(id, "who = [\"role/app\"]", WRITES, "");
    for (id, message) in [
        ("ledger", "ringfence.toml:10:6: two guard rails have the id `ledger`"),
        ("other", "ringfence.toml:11:9: two guard rails are called `nobody but the clerk"),
    ] {
        let output = prove(&format!("{one}\n{}", other(id)), &state(&[]));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(message), "{error}");
        assert_eq!(output.status.code(), Some(2));
    }
}

//! What a stack gives to a role of Terraform's, beside what takes it away or overwrites it.

use std::fs;

use rstest::rstest;
use serde_json::{Value, json};

use crate::shop::{REPOSITORY, document, estate, iam, limit, rail, run, state, text, work};

const RULE: &str = r#"
[[guard_rail]]
id = "data"
title = "nobody writes data"
who = ["role/app"]
actions = ["s3:PutObject"]
resources = ["arn:aws:s3:::data/*"]
legitimate = { identity = "role/worker", action = "s3:PutObject", resource = "arn:aws:s3:::data/x" }
"#;

/// A role that Terraform lets write, with more of Terraform, and what a stack denies it by a
/// policy of a name: the verdict, and why.
fn told(kind: &str, name: &str, more: &[Value]) -> (String, String) {
    let made = |address: &str, values: Value| {
        let kind = address.split('.').next().unwrap();
        json!({"address": address, "mode": "managed", "type": kind, "values": values})
    };
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": iam("root")}})]);
    let writes = document(&[json!({"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"})]);
    let mut all = vec![
        made(
            "aws_iam_role.app",
            json!({"name": "app", "arn": iam("role/app"), "assume_role_policy": trust}),
        ),
        made("aws_iam_role_policy.p", json!({"role": "app", "name": "p", "policy": writes})),
    ];
    all.extend(more.iter().cloned());
    let directory = estate(&state(&work(), &limit(), REPOSITORY, &all));
    let config = directory.path().join("ringfence.toml");
    let written = fs::read_to_string(&config).unwrap() + RULE;
    fs::write(&config, written).unwrap();
    let whose = if kind == "AWS::IAM::RolePolicy" { "RoleName: app" } else { "Roles: [app]" };
    let template = format!(
        "Resources:\n  D:\n    Type: {kind}\n    Properties:\n      PolicyName: {name}\n      {whose}\n      \
         PolicyDocument: {{Statement: [{{Effect: Deny, Action: 's3:*', Resource: '*'}}]}}\n"
    );
    fs::create_dir(directory.path().join("shop")).unwrap();
    fs::write(directory.path().join("shop/template.yaml"), template).unwrap();
    let flags = ["--state", "state.json", "--templates", "shop", "--json"];
    let output = run(directory.path(), &flags);
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    assert!(!lines.is_empty(), "{}", text(&output.stderr));
    let rail = rail(&lines, "nobody writes data");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&rail["verdict"]), text(&rail["undecided"][0]["reason"]))
}

fn exclusive(kind: &str, list: &str, of: &Value) -> Value {
    json!({"address": format!("{kind}.e"), "mode": "managed", "type": kind,
        "values": {"role_name": "app", list: of}})
}

/// A list of all that a role has takes away what a stack gives it.
#[rstest]
#[case::of_inline_policies("aws_iam_role_policies_exclusive", "policy_names", json!(["p"]))]
#[case::of_attachments("aws_iam_role_policy_attachments_exclusive", "policy_arns", json!([]))]
fn a_list_of_all_takes_away_what_a_stack_gives(
    #[case] kind: &str,
    #[case] list: &str,
    #[case] of: Value,
) {
    for given in ["AWS::IAM::RolePolicy", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"] {
        assert_eq!(told(given, "d", &[]).0, "proved");
        let (verdict, why) = told(given, "d", &[exclusive(kind, list, &of)]);
        assert_eq!(verdict, "undecided");
        assert!(why.ends_with(&format!("`{kind}.e` takes away what it does not list")), "{why}");
    }
}

/// Of two inline policies of one name one is there in the end.
#[rstest]
#[case("AWS::IAM::RolePolicy", "p", "undecided")]
#[case("AWS::IAM::Policy", "p", "undecided")]
#[case("AWS::IAM::ManagedPolicy", "p", "proved")]
#[case("AWS::IAM::RolePolicy", "d", "proved")]
fn a_stacks_policy_overwrites_one_of_its_name(
    #[case] kind: &str,
    #[case] name: &str,
    #[case] verdict: &str,
) {
    let (told, why) = told(kind, name, &[]);
    assert_eq!(told, verdict);
    let which = "Resources.D and `aws_iam_role_policy.p` make the inline policy `p` of `role/app`: \
                 which of them is there is not known";
    assert!(told == "proved" || why.ends_with(which), "{why}");
}

//! An estate of roles that have little in common, for measuring `prove --paths`: a state and a
//! configuration of as many roles as asked for. Each has up to three of AWS's managed policies
//! and one of its own, and something may run as it; which, is drawn, and the same in every run.
//!
//! ```text
//! cargo run -p ringfence --example irregular -- ROLES DIR
//! cd DIR && ringfence prove --paths --state state.json
//! ```

use std::path::PathBuf;

use anyhow::Context;
use serde_json::{Value, json};

const ACCOUNT: &str = "123456789012";

const SERVICES: [&str; 6] = ["codebuild", "ec2", "ecs-tasks", "glue", "lambda", "states"];

const ACTIONS: [&str; 9] = [
    "dynamodb:*",
    "iam:AttachRolePolicy",
    "iam:Get*",
    "iam:PassRole",
    "lambda:InvokeFunction",
    "lambda:Update*",
    "s3:*",
    "sqs:SendMessage",
    "sts:AssumeRole",
];

/// Managed policies that allow nearly everything: of whoever has one nothing is told.
const NEARLY_ALL: [&str; 3] = ["Administrator", "IAMFull", "PowerUser"];

const CONFIGURATION: &str = r#"[account]
id = "123456789012"
region = "eu-west-1"

[[guard_rail]]
id = "ledger"
title = "nobody writes to the ledger"
everyone_but = ["role/r0"]
actions = ["dynamodb:PutItem", "dynamodb:Delete*"]
resources = ["aws_dynamodb_table.ledger"]
legitimate = { identity = "role/r0", action = "dynamodb:GetItem", resource = "aws_dynamodb_table.ledger" }
"#;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(roles), Some(directory)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: irregular ROLES DIR");
    };
    let roles: usize = roles.parse().with_context(|| format!("`{roles}` is no number"))?;
    let directory = PathBuf::from(directory);
    std::fs::create_dir_all(&directory)?;
    std::fs::write(directory.join("ringfence.toml"), CONFIGURATION)?;
    std::fs::write(directory.join("state.json"), state(roles).to_string())?;
    Ok(())
}

/// Numbers that look drawn.
struct Drawn(u64);

impl Drawn {
    /// One below a size.
    fn below(&mut self, size: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
        usize::try_from(self.0 >> 33).unwrap_or_default().checked_rem(size).unwrap_or_default()
    }

    fn of<'t>(&mut self, all: &'t [String]) -> Option<&'t str> {
        all.get(self.below(all.len())).map(String::as_str)
    }
}

fn state(roles: usize) -> Value {
    let all = ringfence_models::managed::all().map(|(arn, _)| arn);
    let managed = all.filter(|arn| !NEARLY_ALL.iter().any(|name| arn.contains(name)));
    let mut managed: Vec<String> = managed.collect();
    managed.sort();
    let services = SERVICES.map(|name| format!("{name}.amazonaws.com"));
    let actions = ACTIONS.map(str::to_owned);
    let mut drawn = Drawn(11);
    let mut resources = Vec::new();
    for role in 0..roles {
        let name = format!("r{role}");
        let service = json!({"Service": drawn.of(&services)});
        let mut trust = vec![assume(&service)];
        if drawn.below(10) < 3 {
            trust.push(assume(&json!({"AWS": iam(&format!("role/r{}", drawn.below(roles)))})));
        }
        resources.push(resource(
            "aws_iam_role",
            &name,
            json!({"name": name, "arn": iam(&format!("role/{name}")),
                "assume_role_policy": document(&trust), "tags": {}}),
        ));
        for attached in 0..=drawn.below(3) {
            resources.push(resource(
                "aws_iam_role_policy_attachment",
                &format!("{name}_{attached}"),
                json!({"role": name, "policy_arn": drawn.of(&managed)}),
            ));
        }
        let allowed = json!({"Effect": "Allow",
            "Action": [drawn.of(&actions), drawn.of(&actions)],
            "Resource": [format!("arn:aws:s3:::b{role}/*"),
                iam(&format!("role/r{}", drawn.below(roles))),
                function(drawn.below(roles))]});
        resources.push(resource(
            "aws_iam_role_policy",
            &name,
            json!({"role": name, "policy": document(&[allowed])}),
        ));
        if role % 2 == 0 {
            resources.push(resource(
                "aws_lambda_function",
                &format!("f{role}"),
                json!({"function_name": format!("f{role}"), "arn": function(role),
                    "role": iam(&format!("role/{name}"))}),
            ));
        }
    }
    let table = format!("arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/ledger");
    resources.push(resource(
        "aws_dynamodb_table",
        "ledger",
        json!({"name": "ledger", "arn": table}),
    ));
    json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}})
}

fn resource(kind: &str, name: &str, values: Value) -> Value {
    json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "values": values})
}

fn iam(rest: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{rest}")
}

fn function(number: usize) -> String {
    format!("arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f{number}")
}

fn assume(principal: &Value) -> Value {
    json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal})
}

fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

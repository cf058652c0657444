//! An estate of many teams, for measuring `prove`: a state and a configuration of as
//! many deployers, each with a role for its function, as asked for.
//!
//! ```text
//! cargo run -p ringfence --example estate -- TEAMS DIR
//! cd DIR && ringfence prove --state state.json
//! ```

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::{Value, json};

const ACCOUNT: &str = "123456789012";
const ISSUER: &str = "token.actions.githubusercontent.com";

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(teams), Some(directory)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: estate TEAMS DIR");
    };
    let teams: usize = teams.parse().with_context(|| format!("`{teams}` is no number"))?;
    let directory = PathBuf::from(directory);
    std::fs::create_dir_all(&directory)?;
    std::fs::write(directory.join("ringfence.toml"), configuration(teams))?;
    std::fs::write(directory.join("state.json"), state(teams).to_string())?;
    Ok(())
}

fn configuration(teams: usize) -> String {
    let mut out = format!(
        "[account]\nid = \"{ACCOUNT}\"\nregion = \"eu-west-1\"\n\n[[issuers]]\nkind = \"github\"\nurl = \"https://{ISSUER}\"\n"
    );
    for team in 0..teams {
        let _ = write!(
            out,
            "\n[[apps]]\nname = \"app{team}\"\ndirectory = \"app{team}\"\nrepository = \"acme/app{team}\"\n\n\
             [[deployers]]\nname = \"team{team}\"\nrole_output = \"aws_iam_role.deployer{team}\"\napp = \"app{team}\"\n\
             job = \"stack\"\nrole_prefix = \"fn-app{team}-\"\n"
        );
    }
    out
}

fn state(teams: usize) -> Value {
    let mut resources = vec![
        resource("aws_iam_policy", "code", json!({"arn": iam("policy/code"), "policy": code()})),
        resource("aws_iam_policy", "limit", json!({"arn": iam("policy/limit"), "policy": limit()})),
        resource("aws_s3_bucket", "artifacts", json!({"bucket": "artifacts"})),
    ];
    for team in 0..teams {
        let (name, role) = (format!("deployer{team}"), format!("fn-app{team}-main"));
        resources.extend([
            resource(
                "aws_iam_role",
                &name,
                json!({"name": name, "arn": iam(&format!("role/{name}")), "assume_role_policy": trust(team),
                    "permissions_boundary": iam("policy/limit")}),
            ),
            resource("aws_iam_role_policy", &name, json!({"role": name, "policy": work(team)})),
            resource(
                "aws_iam_role",
                &role,
                json!({"name": role, "arn": iam(&format!("role/{role}")), "assume_role_policy": lambda(),
                    "permissions_boundary": iam("policy/code")}),
            ),
            resource(
                "aws_s3_bucket_policy",
                &role,
                json!({"bucket": format!("data{team}"), "policy": bucket(team)}),
            ),
        ]);
    }
    json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}})
}

fn resource(kind: &str, name: &str, values: Value) -> Value {
    json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "values": values})
}

fn iam(rest: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{rest}")
}

fn of(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:eu-west-1:{ACCOUNT}:{rest}")
}

fn allow(actions: &[&str], resources: &[String]) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resources})
}

fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn all() -> Vec<String> {
    vec!["*".to_owned()]
}

fn code() -> String {
    document(&[
        allow(&["logs:PutLogEvents"], &all()),
        allow(&["s3:GetObject"], &["arn:aws:s3:::data*/*".to_owned()]),
    ])
}

fn limit() -> String {
    let services = ["cloudformation:*", "ec2:Describe*", "lambda:*", "logs:*", "s3:*"];
    let role = json!({"Effect": "Allow", "Action": "iam:CreateRole", "Resource": "*",
        "Condition": {"StringEquals": {"iam:PermissionsBoundary": iam("policy/code")}}});
    let pass = json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
        "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}});
    document(&[allow(&services, &all()), role, pass])
}

fn work(team: usize) -> String {
    let own = [iam(&format!("role/fn-app{team}-*"))];
    document(&[
        allow(&["iam:CreateRole", "iam:PassRole"], &own),
        allow(&["lambda:UpdateFunctionCode"], &[of("lambda", &format!("function:app{team}"))]),
        allow(
            &["cloudformation:UpdateStack"],
            &[of("cloudformation", &format!("stack/app{team}/*"))],
        ),
        allow(&["s3:PutObject"], &[format!("arn:aws:s3:::artifacts/app{team}/*")]),
        allow(&["ec2:DescribeSubnets"], &all()),
    ])
}

fn trust(team: usize) -> String {
    document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": iam(&format!("oidc-provider/{ISSUER}"))},
        "Condition": {"StringEquals": {format!("{ISSUER}:aud"): "sts.amazonaws.com"},
            "StringLike": {format!("{ISSUER}:sub"): format!("repo:acme/app{team}:*")}}})])
}

fn lambda() -> String {
    document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"}})])
}

fn bucket(team: usize) -> String {
    let bucket = format!("arn:aws:s3:::data{team}");
    document(&[
        json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("{bucket}/*"),
        "Principal": {"AWS": iam(&format!("role/fn-app{team}-main"))}}),
    ])
}

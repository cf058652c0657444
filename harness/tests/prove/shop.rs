//! An estate of one team, and what `prove` prints of it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const ACCOUNT: &str = "123456789012";

pub(crate) const CONFIG: &str = include_str!("shop.toml");

pub(crate) fn iam(rest: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{rest}")
}

pub(crate) fn of(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:eu-west-1:{ACCOUNT}:{rest}")
}

pub(crate) fn api(path: &str) -> String {
    format!("arn:aws:apigateway:eu-west-1::/apis/a1{path}")
}

pub(crate) fn allow(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

pub(crate) fn when(mut statement: Value, operator: &str, key: &str, value: &str) -> Value {
    statement["Condition"] = json!({operator: {key: value}});
    statement
}

/// What the team may do: the legitimate twin of each case below.
pub(crate) fn work() -> Vec<Value> {
    let own = iam("role/fn-shop-*");
    let function = of("lambda", "function:shop");
    let network = json!({
        "StringEquals": {"lambda:VpcIds": "vpc-1"},
        "ForAllValues:StringEquals": {"lambda:SubnetIds": ["subnet-1"], "lambda:SecurityGroupIds": ["sg-1"]},
    });
    let mut configuration = allow("lambda:UpdateFunctionConfiguration", &function);
    configuration["Condition"] = network;
    vec![
        when(
            allow("iam:CreateRole", &own),
            "StringEquals",
            "iam:PermissionsBoundary",
            &iam("policy/code"),
        ),
        when(
            allow("iam:PassRole", &own),
            "StringEquals",
            "iam:PassedToService",
            "lambda.amazonaws.com",
        ),
        configuration,
        allow("lambda:UpdateFunctionCode", &function),
        when(
            allow("lambda:AddPermission", &function),
            "StringEquals",
            "lambda:Principal",
            "apigateway.amazonaws.com",
        ),
        allow("cloudformation:UpdateStack", &of("cloudformation", "stack/shop/*")),
        allow("logs:DeleteLogGroup", &of("logs", "log-group:/aws/lambda/shop")),
        allow("ssm:GetParameter", "*"),
        allow("ec2:DescribeSubnets", "*"),
        allow("s3:PutObject", "arn:aws:s3:::artifacts/shop/*"),
        when(
            allow("apigateway:POST", &api("/routes")),
            "ForAnyValue:StringEquals",
            "apigateway:Request/RouteAuthorizationType",
            "JWT",
        ),
        allow("apigateway:PATCH", &api("/integrations/own")),
    ]
}

pub(crate) fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

pub(crate) fn trust(subject: &str) -> String {
    let host = "token.actions.githubusercontent.com";
    document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": iam(&format!("oidc-provider/{host}"))},
        "Condition": {"StringEquals": {format!("{host}:aud"): "sts.amazonaws.com"},
            "StringLike": {format!("{host}:sub"): subject}}})])
}

/// An estate of one team, as `terraform show -json` prints its state.
pub(crate) fn state(
    statements: &[Value],
    boundary: &[Value],
    subject: &str,
    more: &[Value],
) -> Value {
    let lambda = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"}})]);
    let code =
        document(&[allow("logs:PutLogEvents", "*"), allow("s3:GetObject", "arn:aws:s3:::data/*")]);
    let resource = |kind: &str, name: &str, values: Value| json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "values": values});
    let mut resources = vec![
        resource("aws_iam_policy", "code", json!({"arn": iam("policy/code"), "policy": code})),
        resource(
            "aws_iam_policy",
            "limit",
            json!({"arn": iam("policy/limit"), "policy": document(boundary)}),
        ),
        resource(
            "aws_iam_role",
            "deployer",
            json!({"name": "deployer", "arn": iam("role/deployer"),
            "permissions_boundary": iam("policy/limit"), "assume_role_policy": trust(subject)}),
        ),
        resource(
            "aws_iam_role_policy",
            "work",
            json!({"role": "deployer", "policy": document(statements)}),
        ),
        resource(
            "aws_iam_role",
            "code",
            json!({"name": "worker", "arn": iam("role/worker"),
            "permissions_boundary": iam("policy/code"), "assume_role_policy": lambda}),
        ),
        resource(
            "aws_s3_bucket",
            "artifacts",
            json!({"bucket": "artifacts", "arn": "arn:aws:s3:::artifacts"}),
        ),
        resource("aws_apigatewayv2_api", "main", json!({"id": "a1"})),
        resource("aws_apigatewayv2_route", "wired", json!({"id": "r1"})),
        resource(
            "aws_vpc",
            "main",
            json!({"id": "vpc-1", "cidr_block": "10.0.0.0/16", "default_network_acl_id": "acl-0",
                "default_route_table_id": "rtb-0", "main_route_table_id": "rtb-0"}),
        ),
        resource("aws_internet_gateway", "main", json!({"id": "igw-1", "vpc_id": "vpc-1"})),
        resource(
            "aws_subnet",
            "private",
            json!({"id": "subnet-1", "vpc_id": "vpc-1", "cidr_block": "10.0.1.0/24"}),
        ),
        resource("aws_security_group", "code", json!({"id": "sg-1"})),
    ];
    resources.extend(more.iter().cloned());
    json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}})
}

/// A boundary that lets the team's work through, and no more of IAM.
pub(crate) fn limit() -> Vec<Value> {
    let mut all: Vec<Value> =
        ["apigateway", "cloudformation", "ec2", "lambda", "logs", "s3", "ssm"]
            .iter()
            .map(|service| allow(&format!("{service}:*"), "*"))
            .collect();
    all.extend(work().into_iter().take(2));
    all
}

pub(crate) fn run(directory: &Path, flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.current_dir(directory).arg("prove").args(flags).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

pub(crate) fn estate(state: &Value) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("ringfence.toml"), CONFIG).unwrap();
    fs::write(directory.path().join("state.json"), state.to_string()).unwrap();
    directory
}

/// The changes of a plan that makes resources of a state, of which everything is known.
pub(crate) fn made(resources: &[Value]) -> Vec<Value> {
    let change = |one: &Value| {
        json!({"address": one["address"], "mode": "managed", "type": one["type"],
            "change": {"actions": ["create"], "after": one["values"], "after_unknown": {}}})
    };
    resources.iter().map(change).collect()
}

/// The lines that are printed of a state.
pub(crate) fn proved(state: &Value) -> (Option<i32>, Vec<Value>) {
    let output = run(estate(state).path(), &["--state", "state.json", "--json"]);
    assert_eq!(text(&output.stderr), "");
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    (output.status.code(), lines.collect())
}

pub(crate) fn rail<'v>(told: &'v [Value], name: &str) -> &'v Value {
    told.iter().find(|line| line["rail"] == name).unwrap()
}

pub(crate) const REPOSITORY: &str = "repo:acme/shop:ref:refs/heads/main";

pub(crate) fn verdict_of<'v>(told: &'v [Value], name: &str) -> &'v str {
    rail(told, name)["verdict"].as_str().unwrap()
}

//! Decisions a second, and what a document costs to compile.

use std::fmt::Write;
use std::sync::Arc;

use divan::{Bencher, counter::ItemsCount};
use ringfence_policy::{
    Context, Document, Kind, Policies, Principal, Request, decide, jsonl, judge,
};

fn main() {
    divan::main();
}

/// A deployer of an application: its own stack, functions, roles and routes.
const DEPLOYER: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Stack", "Effect": "Allow", "Action": ["cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:DescribeStacks", "cloudformation:DescribeChangeSet", "cloudformation:GetTemplate*"], "Resource": ["arn:aws:cloudformation:eu-west-1:123456789012:stack/service-a-*/*", "arn:aws:cloudformation:eu-west-1:aws:transform/Serverless-2016-10-31"]},
    {"Sid": "Artifacts", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::artifacts/service-a/*"},
    {"Sid": "Functions", "Effect": "Allow", "Action": ["lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"], "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:service-a-*", "Condition": {"ForAllValues:StringEquals": {"lambda:SubnetIds": ["subnet-1", "subnet-2"], "lambda:SecurityGroupIds": ["sg-1"]}, "StringEquals": {"lambda:VpcIds": "vpc-1"}}},
    {"Sid": "FunctionsRest", "Effect": "Allow", "Action": ["lambda:Get*", "lambda:List*", "lambda:UpdateFunctionCode", "lambda:PublishVersion", "lambda:AddPermission", "lambda:TagResource"], "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:service-a-*"},
    {"Sid": "Roles", "Effect": "Allow", "Action": ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:DeleteRolePolicy", "iam:DetachRolePolicy"], "Resource": "arn:aws:iam::123456789012:role/service-a-*", "Condition": {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/app-boundary"}}},
    {"Sid": "PassRole", "Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/service-a-*", "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}},
    {"Sid": "Routes", "Effect": "Allow", "Action": ["apigateway:POST", "apigateway:PATCH"], "Resource": "arn:aws:apigateway:eu-west-1::/apis/a1b2c3/routes*", "Condition": {"ForAllValues:StringEquals": {"apigateway:Request/RouteAuthorizationType": "JWT"}, "Null": {"apigateway:Request/RouteAuthorizationType": "false"}}},
    {"Sid": "Integrations", "Effect": "Allow", "Action": "apigateway:*", "Resource": "arn:aws:apigateway:eu-west-1::/apis/a1b2c3/integrations*"},
    {"Sid": "Parameters", "Effect": "Allow", "Action": ["ssm:GetParameter", "ssm:GetParameters"], "Resource": "arn:aws:ssm:eu-west-1:123456789012:parameter/platform/*"},
    {"Sid": "Network", "Effect": "Allow", "Action": ["ec2:DescribeSubnets", "ec2:DescribeSecurityGroups", "ec2:DescribeVpcs"], "Resource": "*"}
  ]
}"#;

const BOUNDARY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Ceiling", "Effect": "Allow", "Action": ["cloudformation:*", "s3:*", "lambda:*", "iam:*", "apigateway:*", "ssm:Get*", "ec2:Describe*"], "Resource": "*"},
    {"Sid": "NoUnbounded", "Effect": "Deny", "Action": ["iam:CreateRole", "iam:PutRolePermissionsBoundary"], "Resource": "*", "Condition": {"StringNotEquals": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/app-boundary"}}},
    {"Sid": "NoEscape", "Effect": "Deny", "Action": ["iam:DeleteRolePermissionsBoundary", "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"], "Resource": "*"}
  ]
}"#;

#[expect(clippy::expect_used, reason = "a broken benchmark must stop")]
fn compiled(name: &str, text: &str, kind: Kind) -> Arc<Document> {
    Arc::new(Document::parse(name, text, kind).expect("the benchmark's document is valid"))
}

fn deployer() -> (Principal, Policies) {
    let principal = Principal::RoleSession {
        role_arn: "arn:aws:iam::123456789012:role/service-a-deployer".into(),
        session_arn: "arn:aws:sts::123456789012:assumed-role/service-a-deployer/run".into(),
    };
    let policies = Policies {
        identity: vec![compiled("deployer", DEPLOYER, Kind::Identity)],
        boundary: Some(vec![compiled("boundary", BOUNDARY, Kind::Boundary)]),
        ..Policies::default()
    };
    (principal, policies)
}

/// Requests of a deployment, allowed and refused.
fn requests() -> Vec<(&'static str, &'static str, Context)> {
    let mut bounded = Context::new();
    bounded.set("iam:PermissionsBoundary", "arn:aws:iam::123456789012:policy/app-boundary");
    let mut function = Context::new();
    function.set("lambda:VpcIds", "vpc-1");
    function.set_list("lambda:SubnetIds", ["subnet-1", "subnet-2"]);
    function.set_list("lambda:SecurityGroupIds", ["sg-1"]);
    let mut passed = Context::new();
    passed.set("iam:PassedToService", "lambda.amazonaws.com");
    let mut jwt = Context::new();
    jwt.set_list("apigateway:Request/RouteAuthorizationType", ["JWT"]);
    let mut open = Context::new();
    open.set_list("apigateway:Request/RouteAuthorizationType", ["NONE"]);
    let none = Context::new;
    let role = "arn:aws:iam::123456789012:role/service-a-role";
    let routes = "arn:aws:apigateway:eu-west-1::/apis/a1b2c3/routes";
    vec![
        ("iam:CreateRole", role, bounded),
        ("iam:CreateRole", role, none()),
        ("iam:PassRole", role, passed),
        (
            "lambda:CreateFunction",
            "arn:aws:lambda:eu-west-1:123456789012:function:service-a-api",
            function,
        ),
        (
            "lambda:UpdateFunctionCode",
            "arn:aws:lambda:eu-west-1:123456789012:function:service-b-api",
            none(),
        ),
        ("apigateway:POST", routes, jwt),
        ("apigateway:POST", routes, open),
        ("s3:PutObject", "arn:aws:s3:::artifacts/service-a/package.zip", none()),
        (
            "ssm:GetParameters",
            "arn:aws:ssm:eu-west-1:123456789012:parameter/platform/vpc-id",
            none(),
        ),
        ("ec2:DescribeSubnets", "*", none()),
        (
            "cloudformation:CreateChangeSet",
            "arn:aws:cloudformation:eu-west-1:123456789012:stack/service-a-prod/*",
            none(),
        ),
        ("iam:CreatePolicyVersion", "arn:aws:iam::123456789012:policy/app-boundary", none()),
    ]
}

fn all(bencher: Bencher<'_, '_>, mut each: impl FnMut(&Request<'_>, &Policies)) {
    let (principal, policies) = deployer();
    let requests = requests();
    bencher.counter(ItemsCount::new(requests.len())).bench_local(|| {
        for (action, resource, context) in &requests {
            let request = Request {
                principal: &principal,
                action,
                resource,
                resource_account: None,
                context,
            };
            each(&request, &policies);
        }
    });
}

#[divan::bench]
fn judge_a_deployment(bencher: Bencher<'_, '_>) {
    all(bencher, |request, policies| {
        divan::black_box(judge(request, policies).allowed());
    });
}

#[divan::bench]
fn decide_a_deployment(bencher: Bencher<'_, '_>) {
    all(bencher, |request, policies| drop(divan::black_box(decide(request, policies))));
}

fn statements(count: usize, service: &str) -> String {
    let mut text = String::from(r#"{"Version": "2012-10-17", "Statement": ["#);
    for number in 0..count {
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(
            text,
            r#"{comma}{{"Effect": "Allow", "Action": "{service}:Action{number}", "Resource": "arn:aws:{service}:eu-west-1:123456789012:thing/{number}-*"}}"#
        );
    }
    text.push_str("]}");
    text
}

#[divan::bench(args = [1, 10, 100, 1_000])]
fn judge_by_statements(bencher: Bencher<'_, '_>, count: usize) {
    let text = statements(count, "things");
    let policies =
        Policies { identity: vec![compiled("many", &text, Kind::Identity)], ..Policies::default() };
    let principal = Principal::User { arn: "arn:aws:iam::123456789012:user/alice".into() };
    let last = count - 1;
    let (action, resource) = (
        format!("things:Action{last}"),
        format!("arn:aws:things:eu-west-1:123456789012:thing/{last}-x"),
    );
    let context = Context::new();
    let request = Request {
        principal: &principal,
        action: &action,
        resource: &resource,
        resource_account: None,
        context: &context,
    };
    assert!(judge(&request, &policies).allowed());
    bencher
        .counter(ItemsCount::new(1_usize))
        .bench_local(|| divan::black_box(judge(divan::black_box(&request), &policies)).allowed());
}

#[divan::bench(args = [1, 10, 100, 1_000])]
fn compile_by_statements(bencher: Bencher<'_, '_>, count: usize) {
    let text = statements(count, "things");
    bencher.bench_local(|| Document::parse("many", divan::black_box(&text), Kind::Identity));
}

#[divan::bench]
fn decide_json_lines(bencher: Bencher<'_, '_>) {
    let line = format!(
        r#"{{"id":1,"principal":"arn:aws:sts::123456789012:assumed-role/service-a-deployer/run","action":"iam:CreateRole","resource":"arn:aws:iam::123456789012:role/service-a-role","context":{{"iam:PermissionsBoundary":"arn:aws:iam::123456789012:policy/app-boundary"}},"policies":{{"identity":[{}],"boundary":[{}]}}}}"#,
        DEPLOYER.replace('\n', ""),
        BOUNDARY.replace('\n', ""),
    );
    let mut decider = jsonl::Decider::default();
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| decider.line(divan::black_box(&line)));
}

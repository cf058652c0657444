//! The policies of the two-layered architecture as first published, linted:
//! each thing that does not work on AWS, or gives more than it says, is found.

use std::collections::BTreeMap;

use ringfence_policy::lint::{Rule, lint};
use ringfence_policy::{Document, Kind};
use serde_json::Value;

const DEPLOYER: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": ["cloudformation:*", "s3:*"], "Resource": "*"},
    {"Effect": "Allow", "Action": ["lambda:*"], "Resource": "*"},
    {
      "Effect": "Allow",
      "Action": ["apigatewayv2:CreateIntegration", "apigatewayv2:CreateRoute",
                 "apigatewayv2:DeleteIntegration", "apigatewayv2:DeleteRoute",
                 "apigatewayv2:GetIntegration", "apigatewayv2:GetRoute",
                 "apigatewayv2:UpdateIntegration", "apigatewayv2:UpdateRoute"],
      "Resource": "arn:aws:apigateway:eu-west-1::/apis/a1b2c3/*"
    },
    {
      "Effect": "Allow",
      "Action": ["iam:CreateRole", "iam:DeleteRole", "iam:AttachRolePolicy",
                 "iam:DetachRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy",
                 "iam:PassRole", "iam:GetRole", "iam:TagRole"],
      "Resource": "arn:aws:iam::123456789012:role/app-*",
      "Condition": {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/LambdaPermissionBoundary"}}
    }
  ]
}"#;

const TRUST: &str = r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": ["repo:acme/*:ref:refs/heads/main"]}}
  }
}"#;

const CODE_DEPLOYER: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
                 "lambda:GetFunction", "lambda:GetFunctionConfiguration",
                 "lambda:PublishVersion", "lambda:CreateAlias", "lambda:UpdateAlias"],
      "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:service-b"
    },
    {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"], "Resource": "arn:aws:s3:::sam-artifacts/*"}
  ]
}"#;

const BOUNDARY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "AllowLambdaBasics", "Effect": "Allow",
      "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
                 "xray:PutTraceSegments", "xray:PutTelemetryRecords"],
      "Resource": "*"
    },
    {
      "Sid": "AllowVpcNetworking", "Effect": "Allow",
      "Action": ["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"],
      "Resource": "*"
    },
    {
      "Sid": "AllowSpecificServices", "Effect": "Allow",
      "Action": ["dynamodb:*", "s3:GetObject", "s3:PutObject", "secretsmanager:GetSecretValue"],
      "Resource": "*",
      "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    },
    {"Sid": "DenyEscape", "Effect": "Deny", "Action": ["iam:*", "organizations:*", "account:*"], "Resource": "*"}
  ]
}"#;

/// The findings as `statement rule what`.
#[expect(clippy::unwrap_used, reason = "a test stops where it fails")]
fn found(text: &str, kind: Kind) -> Vec<String> {
    lint(&Document::parse("policy", text, kind).unwrap())
        .iter()
        .map(|finding| {
            let what = finding.message.split('`').nth(1).unwrap_or_default();
            format!("{} {} {what}", finding.statement, finding.rule.name())
        })
        .collect()
}

#[test]
fn the_published_code_deployer_chooses_the_network() {
    let expected = ["0 function-out-of-network lambda:UpdateFunctionConfiguration"];
    assert_eq!(found(CODE_DEPLOYER, Kind::Identity), expected);
    let code_only = CODE_DEPLOYER.replace(r#""lambda:UpdateFunctionConfiguration","#, "");
    assert_eq!(found(&code_only, Kind::Identity), [""; 0]);
}

#[test]
fn the_published_boundary_lacks_what_functions_in_a_vpc_need() {
    let expected = ["0 network-permissions-incomplete ec2:DescribeSubnets"];
    assert_eq!(found(BOUNDARY, Kind::Boundary), expected);
}

/// The corrected Layer 1, as Terraform makes it.
#[test]
fn the_corrected_policies_have_no_findings() {
    let policies: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("../benches/layer1/policies.json")).unwrap();
    assert_eq!(policies.len(), 5);
    for (name, policy) in policies {
        let kind = if name.ends_with("_boundary") { Kind::Boundary } else { Kind::Identity };
        assert_eq!(found(&policy.to_string(), kind), [""; 0], "{name}");
    }
}

#[test]
fn the_published_deployer_has_every_finding() {
    let expected = [
        "0 wide-grant cloudformation:*",
        "0 wide-grant s3:*",
        "1 wide-grant lambda:*",
        "2 unknown-action apigatewayv2:CreateIntegration",
        "2 unknown-action apigatewayv2:CreateRoute",
        "2 unknown-action apigatewayv2:DeleteIntegration",
        "2 unknown-action apigatewayv2:DeleteRoute",
        "2 unknown-action apigatewayv2:GetIntegration",
        "2 unknown-action apigatewayv2:GetRoute",
        "2 unknown-action apigatewayv2:UpdateIntegration",
        "2 unknown-action apigatewayv2:UpdateRoute",
        "2 route-without-authorizer apigatewayv2:CreateRoute",
        "3 key-never-carried iam:PassRole",
        "3 key-never-carried iam:TagRole",
        "3 pass-role-to-any-service iam:PassRole",
    ];
    assert_eq!(found(DEPLOYER, Kind::Identity), expected);
}

#[test]
fn the_published_trust_lets_any_repository_in_for_any_audience() {
    let document = Document::parse("trust", TRUST, Kind::Trust).unwrap();
    let found: Vec<Rule> = lint(&document).iter().map(|finding| finding.rule).collect();
    assert_eq!(found, [Rule::TrustWithoutAudience, Rule::TrustOfAnyRepository]);
}

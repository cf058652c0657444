//! Whom control policies and endpoints' policies keep back: others than users and roles, too.

use rstest::rstest;
use serde_json::{Value, json};

use super::gains::{allow, deny, document, gained, of, of_anybody, role};

const POLICY: &str = "aws_organizations_policy.s";

fn when(operator: &str, key: &str, value: &str) -> Value {
    json!({operator: {key: value}})
}

fn under(condition: Value) -> Value {
    let mut deny = deny("s3:*");
    deny["Condition"] = condition;
    deny
}

fn control(kind: &str, statements: &[Value]) -> [Value; 2] {
    let values = json!({"id": "p-s", "name": "s", "type": kind, "content": document(statements)});
    [role("a"), of("aws_organizations_policy", "s", values)]
}

/// A service control policy binds the root user and the sessions that users federate, and no
/// service.
#[rstest]
#[case::root_users(when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:root"), "something")]
#[case::root_users_by_type(when("StringEquals", "aws:PrincipalType", "Account"), "something")]
#[case::root_users_by_id(when("StringEquals", "aws:userid", "123456789012"), "something")]
#[case::federated(when("StringEquals", "aws:PrincipalType", "FederatedUser"), "something")]
#[case::who_is_no_user(when("Null", "aws:username", "true"), "something")]
#[case::services(when("Bool", "aws:PrincipalIsAWSService", "true"), "nothing")]
fn whom_a_control_policy_keeps_back_no_more_gains(
    #[case] condition: Value,
    #[case] expected: &str,
) {
    let old = control("SERVICE_CONTROL_POLICY", &[allow("*"), under(condition)]);
    let new = control("SERVICE_CONTROL_POLICY", &[allow("*")]);
    let (found, why) = gained(POLICY, &old, &new);
    assert_eq!(found, expected, "{why}");
    assert_eq!(gained(POLICY, &new, &old).0, "nothing");
    // One that is gone keeps nobody back.
    assert_eq!(gained(POLICY, &old, &new[..1]).0, expected);
    assert_eq!(gained(POLICY, &new[..1], &old).0, "nothing");
}

/// Beside Allows of its own it lets through what `FullAWSAccess` does, where that is attached.
#[test]
fn a_list_that_keeps_root_users_back_no_more_may_let_through() {
    let root = when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:root");
    let old = control("SERVICE_CONTROL_POLICY", &[allow("ec2:*"), under(root)]);
    let new = control("SERVICE_CONTROL_POLICY", &[allow("ec2:*")]);
    let (found, why) = gained(POLICY, &old, &new);
    assert_eq!(found, "undecided");
    assert!(why.contains("`FullAWSAccess`, where it is attached besides"), "{why}");
    assert_eq!(gained(POLICY, &new, &old).0, "nothing");
}

/// A resource control policy binds whoever asks.
#[rstest]
#[case::unsigned(when("StringEquals", "aws:PrincipalType", "Anonymous"))]
#[case::services(when("Bool", "aws:PrincipalIsAWSService", "true"))]
#[case::root_users(when("StringEquals", "aws:PrincipalType", "Account"))]
fn whoever_asks_gains_what_a_policy_of_resources_denies_no_more(#[case] condition: Value) {
    let other = of_anybody(deny("sqs:*"));
    let both = [other.clone(), of_anybody(under(condition))];
    let old = control("RESOURCE_CONTROL_POLICY", &both);
    let new = control("RESOURCE_CONTROL_POLICY", &[other]);
    let (found, why) = gained(POLICY, &old, &new);
    assert_eq!(found, "something", "{why}");
    assert_eq!(gained(POLICY, &new, &old).0, "nothing");
}

/// Through an endpoint root users ask, and whoever does not sign.
#[rstest]
#[case::root_users(when("StringEquals", "aws:PrincipalType", "Account"))]
#[case::unsigned(when("StringEquals", "aws:PrincipalType", "Anonymous"))]
fn whom_an_endpoint_lets_through_is_compared(#[case] condition: Value) {
    let with = |statements: &[Value]| {
        let values = json!({"id": "vpce-1", "service_name": "com.amazonaws.eu-west-1.s3",
            "policy": document(statements)});
        [role("a"), of("aws_vpc_endpoint", "e", values)]
    };
    let all = of_anybody(allow("*"));
    let (old, new) = (with(&[all.clone(), of_anybody(under(condition))]), with(&[all]));
    let (found, why) = gained("aws_vpc_endpoint.e", &old, &new);
    assert_eq!(found, "something", "{why}");
    assert_eq!(gained("aws_vpc_endpoint.e", &new, &old).0, "nothing");
}

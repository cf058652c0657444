//! Requests that come through a VPC endpoint, as the configuration states.

use rstest::rstest;

use super::*;
use crate::VpcEndpoint;

fn everybody(effect: &str, action: &str, condition: Value) -> Value {
    let mut statement =
        json!({"Effect": effect, "Principal": "*", "Action": action, "Resource": "*"});
    if !condition.is_null() {
        statement["Condition"] = condition;
    }
    statement
}

fn endpoint(statements: &Value, services: &[&str], callers: &[&str]) -> VpcEndpoint {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    VpcEndpoint { policy: ("gateway".into(), text), services: all(services), callers: all(callers) }
}

async fn through(endpoint: VpcEndpoint) -> Stage {
    Stage::configured(|config| config.vpc_endpoints = vec![endpoint]).await
}

async fn object(stage: &Stage, by: &Credentials, operation: &str) -> Result<Value, ServiceError> {
    let input = json!({"Bucket": "bucket", "Key": "k"});
    stage.client.call(by, Service::S3, operation, input).await
}

#[tokio::test]
async fn what_the_endpoint_does_not_allow_is_denied_in_aws_words() {
    let reads = json!([everybody("Allow", "s3:GetObject", Value::Null)]);
    let stage = through(endpoint(&reads, &["s3"], &["role/app"])).await;
    let app = stage.role(&allow("*"));
    let error = object(&stage, &app, "DeleteObject").await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
    assert_eq!(
        error.message,
        "User: arn:aws:sts::123456789012:assumed-role/app/s is not authorized to perform: \
         s3:DeleteObject on resource: \"arn:aws:s3:::bucket/k\" because no VPC endpoint policy \
         allows the s3:DeleteObject action"
    );
    let check = &stage.last_entry().checks[0];
    assert_eq!((check.outcome.as_str(), check.layer.as_str()), ("implicit_deny", "vpc_endpoint"));
    // The twins: what it allows, another service, another caller.
    let _ = object(&stage, &app, "GetObject").await;
    assert_eq!(stage.last_entry().outcome, Ending::Allowed);
    stage.call(&app, "GetRole", get_app()).await.unwrap();
    let _ = object(&stage, &root(), "DeleteObject").await;
    assert_eq!(stage.last_entry().outcome, Ending::Allowed);
}

#[tokio::test]
async fn a_deny_of_the_endpoint_is_told_as_its_own() {
    let statements = json!([
        everybody("Allow", "*", Value::Null),
        everybody("Deny", "s3:DeleteObject", Value::Null)
    ]);
    let stage = through(endpoint(&statements, &["s3"], &["role/ap*"])).await;
    let app = stage.role(&allow("*"));
    let error = object(&stage, &app, "DeleteObject").await.unwrap_err();
    assert!(error.message.ends_with("with an explicit deny in a VPC endpoint policy"), "{error}");
    let _ = object(&stage, &app, "GetObject").await;
    assert_eq!(stage.last_entry().outcome, Ending::Allowed);
}

/// Of a request that comes through an endpoint the endpoint's id is unknown, and
/// the sender's address absent; of one that comes directly it is the other way
/// round.
#[rstest]
#[case::the_endpoint(json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}), Ending::Undecided, Ending::Denied)]
#[case::the_address(json!({"NotIpAddressIfExists": {"aws:SourceIp": "10.0.0.0/8"}}), Ending::Denied, Ending::Denied)]
#[case::an_address(json!({"Null": {"aws:SourceIp": "true"}}), Ending::Denied, Ending::Allowed)]
#[tokio::test]
async fn the_keys_of_a_network_tell_how_a_request_came(
    #[case] condition: Value,
    #[case] by_endpoint: Ending,
    #[case] directly: Ending,
) {
    let open = json!([everybody("Allow", "*", Value::Null)]);
    for (caller, ending) in [("role/app", by_endpoint), ("user/app", directly)] {
        let stage = through(endpoint(&open, &["s3"], &[caller])).await;
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": condition}]});
        let app = stage.role(&policy.to_string());
        let _ = object(&stage, &app, "GetObject").await;
        assert_eq!(stage.last_entry().outcome, ending, "{caller}");
    }
}

#[rstest]
#[case::nobody(&["s3"], &[], "has no callers")]
#[case::no_service(&[], &["role/app"], "has no services")]
#[case::another_prefix(&["s4"], &["role/app"], "`s4` is not the prefix of a service's actions")]
#[case::no_caller(&["s3"], &["app"], "`app` is no caller")]
#[case::twice(&["sqs", "s3"], &["role/first-app"], "calls of `role/first-app` for `s3` come through another already")]
#[tokio::test]
async fn what_comes_through_which_endpoint_must_be_clear(
    #[case] services: &[&str],
    #[case] callers: &[&str],
    #[case] expected: &str,
) {
    let upstream = Upstream::start().await;
    let directory = tempfile::tempdir().unwrap();
    let open = json!([everybody("Allow", "*", Value::Null)]);
    let other = endpoint(&open, &["s3", "dynamodb"], &["role/first-*"]);
    let vpc_endpoints = vec![other, endpoint(&open, services, callers)];
    let wrong = Config { vpc_endpoints, ..config(&upstream, &directory) };
    let error = Guard::start(wrong).await.unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[tokio::test]
async fn a_policy_that_is_none_starts_no_guard() {
    let upstream = Upstream::start().await;
    let directory = tempfile::tempdir().unwrap();
    let nobody = json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]);
    let vpc_endpoints = vec![endpoint(&nobody, &["s3"], &["role/app"])];
    let wrong = Config { vpc_endpoints, ..config(&upstream, &directory) };
    let error = Guard::start(wrong).await.unwrap_err();
    assert_eq!(error.to_string(), "the VPC endpoint policy `gateway` is not valid");
}

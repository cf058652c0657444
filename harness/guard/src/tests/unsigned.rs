//! Operations that clients call without a signature.

use http::Request;
use rstest::rstest;

use super::*;

const SIGN_IN: &str = r#"{"ClientId":"c","AuthFlow":"USER_PASSWORD_AUTH"}"#;
const AS_ADMIN: &str =
    r#"{"ClientId":"c","AuthFlow":"ADMIN_USER_PASSWORD_AUTH","UserPoolId":"us-east-1_p"}"#;
const GET_ID: &str = r#"{"IdentityPoolId":"us-east-1:1"}"#;

fn request(stage: &Stage, target: &str, body: &'static str) -> Request<Bytes> {
    Request::builder()
        .method("POST")
        .uri(stage.guard.endpoint().as_str())
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", target)
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap()
}

#[rstest]
#[case("AWSCognitoIdentityProviderService.InitiateAuth", SIGN_IN, "cognito-idp", "InitiateAuth")]
#[case("AWSCognitoIdentityService.GetId", GET_ID, "cognito-identity", "GetId")]
#[tokio::test]
async fn one_of_them_needs_neither_signature_nor_permission(
    #[case] target: &str,
    #[case] body: &'static str,
    #[case] service: &str,
    #[case] operation: &str,
) {
    let stage = Stage::new().await;
    send(request(&stage, target, body)).await;
    assert_eq!(stage.upstream.last().header("x-amz-target"), Some(target));
    let entry = stage.last_entry();
    assert_eq!((entry.service.as_str(), entry.operation.as_str()), (service, operation));
    assert_eq!((entry.outcome, entry.principal.as_str()), (Ending::Allowed, "anonymous"));
    assert_eq!(entry.checks, []);
}

#[rstest]
#[case::of_the_same_service("AWSCognitoIdentityProviderService.AdminInitiateAuth", AS_ADMIN)]
#[case::of_a_service_without_any("AmazonSQS.ListQueues", "{}")]
#[tokio::test]
async fn every_other_needs_a_signature(#[case] target: &str, #[case] body: &'static str) {
    let stage = Stage::new().await;
    let answer = send(request(&stage, target, body)).await;
    assert_eq!(answer.status(), 400);
    let text = answer.text().await.unwrap();
    assert!(text.contains("MissingAuthenticationToken"), "{text}");
    let seen = stage.upstream.state.lock().unwrap().seen.clone();
    assert!(seen.iter().all(|seen| seen.header("x-amz-target").is_none()));
    assert_eq!(stage.last_entry().outcome, Ending::Refused);
}

/// In CBOR, to whoever speaks it, with a body and without one.
#[rstest]
#[case::with_a_body(b"\xbf\xff")]
#[case::without(b"")]
#[tokio::test]
async fn who_speaks_cbor_is_refused_in_cbor(#[case] body: &'static [u8]) {
    let stage = Stage::new().await;
    let path = "service/GraniteServiceVersion20100801/operation/ListMetrics";
    let request = Request::builder()
        .method("POST")
        .uri(stage.guard.endpoint().join(path).unwrap().as_str())
        .header("content-type", "application/cbor")
        .header("smithy-protocol", "rpc-v2-cbor")
        .body(Bytes::from_static(body))
        .unwrap();
    let answer = send(request).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["content-type"], "application/cbor");
    assert_eq!(answer.headers()["smithy-protocol"], "rpc-v2-cbor");
    let text = answer.bytes().await.unwrap();
    assert!(String::from_utf8_lossy(&text).contains("MissingAuthenticationToken"), "{text:?}");
    let seen = stage.upstream.state.lock().unwrap().seen.clone();
    assert!(seen.iter().all(|seen| seen.header("smithy-protocol").is_none()));
    assert_eq!(stage.last_entry().outcome, Ending::Refused);
}

/// Such policies may deny calls that nobody signed, by keys that say so.
#[tokio::test]
async fn under_resource_control_policies_it_is_refused_by_name() {
    let upstream = Upstream::start().await;
    let directory = tempfile::tempdir().unwrap();
    let deny = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*",
        "Action": "cognito-identity:GetId", "Resource": "*",
        "Condition": {"StringLike": {"cognito-identity-unauth:IdentityPoolArn": "*"}}}]});
    let resource_control = vec![vec![("rcp".to_owned(), deny.to_string())]];
    let config = Config { resource_control, ..config(&upstream, &directory) };
    let guard = Guard::start(config).await.unwrap();
    let client = Client::new(guard.setting().clone());
    let stage = Stage { upstream, guard, client, directory };
    let answer = send(request(&stage, "AWSCognitoIdentityService.GetId", GET_ID)).await;
    let text = answer.text().await.unwrap();
    assert!(text.contains("cognito-identity:GetId takes no signature"), "{text}");
    assert_eq!(stage.upstream.state.lock().unwrap().seen.len(), 0);
}

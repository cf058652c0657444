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

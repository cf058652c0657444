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

/// What is signed in a way that nothing here verifies is refused by its name.
#[rstest]
#[case::several_regions(
    "GET",
    "key-value-stores/arn%3Aaws%3Acloudfront%3A%3A123456789012%3Akey-value-store%2Fx/keys",
    Some(
        "AWS4-ECDSA-P256-SHA256 Credential=test/20260101/cloudfront-keyvaluestore/aws4_request, \
         SignedHeaders=host, Signature=00"
    ),
    "",
    "AWS4-ECDSA-P256-SHA256"
)]
#[case::a_bearer_token("GET", "v1/spaces", Some("Bearer token"), "", "Bearer")]
#[case::in_a_form(
    "POST",
    "",
    None,
    "Action=ListDomains&Version=2009-04-15&AWSAccessKeyId=test&SignatureVersion=2&\
     SignatureMethod=HmacSHA256&Timestamp=2026-11-28T12%3A19%3A23Z&Signature=x",
    "Signature Version 2"
)]
#[tokio::test]
async fn what_is_signed_otherwise_is_refused_by_name(
    #[case] method: &str,
    #[case] path: &str,
    #[case] authorization: Option<&str>,
    #[case] body: &'static str,
    #[case] algorithm: &str,
) {
    let stage = Stage::new().await;
    let mut request = Request::builder()
        .method(method)
        .uri(stage.guard.endpoint().join(path).unwrap().as_str())
        .header("content-type", "application/x-www-form-urlencoded");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let before = stage.upstream.state.lock().unwrap().seen.len();
    let answer = send(request.body(Bytes::from_static(body.as_bytes())).unwrap()).await;
    assert!(answer.status().is_client_error());
    let text = answer.text().await.unwrap();
    let told = [
        format!("Unsupported AWS 'algorithm': '{algorithm}', only AWS4-HMAC-SHA256 is supported."),
        format!("Unsupported AWS &apos;algorithm&apos;: &apos;{algorithm}&apos;"),
    ];
    assert!(told.iter().any(|told| text.contains(told)), "{text}");
    assert_eq!(stage.upstream.state.lock().unwrap().seen.len(), before);
    assert_eq!(stage.last_entry().outcome, Ending::Refused);
}

/// In CBOR too where nothing but the path tells the service.
#[tokio::test]
async fn a_bearer_of_a_token_who_speaks_cbor_is_refused_in_cbor() {
    let stage = Stage::new().await;
    let path = "service/GraniteServiceVersion20100801/operation/ListMetrics";
    let request = Request::builder()
        .method("POST")
        .uri(stage.guard.endpoint().join(path).unwrap().as_str())
        .header("smithy-protocol", "rpc-v2-cbor")
        .header("authorization", "Bearer x")
        .body(Bytes::new())
        .unwrap();
    let answer = send(request).await;
    assert_eq!(answer.headers()["content-type"], "application/cbor");
    let text = answer.bytes().await.unwrap();
    assert!(String::from_utf8_lossy(&text).contains("'Bearer'"), "{text:?}");
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
    assert_eq!(answer.status(), 418, "no service of AWS answers so");
    let text = answer.text().await.unwrap();
    assert!(text.contains("\"__type\":\"RingfenceUnmapped\""), "{text}");
    assert!(text.contains("cognito-identity:GetId takes no signature"), "{text}");
    assert_eq!(stage.upstream.state.lock().unwrap().seen.len(), 0);
}

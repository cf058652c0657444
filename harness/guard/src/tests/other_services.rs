//! Services that are identified and not decided: refused by name in their own
//! form, and root's calls are passed on as they are written.

use http::Request;
use rstest::rstest;

use super::*;

/// A request with its method, path and headers.
type Head = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const SQS: Head = (
    "POST",
    "/",
    &[("x-amz-target", "AmazonSQS.ListQueues"), ("content-type", "application/x-amz-json-1.0")],
);
const SNS: Head = ("POST", "/", &[("content-type", "application/x-www-form-urlencoded")]);
const ROUTE53: Head = ("GET", "/2013-04-01/hostedzone/Z1", &[]);
const REST_API: Head = ("GET", "/restapis?limit=5", &[]);
const ALARMS: Head = (
    "POST",
    "/service/GraniteServiceVersion20100801/operation/DescribeAlarms",
    &[("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")],
);

fn request(stage: &Stage, by: &Credentials, name: &str, head: Head, body: &[u8]) -> Request<Bytes> {
    let (method, path, headers) = head;
    let endpoint = stage.guard.endpoint();
    let uri = format!("{}{path}", endpoint.as_str().trim_end_matches('/'));
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Bytes::copy_from_slice(body)).unwrap();
    signature::sign(
        &mut request,
        &by.access_key_id,
        &by.secret_access_key,
        by.session_token.as_ref(),
        name,
        "eu-central-1",
        OffsetDateTime::now_utc(),
    );
    request
}

#[rstest]
#[case::json("sqs", SQS, b"{}", 400, "\"__type\":\"AccessDeniedException\"", "sqs:ListQueues")]
#[case::query(
    "sns",
    SNS,
    b"Action=ListTopics&Version=2010-03-31",
    403,
    "<Code>AccessDenied</Code>",
    "sns:ListTopics"
)]
#[case::rest_xml(
    "route53",
    ROUTE53,
    b"",
    403,
    "<ErrorResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">",
    "route53:GetHostedZone"
)]
#[case::rest_json("apigateway", REST_API, b"", 403, "\"Message\"", "apigateway:GetRestApis")]
#[case::cbor(
    "monitoring",
    ALARMS,
    b"\xa0",
    400,
    "__typeuAccessDeniedException",
    "cloudwatch:DescribeAlarms"
)]
#[tokio::test]
async fn an_undecided_service_is_refused_by_name(
    #[case] name: &str,
    #[case] head: Head,
    #[case] body: &[u8],
    #[case] status: u16,
    #[case] form: &str,
    #[case] operation: &str,
) {
    let stage = Stage::new().await;
    let role = stage.role(&allow("*"));
    let answer = send(request(&stage, &role, name, head, body)).await;
    assert_eq!(answer.status(), status);
    let text = String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned();
    assert!(text.contains(form), "{text}");
    assert!(text.contains(&format!("{operation} has no authorization mapping")), "{text}");
    let (service, operation) = operation.split_once(':').unwrap();
    let entry = stage.last_entry();
    assert_eq!((entry.service.as_str(), entry.operation.as_str()), (service, operation));
    assert_eq!(entry.outcome, Ending::Refused);
    let seen = stage.upstream.state.lock().unwrap().seen.clone();
    assert!(seen.iter().all(|seen| seen.header("authorization").unwrap().contains("/iam/")));
}

#[rstest]
#[case::json("sqs", SQS, b"{}")]
#[case::query("sns", SNS, b"Action=ListTopics&Version=2010-03-31")]
#[case::rest_json("apigateway", REST_API, b"")]
#[case::cbor("monitoring", ALARMS, b"\xa0")]
#[tokio::test]
async fn root_is_passed_on_as_it_is_written(
    #[case] name: &str,
    #[case] head: Head,
    #[case] body: &[u8],
) {
    let stage = Stage::new().await;
    let mut request = request(&stage, &root(), name, head, body);
    request.headers_mut().insert("x-moto-account-id", "999999999999".parse().unwrap());
    send(request).await;
    let seen = stage.upstream.last();
    let target = seen.parts.uri.path_and_query().unwrap().as_str();
    assert_eq!((seen.parts.method.as_str(), target), (head.0, head.1));
    assert_eq!(seen.body, body);
    for (name, value) in head.2 {
        assert_eq!(seen.header(name), Some(*value));
    }
    assert_eq!(seen.header("x-moto-account-id"), Some(ACCOUNT));
    let scope = format!("/eu-central-1/{name}/aws4_request");
    assert!(seen.header("authorization").unwrap().contains(&scope));
}

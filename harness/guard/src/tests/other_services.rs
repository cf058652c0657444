//! Services without a mapping of their own: their calls are decided by the rule,
//! in every protocol, and passed on as they are written. What the rule refuses is
//! refused by name, in the service's own form, with a code that none of AWS's has.

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
const TASK: Head = (
    "POST",
    "/",
    &[
        ("x-amz-target", "AmazonSQS.CancelMessageMoveTask"),
        ("content-type", "application/x-amz-json-1.0"),
    ],
);
const THINGS: Head = (
    "POST",
    "/",
    &[
        ("x-amz-target", "IotThingsGraphFrontEndService.GetNamespaceDeletionStatus"),
        ("content-type", "application/x-amz-json-1.1"),
    ],
);
const OWNED: Head = ("GET", "/2020-05-31/distributionsByOwnedResource/r", &[]);
const SNS: Head = ("POST", "/", &[("content-type", "application/x-www-form-urlencoded")]);
const ROUTE53: Head = ("GET", "/2013-04-01/hostedzone/Z1", &[]);
const REST_API: Head = ("GET", "/restapis?limit=5", &[]);
const CBOR: &[(&str, &str)] =
    &[("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")];
const METRICS: Head =
    ("POST", "/service/GraniteServiceVersion20100801/operation/ListMetrics", CBOR);

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
#[case::json(
    "iotthingsgraph",
    THINGS,
    b"{}",
    "\"__type\":\"RingfenceUnmapped\"",
    "iotthingsgraph:GetNamespaceDeletionStatus",
    "no source tells the prefix of the service's actions"
)]
#[case::rest_xml(
    "cloudfront",
    OWNED,
    b"",
    "<Code>RingfenceUnmapped</Code>",
    "cloudfront:ListDistributionsByOwnedResource",
    "no source tells its action"
)]
#[case::stated(
    "sqs",
    TASK,
    b"{\"TaskHandle\":\"t\"}",
    "\"__type\":\"RingfenceUnmapped\"",
    "sqs:CancelMessageMoveTask",
    "the handle of a task hides its queue"
)]
#[tokio::test]
async fn what_the_rule_does_not_tell_is_refused_by_name(
    #[case] name: &str,
    #[case] head: Head,
    #[case] body: &[u8],
    #[case] form: &str,
    #[case] operation: &str,
    #[case] reason: &str,
) {
    let stage = Stage::new().await;
    let role = stage.role(&allow("*"));
    let answer = send(request(&stage, &role, name, head, body)).await;
    assert_eq!(answer.status(), 418, "no service of AWS answers so");
    let text = String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned();
    assert!(text.contains(form), "{text}");
    let message = format!(
        "{operation} has no authorization mapping: {reason}; the guard refuses what it cannot decide"
    );
    assert!(text.contains(&message), "{text}");
    let (service, operation) = operation.split_once(':').unwrap();
    let entry = stage.last_entry();
    assert_eq!(entry.explanation.as_deref(), Some(message.as_str()));
    assert_eq!((entry.service.as_str(), entry.operation.as_str()), (service, operation));
    assert_eq!(entry.outcome, Ending::Refused);
    let seen = stage.upstream.state.lock().unwrap().seen.clone();
    assert!(seen.iter().all(|seen| seen.header("authorization").unwrap().contains("/iam/")));
}

#[rstest]
#[case::json("sqs", SQS, b"{}", "sqs:ListQueues", "*")]
#[case::query("sns", SNS, b"Action=ListTopics&Version=2010-03-31", "sns:ListTopics", "*")]
#[case::rest_xml(
    "route53",
    ROUTE53,
    b"",
    "route53:GetHostedZone",
    "arn:aws:route53:::hostedzone/Z1"
)]
#[case::rest_json(
    "apigateway",
    REST_API,
    b"",
    "apigateway:GET",
    "arn:aws:apigateway:eu-central-1::/restapis"
)]
#[case::cbor("monitoring", METRICS, b"\xa0", "cloudwatch:ListMetrics", "*")]
#[tokio::test]
async fn a_call_is_decided_by_the_rule_and_passed_on_as_it_is_written(
    #[case] name: &str,
    #[case] head: Head,
    #[case] body: &[u8],
    #[case] action: &str,
    #[case] resource: &str,
) {
    let stage = Stage::new().await;
    let refused = stage.role(&allow("iam:*"));
    let answer = send(request(&stage, &refused, name, head, body)).await;
    assert!([400, 403].contains(&answer.status().as_u16()));
    let check = stage.last_entry().checks[0].clone();
    assert_eq!((check.action.as_str(), check.resource.as_str()), (action, resource));
    assert_eq!(stage.last_entry().outcome, Ending::Denied);

    let stage = Stage::new().await;
    let role = stage.role(&allow(action));
    let mut allowed = request(&stage, &role, name, head, body);
    allowed.headers_mut().insert("x-moto-account-id", "999999999999".parse().unwrap());
    send(allowed).await;
    assert_eq!(stage.last_entry().outcome, Ending::Allowed);
    as_written(&stage, name, head, body);
}

#[rstest]
#[case::json("sqs", SQS, b"{}")]
#[case::query("sns", SNS, b"Action=ListTopics&Version=2010-03-31")]
#[case::rest_json("apigateway", REST_API, b"")]
#[case::cbor("monitoring", METRICS, b"\xa0")]
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
    as_written(&stage, name, head, body);
}

/// What arrived upstream is the request, for the account and signed anew.
fn as_written(stage: &Stage, name: &str, head: Head, body: &[u8]) {
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

#[tokio::test]
async fn what_the_upstream_lacks_is_told_with_what_to_do() {
    let stage = Stage::new().await;
    stage.upstream.answers("AmazonSQS.ListQueues", 501, &json!({}));
    let role = stage.role(&allow("sqs:ListQueues"));
    let answer = send(request(&stage, &role, "sqs", SQS, b"{}")).await;
    assert_eq!(answer.status(), 501);
    let told: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(told["__type"], "NotImplementedException");
    assert_eq!(
        told["message"],
        "sqs:ListQueues is allowed, and the upstream lacks it: no refusal of AWS's. Leave the call \
         out, or take another upstream, with --backend localstack or the URL of one that has it"
    );
    assert_eq!(stage.last_entry().outcome, Ending::Allowed);
}

/// A Deny by a tag that nothing could tell would never meet the resource.
#[rstest]
#[case::a_page(404, "<!doctype html>\n<title>404 Not Found</title>", "undecided")]
#[case::absent(400, r#"{"__type": "com.amazonaws.sqs#QueueDoesNotExist"}"#, "implicit_deny")]
#[case::of_another(200, r#"{"Tags": {"team": "b"}}"#, "implicit_deny")]
#[case::told(200, r#"{"Tags": {"team": "a"}}"#, "allow")]
#[tokio::test]
async fn a_page_of_the_upstream_says_nothing_of_a_resource(
    #[case] status: u16,
    #[case] told: &str,
    #[case] outcome: &str,
) {
    let stage = Stage::new().await;
    stage.upstream.answers_s3("AmazonSQS.ListQueueTags", status, told);
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "S", "Effect": "Allow",
        "Action": "sqs:GetQueueAttributes", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}}}]});
    let role = stage.role(&policy.to_string());
    let queue = json!({"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/123456789012/orders"});
    let sqs = Service::of("sqs").unwrap();
    let answer = stage.client.call(&role, sqs, "GetQueueAttributes", queue).await;
    let entry = stage.last_entry();
    assert_eq!(entry.checks.last().unwrap().outcome, outcome, "{answer:?}");
}

const STATES: Head = (
    "POST",
    "/",
    &[
        ("x-amz-target", "AWSStepFunctions.ValidateStateMachineDefinition"),
        ("content-type", "application/x-amz-json-1.0"),
    ],
);

/// Terraform's provider asks before it makes a state machine, and emulators cannot tell.
#[rstest]
#[case::right(
    r#"{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}"#,
    json!({"result": "OK", "diagnostics": [], "truncated": false})
)]
#[case::without_states(
    r#"{"StartAt":"A"}"#,
    json!({
        "result": "FAIL",
        "diagnostics": [{
            "severity": "ERROR",
            "code": "SCHEMA_VALIDATION_FAILED",
            "message": "The field 'States' is required but was missing",
            "location": "/",
        }],
        "truncated": false,
    })
)]
#[case::no_json(
    "{",
    json!({
        "result": "FAIL",
        "diagnostics": [{
            "severity": "ERROR",
            "code": "INVALID_JSON_DESCRIPTION",
            "message": "EOF while parsing an object at line 1 column 1",
        }],
        "truncated": false,
    })
)]
#[tokio::test]
async fn a_definition_is_looked_at_where_the_upstream_cannot(
    #[case] definition: &str,
    #[case] expected: Value,
) {
    let stage = Stage::new().await;
    stage.upstream.answers("AWSStepFunctions.ValidateStateMachineDefinition", 501, &json!({}));
    let body = json!({"definition": definition}).to_string();
    let role = stage.role(&allow("states:ValidateStateMachineDefinition"));
    let answer = send(request(&stage, &role, "states", STATES, body.as_bytes())).await;
    assert_eq!(answer.status(), 200);
    let told: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_definition_is_looked_at_for_who_may_ask() {
    let stage = Stage::new().await;
    stage.upstream.answers("AWSStepFunctions.ValidateStateMachineDefinition", 501, &json!({}));
    let role = stage.role(&allow("states:ListStateMachines"));
    let body = br#"{"definition":"{}"}"#;
    let refused = send(request(&stage, &role, "states", STATES, body)).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(stage.last_entry().outcome, Ending::Denied);
}

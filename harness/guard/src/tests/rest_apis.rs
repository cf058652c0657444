//! REST APIs, as the upstream keeps them and the guard serves them.

use bytes::Bytes;
use http::Request;
use ringfence_services::Credentials;
use ringfence_wire::{Service, signature};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{ACCOUNT, Stage, allow, root, send};
use crate::journal::Ending;

/// A guard before a REST API `r1` with the method `GET /a`, deployed as `live`.
async fn deployed(method: Value, policy: Option<&Value>) -> Stage {
    let stage = Stage::new().await;
    let mock = json!({
        "type": "MOCK", "requestTemplates": {"application/json": "{\"statusCode\": 200}"},
        "integrationResponses": {"200": {"statusCode": "200",
            "responseTemplates": {"application/json": "{\"reached\": true}"}}},
    });
    let mut method = method;
    method["methodIntegration"] = mock;
    let mut api = json!({"id": "r1", "name": "a"});
    if let Some(policy) = policy {
        api["policy"] = policy.to_string().into();
    }
    for (asked, status, answer) in [
        ("GET /restapis/r1", 200, api),
        ("GET /restapis/r1/authorizers", 200, json!({"item": []})),
        (
            "GET /restapis/r1/resources",
            200,
            json!({"item": [
            {"id": "a", "path": "/a", "resourceMethods": {"GET": method}}]}),
        ),
        ("GET /restapis/r1/stages/live", 200, json!({"stageName": "live", "deploymentId": "d1"})),
        ("POST /restapis/r1/deployments", 201, json!({"id": "d1"})),
    ] {
        stage.upstream.answers(asked, status, &answer);
    }
    let input = json!({"restApiId": "r1"});
    stage.client.call(&root(), Service::ApiGateway, "CreateDeployment", input).await.unwrap();
    stage
}

/// Status, error type and body of a request to a path, at a host of its own or none.
async fn get(
    stage: &Stage,
    host: Option<&str>,
    path: &str,
    signer: Option<&Credentials>,
) -> (u16, String, String) {
    let port = stage.guard.endpoint().port().unwrap();
    let own = format!("127.0.0.1:{port}");
    let mut request = Request::builder()
        .uri(format!("http://127.0.0.1:{port}{path}"))
        .header("host", host.unwrap_or(&own))
        .header("user-agent", "probe/1")
        .body(Bytes::new())
        .unwrap();
    if let Some(credentials) = signer {
        signature::sign(
            &mut request,
            &credentials.access_key_id,
            &credentials.secret_access_key,
            credentials.session_token.as_ref(),
            "execute-api",
            "eu-central-1",
            OffsetDateTime::now_utc(),
        );
    }
    let answer = send(request).await;
    let kind = answer.headers().get("x-amzn-errortype");
    let kind = kind.map_or("", |kind| kind.to_str().unwrap()).to_owned();
    (answer.status().as_u16(), kind, answer.text().await.unwrap())
}

const HOST: Option<&str> = Some("r1.execute-api.eu-central-1.amazonaws.com");
const REACHED: &str = "{\"reached\": true}";

#[tokio::test]
async fn a_method_with_iam_serves_only_who_may_invoke_it() {
    let stage = deployed(json!({"authorizationType": "AWS_IAM"}), None).await;
    let app = stage.role(&allow("iam:GetRole"));
    let missing = (
        403,
        "MissingAuthenticationTokenException".to_owned(),
        r#"{"message":"Missing Authentication Token"}"#.to_owned(),
    );
    assert_eq!(get(&stage, HOST, "/live/a", None).await, missing);
    assert_eq!(stage.last_entry().outcome, Ending::Refused);

    let told = get(&stage, HOST, "/live/a", Some(&app)).await;
    let message = "User: arn:aws:sts::123456789012:assumed-role/app/s is not authorized to \
        perform: execute-api:Invoke on resource: \
        arn:aws:execute-api:eu-central-1:********9012:r1/live/GET/a";
    let body = json!({ "Message": message }).to_string();
    assert_eq!(told, (403, "AccessDeniedException".to_owned(), body));
    let entry = stage.last_entry();
    assert_eq!(entry.outcome, Ending::Denied);
    assert_eq!(
        entry.checks[0].resource,
        format!("arn:aws:execute-api:eu-central-1:{ACCOUNT}:r1/live/GET/a")
    );

    let put = json!({"RoleName": "app", "PolicyName": "own",
        "PolicyDocument": allow("execute-api:Invoke")});
    stage.call(&root(), "PutRolePolicy", put).await.unwrap();
    assert_eq!(get(&stage, HOST, "/live/a", Some(&app)).await.0, 200);
    assert_eq!(stage.last_entry().outcome, Ending::Allowed);
}

#[tokio::test]
async fn an_open_method_is_served_at_each_of_its_addresses() {
    let stage = deployed(json!({"authorizationType": "NONE"}), None).await;
    for (host, path) in [
        (HOST, "/live/a"),
        (Some("r1.execute-api.localhost"), "/live/a"),
        (None, "/_aws/execute-api/r1/live/a"),
        (None, "/restapis/r1/live/_user_request_/a"),
    ] {
        let told = get(&stage, host, path, None).await;
        assert_eq!(told, (200, String::new(), REACHED.to_owned()), "{path}");
    }
    assert_eq!(stage.last_entry().service, "execute-api");
}

#[tokio::test]
async fn the_policy_of_an_api_decides_and_is_journaled() {
    let policy = |effect: &str| {
        json!({"Version": "2012-10-17", "Statement": [{"Sid": "Own", "Effect": effect,
            "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}]})
    };
    let open = json!({"authorizationType": "NONE"});
    let stage = deployed(open.clone(), Some(&policy("Deny"))).await;
    let message = "User: anonymous is not authorized to perform: execute-api:Invoke on resource: \
        arn:aws:execute-api:eu-central-1:********9012:r1/live/GET/a with an explicit deny";
    let body = json!({ "Message": message }).to_string();
    let told = get(&stage, HOST, "/live/a", None).await;
    assert_eq!(told, (403, "AccessDeniedException".to_owned(), body));
    let entry = stage.last_entry();
    assert_eq!((entry.outcome, &*entry.checks[0].layer), (Ending::Denied, "resource"));
    assert_eq!(entry.checks[0].statements[0].sid.as_deref(), Some("Own"));

    let stage = deployed(open, Some(&policy("Allow"))).await;
    assert_eq!(get(&stage, HOST, "/live/a", None).await.0, 200);
}

/// What a condition of an API's policy comes to, by its method's authorization: the
/// outcomes of `Allow` under the condition, for nobody and for a role.
#[rstest::rstest]
#[case::an_address(json!({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}), ["allow", "allow"])]
#[case::a_header(json!({"StringEquals": {"aws:UserAgent": "probe/1"}}), ["allow", "allow"])]
#[case::a_header_that_is_not_there(
    json!({"Null": {"aws:Referer": "true"}}), ["allow", "allow"]
)]
#[case::transport(json!({"Bool": {"aws:SecureTransport": "true"}}), ["allow", "allow"])]
#[case::a_vpc_endpoint_of_private_apis(
    json!({"Null": {"aws:SourceVpce": "true"}}), ["allow", "allow"]
)]
#[case::an_address_in_a_vpc(json!({"Null": {"aws:VpcSourceIp": "true"}}), ["allow", "allow"])]
#[case::who_signed(
    json!({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/app"}}),
    ["implicit_deny", "allow"]
)]
#[case::the_type_of_who_signed(
    json!({"StringEquals": {"aws:PrincipalType": ["Anonymous", "AssumedRole"]}}),
    ["implicit_deny", "allow"]
)]
#[case::the_id_of_who_signed(
    json!({"Null": {"aws:userid": "true"}}), ["allow", "implicit_deny"]
)]
#[case::what_the_table_does_not_list(
    json!({"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}), ["undecided", "allow"]
)]
#[case::a_source_that_is_said_nowhere(
    json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b"}}), ["undecided", "undecided"]
)]
#[tokio::test]
async fn the_keys_of_an_apis_policy_are_those_of_its_methods_authorization(
    #[case] condition: Value,
    #[case] outcomes: [&str; 2],
) {
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*",
        "Condition": condition}]});
    for (kind, outcome) in ["NONE", "AWS_IAM"].into_iter().zip(outcomes) {
        let stage = deployed(json!({"authorizationType": kind}), Some(&policy)).await;
        let app = stage.role(&allow("iam:GetRole"));
        let signer = (kind == "AWS_IAM").then_some(&app);
        let (status, ..) = get(&stage, HOST, "/live/a", signer).await;
        let entry = stage.last_entry();
        assert_eq!(entry.checks[0].outcome, outcome, "{kind}: {}", entry.checks[0].explanation);
        let expected = match outcome {
            "allow" => 200,
            "undecided" => 418,
            _ => 403,
        };
        assert_eq!(status, expected, "{kind}");
        assert_eq!(entry.let_in, Some(outcome == "allow"));
    }
}

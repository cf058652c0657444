//! Requests from host to answer.

use bytes::Bytes;
use http::Request;
use rstest::rstest;
use serde_json::{Value, json};

use crate::credentials::Identity;
use crate::http_api::testing::*;
use crate::http_api::{Caller, RouteMatch};

const ERROR: &str = r#"{"message":"Internal Server Error"}"#;

#[rstest]
#[case("abc123.execute-api.localhost:4566", Some("abc123"))]
#[case("abc123.execute-api.localhost", Some("abc123"))]
#[case("abc123.execute-api.localhost.localstack.cloud:4566", Some("abc123"))]
#[case("ABC123.Execute-Api.eu-central-1.amazonaws.com", Some("abc123"))]
#[case("abc123.execute-api.us-east-1.amazonaws.com", None)]
#[case("abc123.execute-api.localhost.evil.example", None)]
#[case("a.b.execute-api.localhost", None)]
#[case(".execute-api.localhost", None)]
#[case("localhost:4566", None)]
#[tokio::test]
async fn a_host_names_an_api(#[case] host: &str, #[case] expected: Option<&str>) {
    assert_eq!(World::new().await.apis.api_of_host(host).as_deref(), expected);
}

#[tokio::test]
async fn a_request_becomes_an_event_and_a_result_an_answer() {
    let world = World::new().await;
    let ready = world.ready().await;
    world.call("CreateRoute", ready.route("POST /a/{b}", json!({}))).await;
    world.answer_with((
        200,
        vec![],
        r#"{"statusCode":201,"cookies":["c=d"],"headers":{"X-A":"b"},"body":"made"}"#.into(),
    ));
    let request = Request::post("/a/x%20y?p=1&p=2&q=")
        .header("host", format!("{}.execute-api.localhost:4566", ready.api))
        .header("User-Agent", "test")
        .header("X-Two", "1")
        .header("X-Two", "2")
        .header("Cookie", "k=v; l=w")
        .header("X-Forwarded-For", "203.0.113.9")
        .header("Content-Type", "application/json")
        .body(Bytes::from_static(b"{}"))
        .unwrap();
    let response = world.send(&ready.api, request).await;
    assert_eq!(told(&response, "x-a"), (201, "made".into(), Some("b".into())));
    assert_eq!(response.headers()["set-cookie"], "c=d");

    let asked = world.asked();
    let [invocation] = asked.as_slice() else { panic!("{asked:?}") };
    let name = FUNCTION.replace(':', "%3A");
    assert_eq!(invocation.line, format!("POST /2015-03-31/functions/{name}/invocations HTTP/1.1"));
    assert_eq!(invocation.headers["x-amz-invocation-type"], "RequestResponse");
    let event = invocation.event();
    let context = &event["requestContext"];
    assert_eq!(
        without(&event, &["requestContext"]),
        json!({
            "version": "2.0", "routeKey": "POST /a/{b}", "rawPath": "/a/x%20y",
            "rawQueryString": "p=1&p=2&q=", "cookies": ["k=v", "l=w"],
            "headers": {
                "host": format!("{}.execute-api.localhost:4566", ready.api),
                "user-agent": "test", "x-two": "1,2", "content-type": "application/json",
                "x-forwarded-for": "203.0.113.9, 192.0.2.7", "x-forwarded-port": "4566",
                "x-forwarded-proto": "https",
            },
            "queryStringParameters": {"p": "1,2", "q": ""},
            "pathParameters": {"b": "x y"}, "body": "{}", "isBase64Encoded": false,
        })
    );
    assert_eq!(
        without(context, &["time", "timeEpoch"]),
        json!({
            "accountId": ACCOUNT, "apiId": ready.api,
            "domainName": format!("{}.execute-api.localhost", ready.api),
            "domainPrefix": ready.api,
            "http": {
                "method": "POST", "path": "/a/x%20y", "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7", "userAgent": "test",
            },
            "requestId": response.headers()["apigw-requestid"].to_str().unwrap(),
            "routeKey": "POST /a/{b}", "stage": "$default",
        })
    );
    let time = context["time"].as_str().unwrap();
    assert!(time.len() == 26 && time.ends_with(" +0000"), "{time}");
    assert!(context["timeEpoch"].as_i64().unwrap() > 1_600_000_000_000);
}

#[tokio::test]
async fn format_1_has_lists_and_nulls() {
    let world = World::new().await;
    let ready = world.ready().await;
    let integration = world.integration(&ready.api, json!({"PayloadFormatVersion": "1.0"})).await;
    let target = json!({"Target": format!("integrations/{integration}")});
    world.call("CreateRoute", ready.route("GET /a/{b+}", target)).await;
    let request = Request::get("/a/x/y?p=1&p=2")
        .header("host", "h.example")
        .header("x-two", "1")
        .header("x-two", "2")
        .body(Bytes::new())
        .unwrap();
    assert_eq!(world.send(&ready.api, request).await.status(), 200);
    let event = world.asked()[0].event();
    assert_eq!(event["version"], "1.0");
    assert_eq!(event["resource"], "/a/{b+}");
    assert_eq!(event["path"], "/a/x/y");
    assert_eq!(event["httpMethod"], "GET");
    assert_eq!(event["headers"]["x-two"], "2");
    assert_eq!(event["multiValueHeaders"]["x-two"], json!(["1", "2"]));
    assert_eq!(event["queryStringParameters"], json!({"p": "2"}));
    assert_eq!(event["multiValueQueryStringParameters"], json!({"p": ["1", "2"]}));
    assert_eq!(event["pathParameters"], json!({"b": "x/y"}));
    assert_eq!((&event["body"], &event["stageVariables"]), (&Value::Null, &Value::Null));
    assert_eq!(event["requestContext"]["resourcePath"], "/a/{b+}");
    assert_eq!(event["requestContext"]["identity"]["sourceIp"], "192.0.2.7");
    assert_eq!(event["requestContext"]["authorizer"], json!({"claims": null, "scopes": null}));
}

#[rstest]
#[case(Some("text/plain"), b"hi", "hi", false)]
#[case(Some("application/json; charset=utf-8"), b"{}", "{}", false)]
#[case(Some("application/problem+json"), b"{}", "{}", false)]
#[case(Some("application/x-www-form-urlencoded"), b"a=b", "YT1i", true)]
#[case(Some("application/octet-stream"), b"hi", "aGk=", true)]
#[case(Some("text/plain"), b"\xff", "/w==", true)]
#[case(None, b"hi", "aGk=", true)]
#[tokio::test]
async fn a_body_is_text_or_base64(
    #[case] media: Option<&str>,
    #[case] body: &'static [u8],
    #[case] expected: &str,
    #[case] encoded: bool,
) {
    let world = World::new().await;
    let ready = world.ready().await;
    world.call("CreateRoute", ready.route("$default", json!({}))).await;
    let mut request = Request::post("/");
    if let Some(media) = media {
        request = request.header("content-type", media);
    }
    world.send(&ready.api, request.body(Bytes::from_static(body)).unwrap()).await;
    let event = world.asked()[0].event();
    assert_eq!(event["body"], expected);
    assert_eq!(event["isBase64Encoded"], encoded);
}

#[tokio::test]
async fn the_gateway_calls_as_itself_for_the_route() {
    let world = World::new().await;
    let ready = world.ready().await;
    world.call("CreateRoute", ready.route("GET /a/{b}", json!({}))).await;
    world.call("CreateRoute", ready.route("$default", json!({}))).await;
    for path in ["/a/1", "/a/2", "/other"] {
        assert_eq!(world.get(&ready.api, path).await.status(), 200);
    }
    let identities: Vec<_> = world
        .asked()
        .iter()
        .map(|asked| {
            let authorization = asked.headers["authorization"].to_str().unwrap();
            let key = authorization.split("Credential=").nth(1).unwrap().split('/').next().unwrap();
            (key.to_owned(), world.setting.keyring.find(key).unwrap().session.identity)
        })
        .collect();
    let service = |resource: &str| Identity::Service {
        principal: "apigateway.amazonaws.com".into(),
        source_arn: Some(format!(
            "arn:aws:execute-api:{REGION}:{ACCOUNT}:{}/$default/{resource}",
            ready.api
        )),
        source_account: Some(ACCOUNT.into()),
    };
    assert_eq!(identities[0].1, service("GET/a/{b}"));
    assert_eq!(identities[2].1, service("$default"));
    assert_eq!(identities[0].0, identities[1].0, "one key a route");
    assert_ne!(identities[0].0, identities[2].0);
    // With the API go its keys.
    world.call("DeleteApi", json!({"ApiId": ready.api})).await;
    assert!(world.setting.keyring.find(&identities[0].0).is_none());
}

#[rstest]
#[case::denied(
    403,
    None,
    r#"{"Message":"no"}"#,
    500,
    ERROR,
    "The IAM role configured on the integration or API Gateway doesn't have permissions to call the integration. Check the permissions and try again."
)]
#[case::function_error(
    200,
    Some("Unhandled"),
    r#"{"errorMessage":"boom"}"#,
    500,
    ERROR,
    "The Lambda function returned the following error: boom. Check your Lambda function code and try again."
)]
#[case::no_function(404, None, "{}", 500, ERROR, "Lambda answered with status 404.")]
#[case::throttled(
    429,
    None,
    "{}",
    503,
    r#"{"message":"Service Unavailable"}"#,
    "The integration is throttled."
)]
#[case::no_answer(
    200,
    None,
    r#"{"statusCode":"x"}"#,
    500,
    ERROR,
    "the function's result is no response: its statusCode is not a status"
)]
#[tokio::test]
async fn a_failed_integration_is_told_in_the_log_only(
    #[case] status: u16,
    #[case] function_error: Option<&'static str>,
    #[case] body: &str,
    #[case] told_status: u16,
    #[case] told_body: &str,
    #[case] logged: &str,
) {
    let world = World::new().await;
    let ready = world.ready().await;
    world.call("CreateRoute", ready.route("GET /a", json!({}))).await;
    let logs = "arn:aws:logs:eu-central-1:123456789012:log-group:/api";
    let format = "$context.status $context.integrationErrorMessage";
    let settings = json!({
        "ApiId": ready.api, "StageName": "$default",
        "AccessLogSettings": {"destinationArn": logs, "format": format.to_owned() + " $context.requestId"},
    });
    world.call("UpdateStage", settings).await;
    let headers = function_error.map(|kind| ("x-amz-function-error", kind)).into_iter().collect();
    world.answer_with((status, headers, body.into()));
    let response = world.get(&ready.api, "/a").await;
    assert_eq!(told(&response, "x").0, told_status);
    assert_eq!(response.body(), told_body);
    let id = response.headers()["apigw-requestid"].to_str().unwrap();
    assert_eq!(
        world.apis.access_log(&ready.api, "$default"),
        [format!("{told_status} {logged} {id}")]
    );
}

#[tokio::test]
async fn a_slow_integration_is_unavailable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    // An endpoint that accepts and never answers.
    let setting = crate::Setting::new(
        ACCOUNT,
        REGION,
        crate::setting::Interpreters::default(),
        std::env::temp_dir(),
    );
    let endpoint = format!("http://{}/", listener.local_addr().unwrap());
    setting.set_endpoint(endpoint.parse().unwrap());
    let setting = std::sync::Arc::new(setting);
    let client = crate::client::Client::new(setting.clone());
    let functions = crate::gateway::invoke::Functions::new(setting, client);
    let invocation = crate::gateway::invoke::Invocation {
        api_id: "api",
        source_arn: "arn",
        function: FUNCTION,
        role: None,
        timeout_in_millis: 50,
    };
    assert_eq!(
        functions.invoke(invocation, &json!({})).await,
        Err(crate::gateway::invoke::InvokeError::Timeout)
    );
}

#[tokio::test]
async fn a_role_is_assumed_and_used() {
    let world = World::new().await;
    let ready = world.ready().await;
    let role = json!({"CredentialsArn": "arn:aws:iam::123456789012:role/gateway"});
    let integration = world.integration(&ready.api, role).await;
    let target = json!({"Target": format!("integrations/{integration}")});
    world.call("CreateRoute", ready.route("GET /a", target)).await;
    // The stub denies AssumeRole: nothing is invoked.
    let denied = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
    world.answer_with((403, vec![("content-type", "text/xml")], denied.into()));
    assert_eq!(world.get(&ready.api, "/a").await.body(), ERROR);
    let asked = world.asked();
    assert_eq!(asked.len(), 1);
    let form = String::from_utf8(asked[0].body.to_vec()).unwrap();
    assert!(form.contains("Action=AssumeRole"), "{form}");
    assert!(form.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fgateway"), "{form}");
}

#[rstest]
#[case::no_route("/b", 404, r#"{"message":"Not Found"}"#)]
#[case::no_stage("/nosuch/a", 404, r#"{"message":"Not Found"}"#)]
#[case::route("/a", 200, "hi")]
#[tokio::test]
async fn what_is_not_there_is_not_found(
    #[case] path: &str,
    #[case] status: u16,
    #[case] body: &str,
) {
    let world = World::new().await;
    let ready = world.ready().await;
    world.call("CreateRoute", ready.route("GET /a", json!({}))).await;
    let response = world.get(&ready.api, path).await;
    assert_eq!((told(&response, "x").0, response.body().as_ref()), (status, body.as_bytes()));
    assert!(response.headers().contains_key("apigw-requestid"));
    assert_eq!(world.get("nosuch", path).await.status(), 404);
}

#[tokio::test]
async fn an_api_without_its_endpoint_is_not_found() {
    let world = World::new().await;
    let ready = world.ready().await;
    world.call("CreateRoute", ready.route("GET /a", json!({}))).await;
    assert_eq!(world.get(&ready.api, "/a").await.status(), 200);
    let update = json!({"ApiId": ready.api, "DisableExecuteApiEndpoint": true});
    world.call("UpdateApi", update).await;
    assert_eq!(world.get(&ready.api, "/a").await.status(), 404);
}

#[tokio::test]
async fn unknown_methods_take_no_route() {
    let world = World::new().await;
    let ready = world.ready().await;
    world.call("CreateRoute", ready.route("$default", json!({}))).await;
    for (method, status) in [("TRACE", 404), ("BREW", 404), ("DELETE", 200)] {
        let request = Request::builder().method(method).uri("/").body(Bytes::new()).unwrap();
        assert_eq!(world.send(&ready.api, request).await.status(), status, "{method}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let world = World::new().await;
    let ready = world.ready().await;
    world.call("CreateRoute", ready.route("$default", json!({}))).await;
    let sized = |header: usize, body: usize| {
        Request::post("/")
            .header("x", "a".repeat(header))
            .header("content-type", "text/plain")
            .body(Bytes::from("b".repeat(body)))
            .unwrap()
    };
    let limit = 10 * 1024 * 1024;
    assert_eq!(world.send(&ready.api, sized(10_000, 1)).await.status(), 200);
    assert_eq!(world.send(&ready.api, sized(10_240, 1)).await.status(), 431);
    assert_eq!(
        told(&world.send(&ready.api, sized(1, limit + 1)).await, "x"),
        (413, r#"{"message":"Request Entity Too Large"}"#.into(), None)
    );
}

#[tokio::test]
async fn an_iam_route_needs_the_guards_word() {
    let world = World::new().await;
    let ready = world.ready().await;
    let iam = json!({"AuthorizationType": "AWS_IAM"});
    let route = id(&world.call("CreateRoute", ready.route("GET /a/{b}", iam)).await, "routeId");
    assert_eq!(
        world.apis.route_of(&ready.api, "GET", "/a/1"),
        Some(RouteMatch {
            route_id: route,
            route_key: "GET /a/{b}".into(),
            authorization_type: "AWS_IAM",
            stage: "$default".into(),
            arn: format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{}/$default/GET/a/1", ready.api),
        })
    );
    assert_eq!(world.apis.route_of(&ready.api, "POST", "/a/1"), None);
    let mut request = get("/a/1");
    assert_eq!(
        told(&world.send(&ready.api, get("/a/1")).await, "www-authenticate"),
        (403, r#"{"message":"Forbidden"}"#.into(), None)
    );
    assert!(world.asked().is_empty());
    request.extensions_mut().insert(Caller {
        access_key: "ASIAX".into(),
        account_id: ACCOUNT.into(),
        user_id: "AROAX:s".into(),
        user_arn: "arn:aws:sts::123456789012:assumed-role/r/s".into(),
    });
    assert_eq!(world.send(&ready.api, request).await.status(), 200);
    assert_eq!(
        world.asked()[0].event()["requestContext"]["authorizer"],
        json!({"iam": {
            "accessKey": "ASIAX", "accountId": ACCOUNT, "callerId": "AROAX:s",
            "cognitoIdentity": null, "principalOrgId": null,
            "userArn": "arn:aws:sts::123456789012:assumed-role/r/s", "userId": "AROAX:s",
        }})
    );
}

#[tokio::test]
async fn a_preflight_is_answered_by_the_gateway() {
    let world = World::new().await;
    let ready = world.ready().await;
    let iam = json!({"AuthorizationType": "AWS_IAM"});
    world.call("CreateRoute", ready.route("$default", iam)).await;
    let preflight = || {
        Request::options("/a")
            .header("origin", "https://a.example")
            .header("access-control-request-method", "GET")
            .body(Bytes::new())
            .unwrap()
    };
    // Without CORS, a preflight is a request like others.
    assert_eq!(world.send(&ready.api, preflight()).await.status(), 403);
    let cors = json!({
        "ApiId": ready.api,
        "CorsConfiguration": {"allowOrigins": ["https://a.example"], "allowMethods": ["GET"]},
    });
    world.call("UpdateApi", cors).await;
    assert_eq!(
        told(&world.send(&ready.api, preflight()).await, "access-control-allow-origin"),
        (204, String::new(), Some("https://a.example".into()))
    );
    // Other answers carry the origin too, refusals among them.
    let mut request = get("/a");
    request.headers_mut().insert("origin", "https://a.example".parse().unwrap());
    assert_eq!(
        told(&world.send(&ready.api, request).await, "access-control-allow-origin"),
        (403, r#"{"message":"Forbidden"}"#.into(), Some("https://a.example".into()))
    );
    assert!(world.asked().is_empty());
}

#[tokio::test]
async fn a_named_stage_is_the_first_segment() {
    let world = World::new().await;
    let ready = world.ready().await;
    let stage = json!({
        "ApiId": ready.api, "StageName": "dev", "AutoDeploy": true, "StageVariables": {"v": "1"},
    });
    world.call("CreateStage", stage).await;
    world.call("CreateRoute", ready.route("GET /a", json!({}))).await;
    world.call("CreateRoute", ready.route("GET /", json!({}))).await;
    for (path, route) in [("/dev/a", "GET /a"), ("/dev", "GET /"), ("/dev/", "GET /")] {
        assert_eq!(world.get(&ready.api, path).await.status(), 200, "{path}");
        let asked = world.asked();
        let event = asked.last().unwrap().event();
        assert_eq!((&event["routeKey"], &event["rawPath"]), (&json!(route), &json!(path)));
        assert_eq!(event["requestContext"]["stage"], "dev");
        assert_eq!(event["stageVariables"], json!({"v": "1"}));
    }
    assert_eq!(world.get(&ready.api, "/$default/a").await.status(), 404);
}

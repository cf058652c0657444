//! Lambda authorizers of HTTP APIs, with a function that runs.

use bytes::Bytes;
use ringfence_services::setting::Interpreters;
use ringfence_wire::Service;
use serde_json::{Value, json};

use super::{ACCOUNT, Stage, allow, root, send};
use crate::journal::Ending;

/// `index.js`, of a function that is its own authorizer:
///
/// ```js
/// exports.handler = async (it) => it.type !== 'REQUEST' ? { told: it.requestContext.authorizer } : ({
///   principalId: 'alice', context: { team: 'blue' },
///   policyDocument: { Version: '2012-10-17', Statement: [{ Sid: 'ByToken', Action: 'execute-api:Invoke',
///     Effect: it.headers.authorization === 'good' ? 'Allow' : 'Deny', Resource: it.routeArn }] },
/// });
/// ```
const PACKAGE: &str = "UEsDBBQAAAAIAAAAIVxrkANGAQEAAGIBAAAIAAAAaW5kZXguanM9kEFPg0AQhe/9FeNp26SQ0osJBg1aDj1aqhfjYV2msnG7g8ugIOG/u1uSnt/75uUb7Bty3Ma1tJVBBxnIdrAKlppXkN2D5piHBuEmy0AciueXojwKeIARmEyVhtzhd4ctP5Fl7DmWHdfk9J8/NkEKy3EB0DhtlW6k2XtESKMVijWomUjDMZRnn3yYDgVM64CQbw07Ut0Z7aXziq7VZH1tu0m2UbKJklt/pWTJOHfeRih1WHgcjvSF1qe54pnBHlXHGMlGp3v742MRZgCK0wkVX0xqlJUfuSrIwEIW1D+JquAtcmPoV3gxsUM7+IUDttQ5hfMvyG/kzsL0HjSm1d3iH1BLAQIUAxQAAAAIAAAAIVxrkANGAQEAAGIBAAAIAAAAAAAAAAAAAACkAQAAAABpbmRleC5qc1BLBQYAAAAAAQABADYAAAAnAQAAAAA=";

async fn call(stage: &Stage, service: Service, operation: &str, input: Value) -> Value {
    stage.client.call(&root(), service, operation, input).await.unwrap()
}

/// A guard with the function `orders`, and an API whose route `GET /x` leads to it
/// and is behind it; the API's id and the authorizer's.
async fn guarded() -> (Stage, String, String) {
    let node = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|it| it.join("node"))
        .find(|it| it.is_file());
    let stage =
        Stage::configured(|config| config.interpreters = Interpreters { python: None, node }).await;
    stage.role(&allow("logs:*"));
    let function = json!({
        "FunctionName": "orders", "Runtime": "nodejs22.x", "Handler": "index.handler",
        "Timeout": 20, "Role": "arn:aws:iam::123456789012:role/app",
        "Code": {"ZipFile": PACKAGE},
    });
    let function = call(&stage, Service::Lambda, "CreateFunction", function).await;
    let function = function["FunctionArn"].as_str().unwrap();
    let named = json!({"FunctionName": "orders"});
    while call(&stage, Service::Lambda, "GetFunctionConfiguration", named.clone()).await["State"]
        != "Active"
    {
        tokio::task::yield_now().await;
    }
    let gateway = async |operation: &str, member: &str, input: Value| {
        let made = call(&stage, Service::ApiGatewayV2, operation, input).await;
        made[member].as_str().unwrap_or_default().to_owned()
    };
    let api = json!({"Name": "a", "ProtocolType": "HTTP"});
    let api = gateway("CreateApi", "apiId", api).await;
    let uri = format!(
        "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/{function}/invocations"
    );
    let authorizer = json!({
        "ApiId": api, "Name": "own", "AuthorizerType": "REQUEST", "AuthorizerUri": uri,
        "AuthorizerPayloadFormatVersion": "2.0",
        "IdentitySource": ["$request.header.Authorization"],
    });
    let authorizer = gateway("CreateAuthorizer", "authorizerId", authorizer).await;
    let integration = json!({
        "ApiId": api, "IntegrationType": "AWS_PROXY", "IntegrationUri": uri,
        "PayloadFormatVersion": "2.0",
    });
    let integration = gateway("CreateIntegration", "integrationId", integration).await;
    let route = json!({
        "ApiId": api, "RouteKey": "GET /x", "Target": format!("integrations/{integration}"),
        "AuthorizationType": "CUSTOM", "AuthorizerId": authorizer,
    });
    gateway("CreateRoute", "routeId", route).await;
    let live = json!({"ApiId": api, "StageName": "$default", "AutoDeploy": true});
    gateway("CreateStage", "stageName", live).await;
    (stage, api, authorizer)
}

/// Lets API Gateway invoke the function for a part of the API.
async fn let_in(stage: &Stage, api: &str, statement: &str, part: &str) {
    let permission = json!({
        "FunctionName": "orders", "StatementId": statement, "Action": "lambda:InvokeFunction",
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": format!("arn:aws:execute-api:eu-central-1:{ACCOUNT}:{api}/{part}"),
    });
    call(stage, Service::Lambda, "AddPermission", permission).await;
}

async fn get(stage: &Stage, api: &str, token: Option<&str>) -> (u16, String) {
    let port = stage.guard.endpoint().port().unwrap();
    let mut request = http::Request::builder()
        .uri(format!("http://127.0.0.1:{port}/x"))
        .header("host", format!("{api}.execute-api.eu-central-1.amazonaws.com"));
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    let answer = send(request.body(Bytes::new()).unwrap()).await;
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_function_decides_by_a_policy_that_the_journal_names() {
    let (stage, api, authorizer) = guarded().await;
    let failed = (500, r#"{"message":"Internal Server Error"}"#.to_owned());
    let mark = stage.guard.journal().mark();
    assert_eq!(get(&stage, &api, None).await, (401, r#"{"message":"Unauthorized"}"#.to_owned()));
    let entries = stage.guard.journal().entries_since(mark);
    assert_eq!(entries.len(), 1, "the function is not asked");
    assert_eq!(entries[0].let_in, Some(false));

    // What lets the gateway in for the route does not for the authorizer.
    let_in(&stage, &api, "route", "*/GET/x").await;
    let mark = stage.guard.journal().mark();
    assert_eq!(get(&stage, &api, Some("good")).await, failed);
    let entries = stage.guard.journal().entries_since(mark);
    let asked =
        entries.iter().find(|entry| entry.operation == "Invoke" && entry.service == "lambda");
    let asked = asked.unwrap();
    assert_eq!((&*asked.principal, asked.outcome), ("apigateway.amazonaws.com", Ending::Denied));
    assert_eq!(asked.checks[0].action, "lambda:InvokeFunction");

    let_in(&stage, &api, "authorizer", &format!("authorizers/{authorizer}")).await;
    let told = r#"{"told":{"lambda":{"team":"blue"}}}"#.to_owned();
    let mark = stage.guard.journal().mark();
    assert_eq!(get(&stage, &api, Some("good")).await, (200, told));
    // Beside it the functions write their logs, at any time.
    let asked_since = |mark| {
        let entries = stage.guard.journal().entries_since(mark);
        entries.into_iter().find(|entry| entry.service == "execute-api").unwrap()
    };
    let entry = asked_since(mark);
    assert_eq!(entry.let_in, Some(true));
    let of_authorizer =
        format!("arn:aws:execute-api:eu-central-1:{ACCOUNT}:{api}/authorizers/{authorizer}");
    let check = &entry.checks[0];
    assert_eq!((&*entry.service, entry.outcome), ("execute-api", Ending::Allowed));
    assert_eq!((&*check.action, &*check.outcome), ("execute-api:Invoke", "allow"));
    assert_eq!(check.statements[0].policy, of_authorizer);
    assert_eq!(check.statements[0].sid.as_deref(), Some("ByToken"));

    let forbidden = (403, r#"{"message":"Forbidden"}"#.to_owned());
    let mark = stage.guard.journal().mark();
    assert_eq!(get(&stage, &api, Some("bad")).await, forbidden);
    let entry = asked_since(mark);
    assert_eq!(entry.let_in, Some(false));
    assert_eq!((entry.outcome, &*entry.checks[0].outcome), (Ending::Denied, "explicit_deny"));
    assert_eq!(
        entry.checks[0].resource,
        format!("arn:aws:execute-api:eu-central-1:{ACCOUNT}:{api}/$default/GET/x")
    );
}

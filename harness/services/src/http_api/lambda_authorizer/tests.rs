//! Routes with a Lambda authorizer, request by request.

use http::Request;
use rstest::rstest;
use serde_json::{Value, json};

use bytes::Bytes;

use crate::http_api::testing::*;
use crate::token::testing::with;

const AUTHORIZER: &str = "arn:aws:lambda:eu-central-1:123456789012:function:authorizer";
const UNAUTHORIZED: &str = r#"{"message":"Unauthorized"}"#;
const FORBIDDEN: &str = r#"{"message":"Forbidden"}"#;
const FAILED: &str = r#"{"message":"Internal Server Error"}"#;

fn uri() -> String {
    format!(
        "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/{AUTHORIZER}/invocations"
    )
}

fn input(api: &str, more: Value) -> Value {
    let base = json!({
        "ApiId": api, "AuthorizerType": "REQUEST", "Name": "lambda", "AuthorizerUri": uri(),
        "AuthorizerPayloadFormatVersion": "2.0", "EnableSimpleResponses": true,
        "IdentitySource": ["$request.header.Authorization"],
    });
    with(base, more)
}

/// An API with the routes `GET /a` and `GET /b` behind a Lambda authorizer; its id
/// and the authorizer's.
async fn guarded(world: &World, more: Value, of_integration: Value) -> (String, String) {
    let api = world.api().await;
    let stage = json!({
        "ApiId": api, "StageName": "$default", "AutoDeploy": true,
        "StageVariables": {"tenant": "t1"},
    });
    world.call("CreateStage", stage).await;
    let integration = world.integration(&api, of_integration).await;
    let authorizer = world.call("CreateAuthorizer", input(&api, more)).await;
    let authorizer = id(&authorizer, "authorizerId");
    for key in ["GET /a", "GET /b"] {
        let route = json!({
            "ApiId": api, "RouteKey": key, "Target": format!("integrations/{integration}"),
            "AuthorizationType": "CUSTOM", "AuthorizerId": authorizer,
        });
        let route = world.call("CreateRoute", route).await;
        assert_eq!(
            (&route["authorizationType"], &route["authorizerId"]),
            (&json!("CUSTOM"), &json!(authorizer))
        );
    }
    (api, authorizer)
}

/// What the authorizer says, and what the integration does not mind.
fn says(world: &World, answer: &Value) {
    let both = with(json!({"statusCode": 200, "body": "hi"}), answer.clone());
    world.answer_with((200, Vec::new(), both.to_string()));
}

fn bearing(path: &str, token: &str) -> Request<Bytes> {
    let request = Request::get(path).header("host", "x.execute-api.localhost:4566");
    request.header("authorization", token).body(Bytes::new()).unwrap()
}

async fn ask(world: &World, api: &str, path: &str, token: &str) -> (u16, String) {
    let answer = world.send(api, bearing(path, token)).await;
    let (status, body, _) = told(&answer, "content-type");
    (status, body)
}

fn policy(effect: &str, resource: &str) -> Value {
    json!({"principalId": "alice", "policyDocument": {"Version": "2012-10-17", "Statement": [
        {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}]}})
}

#[tokio::test]
async fn an_authorizer_is_shown_as_aws_shows_it() {
    let world = World::new().await;
    let api = world.api().await;
    let made = world.call("CreateAuthorizer", input(&api, json!({}))).await;
    let authorizer = id(&made, "authorizerId");
    assert_eq!(
        made,
        json!({
            "authorizerId": authorizer, "authorizerType": "REQUEST", "name": "lambda",
            "authorizerUri": uri(), "authorizerPayloadFormatVersion": "2.0",
            "enableSimpleResponses": true, "identitySource": ["$request.header.Authorization"],
        })
    );
    let named = json!({"ApiId": api, "AuthorizerId": authorizer});
    let change = json!({"AuthorizerResultTtlInSeconds": 60, "EnableSimpleResponses": false});
    let changed = world.call("UpdateAuthorizer", with(named.clone(), change)).await;
    assert_eq!(
        (&changed["authorizerResultTtlInSeconds"], &changed["enableSimpleResponses"]),
        (&json!(60), &json!(false))
    );
    assert_eq!(world.call("GetAuthorizer", named.clone()).await, changed);
    assert_eq!(
        world.refusal("UpdateAuthorizer", with(named, json!({"AuthorizerType": "JWT"}))).await,
        "BadRequestException 400 The type of an authorizer cannot be changed"
    );
}

#[rstest]
#[case(json!({"AuthorizerUri": null}), "BadRequestException 400 AuthorizerUri is required for REQUEST Authorizer")]
#[case(json!({"AuthorizerUri": AUTHORIZER}), "BadRequestException 400 Invalid Authorizer URI: arn:aws:lambda:eu-central-1:123456789012:function:authorizer. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.")]
#[case(json!({"AuthorizerPayloadFormatVersion": null}), "BadRequestException 400 AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer")]
#[case(json!({"AuthorizerPayloadFormatVersion": "3.0"}), "BadRequestException 400 Invalid authorizer payload format version specified. Must be one of [1.0, 2.0]")]
#[case(json!({"AuthorizerPayloadFormatVersion": "1.0"}), "BadRequestException 400 EnableSimpleResponses is supported only for AuthorizerPayloadFormatVersion 2.0")]
#[case(json!({"AuthorizerResultTtlInSeconds": 3601}), "BadRequestException 400 AuthorizerResultTtlInSeconds must be between 0 and 3600")]
#[case(json!({"AuthorizerResultTtlInSeconds": 1, "IdentitySource": []}), "BadRequestException 400 IdentitySource is required where AuthorizerResultTtlInSeconds is greater than 0")]
#[case(json!({"IdentitySource": ["header"]}), "BadRequestException 400 Invalid identity source header: it must begin with $request.header., $request.querystring., $context. or $stageVariables.")]
#[case(json!({"IdentitySource": ["$context.identity.user"]}), "NotImplementedException 501 Ringfence does not have the identity source $context.identity.user")]
#[case(json!({"JwtConfiguration": {"issuer": "https://i", "audience": ["a"]}}), "BadRequestException 400 JwtConfiguration is not supported for REQUEST Authorizer")]
#[case(json!({"AuthorizerCredentialsArn": "arn:aws:iam::123456789012:user/u"}), "BadRequestException 400 Invalid ARN specified in the request: CredentialsArn")]
#[tokio::test]
async fn a_wrong_authorizer_is_refused(#[case] change: Value, #[case] expected: &str) {
    let world = World::new().await;
    let api = world.api().await;
    assert_eq!(world.refusal("CreateAuthorizer", input(&api, change)).await, expected);
    world.call("CreateAuthorizer", input(&api, json!({}))).await;
}

#[tokio::test]
async fn a_route_takes_an_authorizer_of_its_own_kind() {
    let world = World::new().await;
    let ready = world.ready().await;
    let lambda = world.call("CreateAuthorizer", input(&ready.api, json!({}))).await;
    let lambda = id(&lambda, "authorizerId");
    let by = |kind: &str, authorizer: &str| {
        ready.route("GET /a", json!({"AuthorizationType": kind, "AuthorizerId": authorizer}))
    };
    assert_eq!(
        world.refusal("CreateRoute", by("CUSTOM", &ready.authorizer)).await,
        "BadRequestException 400 Invalid authorizer ID specified. Setting the authorization type \
         to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer."
    );
    assert_eq!(
        world.refusal("CreateRoute", by("JWT", &lambda)).await,
        "BadRequestException 400 Invalid authorizer ID specified. Setting the authorization type \
         to JWT requires a valid JWT authorizer."
    );
    world.call("CreateRoute", by("CUSTOM", &lambda)).await;
    assert_eq!(
        world
            .refusal("DeleteAuthorizer", json!({"ApiId": ready.api, "AuthorizerId": lambda}))
            .await,
        "ConflictException 409 Cannot delete authorizer 'lambda', is referenced in route: GET /a"
    );
}

#[tokio::test]
async fn without_an_identity_nobody_is_asked() {
    let world = World::new().await;
    let (api, _) = guarded(&world, json!({}), json!({})).await;
    says(&world, &json!({"isAuthorized": true}));
    let bare = world.get(&api, "/a").await;
    assert_eq!(told(&bare, "content-type").1, UNAUTHORIZED);
    assert_eq!(bare.status(), 401);
    assert_eq!(ask(&world, &api, "/a", "").await, (401, UNAUTHORIZED.to_owned()));
    assert!(world.asked().is_empty());
    assert_eq!(ask(&world, &api, "/a", "t").await, (200, "hi".to_owned()));
    assert_eq!(world.asked().len(), 2);
}

#[rstest]
#[case::no(json!({"isAuthorized": false}), 403, FORBIDDEN)]
#[case::text(json!({"isAuthorized": "true"}), 500, FAILED)]
#[case::nothing(json!({}), 500, FAILED)]
#[case::a_policy(policy("Allow", "*"), 500, FAILED)]
#[tokio::test]
async fn a_simple_answer_lets_pass_or_does_not(
    #[case] answer: Value,
    #[case] status: u16,
    #[case] body: &str,
) {
    let world = World::new().await;
    let (api, _) = guarded(&world, json!({}), json!({})).await;
    says(&world, &answer);
    assert_eq!(ask(&world, &api, "/a", "t").await, (status, body.to_owned()));
    assert_eq!(world.asked().len(), 1, "the integration is not called");
    says(&world, &json!({"isAuthorized": true}));
    assert_eq!(ask(&world, &api, "/a", "t").await, (200, "hi".to_owned()));
}

#[rstest]
#[case::allowed("Allow", "/$default/GET/a", 200, "hi")]
#[case::another_route("Allow", "/$default/GET/b", 403, FORBIDDEN)]
#[case::denied("Deny", "/*", 403, FORBIDDEN)]
#[case::no_policy("Perhaps", "/*", 500, FAILED)]
#[tokio::test]
async fn a_policy_decides(
    #[case] effect: &str,
    #[case] resource: &str,
    #[case] status: u16,
    #[case] body: &str,
    #[values("1.0", "2.0")] format: &str,
) {
    let world = World::new().await;
    let form = json!({"EnableSimpleResponses": false, "AuthorizerPayloadFormatVersion": format});
    let (api, _) = guarded(&world, form, json!({})).await;
    let resource = format!("arn:aws:execute-api:eu-central-1:123456789012:{api}{resource}");
    says(&world, &policy(effect, &resource));
    assert_eq!(ask(&world, &api, "/a", "t").await, (status, body.to_owned()));
}

#[rstest]
#[case::unauthorized((200, vec![("x-amz-function-error", "Unhandled")], r#"{"errorMessage":"Unauthorized"}"#.to_owned()), 401, UNAUTHORIZED)]
#[case::other((200, vec![("x-amz-function-error", "Unhandled")], r#"{"errorMessage":"no"}"#.to_owned()), 500, FAILED)]
#[case::not_let_in((403, Vec::new(), "{}".to_owned()), 500, FAILED)]
#[tokio::test]
async fn a_function_that_does_not_answer_lets_nobody_pass(
    #[case] answer: Answer,
    #[case] status: u16,
    #[case] body: &str,
) {
    let world = World::new().await;
    let (api, _) = guarded(&world, json!({}), json!({})).await;
    world.answer_with(answer);
    assert_eq!(ask(&world, &api, "/a", "t").await, (status, body.to_owned()));
    says(&world, &json!({"isAuthorized": true}));
    assert_eq!(ask(&world, &api, "/a", "t").await.0, 200, "a failure is not kept");
}

#[tokio::test]
async fn the_function_receives_what_is_asked() {
    let world = World::new().await;
    let sources = json!({"IdentitySource": [
        "$request.header.Authorization", "$request.querystring.k", "$stageVariables.tenant",
        "$context.routeKey"]});
    let (api, authorizer) = guarded(&world, sources, json!({})).await;
    says(&world, &json!({"isAuthorized": true}));
    assert_eq!(ask(&world, &api, "/a", "t").await.0, 401, "a source is missing");
    assert_eq!(ask(&world, &api, "/a?k=v", "t").await.0, 200);
    let asked = &world.asked()[0];
    assert!(
        asked.line.contains("function%3Aauthorizer") || asked.line.contains("function:authorizer")
    );
    let event = asked.event();
    let arn = format!("arn:aws:execute-api:eu-central-1:123456789012:{api}/$default/GET/a");
    assert_eq!(
        json!([
            event["version"],
            event["type"],
            event["routeArn"],
            event["identitySource"],
            event["routeKey"],
            event["rawQueryString"],
            event["stageVariables"]
        ]),
        json!(["2.0", "REQUEST", arn, ["t", "v", "t1", "GET /a"], "GET /a", "k=v", {"tenant": "t1"}])
    );
    assert_eq!((event.get("body"), event.get("isBase64Encoded")), (None, None));
    assert_eq!(event["requestContext"].get("authorizer"), None);

    let first = json!({"ApiId": api, "AuthorizerId": authorizer,
        "AuthorizerPayloadFormatVersion": "1.0", "EnableSimpleResponses": false});
    world.call("UpdateAuthorizer", first).await;
    says(&world, &policy("Allow", "*"));
    assert_eq!(ask(&world, &api, "/a?k=v", "t").await.0, 200);
    let event = world.asked()[2].event();
    assert_eq!(
        json!([
            event["version"],
            event["type"],
            event["methodArn"],
            event["identitySource"],
            event["authorizationToken"],
            event["resource"],
            event["httpMethod"]
        ]),
        json!(["1.0", "REQUEST", arn, "t,v,t1,GET /a", "t,v,t1,GET /a", "/a", "GET"])
    );
}

#[tokio::test]
async fn the_integration_and_the_log_are_told_the_context() {
    let world = World::new().await;
    let form = json!({"EnableSimpleResponses": false});
    let (api, _) = guarded(&world, form.clone(), json!({})).await;
    let logs = "arn:aws:logs:eu-central-1:123456789012:log-group:/api";
    let format = "$context.authorizer.principalId $context.authorizer.n \
        $context.authorizer.error|$context.requestId";
    let settings = json!({"ApiId": api, "StageName": "$default",
        "AccessLogSettings": {"destinationArn": logs, "format": format}});
    world.call("UpdateStage", settings).await;
    says(&world, &with(policy("Allow", "*"), json!({"context": {"n": 1, "list": ["a"]}})));
    assert_eq!(ask(&world, &api, "/a", "t").await.0, 200);
    let event = world.asked()[1].event();
    assert_eq!(event["requestContext"]["authorizer"], json!({"lambda": {"n": 1, "list": ["a"]}}));
    says(&world, &policy("Deny", "*"));
    assert_eq!(ask(&world, &api, "/a", "t").await.0, 403);
    let lines = world.apis.access_log(&api, "$default");
    let told: Vec<&str> = lines.iter().map(|line| line.split('|').next().unwrap()).collect();
    assert_eq!(told, ["alice 1 -", "- - the authorizer denied the request"]);

    let world = World::new().await;
    let (api, _) = guarded(&world, form, json!({"PayloadFormatVersion": "1.0"})).await;
    says(&world, &with(policy("Allow", "*"), json!({"context": {"n": 1}})));
    assert_eq!(ask(&world, &api, "/a", "t").await.0, 200);
    let event = world.asked()[1].event();
    assert_eq!(event["requestContext"]["authorizer"], json!({"n": 1, "principalId": "alice"}));
}

#[tokio::test]
async fn an_answer_is_kept_for_its_time_by_identity_for_all_routes() {
    let world = World::new().await;
    let kept = json!({"EnableSimpleResponses": false, "AuthorizerResultTtlInSeconds": 300});
    let (api, authorizer) = guarded(&world, kept, json!({})).await;
    let arn = format!("arn:aws:execute-api:eu-central-1:123456789012:{api}/$default/GET/a");
    says(&world, &policy("Allow", &arn));
    // The authorizer's and the integration's.
    assert_eq!(ask(&world, &api, "/a", "t").await.0, 200);
    assert_eq!(world.asked().len(), 2);
    assert_eq!(ask(&world, &api, "/a", "t").await.0, 200);
    assert_eq!(world.asked().len(), 3);
    // The policy that is kept says nothing of another route.
    assert_eq!(ask(&world, &api, "/b", "t").await, (403, FORBIDDEN.to_owned()));
    assert_eq!(world.asked().len(), 3);
    // Another identity, another question.
    assert_eq!(ask(&world, &api, "/a", "u").await.0, 200);
    assert_eq!(world.asked().len(), 5);
    let stage = json!({"ApiId": api, "StageName": "$default"});
    world.call("ResetAuthorizersCache", stage).await;
    assert_eq!(ask(&world, &api, "/a", "t").await.0, 200);
    assert_eq!(world.asked().len(), 7);
    let off = json!({"ApiId": api, "AuthorizerId": authorizer, "AuthorizerResultTtlInSeconds": 0});
    world.call("UpdateAuthorizer", off).await;
    for _ in 0..2 {
        assert_eq!(ask(&world, &api, "/a", "t").await.0, 200);
    }
    assert_eq!(world.asked().len(), 11);
    let other = json!({"ApiId": api, "StageName": "other"});
    assert_eq!(
        world.refusal("ResetAuthorizersCache", other).await,
        "NotFoundException 404 Invalid stage identifier specified"
    );
}

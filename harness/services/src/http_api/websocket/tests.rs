//! WebSocket APIs, call by call.

use bytes::Bytes;
use http::Request;
use rstest::rstest;
use serde_json::{Value, json};

use crate::http_api::Caller;
use crate::http_api::testing::*;
use crate::token::testing::with;

const SELECTION: &str = "$request.body.action";

async fn api(world: &World) -> String {
    let input = json!({
        "Name": "chat", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": SELECTION,
    });
    id(&world.call("CreateApi", input).await, "apiId")
}

async fn route(world: &World, api: &str, key: &str, more: Value) -> String {
    let input = with(json!({ "ApiId": api, "RouteKey": key }), more);
    id(&world.call("CreateRoute", input).await, "routeId")
}

/// An API with the route `$connect`, deployed to the stage `live`.
async fn deployed(world: &World, more: Value) -> String {
    let api = api(world).await;
    route(world, &api, "$connect", more).await;
    let stage = json!({ "ApiId": api, "StageName": "live" });
    world.call("CreateStage", stage).await;
    world.call("CreateDeployment", json!({ "ApiId": api, "StageName": "live" })).await;
    api
}

#[tokio::test]
async fn an_api_is_made_shown_listed_changed_and_deleted() {
    let world = World::new().await;
    let input = json!({
        "Name": "chat", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": SELECTION,
        "Description": "d", "Tags": {"team": "a"},
    });
    let made = world.call("CreateApi", input).await;
    let api = id(&made, "apiId");
    let port = world.setting.endpoint().unwrap().port().unwrap();
    assert_eq!(
        without(&made, &["createdDate"]),
        json!({
            "apiEndpoint": format!("ws://{api}.execute-api.localhost:{port}"),
            "apiId": api,
            "apiKeySelectionExpression": "$request.header.x-api-key",
            "description": "d",
            "disableExecuteApiEndpoint": false,
            "disableSchemaValidation": false,
            "ipAddressType": "ipv4",
            "name": "chat",
            "protocolType": "WEBSOCKET",
            "routeSelectionExpression": SELECTION,
            "tags": {"team": "a"},
        })
    );
    assert_eq!(world.call("GetApi", json!({"ApiId": api})).await, made);
    assert_eq!(world.call("GetApis", json!({})).await["items"], json!([made]));
    let changes = json!({ "ApiId": api, "Name": "talk", "Description": "" });
    let changed = world.call("UpdateApi", changes).await;
    assert_eq!((&changed["name"], changed.get("description")), (&json!("talk"), None));
    assert_eq!(world.apis.api(&api), Some(changed));
    assert_eq!(world.call("DeleteApi", json!({"ApiId": api})).await, Value::Null);
    assert_eq!(world.apis.api(&api), None);
}

#[tokio::test]
async fn records_are_made_shown_listed_changed_and_deleted() {
    let world = World::new().await;
    let api = api(&world).await;
    let integration =
        json!({ "ApiId": api, "IntegrationType": "AWS_PROXY", "IntegrationUri": FUNCTION });
    let made = world.call("CreateIntegration", integration).await;
    let integration = id(&made, "integrationId");
    assert_eq!(
        made,
        json!({
            "connectionType": "INTERNET", "integrationId": integration,
            "integrationResponseSelectionExpression": "${integration.response.statuscode}",
            "integrationType": "AWS_PROXY", "integrationUri": FUNCTION,
            "passthroughBehavior": "WHEN_NO_MATCH", "payloadFormatVersion": "1.0",
            "timeoutInMillis": 29000,
        })
    );
    let target = json!({ "Target": format!("integrations/{integration}") });
    let route = route(&world, &api, "send", target).await;
    let response = json!({ "ApiId": api, "RouteId": route, "RouteResponseKey": "$default" });
    let response = world.call("CreateRouteResponse", response).await;
    assert_eq!(response["routeId"], route);
    let of = json!({ "ApiId": api, "RouteId": route });
    assert_eq!(world.call("GetRouteResponses", of.clone()).await["items"], json!([response]));
    let key = json!({ "IntegrationId": integration, "IntegrationResponseKey": "$default" });
    world.call("CreateIntegrationResponse", with(json!({ "ApiId": api }), key)).await;
    let named = json!({ "ApiId": api, "IntegrationId": integration });
    assert_eq!(
        world.refusal("DeleteIntegration", named.clone()).await,
        format!(
            "ConflictException 409 Cannot delete Integration because it is referenced by the following Routes with Ids: [{route}]"
        )
    );
    let changed = json!({ "OperationName": "send", "Target": "" });
    let changed = world.call("UpdateRoute", with(of.clone(), changed)).await;
    assert_eq!((&changed["operationName"], changed.get("target")), (&json!("send"), None));
    assert_eq!(world.apis.route(&api, &route), Some(changed));
    world.call("DeleteIntegration", named).await;
    world.call("DeleteRoute", of.clone()).await;
    assert_eq!(
        world.refusal("GetRouteResponses", of).await,
        format!("NotFoundException 404 Invalid Route identifier specified {route}")
    );
    let model = json!({ "ApiId": api, "Name": "m", "Schema": "{}" });
    assert_eq!(world.call("CreateModel", model).await["contentType"], "application/json");
}

#[rstest]
#[case("CreateRoute", json!({"RouteKey": null}), "BadRequestException 400 RouteKey is required")]
#[case("CreateRoute", json!({"RouteKey": "$connect"}), "ConflictException 409 Route with key $connect already exists for this API")]
#[case("CreateRoute", json!({"AuthorizationType": "JWT"}), "BadRequestException 400 Invalid AuthorizationType specified: JWT. Must be one of [NONE, AWS_IAM, CUSTOM]")]
#[case("CreateRoute", json!({"AuthorizationType": "AWS_IAM"}), "BadRequestException 400 Authorization is supported only on the route $connect")]
#[case("CreateRoute", json!({"Target": "integrations/x"}), "NotFoundException 404 Invalid Integration identifier specified x")]
#[case("CreateRoute", json!({"Target": "x"}), "BadRequestException 400 Invalid target x: it must have the form integrations/INTEGRATION_ID")]
#[case("CreateIntegration", json!({"IntegrationType": "AWS"}), "BadRequestException 400 IntegrationUri is required")]
#[case("CreateIntegration", json!({"IntegrationType": "MOCK", "TimeoutInMillis": 29001}), "BadRequestException 400 Timeout should be between 50 ms and 29000 ms")]
#[case("CreateStage", json!({"StageName": "s", "DeploymentId": "x"}), "NotFoundException 404 Invalid Deployment identifier specified x")]
#[case("CreateAuthorizer", json!({"AuthorizerType": "JWT", "Name": "a", "AuthorizerUri": "u"}), "BadRequestException 400 Invalid AuthorizerType specified: JWT. Must be one of [REQUEST]")]
#[case("ExportApi", json!({}), "NotImplementedException 501 Ringfence does not have apigatewayv2:ExportApi")]
#[tokio::test]
async fn what_aws_refuses_is_refused(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] told: &str,
) {
    let world = World::new().await;
    let api = api(&world).await;
    route(&world, &api, "$connect", json!({})).await;
    let input = with(json!({ "ApiId": api, "RouteKey": "send" }), input);
    let only = |value: Value| match operation {
        "CreateRoute" => value,
        _ => without(&value, &["RouteKey"]),
    };
    assert_eq!(world.refusal(operation, only(input)).await, told);
}

#[tokio::test]
async fn an_api_needs_its_route_selection_and_takes_nothing_of_http_apis() {
    let world = World::new().await;
    let bare = json!({ "Name": "chat", "ProtocolType": "WEBSOCKET" });
    assert_eq!(
        world.refusal("CreateApi", bare.clone()).await,
        "BadRequestException 400 RouteSelectionExpression is required"
    );
    let more = json!({ "RouteSelectionExpression": SELECTION, "CorsConfiguration": {} });
    assert_eq!(
        world.refusal("CreateApi", with(bare, more)).await,
        "BadRequestException 400 CorsConfiguration is currently not supported for protocolType WEBSOCKET"
    );
    let api = api(&world).await;
    assert_eq!(
        world.refusal("CreateDeployment", json!({ "ApiId": api })).await,
        "BadRequestException 400 Unable to deploy API because no routes exist in this API"
    );
}

#[tokio::test]
async fn tags_of_apis_and_stages_change() {
    let world = World::new().await;
    let api = deployed(&world, json!({})).await;
    for arn in [
        format!("arn:aws:apigateway:eu-central-1::/apis/{api}"),
        format!("arn:aws:apigateway:eu-central-1::/apis/{api}/stages/live"),
    ] {
        let tags = json!({ "ResourceArn": arn, "Tags": {"a": "1", "b": "2"} });
        world.call("TagResource", tags).await;
        world.call("UntagResource", json!({ "ResourceArn": arn, "TagKeys": ["a"] })).await;
        let shown = world.call("GetTags", json!({ "ResourceArn": arn })).await;
        assert_eq!(shown, json!({ "tags": {"b": "2"} }));
    }
    assert_eq!(world.apis.stage(&api, "live").unwrap()["tags"], json!({"b": "2"}));
}

async fn connect(world: &World, api: &str, path: &str, caller: bool) -> (u16, String) {
    let mut request = Request::get(path).body(Bytes::new()).unwrap();
    if caller {
        request.extensions_mut().insert(Caller {
            access_key: "AKIA".into(),
            account_id: "123456789012".into(),
            user_id: "AIDA".into(),
            user_arn: "arn:aws:iam::123456789012:user/dev".into(),
        });
    }
    let answer = world.send(api, request).await;
    (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
}

#[tokio::test]
async fn who_connects_is_authorized_by_the_route_and_then_told() {
    const TOLD: &str = r#"{"message":"Ringfence does not have connections to WebSocket APIs"}"#;
    let world = World::new().await;
    let open = deployed(&world, json!({})).await;
    assert_eq!(connect(&world, &open, "/live", false).await, (501, TOLD.to_owned()));
    let forbidden = (403, r#"{"message":"Forbidden"}"#.to_owned());
    assert_eq!(connect(&world, &open, "/other", false).await, forbidden);
    let iam = deployed(&world, json!({ "AuthorizationType": "AWS_IAM" })).await;
    assert_eq!(connect(&world, &iam, "/live", false).await, forbidden);
    assert_eq!(connect(&world, &iam, "/live", true).await, (501, TOLD.to_owned()));
    let taken = world.apis.route_of(&iam, "GET", "/live").unwrap();
    assert_eq!((&*taken.route_key, taken.authorization_type), ("$connect", "AWS_IAM"));
    let arn = format!("arn:aws:execute-api:eu-central-1:123456789012:{iam}/live/$connect");
    assert_eq!(taken.arn, arn);
}

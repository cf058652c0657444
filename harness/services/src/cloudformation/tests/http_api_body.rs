//! HTTP APIs that an OpenAPI definition describes, as SAM's translator writes it.

use serde_json::json;

use super::World;

const API: &str = r#"{"Resources": {"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {
    "FailOnWarnings": true, "Tags": {"team": "a"}, "Body": {
      "openapi": "3.0.1", "info": {"title": {"Ref": "AWS::StackName"}, "version": "1.0"},
      "tags": [{"name": "httpapi:createdBy", "x-amazon-apigateway-tag-value": "SAM"}],
      "components": {"securitySchemes": {"Tokens": {"x-amazon-apigateway-authorizer": {
        "type": "jwt", "identitySource": "$request.header.Authorization",
        "jwtConfiguration": {"issuer": "https://i", "audience": ["a"]}}}}},
      "paths": {"/orders": {"get": {"security": [{"Tokens": ["read"]}],
        "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST",
          "payloadFormatVersion": "2.0", "uri": "arn:f"}}}}}}}}}"#;

#[tokio::test]
async fn each_part_is_made_by_a_call_of_the_deployer() {
    let world = World::new().await;
    assert_eq!(world.create("s", API).await.1, "CREATE_COMPLETE");
    let calls = world.fake.calls_with_input();
    let names: Vec<&str> = calls.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["CreateApi", "CreateAuthorizer", "CreateIntegration", "CreateRoute"]);
    let api = &calls[0].1;
    assert_eq!((&api["Name"], &api["ProtocolType"]), (&json!("s"), &json!("HTTP")));
    assert_eq!(
        (&api["Tags"]["httpapi:createdBy"], &api["Tags"]["team"]),
        (&json!("SAM"), &json!("a"))
    );
    assert!(api.get("Body").is_none() && api.get("FailOnWarnings").is_none());
    assert_eq!(calls[1].1["JwtConfiguration"], json!({"issuer": "https://i", "audience": ["a"]}));
    let route = &calls[3].1;
    assert_eq!((&route["RouteKey"], &route["ApiId"]), (&json!("GET /orders"), &json!("api1")));
    assert_eq!(route["AuthorizationType"], "JWT");
    assert_eq!(route["AuthorizerId"], "auth1");
    assert_eq!(route["AuthorizationScopes"], json!(["read"]));
    assert!(route["Target"].as_str().unwrap().starts_with("integrations/int"));
    assert_eq!(world.update("s", &API.replace("/orders", "/carts")).await, "UPDATE_COMPLETE");
    let calls = world.fake.calls();
    let made = calls.iter().filter(|name| name.starts_with("Create") || name.starts_with("Get"));
    assert_eq!(
        made.collect::<Vec<_>>(),
        [
            "GetApi",
            "GetRoutes",
            "GetIntegrations",
            "GetAuthorizers",
            "CreateAuthorizer",
            "CreateIntegration",
            "CreateRoute",
        ]
    );
}

/// What may not be made is not there, and what was made before goes again.
#[tokio::test]
async fn who_may_not_make_a_route_makes_no_api() {
    let world = World::new().await;
    world.fake.deny("CreateRoute");
    assert_eq!(world.create("s", API).await.1, "ROLLBACK_COMPLETE");
    let calls = world.fake.calls();
    assert_eq!(calls.last().map(String::as_str), Some("DeleteApi"));
}

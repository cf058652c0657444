//! What configures an API: shapes, statuses, refusals.

use rstest::rstest;
use serde_json::{Value, json};

use crate::http_api::testing::*;
use crate::token::testing::{ISSUER, with};

#[tokio::test]
async fn an_api_is_shown_as_aws_shows_it() {
    let world = World::new().await;
    let made = world
        .call(
            "CreateApi",
            json!({
                "Name": "shop", "ProtocolType": "HTTP", "Description": "d", "Version": "1",
                "RouteSelectionExpression": "$request.method $request.path",
                "ApiKeySelectionExpression": "$request.header.x-api-key",
                "CorsConfiguration": {"allowOrigins": ["*"], "maxAge": 300},
                "Tags": {"team": "a"},
            }),
        )
        .await;
    let api = id(&made, "apiId");
    let port = world.setting.endpoint().unwrap().port().unwrap();
    assert_eq!(
        without(&made, &["createdDate"]),
        json!({
            "apiEndpoint": format!("http://{api}.execute-api.localhost:{port}"),
            "apiId": api,
            "apiKeySelectionExpression": "$request.header.x-api-key",
            "corsConfiguration": {"allowOrigins": ["*"], "maxAge": 300},
            "description": "d",
            "disableExecuteApiEndpoint": false,
            "ipAddressType": "ipv4",
            "name": "shop",
            "protocolType": "HTTP",
            "routeSelectionExpression": "$request.method $request.path",
            "tags": {"team": "a"},
            "version": "1",
        })
    );
    assert_eq!(api.len(), 10);
    let date = made["createdDate"].as_str().unwrap();
    assert!(date.len() == 20 && date.ends_with('Z'), "{date}");
    assert_eq!(world.call("GetApi", json!({"ApiId": api})).await, made);
    assert_eq!(world.call("GetApis", json!({})).await, json!({"items": [made]}));
    assert_eq!(world.apis.api(&api), Some(made));

    let changes = json!({"ApiId": api, "Name": "store", "Description": "", "DisableExecuteApiEndpoint": true});
    let updated = world.call("UpdateApi", changes).await;
    assert_eq!(updated["name"], "store");
    assert_eq!(updated.get("description"), None);
    assert_eq!(updated["disableExecuteApiEndpoint"], true);
    assert_eq!(world.call("DeleteCorsConfiguration", json!({"ApiId": api})).await, Value::Null);
    assert_eq!(world.apis.api(&api).unwrap().get("corsConfiguration"), None);

    assert_eq!(world.call("DeleteApi", json!({"ApiId": api})).await, Value::Null);
    assert_eq!(
        world.refusal("GetApi", json!({"ApiId": api})).await,
        format!("NotFoundException 404 Invalid API identifier specified {ACCOUNT}:{api}")
    );
    assert_eq!(world.apis.api(&api), None);
}

#[rstest]
#[case(json!({"Name": null}), "BadRequestException 400 Name is required")]
#[case(json!({"ProtocolType": null}), "BadRequestException 400 Protocol type is required")]
#[case(json!({"ProtocolType": "TCP"}), "BadRequestException 400 Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]")]
#[case(json!({"Name": "x".repeat(129)}), "BadRequestException 400 Name must be at most 128 characters long")]
#[case(json!({"Tags": {"aws:x": "y"}}), "BadRequestException 400 aws: prefixed tag key names are not allowed for external use.")]
#[case(json!({"CorsConfiguration": {"maxAge": 86401}}), "BadRequestException 400 CORS max age must be between -1 and 86400")]
#[case(json!({"CorsConfiguration": {"allowOrigins": ["https://*.example"]}}), "BadRequestException 400 Invalid CORS origin: https://*.example")]
#[case(json!({"DisableSchemaValidation": true}), "BadRequestException 400 Schema validation is not supported for HTTP APIs")]
#[case(json!({"Body": "x"}), "BadRequestException 400 Invalid request input: unknown field `Body`, expected one of `ApiKeySelectionExpression`, `CorsConfiguration`, `CredentialsArn`, `Description`, `DisableExecuteApiEndpoint`, `DisableSchemaValidation`, `IpAddressType`, `Name`, `ProtocolType`, `RouteKey`, `RouteSelectionExpression`, `Tags`, `Target`, `Version`")]
#[case(json!({"Target": "https://example.com"}), "NotImplementedException 501 Ringfence does not have HTTP proxy integrations (HTTP_PROXY)")]
#[tokio::test]
async fn a_wrong_api_is_refused(#[case] change: Value, #[case] expected: &str) {
    let world = World::new().await;
    let input = json!({"Name": "api", "ProtocolType": "HTTP"});
    assert_eq!(world.refusal("CreateApi", with(input.clone(), change)).await, expected);
    assert_eq!(world.call("GetApis", json!({})).await, json!({"items": []}));
    world.call("CreateApi", input).await;
}

#[tokio::test]
async fn quick_create_makes_the_rest() {
    let world = World::new().await;
    let input =
        json!({"Name": "q", "ProtocolType": "HTTP", "Target": FUNCTION, "RouteKey": "GET /q"});
    let api = id(&world.call("CreateApi", input).await, "apiId");
    let stage = world.apis.stage(&api, "$default").unwrap();
    assert_eq!((&stage["apiGatewayManaged"], &stage["autoDeploy"]), (&json!(true), &json!(true)));
    let routes = world.apis.routes(&api).unwrap();
    assert_eq!(routes.len(), 1);
    assert_eq!(routes[0]["routeKey"], "GET /q");
    let integration = routes[0]["target"].as_str().unwrap().strip_prefix("integrations/").unwrap();
    let integration = world.apis.integration(&api, integration).unwrap();
    assert_eq!(integration["integrationUri"], FUNCTION);
    assert_eq!(integration["payloadFormatVersion"], "2.0");
}

#[tokio::test]
async fn a_route_is_shown_as_aws_shows_it() {
    let world = World::new().await;
    let ready = world.ready().await;
    let plain = world.call("CreateRoute", ready.route("GET /a", json!({}))).await;
    assert_eq!(
        without(&plain, &["routeId"]),
        json!({
            "apiKeyRequired": false, "authorizationType": "NONE", "routeKey": "GET /a",
            "target": format!("integrations/{}", ready.integration),
        })
    );
    let jwt = json!({
        "AuthorizationType": "JWT", "AuthorizerId": ready.authorizer,
        "AuthorizationScopes": ["read"], "OperationName": "op",
    });
    let guarded = world.call("CreateRoute", ready.route("GET /b", jwt)).await;
    let route = id(&guarded, "routeId");
    assert_eq!(
        without(&guarded, &["routeId", "target", "routeKey"]),
        json!({
            "apiKeyRequired": false, "authorizationType": "JWT", "authorizerId": ready.authorizer,
            "authorizationScopes": ["read"], "operationName": "op",
        })
    );
    let named = json!({"ApiId": ready.api, "RouteId": route});
    assert_eq!(world.call("GetRoute", named.clone()).await, guarded);
    assert_eq!(world.apis.route(&ready.api, &route), Some(guarded));
    assert_eq!(
        world.call("GetRoutes", json!({"ApiId": ready.api})).await["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    // What an update does not mention stays; NONE lets go of the authorizer.
    let updated =
        world.call("UpdateRoute", with(named.clone(), json!({"RouteKey": "GET /c"}))).await;
    assert_eq!(
        (&updated["routeKey"], &updated["authorizationType"]),
        (&json!("GET /c"), &json!("JWT"))
    );
    let opened = with(named.clone(), json!({"AuthorizationType": "NONE"}));
    let opened = world.call("UpdateRoute", opened).await;
    assert_eq!(opened["authorizationType"], "NONE");
    assert_eq!((opened.get("authorizerId"), opened.get("authorizationScopes")), (None, None));

    assert_eq!(world.call("DeleteRoute", named.clone()).await, Value::Null);
    assert_eq!(
        world.refusal("DeleteRoute", named).await,
        format!("NotFoundException 404 Invalid Route identifier specified {route}")
    );
}

const NO_AUTHORIZER: &str = "BadRequestException 400 Invalid authorizer ID specified. Setting the \
    authorization type to JWT requires a valid JWT authorizer.";

#[rstest]
#[case(json!({"RouteKey": null}), "BadRequestException 400 Route key is required")]
#[case(json!({"RouteKey": "GET a"}), "BadRequestException 400 The provided route key is not formatted properly for HTTP protocol. Format should be \"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\"")]
#[case(json!({"RouteKey": "GET /taken/{x}"}), "ConflictException 409 Route with key GET /taken/{x} already exists for this API")]
#[case(json!({"RouteKey": "GET /taken/{y}"}), "ConflictException 409 The provided route key \"GET /taken/{y}\" has a conflicting variable on the same hierarchical level as \"GET /taken/{x}\"")]
#[case(json!({"AuthorizationType": "JWT"}), NO_AUTHORIZER)]
#[case(json!({"AuthorizationType": "JWT", "AuthorizerId": "nosuch"}), NO_AUTHORIZER)]
#[case(json!({"AuthorizationType": "CUSTOM", "AuthorizerId": "x"}), "BadRequestException 400 Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.")]
#[case(json!({"AuthorizationType": "none"}), "BadRequestException 400 Invalid authorization type specified. Must be one of [NONE, AWS_IAM, CUSTOM, JWT]")]
#[case(json!({"AuthorizationScopes": ["a"]}), "BadRequestException 400 Authorization scopes are supported only for the authorization type JWT")]
#[case(json!({"Target": "integrations/nosuch"}), "NotFoundException 404 Invalid Integration identifier specified nosuch")]
#[case(json!({"Target": "nosuch"}), "BadRequestException 400 Invalid target nosuch: it must have the form integrations/INTEGRATION_ID")]
#[case(json!({"ApiKeyRequired": true}), "BadRequestException 400 ApiKeyRequired is currently not supported for protocolType HTTP")]
#[case(json!({"RequestParameters": {"a": {"required": true}}}), "BadRequestException 400 RequestParameters is currently not supported for protocolType HTTP")]
#[tokio::test]
async fn a_wrong_route_is_refused(#[case] change: Value, #[case] expected: &str) {
    let world = World::new().await;
    let ready = world.ready().await;
    world.call("CreateRoute", ready.route("GET /taken/{x}", json!({}))).await;
    let input = ready.route("GET /new", json!({}));
    assert_eq!(world.refusal("CreateRoute", with(input.clone(), change)).await, expected);
    assert_eq!(world.apis.routes(&ready.api).unwrap().len(), 1);
    world.call("CreateRoute", input).await;
}

#[tokio::test]
async fn a_routes_authorizer_changes_only_with_its_type() {
    let world = World::new().await;
    let ready = world.ready().await;
    let jwt = json!({"AuthorizationType": "JWT", "AuthorizerId": ready.authorizer});
    let route = id(&world.call("CreateRoute", ready.route("GET /a", jwt.clone())).await, "routeId");
    let named = json!({"ApiId": ready.api, "RouteId": route, "AuthorizerId": ready.authorizer});
    assert_eq!(
        world.refusal("UpdateRoute", named.clone()).await,
        "BadRequestException 400 Unable to update route. Authorizer type is invalid or null."
    );
    world.call("UpdateRoute", with(named, jwt)).await;
}

#[tokio::test]
async fn an_api_has_at_most_300_routes() {
    let world = World::new().await;
    let ready = world.ready().await;
    for number in 0..300 {
        world.call("CreateRoute", ready.route(&format!("GET /{number}"), json!({}))).await;
    }
    assert_eq!(
        world.refusal("CreateRoute", ready.route("GET /x", json!({}))).await,
        "TooManyRequestsException 429 Maximum number of Routes for this API has been reached. \
         Please contact AWS if you need additional Routes."
    );
    // One deployment of the stage remains of all that were made on the way.
    let deployments = world.call("GetDeployments", json!({"ApiId": ready.api})).await;
    assert_eq!(deployments["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn listings_come_in_pages() {
    let world = World::new().await;
    let ready = world.ready().await;
    for number in 0..3 {
        world.call("CreateRoute", ready.route(&format!("GET /{number}"), json!({}))).await;
    }
    let first = world.call("GetRoutes", json!({"ApiId": ready.api, "MaxResults": "2"})).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let more = json!({"ApiId": ready.api, "MaxResults": "2", "NextToken": first["nextToken"]});
    let second = world.call("GetRoutes", more).await;
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
    assert_eq!(second.get("nextToken"), None);
    assert_eq!(
        world.refusal("GetRoutes", json!({"ApiId": ready.api, "MaxResults": "x"})).await,
        "BadRequestException 400 Invalid Max results"
    );
}

#[tokio::test]
async fn an_integration_is_shown_as_aws_shows_it() {
    let world = World::new().await;
    let ready = world.ready().await;
    let named = json!({"ApiId": ready.api, "IntegrationId": ready.integration});
    let shown = world.call("GetIntegration", named.clone()).await;
    assert_eq!(
        shown,
        json!({
            "connectionType": "INTERNET", "integrationId": ready.integration,
            "integrationMethod": "POST", "integrationType": "AWS_PROXY",
            "integrationUri": FUNCTION, "payloadFormatVersion": "2.0", "timeoutInMillis": 30000,
        })
    );
    let role = "arn:aws:iam::123456789012:role/gateway";
    let uri = format!(
        "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/{FUNCTION}:live/invocations"
    );
    let changes = json!({
        "IntegrationUri": uri, "CredentialsArn": role, "TimeoutInMillis": 50,
        "PayloadFormatVersion": "1.0", "PassthroughBehavior": "WHEN_NO_MATCH",
    });
    let updated = world.call("UpdateIntegration", with(named.clone(), changes)).await;
    assert_eq!(updated["integrationUri"], uri);
    assert_eq!(updated["credentialsArn"], role);
    assert_eq!(updated["payloadFormatVersion"], "1.0");
    assert_eq!(world.apis.integration(&ready.api, &ready.integration), Some(updated));

    let route = world.call("CreateRoute", ready.route("GET /a", json!({}))).await;
    let route = id(&route, "routeId");
    assert_eq!(
        world.refusal("DeleteIntegration", named.clone()).await,
        format!(
            "ConflictException 409 Cannot delete Integration because it is referenced by the following Routes with Ids: [{route}]"
        )
    );
    world.call("DeleteRoute", json!({"ApiId": ready.api, "RouteId": route})).await;
    assert_eq!(world.call("DeleteIntegration", named).await, Value::Null);
}

#[tokio::test]
async fn an_action_of_a_service_is_configured_and_not_served() {
    let world = World::new().await;
    let ready = world.ready().await;
    let role = "arn:aws:iam::123456789012:role/gateway";
    let input = json!({
        "ApiId": ready.api, "IntegrationType": "AWS_PROXY", "IntegrationSubtype": "SQS-SendMessage",
        "PayloadFormatVersion": "1.0", "CredentialsArn": role,
        "RequestParameters": {"QueueUrl": "q", "MessageBody": "$request.body"},
    });
    let made = world.call("CreateIntegration", input).await;
    let integration = id(&made, "integrationId");
    assert_eq!(
        made,
        json!({
            "connectionType": "INTERNET", "credentialsArn": role, "integrationId": integration,
            "integrationMethod": "POST", "integrationSubtype": "SQS-SendMessage",
            "integrationType": "AWS_PROXY", "payloadFormatVersion": "1.0",
            "requestParameters": {"QueueUrl": "q", "MessageBody": "$request.body"},
            "timeoutInMillis": 30000,
        })
    );
    let target = json!({
        "ApiId": ready.api, "RouteKey": "GET /send", "Target": format!("integrations/{integration}"),
    });
    world.call("CreateRoute", target).await;
    let answer = world.get(&ready.api, "/send").await;
    assert_eq!(answer.status().as_u16(), 501);
    assert_eq!(
        answer.body(),
        r#"{"message":"Ringfence does not serve integrations with an IntegrationSubtype"}"#
    );
    assert_eq!(world.asked().len(), 0);
}

#[rstest]
#[case(json!({"IntegrationType": null}), "BadRequestException 400 Integration type is required")]
#[case(json!({"IntegrationType": "AWS"}), "BadRequestException 400 Currently, an API with a protocol type of HTTP may only be associated with proxy integrations (AWS_PROXY, HTTP_PROXY)")]
#[case(json!({"IntegrationType": "HTTP_PROXY"}), "NotImplementedException 501 Ringfence does not have HTTP proxy integrations (HTTP_PROXY)")]
#[case(json!({"IntegrationSubtype": "SQS-Nope"}), "BadRequestException 400 Invalid integration subtype specified. Must be one of [AppConfig-GetConfiguration, EventBridge-PutEvents, Kinesis-PutRecord, SQS-DeleteMessage, SQS-PurgeQueue, SQS-ReceiveMessage, SQS-SendMessage, StepFunctions-StartExecution, StepFunctions-StartSyncExecution, StepFunctions-StopExecution]")]
#[case(json!({"IntegrationSubtype": "SQS-SendMessage"}), "BadRequestException 400 IntegrationUri is not supported with an IntegrationSubtype")]
#[case(json!({"ConnectionType": "VPC_LINK"}), "NotImplementedException 501 Ringfence does not have private integrations (ConnectionType VPC_LINK)")]
#[case(json!({"RequestParameters": {"overwrite:path": "/x"}}), "NotImplementedException 501 Ringfence does not have parameter mapping (RequestParameters)")]
#[case(json!({"PayloadFormatVersion": null}), "BadRequestException 400 PayloadFormatVersion is a required parameter for integration")]
#[case(json!({"PayloadFormatVersion": "3.0"}), "BadRequestException 400 Invalid payload format version specified. Must be one of [1.0, 2.0]")]
#[case(json!({"TimeoutInMillis": 30001}), "BadRequestException 400 Timeout should be between 50 ms and 30000 ms")]
#[case(json!({"IntegrationUri": "arn:aws:sqs:eu-central-1:123456789012:queue"}), "BadRequestException 400 Invalid function ARN or invalid uri")]
#[case(json!({"IntegrationUri": null}), "BadRequestException 400 Invalid function ARN or invalid uri")]
#[case(json!({"CredentialsArn": "arn:aws:iam::*:user/*"}), "NotImplementedException 501 Ringfence does not have integrations with the caller's credentials")]
#[case(json!({"CredentialsArn": "gateway"}), "BadRequestException 400 Invalid ARN specified in the request: CredentialsArn")]
#[tokio::test]
async fn a_wrong_integration_is_refused(#[case] change: Value, #[case] expected: &str) {
    let world = World::new().await;
    let api = world.api().await;
    let input = json!({
        "ApiId": api, "IntegrationType": "AWS_PROXY", "IntegrationUri": FUNCTION,
        "PayloadFormatVersion": "2.0",
    });
    assert_eq!(world.refusal("CreateIntegration", with(input.clone(), change)).await, expected);
    world.call("CreateIntegration", input).await;
}

#[tokio::test]
async fn an_authorizer_is_shown_as_aws_shows_it() {
    let world = World::new().await;
    let ready = world.ready().await;
    let named = json!({"ApiId": ready.api, "AuthorizerId": ready.authorizer});
    assert_eq!(
        world.call("GetAuthorizer", named.clone()).await,
        json!({
            "authorizerId": ready.authorizer, "authorizerType": "JWT",
            "identitySource": ["$request.header.Authorization"],
            "jwtConfiguration": {"audience": ["api://default"], "issuer": ISSUER},
            "name": "okta",
        })
    );
    let change =
        json!({"JwtConfiguration": {"audience": ["a", "b"], "issuer": ISSUER}, "Name": "n"});
    let updated = world.call("UpdateAuthorizer", with(named.clone(), change)).await;
    assert_eq!(updated["jwtConfiguration"]["audience"], json!(["a", "b"]));
    assert_eq!(world.apis.authorizer(&ready.api, &ready.authorizer), Some(updated));

    let jwt = json!({"AuthorizationType": "JWT", "AuthorizerId": ready.authorizer});
    let route = id(&world.call("CreateRoute", ready.route("POST /a", jwt)).await, "routeId");
    assert_eq!(
        world.refusal("DeleteAuthorizer", named.clone()).await,
        "ConflictException 409 Cannot delete authorizer 'n', is referenced in route: POST /a"
    );
    world.call("DeleteRoute", json!({"ApiId": ready.api, "RouteId": route})).await;
    assert_eq!(world.call("DeleteAuthorizer", named).await, Value::Null);
}

const IDENTITY: &str = "BadRequestException 400 JWT Authorizer must have exactly one identity \
    source, of the form $request.header.NAME or $request.querystring.NAME";

#[rstest]
#[case(json!({"AuthorizerType": null}), "BadRequestException 400 Authorizer type is required")]
#[case(json!({"AuthorizerType": "COGNITO"}), "BadRequestException 400 Invalid authorizer type specified. Must be one of [JWT, REQUEST]")]
#[case(json!({"AuthorizerUri": "x"}), "BadRequestException 400 AuthorizerUri is not supported for JWT Authorizer")]
#[case(json!({"JwtConfiguration": null}), "BadRequestException 400 JwtConfiguration is required for JWT Authorizer")]
#[case(json!({"JwtConfiguration": {"audience": ["a"]}}), "BadRequestException 400 Issuer is required for JWT Authorizer")]
#[case(json!({"JwtConfiguration": {"issuer": "https://x"}}), "BadRequestException 400 Audience list must have at least 1 item for JWT Authorizer")]
#[case(json!({"JwtConfiguration": {"issuer": "ftp://x", "audience": ["a"]}}), "BadRequestException 400 Caught exception when connecting to ftp://x/.well-known/openid-configuration for issuer ftp://x. Please try again later. Error: Invalid issuer: ftp://x. Issuer must have a valid discovery endpoint ended with '/.well-known/openid-configuration'")]
#[case(json!({"IdentitySource": null}), IDENTITY)]
#[case(json!({"IdentitySource": ["$request.header.A", "$request.header.B"]}), IDENTITY)]
#[case(json!({"IdentitySource": ["$context.path"]}), IDENTITY)]
#[case(json!({"IdentitySource": ["$request.header.a b"]}), IDENTITY)]
#[case(json!({"Name": "taken"}), "BadRequestException 400 Authorizer name must be unique. Authorizer taken already exists in this RestApi.")]
#[case(json!({"ApiId": "nosuch"}), "NotFoundException 404 Invalid API identifier specified 123456789012:nosuch")]
#[tokio::test]
async fn a_wrong_authorizer_is_refused(#[case] change: Value, #[case] expected: &str) {
    let world = World::new().await;
    let api = world.api().await;
    let input = authorizer_input(&api);
    world.call("CreateAuthorizer", with(input.clone(), json!({"Name": "taken"}))).await;
    assert_eq!(world.refusal("CreateAuthorizer", with(input.clone(), change)).await, expected);
    world.call("CreateAuthorizer", input).await;
}

#[tokio::test]
async fn what_is_not_built_is_refused_by_name() {
    let world = World::new().await;
    for name in
        ["ImportApi", "ReimportApi", "ExportApi", "CreateVpcLink", "CreateDomainName", "GetModels"]
    {
        assert_eq!(
            world.refusal(name, json!({})).await,
            format!("NotImplementedException 501 Ringfence does not have apigatewayv2:{name}")
        );
    }
}

#[tokio::test]
async fn apis_and_stages_have_tags() {
    let world = World::new().await;
    let ready = world.ready().await;
    for path in [format!("/apis/{}", ready.api), format!("/apis/{}/stages/$default", ready.api)] {
        let arn = format!("arn:aws:apigateway:{REGION}::{path}");
        let tags = json!({"ResourceArn": arn, "Tags": {"a": "1", "b": "2"}});
        assert_eq!(world.call("TagResource", tags).await, json!({}));
        let untag = json!({"ResourceArn": arn, "TagKeys": ["a"]});
        assert_eq!(world.call("UntagResource", untag).await, Value::Null);
        let shown = world.call("GetTags", json!({"ResourceArn": arn})).await;
        assert_eq!(shown, json!({"tags": {"b": "2"}}));
    }
    let own = format!("arn:aws:apigateway:{REGION}::/apis/{}", ready.api);
    for (name, further) in [
        ("TagResource", json!({"Tags": {"aws:x": "1"}})),
        ("UntagResource", json!({"TagKeys": ["aws:x"]})),
    ] {
        let mut input = further;
        input["ResourceArn"] = json!(own);
        assert_eq!(
            world.refusal(name, input).await,
            "BadRequestException 400 aws: prefixed tag key names are not allowed for external use."
        );
    }
    let foreign = format!("arn:aws:apigateway:us-east-1::/apis/{}", ready.api);
    assert_eq!(
        world.refusal("GetTags", json!({"ResourceArn": foreign})).await,
        "BadRequestException 400 Invalid ARN specified in the request"
    );
}

//! Stages and deployments: what is served is what was deployed.

use rstest::rstest;
use serde_json::{Value, json};

use crate::http_api::testing::*;
use crate::token::testing::with;

const LOGS: &str = "arn:aws:logs:eu-central-1:123456789012:log-group:/api";

#[tokio::test]
async fn a_stage_is_shown_as_aws_shows_it() {
    let world = World::new().await;
    let api = world.api().await;
    let input = json!({
        "ApiId": api, "StageName": "dev", "Description": "d", "StageVariables": {"v": "1"},
        "AccessLogSettings": {"destinationArn": LOGS, "format": "$context.requestId"},
        "DefaultRouteSettings": {"throttlingBurstLimit": 5, "throttlingRateLimit": 2.5},
        "Tags": {"a": "b"},
    });
    let made = world.call("CreateStage", input).await;
    assert_eq!(
        without(&made, &["createdDate", "lastUpdatedDate"]),
        json!({
            "accessLogSettings": {"destinationArn": LOGS, "format": "$context.requestId"},
            "defaultRouteSettings": {"throttlingBurstLimit": 5, "throttlingRateLimit": 2.5},
            "description": "d", "routeSettings": {}, "stageName": "dev",
            "stageVariables": {"v": "1"}, "tags": {"a": "b"},
        })
    );
    let named = json!({"ApiId": api, "StageName": "dev"});
    assert_eq!(world.call("GetStage", named.clone()).await, made);
    assert_eq!(world.apis.stage(&api, "dev"), Some(made));
    assert_eq!(world.call("DeleteAccessLogSettings", named.clone()).await, Value::Null);
    assert_eq!(world.apis.stage(&api, "dev").unwrap().get("accessLogSettings"), None);
    assert_eq!(world.call("DeleteStage", named.clone()).await, Value::Null);
    assert_eq!(
        world.refusal("GetStage", named).await,
        "NotFoundException 404 Invalid stage identifier specified"
    );
}

#[rstest]
#[case(json!({"StageName": "taken"}), "ConflictException 409 Stage already exists")]
#[case(json!({"StageName": "a b"}), "BadRequestException 400 Stage name only allows a-zA-Z0-9_- and $default")]
#[case(json!({"StageName": null}), "BadRequestException 400 Stage name only allows a-zA-Z0-9_- and $default")]
#[case(json!({"DeploymentId": "nosuch"}), "NotFoundException 404 Invalid Deployment identifier specified nosuch")]
#[case(json!({"AutoDeploy": true, "DeploymentId": "x"}), "BadRequestException 400 Deployment ID cannot be set on stages with AutoDeploy enabled")]
#[case(json!({"RouteSettings": {"GET /x": {}}}), "NotFoundException 404 Unable to find Route by key GET /x within the provided RouteSettings")]
#[case(json!({"DefaultRouteSettings": {"loggingLevel": "INFO"}}), "BadRequestException 400 Execution logs are not supported on protocolType HTTP")]
#[case(json!({"ClientCertificateId": "x"}), "BadRequestException 400 ClientCertificateId is currently not supported for protocolType HTTP")]
#[case(json!({"StageVariables": {"a-b": "1"}}), "BadRequestException 400 Invalid stage variable: a-b")]
#[case(json!({"AccessLogSettings": {"destinationArn": LOGS, "format": "$context.status"}}), "BadRequestException 400 Access log format must include $context.requestId or $context.extendedRequestId")]
#[case(json!({"AccessLogSettings": {"destinationArn": "x", "format": "$context.requestId"}}), "BadRequestException 400 Invalid ARN specified in the request. ARNs must start with 'arn:' and name a CloudWatch Logs log group")]
#[case(json!({"AccessLogSettings": {"destinationArn": LOGS, "format": "$context.requestId\nx"}}), "BadRequestException 400 Access log format must be single line, new line character is allowed only at end of the format")]
#[tokio::test]
async fn a_wrong_stage_is_refused(#[case] change: Value, #[case] expected: &str) {
    let world = World::new().await;
    let api = world.api().await;
    world.call("CreateStage", json!({"ApiId": api, "StageName": "taken"})).await;
    let input = json!({"ApiId": api, "StageName": "new"});
    assert_eq!(world.refusal("CreateStage", with(input.clone(), change)).await, expected);
    assert_eq!(world.apis.stage(&api, "new"), None);
    world.call("CreateStage", input).await;
}

#[tokio::test]
async fn an_api_has_at_most_ten_stages() {
    let world = World::new().await;
    let api = world.api().await;
    for number in 0..10 {
        world.call("CreateStage", json!({"ApiId": api, "StageName": format!("s{number}")})).await;
    }
    assert_eq!(
        world.refusal("CreateStage", json!({"ApiId": api, "StageName": "s"})).await,
        "TooManyRequestsException 429 Maximum number of Stages for this API has been reached. \
         Please contact AWS if you need additional Stages."
    );
}

#[tokio::test]
async fn a_stage_that_deploys_itself_says_how_it_went() {
    let world = World::new().await;
    let ready = world.ready().await;
    let stage = world.apis.stage(&ready.api, "$default").unwrap();
    assert_eq!(
        stage["lastDeploymentStatusMessage"],
        "Deployment attempt failed: Unable to deploy API because no routes exist in this API"
    );
    assert_eq!(stage.get("deploymentId"), None);
    world.call("CreateRoute", ready.route("GET /a", json!({}))).await;
    let stage = world.apis.stage(&ready.api, "$default").unwrap();
    let deployment = id(&stage, "deploymentId");
    assert_eq!(
        stage["lastDeploymentStatusMessage"],
        format!("Successfully deployed stage with deployment ID '{deployment}'")
    );
    let shown = json!({"ApiId": ready.api, "DeploymentId": deployment});
    let shown = world.call("GetDeployment", shown).await;
    assert_eq!(
        without(&shown, &["createdDate"]),
        json!({
            "autoDeployed": true, "deploymentId": deployment, "deploymentStatus": "DEPLOYED",
            "description": "Automatic deployment triggered by changes to the Api configuration",
        })
    );
}

#[tokio::test]
async fn another_stage_serves_what_was_deployed_to_it() {
    let world = World::new().await;
    let ready = world.ready().await;
    let api = ready.api.as_str();
    assert_eq!(
        world.refusal("CreateDeployment", json!({"ApiId": api})).await,
        "BadRequestException 400 Unable to deploy API because no routes exist in this API"
    );
    world.call("CreateStage", json!({"ApiId": api, "StageName": "prod"})).await;
    world.call("CreateRoute", ready.route("GET /a", json!({}))).await;
    let of = |path| world.apis.route_of(api, "GET", path).map(|route| route.stage);
    assert_eq!(of("/a").as_deref(), Some("$default"));
    assert_eq!(of("/prod/a"), None, "nothing is deployed there");

    let deploy = json!({"ApiId": api, "StageName": "prod", "Description": "one"});
    let deployment = world.call("CreateDeployment", deploy).await;
    assert_eq!(
        (&deployment["autoDeployed"], &deployment["description"]),
        (&json!(false), &json!("one"))
    );
    assert_eq!(of("/prod/a").as_deref(), Some("prod"));
    world.call("CreateRoute", ready.route("GET /b", json!({}))).await;
    assert_eq!(of("/b").as_deref(), Some("$default"));
    assert_eq!(of("/prod/b"), None, "the deployment is older");

    let named = json!({"ApiId": api, "DeploymentId": deployment["deploymentId"]});
    assert_eq!(
        world.refusal("DeleteDeployment", named.clone()).await,
        "BadRequestException 400 Active stages pointing to this deployment must be moved or deleted"
    );
    world.call("UpdateStage", json!({"ApiId": api, "StageName": "prod", "AutoDeploy": true})).await;
    assert_eq!(of("/prod/b").as_deref(), Some("prod"));
    assert_eq!(world.call("DeleteDeployment", named).await, Value::Null);
}

#[tokio::test]
async fn a_failed_change_leaves_no_trace() {
    let world = World::new().await;
    let ready = world.ready().await;
    world.call("CreateRoute", ready.route("GET /a", json!({}))).await;
    let before = world.apis.stage(&ready.api, "$default");
    let deployments = json!({"ApiId": ready.api});
    let listed = world.call("GetDeployments", deployments.clone()).await;
    let wrong = json!({"ApiId": ready.api, "StageName": "nosuch"});
    world.refusal("CreateDeployment", wrong).await;
    assert_eq!(world.apis.stage(&ready.api, "$default"), before);
    assert_eq!(world.call("GetDeployments", deployments).await, listed);
}

#[tokio::test]
async fn route_settings_belong_to_a_route() {
    let world = World::new().await;
    let ready = world.ready().await;
    world.call("CreateRoute", ready.route("GET /a", json!({}))).await;
    let named = json!({"ApiId": ready.api, "StageName": "$default"});
    let settings = json!({"RouteSettings": {"GET /a": {"throttlingRateLimit": 0.0}}});
    world.call("UpdateStage", with(named.clone(), settings)).await;
    assert_eq!(
        told(&world.get(&ready.api, "/a").await, "content-type"),
        (429, r#"{"message":"Too Many Requests"}"#.into(), Some("application/json".into()))
    );
    let key = with(named, json!({"RouteKey": "GET /a"}));
    assert_eq!(world.call("DeleteRouteSettings", key.clone()).await, Value::Null);
    assert_eq!(
        world.refusal("DeleteRouteSettings", key).await,
        "NotFoundException 404 Unable to find Route by key GET /a within the provided RouteSettings"
    );
}

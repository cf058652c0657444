//! The API's front: other APIs, deployments, CORS, logs, domains, links, tags.

use ringfence_wire::services::ApiGatewayV2;
use serde_json::{Value, json};

use super::super::attack::{Attack, Reason, Step};
use super::Scene;
use crate::config::{Forbids, Job};
use crate::guard_rail::GuardRail;

const FOUNDATION: GuardRail = GuardRail::Front;
const AUTHORIZER: GuardRail = GuardRail::Routes;

/// The deployers' boundary denies it, whatever their own policies say.
const BEYOND: Reason = Reason::BoundaryStatement(Forbids::ApiFoundation);

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    let mut attacks = front(scene);
    attacks.extend(whole_apis(scene));
    attacks.extend(parts(scene));
    if scene.deployer.job == Job::Stack {
        attacks.extend(other_types(scene));
    }
    attacks
}

fn call(operation: &'static str, input: Value) -> Step {
    Step::new(ApiGatewayV2, operation, input)
}

/// Another API would have another front, without the platform's authorizer.
fn whole_apis(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let rail = scene.rail(FOUNDATION);
    let apis = format!("arn:aws:apigateway:{}::/apis", facts.region);
    let create = json!({"Name": "ringfence-probe", "ProtocolType": "HTTP"});
    let quick =
        super::with(&create, json!({"Target": facts.function_arn(&scene.deployer.function)}));
    let delete = || vec![call("DeleteApi", json!({"ApiId": "@/apiId"}))];
    vec![
        rail.case(
            "second-api",
            "cannot create an API of its own",
            call("CreateApi", create.clone()),
            "apigateway:POST",
            apis.clone(),
        )
        .because(BEYOND)
        .platform_may(delete()),
        rail.case(
            "quick-api",
            "cannot create an open API straight to its function",
            call("CreateApi", quick),
            "apigateway:POST",
            apis.clone(),
        )
        .because(BEYOND)
        .platform_may(delete()),
        rail.case(
            "apis-listed",
            "cannot list other APIs",
            call("GetApis", json!({})),
            "apigateway:GET",
            apis,
        )
        .platform_may(Vec::new()),
    ]
}

fn front(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let rail = scene.rail(FOUNDATION);
    let api = |more: Value| super::with(&json!({"ApiId": facts.api_id}), more);
    let change = |name, title, more| {
        rail.case(name, title, call("UpdateApi", api(more)), "apigateway:PATCH", facts.api_arn(""))
            .because(BEYOND)
    };
    let mut attacks = vec![
        change(
            "cors-opened",
            "cannot open the API to scripts of any origin",
            json!({"CorsConfiguration": {
                "AllowOrigins": ["*"], "AllowHeaders": ["*"], "AllowMethods": ["*"],
            }}),
        ),
        change("api-renamed", "cannot rename the API", json!({"Name": "ringfence-probe"})),
        change(
            "endpoint-disabled",
            "cannot switch the API's endpoint off",
            json!({"DisableExecuteApiEndpoint": true}),
        ),
        change(
            "default-route-opened",
            "cannot aim the API's own quick target at its function",
            json!({"Target": facts.function_arn(&scene.deployer.function)}),
        ),
        rail.case(
            "cors-removed",
            "cannot remove the API's CORS settings",
            call("DeleteCorsConfiguration", api(json!({}))),
            "apigateway:DELETE",
            facts.api_arn("/cors"),
        )
        .because(BEYOND),
        rail.case(
            "deployment-made",
            "cannot deploy the API by hand",
            call("CreateDeployment", api(json!({}))),
            "apigateway:POST",
            facts.api_arn("/deployments"),
        )
        .because(BEYOND),
        rail.case(
            "api-tagged",
            "cannot change the API's tags",
            call(
                "TagResource",
                json!({"ResourceArn": facts.api_arn(""), "Tags": {"team": "platform"}}),
            ),
            "apigateway:POST",
            format!(
                "arn:aws:apigateway:{}::/tags/{}",
                facts.region,
                facts.api_arn("").replace(':', "%3A").replace('/', "%2F")
            ),
        )
        .because(BEYOND),
        rail.case(
            "vpc-link-made",
            "cannot make a link out of the platform's network",
            call("CreateVpcLink", json!({"Name": "ringfence-probe", "SubnetIds": facts.subnets})),
            "apigateway:POST",
            format!("arn:aws:apigateway:{}::/vpclinks", facts.region),
        )
        .because(BEYOND),
        rail.case(
            "domain-mapped",
            "cannot map the API to a domain",
            call(
                "CreateApiMapping",
                json!({
                    "ApiId": facts.api_id, "DomainName": "api.example.com",
                    "Stage": facts.stages.first().map_or("$default", String::as_str),
                }),
            ),
            "apigateway:POST",
            format!(
                "arn:aws:apigateway:{}::/domainnames/api.example.com/apimappings",
                facts.region
            ),
        )
        .because(BEYOND),
    ];
    for stage in &facts.stages {
        let input = api(json!({"StageName": stage}));
        attacks.push(
            rail.case(
                "stage-removed",
                "cannot remove the stage",
                call("DeleteStage", input.clone()),
                "apigateway:DELETE",
                facts.api_arn(&format!("/stages/{stage}")),
            )
            .because(BEYOND),
        );
        attacks.push(
            rail.case(
                "access-log-removed",
                "cannot stop the access log",
                call("DeleteAccessLogSettings", input),
                "apigateway:DELETE",
                facts.api_arn(&format!("/stages/{stage}/accesslogsettings")),
            )
            .because(BEYOND),
        );
    }
    attacks
}

/// Parts of the API that are neither routes nor integrations.
fn parts(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let rail = scene.rail(FOUNDATION);
    vec![
        rail.case(
            "model-added",
            "cannot add a model",
            call("CreateModel", json!({"ApiId": facts.api_id, "Name": "probe", "Schema": "{}"})),
            "apigateway:POST",
            facts.api_arn("/models"),
        )
        .because(BEYOND),
        rail.case(
            "authorizer-read-elsewhere",
            "cannot read the authorizers of another API",
            call("GetAuthorizers", json!({"ApiId": "zzzzzzzzzz"})),
            "apigateway:GET",
            format!("arn:aws:apigateway:{}::/apis/zzzzzzzzzz/authorizers", facts.region),
        ),
    ]
}

/// Authorization types that are not the platform's.
fn other_types(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let Some(own) = facts.route(&scene.deployer.app) else { return Vec::new() };
    let rail = scene.rail(AUTHORIZER);
    let path = facts.api_arn(&format!("/routes/{}", own.route_id));
    let update = |kind: &str| {
        let input = json!({
            "ApiId": facts.api_id, "RouteId": own.route_id, "AuthorizationType": kind,
            "AuthorizerId": facts.authorizer_id,
        });
        call("UpdateRoute", input)
    };
    let create = |kind: &str| {
        let input = json!({
            "ApiId": facts.api_id, "RouteKey": "$default", "AuthorizationType": kind,
            "Target": format!("integrations/{}", own.integration_id),
        });
        call("CreateRoute", input)
    };
    vec![
        rail.case(
            "route-to-iam",
            "cannot let its route ask for IAM instead of a token",
            update("AWS_IAM"),
            "apigateway:PATCH",
            path.clone(),
        ),
        rail.case(
            "route-to-custom",
            "cannot let its route ask an authorizer of its own",
            update("CUSTOM"),
            "apigateway:PATCH",
            path,
        ),
        rail.case(
            "custom-route",
            "cannot create a route that asks an authorizer of its own",
            create("CUSTOM"),
            "apigateway:POST",
            facts.api_arn("/routes"),
        ),
        rail.case(
            "open-default-route",
            "cannot catch what no route takes, without authorization",
            create("NONE"),
            "apigateway:POST",
            facts.api_arn("/routes"),
        ),
    ]
}

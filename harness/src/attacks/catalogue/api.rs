//! No route without the authorizer; the API's foundation and the platform's
//! routes stay as they are.

use ringfence_wire::Service;
use ringfence_wire::services::ApiGatewayV2;
use serde_json::{Value, json};

use super::super::attack::{Attack, Attempt, Reason, Refusal, Step, Twin};
use super::super::facts::RouteFacts;
use super::Scene;
use super::platform_routes::{self, ROUTES};
use crate::config::{Forbids, Job};
use crate::guard_rail::GuardRail;

const AUTHORIZER: GuardRail = GuardRail::Routes;
const FOUNDATION: GuardRail = GuardRail::Front;

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    let mut attacks = foundation(scene);
    attacks.extend(foreign_routes(scene));
    if scene.deployer.job == Job::Stack {
        attacks.extend(open_routes(scene));
    }
    attacks
}

fn call(operation: &'static str, input: Value) -> Step {
    Step::new(ApiGatewayV2, operation, input)
}

fn refusal(action: &'static str, resource: String, reason: Reason) -> Refusal {
    Refusal { service: Service::ApiGatewayV2, action: action.into(), resource, reason }
}

/// A stack deployer creates routes, but none without the authorizer.
fn open_routes(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let Some(own) = facts.route(&scene.deployer.app) else { return Vec::new() };
    let key = format!("GET /{}", scene.own("probe"));
    let target = format!("integrations/{}", own.integration_id);
    let route = |kind: &str| {
        let mut route = json!({
            "ApiId": facts.api_id, "RouteKey": key, "Target": target, "AuthorizationType": kind,
        });
        if let (Some(members), "JWT") = (route.as_object_mut(), kind) {
            members.insert("AuthorizerId".into(), json!(facts.authorizer_id));
        }
        route
    };
    let resource = |kind| {
        Attempt::Stack(json!({"Type": "AWS::ApiGatewayV2::Route", "Properties": route(kind)}))
    };
    let unset = json!({"ApiId": facts.api_id, "RouteKey": key, "Target": target});
    let delete = || {
        let input = json!({"ApiId": facts.api_id, "RouteId": "@/routeId"});
        vec![call("DeleteRoute", input)]
    };
    let created = || Twin::same(Attempt::Call(call("CreateRoute", route("JWT"))), delete());
    let update = |kind: &str| json!({"ApiId": facts.api_id, "RouteId": own.route_id, "AuthorizationType": kind});
    let routes = facts.api_arn("/routes");
    let attack = |name, title: &str, attempt, action, resource: String, twin| Attack {
        name,
        guard_rail: AUTHORIZER,
        title: title.into(),
        attempt,
        refusal: refusal(action, resource, Reason::NoIdentityPolicy),
        twin,
    };
    vec![
        attack(
            "open-route",
            "cannot create a route without authorization",
            Attempt::Call(call("CreateRoute", route("NONE"))),
            "apigateway:POST",
            routes.clone(),
            created(),
        ),
        attack(
            "open-route",
            "cannot create a route without authorization",
            resource("NONE"),
            "apigateway:POST",
            routes.clone(),
            Twin::same(resource("JWT"), Vec::new()),
        ),
        attack(
            "route-of-no-type",
            "cannot create a route by leaving its authorization out",
            Attempt::Call(call("CreateRoute", unset)),
            "apigateway:POST",
            routes.clone(),
            created(),
        ),
        attack(
            "iam-route",
            "cannot create a route that asks for IAM instead of a token",
            Attempt::Call(call("CreateRoute", route("AWS_IAM"))),
            "apigateway:POST",
            routes,
            created(),
        ),
        attack(
            "route-opened",
            "cannot take the authorizer from its own route",
            Attempt::Call(call("UpdateRoute", update("NONE"))),
            "apigateway:PATCH",
            facts.api_arn(&format!("/routes/{}", own.route_id)),
            Twin::same(
                Attempt::Call(call(
                    "UpdateRoute",
                    json!({
                        "ApiId": facts.api_id, "RouteId": own.route_id,
                        "AuthorizationType": "JWT", "AuthorizerId": facts.authorizer_id,
                    }),
                )),
                Vec::new(),
            ),
        ),
    ]
}

/// The deployers' boundary denies it, whatever their own policies say.
pub(super) const BEYOND: Reason = Reason::BoundaryStatement(Forbids::ApiFoundation);

fn foundation(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let attack = |name, title: &str, step: Step, action, path: &str, twin: Twin| Attack {
        name,
        guard_rail: FOUNDATION,
        title: title.into(),
        attempt: Attempt::Call(step),
        refusal: refusal(action, facts.api_arn(path), BEYOND),
        twin,
    };
    let authorizer = |issuer: &str| {
        json!({
            "ApiId": facts.api_id, "Name": "ringfence-probe", "AuthorizerType": "JWT",
            "IdentitySource": ["$request.header.Authorization"],
            "JwtConfiguration": {"audience": ["ringfence-probe"], "issuer": issuer},
        })
    };
    let existing = json!({"ApiId": facts.api_id, "AuthorizerId": facts.authorizer_id});
    let rename = |name: &str| {
        let mut input = existing.clone();
        if let Some(members) = input.as_object_mut() {
            members.insert("Name".into(), json!(name));
        }
        input
    };
    let foreign_issuer = "https://issuer.example.com";
    let scratch_authorizer = call("CreateAuthorizer", authorizer(&facts.issuer));
    let scratch_stage =
        call("CreateStage", json!({"ApiId": facts.api_id, "StageName": "ringfence-probe"}));
    let mut attacks = vec![
        attack(
            "authorizer-added",
            "cannot add an authorizer of its own",
            call("CreateAuthorizer", authorizer(foreign_issuer)),
            "apigateway:POST",
            "/authorizers",
            Twin::platform(
                scratch_authorizer,
                vec![call(
                    "DeleteAuthorizer",
                    json!({"ApiId": facts.api_id, "AuthorizerId": "@/authorizerId"}),
                )],
            ),
        ),
        attack(
            "authorizer-changed",
            "cannot change the authorizer",
            call("UpdateAuthorizer", rename("ringfence-probe")),
            "apigateway:PATCH",
            &format!("/authorizers/{}", facts.authorizer_id),
            Twin::platform(call("UpdateAuthorizer", rename(&facts.authorizer_name)), Vec::new()),
        ),
        attack(
            "authorizer-removed",
            "cannot remove the authorizer",
            call("DeleteAuthorizer", existing.clone()),
            "apigateway:DELETE",
            &format!("/authorizers/{}", facts.authorizer_id),
            Twin::platform(call("GetAuthorizer", existing), Vec::new()),
        ),
        attack(
            "stage-added",
            "cannot add a stage",
            scratch_stage.clone(),
            "apigateway:POST",
            "/stages",
            Twin::platform(
                scratch_stage,
                vec![call(
                    "DeleteStage",
                    json!({"ApiId": facts.api_id, "StageName": "ringfence-probe"}),
                )],
            ),
        ),
        attack(
            "api-removed",
            "cannot remove the API",
            call("DeleteApi", json!({"ApiId": facts.api_id})),
            "apigateway:DELETE",
            "",
            Twin::platform(call("GetApi", json!({"ApiId": facts.api_id})), Vec::new()),
        ),
    ];
    for stage in &facts.stages {
        let input = json!({"ApiId": facts.api_id, "StageName": stage});
        attacks.push(attack(
            "stage-changed",
            "cannot change the stage",
            call("UpdateStage", input.clone()),
            "apigateway:PATCH",
            &format!("/stages/{stage}"),
            Twin::platform(call("UpdateStage", input), Vec::new()),
        ));
    }
    if scene.deployer.job == Job::Stack {
        let resource = |properties: Value| {
            Attempt::Stack(
                json!({"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": properties}),
            )
        };
        let Some(own) = facts.route(&scene.deployer.app) else { return attacks };
        attacks.push(Attack {
            name: "authorizer-added",
            guard_rail: FOUNDATION,
            title: "cannot add an authorizer of its own".into(),
            attempt: resource(json!({
                "ApiId": facts.api_id, "Name": "ringfence-probe", "AuthorizerType": "JWT",
                "IdentitySource": ["$request.header.Authorization"],
                "JwtConfiguration": {"Audience": ["ringfence-probe"], "Issuer": foreign_issuer},
            })),
            refusal: refusal("apigateway:POST", facts.api_arn("/authorizers"), BEYOND),
            twin: Twin::same(integration(facts.api_id.as_str(), own), Vec::new()),
        });
    }
    attacks
}

/// A stack that adds an integration like the team's own.
pub(super) fn integration(api_id: &str, own: &RouteFacts) -> Attempt {
    Attempt::Stack(json!({"Type": "AWS::ApiGatewayV2::Integration", "Properties": {
        "ApiId": api_id, "IntegrationType": "AWS_PROXY", "IntegrationUri": own.integration_uri,
        "PayloadFormatVersion": "2.0",
    }}))
}

/// Another team's route, as the platform wired it: the first by calls, the
/// others are decided (`platform_routes.rs`).
fn foreign_routes(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let app = &scene.deployer.app;
    let Some(foreign) = platform_routes::foreign(scene).next() else { return Vec::new() };
    let reason = platform_routes::reason(scene.deployer.job);
    let route = json!({"ApiId": facts.api_id, "RouteId": foreign.route_id});
    let integration = json!({"ApiId": facts.api_id, "IntegrationId": foreign.integration_id});
    let with = |base: &Value, name: &str, value: Value| {
        let mut input = base.clone();
        if let Some(members) = input.as_object_mut() {
            members.insert(name.into(), value);
        }
        input
    };
    let route_path = format!("/routes/{}", foreign.route_id);
    let integration_path = format!("/integrations/{}", foreign.integration_id);
    let own_uri = facts.function_arn(app);
    let attack = |name, title: &str, step: Step, action, path: &str, twin: Step| Attack {
        name,
        guard_rail: ROUTES,
        title: title.into(),
        attempt: Attempt::Call(step),
        refusal: refusal(action, facts.api_arn(path), reason),
        twin: Twin::platform(twin, Vec::new()),
    };
    let target = format!("integrations/{}", foreign.integration_id);
    let jwt = |input: Value| with(&input, "AuthorizationType", json!("JWT"));
    vec![
        attack(
            "foreign-route-changed",
            "cannot change another team's route",
            call("UpdateRoute", jwt(with(&route, "Target", json!(target)))),
            "apigateway:PATCH",
            &route_path,
            call("UpdateRoute", with(&route, "Target", json!(target))),
        ),
        attack(
            "foreign-route-removed",
            "cannot remove another team's route",
            call("DeleteRoute", route.clone()),
            "apigateway:DELETE",
            &route_path,
            call("GetRoute", route),
        ),
        attack(
            "foreign-integration-hijacked",
            "cannot point another team's route at its own function",
            call("UpdateIntegration", with(&integration, "IntegrationUri", json!(own_uri))),
            "apigateway:PATCH",
            &integration_path,
            call(
                "UpdateIntegration",
                with(&integration, "IntegrationUri", json!(foreign.integration_uri)),
            ),
        ),
        attack(
            "foreign-integration-removed",
            "cannot remove another team's integration",
            call("DeleteIntegration", integration.clone()),
            "apigateway:DELETE",
            &integration_path,
            call("GetIntegration", integration),
        ),
    ]
}

//! What a stack makes within the rules and takes out of them by an update.

use ringfence_wire::services::{ApiGatewayV2, Iam};
use serde_json::{Value, json};

use super::super::attack::{Attack, Attempt, Reason, Refusal, Twin};
use super::{Scene, everything, lambda_trust, with};
use crate::config::Job;
use crate::guard_rail::GuardRail;

const AUTHORIZER: GuardRail = GuardRail::Routes;
const CEILING: GuardRail = GuardRail::BoundaryKept;

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    match scene.deployer.job {
        Job::Stack => [boundaries(scene), routes(scene)].concat(),
        Job::Code | Job::Configuration => Vec::new(),
    }
}

fn update(kind: &str, before: Value, after: Value) -> Attempt {
    let resource = |properties| json!({"Type": kind, "Properties": properties});
    Attempt::Update { before: resource(before), after: resource(after) }
}

/// A role that was made under the boundary leaves it.
fn boundaries(scene: &Scene<'_>) -> Vec<Attack> {
    const ROLE: &str = "AWS::IAM::Role";
    let facts = scene.facts;
    let name = scene.own_role("probe-update");
    let trust: Value = serde_json::from_str(&lambda_trust()).unwrap_or_default();
    let unbounded = json!({"RoleName": name, "AssumeRolePolicyDocument": trust});
    let under = |boundary: &str| with(&unbounded, json!({"PermissionsBoundary": boundary}));
    let bounded = under(&facts.execution_boundary);
    let policy: Value = serde_json::from_str(&everything()).unwrap_or_default();
    let policies = json!({"Policies": [{"PolicyName": "probe", "PolicyDocument": policy}]});
    let attack = |id, title: &str, action: &'static str, after: Value| Attack {
        name: id,
        guard_rail: CEILING,
        title: title.into(),
        attempt: update(ROLE, bounded.clone(), after),
        refusal: Refusal {
            service: Iam,
            action: action.into(),
            resource: format!("role {name}"),
            reason: Reason::NoIdentityPolicy,
        },
        twin: Twin::same(
            update(ROLE, bounded.clone(), with(&bounded, policies.clone())),
            Vec::new(),
        ),
    };
    vec![
        attack(
            "boundary-dropped-by-update",
            "cannot drop its role's boundary by updating a stack",
            "iam:DeleteRolePermissionsBoundary",
            unbounded.clone(),
        ),
        attack(
            "boundary-swapped-by-update",
            "cannot swap its role's boundary by updating a stack",
            "iam:PutRolePermissionsBoundary",
            under(&facts.deployer_boundary),
        ),
    ]
}

/// A route that was made behind the authorizer leaves it.
fn routes(scene: &Scene<'_>) -> Vec<Attack> {
    const ROUTE: &str = "AWS::ApiGatewayV2::Route";
    let facts = scene.facts;
    let Some(own) = facts.route(&scene.deployer.app) else { return Vec::new() };
    let base = json!({
        "ApiId": facts.api_id, "RouteKey": format!("GET /{}", scene.own("probe-update")),
        "Target": format!("integrations/{}", own.integration_id),
    });
    let closed =
        with(&base, json!({"AuthorizationType": "JWT", "AuthorizerId": facts.authorizer_id}));
    let open = with(&base, json!({"AuthorizationType": "NONE"}));
    let scoped = with(&closed, json!({"AuthorizationScopes": own.scopes}));
    vec![Attack {
        name: "route-opened-by-update",
        guard_rail: AUTHORIZER,
        title: "cannot take the authorizer from its own route by updating a stack".into(),
        attempt: update(ROUTE, closed.clone(), open),
        refusal: Refusal {
            service: ApiGatewayV2,
            action: "apigateway:PATCH".into(),
            // The stack makes the route, and so its id.
            resource: facts.api_arn("/routes/*"),
            reason: Reason::NoIdentityPolicy,
        },
        twin: Twin::same(update(ROUTE, closed, scoped), Vec::new()),
    }]
}

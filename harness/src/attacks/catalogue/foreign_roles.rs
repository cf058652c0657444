//! Another team's execution role.

use ringfence_wire::services::Iam;
use serde_json::{Value, json};

use super::super::attack::{Attack, Step};
use super::identities::IDENTITIES;
use super::{Scene, everything, lambda_trust};

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    let foreign = scene.facts.foreign_function(&scene.deployer.app);
    let Some(foreign) = foreign.filter(|function| function.deployed) else { return Vec::new() };
    let role = foreign.role_arn.rsplit('/').next().unwrap_or_default();
    let rail = scene.rail(IDENTITIES);
    let case = |name, title, operation, action, more: Value| {
        let input = super::with(&json!({"RoleName": role}), more);
        rail.case(name, title, Step::new(Iam, operation, input), action, format!("role {role}"))
    };
    vec![
        case(
            "foreign-role-policy-written",
            "cannot write a policy into another team's role",
            "PutRolePolicy",
            "iam:PutRolePolicy",
            json!({"PolicyName": "ringfence-probe", "PolicyDocument": everything()}),
        ),
        case(
            "foreign-role-policy-attached",
            "cannot attach a policy to another team's role",
            "AttachRolePolicy",
            "iam:AttachRolePolicy",
            json!({"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        ),
        case(
            "foreign-role-policy-detached",
            "cannot take a policy from another team's role",
            "DetachRolePolicy",
            "iam:DetachRolePolicy",
            json!({
                "PolicyArn": "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
            }),
        ),
        case(
            "foreign-role-trust-opened",
            "cannot say who another team's role trusts",
            "UpdateAssumeRolePolicy",
            "iam:UpdateAssumeRolePolicy",
            json!({"PolicyDocument": lambda_trust()}),
        ),
    ]
}

//! No role without the boundary, no boundary removed, no other identities.

use ringfence_wire::services::Iam;
use serde_json::{Value, json};

use super::super::attack::{Attack, Attempt, Reason, Refusal, Step, Twin};
use super::identities::IDENTITIES;
use super::{Scene, everything, lambda_trust};
use crate::config::{Forbids, Job};
use crate::guard_rail::GuardRail;

const BOUNDARY: GuardRail = GuardRail::BoundaryCarried;
const CEILING: GuardRail = GuardRail::BoundaryKept;

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    match scene.deployer.job {
        Job::Stack => [unbounded_roles(scene), boundaries(scene)].concat(),
        Job::Code | Job::Configuration => any_role(scene),
    }
}

/// A role as `CreateRole` takes it and as a template declares it.
struct Role {
    name: String,
    boundary: Option<String>,
}

impl Role {
    fn call(&self) -> Attempt {
        let mut input = json!({"RoleName": self.name, "AssumeRolePolicyDocument": lambda_trust()});
        self.bound(&mut input);
        Attempt::Call(Step::new(Iam, "CreateRole", input))
    }

    fn stack(&self) -> Attempt {
        let trust: Value = serde_json::from_str(&lambda_trust()).unwrap_or_default();
        let mut properties = json!({"RoleName": self.name, "AssumeRolePolicyDocument": trust});
        self.bound(&mut properties);
        Attempt::Stack(json!({"Type": "AWS::IAM::Role", "Properties": properties}))
    }

    fn bound(&self, members: &mut Value) {
        if let (Some(members), Some(boundary)) = (members.as_object_mut(), &self.boundary) {
            members.insert("PermissionsBoundary".into(), json!(boundary));
        }
    }
}

fn unbounded_roles(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let own = scene.own_role("probe");
    let cases = [
        (
            "role-without-boundary",
            "cannot create a role without the boundary",
            Role { name: own.clone(), boundary: None },
            Reason::BoundaryStatement(Forbids::UnboundedRoles),
        ),
        (
            "role-with-another-boundary",
            "cannot create a role with another boundary",
            Role { name: own.clone(), boundary: Some(facts.deployer_boundary.clone()) },
            Reason::BoundaryStatement(Forbids::UnboundedRoles),
        ),
        (
            "role-outside-its-namespace",
            "cannot create a role outside its namespace",
            Role {
                name: "ringfence-foreign-probe".into(),
                boundary: Some(facts.execution_boundary.clone()),
            },
            Reason::NoIdentityPolicy,
        ),
    ];
    let good = Role { name: own, boundary: Some(facts.execution_boundary.clone()) };
    let mut attacks = Vec::new();
    for (name, title, role, reason) in cases {
        let refusal = Refusal {
            service: Iam,
            action: "iam:CreateRole".into(),
            resource: facts.role_arn(&role.name),
            reason,
        };
        let delete = Step::new(Iam, "DeleteRole", json!({"RoleName": good.name}));
        for (attempt, twin, clean_up) in
            [(role.call(), good.call(), vec![delete]), (role.stack(), good.stack(), Vec::new())]
        {
            attacks.push(Attack {
                name,
                guard_rail: BOUNDARY,
                title: title.into(),
                attempt,
                refusal: refusal.clone(),
                twin: Twin::same(twin, clean_up),
            });
        }
    }
    attacks
}

/// What a deployer must not do to roles that exist: its app's, and its own.
fn boundaries(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let Some(function) = facts.function(&scene.deployer.app) else { return Vec::new() };
    let role = function.role_arn.rsplit('/').next().unwrap_or_default();
    let read = || {
        let step = Step::new(Iam, "GetRole", json!({"RoleName": role}));
        Twin::same(Attempt::Call(step), Vec::new())
    };
    let attack = |name,
                  title: &str,
                  operation,
                  action: &'static str,
                  input,
                  resource: String,
                  reason,
                  twin| Attack {
        name,
        guard_rail: CEILING,
        title: title.into(),
        attempt: Attempt::Call(Step::new(Iam, operation, input)),
        refusal: Refusal { service: Iam, action: action.into(), resource, reason },
        twin,
    };
    let scratch = "ringfence-probe";
    let inline = |role: &str, name: &str| json!({"RoleName": role, "PolicyName": name, "PolicyDocument": everything()});
    let own_policy = |twin_role: &str| {
        let delete = json!({"RoleName": twin_role, "PolicyName": scratch});
        Twin::same(
            Attempt::Call(Step::new(Iam, "PutRolePolicy", inline(twin_role, scratch))),
            vec![Step::new(Iam, "DeleteRolePolicy", delete)],
        )
    };
    let itself = scene.itself();
    // What takes no boundary away.
    let of_identities = |attack: Attack| Attack { guard_rail: IDENTITIES, ..attack };
    let mut attacks = vec![
        attack(
            "boundary-removed",
            "cannot remove its role's boundary",
            "DeleteRolePermissionsBoundary",
            "iam:DeleteRolePermissionsBoundary",
            json!({"RoleName": role}),
            format!("role {role}"),
            Reason::NoIdentityPolicy,
            read(),
        ),
        attack(
            "boundary-replaced",
            "cannot replace its role's boundary",
            "PutRolePermissionsBoundary",
            "iam:PutRolePermissionsBoundary",
            json!({"RoleName": role, "PermissionsBoundary": facts.deployer_boundary}),
            format!("role {role}"),
            Reason::NoIdentityPolicy,
            read(),
        ),
        attack(
            "boundary-edited",
            "cannot edit the boundary policy",
            "CreatePolicyVersion",
            "iam:CreatePolicyVersion",
            json!({
                "PolicyArn": facts.execution_boundary,
                "PolicyDocument": everything(),
                "SetAsDefault": true,
            }),
            format!("policy {}", facts.execution_boundary),
            Reason::NoIdentityPolicy,
            read(),
        ),
        attack(
            "own-boundary-removed",
            "cannot remove its own boundary",
            itself.of("DeleteRolePermissionsBoundary", "DeleteUserPermissionsBoundary"),
            itself.of("iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary"),
            itself.input(json!({})),
            itself.printed(),
            Reason::NoIdentityPolicy,
            read(),
        ),
        of_identities(attack(
            "own-policy-widened",
            "cannot widen its own policy",
            itself.of("PutRolePolicy", "PutUserPolicy"),
            itself.of("iam:PutRolePolicy", "iam:PutUserPolicy"),
            itself.input(json!({"PolicyName": scratch, "PolicyDocument": everything()})),
            itself.printed(),
            itself.bounded(),
            own_policy(role),
        )),
    ];
    if !itself.is_user {
        attacks.push(of_identities(attack(
            "own-trust-widened",
            "cannot change who may assume it",
            "UpdateAssumeRolePolicy",
            "iam:UpdateAssumeRolePolicy",
            itself.input(json!({"PolicyDocument": lambda_trust()})),
            itself.printed(),
            itself.bounded(),
            Twin::same(
                Attempt::Call(Step::new(
                    Iam,
                    "UpdateAssumeRolePolicy",
                    json!({"RoleName": role, "PolicyDocument": lambda_trust()}),
                )),
                Vec::new(),
            ),
        )));
    }
    attacks
}

/// A deployer of code creates no role at all.
fn any_role(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let role = Role {
        name: scene.own_role("ringfence-probe"),
        boundary: Some(facts.execution_boundary.clone()),
    };
    let delete = Step::new(Iam, "DeleteRole", json!({"RoleName": role.name}));
    let Attempt::Call(create) = role.call() else { return Vec::new() };
    let mut attacks = vec![Attack {
        name: "any-role",
        guard_rail: IDENTITIES,
        title: "cannot create a role".into(),
        attempt: Attempt::Call(create.clone()),
        refusal: Refusal {
            service: Iam,
            action: "iam:CreateRole".into(),
            resource: facts.role_arn(&role.name),
            reason: Reason::NoIdentityPolicy,
        },
        twin: Twin::platform(create, vec![delete]),
    }];
    if let Some(function) = facts.function(&scene.deployer.app) {
        let name = function.role_arn.rsplit('/').next().unwrap_or_default();
        let policy = json!({"RoleName": name, "PolicyName": "ringfence-probe"});
        let mut put = policy.clone();
        if let Some(members) = put.as_object_mut() {
            members.insert("PolicyDocument".into(), json!(everything()));
        }
        let put = Step::new(Iam, "PutRolePolicy", put);
        attacks.push(Attack {
            name: "execution-role-widened",
            guard_rail: IDENTITIES,
            title: "cannot widen its function's role".into(),
            attempt: Attempt::Call(put.clone()),
            refusal: Refusal {
                service: Iam,
                action: "iam:PutRolePolicy".into(),
                resource: format!("role {name}"),
                reason: Reason::NoIdentityPolicy,
            },
            twin: Twin::platform(put, vec![Step::new(Iam, "DeleteRolePolicy", policy)]),
        });
    }
    attacks
}

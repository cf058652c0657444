//! CloudFormation's other ways: roles for stacks, transforms of others, stack
//! sets, and other teams' stacks from reading to deletion.

use ringfence_wire::services::CloudFormation;
use serde_json::{Value, json};

use super::super::attack::{Attack, Attempt, Reason, Step, Twin};
use super::Scene;
use crate::config::{Forbids, Job};
use crate::guard_rail::GuardRail;

const STACKS: GuardRail = GuardRail::Stacks;
const ROLES: GuardRail = GuardRail::OwnRoles;

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    let mut attacks = everywhere(scene);
    if scene.deployer.job == Job::Stack {
        attacks.extend(stack_roles(scene));
        attacks.extend(own_stacks(scene));
    }
    attacks
}

fn call(operation: &'static str, input: Value) -> Step {
    Step::new(CloudFormation, operation, input)
}

/// A template of one parameter.
fn template() -> String {
    json!({"Resources": {"Probe": {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/ringfence/probe", "Type": "String", "Value": "probe"},
    }}})
    .to_string()
}

fn arn(scene: &Scene<'_>, stack: &str) -> String {
    let facts = scene.facts;
    format!("arn:aws:cloudformation:{}:{}:stack/{stack}/*", facts.region, facts.account)
}

/// Stacks of others: for a stack deployer another team's, for the rest any.
fn everywhere(scene: &Scene<'_>) -> Vec<Attack> {
    let stack = match scene.deployer.job {
        Job::Stack => match scene.foreign() {
            Some(foreign) => foreign.to_owned(),
            None => return Vec::new(),
        },
        Job::Code | Job::Configuration => scene.own("stack"),
    };
    let rail = scene.rail(STACKS);
    let resource = arn(scene, &stack);
    let set = json!({"StackName": stack, "ChangeSetName": "probe"});
    let named = json!({"StackName": stack});
    let body = json!({"StackName": stack, "TemplateBody": template()});
    let table: [(&str, &str, &str, Value, &str); 14] = [
        (
            "stack-created-directly",
            "cannot create a stack without a change set",
            "CreateStack",
            body.clone(),
            "cloudformation:CreateStack",
        ),
        (
            "stack-updated-directly",
            "cannot update such a stack",
            "UpdateStack",
            body,
            "cloudformation:UpdateStack",
        ),
        (
            "foreign-change-set-executed",
            "cannot execute such a stack's change set",
            "ExecuteChangeSet",
            set.clone(),
            "cloudformation:ExecuteChangeSet",
        ),
        (
            "foreign-change-set-deleted",
            "cannot delete such a stack's change set",
            "DeleteChangeSet",
            set.clone(),
            "cloudformation:DeleteChangeSet",
        ),
        (
            "foreign-change-set-read",
            "cannot read such a stack's change set",
            "DescribeChangeSet",
            set,
            "cloudformation:DescribeChangeSet",
        ),
        (
            "foreign-stack-read",
            "cannot read such a stack's outputs",
            "DescribeStacks",
            named.clone(),
            "cloudformation:DescribeStacks",
        ),
        (
            "foreign-template-read",
            "cannot read such a stack's template",
            "GetTemplate",
            named.clone(),
            "cloudformation:GetTemplate",
        ),
        (
            "foreign-events-read",
            "cannot read such a stack's events",
            "DescribeStackEvents",
            named.clone(),
            "cloudformation:DescribeStackEvents",
        ),
        (
            "foreign-resources-read",
            "cannot read such a stack's resources",
            "DescribeStackResources",
            named.clone(),
            "cloudformation:DescribeStackResources",
        ),
        (
            "stack-policy-set",
            "cannot set such a stack's policy",
            "SetStackPolicy",
            super::with(&named, json!({"StackPolicyBody": "{}"})),
            "cloudformation:SetStackPolicy",
        ),
        (
            "stack-update-cancelled",
            "cannot cancel such a stack's update",
            "CancelUpdateStack",
            named.clone(),
            "cloudformation:CancelUpdateStack",
        ),
        (
            "stack-protection-lifted",
            "cannot lift such a stack's protection",
            "UpdateTerminationProtection",
            super::with(&named, json!({"EnableTerminationProtection": false})),
            "cloudformation:UpdateTerminationProtection",
        ),
        (
            "stack-resource-signalled",
            "cannot signal such a stack's resources",
            "SignalResource",
            super::with(
                &named,
                json!({"LogicalResourceId": "Probe", "UniqueId": "probe", "Status": "SUCCESS"}),
            ),
            "cloudformation:SignalResource",
        ),
        (
            "stack-rollback-continued",
            "cannot continue such a stack's rollback",
            "ContinueUpdateRollback",
            named,
            "cloudformation:ContinueUpdateRollback",
        ),
    ];
    let mut attacks: Vec<Attack> = table
        .into_iter()
        .map(|(name, title, operation, input, action)| {
            rail.case(name, title, call(operation, input), action, resource.clone())
        })
        .collect();
    attacks.push(rail.case(
        "stacks-listed",
        "cannot list the stacks of the account",
        call("ListStacks", json!({})),
        "cloudformation:ListStacks",
        format!("arn:aws:cloudformation:{}:{}:stack/*/*", scene.facts.region, scene.facts.account),
    ));
    attacks
}

/// Roles for a stack to work with: CloudFormation would act as them, and go on
/// acting as them for whoever updates the stack later.
fn stack_roles(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let rail = scene.rail(ROLES);
    let stack = scene.own("probe-role");
    let change_set = |role: Option<&str>| {
        let input = json!({
            "StackName": stack, "ChangeSetName": "probe", "ChangeSetType": "CREATE",
            "TemplateBody": template(),
        });
        let more = role.map_or_else(|| json!({}), |role| json!({"RoleARN": role}));
        call("CreateChangeSet", super::with(&input, more))
    };
    let twin = || {
        let delete = call("DeleteStack", json!({"StackName": stack}));
        Twin::same(Attempt::Call(change_set(None)), vec![delete])
    };
    // A user is no role.
    let itself = scene.deployer.role_arn();
    let itself = itself.map(|role| ("stack-as-itself", "itself", role.to_owned()));
    let mut roles: Vec<(&'static str, &str, String)> = itself.into_iter().collect();
    roles.extend([
        (
            "stack-as-administrator",
            "a role of the platform",
            facts.role_arn("PlatformAdministrator"),
        ),
        ("stack-as-new-role", "a role of its own", facts.role_arn(&scene.own_role("stack"))),
    ]);
    if let Some(foreign) = facts.foreign_function(&scene.deployer.app) {
        roles.push(("stack-as-foreign-role", "another team's role", foreign.role_arn.clone()));
    }
    roles
        .into_iter()
        .map(|(name, what, role)| {
            rail.case(
                name,
                &format!("cannot let CloudFormation act as {what}"),
                change_set(Some(&role)),
                "iam:PassRole",
                role,
            )
            .because(Reason::BoundaryStatement(Forbids::PassingOtherRoles))
            .beside(twin())
        })
        .collect()
}

/// What a stack deployer must not do even with stacks of its own name.
fn own_stacks(scene: &Scene<'_>) -> Vec<Attack> {
    let rail = scene.rail(STACKS);
    let stack = scene.own("probe-direct");
    let resource = arn(scene, &stack);
    let body = json!({"StackName": stack, "TemplateBody": template()});
    let look_alike = format!("{}x", scene.deployer.app);
    let change_set = json!({
        "StackName": look_alike, "ChangeSetName": "probe", "ChangeSetType": "CREATE",
        "TemplateBody": template(),
    });
    vec![
        rail.case(
            "own-stack-created-directly",
            "cannot create its stack without a change set",
            call("CreateStack", body.clone()),
            "cloudformation:CreateStack",
            resource.clone(),
        ),
        rail.case(
            "own-stack-updated-directly",
            "cannot update its stack without a change set",
            call("UpdateStack", body),
            "cloudformation:UpdateStack",
            resource.clone(),
        ),
        rail.case(
            "own-stack-policy-set",
            "cannot set its stack's policy",
            call("SetStackPolicy", json!({"StackName": stack, "StackPolicyBody": "{}"})),
            "cloudformation:SetStackPolicy",
            resource,
        ),
        rail.case(
            "look-alike-stack",
            "cannot deploy a stack whose name only begins like its own",
            call("CreateChangeSet", change_set),
            "cloudformation:CreateChangeSet",
            arn(scene, &look_alike),
        ),
    ]
}

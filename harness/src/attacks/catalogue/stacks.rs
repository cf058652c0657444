//! A team's stacks are its own.

use ringfence_wire::services::CloudFormation;
use serde_json::{Value, json};

use super::super::attack::{Attack, Attempt, Reason, Refusal, Step, Twin};
use super::Scene;
use crate::config::Job;
use crate::guard_rail::GuardRail;

const STACKS: GuardRail = GuardRail::Stacks;

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    // A stack deployer has stacks of its own; for the others any stack is
    // foreign, even one of their own name.
    let (name, title) = match scene.deployer.job {
        Job::Stack => match facts.foreign_stack(&scene.deployer.app) {
            Some(foreign) => (foreign.to_owned(), "cannot deploy another team's stack"),
            None => return Vec::new(),
        },
        Job::Code | Job::Configuration => (scene.deployer.app.clone(), "cannot deploy a stack"),
    };
    let template = json!({"Resources": {"Probe": {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/ringfence/probe", "Type": "String", "Value": "probe"},
    }}})
    .to_string();
    let change_set = |stack: &str| {
        Step::new(
            CloudFormation,
            "CreateChangeSet",
            json!({
                "StackName": stack, "ChangeSetName": "ringfence-probe", "ChangeSetType": "CREATE",
                "TemplateBody": template,
            }),
        )
    };
    let named =
        |operation, stack: &str| Step::new(CloudFormation, operation, json!({"StackName": stack}));
    let twin = match scene.deployer.job {
        Job::Stack => {
            let own = scene.own("probe-set");
            Twin::same(Attempt::Call(change_set(&own)), vec![named("DeleteStack", &own)])
        }
        Job::Code | Job::Configuration => {
            let own = scene.own("probe-set");
            Twin::platform(change_set(&own), vec![named("DeleteStack", &own)])
        }
    };
    let attack = |name, title: &str, attempt: Step, action: &'static str, resource, twin| Attack {
        name,
        guard_rail: STACKS,
        title: title.into(),
        attempt: Attempt::Call(attempt),
        refusal: Refusal {
            service: CloudFormation,
            action: action.into(),
            resource,
            reason: Reason::NoIdentityPolicy,
        },
        twin,
    };
    let arn = |stack: &str| -> String {
        format!("arn:aws:cloudformation:{}:{}:stack/{stack}/*", facts.region, facts.account)
    };
    let mut attacks = vec![attack(
        "foreign-stack",
        title,
        change_set(&name),
        "cloudformation:CreateChangeSet",
        arn(&name),
        twin,
    )];
    if scene.deployer.job == Job::Stack {
        let input: Value = json!({"StackName": scene.deployer.stack});
        let read = Step::new(CloudFormation, "DescribeStacks", input);
        attacks.push(attack(
            "foreign-stack-deleted",
            "cannot delete another team's stack",
            named("DeleteStack", &name),
            "cloudformation:DeleteStack",
            arn(&name),
            Twin::same(Attempt::Call(read), Vec::new()),
        ));
    }
    attacks
}

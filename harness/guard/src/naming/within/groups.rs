//! Scaling policies and scheduled actions of Auto Scaling groups.

use std::borrow::Cow;

use ringfence_wire::{Call, ServiceError};
use serde_json::{Value, json};

use super::super::Named;
use super::{lacking, members, told};
use crate::requirements::State;

const GROUP: &str = "AutoScalingGroupName";

/// How the names of what is within a group are asked for.
struct Kind {
    /// What it is, for messages.
    is: &'static str,
    describe: &'static str,
    names: &'static str,
    /// Where the answer has the names, and where their groups.
    named: &'static [&'static str],
    groups: &'static [&'static str],
}

const POLICY: Kind = Kind {
    is: "scaling policy",
    describe: "DescribePolicies",
    names: "PolicyNames",
    named: &["ScalingPolicies", "*", "PolicyName"],
    groups: &["ScalingPolicies", "*", GROUP],
};

const ACTION: Kind = Kind {
    is: "scheduled action",
    describe: "DescribeScheduledActions",
    names: "ScheduledActionNames",
    named: &["ScheduledUpdateGroupActions", "*", "ScheduledActionName"],
    groups: &["ScheduledUpdateGroupActions", "*", GROUP],
};

/// Names the group of a policy that is given by its ARN, and refuses what is not of
/// the group that the call names.
///
/// # Errors
/// `ValidationError`, with which Auto Scaling answers to what is not there; that the
/// upstream would take the name of another group's for this one's.
pub(in crate::naming) async fn named<'a>(
    call: &'a Call,
    state: &dyn State,
) -> Result<Named<'a>, ServiceError> {
    let group = call.text(GROUP);
    let mut named = Cow::Borrowed(call);
    match call.name() {
        "DeletePolicy" | "ExecutePolicy" => {
            let policy = call.text("PolicyName").unwrap_or_default();
            let group = of_policy(policy, group)?;
            if call.text(GROUP) != Some(group) {
                let mut whole = call.clone();
                whole.input.insert(GROUP.to_owned(), group.into());
                named = Cow::Owned(whole);
            }
            if !policy.starts_with("arn:") {
                exists(call, state, &POLICY, group, policy).await?;
            }
        }
        "PutScalingPolicy" => {
            let policy = call.text("PolicyName").unwrap_or_default();
            alone(call, state, &POLICY, group.unwrap_or_default(), [policy]).await?;
        }
        "PutScheduledUpdateGroupAction" => {
            let action = call.text("ScheduledActionName").unwrap_or_default();
            alone(call, state, &ACTION, group.unwrap_or_default(), [action]).await?;
        }
        "BatchPutScheduledUpdateGroupAction" => {
            let actions = call.input.get("ScheduledUpdateGroupActions").and_then(Value::as_array);
            let names = actions.into_iter().flatten();
            let names = names.filter_map(|it| it.get("ScheduledActionName")?.as_str());
            alone(call, state, &ACTION, group.unwrap_or_default(), names).await?;
        }
        _ => {}
    }
    Ok(Named { call: named, absent: None })
}

/// The group of a policy: its ARN says it
/// (`…:scalingPolicy:ID:autoScalingGroupName/GROUP:policyName/NAME`,
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_ScalingPolicy.html>),
/// else the call does. A name is that of one of its group
/// (<https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_ExecutePolicy.html>).
fn of_policy<'a>(policy: &'a str, group: Option<&'a str>) -> Result<&'a str, ServiceError> {
    let Some(rest) = policy.strip_prefix("arn:") else {
        return group.ok_or_else(|| {
            invalid("A policy that is given by its name needs the AutoScalingGroupName".to_owned())
        });
    };
    let parts = rest.split_once(":autoScalingGroupName/").map(|(_, rest)| rest);
    let of = parts.and_then(|rest| rest.rsplit_once(":policyName/")).map(|(group, _)| group);
    let of = of.ok_or_else(|| invalid(format!("Invalid policy ARN: {policy}")))?;
    match group.filter(|group| *group != of) {
        Some(group) => Err(absent(&POLICY, policy, group)),
        None => Ok(of),
    }
}

async fn exists(
    call: &Call,
    state: &dyn State,
    kind: &Kind,
    group: &str,
    name: &str,
) -> Result<(), ServiceError> {
    let input = members([(GROUP, group.into()), (kind.names, json!([name]))]);
    match told(call, state, kind.describe, input, kind.named).await?.is_empty() {
        true => Err(absent(kind, name, group)),
        false => Ok(()),
    }
}

/// Refuses a name that the upstream keeps for another group: it would be changed.
async fn alone<'n>(
    call: &Call,
    state: &dyn State,
    kind: &Kind,
    group: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Result<(), ServiceError> {
    let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let input = members([(kind.names, json!(names))]);
    let groups = told(call, state, kind.describe, input, kind.groups).await?;
    match groups.iter().find(|of| *of != group) {
        None => Ok(()),
        Some(other) => Err(lacking(
            call.service(),
            &format!(
                "the upstream keeps a {} by its name alone, and has one of this name of the group \
                 `{other}`",
                kind.is
            ),
        )),
    }
}

fn absent(kind: &Kind, name: &str, group: &str) -> ServiceError {
    invalid(format!("There is no {} `{name}` of the group `{group}`", kind.is))
}

fn invalid(message: String) -> ServiceError {
    ServiceError::new(400, "ValidationError", message)
}

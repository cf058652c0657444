//! Stacks of one resource, and waiting until something has settled.

use std::time::{Duration, Instant};

use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use crate::attacks::actor::Actor;
use crate::attacks::attack::Step;

/// How long a stack of one resource, or a function's update, may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How often they are asked for their state.
const POLL: Duration = Duration::from_millis(10);

/// What a change set does to a stack: its type, and how the stack ends.
pub(super) type Change = (&'static str, &'static str, &'static str);

pub(super) const CREATE: Change = ("CREATE", "CREATE_COMPLETE", "ROLLBACK_COMPLETE");

pub(super) const UPDATE: Change = ("UPDATE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE");

/// Deploys a stack of one resource by a change set, as `sam deploy` does. The
/// error of a stack that rolled back is the reason of its failed resource.
pub(super) async fn deploy(
    who: &Actor,
    stack: &str,
    resource: &Value,
    (kind, done, rolled_back): Change,
    request_ids: &mut Vec<String>,
) -> Result<Value, ServiceError> {
    let template = json!({"Resources": {"Probe": resource}}).to_string();
    let name = format!("probe-{}", kind.to_lowercase());
    let change_set = json!({
        "StackName": stack,
        "ChangeSetName": name,
        "ChangeSetType": kind,
        "TemplateBody": template,
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    });
    let names = json!({"StackName": stack, "ChangeSetName": name});
    let mut call = async |operation, input| {
        let answer = who.call(&Step::new(Service::CloudFormation, operation, input)).await;
        request_ids.push(answer.request_id);
        answer.result
    };
    call("CreateChangeSet", change_set).await?;
    let start = Instant::now();
    loop {
        let described = call("DescribeChangeSet", names.clone()).await?;
        match described.get("Status").and_then(Value::as_str) {
            Some("CREATE_COMPLETE") => break,
            Some("FAILED") => {
                let reason = described.get("StatusReason").and_then(Value::as_str);
                return Err(ServiceError::new(400, "ChangeSetFailed", reason.unwrap_or_default()));
            }
            _ => pause(start, stack).await?,
        }
    }
    call("ExecuteChangeSet", names).await?;
    let start = Instant::now();
    loop {
        let described = call("DescribeStacks", json!({"StackName": stack})).await?;
        let status = described.pointer("/Stacks/0/StackStatus").and_then(Value::as_str);
        match status {
            Some(status) if status == done => return Ok(described),
            Some(status) if status == rolled_back => break,
            // Who may not do it may not take it back either; the events tell.
            Some("UPDATE_ROLLBACK_FAILED") => break,
            Some(failed) if failed.ends_with("_FAILED") => {
                return Err(ServiceError::new(400, "StackFailed", format!("{stack} is {failed}")));
            }
            _ => pause(start, stack).await?,
        }
    }
    let events = call("DescribeStackEvents", json!({"StackName": stack})).await?;
    let reasons: Vec<&str> = events
        .get("StackEvents")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|event| {
            let status = event.get("ResourceStatus").and_then(Value::as_str);
            status.is_some_and(|status| status == format!("{kind}_FAILED"))
        })
        .filter_map(|event| event.get("ResourceStatusReason").and_then(Value::as_str))
        .collect();
    Err(ServiceError::new(400, "StackRolledBack", reasons.join("; ")))
}

/// Removes a probe's stack, if there is one.
pub(super) async fn remove(who: &Actor, stack: &str) -> Result<(), ServiceError> {
    let input = json!({"StackName": stack});
    let described =
        who.call(&Step::new(Service::CloudFormation, "DescribeStacks", input.clone())).await;
    if described.result.is_err() {
        return Ok(());
    }
    let id = described
        .result
        .ok()
        .and_then(|stacks| Some(stacks.pointer("/Stacks/0/StackId")?.as_str()?.to_owned()))
        .unwrap_or_else(|| stack.to_owned());
    who.call(&Step::new(Service::CloudFormation, "DeleteStack", input)).await.result?;
    let start = Instant::now();
    loop {
        let step = Step::new(Service::CloudFormation, "DescribeStacks", json!({"StackName": id}));
        let answer = who.call(&step).await;
        let status = answer
            .result
            .as_ref()
            .ok()
            .and_then(|stacks| stacks.pointer("/Stacks/0/StackStatus")?.as_str());
        match status {
            None | Some("DELETE_COMPLETE") => return Ok(()),
            Some("DELETE_FAILED") => {
                return Err(ServiceError::new(400, "DeleteFailed", format!("{stack} stayed")));
            }
            Some(_) => pause(start, stack).await?,
        }
    }
}

pub(super) async fn pause(start: Instant, what: &str) -> Result<(), ServiceError> {
    if start.elapsed() > TIMEOUT {
        return Err(ServiceError::new(
            504,
            "Timeout",
            format!("{what} did not settle within {} s", TIMEOUT.as_secs()),
        ));
    }
    tokio::time::sleep(POLL).await;
    Ok(())
}

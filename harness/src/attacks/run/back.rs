//! What a call gave, made or replaced is taken back.

use std::time::Instant;

use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use super::stacked::pause;
use crate::attacks::actor::{Actor, Answer};
use crate::attacks::attack::Step;
use crate::attacks::{restore, undone};

/// The role or user that a call would change; none where it is not there.
pub(super) async fn before(platform: &Actor, step: &Step) -> Option<Value> {
    platform.call(&restore::read(step)?).await.result.ok()
}

/// Takes back what a call gave or made, and puts back what it replaced; what of it stays.
pub(super) async fn take_back(
    platform: &Actor,
    step: &Step,
    given: &Value,
    before: Option<&Value>,
) -> Option<String> {
    let restored = before.into_iter().flat_map(|before| restore::to(step, before));
    let back = undo(step, given).or_else(|| undone::of(step, given));
    let back: Vec<Step> = back.into_iter().chain(restored).collect();
    if back.is_empty() && undone::makes(step) {
        return Some(format!("what `{}` made stays: no call takes it away", step.operation));
    }
    let mut stays = None;
    for undo in &back {
        let answer = platform.call(undo).await.result;
        if let (Err(error), true) = (answer, undone::makes(step)) {
            stays = Some(format!(
                "what `{}` made stays: `{}` answers {} {error}",
                step.operation, undo.operation, error.status
            ));
        }
    }
    stays
}

/// Whether what a call gives or replaces is taken back.
pub(crate) fn is_taken_back(step: &Step) -> bool {
    let given = json!({"AccessKey": {"AccessKeyId": ""}});
    restore::read(step).is_some() || undo(step, &given).is_some()
}

/// Makes a call, and takes back what it gave, made or replaced; beside the answer what of that
/// stays.
pub(crate) async fn made_and_taken_back(
    who: &Actor,
    platform: &Actor,
    step: &Step,
) -> (Answer, Option<String>) {
    let before = before(platform, step).await;
    let mut answer = who.call(step).await;
    if answer.result.is_ok() && step.operation.starts_with("UpdateFunction") {
        answer.result = settled(platform, step, answer.result).await;
    }
    let stays = match &answer.result {
        Ok(given) => take_back(platform, step, given, before.as_ref()).await,
        Err(_) => None,
    };
    (answer, stays)
}

/// Waits until a function's update is over, as `aws lambda wait
/// function-updated` does: until then the next one meets a conflict.
pub(super) async fn settled(
    platform: &Actor,
    step: &Step,
    result: Result<Value, ServiceError>,
) -> Result<Value, ServiceError> {
    let name = step.input.get("FunctionName").cloned().unwrap_or_default();
    let read = json!({"FunctionName": name});
    let read = Step::new(Service::Lambda, "GetFunctionConfiguration", read);
    let start = Instant::now();
    loop {
        let found = platform.call(&read).await.result?;
        match found.get("LastUpdateStatus").and_then(Value::as_str) {
            Some("InProgress") => pause(start, "the function's update").await?,
            _ => return result,
        }
    }
}

/// What takes back a policy that an attack gave or took away, or a URL, a password or a key
/// that it gave, so that the next attack meets what the platform made.
fn undo(step: &Step, given: &Value) -> Option<Step> {
    let get = |name: &str| step.input.get(name).cloned().unwrap_or_default();
    let (operation, member) = match step.operation {
        "CreateFunctionUrlConfig" => {
            let input = json!({"FunctionName": get("FunctionName")});
            return Some(Step::new(Service::Lambda, "DeleteFunctionUrlConfig", input));
        }
        "CreateAccessKey" => {
            let id = given.pointer("/AccessKey/AccessKeyId")?;
            let input = json!({"UserName": get("UserName"), "AccessKeyId": id});
            return Some(Step::new(Service::Iam, "DeleteAccessKey", input));
        }
        "PutRolePolicy" => ("DeleteRolePolicy", "PolicyName"),
        "AttachRolePolicy" => ("DetachRolePolicy", "PolicyArn"),
        "DetachRolePolicy" => ("AttachRolePolicy", "PolicyArn"),
        "PutUserPolicy" => ("DeleteUserPolicy", "PolicyName"),
        "AttachUserPolicy" => ("DetachUserPolicy", "PolicyArn"),
        "DetachUserPolicy" => ("AttachUserPolicy", "PolicyArn"),
        "CreateLoginProfile" => ("DeleteLoginProfile", "UserName"),
        _ => return None,
    };
    let of = if step.operation.contains("Role") { "RoleName" } else { "UserName" };
    let input = json!({of: get(of), member: get(member)});
    Some(Step::new(Service::Iam, operation, input))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// What an attack on its own user gave it is taken back.
    #[rstest]
    #[case(
        "PutUserPolicy", json!({"UserName": "u", "PolicyName": "p", "PolicyDocument": "{}"}),
        "DeleteUserPolicy", json!({"UserName": "u", "PolicyName": "p"})
    )]
    #[case(
        "AttachUserPolicy", json!({"UserName": "u", "PolicyArn": "a"}),
        "DetachUserPolicy", json!({"UserName": "u", "PolicyArn": "a"})
    )]
    #[case(
        "AttachRolePolicy", json!({"RoleName": "r", "PolicyArn": "a"}),
        "DetachRolePolicy", json!({"RoleName": "r", "PolicyArn": "a"})
    )]
    #[case(
        "CreateLoginProfile", json!({"UserName": "u", "Password": "x"}),
        "DeleteLoginProfile", json!({"UserName": "u"})
    )]
    #[case(
        "CreateAccessKey", json!({"UserName": "u"}),
        "DeleteAccessKey", json!({"UserName": "u", "AccessKeyId": "AKIA1"})
    )]
    fn what_an_attack_gave_is_taken_back(
        #[case] operation: &'static str,
        #[case] input: Value,
        #[case] back: &str,
        #[case] members: Value,
    ) {
        let given = json!({"AccessKey": {"AccessKeyId": "AKIA1"}});
        let step = undo(&Step::new(Service::Iam, operation, input), &given).unwrap();
        assert_eq!((step.operation, step.input), (back, members));
    }
}

//! What a call gave, made or replaced is taken back.

use std::time::Instant;

use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use super::stacked::pause;
use crate::attacks::actor::{Actor, Answer};
use crate::attacks::attack::Step;
use crate::attacks::{restore, undone};

/// What a call would replace of a role or a user, as it is before it; none where it replaces
/// nothing of one.
pub(super) async fn before(platform: &Actor, step: &Step) -> Option<Result<Value, ServiceError>> {
    Some(platform.call(&restore::read(step)?).await.result)
}

/// Takes back what a call gave or made, or puts back what it replaced; what of it stays.
pub(super) async fn take_back(
    platform: &Actor,
    step: &Step,
    given: &Value,
    before: Option<&Result<Value, ServiceError>>,
) -> Option<String> {
    let back = match before {
        Some(before) => match restore::to(step, before) {
            Ok(back) => back,
            Err(why) => return Some(format!("what `{}` changed stays: {why}", step.operation)),
        },
        None => undo(step, given).or_else(|| undone::of(step, given)).into_iter().collect(),
    };
    if before.is_none() && back.is_empty() && undone::makes(step) {
        return Some(format!("what `{}` made stays: no call takes it away", step.operation));
    }
    let mut stays = None;
    for undo in &back {
        if let Err(error) = platform.call(undo).await.result {
            stays = Some(format!(
                "what `{}` did stays: `{}` answers {} {error}",
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

/// What takes back a URL, a password or a key that an attack gave, so that the next one meets
/// what the platform made.
fn undo(step: &Step, given: &Value) -> Option<Step> {
    let named = |member: &str| json!({member: step.input.get(member)});
    match step.operation {
        "CreateFunctionUrlConfig" => {
            Some(Step::new(Service::Lambda, "DeleteFunctionUrlConfig", named("FunctionName")))
        }
        "CreateLoginProfile" => {
            Some(Step::new(Service::Iam, "DeleteLoginProfile", named("UserName")))
        }
        "CreateAccessKey" => {
            let id = given.pointer("/AccessKey/AccessKeyId")?;
            let input = json!({"UserName": step.input.get("UserName"), "AccessKeyId": id});
            Some(Step::new(Service::Iam, "DeleteAccessKey", input))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// What an attack on its own user gave it is taken back.
    #[rstest]
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

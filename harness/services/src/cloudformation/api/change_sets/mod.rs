//! Change sets.

mod create;
mod describe;
mod execute;

use ringfence_wire::{Call, ServiceError};
use serde_json::{Value, json};

use super::input;
use crate::cloudformation::CloudFormation;
use crate::cloudformation::error::validation;
use crate::cloudformation::events::time_text;
use crate::cloudformation::status::ExecutionStatus;
use crate::cloudformation::store::ChangeSet;

pub(super) fn not_found(name: &str) -> ServiceError {
    ServiceError::new(404, "ChangeSetNotFound", format!("ChangeSet [{name}] does not exist"))
}

impl CloudFormation {
    /// The stack and the change set that a call names. Who names a stack beside
    /// a change set's ARN was authorized on that stack: the change set must be
    /// its own.
    fn locate(&self, call: &Call) -> Result<(String, String), ServiceError> {
        let set = input::required(call, "ChangeSetName")?;
        if set.starts_with("arn:") {
            let stack = self.store.stack_of_change_set(set).ok_or_else(|| not_found(set))?;
            let is_named = |named| self.store.read(named, |named| named.id == stack) == Some(true);
            return match call.text("StackName") {
                Some(named) if !is_named(named) => Err(not_found(set)),
                _ => Ok((stack, set.to_owned())),
            };
        }
        let Some(stack) = call.text("StackName") else {
            return Err(validation(
                "StackName must be specified if ChangeSetName is not specified as an ARN.",
            ));
        };
        let id = self
            .store
            .read(stack, |stack| stack.id.clone())
            .ok_or_else(|| validation(format!("Stack [{stack}] does not exist")))?;
        Ok((id, set.to_owned()))
    }

    pub(super) fn delete_change_set(&self, call: &Call) -> Result<Value, ServiceError> {
        let (stack, name) = match self.locate(call) {
            Ok(found) => found,
            // Deleting what is not there succeeds.
            Err(error) if error.code == "ChangeSetNotFound" => return Ok(json!({})),
            Err(error) => return Err(error),
        };
        let busy = self.store.write(&stack, |stack| {
            let found =
                stack.change_sets.iter().position(|set| set.id == name || set.name == name)?;
            let set = stack.change_sets.get(found)?;
            if set.execution == ExecutionStatus::InProgress {
                return Some((set.id.clone(), set.execution));
            }
            stack.change_sets.remove(found);
            None
        });
        match busy.flatten() {
            None => Ok(json!({})),
            Some((id, execution)) => Err(ServiceError::new(
                400,
                "InvalidChangeSetStatus",
                format!(
                    "ChangeSet [{id}] cannot be deleted in its current execution status of [{}]",
                    execution.text()
                ),
            )),
        }
    }

    pub(super) fn list_change_sets(&self, call: &Call) -> Result<Value, ServiceError> {
        let name = input::required(call, "StackName")?;
        let sets: Vec<Value> = self
            .store
            .read(name, |stack| {
                stack.change_sets.iter().map(|set| summary(set, &stack.name, &stack.id)).collect()
            })
            .ok_or_else(|| validation(format!("Stack [{name}] does not exist")))?;
        let (sets, next) = input::page(call, sets, 100)?;
        let mut reply = json!({"Summaries": sets});
        if let (Some(next), Value::Object(members)) = (next, &mut reply) {
            members.insert("NextToken".to_owned(), next.into());
        }
        Ok(reply)
    }
}

/// The members that lists and descriptions share.
fn summary(set: &ChangeSet, stack_name: &str, stack_id: &str) -> Value {
    let mut summary = json!({
        "ChangeSetName": set.name,
        "ChangeSetId": set.id,
        "StackId": stack_id,
        "StackName": stack_name,
        "CreationTime": time_text(set.created),
        "ExecutionStatus": set.execution.text(),
        "Status": set.status.text(),
        "IncludeNestedStacks": false,
    });
    if let Value::Object(members) = &mut summary {
        let texts = [("StatusReason", &set.status_reason), ("Description", &set.description)];
        for (name, text) in texts {
            if let Some(text) = text {
                members.insert(name.to_owned(), text.clone().into());
            }
        }
    }
    summary
}

//! Change sets.

use std::sync::Arc;

use ringfence_wire::{Call, ServiceError};
use serde_json::{Value, json};

use super::input;
use super::stacks::{after_expansion, cannot_update, on_failure, role};
use crate::cloudformation::CloudFormation;
use crate::cloudformation::definition::{Draft, missing_iam};
use crate::cloudformation::deploy::OnFailure;
use crate::cloudformation::error::{unsupported, validation};
use crate::cloudformation::events::time_text;
use crate::cloudformation::status::{ChangeSetStatus, ExecutionStatus, Status};
use crate::cloudformation::store::{ChangeSet, Definition};
use crate::credentials::{Credentials, Session};

/// The reason of a change set without changes, to the letter: clients match it.
const EMPTY: &str = "The submitted information didn't contain changes. Submit different information to create a change set.";

fn not_found(name: &str) -> ServiceError {
    ServiceError::new(404, "ChangeSetNotFound", format!("ChangeSet [{name}] does not exist"))
}

impl CloudFormation {
    pub(super) async fn create_change_set(
        self: &Arc<Self>,
        call: &Call,
        caller: &Session,
    ) -> Result<Value, ServiceError> {
        let stack_name = input::required(call, "StackName")?;
        let name = input::new_name(call, "ChangeSetName")?;
        input::refuse_unbuilt(call)?;
        let creates = match call.text("ChangeSetType").unwrap_or("UPDATE") {
            "CREATE" => true,
            "UPDATE" => false,
            other => return Err(unsupported(format_args!("the change set type {other}"))),
        };
        on_failure(call, "OnStackFailure")?;
        let found = self.store.read(stack_name, |stack| {
            let taken = stack.change_sets.iter().any(|set| set.name == name);
            (stack.id.clone(), stack.status, stack.deployed.clone(), stack.role_arn.clone(), taken)
        });
        match &found {
            None if !creates => {
                return Err(validation(format!("Stack [{stack_name}] does not exist")));
            }
            Some((_, status, ..)) if creates && *status != Status::ReviewInProgress => {
                return Err(validation(format!(
                    "Stack [{stack_name}] already exists and cannot be created again with the changeSet [{name}]."
                )));
            }
            Some((id, status, ..)) if !creates && !status.can_be_updated() => {
                return Err(cannot_update(id, *status));
            }
            Some((.., true)) => {
                return Err(ServiceError::new(
                    400,
                    "AlreadyExistsException",
                    format!("ChangeSet [{name}] already exists"),
                ));
            }
            _ => {}
        }
        if creates {
            input::new_name(call, "StackName")?;
        }
        let previous = found.as_ref().and_then(|found| found.2.clone());
        let document = self.document(call, caller, previous.as_ref().map(|p| &p.document)).await?;
        let capabilities = input::texts(call, "Capabilities");
        if let Some(error) = missing_iam(document.body.get("Resources"), &capabilities) {
            return Err(error);
        }
        let sticking = found.as_ref().and_then(|found| found.3.clone());
        let role = role(call, sticking.as_deref());
        let fresh = found.is_none().then(|| self.new_stack(stack_name, Status::ReviewInProgress));
        let stack_id = match (&found, &fresh) {
            (Some((id, ..)), _) => id.clone(),
            (None, fresh) => fresh.as_ref().map(|stack| stack.id.clone()).unwrap_or_default(),
        };
        let credentials = self.access(caller, role.as_deref(), &stack_id).await?;
        let work = self.draft(call, document, previous.as_ref(), &credentials);
        let draft = self.with_session(&credentials, work).await?;
        let id = self.arn(&format!("changeSet/{name}/{}", uuid::Uuid::new_v4()));
        let set = ChangeSet {
            id: id.clone(),
            name: name.to_owned(),
            creates,
            description: call.text("Description").map(str::to_owned),
            created: self.setting.now(),
            status: ChangeSetStatus::CreatePending,
            status_reason: None,
            execution: ExecutionStatus::Unavailable,
            definition: None,
            parameters: draft.parameters.clone(),
            tags: draft.tags.clone(),
            capabilities,
            notification_arns: draft.notification_arns.clone(),
            text: draft.document.text.clone(),
            changes: Vec::new(),
            on_failure: call.text("OnStackFailure").map(str::to_owned),
            role_arn: role,
        };
        if let Some(stack) = fresh
            && !self.store.add(stack)
        {
            self.setting.keyring.remove(&credentials.access_key_id);
            return Err(super::stacks::exists(stack_name));
        }
        self.store.write(&stack_id, |stack| stack.change_sets.push(set));
        let (service, call) = (Arc::clone(self), call.clone());
        let (stack, set) = (stack_id.clone(), id.clone());
        self.spawn(async move {
            service.store.change_set(&stack, &set, |set| {
                set.status = ChangeSetStatus::CreateInProgress;
            });
            let result = service.review(&call, &stack, draft, &credentials).await;
            service.setting.keyring.remove(&credentials.access_key_id);
            service.store.change_set(&stack, &set, |set| match result {
                Ok((definition, changes)) => {
                    set.status = ChangeSetStatus::CreateComplete;
                    set.execution = ExecutionStatus::Available;
                    set.definition = Some(definition);
                    set.changes = changes;
                }
                Err(error) => {
                    set.status = ChangeSetStatus::Failed;
                    set.status_reason = Some(error.message);
                }
            });
        });
        Ok(json!({"Id": id, "StackId": stack_id}))
    }

    /// What a change set would do, after the transform.
    async fn review(
        self: &Arc<Self>,
        call: &Call,
        stack_id: &str,
        draft: Draft,
        credentials: &Credentials,
    ) -> Result<(Definition, Vec<Value>), ServiceError> {
        let definition = self.define(draft).await?;
        after_expansion(call, &definition)?;
        let zones = self.zones(&definition, credentials).await?;
        let changes = self.changes(stack_id, &definition, zones)?;
        if !changes.any {
            return Err(validation(EMPTY));
        }
        Ok((definition, changes.resources))
    }

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

    pub(super) fn describe_change_set(&self, call: &Call) -> Result<Value, ServiceError> {
        let (stack, name) = self.locate(call)?;
        let stack_name = self.store.read(&stack, |stack| stack.name.clone()).unwrap_or_default();
        let set = self
            .store
            .change_set(&stack, &name, |set| set.clone())
            .ok_or_else(|| not_found(&name))?;
        let (changes, next) = input::page(call, set.changes.clone(), 100)?;
        let mut reply = summary(&set, &stack_name, &stack);
        if let Value::Object(members) = &mut reply {
            members.insert("Changes".to_owned(), changes.into());
            members.insert("Parameters".to_owned(), super::describe::parameters(&set.parameters));
            members.insert("Tags".to_owned(), super::describe::tags(&set.tags));
            members.insert("Capabilities".to_owned(), json!(set.capabilities));
            members.insert("NotificationARNs".to_owned(), json!(set.notification_arns));
            members.insert("RollbackConfiguration".to_owned(), json!({}));
            if let Some(mode) = set.on_failure {
                members.insert("OnStackFailure".to_owned(), mode.into());
            }
            if let Some(next) = next {
                members.insert("NextToken".to_owned(), next.into());
            }
        }
        Ok(reply)
    }

    pub(super) async fn execute_change_set(
        self: &Arc<Self>,
        call: &Call,
        caller: &Session,
    ) -> Result<Value, ServiceError> {
        let (stack_id, name) = self.locate(call)?;
        input::refuse_unbuilt(call)?;
        let set = self
            .store
            .change_set(&stack_id, &name, |set| set.clone())
            .ok_or_else(|| not_found(&name))?;
        let refuse = || {
            ServiceError::new(
                400,
                "InvalidChangeSetStatus",
                format!(
                    "ChangeSet [{}] cannot be executed in its current {} of [{}]",
                    set.id,
                    if set.status == ChangeSetStatus::CreateComplete {
                        "execution status"
                    } else {
                        "status"
                    },
                    if set.status == ChangeSetStatus::CreateComplete {
                        set.execution.text()
                    } else {
                        set.status.text()
                    }
                ),
            )
        };
        let (Some(definition), ExecutionStatus::Available) =
            (set.definition.clone(), set.execution)
        else {
            return Err(refuse());
        };
        let disabled = input::flag(call, "DisableRollback");
        let on_failure = match (set.on_failure.as_deref(), disabled) {
            (Some(_), Some(_)) => {
                return Err(validation(
                    "You can specify either OnStackFailure or DisableRollback, but not both.",
                ));
            }
            (Some("DO_NOTHING"), _) | (None, Some(true)) => OnFailure::DoNothing,
            (Some("DELETE"), _) => OnFailure::Delete,
            _ => OnFailure::Rollback,
        };
        // The role that sticks: of this change set, which has the stack's own
        // where its caller named none.
        let role = set.role_arn.clone();
        let credentials = self.access(caller, role.as_deref(), &stack_id).await?;
        let work = async {
            let zones = self.zones(&definition, &credentials).await?;
            self.begin(&stack_id, &set, &definition, role.clone())?;
            Ok(zones)
        };
        let zones = self.with_session(&credentials, work).await?;
        let engine = self.engine(&stack_id, credentials, zones);
        let (service, id) = (Arc::clone(self), set.id.clone());
        self.spawn(async move {
            if set.creates {
                engine.create(definition, on_failure).await;
            } else {
                engine.update(definition, on_failure == OnFailure::DoNothing).await;
            }
            let good = service.store.read(&stack_id, |stack| {
                matches!(stack.status, Status::CreateComplete | Status::UpdateComplete)
            });
            service.store.change_set(&stack_id, &id, |set| {
                set.execution = if good == Some(true) {
                    ExecutionStatus::Complete
                } else {
                    ExecutionStatus::Failed
                };
            });
        });
        Ok(json!({}))
    }

    /// Takes the stack and the change set, unless another call was faster.
    fn begin(
        &self,
        stack_id: &str,
        set: &ChangeSet,
        definition: &Definition,
        role: Option<String>,
    ) -> Result<(), ServiceError> {
        let now = self.setting.now();
        if set.creates {
            let begun = self.store.write(stack_id, |stack| {
                let free = stack.status == Status::ReviewInProgress;
                if free {
                    stack.role_arn = role;
                    stack.deployed = Some(definition.clone());
                    let reason = Some("User Initiated".to_owned());
                    stack.enter(Status::CreateInProgress, reason, now);
                }
                (free, stack.status)
            });
            match begun {
                Some((true, _)) => {}
                Some((false, status)) => return Err(cannot_update(stack_id, status)),
                None => return Err(validation(format!("Stack [{stack_id}] does not exist"))),
            }
        } else {
            self.begin_update(stack_id, role)?;
        }
        self.store.write(stack_id, |stack| {
            for other in &mut stack.change_sets {
                other.execution = match other.execution {
                    ExecutionStatus::Available if other.id == set.id => ExecutionStatus::InProgress,
                    ExecutionStatus::Available => ExecutionStatus::Obsolete,
                    kept => kept,
                };
            }
        });
        Ok(())
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

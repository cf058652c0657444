//! `ExecuteChangeSet`.

use std::sync::Arc;

use ringfence_wire::{Call, ServiceError};
use serde_json::{Value, json};

use super::not_found;
use crate::cloudformation::CloudFormation;
use crate::cloudformation::api::input;
use crate::cloudformation::api::stacks::cannot_update;
use crate::cloudformation::deploy::{Engine, OnFailure};
use crate::cloudformation::error::validation;
use crate::cloudformation::status::{ChangeSetStatus, ExecutionStatus, Status};
use crate::cloudformation::store::{ChangeSet, Definition};
use crate::credentials::Session;

impl CloudFormation {
    pub(in crate::cloudformation::api) async fn execute_change_set(
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
        let (Some(definition), ExecutionStatus::Available) =
            (set.definition.clone(), set.execution)
        else {
            return Err(not_executable(&set));
        };
        let on_failure = on_failure(call, &set)?;
        // The role that sticks: of this change set, which has the stack's own
        // where its caller named none.
        let role = set.role_arn.clone();
        let credentials = self.access(caller, role.as_deref(), &stack_id).await?;
        let work = async {
            let zones = self.zones(&definition, &credentials).await?;
            self.begin(&stack_id, &set, &definition, role)?;
            Ok(zones)
        };
        let zones = self.with_session(&credentials, work).await?;
        let engine = self.engine(&stack_id, credentials, zones);
        let service = Arc::clone(self);
        self.spawn(async move {
            service.execute(engine, &stack_id, &set, definition, on_failure).await;
        });
        Ok(json!({}))
    }

    /// Does what the change set says; it is kept apart then.
    async fn execute(
        &self,
        engine: Arc<Engine>,
        stack_id: &str,
        set: &ChangeSet,
        definition: Definition,
        on_failure: OnFailure,
    ) {
        if set.creates {
            engine.create(definition, on_failure).await;
        } else {
            engine.update(definition, on_failure == OnFailure::DoNothing).await;
        }
        let good = self.store.read(stack_id, |stack| {
            matches!(stack.status, Status::CreateComplete | Status::UpdateComplete)
        });
        self.store.change_set(stack_id, &set.id, |set| {
            set.execution = match good {
                Some(true) => ExecutionStatus::Complete,
                _ => ExecutionStatus::Failed,
            };
        });
        if good == Some(true) {
            self.store.retire(stack_id, &set.id);
        }
    }

    /// Takes the stack and the change set, unless another call was faster.
    fn begin(
        &self,
        stack_id: &str,
        set: &ChangeSet,
        definition: &Definition,
        role: Option<String>,
    ) -> Result<(), ServiceError> {
        match set.creates {
            true => self.begin_creation(stack_id, definition, role)?,
            false => self.begin_update(stack_id, role)?,
        }
        self.store.write(stack_id, |stack| {
            stack.change_set_id = Some(set.id.clone());
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

    fn begin_creation(
        &self,
        stack_id: &str,
        definition: &Definition,
        role: Option<String>,
    ) -> Result<(), ServiceError> {
        let now = self.setting.now();
        let begun = self.store.write(stack_id, |stack| {
            if stack.status != Status::ReviewInProgress {
                return Err(cannot_update(stack_id, stack.status));
            }
            stack.role_arn = role;
            stack.deployed = Some(definition.clone());
            // The stack was made when it was reviewed.
            stack.updated = Some(now);
            stack.enter(Status::CreateInProgress, Some("User Initiated".to_owned()), now);
            Ok(())
        });
        begun.unwrap_or_else(|| Err(validation(format!("Stack [{stack_id}] does not exist"))))
    }
}

/// What a failed execution leads to, by the change set and by the call.
fn on_failure(call: &Call, set: &ChangeSet) -> Result<OnFailure, ServiceError> {
    match (set.on_failure.as_deref(), input::flag(call, "DisableRollback")) {
        (Some(_), Some(_)) => Err(validation(
            "You can specify either OnStackFailure or DisableRollback, but not both.",
        )),
        (Some("DO_NOTHING"), _) | (None, Some(true)) => Ok(OnFailure::DoNothing),
        (Some("DELETE"), _) => Ok(OnFailure::Delete),
        _ => Ok(OnFailure::Rollback),
    }
}

fn not_executable(set: &ChangeSet) -> ServiceError {
    let (what, state) = match set.status {
        ChangeSetStatus::CreateComplete => ("execution status", set.execution.text()),
        other => ("status", other.text()),
    };
    ServiceError::new(
        400,
        "InvalidChangeSetStatus",
        format!("ChangeSet [{}] cannot be executed in its current {what} of [{state}]", set.id),
    )
}

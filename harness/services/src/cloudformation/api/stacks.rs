//! Creating, updating and deleting stacks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ringfence_wire::{Call, ServiceError};
use serde_json::{Map, Value, json};

use super::input;
use crate::cloudformation::CloudFormation;
use crate::cloudformation::definition::{missing_expansion, missing_iam};
use crate::cloudformation::deploy::{Engine, OnFailure};
use crate::cloudformation::error::{unsupported, validation};
use crate::cloudformation::status::Status;
use crate::cloudformation::store::{Definition, Stack};
use crate::credentials::{Credentials, Session};

/// "Stack [X] already exists", the answer to a second creation.
pub(super) fn exists(name: &str) -> ServiceError {
    ServiceError::new(400, "AlreadyExistsException", format!("Stack [{name}] already exists"))
}

/// The role that a call names, else the one that sticks to the stack.
pub(super) fn role(call: &Call, sticking: Option<&str>) -> Option<String> {
    call.text("RoleARN").or(sticking).map(str::to_owned)
}

/// What a failed creation leads to, by `OnFailure` and `DisableRollback`.
pub(super) fn on_failure(call: &Call, member: &str) -> Result<OnFailure, ServiceError> {
    let disabled = input::flag(call, "DisableRollback");
    match (call.text(member), disabled) {
        (Some(_), Some(_)) => Err(validation(format!(
            "You can specify either {member} or DisableRollback, but not both."
        ))),
        (Some("DO_NOTHING"), _) | (None, Some(true)) => Ok(OnFailure::DoNothing),
        (Some("DELETE"), _) => Ok(OnFailure::Delete),
        (Some("ROLLBACK"), _) | (None, _) => Ok(OnFailure::Rollback),
        (Some(other), _) => Err(validation(format!(
            "1 validation error detected: Value '{other}' at 'onFailure' failed to satisfy constraint: Member must satisfy enum value set: [ROLLBACK, DELETE, DO_NOTHING]"
        ))),
    }
}

impl CloudFormation {
    /// A stack that has nothing yet.
    pub(super) fn new_stack(&self, name: &str, status: Status) -> Stack {
        let id = self.arn(&format!("stack/{name}/{}", uuid::Uuid::new_v4()));
        let mut stack = Stack {
            id,
            name: name.to_owned(),
            status,
            status_reason: None,
            created: self.setting.now(),
            updated: None,
            deleted: None,
            deployed: None,
            role_arn: None,
            change_set_id: None,
            disable_rollback: false,
            termination_protection: false,
            resources: Vec::new(),
            outputs: Vec::new(),
            imports: std::collections::BTreeSet::new(),
            events: Vec::new(),
            change_sets: Vec::new(),
            executed: Vec::new(),
            cancel: Arc::new(AtomicBool::new(false)),
        };
        stack.enter(status, Some("User Initiated".to_owned()), self.setting.now());
        stack
    }

    /// An engine for a stack.
    pub(super) fn engine(
        self: &Arc<Self>,
        stack_id: &str,
        credentials: Credentials,
        zones: Option<Vec<String>>,
    ) -> Arc<Engine> {
        Arc::new(Engine {
            service: Arc::clone(self),
            stack_id: stack_id.to_owned(),
            credentials,
            zones,
        })
    }

    /// The work of a call that must end its session when it fails.
    pub(super) async fn with_session<T>(
        &self,
        credentials: &Credentials,
        work: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, ServiceError> {
        let result = work.await;
        if result.is_err() {
            self.setting.keyring.remove(&credentials.access_key_id);
        }
        result
    }

    pub(super) async fn create_stack(
        self: &Arc<Self>,
        call: &Call,
        caller: &Session,
    ) -> Result<Value, ServiceError> {
        let name = input::new_name(call, "StackName")?;
        input::refuse_unbuilt(call)?;
        if self.store.read(name, |_| ()).is_some() {
            return Err(exists(name));
        }
        let on_failure = on_failure(call, "OnFailure")?;
        let document = self.document(call, caller, None).await?;
        let capabilities = input::texts(call, "Capabilities");
        if let Some(error) = missing_iam(document.body.get("Resources"), &capabilities)
            .or_else(|| missing_expansion(&document, &capabilities))
        {
            return Err(error);
        }
        let mut stack = self.new_stack(name, Status::CreateInProgress);
        let id = stack.id.clone();
        let role = role(call, None);
        let credentials = self.access(caller, role.as_deref(), &id).await?;
        let work = async {
            let draft = self.draft(call, document, None, &credentials).await?;
            if role.is_some() {
                self.may_transform(&draft.document, &credentials).await?;
            }
            let definition = self.define(draft, &credentials).await?;
            after_expansion(call, &definition)?;
            let zones = self.zones(&definition, &credentials).await?;
            // What the template asks and cannot be is told at once.
            self.changes(&id, name, &definition, zones.clone())?;
            Ok((definition, zones))
        };
        let (definition, zones) = self.with_session(&credentials, work).await?;
        stack.role_arn = role;
        stack.disable_rollback = on_failure == OnFailure::DoNothing;
        stack.termination_protection =
            input::flag(call, "EnableTerminationProtection").unwrap_or(false);
        stack.deployed = Some(definition.clone());
        if !self.store.add(stack) {
            self.setting.keyring.remove(&credentials.access_key_id);
            return Err(exists(name));
        }
        let engine = self.engine(&id, credentials, zones);
        self.spawn(engine.create(definition, on_failure));
        Ok(json!({"StackId": id}))
    }

    pub(super) async fn update_stack(
        self: &Arc<Self>,
        call: &Call,
        caller: &Session,
    ) -> Result<Value, ServiceError> {
        let name = input::required(call, "StackName")?;
        input::refuse_unbuilt(call)?;
        let (id, status, previous, sticking) = self
            .store
            .read(name, |stack| {
                (stack.id.clone(), stack.status, stack.deployed.clone(), stack.role_arn.clone())
            })
            .ok_or_else(|| validation(format!("Stack [{name}] does not exist")))?;
        if !status.can_be_updated() {
            return Err(cannot_update(&id, status));
        }
        let document = self.document(call, caller, previous.as_ref().map(|p| &p.document)).await?;
        let capabilities = input::texts(call, "Capabilities");
        if let Some(error) = missing_iam(document.body.get("Resources"), &capabilities)
            .or_else(|| missing_expansion(&document, &capabilities))
        {
            return Err(error);
        }
        let role = role(call, sticking.as_deref());
        let credentials = self.access(caller, role.as_deref(), &id).await?;
        let work = async {
            let draft = self.draft(call, document, previous.as_ref(), &credentials).await?;
            if role.is_some() {
                self.may_transform(&draft.document, &credentials).await?;
            }
            let definition = self.define(draft, &credentials).await?;
            after_expansion(call, &definition)?;
            let zones = self.zones(&definition, &credentials).await?;
            let changes = self.changes(&id, name, &definition, zones.clone())?;
            // What is expanded is an update, whatever it comes to (LocalStack's
            // test_update_stack_with_same_template_withoutchange_transformation,
            // validated on AWS).
            let before = previous.as_ref().map(|previous| &previous.document.body);
            let policies_differ =
                before.is_some_and(|it| policies(it) != policies(&definition.document.body));
            if definition.document.transforms.is_empty() && !changes.any() && !policies_differ {
                return Err(validation("No updates are to be performed."));
            }
            self.begin_update(&id, role.clone())?;
            Ok((definition, zones))
        };
        let (definition, zones) = self.with_session(&credentials, work).await?;
        let disable_rollback = input::flag(call, "DisableRollback").unwrap_or(false);
        let engine = self.engine(&id, credentials, zones);
        self.spawn(engine.update(definition, disable_rollback));
        Ok(json!({"StackId": id}))
    }

    /// Puts a stack into `UPDATE_IN_PROGRESS`, unless another call was faster.
    pub(super) fn begin_update(&self, id: &str, role: Option<String>) -> Result<(), ServiceError> {
        let now = self.setting.now();
        let begun = self.store.write(id, |stack| {
            if !stack.status.can_be_updated() {
                return Err(cannot_update(id, stack.status));
            }
            stack.role_arn = role;
            // A change set says so after this.
            stack.change_set_id = None;
            stack.cancel.store(false, Ordering::Relaxed);
            stack.enter(Status::UpdateInProgress, Some("User Initiated".to_owned()), now);
            Ok(())
        });
        begun.unwrap_or_else(|| Err(validation(format!("Stack [{id}] does not exist"))))
    }

    pub(super) async fn delete_stack(
        self: &Arc<Self>,
        call: &Call,
        caller: &Session,
    ) -> Result<Value, ServiceError> {
        let name = input::required(call, "StackName")?;
        if call.text("DeletionMode").is_some_and(|mode| mode != "STANDARD") {
            return Err(unsupported("DeletionMode FORCE_DELETE_STACK"));
        }
        // Deleting what is not there succeeds.
        let Some((id, status, protected, sticking, known)) = self.store.read(name, |stack| {
            let known: Vec<String> =
                stack.resources.iter().map(|resource| resource.logical_id.clone()).collect();
            let role = stack.role_arn.clone();
            (stack.id.clone(), stack.status, stack.termination_protection, role, known)
        }) else {
            return Ok(json!({}));
        };
        if status == Status::DeleteComplete || status == Status::DeleteInProgress {
            return Ok(json!({}));
        }
        if protected {
            return Err(validation(format!(
                "Stack [{name}] cannot be deleted while TerminationProtection is enabled"
            )));
        }
        if status.in_progress() {
            return Err(validation(format!(
                "Stack [{name}] cannot be deleted while in status {}",
                status.text()
            )));
        }
        let retain = input::texts(call, "RetainResources");
        if !retain.is_empty() {
            if status != Status::DeleteFailed {
                return Err(validation(
                    "Invalid operation on stack. RetainResources can only be specified when stack is in DELETE_FAILED state",
                ));
            }
            if let Some(other) = retain.iter().find(|name| !known.contains(name)) {
                return Err(validation(format!("Resource {other} does not exist in stack {name}")));
            }
        }
        let role = role(call, sticking.as_deref());
        let credentials = self.access(caller, role.as_deref(), &id).await?;
        let now = self.setting.now();
        self.store.write(&id, |stack| {
            stack.role_arn = role;
            stack.cancel.store(false, Ordering::Relaxed);
            stack.change_sets.clear();
            stack.enter(Status::DeleteInProgress, Some("User Initiated".to_owned()), now);
        });
        let engine = self.engine(&id, credentials, None);
        self.spawn(engine.delete(retain));
        Ok(json!({}))
    }

    pub(super) fn update_termination_protection(&self, call: &Call) -> Result<Value, ServiceError> {
        let name = input::required(call, "StackName")?;
        let enable = input::flag(call, "EnableTerminationProtection").unwrap_or(false);
        let id = self.store.write(name, |stack| {
            stack.termination_protection = enable;
            stack.id.clone()
        });
        let id = id.ok_or_else(|| validation(format!("Stack [{name}] does not exist")))?;
        Ok(json!({"StackId": id}))
    }

    pub(super) fn get_stack_policy(&self, call: &Call) -> Result<Value, ServiceError> {
        let name = input::required(call, "StackName")?;
        self.store
            .read(name, |_| json!({}))
            .ok_or_else(|| validation(format!("Stack [{name}] does not exist")))
    }
}

/// "Stack:ARN is in X state and can not be updated."
pub(super) fn cannot_update(id: &str, status: Status) -> ServiceError {
    validation(format!("Stack:{id} is in {} state and can not be updated.", status.text()))
}

/// What can be told only of the expanded template: capabilities and
/// `ResourceTypes`.
pub(super) fn after_expansion(call: &Call, definition: &Definition) -> Result<(), ServiceError> {
    let resources = definition.template.body.get("Resources");
    if let Some(error) = missing_iam(resources, &definition.capabilities) {
        return Err(error);
    }
    let allowed = input::texts(call, "ResourceTypes");
    for resource in &definition.template.resources {
        let matches = |pattern: &String| {
            pattern
                .strip_suffix('*')
                .map_or(*pattern == resource.kind, |prefix| resource.kind.starts_with(prefix))
        };
        if !allowed.is_empty() && !allowed.iter().any(matches) {
            return Err(validation(format!(
                "Resource type {} is not allowed by parameter ResourceTypes [{}]",
                resource.kind,
                allowed.join(", ")
            )));
        }
    }
    Ok(())
}

/// What a template says of what is replaced, resource by resource: that another thing is
/// said is an update, though nothing is done then (recorded on AWS: LocalStack's
/// `test_update_with_previous_parameter_value`).
fn policies(body: &Map<String, Value>) -> BTreeMap<&str, &Value> {
    let resources = body.get("Resources").and_then(Value::as_object).into_iter().flatten();
    resources.filter_map(|(id, it)| Some((id.as_str(), it.get("UpdateReplacePolicy")?))).collect()
}

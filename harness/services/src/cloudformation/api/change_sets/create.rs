//! `CreateChangeSet`.

use std::sync::Arc;

use ringfence_wire::{Call, ServiceError};
use serde_json::{Value, json};

use crate::cloudformation::CloudFormation;
use crate::cloudformation::api::input;
use crate::cloudformation::api::stacks::{
    after_expansion, cannot_update, exists, on_failure, role,
};
use crate::cloudformation::changes::Changes;
use crate::cloudformation::definition::{Draft, missing_iam};
use crate::cloudformation::error::{unsupported, validation};
use crate::cloudformation::status::{ChangeSetStatus, ExecutionStatus, Status};
use crate::cloudformation::store::{ChangeSet, Definition, Stack};
use crate::credentials::{Credentials, Session};

/// The reason of a change set without changes, to the letter: clients match it.
const EMPTY: &str = "The submitted information didn't contain changes. Submit different information to create a change set.";

/// A stack that is there.
struct There {
    id: String,
    name: String,
    deployed: Option<Definition>,
    role_arn: Option<String>,
}

/// The stack that a change set is for.
enum Target {
    There(Box<There>),
    /// It is made with its first change set.
    New(Box<Stack>),
}

impl Target {
    fn id(&self) -> &str {
        match self {
            Self::There(there) => &there.id,
            Self::New(stack) => &stack.id,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::There(there) => &there.name,
            Self::New(stack) => &stack.name,
        }
    }

    fn deployed(&self) -> Option<&Definition> {
        match self {
            Self::There(there) => there.deployed.as_ref(),
            Self::New(_) => None,
        }
    }

    fn role_arn(&self) -> Option<&str> {
        match self {
            Self::There(there) => there.role_arn.as_deref(),
            Self::New(_) => None,
        }
    }
}

/// A change set's content, made ready.
struct Reviewed {
    definition: Definition,
    changes: Changes,
}

/// A change set whose call was answered already.
struct Pending {
    call: Call,
    target: Target,
    /// Its ARN.
    set: String,
    draft: Draft,
    reviewed: Option<Reviewed>,
    /// Whether a role works on the stack.
    by_role: bool,
    credentials: Credentials,
}

impl CloudFormation {
    pub(in crate::cloudformation::api) async fn create_change_set(
        self: &Arc<Self>,
        call: &Call,
        caller: &Session,
    ) -> Result<Value, ServiceError> {
        if self.is_about_transform(call, caller) {
            return Ok(json!({}));
        }
        let name = input::new_name(call, "ChangeSetName")?;
        input::refuse_unbuilt(call)?;
        let creates = match call.text("ChangeSetType").unwrap_or("UPDATE") {
            "CREATE" => true,
            "UPDATE" => false,
            other => return Err(unsupported(format_args!("the change set type {other}"))),
        };
        on_failure(call, "OnStackFailure")?;
        let target = self.target(call, name, creates)?;
        let previous = target.deployed();
        let document = self.document(call, caller, previous.map(|p| &p.document)).await?;
        let capabilities = input::texts(call, "Capabilities");
        if let Some(error) = missing_iam(document.body.get("Resources"), &capabilities) {
            return Err(error);
        }
        let role = role(call, target.role_arn());
        let credentials = self.access(caller, role.as_deref(), target.id()).await?;
        let work = async {
            let draft = self.draft(call, document, previous, &credentials).await?;
            // Without a transform what is wrong is told at once (LocalStack's
            // recorded `test_missing_condition`, `test_mapping_with_nonexisting_key`, …).
            let reviewed = match draft.document.transforms.is_empty() {
                true => Some(self.review(call, &target, draft.clone(), &credentials).await?),
                false => None,
            };
            Ok((draft, reviewed))
        };
        let (draft, reviewed) = self.with_session(&credentials, work).await?;
        let set = self.new_change_set(call, name, creates, &draft, role.clone());
        let id = set.id.clone();
        let stack_id = target.id().to_owned();
        if let Target::New(stack) = &target
            && !self.store.add((**stack).clone())
        {
            self.setting.keyring.remove(&credentials.access_key_id);
            return Err(exists(&stack.name));
        }
        self.store.write(&stack_id, |stack| stack.change_sets.push(set));
        let pending = Pending {
            call: call.clone(),
            target,
            set: id.clone(),
            draft,
            reviewed,
            by_role: role.is_some(),
            credentials,
        };
        let service = Arc::clone(self);
        self.spawn(async move { service.settle(pending).await });
        Ok(json!({"Id": id, "StackId": stack_id}))
    }

    /// The stack that a call names, if a change set of this kind can be made for
    /// it.
    fn target(&self, call: &Call, name: &str, creates: bool) -> Result<Target, ServiceError> {
        let given = input::required(call, "StackName")?;
        let found = self.store.read(given, |stack| {
            // What is being executed is about to be kept apart.
            let is_free = |set: &ChangeSet| {
                matches!(set.execution, ExecutionStatus::InProgress | ExecutionStatus::Complete)
            };
            let taken = stack.change_sets.iter().any(|set| set.name == name && !is_free(set));
            let there = There {
                id: stack.id.clone(),
                name: stack.name.clone(),
                deployed: stack.deployed.clone(),
                role_arn: stack.role_arn.clone(),
            };
            (Target::There(Box::new(there)), stack.status, taken)
        });
        let Some((target, status, taken)) = found else {
            if !creates || given.starts_with("arn:") {
                return Err(validation(format!("Stack [{given}] does not exist")));
            }
            let name = input::new_name(call, "StackName")?;
            return Ok(Target::New(Box::new(self.new_stack(name, Status::ReviewInProgress))));
        };
        if creates && status != Status::ReviewInProgress {
            return Err(validation(format!(
                "Stack [{given}] already exists and cannot be created again with the changeSet [{name}]."
            )));
        }
        if !creates && !status.can_be_updated() {
            return Err(cannot_update(target.id(), status));
        }
        if taken {
            return Err(ServiceError::new(
                400,
                "AlreadyExistsException",
                format!("ChangeSet [{name}] already exists"),
            ));
        }
        Ok(target)
    }

    fn new_change_set(
        &self,
        call: &Call,
        name: &str,
        creates: bool,
        draft: &Draft,
        role_arn: Option<String>,
    ) -> ChangeSet {
        ChangeSet {
            id: self.arn(&format!("changeSet/{name}/{}", uuid::Uuid::new_v4())),
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
            capabilities: draft.capabilities.clone(),
            notification_arns: draft.notification_arns.clone(),
            text: draft.document.text.clone(),
            changes: Changes::default(),
            on_failure: call.text("OnStackFailure").map(str::to_owned),
            role_arn,
        }
    }

    /// Brings a change set to its end: what it would do, or why it cannot be.
    async fn settle(self: &Arc<Self>, pending: Pending) {
        let (stack, set) = (pending.target.id().to_owned(), pending.set.clone());
        let access_key_id = pending.credentials.access_key_id.clone();
        self.store.change_set(&stack, &set, |set| {
            set.status = ChangeSetStatus::CreateInProgress;
        });
        let result = self.complete(pending).await;
        self.setting.keyring.remove(&access_key_id);
        self.store.change_set(&stack, &set, |set| match result {
            Ok(reviewed) => {
                set.status = ChangeSetStatus::CreateComplete;
                set.execution = ExecutionStatus::Available;
                set.definition = Some(reviewed.definition);
                set.changes = reviewed.changes;
            }
            Err(error) => {
                set.status = ChangeSetStatus::Failed;
                set.status_reason = Some(error.message);
            }
        });
    }

    async fn complete(self: &Arc<Self>, pending: Pending) -> Result<Reviewed, ServiceError> {
        let Pending { call, target, draft, reviewed, by_role, credentials, .. } = pending;
        let reviewed = match reviewed {
            Some(reviewed) => reviewed,
            None => {
                if by_role {
                    self.may_transform(&draft.document, &credentials).await?;
                }
                self.review(&call, &target, draft, &credentials).await?
            }
        };
        self.things_exist(&reviewed.definition, &credentials).await.map_err(validation)?;
        if reviewed.changes.any() { Ok(reviewed) } else { Err(validation(EMPTY)) }
    }

    /// What a change set would do, after the transform.
    async fn review(
        self: &Arc<Self>,
        call: &Call,
        target: &Target,
        draft: Draft,
        credentials: &Credentials,
    ) -> Result<Reviewed, ServiceError> {
        let definition = self.define(draft, credentials).await?;
        after_expansion(call, &definition)?;
        let zones = self.zones(&definition, credentials).await?;
        let changes = self.changes(target.id(), target.name(), &definition, zones)?;
        Ok(Reviewed { definition, changes })
    }
}

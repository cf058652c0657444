//! The stacks of the account, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use ringfence_wire::Secret;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use tokio::sync::Notify;

use super::changes::Changes;
use super::status::{ChangeSetStatus, ExecutionStatus, Status};
use super::template::{Document, ParameterValue, Template};

/// A stack.
#[derive(Debug, Clone)]
pub(super) struct Stack {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) status: Status,
    pub(super) status_reason: Option<String>,
    pub(super) created: OffsetDateTime,
    pub(super) updated: Option<OffsetDateTime>,
    pub(super) deleted: Option<OffsetDateTime>,
    /// What is deployed; none before the first deployment.
    pub(super) deployed: Option<Definition>,
    pub(super) role_arn: Option<String>,
    /// The change set that made what is deployed, where one did.
    pub(super) change_set_id: Option<String>,
    pub(super) disable_rollback: bool,
    pub(super) termination_protection: bool,
    /// In the order of their creation.
    pub(super) resources: Vec<Deployed>,
    pub(super) outputs: Vec<OutputValue>,
    /// The exports of other stacks that this one uses.
    pub(super) imports: BTreeSet<String>,
    /// Oldest first.
    pub(super) events: Vec<Event>,
    /// Those that may still be executed, and those that failed.
    pub(super) change_sets: Vec<ChangeSet>,
    /// Those that were executed: their names are free again, and they are
    /// described by their ARN for as long as the stack is known (LocalStack's
    /// recorded `test_list_change_sets`, `test_name_conflicts`).
    pub(super) executed: Vec<ChangeSet>,
    /// Raised to stop the operation under way.
    pub(super) cancel: Arc<AtomicBool>,
}

/// What a deployment is made from.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub(super) document: Document,
    pub(super) template: Arc<Template>,
    pub(super) parameters: Vec<ParameterValue>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) capabilities: Vec<String>,
    pub(super) notification_arns: Vec<String>,
}

impl Definition {
    /// The values of `NoEcho` parameters.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        self.parameters
            .iter()
            .filter(|value| value.no_echo)
            .map(|value| Secret::new(value.value.clone()))
            .collect()
    }

    /// The parameters as the template sees them.
    pub(super) fn seen(&self) -> BTreeMap<String, Value> {
        self.parameters.iter().map(|value| (value.key.clone(), value.seen())).collect()
    }
}

/// A resource of a stack. `Debug` shows no properties: they may hold values of
/// `NoEcho` parameters.
#[derive(Clone)]
pub(super) struct Deployed {
    pub(super) logical_id: String,
    pub(super) kind: String,
    /// What `Ref` gives; none until the resource exists.
    pub(super) physical_id: Option<String>,
    /// The attribute `Metadata`, evaluated.
    pub(super) metadata: Option<Value>,
    /// What `Fn::GetAtt` gives.
    pub(super) attributes: Map<String, Value>,
    /// With which properties it was made; dynamic references unresolved.
    pub(super) properties: Map<String, Value>,
    /// The same, resolved: what its handler was given.
    pub(super) applied: Applied,
    pub(super) tags: Vec<(String, String)>,
    pub(super) status: Status,
    pub(super) status_reason: Option<String>,
    pub(super) at: OffsetDateTime,
    pub(super) needs: BTreeSet<String>,
    pub(super) deletion_policy: super::template::Removal,
    pub(super) update_replace_policy: super::template::Removal,
    /// Values of `NoEcho` parameters, which events mask.
    pub(super) secrets: Vec<Secret>,
}

impl std::fmt::Debug for Deployed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deployed")
            .field("logical_id", &self.logical_id)
            .field("kind", &self.kind)
            .field("physical_id", &self.physical_id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Deployed {
    /// Whether there is something to change or to delete.
    pub(super) fn lives(&self) -> bool {
        self.physical_id.is_some() && self.status != Status::DeleteComplete
    }

    /// The properties as events show them.
    pub(super) fn shown_properties(&self) -> String {
        Value::Object(masked(&self.properties, &self.secrets)).to_string()
    }
}

/// A value with the values of `NoEcho` parameters masked.
pub(super) fn mask(value: &Value, secrets: &[Secret]) -> Value {
    match value {
        Value::String(text) => secrets
            .iter()
            .map(Secret::expose)
            .filter(|secret| !secret.is_empty())
            .fold(text.clone(), |text, secret| text.replace(secret, "****"))
            .into(),
        Value::Array(items) => items.iter().map(|item| mask(item, secrets)).collect(),
        Value::Object(members) => Value::Object(masked(members, secrets)),
        scalar => scalar.clone(),
    }
}

/// The same of properties.
pub(super) fn masked(properties: &Map<String, Value>, secrets: &[Secret]) -> Map<String, Value> {
    properties.iter().map(|(name, value)| (name.clone(), mask(value, secrets))).collect()
}

/// Properties that may hold resolved secrets: `Debug` shows none.
#[derive(Clone, Default)]
pub(super) struct Applied(pub(super) Map<String, Value>);

impl std::fmt::Debug for Applied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[properties]")
    }
}

/// An output with its value.
#[derive(Debug, Clone)]
pub(super) struct OutputValue {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) description: Option<String>,
    pub(super) export: Option<String>,
}

/// An event of a stack.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) at: OffsetDateTime,
    pub(super) logical_id: String,
    pub(super) physical_id: Option<String>,
    pub(super) kind: String,
    pub(super) status: Status,
    pub(super) reason: Option<String>,
    /// The properties, as JSON text; none for the stack itself.
    pub(super) properties: Option<String>,
}

/// A change set.
#[derive(Debug, Clone)]
pub(super) struct ChangeSet {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) creates: bool,
    pub(super) description: Option<String>,
    pub(super) created: OffsetDateTime,
    pub(super) status: ChangeSetStatus,
    pub(super) status_reason: Option<String>,
    pub(super) execution: ExecutionStatus,
    /// What would be deployed, once the transform is done.
    pub(super) definition: Option<Definition>,
    pub(super) parameters: Vec<ParameterValue>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) capabilities: Vec<String>,
    pub(super) notification_arns: Vec<String>,
    /// The template as given.
    pub(super) text: String,
    pub(super) changes: Changes,
    pub(super) on_failure: Option<String>,
    pub(super) role_arn: Option<String>,
}

/// All stacks.
#[derive(Debug, Default)]
pub(super) struct Store {
    stacks: Mutex<BTreeMap<String, Stack>>,
    /// Who waits for a change of any of them.
    waiting: Notify,
}

/// The stack that a caller means: by id also a deleted one, by name only a
/// living one.
fn position(stacks: &BTreeMap<String, Stack>, name_or_id: &str) -> Option<String> {
    if name_or_id.starts_with("arn:") {
        return stacks.contains_key(name_or_id).then(|| name_or_id.to_owned());
    }
    stacks
        .values()
        .find(|stack| stack.name == name_or_id && stack.status != Status::DeleteComplete)
        .map(|stack| stack.id.clone())
}

impl Store {
    /// Looks at a stack.
    pub(super) fn read<T>(&self, name_or_id: &str, look: impl FnOnce(&Stack) -> T) -> Option<T> {
        let stacks = self.stacks.lock().unwrap_or_else(PoisonError::into_inner);
        stacks.get(&position(&stacks, name_or_id)?).map(look)
    }

    /// Changes a stack.
    pub(super) fn write<T>(
        &self,
        name_or_id: &str,
        change: impl FnOnce(&mut Stack) -> T,
    ) -> Option<T> {
        let mut stacks = self.stacks.lock().unwrap_or_else(PoisonError::into_inner);
        let id = position(&stacks, name_or_id)?;
        let changed = stacks.get_mut(&id).map(change);
        drop(stacks);
        self.waiting.notify_waiters();
        changed
    }

    /// Looks at a stack once no operation of it is under way.
    pub(super) async fn settled<T>(
        &self,
        name_or_id: &str,
        look: impl Fn(&Stack) -> T,
    ) -> Option<T> {
        loop {
            // Made before the look: a change after it is not missed.
            let changed = self.waiting.notified();
            let settled = |stack: &Stack| (!stack.status.in_progress()).then(|| look(stack));
            if let Some(told) = self.read(name_or_id, settled)? {
                return Some(told);
            }
            changed.await;
        }
    }

    /// Adds a stack unless a living one has its name.
    pub(super) fn add(&self, stack: Stack) -> bool {
        let mut stacks = self.stacks.lock().unwrap_or_else(PoisonError::into_inner);
        let free = position(&stacks, &stack.name).is_none();
        if free {
            stacks.insert(stack.id.clone(), stack);
        }
        free
    }

    /// Looks at all stacks, newest first.
    pub(super) fn all<T>(&self, mut look: impl FnMut(&Stack) -> Option<T>) -> Vec<T> {
        let stacks = self.stacks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stacks: Vec<&Stack> = stacks.values().collect();
        stacks.sort_by_key(|stack| std::cmp::Reverse(stack.created));
        stacks.into_iter().filter_map(&mut look).collect()
    }

    /// Changes the change set of this name or ARN.
    pub(super) fn change_set<T>(
        &self,
        stack: &str,
        change_set: &str,
        change: impl FnOnce(&mut ChangeSet) -> T,
    ) -> Option<T> {
        self.write(stack, |stack| stack.change_set_mut(change_set).map(change)).flatten()
    }

    /// What was executed is kept apart, and its name is free.
    pub(super) fn retire(&self, stack: &str, change_set: &str) {
        self.write(stack, |stack| {
            let (executed, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut stack.change_sets)
                .into_iter()
                .partition(|set| set.id == change_set);
            stack.change_sets = kept;
            stack.executed.extend(executed);
        });
    }

    /// The stack that has this change set (by ARN).
    pub(super) fn stack_of_change_set(&self, id: &str) -> Option<String> {
        self.all(|stack| stack.every_change_set().any(|set| set.id == id).then(|| stack.id.clone()))
            .pop()
    }

    /// What is exported under this name, by whom.
    pub(super) fn export(&self, name: &str) -> Option<(String, String)> {
        self.all(|stack| {
            if stack.status == Status::DeleteComplete {
                return None;
            }
            stack
                .outputs
                .iter()
                .find(|output| output.export.as_deref() == Some(name))
                .map(|output| (output.value.clone(), stack.name.clone()))
        })
        .pop()
    }

    /// The living stacks that use an export.
    pub(super) fn importers(&self, export: &str) -> Vec<String> {
        self.all(|stack| {
            (stack.status != Status::DeleteComplete && stack.imports.contains(export))
                .then(|| stack.name.clone())
        })
    }
}

impl Stack {
    /// The resource of this logical id.
    pub(super) fn resource(&self, logical_id: &str) -> Option<&Deployed> {
        self.resources.iter().find(|resource| resource.logical_id == logical_id)
    }

    /// The change sets, with those that were executed.
    pub(super) fn every_change_set(&self) -> impl Iterator<Item = &ChangeSet> {
        self.change_sets.iter().chain(&self.executed)
    }

    /// The change set of this name, or of this ARN though it was executed.
    fn change_set_mut(&mut self, name_or_id: &str) -> Option<&mut ChangeSet> {
        let named = |set: &&mut ChangeSet| set.id == name_or_id || set.name == name_or_id;
        self.change_sets
            .iter_mut()
            .find(named)
            .or_else(|| self.executed.iter_mut().find(|set| set.id == name_or_id))
    }

    /// The resource of this logical id, to change.
    pub(super) fn resource_mut(&mut self, logical_id: &str) -> Option<&mut Deployed> {
        self.resources.iter_mut().find(|resource| resource.logical_id == logical_id)
    }
}

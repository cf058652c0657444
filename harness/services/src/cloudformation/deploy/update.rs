//! Updating a stack, and taking an update back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use super::walk::{walk, walk_all};
use super::{Engine, Failure, Made, Plan, Progress, Wanted, existing, tags_matter};
use crate::cloudformation::resources::{self, Update};
use crate::cloudformation::status::Status;
use crate::cloudformation::store::{Applied, Definition, Deployed};
use crate::cloudformation::template::{Graph, Guided, Removal};

/// What an update has done so far.
#[derive(Default)]
struct Record {
    /// Changed in place, with what they were.
    changed: BTreeMap<String, Deployed>,
    /// Replaced, with what they were.
    replaced: BTreeMap<String, Deployed>,
    /// Made anew.
    created: BTreeSet<String>,
    /// What nobody owns any more.
    leftovers: Vec<Deployed>,
    /// What was replaced and stays, by its policy.
    retained: Vec<Deployed>,
}

impl Record {
    /// Something else is there in a resource's place.
    fn supersede(&mut self, mut old: Deployed, policy: Removal) {
        old.deletion_policy = policy;
        match policy {
            Removal::Delete | Removal::Snapshot => self.leftovers.push(old),
            Removal::Retain | Removal::RetainExceptOnCreate => self.retained.push(old),
        }
    }
}

const REPLACES: &str =
    "Requested update requires the creation of a new physical resource; hence creating one.";

impl Engine {
    /// Updates everything; the stack is in `UPDATE_IN_PROGRESS` already.
    pub(in crate::cloudformation) async fn update(
        self: Arc<Self>,
        definition: Definition,
        disable_rollback: bool,
    ) {
        let record = Arc::new(Mutex::new(Record::default()));
        match self.update_all(&definition, &record).await {
            Ok(()) => {
                self.write(|stack| stack.deployed = Some(definition.clone()));
                let mut leftovers = self.removed(&definition);
                let record = std::mem::take(&mut *lock(&record));
                leftovers.extend(record.leftovers);
                // As recorded in LocalStack's test_update_replace_policy_retain.
                for resource in &record.retained {
                    self.leftover_enters(resource, Status::DeleteSkipped, None);
                }
                self.enter(Status::UpdateCleanup, None);
                self.clean_up(leftovers).await;
                self.enter(Status::UpdateComplete, None);
            }
            Err(reason) if disable_rollback => self.enter(Status::UpdateFailed, Some(reason)),
            Err(reason) => {
                self.enter(Status::UpdateRollbackInProgress, Some(reason));
                self.roll_back_update(&record).await;
            }
        }
        self.finish();
    }

    async fn update_all(
        self: &Arc<Self>,
        definition: &Definition,
        record: &Arc<Mutex<Record>>,
    ) -> Result<(), String> {
        self.service.things_exist(definition, &self.credentials).await?;
        let plan = Arc::new(self.plan(definition.clone()).map_err(|error| error.to_string())?);
        let stop = self.stop_flag();
        let step = |id: String| {
            let (engine, plan, record) = (Arc::clone(self), Arc::clone(&plan), Arc::clone(record));
            async move { engine.update_one(&plan, &id, &record).await }
        };
        let cancel = |id: &str| {
            let creating = self
                .read(|stack| stack.resource(id).map(|r| r.status == Status::CreateInProgress))
                .flatten();
            let (status, reason) = if creating == Some(true) {
                (Status::CreateFailed, "Resource creation cancelled")
            } else {
                (Status::UpdateFailed, "Resource update cancelled")
            };
            self.resource_enters(id, status, Some(reason.to_owned()));
        };
        let walk = walk(&plan.graph, &stop, step, cancel).await;
        if stop.load(Ordering::Relaxed) {
            return Err("User Initiated".to_owned());
        }
        if !walk.failed.is_empty() {
            let all: Vec<String> = walk.failed.into_iter().chain(walk.cancelled).collect();
            let (created, updated): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|id| lock(record).created.contains(id));
            let mut reason = String::new();
            for (ids, verb) in [(created, "create"), (updated, "update")] {
                if !ids.is_empty() {
                    reason.push_str(&format!(
                        "The following resource(s) failed to {verb}: [{}]. ",
                        ids.join(", ")
                    ));
                }
            }
            return Err(reason);
        }
        let outputs = self.outputs(&plan)?;
        self.write(|stack| stack.outputs = outputs);
        Ok(())
    }

    async fn update_one(
        self: &Arc<Self>,
        plan: &Plan,
        id: &str,
        record: &Mutex<Record>,
    ) -> Result<(), ()> {
        let old = self.read(|stack| stack.resource(id).cloned()).flatten().filter(Deployed::lives);
        let (begins, ends) = match &old {
            Some(_) => (Status::UpdateInProgress, Status::UpdateFailed),
            None => (Status::CreateInProgress, Status::CreateFailed),
        };
        if old.is_none() {
            lock(record).created.insert(id.to_owned());
        }
        let wanted = match self.wanted(plan, id).await {
            Ok(wanted) => wanted,
            Err(failure) => {
                self.refuse(plan, id, begins, ends, &failure);
                return Err(());
            }
        };
        let result = match old {
            None => {
                self.announce(plan, &wanted, begins, None);
                self.make(plan, &wanted, begins).await
            }
            Some(old) => match self.change(plan, &wanted, old, record).await {
                Ok(true) => Ok(()),
                Ok(false) => return Ok(()),
                Err(failure) => Err(failure),
            },
        };
        let good = if begins == Status::UpdateInProgress {
            Status::UpdateComplete
        } else {
            Status::CreateComplete
        };
        match result {
            Ok(()) => {
                self.settle(id, good, None);
                Ok(())
            }
            Err(failure) => {
                self.settle(id, ends, Some(failure.reason()));
                Err(())
            }
        }
    }

    /// Changes or replaces a resource; false when nothing is to be done.
    async fn change(
        self: &Arc<Self>,
        plan: &Plan,
        wanted: &Wanted,
        old: Deployed,
        record: &Mutex<Record>,
    ) -> Result<bool, Failure> {
        let id = &wanted.resource.logical_id;
        let tags = &plan.definition.tags;
        let changed = resources::changed(wanted.handler, &old.properties, &wanted.shown);
        if changed.is_empty() && !tags_matter(wanted.handler, &old.tags, tags) {
            self.write(|stack| {
                if let Some(resource) = stack.resource_mut(id) {
                    resource.needs = plan.graph.needs(id);
                    resource.metadata.clone_from(&wanted.metadata);
                    resource.deletion_policy = wanted.deletion_policy;
                    resource.update_replace_policy = wanted.update_replace_policy;
                }
            });
            return Ok(false);
        }
        let Some(current) = existing(&old) else { return Ok(false) };
        let guided = |it: &&Guided| changed.iter().any(|property| it.is_about(property.name));
        if let Some(policy) = wanted.resource.update_policy.iter().find(guided) {
            self.resource_enters(id, Status::UpdateInProgress, None);
            return Err(Failure::Reason(format!(
                "an update under `UpdatePolicy.{}` is not supported by Ringfence's CloudFormation",
                policy.name
            )));
        }
        if let Some(reason) = wanted.handler.forbids(&current.properties, &wanted.resolved) {
            self.resource_enters(id, Status::UpdateInProgress, None);
            return Err(Failure::Reason(reason.to_owned()));
        }
        if !changed.iter().any(|property| property.update == Update::Replacement) {
            lock(record).changed.insert(id.clone(), old.clone());
            self.announce(plan, wanted, Status::UpdateInProgress, None);
            let context = self.context((id, &wanted.resource.kind), tags, Arc::new(Silent));
            resources::check_tags(&wanted.resource.kind, &wanted.resolved)?;
            let made = wanted.handler.update(&context, &current, &wanted.resolved).await;
            let made = made.map_err(|failure| failure.of_stack_tags(&wanted.resolved))?;
            self.remember(id, &made);
            // A custom resource that answers with another id was replaced.
            if made.physical_id != current.made.physical_id {
                lock(record).supersede(old, wanted.update_replace_policy);
            }
            return Ok(true);
        }
        if let Some(name) = wanted.handler.name_property()
            && let Some(custom) = wanted.shown.get(name)
            && old.properties.get(name) == Some(custom)
        {
            self.resource_enters(id, Status::UpdateInProgress, Some(REPLACES.to_owned()));
            let custom = custom.as_str().unwrap_or_default();
            return Err(Failure::Reason(format!(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {custom} and update the stack again."
            )));
        }
        self.announce(plan, wanted, Status::UpdateInProgress, Some(REPLACES.to_owned()));
        lock(record).replaced.insert(id.clone(), old.clone());
        self.make(plan, wanted, Status::UpdateInProgress).await?;
        lock(record).supersede(old, wanted.update_replace_policy);
        Ok(true)
    }

    /// The resources that the new template no longer has; they leave the stack
    /// here, and their remains are deleted in the clean-up.
    fn removed(&self, definition: &Definition) -> Vec<Deployed> {
        let Ok(plan) = self.plan(definition.clone()) else { return Vec::new() };
        let gone: Vec<Deployed> = self
            .write(|stack| {
                let (kept, gone) = std::mem::take(&mut stack.resources)
                    .into_iter()
                    .partition(|resource| plan.is_active(&resource.logical_id));
                stack.resources = kept;
                gone
            })
            .unwrap_or_default();
        let (deleted, kept): (Vec<_>, Vec<_>) = gone
            .into_iter()
            .filter(Deployed::lives)
            .partition(|resource| resource.deletion_policy != Removal::Retain);
        for resource in kept {
            self.leftover_enters(&resource, Status::DeleteSkipped, None);
        }
        deleted
    }

    /// Takes an update back, with the same credentials.
    async fn roll_back_update(self: &Arc<Self>, record: &Mutex<Record>) {
        let record = std::mem::take(&mut *lock(record));
        let mut leftovers = Vec::new();
        let superseded = Arc::new(Mutex::new(Vec::new()));
        // What was replaced comes back; the successor goes.
        for (id, old) in &record.replaced {
            let new = self.read(|stack| stack.resource(id).cloned()).flatten();
            self.resource_enters(id, Status::UpdateInProgress, None);
            self.write(|stack| {
                if let Some(resource) = stack.resource_mut(id) {
                    *resource = old.clone();
                }
            });
            self.resource_enters(id, Status::UpdateComplete, None);
            leftovers.extend(new.filter(|new| new.physical_id != old.physical_id));
        }
        let graph = Graph::remembered(
            record.changed.iter().map(|(id, old)| (id.clone(), old.needs.clone())),
        )
        .reversed();
        let step = |id: String| {
            let engine = Arc::clone(self);
            let (old, superseded) = (record.changed.get(&id).cloned(), Arc::clone(&superseded));
            async move {
                match old {
                    Some(old) => engine.restore(&id, old, &superseded).await,
                    None => Ok(()),
                }
            }
        };
        let failed = walk_all(&graph, step).await;
        if !failed.is_empty() {
            let reason =
                format!("The following resource(s) failed to update: [{}]. ", failed.join(", "));
            self.enter(Status::UpdateRollbackFailed, Some(reason));
            return;
        }
        self.enter(Status::UpdateRollbackCleanup, None);
        leftovers.append(&mut superseded.lock().unwrap_or_else(PoisonError::into_inner));
        self.write(|stack| {
            let (created, kept) = std::mem::take(&mut stack.resources)
                .into_iter()
                .partition::<Vec<_>, _>(|resource| record.created.contains(&resource.logical_id));
            stack.resources = kept;
            leftovers.extend(created.into_iter().filter(|r| r.physical_id.is_some()));
        });
        self.clean_up(leftovers).await;
        self.enter(Status::UpdateRollbackComplete, None);
    }

    /// Brings one resource back to what it was; what is there in its place then is
    /// another, where its handler says so.
    async fn restore(
        self: &Arc<Self>,
        id: &str,
        old: Deployed,
        superseded: &Mutex<Vec<Deployed>>,
    ) -> Result<(), ()> {
        let Some(there) = self.read(|stack| stack.resource(id).cloned()).flatten() else {
            return Ok(());
        };
        let (Some(handler), Some(current)) = (resources::find(&old.kind), existing(&there)) else {
            return Ok(());
        };
        self.write(|stack| {
            if let Some(resource) = stack.resource_mut(id) {
                resource.properties.clone_from(&old.properties);
                resource.applied = Applied(old.applied.0.clone());
                resource.tags.clone_from(&old.tags);
            }
        });
        self.resource_enters(id, Status::UpdateInProgress, None);
        let context = self.context((id, &old.kind), &old.tags, Arc::new(Silent));
        match handler.update(&context, &current, &old.applied.0).await {
            Ok(made) => {
                self.remember(id, &made);
                if made.physical_id != there.physical_id.clone().unwrap_or_default() {
                    superseded.lock().unwrap_or_else(PoisonError::into_inner).push(there);
                }
                self.resource_enters(id, Status::UpdateComplete, None);
                Ok(())
            }
            Err(failure) => {
                self.resource_enters(id, Status::UpdateFailed, Some(failure.reason()));
                Err(())
            }
        }
    }
}

fn lock(record: &Mutex<Record>) -> std::sync::MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A change in place initiates nothing.
struct Silent;

impl Progress for Silent {
    fn initiated(&self, _: &str, _: &Made) {}
}

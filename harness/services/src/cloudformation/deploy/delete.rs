//! Deleting: a stack, what a failed creation left, what an update replaced.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::walk::walk_all;
use super::{Engine, Failure, Made, Progress, existing};
use crate::cloudformation::events::leftover;
use crate::cloudformation::resources;
use crate::cloudformation::status::Status;
use crate::cloudformation::store::Deployed;
use crate::cloudformation::template::{Graph, Removal};

/// The longest name of a last snapshot that all services take
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html>).
const LONGEST_SNAPSHOT: usize = 63;

impl Engine {
    /// Deletes the stack; it is in `DELETE_IN_PROGRESS` already. `retain`
    /// names resources that are left alone.
    pub(in crate::cloudformation) async fn delete(self: Arc<Self>, retain: Vec<String>) {
        let exports: Vec<String> = self
            .read(|stack| stack.outputs.iter().filter_map(|output| output.export.clone()).collect())
            .unwrap_or_default();
        let own = self.read(|stack| stack.name.clone());
        for export in exports {
            let users: Vec<String> = self
                .service
                .store
                .importers(&export)
                .into_iter()
                .filter(|user| Some(user) != own.as_ref())
                .collect();
            if !users.is_empty() {
                let reason = format!(
                    "Export {export} cannot be deleted as it is in use by {}",
                    users.join(" and ")
                );
                self.enter(Status::DeleteFailed, Some(reason));
                self.finish();
                return;
            }
        }
        self.delete_resources(&retain, Status::DeleteComplete, Status::DeleteFailed).await;
        self.finish();
    }

    /// Removes what a failed creation made.
    pub(super) async fn roll_back_creation(self: &Arc<Self>) {
        self.delete_resources(&[], Status::RollbackComplete, Status::RollbackFailed).await;
    }

    /// Deletes every resource of the stack, dependants first.
    pub(super) async fn delete_resources(
        self: &Arc<Self>,
        retain: &[String],
        good: Status,
        bad: Status,
    ) {
        let rolling_back = good == Status::RollbackComplete;
        let resources: Vec<Deployed> = self
            .read(|stack| {
                stack
                    .resources
                    .iter()
                    .filter(|resource| {
                        !matches!(resource.status, Status::DeleteComplete | Status::DeleteSkipped)
                    })
                    .cloned()
                    .collect()
            })
            .unwrap_or_default();
        let graph = Graph::remembered(
            resources.iter().map(|resource| (resource.logical_id.clone(), resource.needs.clone())),
        )
        .reversed();
        let step = |id: String| {
            let engine = Arc::clone(self);
            let resource = resources.iter().find(|resource| resource.logical_id == id).cloned();
            let retained = retain.contains(&id);
            async move {
                match resource {
                    Some(resource) => engine.delete_one(resource, retained, rolling_back).await,
                    None => Ok(()),
                }
            }
        };
        let failed = walk_all(&graph, step).await;
        if failed.is_empty() {
            if good == Status::DeleteComplete {
                // The outputs stay to be looked at.
                self.write(|stack| stack.imports.clear());
            }
            self.enter(good, None);
        } else {
            let reason =
                format!("The following resource(s) failed to delete: [{}]. ", failed.join(", "));
            self.enter(bad, Some(reason));
        }
    }

    async fn delete_one(
        self: &Arc<Self>,
        resource: Deployed,
        retained: bool,
        rolling_back: bool,
    ) -> Result<(), ()> {
        let id = &resource.logical_id;
        if resource.physical_id.is_none() {
            self.resource_enters(id, Status::DeleteComplete, None);
            return Ok(());
        }
        let kept = match resource.deletion_policy {
            Removal::Delete | Removal::Snapshot => false,
            Removal::Retain => true,
            Removal::RetainExceptOnCreate => !rolling_back,
        };
        if retained || kept {
            self.resource_enters(id, Status::DeleteSkipped, None);
            return Ok(());
        }
        self.resource_enters(id, Status::DeleteInProgress, None);
        match self.destroy(&resource).await {
            Ok(()) => {
                self.resource_enters(id, Status::DeleteComplete, None);
                Ok(())
            }
            Err(failure) => {
                self.resource_enters(id, Status::DeleteFailed, Some(failure.reason()));
                Err(())
            }
        }
    }

    /// Runs the delete handler; what is gone already is deleted.
    async fn destroy(self: &Arc<Self>, resource: &Deployed) -> Result<(), Failure> {
        let (Some(handler), Some(existing)) = (resources::find(&resource.kind), existing(resource))
        else {
            return Ok(());
        };
        let mut context =
            self.context((&resource.logical_id, &resource.kind), &resource.tags, Arc::new(Silent));
        if resource.deletion_policy == Removal::Snapshot {
            context.last_snapshot = Some(context.physical_name(LONGEST_SNAPSHOT).to_lowercase());
        }
        match handler.delete(&context, &existing).await {
            Err(failure) if !failure.not_found() => Err(failure),
            _ => Ok(()),
        }
    }

    /// Deletes what an update left over: removed and replaced resources. A
    /// failure is told and does not fail the stack, as on AWS.
    pub(super) async fn clean_up(self: &Arc<Self>, leftovers: Vec<Deployed>) {
        // A replaced resource and its successor share a logical id, so the
        // leftovers are numbered.
        let name = |index: usize| format!("{index:06}");
        let needs = leftovers.iter().enumerate().map(|(index, resource)| {
            let needs: BTreeSet<String> = leftovers
                .iter()
                .enumerate()
                .filter(|(_, other)| resource.needs.contains(&other.logical_id))
                .map(|(other, _)| name(other))
                .filter(|other| *other != name(index))
                .collect();
            (name(index), needs)
        });
        let graph = Graph::remembered(needs).reversed();
        let step = |index: String| {
            let engine = Arc::clone(self);
            let resource =
                index.parse::<usize>().ok().and_then(|index| leftovers.get(index)).cloned();
            async move {
                let Some(resource) = resource else { return Ok(()) };
                engine.leftover_enters(&resource, Status::DeleteInProgress, None);
                let result = engine.destroy(&resource).await;
                match result {
                    Ok(()) => engine.leftover_enters(&resource, Status::DeleteComplete, None),
                    Err(failure) => engine.leftover_enters(
                        &resource,
                        Status::DeleteFailed,
                        Some(failure.reason()),
                    ),
                }
                // Others go on: nothing waits for a leftover.
                Ok(())
            }
        };
        walk_all(&graph, step).await;
    }

    /// An event of a resource that is no longer the stack's own.
    pub(super) fn leftover_enters(
        &self,
        resource: &Deployed,
        status: Status,
        reason: Option<String>,
    ) {
        let now = self.service.setting.now();
        self.write(|stack| {
            let at = stack.next_moment(now);
            stack.events.push(leftover(resource, status, reason, at));
        });
    }
}

/// A deletion makes nothing.
struct Silent;

impl Progress for Silent {
    fn initiated(&self, _: &str, _: &Made) {}
}

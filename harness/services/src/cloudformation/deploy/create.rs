//! Creating a stack.

use std::sync::Arc;

use super::walk::walk;
use super::{Engine, Failure, Made, OnFailure, Plan, Progress, Wanted};
use crate::cloudformation::resources;
use crate::cloudformation::status::Status;
use crate::cloudformation::store::Definition;
use crate::cloudformation::template::Removal;

impl Engine {
    /// Creates everything; the stack is in `CREATE_IN_PROGRESS` already.
    pub(in crate::cloudformation) async fn create(
        self: Arc<Self>,
        definition: Definition,
        on_failure: OnFailure,
    ) {
        match self.create_all(definition).await {
            Ok(()) => self.enter(Status::CreateComplete, None),
            Err(reason) => match on_failure {
                OnFailure::DoNothing => self.enter(Status::CreateFailed, Some(reason)),
                OnFailure::Rollback => {
                    let reason =
                        format!("{}. Rollback requested by user.", reason.trim_end_matches(". "));
                    self.enter(Status::RollbackInProgress, Some(reason));
                    self.roll_back_creation().await;
                }
                OnFailure::Delete => {
                    let reason =
                        format!("{}. Delete requested by user.", reason.trim_end_matches(". "));
                    self.enter(Status::DeleteInProgress, Some(reason));
                    self.delete_resources(&[], Status::DeleteComplete, Status::DeleteFailed).await;
                }
            },
        }
        self.finish();
    }

    async fn create_all(self: &Arc<Self>, definition: Definition) -> Result<(), String> {
        self.service.things_exist(&definition, &self.credentials).await?;
        let plan = Arc::new(self.plan(definition).map_err(|error| error.to_string())?);
        let stop = self.stop_flag();
        let step = |id: String| {
            let (engine, plan) = (Arc::clone(self), Arc::clone(&plan));
            async move { engine.create_one(&plan, &id).await }
        };
        let cancel = |id: &str| {
            let reason = Some("Resource creation cancelled".to_owned());
            self.resource_enters(id, Status::CreateFailed, reason);
        };
        let walk = walk(&plan.graph, &stop, step, cancel).await;
        if stop.load(std::sync::atomic::Ordering::Relaxed) {
            return Err("Resource creation cancelled".to_owned());
        }
        if !walk.failed.is_empty() {
            let failed: Vec<_> = walk.failed.into_iter().chain(walk.cancelled).collect();
            return Err(format!(
                "The following resource(s) failed to create: [{}]. ",
                failed.join(", ")
            ));
        }
        let outputs = self.outputs(&plan)?;
        self.write(|stack| stack.outputs = outputs);
        Ok(())
    }

    /// Creates one resource, with its events.
    async fn create_one(self: &Arc<Self>, plan: &Plan, id: &str) -> Result<(), ()> {
        let wanted = match self.wanted(plan, id).await {
            Ok(wanted) => wanted,
            Err(failure) => {
                self.refuse(plan, id, Status::CreateInProgress, Status::CreateFailed, &failure);
                return Err(());
            }
        };
        self.announce(plan, &wanted, Status::CreateInProgress, None);
        match self.make(plan, &wanted, Status::CreateInProgress).await {
            Ok(()) => {
                self.settle(id, Status::CreateComplete, None);
                Ok(())
            }
            Err(failure) => {
                self.settle(id, Status::CreateFailed, Some(failure.reason()));
                Err(())
            }
        }
    }

    /// Runs the create handler and remembers what it made.
    pub(super) async fn make(
        self: &Arc<Self>,
        plan: &Plan,
        wanted: &Wanted,
        status: Status,
    ) -> Result<(), Failure> {
        let id = &wanted.resource.logical_id;
        let progress = Arc::new(Initiated { engine: Arc::clone(self), status });
        let context = self.context((id, &wanted.resource.kind), &plan.definition.tags, progress);
        resources::check_tags(&wanted.resource.kind, &wanted.resolved)?;
        let made = wanted.handler.create(&context, &wanted.resolved).await;
        let made = made.map_err(|failure| failure.of_stack_tags(&wanted.resolved))?;
        self.remember(id, &made);
        Ok(())
    }

    /// A resource that fails before its handler runs.
    pub(super) fn refuse(
        &self,
        plan: &Plan,
        id: &str,
        begins: Status,
        ends: Status,
        failure: &Failure,
    ) {
        if let Some(resource) = plan.definition.template.resource(id)
            && let Some(handler) = crate::cloudformation::resources::find(&resource.kind)
        {
            let wanted = Wanted {
                resource: resource.clone(),
                handler,
                shown: serde_json::Map::new(),
                resolved: serde_json::Map::new(),
                metadata: None,
                deletion_policy: Removal::Delete,
                update_replace_policy: Removal::Delete,
            };
            if self.read(|stack| stack.resource(id).is_none()).unwrap_or(false) {
                self.announce(plan, &wanted, begins, None);
            } else {
                self.resource_enters(id, begins, None);
            }
        }
        self.resource_enters(id, ends, Some(failure.reason()));
    }

    /// The end of a resource's creation, unless it was cancelled meanwhile.
    pub(super) fn settle(&self, id: &str, status: Status, reason: Option<String>) {
        let now = self.service.setting.now();
        self.write(|stack| {
            let in_progress =
                stack.resource(id).is_some_and(|resource| resource.status.in_progress());
            if in_progress {
                stack.resource_enters(id, status, reason, now);
            }
        });
    }
}

/// Tells the stack that a resource exists.
struct Initiated {
    engine: Arc<Engine>,
    status: Status,
}

impl Progress for Initiated {
    fn initiated(&self, logical_id: &str, made: &Made) {
        self.engine.remember(logical_id, made);
        let reason = Some("Resource creation Initiated".to_owned());
        self.engine.settle(logical_id, self.status, reason);
    }
}

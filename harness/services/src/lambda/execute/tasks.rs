//! What runs beside the answers: deployments, invocations, log writers.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::task::JoinSet;

/// Tasks that end with the service.
#[derive(Debug, Default)]
pub(in crate::lambda) struct Tasks {
    /// None once the service was shut down.
    running: Mutex<Option<JoinSet<()>>>,
}

impl Tasks {
    /// No tasks yet.
    pub(in crate::lambda) fn new() -> Self {
        Self { running: Mutex::new(Some(JoinSet::new())) }
    }

    /// Starts a task; after [`Tasks::stop`], drops it.
    pub(in crate::lambda) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.as_mut() {
            while running.try_join_next().is_some() {}
            running.spawn(task);
        }
    }

    /// Ends all tasks, and waits until they are gone.
    pub(in crate::lambda) async fn stop(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut running) = running {
            running.shutdown().await;
        }
    }
}

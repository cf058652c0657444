//! Walking resources in the order of their needs, the independent ones side
//! by side.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::{FuturesUnordered, StreamExt as _};

use crate::cloudformation::template::Graph;

/// How a walk ended.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// What was reached and went well.
    pub(super) done: BTreeSet<String>,
    /// What failed, in the order of failure.
    pub(super) failed: Vec<String>,
    /// What was under way when the first one failed.
    pub(super) cancelled: Vec<String>,
}

/// Runs `step` on every resource once its needs are done. After a failure (or
/// when `stop` is raised) nothing new starts; `cancel` is told what is still
/// under way, and that is awaited, so that nothing it makes is lost.
pub(super) async fn walk<F>(
    graph: &Graph,
    stop: &AtomicBool,
    mut step: impl FnMut(String) -> F,
    mut cancel: impl FnMut(&str),
) -> Walk
where
    F: Future<Output = Result<(), ()>>,
{
    let mut result = Walk::default();
    let mut started: BTreeSet<String> = BTreeSet::new();
    let mut running = FuturesUnordered::new();
    loop {
        if result.failed.is_empty() && !stop.load(Ordering::Relaxed) {
            for name in graph.ready(&result.done) {
                if started.insert(name.clone()) {
                    let future = step(name.clone());
                    running.push(async move { (name, future.await) });
                }
            }
        }
        let Some((name, outcome)) = running.next().await else { return result };
        match outcome {
            Ok(()) => {
                result.done.insert(name);
            }
            Err(()) if result.cancelled.contains(&name) => {}
            Err(()) => {
                let first = result.failed.is_empty();
                result.failed.push(name);
                if first {
                    for name in &started {
                        if !result.done.contains(name) && !result.failed.contains(name) {
                            cancel(name);
                            result.cancelled.push(name.clone());
                        }
                    }
                }
            }
        }
    }
}

/// The same for deletions: one failure does not stop the others, except what
/// must be deleted after it.
pub(super) async fn walk_all<F>(graph: &Graph, mut step: impl FnMut(String) -> F) -> Vec<String>
where
    F: Future<Output = Result<(), ()>>,
{
    let mut done: BTreeSet<String> = BTreeSet::new();
    let mut failed = Vec::new();
    let mut started: BTreeSet<String> = BTreeSet::new();
    let mut running = FuturesUnordered::new();
    loop {
        for name in graph.ready(&done) {
            if started.insert(name.clone()) {
                let future = step(name.clone());
                running.push(async move { (name, future.await) });
            }
        }
        let Some((name, outcome)) = running.next().await else { return failed };
        match outcome {
            Ok(()) => {
                done.insert(name);
            }
            Err(()) => failed.push(name),
        }
    }
}

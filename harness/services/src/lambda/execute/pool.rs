//! Environments between invocations, and how many run at once.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringfence_wire::ServiceError;
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use uuid::Uuid;

use crate::lambda::error::{service, throttled};
use crate::lambda::execute::environment::{Environment, Key};

/// More idle environments than these are not kept: each is a process.
const MOST_IDLE: usize = 16;

/// The environments that wait for an invocation, and the count of those that
/// run one.
#[derive(Debug, Default)]
pub(in crate::lambda) struct Pool {
    state: Mutex<State>,
    /// Told whenever a slot is given back.
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The one that waited longest comes first.
    idle: VecDeque<Environment>,
    running: HashMap<String, u32>,
    closed: bool,
}

/// The right to run one invocation; given back when it goes.
#[derive(Debug)]
pub(in crate::lambda) struct Slot {
    pool: Arc<Pool>,
    function: String,
}

impl Pool {
    /// A slot for an invocation of a function.
    ///
    /// # Errors
    /// `TooManyRequestsException` where the function's reserved concurrency,
    /// or what the account has left for functions without one, is used up.
    pub(in crate::lambda) fn slot(
        self: &Arc<Self>,
        function: &str,
        limits: &Limits,
    ) -> Result<Slot, ServiceError> {
        let mut state = self.lock();
        if state.closed {
            return Err(service("the service is shutting down"));
        }
        let running = state.running.get(function).copied().unwrap_or(0);
        match limits.reserved.get(function) {
            Some(reserved) if running >= *reserved => {
                return Err(throttled("ReservedFunctionConcurrentInvocationLimitExceeded"));
            }
            Some(_) => {}
            None => {
                let unreserved: u32 = state
                    .running
                    .iter()
                    .filter(|(name, _)| !limits.reserved.contains_key(*name))
                    .map(|(_, count)| count)
                    .sum();
                if unreserved >= limits.unreserved {
                    return Err(throttled("ConcurrentInvocationLimitExceeded"));
                }
            }
        }
        state.running.insert(function.to_owned(), running + 1);
        Ok(Slot { pool: Arc::clone(self), function: function.to_owned() })
    }

    /// Waits for the next slot that is given back; counts from this call.
    pub(in crate::lambda) fn freed(&self) -> Notified<'_> {
        self.freed.notified()
    }

    /// A waiting environment, if one can take another invocation: the one that
    /// worked last.
    pub(in crate::lambda) fn take(&self, key: &Key, now: OffsetDateTime) -> Option<Environment> {
        let mut spent = Vec::new();
        let found = {
            let mut state = self.lock();
            loop {
                let Some(index) = state.idle.iter().rposition(|it| it.key == *key) else {
                    break None;
                };
                let Some(mut environment) = state.idle.remove(index) else { break None };
                if environment.is_usable(now) {
                    break Some(environment);
                }
                spent.push(environment);
            }
        };
        drop(spent);
        found
    }

    /// Keeps an environment for the next invocation, where `is_live` says that
    /// its version is still there.
    pub(in crate::lambda) fn keep(&self, environment: Environment, is_live: bool) {
        let mut state = self.lock();
        if state.closed || !is_live {
            drop(state);
            drop(environment);
            return;
        }
        state.idle.push_back(environment);
        let over = if state.idle.len() > MOST_IDLE { state.idle.pop_front() } else { None };
        drop(state);
        drop(over);
    }

    /// Ends the waiting environments of a version.
    pub(in crate::lambda) fn retire(&self, generation: Uuid, version: &str) {
        self.end(|key| key.generation == generation && key.version == version);
    }

    /// Ends the waiting environments of a function.
    pub(in crate::lambda) fn retire_function(&self, function: &str) {
        self.end(|key| key.function == function);
    }

    /// Ends all waiting environments, and takes no more.
    pub(in crate::lambda) fn close(&self) {
        self.lock().closed = true;
        self.end(|_| true);
    }

    fn end(&self, ends: impl Fn(&Key) -> bool) {
        let idle = std::mem::take(&mut self.lock().idle);
        let (ended, kept): (VecDeque<_>, VecDeque<_>) =
            idle.into_iter().partition(|environment| ends(&environment.key));
        let mut state = self.lock();
        let newer = std::mem::replace(&mut state.idle, kept);
        state.idle.extend(newer);
        drop(state);
        drop(ended);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        if let Some(count) = state.running.get_mut(&self.function) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                state.running.remove(&self.function);
            }
        }
        drop(state);
        self.pool.freed.notify_waiters();
    }
}

/// What may run at once.
#[derive(Debug)]
pub(in crate::lambda) struct Limits {
    /// By function.
    pub(in crate::lambda) reserved: HashMap<String, u32>,
    /// For all functions without a reservation together.
    pub(in crate::lambda) unreserved: u32,
}

//! What is known of the account, by name, until a call changes it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringfence_wire::ServiceError;
use tokio::sync::OnceCell;

/// Callers choose the names that are looked up, so their number is bounded.
const CAPACITY: usize = 8_192;

/// Values by name. Concurrent loads of one name are one load; a failed load is
/// not kept.
#[derive(Debug)]
pub(super) struct Cache<T> {
    slots: Mutex<HashMap<String, Arc<OnceCell<T>>>>,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self { slots: Mutex::default() }
    }
}

impl<T: Clone> Cache<T> {
    /// The value of a name, loaded where it is not known.
    ///
    /// A load that began before [`Cache::forget`] fills a slot that nobody
    /// finds any more: it serves those who waited for it, and no later call.
    pub(super) async fn get(
        &self,
        name: &str,
        load: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, ServiceError> {
        let slot = self.slot(name);
        if let Some(value) = slot.get() {
            return Ok(value.clone());
        }
        slot.get_or_try_init(|| load).await.cloned()
    }

    /// Forgets a name.
    pub(super) fn forget(&self, name: &str) {
        self.lock().remove(name);
    }

    /// Forgets the names that begin so.
    pub(super) fn forget_all_of(&self, beginning: &str) {
        self.lock().retain(|name, _| !name.starts_with(beginning));
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn slot(&self, name: &str) -> Arc<OnceCell<T>> {
        let mut slots = self.lock();
        if let Some(slot) = slots.get(name) {
            return Arc::clone(slot);
        }
        if slots.len() >= CAPACITY {
            slots.clear();
        }
        Arc::clone(slots.entry(name.to_owned()).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<OnceCell<T>>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn concurrent_loads_of_one_name_are_one_load() {
        let cache = Cache::<u32>::default();
        let loads = AtomicU32::new(0);
        let load = async || {
            tokio::task::yield_now().await;
            Ok(loads.fetch_add(1, Ordering::SeqCst))
        };
        let all = futures_util::future::join_all((0..10).map(|_| cache.get("a", load()))).await;
        assert!(all.iter().all(|value| *value == Ok(0)));
    }

    #[tokio::test]
    async fn a_failed_load_is_not_kept() {
        let cache = Cache::<u32>::default();
        let error = ServiceError::new(503, "ServiceUnavailable", "no");
        assert_eq!(cache.get("a", async { Err(error.clone()) }).await, Err(error));
        assert_eq!(cache.get("a", async { Ok(1) }).await, Ok(1));
    }

    #[tokio::test]
    async fn a_load_that_began_before_a_change_is_not_kept() {
        let cache = Cache::<u32>::default();
        let early = cache
            .get("a", async {
                cache.forget("a");
                Ok(1)
            })
            .await;
        assert_eq!(early, Ok(1));
        assert_eq!(cache.get("a", async { Ok(2) }).await, Ok(2));
    }
}

//! How many bytes of bodies the guard holds at once, however many connections
//! send them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bodies are counted in pages.
const PAGE: usize = 4096;
/// Bodies of up to this size do not wait behind larger ones: calls that
/// services make for a caller are small, and a caller waits for them.
const SMALL: usize = 8 * 1024 * 1024;
/// For all small bodies together.
const FOR_SMALL: usize = 128 * 1024 * 1024;
/// For all other bodies together; as much as the largest one and some.
const FOR_LARGE: usize = 320 * 1024 * 1024;
/// How long a body waits for others to be done.
const WAIT: Duration = Duration::from_secs(60);

/// The budget.
#[derive(Debug)]
pub(crate) struct Memory {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    wait: Duration,
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Reserved {
    pool: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

/// The budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spent;

impl Default for Memory {
    fn default() -> Self {
        Self {
            small: Arc::new(Semaphore::new(FOR_SMALL / PAGE)),
            large: Arc::new(Semaphore::new(FOR_LARGE / PAGE)),
            wait: WAIT,
        }
    }
}

impl Memory {
    /// Reserves for a body of a known size, and waits for others where it must.
    pub(crate) async fn reserve(&self, bytes: usize) -> Result<Reserved, Spent> {
        let (pool, most) = match bytes {
            0..=SMALL => (&self.small, FOR_SMALL),
            _ => (&self.large, FOR_LARGE),
        };
        let pages = pages(bytes.min(most));
        let acquired = tokio::time::timeout(self.wait, Arc::clone(pool).acquire_many_owned(pages));
        match acquired.await {
            Ok(Ok(permit)) => Ok(Reserved { pool: Arc::clone(pool), permit: Some(permit), bytes }),
            Ok(Err(_)) | Err(_) => Err(Spent),
        }
    }

    /// Begins to reserve for a body of unknown size.
    pub(crate) fn begin(&self) -> Reserved {
        Reserved { pool: Arc::clone(&self.large), permit: None, bytes: 0 }
    }
}

impl Reserved {
    /// Makes room for a body of this size, at once or not at all: two that grow
    /// would wait for each other.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), Spent> {
        let more = pages(bytes).saturating_sub(pages(self.bytes));
        if more > 0 {
            let permit = Arc::clone(&self.pool).try_acquire_many_owned(more).map_err(|_| Spent)?;
            match &mut self.permit {
                Some(own) => own.merge(permit),
                None => self.permit = Some(permit),
            }
        }
        self.bytes = self.bytes.max(bytes);
        Ok(())
    }

    /// The body, which gives its part back when its last clone is dropped.
    pub(crate) fn hold(self, body: Vec<u8>) -> Bytes {
        if body.is_empty() {
            return Bytes::new();
        }
        Bytes::from_owner(Held { body, _reserved: self })
    }
}

struct Held {
    body: Vec<u8>,
    _reserved: Reserved,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

fn pages(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(PAGE)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[tokio::test]
    async fn a_body_gives_back_what_it_took_with_its_last_clone() {
        let memory = Memory::default();
        let all = memory.large.available_permits();
        let body = memory.reserve(200 * MIB).await.unwrap().hold(vec![1]);
        let clone = body.clone();
        drop(body);
        assert_eq!(memory.large.available_permits(), all - 200 * MIB / PAGE);
        drop(clone);
        assert_eq!(memory.large.available_permits(), all);
    }

    #[tokio::test]
    async fn a_second_large_body_waits_for_the_first_and_not_for_ever() {
        let memory = Memory { wait: Duration::from_millis(1), ..Memory::default() };
        let first = memory.reserve(200 * MIB).await.unwrap();
        assert_eq!(memory.reserve(200 * MIB).await.err(), Some(Spent));
        // A small one does not wait.
        assert!(memory.reserve(MIB).await.is_ok());

        let memory = Memory { wait: WAIT, ..memory };
        let mut second = Box::pin(memory.reserve(200 * MIB));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn a_body_of_unknown_size_takes_what_there_is_or_nothing() {
        let memory = Memory::default();
        let mut first = memory.begin();
        first.grow_to(200 * MIB).unwrap();
        let mut second = memory.begin();
        second.grow_to(100 * MIB).unwrap();
        assert_eq!(second.grow_to(121 * MIB), Err(Spent));
        drop(first);
        second.grow_to(121 * MIB).unwrap();
    }
}

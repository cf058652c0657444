//! Answers of authorizers, kept for their time to live.
//!
//! What is kept is the answer, not the decision: a policy is decided anew for each
//! request that meets it
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html#http-api-lambda-authorizer.caching>).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use time::OffsetDateTime;

use super::answer::Answer;

/// The most answers that are kept; beyond, functions are asked again.
const MOST: usize = 10_000;

/// Whose answer it is, and to what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) api_id: String,
    pub(crate) stage: String,
    pub(crate) authorizer_id: String,
    /// The values of the identity sources, in their order.
    pub(crate) identity: Vec<String>,
}

/// The answers that are kept.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<HashMap<Key, (OffsetDateTime, Arc<Answer>)>>);

impl Cache {
    /// An answer that still holds.
    pub(crate) fn get(&self, key: &Key, now: OffsetDateTime) -> Option<Arc<Answer>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).filter(|(end, _)| now < *end).map(|(_, answer)| Arc::clone(answer))
    }

    /// Keeps an answer until a moment.
    pub(crate) fn put(
        &self,
        key: Key,
        answer: &Arc<Answer>,
        end: OffsetDateTime,
        now: OffsetDateTime,
    ) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.retain(|_, (end, _)| now < *end);
        }
        if kept.len() < MOST {
            kept.insert(key, (end, Arc::clone(answer)));
        }
    }

    /// Lets go of answers.
    pub(crate) fn forget(&self, which: impl Fn(&Key) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, _| !which(key));
    }
}

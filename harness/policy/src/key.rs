//! Texts of which there are few, and which stand in each of thousands of requests:
//! the names of condition keys, the places of policies.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// Texts of which one copy serves all.
#[derive(Debug)]
pub struct Shared {
    known: RwLock<Option<HashSet<Arc<str>>>>,
    most: usize,
}

impl Shared {
    /// No text yet, and so many at most: what anybody may choose must not fill the
    /// memory. A text that comes later is a copy of its own.
    pub const fn up_to(most: usize) -> Self {
        Self { known: RwLock::new(None), most }
    }

    /// The one copy of a text.
    pub fn of(&self, text: &str) -> Arc<str> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = known.as_ref().and_then(|known| known.get(text)) {
            return Arc::clone(one);
        }
        drop(known);
        let one: Arc<str> = text.into();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        if known.len() < self.most {
            known.insert(Arc::clone(&one));
        }
        one
    }
}

/// AWS has about two thousand keys; what is more are names of tags.
static KEYS: Shared = Shared::up_to(16_384);

/// A condition key's name in lower case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key(Arc<str>);

impl Key {
    /// The key of a name, which is in lower case already.
    pub(crate) fn of(name: &str) -> Self {
        Self(KEYS.of(name))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_copy_serves_all_up_to_a_limit() {
        let shared = Shared::up_to(1);
        assert!(Arc::ptr_eq(&shared.of("a"), &shared.of("a")));
        assert!(!Arc::ptr_eq(&shared.of("b"), &shared.of("b")));
        assert_eq!(&*shared.of("b"), "b");
    }
}

//! The regions of buckets. A bucket is of the one that it was made in;
//! emulators answer for it in all.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// The regions of the buckets that were made through the guard, by name.
#[derive(Debug, Default)]
pub(crate) struct Regions(RwLock<HashMap<String, String>>);

impl Regions {
    /// The region of a bucket; `None` for one that was made elsewhere.
    pub(crate) fn of(&self, bucket: &str) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(bucket).cloned()
    }

    /// Notes a new bucket.
    pub(crate) fn learn(&self, bucket: &str, region: &str) {
        let mut regions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        regions.insert(bucket.to_owned(), region.to_owned());
    }

    /// Forgets a bucket that is gone: the next of its name may be elsewhere.
    pub(crate) fn forget(&self, bucket: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(bucket);
    }
}

//! Policy documents, parsed once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ringfence_policy::{Document, DocumentError, Kind};

/// More texts than this mean that callers invent them (session policies).
const CAPACITY: usize = 4_096;

/// Parsed documents by use, name and text.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    parsed: Mutex<HashMap<(Kind, String, String), Arc<Document>>>,
}

impl Documents {
    /// The document of a text.
    ///
    /// # Errors
    /// When AWS would not store it.
    pub(crate) fn parse(
        &self,
        name: &str,
        text: &str,
        kind: Kind,
    ) -> Result<Arc<Document>, DocumentError> {
        let key = (kind, name.to_owned(), text.to_owned());
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(document) = parsed.get(&key) {
            return Ok(Arc::clone(document));
        }
        let document = Arc::new(Document::parse(name, text, kind)?);
        if parsed.len() >= CAPACITY {
            parsed.clear();
        }
        parsed.insert(key, Arc::clone(&document));
        Ok(document)
    }
}

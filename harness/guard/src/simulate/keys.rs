//! `GetContextKeysForCustomPolicy` and `GetContextKeysForPrincipalPolicy`: "a
//! list of all of the context keys referenced in the input policies"
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetContextKeysForCustomPolicy.html>).

use serde_json::{Value, json};

use super::source::Source;

/// The keys of several policies, each once, as first written.
pub(super) fn of<'s>(sources: impl Iterator<Item = &'s Source>) -> Vec<&'s str> {
    let mut keys: Vec<&str> = Vec::new();
    for key in sources.flat_map(|source| source.document.context_keys()) {
        if !keys.iter().any(|known| known.eq_ignore_ascii_case(key)) {
            keys.push(key);
        }
    }
    keys
}

/// The answer.
pub(super) fn answer<'s>(sources: impl Iterator<Item = &'s Source>) -> Value {
    json!({"ContextKeyNames": of(sources)})
}

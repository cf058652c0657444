//! How much the expressions of a template may grow to. A template is 1 MB at
//! most (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>),
//! but functions multiply: one that repeats a parameter a thousand times, in a
//! thousand places, would take gigabytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::TemplateError;

/// The most bytes of one value.
const OF_ONE: usize = 1024 * 1024;
/// The most bytes of all values that are seen together.
const OF_ALL: usize = 16 * 1024 * 1024;

/// What was evaluated so far. Its clones count together.
#[derive(Debug, Clone, Default)]
pub(in crate::cloudformation) struct Growth(Arc<AtomicUsize>);

impl Growth {
    /// Counts a value.
    pub(super) fn add(&self, value: &Value) -> Result<(), TemplateError> {
        let size = size(value);
        check(size)?;
        let before = self.0.fetch_add(size, Ordering::Relaxed);
        if before.saturating_add(size) > OF_ALL {
            return Err(TemplateError::new(format!(
                "Template error: the values of the template's functions come to more than {OF_ALL} \
                 bytes"
            )));
        }
        Ok(())
    }
}

/// Refuses a value of more bytes than one may have.
pub(super) fn check(size: usize) -> Result<(), TemplateError> {
    if size > OF_ONE {
        return Err(TemplateError::new(format!(
            "Template error: a function of the template gives a value of more than {OF_ONE} bytes"
        )));
    }
    Ok(())
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.iter().map(|(key, value)| key.len() + size(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_and_all_together_are_bounded() {
        let growth = Growth::default();
        assert!(growth.add(&Value::from("x".repeat(OF_ONE))).is_ok());
        let error = growth.add(&Value::from(vec!["x".repeat(OF_ONE), "x".into()])).unwrap_err();
        assert!(error.to_string().contains("a value of more than 1048576 bytes"), "{error}");
        for _ in 1..16 {
            growth.add(&Value::from("x".repeat(OF_ONE))).unwrap();
        }
        let error = growth.add(&Value::from("x")).unwrap_err();
        assert!(error.to_string().contains("more than 16777216 bytes"), "{error}");
    }
}

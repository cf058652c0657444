//! Session tags
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>).

use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

use super::check;
use crate::credentials::RoleSession;

/// The tags of a new session, and which of them a chained session inherits.
#[derive(Debug, Default)]
pub(super) struct SessionTags {
    pub(super) tags: Vec<(String, String)>,
    pub(super) transitive: Vec<String>,
}

fn invalid(message: &str) -> ServiceError {
    ServiceError::new(400, "InvalidParameterValue", message)
}

impl SessionTags {
    /// The tags that a call passes, over those that its caller's session hands
    /// down.
    pub(super) fn of(call: &Call, chained: Option<&RoleSession>) -> Result<Self, ServiceError> {
        Self::new(given(call)?, transitive_keys(call), chained)
    }

    /// The tags that a call passes which cannot be inherited: a federated user
    /// assumes no role.
    pub(super) fn of_federation(call: &Call) -> Result<Self, ServiceError> {
        Self::new(given(call)?, Vec::new(), None)
    }

    /// Checks tags as AWS does.
    pub(super) fn new(
        tags: Vec<(String, String)>,
        transitive: Vec<String>,
        chained: Option<&RoleSession>,
    ) -> Result<Self, ServiceError> {
        if tags.len() > 50 {
            return Err(check::error(
                "1 validation error detected: Value at 'tags' failed to satisfy constraint: \
                 Member must have length less than or equal to 50",
            ));
        }
        for (key, value) in &tags {
            if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
                return Err(check::error(
                    "1 validation error detected: Value at 'tags' failed to satisfy constraint: \
                     a key has 1 to 128 characters, a value at most 256",
                ));
            }
            // AWS keeps these for itself, in any letter case
            // (https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html).
            if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
                return Err(invalid(
                    "aws: prefixed tag key names are not allowed for external use.",
                ));
            }
            if tags.iter().filter(|(other, _)| other.eq_ignore_ascii_case(key)).count() > 1 {
                return Err(invalid(
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                ));
            }
        }
        for key in &transitive {
            if !tags.iter().any(|(tag, _)| tag.eq_ignore_ascii_case(key)) {
                return Err(invalid(
                    "The specified transitive tag key must be included in the requested tags.",
                ));
            }
        }
        let mut all = Self { tags, transitive };
        if let Some(session) = chained {
            all.inherit(session)?;
        }
        Ok(all)
    }

    fn inherit(&mut self, session: &RoleSession) -> Result<(), ServiceError> {
        for key in &session.transitive_tag_keys {
            if self.tags.iter().any(|(tag, _)| tag.eq_ignore_ascii_case(key)) {
                return Err(invalid(
                    "One of the specified transitive tag keys can't be set because it conflicts \
                     with a transitive tag key from the calling session.",
                ));
            }
            let handed = session.tags.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(key));
            if let Some(tag) = handed {
                self.tags.push(tag.clone());
                self.transitive.push(tag.0.clone());
            }
        }
        Ok(())
    }

    /// How many characters the tags take.
    pub(super) fn length(&self) -> usize {
        self.tags.iter().map(|(key, value)| key.chars().count() + value.chars().count()).sum()
    }
}

fn given(call: &Call) -> Result<Vec<(String, String)>, ServiceError> {
    let Some(tags) = call.input.get("Tags").and_then(Value::as_array) else {
        return Ok(Vec::new());
    };
    tags.iter()
        .map(|tag| {
            let key = tag.get("Key").and_then(Value::as_str);
            let key = key.ok_or_else(|| {
                check::error(
                    "1 validation error detected: Value null at 'tags.1.member.key' failed to \
                     satisfy constraint: Member must not be null",
                )
            })?;
            let value = tag.get("Value").and_then(Value::as_str).unwrap_or_default();
            Ok((key.to_owned(), value.to_owned()))
        })
        .collect()
}

fn transitive_keys(call: &Call) -> Vec<String> {
    let keys = call.input.get("TransitiveTagKeys").and_then(Value::as_array);
    keys.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

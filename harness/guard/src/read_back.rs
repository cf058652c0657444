//! What was written is there: an upstream that takes what a decision rests on and
//! does not keep it fails the call.

use ringfence_wire::{Call, Service, ServiceError};
use serde_json::{Map, Value};

use crate::directory::Directory;
use crate::requirements::state::Told;

/// The tags that a call gave a log group. LocalStack forgets those of a group
/// that was made without any (its `logs/provider.py`, `tag_resource`).
///
/// # Errors
/// `InternalFailure` where the upstream does not have them.
pub(crate) async fn tags(call: &Call, directory: &Directory) -> Result<(), ServiceError> {
    if (call.service(), call.name()) != (Service::Logs, "TagResource") {
        return Ok(());
    }
    let (Some(arn), Some(Value::Object(given))) =
        (call.text("resourceArn"), call.input.get("tags"))
    else {
        return Ok(());
    };
    match directory.resource_tags(&call.region, arn).await? {
        Told::Is(kept) if has_all(&kept, given) => Ok(()),
        _ => Err(ServiceError::new(
            502,
            "InternalFailure",
            format!("the upstream took the tags of {arn} and does not keep them"),
        )),
    }
}

fn has_all(kept: &[(String, String)], given: &Map<String, Value>) -> bool {
    given.iter().all(|(key, value)| {
        kept.iter().any(|(own, tag)| own == key && Some(tag.as_str()) == value.as_str())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_that_was_given_is_kept() {
        let kept = [("team".to_owned(), "a".to_owned()), ("old".to_owned(), "x".to_owned())];
        let has = |given: Value| has_all(&kept, given.as_object().unwrap());
        assert!(has(json!({"team": "a"})) && has(json!({})));
        assert!(!has(json!({"team": "b"})) && !has(json!({"team": "a", "new": "y"})));
    }
}

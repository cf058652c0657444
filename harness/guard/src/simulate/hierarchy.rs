//! `OrderedOrganizationPolicyInputList`: service control policies that a call
//! gives, level by level.
//!
//! "The first element must represent the organization root, and the last element
//! must represent the account"; "Maximum number of 7 items"
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html>).
//! Every level must allow, so that their order changes nothing.

use std::sync::Arc;

use ringfence_policy::{Document, Kind};
use ringfence_wire::ServiceError;
use serde_json::Value;

use super::error::invalid;
use super::input::strings;
use super::source::Source;

const LIST: &str = "OrderedOrganizationPolicyInputList";
const DOCUMENTS: &str = "ServiceControlPolicyInputList";
const MOST: usize = 7;

/// The levels; `None` where the call gives none.
pub(super) fn levels(given: &[Value]) -> Result<Option<Vec<Vec<Arc<Document>>>>, ServiceError> {
    if given.is_empty() {
        return Ok(None);
    }
    if given.len() > MOST {
        return Err(invalid(format!("{LIST} has {} levels: it takes {MOST}", given.len())));
    }
    let numbered = given.iter().enumerate();
    numbered.map(|(place, level)| documents(place + 1, level)).collect::<Result<_, _>>().map(Some)
}

/// The documents of a level. A level without any allows nothing.
fn documents(number: usize, level: &Value) -> Result<Vec<Arc<Document>>, ServiceError> {
    let place = format!("{LIST}.{number}");
    let members = level
        .as_object()
        .ok_or_else(|| invalid(format!("{place} is no level: it needs {DOCUMENTS}")))?;
    if let Some(unknown) = members.keys().find(|name| *name != DOCUMENTS) {
        return Err(invalid(format!("{place} has no member `{unknown}`")));
    }
    let place = format!("{place}.{DOCUMENTS}");
    let texts = members.get(DOCUMENTS).map_or(Ok(Vec::new()), |texts| strings(&place, texts))?;
    let numbered = texts.into_iter().enumerate();
    numbered
        .map(|(index, text)| {
            let id = format!("{place}.{}", index + 1);
            Source::given(id, text, Kind::ServiceControl).map(|source| source.document)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const ALL: &str = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;

    #[test]
    fn levels_hold_their_documents() {
        let given = [json!({DOCUMENTS: [ALL, ALL]}), json!({DOCUMENTS: ""})];
        let levels = levels(&given).unwrap().unwrap();
        assert_eq!(levels.iter().map(Vec::len).collect::<Vec<_>>(), [2, 0]);
        assert!(super::levels(&[]).unwrap().is_none());
    }

    #[rstest]
    #[case(vec![json!({DOCUMENTS: [ALL]}); 8], "OrderedOrganizationPolicyInputList has 8 levels: it takes 7")]
    #[case(vec![json!(ALL)], "OrderedOrganizationPolicyInputList.1 is no level: it needs ServiceControlPolicyInputList")]
    #[case(vec![json!({"Policies": [ALL]})], "OrderedOrganizationPolicyInputList.1 has no member `Policies`")]
    #[case(vec![json!({DOCUMENTS: [ALL, "{}"]})], "Invalid Input OrderedOrganizationPolicyInputList.1.ServiceControlPolicyInputList.2: the document has no `Statement` (line 1, column 1)")]
    fn what_is_no_hierarchy_is_refused(#[case] given: Vec<Value>, #[case] message: &str) {
        let error = levels(&given).unwrap_err();
        assert_eq!((error.code.as_ref(), error.message.as_str()), ("InvalidInput", message));
    }
}

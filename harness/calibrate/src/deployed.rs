//! The policies of a run beside those that an account has.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::account::rewritten;

/// How a policy of the run stands to the account's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "policy", rename_all = "kebab-case")]
pub enum Difference {
    /// Both have it, and it says something else.
    Changed {
        /// Its place: `role/NAME/inline/POLICY`, ….
        place: String,
    },
    /// The run has it alone.
    MissingInAccount {
        /// Its place.
        place: String,
    },
    /// The account has it alone.
    OnlyInAccount {
        /// Its place.
        place: String,
    },
    /// It cannot be read as JSON on one of the sides.
    Unreadable {
        /// Its place.
        place: String,
    },
}

/// Compares documents by their places; both sides name the account's id.
pub fn differences(
    run: &BTreeMap<String, String>,
    account: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let places: BTreeSet<&String> = run.keys().chain(account.keys()).collect();
    places
        .into_iter()
        .filter_map(|place| {
            let place_of = || place.clone();
            match (run.get(place), account.get(place)) {
                (Some(_), None) => Some(Difference::MissingInAccount { place: place_of() }),
                (None, _) => Some(Difference::OnlyInAccount { place: place_of() }),
                (Some(ours), Some(theirs)) => match (canonical(ours), canonical(theirs)) {
                    (Some(ours), Some(theirs)) if ours == theirs => None,
                    (Some(_), Some(_)) => Some(Difference::Changed { place: place_of() }),
                    _ => Some(Difference::Unreadable { place: place_of() }),
                },
            }
        })
        .collect()
}

/// The places and documents of a run under another account's id.
pub fn moved(
    documents: &BTreeMap<String, String>,
    from: &str,
    to: &str,
) -> BTreeMap<String, String> {
    let moved = |text: &String| rewritten(text, from, to);
    documents.iter().map(|(place, text)| (moved(place), moved(text))).collect()
}

/// A document without what makes no difference: the order of members and of
/// lists, and whether one value stands in a list.
fn canonical(text: &str) -> Option<Value> {
    // The engine's own parser refuses what readers take for different things.
    let kind = ringfence_policy::Kind::Identity;
    let as_identity = ringfence_policy::Document::parse("document", text, kind);
    let as_trust =
        || ringfence_policy::Document::parse("document", text, ringfence_policy::Kind::Trust);
    as_identity.or_else(|_| as_trust()).ok()?;
    // serde_json takes this key for an instruction, so that two documents that
    // differ behind it would look alike.
    if text.contains("$serde_json::") {
        return None;
    }
    Some(sorted(serde_json::from_str(text).ok()?))
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<String, Value> =
                members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(sorted.into_iter().collect())
        }
        Value::Array(values) => {
            let mut values: Vec<Value> = values.into_iter().map(sorted).collect();
            values.sort_by_key(Value::to_string);
            match values.len() {
                1 => values.remove(0),
                _ => Value::Array(values),
            }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/*"}]}"#;
    const SAME: &str = r#"{"Statement":{"Action":["s3:PutObject","s3:GetObject"],"Resource":["arn:aws:s3:::b/*"],"Effect":"Allow"},"Version":"2012-10-17"}"#;
    const OTHER: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}"#;

    fn at(places: &[(&str, &str)]) -> BTreeMap<String, String> {
        places.iter().map(|(place, text)| ((*place).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn the_same_policy_written_otherwise_is_no_difference() {
        assert_eq!(
            differences(&at(&[("role/r/inline/p", A)]), &at(&[("role/r/inline/p", SAME)])),
            []
        );
    }

    #[test]
    fn what_differs_is_named_by_its_place() {
        let run = at(&[("role/r/inline/a", A), ("role/r/inline/b", A)]);
        let account = at(&[("role/r/inline/a", OTHER), ("role/r/inline/c", A)]);
        assert_eq!(
            differences(&run, &account),
            [
                Difference::Changed { place: "role/r/inline/a".to_owned() },
                Difference::MissingInAccount { place: "role/r/inline/b".to_owned() },
                Difference::OnlyInAccount { place: "role/r/inline/c".to_owned() },
            ]
        );
    }

    #[test]
    fn a_document_that_readers_take_for_different_things_is_no_agreement() {
        let twice = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        let at = at(&[("role/r/inline/a", twice)]);
        let unreadable = Difference::Unreadable { place: "role/r/inline/a".to_owned() };
        assert_eq!(differences(&at, &at), [unreadable]);
    }

    #[test]
    fn places_and_documents_move_to_another_account() {
        let run = at(&[("role/r/attached/arn:aws:iam::123456789012:policy/p", A)]);
        let moved = moved(&run, "123456789012", "999999999999");
        assert!(moved.contains_key("role/r/attached/arn:aws:iam::999999999999:policy/p"));
    }
}

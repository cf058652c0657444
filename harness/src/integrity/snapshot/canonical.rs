//! Values of which equal content is equal.

use serde_json::{Map, Value};

/// A value with its members in order, its lists as the sets that they are, and
/// the JSON in its texts read: the order in which a service tells things, and
/// the spelling of a document, are no content.
pub(in crate::integrity) fn canonical(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> =
                members.into_iter().map(|(name, value)| (name, canonical(value))).collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(Map::from_iter(members))
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(canonical).collect();
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        Value::String(text) => document(&text).map_or(Value::String(text), canonical),
        other => other,
    }
}

/// The JSON object that a text is, as it stands or percent-encoded, as IAM shows
/// its documents.
fn document(text: &str) -> Option<Value> {
    let read = |text: &str| {
        let text = text.trim();
        let whole = text.starts_with('{') && text.ends_with('}');
        whole.then(|| serde_json::from_str::<Value>(text).ok()).flatten()
    };
    read(text).or_else(|| {
        let encoded = text.trim_start().starts_with("%7B") || text.starts_with("%7b");
        encoded.then(|| {
            let decoded = percent_encoding::percent_decode_str(text).decode_utf8().ok()?;
            read(&decoded)
        })?
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[rstest::rstest]
    #[case::order_of_members(json!({"b": 1, "a": 2}), json!({"a": 2, "b": 1}))]
    #[case::order_of_items(json!({"Tags": [{"Key": "b"}, {"Key": "a"}]}), json!({"Tags": [{"Key": "a"}, {"Key": "b"}]}))]
    #[case::spelling_of_a_document(json!("{ \"Version\" : \"x\" }"), json!("{\"Version\":\"x\"}"))]
    #[case::encoded_document(json!("%7B%22Version%22%3A%20%22x%22%7D"), json!("{\"Version\":\"x\"}"))]
    fn equal_content_has_equal_bytes(#[case] one: Value, #[case] other: Value) {
        assert_eq!(canonical(one).to_string(), canonical(other).to_string());
    }

    #[rstest::rstest]
    #[case(json!({"a": 1}), json!({"a": 2}))]
    #[case(json!({"a": 1}), json!({}))]
    #[case(json!(["a"]), json!(["a", "a"]))]
    #[case(json!("{not json}"), json!("{not json }"))]
    #[case(json!(""), json!(null))]
    fn other_content_has_other_bytes(#[case] one: Value, #[case] other: Value) {
        assert_ne!(canonical(one).to_string(), canonical(other).to_string());
    }
}

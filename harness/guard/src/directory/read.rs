//! Reading what IAM and others answer.

use serde_json::Value;

use crate::requirements::state::Tags;

/// A text member; nothing where it is missing or empty.
pub(super) fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member)?.as_str().filter(|text| !text.is_empty())
}

/// The elements of a list member.
pub(super) fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A list of tags: `Key` and `Value`, in either case.
pub(super) fn tags(value: &Value, member: &str) -> Tags {
    list(value, member)
        .iter()
        .filter_map(|tag| {
            let key = text(tag, "Key").or_else(|| text(tag, "key"))?;
            let value = text(tag, "Value").or_else(|| text(tag, "value")).unwrap_or_default();
            Some((key.to_owned(), value.to_owned()))
        })
        .collect()
}

/// A policy document as IAM answers it: URL-encoded (RFC 3986), which some
/// emulators leave out.
pub(super) fn document(text: &str) -> String {
    if text.trim_start().starts_with('{') {
        return text.to_owned();
    }
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_encoded_and_plain() {
        assert_eq!(document("%7B%22Version%22%3A%20%221%2B1%22%7D"), r#"{"Version": "1+1"}"#);
        assert_eq!(document(r#"{"a": "%7B"}"#), r#"{"a": "%7B"}"#);
    }

    #[test]
    fn tags_keep_their_order_and_empty_values() {
        let value = serde_json::json!({"Tags": [
            {"Key": "b", "Value": "1"}, {"Key": "a", "Value": ""},
        ]});
        assert_eq!(tags(&value, "Tags"), [("b".into(), "1".into()), ("a".into(), String::new())]);
        assert!(tags(&serde_json::json!({"Tags": ""}), "Tags").is_empty());
    }
}

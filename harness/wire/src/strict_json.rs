//! JSON whose objects name each key once. Two readers that disagree on which
//! of two equal keys counts would disagree on what a request asks for.

use ringfence_text::json::{Dialect, Numbers, read_bytes};
use ringfence_text::{Bounds, Repeats};
use serde_json::Value;

/// A body's length is bounded where it arrives.
const REQUEST: Dialect = Dialect {
    repeats: Repeats::Refused,
    numbers: Numbers::Doubles,
    bounds: Bounds { depth: 127, bytes: usize::MAX },
};

/// Why a body is not such JSON.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct JsonError(String);

/// Reads a value; a repeated key is an error.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    match read_bytes(bytes, &REQUEST) {
        Ok(document) => Ok(document.root.into_json()),
        Err(error) => {
            let text = String::from_utf8_lossy(bytes);
            let error = error.placed(&text);
            Err(JsonError(format!("{error}, at {}", error.at)))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_read_as_they_are() {
        let value = parse(br#"{"a":[1,-2,1.5,true,null,"x\n"],"b":{"c":{}}}"#).unwrap();
        assert_eq!(value, json!({"a": [1, -2, 1.5, true, null, "x\n"], "b": {"c": {}}}));
    }

    #[test]
    fn a_repeated_key_is_refused_at_any_depth() {
        let error = parse(br#"{"a":[{"b":1,"\u0062":2}]}"#).unwrap_err().to_string();
        assert_eq!(error, "`b` stands twice in the same object, at line 1, column 14");
    }

    #[test]
    fn anything_after_the_value_is_refused() {
        let error = parse(b"{} {}").unwrap_err().to_string();
        assert_eq!(error, "text after the end of the document, at line 1, column 4");
    }
}

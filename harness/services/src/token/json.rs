//! JSON that refuses a member that occurs twice, at any depth.
//!
//! Parsers differ in which of two members they take, so a token with two
//! `aud` can mean one thing to the issuer and another to whoever checks it
//! (RFC 7519, section 4, lets a reader refuse it).

use ringfence_text::json::{Dialect, Numbers, read_bytes};
use ringfence_text::{Bounds, Fault, Repeats};
use serde_json::{Map, Value};

use super::TokenError;

/// A token's length is bounded where it arrives.
const TOKEN: Dialect = Dialect {
    repeats: Repeats::Refused,
    numbers: Numbers::Doubles,
    bounds: Bounds { depth: 127, bytes: usize::MAX },
};

/// Reads an object.
pub(super) fn object(text: &[u8], what: &'static str) -> Result<Map<String, Value>, TokenError> {
    match read_bytes(text, &TOKEN) {
        Ok(document) => match document.root.into_json() {
            Value::Object(members) => Ok(members),
            _ => Err(TokenError::Malformed(what)),
        },
        Err(error) => match error.fault {
            Fault::Repeated(name) => Err(TokenError::DuplicateClaim(name)),
            _ => Err(TokenError::Malformed(what)),
        },
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(r#"{"a":1,"b":2}"#, Ok(json!({"a": 1, "b": 2})))]
    #[case(r#"{"a":{"x":[1.5,null,true]},"b":{"x":-1}}"#, Ok(json!({"a": {"x": [1.5, null, true]}, "b": {"x": -1}})))]
    #[case(r#"{"a":1,"a":1}"#, Err(TokenError::DuplicateClaim("a".into())))]
    #[case(r#"{"a":1,"\u0061":2}"#, Err(TokenError::DuplicateClaim("a".into())))]
    #[case(r#"{"a":[{"b":1,"b":2}]}"#, Err(TokenError::DuplicateClaim("b".into())))]
    #[case(r#"{"a":1} x"#, Err(TokenError::Malformed("it")))]
    #[case("[]", Err(TokenError::Malformed("it")))]
    #[case("", Err(TokenError::Malformed("it")))]
    fn an_object_has_each_member_once(
        #[case] text: &str,
        #[case] expected: Result<Value, TokenError>,
    ) {
        assert_eq!(object(text.as_bytes(), "it").map(Value::Object), expected);
    }
}

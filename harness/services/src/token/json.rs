//! JSON that refuses a member that occurs twice, at any depth.
//!
//! Parsers differ in which of two members they take, so a token with two
//! `aud` can mean one thing to the issuer and another to whoever checks it
//! (RFC 7519, section 4, lets a reader refuse it).

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::TokenError;

/// Reads an object.
pub(super) fn object(text: &[u8], what: &'static str) -> Result<Map<String, Value>, TokenError> {
    let duplicate = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict(&duplicate).deserialize(&mut reader).and_then(|value| {
        reader.end()?;
        Ok(value)
    });
    if let Some(name) = duplicate.into_inner() {
        return Err(TokenError::DuplicateClaim(name));
    }
    match value {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(TokenError::Malformed(what)),
    }
}

/// Reads a value; remembers the first name that occurred twice.
#[derive(Clone, Copy)]
struct Strict<'a>(&'a RefCell<Option<String>>);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self)?;
            if object.contains_key(&name) {
                self.0.borrow_mut().get_or_insert(name);
                return Err(A::Error::custom("a member occurs twice"));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
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

//! Templates in JSON. Of a key that stands twice the last value counts, as on
//! AWS (<https://github.com/aws-cloudformation/cfn-language-discussion/issues/96>).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::TemplateError;

/// Reads a JSON template.
pub(super) fn parse(text: &str) -> Result<Value, TemplateError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // AWS gives the place behind the character at fault (LocalStack's recorded
    // `test_validate_invalid_json_template_should_fail`).
    let fail = |cause: serde_json::Error| {
        TemplateError::new(format!(
            "Template format error: JSON not well-formed. (line {}, column {})",
            cause.line(),
            cause.column() + 1
        ))
    };
    let value = Tree.deserialize(&mut deserializer).map_err(fail)?;
    deserializer.end().map_err(fail)?;
    Ok(value)
}

struct Tree;

impl<'de> DeserializeSeed<'de> for Tree {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(Tree)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(Tree)?;
            members.insert(key, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn of_a_key_that_stands_twice_the_last_value_counts() {
        assert_eq!(
            parse(r#"{"a": 1, "b": 2, "a": {"c": 3, "c": 4}}"#),
            Ok(json!({"a": {"c": 4}, "b": 2}))
        );
    }
}

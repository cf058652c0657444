//! Members of a call's input, as the types that they should have.

use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

/// A number, also where it travelled as text.
///
/// # Errors
/// `SerializationException` for what is no whole number.
pub(in crate::lambda) fn integer(call: &Call, member: &str) -> Result<Option<i64>, ServiceError> {
    match call.input.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| wrong_type(member)),
        Some(value) => value.as_i64().map(Some).ok_or_else(|| wrong_type(member)),
    }
}

/// A list of texts.
///
/// # Errors
/// `SerializationException` for anything else.
pub(in crate::lambda) fn texts(
    value: Option<&Value>,
    member: &str,
) -> Result<Vec<String>, ServiceError> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        // One value in a query string.
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| wrong_type(member)))
            .collect(),
        Some(_) => Err(wrong_type(member)),
    }
}

/// A map of texts, in its order.
///
/// # Errors
/// `SerializationException` for anything else.
pub(in crate::lambda) fn text_map(
    value: Option<&Value>,
    member: &str,
) -> Result<Option<Vec<(String, String)>>, ServiceError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(name, value)| {
                let value = value.as_str().ok_or_else(|| wrong_type(member))?;
                Ok((name.clone(), value.to_owned()))
            })
            .collect::<Result<_, _>>()
            .map(Some),
        Some(_) => Err(wrong_type(member)),
    }
}

fn wrong_type(member: &str) -> ServiceError {
    ServiceError::new(400, "SerializationException", format!("unexpected type of `{member}`"))
}

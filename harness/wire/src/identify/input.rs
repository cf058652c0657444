//! Values of the input, by their types in the model.

use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::operation::{Kind, Location, Member, Operation};

/// A member's value from text: a label, a query parameter, a header or a
/// field of a form.
pub(super) fn from_text(member: &Member, text: String) -> Result<Value, Refusal> {
    match member.kind {
        Kind::Boolean => match text.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(wrong_type(member, &text, "`true` or `false`")),
        },
        Kind::Integer | Kind::Long => text
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| wrong_type(member, &text, "a whole number")),
        Kind::Float | Kind::Double => text
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(Value::from)
            .ok_or_else(|| wrong_type(member, &text, "a number")),
        Kind::String | Kind::Timestamp | Kind::Blob => Ok(Value::String(text)),
        Kind::List | Kind::Map | Kind::Structure => {
            Err(wrong_type(member, &text, "a list, map or structure"))
        }
    }
}

/// A member's value from JSON or XML, checked at its top level.
pub(super) fn checked(member: &Member, value: Value) -> Result<Value, Refusal> {
    let expected = match member.kind {
        Kind::Boolean if !value.is_boolean() => "a boolean",
        Kind::Integer | Kind::Long if !value.is_number() => "a number",
        // JSON writes what is no number as a text
        // (https://smithy.io/2.0/spec/protocol-traits.html).
        Kind::Float | Kind::Double
            if !value.is_number()
                && !matches!(value.as_str(), Some("NaN" | "Infinity" | "-Infinity")) =>
        {
            "a number"
        }
        Kind::String | Kind::Blob if !value.is_string() => "a string",
        Kind::Timestamp if !value.is_string() && !value.is_number() => "a timestamp",
        Kind::List if !value.is_array() => "a list",
        Kind::Map | Kind::Structure if !value.is_object() => "an object",
        _ => return Ok(value),
    };
    Err(Refusal::Request(format!("the member `{}` is not {expected}", member.name)))
}

fn wrong_type(member: &Member, text: &str, expected: &str) -> Refusal {
    Refusal::Input(format!("the member `{}` is `{text}`, not {expected}", member.name))
}

/// Members that come as a JSON object, by their wire names. Null is absence,
/// as in AWS's JSON protocols.
pub(super) fn from_object(
    operation: &Operation,
    object: Map<String, Value>,
    input: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    for (name, value) in object {
        let member = operation
            .members_in(Location::Body)
            .find(|member| member.wire == name)
            .ok_or_else(|| unknown(operation, "member", &name))?;
        if !value.is_null() {
            input.insert(member.name.to_owned(), checked(member, value)?);
        }
    }
    Ok(())
}

/// A part of the request that the operation does not have: an upstream that
/// knows it would act on what was never authorized.
pub(super) fn unknown(operation: &Operation, what: &str, name: &str) -> Refusal {
    Refusal::Input(format!("{} has no {what} `{name}`", operation.name))
}

/// Refuses an input that lacks what the model requires.
pub(super) fn check_required(
    operation: &Operation,
    input: &Map<String, Value>,
    has_payload: bool,
) -> Result<(), Refusal> {
    let missing = operation.members.iter().find(|member| {
        member.required
            && !input.contains_key(member.name)
            && !(member.location == Location::Payload && has_payload)
    });
    missing.map_or(Ok(()), |member| Err(Refusal::missing(member.name)))
}

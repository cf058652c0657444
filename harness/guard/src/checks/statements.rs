//! Reading the statements of a policy, beside the engine.

use ringfence_policy::json;
use serde_json::Value;

/// The statements of a document that can be read.
pub(crate) fn statements(text: &str) -> Vec<Value> {
    let policy = json::parse(text).map(value).unwrap_or_default();
    one_or_many(policy.get("Statement")).cloned().collect()
}

/// As the engine reads it: to serde_json a key may be an instruction of its own
/// (`$serde_json::private::RawValue`), behind which another condition could hide.
pub(crate) fn value(node: json::Node) -> Value {
    match node.value {
        json::Value::Null => Value::Null,
        json::Value::Bool(value) => value.into(),
        json::Value::Number(text) => text.parse().map_or(Value::String(text), Value::Number),
        json::Value::String(text) => text.into(),
        json::Value::Array(items) => items.into_iter().map(value).collect(),
        json::Value::Object(members) => {
            members.into_iter().map(|member| (member.key, value(member.value))).collect()
        }
    }
}

/// The elements of an array, or the one value that stands for an array of one.
pub(crate) fn one_or_many(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    match value {
        Some(Value::Array(values)) => values.iter(),
        Some(value) => std::slice::from_ref(value).iter(),
        None => [].iter(),
    }
}

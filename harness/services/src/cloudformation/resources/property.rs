//! Properties: their types, and which of them replace the resource.

use serde_json::{Map, Value};

use super::ResourceType;

/// The type of a property.
#[derive(Debug, Clone, Copy)]
pub(in crate::cloudformation) enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    /// A JSON document, or its text.
    Document,
    List(&'static Kind),
    /// Free keys.
    Map(&'static Kind),
    /// These members and no others.
    Object(&'static [(&'static str, Kind)]),
    /// `[{Key, Value}]`.
    Tags,
}

/// What a changed property does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cloudformation) enum Update {
    InPlace,
    /// `createOnlyProperties` of the schema.
    Replacement,
}

/// A property of a resource type.
#[derive(Debug, Clone, Copy)]
pub(in crate::cloudformation) struct Property {
    pub(in crate::cloudformation) name: &'static str,
    pub(in crate::cloudformation) kind: Kind,
    pub(in crate::cloudformation) update: Update,
    pub(in crate::cloudformation) required: bool,
}

impl Property {
    pub(super) const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, update: Update::InPlace, required: false }
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn replaces(mut self) -> Self {
        self.update = Update::Replacement;
        self
    }
}

const TAG: Kind = Kind::Object(&[("Key", Kind::Text), ("Value", Kind::Text)]);

/// Checks properties against their type and gives every value the type that
/// the service wants, as CloudFormation does (`"30"` for a number, …).
///
/// # Errors
/// The reason that AWS gives for the resource.
pub(in crate::cloudformation) fn check(
    resource_type: &dyn ResourceType,
    logical_id: &str,
    properties: &Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let declared = resource_type.properties();
    let mut faults = Vec::new();
    let mut checked = Map::new();
    for property in declared.iter().filter(|property| property.required) {
        if !properties.contains_key(property.name) {
            faults.push(format!("#: required key [{}] not found", property.name));
        }
    }
    for (name, value) in properties {
        match declared.iter().find(|property| property.name == name) {
            Some(property) => {
                match shape(&property.kind, value, &format!("#/{name}"), &mut faults) {
                    Some(value) => {
                        checked.insert(name.clone(), value);
                    }
                    None => continue,
                }
            }
            None if resource_type.unsupported().contains(&name.as_str()) => {
                faults.push(format!(
                    "#: the property [{name}] is not supported by Ringfence's CloudFormation"
                ));
            }
            None => faults.push(format!("#: extraneous key [{name}] is not permitted")),
        }
    }
    if faults.is_empty() {
        return Ok(checked);
    }
    Err(format!(
        "Properties validation failed for resource {logical_id} with message:\n[{}]",
        faults.join(", ")
    ))
}

fn shape(kind: &Kind, value: &Value, place: &str, faults: &mut Vec<String>) -> Option<Value> {
    let mut wrong = |expected: &str| {
        faults.push(format!("{place}: expected type: {expected}, found: {}", found(value)));
        None
    };
    match kind {
        Kind::Text => match value {
            Value::String(_) => Some(value.clone()),
            Value::Number(number) => Some(number.to_string().into()),
            Value::Bool(flag) => Some(flag.to_string().into()),
            _ => wrong("String"),
        },
        Kind::Integer => match value {
            Value::Number(number) if number.is_i64() => Some(value.clone()),
            Value::String(text) => match text.parse::<i64>() {
                Ok(number) => Some(number.into()),
                Err(_) => wrong("Integer"),
            },
            _ => wrong("Integer"),
        },
        Kind::Number => match value {
            Value::Number(_) => Some(value.clone()),
            Value::String(text) => match text.parse::<f64>() {
                Ok(number) => Some(number.into()),
                Err(_) => wrong("Number"),
            },
            _ => wrong("Number"),
        },
        Kind::Boolean => match value {
            Value::Bool(_) => Some(value.clone()),
            Value::String(text) => match text.as_str() {
                "true" => Some(true.into()),
                "false" => Some(false.into()),
                _ => wrong("Boolean"),
            },
            _ => wrong("Boolean"),
        },
        Kind::Document => match value {
            Value::String(_) | Value::Object(_) => Some(value.clone()),
            _ => wrong("JSONObject"),
        },
        Kind::List(item) => match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, value)| shape(item, value, &format!("{place}/{index}"), faults))
                .collect::<Option<Vec<_>>>()
                .map(Value::Array),
            // CloudFormation takes a lone scalar for a list of one.
            Value::String(_) | Value::Number(_) => {
                shape(item, value, place, faults).map(|value| Value::Array(vec![value]))
            }
            _ => wrong("JSONArray"),
        },
        Kind::Map(item) => match value {
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| {
                    Some((key.clone(), shape(item, value, &format!("{place}/{key}"), faults)?))
                })
                .collect::<Option<Map<_, _>>>()
                .map(Value::Object),
            _ => wrong("JSONObject"),
        },
        Kind::Object(members) => match value {
            Value::Object(map) => {
                let mut shaped = Map::new();
                for (key, value) in map {
                    match members.iter().find(|(name, _)| name == key) {
                        Some((_, kind)) => {
                            let value = shape(kind, value, &format!("{place}/{key}"), faults)?;
                            shaped.insert(key.clone(), value);
                        }
                        None => {
                            faults
                                .push(format!("{place}: extraneous key [{key}] is not permitted"));
                            return None;
                        }
                    }
                }
                Some(Value::Object(shaped))
            }
            _ => wrong("JSONObject"),
        },
        Kind::Tags => shape(&Kind::List(&TAG), value, place, faults),
    }
}

fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "JSONArray",
        Value::Object(_) => "JSONObject",
    }
}

/// The properties in which two versions of a resource differ.
pub(in crate::cloudformation) fn changed(
    resource_type: &dyn ResourceType,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
) -> Vec<&'static Property> {
    resource_type
        .properties()
        .iter()
        .filter(|property| old.get(property.name) != new.get(property.name))
        .collect()
}

//! Properties: their types, and which of them replace the resource.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use ringfence_models::types::{Shape, Type};
use serde_json::{Map, Value};

use super::described::{self, Described};
use super::published::has_property;
use super::{ResourceType, written};

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
    /// Whatever is given.
    Any,
    /// A shape of a type's schema.
    Schema(&'static Type, &'static Shape),
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
    kind: &str,
    logical_id: &str,
    properties: &Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let checker = Checker::new(kind, None);
    checker.check(resource_type, logical_id, properties)
}

/// The same before anything is made: a value that is `unknown` has every type.
pub(in crate::cloudformation) fn preview(
    resource_type: &dyn ResourceType,
    kind: &str,
    logical_id: &str,
    properties: &Map<String, Value>,
    unknown: &str,
) -> Result<Map<String, Value>, String> {
    let checker = Checker::new(kind, Some(unknown));
    checker.check(resource_type, logical_id, properties)
}

/// What is wrong with properties, as [`preview`] tells it: each fault by itself.
pub(in crate::cloudformation) fn faults(
    kind: &str,
    properties: &Map<String, Value>,
    unknown: &str,
) -> Vec<String> {
    let Some(resource_type) = super::find(kind) else { return Vec::new() };
    let mut checker = Checker::new(kind, Some(unknown));
    checker.checked(resource_type, properties);
    checker.faults
}

/// Where a value is: `#/Layers/0`, and the names alone.
struct Place<'a> {
    path: Vec<&'a str>,
    text: String,
}

impl<'a> Place<'a> {
    fn member(&self, name: &'a str) -> Self {
        let path = self.path.iter().copied().chain([name]).collect();
        Self { path, text: format!("{}/{name}", self.text) }
    }

    fn item(&self, index: usize) -> Self {
        Self { path: self.path.clone(), text: format!("{}/{index}", self.text) }
    }
}

struct Checker<'k> {
    /// The resource type.
    kind: &'k str,
    /// The type's description, where it is data.
    described: Option<&'static Described>,
    /// The text that stands for a value that is not known yet.
    unknown: Option<&'k str>,
    faults: Vec<String>,
}

impl<'k> Checker<'k> {
    fn new(kind: &'k str, unknown: Option<&'k str>) -> Self {
        let described = if written(kind) { None } else { described::find(kind) };
        Self { kind, described, unknown, faults: Vec::new() }
    }

    /// Whether the description has no place for a member of a value.
    fn refuses(&self, place: &Place<'_>, key: &str) -> bool {
        self.described.is_some_and(|of| {
            let path: Vec<&str> = place.path.iter().copied().chain([key]).collect();
            of.refuses(&path)
        })
    }

    fn check(
        mut self,
        resource_type: &dyn ResourceType,
        logical_id: &str,
        properties: &Map<String, Value>,
    ) -> Result<Map<String, Value>, String> {
        let checked = self.checked(resource_type, properties);
        if self.faults.is_empty() {
            return Ok(checked);
        }
        Err(format!(
            "Properties validation failed for resource {logical_id} with message:\n[{}]",
            self.faults.join(", ")
        ))
    }

    fn checked(
        &mut self,
        resource_type: &dyn ResourceType,
        properties: &Map<String, Value>,
    ) -> Map<String, Value> {
        let declared = all(resource_type, [properties]);
        for property in declared.iter().filter(|property| property.required) {
            if !properties.contains_key(property.name) {
                self.faults.push(format!("#: required key [{}] not found", property.name));
            }
        }
        let mut checked = Map::new();
        for (name, value) in properties {
            let top = Place { path: Vec::new(), text: "#".to_owned() };
            let known = declared.iter().find(|property| property.name == name);
            match known.filter(|_| !self.refuses(&top, name)) {
                Some(property) => {
                    let place = Place { path: vec![name], text: format!("#/{name}") };
                    if let Some(value) = self.shape(&property.kind, value, &place) {
                        checked.insert(name.clone(), value);
                    }
                }
                None => self.extraneous(&top, name),
            }
        }
        checked
    }

    /// A key that is not taken: AWS's words where AWS has no such property.
    fn extraneous(&mut self, place: &Place<'_>, key: &str) {
        let path: Vec<&str> = place.path.iter().copied().chain([key]).collect();
        let place = &place.text;
        self.faults.push(match has_property(self.kind, &path) {
            true => format!(
                "{place}: the property [{key}] is not supported by Ringfence's CloudFormation"
            ),
            false => format!("{place}: extraneous key [{key}] is not permitted"),
        });
    }

    fn wrong(&mut self, place: &Place<'_>, expected: &str, value: &Value) -> Option<Value> {
        let (place, found) = (&place.text, found(value));
        self.faults.push(format!("{place}: expected type: {expected}, found: {found}"));
        None
    }

    fn shape(&mut self, kind: &Kind, value: &Value, place: &Place<'_>) -> Option<Value> {
        if self.unknown.is_some() && value.as_str() == self.unknown {
            return Some(value.clone());
        }
        match kind {
            Kind::Text => match value {
                Value::String(_) => Some(value.clone()),
                Value::Number(number) => Some(number.to_string().into()),
                Value::Bool(flag) => Some(flag.to_string().into()),
                _ => self.wrong(place, "String", value),
            },
            Kind::Integer => match value {
                Value::Number(number) if number.is_i64() => Some(value.clone()),
                Value::String(text) if text.parse::<i64>().is_ok() => {
                    text.parse::<i64>().ok().map(Value::from)
                }
                _ => self.wrong(place, "Integer", value),
            },
            Kind::Number => match value {
                Value::Number(_) => Some(value.clone()),
                Value::String(text) if text.parse::<f64>().is_ok() => {
                    text.parse::<f64>().ok().map(Value::from)
                }
                _ => self.wrong(place, "Number", value),
            },
            Kind::Boolean => match value {
                Value::Bool(_) => Some(value.clone()),
                // AWS's own templates write `True` too.
                Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true.into()),
                Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false.into()),
                _ => self.wrong(place, "Boolean", value),
            },
            Kind::Document => match value {
                Value::String(_) | Value::Object(_) => Some(value.clone()),
                _ => self.wrong(place, "JSONObject", value),
            },
            Kind::List(item) => match value {
                Value::Array(items) => items
                    .iter()
                    .enumerate()
                    .map(|(index, value)| self.shape(item, value, &place.item(index)))
                    .collect::<Option<Vec<_>>>()
                    .map(Value::Array),
                // CloudFormation takes a lone scalar for a list of one.
                Value::String(_) | Value::Number(_) => {
                    self.shape(item, value, place).map(|value| Value::Array(vec![value]))
                }
                _ => self.wrong(place, "JSONArray", value),
            },
            Kind::Map(item) => self.members(value, place, |_| Some(**item)),
            Kind::Object(members) => self.members(value, place, |key| {
                members.iter().find(|(name, _)| *name == key).map(|(_, kind)| *kind)
            }),
            Kind::Any => Some(value.clone()),
            Kind::Tags => self.shape(&Kind::List(&TAG), value, place),
            Kind::Schema(of, shape) => self.schema(of, shape, value, place),
        }
    }

    /// A value of a type's schema.
    fn schema(
        &mut self,
        of: &'static Type,
        shape: &'static Shape,
        value: &Value,
        place: &Place<'_>,
    ) -> Option<Value> {
        if self.unknown.is_some() && value.as_str() == self.unknown {
            return Some(value.clone());
        }
        match of.resolve(shape) {
            Shape::Text => self.shape(&Kind::Text, value, place),
            Shape::Integer => self.shape(&Kind::Integer, value, place),
            Shape::Number => self.shape(&Kind::Number, value, place),
            Shape::Boolean => self.shape(&Kind::Boolean, value, place),
            Shape::Json => Some(value.clone()),
            Shape::List(item) => match value {
                Value::Array(items) => items
                    .iter()
                    .enumerate()
                    .map(|(index, value)| self.schema(of, item, value, &place.item(index)))
                    .collect::<Option<Vec<_>>>()
                    .map(Value::Array),
                Value::String(_) | Value::Number(_) => {
                    self.schema(of, item, value, place).map(|value| Value::Array(vec![value]))
                }
                _ => self.wrong(place, "JSONArray", value),
            },
            Shape::Map(item) => self.members(value, place, |_| Some(Kind::Schema(of, item))),
            Shape::Object { members, required } => {
                if let Value::Object(map) = value {
                    for name in required.iter().filter(|name| !map.contains_key(**name)) {
                        let place = &place.text;
                        self.faults.push(format!("{place}: required key [{name}] not found"));
                    }
                }
                self.members(value, place, |key| {
                    members.get(key).map(|shape| Kind::Schema(of, shape))
                })
            }
            Shape::Definition(_) => Some(value.clone()),
        }
    }

    /// An object whose members have these kinds; none is not taken.
    fn members(
        &mut self,
        value: &Value,
        place: &Place<'_>,
        kind: impl Fn(&str) -> Option<Kind>,
    ) -> Option<Value> {
        let Value::Object(map) = value else { return self.wrong(place, "JSONObject", value) };
        let mut shaped = Map::new();
        let mut good = true;
        for (key, value) in map {
            let shape = match kind(key).filter(|_| !self.refuses(place, key)) {
                Some(kind) => self.shape(&kind, value, &place.member(key)),
                None => {
                    self.extraneous(place, key);
                    None
                }
            };
            match shape {
                Some(value) => drop(shaped.insert(key.clone(), value)),
                None => good = false,
            }
        }
        good.then_some(Value::Object(shaped))
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
    all(resource_type, [old, new])
        .into_iter()
        .filter(|property| old.get(property.name) != new.get(property.name))
        .collect()
}

/// The properties that a type declares and, where it takes any, those that
/// resources of it have.
pub(in crate::cloudformation) fn all<'p>(
    resource_type: &dyn ResourceType,
    given: impl IntoIterator<Item = &'p Map<String, Value>>,
) -> Vec<&'static Property> {
    let mut all: Vec<&'static Property> = resource_type.properties().iter().collect();
    if resource_type.is_open() {
        for name in given.into_iter().flat_map(Map::keys) {
            if !all.iter().any(|property| property.name == name) {
                all.push(any(name));
            }
        }
    }
    all
}

/// A property of a type that takes any. Properties live as long as the program, as
/// those that are declared do.
fn any(name: &str) -> &'static Property {
    static FOUND: LazyLock<Mutex<BTreeMap<String, &'static Property>>> =
        LazyLock::new(Mutex::default);
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    found.entry(name.to_owned()).or_insert_with(|| {
        let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
        Box::leak(Box::new(Property::new(name, Kind::Any)))
    })
}

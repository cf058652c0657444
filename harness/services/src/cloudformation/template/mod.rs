//! Templates: from text to typed sections, and from sections to values.

mod evaluate;
mod graph;
mod intrinsics;
mod json;
mod parameters;
mod summary;
pub mod yaml;

use ringfence_wire::ServiceError;
use serde_json::{Map, Value};

pub(super) use evaluate::{Lookup, Pseudo, Scope, conditions};
pub(super) use graph::{Graph, references};
pub(super) use parameters::{Given, Parameter, ParameterValue, SsmNeed};
pub(super) use summary::{Capability, Summary};

use super::error::validation;

/// What is wrong with a template, in CloudFormation's words where it has some.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct TemplateError(String);

impl TemplateError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl From<yaml::YamlError> for TemplateError {
    fn from(error: yaml::YamlError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<TemplateError> for ServiceError {
    fn from(error: TemplateError) -> Self {
        validation(error.0)
    }
}

/// A template as its author wrote it, before the transform.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// The text, as `GetTemplate` gives it back.
    pub(super) text: String,
    /// The sections.
    pub(super) body: Map<String, Value>,
    /// The macros that the template names.
    pub(super) transforms: Vec<String>,
    /// The parameters that it declares.
    pub(super) parameters: Vec<Parameter>,
}

/// The one macro that this CloudFormation knows.
pub(super) const SERVERLESS: &str = "AWS::Serverless-2016-10-31";

const SECTIONS: [&str; 11] = [
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Hooks",
    "Resources",
    "Outputs",
];

impl Document {
    /// Reads a template's text.
    pub(super) fn read(text: &str) -> Result<Self, TemplateError> {
        let value = if text.trim_start().starts_with('{') {
            json::parse(text)?
        } else {
            yaml::read(text)?.root.into_json()
        };
        let Value::Object(body) = value else {
            return Err(TemplateError::new("Template format error: unsupported structure."));
        };
        let transforms = transforms(body.get("Transform"))?;
        let unknown: Vec<_> = body
            .keys()
            .filter(|key| {
                let globals = *key == "Globals" && !transforms.is_empty();
                !globals && !SECTIONS.contains(&key.as_str())
            })
            .map(String::as_str)
            .collect();
        if !unknown.is_empty() {
            return Err(TemplateError::new(format!(
                "Invalid template property or properties [{}]",
                unknown.join(", ")
            )));
        }
        for section in ["Rules", "Hooks"] {
            if body.contains_key(section) {
                return Err(TemplateError::new(format!(
                    "Template format error: the section `{section}` is not supported by Ringfence's CloudFormation"
                )));
            }
        }
        if !matches!(body.get("Resources"), Some(Value::Object(map)) if !map.is_empty()) {
            return Err(TemplateError::new(
                "Template format error: At least one Resources member must be defined.",
            ));
        }
        let parameters = parameters::declared(section(&body, "Parameters")?)?;
        Ok(Self { text: text.to_owned(), body, transforms, parameters })
    }

    /// The template's description.
    pub(super) fn description(&self) -> Option<&str> {
        self.body.get("Description")?.as_str()
    }
}

fn transforms(section: Option<&Value>) -> Result<Vec<String>, TemplateError> {
    let names: Vec<String> = match section {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(name)) => vec![name.clone()],
        Some(Value::Array(names)) => {
            names.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect()
        }
        Some(_) => {
            return Err(TemplateError::new(
                "Template format error: `Fn::Transform` is not supported by Ringfence's CloudFormation",
            ));
        }
    };
    match names.iter().find(|name| *name != SERVERLESS) {
        Some(other) => Err(TemplateError::new(format!(
            "Template format error: the transform `{other}` is not supported by Ringfence's CloudFormation"
        ))),
        None => Ok(names),
    }
}

/// A template ready to be deployed: expanded and checked.
#[derive(Debug, Clone)]
pub(super) struct Template {
    /// All sections, after the transform.
    pub(super) body: Map<String, Value>,
    /// Its parameters (a transform may add some).
    pub(super) parameters: Vec<Parameter>,
    pub(super) mappings: Map<String, Value>,
    pub(super) conditions: Map<String, Value>,
    /// In the author's order.
    pub(super) resources: Vec<Resource>,
    pub(super) outputs: Vec<Output>,
}

/// A resource as the template declares it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Resource {
    pub(super) logical_id: String,
    /// `AWS::IAM::Role`, ….
    pub(super) kind: String,
    pub(super) properties: Map<String, Value>,
    pub(super) depends_on: Vec<String>,
    pub(super) condition: Option<String>,
    pub(super) deletion_policy: Removal,
    pub(super) update_replace_policy: Removal,
    pub(super) metadata: Option<Value>,
}

/// What becomes of a resource that leaves its stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    Delete,
    Retain,
    RetainExceptOnCreate,
}

/// An output as the template declares it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Output {
    pub(super) key: String,
    pub(super) description: Option<String>,
    pub(super) value: Value,
    pub(super) export: Option<Value>,
    pub(super) condition: Option<String>,
}

impl Template {
    /// Checks the sections of an expanded template. `known` says whether a
    /// resource type can be deployed.
    pub(super) fn new(
        body: Map<String, Value>,
        known: impl Fn(&str) -> bool,
    ) -> Result<Self, TemplateError> {
        let parameters = parameters::declared(section(&body, "Parameters")?)?;
        let mappings = section(&body, "Mappings")?.cloned().unwrap_or_default();
        let conditions = section(&body, "Conditions")?.cloned().unwrap_or_default();
        let resources: Vec<Resource> = section(&body, "Resources")?
            .into_iter()
            .flatten()
            .map(|(id, value)| resource(id, value))
            .collect::<Result<_, _>>()?;
        let outputs = section(&body, "Outputs")?
            .into_iter()
            .flatten()
            .map(|(key, value)| output(key, value))
            .collect::<Result<_, _>>()?;
        let mut unknown: Vec<_> =
            resources.iter().map(|r| r.kind.as_str()).filter(|kind| !known(kind)).collect();
        unknown.dedup();
        if !unknown.is_empty() {
            return Err(TemplateError::new(format!(
                "Template format error: Unrecognized resource types: [{}]",
                unknown.join(", ")
            )));
        }
        let template = Self { body, parameters, mappings, conditions, resources, outputs };
        graph::check(&template)?;
        Ok(template)
    }

    /// The resource of this logical id.
    pub(super) fn resource(&self, logical_id: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.logical_id == logical_id)
    }

    /// The template's description.
    pub(super) fn description(&self) -> Option<&str> {
        self.body.get("Description")?.as_str()
    }
}

fn section<'a>(
    body: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, TemplateError> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(Value::Null) => {
            Err(TemplateError::new(format!("[/{name}] 'null' values are not allowed in templates")))
        }
        Some(_) => Err(TemplateError::new(format!(
            "Template format error: {name} section must be a JSON object."
        ))),
    }
}

fn resource(logical_id: &str, value: &Value) -> Result<Resource, TemplateError> {
    if logical_id.is_empty() || !logical_id.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(TemplateError::new(format!(
            "Template format error: Resource name {logical_id} is non alphanumeric."
        )));
    }
    let invalid = |text: &str| TemplateError::new(format!("Template format error: {text}"));
    let Value::Object(map) = value else {
        return Err(invalid(&format!(
            "[/Resources/{logical_id}] Every Resources member must be a JSON object."
        )));
    };
    let kind = map.get("Type").and_then(Value::as_str).ok_or_else(|| {
        invalid(&format!(
            "[/Resources/{logical_id}] Every Resources object must contain a Type member."
        ))
    })?;
    for key in map.keys() {
        match key.as_str() {
            "Type"
            | "Properties"
            | "DependsOn"
            | "Condition"
            | "DeletionPolicy"
            | "UpdateReplacePolicy"
            | "Metadata" => {}
            "CreationPolicy" | "UpdatePolicy" => {
                return Err(invalid(&format!(
                    "`{key}` of the resource {logical_id} is not supported by Ringfence's CloudFormation"
                )));
            }
            other => {
                return Err(TemplateError::new(format!(
                    "Invalid template resource property '{other}'"
                )));
            }
        }
    }
    let properties = match map.get("Properties") {
        None => Map::new(),
        Some(Value::Object(properties)) => properties.clone(),
        Some(_) => return Err(invalid("Any Properties member must be a JSON object.")),
    };
    if let Some(pointer) = null_inside(&properties) {
        return Err(TemplateError::new(format!(
            "[/Resources/{logical_id}/Properties{pointer}] 'null' values are not allowed in templates"
        )));
    }
    let depends_on = match map.get("DependsOn") {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(|item| Some(item.as_str()?.to_owned())).collect()
        }
        Some(_) => {
            return Err(invalid("Every DependsOn value must be a string or a list of strings."));
        }
    };
    Ok(Resource {
        logical_id: logical_id.to_owned(),
        kind: kind.to_owned(),
        properties,
        depends_on,
        condition: condition(map, logical_id)?,
        deletion_policy: removal(map.get("DeletionPolicy"), "DeletionPolicy")?,
        update_replace_policy: removal(map.get("UpdateReplacePolicy"), "UpdateReplacePolicy")?,
        metadata: map.get("Metadata").cloned(),
    })
}

fn condition(map: &Map<String, Value>, name: &str) -> Result<Option<String>, TemplateError> {
    match map.get("Condition") {
        None => Ok(None),
        Some(Value::String(condition)) => Ok(Some(condition.clone())),
        Some(_) => Err(TemplateError::new(format!(
            "Template format error: Every Condition member must be a string. ({name})"
        ))),
    }
}

fn removal(value: Option<&Value>, attribute: &str) -> Result<Removal, TemplateError> {
    match value.map(Value::as_str) {
        None | Some(Some("Delete")) => Ok(Removal::Delete),
        Some(Some("Retain")) => Ok(Removal::Retain),
        Some(Some("RetainExceptOnCreate")) if attribute == "DeletionPolicy" => {
            Ok(Removal::RetainExceptOnCreate)
        }
        other => Err(TemplateError::new(format!(
            "Template format error: Unrecognized {attribute} {} (Ringfence's CloudFormation takes Delete and Retain)",
            other.flatten().unwrap_or("value")
        ))),
    }
}

fn output(key: &str, value: &Value) -> Result<Output, TemplateError> {
    let malformed = || {
        TemplateError::new(format!(
            "Template format error: Output {key} is malformed. Every Outputs member must contain a Value object"
        ))
    };
    let Value::Object(map) = value else { return Err(malformed()) };
    if let Some(other) = map
        .keys()
        .find(|key| !["Description", "Value", "Export", "Condition"].contains(&key.as_str()))
    {
        return Err(TemplateError::new(format!(
            "Invalid template output property '{other}' of output {key}"
        )));
    }
    let export = match map.get("Export") {
        None => None,
        Some(export) => Some(export.get("Name").cloned().ok_or_else(|| {
            TemplateError::new(format!(
                "Template format error: Output {key} is malformed. Export must contain a Name"
            ))
        })?),
    };
    Ok(Output {
        key: key.to_owned(),
        description: map.get("Description").and_then(Value::as_str).map(str::to_owned),
        value: map.get("Value").cloned().ok_or_else(malformed)?,
        export,
        condition: condition(map, key)?,
    })
}

/// Where a `null` is, as a JSON pointer.
fn null_inside(map: &Map<String, Value>) -> Option<String> {
    fn find(value: &Value) -> Option<String> {
        match value {
            Value::Null => Some(String::new()),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(index, item)| Some(format!("/{index}{}", find(item)?))),
            Value::Object(map) => null_inside(map),
            _ => None,
        }
    }
    map.iter().find_map(|(key, value)| Some(format!("/{key}{}", find(value)?)))
}

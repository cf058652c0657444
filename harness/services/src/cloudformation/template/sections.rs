//! The sections of a template: their shapes, in CloudFormation's words.

use serde_json::{Map, Value};

use super::evaluate::function;
use super::{Catalogue, Output, Policy, Removal, Resource, Support, TemplateError, policies};
use crate::cloudformation::resources::is_custom;

pub(super) fn section<'a>(
    body: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, TemplateError> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(Value::Null) => {
            Err(TemplateError::new(format!("[/{name}] 'null' values are not allowed in templates")))
        }
        // Recorded of Resources: `test_linting_error_during_creation`.
        Some(_) => Err(TemplateError::new(format!(
            "Template format error: Any {name} member must be an object."
        ))),
    }
}

pub(in crate::cloudformation) fn resource(
    logical_id: &str,
    value: &Value,
) -> Result<Resource, TemplateError> {
    if logical_id.is_empty() || !logical_id.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(TemplateError::new(format!(
            "Template format error: Resource name {logical_id} is non alphanumeric."
        )));
    }
    let invalid = |text: &str| TemplateError::new(format!("Template format error: {text}"));
    let Value::Object(map) = value else {
        return Err(invalid(&format!(
            "[/Resources/{logical_id}] resource definition is malformed"
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
            | "CreationPolicy"
            | "UpdatePolicy"
            | "Metadata" => {}
            // In the example of
            // <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html>.
            "Version" if is_custom(kind) => {}
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
        deletion_policy: policy(map, "DeletionPolicy")?,
        update_replace_policy: policy(map, "UpdateReplacePolicy")?,
        update_policy: policies::update(logical_id, map.get("UpdatePolicy"))?,
        waits: policies::waits(logical_id, map.get("CreationPolicy"))?,
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

fn policy(map: &Map<String, Value>, attribute: &'static str) -> Result<Policy, TemplateError> {
    match map.get(attribute) {
        Some(Value::Object(node)) if function(node).is_some() => {
            Ok(Policy::Expression { attribute, node: Value::Object(node.clone()) })
        }
        word => removal(word, attribute).map(Policy::Word),
    }
}

/// The word of a policy.
pub(super) fn removal(value: Option<&Value>, attribute: &str) -> Result<Removal, TemplateError> {
    match value.map(Value::as_str) {
        None | Some(Some("Delete")) => Ok(Removal::Delete),
        Some(Some("Retain")) => Ok(Removal::Retain),
        Some(Some("RetainExceptOnCreate")) if attribute == "DeletionPolicy" => {
            Ok(Removal::RetainExceptOnCreate)
        }
        Some(Some("Snapshot")) => Ok(Removal::Snapshot),
        other => Err(TemplateError::new(format!(
            "Template format error: Unrecognized {attribute} {}",
            other.flatten().unwrap_or("value")
        ))),
    }
}

pub(in crate::cloudformation) fn output(key: &str, value: &Value) -> Result<Output, TemplateError> {
    // Recorded: `test_invalid_output_structure`.
    let malformed = || {
        TemplateError::new(
            "Template format error: Every Outputs member must contain a Value object",
        )
    };
    let Value::Object(map) = value else { return Err(malformed()) };
    if let Some(pointer) = null_inside(map) {
        return Err(TemplateError::new(format!(
            "[/Outputs/{key}{pointer}] 'null' values are not allowed in templates"
        )));
    }
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

/// Every type must be one that can be deployed. What AWS has and is not built
/// here is told as such.
pub(super) fn types(resources: &[Resource], types: &Catalogue) -> Result<(), TemplateError> {
    let of = |support| {
        let kinds = resources.iter().map(|resource| resource.kind.as_str());
        let mut kinds: Vec<&str> = kinds.filter(|kind| (types.support)(kind) == support).collect();
        kinds.sort_unstable();
        kinds.dedup();
        (!kinds.is_empty()).then(|| kinds.join(", "))
    };
    if let Some(unknown) = of(Support::Unknown) {
        return Err(TemplateError::new(format!(
            "Template format error: Unrecognized resource types: [{unknown}]"
        )));
    }
    match of(Support::Unbuilt) {
        Some(unbuilt) => Err(TemplateError::new(format!(
            "the resource types [{unbuilt}] are not supported by Ringfence's CloudFormation"
        ))),
        None => Ok(()),
    }
}

/// A mapping has two levels (recorded: `test_mapping_minimum_nesting_depth`,
/// `test_mapping_maximum_nesting_depth`, `test_mapping_with_invalid_refs`).
pub(super) fn mappings(mappings: &Map<String, Value>) -> Result<(), TemplateError> {
    let malformed = |text: String| TemplateError::new(format!("Template format error: {text}"));
    for (name, first) in mappings {
        let Value::Object(first) = first else {
            return Err(malformed(format!("Every Mappings member {name} must be a map")));
        };
        for (key, second) in first {
            let Value::Object(second) = second else {
                return Err(malformed(format!("Every Mappings member {key} must be a map")));
            };
            let good = |value: &Value| match value {
                Value::Array(items) => items.iter().all(|item| !item.is_object()),
                value => !value.is_object(),
            };
            if !second.values().all(good) {
                return Err(malformed(
                    "Every Mappings attribute must be a String or a List.".to_owned(),
                ));
            }
        }
    }
    Ok(())
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

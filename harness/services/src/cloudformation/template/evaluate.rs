//! Values out of template expressions.

use std::collections::BTreeMap;

use ringfence_models::Partition;
use serde_json::{Map, Value};

use super::growth::Growth;
use super::intrinsics;
use super::{Template, TemplateError};

/// The pseudo parameters.
#[derive(Debug, Clone)]
pub(in crate::cloudformation) struct Pseudo {
    pub(in crate::cloudformation) account_id: String,
    pub(in crate::cloudformation) region: String,
    pub(in crate::cloudformation) stack_id: String,
    pub(in crate::cloudformation) stack_name: String,
    pub(in crate::cloudformation) notification_arns: Vec<String>,
}

/// What the rest of the stack, and other stacks, have to say.
pub(in crate::cloudformation) trait Lookup: Send + Sync {
    /// What `Ref` gives for a resource.
    fn reference(&self, logical_id: &str) -> Option<Value>;
    /// What `Fn::GetAtt` gives.
    fn attribute(&self, logical_id: &str, attribute: &str) -> Option<Value>;
    /// What another stack exports under this name.
    fn export(&self, name: &str) -> Option<String>;
    /// The availability zones of a region, where they were fetched.
    fn zones(&self, region: &str) -> Option<Vec<String>>;
}

/// Everything that an expression can see.
pub(in crate::cloudformation) struct Scope<'a> {
    pub(in crate::cloudformation) template: &'a Template,
    pub(in crate::cloudformation) parameters: &'a BTreeMap<String, Value>,
    pub(in crate::cloudformation) conditions: &'a BTreeMap<String, bool>,
    pub(in crate::cloudformation) pseudo: &'a Pseudo,
    pub(in crate::cloudformation) lookup: &'a dyn Lookup,
    /// What was evaluated so far.
    pub(in crate::cloudformation) growth: Growth,
}

impl Scope<'_> {
    /// The value of an expression; `None` is `AWS::NoValue`.
    pub(in crate::cloudformation) fn evaluate(
        &self,
        node: &Value,
    ) -> Result<Option<Value>, TemplateError> {
        match node {
            Value::Object(map) => match function(map) {
                Some((name, argument)) => {
                    let value = intrinsics::call(self, name, argument)?;
                    value.iter().try_for_each(|value| self.growth.add(value))?;
                    Ok(value)
                }
                None => Ok(Some(Value::Object(self.object(map)?))),
            },
            Value::Array(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.extend(self.evaluate(item)?);
                }
                Ok(Some(Value::Array(values)))
            }
            scalar => Ok(Some(scalar.clone())),
        }
    }

    /// An object, member by member.
    pub(in crate::cloudformation) fn object(
        &self,
        map: &Map<String, Value>,
    ) -> Result<Map<String, Value>, TemplateError> {
        let mut members = Map::new();
        for (key, value) in map {
            if let Some(value) = self.evaluate(value)? {
                members.insert(key.clone(), value);
            }
        }
        Ok(members)
    }

    /// An expression that must give text.
    pub(super) fn text(&self, node: &Value, what: &str) -> Result<String, TemplateError> {
        match self.evaluate(node)? {
            Some(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => {
                Ok(text_of(&value))
            }
            _ if what == "Fn::Base64" => Err(TemplateError::new(
                "Template error: every Fn::Base64 object must have a String-typed value.",
            )),
            _ => Err(TemplateError::new(format!("Template error: {what} must be a string"))),
        }
    }

    /// What `Ref` gives.
    pub(super) fn reference(&self, name: &str) -> Result<Option<Value>, TemplateError> {
        let pseudo = self.pseudo;
        Ok(Some(match name {
            "AWS::NoValue" => return Ok(None),
            "AWS::AccountId" => pseudo.account_id.clone().into(),
            "AWS::Region" => pseudo.region.clone().into(),
            "AWS::StackId" => pseudo.stack_id.clone().into(),
            "AWS::StackName" => pseudo.stack_name.clone().into(),
            "AWS::Partition" => Partition::of_region(&pseudo.region).id.into(),
            "AWS::URLSuffix" => Partition::of_region(&pseudo.region).dns_suffix.into(),
            "AWS::NotificationARNs" => pseudo.notification_arns.clone().into(),
            name => match self.parameters.get(name) {
                Some(value) => value.clone(),
                None => self.lookup.reference(name).ok_or_else(|| unresolved(name))?,
            },
        }))
    }

    /// What `Fn::GetAtt` gives.
    pub(super) fn attribute(
        &self,
        logical_id: &str,
        attribute: &str,
    ) -> Result<Value, TemplateError> {
        if self.lookup.reference(logical_id).is_none() {
            return Err(unresolved(logical_id));
        }
        self.lookup
            .attribute(logical_id, attribute)
            .ok_or_else(|| TemplateError::Attribute(logical_id.to_owned(), attribute.to_owned()))
    }

    /// Whether a named condition holds.
    pub(super) fn condition(&self, name: &str) -> Result<bool, TemplateError> {
        self.conditions.get(name).copied().ok_or_else(|| {
            TemplateError::new(format!("Template error: unresolved condition dependency {name}"))
        })
    }
}

fn unresolved(name: &str) -> TemplateError {
    TemplateError::Resource(name.to_owned())
}

/// The text of a scalar, as CloudFormation writes it where text is wanted.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The function that an object calls, when it calls one.
pub(in crate::cloudformation) fn function(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = map.iter().next()?;
    let calls = map.len() == 1 && (name == "Ref" || name.starts_with("Fn::"));
    calls.then_some((name.as_str(), argument))
}

/// The values of all conditions of a template.
pub(in crate::cloudformation) fn conditions(
    template: &Template,
    parameters: &BTreeMap<String, Value>,
    pseudo: &Pseudo,
) -> Result<BTreeMap<String, bool>, TemplateError> {
    let mut values = BTreeMap::new();
    // Each round settles the conditions whose own conditions are settled.
    while values.len() < template.conditions.len() {
        let mut settled = Vec::new();
        for (name, node) in &template.conditions {
            if !values.contains_key(name)
                && named_conditions(node).iter().all(|other| values.contains_key(other))
            {
                let scope = Scope {
                    template,
                    parameters,
                    conditions: &values,
                    pseudo,
                    lookup: &NoResources,
                    growth: Growth::default(),
                };
                settled.push((name.clone(), intrinsics::boolean(&scope, node)?));
            }
        }
        if settled.is_empty() {
            let left: Vec<_> = template
                .conditions
                .keys()
                .filter(|name| !values.contains_key(*name))
                .map(String::as_str)
                .collect();
            return Err(TemplateError::new(format!(
                "Template format error: Unresolved or circular conditions [{}] in the Conditions block of the template",
                left.join(", ")
            )));
        }
        values.extend(settled);
    }
    Ok(values)
}

fn named_conditions(node: &Value) -> Vec<String> {
    match node {
        Value::Object(map) => match map.get("Condition") {
            Some(Value::String(name)) if map.len() == 1 => vec![name.clone()],
            _ => map.values().flat_map(named_conditions).collect(),
        },
        Value::Array(items) => items.iter().flat_map(named_conditions).collect(),
        _ => Vec::new(),
    }
}

/// The lookup of the section `Conditions`, which sees no resource.
struct NoResources;

impl Lookup for NoResources {
    fn reference(&self, _: &str) -> Option<Value> {
        None
    }

    fn attribute(&self, _: &str, _: &str) -> Option<Value> {
        None
    }

    fn export(&self, _: &str) -> Option<String> {
        None
    }

    fn zones(&self, _: &str) -> Option<Vec<String>> {
        None
    }
}

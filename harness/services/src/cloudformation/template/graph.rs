//! Which resource needs which, and whether every name in a template exists.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::evaluate::function;
use super::intrinsics::{Piece, pieces};
use super::{Catalogue, Template, TemplateError, shape};

/// Names that an expression mentions.
#[derive(Debug, Default)]
pub(in crate::cloudformation) struct References {
    /// By `Ref` and `${Name}`.
    pub(in crate::cloudformation) names: BTreeSet<String>,
    /// By `Fn::GetAtt` and `${Name.Attribute}`.
    pub(in crate::cloudformation) attributes: BTreeSet<(String, String)>,
    /// Those of them that stand in a text of `Fn::Sub`.
    pub(in crate::cloudformation) substituted: BTreeSet<(String, String)>,
    /// By `Fn::If`.
    pub(in crate::cloudformation) conditions: BTreeSet<String>,
    /// By `Fn::FindInMap` whose three arguments are texts.
    pub(in crate::cloudformation) lookups: BTreeSet<(String, String, String)>,
    /// The functions that are called.
    pub(in crate::cloudformation) functions: BTreeSet<String>,
}

/// The names that an expression mentions, in branches not taken too.
pub(in crate::cloudformation) fn references(node: &Value) -> Result<References, TemplateError> {
    let mut found = References::default();
    walk(node, &mut found)?;
    Ok(found)
}

fn walk(node: &Value, found: &mut References) -> Result<(), TemplateError> {
    match node {
        Value::Array(items) => items.iter().try_for_each(|item| walk(item, found)),
        Value::Object(map) => {
            let Some((name, argument)) = function(map) else {
                return map.values().try_for_each(|value| walk(value, found));
            };
            shape::check(name, argument)?;
            found.functions.insert(name.to_owned());
            match (name, argument) {
                ("Ref", Value::String(name)) => {
                    found.names.insert(name.clone());
                }
                ("Fn::GetAtt", Value::String(text)) => {
                    if let Some((resource, attribute)) = text.split_once('.') {
                        found.attributes.insert((resource.to_owned(), attribute.to_owned()));
                    }
                }
                ("Fn::GetAtt", Value::Array(items)) => match items.as_slice() {
                    [Value::String(resource), Value::String(attribute)] => {
                        found.attributes.insert((resource.clone(), attribute.clone()));
                    }
                    [Value::String(resource), attribute] => {
                        found.attributes.insert((resource.clone(), String::new()));
                        walk(attribute, found)?;
                    }
                    _ => {}
                },
                ("Fn::Sub", argument) => substitution(argument, found)?,
                ("Fn::FindInMap", Value::Array(items)) => {
                    if let [Value::String(map), Value::String(one), Value::String(other)] =
                        items.as_slice()
                    {
                        found.lookups.insert((map.clone(), one.clone(), other.clone()));
                    }
                    items.iter().try_for_each(|item| walk(item, found))?;
                }
                ("Fn::If", Value::Array(items)) => {
                    if let Some(Value::String(name)) = items.first() {
                        found.conditions.insert(name.clone());
                    }
                    items.iter().skip(1).try_for_each(|item| walk(item, found))?;
                }
                (_, argument) => walk(argument, found)?,
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn substitution(argument: &Value, found: &mut References) -> Result<(), TemplateError> {
    let (text, own) = match argument {
        Value::String(text) => (text.as_str(), None),
        Value::Array(items) => match items.as_slice() {
            [Value::String(text), own] => (text.as_str(), own.as_object()),
            _ => return Ok(()),
        },
        _ => return Ok(()),
    };
    for value in own.into_iter().flat_map(serde_json::Map::values) {
        walk(value, found)?;
    }
    for piece in pieces(text)? {
        let Piece::Variable(name) = piece else { continue };
        if own.is_some_and(|own| own.contains_key(name)) {
            continue;
        }
        match name.split_once('.') {
            Some((resource, attribute)) => {
                let part = (resource.to_owned(), attribute.to_owned());
                found.substituted.insert(part.clone());
                found.attributes.insert(part);
            }
            None => {
                found.names.insert(name.to_owned());
            }
        }
    }
    Ok(())
}

/// Every name must exist, and no resource may need itself.
pub(super) fn check(template: &Template, types: &Catalogue) -> Result<(), TemplateError> {
    let is_parameter =
        |name: &str| name.starts_with("AWS::") || template.parameters.iter().any(|p| p.key == name);
    for (node, block) in [
        (template.body.get("Conditions"), "Conditions"),
        (template.body.get("Resources"), "Resources"),
        (template.body.get("Outputs"), "Outputs"),
    ] {
        let Some(node) = node else { continue };
        let mut found = References::default();
        // The sections' own members are no function calls.
        for member in node.as_object().into_iter().flat_map(serde_json::Map::values) {
            match (block, member) {
                ("Resources", Value::Object(map)) => {
                    map.get("Properties").map_or(Ok(()), |node| walk(node, &mut found))?;
                }
                (_, member) => walk(member, &mut found)?,
            }
        }
        let resources_allowed = block != "Conditions";
        let missing: Vec<_> = found
            .names
            .iter()
            .filter(|name| {
                !(is_parameter(name) || resources_allowed && template.resource(name).is_some())
            })
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            return Err(TemplateError::new(if resources_allowed {
                format!(
                    "Template format error: Unresolved resource dependencies [{}] in the {block} block of the template",
                    missing.join(", ")
                )
            } else {
                format!(
                    "Template format error: Unresolved dependencies [{}]. Cannot reference resources in the Conditions block of the template",
                    missing.join(", ")
                )
            }));
        }
        for (name, attribute) in &found.attributes {
            let resource = template.resource(name).ok_or_else(|| {
                let is_substituted =
                    found.substituted.contains(&(name.clone(), attribute.clone()));
                TemplateError::new(if is_substituted {
                    format!(
                        "Template error: instance of Fn::Sub references invalid resource attribute {name}.{attribute}"
                    )
                } else {
                    format!(
                        "Template error: instance of Fn::GetAtt references undefined resource {name}"
                    )
                })
            })?;
            // The name of an attribute may be an expression itself.
            if !attribute.is_empty() && !(types.has_attribute)(&resource.kind, attribute) {
                return Err(TemplateError::Attribute(name.clone(), attribute.clone()));
            }
        }
        if let Some(name) = found.conditions.iter().find(|n| !template.conditions.contains_key(*n))
        {
            return Err(TemplateError::new(format!(
                "Template error: unresolved condition dependency {name} in Fn::If"
            )));
        }
        for (map, first, second) in &found.lookups {
            super::intrinsics::mapped(&template.mappings, map, first, second)?;
        }
    }
    for resource in &template.resources {
        if let Some(condition) = &resource.condition {
            condition_exists(template, condition)?;
        }
        for other in &resource.depends_on {
            if template.resource(other).is_none() {
                return Err(TemplateError::new(format!(
                    "Template format error: Unresolved resource dependencies [{other}] in the Resources block of the template"
                )));
            }
        }
    }
    for output in &template.outputs {
        if let Some(condition) = &output.condition {
            condition_exists(template, condition)?;
        }
    }
    let graph = Graph::new(template, |_| true)?;
    graph.cycle().map_or(Ok(()), |members| {
        Err(TemplateError::new(format!(
            "Circular dependency between resources: [{}]",
            members.join(", ")
        )))
    })
}

fn condition_exists(template: &Template, name: &str) -> Result<(), TemplateError> {
    if template.conditions.contains_key(name) {
        return Ok(());
    }
    Err(TemplateError::new(format!(
        "Template format error: Unresolved condition dependencies [{name}] in the Resources block of the template"
    )))
}

/// Which resources each resource needs first.
#[derive(Debug, Clone, Default)]
pub(in crate::cloudformation) struct Graph {
    needs: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// The graph of the resources that `active` keeps.
    pub(in crate::cloudformation) fn new(
        template: &Template,
        active: impl Fn(&str) -> bool,
    ) -> Result<Self, TemplateError> {
        let mut needs = BTreeMap::new();
        for resource in template.resources.iter().filter(|r| active(&r.logical_id)) {
            let mut own = BTreeSet::new();
            for node in resource.properties.values() {
                let found = references(node)?;
                own.extend(found.names);
                own.extend(found.attributes.into_iter().map(|(resource, _)| resource));
            }
            own.extend(resource.depends_on.iter().cloned());
            own.retain(|name| template.resource(name).is_some() && active(name));
            needs.insert(resource.logical_id.clone(), own);
        }
        Ok(Self { needs })
    }

    /// A graph from what is remembered of each resource.
    pub(in crate::cloudformation) fn remembered(
        needs: impl IntoIterator<Item = (String, BTreeSet<String>)>,
    ) -> Self {
        let mut graph = Self { needs: needs.into_iter().collect() };
        let known: BTreeSet<String> = graph.needs.keys().cloned().collect();
        for needs in graph.needs.values_mut() {
            needs.retain(|name| known.contains(name));
        }
        graph
    }

    /// The same resources, each needing those that needed it: the order of
    /// deletion.
    pub(in crate::cloudformation) fn reversed(&self) -> Self {
        let mut needs: BTreeMap<String, BTreeSet<String>> =
            self.needs.keys().map(|name| (name.clone(), BTreeSet::new())).collect();
        for (name, own) in &self.needs {
            for other in own {
                needs.entry(other.clone()).or_default().insert(name.clone());
            }
        }
        Self { needs }
    }

    /// The resources, each after those that it needs.
    pub(in crate::cloudformation) fn in_order(&self) -> Vec<String> {
        let mut done = BTreeSet::new();
        let mut order = Vec::new();
        loop {
            let ready = self.ready(&done);
            if ready.is_empty() {
                return order;
            }
            done.extend(ready.iter().cloned());
            order.extend(ready);
        }
    }

    /// What a resource needs.
    pub(in crate::cloudformation) fn needs(&self, logical_id: &str) -> BTreeSet<String> {
        self.needs.get(logical_id).cloned().unwrap_or_default()
    }

    /// The resources that are not `done` and need nothing that is not.
    pub(in crate::cloudformation) fn ready(&self, done: &BTreeSet<String>) -> Vec<String> {
        self.needs
            .iter()
            .filter(|(name, needs)| !done.contains(*name) && needs.is_subset(done))
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn cycle(&self) -> Option<Vec<&str>> {
        let mut done = BTreeSet::new();
        loop {
            let ready = self.ready(&done);
            if ready.is_empty() {
                break;
            }
            done.extend(ready);
        }
        let left: Vec<&str> =
            self.needs.keys().filter(|name| !done.contains(*name)).map(String::as_str).collect();
        (!left.is_empty()).then_some(left)
    }
}

//! What a definition would change in a stack.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::CloudFormation;
use super::deploy::Live;
use super::resources::{self, Tagging, Update};
use super::status::Status;
use super::store::{Definition, Deployed};
use super::template::{self, Lookup, Scope, TemplateError};

/// The changes of resources, and whether there is anything to do at all.
pub(super) struct Changes {
    pub(super) resources: Vec<Value>,
    /// Outputs alone may differ.
    pub(super) any: bool,
}

/// A stack as it stands; what does not exist yet is a placeholder.
struct Preview(Live);

impl Lookup for Preview {
    fn reference(&self, logical_id: &str) -> Option<Value> {
        Some(self.0.reference(logical_id).unwrap_or_else(|| format!("{{{{{logical_id}}}}}").into()))
    }

    fn attribute(&self, logical_id: &str, attribute: &str) -> Option<Value> {
        let known = self.0.attribute(logical_id, attribute);
        Some(known.unwrap_or_else(|| format!("{{{{{logical_id}.{attribute}}}}}").into()))
    }

    fn export(&self, name: &str) -> Option<String> {
        self.0.export(name)
    }

    fn zones(&self, region: &str) -> Option<Vec<String>> {
        self.0.zones(region)
    }
}

impl CloudFormation {
    /// Compares a definition with a stack.
    pub(super) fn changes(
        self: &Arc<Self>,
        stack_id: &str,
        definition: &Definition,
        zones: Option<Vec<String>>,
    ) -> Result<Changes, TemplateError> {
        let (name, deployed, before) = self
            .store
            .read(stack_id, |stack| {
                let living = stack
                    .resources
                    .iter()
                    .filter(|resource| {
                        !resource.physical_id.is_empty()
                            && resource.status != Status::DeleteComplete
                    })
                    .cloned()
                    .collect::<Vec<Deployed>>();
                (stack.name.clone(), living, stack.deployed.clone())
            })
            .unwrap_or_default();
        let pseudo = self.pseudo(&name, stack_id, &definition.notification_arns);
        let parameters = definition.seen();
        let conditions = template::conditions(&definition.template, &parameters, &pseudo)?;
        let preview = Preview(Live::new(self, stack_id, zones));
        let scope = Scope {
            template: &definition.template,
            parameters: &parameters,
            conditions: &conditions,
            pseudo: &pseudo,
            lookup: &preview,
        };
        let mut changes = Vec::new();
        let mut replaced: BTreeSet<&str> = BTreeSet::new();
        let mut kept: BTreeSet<&str> = BTreeSet::new();
        for resource in &definition.template.resources {
            let active = resource
                .condition
                .as_ref()
                .is_none_or(|name| conditions.get(name).copied().unwrap_or(false));
            if !active {
                continue;
            }
            kept.insert(&resource.logical_id);
            let Some(old) = deployed.iter().find(|old| old.logical_id == resource.logical_id)
            else {
                changes.push(change("Add", &resource.logical_id, &resource.kind, None));
                continue;
            };
            if old.kind != resource.kind {
                return Err(TemplateError::new(format!(
                    "Update of resource type is not permitted. The new template modifies resource type of the following resources: [{}]",
                    resource.logical_id
                )));
            }
            let Some(handler) = resources::find(&resource.kind) else { continue };
            let shown = scope.object(&resource.properties)?;
            let shown = resources::check(handler, &resource.logical_id, &shown).unwrap_or(shown);
            let changed = resources::changed(handler, &old.properties, &shown);
            let tags = handler.tagging() != Tagging::Never && old.tags != definition.tags;
            let names = template::references(&Value::Object(resource.properties.clone()))?;
            let follows = names
                .names
                .iter()
                .chain(names.attributes.iter().map(|(resource, _)| resource))
                .any(|name| replaced.contains(name.as_str()));
            if changed.is_empty() && !tags && !follows {
                continue;
            }
            let replacement = changed.iter().any(|p| p.update == Update::Replacement);
            if replacement {
                replaced.insert(&resource.logical_id);
            }
            let mut scopes = Vec::new();
            if !changed.is_empty() || follows {
                scopes.push("Properties");
            }
            if tags {
                scopes.push("Tags");
            }
            let details: Vec<Value> = changed
                .iter()
                .map(|property| {
                    let again = property.update == Update::Replacement;
                    json!({
                        "Target": {
                            "Attribute": "Properties",
                            "Name": property.name,
                            "RequiresRecreation": if again { "Always" } else { "Never" },
                        },
                        "Evaluation": "Static",
                        "ChangeSource": "DirectModification",
                    })
                })
                .collect();
            let mut modify = change("Modify", &resource.logical_id, &resource.kind, Some(old));
            if let Some(Value::Object(members)) = modify.get_mut("ResourceChange") {
                let replacement = match (replacement, follows) {
                    (true, _) => "True",
                    (false, true) => "Conditional",
                    (false, false) => "False",
                };
                members.insert("Replacement".to_owned(), replacement.into());
                members.insert("Scope".to_owned(), json!(scopes));
                members.insert("Details".to_owned(), details.into());
            }
            changes.push(modify);
        }
        for old in deployed.iter().filter(|old| !kept.contains(old.logical_id.as_str())) {
            changes.push(change("Remove", &old.logical_id, &old.kind, Some(old)));
        }
        let outputs_differ =
            before.is_none_or(|before| before.template.outputs != definition.template.outputs);
        Ok(Changes { any: !changes.is_empty() || outputs_differ, resources: changes })
    }
}

fn change(action: &str, logical_id: &str, kind: &str, old: Option<&Deployed>) -> Value {
    let mut change = json!({
        "Action": action,
        "LogicalResourceId": logical_id,
        "ResourceType": kind,
        "Scope": [],
        "Details": [],
    });
    if let (Some(old), Value::Object(members)) = (old, &mut change) {
        members.insert("PhysicalResourceId".to_owned(), old.physical_id.clone().into());
    }
    json!({"Type": "Resource", "ResourceChange": change})
}

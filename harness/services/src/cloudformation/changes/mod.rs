//! What a definition would change in a stack, and why.
//!
//! - here: the two states are compared, resource by resource in the order of
//!   their needs;
//! - `cause`: why a property changes;
//! - `preview`: what expressions give before anything is made;
//! - `show`: as `DescribeChangeSet` says it.
//!
//! The rules are those of LocalStack's recorded tests of change sets
//! (`test_change_set_*.py`), each named beside its rule.

mod cause;
mod preview;
mod show;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringfence_wire::Secret;
use serde_json::{Map, Value};

use self::cause::{Cause, Certainty};
pub(super) use self::preview::metadata;
use self::preview::{After, Preview};
use super::CloudFormation;
use super::deploy::{Live, is_active};
use super::resources::{self, Property, ResourceType, Tagging, Update};
use super::store::{Definition, Deployed, OutputValue, mask, masked};
use super::template::{
    self, Graph, Growth, Output, Pseudo, Removal, Resource, Scope, Template, TemplateError,
};

/// What an execution would do.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    resources: Vec<Change>,
    /// Whether outputs would differ.
    outputs: bool,
    /// Why some values are not known.
    pub(super) warnings: Vec<String>,
}

impl Changes {
    /// Whether there is anything to do at all; outputs alone may differ.
    pub(super) fn any(&self) -> bool {
        self.outputs || !self.resources.is_empty()
    }
}

/// A change of one resource.
#[derive(Debug, Clone)]
struct Change {
    logical_id: String,
    kind: String,
    action: Action,
}

#[derive(Debug, Clone)]
enum Action {
    Add { after: Map<String, Value> },
    Modify(Box<Modify>),
    Remove { physical_id: Option<String>, before: Map<String, Value>, policy: Removal },
}

#[derive(Debug, Clone)]
struct Modify {
    physical_id: Option<String>,
    before: Map<String, Value>,
    after: Map<String, Value>,
    properties: Vec<PropertyChange>,
    /// Why the metadata differ; nothing where they do not.
    metadata: Vec<Cause>,
    /// Whether the stack's tags differ, and the resource has them.
    tags: bool,
    /// What becomes of what is replaced.
    policy: Removal,
}

/// A property that changes, or that may.
#[derive(Debug, Clone)]
struct PropertyChange {
    property: &'static Property,
    /// Whether the value differs; else it only may.
    is_certain: bool,
    causes: Vec<Cause>,
    before: Option<Value>,
    after: Option<Value>,
}

impl PropertyChange {
    fn replaces(&self) -> bool {
        self.property.update == Update::Replacement
    }
}

/// Whether a resource is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replacement {
    Yes,
    No,
    /// By what becomes of a value that is not known yet.
    Conditional,
}

impl Modify {
    fn replacement(&self) -> Replacement {
        let replacing = || self.properties.iter().filter(|change| change.replaces());
        if replacing().any(|change| change.is_certain) {
            Replacement::Yes
        } else if replacing().next().is_some() {
            Replacement::Conditional
        } else {
            Replacement::No
        }
    }
}

/// A stack as it stands.
#[derive(Default)]
struct Before {
    name: String,
    resources: Vec<Deployed>,
    outputs: Vec<OutputValue>,
    definition: Option<Definition>,
}

impl CloudFormation {
    /// Compares a definition with a stack.
    ///
    /// # Errors
    /// What the template asks and cannot be, whatever the resources become.
    pub(super) fn changes(
        self: &Arc<Self>,
        stack_id: &str,
        stack_name: &str,
        definition: &Definition,
        zones: Option<Vec<String>>,
    ) -> Result<Changes, TemplateError> {
        let before = self
            .store
            .read(stack_id, |stack| Before {
                name: stack.name.clone(),
                resources: stack.resources.iter().filter(|old| old.lives()).cloned().collect(),
                outputs: stack.outputs.clone(),
                definition: stack.deployed.clone(),
            })
            .unwrap_or_else(|| Before { name: stack_name.to_owned(), ..Before::default() });
        let pseudo = self.pseudo(&before.name, stack_id, &definition.notification_arns);
        let parameters = definition.seen();
        let conditions = template::conditions(&definition.template, &parameters, &pseudo)?;
        let comparison = Comparison {
            definition,
            secrets: definition.secrets(),
            before: &before,
            changed_parameters: changed_parameters(before.definition.as_ref(), &parameters),
            parameters: &parameters,
            conditions: &conditions,
            pseudo: &pseudo,
            live: Live::new(self, stack_id, zones),
        };
        comparison.run()
    }
}

/// The parameters that have another value than before, or had none.
fn changed_parameters(
    before: Option<&Definition>,
    after: &BTreeMap<String, Value>,
) -> BTreeSet<String> {
    let before = before.map(Definition::seen).unwrap_or_default();
    let differs = |(key, value): &(&String, &Value)| before.get(*key) != Some(*value);
    after.iter().filter(differs).map(|(key, _)| key.clone()).collect()
}

struct Comparison<'a> {
    definition: &'a Definition,
    secrets: Vec<Secret>,
    before: &'a Before,
    changed_parameters: BTreeSet<String>,
    parameters: &'a BTreeMap<String, Value>,
    conditions: &'a BTreeMap<String, bool>,
    pseudo: &'a Pseudo,
    live: Live,
}

/// What is known so far of the resources that others refer to.
#[derive(Default)]
struct Fates {
    replaced: BTreeSet<String>,
    /// Perhaps replaced.
    conditional: BTreeSet<String>,
    /// Changed, in place or not.
    modified: BTreeSet<String>,
}

impl Comparison<'_> {
    fn run(self) -> Result<Changes, TemplateError> {
        let template = &self.definition.template;
        let active = |id: &str| is_active(template.resource(id), self.conditions);
        let mut fates = Fates::default();
        let mut changes = Changes::default();
        for id in Graph::new(template, active)?.in_order() {
            let Some(resource) = template.resource(&id) else { continue };
            if let Some(action) = self.resource(resource, &mut fates, &mut changes.warnings)? {
                changes.resources.push(Change {
                    logical_id: id,
                    kind: resource.kind.clone(),
                    action,
                });
            }
        }
        let gone = self.before.resources.iter().filter(|old| !active(&old.logical_id));
        changes.resources.extend(gone.map(|old| self.removal(old)));
        changes.resources.sort_by(|one, other| one.logical_id.cmp(&other.logical_id));
        changes.outputs = self.outputs_differ(&fates)?;
        Ok(changes)
    }

    fn preview<'f>(&'f self, fates: &'f Fates) -> Preview<'f> {
        Preview::new(&self.live, &fates.replaced, &self.definition.template, self.conditions)
    }

    fn scope<'f>(&'f self, preview: &'f Preview<'f>) -> Scope<'f> {
        Scope {
            template: &self.definition.template,
            parameters: self.parameters,
            conditions: self.conditions,
            pseudo: self.pseudo,
            lookup: preview,
            growth: Growth::default(),
        }
    }

    /// What becomes of a resource of the new template.
    fn resource(
        &self,
        resource: &Resource,
        fates: &mut Fates,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Action>, TemplateError> {
        let preview = self.preview(fates);
        let after = After::of(&self.scope(&preview), &preview, resource)?;
        warnings.extend(after.warnings.iter().cloned());
        let Some(handler) = resources::find(&resource.kind) else { return Ok(None) };
        let id = &resource.logical_id;
        let unknown = preview::KNOWN_AFTER_APPLY;
        let shown = resources::preview(handler, &resource.kind, id, &after.properties, unknown)
            .unwrap_or(after.properties);
        let old = self.before.resources.iter().find(|old| old.logical_id == *id);
        let Some(old) = old else {
            return Ok(Some(Action::Add { after: masked(&shown, &self.secrets) }));
        };
        if old.kind != resource.kind {
            return Err(TemplateError::new(format!(
                "Update of resource type is not permitted. The new template modifies resource type of the following resources: [{id}]"
            )));
        }
        let properties = self.properties(handler, resource, old, &shown, fates)?;
        let metadata = match old.metadata == after.metadata {
            true => Vec::new(),
            false => self.causes(resource.metadata.as_ref(), fates)?.certain,
        };
        let modify = Modify {
            physical_id: old.physical_id.clone(),
            before: masked(&old.properties, &old.secrets),
            after: masked(&shown, &self.secrets),
            properties,
            metadata,
            tags: handler.tagging() != Tagging::Never && old.tags != self.definition.tags,
            policy: old.update_replace_policy,
        };
        if modify.properties.is_empty() && modify.metadata.is_empty() && !modify.tags {
            return Ok(None);
        }
        match modify.replacement() {
            Replacement::Yes => drop(fates.replaced.insert(id.clone())),
            Replacement::Conditional => drop(fates.conditional.insert(id.clone())),
            Replacement::No => {}
        }
        fates.modified.insert(id.clone());
        Ok(Some(Action::Modify(Box::new(modify))))
    }

    /// The properties that change, or that may.
    fn properties(
        &self,
        handler: &dyn ResourceType,
        resource: &Resource,
        old: &Deployed,
        after: &Map<String, Value>,
        fates: &Fates,
    ) -> Result<Vec<PropertyChange>, TemplateError> {
        let mut changes = Vec::new();
        for property in resources::all(handler, [&old.properties, after]) {
            let (was, is) = (old.properties.get(property.name), after.get(property.name));
            let causes = self.causes(resource.properties.get(property.name), fates)?;
            let causes = match was == is {
                true => causes.possible,
                false => causes.certain.into_iter().chain(causes.possible).collect(),
            };
            if !causes.is_empty() {
                changes.push(PropertyChange {
                    property,
                    is_certain: was != is,
                    causes,
                    before: was.map(|value| mask(value, &old.secrets)),
                    after: is.map(|value| mask(value, &self.secrets)),
                });
            }
        }
        Ok(changes)
    }

    /// Why an expression gives another value, and why it may.
    fn causes(&self, node: Option<&Value>, fates: &Fates) -> Result<cause::Causes, TemplateError> {
        let names = node.map(template::references).transpose()?.unwrap_or_default();
        Ok(cause::Causes::of(&names, &self.changed_parameters, fates))
    }

    fn removal(&self, old: &Deployed) -> Change {
        let before = self.before.definition.as_ref().and_then(|definition| {
            preview::without_resources(definition, &old.logical_id, self.pseudo)
        });
        Change {
            logical_id: old.logical_id.clone(),
            kind: old.kind.clone(),
            action: Action::Remove {
                physical_id: old.physical_id.clone(),
                before: masked(before.as_ref().unwrap_or(&old.properties), &old.secrets),
                policy: old.deletion_policy,
            },
        }
    }

    /// Whether the outputs are declared otherwise, or give other values.
    fn outputs_differ(&self, fates: &Fates) -> Result<bool, TemplateError> {
        let template: &Template = &self.definition.template;
        let preview = self.preview(fates);
        let scope = self.scope(&preview);
        let mut values = BTreeMap::new();
        for output in &template.outputs {
            let active = output
                .condition
                .as_ref()
                .is_none_or(|name| self.conditions.get(name).copied().unwrap_or(false));
            if active {
                values.insert(output.key.as_str(), self.output(&scope, &preview, output)?);
            }
        }
        let Some(before) = &self.before.definition else { return Ok(true) };
        let old: BTreeMap<&str, Option<String>> = self
            .before
            .outputs
            .iter()
            .map(|output| (output.key.as_str(), Some(output.value.clone())))
            .collect();
        Ok(before.template.outputs != template.outputs
            || old.len() != values.len()
            || values.iter().any(|(key, value)| value.is_some() && old.get(key) != Some(value)))
    }

    /// The value of an output; none where it is not known yet.
    fn output(
        &self,
        scope: &Scope<'_>,
        preview: &Preview<'_>,
        output: &Output,
    ) -> Result<Option<String>, TemplateError> {
        preview.forget();
        match scope.evaluate(&output.value) {
            _ if preview.guessed() => Ok(None),
            Ok(Some(Value::String(text))) => Ok(Some(text)),
            Ok(Some(value @ (Value::Number(_) | Value::Bool(_)))) => Ok(Some(value.to_string())),
            Ok(_) => Ok(None),
            Err(error) if error.is_late() => Ok(None),
            Err(error) => Err(error.in_outputs()),
        }
    }
}

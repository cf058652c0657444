//! What a described type takes: which properties each call uses, and which parts
//! of a property no call has a place for.

use std::collections::BTreeSet;

use ringfence_models::types::Type;
use ringfence_wire::Operation;
use serde_json::Value;

use super::description::{Description, Step};
use super::{expression, fit};
use crate::cloudformation::resources::Property;
use crate::cloudformation::resources::property::{Kind, Update};

/// The properties that a step's expressions name.
fn mentioned<'t>(of: &'t Type, step: &Step) -> BTreeSet<&'t str> {
    let mut names = expression::names(&step.members.clone().into());
    names.extend(step.each.clone());
    names.extend(step.equals.keys().cloned());
    names.extend(step.prepared.iter().cloned());
    let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let names: BTreeSet<String> = names.iter().map(|name| first(name)).collect();
    of.properties.keys().copied().filter(|property| names.contains(*property)).collect()
}

/// The properties that go into members of their own names.
pub(super) fn rest<'t>(of: &'t Type, step: &Step, operation: &Operation) -> Vec<&'t str> {
    let mentioned = mentioned(of, step);
    of.properties
        .keys()
        .copied()
        .filter(|property| {
            of.takes(property)
                && !mentioned.contains(property)
                && of.tag_property != Some(*property)
                && fit::member(operation, property)
                    .is_some_and(|member| !step.members.contains_key(member.name))
        })
        .collect()
}

/// Whether a step takes a property.
pub(super) fn takes(of: &Type, step: &Step, property: &str) -> bool {
    mentioned(of, step).contains(property)
        || step.when.iter().any(|name| name == property)
        || (step.rest && step.operation().is_some_and(|it| rest(of, step, it).contains(&property)))
}

/// Whether a step is to be done, by which properties are there or have changed.
pub(super) fn applies(of: &Type, step: &Step, there: impl Fn(&str) -> bool) -> bool {
    if !step.when.is_empty() {
        return step.when.iter().any(|name| there(name));
    }
    of.properties.keys().any(|property| {
        there(property) && !of.identifier.contains(property) && takes(of, step, property)
    })
}

/// The same of a step of a deletion, which acts whatever there was unless it
/// says otherwise.
pub(super) fn applies_to_deletion(_: &Type, step: &Step, there: impl Fn(&str) -> bool) -> bool {
    step.when.is_empty() || step.when.iter().any(|name| there(name))
}

/// The paths of what no call of the creation has a place for.
pub(super) fn unsupported(of: &'static Type, description: &Description) -> BTreeSet<String> {
    let mut paths: BTreeSet<String> = description.unsupported.iter().cloned().collect();
    for (property, shape) in of.properties.iter().filter(|(property, _)| of.takes(property)) {
        let mut placed = Vec::new();
        let tags = of.tag_property == Some(*property);
        for step in &description.create {
            let Some(operation) = step.operation() else { continue };
            if mentioned(of, step).contains(property) {
                let whole = Value::from(format!("{{{property}}}"));
                let member = step.members.iter().find(|(_, value)| **value == whole);
                let member = member.and_then(|(name, _)| fit::member(operation, name));
                placed.push(member.map_or_else(BTreeSet::new, |member| {
                    fit::unplaced(of, shape, operation, member, property)
                }));
            } else if step.rest
                && rest(of, step, operation).contains(property)
                && let Some(member) = fit::member(operation, property)
            {
                placed.push(fit::unplaced(of, shape, operation, member, property));
            }
            if tags && expression::names(&step.members.clone().into()).contains("tags") {
                placed.push(BTreeSet::new());
            }
        }
        // How a key is deleted is no part of its creation.
        let deletes = description.delete.iter().any(|step| mentioned(of, step).contains(property));
        if deletes && !of.create_only.contains(property) {
            placed.push(BTreeSet::new());
        }
        let named = description.name.as_deref() == Some(*property);
        let tagged = tags && description.tags_after && description.tag.is_some();
        if named || tagged {
            continue;
        }
        match placed.into_iter().reduce(|one, other| &one & &other) {
            Some(unplaced) => paths.extend(unplaced),
            None => drop(paths.insert((*property).to_owned())),
        }
    }
    paths
}

/// The properties of a type for the checks that all types share.
pub(super) fn properties(of: &'static Type) -> Vec<Property> {
    let taken = of.properties.iter().filter(|(name, _)| of.takes(name));
    taken
        .map(|(name, shape)| Property {
            name,
            kind: Kind::Schema(of, shape),
            update: if of.create_only.contains(name) {
                Update::Replacement
            } else {
                Update::InPlace
            },
            required: of.required.contains(name),
        })
        .collect()
}

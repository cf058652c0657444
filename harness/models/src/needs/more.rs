//! What a call needs beside the action of its own name: tags, roles, and what
//! overrides add.

use super::paths::{Path, ends};
use super::resources::plain;
use super::rules::Rules;
use super::{ByRule, Pass, Refused, origins, permission};
use crate::actions::{self, Access};
use crate::operation::{ActionName, Operation};
use crate::shape::{Form, Kind, Member};

/// Finds the tags in the request.
pub(super) fn tags(operation: &Operation, rules: &Rules, needs: &mut ByRule) {
    let parse = |text: &&'static str| Path::parse(operation, text);
    for rule in rules.tags(operation) {
        needs.tags.extend(rule.members.iter().filter_map(parse));
        needs.tag_keys.extend(rule.key_members.iter().filter_map(parse));
    }
    for member in operation.members.iter() {
        let name = member.name.to_ascii_lowercase();
        if ["tags", "tag", "taglist", "tagset"].contains(&name.as_str())
            && is_tags(operation, member)
        {
            needs.tags.push(Path::member(member));
        } else if ["tagkeys", "tagkeylist"].contains(&name.as_str()) {
            needs.tag_keys.push(Path::member(member));
        }
    }
}

/// Whether a member holds tags: a map of texts, or a list of keys with values.
fn is_tags(operation: &Operation, member: &Member) -> bool {
    let model = operation.service.model();
    match model.shape_of(member).map(|shape| &shape.form) {
        Some(Form::Map { value, .. }) => value.kind == Kind::String,
        Some(Form::List(item)) => match model.shape_of(item).map(|shape| &shape.form) {
            Some(Form::Structure(members)) => {
                members.iter().any(|member| ends(member.name, "key"))
                    && members.iter().any(|member| ends(member.name, "value"))
            }
            _ => false,
        },
        _ => false,
    }
}

/// What overrides add.
pub(super) fn also(
    operation: &Operation,
    rules: &Rules,
    needs: &mut ByRule,
) -> Result<(), Refused> {
    for rule in rules.also.iter().filter(|rule| rule.operations.contains(&operation.name)) {
        let (prefix, name) = rule.action.split_once(':').ok_or(Refused::NoAction)?;
        let mut more = permission(operation, rules, ActionName { prefix, name }, needs)?;
        more.when = rule.given.iter().filter_map(|text| Path::parse(operation, text)).collect();
        needs.permissions.push(more);
    }
    Ok(())
}

/// Tags on creation need the permission to tag
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>,
/// each service's page).
pub(super) fn tagging(
    operation: &Operation,
    rules: &Rules,
    needs: &mut ByRule,
) -> Result<(), Refused> {
    let Some(own) = needs.permissions.first() else { return Ok(()) };
    let is_tagging = actions::action(&own.action.to_string())
        .is_some_and(|action| action.access.contains(&Access::Tagging));
    if needs.tags.is_empty() || is_tagging {
        return Ok(());
    }
    let name = match rules.tags(operation).find_map(|rule| rule.action) {
        Some("") => return Ok(()),
        Some(name) => name,
        None => match tag_action(own.action.prefix) {
            TagAction::None => return Ok(()),
            TagAction::One(name) => name,
            TagAction::Several => {
                needs.untold_tags = true;
                return Ok(());
            }
        },
    };
    let action = ActionName { prefix: own.action.prefix, name };
    let Some(prefix) = actions::of(action.prefix) else { return Ok(()) };
    let Some(tagging) = prefix.action(name) else { return Err(Refused::NoAction) };
    // On the resources that the call is about, as far as they can be tagged.
    let can_be = |kind: &str| tagging.resources.iter().any(|listed| listed.name == kind);
    let mut more = permission(operation, rules, own.action, needs)?;
    let is_about_any = !more.resources.is_empty();
    more.resources.retain(|resource| can_be(resource.kind.name));
    // What is made is tagged, and not what it is made in or of.
    let is_made = |kind: &str| plain(operation.name).ends_with(&plain(kind));
    if more.resources.iter().any(|resource| is_made(resource.kind.name)) {
        more.resources.retain(|resource| is_made(resource.kind.name));
    }
    if !tagging.resources.is_empty() && more.resources.is_empty() && is_about_any {
        needs.untold_tags = true;
        return Ok(());
    }
    more.action = action;
    more.when.clone_from(&needs.tags);
    more.keys = origins::of(operation, rules, prefix, tagging, needs);
    needs.permissions.push(more);
    Ok(())
}

enum TagAction {
    None,
    One(&'static str),
    Several,
}

/// The action of a prefix that tags resources.
fn tag_action(prefix: &str) -> TagAction {
    let Some(prefix) = actions::of(prefix) else { return TagAction::None };
    let tags = |name: &str| {
        ["TagResource", "TagResources", "AddTags", "AddTagsToResource", "CreateTags"]
            .contains(&name)
    };
    let mut found = prefix.actions().filter(|action| tags(action.name));
    match (found.next(), found.next()) {
        (None, _) => TagAction::None,
        (Some(action), None) => TagAction::One(action.name),
        (Some(_), Some(_)) => TagAction::Several,
    }
}

/// The roles that the call hands over.
pub(super) fn passes(operation: &Operation, rules: &Rules, needs: &mut ByRule) {
    let reads = needs.permissions.first().is_some_and(|own| {
        actions::action(&own.action.to_string()).is_some_and(|action| {
            action.access.iter().all(|access| matches!(access, Access::List | Access::Read))
        })
    });
    let said: Vec<_> = rules.passes(operation).collect();
    for rule in &said {
        let named_by = rule.named_by.and_then(|text| Path::parse(operation, text));
        for member in rule.members.iter().filter_map(|text| Path::parse(operation, text)) {
            if !rule.ignored {
                let named_by = named_by.clone().map(|path| (path, "RoleArn"));
                let service = rule.service;
                needs.passes.push(Pass { member, is_certain: true, named_by, service });
            }
        }
    }
    if reads {
        return;
    }
    let of_all = said.iter().find(|rule| rule.members.is_empty());
    if of_all.is_some_and(|rule| rule.ignored) {
        return;
    }
    for (member, is_certain) in Path::roles(operation) {
        let is_said = said.iter().any(|rule| {
            rule.members.iter().any(|text| Path::parse(operation, text).as_ref() == Some(&member))
        });
        if !is_said {
            let service = of_all.and_then(|rule| rule.service);
            needs.passes.push(Pass { member, is_certain, named_by: None, service });
        }
    }
}

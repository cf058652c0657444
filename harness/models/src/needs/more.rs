//! What a call needs beside the action of its own name: tags, roles, and what
//! overrides add.

use super::paths::{Path, ends};
use super::resources::plain;
use super::roles::{self, Found};
use super::rules::{PassRule, Rules};
use super::{ByRule, Pass, Refused, RoleNamed, When, origins, permission};
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
        more.when = rule.when(operation);
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
    more.when = needs.tags.iter().cloned().map(When::Given).collect();
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
    let said: Vec<&PassRule> = rules.passes(operation).collect();
    let of_all = said
        .iter()
        .filter(|rule| rule.is_about_all())
        .max_by_key(|rule| !rule.operations.is_empty());
    needs.hands_nothing = hands_nothing(operation, needs) || of_all.is_some_and(|it| it.ignored);
    let mut stated = Vec::new();
    for rule in &said {
        let named_by = rule.named_by.and_then(|text| Path::parse(operation, text));
        for member in rule.members.iter().filter_map(|text| Path::parse(operation, text)) {
            stated.push(member.clone());
            if rule.ignored {
                needs.not_passed.push(member);
                continue;
            }
            let named_by = named_by.clone().map(|path| (path, rule.endings()));
            let named = rule.read.unwrap_or_default();
            let service = service(named, rule.service);
            needs.passes.push(Pass { member, named, named_by, service });
        }
    }
    if needs.hands_nothing {
        return;
    }
    for Found { path: member, named, shape } in roles::of(operation) {
        if stated.contains(&member) {
            continue;
        }
        let alike = said.iter().find(|rule| rule.is_about_alike(member.name(), shape));
        if alike.is_some_and(|rule| rule.ignored) {
            needs.not_passed.push(member);
            continue;
        }
        let named = alike.and_then(|rule| rule.read).unwrap_or(named);
        let stated = alike.or(of_all).and_then(|rule| rule.service);
        let service = service(named, stated);
        needs.passes.push(Pass { member, named, named_by: None, service });
    }
}

/// To which service a role is handed. That of an instance profile goes to EC2,
/// which is what profiles are for
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2_instance-profiles.html>).
fn service(named: RoleNamed, said: Option<&'static str>) -> Option<&'static str> {
    match named {
        RoleNamed::Profile => said.or(Some("ec2.amazonaws.com")),
        RoleNamed::Role | RoleNamed::Arn | RoleNamed::Definition => said,
    }
}

/// Whether what a call names is read, or taken away, so that a role in it is not
/// handed over: unless the reference says so of its action.
fn hands_nothing(operation: &Operation, needs: &ByRule) -> bool {
    const TAKES_AWAY: [&str; 9] = [
        "Cancel",
        "Delete",
        "Deregister",
        "Detach",
        "Disassociate",
        "Remove",
        "Revoke",
        "Stop",
        "Untag",
    ];
    let Some(own) = needs.permissions.first() else { return false };
    let action = actions::action(&own.action.to_string());
    action.is_some_and(|action| {
        let reads =
            action.access.iter().all(|access| matches!(access, Access::List | Access::Read));
        let takes = TAKES_AWAY.iter().any(|verb| operation.name.starts_with(verb));
        (reads || takes) && !action.dependent.contains(&"iam:PassRole")
    })
}

//! What a call needs beside the action of its own name: tags, roles, and what
//! overrides add.

use super::paths::{Path, ends};
use super::resources::{self, plain};
use super::roles::{self, Found};
use super::rules::{PassRule, Rules};
use super::{
    ByRule, Named, Origin, Pass, Permission, Refused, Resource, RoleNamed, When, origins,
    permission,
};
use crate::actions::{self, Access, Action, Prefix, ResourceType};
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
        if is_called_tags(operation, member.name) && is_tags(operation, member) {
            needs.tags.push(Path::member(member));
        } else if ["tagkeys", "tagkeylist"].contains(&&*member.name.to_ascii_lowercase()) {
            needs.tag_keys.push(Path::member(member));
        }
    }
}

/// Whether a member is called as tags are: `Tags`, or `UserPoolTags` in
/// `CreateUserPool`.
fn is_called_tags(operation: &Operation, name: &str) -> bool {
    let name = plain(name);
    let of = name.strip_suffix("tags");
    ["tags", "tag", "taglist", "tagset", "tagstoadd"].contains(&&*name)
        || of.is_some_and(|of| plain(operation.name).ends_with(of))
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
    if rules.by_path && !rules.is_by_rule(operation.name) {
        tagging_by_path(operation, rules, needs);
        return Ok(());
    }
    // What tags needs no second action, and tags by which a call lists or reads are
    // a filter.
    let tags_nothing = |access: &[Access]| {
        access.contains(&Access::Tagging)
            || (!access.is_empty()
                && access.iter().all(|level| matches!(level, Access::List | Access::Read)))
    };
    let is_alone =
        actions::action(&own.action.to_string()).is_some_and(|action| tags_nothing(&action.access));
    if needs.tags.is_empty() || is_alone {
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
    let Some(found) = tagged(operation, rules, action, prefix, tagging, needs)? else {
        needs.untold_tags = true;
        return Ok(());
    };
    let when = needs.tags.iter().cloned().map(When::Given).collect();
    let mut keys = origins::of(operation, rules, prefix, tagging, needs);
    for key in keys.iter_mut().filter(|key| key.key.ends_with(":CreateAction")) {
        key.origin = Origin::Is(own.action.name);
    }
    let (resources, unbound) = (found.resources, Vec::new());
    needs.permissions.push(Permission { action, when, resources, unbound, keys });
    Ok(())
}

/// Of API Gateway: `PUT` on the path of the tags of what is made, as AWS's message
/// names it (<https://github.com/mattclay/aws-terminator/pull/284>).
fn tagging_by_path(operation: &Operation, rules: &Rules, needs: &mut ByRule) {
    let Some(own) = needs.permissions.first() else { return };
    let action = ActionName { prefix: own.action.prefix, name: "PUT" };
    let Some(prefix) = actions::of(action.prefix) else { return };
    let Some((tagging, kind)) = prefix.action("PUT").zip(prefix.resource_type("Tags")) else {
        return;
    };
    if needs.tags.is_empty() || own.action.name != "POST" {
        return;
    }
    let named = Named::TagsOfPath { arn: resources::BY_PATH };
    let resource = Resource { kind, required: true, named, only: None, or_all: false };
    let when = needs.tags.iter().cloned().map(When::Given).collect();
    let keys = origins::of(operation, rules, prefix, tagging, needs);
    let resources = vec![resource];
    needs.permissions.push(Permission { action, when, resources, unbound: Vec::new(), keys });
}

/// What a call tags: what an override says, what it makes, or what it is about.
/// None: nothing tells.
fn tagged(
    operation: &Operation,
    rules: &Rules,
    name: ActionName,
    prefix: &'static Prefix,
    tagging: &'static Action,
    needs: &ByRule,
) -> Result<Option<resources::Found>, Refused> {
    if rules.has_own(operation, name.name) {
        let mut found = resources::of(operation, rules, name, prefix, tagging)?;
        found.resources.retain(|it| rules.is_own(operation, name.name, it.kind.name));
        return Ok(Some(found));
    }
    let Some(own) = needs.permissions.first() else { return Ok(None) };
    let mut more = permission(operation, rules, own.action, needs)?;
    let types: Vec<&str> = match rules.types(name.name) {
        Some(rule) => rule.types.clone(),
        None => tagging.resources.iter().map(|listed| listed.name).collect(),
    };
    let made = prefix.resource_types().filter(|kind| is_made(operation, kind.name));
    // `app` of `CreateApp`, where there is `apps` too.
    let is_one = |kind: &ResourceType| plain(operation.name).ends_with(&plain(kind.name));
    let made = made.max_by_key(|kind| (is_one(kind), kind.name.len()));
    let is_listed = |kind: &ResourceType| types.contains(&kind.name);
    // Nothing tells how what is made is tagged, where the reference does not list it.
    let is_untold = made.is_some_and(|made| !is_listed(made)) && rules.types(name.name).is_none();
    let made = made.filter(|kind| is_listed(kind));
    if is_untold && !types.is_empty() {
        return Ok(None);
    }
    let is_about_any = !more.resources.is_empty();
    let is_it = |kind: &str| made.is_some_and(|made| made.name == kind);
    // What is made is tagged, and not what it is made in or of.
    if more.resources.iter().any(|resource| is_it(resource.kind.name)) {
        more.resources.retain(|resource| is_it(resource.kind.name));
    } else if let Some(kind) = made {
        more.resources = resources::made(operation, kind, &more.resources).into_iter().collect();
    } else {
        more.resources.retain(|resource| types.contains(&resource.kind.name));
        if !types.is_empty() && more.resources.is_empty() {
            // Where there is one type alone, it is what is made.
            let [only] = types.as_slice() else { return Ok(None) };
            let kind = prefix.resource_type(only).filter(|_| !is_about_any);
            let made = kind.and_then(|kind| resources::made(operation, kind, &[]));
            let Some(made) = made else { return Ok(None) };
            more.resources.push(made);
        }
    }
    more.resources.iter_mut().for_each(|resource| resource.named.leave_sources());
    Ok(Some(resources::Found { resources: more.resources, unbound: Vec::new() }))
}

/// Whether an operation makes a type, or changes it, by its name, and not what it
/// makes it from: `RestoreDBClusterFromSnapshot` makes a cluster.
fn is_made(operation: &Operation, kind: &str) -> bool {
    const OTHERWISE: [&str; 4] = ["Add", "Enable", "Provision", "Tag"];
    const FROM: [&str; 7] = ["By", "For", "From", "In", "Of", "To", "With"];
    let name = operation.name;
    let is_upper = |at: usize| name.get(at..).is_some_and(|it| it.starts_with(char::is_uppercase));
    let ends = FROM.iter().filter_map(|word| {
        name.match_indices(word).map(|(at, _)| at).find(|at| *at > 0 && is_upper(at + word.len()))
    });
    let name = name.get(..ends.min().unwrap_or(name.len())).unwrap_or(name);
    let (name, kind) = (plain(name), plain(kind));
    // `segment-definitions` of `CreateSegmentDefinition`, `FormResource` of `CreateForm`.
    let kind = kind.strip_suffix("resource").filter(|it| !it.is_empty()).unwrap_or(&kind);
    let one = kind.strip_suffix('s').unwrap_or(kind);
    name.len() > kind.len()
        && (name.ends_with(kind) || name.ends_with(one))
        && !OTHERWISE.iter().any(|verb| operation.name.starts_with(verb))
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
    // `TagDeliveryStream`, `AddTagsToVault`.
    let is_other = |action: &&Action| {
        let takes_away = ["Un", "Remove", "Delete"].iter().any(|it| action.name.starts_with(it));
        action.access.contains(&Access::Tagging) && !takes_away
    };
    let mut found: Vec<&Action> = prefix.actions().filter(|it| tags(it.name)).collect();
    if found.is_empty() {
        found = prefix.actions().filter(is_other).collect();
    }
    match found.as_slice() {
        [] => TagAction::None,
        [action] => TagAction::One(action.name),
        _ => TagAction::Several,
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
            let asked = rule.asked.as_ref().map(|rule| resources::question(operation, rule));
            let unless = rule.unless.and_then(|text| Path::parse(operation, text));
            needs.passes.push(Pass { member, named, named_by, service, asked, unless });
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
        let pass = Pass { member, named, named_by: None, service, asked: None, unless: None };
        needs.passes.push(pass);
    }
}

/// To which service a role is handed. That of an instance profile goes to EC2,
/// which is what profiles are for
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2_instance-profiles.html>).
fn service(named: RoleNamed, said: Option<&'static str>) -> Option<&'static str> {
    match named {
        RoleNamed::Profile => said.or(Some("ec2.amazonaws.com")),
        RoleNamed::Role | RoleNamed::Arn | RoleNamed::Definition | RoleNamed::Text => said,
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

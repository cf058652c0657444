//! A description by rule, of a type that no file describes: the operations are
//! those of its handlers' permissions that are called as the type is.
//!
//! A type is made by rule only where nothing is guessed: one operation creates
//! it (`CreateWidget` or `PutWidget` for `AWS::Service::Widget`), one deletes it,
//! and everything that these must be given follows by name from a property, an
//! attribute or the sole identifier. All others are refused by name.

use ringfence_models::types::Type;
use ringfence_models::{Member, Operation, Service};
use serde_json::{Map, Value, json};

use super::description::{Description, Step};
use super::fit;

const CREATES: [&str; 8] =
    ["Create", "Put", "Register", "Allocate", "Associate", "Add", "Attach", "Publish"];
const DELETES: [&str; 7] =
    ["Delete", "Deregister", "Release", "Disassociate", "Remove", "Detach", "Terminate"];
const READS: [&str; 2] = ["Get", "Describe"];
const UPDATES: [&str; 2] = ["Update", "Modify"];

/// The description of a type, where the rule gives one.
pub(super) fn describe(kind: &str, of: &Type) -> Option<Description> {
    let (namespace, short) = kind.strip_prefix("AWS::")?.split_once("::")?;
    let (create, noun) = operation(of, "create", &CREATES, namespace, short)?;
    let name = named(of, create, short);
    // `Name` of the operation is `TrailName` of a trail.
    let full = format!("{short}Name");
    let full = create
        .member("Name")
        .or_else(|| create.member("name"))
        .filter(|_| of.takes(&full) && fit::member(create, &full).is_none());
    let known = |member: &Member| {
        member.idempotency_token
            || full.is_some_and(|full| full.name == member.name)
            || of.properties.keys().any(|property| {
                of.takes(property)
                    && fit::member(create, property).is_some_and(|it| it.name == member.name)
            })
    };
    if !create.members.iter().filter(|it| it.required).all(known) {
        return None;
    }
    let delete = sibling(of, "delete", &DELETES, create.service, &noun)?;
    let read = sibling(of, "read", &READS, create.service, &noun);
    let update = sibling(of, "update", &UPDATES, create.service, &noun);
    let puts = create.name.starts_with("Put");
    let mut members = tags(of, create, short);
    let property = full.map(|_| format!("{short}Name"));
    if let (Some(member), Some(property)) = (full, &property) {
        let given = if of.required.contains(&property.as_str()) { property } else { "name" };
        members.insert(member.name.to_owned(), format!("{{{given}}}").into());
    }
    let property = property.filter(|it| !of.required.contains(&it.as_str()));
    let mut description = Description {
        name: name.map(str::to_owned).or(property),
        create: vec![step(create, members, true)],
        delete: vec![step(delete, removed(of, delete, short)?, false)],
        ..Description::default()
    };
    description.read = read
        .and_then(|read| Some(step(read, identified(of, read, short)?, false)))
        .filter(|step| !step.members.is_empty());
    if puts {
        let mut put = step(create, Map::new(), true);
        put.replaces = true;
        description.update = vec![put];
    } else if let Some(update) = update
        && let Some(members) = identified(of, update, short)
    {
        description.update = vec![step(update, members, true)];
    }
    (description.tag, description.untag) = tagging(of, create.service);
    Some(description)
}

fn step(operation: &Operation, members: Map<String, Value>, rest: bool) -> Step {
    Step {
        call: format!("{}:{}", operation.service.name(), operation.name),
        members,
        rest,
        ..Step::default()
    }
}

/// The operation of a handler that is called as the type is, and what it calls
/// the type.
fn operation(
    of: &Type,
    handler: &str,
    verbs: &[&str],
    namespace: &str,
    short: &str,
) -> Option<(&'static Operation, String)> {
    let mut found: Vec<(&'static Operation, String)> = operations(of, handler)
        .filter_map(|operation| {
            let noun = verbs.iter().find_map(|verb| operation.name.strip_prefix(verb))?;
            noun.eq_ignore_ascii_case(short).then(|| (operation, noun.to_owned()))
        })
        .collect();
    // Two of one name are of services that share a prefix: the one that is called
    // as the namespace is, without blanks, counts (`Elastic Load Balancing v2`).
    if found.len() > 1 {
        let id = |service: Service| service.sdk_id().replace([' ', '-'], "");
        found.retain(|(operation, _)| id(operation.service).eq_ignore_ascii_case(namespace));
    }
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn sibling(
    of: &Type,
    handler: &str,
    verbs: &[&str],
    service: Service,
    noun: &str,
) -> Option<&'static Operation> {
    operations(of, handler)
        .filter(|it| it.service == service)
        .find(|operation| verbs.iter().any(|verb| operation.name.strip_prefix(verb) == Some(noun)))
}

/// The operations that a handler's permissions are the actions of.
fn operations(of: &Type, handler: &str) -> impl Iterator<Item = &'static Operation> {
    of.permissions(handler).iter().flat_map(|permission| {
        let (prefix, name) = permission.split_once(':').unwrap_or_default();
        let services = Service::by_iam_prefix(prefix);
        services.iter().filter_map(move |service| service.operation(name))
    })
}

/// The property that names the resource, where the operation must have it and a
/// template need not give it.
fn named(of: &Type, create: &Operation, short: &str) -> Option<&'static str> {
    of.properties.keys().copied().find(|property| {
        let is_name = *property == "Name"
            || property.strip_suffix("Name").is_some_and(|it| it.eq_ignore_ascii_case(short))
            || ((property.ends_with("Name") || property.ends_with("Identifier"))
                && of.identifier == [*property]);
        is_name
            && of.takes(property)
            && !of.required.contains(property)
            && fit::member(create, property).is_some_and(|member| member.required)
    })
}

/// What tells a resource from others in a call about it; none where the call
/// must be given something that does not follow.
fn identified(of: &Type, operation: &Operation, short: &str) -> Option<Map<String, Value>> {
    let required: Vec<&Member> =
        operation.members.iter().filter(|it| it.required && !it.idempotency_token).collect();
    let mut members = Map::new();
    // An operation that takes one of several members as it comes asks for none: a
    // resource is never acted upon without what identifies it.
    if required.is_empty() {
        for only in &of.identifier {
            let full = format!("{short}{only}");
            let names = [*only, &full, strip(only, short).unwrap_or(only)];
            let member = names.iter().find_map(|name| fit::member(operation, name))?;
            members.insert(member.name.to_owned(), format!("{{{only}}}").into());
        }
        return Some(members);
    }
    for member in &required {
        let names = [
            member.name.to_owned(),
            strip(member.name, short).unwrap_or_default().to_owned(),
            format!("{short}{}", member.name),
        ];
        let property = names
            .iter()
            .find_map(|name| of.properties.keys().find(|it| it.eq_ignore_ascii_case(name)));
        match (property, of.identifier.as_slice()) {
            (Some(property), _) => {
                members.insert(member.name.to_owned(), format!("{{{property}}}").into());
            }
            (None, [only]) if required.len() == 1 => {
                members.insert(member.name.to_owned(), format!("{{{only}}}").into());
            }
            _ => return None,
        }
    }
    Some(members)
}

/// What a deletion is given: what identifies the resource, and the name of a last
/// snapshot where the service takes one (RDS's `FinalDBSnapshotIdentifier`).
fn removed(of: &Type, delete: &Operation, short: &str) -> Option<Map<String, Value>> {
    let mut members = identified(of, delete, short)?;
    let last = |name: &str| name.starts_with("Final") && name.ends_with("SnapshotIdentifier");
    if let Some(member) = delete.members.iter().find(|it| last(it.name)) {
        members.insert(member.name.to_owned(), "{snapshot}".into());
        let skip = delete.member("SkipFinalSnapshot");
        if let Some(member) = skip.or_else(|| delete.member("SkipFinalClusterSnapshot")) {
            members.insert(member.name.to_owned(), "{skip}".into());
        }
    }
    Some(members)
}

fn strip<'n>(name: &'n str, short: &str) -> Option<&'n str> {
    let (start, rest) = name.split_at_checked(short.len())?;
    (start.eq_ignore_ascii_case(short) && !rest.is_empty()).then_some(rest)
}

/// Where the tags of a new resource go.
fn tags(of: &Type, create: &Operation, short: &str) -> Map<String, Value> {
    let mut members = Map::new();
    if let Some(property) = of.tag_property {
        if let Some(member) = fit::member(create, property).or_else(|| fit::member(create, "Tags"))
        {
            members.insert(member.name.to_owned(), "{tags}".into());
        } else if let Some(member) = create.member("TagSpecification") {
            // EC2's: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TagSpecification.html
            let each = json!([{"ResourceType": kebab(short), "Tag": "{tags}"}]);
            members.insert(member.name.to_owned(), each);
        }
    }
    members
}

/// `TransitGateway` as EC2 calls the type: `transit-gateway`.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    let mut before = None;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && before.is_some_and(|it: char| !it.is_ascii_uppercase()) {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
        before = Some(letter);
    }
    text
}

/// How tags change, where the service has the usual operations for it and the
/// type an ARN.
fn tagging(of: &Type, service: Service) -> (Option<Step>, Option<Step>) {
    let arn = of.read_only.iter().find(|name| **name == "Arn" || name.ends_with("Arn"));
    let of_name = |name: &str, tags: &[&str], value: &str| {
        let operation = service.operation(name)?;
        let resource = operation
            .members
            .iter()
            .find(|it| it.required && it.name.to_ascii_lowercase().ends_with("arn"))?;
        let tags = tags.iter().find_map(|name| fit::member(operation, name))?;
        let members = json!({resource.name: format!("{{{}}}", arn?), tags.name: value});
        match members {
            Value::Object(members) => Some(step(operation, members, false)),
            _ => None,
        }
    };
    let tag = of_name("TagResource", &["Tags", "TagList"], "{tags}");
    (tag, of_name("UntagResource", &["TagKeys", "TagKeyList"], "{untag}"))
}

//! What makes up permission sets of IAM Identity Center besides their inline policies: the
//! policies that are attached to them, and to whom they are assigned
//! (<https://docs.aws.amazon.com/singlesignon/latest/userguide/permissionsetcustom.html>).
//! Whose sessions they are no file says, and so each is compared by itself.

use std::collections::BTreeMap;

use super::estate::{Entry, Estate};
use super::grants::Unread;
use super::managed;
use crate::lint::known::Node;
use crate::lint::terraform::Resource;

use ringfence_policy::Kind;

/// The types of permission sets' parts.
const PARTS: &str = "aws_ssoadmin_";

/// Of which permission set a resource is a part, as far as that is known.
pub(super) fn of_part<'e>(estate: &'e Estate, name: &str) -> Option<&'e str> {
    if !name.contains(PARTS) {
        return None;
    }
    let is_it = |one: &&Resource| one.address == name && one.kind.starts_with(PARTS);
    let part = estate.resources.iter().filter(|one| !one.is_data).find(is_it)?;
    Some(text(part, "permission_set_arn").unwrap_or_default())
}

/// What is attached and assigned, by address.
pub(super) fn parts(estate: &Estate) -> BTreeMap<String, Entry> {
    let all = estate.resources.iter().filter(|one| !one.is_data && one.kind.starts_with(PARTS));
    let all = all.filter_map(|one| {
        let entry = match one.kind.strip_prefix(PARTS)? {
            "managed_policy_attachment" => managed(one),
            // Its document is of each account that the set is assigned in.
            "customer_managed_policy_attachment" => customer(one),
            "account_assignment" => unread(one, "who is assigned"),
            kind if kind.contains("attachment") => unread(one, "what it attaches"),
            _ => return None,
        };
        Some((one.address.clone(), entry))
    });
    all.filter(|(name, _)| !estate.entries.contains_key(name)).collect()
}

fn text<'r>(resource: &'r Resource, attribute: &str) -> Option<&'r str> {
    resource.values.get(attribute).and_then(Node::text)
}

fn managed(resource: &Resource) -> Entry {
    let mut entry = Entry::default();
    match text(resource, "managed_policy_arn") {
        Some(arn) => match managed::of_aws(arn, Kind::Identity) {
            Ok(Some(document)) => entry.policies.identity.push(document),
            _ => drop(entry.outside.insert(arn.to_owned())),
        },
        None => {
            let why = format!("{}: managed_policy_arn is known after apply only", resource.address);
            entry.unknown.insert(why);
        }
    }
    entry
}

fn customer(resource: &Resource) -> Entry {
    let reference = resource.values.get("customer_managed_policy_reference");
    let reference = reference.map(|node| node.items().first().unwrap_or(node));
    let part = |name| reference.and_then(|node| node.get(name)).and_then(Node::text);
    let mut entry = Entry::default();
    match part("name") {
        Some(name) => {
            let path = part("path").unwrap_or("/");
            entry.outside.insert(format!("policy{path}{name}"));
        }
        None => {
            let why = format!("{}: which policy is attached is not known", resource.address);
            entry.unknown.insert(why);
        }
    }
    entry
}

/// What is told of and not read; the same is the same.
fn unread(resource: &Resource, what: &str) -> Entry {
    let why = format!("{}: {what} is not followed", resource.address);
    let mut entry = Entry::default();
    entry.unknown.insert(why.clone());
    entry.unread.push(Unread::of(resource, why, ""));
    entry
}

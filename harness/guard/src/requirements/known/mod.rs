//! Which condition keys of an action its mapping knows.
//!
//! A key that the mapping sets is present, and one that it would have set and
//! did not is absent. What the catalogue lists beside these is *unknown*: AWS
//! gives it with some requests, and nothing here can tell with which and what it
//! holds. The tables, one a service, declare what is known; everything else that
//! the catalogue lists with an action is unknown, and
//! `requirements/tests/unknown.txt` lists that. Keys that the regular mapping
//! copies from a member of the same name and that are not declared are known
//! where the call gives the member, and unknown where AWS may have a default.
//!
//! A mapping that knows a key in some calls and not in others declares it, and
//! says of the others that it is unknown ([`ringfence_policy::Context::set_unknown`]).

mod api_gateway;
mod cloudformation;
mod dynamodb;
mod ec2;
mod iam;
mod kms;
mod lambda;
mod logs;
mod s3;
mod secrets_manager;
mod ssm;
mod sts;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use ringfence_policy::Context;
use ringfence_policy::catalog::{self, Arns as _, KeyOf, ResourceType};

/// Keys that a mapping knows.
#[derive(Debug)]
pub(crate) struct Known {
    /// The actions; none: all of the service.
    pub(super) actions: &'static [&'static str],
    /// The resource types that bring the keys, or [`ITSELF`]; none: all of these.
    pub(super) types: &'static [&'static str],
    /// The keys, as [`spelled`]; with a `*` at its end, all that begin so.
    pub(super) keys: &'static [&'static str],
    pub(super) how: How,
}

/// How a key is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// The mapping sets it wherever the request has it.
    Set,
    /// No request has it here, for this reason.
    Absent(&'static str),
}

/// In the place of a type: what the action carries whatever the resource.
const ITSELF: &str = "-";

/// Every action of the service.
const ALL: &[&str] = &[];

const fn set(keys: &'static [&'static str]) -> Known {
    Known { actions: ALL, types: ALL, keys, how: How::Set }
}

const fn absent(keys: &'static [&'static str], reason: &'static str) -> Known {
    Known { actions: ALL, types: ALL, keys, how: How::Absent(reason) }
}

impl Known {
    const fn of(self, actions: &'static [&'static str]) -> Self {
        Self { actions, types: self.types, keys: self.keys, how: self.how }
    }

    const fn on(self, types: &'static [&'static str]) -> Self {
        Self { actions: self.actions, types, keys: self.keys, how: self.how }
    }

    /// Whether it declares a key that an action carries with a resource type.
    pub(crate) fn declares(&self, action: &str, resource_type: Option<&str>, key: &str) -> bool {
        let all_or = |list: &[&str], name: Option<&str>| {
            list.is_empty() || name.is_some_and(|name| list.contains(&name))
        };
        all_or(self.actions, Some(action))
            && all_or(self.types, resource_type.or(Some(ITSELF)))
            && self.keys.iter().any(|known| match known.strip_suffix('*') {
                Some(start) => starts(key, start),
                None => known.eq_ignore_ascii_case(key),
            })
    }
}

fn starts(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// What the mappings of a service know.
pub(crate) fn table(prefix: &str) -> &'static [Known] {
    match prefix {
        "apigateway" => api_gateway::KNOWN,
        "cloudformation" => cloudformation::KNOWN,
        "dynamodb" => dynamodb::KNOWN,
        "ec2" => ec2::KNOWN,
        "execute-api" => api_gateway::INVOKE,
        "iam" => iam::KNOWN,
        "kms" => kms::KNOWN,
        "lambda" => lambda::KNOWN,
        "logs" => logs::KNOWN,
        "s3" => s3::KNOWN,
        "secretsmanager" => secrets_manager::KNOWN,
        "ssm" => ssm::KNOWN,
        "sts" => sts::KNOWN,
        _ => &[],
    }
}

/// A key of the catalogue as it is spelled here: `*` stands for what differs
/// from tag to tag.
pub(crate) fn spelled(key: &str) -> String {
    let key = key.strip_suffix("tag-key").unwrap_or(key);
    match key.find("${").or_else(|| key.find('<')) {
        Some(at) => format!("{}*", key.get(..at).unwrap_or(key)),
        None if key.ends_with('/') => format!("{key}*"),
        None => key.to_owned(),
    }
}

/// Whether the mappings of a service know a key of the catalogue.
pub(crate) fn is_declared(prefix: &str, action: &str, key: &KeyOf<'_>) -> bool {
    if table(prefix).is_empty() {
        // The rule says of each key where it comes from, or that it is unknown.
        return true;
    }
    let spelled = spelled(key.key);
    let kind = key.resource_type.map(|kind| kind.name);
    let own_id = prefix == "ec2" && kind.is_some_and(|kind| ec2::is_own_id(kind, &spelled));
    own_id || table(prefix).iter().any(|known| known.declares(action, kind, &spelled))
}

/// The unknown keys of an action: those that it always carries, and those that
/// come with a resource type.
#[derive(Debug, Default)]
struct OfAction {
    always: Vec<String>,
    by_type: Vec<(&'static ResourceType, Vec<String>)>,
}

impl OfAction {
    fn read(name: &str) -> Option<Self> {
        let (prefix, _) = name.split_once(':')?;
        let service = catalog::service(prefix)?;
        let action = catalog::action(name)?;
        let mut found = Self::default();
        for key in service.keys_of(action) {
            if is_declared(service.prefix, action.name, &key) {
                continue;
            }
            let list = match key.resource_type {
                None => &mut found.always,
                Some(kind) => {
                    let same = |(known, _): &(&ResourceType, _)| std::ptr::eq(*known, kind);
                    let place = found.by_type.iter().position(same).unwrap_or_else(|| {
                        found.by_type.push((kind, Vec::new()));
                        found.by_type.len() - 1
                    });
                    match found.by_type.get_mut(place) {
                        Some((_, list)) => list,
                        None => continue,
                    }
                }
            };
            let spelled = spelled(key.key);
            if !list.contains(&spelled) {
                list.push(spelled);
            }
        }
        Some(found)
    }
}

/// What has been read of the catalogue, which has a few thousand actions.
static READ: LazyLock<RwLock<HashMap<String, Arc<OfAction>>>> = LazyLock::new(RwLock::default);

fn of_action(action: &str) -> Arc<OfAction> {
    let known = READ.read().unwrap_or_else(PoisonError::into_inner).get(action).cloned();
    known.unwrap_or_else(|| {
        let Some(read) = OfAction::read(action) else { return Arc::default() };
        let read = Arc::new(read);
        let mut all = READ.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(action.to_owned()).or_insert(read))
    })
}

/// Says of the keys of an action on a resource that are neither set nor
/// declared that they are unknown.
pub(crate) fn mark_unknown(action: &str, resource: &str, context: &mut Context) {
    let unknown = of_action(action);
    let brought = unknown.by_type.iter().filter(|(kind, _)| kind.matches(resource));
    for key in unknown.always.iter().chain(brought.flat_map(|(_, keys)| keys)) {
        if context.get(key).is_none() {
            context.set_unknown(key);
        }
    }
}

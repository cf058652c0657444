//! A document against its row of the table.

use ringfence_models::Partition;
use ringfence_policy::malformed::{self, Fault};
use ringfence_policy::{Document, Kind, catalog};
use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

use super::word_table::{Actions, Counted, Quota, Resources, Row};
use crate::checks::statements::{one_or_many, statements};
use crate::directory::readable;

/// Checks a document.
///
/// # Errors
/// The first thing that the service would refuse, in its words.
pub(super) fn check(row: &Row, call: &Call, text: &str, account: &str) -> Result<(), ServiceError> {
    let words = &row.words;
    let refused = |code: &'static str, template: &str, with: &str| {
        ServiceError::new(words.status, code, template.replace("{}", with))
    };
    quotas(row.quotas, text, true)?;
    match malformed::resource(text, row.elements) {
        Some(Fault::Principal(sentence)) => {
            let of_service =
                named_principals(text, "Service").any(|name| !malformed::is_service_name(&name));
            let template = if of_service { words.service } else { words.principal };
            // Nobody at all is a fault of the form, not a principal that is none.
            let template = if sentence.starts_with("Missing") { words.form } else { template };
            return Err(refused(words.code, template, &sentence));
        }
        Some(fault) => return Err(refused(words.code, words.form, fault.sentence())),
        None => {}
    }
    if named_principals(text, "Service").any(|name| !malformed::is_service_name(&name)) {
        return Err(refused(words.code, words.service, "Invalid principal in policy"));
    }
    let bad = invalid_actions(row, call, text);
    if !bad.is_empty() {
        let (code, template) = words.action;
        // SQS names the first, the parser all.
        let named = match template.starts_with("Value") {
            true => bad.first().cloned().unwrap_or_default(),
            false => bad.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(", "),
        };
        return Err(refused(code, template, &named));
    }
    if let Some((resource, own)) = foreign_resource(row, call, text, account) {
        let template = words.resource.replace("{arn}", &own);
        return Err(refused(words.code, &template, &resource));
    }
    quotas(row.quotas, text, false)?;
    let parsed = Document::parse("policy", &readable(row.prefix, text), Kind::Resource);
    parsed.map(drop).map_err(|cause| {
        // Refused here alone: nobody means what it does.
        refused(words.code, words.form, &cause.to_string()).explained(cause.to_string())
    })
}

/// Who is named under `AWS` or `Service`.
pub(super) fn named_principals(text: &str, kind: &'static str) -> impl Iterator<Item = String> {
    statements(text).into_iter().flat_map(move |statement| {
        let named = ["Principal", "NotPrincipal"].into_iter().flat_map(|element| {
            one_or_many(statement.get(element).and_then(|element| element.get(kind)))
        });
        named.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    })
}

/// The entries of `Action` and `NotAction` that the service does not take.
fn invalid_actions(row: &Row, call: &Call, text: &str) -> Vec<String> {
    let known: Vec<&str> = match row.actions {
        Actions::Any => return Vec::new(),
        Actions::Only(names) => names.to_vec(),
        Actions::OfPrefix => of_catalog(row.prefix, None),
        Actions::OfTable => {
            let is_stream = call.text("ResourceArn").is_some_and(|arn| arn.contains("/stream/"));
            let kinds: &[&str] = if is_stream { &["stream"] } else { &["table", "index"] };
            of_catalog(row.prefix, Some(kinds))
        }
    };
    let takes_all = !matches!(row.actions, Actions::Only(_));
    let is_invalid = |entry: &String| {
        let name = match entry.split_once(':') {
            Some((prefix, name)) if prefix.eq_ignore_ascii_case(row.prefix) => name,
            None if entry == "*" => "*",
            _ => return true,
        };
        let matches_all = name.bytes().all(|byte| byte == b'*');
        (matches_all && !takes_all)
            || !known.iter().any(|known| malformed::names_action(name, known))
    };
    entries(text, &["Action", "NotAction"]).filter(is_invalid).collect()
}

/// The actions of a prefix; where kinds of resources are given, those upon one of
/// them.
fn of_catalog(prefix: &str, kinds: Option<&[&str]>) -> Vec<&'static str> {
    let actions = catalog::service(prefix).into_iter().flat_map(catalog::Service::actions);
    let acts = |action: &&catalog::Action| {
        kinds.is_none_or(|kinds| action.resources.iter().any(|it| kinds.contains(&it.name)))
    };
    actions.filter(acts).map(|action| action.name).collect()
}

/// The first resource that is another's, with the ARN that the policy is about.
fn foreign_resource(row: &Row, call: &Call, text: &str, account: &str) -> Option<(String, String)> {
    let partition = Partition::of_region(&call.region);
    let own =
        |rest: &str| format!("arn:{partition}:{}:{}:{account}:{rest}", row.prefix, call.region);
    let named = |entry: &String| !entry.contains(['*', '?']) && !entry.contains("${");
    let mut given = entries(text, &["Resource", "NotResource"]).filter(named);
    match row.resources {
        Resources::Arns | Resources::Anything => None,
        Resources::OwnTopic => {
            let arn = match call.text("TopicArn") {
                Some(arn) => arn.to_owned(),
                None => own(call.text("Name").unwrap_or_default()),
            };
            given.find(|entry| *entry != arn).map(|entry| (entry, arn.clone()))
        }
        Resources::OwnBus => {
            let name = call.text("EventBusName").unwrap_or("default");
            let name = name.rsplit_once(":event-bus/").map_or(name, |(_, name)| name);
            let bus = own(&format!("event-bus/{name}"));
            let rules = match name {
                "default" => own("rule/"),
                _ => own(&format!("rule/{name}/")),
            };
            let other = given.find(|entry| *entry != bus && !entry.starts_with(&rules))?;
            let relative = other.splitn(6, ':').nth(5).unwrap_or(&other).to_owned();
            Some((relative, other))
        }
    }
}

/// The texts of elements of all statements.
fn entries(text: &str, elements: &'static [&'static str]) -> impl Iterator<Item = String> {
    statements(text).into_iter().flat_map(|statement| {
        let given = elements.iter().flat_map(|element| one_or_many(statement.get(element)));
        given.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    })
}

/// The quotas of bytes, or those of what a policy must be read for.
fn quotas(quotas: &[Quota], text: &str, of_bytes: bool) -> Result<(), ServiceError> {
    for quota in quotas.iter().filter(|it| (it.counted == Counted::Bytes) == of_bytes) {
        let found = count(quota.counted, text);
        if found > quota.most {
            let message = quota.message.replace("{}", &found.to_string());
            return Err(ServiceError::new(quota.status, quota.code, message));
        }
    }
    Ok(())
}

fn count(counted: Counted, text: &str) -> usize {
    let statements = || statements(text);
    match counted {
        Counted::Bytes => text.len(),
        Counted::Statements => statements().len(),
        Counted::Actions => {
            let of = |statement: &Value| {
                let names = ["Action", "NotAction"].into_iter();
                names.map(|name| one_or_many(statement.get(name)).count()).sum()
            };
            statements().iter().map(of).max().unwrap_or_default()
        }
        Counted::Principals => statements()
            .iter()
            .flat_map(|statement| {
                ["Principal", "NotPrincipal"].map(|name| principals(statement.get(name)))
            })
            .sum(),
        Counted::Conditions => statements()
            .iter()
            .filter_map(|statement| statement.get("Condition")?.as_object().cloned())
            .flat_map(|operators| operators.into_iter().map(|(_, keys)| keys))
            .filter_map(|keys| keys.as_object().map(serde_json::Map::len))
            .sum(),
    }
}

fn principals(element: Option<&Value>) -> usize {
    match element {
        Some(Value::Object(kinds)) => {
            kinds.values().map(|named| one_or_many(Some(named)).count()).sum()
        }
        Some(Value::String(_)) => 1,
        _ => 0,
    }
}

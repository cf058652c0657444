//! `aws_iam_policy_document` as the text that it becomes.
//!
//! <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document>

use serde_json::{Map, Value as Json, json};

use super::evaluate;
use crate::lint::known::{Node, Value};
use crate::lint::terraform::{Links, Resource, statement};

const KIND: &str = "aws_iam_policy_document";

/// Writes each document whose parts are known.
pub(super) fn complete(resources: &mut [Resource]) {
    for resource in resources.iter_mut().filter(|one| one.is_data && one.kind == KIND) {
        let is_open = resource.values.get("json").is_some_and(is_unknown);
        let Some(text) = is_open.then(|| written(&resource.values)).flatten() else { continue };
        for name in ["json", "minified_json"] {
            if let Some(node) = resource.values.get_mut(name) {
                node.value = Value::Text(text.clone());
            }
        }
    }
}

fn is_unknown(node: &Node) -> bool {
    matches!(node.value, Value::Unknown)
}

/// The document; `None` where not all of it is known.
fn written(values: &Node) -> Option<String> {
    let documents = |name: &str| -> Option<Vec<Json>> {
        let Some(node) = values.get(name).filter(|node| node.is_something()) else {
            return Some(Vec::new());
        };
        let Value::List(items) = &node.value else { return None };
        let texts = items.iter().map(|item| serde_json::from_str(item.text()?).ok());
        texts.collect()
    };
    // Of former versions of the provider.
    for name in ["source_json", "override_json"] {
        if values.get(name).is_some_and(Node::is_something) {
            return None;
        }
    }
    let mut all: Vec<Json> = Vec::new();
    for document in documents("source_policy_documents")? {
        for one in statements(document)? {
            all.push(one);
        }
    }
    let blocks = values.get("statement").map(Node::items).unwrap_or_default();
    let mut own = Vec::new();
    for block in blocks {
        own.push(replaced(evaluate::json(&statement(&without_null(block)?))?));
    }
    let later = documents("override_policy_documents")?;
    let later = later.into_iter().map(statements).collect::<Option<Vec<_>>>()?.concat();
    for one in own.into_iter().chain(later) {
        // A statement takes the place of another of its name.
        let sid = one.get("Sid").filter(|sid| sid.as_str().is_some_and(|sid| !sid.is_empty()));
        let known = sid.and_then(|sid| all.iter().position(|other| other.get("Sid") == Some(sid)));
        match known.and_then(|at| all.get_mut(at)) {
            Some(place) => *place = one,
            None => all.push(one),
        }
    }
    let version = match values.get("version").map(|node| &node.value) {
        Some(Value::Text(version)) => version.as_str(),
        Some(Value::Unknown) => return None,
        _ => "2012-10-17",
    };
    Some(json!({"Version": version, "Statement": all}).to_string())
}

/// A block in which `null` stands for what is left out alone: in a list it is a text
/// that is not known.
fn without_null(block: &Node) -> Option<Node> {
    let is_null = |item: &Node| matches!(item.value, Value::Null);
    let lists = block.members().iter().map(|member| &member.value);
    let nested = lists.clone().flat_map(Node::items).flat_map(Node::members);
    let lists = lists.chain(nested.map(|member| &member.value));
    let mut items = lists.flat_map(Node::items);
    (!items.any(is_null)).then(|| block.clone())
}

fn statements(document: Json) -> Option<Vec<Json>> {
    match document {
        Json::Object(mut members) => match members.remove("Statement")? {
            Json::Array(all) => Some(all),
            one @ Json::Object(_) => Some(vec![one]),
            _ => None,
        },
        _ => None,
    }
}

/// `&{aws:username}` is how a variable of a policy is written where Terraform would
/// take `${…}` for its own.
fn replaced(value: Json) -> Json {
    match value {
        Json::String(text) => Json::String(text.replace("&{", "${")),
        Json::Array(items) => Json::Array(items.into_iter().map(replaced).collect()),
        Json::Object(members) => Json::Object(
            members.into_iter().map(|(key, one)| (key, replaced(one))).collect::<Map<_, _>>(),
        ),
        other => other,
    }
}

/// Without the configuration: an attribute that refers to the text of one document
/// and to nothing else has that text, of the instance with the same key.
pub(super) fn refer(resources: &mut [Resource], links: &Links) {
    let mut known: Vec<(String, String, String)> = Vec::new();
    for one in resources.iter().filter(|one| one.is_data && one.kind == KIND) {
        if let Some(text) = one.values.get("json").and_then(Node::text) {
            known.push((one.configured(), instance(&one.address).to_owned(), text.to_owned()));
        }
    }
    for resource in resources.iter_mut().filter(|one| !one.is_data) {
        let (configured, own) = (resource.configured(), instance(&resource.address).to_owned());
        for name in ["policy", "assume_role_policy", "access_policies", "policy_document"] {
            if !resource.values.get(name).is_some_and(is_unknown) {
                continue;
            }
            let targets = links.targets(&configured, name);
            let targets: Vec<&&str> =
                targets.iter().filter(|one| !one.starts_with("each.")).collect();
            let [target] = targets.as_slice() else { continue };
            let mut of = known.iter().filter(|(address, ..)| address == **target);
            let same = of.clone().find(|(_, key, _)| *key == own);
            let only =
                of.next().filter(|_| of.next().is_none()).filter(|(_, key, _)| key.is_empty());
            let text = same.or(only).map(|(.., text)| text.clone());
            if let (Some(text), Some(node)) = (text, resource.values.get_mut(name)) {
                node.value = Value::Text(text);
            }
        }
    }
}

/// The key of an instance with its brackets, or nothing.
fn instance(address: &str) -> &str {
    address.find('[').and_then(|at| address.get(at..)).unwrap_or_default()
}

//! `aws_iam_policy_document` as the text that it becomes.
//!
//! <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document>

use serde_json::{Map, Value as Json, json};

use super::evaluate;
use crate::lint::known::{Node, Value};
use crate::lint::terraform::{Resource, statement};

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
    // Blocks that are made of what is not known may be any.
    let blocks = match values.get("statement").map(|node| &node.value) {
        None | Some(Value::Null) => &[],
        Some(Value::List(blocks)) => blocks.as_slice(),
        Some(_) => return None,
    };
    if blocks.iter().any(is_unknown) {
        return None;
    }
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

//! `aws_iam_policy_document` as the text that it becomes.
//!
//! <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document>

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::evaluate;
use crate::access::partial::{Part, Text};
use crate::lint::known::{Node, Value};
use crate::lint::terraform::{Resource, statement};

pub(super) const KIND: &str = "aws_iam_policy_document";

/// The attributes of a `statement` block that may be known in part, with their elements.
pub(super) const ELEMENTS: [(&str, &str); 4] = [
    ("actions", "Action"),
    ("not_actions", "NotAction"),
    ("not_resources", "NotResource"),
    ("resources", "Resource"),
];

/// Writes each document whose parts are known.
pub(super) fn complete(resources: &mut [Resource]) {
    for resource in resources.iter_mut().filter(|one| one.is_data && one.kind == KIND) {
        let is_open = resource.values.get("json").is_some_and(Node::is_unknown);
        let Some(text) = is_open.then(|| written(&resource.values)).flatten() else { continue };
        for name in ["json", "minified_json"] {
            if let Some(node) = resource.values.get_mut(name) {
                node.value = Value::Text(text.clone());
            }
        }
    }
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
    let sources = documents("source_policy_documents")?;
    let later = documents("override_policy_documents")?;
    let version = version(values, sources.iter().chain(&later))?;
    let mut all: Vec<Json> = Vec::new();
    for document in sources {
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
    if blocks.iter().any(Node::is_unknown) {
        return None;
    }
    let mut own = Vec::new();
    for block in blocks {
        own.push(replaced(evaluate::json(&statement(&without_null(block)?))?));
    }
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
    Some(json!({"Version": version, "Statement": all}).to_string())
}

/// The document as far as it is known, beside what its blocks' expressions say of each
/// statement, and what the documents are that an attribute names; `None` where a statement may
/// take the place of another and nobody knows which.
pub(super) fn partly(
    values: &Node,
    blocks: &[BTreeMap<&'static str, Part>],
    documents: impl Fn(&str) -> Option<Vec<Part>>,
) -> Option<Part> {
    let others = |name: &str| -> Option<Vec<Part>> {
        match values.get(name).filter(|node| node.is_something()) {
            None => Some(Vec::new()),
            Some(node) => match evaluate::json(node) {
                Some(Json::Array(all)) => {
                    let of =
                        |one: &Json| Some(serde_json::from_str::<Json>(one.as_str()?).ok()?.into());
                    all.iter().map(of).collect()
                }
                _ => documents(name),
            },
        }
    };
    for name in ["source_json", "override_json"] {
        if values.get(name).is_some_and(Node::is_something) {
            return None;
        }
    }
    let sources = others("source_policy_documents")?;
    let later = others("override_policy_documents")?;
    let own = match values.get("statement").map(|node| &node.value) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::List(all)) => {
            let is_whole = all.len() == blocks.len();
            let of = |(at, block): (usize, &Node)| {
                own_statement(block, blocks.get(at).filter(|_| is_whole))
            };
            all.iter().enumerate().map(of).collect()
        }
        // They may be any.
        Some(_) => vec![Part::Open(String::new())],
    };
    let version = match values.get("version").map(|node| &node.value) {
        Some(Value::Text(version)) => version.clone(),
        Some(Value::Unknown) => return None,
        _ => "2012-10-17".to_owned(),
    };
    let mut all: Vec<Part> = Vec::new();
    let is_merged = !sources.is_empty() || !later.is_empty();
    for document in &sources {
        is_of_version(document, &version)?;
        all.extend(document.get("Statement")?.items().iter().cloned());
    }
    let mut replacing = own;
    for document in &later {
        is_of_version(document, &version)?;
        replacing.extend(document.get("Statement")?.items().iter().cloned());
    }
    for one in replacing {
        let sid = sid(&one).filter(|sid| !sid.is_empty());
        let place = all.iter_mut().find(|other| sid.is_some() && self::sid(other) == sid);
        match place {
            Some(place) => *place = one.clone(),
            None => all.push(one),
        }
    }
    let is_told = |one: &Part| match one {
        Part::Open(_) => false,
        one => one.get("Sid").is_none_or(|sid| sid.known().is_some()),
    };
    if is_merged && !all.iter().all(is_told) {
        return None;
    }
    let version = ("Version".to_owned(), Part::Leaf(Json::String(version)));
    Some(Part::Map(vec![version, ("Statement".to_owned(), Part::List(all))]))
}

fn sid(statement: &Part) -> Option<&str> {
    statement.get("Sid").and_then(Part::text)
}

/// Of documents of several versions the highest counts, and texts mean something else.
fn is_of_version(document: &Part, version: &str) -> Option<()> {
    let own = document.get("Version").map_or(Some(version), Part::text);
    (own == Some(version)).then_some(())
}

/// A `statement` block as far as it is known, beside what its expressions say.
fn own_statement(block: &Node, written: Option<&BTreeMap<&'static str, Part>>) -> Part {
    if block.is_unknown() {
        return Part::Open(String::new());
    }
    let mut made = replaced_in(Part::from(&statement(&null_is_open(block))));
    for (element, part) in written.into_iter().flatten() {
        if let Some(place) = made.get_mut(element).filter(|place| place.known().is_none()) {
            *place = replaced_in(part.clone());
        }
    }
    made
}

/// A block whose lists have no `null`, which stands there for a text that is not known.
fn null_is_open(block: &Node) -> Node {
    let mut block = block.clone();
    fn open(node: &mut Node, is_item: bool) {
        match &mut node.value {
            Value::Null if is_item => node.value = Value::Unknown,
            Value::List(items) => items.iter_mut().for_each(|one| open(one, true)),
            Value::Map(members) => members.iter_mut().for_each(|one| open(&mut one.value, false)),
            _ => {}
        }
    }
    open(&mut block, false);
    block
}

/// The highest of its own and of those that are merged with it (`IAMPolicyDoc.Merge` of
/// <https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/iam/policy_model.go>);
/// `None` where one is not known.
fn version<'d>(values: &Node, others: impl Iterator<Item = &'d Json>) -> Option<String> {
    let own = match values.get("version").map(|node| &node.value) {
        Some(Value::Text(version)) => version.clone(),
        Some(Value::Unknown) => return None,
        _ => "2012-10-17".to_owned(),
    };
    others.filter_map(|one| one.get("Version")).try_fold(own, |highest, version| {
        let version = version.as_str()?;
        Some(if version > highest.as_str() { version.to_owned() } else { highest })
    })
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

/// The same of what is known in part.
fn replaced_in(part: Part) -> Part {
    match part {
        Part::Leaf(value) => Part::Leaf(replaced(value)),
        Part::Text(text) => {
            let of = |text: String| text.replace("&{", "${");
            Part::Text(Text { before: of(text.before), after: of(text.after), open: text.open })
        }
        Part::List(items) => Part::List(items.into_iter().map(replaced_in).collect()),
        Part::Map(members) => {
            Part::Map(members.into_iter().map(|(key, one)| (key, replaced_in(one))).collect())
        }
        open => open,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::lint::read::{self, Read};

    /// Of documents that are merged the highest version counts, whichever has it.
    #[rstest]
    #[case::of_none(json!({}), Some("2012-10-17"))]
    #[case::its_own(json!({"version": "2008-10-17"}), Some("2008-10-17"))]
    #[case::of_a_source(
        json!({"version": "2008-10-17", "source_policy_documents": [merged("2012-10-17")]}),
        Some("2012-10-17")
    )]
    #[case::of_an_override(
        json!({"version": "2008-10-17", "override_policy_documents": [merged("2012-10-17")]}),
        Some("2012-10-17")
    )]
    #[case::of_its_own_above_a_source(
        json!({"source_policy_documents": [merged("2008-10-17")]}),
        Some("2012-10-17")
    )]
    #[case::of_one_that_is_no_text(
        json!({"source_policy_documents": [json!({"Version": 1, "Statement": []}).to_string()]}),
        None
    )]
    fn the_highest_version_counts(#[case] values: Json, #[case] version: Option<&str>) {
        let Ok(Read::Other(values)) = read::read(&values.to_string()) else { panic!("no map") };
        let text = written(&values);
        let document = text.map(|text| serde_json::from_str::<Json>(&text).unwrap());
        assert_eq!(document.as_ref().and_then(|it| it["Version"].as_str()), version);
    }

    fn merged(version: &str) -> String {
        json!({"Version": version, "Statement": []}).to_string()
    }
}

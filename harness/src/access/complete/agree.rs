//! What a plan has, beside a value that an expression has.

use std::collections::BTreeSet;

use ringfence_text::Place;
use serde_json::Value as Json;

use super::evaluate::text;
use crate::lint::known::{Member, Node, Value};

/// What the plan has, completed by a value that agrees with it.
pub(super) fn agreed(node: &Node, value: &Json) -> Option<Node> {
    let same = |holds: bool| holds.then(|| node.clone());
    match (&node.value, value) {
        (Value::Unknown, value) => Some(tree(node.at, value)),
        // What was left out has a default, or none.
        (Value::Null, Json::Null | Json::Array(_)) => Some(node.clone()),
        (Value::Text(known), value) => same(text(value).as_ref() == Some(known)),
        (Value::Bool(known), Json::Bool(flag)) => same(known == flag),
        (Value::Number(known), Json::Number(number)) => same(*known == number.to_string()),
        (Value::List(items), Json::Array(values)) => list(node, items, values),
        (Value::Map(members), Json::Object(values)) => {
            let mut all = Vec::with_capacity(members.len());
            for member in members {
                let value = match values.get(&member.key) {
                    Some(value) => agreed(&member.value, value)?,
                    None => member.value.clone(),
                };
                all.push(Member { value, ..member.clone() });
            }
            Some(Node::new(node.at, Value::Map(all)))
        }
        // Types are converted on the way.
        (_, Json::Null) => Some(node.clone()),
        _ => None,
    }
}

/// A list or a set, of which the plan may have some items: in a list of texts `null`
/// is what is not known.
fn list(node: &Node, items: &[Node], values: &[Json]) -> Option<Node> {
    let texts: Option<Vec<String>> = values.iter().map(text).collect();
    if node.open() == 0 && !items.iter().any(|item| matches!(item.value, Value::Null)) {
        let known: Option<BTreeSet<&str>> = items.iter().map(Node::text).collect();
        let written: Option<BTreeSet<&str>> =
            texts.as_ref().map(|all| all.iter().map(String::as_str).collect());
        // Of texts all must be the same; the rest is converted on the way.
        let differs = known.is_some() && written.is_some() && known != written;
        return (!differs).then(|| node.clone());
    }
    let Some(texts) = texts else {
        let same = items.len() == values.len();
        let all = items.iter().zip(values).map(|(item, value)| agreed(item, value));
        return same
            .then(|| all.collect::<Option<Vec<_>>>())
            .flatten()
            .map(|all| Node::new(node.at, Value::List(all)));
    };
    let texts: BTreeSet<String> = texts.into_iter().collect();
    let known = items.iter().filter_map(Node::text);
    // As many as there are: two that are not known may be one.
    let fits = texts.len() <= items.len() && known.into_iter().all(|text| texts.contains(text));
    let all = texts.into_iter().map(|text| Node::new(node.at, Value::Text(text)));
    fits.then(|| Node::new(node.at, Value::List(all.collect())))
}

/// A value that no file has, as if it stood at a place of one.
pub(in crate::access) fn tree(at: Place, value: &Json) -> Node {
    let value = match value {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => Value::Number(number.to_string()),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(|item| tree(at, item)).collect()),
        Json::Object(members) => Value::Map(
            members
                .iter()
                .map(|(key, value)| Member { at, key: key.clone(), value: tree(at, value) })
                .collect(),
        ),
    };
    Node::new(at, value)
}

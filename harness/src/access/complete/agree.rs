//! What a plan has, beside a value that an expression has.

use std::collections::BTreeSet;

use ringfence_text::Place;
use serde_json::Value as Json;

use super::evaluate::{number, text};
use crate::lint::known::{Member, Node, Value};

/// What the plan has, completed by a value that agrees with it.
pub(super) fn agreed(node: &Node, value: &Json) -> Option<Node> {
    let same = |holds: bool| holds.then(|| node.clone());
    match (&node.value, value) {
        (Value::Unknown, value) => Some(tree(node.at, value)),
        // What was left out has a default, or none.
        (Value::Null, Json::Array(_)) => Some(node.clone()),
        // The provider keeps no map that is empty, as members that are `null` leave it.
        (Value::Null, Json::Object(members)) => same(members.values().all(Json::is_null)),
        // An argument that is `null` is left out.
        (_, Json::Null) => Some(node.clone()),
        (Value::Text(known), value) => {
            let written = text(value);
            same(written.as_ref().is_some_and(|it| it == known || is_same_json(it, known)))
        }
        (Value::Bool(known), Json::Bool(flag)) => same(known == flag),
        (Value::Number(known), Json::Number(number)) => same(*known == number.to_string()),
        // A text where something else is wanted is converted
        // (<https://developer.hashicorp.com/terraform/language/expressions/types#type-conversion>).
        (Value::Bool(known), Json::String(text)) => same(text.parse::<bool>() == Ok(*known)),
        (Value::Number(known), Json::String(text)) => {
            same(number(text).is_some_and(|written| number(known) == Some(written)))
        }
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
        _ => None,
    }
}

/// Whether two texts are the same JSON: the provider writes that of policies anew, in the order
/// of the members' names.
fn is_same_json(one: &str, other: &str) -> bool {
    let read = |text: &str| {
        let is_it = text.trim_start().starts_with(['{', '[']);
        is_it.then(|| serde_json::from_str::<Json>(text).ok()).flatten()
    };
    read(one).is_some_and(|one| read(other) == Some(one))
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
    // Each where it stands: that of a list hangs on it.
    let is_as_long = items.len() == values.len();
    let pairs = items.iter().zip(values).map(|(item, value)| placed(item, value, values));
    let list = is_as_long.then(|| pairs.collect::<Option<Vec<_>>>()).flatten();
    let list = list.or_else(|| {
        let all = of_set(items, values)?;
        Some(all.iter().map(|value| tree(node.at, value)).collect())
    })?;
    Some(Node::new(node.at, Value::List(list)))
}

/// An item beside the value that the expression has in its place.
fn placed(item: &Node, value: &Json, values: &[Json]) -> Option<Node> {
    let is_plain = !value.is_array() && !value.is_object();
    match &item.value {
        Value::Null | Value::Unknown if is_plain => {
            // Beside a text a number may be one, or not, as the list is of one type or not.
            let is_doubtful = !value.is_string() && values.iter().any(Json::is_string);
            Some(if is_doubtful { item.clone() } else { tree(item.at, value) })
        }
        _ => agreed(item, value),
    }
}

/// The items of a set, in its order, each once: numbers, or all as texts.
fn of_set(items: &[Node], values: &[Json]) -> Option<Vec<Json>> {
    let are_numbers = values.iter().all(Json::is_number)
        && !items.iter().any(|item| matches!(item.value, Value::Text(_)));
    // As many as there are: two that are not known may be one.
    if are_numbers {
        let mut all: Vec<Json> = values.to_vec();
        all.sort_by(|one, other| {
            one.as_f64().unwrap_or(0.0).total_cmp(&other.as_f64().unwrap_or(0.0))
        });
        all.dedup();
        let has = |known: &str| all.iter().any(|value| value.to_string().as_str() == known);
        let fits = items.iter().all(|item| match &item.value {
            Value::Number(known) => has(known),
            _ => true,
        });
        return (fits && all.len() <= items.len()).then_some(all);
    }
    let texts: BTreeSet<String> = values.iter().map(text).collect::<Option<_>>()?;
    let mut known = items.iter().filter_map(Node::text);
    let fits = texts.len() <= items.len() && known.all(|text| texts.contains(text));
    fits.then(|| texts.into_iter().map(Json::String).collect())
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

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    /// As JSON; `"?"` is what is not known.
    fn given(value: &Json) -> Node {
        let mut node = tree(Place { line: 1, column: 1 }, value);
        open(&mut node);
        node
    }

    fn open(node: &mut Node) {
        match &mut node.value {
            Value::Text(text) if text == "?" => node.value = Value::Unknown,
            Value::List(items) => items.iter_mut().for_each(open),
            Value::Map(members) => members.iter_mut().for_each(|one| open(&mut one.value)),
            _ => {}
        }
    }

    #[rstest]
    #[case(json!("?"), json!("a"), json!("a"))]
    // What is `null` is left out, whatever its default is.
    #[case(json!("default"), json!(null), json!("default"))]
    #[case(json!(true), json!(null), json!(true))]
    #[case(json!({"a": "default", "b": "?"}), json!({"a": null, "b": 1}), json!({"a": "default", "b": 1}))]
    // JSON in another order.
    #[case(json!(r#"{"a":1,"b":2}"#), json!("{\"b\": 2,\n\"a\": 1}\n"), json!(r#"{"a":1,"b":2}"#))]
    // No map is kept that is empty.
    #[case(json!(null), json!({}), json!(null))]
    #[case(json!(null), json!({"a": null}), json!(null))]
    // What is written in quotes is what it is converted to.
    #[case(json!(false), json!("false"), json!(false))]
    #[case(json!(3600), json!("3600"), json!(3600))]
    #[case(json!({"a": true, "b": "?"}), json!({"a": "true", "b": "x"}), json!({"a": true, "b": "x"}))]
    // A list keeps its order, and what is in it twice.
    #[case(json!(["?", "a"]), json!(["z", "a"]), json!(["z", "a"]))]
    #[case(json!(["?", "?", "a"]), json!(["z", "z", "a"]), json!(["z", "z", "a"]))]
    #[case(json!([null, "a"]), json!(["z", "a"]), json!(["z", "a"]))]
    #[case(json!(["?", 2]), json!([3, 2]), json!([3, 2]))]
    // A set has its own.
    #[case(json!(["a", "?"]), json!(["z", "a"]), json!(["a", "z"]))]
    #[case(json!(["a", "?", "?"]), json!(["z", "z", "a"]), json!(["a", "z"]))]
    #[case(json!([2, "?"]), json!([10, 2]), json!([2, 10]))]
    #[case(json!(["80", "?"]), json!(["x", 80]), json!(["80", "x"]))]
    // Whether it becomes a text is not known.
    #[case(json!(["?", "?"]), json!(["a", 1]), json!(["a", "?"]))]
    #[case(json!(["?", {"a": "?"}]), json!(["a", {"a": 1}]), json!(["a", {"a": 1}]))]
    fn what_agrees_completes_it(#[case] plan: Json, #[case] value: Json, #[case] expected: Json) {
        assert_eq!(agreed(&given(&plan), &value), Some(given(&expected)));
    }

    #[rstest]
    #[case(json!("a"), json!("b"))]
    #[case(json!(["a", "?"]), json!(["b", "c"]))]
    #[case(json!([1, "?"]), json!([2, 3]))]
    #[case(json!(["?"]), json!(["b", "c"]))]
    #[case(json!(null), json!({"a": "b"}))]
    #[case(json!(r#"{"a":1,"b":2}"#), json!(r#"{"a":1,"b":3}"#))]
    #[case(json!(false), json!("true"))]
    #[case(json!(false), json!(""))]
    #[case(json!(3600), json!("7200"))]
    #[case(json!(3600), json!("x"))]
    fn what_differs_does_not(#[case] plan: Json, #[case] value: Json) {
        assert_eq!(agreed(&given(&plan), &value), None);
    }
}

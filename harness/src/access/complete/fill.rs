//! Values that the configuration determines where the plan leaves them open.
//!
//! A configuration that is not the plan's own gives nothing: each resource must refer
//! to what the plan says that it refers to, and where the plan has a value, the
//! expression must have the same.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use hcl_edit::structure::{Block, Body};
use ringfence_text::Place;
use serde_json::{Map, Value as Json};

use super::defaults::configured;
use super::evaluate::{Key, Scope, World, json};
use super::source::Source;
use crate::hcl;
use crate::lint::known::{Member, Node, Value};
use crate::lint::terraform::Resource;

/// Completes what the configuration determines.
pub(super) fn complete(
    root: &Node,
    source: &Source,
    resources: &mut [Resource],
    read: &[Resource],
) {
    let world = world(root, source, resources, read);
    let filled: Vec<(usize, Node)> = resources
        .iter()
        .enumerate()
        .filter(|(_, resource)| resource.values.open() > 0)
        .filter_map(|(at, resource)| Some((at, filled(root, &world, resource)?)))
        .collect();
    for (at, values) in filled {
        if let Some(resource) = resources.get_mut(at) {
            resource.values = values;
        }
    }
}

/// What names stand for.
fn world<'w>(
    root: &Node,
    source: &'w Source,
    resources: &'w [Resource],
    read: &'w [Resource],
) -> World<'w> {
    let mut instances: BTreeMap<String, Vec<(Key, &Node)>> = BTreeMap::new();
    for one in resources.iter().chain(read) {
        instances.entry(one.configured()).or_default().push((key(&one.address), &one.values));
    }
    let variables = root.get("variables").map(Node::members).unwrap_or_default();
    let variables = variables
        .iter()
        .filter_map(|member| Some((member.key.clone(), json(member.value.get("value")?)?)));
    World {
        source,
        variables: variables.collect(),
        instances,
        locals: RefCell::new(HashMap::new()),
    }
}

/// The outputs that are known: by the plan or the state, else by the configuration.
pub(super) fn outputs(
    root: &Node,
    source: Option<&Source>,
    resources: &[Resource],
    read: &[Resource],
) -> BTreeMap<String, Json> {
    let mut outputs = BTreeMap::new();
    if let Some(source) = source {
        let world = world(root, source, resources, read);
        for (name, expression) in source.outputs() {
            let value = world.value(expression, &Scope::new());
            outputs.extend(value.map(|value| (name.clone(), value)));
        }
    }
    let said =
        root.path(&["values", "outputs"]).or_else(|| root.path(&["planned_values", "outputs"]));
    for output in said.map(Node::members).unwrap_or_default() {
        let value = output.value.get("value").and_then(json);
        outputs.extend(value.map(|value| (output.key.clone(), value)));
    }
    outputs
}

/// Which instance an address names.
fn key(address: &str) -> Key {
    let Some(inside) = address.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) else {
        return Key::Only;
    };
    // A key may have brackets of its own.
    let from_quote = address.split_once("[\"").and_then(|(_, rest)| rest.strip_suffix("\"]"));
    match (inside.1.parse(), from_quote) {
        (_, Some(name)) => {
            let name: Option<String> = serde_json::from_str(&format!("\"{name}\"")).ok();
            Key::Name(name.unwrap_or_default())
        }
        (Ok(number), None) => Key::Number(number),
        (Err(_), None) => Key::Only,
    }
}

fn filled(root: &Node, world: &World<'_>, resource: &Resource) -> Option<Node> {
    let address = resource.configured();
    let block = world.source.block(&address)?;
    if !is_the_plans(root, &address, &block.body) {
        return None;
    }
    let scope = scope(world, block, key(&resource.address))?;
    of_body(world, &block.body, &resource.values, &scope)
}

/// `each` or `count` of an instance.
fn scope(world: &World<'_>, block: &Block, key: Key) -> Option<Scope> {
    let member = |name: &str, value: Json| (name.to_owned(), value);
    Some(match key {
        Key::Only => Scope::new(),
        Key::Number(number) => {
            let index = Map::from_iter([member("index", number.into())]);
            Scope::from([member("count", Json::Object(index))])
        }
        Key::Name(name) => {
            let all = block.body.attributes().find(|one| one.key.as_str() == "for_each");
            let value = all.and_then(|all| world.value(&all.value, &Scope::new()));
            let value = match value {
                Some(Json::Object(mut members)) => members.remove(&name),
                Some(Json::Array(_)) => Some(Json::String(name.clone())),
                _ => None,
            };
            let mut each = Map::from_iter([member("key", name.into())]);
            each.extend(value.map(|value| member("value", value)));
            Scope::from([member("each", Json::Object(each))])
        }
    })
}

/// The values of a block with what its expressions determine; `None` where the two
/// do not agree.
fn of_body(world: &World<'_>, body: &Body, values: &Node, scope: &Scope) -> Option<Node> {
    let mut out = values.clone();
    for attribute in body.attributes() {
        let name = attribute.key.as_str();
        let (Some(node), Some(value)) = (values.get(name), world.value(&attribute.value, scope))
        else {
            continue;
        };
        put(&mut out, name, agreed(node, &value)?);
    }
    let kinds: BTreeSet<&str> = body.blocks().map(|block| block.ident.as_str()).collect();
    for kind in kinds.iter().copied().filter(|kind| *kind != "dynamic") {
        let made = body.blocks().any(|block| {
            block.ident.as_str() == "dynamic"
                && block.labels.first().is_some_and(|label| label.as_str() == kind)
        });
        let Some(node) = values.get(kind).filter(|node| node.open() > 0 && !made) else { continue };
        let blocks: Vec<&Body> = body
            .blocks()
            .filter(|block| block.ident.as_str() == kind)
            .map(|block| &block.body)
            .collect();
        if let Value::List(items) = &node.value {
            let items = items.iter().enumerate();
            let items = items.map(|(at, item)| one_of(world, &blocks, at, item, scope));
            let list = Node::new(node.at, Value::List(items.collect::<Option<_>>()?));
            put(&mut out, kind, list);
        }
    }
    Some(out)
}

/// An item with what the block that it is of determines: the one at its place, or,
/// as the plan sorts some, the one that agrees. `None` where none does.
fn one_of(
    world: &World<'_>,
    blocks: &[&Body],
    at: usize,
    item: &Node,
    scope: &Scope,
) -> Option<Node> {
    let mut all: Vec<(usize, Node)> = Vec::new();
    for (place, body) in blocks.iter().enumerate() {
        all.extend(of_body(world, body, item, scope).map(|filled| (place, filled)));
    }
    let first = all.first().map(|(_, filled)| filled.clone())?;
    if all.iter().all(|(_, filled)| *filled == first) {
        return Some(first);
    }
    // A list that has a block each is in their order where it is of statements.
    let own = all.into_iter().find(|(place, _)| *place == at);
    let sorted = blocks.iter().any(|body| body.attributes().any(|it| it.key.as_str() == "test"));
    match own {
        Some((_, filled)) if !sorted => Some(filled),
        _ => Some(item.clone()),
    }
}

/// What the plan has, completed by a value that agrees with it.
fn agreed(node: &Node, value: &Json) -> Option<Node> {
    let same = |holds: bool| holds.then(|| node.clone());
    match (&node.value, value) {
        (Value::Unknown, value) => Some(tree(node.at, value)),
        // What was left out has a default, or none.
        (Value::Null, Json::Null | Json::Array(_)) => Some(node.clone()),
        (Value::Text(known), value) => same(super::evaluate::text(value).as_ref() == Some(known)),
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
    if node.open() == 0 && !items.iter().any(|item| matches!(item.value, Value::Null)) {
        return Some(node.clone());
    }
    let texts: Option<Vec<String>> = values.iter().map(super::evaluate::text).collect();
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

fn put(values: &mut Node, name: &str, value: Node) {
    if let Some(place) = values.get_mut(name) {
        *place = value;
    }
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

/// Whether a block refers to what the plan says of it.
fn is_the_plans(root: &Node, address: &str, body: &Body) -> bool {
    let Some(planned) = configured(root, address) else { return false };
    let mut said = BTreeSet::new();
    references(planned, &mut said);
    let written = hcl::references(body).into_iter().filter(|names| is_of_terraform(names));
    let written: BTreeSet<String> = written.map(|names| names.join(".")).collect();
    // The plan names what a reference begins with, too.
    let begins = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    said.iter().all(|one| written.iter().any(|other| begins(other, one)))
        && written.iter().all(|one| said.iter().any(|other| begins(one, other)))
}

fn is_of_terraform(names: &[String]) -> bool {
    let Some(first) = names.first() else { return false };
    names.len() > 1
        && (["var", "local", "each", "count", "data", "module"].contains(&first.as_str())
            || first.contains('_'))
}

fn references(node: &Node, out: &mut BTreeSet<String>) {
    match &node.value {
        Value::Map(members) => {
            for member in members {
                match member.key.as_str() {
                    "references" => {
                        let texts = member.value.items().iter().filter_map(Node::text);
                        let plain = texts.map(|text| text.split('[').next().unwrap_or(text));
                        let names = plain.filter(|text| {
                            is_of_terraform(&text.split('.').map(str::to_owned).collect::<Vec<_>>())
                        });
                        out.extend(names.map(str::to_owned));
                    }
                    "depends_on" => {
                        let texts = member.value.items().iter().filter_map(Node::text);
                        out.extend(texts.map(str::to_owned));
                    }
                    _ => references(&member.value, out),
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| references(item, out)),
        _ => {}
    }
}

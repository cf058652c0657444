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
use crate::lint::terraform::{Resource, without_keys};

/// Completes what the configuration determines.
pub(super) fn complete(
    root: &Node,
    source: &Source,
    resources: &mut [Resource],
    read: &[Resource],
) {
    let mut worlds: BTreeMap<String, Option<World<'_>>> = BTreeMap::new();
    worlds.insert(String::new(), Some(world(root, source, resources, read)));
    let modules: BTreeSet<&str> = resources.iter().map(|one| split(&one.address).0).collect();
    // The modules around one stand before it.
    for module in modules.into_iter().filter(|module| !module.is_empty()) {
        of_module(root, module, (resources, read), &mut worlds);
    }
    let filled: Vec<(usize, Node)> = resources
        .iter()
        .enumerate()
        .filter(|(_, resource)| resource.values.open() > 0)
        .filter_map(|(at, resource)| {
            let world = worlds.get(split(&resource.address).0)?.as_ref()?;
            Some((at, filled(root, world, resource)?))
        })
        .collect();
    for (at, values) in filled {
        if let Some(resource) = resources.get_mut(at) {
            resource.values = values;
        }
    }
}

/// An address as the module that it is in, with its keys, and the rest.
pub(super) fn split(address: &str) -> (&str, &str) {
    let mut at = 0;
    let rest_of = |at: usize| address.get(at..).unwrap_or_default();
    while let Some(after) = rest_of(at).strip_prefix("module.") {
        let begin = at + "module.".len();
        let Some(end) = after.find(['.', '[']) else { break };
        let keyed = after.get(end..).unwrap_or_default();
        let length = match (keyed.strip_prefix("[\""), keyed.starts_with('[')) {
            (Some(inside), _) => inside.find("\"]").map(|at| at + 4),
            (None, true) => keyed.find(']').map(|at| at + 1),
            (None, false) => Some(0),
        };
        let Some(length) = length else { break };
        // The dot behind it.
        at = begin + end + length + 1;
    }
    (address.get(..at.saturating_sub(1)).unwrap_or_default(), rest_of(at))
}

/// Adds the names of an instance of a module, as its call gives them, and first those of
/// the modules around it.
fn of_module<'w>(
    root: &Node,
    module: &str,
    (resources, read): (&'w [Resource], &'w [Resource]),
    worlds: &mut BTreeMap<String, Option<World<'w>>>,
) {
    if worlds.contains_key(module) {
        return;
    }
    let around = module.rfind("module.").and_then(|at| module.get(..at.saturating_sub(1)));
    let around = around.unwrap_or_default();
    of_module(root, around, (resources, read), worlds);
    let made = worlds.get(around).and_then(Option::as_ref).and_then(|outer| {
        let call = module.get(around.len()..)?.trim_start_matches('.');
        let name = without_keys(call);
        let block = outer.source.block(&name)?;
        let source = outer.source.module(name.strip_prefix("module.")?)?;
        let scope = scope(outer, block, key(call))?;
        let all = resources.iter().chain(read);
        let own = all.filter(|one| split(&one.address).0 == module);
        let mut instances: BTreeMap<String, Vec<(Key, &Node)>> = BTreeMap::new();
        for one in own {
            let rest = split(&one.address).1;
            instances.entry(without_keys(rest)).or_default().push((key(rest), &one.values));
        }
        let variables = given(root, &without_keys(module), (outer, source), block, &scope);
        Some(World { source, variables, instances, locals: RefCell::new(HashMap::new()) })
    });
    worlds.insert(module.to_owned(), made);
}

/// The variables of a module: what its call gives, else their defaults, as their types
/// have it.
fn given(
    root: &Node,
    module: &str,
    (outer, inner): (&World<'_>, &Source),
    call: &Block,
    scope: &Scope,
) -> BTreeMap<String, Json> {
    let mut of_plan = root.path(&["configuration", "root_module"]);
    for name in module.split("module.").skip(1) {
        let name = name.trim_end_matches('.');
        of_plan = of_plan.and_then(|one| one.path(&["module_calls", name, "module"]));
    }
    let variables = of_plan.and_then(|one| one.get("variables")).map(Node::members);
    let mut all = BTreeMap::new();
    for variable in variables.unwrap_or_default() {
        let written = call.body.attributes().find(|one| one.key.as_str() == variable.key);
        let value = match written {
            Some(written) => outer.value(&written.value, scope),
            None => variable.value.get("default").and_then(json),
        };
        let name = &variable.key;
        // What `null` stands for, more than the type says.
        let value = value.filter(|value| !value.is_null());
        let value = value.and_then(|value| inner.converted(name, value));
        all.extend(value.map(|value| (name.clone(), value)));
    }
    all
}

/// What names stand for.
fn world<'w>(
    root: &Node,
    source: &'w Source,
    resources: &'w [Resource],
    read: &'w [Resource],
) -> World<'w> {
    let mut instances: BTreeMap<String, Vec<(Key, &Node)>> = BTreeMap::new();
    for one in resources.iter().chain(read).filter(|one| split(&one.address).0.is_empty()) {
        instances.entry(one.configured()).or_default().push((key(&one.address), &one.values));
    }
    let variables = root.get("variables").map(Node::members).unwrap_or_default();
    let variables = variables.iter().filter_map(|member| {
        let value = json(member.value.get("value")?)?;
        Some((member.key.clone(), source.converted(&member.key, value)?))
    });
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
            outputs.extend(value.map(|value| (name.to_owned(), value)));
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
    let own = split(&resource.address).1;
    let block = world.source.block(&without_keys(own))?;
    if !is_the_plans(root, &resource.configured(), &block.body) {
        return None;
    }
    let scope = scope(world, block, key(own))?;
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
            let all = items.iter().map(|item| {
                let each = blocks.iter().enumerate();
                let each =
                    each.filter_map(|(at, body)| Some((at, of_body(world, body, item, scope)?)));
                each.collect::<Vec<_>>()
            });
            let is_ordered = kind == "statement";
            let list = assigned(items, all.collect(), is_ordered)?;
            put(&mut out, kind, Node::new(node.at, Value::List(list)));
        }
    }
    Some(out)
}

/// The blocks that an item may be of, by their places, each with the item as it makes it.
type Fits = Vec<(usize, Node)>;

/// The items with what the blocks that they are of determine, each block of one item: by
/// what agrees with one alone, else, where the plan has them in their order, by their
/// places. It has those of a set in an order of its own: of what agrees with several that
/// differ nothing is known. `None` where nothing agrees.
fn assigned(items: &[Node], mut fits: Vec<Fits>, is_ordered: bool) -> Option<Vec<Node>> {
    let mut out: Vec<Option<Node>> = vec![None; items.len()];
    loop {
        if fits.iter().zip(&out).any(|(all, done)| done.is_none() && all.is_empty()) {
            return None;
        }
        let mut open = fits.iter().zip(&out).enumerate();
        let by_itself = open.find(|(_, (all, done))| done.is_none() && all.len() == 1);
        let mut open = fits.iter().zip(&out).enumerate();
        let by_place = || {
            open.find_map(|(at, (all, done))| {
                let own = all.iter().position(|(block, _)| *block == at);
                own.filter(|_| is_ordered && done.is_none()).map(|own| (at, own))
            })
        };
        let next = by_itself.map(|(at, _)| (at, 0)).or_else(by_place);
        let Some((at, own)) = next else { break };
        let (block, filled) = fits.get(at)?.get(own)?.clone();
        *out.get_mut(at)? = Some(filled);
        // What is of one item is of no other.
        for all in &mut fits {
            all.retain(|(other, _)| *other != block);
        }
    }
    let same = |all: &[(usize, Node)]| {
        let (_, first) = all.first()?;
        all.iter().all(|(_, filled)| filled == first).then(|| first.clone())
    };
    let left = items.iter().zip(fits).zip(out);
    let all =
        left.map(|((item, all), done)| done.or_else(|| same(&all)).unwrap_or_else(|| item.clone()));
    Some(all.collect())
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
    let texts: Option<Vec<String>> = values.iter().map(super::evaluate::text).collect();
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
pub(super) fn is_the_plans(root: &Node, address: &str, body: &Body) -> bool {
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

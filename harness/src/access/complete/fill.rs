//! Values that the configuration determines where the plan leaves them open.
//!
//! A configuration that is not the plan's own gives nothing: each resource must refer
//! to what the plan says that it refers to, and where the plan has a value, the
//! expression must have the same.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use hcl_edit::Ident;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block, Body, Structure};
use serde_json::{Map, Value as Json};

use super::blocks::of_body;
use super::defaults::configured;
use super::evaluate::{Key, Name, Scope, World, json};
use super::modules::{self, Outputs};
use super::source::Source;
use crate::hcl;
use crate::lint::known::{Node, Value};
use crate::lint::terraform::{Resource, without_keys};

/// Completes what the configuration determines.
pub(super) fn complete(
    root: &Node,
    source: &Source,
    resources: &mut [Resource],
    read: &[Resource],
) {
    let worlds = worlds(root, source, resources, read);
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

/// What names stand for, by the module instance in which they do.
pub(super) type Worlds<'w> = BTreeMap<String, Option<World<'w>>>;

/// What a module gives out may be what another is given, and so on: no further.
const FURTHEST: usize = 8;

/// What names stand for in each instance of a module.
pub(super) fn worlds<'w>(
    root: &Node,
    source: &'w Source,
    resources: &'w [Resource],
    read: &'w [Resource],
) -> Worlds<'w> {
    let mut given_out = Outputs::new();
    for _ in 0..FURTHEST {
        let worlds = worlds_beside(root, source, (resources, read), &given_out);
        let found = modules::outputs(root, &worlds);
        if found == given_out {
            return worlds;
        }
        given_out = found;
    }
    worlds_beside(root, source, (resources, read), &given_out)
}

/// The same where it is known what modules give out.
fn worlds_beside<'w>(
    root: &Node,
    source: &'w Source,
    (resources, read): (&'w [Resource], &'w [Resource]),
    given_out: &Outputs,
) -> Worlds<'w> {
    let mut worlds = Worlds::new();
    let modules = given_out.get("").cloned().unwrap_or_default();
    let outermost = World { modules, ..world_of(root, source, resources, read) };
    worlds.insert(String::new(), Some(outermost));
    let modules: BTreeSet<&str> = resources.iter().map(|one| split(&one.address).0).collect();
    // The modules around one stand before it.
    for module in modules.into_iter().filter(|module| !module.is_empty()) {
        of_module(root, module, (resources, read), given_out, &mut worlds);
    }
    // Those without a resource are called all the same.
    let mut left: Vec<String> = worlds.keys().cloned().collect();
    while let Some(module) = left.pop() {
        let world = worlds.get(&module).and_then(Option::as_ref);
        let inner = world.map(|world| modules::inner(&module, world)).unwrap_or_default();
        for one in inner {
            if !worlds.contains_key(&one) {
                of_module(root, &one, (resources, read), given_out, &mut worlds);
                left.push(one);
            }
        }
    }
    worlds
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
    given_out: &Outputs,
    worlds: &mut Worlds<'w>,
) {
    if worlds.contains_key(module) {
        return;
    }
    let around = module.rfind("module.").and_then(|at| module.get(..at.saturating_sub(1)));
    let around = around.unwrap_or_default();
    of_module(root, around, (resources, read), given_out, worlds);
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
        let modules = given_out.get(module).cloned().unwrap_or_default();
        let (locals, parts, tries) = Default::default();
        Some(World { source, variables, modules, instances, locals, parts, tries })
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
    scope: &Scope<'_>,
) -> BTreeMap<String, Json> {
    let of_plan = modules::planned(root, module);
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

/// What names stand for in the root module.
pub(super) fn world_of<'w>(
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
        modules: BTreeMap::new(),
        instances,
        locals: RefCell::default(),
        parts: RefCell::default(),
        tries: Cell::default(),
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
    let worlds = source.map(|source| worlds(root, source, resources, read));
    let outermost = worlds.as_ref().and_then(|worlds| worlds.get("")?.as_ref());
    if let (Some(source), Some(world)) = (source, outermost) {
        for (name, expression) in source.outputs() {
            let value = world.value(expression, &Scope::default());
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
pub(super) fn key(address: &str) -> Key {
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
pub(super) fn scope<'b>(world: &World<'_>, block: &'b Block, key: Key) -> Option<Scope<'b>> {
    let member = |name: &str, value: Json| (name.to_owned(), value);
    let names =
        |name: &str, value| BTreeMap::from([(name.to_owned(), Name::from(Json::Object(value)))]);
    Some(match key {
        Key::Only => Scope::default(),
        Key::Number(number) => {
            let index = Map::from_iter([member("index", number.into())]);
            Scope { names: names("count", index), each: None }
        }
        Key::Name(name) => {
            let all = block.body.get_attribute("for_each").map(|one| &one.value);
            let value = match all.and_then(|all| world.value(all, &Scope::default())) {
                Some(Json::Object(mut members)) => members.remove(&name),
                Some(Json::Array(_)) => Some(Json::String(name.clone())),
                _ => None,
            };
            let mut each = Map::from_iter([member("key", name.clone().into())]);
            each.extend(value.map(|value| member("value", value)));
            // Where not all is known, its own part may be.
            Scope { names: names("each", each), each: all.map(|all| (all, name.into())) }
        }
    })
}

/// Whether a block refers to what the plan says of it.
pub(super) fn is_the_plans(root: &Node, address: &str, body: &Body) -> bool {
    configured(root, address).is_some_and(|planned| refers_alike(planned, body))
}

/// Whether the expression of an output is what the plan says of it.
pub(super) fn is_as_planned(planned: Option<&Node>, written: &Expression) -> bool {
    let mut body = Body::new();
    body.push(Attribute::new(Ident::new("value"), written.clone()));
    match planned {
        // Of one without a value the plan has nothing.
        None => matches!(written, Expression::Null(_)),
        Some(planned) => match planned.get("constant_value") {
            Some(constant) => is_constant(written, constant),
            None => refers_alike(planned, &body),
        },
    }
}

/// Whether a constant is what the plan has of it.
fn is_constant(written: &Expression, constant: &Node) -> bool {
    let source = Source::default();
    let nothing = Node::new(constant.at, Value::Null);
    let world = world_of(&nothing, &source, &[], &[]);
    world.value(written, &Scope::default()).is_some_and(|value| json(constant) == Some(value))
}

/// Whether a body refers to what the plan says of it.
fn refers_alike(planned: &Node, body: &Body) -> bool {
    let mut said = BTreeSet::new();
    references(planned, &mut said);
    let names_of = |body: &Body| -> BTreeSet<String> {
        let all = hcl::references(body).into_iter().filter(|names| is_of_terraform(names));
        all.map(|names| names.join(".")).collect()
    };
    let written = names_of(body);
    let told = names_of(&without_untold(body));
    // The plan names what a reference begins with, too.
    let begins = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    said.iter().all(|one| written.iter().any(|other| begins(other, one)))
        && told.iter().all(|one| said.iter().any(|other| begins(one, other)))
}

/// A body without that of whose references the plan says nothing: what Terraform does with
/// the resource, and blocks that are made (`dynamic`).
fn without_untold(body: &Body) -> Body {
    let mut out = Body::new();
    for one in body {
        match one {
            Structure::Attribute(one) if one.key.as_str() == "provider" => {}
            Structure::Attribute(one) => out.push(one.clone()),
            Structure::Block(one) if ["dynamic", "lifecycle"].contains(&one.ident.as_str()) => {}
            Structure::Block(one) => {
                let mut block = one.clone();
                block.body = without_untold(&one.body);
                out.push(block);
            }
        }
    }
    out
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

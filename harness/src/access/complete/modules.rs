//! What the modules that are called by a path give out
//! (<https://developer.hashicorp.com/terraform/language/values/outputs>).

use std::collections::{BTreeMap, BTreeSet};

use hcl_edit::structure::Block;
use ringfence_text::Place;
use serde_json::Value as Json;

use super::evaluate::{Scope, World};
use super::fill::{Worlds, is_as_planned};
use crate::lint::known::{Member, Node, Value};
use crate::lint::terraform::without_keys;

/// By the address of an instance of a module, what those give out that it calls, by the call's
/// name.
pub(super) type Outputs = BTreeMap<String, BTreeMap<String, Node>>;

/// Instances of one call that are counted.
const MOST: u64 = 256;

/// What stands in no file.
const AT: Place = Place { line: 1, column: 1 };

/// The instances of a call.
enum Instances {
    Only,
    /// Of `count`; `None` where it is not known.
    Counted(Option<u64>),
    /// Of `for_each`, their keys; `None` where they are not known.
    Keyed(Option<BTreeSet<String>>),
}

impl Instances {
    fn of(world: &World<'_>, call: &Block) -> Self {
        let written = |name: &str| call.body.get_attribute(name).map(|one| &one.value);
        let scope = Scope::default();
        if let Some(count) = written("count") {
            let count = world.value(count, &scope).and_then(|count| count.as_u64());
            return Self::Counted(count.filter(|count| *count <= MOST));
        }
        let Some(each) = written("for_each") else { return Self::Only };
        Self::Keyed(match world.value(each, &scope) {
            Some(Json::Object(members)) => Some(members.keys().cloned().collect()),
            Some(Json::Array(items)) => {
                items.iter().map(|item| item.as_str().map(str::to_owned)).collect()
            }
            _ => None,
        })
    }

    /// The ends of their addresses, as far as they are known.
    fn ends(&self) -> Vec<String> {
        match self {
            Self::Only => vec![String::new()],
            Self::Counted(count) => (0..count.unwrap_or_default()).map(numbered).collect(),
            Self::Keyed(keys) => keys.iter().flatten().map(|key| keyed(key)).collect(),
        }
    }
}

fn numbered(at: u64) -> String {
    format!("[{at}]")
}

fn keyed(key: &str) -> String {
    format!("[{}]", Json::from(key))
}

/// The address of a call in an instance of a module.
fn called(module: &str, name: &str) -> String {
    match module.is_empty() {
        true => format!("module.{name}"),
        false => format!("{module}.module.{name}"),
    }
}

/// The instances of modules that are called in an instance of one, as far as they are known.
pub(super) fn inner(module: &str, world: &World<'_>) -> Vec<String> {
    let all = world.source.modules().filter_map(|name| {
        let call = world.source.block(&format!("module.{name}"))?;
        let own = called(module, name);
        let ends = Instances::of(world, call).ends().into_iter();
        Some(ends.map(move |end| format!("{own}{end}")).collect::<Vec<_>>())
    });
    all.flatten().collect()
}

/// What the modules give out by what is known in each.
pub(super) fn outputs(root: &Node, worlds: &Worlds<'_>) -> Outputs {
    let mut all = Outputs::new();
    for (module, world) in worlds {
        let Some(world) = world else { continue };
        let calls = world.source.modules().filter_map(|name| {
            let call = world.source.block(&format!("module.{name}"))?;
            let instances = Instances::of(world, call);
            Some((name.to_owned(), of_call(root, worlds, &called(module, name), &instances)))
        });
        let calls: BTreeMap<String, Node> = calls.collect();
        if !calls.is_empty() {
            all.insert(module.clone(), calls);
        }
    }
    all
}

/// What the instances of a call give out. Where not all of them are known one more stands
/// there, of which nothing is known.
fn of_call(root: &Node, worlds: &Worlds<'_>, own: &str, instances: &Instances) -> Node {
    let of = |end: &str| {
        let world = worlds.get(&format!("{own}{end}")).and_then(Option::as_ref);
        world.map_or_else(unknown, |world| of_module(root, &without_keys(own), world))
    };
    let member = |key: &str, value: Node| Member { at: AT, key: key.to_owned(), value };
    let ends = worlds.keys().filter_map(|address| address.strip_prefix(own)?.strip_prefix('['));
    let value = match instances {
        Instances::Only => return of(""),
        Instances::Counted(Some(count)) => {
            Value::List((0..*count).map(|at| of(&numbered(at))).collect())
        }
        Instances::Counted(None) => {
            let places = ends.filter_map(|end| end.strip_suffix(']')?.parse::<u64>().ok());
            let last = places.filter(|at| *at < MOST).max();
            let all = (0..last.map_or(0, |last| last + 1)).map(|at| of(&numbered(at)));
            Value::List(all.chain([unknown()]).collect())
        }
        Instances::Keyed(Some(keys)) => {
            Value::Map(keys.iter().map(|key| member(key, of(&keyed(key)))).collect())
        }
        Instances::Keyed(None) => {
            let keys =
                ends.filter_map(|end| serde_json::from_str::<String>(end.strip_suffix(']')?).ok());
            let keys: BTreeSet<String> = keys.collect();
            let all = keys.iter().map(|key| member(key, of(&keyed(key))));
            Value::Map(all.chain([member("", unknown())]).collect())
        }
    };
    Node::new(AT, value)
}

fn unknown() -> Node {
    Node::new(AT, Value::Unknown)
}

/// What an instance of a module gives out. An output that refers to something else than the
/// plan says is not the plan's.
fn of_module(root: &Node, configured: &str, world: &World<'_>) -> Node {
    let planned = planned(root, configured).and_then(|module| module.get("outputs"));
    let all = world.source.outputs().map(|(name, written)| {
        let planned = planned.and_then(|all| all.get(name));
        let is_its = planned.is_some_and(|one| is_as_planned(one.get("expression"), written));
        let value = if is_its { world.node(written, AT) } else { unknown() };
        Member { at: AT, key: name.to_owned(), value }
    });
    Node::new(AT, Value::Map(all.collect()))
}

/// What a plan's configuration has of a module.
pub(super) fn planned<'n>(root: &'n Node, module: &str) -> Option<&'n Node> {
    let mut at = root.path(&["configuration", "root_module"])?;
    let mut rest = module;
    while let Some(after) = rest.strip_prefix("module.") {
        let (name, inner) = after.split_once('.').unwrap_or((after, ""));
        at = at.path(&["module_calls", name, "module"])?;
        rest = inner;
    }
    rest.is_empty().then_some(at)
}

//! What references name across modules: a variable what its call gives it, a call's
//! output what the module gives out
//! (<https://developer.hashicorp.com/terraform/internals/json-format#configuration-representation>).

use std::collections::BTreeSet;

use super::known::{Node, Value};
use super::terraform::without_keys;

/// Modules within modules, and values handed on, that are followed.
const DEEPEST: usize = 16;

/// A module of the configuration, where it is called.
#[derive(Clone, Copy)]
pub(super) struct Scope<'n> {
    module: &'n Node,
    /// The call that it is of, in the scope around it.
    call: Option<(&'n Node, &'n Scope<'n>)>,
    prefix: &'n str,
}

impl<'n> Scope<'n> {
    /// The root module.
    pub(super) fn root(module: &'n Node) -> Self {
        Self { module, call: None, prefix: "" }
    }

    /// A module that a call of this one names.
    pub(super) fn of_call(&'n self, call: &'n Node, prefix: &'n str) -> Option<Self> {
        Some(Self { module: call.get("module")?, call: Some((call, self)), prefix })
    }

    pub(super) fn module(&self) -> &'n Node {
        self.module
    }

    pub(super) fn prefix(&self) -> &'n str {
        self.prefix
    }

    /// The configured addresses that an expression names.
    pub(super) fn named(&self, expression: &Node) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        self.add(expression, DEEPEST, &mut found);
        found
    }

    fn add(&self, expression: &Node, depth: usize, found: &mut BTreeSet<String>) {
        let mut texts = Vec::new();
        references(expression, &mut texts);
        for text in &texts {
            // `module.m` stands beside `module.m.out`.
            let is_whole = |other: &&&str| {
                other.strip_prefix(text).is_some_and(|rest| rest.starts_with(['.', '[']))
            };
            if text.starts_with("module.") && texts.iter().any(|other| is_whole(&other)) {
                continue;
            }
            self.resolve(text, depth, found);
        }
    }

    fn resolve(&self, reference: &str, depth: usize, found: &mut BTreeSet<String>) {
        let own = |found: &mut BTreeSet<String>| {
            found.insert(format!("{}{}", self.prefix, super::terraform::address_of(reference)));
        };
        let Some(depth) = depth.checked_sub(1) else { return own(found) };
        let plain = without_keys(reference);
        let mut words = plain.split('.');
        match (words.next(), words.next(), words.next()) {
            (Some("var"), Some(name), _) => {
                let given = self
                    .call
                    .and_then(|(call, around)| Some((call.path(&["expressions", name])?, around)));
                let before = found.len();
                if let Some((expression, around)) = given {
                    around.add(expression, depth, found);
                }
                // A constant is something else than what others give.
                if found.len() == before {
                    own(found);
                }
            }
            (Some("module"), Some(name), Some(output)) => {
                let prefix = format!("{}module.{name}.", self.prefix);
                let call = self.module.path(&["module_calls", name]);
                let inner = call.and_then(|call| Scope::of_call(self, call, &prefix));
                let given = inner.as_ref().and_then(|inner| {
                    let value = inner.module.path(&["outputs", output, "expression"])?;
                    let mut of_output = BTreeSet::new();
                    inner.add(value, depth, &mut of_output);
                    Some(of_output)
                });
                match given.filter(|given| !given.is_empty()) {
                    Some(given) => found.extend(given),
                    None => own(found),
                }
            }
            _ => own(found),
        }
    }
}

/// All references of an expression.
fn references<'n>(node: &'n Node, found: &mut Vec<&'n str>) {
    match &node.value {
        Value::Map(members) => {
            for member in members {
                match member.key.as_str() {
                    "references" => {
                        found.extend(member.value.items().iter().filter_map(Node::text))
                    }
                    _ => references(&member.value, found),
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

//! What a traversal leads to. Of a resource one attribute may be known and another not: it is
//! a value only where all of it is known.
//!
//! <https://developer.hashicorp.com/terraform/language/expressions/references>

use std::collections::BTreeMap;

use hcl_edit::expr::{Expression, FuncCall, Traversal, TraversalOperator};
use ringfence_text::Place;
use serde_json::{Map, Value};

use super::agree::tree;
use super::evaluate::{Key, Name, Scope, World, is_null, json, text};
use crate::lint::known::{self, Member, Node};

/// Where no name stands for anything: that of local values.
const NOWHERE: &Scope<'static> = &Scope { names: BTreeMap::new(), each: None };

/// A value, or a resource of which one attribute may be known and another not.
pub(super) enum Found<'w> {
    Value(Value),
    /// The instances of a resource.
    Instances(&'w [(Key, &'w Node)]),
    Known(&'w Node),
    /// `[*]`: each by itself.
    Each(Vec<Found<'w>>),
}

impl World<'_> {
    /// What an expression stands for.
    pub(super) fn found<'f>(
        &'f self,
        expression: &Expression,
        scope: &'f Scope<'_>,
        depth: usize,
    ) -> Option<Found<'f>> {
        let depth = depth.checked_sub(1)?;
        match expression {
            Expression::Parenthesis(inner) => self.found(inner.inner(), scope, depth),
            Expression::Variable(_) => Some(self.root(expression, &[], scope, depth)?.0),
            Expression::Traversal(traversal) => self.traversed(traversal, scope, depth),
            Expression::FuncCall(call) if call.name.namespace.is_empty() => {
                let made = self.made_by(call, scope, depth);
                made.or_else(|| self.at(expression, scope, depth).map(Found::Value))
            }
            // Beside `null` what is chosen is what it is.
            Expression::Conditional(of) if is_null(&of.true_expr) || is_null(&of.false_expr) => {
                let whole = self.at(expression, scope, depth).map(Found::Value);
                whole.or_else(|| match self.at(&of.cond_expr, scope, depth)? {
                    Value::Bool(true) => self.found(&of.true_expr, scope, depth),
                    Value::Bool(false) => self.found(&of.false_expr, scope, depth),
                    _ => None,
                })
            }
            _ => self.at(expression, scope, depth).map(Found::Value),
        }
    }

    /// What a function gives that hands on what it is given.
    fn made_by<'f>(
        &'f self,
        call: &FuncCall,
        scope: &'f Scope<'_>,
        depth: usize,
    ) -> Option<Found<'f>> {
        let mut arguments = call.args.iter();
        let (first, second) = (arguments.next()?, arguments.next());
        match (call.name.name.as_str(), second) {
            ("try", _) => self.found(self.tried(call, scope, depth)?, scope, depth),
            (_, Some(_)) => None,
            _ if call.args.expand_final() => None,
            ("values", None) => self.found(first, scope, depth)?.values().map(Found::Each),
            ("one", None) => {
                let mut all = self.found(first, scope, depth)?.each()?;
                let only = all.pop();
                all.is_empty().then(|| only.unwrap_or(Found::Value(Value::Null)))
            }
            _ => None,
        }
    }

    /// The value of a traversal.
    pub(super) fn traversal(
        &self,
        traversal: &Traversal,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Value> {
        if self.is_of_a_set(traversal, scope) {
            return None;
        }
        let whole = self.traversed(traversal, scope, depth).and_then(Found::value);
        whole.or_else(|| self.part(traversal, scope, depth))
    }

    fn traversed<'f>(
        &'f self,
        traversal: &Traversal,
        scope: &'f Scope<'_>,
        depth: usize,
    ) -> Option<Found<'f>> {
        if self.is_of_a_set(traversal, scope) {
            return None;
        }
        let operators: Vec<&TraversalOperator> =
            traversal.operators.iter().map(|operator| &**operator).collect();
        let (found, rest) = self.root(&traversal.expr, &operators, scope, depth)?;
        self.walk(found, rest, scope, depth)
    }

    /// What a traversal begins with, and what is left of it.
    pub(super) fn root<'f, 'o>(
        &'f self,
        root: &Expression,
        operators: &'o [&'o TraversalOperator],
        scope: &'f Scope<'_>,
        depth: usize,
    ) -> Option<(Found<'f>, &'o [&'o TraversalOperator])> {
        let Expression::Variable(root) = root else {
            return Some((self.found(root, scope, depth)?, operators));
        };
        let root = root.as_str();
        match scope.names.get(root) {
            Some(Name::Value(value)) => return Some((Found::Value(value.clone()), operators)),
            Some(Name::Node(node)) => return Some((Found::Known(node), operators)),
            None => {}
        }
        let name = |at: usize| match operators.get(at) {
            Some(TraversalOperator::GetAttr(name)) => Some(name.as_str()),
            _ => None,
        };
        match root {
            "var" => {
                Some((Found::Value(self.variables.get(name(0)?)?.clone()), operators.get(1..)?))
            }
            "local" => {
                let found = match self.local(name(0)?, depth) {
                    Some(value) => Found::Value(value),
                    // Of a resource a part may be known.
                    None => self.found(self.source.local(name(0)?)?, NOWHERE, depth)?,
                };
                Some((found, operators.get(1..)?))
            }
            "module" => Some((Found::Known(self.modules.get(name(0)?)?), operators.get(1..)?)),
            "data" => {
                let address = format!("data.{}.{}", name(0)?, name(1)?);
                Some((self.all_of(&address, depth)?, operators.get(2..)?))
            }
            kind => {
                let address = format!("{kind}.{}", name(0)?);
                Some((self.all_of(&address, depth)?, operators.get(1..)?))
            }
        }
    }

    /// The instances of a resource or a data source: none where its `count` or its `for_each`
    /// says so.
    fn all_of(&self, address: &str, depth: usize) -> Option<Found<'_>> {
        if let Some(all) = self.instances.get(address) {
            return Some(Found::Instances(all));
        }
        let body = &self.source.block(address)?.body;
        let depth = depth.checked_sub(1)?;
        let value = |name: &str| self.at(&body.get_attribute(name)?.value, NOWHERE, depth);
        if value("count").and_then(|count| count.as_u64()) == Some(0) {
            return Some(Found::Each(Vec::new()));
        }
        let is_empty = match value("for_each")? {
            Value::Object(members) => members.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        is_empty.then(|| Found::Value(Value::Object(Map::new())))
    }

    fn local(&self, name: &str, depth: usize) -> Option<Value> {
        let known = self.locals.borrow().get(name).cloned();
        if let Some(known) = known {
            return known;
        }
        // One that is made of itself is not known.
        self.locals.borrow_mut().insert(name.to_owned(), None);
        let value = self.at(self.source.local(name)?, NOWHERE, depth);
        self.locals.borrow_mut().insert(name.to_owned(), value.clone());
        value
    }

    fn walk<'f>(
        &'f self,
        found: Found<'f>,
        operators: &[&TraversalOperator],
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Found<'f>> {
        let Some((first, rest)) = operators.split_first() else { return Some(found) };
        let (next, rest) = match first {
            TraversalOperator::GetAttr(name) => (found.member(name.as_str())?, rest),
            TraversalOperator::Index(key) => (found.index(&self.at(key, scope, depth)?)?, rest),
            TraversalOperator::LegacyIndex(_) => return None,
            // All that follows is of each.
            TraversalOperator::FullSplat(_) => (self.of_each(found, rest, scope, depth)?, &[][..]),
            // The attributes that follow are of each, and what follows them of the list
            // (<https://developer.hashicorp.com/terraform/language/expressions/splat#legacy-attribute-only-splat-expressions>).
            TraversalOperator::AttrSplat(_) => {
                let is_attribute =
                    |one: &&&TraversalOperator| matches!(one, TraversalOperator::GetAttr(_));
                let (own, rest) = rest.split_at(rest.iter().take_while(is_attribute).count());
                (self.of_each(found, own, scope, depth)?, rest)
            }
        };
        self.walk(next, rest, scope, depth)
    }

    pub(super) fn of_each<'f>(
        &'f self,
        found: Found<'f>,
        operators: &[&TraversalOperator],
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Found<'f>> {
        let each = found.each()?.into_iter().map(|one| self.walk(one, operators, scope, depth));
        each.collect::<Option<_>>().map(Found::Each)
    }
}

impl<'w> Found<'w> {
    pub(super) fn member(self, name: &str) -> Option<Self> {
        match self {
            Self::Value(Value::Object(mut members)) => members.remove(name).map(Self::Value),
            Self::Known(node) => node.get(name).map(Self::Known),
            Self::Instances([(Key::Only, node)]) => node.get(name).map(Self::Known),
            Self::Instances(_) | Self::Value(_) | Self::Each(_) => None,
        }
    }

    /// What `[key]` leads to.
    pub(super) fn index(self, key: &Value) -> Option<Self> {
        let place = || usize::try_from(key.as_u64()?).ok();
        match self {
            Self::Value(Value::Object(mut members)) => members.remove(&text(key)?).map(Self::Value),
            Self::Value(Value::Array(mut items)) => {
                let at = place()?;
                (at < items.len()).then(|| Self::Value(items.swap_remove(at)))
            }
            Self::Instances([(Key::Only, node)]) => node.get(key.as_str()?).map(Self::Known),
            Self::Instances(all) => {
                let is = |known: &Key| match known {
                    Key::Only => false,
                    Key::Number(number) => key.as_u64() == u64::try_from(*number).ok(),
                    Key::Name(name) => key.as_str() == Some(name),
                };
                all.iter().find(|(known, _)| is(known)).map(|(_, node)| Self::Known(node))
            }
            Self::Known(node) => match &node.value {
                known::Value::List(items) => items.get(place()?).map(Self::Known),
                known::Value::Map(_) => node.get(key.as_str()?).map(Self::Known),
                _ => None,
            },
            Self::Each(mut all) => {
                let at = place()?;
                (at < all.len()).then(|| all.swap_remove(at))
            }
            Self::Value(_) => None,
        }
    }

    fn each(self) -> Option<Vec<Self>> {
        match self {
            Self::Value(Value::Array(items)) => Some(items.into_iter().map(Self::Value).collect()),
            Self::Instances(all) => {
                Some(numbered(all)?.into_iter().map(|(_, node)| Self::Known(node)).collect())
            }
            Self::Known(node) => match &node.value {
                known::Value::List(items) => Some(items.iter().map(Self::Known).collect()),
                _ => None,
            },
            Self::Each(all) => Some(all),
            Self::Value(_) => None,
        }
    }

    /// The instances of `for_each` in the order of their keys.
    fn values(self) -> Option<Vec<Self>> {
        let Self::Instances(all) = self else { return None };
        Some(keyed(all)?.into_iter().map(|(_, node)| Self::Known(node)).collect())
    }

    /// The keys of the instances of `for_each`.
    pub(super) fn keys(&self) -> Option<Vec<&'w str>> {
        let Self::Instances(all) = self else { return None };
        Some(keyed(all)?.into_iter().map(|(name, _)| name).collect())
    }

    /// The instances of a resource that has several, each with its key.
    pub(super) fn instances(&self) -> Option<Vec<(Value, Name)>> {
        let Self::Instances(all) = self else { return None };
        let of = |key: Value, node: &Node| (key, Name::Node(node.clone()));
        if let Some(all) = keyed(all) {
            return Some(all.into_iter().map(|(name, node)| of(name.into(), node)).collect());
        }
        Some(numbered(all)?.into_iter().map(|(number, node)| of(number.into(), node)).collect())
    }

    /// It as far as it is known, as if it stood at a place of a file.
    pub(super) fn node(self, at: Place) -> Option<Node> {
        Some(match self {
            Self::Value(value) => tree(at, &value),
            Self::Known(node) => node.clone(),
            Self::Instances([(Key::Only, node)]) => (*node).clone(),
            Self::Each(all) => {
                let all = all.into_iter().map(|one| one.node(at)).collect::<Option<Vec<_>>>()?;
                Node::new(at, known::Value::List(all))
            }
            Self::Instances(all) => match numbered(all) {
                Some(all) => {
                    let all = all.into_iter().map(|(_, node)| node.clone()).collect();
                    Node::new(at, known::Value::List(all))
                }
                None => {
                    let all = keyed(all)?.into_iter().map(|(name, node)| Member {
                        at,
                        key: name.to_owned(),
                        value: node.clone(),
                    });
                    Node::new(at, known::Value::Map(all.collect()))
                }
            },
        })
    }

    /// All of it, where all is known.
    pub(super) fn value(self) -> Option<Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Known(node) => json(node),
            Self::Instances([(Key::Only, node)]) => json(node),
            Self::Each(all) => {
                all.into_iter().map(Self::value).collect::<Option<_>>().map(Value::Array)
            }
            Self::Instances(all) => {
                let of = |(name, node): (&str, &Node)| Some((name.to_owned(), json(node)?));
                keyed(all)?.into_iter().map(of).collect::<Option<Map<_, _>>>().map(Value::Object)
            }
        }
    }
}

/// The instances of `for_each`, in the order of their keys.
fn keyed<'w>(all: &'w [(Key, &'w Node)]) -> Option<Vec<(&'w str, &'w Node)>> {
    let of = |(key, node): &'w (Key, &'w Node)| match key {
        Key::Name(name) => Some((name.as_str(), *node)),
        Key::Only | Key::Number(_) => None,
    };
    let mut all = all.iter().map(of).collect::<Option<Vec<_>>>()?;
    all.sort_by_key(|(name, _)| *name);
    Some(all)
}

/// The instances of `count`, in their order.
fn numbered<'w>(all: &'w [(Key, &'w Node)]) -> Option<Vec<(usize, &'w Node)>> {
    let of = |(key, node): &'w (Key, &'w Node)| match key {
        Key::Number(number) => Some((*number, *node)),
        Key::Only | Key::Name(_) => None,
    };
    let mut all = all.iter().map(of).collect::<Option<Vec<_>>>()?;
    all.sort_by_key(|(number, _)| *number);
    Some(all)
}

//! What fails, and what counts then: `try` and `can`
//! (<https://developer.hashicorp.com/terraform/language/functions/try>).
//!
//! Elsewhere no expression of a plan fails, or there were none. Here what is not computed may
//! be what fails or not: then it is not known what counts.

use hcl_edit::expr::{Expression, FuncCall, ObjectKey, Traversal, TraversalOperator};
use hcl_edit::template::{Element, Strip};
use serde_json::Value;

use super::evaluate::{Key, Scope, World, text};
use super::found::Found;
use crate::lint::known;

/// Functions that here give a value of nothing that Terraform does not take.
const SURE: [&str; 12] = [
    "compact", "flatten", "format", "join", "keys", "length", "lower", "merge", "one", "tostring",
    "upper", "values",
];

/// Expressions of a module that are asked whether they fail: each that nests in others is asked
/// for each of them.
const MOST: usize = 1_000_000;

/// Where a step, or a path of them, leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To a value, which need not be known.
    Leads,
    /// To an error.
    Fails,
    /// That is not known.
    Open,
}

impl World<'_> {
    /// The argument of a `try` that counts: the first that does not fail.
    pub(super) fn tried<'c>(
        &self,
        call: &'c FuncCall,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<&'c Expression> {
        let depth = depth.checked_sub(1)?;
        if call.args.expand_final() {
            return None;
        }
        for argument in &call.args {
            match self.way(argument, scope, depth) {
                Way::Leads => return Some(argument),
                Way::Fails => {}
                Way::Open => return None,
            }
        }
        None
    }

    /// Whether the argument of a `can` does not fail.
    pub(super) fn can(&self, call: &FuncCall, scope: &Scope<'_>, depth: usize) -> Option<bool> {
        let mut arguments = call.args.iter();
        let (only, None) = (arguments.next()?, arguments.next()) else { return None };
        match self.way(only, scope, depth.checked_sub(1)?) {
            Way::Leads => Some(true),
            Way::Fails => Some(false),
            Way::Open => None,
        }
    }

    /// Whether an expression fails.
    fn way(&self, expression: &Expression, scope: &Scope<'_>, depth: usize) -> Way {
        let Some(depth) = depth.checked_sub(1) else { return Way::Open };
        let before = self.tries.get();
        if before >= MOST {
            return Way::Open;
        }
        self.tries.set(before + 1);
        match expression {
            Expression::Null(_)
            | Expression::Bool(_)
            | Expression::Number(_)
            | Expression::String(_) => Way::Leads,
            Expression::Parenthesis(inner) => self.way(inner.inner(), scope, depth),
            Expression::Array(items) => {
                together(items.iter().map(|one| self.way(one, scope, depth)))
            }
            Expression::Object(object) => {
                let all =
                    together(object.iter().map(|(_, one)| self.way(one.expr(), scope, depth)));
                // Other keys may be of no type that a key has.
                let is_written = |key: &ObjectKey| match key {
                    ObjectKey::Ident(_) => true,
                    ObjectKey::Expression(key) => {
                        matches!(key, Expression::Variable(_) | Expression::String(_))
                    }
                };
                match object.iter().all(|(key, _)| is_written(key)) {
                    true => all,
                    false => self.where_known(all, expression, scope, depth),
                }
            }
            // What is `null`, or a list, is in no text.
            Expression::StringTemplate(template) => {
                let all = together(template.iter().map(|element| match element {
                    Element::Literal(_) => Way::Leads,
                    Element::Interpolation(of) if of.strip == Strip::None => {
                        self.way(&of.expr, scope, depth)
                    }
                    Element::Interpolation(_) | Element::Directive(_) => Way::Open,
                }));
                self.where_known(all, expression, scope, depth)
            }
            Expression::FuncCall(call) => self.way_of_call(call, expression, scope, depth),
            Expression::Traversal(traversal) => {
                self.way_of(traversal, scope, depth).unwrap_or(Way::Open)
            }
            _ => Way::Open,
        }
    }

    /// What leads somewhere where it is computed alone.
    fn where_known(
        &self,
        way: Way,
        expression: &Expression,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Way {
        match way {
            Way::Leads if self.at(expression, scope, depth).is_none() => Way::Open,
            way => way,
        }
    }

    fn way_of_call(
        &self,
        call: &FuncCall,
        expression: &Expression,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Way {
        let name = call.name.name.as_str();
        let mut arguments = call.args.iter().map(|one| self.way(one, scope, depth));
        match name {
            _ if !call.name.namespace.is_empty() || call.args.expand_final() => Way::Open,
            "can" => Way::Leads,
            // The first that does not fail decides.
            "try" => arguments.find(|way| *way != Way::Fails).unwrap_or(Way::Fails),
            // Of what is not known, too, there is a text.
            "jsonencode" => together(arguments),
            _ => match together(arguments) {
                Way::Leads if !SURE.contains(&name) => Way::Open,
                way => self.where_known(way, expression, scope, depth),
            },
        }
    }

    /// Where a traversal leads; `None` where that is not known.
    fn way_of(&self, traversal: &Traversal, scope: &Scope<'_>, depth: usize) -> Option<Way> {
        let operators: Vec<&TraversalOperator> =
            traversal.operators.iter().map(|operator| &**operator).collect();
        let is_part = is_part(traversal, scope);
        let (mut found, mut rest) = self.root(&traversal.expr, &operators, scope, depth)?;
        let mut is_first = true;
        while let Some((operator, after)) = rest.split_first() {
            // The instances of a module have each its place.
            let is_numbered = is_first && is_named(traversal, "module");
            let (next, left) = match operator {
                TraversalOperator::GetAttr(name) => {
                    let way = attribute(&found, name.as_str());
                    // Of an instance that is gone through not all may be known.
                    match way {
                        Way::Fails if is_first && is_part => return None,
                        Way::Leads => (found.member(name.as_str())?, after),
                        way => return Some(way),
                    }
                }
                TraversalOperator::Index(key) => {
                    let key = self.at(key, scope, depth)?;
                    match index(&found, &key, is_numbered) {
                        Way::Leads => (found.index(&key)?, after),
                        way => return Some(way),
                    }
                }
                TraversalOperator::LegacyIndex(_) => return None,
                TraversalOperator::FullSplat(_) => {
                    (self.of_own(found, after, scope, depth)?, &[][..])
                }
                TraversalOperator::AttrSplat(_) => {
                    let is_attribute =
                        |one: &&&TraversalOperator| matches!(one, TraversalOperator::GetAttr(_));
                    let count = after.iter().take_while(is_attribute).count();
                    let (own, left) = after.split_at(count);
                    (self.of_own(found, own, scope, depth)?, left)
                }
            };
            (found, rest, is_first) = (next, left, false);
        }
        Some(Way::Leads)
    }

    /// The attributes of each: of what is not known one may be none.
    fn of_own<'f>(
        &'f self,
        found: Found<'f>,
        operators: &[&TraversalOperator],
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Found<'f>> {
        let are_attributes =
            operators.iter().all(|one| matches!(one, TraversalOperator::GetAttr(_)));
        if are_attributes { self.of_each(found, operators, scope, depth) } else { None }
    }
}

/// Where all of several lead: one that fails is enough.
fn together(ways: impl Iterator<Item = Way>) -> Way {
    ways.fold(Way::Leads, |all, one| match (all, one) {
        (Way::Fails, _) | (_, Way::Fails) => Way::Fails,
        (Way::Open, _) | (_, Way::Open) => Way::Open,
        (Way::Leads, Way::Leads) => Way::Leads,
    })
}

fn is_named(traversal: &Traversal, name: &str) -> bool {
    matches!(&traversal.expr, Expression::Variable(root) if root.as_str() == name)
}

/// Whether it begins with `each.value` or the like, which is left out where it is not known.
fn is_part(traversal: &Traversal, scope: &Scope<'_>) -> bool {
    let first = traversal.operators.first().map(|operator| operator.value());
    let is_own = matches!(first, Some(TraversalOperator::GetAttr(name))
        if ["index", "key", "value"].contains(&name.as_str()));
    is_own
        && matches!(&traversal.expr, Expression::Variable(root)
            if scope.names.contains_key(root.as_str()))
}

/// Where `.name` leads.
fn attribute(found: &Found<'_>, name: &str) -> Way {
    let leads = |is_there: bool| if is_there { Way::Leads } else { Way::Open };
    match found {
        Found::Value(Value::Object(members)) if members.contains_key(name) => Way::Leads,
        Found::Value(_) => Way::Fails,
        Found::Known(node) => leads(node.get(name).is_some()),
        Found::Instances([(Key::Only, node)]) => leads(node.get(name).is_some()),
        Found::Instances(_) | Found::Each(_) => Way::Open,
    }
}

/// Where `[key]` leads. A set has no places: what may be one leads nowhere that is known.
fn index(found: &Found<'_>, key: &Value, is_numbered: bool) -> Way {
    let place = key.as_u64().and_then(|at| usize::try_from(at).ok());
    let within = |length: usize, is_list: bool| match place {
        Some(at) if at >= length => Way::Fails,
        Some(_) if is_list => Way::Leads,
        _ => Way::Open,
    };
    let leads = |is_there: bool| if is_there { Way::Leads } else { Way::Open };
    match found {
        Found::Value(Value::Object(members)) => match text(key) {
            Some(key) if members.contains_key(&key) => Way::Leads,
            Some(_) => Way::Fails,
            None => Way::Open,
        },
        Found::Value(Value::Array(items)) => within(items.len(), false),
        Found::Value(_) => Way::Fails,
        Found::Each(all) => within(all.len(), true),
        Found::Instances([(Key::Only, node)]) => {
            leads(key.as_str().is_some_and(|key| node.get(key).is_some()))
        }
        Found::Instances(all) => {
            let key = text(key);
            let is = |known: &Key| match known {
                Key::Only => false,
                Key::Number(number) => key == Some(number.to_string()),
                Key::Name(name) => key.as_ref() == Some(name),
            };
            match all.iter().any(|(known, _)| is(known)) {
                true => Way::Leads,
                false => Way::Fails,
            }
        }
        Found::Known(node) => match &node.value {
            known::Value::List(items) => within(items.len(), is_numbered),
            known::Value::Map(_) => leads(key.as_str().is_some_and(|key| node.get(key).is_some())),
            _ => Way::Open,
        },
    }
}

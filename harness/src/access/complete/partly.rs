//! Policies that are known in part: what an expression makes where some of what it is made of
//! is known after apply only.
//!
//! - a document of `aws_iam_policy_document`, whose blocks stand in the plan;
//! - `jsonencode(…)`, and a text of JSON in which ARNs and ids stand;
//! - local values that are so.
//!
//! `handed`: documents that are handed on; `made`: what functions make of parts. Of what another
//! function makes (`templatefile(…)`) no part is known, and it is told what
//! does.

mod handed;
mod made;

use std::cell::Cell;
use std::collections::BTreeMap;

use hcl_edit::expr::{
    Conditional, Expression, ForExpr, FuncCall, Object, Traversal, TraversalOperator,
};
use hcl_edit::structure::Body;
use hcl_edit::template::{Element, Strip};
use ringfence_policy::Kind;
use serde_json::Value as Json;

use super::blocks::{expanded, of_body};
use super::evaluate::{Key, Scope, World, composed, key as key_of, text};
use super::fill::{Worlds, is_the_plans, key, scope, split};
use super::found::Found;
use super::named::Names;
use super::{documents, types};
use crate::access::partial::{Part, Text};
use crate::lint::known::{Node, Value};
use crate::lint::terraform::{DOCUMENTS, Resource, without_keys};

/// By the address of an instance and its attribute, a policy of which a part is known:
/// `inline_policy.0` is that of the first block.
pub(in crate::access) type Parts = BTreeMap<(String, String), Part>;

/// Steps that are gone for one policy.
const MOST: usize = 100_000;

/// Expressions nest no deeper.
const DEPTH: usize = 64;

/// How much of an expression is told.
const LONGEST: usize = 100;

/// The policies of a plan that are known in part.
pub(super) fn of(root: &Node, worlds: &Worlds<'_>, resources: &[Resource], names: &Names) -> Parts {
    let mut parts = Parts::new();
    for resource in resources.iter().filter(|one| !one.is_data && one.values.open() > 0) {
        let (module, own) = split(&resource.address);
        let Some(world) = worlds.get(module).and_then(Option::as_ref) else { continue };
        let Some(block) = world.source.block(&without_keys(own)) else { continue };
        if !is_the_plans(root, &resource.configured(), &block.body) {
            continue;
        }
        let Some(scope) = scope(world, block, key(own)) else { continue };
        let reader = Reader { root, worlds, resources, world, module, left: Cell::new(MOST) };
        for attribute in attributes(&resource.kind) {
            let is_open = resource.values.get(attribute).is_some_and(Node::is_unknown);
            if !is_open {
                continue;
            }
            let pair = (resource.address.clone(), attribute.to_owned());
            let written = block.body.get_attribute(attribute).map(|one| &one.value);
            let part = written.and_then(|written| reader.document(written, &scope, DEPTH));
            // What is handed on from another module.
            let part = part.or_else(|| {
                let named = names.get(&pair)?;
                let is_text = ["json", "minified_json"].contains(&named.attribute.as_str());
                let mut all = resources.iter().filter(|one| named.may_be(&one.address));
                let (Some(one), None) = (all.next(), all.next()) else { return None };
                if is_text { reader.of_data(one, DEPTH) } else { None }
            });
            let part = part.or_else(|| Some(Part::Open(reader.made_by(written?, DEPTH)?)));
            parts.extend(part.map(|part| (pair, part)));
        }
        let blocks = resource.values.get("inline_policy").map(Node::items).unwrap_or_default();
        for (at, node) in blocks.iter().enumerate() {
            if !node.get("policy").is_some_and(Node::is_unknown) {
                continue;
            }
            let all = expanded(world, &block.body, "inline_policy", &scope).unwrap_or_default();
            // The plan has them in an order of its own.
            let mut all =
                all.iter().filter(|(body, scope)| of_body(world, body, node, scope).is_some());
            let (Some((body, scope)), None) = (all.next(), all.next()) else { continue };
            let written = body.get_attribute("policy").map(|one| &one.value);
            let part = written.and_then(|written| reader.document(written, scope, DEPTH));
            let part = part.or_else(|| Some(Part::Open(reader.made_by(written?, DEPTH)?)));
            let pair = (resource.address.clone(), format!("inline_policy.{at}"));
            parts.extend(part.map(|part| (pair, part)));
        }
    }
    parts
}

/// The attributes of a type that hold a policy of which a part may count.
fn attributes(kind: &str) -> Vec<&'static str> {
    let counts = |of: &Kind| matches!(of, Kind::Identity | Kind::Trust | Kind::Resource);
    let all = DOCUMENTS.iter().filter(|(own, _, of)| *own == kind && counts(of));
    let mut all: Vec<&str> = all.map(|(_, attribute, _)| *attribute).collect();
    if kind == "aws_iam_policy" {
        all.push("policy");
    }
    all
}

struct Reader<'r, 'w> {
    root: &'r Node,
    worlds: &'r Worlds<'w>,
    resources: &'r [Resource],
    world: &'r World<'w>,
    /// The address of the module that it stands in.
    module: &'r str,
    /// Steps that are left.
    left: Cell<usize>,
}

impl Reader<'_, '_> {
    fn goes_on(&self, depth: usize) -> Option<usize> {
        self.left.set(self.left.get().checked_sub(1)?);
        depth.checked_sub(1)
    }

    /// The document that an expression writes as a text.
    fn document(&self, expression: &Expression, scope: &Scope<'_>, depth: usize) -> Option<Part> {
        let depth = self.goes_on(depth)?;
        if let Some(Json::String(text)) = self.world.value(expression, scope) {
            return serde_json::from_str::<Json>(&text).ok().map(Into::into);
        }
        match expression {
            Expression::Parenthesis(inner) => self.document(inner.inner(), scope, depth),
            Expression::Conditional(of) => self.document(self.chosen(of, scope)?, scope, depth),
            Expression::FuncCall(call) if is_plain(call, "jsonencode") => {
                let mut arguments = call.args.iter();
                let (only, None) = (arguments.next()?, arguments.next()) else { return None };
                Some(self.partly(only, scope, depth))
            }
            Expression::FuncCall(call) if call.name.namespace.is_empty() => {
                self.handed_on(call, scope, depth)
            }
            Expression::StringTemplate(template) => {
                let mut elements = template.iter();
                match (elements.next(), elements.next()) {
                    // A template of nothing but one expression is that expression.
                    (Some(Element::Interpolation(only)), None) => {
                        self.document(&only.expr, scope, depth)
                    }
                    _ => self.of_text(&mut template.iter(), scope),
                }
            }
            Expression::HeredocTemplate(heredoc) => {
                self.of_text(&mut heredoc.template.iter(), scope)
            }
            Expression::Traversal(traversal) => self.named(traversal, scope, depth),
            _ => None,
        }
    }

    /// The call of a function that makes a document as a text of which no part is known.
    fn made_by(&self, expression: &Expression, depth: usize) -> Option<String> {
        let depth = self.goes_on(depth)?;
        match expression {
            Expression::FuncCall(_) => Some(told(expression)),
            Expression::Parenthesis(inner) => self.made_by(inner.inner(), depth),
            Expression::StringTemplate(template) => {
                let mut elements = template.iter();
                match (elements.next(), elements.next()) {
                    (Some(Element::Interpolation(only)), None) => self.made_by(&only.expr, depth),
                    _ => None,
                }
            }
            Expression::Traversal(traversal) => {
                let mut all = traversal.operators.iter().map(|operator| operator.value());
                match (&traversal.expr, all.next(), all.next()) {
                    (Expression::Variable(root), Some(TraversalOperator::GetAttr(name)), None)
                        if root.as_str() == "local" =>
                    {
                        self.made_by(self.world.source.local(name.as_str())?, depth)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// A local value, or the document of a data source.
    fn named(&self, traversal: &Traversal, scope: &Scope<'_>, depth: usize) -> Option<Part> {
        let Expression::Variable(root) = &traversal.expr else { return None };
        let all: Vec<&TraversalOperator> =
            traversal.operators.iter().map(|operator| operator.value()).collect();
        match (root.as_str(), all.as_slice()) {
            ("local", [TraversalOperator::GetAttr(name)]) => {
                let written = self.world.source.local(name.as_str())?;
                self.document(written, &Scope::default(), depth)
            }
            ("var", [TraversalOperator::GetAttr(name)]) => self
                .given(name.as_str(), |outer, written, scope| {
                    outer.document(written, scope, depth)
                }),
            (
                "data",
                [
                    TraversalOperator::GetAttr(kind),
                    TraversalOperator::GetAttr(name),
                    keys @ ..,
                    TraversalOperator::GetAttr(attribute),
                ],
            ) if ["json", "minified_json"].contains(&attribute.as_str()) => {
                let address = format!("data.{}.{}", kind.as_str(), name.as_str());
                let own = match keys {
                    [] => Key::Only,
                    [TraversalOperator::Index(index)] => match self.world.value(index, scope)? {
                        Json::String(name) => Key::Name(name),
                        number => Key::Number(usize::try_from(number.as_u64()?).ok()?),
                    },
                    _ => return None,
                };
                let (_, node) =
                    self.world.instances.get(&address)?.iter().find(|(key, _)| *key == own)?;
                self.of_node(node, depth)
            }
            _ => None,
        }
    }

    /// The document of a data source, as the plan and its block have it.
    fn of_data(&self, data: &Resource, depth: usize) -> Option<Part> {
        let depth = self.goes_on(depth)?;
        if !data.is_data || data.kind != documents::KIND {
            return None;
        }
        let (module, own) = split(&data.address);
        let world = self.worlds.get(module).and_then(Option::as_ref);
        let written = world.and_then(|world| {
            let block = world.source.block(&without_keys(own))?;
            let scope = scope(world, block, key(own))?;
            let is_its = is_the_plans(self.root, &data.configured(), &block.body)
                && of_body(world, &block.body, &data.values, &scope).is_some();
            is_its.then_some((world, &block.body, scope))
        });
        let Some((world, body, scope)) = &written else {
            return documents::partly(&data.values, &[], |_| None);
        };
        let Reader { root, worlds, resources, .. } = *self;
        let left = Cell::new(self.left.get());
        let inner = Reader { root, worlds, resources, world, module, left };
        let found = inner.of_block(&data.values, body, scope, depth);
        self.left.set(inner.left.get());
        found
    }

    fn of_block(
        &self,
        values: &Node,
        body: &Body,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Part> {
        let blocks = expanded(self.world, body, "statement", scope).unwrap_or_default();
        let blocks: Vec<BTreeMap<&'static str, Part>> = blocks
            .iter()
            .map(|(body, scope)| {
                let of = |(attribute, element): &(&str, &'static str)| {
                    let written = &body.get_attribute(attribute)?.value;
                    Some((*element, self.partly(written, scope, depth)))
                };
                documents::ELEMENTS.iter().filter_map(of).collect()
            })
            .collect();
        documents::partly(values, &blocks, |attribute| {
            let all = self.listed(&body.get_attribute(attribute)?.value, scope, depth)?;
            all.iter().all(|one| matches!(one, Part::Map(_))).then_some(all)
        })
    }

    /// The result of a condition that is known.
    fn chosen<'c>(&self, of: &'c Conditional, scope: &Scope<'_>) -> Option<&'c Expression> {
        match self.world.value(&of.cond_expr, scope)? {
            Json::Bool(true) => Some(&of.true_expr),
            Json::Bool(false) => Some(&of.false_expr),
            _ => None,
        }
    }

    /// A value as far as it is known.
    fn partly(&self, expression: &Expression, scope: &Scope<'_>, depth: usize) -> Part {
        let open = || Part::Open(told(expression));
        let Some(depth) = self.goes_on(depth) else { return open() };
        if let Some(value) = self.world.value(expression, scope) {
            return value.into();
        }
        let found = match expression {
            Expression::Parenthesis(inner) => Some(self.partly(inner.inner(), scope, depth)),
            Expression::Array(items) => {
                let all = items.iter().map(|one| self.partly(one, scope, depth));
                Some(Part::List(all.collect()))
            }
            Expression::Object(object) => self.object(object, scope, depth),
            Expression::StringTemplate(template) => {
                let mut elements = template.iter();
                match (elements.next(), elements.next()) {
                    (Some(Element::Interpolation(only)), None) if only.strip == Strip::None => {
                        Some(self.partly(&only.expr, scope, depth))
                    }
                    _ => self.text(&mut template.iter(), scope, depth).map(Part::Text),
                }
            }
            Expression::Conditional(of) => self.conditional(of, scope, depth),
            Expression::ForExpr(of) => self.each(of, scope, depth),
            Expression::FuncCall(call)
                if call.name.namespace.is_empty() && !call.args.expand_final() =>
            {
                self.called(call, scope, depth)
            }
            Expression::Traversal(traversal) => self.traversed(traversal, expression, scope, depth),
            _ => None,
        };
        found.unwrap_or_else(open)
    }

    /// A local value, what a variable is given, or an attribute of each instance.
    fn traversed(
        &self,
        traversal: &Traversal,
        expression: &Expression,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Part> {
        let Expression::Variable(root) = &traversal.expr else { return None };
        let mut all = traversal.operators.iter().map(|operator| operator.value());
        match (root.as_str(), all.next(), all.next()) {
            _ if scope.names.contains_key(root.as_str()) => None,
            ("local", Some(TraversalOperator::GetAttr(name)), None) => {
                let written = self.world.source.local(name.as_str())?;
                Some(self.partly(written, &Scope::default(), depth))
            }
            ("var", Some(TraversalOperator::GetAttr(name)), None) => {
                let part = self.given(name.as_str(), |outer, written, scope| {
                    Some(outer.partly(written, scope, depth))
                })?;
                let is_kept = match &part {
                    Part::Text(_) | Part::List(_) => is_of_texts(&part),
                    // `null` stands for the variable's default, and of an object its type
                    // may leave members out.
                    Part::Leaf(_) | Part::Map(_) | Part::Open(_) => false,
                };
                is_kept.then_some(part)
            }
            _ => {
                let Found::Each(all) = self.world.found(expression, scope, depth)? else {
                    return None;
                };
                let all = all.into_iter().map(|one| match one {
                    Found::Value(Json::String(text)) => Some(Part::Leaf(Json::String(text))),
                    Found::Known(node) => match &node.value {
                        Value::Text(text) => Some(Part::Leaf(Json::String(text.clone()))),
                        Value::Unknown => Some(Part::Open(told(expression))),
                        _ => None,
                    },
                    _ => None,
                });
                all.collect::<Option<Vec<_>>>().map(Part::List)
            }
        }
    }

    fn object(&self, object: &Object, scope: &Scope<'_>, depth: usize) -> Option<Part> {
        let mut all: Vec<(String, Part)> = Vec::new();
        for (own, value) in object {
            let key = key_of(own, |expression| self.world.value(expression, scope))?;
            all.retain(|(known, _)| *known != key);
            all.push((key, self.partly(value.expr(), scope, depth)));
        }
        Some(Part::Map(all))
    }

    /// The chosen result, where its type is the same whatever the other is: of texts.
    fn conditional(&self, of: &Conditional, scope: &Scope<'_>, depth: usize) -> Option<Part> {
        let part = self.partly(self.chosen(of, scope)?, scope, depth);
        is_of_texts(&part).then_some(part)
    }

    fn each(&self, of: &ForExpr, scope: &Scope<'_>, depth: usize) -> Option<Part> {
        let (mut list, mut map) = (Vec::new(), Vec::new());
        for (key, item) in self.world.gone_through(of, scope, depth)? {
            let scope = scope.of_item(of, key, item);
            if let Some(condition) = &of.cond
                && !self.world.value(&condition.expr, &scope)?.as_bool()?
            {
                continue;
            }
            let value = self.partly(&of.value_expr, &scope, depth);
            match &of.key_expr {
                None => list.push(value),
                Some(_) if of.grouping => return None,
                Some(key) => map.push((text(&self.world.value(key, &scope)?)?, value)),
            }
        }
        Some(if of.key_expr.is_some() { Part::Map(map) } else { Part::List(list) })
    }

    /// A text of JSON in which ARNs and ids stand that are not known: these have no quotes.
    fn of_text(
        &self,
        elements: &mut dyn Iterator<Item = &Element>,
        scope: &Scope<'_>,
    ) -> Option<Part> {
        let (mut out, mut open) = (String::new(), Vec::new());
        for element in elements {
            match element {
                Element::Literal(literal) => {
                    out.push_str(&composed(literal).filter(|it| !it.contains(MARK))?);
                }
                Element::Interpolation(of) if of.strip == Strip::None => {
                    match self.world.value(&of.expr, scope) {
                        Some(value) => {
                            out.push_str(&text(&value).filter(|it| !it.contains(MARK))?);
                        }
                        None if is_id(&of.expr) => {
                            out.push(MARK);
                            out.push_str(&format!("{}{MARK}", open.len()));
                            open.push(told(&of.expr));
                        }
                        None => return None,
                    }
                }
                _ => return None,
            }
        }
        let value = serde_json::from_str::<Json>(&out).ok()?;
        marked(value, &open)
    }
}

/// The only item.
fn only(mut all: Vec<Part>) -> Option<Part> {
    let one = all.pop()?;
    all.is_empty().then_some(one)
}

/// Whether `compact` and `coalesce` leave it out.
fn is_left_out(part: &Part) -> bool {
    match part {
        Part::Leaf(Json::Null) => true,
        Part::Leaf(Json::String(text)) => text.is_empty(),
        _ => false,
    }
}

/// Stands around the number of what is not known in a text.
const MARK: char = '\u{f8ff}';

/// A value with what is not known where it is marked.
fn marked(value: Json, open: &[String]) -> Option<Part> {
    Some(match value {
        Json::String(text) if text.contains(MARK) => {
            let mut pieces = text.split(MARK);
            let before = pieces.next()?.to_owned();
            let first = open.get(pieces.next()?.parse::<usize>().ok()?)?.clone();
            let after = text.rsplit(MARK).next()?.to_owned();
            match before.is_empty() && after.is_empty() && text.matches(MARK).count() == 2 {
                true => Part::Open(first),
                false => Part::Text(Text { before, after, open: first }),
            }
        }
        Json::Array(items) => {
            Part::List(items.into_iter().map(|one| marked(one, open)).collect::<Option<_>>()?)
        }
        Json::Object(members) => {
            let all = members.into_iter().map(|(key, one)| {
                let is_known = !key.contains(MARK);
                is_known.then(|| Some((key, marked(one, open)?))).flatten()
            });
            Part::Map(all.collect::<Option<_>>()?)
        }
        other => other.into(),
    })
}

/// Whether an expression is an ARN or an id of a resource.
fn is_id(expression: &Expression) -> bool {
    const IDS: [&str; 5] = ["arn", "execution_arn", "id", "key_id", "unique_id"];
    let Expression::Traversal(traversal) = expression else { return false };
    let Expression::Variable(root) = &traversal.expr else { return false };
    let last = traversal.operators.last().map(|operator| operator.value());
    let is_it =
        matches!(last, Some(TraversalOperator::GetAttr(name)) if IDS.contains(&name.as_str()));
    is_it && root.as_str().starts_with("aws_")
}

fn is_plain(call: &FuncCall, name: &str) -> bool {
    call.name.namespace.is_empty() && call.name.name.as_str() == name && !call.args.expand_final()
}

/// Whether nothing in a value is anything but texts.
fn is_of_texts(part: &Part) -> bool {
    match part {
        Part::Leaf(value) => types::is_of_texts(value),
        Part::Text(_) | Part::Open(_) => true,
        Part::List(items) => items.iter().all(is_of_texts),
        Part::Map(members) => members.iter().all(|(_, one)| is_of_texts(one)),
    }
}

/// An expression in one line, as it is written.
fn told(expression: &Expression) -> String {
    let written = expression.to_string();
    let mut line = written.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(at);
        line.push('…');
    }
    line
}

//! Documents that are handed on: by functions, in lists, and to modules.

use std::cell::Cell;

use hcl_edit::expr::{Expression, FuncCall, Traversal, TraversalOperator};
use serde_json::Value as Json;

use super::{Reader, is_left_out, only};
use crate::access::complete::evaluate::{Key, Scope};
use crate::access::complete::fill::{key, scope};
use crate::access::partial::Part;
use crate::lint::known::Node;
use crate::lint::terraform::{Resource, without_keys};

impl Reader<'_, '_> {
    /// The document that a function hands on.
    pub(super) fn handed_on(
        &self,
        call: &FuncCall,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Part> {
        if call.args.expand_final() {
            return None;
        }
        let listed = |at: usize| self.listed(call.args.get(at)?, scope, depth);
        let found = match call.name.name.as_str() {
            "try" => self.document(self.world.tried(call, scope, depth)?, scope, depth)?,
            "coalesce" => {
                let is_left_out = |one: &&Expression| match self.world.value(one, scope) {
                    Some(Json::Null) => true,
                    Some(Json::String(text)) => text.is_empty(),
                    _ => false,
                };
                let first = call.args.iter().find(|one| !is_left_out(one))?;
                self.document(first, scope, depth)?
            }
            "one" if call.args.len() == 1 => only(listed(0)?)?,
            "join" if call.args.len() == 2 => only(listed(1)?)?,
            "element" if call.args.len() == 2 => {
                let at = self.world.value(call.args.get(1)?, scope)?.as_u64()?;
                let mut all = listed(0)?;
                let at = usize::try_from(at).ok()?.checked_rem(all.len())?;
                all.swap_remove(at)
            }
            _ => return None,
        };
        matches!(found, Part::Map(_)).then_some(found)
    }

    /// The documents of a list of texts, each as far as it is known. What is none stands there
    /// as it is.
    pub(super) fn listed(
        &self,
        expression: &Expression,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Vec<Part>> {
        let depth = self.goes_on(depth)?;
        if let Some(Json::Array(all)) = self.world.value(expression, scope) {
            return Some(all.into_iter().map(as_document).collect());
        }
        match expression {
            Expression::Parenthesis(inner) => self.listed(inner.inner(), scope, depth),
            Expression::Array(items) => {
                items.iter().map(|one| self.item(one, scope, depth)).collect()
            }
            Expression::Conditional(of) => self.listed(self.chosen(of, scope)?, scope, depth),
            Expression::FuncCall(call)
                if call.name.namespace.is_empty() && !call.args.expand_final() =>
            {
                self.listed_by(call, scope, depth)
            }
            Expression::Traversal(traversal) => self.listed_of(traversal, scope, depth),
            _ => None,
        }
    }

    /// An item of a list of documents.
    fn item(&self, expression: &Expression, scope: &Scope<'_>, depth: usize) -> Option<Part> {
        match self.world.value(expression, scope) {
            Some(value) => Some(as_document(value)),
            None => self.document(expression, scope, depth),
        }
    }

    fn listed_by(&self, call: &FuncCall, scope: &Scope<'_>, depth: usize) -> Option<Vec<Part>> {
        let first = call.args.get(0)?;
        let is_only = call.args.len() == 1;
        match call.name.name.as_str() {
            "try" => self.listed(self.world.tried(call, scope, depth)?, scope, depth),
            "concat" => {
                let all = call.args.iter().map(|one| self.listed(one, scope, depth));
                Some(all.collect::<Option<Vec<_>>>()?.concat())
            }
            "coalescelist" => {
                for argument in &call.args {
                    let all = self.listed(argument, scope, depth)?;
                    if !all.is_empty() {
                        return Some(all);
                    }
                }
                None
            }
            "tolist" if is_only => self.listed(first, scope, depth),
            "compact" if is_only => {
                let mut all = self.listed(first, scope, depth)?;
                all.retain(|one| !is_left_out(one));
                Some(all)
            }
            "flatten" if is_only => {
                let Expression::Array(items) = first else {
                    return self.listed(first, scope, depth);
                };
                let mut all = Vec::new();
                for one in items {
                    match self.listed(one, scope, depth) {
                        Some(inner) => all.extend(inner),
                        None => all.push(self.item(one, scope, depth)?),
                    }
                }
                Some(all)
            }
            _ => None,
        }
    }

    /// The documents of a local value, of a variable, or of all instances of a data source.
    fn listed_of(
        &self,
        traversal: &Traversal,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Vec<Part>> {
        let Expression::Variable(root) = &traversal.expr else { return None };
        let all: Vec<&TraversalOperator> =
            traversal.operators.iter().map(|operator| operator.value()).collect();
        match (root.as_str(), all.as_slice()) {
            _ if scope.names.contains_key(root.as_str()) => None,
            ("local", [TraversalOperator::GetAttr(name)]) => {
                let written = self.world.source.local(name.as_str())?;
                self.listed(written, &Scope::default(), depth)
            }
            ("var", [TraversalOperator::GetAttr(name)]) => self
                .given(name.as_str(), |outer, written, scope| outer.listed(written, scope, depth)),
            (
                "data",
                [
                    TraversalOperator::GetAttr(kind),
                    TraversalOperator::GetAttr(name),
                    TraversalOperator::FullSplat(_) | TraversalOperator::AttrSplat(_),
                    TraversalOperator::GetAttr(attribute),
                ],
            ) if ["json", "minified_json"].contains(&attribute.as_str()) => {
                let address = format!("data.{}.{}", kind.as_str(), name.as_str());
                let instances = self.world.instances.get(&address)?.iter();
                let numbered = instances.map(|(key, node)| match key {
                    Key::Number(at) => Some((*at, *node)),
                    Key::Only | Key::Name(_) => None,
                });
                let mut numbered = numbered.collect::<Option<Vec<(usize, &Node)>>>()?;
                numbered.sort_by_key(|(at, _)| *at);
                numbered.into_iter().map(|(_, node)| self.of_node(node, depth)).collect()
            }
            _ => None,
        }
    }

    /// The document of an instance of a data source.
    pub(super) fn of_node(&self, node: &Node, depth: usize) -> Option<Part> {
        if let Some(text) = node.get("json").and_then(Node::text) {
            return serde_json::from_str::<Json>(text).ok().map(Into::into);
        }
        let is_it = |one: &&Resource| std::ptr::eq(&raw const one.values, node);
        self.of_data(self.resources.iter().find(is_it)?, depth)
    }

    /// What a variable of the module is given where that is called: a text, or texts, as they
    /// are.
    pub(super) fn given<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Reader<'_, '_>, &Expression, &Scope<'_>) -> Option<T>,
    ) -> Option<T> {
        if !self.world.source.keeps_texts(name) {
            return None;
        }
        let at = self.module.rfind("module.")?;
        let around = self.module.get(..at)?.trim_end_matches('.');
        let own = self.module.get(at..)?;
        let outer = self.worlds.get(around)?.as_ref()?;
        let call = outer.source.block(&without_keys(own))?;
        let written = &call.body.get_attribute(name)?.value;
        let scope = scope(outer, call, key(own))?;
        let Reader { root, worlds, resources, .. } = *self;
        let left = Cell::new(self.left.get());
        let reader = Reader { root, worlds, resources, world: outer, module: around, left };
        let found = read(&reader, written, &scope);
        self.left.set(reader.left.get());
        found
    }
}

/// A text that is a document as that.
fn as_document(value: Json) -> Part {
    let read = value.as_str().and_then(|text| serde_json::from_str::<Json>(text).ok());
    match read {
        Some(document @ Json::Object(_)) => document.into(),
        _ => value.into(),
    }
}

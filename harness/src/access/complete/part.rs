//! A part of an expression whose whole is not known: of a map of which one member is known
//! only after apply, the others.

use hcl_edit::expr::{Expression, ForExpr, FuncCall, Object, Traversal, TraversalOperator};
use serde_json::Value;

use super::evaluate::{Scope, World, key, text};

impl World<'_> {
    /// The part that a traversal names of a local value, or of what an instance is made for.
    pub(super) fn part(
        &self,
        traversal: &Traversal,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Value> {
        self.part_of(traversal, &[], scope, depth.checked_sub(1)?)
    }

    /// The same, and of that the part that more steps lead to.
    fn part_of(
        &self,
        traversal: &Traversal,
        more: &[Value],
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Value> {
        let Expression::Variable(root) = &traversal.expr else { return None };
        let mut path = Vec::new();
        for operator in &traversal.operators {
            path.push(match operator.value() {
                TraversalOperator::GetAttr(name) => Value::String(name.as_str().to_owned()),
                TraversalOperator::Index(key) => self.at(key, scope, depth)?,
                _ => return None,
            });
        }
        path.extend(more.iter().cloned());
        let (first, rest) = path.split_first()?;
        match (root.as_str(), first.as_str()?) {
            ("local", name) => {
                let known = format!("{name}{}", Value::from(rest));
                if let Some(known) = self.parts.borrow().get(&known) {
                    return known.clone();
                }
                // One that is made of itself is not known.
                self.parts.borrow_mut().insert(known.clone(), None);
                let value = self.within(self.source.local(name)?, rest, &Scope::default(), depth);
                self.parts.borrow_mut().insert(known, value.clone());
                value
            }
            ("each", "value") => {
                let (all, key) = scope.each.as_ref()?;
                let path: Vec<Value> = std::iter::once(key).chain(rest).cloned().collect();
                self.within(all, &path, &Scope::default(), depth)
            }
            _ => None,
        }
    }

    /// The part of an expression that steps lead to.
    fn within(
        &self,
        expression: &Expression,
        path: &[Value],
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        let Some((first, rest)) = path.split_first() else {
            return self.at(expression, scope, depth);
        };
        match expression {
            Expression::Parenthesis(inner) => self.within(inner.inner(), path, scope, depth),
            Expression::Object(object) => {
                let value = self.member(object, &text(first)?, scope, depth)??;
                self.within(value, rest, scope, depth)
            }
            Expression::Array(items) => {
                let at = usize::try_from(first.as_u64()?).ok()?;
                self.within(items.get(at)?, rest, scope, depth)
            }
            Expression::Traversal(traversal) => self
                .part_of(traversal, path, scope, depth)
                .or_else(|| self.step(expression, path, scope, depth)),
            Expression::FuncCall(call) if call.name.name.as_str() == "merge" => {
                self.merged(call, path, scope, depth)
            }
            Expression::ForExpr(of) => self.made(of, path, scope, depth),
            _ => self.step(expression, path, scope, depth),
        }
    }

    /// The member of an object, where all its keys are known.
    fn member<'o>(
        &self,
        object: &'o Object,
        name: &str,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Option<&'o Expression>> {
        let mut found = None;
        for (own, value) in object {
            if key(own, |expression| self.at(expression, scope, depth))? == name {
                found = Some(value.expr());
            }
        }
        Some(found)
    }

    /// Of maps that are merged the last that has the member counts.
    fn merged(
        &self,
        call: &FuncCall,
        path: &[Value],
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Value> {
        if call.args.expand_final() || !call.name.namespace.is_empty() {
            return None;
        }
        let name = text(path.first()?)?;
        let arguments: Vec<&Expression> = call.args.iter().collect();
        for argument in arguments.into_iter().rev() {
            let has = match argument {
                Expression::Object(object) => self.member(object, &name, scope, depth)?.is_some(),
                other => match self.at(other, scope, depth)? {
                    Value::Object(members) => members.contains_key(&name),
                    Value::Null => false,
                    _ => return None,
                },
            };
            if has {
                return self.within(argument, path, scope, depth);
            }
        }
        None
    }

    /// Of a map that is made item by item, the member that one of them makes.
    fn made(&self, of: &ForExpr, path: &[Value], scope: &Scope<'_>, depth: usize) -> Option<Value> {
        let (first, rest) = path.split_first()?;
        let name = text(first)?;
        let own = of.key_expr.as_ref().filter(|_| !of.grouping)?;
        for (item, value) in self.gone_through(of, scope, depth)? {
            let scope = scope.of_item(of, item, value);
            if let Some(condition) = &of.cond
                && !self.at(&condition.expr, &scope, depth)?.as_bool()?
            {
                continue;
            }
            if text(&self.at(own, &scope, depth)?)? == name {
                return self.within(&of.value_expr, rest, &scope, depth);
            }
        }
        None
    }

    /// The part that steps lead to of what is found.
    fn step(
        &self,
        expression: &Expression,
        path: &[Value],
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Value> {
        let found = self.found(expression, scope, depth)?;
        path.iter().try_fold(found, |found, step| found.index(step))?.value()
    }
}

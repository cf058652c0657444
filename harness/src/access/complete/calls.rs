//! Calls of functions: here what hangs on how the arguments are written, the rest by their
//! values (`functions`).

use hcl_edit::expr::{Expression, FuncCall};
use serde_json::Value;

use super::evaluate::{Scope, World, is_null};
use super::functions;
use super::types::is_of_texts;

impl World<'_> {
    pub(super) fn call(&self, call: &FuncCall, scope: &Scope<'_>, depth: usize) -> Option<Value> {
        if !call.name.namespace.is_empty() {
            return None;
        }
        let name = call.name.name.as_str();
        if let Some(value) = self.of_instances(name, call, scope, depth) {
            return Some(value);
        }
        match name {
            "try" => return self.at(self.tried(call, scope, depth)?, scope, depth),
            "can" => return self.can(call, scope, depth).map(Value::Bool),
            _ => {}
        }
        let values = call.args.iter().map(|one| self.at(one, scope, depth));
        let mut values = values.collect::<Option<Vec<Value>>>()?;
        let is_expanded = call.args.expand_final();
        if is_expanded {
            let Value::Array(last) = values.pop()? else { return None };
            values.extend(last);
        }
        match name {
            // Beside what is written out nothing has its type changed
            // (<https://developer.hashicorp.com/terraform/language/functions/concat>).
            "concat" if !is_expanded && call.args.iter().any(is_tuple) => functions::joined(values),
            "coalesce" => {
                let written = call.args.iter().filter(|one| is_null(one)).count();
                let nulls = values.iter().filter(|value| value.is_null()).count();
                // Of a type that is not known: beside texts it changes nothing.
                let is_computed = nulls == written || values.iter().all(is_of_texts);
                is_computed.then(|| functions::call(name, values)).flatten()
            }
            _ => functions::call(name, values),
        }
    }

    /// What the keys of a resource's instances tell, whatever of them is known.
    fn of_instances(
        &self,
        name: &str,
        call: &FuncCall,
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<Value> {
        if !["keys", "length"].contains(&name) || call.args.expand_final() {
            return None;
        }
        let mut arguments = call.args.iter();
        let (only, None) = (arguments.next()?, arguments.next()) else { return None };
        let keys = self.found(only, scope, depth)?.keys()?;
        Some(if name == "keys" { keys.into() } else { keys.len().into() })
    }
}

/// Whether a list is written out, each item of its own type.
pub(super) fn is_tuple(written: &Expression) -> bool {
    match written {
        Expression::Parenthesis(inner) => is_tuple(inner.inner()),
        Expression::Array(_) => true,
        Expression::ForExpr(of) => of.key_expr.is_none(),
        _ => false,
    }
}

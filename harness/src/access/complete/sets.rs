//! Whether what is gone through is a set, in which each is its own key, or a list, in which
//! the key is its place. A value as JSON does not tell.

use hcl_edit::expr::{Expression, TraversalOperator};

use super::evaluate::{Scope, World};

/// Functions that give a list
/// (<https://developer.hashicorp.com/terraform/language/functions>).
const LISTS: [&str; 11] = [
    "chunklist",
    "compact",
    "concat",
    "distinct",
    "flatten",
    "keys",
    "range",
    "sort",
    "split",
    "tolist",
    "values",
];

/// Expressions nest no deeper.
const DEPTH: usize = 16;

impl World<'_> {
    /// Whether the value of an expression is a set; `None` where the files do not say it.
    pub(super) fn is_set(&self, expression: &Expression, scope: &Scope<'_>) -> Option<bool> {
        self.is_set_to(expression, scope, DEPTH)
    }

    fn is_set_to(&self, expression: &Expression, scope: &Scope<'_>, depth: usize) -> Option<bool> {
        let depth = depth.checked_sub(1)?;
        match expression {
            Expression::Parenthesis(inner) => self.is_set_to(inner.inner(), scope, depth),
            Expression::Array(_) | Expression::Object(_) | Expression::ForExpr(_) => Some(false),
            Expression::Conditional(of) => {
                let both = [&of.true_expr, &of.false_expr];
                let [one, other] = both.map(|one| self.is_set_to(one, scope, depth));
                one.filter(|_| one == other)
            }
            Expression::FuncCall(call) if call.name.namespace.is_empty() => {
                let name = call.name.name.as_str();
                match name == "toset" {
                    true => Some(true),
                    false => LISTS.contains(&name).then_some(false),
                }
            }
            Expression::Traversal(traversal) => {
                let Expression::Variable(root) = &traversal.expr else { return None };
                let mut names = traversal.operators.iter().map(|operator| operator.value());
                let (Some(TraversalOperator::GetAttr(name)), None) = (names.next(), names.next())
                else {
                    return None;
                };
                if scope.names.contains_key(root.as_str()) {
                    return None;
                }
                match root.as_str() {
                    "local" => {
                        let written = self.source.local(name.as_str())?;
                        self.is_set_to(written, &Scope::default(), depth)
                    }
                    "var" => self.source.is_set(name.as_str()),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

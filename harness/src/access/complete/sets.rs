//! Whether what is gone through is a set, in which each is its own key, or a list, in which
//! the key is its place. A value as JSON does not tell.

use hcl_edit::expr::{Expression, Traversal, TraversalOperator};

use super::evaluate::{Scope, World};

/// Functions that give a list
/// (<https://developer.hashicorp.com/terraform/language/functions>).
const LISTS: [&str; 12] = [
    "chunklist",
    "coalescelist",
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
                self.is_set_called((root.as_str(), name.as_str()), scope, depth)
            }
            _ => None,
        }
    }

    fn is_set_called(
        &self,
        (root, name): (&str, &str),
        scope: &Scope<'_>,
        depth: usize,
    ) -> Option<bool> {
        if scope.names.contains_key(root) {
            return None;
        }
        match root {
            "local" => self.is_set_to(self.source.local(name)?, &Scope::default(), depth),
            "var" => self.source.is_set(name),
            _ => None,
        }
    }

    /// Whether an index into a set is asked for: "elements of a set are identified only by their
    /// values and don't have any separate index or key to select with"
    /// (<https://developer.hashicorp.com/terraform/language/functions/toset>).
    pub(super) fn is_of_a_set(&self, traversal: &Traversal, scope: &Scope<'_>) -> bool {
        let is_index = |one: &TraversalOperator| {
            matches!(one, TraversalOperator::Index(_) | TraversalOperator::LegacyIndex(_))
        };
        let mut operators = traversal.operators.iter().map(|operator| operator.value());
        let is_set = match (&traversal.expr, operators.next()) {
            (whole, Some(first)) if is_index(first) => self.is_set(whole, scope),
            (Expression::Variable(root), Some(TraversalOperator::GetAttr(name)))
                if operators.next().is_some_and(is_index) =>
            {
                self.is_set_called((root.as_str(), name.as_str()), scope, DEPTH)
            }
            _ => None,
        };
        is_set == Some(true)
    }
}

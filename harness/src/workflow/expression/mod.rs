//! The expression language: `${{ … }}`, and what `if` holds.
//!
//! Whatever a workflow does not have is null here, as on GitHub. Which contexts
//! and functions there are depends on the key whose value it is: [`Site`].
//! What it makes of hostile texts is bounded: length and depth when it is read,
//! bytes when it is evaluated.

mod evaluate;
mod functions;
mod site;
mod syntax;
mod template;
mod token;
mod value;

use std::fmt;

pub(super) use evaluate::{Scope, Status, Stopped};
pub(super) use functions::{Function, of_node};
pub(super) use site::Site;
pub(super) use template::{Condition, Template};
pub(super) use value::{Object, Value};

use syntax::Tree;

/// What is wrong with an expression, in GitHub's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExpressionError(String);

impl ExpressionError {
    fn plain(message: String) -> Self {
        Self(message)
    }

    fn placed(what: &str, symbol: &str, at: usize, text: &str) -> Self {
        Self(format!("{what}: '{symbol}'. Located at position {at} within expression: {text}"))
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An expression.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    written: String,
    /// None where there is nothing: null.
    tree: Option<Tree>,
}

impl Expression {
    /// Reads what stands between the braces.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(text: &str, site: Site) -> Result<Self, ExpressionError> {
        let tree = syntax::read(text.trim(), &|name| site.has(name), &|it| site.calls(it))?;
        Ok(Self { written: text.trim().to_owned(), tree })
    }

    pub(super) fn evaluate(&self, scope: &Scope) -> Result<Value, Stopped> {
        self.tree.as_ref().map_or(Ok(Value::Null), |tree| evaluate::evaluate(tree, scope))
    }

    fn calls(&self, wanted: &dyn Fn(Function) -> bool) -> bool {
        self.tree.as_ref().is_some_and(|tree| tree.calls(wanted))
    }

    /// The members of contexts that it names: `["vars", "NAME"]`.
    pub(super) fn paths(&self) -> Vec<Vec<&str>> {
        let mut found = Vec::new();
        if let Some(tree) = &self.tree {
            tree.paths(&mut found);
        }
        found
    }

    /// Whether it is nothing but a member of a context.
    fn is_path(&self) -> bool {
        self.tree.as_ref().is_some_and(|tree| tree.path().is_some())
    }
}

#[cfg(test)]
mod tests;

//! Texts with expressions in them.

use super::evaluate::{Scope, Stopped};
use super::value::Value;
use super::{Expression, ExpressionError, Site};

/// A text, and the expressions in it.
#[derive(Debug, Clone)]
pub(in crate::workflow) struct Template {
    written: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Expression(Expression),
}

impl Template {
    /// Reads a text, with everything that is wrong with its expressions.
    pub(in crate::workflow) fn read(text: &str, site: Site) -> (Self, Vec<ExpressionError>) {
        let (mut parts, mut faults) = (Vec::new(), Vec::new());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let Some((expression, after)) = closed(after) else {
                faults.push(ExpressionError::plain("`${{` has no `}}`".to_owned()));
                rest = "";
                break;
            };
            match Expression::read(expression, site) {
                Ok(expression) => parts.push(Part::Expression(expression)),
                Err(error) => faults.push(error),
            }
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        (Self { written: text.to_owned(), parts }, faults)
    }

    /// As it stands in the file.
    pub(in crate::workflow) fn written(&self) -> &str {
        &self.written
    }

    /// What it says, where it has no expressions.
    pub(in crate::workflow) fn plain(&self) -> Option<&str> {
        let plain = self.parts.iter().all(|part| matches!(part, Part::Text(_)));
        plain.then_some(self.written.as_str())
    }

    pub(in crate::workflow) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Expression(expression) => Some(expression),
        })
    }

    /// What it comes to: the value itself where it is one expression, else a
    /// text. `missing` hears of each member of a context that has no value.
    ///
    /// # Errors
    /// What stops an expression.
    pub(in crate::workflow) fn value(
        &self,
        scope: &Scope,
        missing: &mut dyn FnMut(&str),
    ) -> Result<Value, Stopped> {
        let mut of = |expression: &Expression| {
            let value = expression.evaluate(scope)?;
            if matches!(value, Value::Null) && expression.is_path() {
                missing(&expression.written);
            }
            Ok(value)
        };
        if let [Part::Expression(expression)] = self.parts.as_slice() {
            return of(expression);
        }
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Expression(expression) => text.push_str(&of(expression)?.text()),
            }
        }
        Ok(text.into())
    }
}

/// A text up to the `}}` that ends an expression: none within quotes.
fn closed(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '}' if !quoted && text.get(at..)?.starts_with("}}") => {
                return Some((text.get(..at)?, text.get(at + 2..)?));
            }
            _ => {}
        }
    }
    None
}

/// What `if` says.
#[derive(Debug, Clone)]
pub(in crate::workflow) struct Condition {
    template: Template,
    /// Whether it asks by itself how what came before ended.
    asks_status: bool,
}

impl Condition {
    /// Reads it: an expression, with or without its braces. A text around an
    /// expression makes a text of it, which is true.
    pub(in crate::workflow) fn read(text: &str, site: Site) -> (Self, Vec<ExpressionError>) {
        let (template, faults) = if text.contains("${{") {
            Template::read(text.trim(), site)
        } else {
            match Expression::read(text, site) {
                Ok(expression) => {
                    let parts = vec![Part::Expression(expression)];
                    (Template { written: text.to_owned(), parts }, Vec::new())
                }
                Err(error) => {
                    (Template { written: text.to_owned(), parts: Vec::new() }, vec![error])
                }
            }
        };
        let asks_status = template.expressions().any(|it| it.calls(&super::Function::is_of_status));
        (Self { template, asks_status }, faults)
    }

    pub(in crate::workflow) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.template.expressions()
    }

    /// Whether it holds: `success()` goes without saying where nothing else is
    /// asked of what came before.
    ///
    /// # Errors
    /// What stops it.
    pub(in crate::workflow) fn holds(&self, scope: &Scope) -> Result<bool, Stopped> {
        if !self.asks_status && scope.status != super::Status::Success {
            return Ok(false);
        }
        Ok(self.template.value(scope, &mut |_| {})?.is_true())
    }
}

//! Expressions in descriptions: `{QueueName}` is a property or an attribute of
//! that name, `{Endpoint.Address}` a member of one, `{Targets.*.Id}` those of
//! all items of a list; `{A?B}` is `B` where there is no `A`, and `{A|b}` the text
//! `b`. A text that is one expression has that value's type; a text with
//! more around it is text, and absent where an expression in it is.
//!
//! Besides there are `{name}` (the physical name), `{account}`, `{region}`,
//! `{stack}` (the stack's id), `{token}` (a new unique text), `{generated}` (a
//! name as the engine makes them up), `{reference}` (what `Ref` gives),
//! `{tags}`, `{untag}`, `{item}`, `{index}`, `{answer./path}`, on update
//! `{old.Targets}`, and on deletion `{snapshot}` (the name of a last snapshot, where
//! the policy asks for one) or `{skip}` (true, where it does not).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What expressions see.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope<'a> {
    pub(super) properties: Option<&'a Map<String, Value>>,
    pub(super) attributes: Option<&'a Map<String, Value>>,
    /// `name`, `tags`, `item` and so on.
    pub(super) given: Map<String, Value>,
}

impl Scope<'_> {
    /// The same with one more value.
    pub(super) fn with(&self, name: &str, value: Value) -> Self {
        let mut scope = self.clone();
        scope.given.insert(name.to_owned(), value);
        scope
    }

    /// The value of a node of a description; none where it is absent.
    pub(super) fn evaluate(&self, node: &Value) -> Option<Value> {
        match node {
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                let inner: Vec<Value> = items.iter().filter_map(|it| self.evaluate(it)).collect();
                (!inner.is_empty() || items.is_empty()).then_some(Value::Array(inner))
            }
            Value::Object(members) => {
                let inner = self.members(members);
                (!inner.is_empty() || members.is_empty()).then_some(Value::Object(inner))
            }
            scalar => Some(scalar.clone()),
        }
    }

    /// The members that have a value.
    pub(super) fn members(&self, members: &Map<String, Value>) -> Map<String, Value> {
        members
            .iter()
            .filter_map(|(name, node)| Some((name.clone(), self.evaluate(node)?)))
            .collect()
    }

    /// The value of a text.
    pub(super) fn text(&self, text: &str) -> Option<Value> {
        let parts = parts(text);
        if let [Part::Expression(expression)] = parts.as_slice() {
            return self.expression(expression);
        }
        let mut whole = String::new();
        for part in parts {
            match part {
                Part::Text(text) => whole.push_str(text),
                Part::Expression(expression) => match self.expression(expression)? {
                    Value::String(text) => whole.push_str(&text),
                    other => whole.push_str(&other.to_string()),
                },
            }
        }
        Some(whole.into())
    }

    fn expression(&self, expression: &str) -> Option<Value> {
        let (path, default) = match expression.split_once('|') {
            Some((path, default)) => (path, Some(default)),
            None => (expression, None),
        };
        if path == "token" {
            return Some(uuid::Uuid::new_v4().to_string().into());
        }
        path.split('?').find_map(|path| self.path(path)).or_else(|| default.map(Value::from))
    }

    fn path(&self, path: &str) -> Option<Value> {
        let maps = [Some(&self.given), self.properties, self.attributes];
        let maps = || maps.iter().filter_map(|map| *map);
        // Attributes may have dots in their names: `Endpoint.Address`.
        if let Some(value) = maps().find_map(|map| map.get(path)) {
            return Some(value.clone());
        }
        let (first, rest) = path.split_once('.')?;
        let value = maps().find_map(|map| map.get(first))?;
        if rest.starts_with('/') {
            return value.pointer(rest).filter(|value| !value.is_null()).cloned();
        }
        inner(value, rest)
    }
}

fn inner(value: &Value, path: &str) -> Option<Value> {
    let (first, rest) = match path.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    let each = |value: &Value| match rest {
        Some(rest) => inner(value, rest),
        None => Some(value.clone()),
    };
    match (first, value) {
        ("*", Value::Array(items)) => Some(items.iter().filter_map(each).collect()),
        (name, value) => each(value.get(name)?),
    }
}

enum Part<'a> {
    Text(&'a str),
    Expression(&'a str),
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((expression, after)) = after.split_once('}') else { break };
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        parts.push(Part::Expression(expression));
        rest = after;
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// The paths that the expressions in a node name.
pub(super) fn names(node: &Value) -> BTreeSet<String> {
    match node {
        Value::String(text) => parts(text)
            .into_iter()
            .filter_map(|part| match part {
                Part::Expression(expression) => {
                    Some(expression.split_once('|').map_or(expression, |(path, _)| path))
                }
                Part::Text(_) => None,
            })
            .flat_map(|path| path.split('?').map(str::to_owned))
            .collect(),
        Value::Array(items) => items.iter().flat_map(names).collect(),
        Value::Object(members) => members.values().flat_map(names).collect(),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn expressions_are_values_and_absent_ones_leave_nothing() {
        let properties =
            json!({"A": 1, "B": {"C": "c"}, "L": ["x"], "M": [{"I": 1}, {}, {"I": 2}]});
        let attributes = json!({"End.Point": "e"});
        let scope = Scope {
            properties: properties.as_object(),
            attributes: attributes.as_object(),
            ..Scope::default()
        };
        let scope = scope.with("name", "n".into());
        let node = json!({
            "one": "{A}", "inner": "{B.C}", "dotted": "{End.Point}", "list": "{L}",
            "mixed": "arn:{name}/{A}", "gone": "{Nope}", "half": "a-{Nope}",
            "default": "{Nope|d}", "other": "{Nope?A}", "each": "{M.*.I}", "nested": {"gone": "{Nope}"}, "fixed": true,
        });
        assert_eq!(
            scope.evaluate(&node).unwrap(),
            json!({
                "one": 1, "inner": "c", "dotted": "e", "list": ["x"],
                "mixed": "arn:n/1", "default": "d", "other": 1, "each": [1, 2], "fixed": true,
            })
        );
        let answer = scope.with("answer", json!({"X": {"Y": 2}}));
        assert_eq!(answer.text("{answer./X/Y}"), Some(json!(2)));
        assert!(names(&node).contains("B.C") && names(&node).contains("Nope"));
    }
}

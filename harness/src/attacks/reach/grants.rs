//! Policies, statement by statement, as far as reach needs them.

use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind, Wildcard};
use serde_json::{Map, Value};

use crate::attacks::companions;

/// The policies of an identity.
#[derive(Debug, Clone)]
pub struct Policies {
    pub(super) identity: Vec<Grant>,
    /// None where there is no boundary.
    pub(super) boundary: Option<Vec<Grant>>,
    pub(super) compiled: ringfence_policy::Policies,
}

/// A statement.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    policy: String,
    sid: Option<String>,
    deny: bool,
    /// `Action` or, negated, `NotAction`.
    actions: Vec<Wildcard>,
    all_but_actions: bool,
    /// `Resource` or, negated, `NotResource`.
    pub(super) resources: Vec<String>,
    pub(super) all_but_resources: bool,
    /// Operator, key, values.
    pub(super) tests: Vec<(String, String, Vec<String>)>,
}

impl Policies {
    /// Reads policies: names with their JSON.
    ///
    /// # Errors
    /// When one of them is none.
    pub fn parse(
        identity: &[(String, String)],
        boundary: Option<&(String, String)>,
    ) -> Result<Self, DocumentError> {
        let parse = |(name, text): &(String, String), kind| {
            let document = Document::parse(name, text, kind)?;
            let statements = statements(name, text);
            Ok::<_, DocumentError>((Arc::new(document), statements))
        };
        let mut grants = Vec::new();
        let mut compiled = ringfence_policy::Policies::default();
        for policy in identity {
            let (document, statements) = parse(policy, Kind::Identity)?;
            compiled.identity.push(document);
            grants.extend(statements);
        }
        let mut limits = None;
        if let Some(policy) = boundary {
            let (document, statements) = parse(policy, Kind::Boundary)?;
            compiled.boundary = Some(vec![document]);
            limits = Some(statements);
        }
        Ok(Self { identity: grants, boundary: limits, compiled })
    }

    /// Whether an identity policy has a statement that allows anything.
    pub fn allow_something(&self) -> bool {
        self.identity.iter().any(|grant| !grant.deny)
    }
}

impl Grant {
    pub(super) fn allows(&self, action: &str) -> bool {
        !self.deny && self.speaks_of(action)
    }

    pub(super) fn denies(&self, action: &str) -> bool {
        self.deny && self.speaks_of(action)
    }

    fn speaks_of(&self, action: &str) -> bool {
        let listed = self.actions.iter().any(|pattern| pattern.matches(action));
        listed != self.all_but_actions
    }

    /// The statement's conditions, for people.
    pub(super) fn conditions(&self) -> impl Iterator<Item = String> {
        self.tests
            .iter()
            .map(|(operator, key, values)| format!("{operator} {key} {}", values.join(" or ")))
    }

    /// The statement's name.
    pub(super) fn told(&self) -> String {
        let conditions: Vec<String> = self.conditions().collect();
        let when = match conditions.is_empty() {
            true => String::new(),
            false => format!(" when {}", conditions.join(" and ")),
        };
        match &self.sid {
            Some(sid) => format!("{sid} of {}{when}", self.policy),
            None => format!("{}{when}", self.policy),
        }
    }
}

fn statements(policy: &str, text: &str) -> Vec<Grant> {
    let statements = companions::statements(text);
    statements.iter().map(|statement| grant(policy, statement)).collect()
}

fn grant(policy: &str, statement: &Value) -> Grant {
    let either = |name: &str, negated: &str| match statement.get(name) {
        Some(value) => (texts(value), false),
        None => (statement.get(negated).map(texts).unwrap_or_default(), true),
    };
    let (actions, all_but_actions) = either("Action", "NotAction");
    let (resources, all_but_resources) = either("Resource", "NotResource");
    let none = Map::new();
    let conditions = statement.get("Condition").and_then(Value::as_object).unwrap_or(&none);
    let tests = conditions.iter().flat_map(|(operator, keys)| {
        let keys = keys.as_object().cloned().unwrap_or_default();
        keys.into_iter().map(|(key, values)| (operator.clone(), key, texts(&values)))
    });
    Grant {
        policy: policy.to_owned(),
        sid: statement.get("Sid").and_then(Value::as_str).map(str::to_owned),
        // A trust policy may say `DENY`.
        deny: (statement.get("Effect").and_then(Value::as_str))
            .is_some_and(|effect| effect.eq_ignore_ascii_case("Deny")),
        actions: actions.iter().map(|pattern| Wildcard::of_actions(pattern)).collect(),
        all_but_actions,
        resources,
        all_but_resources,
        tests: tests.collect(),
    }
}

/// One text or a list of them.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Null => Vec::new(),
        other => vec![other.to_string()],
    }
}

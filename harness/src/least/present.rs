//! What present policies grant and nobody used.

use ringfence_guard::journal::Policy;
use ringfence_policy::{Context, Document, Kind, Policies, catalog};
use serde::Serialize;
use serde_json::{Value, json};

use super::generalise::{allows, identity};
use super::used::Permission;

/// A part of a grant that was never used.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Unused {
    /// The policy's name or ARN.
    pub policy: String,
    /// The statement's `Sid`, if it has one.
    pub sid: Option<String>,
    /// The statement's place in its policy, from 0.
    pub statement: usize,
    /// A pattern of its `Action`; none where it has `NotAction`.
    pub action: Option<String>,
    /// How many of AWS's actions the pattern grants.
    pub granted: Option<usize>,
    /// Those of them that were used.
    pub used: Vec<String>,
}

/// Of each pattern of actions that policies allow, what was used, where that is
/// less than they allow. Conditions are passed over: what is said to be unused
/// was not used under any.
pub(super) fn unused(policies: &[Policy], permissions: &[Permission<'_>]) -> Vec<Unused> {
    policies.iter().flat_map(|policy| of_policy(policy, permissions)).collect()
}

fn of_policy(policy: &Policy, permissions: &[Permission<'_>]) -> Vec<Unused> {
    let Ok(document) = Document::parse(&policy.name, &policy.document, Kind::Identity) else {
        return Vec::new();
    };
    let statements = 0..document.statement_count();
    let of_statement = |statement| {
        let text = document.statement_text(statement)?;
        let sid = document.statement_sid(statement).map(str::to_owned);
        let value: Value = serde_json::from_str(text).ok()?;
        (value.get("Effect")? == "Allow").then(|| {
            let grants = Grant::all(&value);
            grants
                .into_iter()
                .filter_map(|grant| {
                    grant.unused(&policy.name, sid.as_deref(), statement, permissions)
                })
                .collect::<Vec<_>>()
        })
    };
    statements.filter_map(of_statement).flatten().collect()
}

/// One pattern of actions of a statement, or its `NotAction`.
struct Grant {
    action: Option<String>,
    policies: Policies,
}

impl Grant {
    fn all(statement: &Value) -> Vec<Self> {
        let mut bare = statement.clone();
        if let Some(object) = bare.as_object_mut() {
            object.remove("Condition");
            object.remove("Sid");
        }
        let patterns = match statement.get("Action") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => {
                many.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => return Self::parse(None, &bare).into_iter().collect(),
        };
        let of = |pattern: String| {
            let mut one = bare.clone();
            one.as_object_mut()?.insert("Action".into(), json!(pattern));
            Self::parse(Some(pattern), &one)
        };
        patterns.into_iter().filter_map(of).collect()
    }

    fn parse(action: Option<String>, statement: &Value) -> Option<Self> {
        let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        let document = Document::parse("grant", &text, Kind::Identity).ok()?;
        Some(Self { action, policies: identity([document]) })
    }

    fn unused(
        self,
        policy: &str,
        sid: Option<&str>,
        statement: usize,
        permissions: &[Permission<'_>],
    ) -> Option<Unused> {
        let none = Context::new();
        let mut used: Vec<String> = permissions
            .iter()
            .filter(|used| allows(&self.policies, used.action, used.resource, &none))
            .map(|used| used.action.to_owned())
            .collect();
        used.dedup();
        let granted = self.action.as_deref().map(granted);
        let is_all_used = match granted {
            Some(granted) => used.len() >= granted.max(1),
            None => !used.is_empty(),
        };
        (!is_all_used).then(|| Unused {
            policy: policy.to_owned(),
            sid: sid.map(str::to_owned),
            statement,
            action: self.action,
            granted,
            used,
        })
    }
}

/// How many of AWS's actions a pattern stands for.
fn granted(pattern: &str) -> usize {
    let text = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": pattern, "Resource": "*"}]});
    let Ok(document) = Document::parse("pattern", &text.to_string(), Kind::Identity) else {
        return 0;
    };
    let (policies, none) = (identity([document]), Context::new());
    catalog::prefixes()
        .filter(|prefix| may_be_of(pattern, prefix))
        .filter_map(catalog::service)
        .flat_map(|service| {
            service.actions().map(|action| format!("{}:{}", service.prefix, action.name))
        })
        .filter(|action| allows(&policies, action, "*", &none))
        .count()
}

/// Whether a pattern may stand for actions of a prefix: most name theirs.
fn may_be_of(pattern: &str, prefix: &str) -> bool {
    match pattern.split_once(':') {
        Some((named, _)) if !named.contains(['*', '?']) => named.eq_ignore_ascii_case(prefix),
        _ => true,
    }
}

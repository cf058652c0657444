//! Patterns that stand for the resources that they match.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ringfence_policy::{Context, Document, Kind, Outcome, Policies, Principal, Request, judge};
use serde::Serialize;
use serde_json::json;

use super::used::Permission;

/// A pattern as `Resource` has it, matched as the engine matches it.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    policies: Arc<Policies>,
}

/// A text is no pattern of resources.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no pattern of resources: {cause}")]
pub struct PatternError {
    text: String,
    cause: String,
}

impl Pattern {
    /// As it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a resource is one of its own.
    pub(super) fn matches(&self, resource: &str) -> bool {
        allows(&self.policies, "ringfence:Match", resource, &Context::new())
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let failed = |cause: String| PatternError { text: text.to_owned(), cause };
        if text.contains("${") {
            return Err(failed("a policy variable has no value here".into()));
        }
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": text}]});
        let document = Document::parse("pattern", &document.to_string(), Kind::Identity)
            .map_err(|error| failed(error.message))?;
        Ok(Self { text: text.to_owned(), policies: Arc::new(identity([document])) })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a pattern that was given stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Generalised {
    /// The pattern.
    pub pattern: String,
    /// How many of the resources it stands for.
    pub resources: usize,
    /// Which parts of an ARN it leaves open besides the name: `partition`,
    /// `service`, `region`, `account`. The policy allows more than was done there.
    pub open: Vec<&'static str>,
}

impl Generalised {
    /// Of each pattern; a resource is the first's that matches it.
    pub(super) fn all(permissions: &[Permission<'_>], patterns: &[Pattern]) -> Vec<Self> {
        let resources: BTreeSet<&str> = permissions.iter().map(|used| used.resource).collect();
        let mut counts = vec![0; patterns.len()];
        for resource in resources {
            let first = patterns.iter().position(|pattern| pattern.matches(resource));
            if let Some(count) = first.and_then(|first| counts.get_mut(first)) {
                *count += 1;
            }
        }
        patterns
            .iter()
            .zip(counts)
            .map(|(pattern, resources)| Self {
                pattern: pattern.text.clone(),
                resources,
                open: open(&pattern.text),
            })
            .collect()
    }
}

/// The parts of an ARN before the name that a pattern leaves open.
fn open(pattern: &str) -> Vec<&'static str> {
    let mut parts = pattern.splitn(6, ':').skip(1);
    let mut is_ended = pattern == "*";
    ["partition", "service", "region", "account"]
        .into_iter()
        .filter(|_| {
            // Behind a pattern that ends early nothing is said.
            let part = parts.next();
            let is_open = is_ended || part.is_some_and(|part| part.contains(['*', '?']));
            is_ended |= part.is_none();
            is_open || is_ended
        })
        .collect()
}

/// Identity policies and nothing else.
pub(super) fn identity(documents: impl IntoIterator<Item = Document>) -> Policies {
    Policies { identity: documents.into_iter().map(Arc::new).collect(), ..Policies::default() }
}

/// Whether identity policies by themselves allow something. Whose they are plays
/// no part: the resource counts as the principal's account's own. Keys of KMS and
/// roles, which nobody uses without their own policies, count as left to the
/// account's policies.
pub(super) fn allows(policies: &Policies, action: &str, resource: &str, context: &Context) -> bool {
    let account = resource.split(':').nth(4).filter(|account| !account.is_empty());
    let account = account.unwrap_or("000000000000");
    let principal = Principal::User { arn: format!("arn:aws:iam::{account}:user/ringfence") };
    let request =
        Request { principal: &principal, action, resource, resource_account: None, context };
    let Some(kind) = needing(action, resource) else {
        return judge(&request, policies).outcome == Outcome::Allow;
    };
    let Some(delegation) = delegation(kind, account, action) else { return false };
    let policies = Policies { resource: Some(Arc::new(delegation)), ..policies.clone() };
    judge(&request, &policies).outcome == Outcome::Allow
}

/// The kind of policy without which nobody may do something, where there is one:
/// with a key of KMS nothing, whatever the action is called.
fn needing(action: &str, resource: &str) -> Option<Kind> {
    match action.split_once(':') {
        Some(("kms", _)) => Some(Kind::Resource),
        _ if resource.split(':').nth(2) == Some("kms") => Some(Kind::Resource),
        Some(("sts", name)) if name.starts_with("AssumeRole") => Some(Kind::Trust),
        _ => None,
    }
}

/// A resource's policy that leaves an action to the policies of its account
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>).
fn delegation(kind: Kind, account: &str, action: &str) -> Option<Document> {
    let mut statement = json!({"Effect": "Allow", "Action": action,
        "Principal": {"AWS": format!("arn:aws:iam::{account}:root")}});
    if kind == Kind::Resource {
        statement.as_object_mut()?.insert("Resource".to_owned(), json!("*"));
    }
    let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    Document::parse("delegation", &text, kind).ok()
}

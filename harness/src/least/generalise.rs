//! Patterns that stand for the resources that they match.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ringfence_policy::{Context, Document, Kind, Outcome, Policies, Principal, Request, judge};
use serde_json::json;

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

/// Identity policies and nothing else.
pub(super) fn identity(documents: impl IntoIterator<Item = Document>) -> Policies {
    Policies { identity: documents.into_iter().map(Arc::new).collect(), ..Policies::default() }
}

/// Whether identity policies by themselves allow something. Whose they are plays
/// no part: the resource counts as the principal's account's own.
pub(super) fn allows(policies: &Policies, action: &str, resource: &str, context: &Context) -> bool {
    let account = resource.split(':').nth(4).filter(|account| !account.is_empty());
    let account = account.unwrap_or("000000000000");
    let principal = Principal::User { arn: format!("arn:aws:iam::{account}:user/ringfence") };
    let request =
        Request { principal: &principal, action, resource, resource_account: None, context };
    judge(&request, policies).outcome == Outcome::Allow
}

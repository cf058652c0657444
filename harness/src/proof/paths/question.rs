//! One question: whether any request of an identity does something to one thing.

use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind, Policies, Principal};
use ringfence_prove::{
    Disagreement, Question, Universe, Verdict, Witness, within_for_type, within_sent_for,
};
use serde_json::{Value, json};

/// Why the paths cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CannotAsk {
    /// A name of the estate that can stand in no ARN.
    #[error("a question cannot be put as a policy: {0}")]
    Document(#[from] DocumentError),
    /// Prover and engine differ.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'w> {
    pub(super) action: &'w str,
    /// Patterns of what it acts upon; none is anything.
    pub(super) on: Option<&'w str>,
    /// A type of resource of the reference; none is anything.
    pub(super) of_type: Option<&'w str>,
    /// But for these.
    pub(super) but: &'w [&'w str],
    /// Condition keys with their values; `None` is absent.
    pub(super) when: &'w [(&'w str, Option<&'w str>)],
    /// A condition key with patterns of its values.
    pub(super) like: Option<(&'w str, &'w [String])>,
}

impl Wanted<'_> {
    /// What allows everything else.
    fn rest(&self, kind: Kind) -> Result<Arc<Document>, DocumentError> {
        let own = json!(self.action);
        let mut all = Vec::new();
        if let Some(on) = self.on {
            all.push(json!({"Effect": "Allow", "Action": own, "NotResource": on}));
        }
        if !self.but.is_empty() {
            all.push(json!({"Effect": "Allow", "Action": own, "Resource": self.but}));
        }
        for (key, value) in self.when {
            let condition = match value {
                Some(value) => json!({"StringNotEquals": {*key: value}}),
                None => json!({"Null": {*key: "false"}}),
            };
            all.push(
                json!({"Effect": "Allow", "Action": own, "Resource": "*", "Condition": condition}),
            );
        }
        if let Some((key, patterns)) = self.like {
            let condition = json!({"StringNotLike": {key: patterns}});
            all.push(
                json!({"Effect": "Allow", "Action": own, "Resource": "*", "Condition": condition}),
            );
        }
        // A policy says something.
        if all.is_empty() {
            all.push(json!({"Effect": "Allow", "NotAction": own, "Resource": "*"}));
        }
        if kind == Kind::Resource {
            for members in all.iter_mut().filter_map(Value::as_object_mut) {
                members.insert("Principal".to_owned(), json!("*"));
            }
        }
        let text = json!({"Version": "2012-10-17", "Statement": all}).to_string();
        Document::parse("everything else", &text, kind).map(Arc::new)
    }

    /// Whether the policies allow it, with a request that there is for an action of
    /// the reference where there is one.
    pub(super) fn ask(
        &self,
        principal: &Principal,
        policies: &Policies,
    ) -> Result<Verdict, CannotAsk> {
        let outer = Policies {
            identity: vec![self.rest(Kind::Identity)?],
            resource: match policies.resource {
                Some(_) => Some(self.rest(Kind::Resource)?),
                None => None,
            },
            // A session that is federated may do nothing without one.
            session: policies.session.clone(),
            ..Policies::default()
        };
        if let Some(kind) = self.of_type {
            let universe = Universe::Catalogue;
            let principal = Some(principal);
            let question = Question { inner: policies, outer: &outer, principal, universe };
            return Ok(within_for_type(&question, self.action, kind)?);
        }
        let (principal, universe) = (Some(principal), Universe::All);
        let question = Question { inner: policies, outer: &outer, principal, universe };
        Ok(within_sent_for(&question, self.action)?.0)
    }
}

/// Whether something is allowed.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    No,
    /// By this request, on whatever it names.
    Yes(Arc<Witness>),
    /// It hangs on this.
    Open(Arc<str>),
}

impl From<Verdict> for Answer {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Proved => Self::No,
            Verdict::Violated(witness) => Self::Yes(Arc::from(witness)),
            Verdict::Undecided(reason) => Self::Open(reason.into()),
        }
    }
}

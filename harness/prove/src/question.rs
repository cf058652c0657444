//! What is asked, and how it is answered.

use ringfence_policy::{Context, Policies, Principal, Request};

use crate::domain::Universe;

/// What is asked: whether everything that one side allows the other allows too.
#[derive(Debug, Clone, Copy)]
pub struct Question<'p> {
    /// The policies whose requests are looked at.
    pub inner: &'p Policies,
    /// The policies that should allow all of these.
    pub outer: &'p Policies,
    /// Who asks; `None` is anybody.
    pub principal: Option<&'p Principal>,
    /// What requests there are.
    pub universe: Universe,
}

/// A request with its own values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Who asks.
    pub principal: Principal,
    /// The action.
    pub action: String,
    /// What is acted upon.
    pub resource: String,
    /// Whose it is, where its ARN does not say.
    pub resource_account: Option<String>,
    /// The condition keys.
    pub context: Context,
}

impl Witness {
    /// The request.
    pub fn request(&self) -> Request<'_> {
        Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: self.resource_account.as_deref(),
            context: &self.context,
        }
    }
}

/// How a question was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// No request is allowed by the one and not by the other.
    Proved,
    /// This one is.
    Violated(Box<Witness>),
    /// What the procedure does not decide.
    Undecided(String),
}

/// The prover and the engine differ about a request: a fault of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "internal error: the prover says that `{action}` on `{resource}` is allowed by one side alone, the engine does not"
)]
pub struct Disagreement {
    /// The action.
    pub action: String,
    /// What is acted upon.
    pub resource: String,
}

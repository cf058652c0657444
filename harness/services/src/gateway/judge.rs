//! Deciding by the policy that an authorizer's function gave.

use serde_json::Value;

/// Who decides by such a policy: the guard's engine, handed in with a request.
pub trait Judge: Send {
    /// What a policy says of `execute-api:Invoke` on a resource. `authorizer` is
    /// the authorizer's ARN, `policy` the document that its function gave.
    fn judge(&mut self, authorizer: &str, policy: &Value, resource: &str) -> Judgement;
}

/// What a policy comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// A statement allows it, and none denies it.
    Allowed,
    /// No statement allows it.
    ImplicitDeny,
    /// A statement denies it.
    ExplicitDeny,
    /// It is no policy.
    Malformed,
    /// It depends on a key of which nothing is known; whoever judges has said so.
    Undecided,
}

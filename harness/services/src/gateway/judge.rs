//! Deciding by policies that come with a request: the one that an authorizer's function
//! gave, and an API's own.

use serde_json::Value;

/// Who decides by such policies: the guard's engine, handed in with a request.
pub trait Judge: Send {
    /// Whether a request may have what it asks for.
    fn judge(&mut self, question: &Question<'_>) -> Judgement;
}

/// Whether `execute-api:Invoke` is allowed on a resource.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The authorizer's ARN, and the document that its function gave; none where
    /// nobody is known.
    pub given: Option<(&'a str, &'a Value)>,
    /// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`.
    pub resource: &'a str,
    /// The API's resource policy.
    pub policy: Option<&'a str>,
}

/// What policies come to.
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

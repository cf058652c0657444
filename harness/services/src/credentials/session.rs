//! Callers.

use time::OffsetDateTime;

use super::identity::{Identity, LongTerm};

/// A caller: an identity, and the services that forwarded its call.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Who calls.
    pub identity: Identity,
    /// `aws:CalledVia`, in order; empty for a direct call.
    pub called_via: Vec<String>,
    /// When the credential ends.
    pub expiration: Option<OffsetDateTime>,
    /// When `GetSessionToken` gave root or a user the session; it stays with
    /// what a service does for them then.
    pub session_token_issued_at: Option<OffsetDateTime>,
}

impl Session {
    /// A direct caller.
    pub fn direct(identity: Identity) -> Self {
        Self { identity, called_via: Vec::new(), expiration: None, session_token_issued_at: None }
    }

    /// The holder of the long-term credentials that the call was made with, if
    /// it was.
    pub fn long_term(&self) -> Option<LongTerm> {
        if self.expiration.is_some() {
            return None;
        }
        match &self.identity {
            Identity::Root { account_id, partition } => {
                Some(LongTerm::Root { account_id: account_id.clone(), partition: *partition })
            }
            Identity::User { arn, name, user_id } => Some(LongTerm::User {
                arn: arn.clone(),
                name: name.clone(),
                user_id: user_id.clone(),
            }),
            Identity::Role(_)
            | Identity::FederatedUser(_)
            | Identity::Service { .. }
            | Identity::WebIdentity(_)
            | Identity::Anonymous => None,
        }
    }

    /// `aws:TokenIssueTime`: when the session began with whose temporary
    /// credentials the call was made.
    pub fn token_issued_at(&self) -> Option<OffsetDateTime> {
        match &self.identity {
            Identity::Root { .. } | Identity::User { .. } => self.session_token_issued_at,
            Identity::Role(session) => Some(session.issued_at),
            Identity::FederatedUser(session) => Some(session.issued_at),
            Identity::Service { .. } | Identity::WebIdentity(_) | Identity::Anonymous => None,
        }
    }

    /// Whether CloudFormation calls: for somebody, or with a stack's role that
    /// it assumed itself. Only it may give resources the `aws:cloudformation:*`
    /// tags.
    pub fn is_cloudformation(&self) -> bool {
        let service = match (self.called_via.last(), &self.identity) {
            (Some(last), _) => Some(last),
            (None, Identity::Role(role)) => role.assumed_by.as_ref(),
            (None, _) => None,
        };
        service.is_some_and(|service| service == "cloudformation.amazonaws.com")
    }
}

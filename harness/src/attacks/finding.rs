//! What came of an attack.

use std::fmt;
use std::time::Duration;

/// The way by which an identity reaches what it attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Road {
    /// A call of an AWS API.
    Api,
    /// A resource of a CloudFormation stack.
    CloudFormation,
    /// A request to the HTTP API.
    Http,
    /// A token exchanged for a role's session.
    Oidc,
    /// A call from inside a running function.
    Function,
}

impl Road {
    /// The road's name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::CloudFormation => "cloudformation",
            Self::Http => "http",
            Self::Oidc => "oidc",
            Self::Function => "function",
        }
    }
}

impl fmt::Display for Road {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a guard rail held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Refused as AWS refuses it, and the twin succeeded.
    Held,
    /// Not refused, or refused otherwise than by the guard rail.
    Failed,
    /// The twin did not succeed, so the refusal proves nothing.
    Inconclusive,
}

impl Verdict {
    /// The verdict's name in reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// An attack with what came of it.
#[derive(Debug, Clone)]
pub struct Finding {
    /// `high-perm/role-without-boundary/api`: stable from run to run.
    pub id: String,
    /// The guard rail under attack.
    pub guard_rail: &'static str,
    /// Who attacks.
    pub identity: String,
    /// By which road.
    pub road: Road,
    /// What is claimed.
    pub title: String,
    /// What must be observed.
    pub expected: String,
    /// What was.
    pub observed: String,
    /// The judgement.
    pub verdict: Verdict,
    /// How long attack and twin took.
    pub duration: Duration,
    /// The journal's entries for attack and twin, where they are AWS calls.
    pub request_ids: Vec<String>,
}

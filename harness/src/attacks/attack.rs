//! What an attack is.

use std::borrow::Cow;

use ringfence_wire::{Service, ServiceError};
use serde_json::Value;

use super::finding::{Finding, Road, Scope, Untried, Verdict};
use super::lack::Lack;
use crate::config::{Forbids, Statements};
use crate::guard_rail::GuardRail;

/// A call of an AWS operation.
#[derive(Debug, Clone)]
pub struct Step {
    /// The service.
    pub service: Service,
    /// The operation's name.
    pub operation: &'static str,
    /// The input, by the model's member names. In a clean-up, a text `@/POINTER`
    /// stands for that value of the twin's output.
    pub input: Value,
    /// The payload of operations that carry one.
    pub payload: Option<Vec<u8>>,
}

impl Step {
    /// A call without a payload.
    pub fn new(service: Service, operation: &'static str, input: Value) -> Self {
        Self { service, operation, input, payload: None }
    }

    /// The same call with a payload.
    #[must_use]
    pub fn with_payload(mut self, payload: impl Into<Vec<u8>>) -> Self {
        self.payload = Some(payload.into());
        self
    }
}

/// Something that an identity tries.
#[derive(Debug, Clone)]
pub enum Attempt {
    /// A call.
    Call(Step),
    /// A stack of one resource: its type and properties.
    Stack(Value),
    /// A stack of one resource that is made and then updated.
    Update {
        /// The resource as it is made.
        before: Value,
        /// The resource as the update wants it.
        after: Value,
    },
}

impl Attempt {
    /// The road that the attempt takes.
    pub const fn road(&self) -> Road {
        match self {
            Self::Call(_) => Road::Api,
            Self::Stack(_) | Self::Update { .. } => Road::CloudFormation,
        }
    }
}

/// Who makes a legitimate call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The attacker itself, within its job.
    Same,
    /// The platform team, for what is nobody else's.
    Platform,
}

/// The same thing, legitimately: it must succeed.
#[derive(Debug, Clone)]
pub struct Twin {
    /// Who does it.
    pub who: Who,
    /// What.
    pub attempt: Attempt,
    /// What the platform undoes afterwards.
    pub clean_up: Vec<Step>,
}

impl Twin {
    /// A twin of the attacker's own.
    pub fn same(attempt: Attempt, clean_up: Vec<Step>) -> Self {
        Self { who: Who::Same, attempt, clean_up }
    }

    /// A twin of the platform team's.
    pub fn platform(step: Step, clean_up: Vec<Step>) -> Self {
        Self { who: Who::Platform, attempt: Attempt::Call(step), clean_up }
    }
}

/// Which layer of policies refuses, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No identity policy allows the action.
    NoIdentityPolicy,
    /// The permissions boundary does not allow it.
    NoBoundary,
    /// This statement of an identity policy denies it.
    IdentityStatement(Forbids),
    /// This statement of the permissions boundary denies it.
    BoundaryStatement(Forbids),
    /// This statement of the resource's own policy denies it.
    ResourceStatement(Forbids),
    /// The role's trust policy does not name the caller.
    NoTrust,
    /// The resource is another account's, whose policy would have to allow it.
    NoResourcePolicy,
    /// Whichever policy: an architecture's own statements are not known by name.
    Any,
}

impl Reason {
    /// AWS's words for it.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
    pub fn words(self, action: &str) -> String {
        match self {
            Self::NoIdentityPolicy => {
                format!("because no identity-based policy allows the {action} action")
            }
            Self::NoBoundary => {
                format!("because no permissions boundary allows the {action} action")
            }
            Self::IdentityStatement(_) => {
                "with an explicit deny in an identity-based policy".to_owned()
            }
            Self::BoundaryStatement(_) => {
                "with an explicit deny in a permissions boundary".to_owned()
            }
            Self::ResourceStatement(_) => {
                "with an explicit deny in a resource-based policy".to_owned()
            }
            Self::NoTrust => format!("because no role trust policy allows the {action} action"),
            Self::NoResourcePolicy => {
                format!("because no resource-based policy allows the {action} action")
            }
            Self::Any => String::new(),
        }
    }

    /// Whether what decided, by the journal's names, is this.
    pub fn is(self, layer: &str, sid: Option<&str>, statements: &Statements) -> bool {
        let is_it = match self.statement() {
            Some(forbids) => statements.sid(forbids).is_none_or(|named| sid == Some(named)),
            None => sid.is_none(),
        };
        self == Self::Any || (self.layer() == layer && is_it)
    }

    /// The layer that the journal names.
    const fn layer(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::NoIdentityPolicy | Self::IdentityStatement(_) => "identity",
            Self::NoBoundary | Self::BoundaryStatement(_) => "boundary",
            Self::ResourceStatement(_) | Self::NoTrust | Self::NoResourcePolicy => "resource",
        }
    }

    /// The statement that denies; none for a layer's silence.
    const fn statement(self) -> Option<Forbids> {
        match self {
            Self::NoIdentityPolicy
            | Self::NoBoundary
            | Self::NoTrust
            | Self::NoResourcePolicy
            | Self::Any => None,
            Self::IdentityStatement(forbids)
            | Self::BoundaryStatement(forbids)
            | Self::ResourceStatement(forbids) => Some(forbids),
        }
    }
}

/// What AWS answers to the attack.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The service that answers.
    pub service: Service,
    /// The action that is refused.
    pub action: Cow<'static, str>,
    /// The resource, as the message prints it; of a resource that a stack makes,
    /// `*` stands for its id.
    pub resource: String,
    /// Who refuses.
    pub reason: Reason,
}

impl Refusal {
    /// The error that a caller meets. AWS may append the denying policy's ARN
    /// to the message, so the message is a beginning.
    /// <https://aws.amazon.com/blogs/security/enhanced-access-denied-error-messages-with-policy-arns>
    pub fn error(&self, caller: &str) -> ServiceError {
        let place = match self.service {
            // Seen in public logs: an action that takes no resource is told
            // without one.
            Service::S3 | Service::Ec2 | Service::SecretsManager if self.resource == "*" => {
                String::new()
            }
            Service::S3 => format!(" on resource: \"{}\"", self.resource),
            _ => format!(" on resource: {}", self.resource),
        };
        let message = format!(
            "User: {caller} is not authorized to perform: {}{place} {}",
            self.action,
            self.reason.words(&self.action)
        );
        ServiceError::access_denied(self.service, message)
    }
}

/// An attack on a guard rail.
#[derive(Debug, Clone)]
pub struct Attack {
    /// What is attacked: `role-without-boundary`.
    pub name: &'static str,
    /// The guard rail.
    pub guard_rail: GuardRail,
    /// The claim, after the identity's name: `cannot create a role without …`.
    pub title: String,
    /// What is tried.
    pub attempt: Attempt,
    /// What AWS answers.
    pub refusal: Refusal,
    /// The legitimate twin.
    pub twin: Twin,
}

impl Attack {
    /// The id of its finding.
    pub fn id(&self, identity: &str) -> String {
        format!("{identity}/{}/{}", self.name, self.attempt.road())
    }

    /// What is told of it in an estate that has none of what it is about.
    pub fn not_applicable(&self, identity: &str, lack: Lack) -> Finding {
        let told = Untried {
            id: self.id(identity),
            guard_rail: self.guard_rail.clone(),
            identity: identity.to_owned(),
            road: self.attempt.road(),
            scope: Scope::Executed,
            title: format!("{identity} {}", self.title),
            expected: format!("{} is refused", self.refusal.action),
        };
        Finding::untried(told, Verdict::NotApplicable, lack.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_that_the_configuration_names_must_be_what_denies() {
        let reason = Reason::BoundaryStatement(Forbids::Escape);
        let named: Statements = toml::from_str("escape = \"DenyEscape\"").unwrap();
        assert!(reason.is("boundary", Some("DenyEscape"), &named));
        assert!(!reason.is("boundary", Some("DenyArtifacts"), &named));
        assert!(!reason.is("boundary", None, &named));
        assert!(!reason.is("identity", Some("DenyEscape"), &named));
        // Another one is named: whichever of the layer denies this.
        let other: Statements = toml::from_str("artifacts = \"DenyArtifacts\"").unwrap();
        assert!(reason.is("boundary", Some("Whichever"), &other));
        assert!(!reason.is("identity", Some("Whichever"), &other));
        // A layer's silence is no statement's.
        assert!(Reason::NoBoundary.is("boundary", None, &named));
        assert!(!Reason::NoBoundary.is("boundary", Some("DenyEscape"), &named));
        let unknown = toml::from_str::<Statements>("escapes = \"DenyEscape\"").unwrap_err();
        assert!(unknown.to_string().contains("unknown variant `escapes`"), "{unknown}");
    }
}

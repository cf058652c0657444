//! The evaluation over many requests at once: what a prover builds upon.
//!
//! [`allowed`] runs the evaluation of [`crate::judge`] over whatever truth the
//! caller computes with. The caller says under which formula each condition
//! holds and each entry of `Resource` covers ([`Asks`]); how statements, layers
//! and principals combine is the engine's alone.
//!
//! ```
//! use ringfence_policy::symbolic::{Logic, Truth};
//!
//! let unknown = Truth::Unknown;
//! assert_eq!(unknown.and(Truth::constant(false)), Truth::False);
//! ```

use crate::document::Document;
use crate::evaluate::{self, Policies};
use crate::principal::Entry;
use crate::request::{Principal, Request};
use crate::statement::{ActionPattern, Actions, Statement};

pub use crate::arn::{Covered, ResourcePattern};
pub use crate::condition::{Condition, Test};
pub use crate::logic::{Asks, Logic};
pub use crate::pattern::Token;
pub use crate::principal::Naming;
pub use crate::special::Special;
pub use crate::statement::{Action, Effect, Truth};

/// What requests have in common that decides which layers count: the caller,
/// the action, and of what is acted upon whose it is and whether its policy
/// must allow. It is taken from one of the requests.
#[derive(Debug, Clone, Copy)]
pub struct Frame(evaluate::Frame);

impl Frame {
    /// What a request has in common with others of its kind.
    pub fn of(request: &Request<'_>, policies: &Policies) -> Self {
        Self(evaluate::Frame::of(request, policies))
    }
}

/// What [`Frame::of`] tells apart of what is acted upon, besides whose it is:
/// service, account and resource of an ARN, as patterns. Of requests with the
/// same caller, action and owner, those are of one frame whose ARNs match the
/// same of these.
pub const FRAMES: [[&str; 3]; 6] = [
    ["kms", "*", "key/*"],
    ["iam", "*", "role/*"],
    ["iam", "*", "role/aws-service-role/*"],
    ["*", "aws", "policy/*"],
    ["*", "*", "role/aws-reserved/*"],
    ["kms", "*", "alias/aws/*"],
];

/// Whether requests of this frame are allowed.
pub fn allowed<A: Asks>(frame: Frame, asked: &A, policies: &Policies) -> A::Truth {
    evaluate::allowed(&frame.0, asked, policies)
}

/// What the evaluation asks of one request.
pub fn one<'a>(request: &Request<'a>, policies: &Policies) -> impl Asks<Truth = Truth> + use<'a> {
    evaluate::asked(request, policies)
}

/// A statement, to be read.
#[derive(Debug, Clone, Copy)]
pub struct StatementView<'p>(&'p Statement);

/// The statements of a document.
pub fn statements(document: &Document) -> impl Iterator<Item = StatementView<'_>> {
    document.statements().iter().map(StatementView)
}

/// Whom an entry of `Principal` or `NotPrincipal` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Named<'p> {
    /// An account, by its id.
    Account(&'p str),
    /// A user, role, role session or federated user, by its ARN.
    Arn(&'p str),
    /// A service.
    Service(&'p str),
    /// An identity provider.
    Federated(&'p str),
}

impl<'p> StatementView<'p> {
    /// What it does.
    pub fn effect(self) -> Effect {
        self.0.effect
    }

    /// Whether it speaks of the action.
    pub fn is_about(self, action: &Action<'_>) -> bool {
        self.0.is_about_action(action)
    }

    /// Whether it may speak of actions of the service, in lower case.
    pub fn is_about_service(self, service: &str) -> bool {
        let Actions { negated, patterns } = &self.0.actions;
        let is_of =
            |pattern: &ActionPattern| pattern.service.as_deref().is_none_or(|of| of == service);
        *negated || patterns.iter().any(is_of)
    }

    /// Whether it speaks of every request of which another speaks, as far as the
    /// texts show.
    pub fn includes(self, other: Self) -> bool {
        let (one, other) = (self.0, other.0);
        let (actions, all) = (&one.actions, &other.actions);
        let has = |list: &[ActionPattern], entry: &ActionPattern| {
            list.iter().any(|known| known.source.eq_ignore_ascii_case(&entry.source))
        };
        let (more, less) = match actions.negated {
            false => (actions, all),
            true => (all, actions),
        };
        actions.negated == all.negated
            && less.patterns.iter().all(|entry| has(&more.patterns, entry))
            && one.principals == other.principals
            && one.conditions.iter().all(|condition| other.conditions.contains(condition))
            && match (&one.resources, &other.resources) {
                (None, None) => true,
                (Some(one), Some(other)) => {
                    let (more, less) = if one.negated { (other, one) } else { (one, other) };
                    one.negated == other.negated
                        && less.patterns.iter().all(|entry| more.patterns.contains(entry))
                }
                (Some(_), None) | (None, Some(_)) => false,
            }
    }

    /// The entries of `Action` or `NotAction`: the service in lower case
    /// (`None`: every service), and the name's pattern in lower case.
    pub fn actions(self) -> impl Iterator<Item = (Option<&'p str>, Vec<Token>)> {
        self.0.actions.patterns.iter().map(|pattern| {
            let mut tokens = Vec::new();
            pattern.name.push_to(&mut tokens);
            (pattern.service.as_deref(), tokens)
        })
    }

    /// The entries of `Resource` or `NotResource`.
    pub fn resources(self) -> impl Iterator<Item = &'p ResourcePattern> {
        self.0.resources.iter().flat_map(|resources| &resources.patterns)
    }

    /// The conditions.
    pub fn conditions(self) -> impl Iterator<Item = &'p Condition> {
        self.0.conditions.iter()
    }

    /// Whether it says whom it is about.
    pub fn has_principals(self) -> bool {
        self.0.principals.is_some()
    }

    /// How it names the caller, if it does; a statement that says nobody is about
    /// whoever it is attached to.
    pub fn names(self, principal: &Principal) -> Option<Naming> {
        match &self.0.principals {
            None => Some(Naming::Itself),
            Some(principals) => principals.names(principal),
        }
    }

    /// Whether it is about the requests of somebody who has a permissions boundary, or has
    /// none: a Deny with `NotPrincipal` denies whoever has one.
    pub fn is_about_caller(self, principal: &Principal, is_bounded: bool) -> bool {
        self.0.names(principal, is_bounded).is_some()
    }

    /// Whom it names, everybody aside.
    pub fn principals(self) -> impl Iterator<Item = Named<'p>> {
        let entries = self.0.principals.iter().flat_map(|principals| &principals.entries);
        entries.filter_map(|entry| match entry {
            Entry::Account(id) => Some(Named::Account(id)),
            Entry::Arn(arn) => Some(Named::Arn(arn)),
            Entry::Service(name) => Some(Named::Service(name)),
            Entry::Federated(arn) => Some(Named::Federated(arn)),
            Entry::Everyone | Entry::UniqueId(_) | Entry::CanonicalUser(_) => None,
        })
    }
}

//! A compiled statement, and whether it speaks of a request.

use std::sync::Arc;

use crate::arn::{ResourcePattern, Target};
use crate::condition::Condition;
use crate::logic::{Asks, Logic};
use crate::pattern::{Case, Glob};
use crate::principal::{Naming, Principals};
use crate::request::{Context, Principal};
use crate::variables::Match;

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies.
    Deny,
}

/// A compiled statement.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Arc<str>>,
    /// Where it starts in the text, in bytes.
    pub(crate) at: usize,
    pub(crate) effect: Effect,
    /// Only in resource and trust policies.
    pub(crate) principals: Option<Principals>,
    pub(crate) actions: Actions,
    /// `None` where the document needs none: it is about the resource that it
    /// is attached to.
    pub(crate) resources: Option<Resources>,
    pub(crate) conditions: Box<[Condition]>,
}

/// `Action` or `NotAction`.
#[derive(Debug, Clone)]
pub(crate) struct Actions {
    /// `NotAction`.
    pub(crate) negated: bool,
    pub(crate) patterns: Box<[ActionPattern]>,
}

/// An entry of `Action`: both parts compare without regard to case.
#[derive(Debug, Clone)]
pub(crate) struct ActionPattern {
    /// As written.
    pub(crate) source: Box<str>,
    /// In lower case; `None` is every service.
    pub(crate) service: Option<Box<str>>,
    pub(crate) name: Glob,
}

impl ActionPattern {
    fn matches(&self, action: &Action<'_>) -> bool {
        self.service.as_ref().is_none_or(|service| service.eq_ignore_ascii_case(action.service))
            && self.name.matches(action.name, Case::Fold)
    }
}

/// A request's action, taken apart.
#[derive(Debug, Clone, Copy)]
pub struct Action<'a> {
    /// The prefix: `iam`.
    pub service: &'a str,
    /// The name: `CreateRole`.
    pub name: &'a str,
}

impl<'a> Action<'a> {
    /// Text without a colon is a name of no service: only `*` covers it.
    pub fn parse(text: &'a str) -> Self {
        let (service, name) = text.split_once(':').unwrap_or(("", text));
        Self { service, name }
    }
}

/// Whether something holds of a request, of which some condition keys may be
/// unknown (Kleene's logic of three values).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It hangs on a key of which nothing is known.
    Unknown,
}

impl Truth {
    /// Of what is known.
    pub fn of(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }

    /// True where all are; false where one is.
    pub(crate) fn all(truths: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::True;
        for truth in truths {
            match truth {
                Self::True => {}
                Self::False => return Self::False,
                Self::Unknown => all = Self::Unknown,
            }
        }
        all
    }

    /// True where one is; false where none is.
    pub(crate) fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        let mut any = Self::False;
        for truth in truths {
            match truth {
                Self::True => return Self::True,
                Self::False => {}
                Self::Unknown => any = Self::Unknown,
            }
        }
        any
    }
}

/// `Resource` or `NotResource`.
#[derive(Debug, Clone)]
pub(crate) struct Resources {
    /// `NotResource`.
    pub(crate) negated: bool,
    pub(crate) patterns: Box<[ResourcePattern]>,
}

impl Resources {
    /// Whether the element speaks of the target.
    fn cover<A: Asks>(&self, asked: &A) -> A::Truth {
        if !self.negated {
            return A::Truth::any(self.patterns.iter().map(|pattern| asked.covers(pattern)));
        }
        A::Truth::all(self.patterns.iter().map(|pattern| asked.leaves_out(pattern)))
    }

    /// The keys of which nothing is known, where it hangs on them whether the
    /// element speaks of the target.
    fn unknown<'s>(&'s self, target: &Target<'_>, context: &Context) -> Vec<&'s str> {
        let hang = self.patterns.iter().filter(|pattern| match pattern.covers(target, context) {
            Match::Unknown { may } => may || self.negated,
            _ => false,
        });
        let keys = hang.flat_map(ResourcePattern::variables);
        keys.filter(|key| context.is_unknown(key)).collect()
    }
}

/// A request, taken apart once for all statements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) action: Action<'a>,
    pub(crate) target: Target<'a>,
    pub(crate) context: &'a Context,
    /// Whether the caller has a permissions boundary.
    pub(crate) bounded: bool,
}

/// A variable without a value: "the resource that includes a policy variable
/// with no value will not match any resource"; under `NotResource` the
/// statement then matches nothing at all.
impl Asks for Asked<'_> {
    type Truth = Truth;

    fn action(&self) -> &Action<'_> {
        &self.action
    }

    fn principal(&self) -> &Principal {
        self.principal
    }

    fn is_bounded(&self) -> bool {
        self.bounded
    }

    fn covers(&self, pattern: &ResourcePattern) -> Truth {
        match pattern.covers(&self.target, self.context) {
            Match::Yes => Truth::True,
            Match::No | Match::NoValue(_) | Match::Unknown { may: false } => Truth::False,
            Match::Unknown { may: true } => Truth::Unknown,
        }
    }

    fn leaves_out(&self, pattern: &ResourcePattern) -> Truth {
        match pattern.covers(&self.target, self.context) {
            Match::No => Truth::True,
            Match::Yes | Match::NoValue(_) => Truth::False,
            // The key may have no value.
            Match::Unknown { .. } => Truth::Unknown,
        }
    }

    fn holds(&self, condition: &Condition, effect: Effect) -> Truth {
        condition.holds(self.context, effect)
    }
}

/// Whether a statement applies to a request, and how it names the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applies<T = Truth> {
    No,
    /// It hangs on a key of which nothing is known, or on the request that is
    /// chosen.
    May(Naming, T),
    Yes(Naming),
}

/// A part of a statement that does not fit a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mismatch<'s> {
    Action,
    Resource,
    Principal,
    Condition(&'s Condition),
}

impl Statement {
    /// The condition keys that it asks for, with repetitions.
    pub(crate) fn context_keys(&self) -> impl Iterator<Item = &str> {
        let resources = self.resources.iter().flat_map(|resources| &resources.patterns);
        let conditions = self.conditions.iter().flat_map(|condition| {
            std::iter::once(condition.key.as_ref()).chain(condition.variables())
        });
        resources.flat_map(ResourcePattern::variables).chain(conditions)
    }

    /// How the statement names the caller; [`Naming::Itself`] for documents
    /// that are attached to the caller. `None` when it does not.
    fn naming(&self, asked: &impl Asks) -> Option<Naming> {
        self.names(asked.principal(), asked.is_bounded())
    }

    /// The same of anybody who has a permissions boundary, or has none.
    pub(crate) fn names(&self, principal: &Principal, is_bounded: bool) -> Option<Naming> {
        let Some(principals) = &self.principals else { return Some(Naming::Itself) };
        // "The NotPrincipal element with a Deny effect will always deny any
        // IAM principal that has a permissions boundary policy attached"
        // (IAM user guide, permissions boundaries for IAM entities).
        if principals.negated && self.effect == Effect::Deny {
            let denied = is_bounded || !principals.spares(principal);
            return denied.then_some(Naming::Everyone);
        }
        principals.names(principal)
    }

    pub(crate) fn is_about_action(&self, action: &Action<'_>) -> bool {
        let listed = self.actions.patterns.iter().any(|pattern| pattern.matches(action));
        listed != self.actions.negated
    }

    fn covers<A: Asks>(&self, asked: &A) -> A::Truth {
        match &self.resources {
            Some(resources) => resources.cover(asked),
            None => A::Truth::constant(true),
        }
    }

    /// Whether the statement applies to the request, and how it names the
    /// caller.
    pub(crate) fn applies<A: Asks>(&self, asked: &A) -> Applies<A::Truth> {
        if !self.is_about_action(asked.action()) {
            return Applies::No;
        }
        let covers = self.covers(asked);
        if covers.known() == Some(false) {
            return Applies::No;
        }
        let Some(naming) = self.naming(asked) else { return Applies::No };
        let holds = |condition: &Condition| asked.holds(condition, self.effect);
        let applies = covers.and(A::Truth::all(self.conditions.iter().map(holds)));
        match applies.known() {
            Some(false) => Applies::No,
            Some(true) => Applies::Yes(naming),
            None => Applies::May(naming, applies),
        }
    }

    /// Whether the statement applies to the request for certain.
    pub(crate) fn certainly_applies(&self, asked: &Asked<'_>) -> bool {
        matches!(self.applies(asked), Applies::Yes(_))
    }

    /// The keys of which nothing is known and on which it hangs whether the
    /// statement applies, as it writes them; with repetitions.
    pub(crate) fn hangs_on(&self, asked: &Asked<'_>) -> Vec<&str> {
        if !matches!(self.applies(asked), Applies::May(..)) {
            return Vec::new();
        }
        let resources = self.resources.iter();
        let mut keys: Vec<&str> = resources
            .flat_map(|resources| resources.unknown(&asked.target, asked.context))
            .collect();
        for condition in &self.conditions {
            if condition.holds(asked.context, self.effect) == Truth::Unknown {
                keys.extend(condition.unknown(asked.context));
            }
        }
        keys
    }

    /// All parts that do not fit the request for certain; a statement of which only
    /// conditions fail is a near miss.
    pub(crate) fn mismatches(&self, asked: &Asked<'_>) -> Vec<Mismatch<'_>> {
        let mut found = Vec::new();
        if !self.is_about_action(&asked.action) {
            found.push(Mismatch::Action);
        }
        if self.covers(asked) != Truth::True {
            found.push(Mismatch::Resource);
        }
        if self.naming(asked).is_none() {
            found.push(Mismatch::Principal);
        }
        let fails =
            |condition: &&Condition| condition.holds(asked.context, self.effect) != Truth::True;
        let failing = self.conditions.iter().filter(fails);
        found.extend(failing.map(Mismatch::Condition));
        found
    }
}

//! A compiled statement, and whether it speaks of a request.

use std::sync::Arc;

use crate::arn::{ResourcePattern, Target};
use crate::condition::Condition;
use crate::pattern::{Case, Glob};
use crate::principal::{Naming, Principals};
use crate::request::{Context, Principal};

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
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
pub(crate) struct Action<'a> {
    pub(crate) service: &'a str,
    pub(crate) name: &'a str,
}

impl<'a> Action<'a> {
    /// Text without a colon is a name of no service: only `*` covers it.
    pub(crate) fn parse(text: &'a str) -> Self {
        let (service, name) = text.split_once(':').unwrap_or(("", text));
        Self { service, name }
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
    /// Whether the element speaks of the target. A variable without a value:
    /// "the resource that includes a policy variable with no value will not
    /// match any resource"; under `NotResource` the statement then matches
    /// nothing at all.
    fn cover(&self, target: &Target<'_>, context: &Context) -> bool {
        if !self.negated {
            return self
                .patterns
                .iter()
                .any(|pattern| pattern.covers(target, context).unwrap_or(false));
        }
        self.patterns.iter().all(|pattern| pattern.covers(target, context) == Ok(false))
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

/// The first part of a statement that does not fit a request.
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
    fn naming(&self, asked: &Asked<'_>) -> Option<Naming> {
        let Some(principals) = &self.principals else { return Some(Naming::Itself) };
        // "The NotPrincipal element with a Deny effect will always deny any
        // IAM principal that has a permissions boundary policy attached"
        // (IAM user guide, permissions boundaries for IAM entities).
        if principals.negated && self.effect == Effect::Deny {
            let denied = asked.bounded || !principals.spares(asked.principal);
            return denied.then_some(Naming::Everyone);
        }
        principals.names(asked.principal)
    }

    fn is_about_action(&self, action: &Action<'_>) -> bool {
        let listed = self.actions.patterns.iter().any(|pattern| pattern.matches(action));
        listed != self.actions.negated
    }

    /// Whether the statement applies to the request, and how it names the
    /// caller.
    pub(crate) fn applies(&self, asked: &Asked<'_>) -> Option<Naming> {
        if !self.is_about_action(&asked.action) {
            return None;
        }
        if let Some(resources) = &self.resources
            && !resources.cover(&asked.target, asked.context)
        {
            return None;
        }
        let naming = self.naming(asked)?;
        let holds = |condition: &Condition| condition.holds(asked.context, self.effect);
        self.conditions.iter().all(holds).then_some(naming)
    }

    /// All parts that do not fit the request; a statement of which only
    /// conditions fail is a near miss.
    pub(crate) fn mismatches(&self, asked: &Asked<'_>) -> Vec<Mismatch<'_>> {
        let mut found = Vec::new();
        if !self.is_about_action(&asked.action) {
            found.push(Mismatch::Action);
        }
        if let Some(resources) = &self.resources
            && !resources.cover(&asked.target, asked.context)
        {
            found.push(Mismatch::Resource);
        }
        if self.naming(asked).is_none() {
            found.push(Mismatch::Principal);
        }
        let fails = |condition: &&Condition| !condition.holds(asked.context, self.effect);
        let failing = self.conditions.iter().filter(fails);
        found.extend(failing.map(Mismatch::Condition));
        found
    }
}

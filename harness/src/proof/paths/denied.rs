//! What the policies of resources deny of what is asked
//! ([`crate::access::denies`]), and who may change such a policy first.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use ringfence_models::actions::{self, Access};
use ringfence_policy::symbolic::{Action, StatementView, statements};
use ringfence_policy::{Document, Policies, Principal};
use ringfence_prove::{Verdict, Witness};

use super::holder::Holder;
use super::means::Ask;
use super::question::{CannotAsk, Wanted};
use super::world::{Identity, Thing, World};
use crate::access::denies::{Denials, ROUNDS, denies};
use crate::access::estate::Estate;
use crate::access::unnamed::meet;

/// What all resources' policies deny.
#[derive(Debug, Default)]
pub(super) struct Denied {
    all: Denials,
    /// By action, the places of those that are about it.
    about: RefCell<HashMap<String, Rc<Vec<usize>>>>,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) identity: &'a Identity,
    /// The identity, or a session of its.
    pub(super) principal: &'a Principal,
    /// The places of the policies that are changed first, where somebody may.
    pub(super) lifted: &'a BTreeSet<usize>,
}

/// How sure it is that something is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Sure,
    May,
}

/// What was found beside Denies.
#[derive(Debug)]
pub(super) struct Under {
    pub(super) verdict: Verdict,
    /// The policies, with the Denies that were looked at.
    pub(super) policies: Policies,
    /// The places of these, and why they deny, where that is not sure.
    by: Vec<(usize, Option<String>)>,
}

impl Under {
    /// The places of the policies that keep back all that there was.
    pub(super) fn kept_back_by(&self) -> impl Iterator<Item = usize> {
        let is_kept = !matches!(self.verdict, Verdict::Violated(_));
        self.by.iter().filter(move |_| is_kept).map(|(place, _)| *place)
    }

    /// Why what is not sure may keep back all that there was.
    pub(super) fn why(&self) -> Option<&str> {
        let is_kept = !matches!(self.verdict, Verdict::Violated(_));
        self.by.iter().filter(|_| is_kept).find_map(|(_, why)| why.as_deref())
    }
}

impl Denied {
    pub(super) fn of(estate: &Estate) -> Self {
        Self { all: estate.denials(), about: RefCell::default() }
    }

    /// The places of the policies that deny something of an action, whomever.
    fn about(&self, action: &str) -> Rc<Vec<usize>> {
        if let Some(known) = self.about.borrow().get(action) {
            return known.clone();
        }
        let parsed = Action::parse(action);
        let found = Rc::new(self.all.places(|one| one.is_about(&parsed)));
        self.about.borrow_mut().insert(action.to_owned(), found.clone());
        found
    }

    /// Whether one may deny something of an action, on one resource where that is one.
    pub(super) fn may(&self, action: &str, on: Option<&str>) -> bool {
        let parsed = Action::parse(action);
        let places = self.about(action);
        places.iter().any(|place| self.statements(*place).any(|one| is_of(one, &parsed, on)))
    }

    /// Whether one may deny something of an ask, on one of some things.
    pub(super) fn may_of(&self, ask: &Ask, things: &[Thing]) -> bool {
        std::iter::once(&ask.action).chain(&ask.or).any(|action| {
            self.may(action, None) && things.iter().any(|thing| self.may(action, on(thing)))
        })
    }

    /// The policies that deny something of an action, whomever.
    pub(super) fn of_action(&self, action: &str) -> Policies {
        let places = self.about(action);
        let all = places.iter().flat_map(|place| self.all.documents(*place));
        Policies { identity: all.cloned().collect(), ..Policies::default() }
    }

    fn statements(&self, place: usize) -> impl Iterator<Item = StatementView<'_>> {
        self.all.documents(place).flat_map(|document| statements(document))
    }

    /// Asks about policies of somebody, and where they allow something about the same with what
    /// resources' policies deny of it for certain, until nothing is allowed or nothing denied.
    ///
    /// # Errors
    /// Those of asking.
    pub(super) fn under<E>(
        &self,
        asking: Asking<'_>,
        policies: &Policies,
        ask: impl Fn(&Policies) -> Result<Verdict, E>,
    ) -> Result<Under, E> {
        self.beside(Sort::Sure, asking, policies, ask)
    }

    /// The same with what they may deny.
    ///
    /// # Errors
    /// Those of asking.
    pub(super) fn perhaps<E>(
        &self,
        asking: Asking<'_>,
        policies: &Policies,
        ask: impl Fn(&Policies) -> Result<Verdict, E>,
    ) -> Result<Under, E> {
        self.beside(Sort::May, asking, policies, ask)
    }

    fn beside<E>(
        &self,
        sort: Sort,
        asking: Asking<'_>,
        policies: &Policies,
        ask: impl Fn(&Policies) -> Result<Verdict, E>,
    ) -> Result<Under, E> {
        let verdict = ask(policies)?;
        let mut under = Under { verdict, policies: policies.clone(), by: Vec::new() };
        let is_bounded = policies.boundary.is_some();
        for round in 0.. {
            let Verdict::Violated(witness) = &under.verdict else { break };
            let mut more = Vec::new();
            for place in self.about(&witness.action).iter().copied() {
                if under.by.iter().all(|(known, _)| *known != place)
                    && (round >= ROUNDS || self.is_of(place, asking.principal, is_bounded, witness))
                {
                    let all = self.one(sort, place, asking, is_bounded);
                    if round >= ROUNDS || all.iter().any(|(_, one)| denies(one, witness)) {
                        more.extend(all.into_iter().map(|(why, one)| (place, why, one)));
                    }
                }
            }
            if more.is_empty() {
                break;
            }
            for (place, why, document) in more {
                under.policies.identity.push(document);
                under.by.push((place, why));
            }
            under.verdict = ask(&under.policies)?;
        }
        Ok(under)
    }

    /// Whether a statement of one is of somebody and of a request.
    fn is_of(&self, place: usize, who: &Principal, is_bounded: bool, request: &Witness) -> bool {
        let action = Action::parse(&request.action);
        self.statements(place).any(|one| {
            one.is_about_caller(who, is_bounded) && is_of(one, &action, Some(&request.resource))
        })
    }

    /// What one denies somebody, for certain or perhaps: then with why that is not known.
    fn one(
        &self,
        sort: Sort,
        place: usize,
        asking: Asking<'_>,
        is_bounded: bool,
    ) -> Vec<(Option<String>, Arc<Document>)> {
        let Asking { identity, principal, lifted } = asking;
        let mut own = self.all.one(place, principal, is_bounded);
        if identity.is_unnamed {
            own = own.of_unnamed(&identity.name);
        }
        let is_lifted = lifted.contains(&place);
        let by = || format!("`{}` denies it, and may be changed first", self.all.called(place).0);
        let sure = own.sure.into_iter();
        match sort {
            Sort::Sure if is_lifted => Vec::new(),
            Sort::Sure => sure.map(|document| (None, document)).collect(),
            Sort::May => {
                let lifted = sure.filter(|_| is_lifted).map(|document| (Some(by()), document));
                lifted.chain(own.may.into_iter().map(|(why, one)| (Some(why), one))).collect()
            }
        }
    }

    /// What somebody may do by itself, beside what it may do with what it has gained: a Deny of
    /// whoever has a boundary denies no more where that is gone.
    pub(super) fn of_own(&self, identity: &Identity, own: Policies, with: &Policies) -> Policies {
        if own.boundary.is_some() == with.boundary.is_some() {
            return own;
        }
        let mut all = self.all.of(&[&identity.principal], own.boundary.is_some());
        if identity.is_unnamed {
            all = all.of_unnamed(&identity.name);
        }
        let mut policies = own;
        policies.identity.extend(all.sure);
        policies
    }
}

impl<'a> Asking<'a> {
    /// An identity for itself.
    pub(super) const fn itself(identity: &'a Identity, lifted: &'a BTreeSet<usize>) -> Self {
        Self { identity, principal: &identity.principal, lifted }
    }
}

/// What a thing is, or the pattern of what it may be; `None`: anything.
pub(super) fn on(thing: &Thing) -> Option<&str> {
    Some(thing.arn.as_str()).filter(|arn| !arn.is_empty())
}

/// Whether a statement may be of an action on a resource, or on one that fits a pattern.
fn is_of(statement: StatementView<'_>, action: &Action<'_>, on: Option<&str>) -> bool {
    let covers = |on: &str| {
        statement.resources().any(|entry| match on.contains('*') {
            true => entry.source().contains("${") || meet(entry.source(), on),
            false => entry.has(on) != Some(false),
        })
    };
    statement.is_about(action) && on.is_none_or(covers)
}

/// The actions that change the policy of a resource of a service.
fn changing(arn: &str) -> Vec<String> {
    let prefix = arn.split(':').nth(2).unwrap_or_default();
    let all = actions::of(prefix).into_iter().flat_map(actions::Prefix::actions);
    let is_changing = |one: &&actions::Action| {
        let has = |access: Access| one.access.contains(&access);
        let is_called = |words: &[&str]| words.iter().any(|word| one.name.contains(word));
        // A queue's and a topic's policy is an attribute of theirs.
        (has(Access::Write) && is_called(&["Policy"]))
            || (has(Access::PermissionsManagement) && is_called(&["Attributes", "Permission"]))
    };
    let all = all.filter(is_changing);
    all.map(|action| format!("{prefix}:{}", action.name)).collect()
}

/// Of some policies of resources, those that somebody may change.
///
/// # Errors
/// Those of asking.
pub(super) fn changed_by(
    world: &World,
    holder: &Holder,
    places: &BTreeSet<usize>,
) -> Result<BTreeSet<usize>, CannotAsk> {
    let mut found = BTreeSet::new();
    let Some(identity) = world.identities.get(holder.identity) else { return Ok(found) };
    let mut policies = holder.policies.clone();
    policies.identity.extend(identity.most.iter().cloned());
    let lifted = BTreeSet::new();
    let asking = Asking::itself(identity, &lifted);
    for place in places {
        let known = holder.changes.borrow().get(place).copied();
        let may = match known {
            Some(known) => known,
            None => {
                let may = changes(world, asking, &policies, *place)?;
                holder.changes.borrow_mut().insert(*place, may);
                may
            }
        };
        found.extend(may.then_some(*place));
    }
    Ok(found)
}

/// Whether somebody may change the policy at a place.
fn changes(
    world: &World,
    asking: Asking<'_>,
    policies: &Policies,
    place: usize,
) -> Result<bool, CannotAsk> {
    let (_, patterns) = world.denied.all.called(place);
    // Of which resource nobody knows, it may be of any.
    let Some(on) = patterns.first() else { return Ok(true) };
    for action in changing(on) {
        let on = Some(on.as_str());
        let wanted = Wanted { action: &action, on, of_type: None, but: &[], when: &[], like: None };
        let ask = |policies: &Policies| wanted.ask(asking.principal, policies);
        if world.denied.under(asking, policies, ask)?.verdict != Verdict::Proved {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_a_policy_is_the_services() {
        let all = changing("arn:aws:s3:::b");
        assert!(all.contains(&"s3:PutBucketPolicy".to_owned()), "{all:?}");
        assert!(all.contains(&"s3:DeleteBucketPolicy".to_owned()), "{all:?}");
        assert!(!all.contains(&"s3:PutBucketAcl".to_owned()), "{all:?}");
        let all = changing("arn:aws:codebuild:eu-west-1:123456789012:project/p");
        assert!(all.contains(&"codebuild:DeleteResourcePolicy".to_owned()), "{all:?}");
        assert!(changing("arn:*:kms:*:*:*").contains(&"kms:PutKeyPolicy".to_owned()));
        let all = changing("arn:aws:sqs:eu-west-1:123456789012:q");
        assert!(all.contains(&"sqs:SetQueueAttributes".to_owned()), "{all:?}");
        assert!(!all.contains(&"sqs:SendMessage".to_owned()), "{all:?}");
    }
}

//! Whom others come to act as since its ARN falls under a pattern of theirs: a policy that is the
//! same on both sides gives more where a role or a user is moved, renamed or made.
//!
//! - `iam:PassRole` and `sts:AssumeRole` are allowed on the role's ARN
//!   (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>,
//!   <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_permissions-to-switch.html>);
//! - the path and the name are parts of an ARN
//!   (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>).

use std::sync::Arc;

use ringfence_policy::symbolic::{Action, Effect, Named, statements};
use ringfence_policy::{Document, Kind, Policies, Principal};
use ringfence_prove::{Disagreement, Question, Universe, Verdict, within_sent};

use super::can::Wanted;
use super::denies::{Denials, kept};
use super::diff::{Change, Side};
use super::estate::{Entry, Estate};
use super::unnamed::{are_alike, asks_for_caller};

const ASSUME: &str = "sts:AssumeRole";
const PASS: &str = "iam:PassRole";

/// By what somebody comes to act as a role.
const OF_ROLES: [&str; 3] = [PASS, ASSUME, "iam:UpdateAssumeRolePolicy"];

/// By what as a user.
const OF_USERS: [&str; 3] =
    ["iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"];

/// Notes who may come to act as whom that has another ARN on each side, or is on one alone.
///
/// # Errors
/// Where prover and engine differ: a fault of ours.
pub(super) fn note(old: &Estate, new: &Estate, changes: &mut [Change]) -> Result<(), Disagreement> {
    let (before, after) = (Own::of(old, new), Own::of(new, old));
    for change in changes {
        if change.gained.is_nothing()
            && let Some(why) = after.reached(&change.name, &before)?
        {
            change.gained = Side::Undecided(why);
        }
        if change.lost.is_nothing()
            && let Some(why) = before.reached(&change.name, &after)?
        {
            change.lost = Side::Undecided(why);
        }
    }
    Ok(())
}

/// A role or a user that has another ARN on the other side, or is not there.
struct Moved<'e> {
    name: &'e str,
    entry: &'e Entry,
    arn: &'e str,
}

/// An estate with what of it the other does not have by its ARN.
struct Own<'e> {
    estate: &'e Estate,
    denials: Denials,
    moved: Vec<Moved<'e>>,
}

impl<'e> Own<'e> {
    fn of(estate: &'e Estate, other: &Estate) -> Self {
        let moved = estate.entries.iter().filter_map(|(name, entry)| {
            let principal = entry.principal.as_ref().filter(|_| !entry.is_elsewhere)?;
            let (Principal::User { arn } | Principal::RoleSession { role_arn: arn, .. }) =
                principal
            else {
                return None;
            };
            // Of an ARN that is not known nobody knows whether it is another.
            let is_same = |was: &Entry| was.principal.as_ref().is_none_or(|it| it == principal);
            let is_moved = !other.entries.get(name).is_some_and(is_same);
            is_moved.then_some(Moved { name, entry, arn })
        });
        Self { estate, denials: estate.denials(), moved: moved.collect() }
    }

    /// Why somebody may come to act as one of these that it could not act as on the other side.
    fn reached(&self, who: &str, other: &Self) -> Result<Option<String>, Disagreement> {
        if !["group/", "role/", "user/"].iter().any(|it| who.starts_with(it)) {
            return Ok(None);
        }
        let (Some(is), Some(was)) = (self.estate.entries.get(who), other.estate.entries.get(who))
        else {
            return Ok(None);
        };
        for moved in self.moved.iter().filter(|one| one.name != who) {
            let actions = if moved.name.starts_with("role/") { OF_ROLES } else { OF_USERS };
            for action in actions {
                if self.may((who, is), action, moved)?
                    && !other.could((who, was), action, moved)?
                    && !self.is_had_already(moved, (who, was), other)?
                {
                    let name = moved.name;
                    return Ok(Some(format!(
                        "`{who}` may take `{action}` on `{name}`, whose ARN is another on each \
                         side, or on one alone: what that gives it is not compared"
                    )));
                }
            }
        }
        Ok(None)
    }

    /// Whether somebody may take an action on one of these, as far as the files say.
    fn may(
        &self,
        (who, entry): (&str, &Entry),
        action: &str,
        moved: &Moved<'_>,
    ) -> Result<bool, Disagreement> {
        let Moved { name, arn, .. } = moved;
        let own = &entry.policies.identity;
        if !own.iter().any(|document| may_allow(document, action, arn)) {
            return Ok(false);
        }
        let (limits, whose) = self.estate.limits_of(entry);
        let mut under = limits.over(&entry.policies, whose);
        if [ASSUME, PASS].contains(&action) {
            // Whom a role lets in that nobody knows, may be anybody.
            let Some(trust) = self.trust(name) else { return Ok(true) };
            if action == PASS && !lets_in_services(&trust) {
                return Ok(false);
            }
            under.resource = Some(trust).filter(|_| action == ASSUME);
        }
        let wanted = Wanted { action, resource: Some(*arn) };
        let Ok(outer) = wanted.all_but(who, &under) else { return Ok(true) };
        let principal = entry.principal.as_ref();
        let denied = || self.denials.of_entry(who, entry, under.boundary.is_some()).sure;
        let ask = |inner: &Policies| {
            let universe = Universe::All;
            within_sent(&Question { inner, outer: &outer, principal, universe })
        };
        Ok(kept(&under, denied, ask)?.verdict != Verdict::Proved)
    }

    /// The trust policy of a role, where all of it is known.
    fn trust(&self, name: &str) -> Option<Arc<Document>> {
        let entry = self.estate.entries.get(&format!("trust of {name}"))?;
        let is_known = entry.unknown.is_empty();
        entry.policies.resource.clone().filter(|_| is_known)
    }

    /// Whether somebody could take it on what that was, or on what may do the same.
    fn could(
        &self,
        (who, entry): (&str, &Entry),
        action: &str,
        moved: &Moved<'_>,
    ) -> Result<bool, Disagreement> {
        for former in &self.moved {
            let is_it = former.name == moved.name
                || are_alike(&former.entry.policies, &moved.entry.policies);
            if is_it && self.may((who, entry), action, former)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether somebody may do itself, on the other side already, all that one of these may.
    fn is_had_already(
        &self,
        moved: &Moved<'_>,
        (who, entry): (&str, &Entry),
        other: &Self,
    ) -> Result<bool, Disagreement> {
        let (limits, whose) = self.estate.limits_of(moved.entry);
        let inner = limits.over(&moved.entry.policies, whose);
        let is_known = moved.entry.open(moved.name).is_empty()
            && asks_for_caller(&inner, true).is_none()
            && !self.is_named(moved.arn);
        if !is_known {
            return Ok(false);
        }
        let (limits, whose) = other.estate.limits_of(entry);
        let mut outer = limits.over(&entry.policies, whose);
        let is_bounded = outer.boundary.is_some();
        outer.identity.extend(other.denials.of_entry(who, entry, is_bounded).sure);
        let (principal, universe) = (entry.principal.as_ref(), Universe::All);
        let question = Question { inner: &inner, outer: &outer, principal, universe };
        Ok(within_sent(&question)?.0 == Verdict::Proved)
    }

    /// Whether the policy of a resource lets in somebody by this ARN.
    fn is_named(&self, own: &str) -> bool {
        let policies = self.estate.entries.values().filter_map(|it| it.policies.resource.as_ref());
        let mut all =
            policies.filter(|it| it.kind() == Kind::Resource).flat_map(|it| statements(it));
        all.any(|one| {
            let mut named = one.principals();
            one.effect() == Effect::Allow
                && named.any(|it| matches!(it, Named::Arn(arn) if arn == own))
        })
    }
}

/// Whether an Allow may be of an action on an ARN, as far as the entries of `Resource` say.
fn may_allow(document: &Document, action: &str, arn: &str) -> bool {
    let action = Action::parse(action);
    // Entries of `NotResource` say what is not covered.
    let is_other = document.text().contains("NotResource");
    statements(document).any(|one| {
        let mut entries = one.resources();
        one.effect() == Effect::Allow
            && one.is_about(&action)
            && (is_other || entries.any(|entry| entry.has(arn) != Some(false)))
    })
}

/// Whether a trust policy may let in a service: to no other a role is passed.
fn lets_in_services(trust: &Document) -> bool {
    let any = Principal::Service { name: "any.amazonaws.com".to_owned() };
    let mut allows = statements(trust).filter(|one| one.effect() == Effect::Allow);
    allows.any(|one| {
        let mut named = one.principals();
        one.names(&any).is_some() || named.any(|it| matches!(it, Named::Service(_)))
    })
}

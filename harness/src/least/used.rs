//! What each principal of a journal did.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_guard::journal::{Check, Ending, Entry, Policy};

use super::principal::Principal;
use super::{Denied, Perhaps, Unmapped};

/// What a principal did.
#[derive(Debug)]
pub(super) struct Used<'e> {
    pub(super) principal: Principal,
    pub(super) calls: usize,
    /// What its calls needed.
    pub(super) permissions: Vec<Permission<'e>>,
    /// What they may have needed beside that.
    pub(super) perhaps: Vec<Perhaps>,
    /// Both: whoever grants it does not grant it in vain.
    pub(super) asked: Vec<Permission<'e>>,
    /// Its policies as they were at its last call.
    pub(super) policies: Option<&'e [Policy]>,
    entries: Vec<&'e Entry>,
}

/// A permission that a call took. Equal ones stand once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Permission<'e> {
    pub(super) action: &'e str,
    pub(super) resource: &'e str,
    pub(super) keys: &'e BTreeMap<String, Vec<String>>,
}

impl<'e> Used<'e> {
    /// What each did, in the order of first calls.
    pub(super) fn all(entries: &'e [Entry]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for entry in entries {
            let Some(principal) = Principal::of(&entry.principal) else { continue };
            if !went_on(entry) {
                continue;
            }
            let used = match all.iter().position(|used| used.principal == principal) {
                Some(known) => all.get_mut(known),
                None => {
                    all.push(Self::new(principal));
                    all.last_mut()
                }
            };
            if let Some(used) = used {
                used.entries.push(entry);
            }
        }
        for used in &mut all {
            used.sum_up();
        }
        all
    }

    fn new(principal: Principal) -> Self {
        Self {
            principal,
            calls: 0,
            permissions: Vec::new(),
            perhaps: Vec::new(),
            asked: Vec::new(),
            policies: None,
            entries: Vec::new(),
        }
    }

    fn sum_up(&mut self) {
        self.calls = self.entries.iter().filter(|entry| !entry.checks.is_empty()).count();
        let needed = self.checks().filter(|check| check.perhaps.is_none());
        let permissions: BTreeSet<Permission<'e>> = needed.map(Permission::of).collect();
        self.permissions = permissions.into_iter().collect();
        // Another call may surely have needed it.
        let is_needed = |check: &&Check| {
            let of = Permission::of(check);
            self.permissions.iter().any(|it| (it.action, it.resource) == (of.action, of.resource))
        };
        let perhaps: BTreeSet<Perhaps> = self
            .checks()
            .filter(|check| !is_needed(check))
            .filter_map(|check| {
                let reason = check.perhaps.clone()?;
                let (action, resource) = (check.action.clone(), check.resource.clone());
                Some(Perhaps { action, resource, reason })
            })
            .collect();
        self.perhaps = perhaps.into_iter().collect();
        let asked: BTreeSet<Permission<'e>> = self.checks().map(Permission::of).collect();
        self.asked = asked.into_iter().collect();
        self.policies = self
            .entries
            .iter()
            .rev()
            .find_map(|entry| entry.observed.as_ref()?.policies.as_deref());
    }

    fn checks(&self) -> impl Iterator<Item = &'e Check> {
        self.entries.iter().flat_map(|entry| &entry.checks)
    }

    /// What another layer than the identity policies denies.
    pub(super) fn denied(&self) -> Vec<Denied> {
        let denied: BTreeSet<Denied> = self
            .checks()
            .filter(|check| {
                // An implicit denial of identity and resource policies is what the
                // policy mends.
                check.outcome == "explicit_deny"
                    || (check.outcome == "implicit_deny"
                        && !matches!(check.layer.as_str(), "identity" | "resource"))
            })
            .map(|check| Denied {
                action: check.action.clone(),
                resource: check.resource.clone(),
                layer: check.layer.clone(),
                explanation: check.explanation.clone(),
            })
            .collect();
        denied.into_iter().collect()
    }

    /// Of what no permission is known.
    pub(super) fn unmapped(&self) -> Vec<Unmapped> {
        let unmapped: BTreeSet<Unmapped> = self
            .entries
            .iter()
            .filter_map(|entry| {
                let reason = entry.observed.as_ref()?.unmapped.clone()?;
                let (service, operation) = (entry.service.clone(), entry.operation.clone());
                Some(Unmapped { service, operation, reason })
            })
            .collect();
        unmapped.into_iter().collect()
    }
}

impl<'e> Permission<'e> {
    fn of(check: &'e Check) -> Self {
        Self { action: &check.action, resource: &check.resource, keys: &check.keys }
    }
}

/// Whether a call was made: refusals of a guard that enforces were not.
fn went_on(entry: &Entry) -> bool {
    entry.observed.is_some() || entry.outcome == Ending::Allowed
}

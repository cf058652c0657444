//! `ringfence least`: from a journal, the smallest policy that allows what a
//! principal did, and what its present policies grant beside it.
//!
//! Pure: a journal's entries in, a [`Report`] out. What is written is decided
//! again by the engine ([`Needed::decided`]), so that a policy which does not
//! allow what was done is never shown as one that does.

mod generalise;
mod journal;
mod policy;
mod present;
mod principal;
mod print;
#[cfg(test)]
mod tests;
mod used;
mod varying;

pub use generalise::{Generalised, Pattern, PatternError};
pub use journal::{JournalFileError, read};
pub use principal::{Principal, PrincipalError};
pub use print::table;
pub use varying::Varying;

use ringfence_guard::journal::Entry;
use serde::Serialize;

use policy::Needed;
use present::Unused;
use used::Used;

/// What the principals of a journal need.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether a guard wrote the journal that refused nothing. Of others the
    /// conditions and the present policies are not known.
    pub observed: bool,
    /// The principals, in the order of their first calls.
    pub principals: Vec<OfPrincipal>,
}

/// What one principal needs.
#[derive(Debug, Serialize)]
pub struct OfPrincipal {
    /// The root user, a user or a role.
    pub principal: Principal,
    /// How many of its calls needed a permission that is known.
    pub calls: usize,
    /// The policy, and whether it allows what was done.
    #[serde(flatten)]
    pub needed: Needed,
    /// What its calls may need beside it and may not: the policy does not grant it.
    pub perhaps: Vec<Perhaps>,
    /// What each of the patterns that were given stands for.
    pub generalised: Vec<Generalised>,
    /// Patterns for what will be called otherwise in the next run, and that no
    /// pattern given stands for yet.
    pub varying: Vec<Varying>,
    /// What was done although something beside the identity policies denies it:
    /// no identity policy allows it.
    pub denied: Vec<Denied>,
    /// Calls of which no permission is known, and why: the policy says nothing of
    /// them.
    pub unmapped: Vec<Unmapped>,
    /// What its present policies grant and it never used; none where the journal
    /// does not have them.
    pub unused: Option<Vec<Unused>>,
}

/// A permission of which nobody knows whether a call needs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Perhaps {
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// When the call needs it.
    pub reason: String,
}

/// A permission that something beside the identity policies denies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Denied {
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// The layer that denies: `boundary`, `scp`, ….
    pub layer: String,
    /// In the engine's words.
    pub explanation: String,
}

/// A call of which no permission is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unmapped {
    /// The service.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// Why.
    pub reason: String,
}

/// What principals need: all of a journal, or the one that is given.
pub fn report(entries: &[Entry], only: Option<&Principal>, patterns: &[Pattern]) -> Report {
    let mut used = Used::all(entries);
    used.retain(|used| only.is_none_or(|only| only.is(&used.principal)));
    Report {
        observed: entries.iter().any(|entry| entry.observed.is_some()),
        principals: used.into_iter().map(|used| OfPrincipal::new(used, patterns)).collect(),
    }
}

impl OfPrincipal {
    fn new(used: Used<'_>, patterns: &[Pattern]) -> Self {
        Self {
            calls: used.calls,
            needed: Needed::new(&used.permissions, patterns),
            generalised: Generalised::all(&used.permissions, patterns),
            varying: varying::varying(
                used.permissions
                    .iter()
                    .filter(|used| patterns.iter().all(|pattern| !pattern.matches(used.resource))),
            ),
            denied: used.denied(),
            unmapped: used.unmapped(),
            perhaps: used.perhaps,
            unused: used.policies.map(|policies| present::unused(policies, &used.asked)),
            principal: used.principal,
        }
    }
}

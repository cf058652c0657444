//! What a team has accepted: a finding that is shown as such until a day, and is
//! never held.

use serde::{Deserialize, Serialize};

use crate::probe::Verdict;

/// That somebody has accepted what a probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// The verdict without it: failed, inconclusive or not run.
    pub found: Verdict,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day on which it is accepted: `2027-03-31`, in UTC.
    pub expires: String,
    /// Where that is written: `FILE:LINE`.
    pub place: String,
}

/// An entry that accepts none of the probes that were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idle {
    /// Where it is written: `FILE:LINE`.
    pub place: String,
    /// How many of the probes it is about.
    pub probes: usize,
    /// Why it accepts nothing, for people.
    pub told: String,
}

impl Acceptance {
    /// `failed; accepted by platform until 2027-03-31: reason (ringfence.toml:12)`.
    pub fn sentence(&self) -> String {
        let Self { found, owner, reason, expires, place } = self;
        let found = found.as_str().replace('-', " ");
        format!("{found}; accepted by {owner} until {expires}: {reason} ({place})")
    }
}

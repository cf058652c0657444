//! What the prover says of the guard rails, for all requests.

use serde::{Deserialize, Serialize};

use crate::probe::Verdict;
use crate::record::RunRecord;

/// What was shown of a guard rail for all requests, on the deployed state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The guard rail, by the name that its probes have.
    pub guard_rail: String,
    /// What was shown.
    pub verdict: ProofVerdict,
    /// How many claims it comes to, one for each identity that it is about and
    /// each resource's policy.
    pub claims: usize,
    /// What requests there are: actions, resources and condition keys. Or what packets.
    pub universe: String,
    /// Each request that gets past it, with the statements that allow it; each claim
    /// that is undecided, with its reason; of a proof, what is not known and does not
    /// matter.
    pub told: Vec<String>,
}

/// What was shown of a guard rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofVerdict {
    /// No request whatever gets past it.
    Proved,
    /// One does.
    Violated,
    /// Neither is shown.
    Undecided,
}

impl ProofVerdict {
    /// Its name, as in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Violated => "violated",
            Self::Undecided => "undecided",
        }
    }
}

impl Proof {
    /// Whether a request gets past the guard rail.
    pub fn is_violated(&self) -> bool {
        self.verdict == ProofVerdict::Violated
    }

    /// Whether it is about packets: none is sent, so that no probe tests the guard rail
    /// and the proof stands for it alone.
    pub fn is_of_packets(&self) -> bool {
        self.universe.starts_with("packets:")
    }

    /// `requests` or `packets`.
    pub fn asked(&self) -> &'static str {
        if self.is_of_packets() { "packets" } else { "requests" }
    }

    /// Of whom, where the claims say less than the probes of the guard rail try.
    pub(crate) fn of_whom(&self) -> &'static str {
        match self.guard_rail.as_str() {
            // Which branches and environments of its own repository become it, the probes try.
            "only its own workflow becomes a deployer" => " of other repositories and teams",
            _ => "",
        }
    }

    /// What it comes to where it stands alone.
    pub(crate) const fn stands_for(&self) -> Verdict {
        match self.verdict {
            ProofVerdict::Proved => Verdict::Held,
            ProofVerdict::Violated => Verdict::Failed,
            ProofVerdict::Undecided => Verdict::Inconclusive,
        }
    }
}

impl RunRecord {
    /// What was shown of a guard rail for all requests, if that was asked.
    pub fn proof(&self, guard_rail: &str) -> Option<&Proof> {
        self.proofs.iter().find(|proof| proof.guard_rail == guard_rail)
    }

    /// The proof that alone stands for a guard rail.
    pub(crate) fn proof_alone(&self, guard_rail: &str) -> Option<&Proof> {
        self.proof(guard_rail).filter(|proof| proof.is_of_packets())
    }

    /// `18 guard rails for all requests: 17 proved, 1 violated, 0 undecided`; nothing
    /// where none was asked about.
    pub fn proved(&self) -> Option<String> {
        let count = |verdict| self.proofs.iter().filter(|proof| proof.verdict == verdict).count();
        (!self.proofs.is_empty()).then(|| {
            format!(
                "{} guard rails for all requests: {} proved, {} violated, {} undecided",
                self.proofs.len(),
                count(ProofVerdict::Proved),
                count(ProofVerdict::Violated),
                count(ProofVerdict::Undecided)
            )
        })
    }
}

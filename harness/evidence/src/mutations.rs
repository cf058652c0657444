//! What the mutations showed.

use serde::{Deserialize, Serialize};

/// The guard rails, each weakened, and which probes noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutations {
    /// How many there are of each verdict.
    pub summary: MutationSummary,
    /// How long all took.
    pub duration_ms: u64,
    /// All of them, in order.
    pub mutants: Vec<Mutant>,
}

/// Why a mutant survives that no request could tell from the original, since none
/// was decided by its document: of another share of the run, some may be.
pub const NEVER_ASKED: &str = "no request of the run was decided by this document";

/// How many mutants there are of each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MutationSummary {
    /// All of them.
    pub mutants: usize,
    /// A probe noticed.
    pub killed: usize,
    /// No probe noticed.
    pub survived: usize,
    /// No request can tell it from the original.
    pub equivalent: usize,
    /// Not run.
    pub not_run: usize,
}

impl MutationSummary {
    /// Whether there are mutants, and each was noticed or is no other than the
    /// original.
    pub const fn good(self) -> bool {
        self.mutants > 0 && self.killed + self.equivalent == self.mutants
    }

    /// Counts mutants.
    pub fn of(mutants: &[Mutant]) -> Self {
        let count = |verdict| mutants.iter().filter(|mutant| mutant.verdict == verdict).count();
        Self {
            mutants: mutants.len(),
            killed: count(MutantVerdict::Killed),
            survived: count(MutantVerdict::Survived),
            equivalent: count(MutantVerdict::Equivalent),
            not_run: count(MutantVerdict::NotRun),
        }
    }
}

/// A weakened guard rail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutant {
    /// A stable id.
    pub id: String,
    /// What was weakened: `role/NAME/inline/POLICY`, a policy's ARN,
    /// `role/NAME/trust`, `route/KEY`, …
    pub guard_rail_document: String,
    /// How: `statement-dropped`, …
    pub kind: String,
    /// The statement's `Sid` or place.
    pub statement: Option<String>,
    /// The change, for a person.
    pub change: String,
    /// Whether a probe noticed.
    pub verdict: MutantVerdict,
    /// Why it is equivalent or was not run.
    pub reason: Option<String>,
    /// The ids of probes that noticed; five at most.
    pub killed_by: Vec<String>,
    /// How long it took.
    pub duration_us: u64,
}

/// Whether a weakened guard rail was noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MutantVerdict {
    /// A probe noticed.
    Killed,
    /// No probe noticed.
    Survived,
    /// No request can tell it from the original.
    Equivalent,
    /// It was not run; that shows nothing.
    NotRun,
}

impl MutantVerdict {
    /// Its name, as in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Survived => "survived",
            Self::Equivalent => "equivalent",
            Self::NotRun => "not-run",
        }
    }
}

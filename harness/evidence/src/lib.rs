//! The record of a run, and what is made of it.
//!
//! A [`RunRecord`] is plain data: this crate knows nothing of how anything was
//! run. Collections are ordered and ids stable, so that two records can be
//! compared.

mod acceptance;
pub mod baseline;
pub mod bundle;
mod calibration;
pub mod check;
pub mod controls;
pub mod diff;
mod earlier;
#[cfg(test)]
mod fixtures;
pub mod github;
pub mod html;
pub mod manifest;
pub mod merge;
mod mutations;
mod part;
mod places;
mod probe;
mod proof;
mod reach;
mod record;
pub mod sarif;
pub mod shown;
pub mod signature;
mod table;
mod visible;

pub use crate::shown::is_active;
pub use acceptance::{Acceptance, Idle};
pub use calibration::Calibration;
pub use mutations::{Mutant, MutantVerdict, MutationSummary, Mutations, NEVER_ASKED};
pub use part::{NoShare, Part, Share};
pub use places::Places;
pub use probe::{Companion, Companions, Decider, Probe, Scope, Verdict};
pub use proof::{Proof, ProofVerdict};
pub use reach::{Allowed, KeyValue, Reach, ReachRow, Stated};
pub use record::{
    Account, EvidenceError, Input, Isolation, Phase, Provenance, Reading, RunRecord, RunStatus,
    SCHEMA_VERSION, Starts, Summary, Upstream,
};
pub use table::{Told, probes, table};
pub use visible::prose;

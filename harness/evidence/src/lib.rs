//! The record of a run, and what is made of it.
//!
//! A [`RunRecord`] is plain data: this crate knows nothing of how anything was
//! run. Collections are ordered and ids stable, so that two records can be
//! compared.

mod record;
mod table;

pub use record::{
    Control, EvidenceError, Phase, RunRecord, SCHEMA_VERSION, Summary, Upstream, Verdict,
};
pub use table::table;

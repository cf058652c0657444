//! The record of a run.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The version of the record's schema; it changes when a field changes its
/// meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// Why a record cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The file cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A run: what ran where, and what every control showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Ringfence's version.
    pub version: String,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// How long it took.
    pub duration_ms: u64,
    /// The configuration's file.
    pub configuration: String,
    /// The account under test.
    pub account_id: String,
    /// The region.
    pub region: String,
    /// What answered behind the guard.
    pub upstream: Upstream,
    /// The tools by name, with their versions.
    pub tools: BTreeMap<String, String>,
    /// The phases, in order.
    pub phases: Vec<Phase>,
    /// What differs from what was asked for: tools that stood in for others.
    pub deviations: Vec<String>,
    /// The controls, in order.
    pub controls: Vec<Control>,
    /// How many there are of each verdict.
    pub summary: Summary,
}

/// What answered behind the guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// `localstack`, `embedded` or `endpoint`.
    pub backend: String,
    /// What ran there.
    pub product: String,
    /// Its version, as it says itself.
    pub version: Option<String>,
    /// The container's image.
    pub image: Option<String>,
    /// The image's digest: the registry's, else the local image's id.
    pub digest: Option<String>,
    /// Why this one, where the choice was left open.
    pub chosen_because: Option<String>,
}

/// A phase of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// How long it took.
    pub duration_ms: u64,
}

/// What a control showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// A stable id: `api.get-orders.expired-token`.
    pub id: String,
    /// The guard rail that it tests.
    pub guard_rail: String,
    /// Who attacks.
    pub identity: String,
    /// By which road: `api`, `cloudformation`, `http`, `oidc`, `function`.
    pub road: String,
    /// What it claims.
    pub title: String,
    /// What must happen.
    pub expected: String,
    /// What did.
    pub observed: String,
    /// Whether the claim held.
    pub verdict: Verdict,
    /// How long it took.
    pub duration_us: u64,
    /// The journal entries that belong to it.
    pub request_ids: Vec<String>,
}

/// Whether a claim held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It held, and its allowed twin succeeded.
    Held,
    /// It did not hold, or its allowed twin did not succeed.
    Failed,
    /// The refusal is as expected, but the legitimate twin failed as well, so
    /// it shows nothing.
    Inconclusive,
    /// It could not be tried; that shows nothing.
    NotRun,
}

/// How many controls there are of each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// All of them.
    pub controls: usize,
    /// Held.
    pub held: usize,
    /// Failed.
    pub failed: usize,
    /// The twin failed too.
    pub inconclusive: usize,
    /// Not run.
    pub not_run: usize,
}

impl Summary {
    /// Counts controls.
    pub fn of(controls: &[Control]) -> Self {
        let count = |verdict| controls.iter().filter(|control| control.verdict == verdict).count();
        Self {
            controls: controls.len(),
            held: count(Verdict::Held),
            failed: count(Verdict::Failed),
            inconclusive: count(Verdict::Inconclusive),
            not_run: count(Verdict::NotRun),
        }
    }

    /// Whether every control was run and held; none at all shows nothing.
    pub fn all_held(&self) -> bool {
        self.controls > 0 && self.held == self.controls
    }
}

impl RunRecord {
    /// Writes the record as JSON: whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), EvidenceError> {
        let failed = |source| EvidenceError::Write { path: path.to_owned(), source };
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        let temporary = path.with_extension("json.part");
        std::fs::write(&temporary, text).map_err(failed)?;
        std::fs::rename(&temporary, path).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_tried_is_nothing_shown() {
        assert!(!Summary::of(&[]).all_held());
    }

    #[test]
    fn a_record_is_written_and_read_back() {
        let record = crate::table::tests::record();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("results.json");
        record.write(&path).unwrap();
        let read: RunRecord = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(read, record);
        assert_eq!(
            read.summary,
            Summary { controls: 3, held: 1, failed: 1, inconclusive: 0, not_run: 1 }
        );
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}

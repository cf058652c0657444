//! The record of a run: the one source of every report.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::shown;
use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::controls::Tally;
use crate::earlier;
use crate::merge::Merged;
use crate::mutations::Mutations;
use crate::part::Part;
use crate::probe::{Probe, Verdict};
use crate::proof::Proof;
use crate::reach::Reach;

/// The version of the record's schema; it changes when a field changes its
/// meaning or goes.
pub const SCHEMA_VERSION: u32 = 4;

/// The versions that are read: an earlier one becomes the present one, with
/// what it did not know left open.
const READABLE: std::ops::RangeInclusive<u32> = 1..=SCHEMA_VERSION;

/// Why evidence cannot be kept or used.
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
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no run record, or one of a later schema.
    #[error("`{}` is no run record of schema version 1 to {SCHEMA_VERSION}: {message}", path.display())]
    NoRecord {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

/// A run: what ran where, and what every probe showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// The version that it was written in: [`SCHEMA_VERSION`], or an earlier
    /// one that was read.
    pub schema_version: u32,
    /// The run's own id, a UUID.
    pub run_id: String,
    /// Whether the run came to its end.
    pub status: RunStatus,
    /// Ringfence's version.
    pub version: String,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// When it ended, RFC 3339 in UTC.
    pub ended: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
    /// The configuration's file.
    pub configuration: String,
    /// The account under test.
    pub account_id: String,
    /// All accounts, where there is more than one; findings, mutants, identities and
    /// proofs name theirs by its id then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<Account>,
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
    /// Who and what ran it.
    pub provenance: Provenance,
    /// What was under test, by hash.
    pub inputs: Vec<Input>,
    /// The probes, in order.
    pub probes: Vec<Probe>,
    /// How many there are of each verdict.
    pub summary: Summary,
    /// The guard rails weakened, where that was asked for.
    pub mutations: Option<Mutations>,
    /// What each identity can do at all.
    pub reach: Vec<Reach>,
    /// How the code of the teams was kept apart from what judges it; since
    /// version 3. None where a run did not come so far.
    #[serde(default)]
    pub isolation: Option<Isolation>,
    /// The account, read back at three moments; since version 3.
    #[serde(default)]
    pub readings: Vec<Reading>,
    /// The guard rails proved for all requests, on the deployed state; since version
    /// 4. None where there was nothing to prove them of.
    #[serde(default)]
    pub proofs: Vec<Proof>,
    /// The SHA-256 of the certificates of what is proved, where they were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates_sha256: Option<String>,
    /// Which part of the attacks and mutants was made; none where all were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The shares that this was made of, in order; none where one run made it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<Merged>,
    /// What AWS's own simulator says of the decisions, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// Entries that accept findings and have expired or accept nothing, each with
    /// its place: a run that has one has not passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<String>,
}

/// An account of an estate of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// What the configuration calls it; none of the account under test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// How the code of the teams was kept apart from what judges it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Isolation {
    /// What did it: `namespaces`, `Landlock`, `nothing`, …
    pub mechanism: String,
    /// Why that is not enough, so that code under test could have changed
    /// anything; none where it is.
    pub unisolated: Option<String>,
    /// What it cost; none where an earlier Ringfence wrote the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<Starts>,
}

/// The programs that were started behind walls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Starts {
    /// How many.
    pub count: u64,
    /// How long all of them together waited for their walls, in milliseconds.
    pub duration_ms: u64,
}

/// What was read back of the account at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// `after-apply`, `after-workflows` or `after-attacks`.
    pub moment: String,
    /// The account, where there is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// How many objects there were.
    pub objects: usize,
    /// The SHA-256 over the objects of the first reading, as they were then:
    /// equal where nothing that Layer 1 applied differs in anything.
    pub sha256: String,
    /// How long it took.
    pub duration_ms: u64,
}

/// Whether a run came to its end. A record says `incomplete` from the start
/// and `complete` only once everything is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", deny_unknown_fields)]
pub enum RunStatus {
    /// Everything that was to run did, and is in the record.
    Complete {},
    /// It did not; what is in the record is no result.
    Incomplete {
        /// Why, as far as it is known.
        reason: String,
    },
}

impl RunStatus {
    /// Whether the run came to its end.
    pub const fn is_complete(&self) -> bool {
        matches!(self, Self::Complete {})
    }
}

/// What answered behind the guard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// `localstack`, `embedded` or `endpoint`; empty where a run did not come
    /// so far.
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

/// Who and what ran it, and how to run it again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Who started it: the CI's actor, else the user.
    pub actor: String,
    /// The commit of the configuration's repository.
    pub commit: Option<String>,
    /// Whether the working tree was that commit.
    pub tree_clean: Option<bool>,
    /// The SHA-256 of the binary that ran.
    pub binary_sha256: String,
    /// The command, word by word.
    pub command: Vec<String>,
    /// Operating system and architecture.
    pub platform: String,
    /// What the CI says of itself, by variable.
    pub ci: BTreeMap<String, String>,
    /// The SHA-256 of the previous run's manifest: the chain in which a run
    /// that was taken away leaves a gap.
    pub previous_manifest_sha256: Option<String>,
    /// The fingerprint of the key that signs the manifest; none where nobody
    /// does.
    pub signing_key: Option<String>,
}

/// A file that was under test.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its path, as the bundle keeps it below `inputs/`.
    pub path: String,
    /// `configuration`, `terraform`, `template`, `workflow`, `policy`,
    /// `trust`, `code`, …
    pub kind: String,
    /// Its SHA-256.
    pub sha256: String,
}

/// How many probes there are of each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// All of them.
    pub probes: usize,
    /// Held.
    pub held: usize,
    /// Failed.
    pub failed: usize,
    /// Shows nothing: a companion is missing.
    pub inconclusive: usize,
    /// Not run.
    pub not_run: usize,
    /// About something that the estate has none of.
    #[serde(default, skip_serializing_if = "none")]
    pub not_applicable: usize,
    /// Did not hold, and accepted.
    #[serde(default, skip_serializing_if = "none")]
    pub accepted: usize,
}

/// Whether a count says nothing: records of estates that have everything look as
/// they did before there was one.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "what `skip_serializing_if` asks for")]
const fn none(count: &usize) -> bool {
    *count == 0
}

impl Summary {
    /// Counts probes.
    pub fn of(probes: &[Probe]) -> Self {
        let count = |verdict| probes.iter().filter(|probe| probe.verdict == verdict).count();
        Self {
            probes: probes.len(),
            held: count(Verdict::Held),
            failed: count(Verdict::Failed),
            inconclusive: count(Verdict::Inconclusive),
            not_run: count(Verdict::NotRun),
            not_applicable: count(Verdict::NotApplicable),
            accepted: count(Verdict::Accepted),
        }
    }

    /// Whether every applicable probe was run and held; none at all shows nothing.
    pub fn all_held(&self) -> bool {
        self.held > 0 && self.held + self.not_applicable == self.probes
    }

    /// Whether every applicable probe was run, and held or is accepted.
    pub fn none_open(&self) -> bool {
        self.held > 0 && self.held + self.not_applicable + self.accepted == self.probes
    }

    /// `3 held, 1 failed, 0 inconclusive, 0 not run`; of what is not applicable
    /// or accepted only where something is.
    pub fn words(&self) -> String {
        Tally::from(*self).words()
    }
}

impl RunRecord {
    /// The account under test; of several all, with their names.
    pub fn accounts_told(&self) -> String {
        let one = |account: &Account| match &account.name {
            Some(name) => format!("{} ({name})", account.id),
            None => account.id.clone(),
        };
        match self.accounts.as_slice() {
            [] => self.account_id.clone(),
            accounts => accounts.iter().map(one).collect::<Vec<_>>().join(", "),
        }
    }

    /// Whether the run came to its end, every probe of it held or is accepted by an
    /// entry that counts, no request gets past a guard rail, and every weakened guard
    /// rail, where some were weakened, was noticed. In a share another one's probes
    /// may notice: what goes unnoticed is judged when all are merged.
    pub fn passed(&self) -> bool {
        let shared = matches!(self.part, Some(Part::Share { .. }));
        let noticed =
            shared || self.mutations.as_ref().is_none_or(|mutations| mutations.summary.good());
        let violated = self.proofs.iter().any(Proof::is_violated);
        let open = !self.summary.none_open() || !self.stale.is_empty();
        self.status.is_complete() && !open && noticed && !violated
    }

    /// Why code under test could have changed anything, where it could.
    pub fn unisolated(&self) -> Option<&str> {
        self.isolation.as_ref()?.unisolated.as_deref()
    }

    /// The record as JSON: what `run.json` is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn json(&self, out: &mut dyn io::Write) -> io::Result<()> {
        shown::write(out, self)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When the file cannot be read, or is no record of this schema.
    pub fn read(path: &Path) -> Result<Self, EvidenceError> {
        let text = std::fs::read(path)
            .map_err(|source| EvidenceError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Reads a record from its text; `path` is what errors name.
    ///
    /// # Errors
    /// When it is no record of this schema.
    pub fn parse(text: &[u8], path: &Path) -> Result<Self, EvidenceError> {
        #[derive(Deserialize)]
        struct Version {
            schema_version: u32,
        }
        let wrong = |message| EvidenceError::NoRecord { path: path.to_owned(), message };
        let version: Version =
            serde_json::from_slice(text).map_err(|error| wrong(error.to_string()))?;
        let version = version.schema_version;
        if !READABLE.contains(&version) {
            return Err(wrong(format!("it is of version {version}")));
        }
        let read = match version {
            1 => serde_json::from_slice(text).map(earlier::First::upgraded),
            _ => serde_json::from_slice(text),
        };
        read.map_err(|error| wrong(error.to_string()))
    }

    /// Writes the record as JSON: whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), EvidenceError> {
        crate::bundle::put_form(path, &|out| self.json(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn nothing_tried_is_nothing_shown() {
        assert!(!Summary::of(&[]).all_held());
    }

    #[test]
    fn an_incomplete_run_has_not_passed_whatever_held() {
        let mut record = fixtures::record();
        record.probes.retain(|probe| probe.verdict == Verdict::Held);
        record.summary = Summary::of(&record.probes);
        // One weakened guard rail went unnoticed.
        assert!(!record.passed());
        record.mutations = None;
        assert!(record.passed());
        record.status = RunStatus::Incomplete { reason: "interrupted".to_owned() };
        assert!(!record.passed());
        assert_eq!(
            serde_json::to_value(&record.status).unwrap(),
            serde_json::json!({"state": "incomplete", "reason": "interrupted"})
        );
    }

    /// What the attacks did not find.
    #[test]
    fn a_run_whose_attacks_held_fails_where_a_request_gets_past_a_guard_rail() {
        let mut record = fixtures::record();
        record.probes.retain(|probe| probe.verdict == Verdict::Held);
        record.summary = Summary::of(&record.probes);
        record.mutations = None;
        assert!(record.passed());
        record.proofs[0].verdict = crate::ProofVerdict::Undecided;
        assert!(record.passed());
        record.proofs[0].verdict = crate::ProofVerdict::Violated;
        assert!(!record.passed());
    }

    #[test]
    fn a_record_is_written_and_read_back() {
        let record = fixtures::record();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.json");
        record.write(&path).unwrap();
        assert_eq!(RunRecord::read(&path).unwrap(), record);
        assert_eq!(
            record.summary,
            Summary {
                probes: 4,
                held: 1,
                failed: 1,
                inconclusive: 1,
                not_run: 1,
                not_applicable: 0,
                accepted: 0,
            }
        );
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn another_schema_is_refused_by_its_version_and_an_unknown_field_by_its_name() {
        let path = Path::new("run.json");
        let mut value = serde_json::to_value(fixtures::record()).unwrap();
        value["schema_version"] = 5.into();
        let error = RunRecord::parse(value.to_string().as_bytes(), path).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`run.json` is no run record of schema version 1 to 4: it is of version 5"
        );
        value["schema_version"] = 4.into();
        value["status"]["passed"] = true.into();
        let error = RunRecord::parse(value.to_string().as_bytes(), path).unwrap_err();
        assert!(error.to_string().contains("unknown field `passed`"), "{error}");
    }
}

//! Keeps the run directory: the previous run's bundle goes to the history, a
//! record that says `incomplete` stands there until the end.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use ringfence_evidence::bundle::{JOURNAL, PREVIOUS, RUN, put_form, write};
use ringfence_evidence::controls::Catalogue;
use ringfence_evidence::manifest::{MANIFEST, sha256};
use ringfence_evidence::{Probe, RunRecord, RunStatus, Summary, shown};
use serde::de::DeserializeOwned;
use serde::ser::{Error as _, SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::raw;
use super::redact::Redactor;
use crate::config::Config;
use crate::exchange::Exchanges;

/// Where the evidence goes, and how.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The run directory, which becomes the bundle.
    pub directory: PathBuf,
    /// Where earlier bundles are kept; by default beside the run directory,
    /// with `-history` after its name.
    pub history: Option<PathBuf>,
    /// The bundle to compare with and to chain to; by default the latest of
    /// the history.
    pub previous: Option<PathBuf>,
}

/// A bundle that is being made.
#[derive(Debug)]
pub struct Keeper {
    directory: PathBuf,
    catalogue: Catalogue,
    redactor: Redactor,
}

impl Keeper {
    /// Makes room in the run directory and puts a record there that says
    /// `incomplete`. What belongs to this alone is added to the record.
    ///
    /// # Errors
    /// When the directory holds something else or cannot be written.
    pub fn begin(wanted: &Wanted, config: &Config, record: &mut RunRecord) -> anyhow::Result<Self> {
        let catalogue = catalogue(config)?;
        let redactor = Redactor::new(
            config,
            std::env::vars_os().map(|(name, value)| {
                (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
            }),
        )?;
        let directory = wanted.directory.clone();
        let history = history(wanted);
        make_room(&directory, &history)?;
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("cannot make the run directory `{}`", directory.display()))?;
        let previous = match &wanted.previous {
            Some(previous) => Some(previous.clone()),
            None => latest(&history)?,
        };
        if let Some(previous) = previous {
            let manifest = std::fs::read(previous.join(MANIFEST)).with_context(|| {
                format!("`{}` is no finished bundle: no {MANIFEST}", previous.display())
            })?;
            record.provenance.previous_manifest_sha256 = Some(sha256(&manifest));
            // One of another schema is chained, but cannot be compared with.
            if let Ok(old) = RunRecord::read(&previous.join(RUN)) {
                old.write(&directory.join(PREVIOUS))?;
            }
        }
        let keeper = Self { directory, catalogue, redactor };
        keeper.note(record)?;
        Ok(keeper)
    }

    /// Where the journal is to be written.
    pub fn journal(&self) -> PathBuf {
        self.directory.join(JOURNAL)
    }

    /// The bundle's directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What must not be kept.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Keeps what is known so far, as incomplete.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(&self, record: &mut RunRecord) -> anyhow::Result<()> {
        debug_assert!(!record.status.is_complete());
        // One after the other: as JSON they take many times the memory.
        let probes = std::mem::take(&mut record.probes);
        let noted = self.cut_value(record).map_err(anyhow::Error::from).and_then(|rest| {
            let noted = Noted { rest: &rest, probes: &probes, keeper: self };
            Ok(put_form(&self.directory.join(RUN), &|out| shown::write(out, &noted))?)
        });
        record.probes = probes;
        noted
    }

    /// Finishes the bundle; returns the record as it was kept.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn finish(
        &self,
        mut record: RunRecord,
        exchanges: &Exchanges,
    ) -> anyhow::Result<RunRecord> {
        // One after the other: as JSON they take many times the memory.
        let probes = std::mem::take(&mut record.probes);
        let mut record: RunRecord = self.cut(&record)?;
        record.probes =
            (probes.into_iter()).map(|probe| self.cut(&probe)).collect::<Result<_, _>>()?;
        let removed = raw::clean_journal(&self.directory, &self.redactor)?;
        if removed > 0 {
            record.deviations.push(format!("{JOURNAL}: secrets removed in {removed} places"));
        }
        if exchanges.dropped() > 0 {
            let text = format!("raw/: {} exchanges were not kept", exchanges.dropped());
            record.deviations.push(text);
        }
        raw::write(&self.directory, &record, exchanges, &self.redactor)?;
        write(&self.directory, &record, &self.catalogue)?;
        Ok(record)
    }

    /// A part of the record without what must not be kept.
    fn cut<T: Serialize + DeserializeOwned>(&self, part: &T) -> serde_json::Result<T> {
        serde_json::from_value(self.cut_value(part)?)
    }

    fn cut_value<T: Serialize>(&self, part: &T) -> serde_json::Result<Value> {
        let mut value = serde_json::to_value(part)?;
        self.redactor.json(&mut value);
        Ok(value)
    }
}

/// A record as it is kept before its end.
struct Noted<'a> {
    /// All but the probes, without what must not be kept.
    rest: &'a Value,
    /// As they were found.
    probes: &'a [Probe],
    keeper: &'a Keeper,
}

impl Serialize for Noted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rest = self.rest.as_object().into_iter().flatten();
        let mut members = serializer.serialize_map(None)?;
        for (name, value) in rest.filter(|(name, _)| *name != PROBES) {
            members.serialize_entry(name, value)?;
        }
        members.serialize_entry(PROBES, &Cut { probes: self.probes, keeper: self.keeper })?;
        members.end()
    }
}

/// A record's probes, by the name that they have there.
const PROBES: &str = "probes";

/// Probes without what must not be kept.
struct Cut<'a> {
    probes: &'a [Probe],
    keeper: &'a Keeper,
}

impl Serialize for Cut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut items = serializer.serialize_seq(Some(self.probes.len()))?;
        for probe in self.probes {
            items.serialize_element(&self.keeper.cut_value(probe).map_err(S::Error::custom)?)?;
        }
        items.end()
    }
}

/// Finishes the bundle of a run that was ended from outside, with all that it
/// had noted; one that had noted nothing has no bundle.
///
/// # Errors
/// When it cannot be read or written.
pub fn abandon(
    directory: &Path,
    config: &Config,
    redactor: &Redactor,
    ended: String,
    reason: &str,
) -> anyhow::Result<()> {
    let path = directory.join(RUN);
    if !path.exists() {
        return Ok(());
    }
    let mut record = RunRecord::read(&path)?;
    if record.status.is_complete() {
        return Ok(());
    }
    record.status = RunStatus::Incomplete { reason: reason.to_owned() };
    record.ended = Some(ended);
    record.provenance.signing_key = None;
    record.summary = Summary::of(&record.probes);
    let removed = raw::clean_journal(directory, redactor)?;
    if removed > 0 {
        record.deviations.push(format!("{JOURNAL}: secrets removed in {removed} places"));
    }
    write(directory, &record, &catalogue(config)?)?;
    Ok(())
}

/// The built-in catalogue, with the user's own.
///
/// # Errors
/// When the user's own cannot be read.
pub fn catalogue(config: &Config) -> anyhow::Result<Catalogue> {
    Ok(match config.evidence.controls.as_deref() {
        Some(directory) => Catalogue::with(directory)?,
        None => Catalogue::builtin()?,
    })
}

fn history(wanted: &Wanted) -> PathBuf {
    wanted.history.clone().unwrap_or_else(|| {
        let mut name = wanted.directory.file_name().unwrap_or_default().to_os_string();
        name.push("-history");
        wanted.directory.with_file_name(name)
    })
}

/// Moves an earlier bundle to the history. Anything else is not ours to move.
fn make_room(directory: &Path, history: &Path) -> anyhow::Result<()> {
    let Ok(mut entries) = std::fs::read_dir(directory) else { return Ok(()) };
    if entries.next().is_none() {
        return Ok(());
    }
    let Ok(text) = std::fs::read(directory.join(RUN)) else {
        bail!(
            "`{}` holds no earlier run and is not empty: name another with --run-dir",
            directory.display()
        );
    };
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let member = |name: &str| value.get(name).and_then(|text| text.as_str()).unwrap_or("unknown");
    let started: String =
        member("started").chars().take(19).filter(char::is_ascii_alphanumeric).collect();
    let id: String = member("run_id").chars().take(8).filter(char::is_ascii_alphanumeric).collect();
    let place = history.join(format!("{started}Z-{id}"));
    let failed = || format!("cannot move `{}` to `{}`", directory.display(), place.display());
    if place.exists() {
        bail!("`{}` is there already: the same run twice", place.display());
    }
    std::fs::create_dir_all(history).with_context(failed)?;
    std::fs::rename(directory, &place).with_context(failed)
}

/// The latest finished bundle of a history: names begin with the time.
fn latest(history: &Path) -> anyhow::Result<Option<PathBuf>> {
    let mut bundles = Vec::new();
    for entry in std::fs::read_dir(history).into_iter().flatten() {
        let path = entry.with_context(|| format!("cannot read `{}`", history.display()))?.path();
        if path.join(MANIFEST).is_file() {
            bundles.push(path);
        }
    }
    Ok(bundles.into_iter().max())
}

//! Whether a bundle is what was signed, whole, and in agreement with itself.

use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::bundle::{CERTIFICATES, DECISIONS, INPUTS, RUN, merged_manifest, raw_path, read};
use crate::manifest::{MANIFEST, Manifest, ManifestError, SIGNATURE};
use crate::mutations::MutationSummary;
use crate::probe::Verdict;
use crate::record::{RunRecord, RunStatus, Summary};
use crate::signature::{AllowedKeys, Instant, SignatureError, Signer, verify};

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// All that is wrong, in order of weight; none means that the bundle may
    /// be relied on as far as its signer may.
    pub problems: Vec<String>,
    /// Who signed, where that was asked and is good.
    pub signer: Option<Signer>,
    /// The run, where it could be read.
    pub record: Option<RunRecord>,
    /// How many files the manifest lists.
    pub files: usize,
}

/// Who may have signed, and when.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// One of these keys, good at this time.
    Keys(&'a AllowedKeys, Instant),
    /// Nobody was asked: the hashes alone are looked at.
    HashesAlone,
}

/// Checks a bundle.
///
/// # Errors
/// When the directory cannot be read at all; what is wrong with what it holds
/// is a problem, not an error.
pub fn check(bundle: &Path, trust: Trust<'_>) -> Result<Checked, ManifestError> {
    let actual = match Manifest::of(bundle) {
        Ok(manifest) => manifest,
        Err(error @ ManifestError::Read { .. }) => return Err(error),
        Err(error) => {
            let problems = vec![error.to_string()];
            return Ok(Checked { problems, signer: None, record: None, files: 0 });
        }
    };
    let mut problems = Vec::new();
    let text = optional(bundle, MANIFEST)?;
    let signer = match (&text, trust) {
        (Some(text), Trust::Keys(keys, at)) => {
            let signature = optional(bundle, SIGNATURE)?;
            let verified = signature
                .ok_or(SignatureError::Unsigned)
                .and_then(|signature| verify(text, &signature, keys, at));
            match verified {
                Ok(signer) => Some(signer),
                Err(error) => {
                    problems.push(error.to_string());
                    None
                }
            }
        }
        _ => None,
    };
    let mut files = 0;
    match text.as_deref().map(|text| Manifest::parse(&String::from_utf8_lossy(text))) {
        None => problems.push(format!("there is no {MANIFEST}: the bundle was never finished")),
        Some(Err(error)) => problems.push(error.to_string()),
        Some(Ok(listed)) => {
            files = listed.files().count();
            differences(&listed, &actual, &mut problems);
        }
    }
    let record = match read(bundle) {
        Ok(record) => Some(record),
        Err(error) => {
            problems.push(error.to_string());
            None
        }
    };
    if let Some(record) = &record {
        if let RunStatus::Incomplete { reason } = &record.status {
            problems.push(format!("INCOMPLETE, and so no result: {reason}"));
        }
        within(record, &actual, &mut problems);
        if let (Some(signer), Some(key)) = (&signer, &record.provenance.signing_key)
            && signer.fingerprint != *key
        {
            problems.push(format!("{RUN} says that {key} signs, but {} did", signer.fingerprint));
        }
        // The first version had no forms.
        if record.status.is_complete() && record.schema_version > 1 {
            forms(bundle, record, &mut problems);
        }
    }
    Ok(Checked { problems, signer, record, files })
}

fn optional(bundle: &Path, name: &str) -> Result<Option<Vec<u8>>, ManifestError> {
    let path = bundle.join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ManifestError::Read { path, source }),
    }
}

fn differences(listed: &Manifest, actual: &Manifest, problems: &mut Vec<String>) {
    for (path, hash) in listed.files() {
        match actual.get(path) {
            None => problems.push(format!("`{path}` is missing (removed or renamed)")),
            Some(own) if own != hash => problems.push(format!("`{path}` was changed")),
            Some(_) => {}
        }
    }
    for (path, _) in actual.files().filter(|(path, _)| listed.get(path).is_none()) {
        problems.push(format!("`{path}` is not in {MANIFEST} (added or renamed)"));
    }
}

/// The record against itself and against the files that it speaks of.
fn within(record: &RunRecord, actual: &Manifest, problems: &mut Vec<String>) {
    if record.summary != Summary::of(&record.probes) {
        problems.push(format!("{RUN}: the summary does not count its probes"));
    }
    if let Some(mutations) = &record.mutations
        && mutations.summary != MutationSummary::of(&mutations.mutants)
    {
        problems.push(format!("{RUN}: the summary does not count its mutants"));
    }
    if let Some(calibration) = &record.calibration {
        if !calibration.counts() {
            problems.push(format!("{RUN}: the calibration does not count its decisions"));
        }
        if actual.get(DECISIONS) != Some(&calibration.decisions_sha256) {
            problems.push(format!(
                "{RUN} tells of a calibration of other decisions than `{DECISIONS}`"
            ));
        }
    }
    match (actual.get(CERTIFICATES), &record.certificates_sha256) {
        (Some(own), Some(named)) if own != named => {
            problems.push(format!("{RUN} names `{CERTIFICATES}` with another hash"));
        }
        (None, Some(_)) => {
            problems.push(format!("{RUN} names `{CERTIFICATES}`, and it is not there"));
        }
        (Some(_), None) => {
            problems.push(format!("{RUN} does not name `{CERTIFICATES}`, and there is one"));
        }
        _ => {}
    }
    for share in &record.shares {
        let path = merged_manifest(share.share);
        if actual.get(&path) != Some(&share.manifest_sha256) {
            problems.push(format!("{RUN} names `{path}` with another hash, or it is not there"));
        }
    }
    for input in &record.inputs {
        let path = format!("{INPUTS}/{}", input.path);
        if actual.get(&path) != Some(&input.sha256) {
            problems.push(format!("{RUN} names `{path}` with another hash, or it is not there"));
        }
    }
    if record.status.is_complete() && record.schema_version > 1 {
        let raw = record.probes.iter().map(raw_path);
        for path in raw.filter(|path| actual.get(path).is_none()) {
            problems.push(format!("`{path}`, which belongs to a probe, is not there"));
        }
    }
}

/// How many probes of each verdict a form has: held, failed, inconclusive, not
/// run, not applicable, accepted.
type Counts = [usize; 6];

/// Reads how many there are out of a form's text.
type Counter = fn(&str) -> Option<Counts>;

fn forms(bundle: &Path, record: &RunRecord, problems: &mut Vec<String>) {
    let summary = &record.summary;
    let Summary { held, failed, inconclusive, not_run, not_applicable, accepted, .. } = *summary;
    let expected = [held, failed, inconclusive, not_run, not_applicable, accepted];
    let readers: [(&str, Counter); 3] = [
        ("probes.csv", in_csv),
        ("junit.xml", in_junit),
        ("oscal/assessment-results.json", in_oscal),
    ];
    for (name, count) in readers {
        match std::fs::read_to_string(bundle.join(name)) {
            Ok(text) if count(&text) == Some(expected) => {}
            Ok(_) => problems.push(format!("`{name}` counts other probes than {RUN}")),
            Err(error) => problems.push(format!("cannot read `{name}`: {error}")),
        }
    }
}

fn by_verdict<'a>(verdicts: impl Iterator<Item = &'a str>) -> Option<Counts> {
    let mut counts = [0; 6];
    for verdict in verdicts {
        let at = Verdict::ALL.iter().position(|known| known.as_str() == verdict)?;
        *counts.get_mut(at)? += 1;
    }
    Some(counts)
}

fn in_csv(text: &str) -> Option<Counts> {
    let mut rows = rows(text).into_iter();
    let at = rows.next()?.iter().position(|head| head == "verdict")?;
    let verdicts: Option<Vec<String>> = rows.map(|row| row.get(at).cloned()).collect();
    by_verdict(verdicts?.iter().map(String::as_str))
}

/// How JUnit's form begins what is not applicable: it knows skipping alone.
const NOT_APPLICABLE: &str = "<skipped message=\"not applicable: ";

/// The same of what is accepted.
const ACCEPTED: &str = "<skipped message=\"accepted: ";

fn in_junit(text: &str) -> Option<Counts> {
    let count = |element: &str| text.matches(&format!("<{element} ")).count();
    let (failed, inconclusive, skipped) = (count("failure"), count("error"), count("skipped"));
    let held = count("testcase").checked_sub(failed + inconclusive + skipped)?;
    let not_applicable = text.matches(NOT_APPLICABLE).count();
    let accepted = text.matches(ACCEPTED).count();
    let not_run = skipped.checked_sub(not_applicable + accepted)?;
    Some([held, failed, inconclusive, not_run, not_applicable, accepted])
}

fn in_oscal(text: &str) -> Option<Counts> {
    let document: Value = serde_json::from_str(text).ok()?;
    let result = document.pointer("/assessment-results/results/0")?;
    let observations = result.get("observations").and_then(Value::as_array);
    let verdicts: Option<Vec<&str>> = observations
        .into_iter()
        .flatten()
        // What was proved without a request is no probe.
        .filter(|observation| observation.get("methods") != Some(&json!(["EXAMINE"])))
        .map(|observation| {
            let props = observation.get("props")?.as_array()?;
            let own = props.iter().find(|prop| prop.get("name").is_some_and(|n| n == "verdict"))?;
            own.get("value")?.as_str()
        })
        .collect();
    by_verdict(verdicts?.into_iter())
}

/// The rows of a text by RFC 4180.
pub(crate) fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    rows
}

#[cfg(test)]
mod tests;

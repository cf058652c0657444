//! `raw/`: for each probe its requests and answers and its lines of the
//! journal.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::Context as _;
use ringfence_evidence::RunRecord;
use ringfence_evidence::bundle::{JOURNAL, put, raw_path};
use ringfence_evidence::shown;
use serde_json::{Value, json};

use super::redact::Redactor;
use crate::exchange::{Exchanges, LONGEST};
use crate::printing::harmless_line;

/// Writes the file of every probe.
///
/// # Errors
/// When the journal cannot be read or a file cannot be written.
pub(super) fn write(
    bundle: &Path,
    record: &RunRecord,
    exchanges: &Exchanges,
    redactor: &Redactor,
) -> anyhow::Result<()> {
    let journal = journal(bundle, record)?;
    for probe in &record.probes {
        let mut requests = Vec::new();
        for id in &probe.request_ids {
            let line = journal.get(id.as_str());
            let entry: Value =
                line.and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
            let exchange = exchanges.find(id).context("cannot read what was asked and answered")?;
            requests.push(json!({"request_id": id, "exchange": exchange, "journal": entry}));
        }
        let note = if requests.is_empty() {
            "No AWS call belongs to this probe: what was asked and answered stands in `observed`."
        } else {
            "The first call is the attack's, unless its title says otherwise. An exchange is null \
             where the call was not made by the harness itself but by code under test."
        };
        let mut file = json!({
            "probe": probe.id,
            "title": probe.title,
            "expected": probe.expected,
            "observed": probe.observed,
            "note": note,
            "removed": format!(
                "Authorization headers, session tokens, secret keys and the signatures of tokens, \
                 each place marked `[removed: …]`. Bodies over {LONGEST} bytes are cut, with their \
                 length and SHA-256."
            ),
            "requests": requests,
        });
        redactor.json(&mut file);
        put(&bundle.join(raw_path(probe)), &shown::lines(&file)?)?;
    }
    Ok(())
}

/// The journal's lines of all probes, by request id.
fn journal(bundle: &Path, record: &RunRecord) -> anyhow::Result<HashMap<String, String>> {
    let wanted: HashSet<&str> =
        record.probes.iter().flat_map(|probe| &probe.request_ids).map(String::as_str).collect();
    let path = bundle.join(JOURNAL);
    if !path.exists() {
        return Ok(HashMap::new());
    }
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    let id = |line: &str| {
        let rest = line.split_once("\"request_id\":\"")?.1;
        rest.split_once('"').map(|(id, _)| id.to_owned())
    };
    Ok(text
        .lines()
        .filter_map(|line| Some((id(line)?, line)))
        .filter(|(id, _)| wanted.contains(id.as_str()))
        .map(|(id, line)| (id, line.to_owned()))
        .collect())
}

/// Cuts what must not be kept out of the journal, which has none of it by its
/// own rules, and writes out what would act on who looks at it: its lines stay the same
/// JSON.
///
/// # Errors
/// When it cannot be read or written.
pub(super) fn clean_journal(bundle: &Path, redactor: &Redactor) -> anyhow::Result<usize> {
    let path = bundle.join(JOURNAL);
    if !path.exists() {
        return Ok(0);
    }
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    let (mut clean, mut removed) = (String::with_capacity(text.len()), 0);
    for line in text.lines() {
        let cut = redactor.traffic(line);
        removed += cut.removed;
        clean.push_str(&harmless_line(&cut.text));
        clean.push('\n');
    }
    if clean != text {
        put(&path, clean.as_bytes())?;
    }
    Ok(removed)
}

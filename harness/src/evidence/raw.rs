//! `raw/`: for each probe its requests and answers and its lines of the
//! journal.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::Context as _;
use ringfence_evidence::RunRecord;
use ringfence_evidence::bundle::{JOURNAL, put, put_form, raw_path};
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
    let ids = record.probes.iter().flat_map(|probe| &probe.request_ids);
    let journal = Lines::of(bundle, &ids.map(String::as_str).collect())?;
    for probe in &record.probes {
        let mut requests = Vec::new();
        for id in &probe.request_ids {
            let entry = journal.of_request(id)?;
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

/// The journal's lines of all probes: where they stand in its file, for a large run's
/// would fill the memory.
#[derive(Debug, Default)]
struct Lines {
    file: Option<File>,
    /// Where each begins, and how long it is, by request id.
    places: HashMap<String, (u64, usize)>,
}

impl Lines {
    /// Finds the lines of requests; of two with the same id the later one.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn of(bundle: &Path, wanted: &HashSet<&str>) -> anyhow::Result<Self> {
        let path = bundle.join(JOURNAL);
        if !path.exists() {
            return Ok(Self::default());
        }
        let places = || {
            let mut reader = BufReader::new(File::open(&path)?);
            let (mut places, mut line, mut start) = (HashMap::new(), String::new(), 0);
            loop {
                line.clear();
                let length = reader.read_line(&mut line)?;
                if length == 0 {
                    return io::Result::Ok(places);
                }
                if let Some(id) = id(&line).filter(|id| wanted.contains(id)) {
                    places.insert(id.to_owned(), (start, length));
                }
                start += length as u64;
            }
        };
        let failed = || format!("cannot read `{}`", path.display());
        let places = places().with_context(failed)?;
        Ok(Self { file: Some(File::open(&path).with_context(failed)?), places })
    }

    /// The line of a request; null where the journal has none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn of_request(&self, id: &str) -> anyhow::Result<Value> {
        let (Some(file), Some((start, length))) = (&self.file, self.places.get(id)) else {
            return Ok(Value::Null);
        };
        let mut line = vec![0; *length];
        file.read_exact_at(&mut line, *start).context("cannot read the journal")?;
        Ok(serde_json::from_slice(&line).unwrap_or_default())
    }
}

/// The request id of a line.
fn id(line: &str) -> Option<&str> {
    let rest = line.split_once("\"request_id\":\"")?.1;
    rest.split_once('"').map(|(id, _)| id)
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
    let (mut removed, mut changed) = (0, false);
    let read = each_line(&path, |line| {
        let cut = redactor.traffic(line);
        removed += cut.removed;
        changed |= harmless_line(&cut.text) != line;
        Ok(())
    });
    read.with_context(|| format!("cannot read `{}`", path.display()))?;
    if changed {
        put_form(&path, &|out| {
            each_line(&path, |line| {
                let cut = redactor.traffic(line);
                out.write_all(harmless_line(&cut.text).as_bytes())?;
                out.write_all(b"\n")
            })
        })?;
    }
    Ok(removed)
}

/// Hands on a file's lines, one after the other, without their ends.
fn each_line(path: &Path, mut take: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        // A carriage return stays: it is of the line, and a terminal would obey it.
        take(line.strip_suffix('\n').unwrap_or(&line))?;
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Secret;

    use super::*;
    use crate::config::Config;

    fn redactor() -> Redactor {
        let config = Config::parse("", Path::new("ringfence.toml")).unwrap();
        let mut redactor = Redactor::new(&config, []).unwrap();
        redactor.add("a key", Secret::new("canary-1234"));
        redactor
    }

    fn bundle(journal: &str) -> tempfile::TempDir {
        let bundle = tempfile::tempdir().unwrap();
        std::fs::write(bundle.path().join(JOURNAL), journal).unwrap();
        bundle
    }

    fn text(bundle: &tempfile::TempDir) -> String {
        std::fs::read_to_string(bundle.path().join(JOURNAL)).unwrap()
    }

    #[test]
    fn a_secret_is_cut_out_of_the_journal_wherever_it_stands() {
        let bundle = bundle("1 canary-1234\n2 \u{e9}\n3 canary-1234 canary-1234");
        assert_eq!(clean_journal(bundle.path(), &redactor()).unwrap(), 3);
        let cut = "[removed: a key]";
        assert_eq!(text(&bundle), format!("1 {cut}\n2 \u{e9}\n3 {cut} {cut}\n"));
        assert_eq!(clean_journal(bundle.path(), &redactor()).unwrap(), 0);
    }

    #[test]
    fn what_a_terminal_would_obey_is_written_out_and_is_no_secret() {
        let bundle = bundle("{\"a\":\"\u{202e}\u{9b}2J\"}\r\n{}\n");
        assert_eq!(clean_journal(bundle.path(), &redactor()).unwrap(), 0);
        assert_eq!(text(&bundle), "{\"a\":\"\\u202e\\u009b2J\"}\\u000d\n{}\n");
    }

    #[test]
    fn a_journal_without_secrets_stays_as_it_is() {
        let bundle = bundle("{\"a\":1}\n{\"b\":2}");
        assert_eq!(clean_journal(bundle.path(), &redactor()).unwrap(), 0);
        assert_eq!(text(&bundle), "{\"a\":1}\n{\"b\":2}");
        let none = tempfile::tempdir().unwrap();
        assert_eq!(clean_journal(none.path(), &redactor()).unwrap(), 0);
    }

    #[test]
    fn the_lines_of_requests_are_found_by_their_ids_and_the_later_of_two_counts() {
        let line =
            |id: &str, rest: &str| format!("{{\"request_id\":\"{id}\",\"is\":\"{rest}\"}}\n");
        let journal = [line("a", "\u{e9}"), line("b", "2"), "none\n".to_owned(), line("a", "3")];
        let bundle = bundle(&journal.concat());
        let lines = Lines::of(bundle.path(), &["a", "b", "c"].into()).unwrap();
        assert_eq!(lines.of_request("a").unwrap()["is"], "3");
        assert_eq!(lines.of_request("b").unwrap()["is"], "2");
        assert_eq!(lines.of_request("c").unwrap(), Value::Null);
        let lines = Lines::of(bundle.path(), &["a"].into()).unwrap();
        assert_eq!(lines.of_request("b").unwrap(), Value::Null);
    }
}

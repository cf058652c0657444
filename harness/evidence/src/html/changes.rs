//! What is different from the run before.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::Report;
use super::index::Index;
use super::parts::{badge, count, prose, table, time, verdict};
use super::summary::titled;
use crate::{Probe, RunRecord, Verdict};

pub(super) fn section(report: &Report<'_>, index: &Index<'_>) -> Markup {
    let lead = "Verdicts, probes and inputs that differ from the run before.";
    let Some(previous) = report.previous else {
        return html! {
            (titled("changes", "Changes since the previous run", lead))
            p.none { "There is no previous run to compare with." }
        };
    };
    let changes = Changes::between(previous, report.record);
    html! {
        (titled("changes", "Changes since the previous run", lead))
        p {
            "Compared with run " code { (previous.run_id) } " of " (time(&previous.started))
            @if let Some(commit) = &previous.provenance.commit { ", commit " code { (commit.chars().take(12).collect::<String>()) } }
            @if !previous.status.is_complete() { ", which did not come to its end" }
            ": "
            b { (count(changes.regressions, "regression")) } ", "
            (count(changes.verdicts.len(), "changed verdict")) ", "
            (count(changes.added.len(), "new probe")) ", "
            (count(changes.gone.len(), "probe")) " gone, "
            (count(changes.inputs.len(), "changed input")) "."
        }
        @if !changes.verdicts.is_empty() {
            (table("Changed verdicts, regressions first", &["Before", "Now", "Probe"], html! {
                @for (before, now) in &changes.verdicts {
                    tr {
                        td { (badge(verdict(before.verdict))) }
                        td { (badge(verdict(now.verdict))) }
                        td { a href={ "#" (index.anchor(&now.id).unwrap_or_default()) } { (prose(&now.title)) } }
                    }
                }
            }))
        }
        @if !changes.gone.is_empty() {
            (table("Probes that were there and are not", &["Then", "Probe"], html! {
                @for probe in &changes.gone {
                    tr { td { (badge(verdict(probe.verdict))) } td { (prose(&probe.title)) " " code { (probe.id) } } }
                }
            }))
        }
        @if !changes.added.is_empty() {
            (table("New probes", &["Now", "Probe"], html! {
                @for probe in &changes.added {
                    tr {
                        td { (badge(verdict(probe.verdict))) }
                        td { a href={ "#" (index.anchor(&probe.id).unwrap_or_default()) } { (prose(&probe.title)) } }
                    }
                }
            }))
        }
        @if !changes.inputs.is_empty() {
            (table("Inputs that changed", &["Change", "Input"], html! {
                @for (path, change) in &changes.inputs { tr { td { (change) } td { code { (path) } } } }
            }))
        }
    }
}

struct Changes<'a> {
    regressions: usize,
    verdicts: Vec<(&'a Probe, &'a Probe)>,
    added: Vec<&'a Probe>,
    gone: Vec<&'a Probe>,
    inputs: Vec<(&'a str, &'static str)>,
}

impl<'a> Changes<'a> {
    fn between(before: &'a RunRecord, now: &'a RunRecord) -> Self {
        let by_id = |record: &'a RunRecord| -> BTreeMap<&'a str, &'a Probe> {
            record.probes.iter().map(|probe| (probe.id.as_str(), probe)).collect()
        };
        let (old, new) = (by_id(before), by_id(now));
        let mut verdicts: Vec<(&Probe, &Probe)> = new
            .iter()
            .filter_map(|(id, probe)| old.get(id).map(|old| (*old, *probe)))
            .filter(|(old, new)| old.verdict != new.verdict)
            .collect();
        let regressed = |(old, _): &(&Probe, &Probe)| old.verdict == Verdict::Held;
        let regressions = verdicts.iter().filter(|pair| regressed(pair)).count();
        verdicts.sort_by_key(|pair| !regressed(pair));
        let hashes = |record: &'a RunRecord| -> BTreeMap<&'a str, &'a str> {
            let inputs = record.inputs.iter();
            inputs.map(|input| (input.path.as_str(), input.sha256.as_str())).collect()
        };
        let (old_inputs, new_inputs) = (hashes(before), hashes(now));
        let mut inputs: Vec<(&str, &'static str)> = Vec::new();
        for (path, hash) in &new_inputs {
            match old_inputs.get(path) {
                None => inputs.push((path, "added")),
                Some(old) if old != hash => inputs.push((path, "changed")),
                Some(_) => {}
            }
        }
        let removed = old_inputs.keys().filter(|path| !new_inputs.contains_key(*path));
        inputs.extend(removed.map(|path| (*path, "removed")));
        Self {
            regressions,
            verdicts,
            added: new
                .values()
                .filter(|probe| !old.contains_key(probe.id.as_str()))
                .copied()
                .collect(),
            gone: old
                .values()
                .filter(|probe| !new.contains_key(probe.id.as_str()))
                .copied()
                .collect(),
            inputs,
        }
    }
}

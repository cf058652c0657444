//! A run in a step of GitHub Actions: annotations at the lines to change, and the
//! job's summary.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use std::fmt::Write as _;

use crate::mutations::MutantVerdict;
use crate::probe::{Probe, Verdict};
use crate::record::{RunRecord, RunStatus};
use crate::sarif::Place;
use crate::table::{Told, tallies};
use crate::visible::{code, line, markdown};

/// GitHub shows so many annotations of a level of each step.
const SHOWN: usize = 10;

/// How long a summary gets at most: GitHub takes no step's of more than 1 MiB.
const LONGEST: usize = 900 * 1024;

/// Errors come first: GitHub shows the first of each level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Error,
    Warning,
    Notice,
}

impl Level {
    /// Of a probe that is told of.
    const fn of(verdict: Verdict) -> Option<Self> {
        match verdict {
            Verdict::Failed => Some(Self::Error),
            Verdict::Inconclusive | Verdict::NotRun => Some(Self::Warning),
            Verdict::Accepted => Some(Self::Notice),
            Verdict::Held | Verdict::NotApplicable => None,
        }
    }

    const fn command(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// An annotation.
struct Annotation {
    level: Level,
    title: String,
    told: String,
    place: Option<(String, usize)>,
}

/// The workflow commands that annotate a run's guard rails; `file` gives the path of
/// a file under test in the repository that is checked out, where it is there.
pub fn annotations(
    record: &RunRecord,
    told: &Told<'_>,
    file: &dyn Fn(&Place) -> Option<String>,
) -> String {
    let mut all = Vec::new();
    for probe in &record.probes {
        let Some(level) = Level::of(probe.verdict) else { continue };
        let place = told.places.decider(probe);
        let place = place.and_then(|place| Some((file(place)?, place.line)));
        all.push(Annotation { level, title: probe.title.clone(), told: of_probe(probe), place });
    }
    for proof in record.proofs.iter().filter(|proof| proof.is_violated()) {
        let (title, told) = (proof.guard_rail.clone(), proof.told.join("; "));
        all.push(Annotation { level: Level::Error, title, told, place: None });
    }
    for (title, told) in survivors(record) {
        all.push(Annotation { level: Level::Error, title, told, place: None });
    }
    for stale in &record.stale {
        let title = "accepted in vain".to_owned();
        all.push(Annotation { level: Level::Error, title, told: stale.clone(), place: None });
    }
    let mut text = String::new();
    for level in [Level::Error, Level::Warning, Level::Notice] {
        let of_level: Vec<&Annotation> = all.iter().filter(|one| one.level == level).collect();
        // The last one that is shown tells of the others.
        let shown = if of_level.len() > SHOWN { SHOWN - 1 } else { SHOWN };
        for one in of_level.iter().take(shown) {
            command(&mut text, one);
        }
        let rest = of_level.len().saturating_sub(shown);
        if rest > 0 {
            let told = format!("{rest} more are in the job's summary and in the report");
            let title = "Ringfence".to_owned();
            command(&mut text, &Annotation { level, title, told, place: None });
        }
    }
    text
}

/// What is observed of a probe, in a sentence.
fn of_probe(probe: &Probe) -> String {
    format!("expected {}; {}", probe.expected, probe.why())
}

/// Guard rails whose weakening nobody noticed; of a part of a run none is told, for
/// the rest may notice.
fn survivors(record: &RunRecord) -> Vec<(String, String)> {
    let mutants = record.mutations.iter().flat_map(|mutations| &mutations.mutants);
    let survived = mutants.filter(|mutant| mutant.verdict == MutantVerdict::Survived);
    let told = survived.map(|mutant| (format!("unnoticed: {}", mutant.id), mutant.change.clone()));
    if record.part.is_some() { Vec::new() } else { told.collect() }
}

fn command(text: &mut String, annotation: &Annotation) {
    let Annotation { level, title, told, place } = annotation;
    let mut properties = format!("title={}", property(title));
    if let Some((file, line)) = place {
        let _ = write!(properties, ",file={},line={line}", property(file));
    }
    let _ = writeln!(text, "::{} {properties}::{}", level.command(), data(told));
}

/// A command's text, of which nothing ends it or begins another
/// (<https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts>), nor one of
/// the older form, which may stand anywhere in a line
/// (<https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs>).
fn data(text: &str) -> String {
    line(text).replace('%', "%25").replace("##", "#\\u0023")
}

/// A property's value.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The job's summary, in Markdown.
pub fn summary(record: &RunRecord, told: &Told<'_>) -> String {
    let verdict = match (&record.status, record.passed()) {
        (RunStatus::Incomplete { .. }, _) => "no result: the run did not come to its end",
        (RunStatus::Complete {}, true) => "the guard rails hold",
        (RunStatus::Complete {}, false) => "not all guard rails hold",
    };
    let mut text = format!("## Ringfence: {verdict}\n\n{}\n", counts(record));
    if let Some(reason) = record.unisolated() {
        let _ = writeln!(text, "\n**UNISOLATED**: {}", markdown(reason));
    }
    if let Some(part) = &record.part {
        let _ = writeln!(text, "\n{}", markdown(&part.words()));
    }
    let mut left = 0;
    for probe in &record.probes {
        let Some(_) = Level::of(probe.verdict) else { continue };
        let one = paragraph(probe, told);
        if text.len() + one.len() > LONGEST {
            left += 1;
        } else {
            text.push_str(&one);
        }
    }
    for proof in record.proofs.iter().filter(|proof| proof.is_violated()) {
        let told: Vec<String> = proof.told.iter().map(|told| markdown(told)).collect();
        let rail = markdown(&proof.guard_rail);
        let _ = write!(text, "\n### violated: {rail}\n\n{}\n", told.join("\n\n"));
    }
    for (title, change) in survivors(record) {
        let _ = write!(text, "\n### {}\n\n{}\n", markdown(&title), markdown(&change));
    }
    for stale in &record.stale {
        let _ = write!(text, "\n### accepted in vain\n\n{}\n", markdown(stale));
    }
    if left > 0 {
        let _ = writeln!(text, "\n{left} more stand in the report.");
    }
    text.push_str("\n| guard rail | held |\n|---|---|\n");
    for (rail, tally) in tallies(&record.probes) {
        let (held, all) = (tally.held, tally.applicable());
        let _ = writeln!(text, "| {} | {held} of {all}{} |", markdown(rail), tally.beyond());
    }
    for proof in record.proofs.iter().filter(|proof| proof.is_of_packets()) {
        let rail = markdown(&proof.guard_rail);
        let _ = writeln!(text, "| {rail} | {} for all packets |", proof.verdict.as_str());
    }
    text
}

fn counts(record: &RunRecord) -> String {
    let mut text = format!("{} probes: {}.", record.summary.probes, record.summary.words());
    if let Some(proved) = record.proved() {
        let _ = write!(text, " {}.", markdown(&proved));
    }
    if let Some(mutations) = &record.mutations {
        let summary = mutations.summary;
        let _ = write!(
            text,
            " {} guard rails weakened: {} noticed, {} unnoticed, {} equivalent, {} not run.",
            summary.mutants, summary.killed, summary.survived, summary.equivalent, summary.not_run
        );
    }
    text
}

/// What did not hold.
fn paragraph(probe: &Probe, told: &Told<'_>) -> String {
    let mut text = format!("\n### {}: {}\n\n", probe.verdict.as_str(), markdown(&probe.title));
    let _ = writeln!(text, "- expected: {}", markdown(&probe.expected));
    let _ = writeln!(text, "- observed: {}", markdown(&probe.observed));
    if let Some(reason) = probe.reason.as_ref().filter(|reason| **reason != probe.observed) {
        let _ = writeln!(text, "- because: {}", markdown(reason));
    }
    if let Some(accepted) = probe.acceptance() {
        let _ = writeln!(text, "- accepted: {}", markdown(&accepted));
    }
    if let Some(place) = told.places.decider(probe) {
        let _ = writeln!(text, "- see {}", code(&format!("{}:{}", place.file, place.line)));
    }
    if let Some(again) = (told.again)(probe) {
        let _ = writeln!(text, "- again: {}", code(&again));
    }
    text
}

#[cfg(test)]
mod tests;

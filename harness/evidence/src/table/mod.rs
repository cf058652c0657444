//! What a person reads of a run: what did not hold, and the guard rails.

mod open;
mod rows;

use std::fmt::Write as _;

use crate::controls::Tally;
use crate::mutations::{MutantVerdict, MutationSummary, Mutations};
use crate::places::Places;
use crate::probe::{Probe, Verdict};
use crate::proof::{Proof, ProofVerdict};
use crate::record::{RunRecord, RunStatus};
use crate::visible::line as line_of;

/// What the table is made with, beside the record.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// Every probe on a line of its own, too.
    pub every_probe: bool,
    /// Where the statements under test stand.
    pub places: &'a Places,
    /// The command that makes one attack alone, where a probe is one.
    pub again: &'a dyn Fn(&Probe) -> Option<String>,
}

impl std::fmt::Debug for Told<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").field("every_probe", &self.every_probe).finish_non_exhaustive()
    }
}

/// Probes for people: what did not hold, with its cause, and the guard rails.
pub fn probes(probes: &[Probe], told: &Told<'_>) -> String {
    above(probes, told) + &by_guard_rail(probes, &[])
}

/// What stands above the guard rails.
fn above(probes: &[Probe], told: &Told<'_>) -> String {
    let mut text = match told.every_probe {
        true => rows::rows(probes) + "\n",
        false => String::new(),
    };
    let open = open::open(probes, told);
    if !open.is_empty() {
        let _ = writeln!(text, "{open}");
    }
    text
}

/// A record for people: its probes, what came of weakening the guard rails, and
/// the counts.
pub fn table(record: &RunRecord, told: &Told<'_>) -> String {
    let mut text = above(&record.probes, told);
    text.push_str(&by_guard_rail(&record.probes, &record.proofs));
    text.push_str(&past(&record.proofs));
    let summary = &record.summary;
    let _ = writeln!(
        text,
        "\n{} probes: {}, in {:.1} s on {}{}",
        summary.probes,
        summary.words(),
        record.duration_ms as f64 / 1000.0,
        line_of(&record.upstream.product),
        record
            .upstream
            .version
            .as_ref()
            .map(|version| format!(" {}", line_of(version)))
            .unwrap_or_default(),
    );
    if let Some(proved) = record.proved() {
        let _ = writeln!(text, "{proved}");
    }
    if let Some(mutations) = &record.mutations {
        text.push_str(&weakened(mutations, record.part.is_some()));
    }
    let slowest = open::slowest(&record.phases);
    if !slowest.is_empty() {
        let _ = writeln!(text, "longest: {slowest}");
    }
    if let Some(calibration) = &record.calibration {
        for said in std::iter::once(calibration.sentence()).chain(calibration.beside()) {
            let _ = writeln!(text, "{}", line_of(&said));
        }
    }
    if let Some(reason) = record.unisolated() {
        let _ = writeln!(
            text,
            "UNISOLATED, so that code under test could have changed anything: {}",
            line_of(reason)
        );
    }
    if let Some(part) = &record.part {
        let _ = writeln!(text, "{}", line_of(&part.words()));
    }
    for stale in &record.stale {
        let _ = writeln!(text, "ACCEPTED IN VAIN: {}", line_of(stale));
    }
    if let RunStatus::Incomplete { reason } = &record.status {
        let _ = writeln!(text, "INCOMPLETE, and so no result: {}", line_of(reason));
    }
    text
}

/// What gets past the guard rails, and what is not decided of them.
fn past(proofs: &[Proof]) -> String {
    let mut text = String::new();
    for proof in proofs.iter().filter(|proof| proof.verdict != ProofVerdict::Proved) {
        let word = if proof.is_violated() { "VIOLATED" } else { "undecided" };
        for told in &proof.told {
            let _ = writeln!(text, "{word:<12}{}: {}", line_of(&proof.guard_rail), line_of(told));
        }
    }
    text
}

/// What came of weakening the guard rails; survivors are named, but for those of a
/// part of a run, which the rest may notice.
fn weakened(mutations: &Mutations, part: bool) -> String {
    let mut text = String::new();
    for mutant in &mutations.mutants {
        let word = match mutant.verdict {
            MutantVerdict::Survived if part => continue,
            MutantVerdict::Survived => "UNNOTICED",
            MutantVerdict::NotRun => "not run",
            MutantVerdict::Killed | MutantVerdict::Equivalent => continue,
        };
        let _ = writeln!(text, "{word:<12}{}: {}", line_of(&mutant.id), line_of(&mutant.change));
    }
    let MutationSummary { mutants, killed, survived, equivalent, not_run } = mutations.summary;
    let seconds = mutations.duration_ms as f64 / 1000.0;
    let _ = writeln!(
        text,
        "{mutants} guard rails weakened: {killed} noticed, {survived} unnoticed, {equivalent} \
         equivalent, {not_run} not run, in {seconds:.1} s"
    );
    text
}

/// The counts of each guard rail, in the order of the probes.
pub(crate) fn tallies(probes: &[Probe]) -> Vec<(&str, Tally)> {
    let mut rails: Vec<(&str, Tally)> = Vec::new();
    for probe in probes {
        let one = Tally::of([probe.verdict]);
        match rails.iter_mut().find(|(rail, ..)| *rail == probe.guard_rail) {
            Some((_, tally)) => *tally = tally.with(one),
            None => rails.push((&probe.guard_rail, one)),
        }
    }
    rails
}

/// One line a guard rail, in the order of the probes.
fn by_guard_rail(probes: &[Probe], proofs: &[Proof]) -> String {
    let rails = tallies(probes);
    let tested = |proof: &&Proof| rails.iter().any(|(rail, _)| *rail == proof.guard_rail);
    let alone = proofs.iter().filter(|proof| proof.is_of_packets() && !tested(proof));
    let alone: Vec<(&str, &Proof)> =
        alone.map(|proof| (proof.guard_rail.as_str(), proof)).collect();
    let names = rails.iter().map(|(rail, _)| *rail).chain(alone.iter().map(|(rail, _)| *rail));
    let width = names.map(|rail| rail.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (rail, tally) in &rails {
        let verdict = match tally.verdict() {
            Verdict::Held => "held",
            Verdict::NotApplicable => "n/a",
            Verdict::Accepted => "accept.",
            _ => "FAILED",
        };
        let beyond = tally.beyond();
        let proof = proofs.iter().find(|proof| proof.guard_rail == *rail);
        let proof = proof.map_or_else(String::new, |proof| match proof.verdict {
            ProofVerdict::Violated => ", VIOLATED by another request".to_owned(),
            other => {
                format!(", {} for all {}{}", other.as_str(), proof.asked(), proof.of_whom())
            }
        });
        let (rail, held, all) = (line_of(rail), tally.held, tally.applicable());
        let _ = writeln!(text, "{verdict:<8}{rail:<width$}  {held} of {all}{beyond}{proof}");
    }
    for (rail, proof) in alone {
        let (word, told) = match proof.verdict {
            ProofVerdict::Proved => ("held", "proved for all packets"),
            ProofVerdict::Violated => ("FAILED", "VIOLATED by a packet"),
            ProofVerdict::Undecided => ("open", "undecided for all packets"),
        };
        let rail = line_of(rail);
        let _ = writeln!(text, "{word:<8}{rail:<width$}  {told}");
    }
    text
}

/// A verdict, at the start of a line: what needs looking at stands out.
const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::Failed => "FAILED",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::NotRun => "not run",
        Verdict::NotApplicable => "not applic.",
        Verdict::Accepted => "accepted",
    }
}

#[cfg(test)]
mod tests;

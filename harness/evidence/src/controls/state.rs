//! The state of objectives and requirements in a run.

use std::collections::BTreeMap;

use super::{Basis, Catalogue, Control, Objective};
use crate::{MutantVerdict, RunRecord, Scope, Summary, Verdict};

/// How many probes, mutants or objectives there are of each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Held.
    pub held: usize,
    /// Failed.
    pub failed: usize,
    /// Inconclusive.
    pub inconclusive: usize,
    /// Not run.
    pub not_run: usize,
    /// About something that the estate has none of.
    pub not_applicable: usize,
    /// Not held, and accepted.
    pub accepted: usize,
}

impl Tally {
    /// Counts verdicts.
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let mut tally = Self::default();
        for verdict in verdicts {
            tally.add(verdict);
        }
        tally
    }

    fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Held => self.held += 1,
            Verdict::Failed => self.failed += 1,
            Verdict::Inconclusive => self.inconclusive += 1,
            Verdict::NotRun => self.not_run += 1,
            Verdict::NotApplicable => self.not_applicable += 1,
            Verdict::Accepted => self.accepted += 1,
        }
    }

    /// These and others.
    #[must_use]
    pub const fn with(self, more: Self) -> Self {
        Self {
            held: self.held + more.held,
            failed: self.failed + more.failed,
            inconclusive: self.inconclusive + more.inconclusive,
            not_run: self.not_run + more.not_run,
            not_applicable: self.not_applicable + more.not_applicable,
            accepted: self.accepted + more.accepted,
        }
    }

    /// All of them.
    pub const fn all(self) -> usize {
        self.applicable() + self.not_applicable
    }

    /// Those that are about something that the estate has.
    pub const fn applicable(self) -> usize {
        self.held + self.failed + self.inconclusive + self.not_run + self.accepted
    }

    /// `3 held, 1 failed, 0 inconclusive, 0 not run`; of what is not applicable
    /// or accepted only where something is.
    pub fn words(self) -> String {
        let Self { held, failed, inconclusive, not_run, .. } = self;
        let beyond = self.beyond();
        format!(
            "{held} held, {failed} failed, {inconclusive} inconclusive, {not_run} not run{beyond}"
        )
    }

    /// `, 2 not applicable, 1 accepted`; nothing of what there is none of.
    pub(crate) fn beyond(self) -> String {
        let parts = [(self.not_applicable, "not applicable"), (self.accepted, "accepted")];
        let some = parts.into_iter().filter(|(count, _)| *count > 0);
        some.map(|(count, word)| format!(", {count} {word}")).collect()
    }

    /// What they amount to: held only if all that are applicable are held. One
    /// failure fails all; what was run in part is inconclusive, and nothing at all
    /// is not run. What leaves nothing open but what is accepted is accepted.
    pub const fn verdict(self) -> Verdict {
        if self.failed > 0 {
            Verdict::Failed
        } else if self.applicable() == 0 && self.not_applicable > 0 {
            Verdict::NotApplicable
        } else if self.not_run == self.applicable() {
            Verdict::NotRun
        } else if self.held == self.applicable() {
            Verdict::Held
        } else if self.held + self.accepted == self.applicable() {
            Verdict::Accepted
        } else {
            Verdict::Inconclusive
        }
    }
}

impl From<Summary> for Tally {
    fn from(summary: Summary) -> Self {
        let Summary { held, failed, inconclusive, not_run, not_applicable, accepted, .. } = summary;
        Self { held, failed, inconclusive, not_run, not_applicable, accepted }
    }
}

/// The state of an objective or a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// What it amounts to.
    pub verdict: Verdict,
    /// What was counted: an objective's probes, calls or mutants; a
    /// requirement's objectives.
    pub tally: Tally,
    /// Why it is no better than it is, where the counts do not say it.
    pub reason: Option<String>,
}

/// The state of a catalogue's objectives in one run.
#[derive(Debug, Clone)]
pub struct Assessment {
    objectives: BTreeMap<String, State>,
}

impl Catalogue {
    /// Judges a run.
    pub fn assess(&self, record: &RunRecord) -> Assessment {
        let mut rails: BTreeMap<&str, Tally> = BTreeMap::new();
        for probe in &record.probes {
            rails.entry(&probe.guard_rail).or_default().add(probe.verdict);
        }
        let objectives = self
            .objectives
            .iter()
            .map(|objective| (objective.id.clone(), judge(objective, record, &rails)))
            .collect();
        Assessment { objectives }
    }
}

impl Assessment {
    /// The state of an objective; one that the catalogue lacks was not run.
    pub fn objective(&self, id: &str) -> State {
        self.objectives.get(id).cloned().unwrap_or_else(|| State {
            verdict: Verdict::NotRun,
            tally: Tally::default(),
            reason: Some(format!("the catalogue has no objective `{id}`")),
        })
    }

    /// The state of a requirement, from those of the objectives that support
    /// it: held only if all of them are.
    pub fn control(&self, control: &Control) -> State {
        let states: Vec<(&str, State)> = control
            .supports
            .iter()
            .map(|support| (support.objective.as_str(), self.objective(&support.objective)))
            .collect();
        let tally = Tally::of(states.iter().map(|(_, state)| state.verdict));
        let verdict = tally.verdict();
        let left: Vec<(&str, State)> =
            states.into_iter().filter(|(_, state)| open(state.verdict)).collect();
        let reason = match left.as_slice() {
            [] => None,
            [(id, State { reason: Some(reason), .. })] => Some(format!("{id}: {reason}")),
            several => {
                let several: Vec<String> = several
                    .iter()
                    .map(|(id, state)| format!("{id} {}", state.verdict.as_str().replace('-', " ")))
                    .collect();
                Some(several.join(", "))
            }
        };
        State { verdict, tally, reason }
    }
}

/// Whether a verdict leaves something open.
const fn open(verdict: Verdict) -> bool {
    !matches!(verdict, Verdict::Held | Verdict::NotApplicable)
}

fn judge(objective: &Objective, record: &RunRecord, rails: &BTreeMap<&str, Tally>) -> State {
    let mut state = match objective.basis {
        Basis::Probes => by_probes(objective, record, rails),
        Basis::Journal => by_journal(record),
        Basis::Mutations => by_mutations(record),
        Basis::Manifest => State {
            verdict: Verdict::NotRun,
            tally: Tally::default(),
            reason: Some("a report cannot vouch for itself: verify the bundle".to_owned()),
        },
    };
    if let Some(reason) = past(objective, record) {
        state.verdict = Verdict::Failed;
        state.reason = Some(reason);
    }
    let left = match (&record.status, &record.part) {
        (status, _) if !status.is_complete() => Some("the run did not come to its end".to_owned()),
        (_, Some(part)) => Some(part.words()),
        (_, None) => None,
    };
    if let Some(reason) = left.filter(|_| state.verdict == Verdict::Held) {
        state.verdict = Verdict::Inconclusive;
        state.reason = Some(reason);
    }
    state
}

/// What gets past an objective's guard rails, though no probe did.
fn past(objective: &Objective, record: &RunRecord) -> Option<String> {
    let violated = |packets: bool| {
        let proofs = objective.guard_rails.iter().filter_map(|rail| record.proof(rail));
        let of_kind = proofs.filter(|one| one.is_violated() && one.is_of_packets() == packets);
        of_kind.map(|one| one.guard_rail.as_str()).collect::<Vec<_>>().join("; ")
    };
    let kinds =
        [(false, "a request that no probe made gets past it"), (true, "a packet gets past it")];
    let told = kinds.map(|(packets, words)| (words, violated(packets)));
    let told = told.iter().filter(|(_, rails)| !rails.is_empty());
    let told: Vec<String> = told.map(|(words, rails)| format!("{words}: {rails}")).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// A guard rail that no probe tested counts as one probe that was not run; one of packets
/// as its proof.
fn by_probes(objective: &Objective, record: &RunRecord, rails: &BTreeMap<&str, Tally>) -> State {
    let mut sum = Tally::default();
    let mut proved = Tally::default();
    let mut untested = Vec::new();
    let mut undecided = Vec::new();
    for rail in &objective.guard_rails {
        match (rails.get(rail.as_str()), record.proof_alone(rail)) {
            (Some(tally), _) => sum = sum.with(*tally),
            (None, Some(proof)) => {
                proved.add(proof.stands_for());
                undecided.extend(open(proof.stands_for()).then_some(rail.as_str()));
            }
            (None, None) => untested.push(rail.as_str()),
        }
    }
    let judged = Tally { not_run: sum.not_run + untested.len(), ..sum }.with(proved);
    let reasons = [("without a probe", untested), ("not proved", undecided)];
    let reasons = reasons.iter().filter(|(_, rails)| !rails.is_empty());
    let reasons: Vec<String> =
        reasons.map(|(words, rails)| format!("{words}: {}", rails.join("; "))).collect();
    let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
    State { verdict: judged.verdict(), tally: sum, reason }
}

/// The roads on which every step is an AWS call and leaves an entry.
const CALLS: [&str; 4] = ["api", "cloudformation", "oidc", "function"];

fn by_journal(record: &RunRecord) -> State {
    let called = record.probes.iter().filter(|probe| {
        probe.scope == Scope::Executed
            && matches!(probe.found(), Verdict::Held | Verdict::Failed)
            && CALLS.contains(&probe.road.as_str())
    });
    let tally = Tally::of(called.map(|probe| {
        if probe.request_ids.is_empty() { Verdict::Inconclusive } else { Verdict::Held }
    }));
    let reason = (tally.inconclusive > 0)
        .then(|| format!("{} probes name no entry of the journal", tally.inconclusive));
    State { verdict: tally.verdict(), tally, reason }
}

/// Mutants that no request can tell from the original weigh nothing.
fn by_mutations(record: &RunRecord) -> State {
    let Some(mutations) = &record.mutations else {
        return State {
            verdict: Verdict::NotRun,
            tally: Tally::default(),
            reason: Some("no mutations were run".to_owned()),
        };
    };
    let tally = Tally::of(mutations.mutants.iter().filter_map(|mutant| match mutant.verdict {
        MutantVerdict::Killed => Some(Verdict::Held),
        MutantVerdict::Survived => Some(Verdict::Failed),
        MutantVerdict::NotRun => Some(Verdict::NotRun),
        MutantVerdict::Equivalent => None,
    }));
    let reason = (tally.failed > 0)
        .then(|| format!("{} weakened guard rails were not noticed", tally.failed));
    State { verdict: tally.verdict(), tally, reason }
}

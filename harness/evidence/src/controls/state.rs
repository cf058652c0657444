//! The state of objectives and requirements in a run.

use std::collections::BTreeMap;

use super::{Basis, Catalogue, Control, Objective};
use crate::{MutantVerdict, RunRecord, Scope, Verdict};

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
        }
    }

    /// All of them.
    pub const fn all(self) -> usize {
        self.held + self.failed + self.inconclusive + self.not_run
    }

    /// What they amount to: held only if all are held. One failure fails all;
    /// what was run in part is inconclusive, and nothing at all is not run.
    pub const fn verdict(self) -> Verdict {
        if self.failed > 0 {
            Verdict::Failed
        } else if self.not_run == self.all() {
            Verdict::NotRun
        } else if self.held == self.all() {
            Verdict::Held
        } else {
            Verdict::Inconclusive
        }
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
        let open: Vec<(&str, State)> =
            states.into_iter().filter(|(_, state)| state.verdict != Verdict::Held).collect();
        let reason = match open.as_slice() {
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

fn judge(objective: &Objective, record: &RunRecord, rails: &BTreeMap<&str, Tally>) -> State {
    let mut state = match objective.basis {
        Basis::Probes => by_probes(objective, rails),
        Basis::Journal => by_journal(record),
        Basis::Mutations => by_mutations(record),
        Basis::Manifest => State {
            verdict: Verdict::NotRun,
            tally: Tally::default(),
            reason: Some("a report cannot vouch for itself: verify the bundle".to_owned()),
        },
    };
    if state.verdict == Verdict::Held && !record.status.is_complete() {
        state.verdict = Verdict::Inconclusive;
        state.reason = Some("the run did not come to its end".to_owned());
    }
    state
}

/// A guard rail that no probe tested counts as one probe that was not run.
fn by_probes(objective: &Objective, rails: &BTreeMap<&str, Tally>) -> State {
    let mut sum = Tally::default();
    let mut untested = Vec::new();
    for rail in &objective.guard_rails {
        match rails.get(rail.as_str()) {
            Some(tally) => {
                sum.held += tally.held;
                sum.failed += tally.failed;
                sum.inconclusive += tally.inconclusive;
                sum.not_run += tally.not_run;
            }
            None => untested.push(rail.as_str()),
        }
    }
    let judged = Tally { not_run: sum.not_run + untested.len(), ..sum };
    let reason =
        (!untested.is_empty()).then(|| format!("without a probe: {}", untested.join("; ")));
    State { verdict: judged.verdict(), tally: sum, reason }
}

/// The roads on which every step is an AWS call and leaves an entry.
const CALLS: [&str; 4] = ["api", "cloudformation", "oidc", "function"];

fn by_journal(record: &RunRecord) -> State {
    let called = record.probes.iter().filter(|probe| {
        probe.scope == Scope::Executed
            && matches!(probe.verdict, Verdict::Held | Verdict::Failed)
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

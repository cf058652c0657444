//! What is wrong in a run and was not in an earlier one: how an estate with old
//! faults can be judged every day.

use crate::diff::{Change, Diff};
use crate::mutations::MutantVerdict;
use crate::probe::Verdict;
use crate::record::RunRecord;

/// Everything that is worse in a run than in its baseline: what [`Diff`] calls a
/// regression, what is open for the first time, and each mutant that survives for
/// the first time.
pub fn news(baseline: &RunRecord, run: &RunRecord) -> Vec<String> {
    let diff = Diff::of(baseline, run);
    let open = [Verdict::Inconclusive, Verdict::NotRun].map(Verdict::as_str);
    let mut told = diff.regressions;
    for Change { id, old, new } in &diff.verdicts {
        let Some(new) = new.as_deref().filter(|new| open.contains(new)) else { continue };
        // What held before is a regression already.
        if old.as_deref().is_none_or(|old| old == Verdict::NotApplicable.as_str()) {
            told.push(format!("`{id}` is new and {new}"));
        }
    }
    let (killed, survived) = (MutantVerdict::Killed.as_str(), MutantVerdict::Survived.as_str());
    for Change { id, old, new } in &diff.mutants {
        if new.as_deref() == Some(survived) && old.as_deref() != Some(killed) {
            told.push(format!("mutant `{id}` is new and survives"));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn told(change: impl FnOnce(&mut RunRecord)) -> Vec<String> {
        let baseline = fixtures::record();
        let mut run = baseline.clone();
        change(&mut run);
        news(&baseline, &run)
    }

    #[test]
    fn what_was_wrong_before_and_what_is_better_is_no_news() {
        assert!(!fixtures::record().passed());
        assert_eq!(told(|_| {}), [""; 0]);
        assert_eq!(told(|run| run.probes[1].verdict = Verdict::Held), [""; 0]);
        assert_eq!(told(|run| run.probes.push(fixtures::probe("e", Verdict::Held, ""))), [""; 0]);
    }

    #[test]
    fn what_is_wrong_for_the_first_time_is_told() {
        for (verdict, expected) in [
            (Verdict::Failed, "`e` is new and failed"),
            (Verdict::Inconclusive, "`e` is new and inconclusive"),
            (Verdict::NotRun, "`e` is new and not-run"),
        ] {
            assert_eq!(told(|run| run.probes.push(fixtures::probe("e", verdict, ""))), [expected]);
        }
        assert_eq!(
            told(|run| run.probes[0].verdict = Verdict::Failed),
            ["`a` held and is now failed"]
        );
        let survives = told(|run| {
            let mutants = &mut run.mutations.as_mut().unwrap().mutants;
            let mut more = mutants[0].clone();
            more.id = "m-new".to_owned();
            more.verdict = MutantVerdict::Survived;
            mutants.push(more);
        });
        assert_eq!(survives, ["mutant `m-new` is new and survives"]);
    }
}

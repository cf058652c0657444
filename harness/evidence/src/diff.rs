//! What changed between two runs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::mutations::MutantVerdict;
use crate::probe::Verdict;
use crate::proof::{Proof, ProofVerdict};
use crate::reach::{Reach, ReachRow};
use crate::record::{RunRecord, RunStatus};
use crate::visible::line;

/// What changed between two runs, each list in the order of the ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// The old run's id.
    pub old: String,
    /// The new one's.
    pub new: String,
    /// What is worse than it was: the comparison fails.
    pub regressions: Vec<String>,
    /// Probes whose verdict changed, that came or that went.
    pub verdicts: Vec<Change>,
    /// The same of mutants.
    pub mutants: Vec<Change>,
    /// Files under test that changed, came or went, by path; old and new hash.
    pub inputs: Vec<Change>,
    /// Actions that an identity gained or lost: `IDENTITY ACTION`.
    pub reach: Vec<Change>,
    /// What else the run rested on: versions, upstream, commit.
    pub run: Vec<Change>,
}

/// Something that changed; none where it was not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What.
    pub id: String,
    /// As it was.
    pub old: Option<String>,
    /// As it is.
    pub new: Option<String>,
}

impl Diff {
    /// Compares two runs.
    pub fn of(old: &RunRecord, new: &RunRecord) -> Self {
        let mut diff = Self {
            old: old.run_id.clone(),
            new: new.run_id.clone(),
            regressions: Vec::new(),
            verdicts: changes(&verdicts(old), &verdicts(new)),
            mutants: changes(&mutants(old), &mutants(new)),
            inputs: changes(&inputs(old), &inputs(new)),
            reach: changes(&reach(old, new), &reach(new, old)),
            run: changes(&run(old), &run(new)),
        };
        diff.regressions = diff.worse(new);
        diff.regressions.extend(no_longer_proved(old, new));
        diff
    }

    /// A probe that held and does not, or is gone; a new one that failed; a
    /// mutant that was killed and is not; a run without an end.
    fn worse(&self, new: &RunRecord) -> Vec<String> {
        let mut worse = Vec::new();
        if let RunStatus::Incomplete { reason } = &new.status {
            worse.push(format!("the new run did not come to its end: {reason}"));
        }
        let held = Verdict::Held.as_str();
        for Change { id, old, new } in &self.verdicts {
            match (old.as_deref(), new.as_deref()) {
                (Some(old), Some(new)) if old == held => {
                    worse.push(format!("`{id}` held and is now {new}"));
                }
                (Some(old), None) if old == held => {
                    worse.push(format!("`{id}` held and is not probed any more"));
                }
                (old, Some(new)) if new == Verdict::Failed.as_str() => {
                    let was = old.map_or("is new", |_| "was open");
                    worse.push(format!("`{id}` {was} and failed"));
                }
                _ => {}
            }
        }
        // Without any mutation in the new run there is nothing to compare.
        let killed = MutantVerdict::Killed.as_str();
        for Change { id, old, new: now } in &self.mutants {
            let survives = now.as_deref() == Some(MutantVerdict::Survived.as_str());
            if old.as_deref() == Some(killed) && survives {
                worse.push(format!("mutant `{id}` was killed and survives now"));
            }
        }
        if new.mutations.is_none() && self.mutants.iter().any(|change| change.old.is_some()) {
            worse.push("the old run weakened the guard rails, the new one did not".to_owned());
        }
        worse
    }

    /// Whether anything changed at all, beside the run itself.
    pub fn is_empty(&self) -> bool {
        let all = [&self.verdicts, &self.mutants, &self.inputs, &self.reach, &self.run];
        self.regressions.is_empty() && all.iter().all(|changes| changes.is_empty())
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} -> {}", self.old, self.new)?;
        if self.is_empty() {
            return writeln!(f, "nothing changed");
        }
        for (title, changes) in [
            ("verdicts", &self.verdicts),
            ("mutants", &self.mutants),
            ("inputs", &self.inputs),
            ("reach", &self.reach),
            ("run", &self.run),
        ] {
            if changes.is_empty() {
                continue;
            }
            writeln!(f, "\n{title}: {} changed", changes.len())?;
            for Change { id, old, new } in changes {
                let said = |side: &Option<String>| line(side.as_deref().unwrap_or("none"));
                writeln!(f, "  {}: {} -> {}", line(id), said(old), said(new))?;
            }
        }
        writeln!(f, "\n{} regressions", self.regressions.len())?;
        self.regressions.iter().try_for_each(|regression| writeln!(f, "  {}", line(regression)))
    }
}

/// Guard rails that were proved and are not, and those that a request gets past for
/// the first time.
fn no_longer_proved(old: &RunRecord, new: &RunRecord) -> Vec<String> {
    let told = |proof: &Proof| {
        let (rail, now) = (&proof.guard_rail, proof.verdict.as_str());
        match old.proof(rail).map(|before| before.verdict) {
            Some(before) if before == proof.verdict => None,
            Some(ProofVerdict::Proved) => Some(format!("`{rail}` was proved and is now {now}")),
            _ if proof.is_violated() => Some(format!("`{rail}` is new and {now}")),
            _ => None,
        }
    };
    new.proofs.iter().filter_map(told).collect()
}

type Facts = BTreeMap<String, String>;

fn changes(old: &Facts, new: &Facts) -> Vec<Change> {
    let mut ids: Vec<&String> = old.keys().chain(new.keys()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
        .map(|id| Change { id: id.clone(), old: old.get(id).cloned(), new: new.get(id).cloned() })
        .filter(|change| change.old != change.new)
        .collect()
}

fn verdicts(record: &RunRecord) -> Facts {
    let probes = record.probes.iter();
    probes.map(|probe| (probe.id.clone(), probe.verdict.as_str().to_owned())).collect()
}

fn mutants(record: &RunRecord) -> Facts {
    let mutants = record.mutations.iter().flat_map(|mutations| &mutations.mutants);
    mutants.map(|mutant| (mutant.id.clone(), mutant.verdict.as_str().to_owned())).collect()
}

fn inputs(record: &RunRecord) -> Facts {
    let inputs = record.inputs.iter();
    inputs.map(|input| (input.path.clone(), format!("{} {}", input.kind, input.sha256))).collect()
}

/// What identities can do. Of two records of which one decided nothing the actions alone
/// can be compared.
fn reach(record: &RunRecord, other: &RunRecord) -> Facts {
    let is_at_most = |record: &RunRecord| record.reach.iter().any(Reach::is_at_most);
    let are_alike = is_at_most(record) == is_at_most(other);
    let mut facts = Facts::new();
    for reach in &record.reach {
        for row in &reach.rows {
            let said = match row {
                _ if !are_alike => "allowed".to_owned(),
                ReachRow::Decided(row) => row.to_string(),
                ReachRow::AtMost(row) if row.conditions.is_empty() => row.resources.join(" "),
                ReachRow::AtMost(row) => {
                    format!("{} if {}", row.resources.join(" "), row.conditions.join(", "))
                }
            };
            facts.insert(format!("{} {}", reach.identity, row.action()), said);
        }
    }
    facts
}

fn run(record: &RunRecord) -> Facts {
    let upstream = &record.upstream;
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    let tree = record.provenance.tree_clean.map_or("not known", |c| if c { "yes" } else { "no" });
    let mut facts = Facts::from([
        ("ringfence".to_owned(), record.version.clone()),
        ("binary".to_owned(), record.provenance.binary_sha256.clone()),
        ("commit".to_owned(), said(&record.provenance.commit)),
        ("tree clean".to_owned(), tree.to_owned()),
        ("upstream".to_owned(), {
            format!("{} {} {}", upstream.product, said(&upstream.version), said(&upstream.digest))
        }),
        ("account".to_owned(), format!("{} {}", record.accounts_told(), record.region)),
        ("configuration".to_owned(), record.configuration.clone()),
    ]);
    for (name, version) in &record.tools {
        facts.insert(format!("tool {name}"), version.clone());
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::record::Summary;

    fn with(change: impl FnOnce(&mut RunRecord)) -> Diff {
        let old = fixtures::record();
        let mut new = old.clone();
        change(&mut new);
        new.summary = Summary::of(&new.probes);
        Diff::of(&old, &new)
    }

    #[test]
    fn nothing_changed_is_no_change() {
        let diff = with(|_| {});
        assert!(diff.is_empty());
        assert!(diff.to_string().ends_with("\nnothing changed\n"));
    }

    #[test]
    fn what_held_and_does_not_or_is_gone_is_a_regression() {
        for (verdict, expected) in [
            (Some(Verdict::Failed), "`a` held and is now failed"),
            (Some(Verdict::Inconclusive), "`a` held and is now inconclusive"),
            (Some(Verdict::NotRun), "`a` held and is now not-run"),
            (None, "`a` held and is not probed any more"),
        ] {
            let diff = with(|record| match verdict {
                Some(verdict) => record.probes[0].verdict = verdict,
                None => drop(record.probes.remove(0)),
            });
            assert_eq!(diff.regressions, [expected]);
        }
    }

    #[test]
    fn what_is_better_or_new_and_held_is_none() {
        let diff = with(|record| {
            record.probes[1].verdict = Verdict::Held;
            record.probes.push(fixtures::probe("e", Verdict::Held, "refused"));
        });
        assert_eq!(diff.regressions, Vec::<String>::new());
        let told: Vec<&str> = diff.verdicts.iter().map(|change| change.id.as_str()).collect();
        assert_eq!(told, ["b", "e"]);
    }

    #[test]
    fn a_new_failure_a_surviving_mutant_and_a_run_without_end_are_regressions() {
        let diff = with(|record| {
            record.probes.push(fixtures::probe("e", Verdict::Failed, "allowed"));
            record.mutations.as_mut().unwrap().mutants[0].verdict = MutantVerdict::Survived;
            record.status = RunStatus::Incomplete { reason: "killed".to_owned() };
        });
        assert_eq!(
            diff.regressions,
            [
                "the new run did not come to its end: killed",
                "`e` is new and failed",
                "mutant `m-1` was killed and survives now"
            ]
        );
        let diff = with(|record| record.mutations = None);
        assert_eq!(diff.regressions.len(), 1);
    }

    #[test]
    fn inputs_permissions_and_versions_are_told() {
        let diff = with(|record| {
            record.inputs[0].sha256 = "22".repeat(32);
            record.reach[0].rows.clear();
            record.version = "0.2.0".to_owned();
        });
        assert_eq!(diff.inputs[0].id, "terraform/main.tf");
        assert_eq!(diff.reach[0].id, "high-perm iam:CreateRole");
        assert_eq!(diff.reach[0].new, None);
        assert_eq!(diff.run[0].id, "ringfence");
        assert_eq!(diff.regressions, Vec::<String>::new());
    }

    #[test]
    fn what_an_identity_can_do_is_compared_by_its_requests_where_both_were_decided() {
        let diff = with(|record| {
            let ReachRow::Decided(row) = &mut record.reach[0].rows[0] else { panic!("decided") };
            row.resource = "arn:aws:iam::123456789012:role/x".to_owned();
        });
        let key = "iam:PermissionsBoundary = arn:aws:iam::123456789012:policy/Boundary";
        let of = |name: &str| format!("arn:aws:iam::123456789012:role/{name} with {key}");
        let [change] = &diff.reach[..] else { panic!("{diff:?}") };
        assert_eq!(change.id, "high-perm iam:CreateRole");
        assert_eq!(change.old, Some(of("app-service-a-")));
        assert_eq!(change.new, Some(of("x")));
    }

    #[test]
    fn an_upper_bound_is_compared_by_its_actions_alone() {
        let at_most = |action: &str| {
            ReachRow::AtMost(crate::Stated {
                action: action.to_owned(),
                resources: vec!["*".to_owned()],
                conditions: Vec::new(),
                limited_by: Vec::new(),
            })
        };
        let mut old = fixtures::record();
        old.reach[0].rows = vec![at_most("iam:CreateRole"), at_most("iam:PassRole")];
        let diff = Diff::of(&old, &fixtures::record());
        let [change] = &diff.reach[..] else { panic!("{diff:?}") };
        assert_eq!(change.id, "high-perm iam:PassRole");
        assert_eq!((change.old.as_deref(), change.new.as_deref()), (Some("allowed"), None));
    }
}

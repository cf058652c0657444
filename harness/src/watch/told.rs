//! What a watch answers. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use ringfence_evidence::{Places, Proof, ProofVerdict};

use super::kept::Why;
use crate::attacks::{Decider, Finding, Verdict};

/// How long the steps of an answer took.
#[derive(Debug, Clone, Default)]
pub(super) struct Times(Vec<(&'static str, Duration)>);

impl Times {
    pub(super) fn add(&mut self, step: &'static str, took: Duration) {
        self.0.push((step, took));
    }

    /// `6.2 s (Terraform 4.1 s, attacks 2.1 s)`.
    fn told(&self, all: Duration) -> String {
        let seconds = |took: Duration| format!("{:.1} s", took.as_secs_f64());
        let steps: Vec<String> =
            self.0.iter().map(|(step, took)| format!("{step} {}", seconds(*took))).collect();
        format!("{} ({})", seconds(all), steps.join(", "))
    }
}

/// Which attacks were made, and why not the others.
#[derive(Debug, Clone)]
pub(super) enum Extent {
    /// All, since what the change reaches cannot be told from decisions.
    All(String),
    /// Those whose decisions can have changed.
    Some(BTreeMap<String, Why>),
}

impl Extent {
    pub(super) fn told(&self, all: usize) -> String {
        match self {
            Self::All(why) => format!("all {all} attacks were made: {why}"),
            Self::Some(made) => {
                let of = |wanted: Why| made.values().filter(|why| **why == wanted).count();
                let reasons: Vec<String> = [
                    (of(Why::Decided), "decided otherwise"),
                    (of(Why::Open), "that did not hold before"),
                    (of(Why::New), "new"),
                    (of(Why::Unrecorded), "not decided by policies alone"),
                ]
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| format!("{count} {what}"))
                .collect();
                let reasons = match reasons.as_slice() {
                    [] => String::new(),
                    reasons => format!(": {}", reasons.join(", ")),
                };
                let left = all.saturating_sub(made.len());
                let mut told = format!("{} of {all} attacks were made{reasons}", made.len());
                if left > 0 {
                    let _ = write!(
                        told,
                        "\n{left} were not made again: the text of policies alone changed, and \
                         under it each of their requests is decided by the same layer and \
                         statement as when they were made"
                    );
                }
                told
            }
        }
    }
}

/// The attacks whose verdicts changed, with the statement that refused and the one
/// that decides now.
pub(super) fn turned(
    before: &BTreeMap<String, Finding>,
    after: &BTreeMap<String, Finding>,
    places: (&Places, &Places),
) -> String {
    let mut text = String::new();
    for (id, now) in after {
        let was = before.get(id);
        let verdict = was.map(|was| was.verdict);
        if verdict == Some(now.verdict) || (was.is_none() && now.verdict == Verdict::Held) {
            continue;
        }
        let from = verdict.map_or("new", Verdict::name);
        let _ = writeln!(text, "{from} → {}  {} [{id}]", now.verdict.name(), now.title);
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "    {name:<9}{value}");
        };
        if now.verdict == Verdict::Held {
            if let Some(decided) = decided(&now.decided_by, places.1) {
                line("decided", &decided);
            }
            continue;
        }
        line("expected", &now.expected);
        line("observed", &now.observed);
        if let Some(reason) = now.reason.as_ref().filter(|reason| **reason != now.observed) {
            line("because", reason);
        }
        if let Some(decided) = was.and_then(|was| decided(&was.decided_by, places.0)) {
            line("before", &decided);
        }
        if let Some(decided) = decided(&now.decided_by, places.1) {
            line("decided", &decided);
        }
    }
    for (id, was) in before.iter().filter(|(id, _)| !after.contains_key(*id)) {
        let _ = writeln!(text, "{} → gone  {} [{id}]", was.verdict.name(), was.title);
    }
    text
}

/// What decided last, and where it stands.
fn decided(decided_by: &[Decider], places: &Places) -> Option<String> {
    let last = decided_by.last()?;
    let Decider { action, resource, outcome, layer, policy, sid, index, .. } = last;
    let outcome = outcome.replace('_', " ");
    let asked = format!("{outcome} of {action} on {resource}");
    let statement = match (sid, index) {
        (Some(sid), _) => format!("statement `{sid}`"),
        (None, Some(index)) => format!("statement {}", index + 1),
        (None, None) => return Some(format!("{asked}: no statement of the {layer} layer")),
    };
    let policy = policy.as_ref().map(|policy| format!(" of `{policy}`")).unwrap_or_default();
    let place = sid.as_ref().and_then(|sid| places.statement(sid));
    let place = place.map(|place| format!(", {}:{}", place.file, place.line)).unwrap_or_default();
    Some(format!("{asked}: {statement}{policy} ({layer}){place}"))
}

/// The last lines of an answer.
pub(super) fn ended(findings: &BTreeMap<String, Finding>, times: &Times, all: Duration) -> String {
    let of = |verdicts: &[Verdict]| {
        findings.values().filter(|finding| verdicts.contains(&finding.verdict)).count()
    };
    let open = of(&[Verdict::Inconclusive, Verdict::NotRun]);
    format!(
        "now: {} held, {} failed, {open} open; answered in {}",
        of(&[Verdict::Held]),
        of(&[Verdict::Failed]),
        times.told(all)
    )
}

/// What the proof says now, against before.
pub(super) fn proved(before: &[Proof], after: &[Proof]) -> String {
    let mut text = String::new();
    for now in after {
        let was = before.iter().find(|was| was.guard_rail == now.guard_rail);
        let was = was.map(|was| was.verdict);
        if was == Some(now.verdict) {
            continue;
        }
        let from = was.map_or("", ProofVerdict::as_str);
        let _ = writeln!(text, "{from} → {}  {}", now.verdict.as_str(), now.guard_rail);
        if now.verdict != ProofVerdict::Proved {
            for told in now.told.iter().take(NAMED) {
                let _ = writeln!(text, "    {told}");
            }
        }
    }
    let proved = after.iter().filter(|proof| proof.verdict == ProofVerdict::Proved).count();
    let _ = write!(text, "{proved} of {} guard rails are proved for all requests", after.len());
    text
}

/// How many requests of a guard rail that is no longer proved are named.
const NAMED: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attacks::finding::{Road, Scope, Untried};
    use crate::guard_rail::GuardRail;

    fn finding(verdict: Verdict, outcome: &str, sid: Option<&str>) -> Finding {
        let told = Untried {
            id: "a/b/api".into(),
            identity: "a".into(),
            road: Road::Api,
            scope: Scope::Executed,
            title: "a does b".into(),
            expected: "it is refused".into(),
            guard_rail: GuardRail::CodeCeiling,
        };
        let mut finding = Finding::untried(told, verdict, "it succeeded");
        finding.observed = "it succeeded".into();
        finding.decided_by = vec![Decider {
            action: "iam:CreateUser".into(),
            resource: "*".into(),
            outcome: outcome.into(),
            layer: "boundary".into(),
            policy: Some("policy/limits".into()),
            sid: sid.map(str::to_owned),
            index: Some(0),
            text: None,
            explanation: String::new(),
        }];
        finding
    }

    fn one(finding: Finding) -> BTreeMap<String, Finding> {
        BTreeMap::from([(finding.id.clone(), finding)])
    }

    #[test]
    fn a_verdict_that_turned_is_told_with_both_statements_and_the_place() {
        let held = one(finding(Verdict::Held, "explicit_deny", Some("NoUsers")));
        let failed = one(finding(Verdict::Failed, "allow", None));
        let text = BTreeMap::from([("iam.tf".to_owned(), "\n  sid = \"NoUsers\"\n".to_owned())]);
        let (then, now) = (Places::of(&text), Places::default());
        assert_eq!(
            turned(&held, &failed, (&then, &now)),
            "held → failed  a does b [a/b/api]\n    \
             expected it is refused\n    \
             observed it succeeded\n    \
             before   explicit deny of iam:CreateUser on *: statement `NoUsers` of `policy/limits` (boundary), iam.tf:2\n    \
             decided  allow of iam:CreateUser on *: statement 1 of `policy/limits` (boundary)\n"
        );
        assert_eq!(
            turned(&failed, &held, (&now, &then)),
            "failed → held  a does b [a/b/api]\n    \
             decided  explicit deny of iam:CreateUser on *: statement `NoUsers` of `policy/limits` (boundary), iam.tf:2\n"
        );
        assert_eq!(turned(&held, &held, (&then, &then)), "");
        assert_eq!(
            turned(&held, &BTreeMap::new(), (&then, &then)),
            "held → gone  a does b [a/b/api]\n"
        );
    }

    #[test]
    fn what_was_not_made_again_is_told_with_the_reason() {
        let made = BTreeMap::from([
            ("a".to_owned(), Why::Decided),
            ("b".to_owned(), Why::Decided),
            ("c".to_owned(), Why::Open),
        ]);
        let told = Extent::Some(made).told(10);
        assert!(
            told.starts_with(
                "3 of 10 attacks were made: 2 decided otherwise, 1 that did not hold before\n\
                 7 were not made again: the text of policies alone changed"
            ),
            "{told}"
        );
        let all = Extent::All("`aws_iam_role.app` changed".into()).told(10);
        assert_eq!(all, "all 10 attacks were made: `aws_iam_role.app` changed");
    }

    #[test]
    fn the_last_line_counts_and_says_where_the_time_went() {
        let mut times = Times::default();
        times.add("Terraform", Duration::from_millis(4100));
        times.add("attacks", Duration::from_millis(2060));
        let failed = one(finding(Verdict::Failed, "allow", None));
        assert_eq!(
            ended(&failed, &times, Duration::from_millis(6200)),
            "now: 0 held, 1 failed, 0 open; answered in 6.2 s (Terraform 4.1 s, attacks 2.1 s)"
        );
    }
}

//! What did not hold: its cause, where it stands, and how to try it alone.

use std::fmt::Write as _;

use super::Told;
use crate::probe::{Decider, Probe, Verdict};
use crate::record::Phase;
use crate::visible::line as line_of;

/// The paragraphs of the probes that are neither held nor about something that
/// the estate has none of.
pub(super) fn open(probes: &[Probe], with: &Told<'_>) -> String {
    let mut text = String::new();
    let left = |probe: &&Probe| !matches!(probe.verdict, Verdict::Held | Verdict::NotApplicable);
    for probe in probes.iter().filter(left) {
        let _ = writeln!(text, "{:<14}{}", super::word(probe.verdict), line_of(&probe.title));
        for (name, value) in told(probe, with) {
            let _ = writeln!(text, "{:14}{name:<10}{}", "", line_of(&value));
        }
    }
    text
}

fn told(probe: &Probe, with: &Told<'_>) -> Vec<(&'static str, String)> {
    let mut told = vec![("expected", probe.expected.clone()), ("observed", probe.observed.clone())];
    if let Some(reason) = probe.reason.as_ref().filter(|reason| **reason != probe.observed) {
        told.push(("because", reason.clone()));
    }
    for (index, decider) in deciders(&probe.decided_by).into_iter().enumerate() {
        told.push((if index == 0 { "decided" } else { "" }, decider));
    }
    if let Some(accepted) = probe.acceptance() {
        told.push(("accepted", accepted));
    }
    if let Some(place) = with.places.decider(probe) {
        told.push(("see", format!("{}:{}", place.file, place.line)));
    }
    told.extend((with.again)(probe).map(|command| ("again", command)));
    told
}

/// The last permission that was checked is the one that decided: its outcome,
/// and the statements behind it.
fn deciders(decided_by: &[Decider]) -> Vec<String> {
    let Some(last) = decided_by.last() else { return Vec::new() };
    let same =
        |decider: &&Decider| (&decider.action, &decider.resource) == (&last.action, &last.resource);
    decided_by.iter().filter(same).map(decider).collect()
}

fn decider(decider: &Decider) -> String {
    let Decider { action, resource, outcome, layer, policy, sid, index, .. } = decider;
    let outcome = outcome.replace('_', " ");
    let asked = format!("{outcome} of {action} on {resource}");
    let statement = match (sid, index) {
        (Some(sid), _) => format!("statement `{sid}`"),
        (None, Some(index)) => format!("statement {}", index + 1),
        (None, None) => return format!("{asked}: no statement of the {layer} layer"),
    };
    let policy = policy.as_ref().map(|policy| format!(" of `{policy}`")).unwrap_or_default();
    format!("{asked}: {statement}{policy} ({layer})")
}

/// The times of the phases that took longest, longest first.
pub(super) fn slowest(phases: &[Phase]) -> String {
    let mut phases: Vec<&Phase> = phases.iter().filter(|phase| phase.duration_ms >= 500).collect();
    phases.sort_by_key(|phase| std::cmp::Reverse(phase.duration_ms));
    let told: Vec<String> = phases
        .iter()
        .take(4)
        .map(|phase| format!("{} {:.1} s", line_of(&phase.name), phase.duration_ms as f64 / 1000.0))
        .collect();
    told.join(", ")
}

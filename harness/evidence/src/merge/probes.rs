//! The probes of all shares.

use std::collections::{BTreeMap, BTreeSet};

use super::Numbered;
use crate::part::Share;
use crate::probe::{Probe, Verdict};

/// Who says of a guard rail that the estate has nothing that it is about.
const ESTATE: &str = "estate";

/// All probes, by guard rail, with the share that each is of. An attack is made
/// by its own share; what is none is made by each, and counts as the worst.
pub(super) fn merge(
    shares: &[Numbered<'_>],
    problems: &mut Vec<String>,
) -> (Vec<Probe>, Vec<Share>) {
    let attacks: BTreeSet<&str> =
        shares.iter().flat_map(|numbered| numbered.attacks).map(String::as_str).collect();
    let mut rails: Vec<&str> = Vec::new();
    let mut found: BTreeMap<&str, (Share, &Probe)> = BTreeMap::new();
    for numbered in shares {
        let share = numbered.share;
        for probe in &numbered.bundle.record.probes {
            let (id, rail) = (probe.id.as_str(), probe.guard_rail.as_str());
            if attacks.contains(id) && !share.has(id) {
                let name = &numbered.bundle.name;
                problems.push(format!("`{name}` has `{id}`, which is no attack of it"));
            }
            if !rails.contains(&rail) {
                rails.push(rail);
            }
            let worst = found.entry(id).or_insert((share, probe));
            if weight(probe.verdict) > weight(worst.1.verdict) {
                *worst = (share, probe);
            }
        }
    }
    for numbered in shares {
        problems.extend(missing(numbered, &found));
    }
    let mut merged: Vec<(Share, &Probe)> = found.into_values().collect();
    // A guard rail that another share has a probe about is not without one.
    let tested: BTreeSet<&str> = merged
        .iter()
        .filter(|(_, probe)| probe.identity != ESTATE)
        .map(|(_, probe)| probe.guard_rail.as_str())
        .collect();
    merged.retain(|(_, probe)| {
        probe.identity != ESTATE || !tested.contains(probe.guard_rail.as_str())
    });
    merged.sort_by_key(|(_, probe)| rails.iter().position(|rail| *rail == probe.guard_rail));
    merged.into_iter().map(|(share, probe)| (probe.clone(), share)).unzip()
}

/// What is told where a share lacks attacks of its own, and does not say itself
/// that something could not be run.
fn missing(numbered: &Numbered<'_>, found: &BTreeMap<&str, (Share, &Probe)>) -> Option<String> {
    let own = numbered.attacks.iter().filter(|id| numbered.share.has(id));
    let missing: Vec<&str> = own.map(String::as_str).filter(|id| !found.contains_key(id)).collect();
    let probes = &numbered.bundle.record.probes;
    let told = probes
        .iter()
        .any(|probe| probe.verdict == Verdict::NotRun && !numbered.attacks.contains(&probe.id));
    let first = missing.first().filter(|_| !told)?;
    let name = &numbered.bundle.name;
    Some(format!("`{name}` lacks {} attacks of its own, `{first}` for one", missing.len()))
}

/// How much a verdict weighs where shares have several.
const fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Failed => 5,
        Verdict::Inconclusive => 4,
        Verdict::NotRun => 3,
        Verdict::Accepted => 2,
        Verdict::Held => 1,
        Verdict::NotApplicable => 0,
    }
}

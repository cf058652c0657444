//! One record out of the records of all shares of a run.
//!
//! Shares are of one run only if they were of the same files, the same
//! deployed documents (but for the ids that AWS gives), the same versions and
//! the same list of attacks. Each attack is in one share; what every share
//! makes for itself (its deployments, and that nobody interfered) counts as the
//! worst of them. A weakened guard rail was noticed if a probe of any share
//! noticed.

mod mutants;
mod probes;
mod renamed;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use self::renamed::Renaming;
use crate::acceptance::Idle;
use crate::bundle::DEPLOYED;
use crate::part::{Part, Share};
use crate::proof::{Proof, ProofVerdict};
use crate::record::{Input, Isolation, Phase, RunRecord, Starts, Summary};

/// The bundle of a share.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Its directory, for what is told.
    pub name: String,
    /// Its record.
    pub record: RunRecord,
    /// The SHA-256 of its manifest.
    pub manifest_sha256: String,
    /// Who signed it, where that was verified.
    pub signer: Option<String>,
    /// The texts of what was deployed, by their paths.
    pub deployed: BTreeMap<String, String>,
}

/// A share that a record was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merged {
    /// Which share.
    pub share: Share,
    /// The run that made it.
    pub run_id: String,
    /// The SHA-256 of its manifest.
    pub manifest_sha256: String,
    /// The fingerprint of the key that signed it, where that was verified.
    pub signer: Option<String>,
}

/// What all shares are together.
#[derive(Debug)]
pub struct Together {
    /// The record: without `run_id`, `started`, `provenance` of its own.
    pub record: RunRecord,
    /// For each probe of it, in order, the place of the bundle that it is of.
    pub origin: Vec<usize>,
}

/// A share, with what it says of itself.
#[derive(Clone, Copy)]
struct Numbered<'a> {
    share: Share,
    attacks: &'a [String],
    idle: &'a [Idle],
    bundle: &'a Shared,
}

impl<'a> Numbered<'a> {
    fn of(bundle: &'a Shared) -> Option<Self> {
        match &bundle.record.part {
            Some(Part::Share { share, attacks, idle }) => {
                Some(Self { share: *share, attacks, idle, bundle })
            }
            _ => None,
        }
    }

    fn merged(&self) -> Merged {
        Merged {
            share: self.share,
            run_id: self.bundle.record.run_id.clone(),
            manifest_sha256: self.bundle.manifest_sha256.clone(),
            signer: self.bundle.signer.clone(),
        }
    }
}

/// Makes one record of all shares. Probes name the share that they are of by its
/// place in `given`.
///
/// # Errors
/// All reasons why these are not the shares of one run.
pub fn merge(given: &[Shared]) -> Result<Together, Vec<String>> {
    let mut shares: Vec<Numbered<'_>> = given.iter().filter_map(Numbered::of).collect();
    shares.sort_by_key(|numbered| numbered.share.number());
    let mut problems: Vec<String> = given
        .iter()
        .filter(|bundle| Numbered::of(bundle).is_none())
        .map(|bundle| format!("`{}` is no share of a run", bundle.name))
        .collect();
    all_there(&shares, &mut problems);
    let Some((first, others)) = shares.split_first() else { return Err(problems) };
    for other in others {
        alike(first.bundle, other.bundle, &mut problems);
        if first.attacks != other.attacks {
            let (one, other) = (&first.bundle.name, &other.bundle.name);
            problems.push(format!("`{one}` and `{other}` are shares of other attacks"));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let (probes, of) = probes::merge(&shares, &mut problems);
    let mutations = mutants::merge(&shares, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let records = || shares.iter().map(|numbered| &numbered.bundle.record);
    let record = RunRecord {
        summary: Summary::of(&probes),
        probes,
        mutations,
        part: None,
        shares: shares.iter().map(Numbered::merged).collect(),
        started: records().map(|record| record.started.clone()).min().unwrap_or_default(),
        ended: records().map(|record| record.ended.clone()).max().flatten(),
        duration_ms: records().map(|record| record.duration_ms).max().unwrap_or_default(),
        phases: shares.iter().flat_map(phases).collect(),
        deviations: deviations(&shares),
        readings: records().flat_map(|record| record.readings.clone()).collect(),
        isolation: isolation(&records().map(|record| &record.isolation).collect::<Vec<_>>()),
        proofs: proofs(&shares),
        certificates_sha256: None,
        stale: stale(&shares),
        calibration: None,
        ..first.bundle.record.clone()
    };
    let place = |share: Share| {
        given
            .iter()
            .position(|bundle| Numbered::of(bundle).is_some_and(|numbered| numbered.share == share))
    };
    let origin = of.into_iter().filter_map(place).collect();
    Ok(Together { record, origin })
}

/// How all parts were kept apart: one that was not isolated leaves nothing
/// isolated. What it cost is the sum.
fn isolation(parts: &[&Option<Isolation>]) -> Option<Isolation> {
    let weakest = |own: &&&Option<Isolation>| {
        own.as_ref().is_none_or(|isolation| isolation.unisolated.is_some())
    };
    let mut all = (*parts.iter().max_by_key(weakest)?).clone()?;
    all.starts = parts.iter().filter_map(|own| own.as_ref()?.starts).reduce(|sum, own| Starts {
        count: sum.count.saturating_add(own.count),
        duration_ms: sum.duration_ms.saturating_add(own.duration_ms),
    });
    Some(all)
}

/// Each share once, and none missing.
fn all_there(shares: &[Numbered<'_>], problems: &mut Vec<String>) {
    let Some(of) = shares.first().map(|numbered| numbered.share.of()) else {
        problems.push("no share was given".to_owned());
        return;
    };
    for Numbered { share, bundle, .. } in shares.iter().filter(|it| it.share.of() != of) {
        problems.push(format!("`{}` is share {share}, and not one of {of}", bundle.name));
    }
    for number in 1..=of {
        let found: Vec<String> = shares
            .iter()
            .filter(|numbered| (numbered.share.number(), numbered.share.of()) == (number, of))
            .map(|numbered| format!("`{}`", numbered.bundle.name))
            .collect();
        match found.len() {
            0 => problems.push(format!("share {number}/{of} is missing")),
            1 => {}
            _ => problems.push(format!("share {number}/{of} ran twice: {}", found.join(", "))),
        }
    }
}

/// Whether two shares are of the same estate, judged by the same.
fn alike(one: &Shared, other: &Shared, problems: &mut Vec<String>) {
    let (first, second) = (&one.record, &other.record);
    let mut differ = |what: &str| {
        problems.push(format!("`{}` and `{}` differ in {what}", one.name, other.name));
    };
    let upstream = |record: &RunRecord| {
        let own = &record.upstream;
        (own.backend.clone(), own.product.clone(), own.version.clone(), own.digest.clone())
    };
    for (what, same) in [
        ("the version of the record", first.schema_version == second.schema_version),
        ("Ringfence's version", first.version == second.version),
        ("Ringfence's binary", binary(first) == binary(second)),
        ("the configuration", first.configuration == second.configuration),
        ("the account", first.accounts_told() == second.accounts_told()),
        ("the region", first.region == second.region),
        ("what answers behind the guard", upstream(first) == upstream(second)),
        ("the tools' versions", first.tools == second.tools),
    ] {
        if !same {
            differ(what);
        }
    }
    for path in differing(sources(first), sources(second)) {
        differ(&format!("the input `{path}`"));
    }
    let mut renaming = Renaming::default();
    let paths: BTreeSet<&String> = one.deployed.keys().chain(other.deployed.keys()).collect();
    for path in paths {
        let (here, there) = (one.deployed.get(path), other.deployed.get(path));
        let same = here.zip(there).is_some_and(|(here, there)| renaming.same(here, there));
        if !same {
            differ(&format!("what was deployed: `{path}`"));
        }
    }
}

fn binary(record: &RunRecord) -> &str {
    &record.provenance.binary_sha256
}

/// The files that somebody wrote, with their hashes.
fn sources(record: &RunRecord) -> BTreeMap<&str, &str> {
    let written = |input: &&Input| !is_deployed(&input.path);
    let inputs = record.inputs.iter().filter(written);
    inputs.map(|input| (input.path.as_str(), input.sha256.as_str())).collect()
}

/// Whether an input is a document as it was deployed.
pub fn is_deployed(path: &str) -> bool {
    path.split('/').next() == Some(DEPLOYED)
}

fn differing<'a>(
    one: BTreeMap<&'a str, &'a str>,
    other: BTreeMap<&'a str, &'a str>,
) -> Vec<&'a str> {
    let paths: BTreeSet<&str> = one.keys().chain(other.keys()).copied().collect();
    paths.into_iter().filter(|path| one.get(path) != other.get(path)).collect()
}

/// What each share proved of the state that it deployed, the worst of each guard
/// rail.
fn proofs(shares: &[Numbered<'_>]) -> Vec<Proof> {
    let weight = |proof: &Proof| match proof.verdict {
        ProofVerdict::Violated => 2,
        ProofVerdict::Undecided => 1,
        ProofVerdict::Proved => 0,
    };
    let mut worst: Vec<Proof> = Vec::new();
    for proof in shares.iter().flat_map(|numbered| &numbered.bundle.record.proofs) {
        match worst.iter_mut().find(|known| known.guard_rail == proof.guard_rail) {
            None => worst.push(proof.clone()),
            Some(known) if weight(proof) > weight(known) => *known = proof.clone(),
            Some(_) => {}
        }
    }
    worst
}

/// The entries that have expired, and those that accept nothing in any share: the
/// share whose probes they are about knows best why.
fn stale(shares: &[Numbered<'_>]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for expired in shares.iter().flat_map(|numbered| &numbered.bundle.record.stale) {
        if !told.contains(expired) {
            told.push(expired.clone());
        }
    }
    let of_first = shares.first().map(|first| first.idle).unwrap_or_default();
    told.extend(of_first.iter().filter_map(|entry| {
        let same = |numbered: &Numbered<'_>| {
            numbered.idle.iter().find(|other| other.place == entry.place).cloned()
        };
        let in_all: Option<Vec<Idle>> = shares.iter().map(same).collect();
        Some(in_all?.into_iter().max_by_key(|idle| idle.probes)?.told)
    }));
    told
}

fn phases(numbered: &Numbered<'_>) -> Vec<Phase> {
    let share = numbered.share;
    let named = |phase: &Phase| Phase { name: format!("{share}: {}", phase.name), ..phase.clone() };
    numbered.bundle.record.phases.iter().map(named).collect()
}

/// What differs from what was asked for, once; and who vouches for the shares.
fn deviations(shares: &[Numbered<'_>]) -> Vec<String> {
    let of_records = shares.iter().flat_map(|it| it.bundle.record.deviations.iter().cloned());
    let unsigned = shares.iter().filter(|it| it.bundle.signer.is_none()).map(|it| {
        let share = it.share;
        format!(
            "share {share} is UNSIGNED, or its signature was not verified: nobody vouches for it"
        )
    });
    let mut told: Vec<String> = Vec::new();
    for text in of_records.chain(unsigned) {
        if !told.contains(&text) {
            told.push(text);
        }
    }
    told
}

#[cfg(test)]
mod tests;

use rstest::rstest;

use super::*;
use crate::fixtures;
use crate::mutations::{Mutant, MutantVerdict, MutationSummary, NEVER_ASKED};
use crate::probe::{Probe, Verdict};

const ATTACKS: [&str; 6] = ["a/1/api", "a/2/api", "a/3/api", "b/1/api", "b/2/http", "b/3/oidc"];
const CLAIM: &str = "integrity/layer1";

fn shared(number: u32, of: u32) -> Shared {
    let share: Share = format!("{number}/{of}").parse().unwrap();
    let mut record = fixtures::record();
    let own = ATTACKS.into_iter().filter(|id| share.has(id));
    record.probes = own
        .chain([CLAIM])
        .map(|id| fixtures::probe(id, Verdict::Held, "AccessDenied, 403"))
        .collect();
    record.part =
        Some(Part::Share { share, attacks: ATTACKS.map(str::to_owned).into(), idle: Vec::new() });
    record.run_id = format!("run {number}");
    let mutants = &mut record.mutations.as_mut().unwrap().mutants;
    for mutant in mutants.iter_mut() {
        mutant.verdict = MutantVerdict::Survived;
        mutant.reason = Some(NEVER_ASKED.to_owned());
        mutant.killed_by = Vec::new();
    }
    Shared {
        name: format!("shard-{number}"),
        record,
        manifest_sha256: format!("hash {number}"),
        signer: Some("SHA256:key".to_owned()),
        deployed: [("policies/a.json".to_owned(), format!("/apis/a{number}b2c3d4e5/*"))].into(),
    }
}

fn shares() -> Vec<Shared> {
    (1..=3).map(|number| shared(number, 3)).collect()
}

fn mutant(shared: &mut Shared, verdict: MutantVerdict, killed_by: &[&str]) {
    let mutants: &mut Vec<Mutant> = &mut shared.record.mutations.as_mut().unwrap().mutants;
    mutants[0].verdict = verdict;
    mutants[0].reason = None;
    mutants[0].killed_by = killed_by.iter().copied().map(str::to_owned).collect();
}

#[test]
fn all_shares_in_whatever_order_are_one_run() {
    let mut given = shares();
    given.rotate_left(1);
    let Together { record, origin } = merge(&given).unwrap();
    let mut ids: Vec<&str> = record.probes.iter().map(|probe| probe.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [&ATTACKS[..], &[CLAIM]].concat());
    assert_eq!(origin.len(), record.probes.len());
    for (probe, place) in record.probes.iter().zip(origin).filter(|(probe, _)| probe.id != CLAIM) {
        let Some(Part::Share { share, .. }) = given[place].record.part else { panic!() };
        assert!(share.has(&probe.id));
    }
    assert_eq!((record.summary.probes, record.summary.held), (7, 7));
    assert_eq!(record.part, None);
    let shares: Vec<String> = record
        .shares
        .iter()
        .map(|merged| format!("{} {} {}", merged.share, merged.run_id, merged.manifest_sha256))
        .collect();
    assert_eq!(shares, ["1/3 run 1 hash 1", "2/3 run 2 hash 2", "3/3 run 3 hash 3"]);
    assert!(!record.deviations.iter().any(|text| text.contains("UNSIGNED")));
}

#[test]
fn the_weakest_isolation_is_that_of_all_and_its_cost_the_sum() {
    let mut given = shares();
    let starts = given[0].record.isolation.as_ref().unwrap().starts.unwrap();
    given[1].record.isolation.as_mut().unwrap().unisolated = Some("no walls here".to_owned());
    let all = merge(&given).unwrap().record.isolation.unwrap();
    assert_eq!(all.unisolated.as_deref(), Some("no walls here"));
    let Starts { count, duration_ms } = all.starts.unwrap();
    assert_eq!((count, duration_ms), (3 * starts.count, 3 * starts.duration_ms));
    given[2].record.isolation = None;
    assert_eq!(merge(&given).unwrap().record.isolation, None);
}

#[test]
fn a_share_that_nobody_signed_is_told() {
    let mut given = shares();
    given[1].signer = None;
    let record = merge(&given).unwrap().record;
    let told: Vec<&String> =
        record.deviations.iter().filter(|text| text.contains("UNSIGNED")).collect();
    assert_eq!(
        told,
        ["share 2/3 is UNSIGNED, or its signature was not verified: nobody vouches for it"]
    );
}

#[test]
fn what_every_share_makes_counts_as_the_worst() {
    let mut given = shares();
    let claim = |shared: &mut Shared, verdict| {
        let probes = &mut shared.record.probes;
        let probe = probes.iter_mut().find(|probe| probe.id == CLAIM).unwrap();
        probe.verdict = verdict;
    };
    claim(&mut given[0], Verdict::Inconclusive);
    claim(&mut given[2], Verdict::Failed);
    let Together { record, origin } = merge(&given).unwrap();
    let place = record.probes.iter().position(|probe| probe.id == CLAIM).unwrap();
    assert_eq!((record.probes[place].verdict, origin[place]), (Verdict::Failed, 2));
    assert!(!record.passed());
}

#[test]
fn a_guard_rail_that_another_share_tests_is_not_without_a_probe() {
    let mut given = shares();
    for shared in &mut given[..2] {
        let mut nothing = fixtures::probe("estate/boundary/api", Verdict::NotApplicable, "");
        nothing.identity = "estate".to_owned();
        shared.record.probes.push(nothing.clone());
        nothing.id = "estate/network/api".to_owned();
        nothing.guard_rail = "functions stay in the platform's network".to_owned();
        shared.record.probes.push(nothing);
    }
    let record = merge(&given).unwrap().record;
    let of_estate: Vec<&str> = record
        .probes
        .iter()
        .filter(|probe| probe.identity == "estate")
        .map(|probe| probe.id.as_str())
        .collect();
    assert_eq!(of_estate, ["estate/network/api"]);
}

#[test]
fn a_mutant_is_noticed_by_any_share_and_survives_only_all() {
    let mut given = shares();
    mutant(&mut given[1], MutantVerdict::Killed, &["b/1/api"]);
    let mutations = merge(&given).unwrap().record.mutations.unwrap();
    assert_eq!(
        mutations.summary,
        MutationSummary { mutants: 2, killed: 1, survived: 1, equivalent: 0, not_run: 0 }
    );
    assert_eq!(mutations.mutants[0].killed_by, ["b/1/api"]);
    assert_eq!(mutations.mutants[1].reason.as_deref(), Some(NEVER_ASKED));
}

#[test]
fn a_mutant_that_none_notices_is_what_the_shares_know_of_it() {
    let verdict = |given: &[Shared]| {
        let mutations = merge(given).unwrap().record.mutations.unwrap();
        mutations.mutants[0].verdict
    };
    let mut given = shares();
    mutant(&mut given[2], MutantVerdict::Equivalent, &[]);
    assert_eq!(verdict(&given), MutantVerdict::Equivalent);
    // Equivalent for the identities of that share alone.
    mutant(&mut given[1], MutantVerdict::Survived, &[]);
    assert_eq!(verdict(&given), MutantVerdict::Survived);
    mutant(&mut given[0], MutantVerdict::Killed, &["a/1/api"]);
    assert_eq!(verdict(&given), MutantVerdict::Killed);
}

#[test]
fn a_mutant_that_could_not_be_made_stays_not_run() {
    let mut given = shares();
    given[0].record.mutations.as_mut().unwrap().mutants[0].verdict = MutantVerdict::NotRun;
    for shared in &mut given[1..] {
        shared.record.mutations.as_mut().unwrap().mutants.remove(0);
    }
    let mutations = merge(&given).unwrap().record.mutations.unwrap();
    assert_eq!((mutations.summary.not_run, mutations.summary.mutants), (1, 2));
}

/// A finding that is held is in one share, which says why its entry is in vain; the
/// others know no probe of it.
#[test]
fn an_entry_is_in_vain_where_it_accepts_nothing_in_any_share() {
    let entry = |line: usize, probes: usize, told: &str| crate::Idle {
        place: format!("ringfence.toml:{line}"),
        probes,
        told: told.to_owned(),
    };
    let mut given = shares();
    let mut say = |number: usize, entries: &[crate::Idle]| {
        let Some(Part::Share { idle, .. }) = &mut given[number].record.part else { panic!() };
        *idle = entries.to_vec();
    };
    say(0, &[entry(2, 0, "no probe"), entry(7, 0, "no probe")]);
    say(1, &[entry(2, 1, "it is held")]);
    say(2, &[entry(2, 0, "no probe"), entry(7, 0, "no probe")]);
    given[1].record.stale.push("it has expired".to_owned());
    given[2].record.stale.push("it has expired".to_owned());
    let record = merge(&given).unwrap().record;
    assert_eq!(record.stale, ["it has expired", "it is held"]);
    assert!(!record.passed());
}

#[rstest]
#[case::missing(|shares: &mut Vec<Shared>| { shares.remove(1); }, &["share 2/3 is missing"])]
#[case::twice(
    |shares: &mut Vec<Shared>| { let mut again = shares[0].clone(); again.name = "again".to_owned(); shares.push(again); },
    &["share 1/3 ran twice: `shard-1`, `again`"]
)]
#[case::none(|shares: &mut Vec<Shared>| shares.clear(), &["no share was given"])]
#[case::of_another_number(
    |shares: &mut Vec<Shared>| shares[2] = shared(3, 4),
    &["`shard-3` is share 3/4, and not one of 3", "share 3/3 is missing"]
)]
#[case::a_whole_run(
    |shares: &mut Vec<Shared>| shares[2].record.part = None,
    &["`shard-3` is no share of a run", "share 3/3 is missing"]
)]
#[case::a_chosen_run(
    |shares: &mut Vec<Shared>| shares[2].record.part = Some(Part::Chosen { attacks: Vec::new() }),
    &["`shard-3` is no share of a run", "share 3/3 is missing"]
)]
#[case::other_attacks(
    |shares: &mut Vec<Shared>| shares[1].record.part = Some(Part::Share { share: "2/3".parse().unwrap(), attacks: Vec::new(), idle: Vec::new() }),
    &["`shard-1` and `shard-2` are shares of other attacks"]
)]
#[case::another_source(
    |shares: &mut Vec<Shared>| shares[1].record.inputs[0].sha256 = "0".repeat(64),
    &["`shard-1` and `shard-2` differ in the input `terraform/main.tf`"]
)]
#[case::another_version(
    |shares: &mut Vec<Shared>| shares[1].record.version = "0.0.1".to_owned(),
    &["`shard-1` and `shard-2` differ in Ringfence's version"]
)]
#[case::another_binary(
    |shares: &mut Vec<Shared>| shares[1].record.provenance.binary_sha256 = "f".repeat(64),
    &["`shard-1` and `shard-2` differ in Ringfence's binary"]
)]
#[case::another_upstream(
    |shares: &mut Vec<Shared>| shares[2].record.upstream.version = None,
    &["`shard-1` and `shard-3` differ in what answers behind the guard"]
)]
#[case::another_tool(
    |shares: &mut Vec<Shared>| { shares[2].record.tools.clear(); },
    &["`shard-1` and `shard-3` differ in the tools' versions"]
)]
#[case::another_document(
    |shares: &mut Vec<Shared>| { shares[1].deployed.insert("policies/a.json".to_owned(), "/apis/*".to_owned()); },
    &["`shard-1` and `shard-2` differ in what was deployed: `policies/a.json`"]
)]
#[case::one_document_more(
    |shares: &mut Vec<Shared>| { shares[1].deployed.insert("policies/b.json".to_owned(), "{}".to_owned()); },
    &["`shard-1` and `shard-2` differ in what was deployed: `policies/b.json`"]
)]
#[case::nothing_weakened(
    |shares: &mut Vec<Shared>| shares[1].record.mutations = None,
    &["`shard-2` weakened nothing"]
)]
fn shares_of_different_runs_are_told(
    #[case] change: fn(&mut Vec<Shared>),
    #[case] problems: &[&str],
) {
    assert!(merge(&shares()).is_ok());
    let mut given = shares();
    change(&mut given);
    assert_eq!(merge(&given).unwrap_err(), problems);
}

#[test]
fn an_attack_that_is_missing_or_of_another_share_is_told() {
    let mut given = shares();
    let is_attack = |probe: &Probe| probe.id != CLAIM;
    let from = given.iter().position(|shared| shared.record.probes.iter().any(is_attack)).unwrap();
    let at = given[from].record.probes.iter().position(is_attack).unwrap();
    let taken = given[from].record.probes.remove(at);
    let (id, name) = (taken.id.clone(), given[from].name.clone());
    assert_eq!(
        merge(&given).unwrap_err(),
        [format!("`{name}` lacks 1 attacks of its own, `{id}` for one")]
    );
    // A part that could not be run says so itself.
    let mut other = given.clone();
    let broken = fixtures::probe("a/part/api", Verdict::NotRun, "");
    other[from].record.probes.push(broken);
    assert_eq!(merge(&other).unwrap().record.summary.not_run, 1);
    let to = (from + 1) % 3;
    let name = given[to].name.clone();
    given[to].record.probes.push(taken);
    assert_eq!(
        merge(&given).unwrap_err(),
        [format!("`{name}` has `{id}`, which is no attack of it")]
    );
}

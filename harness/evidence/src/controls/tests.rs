use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::{RunStatus, Verdict, fixtures};

fn builtin() -> Catalogue {
    Catalogue::builtin().unwrap()
}

/// The catalogue with one file of a user's.
fn with(name: &str, text: &str) -> Result<Catalogue, String> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(name), text).unwrap();
    Catalogue::with(directory.path())
        .map_err(|error| error.to_string().replace(&format!("{}/", directory.path().display()), ""))
}

const FRAMEWORK: &str = r#"id = "house"
title = "House rules"
version = "3"
source = "the wiki"

[[control]]
id = "H-1"
title = "Boundaries"
requirement = "Roles have boundaries."
partial = ["O5"]
full = ["O3"]
"#;

#[test]
fn the_built_in_catalogue_reads_and_every_objective_supports_something() {
    let catalogue = builtin();
    let ids: Vec<&str> = catalogue.frameworks().iter().map(|one| one.id.as_str()).collect();
    assert_eq!(
        ids,
        ["nist-800-53-r5", "fedramp-20x", "pci-dss-4.0.1", "hipaa", "soc2", "iso-27001-2022"]
    );
    assert_eq!(catalogue.objectives().len(), 11);
    for framework in catalogue.frameworks() {
        for objective in catalogue.objectives() {
            assert!(
                framework.controls.iter().any(|control| control.is_supported_by(&objective.id)),
                "{} has nothing for {}",
                framework.id,
                objective.id
            );
        }
    }
}

#[test]
fn a_guard_rail_leads_to_its_objectives_and_their_controls() {
    let catalogue = builtin();
    let objectives = |rail| -> Vec<String> {
        catalogue.objectives_of(rail).map(|objective| objective.id.clone()).collect()
    };
    assert_eq!(objectives("functions stay in the platform's network"), ["O7"]);
    assert_eq!(objectives("every route is behind the authorizer"), ["O1", "O4"]);
    assert!(objectives("no such guard rail").is_empty());
    let nist: Vec<&str> = catalogue
        .controls_of("functions stay in the platform's network")
        .filter(|(framework, _)| framework.id == "nist-800-53-r5")
        .map(|(_, control)| control.id.as_str())
        .collect();
    assert_eq!(nist, ["AC-4", "SC-7", "SC-7(5)", "SC-7(21)"]);
}

#[test]
fn a_users_framework_and_objectives_stand_after_the_built_in_ones() {
    let catalogue = with("house.toml", FRAMEWORK).unwrap();
    let house = catalogue.frameworks().last().unwrap();
    assert_eq!((house.id.as_str(), catalogue.frameworks().len()), ("house", 7));
    let supports: Vec<_> = house.controls[0]
        .supports
        .iter()
        .map(|support| (support.objective.as_str(), support.extent))
        .collect();
    assert_eq!(supports, [("O3", Extent::Full), ("O5", Extent::Partial)]);

    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("a-house.toml", &FRAMEWORK.replace("\"O3\"", "\"H\""));
    write(
        "objectives.toml",
        "[[objective]]\nid = \"H\"\ntitle = \"Ours\"\nstatement = \"We hold.\"\n\
         guard_rails = [\"the network is the platform's\"]\nnot_shown = \"Much.\"\n",
    );
    write("notes.txt", "no TOML");
    let catalogue = Catalogue::with(directory.path()).unwrap();
    assert_eq!(catalogue.objectives().last().unwrap().id, "H");
    assert!(catalogue.frameworks().last().unwrap().controls[0].is_supported_by("H"));
}

#[rstest::rstest]
#[case::unknown_objective("house.toml", FRAMEWORK.replace("\"O3\"", "\"O12\""),
    "house.toml:11: control `H-1` names an unknown objective `O12`; there are O1, O2, O3, O4, O5, O6, O7, O8, O9, O10, O11")]
#[case::objective_twice("house.toml", FRAMEWORK.replace("\"O3\"", "\"O5\""),
    "house.toml:10: control `H-1` names objective `O5` twice")]
#[case::no_objective("house.toml", FRAMEWORK.replace("\"O3\"", "").replace("\"O5\"", ""),
    "house.toml:7: control `H-1` names no objective in `full` or `partial`")]
#[case::control_twice("house.toml", format!("{FRAMEWORK}[[control]]\nid = \"H-1\"\ntitle = \"x\"\nrequirement = \"x\"\nfull = [\"O1\"]\n"),
    "house.toml:13: control `H-1` stands here twice")]
#[case::framework_twice("house.toml", FRAMEWORK.replace("house", "soc2"),
    "house.toml:1: there is a framework `soc2` already: choose another id")]
#[case::no_control("house.toml", FRAMEWORK.split("[[").next().unwrap().to_owned(),
    "house.toml:1: framework `house` has no [[control]]")]
#[case::padded("house.toml", FRAMEWORK.replace("Boundaries", " Boundaries"),
    "house.toml:8: ` Boundaries` is empty or padded with spaces")]
#[case::misspelt_field("house.toml", FRAMEWORK.replace("partial", "partially"),
    "house.toml:10: unknown field `partially`, expected one of `id`, `title`, `requirement`, `applies`, `full`, `partial`, `not_shown`")]
#[case::unknown_guard_rail(
    "objectives.toml",
    "\n[[objective]]\nid = \"H\"\ntitle = \"x\"\nstatement = \"x\"\nguard_rails = [\"doors are locked\"]\nnot_shown = \"x\"\n",
    "objectives.toml:6: no probe tests a guard rail `doors are locked`"
)]
#[case::no_guard_rail(
    "objectives.toml",
    "[[objective]]\nid = \"H\"\ntitle = \"x\"\nstatement = \"x\"\nnot_shown = \"x\"\n",
    "objectives.toml:2: objective `H` names no guard rails: nothing could support it"
)]
#[case::objective_again(
    "objectives.toml",
    "[[objective]]\nid = \"O1\"\ntitle = \"x\"\nstatement = \"x\"\nbasis = \"journal\"\nnot_shown = \"x\"\n",
    "objectives.toml:2: there is an objective `O1` already: choose another id"
)]
#[case::no_toml("notes.txt", String::new(), "no *.toml in")]
fn what_does_not_hang_together_is_refused_with_file_and_line(
    #[case] name: &str,
    #[case] text: impl Into<String>,
    #[case] message: &str,
) {
    let error = with(name, &text.into()).unwrap_err();
    assert!(error.starts_with(message), "{error}");
}

#[test]
fn a_missing_directory_is_named() {
    let error = Catalogue::with(Path::new("/no/such")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read `/no/such`");
}

#[rstest::rstest]
#[case(&[Verdict::Held, Verdict::Held], Verdict::Held)]
#[case(&[Verdict::Held, Verdict::Inconclusive], Verdict::Inconclusive)]
#[case(&[Verdict::Held, Verdict::NotRun], Verdict::Inconclusive)]
#[case(&[Verdict::Inconclusive, Verdict::NotRun], Verdict::Inconclusive)]
#[case(&[Verdict::Inconclusive, Verdict::Failed], Verdict::Failed)]
#[case(&[Verdict::NotRun], Verdict::NotRun)]
#[case(&[Verdict::Held, Verdict::NotApplicable], Verdict::Held)]
#[case(&[Verdict::NotRun, Verdict::NotApplicable], Verdict::NotRun)]
#[case(&[Verdict::Failed, Verdict::NotApplicable], Verdict::Failed)]
#[case(&[Verdict::NotApplicable], Verdict::NotApplicable)]
#[case(&[Verdict::Held, Verdict::Accepted], Verdict::Accepted)]
#[case(&[Verdict::Accepted, Verdict::NotApplicable], Verdict::Accepted)]
#[case(&[Verdict::Accepted, Verdict::NotRun], Verdict::Inconclusive)]
#[case(&[Verdict::Accepted, Verdict::Failed], Verdict::Failed)]
#[case(&[], Verdict::NotRun)]
fn only_what_held_all_over_is_held(#[case] verdicts: &[Verdict], #[case] amounts_to: Verdict) {
    assert_eq!(Tally::of(verdicts.iter().copied()).verdict(), amounts_to);
}

/// The fixture's first probe, once for each guard rail of the catalogue.
fn whole() -> crate::RunRecord {
    let mut record = fixtures::record();
    let catalogue = builtin();
    let rails: BTreeSet<&String> =
        catalogue.objectives().iter().flat_map(|one| &one.guard_rails).collect();
    record.probes = rails
        .into_iter()
        .map(|rail| {
            let mut probe = fixtures::probe(rail, Verdict::Held, "AccessDenied, 403");
            probe.guard_rail.clone_from(rail);
            probe
        })
        .collect();
    let mutations = record.mutations.as_mut().unwrap();
    mutations.mutants.retain(|mutant| mutant.verdict == crate::MutantVerdict::Killed);
    record
}

#[test]
fn a_whole_run_holds_everything_but_its_own_seal() {
    let assessment = builtin().assess(&whole());
    for objective in builtin().objectives() {
        let state = assessment.objective(&objective.id);
        let expected = if objective.id == "O10" { Verdict::NotRun } else { Verdict::Held };
        assert_eq!(state.verdict, expected, "{objective:?}: {state:?}");
    }
}

#[test]
fn one_failure_reaches_every_objective_and_control_above_it() {
    let catalogue = builtin();
    let mut record = whole();
    let rail = "the network is the platform's";
    let probe = record.probes.iter_mut().find(|probe| probe.guard_rail == rail).unwrap();
    probe.verdict = Verdict::Failed;
    let assessment = catalogue.assess(&record);
    for objective in catalogue.objectives() {
        let failed = objective.guard_rails.iter().any(|one| one == rail);
        assert_eq!(
            assessment.objective(&objective.id).verdict == Verdict::Failed,
            failed,
            "{}",
            objective.id
        );
    }
    for control in catalogue.frameworks().iter().flat_map(|framework| &framework.controls) {
        let failed = control.is_supported_by("O5") || control.is_supported_by("O7");
        assert_eq!(
            assessment.control(control).verdict == Verdict::Failed,
            failed,
            "{}",
            control.id
        );
    }
}

#[test]
fn a_control_says_which_of_its_objectives_do_not_hold() {
    let catalogue = builtin();
    let mut record = whole();
    let reason = |record: &crate::RunRecord, framework: &str, control: &str| {
        let framework = catalogue.frameworks().iter().find(|one| one.id == framework).unwrap();
        let control = framework.controls.iter().find(|one| one.id == control).unwrap();
        catalogue.assess(record).control(control).reason
    };
    assert_eq!(reason(&record, "soc2", "CC6.1"), None);
    for probe in &mut record.probes {
        match probe.guard_rail.as_str() {
            "the network is the platform's" => probe.verdict = Verdict::Failed,
            "the issuer's keys rotate" => probe.verdict = Verdict::Inconclusive,
            _ => {}
        }
    }
    record.mutations = None;
    assert_eq!(reason(&record, "soc2", "CC6.1").as_deref(), Some("O2 inconclusive, O5 failed"));
    assert_eq!(reason(&record, "soc2", "CC4.1").as_deref(), Some("O9: no mutations were run"));
}

#[test]
fn a_guard_rail_without_a_probe_is_named_and_supports_nothing() {
    let mut record = whole();
    record.probes.retain(|probe| probe.guard_rail != "the issuer's keys rotate");
    let state = builtin().assess(&record).objective("O2");
    assert_eq!(state.verdict, Verdict::Inconclusive);
    assert_eq!(state.reason.as_deref(), Some("without a probe: the issuer's keys rotate"));
}

#[test]
fn an_incomplete_run_supports_nothing() {
    let mut record = whole();
    record.status = RunStatus::Incomplete { reason: "killed".to_owned() };
    let assessment = builtin().assess(&record);
    for objective in builtin().objectives() {
        assert_ne!(assessment.objective(&objective.id).verdict, Verdict::Held, "{}", objective.id);
    }
}

#[test]
fn a_call_without_an_entry_shows_no_logging_and_a_mutant_that_survived_fails_the_testing() {
    let catalogue = builtin();
    let mut record = whole();
    record.probes[0].request_ids.clear();
    record.mutations.as_mut().unwrap().mutants[0].verdict = crate::MutantVerdict::Survived;
    let assessment = catalogue.assess(&record);
    assert_eq!(assessment.objective("O8").verdict, Verdict::Inconclusive);
    assert_eq!(assessment.objective("O9").verdict, Verdict::Failed);
    record.mutations = None;
    let state = catalogue.assess(&record).objective("O9");
    assert_eq!(
        (state.verdict, state.reason.as_deref()),
        (Verdict::NotRun, Some("no mutations were run"))
    );
}

/// No packet is sent: the proof stands for the guard rail.
#[rstest::rstest]
#[case(crate::ProofVerdict::Proved, Verdict::Held, None)]
#[case(crate::ProofVerdict::Undecided, Verdict::Inconclusive, Some("not proved: "))]
#[case(crate::ProofVerdict::Violated, Verdict::Failed, Some("a packet gets past it: "))]
fn a_guard_rail_of_packets_is_what_its_proof_says(
    #[case] found: crate::ProofVerdict,
    #[case] verdict: Verdict,
    #[case] reason: Option<&str>,
) {
    let rail = "nothing from the internet reaches a function";
    let mut record = whole();
    record.probes.retain(|probe| probe.guard_rail != rail);
    let state = builtin().assess(&record).objective("O7");
    assert_eq!(state.verdict, Verdict::Inconclusive, "neither proved nor tested");
    record.proofs.push(crate::fixtures::of_packets(rail, found));
    let state = builtin().assess(&record).objective("O7");
    assert_eq!((state.verdict, state.reason), (verdict, reason.map(|it| format!("{it}{rail}"))));
    // A proof about requests is no probe.
    if let Some(proof) = record.proofs.last_mut() {
        proof.universe = "actions: any name".to_owned();
    }
    assert_ne!(builtin().assess(&record).objective("O7").verdict, Verdict::Held);
}

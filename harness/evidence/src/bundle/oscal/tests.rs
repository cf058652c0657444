//! Against NIST's schema, and beyond it: references, vocabulary, stable ids.

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::{Value, json};

use crate::controls::Catalogue;
use crate::fixtures;
use crate::record::{RunRecord, RunStatus, Summary};
use crate::{MutationSummary, Verdict};

const SCHEMA: &str = include_str!("../../../tests/data/oscal_assessment-results_schema.json");

fn documents(record: &RunRecord) -> (Value, Value) {
    let catalogue = Catalogue::builtin().unwrap();
    let (plan, _) = super::plan(record, &catalogue).unwrap();
    let mut results = Vec::new();
    super::results(record, &catalogue, &catalogue.assess(record), &mut results).unwrap();
    (serde_json::from_slice(&plan).unwrap(), serde_json::from_slice(&results).unwrap())
}

fn of(verdicts: &[Verdict]) -> RunRecord {
    let mut record = fixtures::record();
    record.probes = verdicts
        .iter()
        .enumerate()
        .map(|(index, verdict)| fixtures::probe(&format!("p-{index}"), *verdict, "seen\n twice "))
        .collect();
    record.summary = Summary::of(&record.probes);
    record
}

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap()
}

#[rstest]
#[case::all_held(&[Verdict::Held])]
#[case::one_of_each(&[Verdict::Held, Verdict::Failed, Verdict::Inconclusive, Verdict::NotRun, Verdict::NotApplicable])]
#[case::none(&[])]
fn results_are_valid_by_nists_schema(#[case] verdicts: &[Verdict]) {
    let (_, results) = documents(&of(verdicts));
    let errors: Vec<String> =
        validator().iter_errors(&results).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn the_schema_refuses_what_it_should() {
    let (_, results) = documents(&fixtures::record());
    let validator = validator();
    for (pointer, value) in [
        ("/assessment-results/results/0/start", json!("2026-11-22T20:00:00")),
        ("/assessment-results/results/0/findings", json!([])),
        ("/assessment-results/results/0/observations/0/uuid", json!("p-0")),
        ("/assessment-results/results/0/observations/0/props/0/value", json!(" padded")),
    ] {
        let mut broken = results.clone();
        *broken.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&broken), "{pointer}");
    }
}

/// All values of a member, wherever it stands.
fn all<'a>(value: &'a Value, member: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == member => found.push(text),
                    _ => all(value, member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| all(item, member, found)),
        _ => {}
    }
}

fn values<'a>(documents: &[&'a Value], member: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    documents.iter().for_each(|document| all(document, member, &mut found));
    found
}

#[test]
fn every_reference_resolves_and_no_id_is_given_twice_in_a_document() {
    let (plan, results) = documents(&fixtures::record());
    for document in [&plan, &results] {
        let ids = values(&[document], "uuid");
        let distinct: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), distinct.len());
        assert!(ids.iter().all(|id| id.as_bytes()[14] == b'5'), "version 5: {ids:?}");
        let defined: BTreeSet<&str> = values(&[&plan, document], "uuid").into_iter().collect();
        for member in
            ["observation-uuid", "risk-uuid", "actor-uuid", "subject-uuid", "component-uuid"]
        {
            for id in values(&[document], member) {
                assert!(defined.contains(id), "{member} {id}");
            }
        }
    }
    let objectives: BTreeSet<&str> = values(&[&plan], "id").into_iter().collect();
    for member in ["target-id", "objective-id"] {
        let named = values(&[&plan, &results], member);
        assert!(!named.is_empty());
        assert!(named.iter().all(|id| objectives.contains(id)), "{named:?}");
    }
    assert_eq!(results["assessment-results"]["import-ap"]["href"], "assessment-plan.json");
    let imported = plan["assessment-plan"]["import-ssp"]["href"].as_str().unwrap();
    let resources = plan["assessment-plan"]["back-matter"]["resources"].as_array().unwrap();
    assert!(resources.iter().any(|r| format!("#{}", r["uuid"].as_str().unwrap()) == imported));
}

#[test]
fn nist_controls_have_the_ids_of_nists_catalogue_and_words_those_of_the_standard() {
    let (plan, results) = documents(&fixtures::record());
    let controls = values(&[&plan, &results], "control-id");
    assert!(controls.contains(&"ac-6.10"), "{controls:?}");
    for id in &controls {
        let (family, number) = id.split_once('-').unwrap();
        assert!(family.len() == 2 && family.bytes().all(|b| b.is_ascii_lowercase()), "{id}");
        assert!(number.split('.').all(|part| part.parse::<u8>().is_ok()), "{id}");
    }
    let result = &results["assessment-results"]["results"][0];
    for observation in result["observations"].as_array().unwrap() {
        let is_proof = observation["title"].as_str().unwrap().starts_with("For all requests: ");
        let method = if is_proof { "EXAMINE" } else { "TEST" };
        assert_eq!(observation["methods"], json!([method]));
    }
    assert_eq!(results["assessment-results"]["metadata"]["oscal-version"], "1.2.1");
}

/// The states by objective.
fn states(results: &Value) -> Vec<(&str, &str)> {
    let findings = results["assessment-results"]["results"][0]["findings"].as_array();
    findings
        .into_iter()
        .flatten()
        .map(|finding| {
            let target = &finding["target"];
            (target["target-id"].as_str().unwrap(), target["status"]["state"].as_str().unwrap())
        })
        .collect()
}

/// A record in which every guard rail of `O3` was tested, all with a verdict.
fn objective_three(verdict: Verdict) -> RunRecord {
    let catalogue = Catalogue::builtin().unwrap();
    let mut record = fixtures::record();
    record.mutations = None;
    record.probes = catalogue
        .objective("O3")
        .unwrap()
        .guard_rails
        .iter()
        .map(|rail| {
            let mut probe = fixtures::probe(rail, verdict, "seen");
            probe.guard_rail.clone_from(rail);
            probe.request_ids.clear();
            probe.road = "http".to_owned();
            probe
        })
        .collect();
    record.summary = Summary::of(&record.probes);
    record
}

#[rstest]
#[case::held(Verdict::Held, Some("satisfied"))]
#[case::failed(Verdict::Failed, Some("not-satisfied"))]
#[case::inconclusive(Verdict::Inconclusive, None)]
#[case::not_run(Verdict::NotRun, None)]
fn only_what_held_is_satisfied_and_what_shows_nothing_has_a_risk_and_no_finding(
    #[case] verdict: Verdict,
    #[case] expected: Option<&str>,
) {
    let record = objective_three(verdict);
    let (_, results) = documents(&record);
    let state = states(&results).into_iter().find(|(id, _)| *id == "O3").map(|(_, state)| state);
    assert_eq!(state, expected);
    let risks = results["assessment-results"]["results"][0]["risks"].as_array().unwrap();
    let own = risks.iter().any(|risk| risk["title"].as_str().unwrap().starts_with("O3 was not"));
    assert_eq!(own, expected.is_none());
}

/// A risk with an approved deviation, by NIST's schema; never satisfied.
#[test]
fn what_is_accepted_is_a_risk_with_a_deviation() {
    let mut record = objective_three(Verdict::Held);
    let rail = record.probes[0].guard_rail.clone();
    let probe = crate::Probe {
        guard_rail: rail,
        ..fixtures::accepted("accepted", Verdict::Inconclusive, "seen")
    };
    record.probes.push(probe);
    record.summary = Summary::of(&record.probes);
    let (_, results) = documents(&record);
    assert_eq!(validator().iter_errors(&results).map(|e| e.to_string()).next(), None);
    let state = states(&results).into_iter().find(|(id, _)| *id == "O3").map(|(_, state)| state);
    assert_eq!(state, Some("not-satisfied"));
    let risks = results["assessment-results"]["results"][0]["risks"].as_array().unwrap();
    let risk = risks.iter().find(|risk| risk["status"] == "deviation-approved").unwrap();
    assert_eq!(risk["title"], "accepted: title of accepted");
    assert_eq!(risk["deadline"], "2027-03-31T23:59:59Z");
    let prop = |name: &str| {
        let props = risk["props"].as_array().unwrap();
        props.iter().find(|prop| prop["name"] == name).unwrap()["value"].clone()
    };
    assert_eq!(prop("found"), "inconclusive");
    assert_eq!(prop("accepted-by"), "platform");
    assert_eq!(prop("accepted-because"), "the old | API goes in March");
    assert_eq!(prop("accepted-in"), "ringfence.toml:12");
}

/// Neither satisfied nor open: the observations alone tell of it.
#[test]
fn what_an_estate_has_none_of_has_neither_a_finding_nor_a_risk() {
    let (_, results) = documents(&objective_three(Verdict::NotApplicable));
    assert!(!states(&results).iter().any(|(id, _)| *id == "O3"));
    let result = &results["assessment-results"]["results"][0];
    let risks = result["risks"].as_array().unwrap();
    assert!(!risks.iter().any(|risk| risk["title"].as_str().unwrap().starts_with("O3")));
    let told = result["observations"].to_string().matches("not-applicable").count();
    let observations = result["observations"].as_array().unwrap();
    let probes = observations.iter().filter(|one| one["methods"] == json!(["TEST"])).count();
    assert_eq!(told, probes);
}

/// However many probes held.
#[test]
fn an_objective_is_not_satisfied_where_a_request_gets_past_its_guard_rail() {
    let mut record = objective_three(Verdict::Held);
    let is_satisfied = |record: &RunRecord| {
        let (_, results) = documents(record);
        let all = states(&results);
        all.iter().find(|(id, _)| *id == "O3").unwrap().1 == "satisfied"
    };
    record.proofs[0].guard_rail = record.probes[0].guard_rail.clone();
    assert!(is_satisfied(&record));
    record.proofs[0].verdict = crate::ProofVerdict::Violated;
    record.proofs[0].told = vec!["role/d: `iam:CreateRole` on `*` is allowed by p".to_owned()];
    assert!(!is_satisfied(&record));
    let (_, results) = documents(&record);
    let risks = results["assessment-results"]["results"][0]["risks"].as_array().unwrap();
    let title = format!("violated: {}", record.probes[0].guard_rail);
    let risk = risks.iter().find(|risk| risk["title"] == title).unwrap();
    assert_eq!(risk["statement"], "A request gets past the guard rail.");
}

#[test]
fn an_incomplete_run_satisfies_nothing() {
    let mut record = objective_three(Verdict::Held);
    record.status = RunStatus::Incomplete { reason: "killed".to_owned() };
    record.mutations = Some(crate::Mutations {
        summary: MutationSummary::default(),
        duration_ms: 0,
        mutants: Vec::new(),
    });
    let (_, results) = documents(&record);
    assert!(states(&results).iter().all(|(_, state)| *state != "satisfied"));
}

#[test]
fn ids_are_the_same_in_another_run_of_the_same_thing_but_for_the_run_itself() {
    let first = fixtures::record();
    let second = RunRecord {
        run_id: "5d0f5b0e-3f43-4d1c-8a57-1c7be0f1f3b4".to_owned(),
        started: "2026-11-23T20:00:00Z".to_owned(),
        ..first.clone()
    };
    let ((plan, one), (other_plan, other)) = (documents(&first), documents(&second));
    let ids = |document: &Value| -> BTreeSet<String> {
        values(&[document], "uuid").into_iter().map(str::to_owned).collect()
    };
    assert_eq!(ids(&plan), ids(&other_plan));
    let differing: Vec<String> = ids(&one).symmetric_difference(&ids(&other)).cloned().collect();
    assert_eq!(differing.len(), 4, "the document and its one result, twice: {differing:?}");
    assert_eq!(documents(&first), (plan, one), "and the same of the same record");
}

#[test]
fn a_packet_that_gets_past_a_guard_rail_is_a_risk() {
    let mut record = objective_three(Verdict::Held);
    let rail = "nothing from the internet reaches a function";
    record.proofs = vec![crate::fixtures::of_packets(rail, crate::ProofVerdict::Violated)];
    let (_, results) = documents(&record);
    let result = &results["assessment-results"]["results"][0];
    let risks = result["risks"].as_array().unwrap();
    let risk = risks.iter().find(|one| one["title"] == format!("violated: {rail}")).unwrap();
    assert_eq!(risk["statement"], "A packet gets past the guard rail.");
    let observations = result["observations"].as_array().unwrap();
    let title = format!("For all packets: {rail}");
    assert!(observations.iter().any(|one| one["title"] == title));
}

//! What all forms of one record have in common.

use std::collections::BTreeMap;

use crate::shown::is_active;
use serde_json::Value;

use super::{Surroundings, differing, raw_path, render, write};
use crate::check::rows;
use crate::controls::Catalogue;
use crate::fixtures;
use crate::github::{annotations, summary};
use crate::record::{RunRecord, Summary};
use crate::{MutantVerdict, Places, Told, Verdict, table};

fn rendered(record: &RunRecord) -> BTreeMap<&'static str, String> {
    let catalogue = Catalogue::builtin().unwrap();
    render(record, &catalogue, &Surroundings::default())
        .unwrap()
        .into_iter()
        .map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap()))
        .collect()
}

/// The probes by verdict, of each form in its own words.
fn counts(files: &BTreeMap<&'static str, String>, form: &str) -> [usize; 6] {
    let text = &files[form];
    let json = || serde_json::from_str::<Value>(text).unwrap();
    match form {
        "run.json" => {
            let probes = json()["probes"].as_array().unwrap().clone();
            Verdict::ALL
                .map(|verdict| probes.iter().filter(|p| p["verdict"] == verdict.as_str()).count())
        }
        "probes.csv" => {
            let rows = rows(text);
            let at = rows[0].iter().position(|head| head == "verdict").unwrap();
            Verdict::ALL
                .map(|verdict| rows.iter().filter(|row| row[at] == verdict.as_str()).count())
        }
        // A probe has a row for each control that it supports: counted once.
        "controls.csv" => {
            let mut probes = BTreeMap::new();
            for row in rows(text).into_iter().skip(1).filter(|row| !row[7].is_empty()) {
                probes.insert(row[7].clone(), row[8].clone());
            }
            Verdict::ALL.map(|verdict| probes.values().filter(|v| *v == verdict.as_str()).count())
        }
        "junit.xml" => {
            let count = |element: &str| text.matches(&format!("<{element} ")).count();
            let open = [count("failure"), count("error"), count("skipped")];
            let held = count("testcase") - open.iter().sum::<usize>();
            let beyond = text.matches("<skipped message=\"not applicable: ").count();
            let accepted = text.matches("<skipped message=\"accepted: ").count();
            [held, open[0], open[1], open[2] - beyond - accepted, beyond, accepted]
        }
        "oscal/assessment-results.json" => {
            let document = json();
            let observations = document["assessment-results"]["results"][0]["observations"]
                .as_array()
                .unwrap()
                .clone();
            let verdict = |observation: &Value| {
                let props = observation["props"].as_array().unwrap().clone();
                props.into_iter().find(|prop| prop["name"] == "verdict").unwrap()["value"].clone()
            };
            Verdict::ALL
                .map(|name| observations.iter().filter(|o| verdict(o) == name.as_str()).count())
        }
        form => panic!("{form}"),
    }
}

#[test]
fn counts_are_the_same_in_all_forms() {
    let mut record = fixtures::record();
    for index in 0..40 {
        let (id, observed) = (format!("more/{index}"), "=1,\"x\"\r\n<&>");
        let probe = match Verdict::ALL[index % 7 % 6] {
            Verdict::Accepted => fixtures::accepted(&id, Verdict::Failed, observed),
            verdict => fixtures::probe(&id, verdict, observed),
        };
        record.probes.push(probe);
    }
    record.summary = Summary::of(&record.probes);
    let files = rendered(&record);
    let summary = record.summary;
    let Summary { held, failed, inconclusive, not_run, not_applicable, accepted, .. } = summary;
    assert!(accepted > 0);
    let expected = [held, failed, inconclusive, not_run, not_applicable, accepted];
    assert_eq!(expected.iter().sum::<usize>(), 44);
    for form in
        ["run.json", "probes.csv", "controls.csv", "junit.xml", "oscal/assessment-results.json"]
    {
        assert_eq!(counts(&files, form), expected, "{form}");
    }
    assert!(files["SCOPE.md"].contains(&format!(
        "44 probes, {held} held, {failed} failed, {inconclusive} inconclusive, {not_run} not run, \
         {not_applicable} not applicable, {accepted} accepted"
    )));
    let skipped = not_run + not_applicable + accepted;
    assert!(files["junit.xml"].contains(&format!(
        "tests=\"44\" failures=\"{failed}\" errors=\"{inconclusive}\" skipped=\"{skipped}\""
    )));
    // SARIF has what did not hold, and the mutants that survived.
    let log: Value = serde_json::from_str(&files["findings.sarif"]).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let mutants = &record.mutations.as_ref().unwrap().mutants;
    let survived = mutants.iter().filter(|m| m.verdict == MutantVerdict::Survived).count();
    assert_eq!(results.len(), 44 - held - not_applicable + survived);
    let mutation: Value = serde_json::from_str(&files["mutation.json"]).unwrap();
    assert_eq!(mutation["mutations"]["mutants"].as_array().unwrap().len(), mutants.len());
}

/// What somebody under test may have written into any text: ends of lines and of
/// markup, commands to terminals, runners and spreadsheets, links, what turns or hides
/// the text around it, and much of it.
fn hostile() -> String {
    let acting = "\r\n::error file=a::forged\n| **all held** |\n# All held\n</system-out></td></script>\
         <img src=x onerror=alert(1)>]]>-->&amp;\"'`[x](javascript:alert(1)) www.evil.example \
         \t=1+1\u{1b}[2J\u{1b}]0;held\u{7}\u{9b}2J\u{7f}\u{202e}\u{2066}\u{200b}\u{2028}\u{feff}\
         \u{e0041}{7*7}";
    format!("{acting}{}", "x".repeat(5_000))
}

/// Nothing of it changes what a form says, or acts on who looks at it; the record keeps
/// what was said.
#[test]
fn no_text_changes_a_form() {
    let honest = fixtures::record();
    let hostile = hostile();
    // What a guard rail is called, the platform says.
    let record = fixtures::poisoned(&honest, &hostile, &["guard_rail"]);
    let files = rendered(&record);
    for form in
        ["run.json", "probes.csv", "controls.csv", "junit.xml", "oscal/assessment-results.json"]
    {
        assert_eq!(counts(&files, form), counts(&rendered(&honest), form), "{form}");
    }
    let told = |record: &RunRecord| {
        let told = Told { every_probe: true, places: &Places::default(), again: &|_| None };
        let annotations = annotations(record, &told, &|_| Some("a file".to_owned()));
        [table(record, &told), annotations, summary(record, &told)]
    };
    let forms = files.iter().map(|(name, text)| (*name, text.clone()));
    let [table, annotations, summary] = told(&record);
    let beside = [("table", table), ("annotations", annotations), ("summary.md", summary)];
    for (name, text) in forms.chain(beside) {
        // A cell of a table may have ends of lines, and tabs, which a page has too.
        let kept: &[char] = match name.rsplit('.').next() {
            Some("csv") => &['\n', '\r', '\t'],
            Some("html") => &['\n', '\t'],
            _ => &['\n'],
        };
        let acts = |c: char| is_active(c) && !kept.contains(&c);
        let found = text.split('\n').find(|line| line.contains(acts));
        assert_eq!(found, None, "{name}");
        if name.ends_with(".md") {
            let text = fixtures::without_code(&text);
            for markup in ["<img", "[x](", " **all held**", "\n| \\*\\*all", "\n# All", "www.evil"]
            {
                assert!(!text.contains(markup), "{markup} in {name}");
            }
        }
    }
    let [table, annotations, _] = told(&record).map(|text| text.lines().count());
    let [honest_table, honest_annotations, _] = told(&honest).map(|text| text.lines().count());
    assert_eq!((table, annotations), (honest_table, honest_annotations));
    let log: Value = serde_json::from_str(&files["findings.sarif"]).unwrap();
    for result in log["runs"][0]["results"].as_array().unwrap() {
        let message = result["message"]["text"].as_str().unwrap();
        assert!(
            message.contains("[x] (javascript:") && !message.contains(['\n', '\r']),
            "{message}"
        );
    }
    let read: RunRecord = serde_json::from_str(&files["run.json"]).unwrap();
    assert_eq!(read, record);
}

/// Each form names who accepts it, why and until when, and none calls it held.
#[test]
fn what_is_accepted_and_what_is_in_vain_stand_in_every_form() {
    let mut record = fixtures::record();
    record.probes = vec![
        fixtures::probe("a", Verdict::Held, "AccessDenied, 403"),
        fixtures::accepted("b", Verdict::Failed, "200"),
    ];
    record.summary = Summary::of(&record.probes);
    record.mutations = None;
    assert!(record.passed() && !record.summary.all_held());
    let files = rendered(&record);
    assert!(files["SCOPE.md"].contains("NOT every probe held; what did not is accepted: 2 probes"));
    for form in ["run.json", "probes.csv", "junit.xml", "SCOPE.md", "findings.sarif"]
        .into_iter()
        .chain(["oscal/assessment-results.json", "report.html"])
    {
        for said in ["platform", "2027-03-31", "API goes in March", "ringfence.toml:12"] {
            assert!(files[form].contains(said), "{said} in {form}");
        }
        assert!(!files[form].contains("in vain"), "{form}");
    }
    let log: Value = serde_json::from_str(&files["findings.sarif"]).unwrap();
    let result = &log["runs"][0]["results"][0];
    assert_eq!(
        (&result["level"], &result["suppressions"][0]["status"]),
        (&"note".into(), &"accepted".into())
    );
    let stale = "ringfence.toml:9: finding `f` was accepted until 2026-01-01";
    record.stale.push(stale.to_owned());
    assert!(!record.passed());
    let files = rendered(&record);
    for form in
        ["run.json", "SCOPE.md", "findings.sarif", "oscal/assessment-results.json", "report.html"]
    {
        assert!(files[form].contains("was accepted until 2026-01-01"), "{form}");
    }
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    assert_eq!(rendered(&fixtures::record()), rendered(&fixtures::record()));
}

#[test]
fn an_unsigned_bundle_says_so_on_both_pages_and_a_signed_one_names_its_key() {
    let mut record = fixtures::record();
    let files = rendered(&record);
    assert!(files["SCOPE.md"].contains("| signed by | nobody: this bundle is UNSIGNED |"));
    assert!(files["VERIFY.md"].contains("This bundle is UNSIGNED"));
    record.provenance.signing_key = Some("SHA256:abc".to_owned());
    let files = rendered(&record);
    assert!(files["SCOPE.md"].contains("| signed by | SHA256:abc |"));
    assert!(!files["SCOPE.md"].contains("UNSIGNED"));
    assert!(files["VERIFY.md"].contains("is to be signed by the key SHA256:abc"));
}

#[test]
fn an_unisolated_run_says_so_in_every_page_and_in_oscal() {
    let mut record = fixtures::record();
    let names = ["SCOPE.md", "report.html", "oscal/assessment-results.json"];
    let files = rendered(&record);
    for name in names {
        assert!(!files[name].contains("UNISOLATED"), "{name}");
    }
    let reason = "nothing works here";
    record.isolation.as_mut().unwrap().unisolated = Some(reason.to_owned());
    let files = rendered(&record);
    for name in names {
        assert!(files[name].contains("UNISOLATED") && files[name].contains(reason), "{name}");
    }
}

#[test]
fn what_isolation_cost_stands_in_the_scope_where_it_is_known() {
    let mut record = fixtures::record();
    let row =
        "| code under test kept apart by | namespaces; 82 programs waited 4.0 s in sum for it |";
    assert!(rendered(&record)["SCOPE.md"].contains(row));
    record.isolation.as_mut().unwrap().starts = None;
    let files = rendered(&record);
    assert!(files["SCOPE.md"].contains("| code under test kept apart by | namespaces |"));
    assert!(!files["run.json"].contains("\"starts\""));
}

#[test]
fn what_the_simulator_said_stands_in_every_form_and_its_absence_in_the_scope() {
    let mut record = fixtures::record();
    let files = rendered(&record);
    assert!(files["SCOPE.md"].contains("It was not asked."));
    assert!(!files["run.json"].contains("calibration"));
    record.calibration = Some(fixtures::calibration());
    let files = rendered(&record);
    let sentence = fixtures::calibration().sentence();
    for name in ["SCOPE.md", "report.html", "oscal/assessment-results.json"] {
        let text = files[name].replace("&#39;", "'");
        for said in [sentence.as_str(), "212: a trust policy decides", "3: InvalidInput"] {
            assert!(text.contains(said), "{name} without {said}");
        }
    }
}

#[test]
fn probes_whose_ids_differ_in_signs_alone_have_files_of_their_own() {
    let path = |id: &str| raw_path(&fixtures::probe(id, Verdict::Held, ""));
    let (one, other) =
        (path("client/no-token/GET /a/{proxy+}"), path("client/no-token/GET /a/proxy"));
    assert!(one.starts_with("raw/client-no-token-get-a-proxy-") && one.ends_with(".json"));
    assert_ne!(one, other);
}

#[test]
fn a_record_is_what_the_documented_schema_says() {
    let schema = include_str!("../../../../docs/run.schema.json");
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let mut record = fixtures::record();
    let errors = |record: &RunRecord| -> Vec<String> {
        let value = serde_json::to_value(record).unwrap();
        validator.iter_errors(&value).map(|error| error.to_string()).collect()
    };
    assert_eq!(errors(&record), Vec::<String>::new());
    record.calibration = Some(fixtures::calibration());
    assert_eq!(errors(&record), Vec::<String>::new());
    record.probes.push(fixtures::accepted("e", Verdict::Failed, "200"));
    record.summary = Summary::of(&record.probes);
    record.stale.push("ringfence.toml:9: finding `f` was accepted until 2026-01-01".to_owned());
    assert_eq!(errors(&record), Vec::<String>::new());
    record.status = crate::RunStatus::Incomplete { reason: "killed".to_owned() };
    record.ended = None;
    record.mutations = None;
    record.provenance.previous_manifest_sha256 = Some("0".repeat(64));
    record.certificates_sha256 = Some("0".repeat(64));
    let account = |id: &str, name: Option<&str>| crate::Account {
        id: id.to_owned(),
        name: name.map(str::to_owned),
    };
    record.accounts = vec![account("111122223333", None), account("444455556666", Some("other"))];
    assert_eq!(record.accounts_told(), "111122223333, 444455556666 (other)");
    for reading in &mut record.readings {
        reading.account_id = Some("444455556666".to_owned());
    }
    assert_eq!(errors(&record), Vec::<String>::new());
    // What an earlier Ringfence decided nothing about stays what it was.
    record.reach[0].rows = vec![crate::ReachRow::AtMost(crate::Stated {
        action: "iam:CreateRole".to_owned(),
        resources: vec!["*".to_owned()],
        conditions: Vec::new(),
        limited_by: vec!["boundary".to_owned()],
    })];
    record.reach[0].undecided.push("what nobody knows".to_owned());
    assert_eq!(errors(&record), Vec::<String>::new());
    record.started = "2026-11-22T20:00:00+01:00".to_owned();
    assert_eq!(errors(&record).len(), 1);
    // A member that only the code knows, or only the schema, fails.
    let mut value = serde_json::to_value(fixtures::record()).unwrap();
    value["probes"][0].as_object_mut().unwrap().remove("scope");
    assert!(!validator.is_valid(&value));
    let mut value = serde_json::to_value(fixtures::record()).unwrap();
    value["probes"][0]["severity"] = "high".into();
    assert!(!validator.is_valid(&value));
}

/// A form that was written is the same; one that is shorter, longer or otherwise is
/// not.
#[test]
fn a_form_is_compared_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let (record, catalogue) = (fixtures::record(), Catalogue::builtin().unwrap());
    write(directory.path(), &record, &catalogue).unwrap();
    assert_eq!(differing(directory.path(), &catalogue).unwrap(), [""; 0]);
    let path = directory.path().join("probes.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    for other in [text.trim_end().to_owned(), format!("{text}\n"), text.replace(',', ";")] {
        std::fs::write(&path, other).unwrap();
        assert_eq!(differing(directory.path(), &catalogue).unwrap(), ["probes.csv"]);
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(differing(directory.path(), &catalogue).unwrap(), ["probes.csv"]);
}

use std::collections::BTreeMap;

use super::*;
use crate::fixtures::{accepted, probe, record};
use crate::places::Places;

fn places() -> Places {
    let text = "resource\n  sid = \"RolesCarryTheBoundary\"\n";
    Places::of(&BTreeMap::from([("terraform/main.tf".to_owned(), text.to_owned())]))
}

fn told(places: &Places) -> Told<'_> {
    Told { every_probe: false, places, again: &|probe| Some(format!("again {}", probe.id)) }
}

fn annotated(record: &RunRecord) -> Vec<String> {
    let places = places();
    let file = |place: &Place| Some(format!("infra/{}", place.file));
    annotations(record, &told(&places), &file).lines().map(str::to_owned).collect()
}

#[test]
fn what_did_not_hold_stands_at_its_line_and_what_held_nowhere() {
    let at = "file=infra/terraform/main.tf,line=2";
    let observed = "200 ".repeat(40);
    assert_eq!(
        annotated(&record()),
        [
            format!(
                "::error title=title of b,{at}::expected AccessDenied, 403; {}",
                observed.trim()
            ),
            "::error title=unnoticed%3A m-2::the statement is gone".to_owned(),
            format!("::warning title=title of c,{at}::expected AccessDenied, 403; reason of c"),
            format!("::warning title=title of d,{at}::expected AccessDenied, 403; reason of d"),
        ]
    );
    let accepted = RunRecord {
        probes: vec![accepted("e", Verdict::Failed, "200")],
        mutations: None,
        ..record()
    };
    let lines = annotated(&accepted);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("::notice title=title of e,"), "{lines:?}");
}

#[test]
fn nothing_that_code_under_test_says_becomes_a_command() {
    let mut forged = probe("f", Verdict::Failed, "a\r\n::set-output name=x::1 100%0A::error::y");
    forged.title = "t,file=/etc/passwd::x\n::warning::z".to_owned();
    let forged = RunRecord { probes: vec![forged], mutations: None, ..record() };
    assert_eq!(
        annotated(&forged),
        ["::error title=t%2Cfile=/etc/passwd%3A%3Ax %3A%3Awarning%3A%3Az,\
          file=infra/terraform/main.tf,line=2::expected AccessDenied, 403; \
          a ::set-output name=x::1 100%250A::error::y"]
    );
}

#[test]
fn the_last_annotation_that_github_shows_tells_of_the_others() {
    let many = |count: usize| RunRecord {
        probes: (0..count).map(|it| probe(&format!("p{it}"), Verdict::Failed, "200")).collect(),
        mutations: None,
        ..record()
    };
    assert_eq!(annotated(&many(10)).len(), 10);
    let lines = annotated(&many(13));
    assert_eq!(lines.len(), 10);
    let last = "::error title=Ringfence::4 more are in the job's summary and in the report";
    assert_eq!(lines.last().map(String::as_str), Some(last));
}

#[test]
fn the_summary_names_what_did_not_hold_and_counts_the_guard_rails() {
    let places = places();
    let text = summary(&record(), &told(&places));
    assert!(
        text.starts_with("## Ringfence: not all guard rails hold\n\n4 probes: 1 held"),
        "{text}"
    );
    assert!(text.contains("\n### failed: title of b\n"), "{text}");
    assert!(text.contains("- see `terraform/main.tf:2`\n- again: `again b`\n"), "{text}");
    assert!(text.contains("\n### unnoticed: m-2\n\nthe statement is gone\n"), "{text}");
    assert!(!text.contains("title of a"), "{text}");
    let row = "| every execution role carries the boundary | 1 of 4 |\n";
    assert!(text.contains(row), "{text}");

    let held = vec![probe("a", Verdict::Held, "AccessDenied, 403")];
    let held =
        RunRecord { summary: crate::Summary::of(&held), probes: held, mutations: None, ..record() };
    let text = summary(&held, &told(&places));
    assert!(text.starts_with("## Ringfence: the guard rails hold\n"), "{text}");
}

#[test]
fn a_summary_stays_within_what_github_takes() {
    let long = "x".repeat(2000);
    let probes = (0..1000).map(|it| probe(&format!("p{it}"), Verdict::Failed, &long)).collect();
    let places = places();
    let text = summary(&RunRecord { probes, mutations: None, ..record() }, &told(&places));
    assert!(text.len() < 1 << 20, "{}", text.len());
    assert!(text.contains(" more stand in the report."), "no word of the rest");
}

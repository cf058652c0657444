use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::*;
use crate::{RunStatus, Summary, Verdict, fixtures};

/// Elements without an end tag.
const VOID: [&str; 4] = ["meta", "input", "br", "link"];

/// The page's elements and text, read strictly: every end tag must be that of
/// the innermost open element, and no attribute stands twice.
struct Page {
    text: String,
    elements: Vec<(String, BTreeMap<String, String>)>,
}

fn read(page: &str) -> Page {
    // The style sheet and the script are not markup.
    let page = page.replace(STYLE, "").replace(SCRIPT, "");
    let mut reader = Reader::from_str(&page);
    reader.config_mut().check_end_names = false;
    let mut open: Vec<String> = Vec::new();
    let (mut text, mut elements) = (String::new(), Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                let name = start.name().as_ref().to_string();
                let mut attributes = BTreeMap::new();
                for attribute in start.html_attributes() {
                    let attribute = attribute.unwrap();
                    let key = attribute.key.as_ref().to_string();
                    let value = attribute.value.to_string();
                    attributes.insert(key, unescaped(&value));
                }
                if !VOID.contains(&name.as_str()) {
                    open.push(name.clone());
                }
                elements.push((name, attributes));
            }
            Event::End(end) => {
                let name = end.name().as_ref().to_string();
                assert_eq!(open.pop().as_deref(), Some(name.as_str()));
            }
            Event::Empty(empty) => {
                let name = empty.name().as_ref().to_string();
                elements.push((name, BTreeMap::new()));
            }
            Event::Text(piece) => text.push_str(&piece),
            Event::GeneralRef(name) => text.push_str(&unescaped(&format!("&{};", &*name))),
            Event::DocType(_) => {}
            Event::Eof => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(open, Vec::<String>::new());
    Page { text, elements }
}

fn unescaped(text: &str) -> String {
    quick_xml::escape::unescape(text).unwrap().into_owned()
}

pub(super) fn text_of(fragment: &str) -> String {
    read(fragment).text
}

fn render(record: &RunRecord, catalogue: &Catalogue, previous: Option<&RunRecord>) -> String {
    let mut page = Vec::new();
    write(record, catalogue, previous, &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

fn page(record: &RunRecord) -> String {
    render(record, &Catalogue::builtin().unwrap(), None)
}

#[test]
fn the_page_is_well_formed_and_its_ids_are_its_own() {
    let page = read(&page(&fixtures::record()));
    let mut ids = BTreeMap::new();
    for (name, attributes) in &page.elements {
        if let Some(id) = attributes.get("id") {
            assert_eq!(ids.insert(id.clone(), name.clone()), None, "{id}");
        }
    }
    for (name, attributes) in &page.elements {
        let inner = attributes.get("href").and_then(|href| href.strip_prefix('#'));
        if let Some(id) =
            inner.or(attributes.get("for").map(String::as_str)).filter(|_| name != "output")
        {
            assert!(ids.contains_key(id), "a {name} leads to #{id}");
        }
    }
    assert_eq!(page.elements.iter().filter(|(name, _)| name == "h1").count(), 1);
    assert!(
        page.elements
            .iter()
            .filter(|(name, _)| name == "th")
            .all(|(_, has)| has.contains_key("scope"))
    );
}

#[test]
fn nothing_is_loaded_and_only_what_the_file_holds_may_run() {
    let mut record = fixtures::record();
    record.provenance.ci =
        [("GITHUB_SERVER_URL".to_owned(), "https://github.com".to_owned())].into();
    let html = page(&record);
    let page = read(&html);
    for (name, attributes) in &page.elements {
        for attribute in
            ["src", "srcset", "action", "style", "ping", "background", "data", "xlink:href"]
        {
            assert!(!attributes.contains_key(attribute), "{name} {attribute}");
        }
        assert!(!attributes.keys().any(|key| key.starts_with("on")), "{attributes:?}");
        if let Some(href) = attributes.get("href") {
            assert_eq!(name, "a");
            assert!(!href.contains(':') && !href.starts_with('/'), "{href}");
        }
        assert!(
            !["link", "iframe", "img", "object", "embed", "base"].contains(&name.as_str()),
            "{name}"
        );
    }
    for asset in [STYLE, SCRIPT] {
        for word in ["http:", "https:", "@import", "url(", "fetch(", "XMLHttp", "eval(", "</"] {
            assert!(!asset.contains(word), "{word}");
        }
        assert_eq!(html.matches(asset).count(), 1);
    }
    let policy = page.elements.iter().find(|(_, has)| has.contains_key("http-equiv")).unwrap();
    let policy = &policy.1["content"];
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
}

/// Every text of the record, made hostile.
#[test]
fn what_a_record_says_cannot_become_markup() {
    let hostile = "</script></noscript></title><img src=x onerror=alert(1)>&amp;\"'`{{7*7}}\u{202e}\u{9b}\u{1b}";
    let written = hostile.replace('\u{202e}', "\\u{202e}").replace('\u{9b}', "\\u{9b}");
    let written = written.replace('\u{1b}', "\\u{1b}");
    let record = fixtures::poisoned(&fixtures::record(), hostile, &[]);
    let previous = fixtures::record();
    let catalogue = Catalogue::builtin().unwrap();
    let html = render(&record, &catalogue, Some(&previous));
    assert!(!html.contains("<img"), "markup came through");
    assert_eq!(html.matches("<script").count(), 1);
    assert_eq!(html.matches("</script>").count(), 1);
    let page = read(&html);
    assert!(page.text.contains(&written));
    assert!(
        page.text.contains(&format!("arn:aws:iam::123456789012:role/app-service-a-x{written}"))
    );
    assert!(!html.contains(|c: char| crate::shown::is_active(c) && c != '\n'));
    assert!(page.elements.iter().all(|(_, has)| !has.contains_key("onerror")));
}

#[test]
fn every_probe_stands_on_the_page_once_with_all_that_is_known_of_it() {
    let record = fixtures::record();
    let page = read(&page(&record));
    let probes: Vec<_> = page
        .elements
        .iter()
        .filter(|(name, has)| name == "details" && has.contains_key("data-verdict"))
        .collect();
    assert_eq!(probes.len(), record.probes.len());
    for probe in &record.probes {
        for text in [&probe.title, &probe.id, &probe.expected, &probe.observed] {
            assert!(page.text.contains(text.as_str()), "{text}");
        }
        for (_, companion) in probe.companions.named() {
            assert!(companion.is_none_or(|one| page.text.contains(&one.detail)));
        }
        for decider in &probe.decided_by {
            assert!(page.text.contains(&decider.explanation));
        }
    }
}

/// A `noscript` inside another would end both.
#[test]
fn a_long_list_is_there_once_and_nothing_lies_in_two_layers() {
    let mut record = fixtures::record();
    let probes = record.probes.clone();
    for number in 0..30 {
        record.probes.extend(probes.iter().cloned().map(|mut probe| {
            probe.id = format!("{}-{number}", probe.id);
            probe
        }));
    }
    record.summary = Summary::of(&record.probes);
    let html = page(&record);
    let rows =
        read(&html).elements.iter().filter(|(_, has)| has.contains_key("data-verdict")).count();
    assert_eq!(rows, 124);
    let html = html.replace(SCRIPT, "");
    let mut layers = html.split("<noscript>");
    layers.next();
    assert!(layers.all(|layer| layer.contains("</noscript>")));
    assert_eq!(html.matches("class=\"trace\"").count(), 124);
}

#[test]
fn the_counts_are_the_records() {
    let record = fixtures::record();
    let page = read(&page(&record));
    let of = |verdict: &str| {
        page.elements
            .iter()
            .filter(|(_, has)| has.get("data-verdict").is_some_and(|one| one == verdict))
            .count()
    };
    let Summary { held, failed, inconclusive, not_run, probes, .. } = record.summary;
    assert_eq!((of("held"), of("failed")), (held, failed));
    assert_eq!((of("inconclusive"), of("not-run")), (inconclusive, not_run));
    let counts = format!(
        "The run counted probes {probes}, held {held}, failed {failed}, inconclusive {inconclusive}, not run {not_run}."
    );
    assert!(page.text.contains(&counts), "{counts}");
    assert!(page.text.contains("1 of 4 probes failed"));
}

#[rstest::rstest]
#[case::all_held(|record: &mut RunRecord| record.mutations = None, "All 1 probe held", "verdict held")]
#[case::unnoticed(|_: &mut RunRecord| {}, "All 1 probe held, but 1 weakened guard rail went unnoticed", "verdict inconclusive")]
#[case::failed(|record: &mut RunRecord| record.probes[0].verdict = Verdict::Failed, "1 of 1 probe failed", "verdict failed")]
#[case::inconclusive(|record: &mut RunRecord| record.probes[0].verdict = Verdict::Inconclusive, "0 of 1 probe held, none failed", "verdict inconclusive")]
#[case::incomplete(|record: &mut RunRecord| record.status = RunStatus::Incomplete { reason: "killed".to_owned() }, "The run did not come to its end", "verdict inconclusive")]
#[case::not_applicable(|record: &mut RunRecord| { let mut beyond = record.probes[0].clone(); beyond.id = "z".to_owned(); beyond.verdict = Verdict::NotApplicable; record.probes.push(beyond); record.mutations = None; }, "All 1 applicable probe held, 1 not applicable", "verdict held")]
#[case::nothing_applicable(|record: &mut RunRecord| record.probes[0].verdict = Verdict::NotApplicable, "0 of 1 probe held, none failed", "verdict not-run")]
#[case::accepted(|record: &mut RunRecord| { record.probes.push(fixtures::accepted("z", Verdict::Failed, "200")); record.mutations = None; }, "1 of 2 applicable probes held, 1 accepted", "verdict accepted")]
#[case::in_vain(|record: &mut RunRecord| { record.stale.push("x".to_owned()); record.mutations = None; }, "All 1 probe held, but 1 acceptance expired or in vain", "verdict inconclusive")]
#[case::nothing(|record: &mut RunRecord| record.probes.clear(), "Nothing was tested", "verdict not-run")]
fn the_first_screen_says_how_it_went(
    #[case] change: fn(&mut RunRecord),
    #[case] headline: &str,
    #[case] class: &str,
) {
    let mut record = fixtures::record();
    record.probes.truncate(1);
    change(&mut record);
    record.summary = Summary::of(&record.probes);
    let page = read(&page(&record));
    assert!(page.text.contains(headline), "{headline}");
    assert!(page.elements.iter().any(|(_, has)| has.get("class").is_some_and(|one| one == class)));
    assert!(page.text.contains("Design and policy evidence."));
    assert!(page.text.contains("Unsigned."));
}

#[test]
fn what_changed_since_the_previous_run_is_said() {
    let (previous, mut record) = (fixtures::record(), fixtures::record());
    record.probes[0].verdict = Verdict::Failed;
    record.probes[3].id = "e".to_owned();
    record.inputs[0].sha256 = "22".repeat(32);
    record.summary = Summary::of(&record.probes);
    let html = render(&record, &Catalogue::builtin().unwrap(), Some(&previous));
    let text = read(&html).text;
    assert!(
        text.contains(
            "1 regression, 1 changed verdict, 1 new probe, 1 probe gone, 1 changed input."
        ),
        "{text}"
    );
    let same = read(&render(&record, &Catalogue::builtin().unwrap(), Some(&record))).text;
    assert!(same.contains(
        "0 regressions, 0 changed verdicts, 0 new probes, 0 probes gone, 0 changed inputs."
    ));
}

#[test]
fn who_signs_is_said_and_that_the_page_cannot_tell() {
    let mut record = fixtures::record();
    record.provenance.signing_key = Some("SHA256:abc".to_owned());
    let text = read(&page(&record)).text;
    assert!(text.contains("To be signed by the key SHA256:abc. This page cannot vouch for itself"));
    assert!(!text.contains("Unsigned"));
}

#[test]
fn what_was_proved_stands_beside_the_probes_of_its_guard_rail() {
    let mut record = fixtures::record();
    let page = |record: &RunRecord| render(record, &Catalogue::builtin().unwrap(), None);
    assert!(page(&record).contains("Proved</b> for all requests, in 3 claims"));
    record.proofs[0].verdict = crate::ProofVerdict::Violated;
    record.proofs[0].told = vec!["role/<d>: `s3:GetObject`".to_owned()];
    let violated = page(&record);
    assert!(violated.contains("Violated</b> for all requests, in 3 claims"));
    assert!(violated.contains("<li>role/&lt;d&gt;: `s3:GetObject`</li>"));
}

#[test]
fn a_guard_rail_of_packets_is_no_guard_rail_without_a_probe() {
    let mut record = fixtures::record();
    let page = |record: &RunRecord| render(record, &Catalogue::builtin().unwrap(), None);
    let rail = "nothing from the internet reaches a function";
    let untested = |text: &str| {
        let list = text.split("Guard rails without a probe: ").nth(1).unwrap();
        list.split("</li>").next().unwrap().contains(rail)
    };
    assert!(untested(&page(&record)));
    record.proofs.push(fixtures::of_packets(rail, crate::ProofVerdict::Proved));
    let text = page(&record);
    assert!(!untested(&text));
    assert!(text.contains("Proved</b> for all packets, in 2 claims"));
}

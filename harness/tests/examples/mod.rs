//! The example estates: drafted and judged without an edit in between, as their
//! owner would.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// Ten minutes: what a new user waits at most.
const LONGEST: u64 = 600_000;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

/// A copy in which nothing of another run lies.
fn copied(name: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(example(name)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && !path.ends_with("ringfence.toml") {
            std::fs::copy(&path, place.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    place
}

fn ringfence(place: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.args(arguments).current_dir(place).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every probe about tokens is tried on an issuer that is not Okta, at a stage with
/// a name; what the estate has none of is neither held nor open.
#[test]
fn an_api_behind_auth0_is_judged_without_an_edit() {
    let place = copied("auth0");
    let drafted = ringfence(place.path(), &["init"]);
    assert_eq!(drafted.status.code(), Some(0), "{}", said(&drafted));
    let judged = ringfence(place.path(), &["verify", "--backend", "embedded", "--json"]);
    // 1: some weakenings of what the function may do for its work go unnoticed.
    assert_eq!(judged.status.code(), Some(1), "{}", said(&judged));
    let record: Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert_eq!(
        record["summary"],
        json!({
            "probes": 298, "held": 269, "failed": 0, "inconclusive": 0, "not_run": 0,
            "not_applicable": 29,
        })
    );
    assert!(record["duration_ms"].as_u64().unwrap() < LONGEST);
    let probes = record["probes"].as_array().unwrap();
    let with = |verdict: &str, part: &str| {
        let own = probes.iter().filter(|probe| probe["verdict"] == verdict);
        own.filter(|probe| probe["id"].as_str().unwrap().contains(part)).count()
    };
    for case in ["issuer-slash", "wrong-audience", "other-scope", "valid", "withdrawn-key"] {
        assert!(with("held", &format!("client/{case}/")) > 0, "{case}");
    }
    assert_eq!(with("held", "code-in-orders/"), 65 + 23);
    assert_eq!(with("not-applicable", "estate/trust/api"), 1);
    let mutants = record["mutations"]["mutants"].as_array().unwrap();
    let survivors = mutants.iter().filter(|mutant| mutant["verdict"] == "survived");
    let documents: BTreeSet<&str> =
        survivors.map(|mutant| mutant["guard_rail_document"].as_str().unwrap()).collect();
    let boundary = "policy/arn:aws:iam::123456789012:policy/boundaries/running-code";
    assert_eq!(documents, BTreeSet::from([boundary, "role/orders/inline/orders"]));
}

#[test]
fn the_archive_of_an_example_holds_the_source_beside_it() {
    let archive = std::fs::File::open(example("auth0/orders.zip")).unwrap();
    let mut archive = zip::ZipArchive::new(archive).unwrap();
    assert_eq!(archive.len(), 1);
    let mut text = String::new();
    archive.by_name("index.py").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, std::fs::read_to_string(example("auth0/src/index.py")).unwrap());
}

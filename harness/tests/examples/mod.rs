//! The example estates: drafted and judged without an edit in between, as their
//! owner would.

mod accounts;

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
pub(crate) fn copied(name: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    copy(&example(name), place.path());
    place
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let into = to.join(path.file_name().unwrap());
        if path.is_dir() && !path.ends_with(".terraform") {
            std::fs::create_dir(&into).unwrap();
            copy(&path, &into);
        } else if path.is_file() && !path.ends_with("ringfence.toml") {
            std::fs::copy(&path, into).unwrap();
        }
    }
}

/// The files below a directory, by their names from there.
pub(crate) fn files(top: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![top.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => waiting.push(path),
                false => drop(found.insert(path.strip_prefix(top).unwrap().display().to_string())),
            }
        }
    }
    found
}

pub(crate) fn ringfence(place: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.args(arguments).current_dir(place).output().unwrap()
}

pub(crate) fn said(output: &Output) -> String {
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

/// Root modules in the order of what they read, in copies: the estate's own tree
/// stays as it was.
#[test]
fn three_root_modules_that_read_each_others_state_are_judged_without_an_edit() {
    let place = copied("states");
    let drafted = ringfence(place.path(), &["init"]);
    assert_eq!(drafted.status.code(), Some(0), "{}", said(&drafted));
    let before = files(place.path());
    let judged =
        ringfence(place.path(), &["verify", "--backend", "embedded", "--json", "--run-dir", "run"]);
    // 1: some weakenings of what the function may do for its work go unnoticed.
    assert_eq!(judged.status.code(), Some(1), "{}", said(&judged));
    let record: Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert_eq!(
        record["summary"],
        json!({
            "probes": 143, "held": 108, "failed": 0, "inconclusive": 0, "not_run": 0,
            "not_applicable": 35,
        })
    );
    let mutants = record["mutations"]["mutants"].as_array().unwrap();
    let survivors = mutants.iter().filter(|mutant| mutant["verdict"] == "survived");
    let documents: BTreeSet<&str> =
        survivors.map(|mutant| mutant["guard_rail_document"].as_str().unwrap()).collect();
    assert_eq!(documents, BTreeSet::from(["role/orders/inline/work"]));
    let probes = record["probes"].as_array().unwrap();
    let held = |id: &str| probes.iter().any(|it| it["id"] == id && it["verdict"] == "held");
    for id in ["platform/policy/identity:aws_iam_policy.boundary", "integrity/layer1"] {
        assert!(held(id), "{id}");
    }
    let after = files(place.path());
    let more: Vec<&String> =
        after.difference(&before).filter(|it| !it.starts_with("run/")).collect();
    assert!(more.is_empty(), "{more:?}");
    let kept = |name: &str| after.contains(&format!("run/inputs/{name}/main.tf"));
    assert!(["network", "identity", "service"].iter().all(|name| kept(name)), "{after:?}");
}

/// Two kinds of authorizers, and what a queue, a table and their keys let functions do:
/// a user pool is an issuer without an entry.
#[test]
fn a_rest_api_with_two_authorizers_is_judged_without_an_edit() {
    let place = copied("rest");
    let drafted = ringfence(place.path(), &["init"]);
    assert_eq!(drafted.status.code(), Some(0), "{}", said(&drafted));
    let judged = ringfence(place.path(), &["verify", "--backend", "embedded", "--json"]);
    // 1: some weakenings of what the functions may do for their work go unnoticed, and
    // no identity is known that the authorizing function lets in.
    assert_eq!(judged.status.code(), Some(1), "{}", said(&judged));
    let record: Value = serde_json::from_slice(&judged.stdout).unwrap();
    let probes = record["probes"].as_array().unwrap();
    let open: Vec<&str> = probes
        .iter()
        .filter(|it| it["verdict"] != "held" && it["verdict"] != "not-applicable")
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    assert_eq!(open, ["client/made-up-identity/POST /events@rest:parcels"]);
    assert_eq!(record["summary"]["held"], json!(419));
    let held = |id: &str| probes.iter().any(|it| it["id"] == id && it["verdict"] == "held");
    for case in ["valid", "expired", "no-token", "other-scope", "identity-token"] {
        for route in ["GET /parcels", "POST /parcels"] {
            let id = format!("client/{case}/{route}@rest:parcels");
            assert!(held(&id), "{id}");
        }
    }
    for id in ["client/no-identity/POST /events@rest:parcels", "integrity/layer1"] {
        assert!(held(id), "{id}");
    }
}

#[test]
fn what_root_modules_cannot_read_of_each_other_is_told_before_anything_starts() {
    let place = copied("states");
    let service = place.path().join("service/main.tf");
    let text = std::fs::read_to_string(&service).unwrap();
    let drafted = ringfence(place.path(), &["init"]);
    assert_eq!(drafted.status.code(), Some(0), "{}", said(&drafted));
    let refused = |more: &str, expected: &str| {
        std::fs::write(&service, format!("{text}{more}")).unwrap();
        let judged = ringfence(place.path(), &["verify", "--backend", "embedded"]);
        assert_eq!(judged.status.code(), Some(2), "{}", said(&judged));
        assert!(said(&judged).contains(expected), "{}", said(&judged));
        let doctor = ringfence(place.path(), &["doctor", "--offline"]);
        assert_eq!(doctor.status.code(), Some(1), "{}", said(&doctor));
    };
    refused(
        "output \"x\" {\n  value = data.terraform_remote_state.network.outputs.vpc_id\n}\n",
        "service/main.tf:68:11: root module `network` has no output `vpc_id`; it has: security_group_id, subnet_ids",
    );
    let network = place.path().join("network/main.tf");
    let own = std::fs::read_to_string(&network).unwrap();
    let back = "data \"terraform_remote_state\" \"back\" {\n  backend = \"s3\"\n  config  = { key = \"services/orders/terraform.tfstate\" }\n}\n";
    std::fs::write(&network, format!("{own}{back}")).unwrap();
    refused(
        "",
        "network/main.tf:48:1: `network` reads the state of `service`, which reads that of `network`",
    );
}

/// A baseline is read before anything starts.
#[test]
fn a_baseline_that_is_damaged_or_not_there_is_refused() {
    let place = copied("auth0");
    assert_eq!(ringfence(place.path(), &["init"]).status.code(), Some(0));
    for (name, text) in [("gone", None), ("damaged", Some("{}"))] {
        let bundle = place.path().join(name);
        if let Some(text) = text {
            std::fs::create_dir(&bundle).unwrap();
            std::fs::write(bundle.join("run.json"), text).unwrap();
            std::fs::write(bundle.join("MANIFEST.sha256"), "").unwrap();
        }
        let judged =
            ringfence(place.path(), &["verify", "--backend", "embedded", "--baseline", name]);
        assert_eq!(judged.status.code(), Some(2), "{}", said(&judged));
        assert!(said(&judged).contains(name), "{}", said(&judged));
        assert!(!place.path().join("ringfence-run").exists());
    }
}

/// What a data source reads and nothing makes is told with an entry; with the
/// entry it is there, and an entry that fails is told at its place.
#[test]
fn what_exists_outside_is_made_before() {
    let place = tempfile::tempdir().unwrap();
    let main = "data \"aws_vpc\" \"shared\" {\n  tags = {\n    Name = \"shared\"\n  }\n}\ndata \"aws_ami\" \"a\" {\n  most_recent = true\n  owners = [\"099720109477\"]\n  filter {\n    name = \"name\"\n    values = [\"ubuntu-noble-*\"]\n  }\n}\nresource \"aws_iam_role\" \"r\" {\n  name = \"r-${data.aws_vpc.shared.cidr_block == \"10.9.0.0/16\" ? data.aws_ami.a.name : \"\"}\"\n  assume_role_policy = jsonencode({ Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Principal = { Service = \"ec2.amazonaws.com\" }, Action = \"sts:AssumeRole\" }] })\n}\nresource \"aws_iam_role_policy\" \"r\" {\n  role = aws_iam_role.r.id\n  policy = jsonencode({ Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Action = \"s3:ListAllMyBuckets\", Resource = \"*\" }] })\n}\n";
    std::fs::write(place.path().join("main.tf"), main).unwrap();
    let doctor = ringfence(place.path(), &["doctor", "--offline", "--json"]);
    let lines = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(lines.contains(r#"ringfence.toml needs [[existing]] type = \"aws_vpc\""#), "{lines}");
    let config = place.path().join("ringfence.toml");
    let entry = |cidr: &str| {
        format!(
            "[layer1]\ndirectory = '.'\n[[existing]]\ntype = 'aws_vpc'\nproperties = {{ {cidr}, tags = {{ Name = 'shared' }} }}\n[[existing]]\ntype = 'aws_ami'\nproperties = {{ name = 'ubuntu-noble-1', owner_id = '099720109477' }}\n"
        )
    };
    std::fs::write(&config, entry("cidr_blocks = '10.9.0.0/16'")).unwrap();
    let failed = ringfence(place.path(), &["attack", "--backend", "embedded"]);
    assert_eq!(failed.status.code(), Some(2), "{}", said(&failed));
    let expected = "ringfence.toml:4:8: aws_vpc.existing-1: this [[existing]] cannot be made; its `properties` are the arguments of Terraform's `aws_vpc`";
    assert!(said(&failed).contains(expected), "{}", said(&failed));
    std::fs::write(&config, entry("cidr_block = '10.9.0.0/16'")).unwrap();
    let judged = ringfence(place.path(), &["attack", "--backend", "embedded", "--json"]);
    assert!(matches!(judged.status.code(), Some(0 | 1)), "{}", said(&judged));
    let told = String::from_utf8_lossy(&judged.stdout);
    assert!(told.contains("r-ubuntu-noble-1"), "{told}");
}

#[test]
fn the_archive_of_an_example_holds_the_source_beside_it() {
    archive_holds_its_source("auth0", "orders.zip");
    archive_holds_its_source("rest", "functions.zip");
    archive_holds_its_source("states/service", "orders.zip");
}

fn archive_holds_its_source(place: &str, archive: &str) {
    let archive = std::fs::File::open(example(&format!("{place}/{archive}"))).unwrap();
    let mut archive = zip::ZipArchive::new(archive).unwrap();
    assert_eq!(archive.len(), 1);
    let mut text = String::new();
    archive.by_name("index.py").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, std::fs::read_to_string(example(&format!("{place}/src/index.py"))).unwrap());
}

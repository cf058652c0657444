//! Certificates: alone, and in a bundle.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::shop::{REPOSITORY, estate, limit, run, state, text, work};

#[test]
fn certificates_of_what_is_proved_are_checked_by_themselves() {
    let directory = estate(&state(&work(), &limit(), REPOSITORY, &[]));
    let flags = ["--state", "state.json", "--json", "--certificate", "proved.json"];
    let output = run(directory.path(), &flags);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let claims: u64 = told.filter_map(|line: Value| line["claims"].as_u64()).sum();
    let check = |file: &str| {
        let output = run(directory.path(), &["--check", file]);
        (text(&output.stdout).to_owned(), output.status.code())
    };
    let good = format!("proved.json: {claims} good certificates, of 18 guard rails\n");
    assert_eq!(check("proved.json"), (good, Some(0)));
    let path = directory.path().join("proved.json");
    let mut all: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    all["certificates"][0]["callers"][0]["actions"].as_array_mut().unwrap().truncate(1);
    fs::write(directory.path().join("less.json"), all.to_string()).unwrap();
    let (told, code) = check("less.json");
    assert!(told.starts_with("less.json: BAD: the certificate of `") && code == Some(1), "{told}");
    assert!(told.contains("no class has actions like `"), "{told}");
    fs::write(directory.path().join("other.json"), "{}").unwrap();
    // What is no such file is bad input, and so is one without any.
    assert_eq!(check("other.json"), (String::new(), Some(2)));
    all["certificates"] = json!([]);
    all["claims"] = json!({});
    fs::write(directory.path().join("none.json"), all.to_string()).unwrap();
    assert_eq!(check("none.json"), (String::new(), Some(2)));
    let output = run(directory.path(), &["--check", "gone.json"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
}

/// What a file must hold it states: what is taken out of it is missed by name.
#[test]
fn a_certificate_that_is_missing_is_named() {
    let directory = estate(&state(&work(), &limit(), REPOSITORY, &[]));
    let flags = ["--state", "state.json", "--certificate", "proved.json"];
    assert_eq!(run(directory.path(), &flags).status.code(), Some(0));
    let own = fs::read_to_string(directory.path().join("proved.json")).unwrap();
    let own: Value = serde_json::from_str(&own).unwrap();
    let check = |all: &Value, more: &[&str]| {
        fs::write(directory.path().join("less.json"), all.to_string()).unwrap();
        let output = run(directory.path(), &[&["--check", "less.json"], more].concat());
        (text(&output.stdout).to_owned(), output.status.code())
    };
    let (told, code) = check(&own, &[]);
    assert_eq!((told.contains("BAD"), code), (false, Some(0)), "{told}");
    let names = |one: &Value| ["rail", "who"].map(|name| one[name].as_str().unwrap().to_owned());
    let [rail, who] = names(&own["certificates"][0]);
    let missing = format!("the certificate of `{rail}` for `{who}` is missing\n");
    let mut less = own.clone();
    less["certificates"].as_array_mut().unwrap().remove(0);
    assert_eq!(check(&less, &[]), (format!("less.json: BAD: {missing}"), Some(1)));
    // Without a word of it, it is of the files that tell.
    let of = less["claims"][&rail].as_object_mut().unwrap();
    of.remove(&who).unwrap();
    if of.is_empty() {
        less["claims"].as_object_mut().unwrap().remove(&rail).unwrap();
    }
    let (told, code) = check(&less, &[]);
    assert_eq!((told.contains("BAD"), code), (false, Some(0)), "{told}");
    let files = ["--state", "state.json"];
    assert_eq!(check(&less, &files), (format!("less.json: {missing}"), Some(1)));
    // A guard rail of which nothing is left is proved by the files, and missing.
    let mut none = own.clone();
    let is_other = |one: &Value| one["rail"] != json!(rail);
    none["certificates"].as_array_mut().unwrap().retain(is_other);
    none["without"].as_array_mut().unwrap().retain(is_other);
    none["claims"].as_object_mut().unwrap().remove(&rail).unwrap();
    assert_eq!(check(&none, &[]).1, Some(0));
    let (told, code) = check(&none, &files);
    assert_eq!((told.contains(&missing), code), (true, Some(1)), "{told}");
    assert!(!told.contains("good certificates"), "{told}");
    // So is one that is stated no time.
    none["claims"][&rail] = json!({&who: 0});
    assert_eq!(check(&none, &[]).1, Some(0));
    let (told, code) = check(&none, &files);
    assert_eq!((told.contains(&missing), code), (true, Some(1)), "{told}");
    let mut more = own.clone();
    let one = own["certificates"][0].clone();
    more["certificates"].as_array_mut().unwrap().push(one);
    let unstated =
        format!("the certificate of `{rail}` for `{who}` is of no claim that the file states");
    assert_eq!(check(&more, &[]), (format!("less.json: BAD: {unstated}\n"), Some(1)));
    // Earlier versions stated nothing.
    let mut older = own;
    older["version"] = json!(2);
    assert_eq!(check(&older, &[]), (String::new(), Some(2)));
    older.as_object_mut().unwrap().remove("claims");
    let why = "version 2 does not state its claims, so that one may be missing: write it again";
    assert_eq!(check(&older, &[]), (format!("less.json: BAD: {why}\n"), Some(1)));
}

/// A certificate says of some policies that nothing gets past others; which guard rail and
/// whose policies these are, the files say.
#[test]
fn certificates_are_of_the_claims_that_they_name() {
    let directory = estate(&state(&work(), &limit(), REPOSITORY, &[]));
    let flags = ["--state", "state.json", "--json", "--certificate", "proved.json"];
    assert_eq!(run(directory.path(), &flags).status.code(), Some(0));
    let path = directory.path().join("proved.json");
    let mut all: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let check = |file: &str, more: &[&str]| {
        let output = run(directory.path(), &[&["--check", file], more].concat());
        assert_eq!(text(&output.stderr), "");
        let told: Vec<String> = text(&output.stdout).lines().map(str::to_owned).collect();
        (output.status.code(), told)
    };
    let files = ["--state", "state.json"];
    let (code, told) = check("proved.json", &files);
    assert_eq!((code, told.len()), (Some(0), 1), "{told:?}");
    // Under the name of another guard rail, it is good by itself and not that rail's.
    let certificates = all["certificates"].as_array_mut().unwrap();
    let names: Vec<String> =
        certificates.iter().map(|one| one["rail"].as_str().unwrap().to_owned()).collect();
    let other = names.iter().find(|name| **name != names[0]).unwrap().clone();
    certificates[0]["rail"] = json!(other);
    let who = certificates[0]["who"].as_str().unwrap().to_owned();
    let claims = all["claims"].as_object_mut().unwrap();
    for (rail, difference) in [(&names[0], -1), (&other, 1)] {
        let of = claims[rail].as_object_mut().unwrap();
        let count = of.get(&who).and_then(Value::as_i64).unwrap_or_default() + difference;
        of.insert(who.clone(), json!(count));
    }
    fs::write(directory.path().join("swapped.json"), all.to_string()).unwrap();
    assert_eq!(check("swapped.json", &[]).0, Some(0));
    let (code, told) = check("swapped.json", &files);
    let stranger =
        format!("swapped.json: the certificate of `{other}` for `{who}` is of another claim");
    assert_eq!((code, told.last()), (Some(1), Some(&stranger)), "{told:?}");
}

/// A bundle with certificates, as `verify` leaves one.
struct Bundle {
    directory: TempDir,
}

impl Bundle {
    fn new(lines: &[Value], certificates: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("evidence/tests/data/bundles/2");
        let to = directory.path().join("bundle");
        let status = Command::new("cp").arg("-r").arg(kept).arg(to).status().unwrap();
        assert!(status.success());
        let bundle = Self { directory };
        let path = bundle.path("run.json");
        let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let proofs = lines.iter().filter(|line| line["rail"].is_string()).map(|line| {
            json!({"guard_rail": line["rail"], "verdict": line["verdict"],
                "claims": line["claims"], "universe": "", "told": []})
        });
        record["proofs"] = proofs.collect();
        record["certificates_sha256"] = json!(sha256(certificates));
        fs::write(path, record.to_string()).unwrap();
        fs::write(bundle.path("certificates.json"), certificates).unwrap();
        bundle
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join("bundle").join(name)
    }

    /// With other certificates, of which the record says that they are its own.
    fn renamed(&self, certificates: &[u8]) {
        let path = self.path("run.json");
        let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        record["certificates_sha256"] = json!(sha256(certificates));
        fs::write(path, record.to_string()).unwrap();
        fs::write(self.path("certificates.json"), certificates).unwrap();
    }

    /// What is said of it, once all its files have their hashes again.
    fn said(&self) -> (Option<i32>, Vec<String>) {
        let listed = fs::read_to_string(self.path("MANIFEST.sha256")).unwrap();
        let names = listed.lines().filter_map(|line| line.split_once("  ")).map(|(_, name)| name);
        let mut names: Vec<&str> = names.filter(|name| *name != "certificates.json").collect();
        if self.path("certificates.json").exists() {
            names.push("certificates.json");
        }
        names.sort_unstable();
        let lines = names
            .into_iter()
            .map(|name| format!("{}  {name}\n", sha256(&fs::read(self.path(name)).unwrap())));
        fs::write(self.path("MANIFEST.sha256"), lines.collect::<String>()).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .current_dir(self.directory.path())
            .args(["evidence", "verify", "bundle", "--hashes-only"])
            .output()
            .unwrap();
        assert_eq!(text(&output.stderr), "");
        let bad = text(&output.stdout).lines().filter_map(|line| line.strip_prefix("BAD: "));
        (output.status.code(), bad.map(str::to_owned).collect())
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The lines and the certificates of a state.
fn certified(state: &Value) -> (Vec<Value>, Vec<u8>) {
    let directory = estate(state);
    let flags = ["--state", "state.json", "--json", "--certificate", "proved.json"];
    let output = run(directory.path(), &flags);
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    (lines.collect(), fs::read(directory.path().join("proved.json")).unwrap())
}

#[test]
fn certificates_of_a_bundle_are_its_own_and_good() {
    let (lines, own) = certified(&state(&work(), &limit(), REPOSITORY, &[]));
    let bundle = Bundle::new(&lines, &own);
    assert_eq!(bundle.said(), (Some(0), vec![]));

    // Removed.
    fs::remove_file(bundle.path("certificates.json")).unwrap();
    let gone = "run.json names `certificates.json`, and it is not there".to_owned();
    assert_eq!(bundle.said(), (Some(1), vec![gone]));

    // Of another estate, good by themselves.
    let mut other = state(&work(), &limit(), REPOSITORY, &[]);
    let resources = other["values"]["root_module"]["resources"].as_array_mut().unwrap();
    resources.retain(|one| one["type"] != "aws_s3_bucket");
    let foreign = certified(&other).1;
    assert_ne!(foreign, own);
    fs::write(bundle.path("certificates.json"), &foreign).unwrap();
    const ARTIFACTS: &str = "a team's artifacts are its own";
    let of_another =
        format!("`certificates.json` tells of 0 claims of `{ARTIFACTS}`, the record of 1");
    let hash = "run.json names `certificates.json` with another hash".to_owned();
    assert_eq!(bundle.said(), (Some(1), vec![hash, of_another.clone()]));
    bundle.renamed(&foreign);
    assert_eq!(bundle.said(), (Some(1), vec![of_another]));

    // Altered: a class of actions is gone.
    let mut all: Value = serde_json::from_slice(&own).unwrap();
    let one = &mut all["certificates"][0];
    let (rail, who) = (one["rail"].as_str().unwrap().to_owned(), one["who"].as_str().unwrap());
    let whose = format!("`certificates.json`: the certificate of `{rail}` for `{who}`: ");
    one["callers"][0]["actions"].as_array_mut().unwrap().truncate(1);
    bundle.renamed(all.to_string().as_bytes());
    let (code, said) = bundle.said();
    assert_eq!((code, said.len()), (Some(1), 1), "{said:?}");
    assert!(said[0].starts_with(&format!("{whose}no class has actions like `")), "{said:?}");
    // A policy with another text than its digest says.
    let mut all: Value = serde_json::from_slice(&own).unwrap();
    let documents = all["documents"].as_object_mut().unwrap();
    let (digest, policy) = documents.iter_mut().next().unwrap();
    let digest = digest.clone();
    *policy = json!(policy.as_str().unwrap().replace("2012-10-17", "2008-10-17"));
    bundle.renamed(all.to_string().as_bytes());
    let (code, said) = bundle.said();
    assert_eq!((code, said.len()), (Some(1), 1), "{said:?}");
    assert!(said[0].contains(&digest), "{said:?}");

    // The same bytes again.
    bundle.renamed(&own);
    assert_eq!(bundle.said(), (Some(0), vec![]));
}

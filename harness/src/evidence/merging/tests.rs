use ringfence_evidence::bundle::RUN;
use ringfence_evidence::controls::Catalogue;
use ringfence_evidence::signature::{AllowedKeys, Instant};
use ringfence_evidence::{Input, SCHEMA_VERSION, Share, Summary};

use super::*;
use crate::evidence::sign_bundle;

const NOW: &str = "20261128000000";

/// A new key, by OpenSSH's own tool.
fn key(place: &Path) -> PathBuf {
    let path = place.join("key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    path
}

/// A bundle of a share: its attack, and the claim that every share makes.
fn bundle(place: &Path, number: u32) -> PathBuf {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("evidence/tests/data/bundles/2");
    let mut record = RunRecord::read(&kept.join(RUN)).unwrap();
    let directory = place.join(format!("share-{number}"));
    let share: Share = format!("{number}/2").parse().unwrap();
    let attacks: Vec<String> = (0..8).map(|number| format!("deployer/{number}/api")).collect();
    let mut probes = record.probes.clone();
    let (attack, claim) = (probes.swap_remove(0), probes.swap_remove(0));
    record.probes = attacks
        .iter()
        .filter(|id| share.has(id))
        .map(|id| ringfence_evidence::Probe { id: id.clone(), ..attack.clone() })
        .chain([claim])
        .collect();
    record.summary = Summary::of(&record.probes);
    record.schema_version = SCHEMA_VERSION;
    record.part = Some(Part::Share { share, attacks, idle: Vec::new() });
    record.mutations = None;
    let (source, deployed) = ("terraform/main.tf", "policies/policy/a.json");
    let texts = [(source, "{}".to_owned()), (deployed, format!("/apis/a{number}b2c3d4e5"))];
    record.inputs = texts
        .iter()
        .map(|(path, text)| Input {
            path: (*path).to_owned(),
            kind: "terraform".to_owned(),
            sha256: sha256(text.as_bytes()),
        })
        .collect();
    for (path, text) in texts {
        put(&directory.join(INPUTS).join(path), text.as_bytes()).unwrap();
    }
    for probe in &record.probes {
        put(&directory.join(raw_path(probe)), number.to_string().as_bytes()).unwrap();
    }
    put(&directory.join(JOURNAL), format!("{{\"share\":{number}}}\n").as_bytes()).unwrap();
    let decisions = format!(
        "{{\"form\":1,\"documents\":{{\"d{number}\":\"{{}}\"}},\"decisions\":[\"same\",{number}]}}"
    );
    put(&directory.join(DECISIONS), decisions.as_bytes()).unwrap();
    write(&directory, &record, &Catalogue::builtin().unwrap()).unwrap();
    directory
}

fn shares(place: &Path) -> Vec<PathBuf> {
    (1..=2).map(|number| bundle(place, number)).collect()
}

#[test]
fn the_bundle_of_all_shares_is_undamaged_and_holds_what_each_left() {
    let place = tempfile::tempdir().unwrap();
    let (shares, into) = (shares(place.path()), place.path().join("merged"));
    let record = merge_bundles(&shares, &into, Trust::HashesAlone).unwrap();
    assert_eq!(record.probes.len(), 9);
    let checked = check(&into, Trust::HashesAlone).unwrap();
    assert_eq!(checked.problems, Vec::<String>::new());
    assert_eq!(checked.record.unwrap(), record);
    let read = |path: &str| fs::read_to_string(into.join(path)).unwrap();
    assert_eq!(read(JOURNAL), "{\"share\":1}\n{\"share\":2}\n");
    assert_eq!(
        read(DECISIONS),
        "{\"form\":1,\"documents\":{\"d1\":\"{}\",\"d2\":\"{}\"},\"decisions\":[\"same\",1,2]}"
    );
    for probe in record.probes.iter().filter(|probe| probe.id.starts_with("deployer/")) {
        let share: Share = format!("{}/2", read(&raw_path(probe))).parse().unwrap();
        assert!(share.has(&probe.id), "{}", probe.id);
    }
    let kept = fs::read(shares[1].join(MANIFEST)).unwrap();
    assert_eq!(fs::read(into.join("shares/2").join(MANIFEST)).unwrap(), kept);
    // What a share signed cannot be exchanged afterwards.
    put(&into.join("shares/2").join(MANIFEST), b"other").unwrap();
    let problems = check(&into, Trust::HashesAlone).unwrap().problems;
    assert!(
        problems.contains(&format!(
            "run.json names `shares/2/{MANIFEST}` with another hash, or it is not there"
        )),
        "{problems:?}"
    );
}

#[test]
fn nothing_is_written_where_something_is_or_where_a_share_is_damaged() {
    let place = tempfile::tempdir().unwrap();
    let shares = shares(place.path());
    let error = merge_bundles(&shares, place.path(), Trust::HashesAlone).unwrap_err();
    let name = place.path().display();
    assert_eq!(
        error.to_string(),
        format!("`{name}` is there already: name a directory that is not")
    );
    put(&shares[0].join(JOURNAL), b"another\n").unwrap();
    let into = place.path().join("merged");
    let error = merge_bundles(&shares, &into, Trust::HashesAlone).unwrap_err();
    let damaged = shares[0].display();
    assert_eq!(
        error.to_string(),
        format!("nothing was merged:\n`{damaged}`: `journal.jsonl` was changed")
    );
    assert!(!into.exists());
}

#[test]
fn each_share_is_signed_by_an_allowed_key_where_one_is_given() {
    let place = tempfile::tempdir().unwrap();
    let (shares, into) = (shares(place.path()), place.path().join("merged"));
    let key = key(place.path());
    let public = key.with_extension("pub");
    let keys = AllowedKeys::read(&public).unwrap();
    let at: Instant = NOW.parse().unwrap();
    sign_bundle(&shares[0], &key, true).unwrap();
    let error = merge_bundles(&shares, &into, Trust::Keys(&keys, at)).unwrap_err();
    let unsigned = shares[1].display();
    assert!(error.to_string().contains(&format!("`{unsigned}`: ")), "{error}");
    assert!(!error.to_string().contains(&format!("`{}`: ", shares[0].display())), "{error}");
    sign_bundle(&shares[1], &key, true).unwrap();
    let record = merge_bundles(&shares, &into, Trust::Keys(&keys, at)).unwrap();
    assert!(record.shares.iter().all(|share| share.signer.is_some()), "{:?}", record.shares);
    assert!(!record.deviations.iter().any(|text| text.contains("UNSIGNED")));
}

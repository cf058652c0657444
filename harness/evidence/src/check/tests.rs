//! A bundle signed by the real `ssh-keygen`, and all that may be done to it.

use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;
use tempfile::TempDir;

use super::*;
use crate::bundle;
use crate::controls::Catalogue;
use crate::fixtures;
use crate::manifest::sha256;
use crate::signature::{NAMESPACE, sign};

const NOW: &str = "20261122120000Z";

/// A finished, signed bundle with the keys of its signer and of a stranger.
struct Made {
    directory: TempDir,
}

impl Made {
    fn new() -> Self {
        let made = Self { directory: tempfile::tempdir().unwrap() };
        let bundle = made.bundle();
        std::fs::create_dir(&bundle).unwrap();
        let mut record = fixtures::record();
        let input = "resource \"aws_iam_role\" \"x\" {}\n";
        record.inputs[0].sha256 = sha256(input.as_bytes());
        bundle::put(&bundle.join("inputs/terraform/main.tf"), input.as_bytes()).unwrap();
        bundle::put(&bundle.join("journal.jsonl"), b"{}\n").unwrap();
        for probe in &record.probes {
            bundle::put(&bundle.join(raw_path(probe)), b"{}\n").unwrap();
        }
        bundle::write(&bundle, &record, &Catalogue::builtin().unwrap()).unwrap();
        for name in ["key", "stranger"] {
            let path = made.path(name);
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
                .arg(path)
                .status()
                .unwrap();
            assert!(made.success());
        }
        sign(&bundle, &made.path("key")).unwrap();
        let key = made.public("key");
        made.allow(&format!("ringfence namespaces=\"{NAMESPACE}\" {key}"));
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn bundle(&self) -> PathBuf {
        self.path("bundle")
    }

    fn public(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap()
    }

    fn allow(&self, line: &str) {
        std::fs::write(self.path("allowed"), line).unwrap();
    }

    fn problems(&self) -> Vec<String> {
        let keys = AllowedKeys::read(&self.path("allowed")).unwrap();
        check(&self.bundle(), Trust::Keys(&keys, NOW.parse().unwrap())).unwrap().problems
    }

    /// What `VERIFY.md` tells to run, word by word, but for the time.
    fn stock(&self) -> bool {
        let page = crate::bundle::render(
            &fixtures::record(),
            &Catalogue::builtin().unwrap(),
            &crate::bundle::Surroundings::default(),
        );
        let page = page.unwrap().into_iter().find(|(name, _)| *name == "VERIFY.md").unwrap().1;
        let page = String::from_utf8(page).unwrap();
        let commands = page.split("```\n").nth(3).unwrap().replace(
            "-Y verify -f allowed_signers",
            &format!("-Y verify -Overify-time={NOW} -f ../allowed"),
        );
        let script = format!("set -e -o pipefail\n{commands}");
        let output =
            Command::new("bash").args(["-c", &script]).current_dir(self.bundle()).output().unwrap();
        output.status.success()
    }
}

fn edit(path: &Path, change: impl FnOnce(&mut String)) {
    let mut text = std::fs::read_to_string(path).unwrap();
    let before = text.clone();
    change(&mut text);
    assert_ne!(text, before, "the tampering changes nothing");
    std::fs::write(path, text).unwrap();
}

/// Writes the manifest anew, as somebody would who covers a change up.
fn cover(bundle: &Path) {
    let manifest = Manifest::of(bundle).unwrap().to_string();
    std::fs::write(bundle.join(MANIFEST), manifest).unwrap();
}

fn replace(bundle: &Path, name: &str, old: &str, new: &str) {
    edit(&bundle.join(name), |text| *text = text.replace(old, new));
}

fn ssh_sign(bundle: &Path, key: &Path, namespace: &str) {
    let _ = std::fs::remove_file(bundle.join(SIGNATURE));
    let status = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-q", "-n", namespace, "-f"])
        .args([key, &bundle.join(MANIFEST)])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn an_untouched_bundle_is_good_by_our_check_and_by_the_stock_commands() {
    let made = Made::new();
    assert_eq!(made.problems(), Vec::<String>::new());
    assert!(made.stock());
    let keys = AllowedKeys::read(&made.path("allowed")).unwrap();
    let checked = check(&made.bundle(), Trust::Keys(&keys, NOW.parse().unwrap())).unwrap();
    assert_eq!(checked.signer.unwrap().principal.as_deref(), Some("ringfence"));
    assert_eq!(checked.files, Manifest::of(&made.bundle()).unwrap().files().count());
    let bare = AllowedKeys::read(&made.path("key.pub")).unwrap();
    let checked = check(&made.bundle(), Trust::Keys(&bare, NOW.parse().unwrap())).unwrap();
    assert_eq!(checked.problems, Vec::<String>::new());
}

/// Each is a way of somebody with access to the bundle, but not to the key.
#[rstest]
#[case::a_verdict_is_changed(
    |b: &Path| replace(b, "run.json", "\"verdict\": \"failed\"", "\"verdict\": \"held\""),
    "`run.json` was changed"
)]
#[case::a_verdict_is_changed_and_the_manifest_with_it(
    |b: &Path| {
        replace(b, "run.json", "\"verdict\": \"failed\"", "\"verdict\": \"held\"");
        cover(b);
    },
    "the signature is not one of this MANIFEST.sha256"
)]
#[case::one_byte_of_the_journal(
    |b: &Path| replace(b, "journal.jsonl", "{}", "{ }"),
    "`journal.jsonl` was changed"
)]
#[case::a_table_is_cut(
    |b: &Path| edit(&b.join("probes.csv"), |text| { text.pop(); }),
    "`probes.csv` was changed"
)]
#[case::an_input_is_changed(
    |b: &Path| replace(b, "inputs/terraform/main.tf", "aws_iam_role", "aws_iam_user"),
    "`inputs/terraform/main.tf` was changed"
)]
#[case::a_raw_file_is_emptied(
    |b: &Path| {
        let raw = std::fs::read_dir(b.join("raw")).unwrap().next().unwrap().unwrap().path();
        std::fs::write(raw, "").unwrap();
    },
    ".json` was changed"
)]
#[case::a_file_is_removed(
    |b: &Path| std::fs::remove_file(b.join("junit.xml")).unwrap(),
    "`junit.xml` is missing (removed or renamed)"
)]
#[case::a_file_is_removed_and_its_line_with_it(
    |b: &Path| {
        std::fs::remove_file(b.join("live-checks.md")).unwrap();
        cover(b);
    },
    "the signature is not one of this MANIFEST.sha256"
)]
#[case::a_file_is_added(
    |b: &Path| std::fs::write(b.join("results.pdf"), "all held").unwrap(),
    "`results.pdf` is not in MANIFEST.sha256 (added or renamed)"
)]
#[case::a_file_is_added_below_under_the_manifests_name(
    |b: &Path| std::fs::write(b.join("raw/MANIFEST.sha256"), "x").unwrap(),
    "`raw/MANIFEST.sha256` is not in MANIFEST.sha256 (added or renamed)"
)]
#[case::a_hidden_file_is_added(
    |b: &Path| std::fs::write(b.join(".note"), "x").unwrap(),
    "`.note` is not in MANIFEST.sha256 (added or renamed)"
)]
#[case::a_file_is_renamed(
    |b: &Path| std::fs::rename(b.join("SCOPE.md"), b.join("scope.md")).unwrap(),
    "`SCOPE.md` is missing (removed or renamed)"
)]
#[case::a_file_is_replaced_by_a_link(
    |b: &Path| {
        std::fs::rename(b.join("junit.xml"), b.parent().unwrap().join("junit.xml")).unwrap();
        std::os::unix::fs::symlink("../junit.xml", b.join("other.xml")).unwrap();
    },
    "other.xml` has no place in a bundle: it is no plain file"
)]
#[case::two_files_change_places(
    |b: &Path| {
        std::fs::rename(b.join("SCOPE.md"), b.join("x")).unwrap();
        std::fs::rename(b.join("VERIFY.md"), b.join("SCOPE.md")).unwrap();
        std::fs::rename(b.join("x"), b.join("VERIFY.md")).unwrap();
    },
    "`SCOPE.md` was changed"
)]
#[case::the_signature_is_removed(
    |b: &Path| std::fs::remove_file(b.join(SIGNATURE)).unwrap(),
    "unsigned: there is no MANIFEST.sha256.sig"
)]
#[case::the_signature_is_damaged(
    |b: &Path| edit(&b.join(SIGNATURE), |text| {
        let at = text.len() / 2;
        let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
        text.replace_range(at..=at, other);
    }),
    ""
)]
#[case::a_stranger_signs(
    |b: &Path| ssh_sign(b, &b.parent().unwrap().join("stranger"), NAMESPACE),
    ", which is no allowed key"
)]
#[case::the_right_key_signed_for_another_purpose(
    |b: &Path| ssh_sign(b, &b.parent().unwrap().join("key"), "git"),
    "the signature is for `git`, not for `ringfence-evidence`"
)]
#[case::the_manifest_is_removed(
    |b: &Path| std::fs::remove_file(b.join(MANIFEST)).unwrap(),
    "there is no MANIFEST.sha256: the bundle was never finished"
)]
#[case::the_manifest_is_emptied(
    |b: &Path| std::fs::write(b.join(MANIFEST), "").unwrap(),
    "MANIFEST.sha256, line 1: no file is listed"
)]
#[case::a_line_of_the_manifest_is_removed(
    |b: &Path| edit(&b.join(MANIFEST), |text| {
        *text = text.lines().skip(1).map(|line| format!("{line}\n")).collect();
    }),
    "the signature is not one of this MANIFEST.sha256"
)]
fn a_tampering_is_detected_by_our_check_and_by_the_stock_commands(
    #[case] tamper: fn(&Path),
    #[case] expected: &str,
) {
    let made = Made::new();
    tamper(&made.bundle());
    let problems = made.problems();
    assert!(problems.iter().any(|problem| problem.contains(expected)), "{problems:?}");
    assert!(!made.stock(), "the stock commands see nothing");
}

#[rstest]
#[case::expired("valid-before=\"20261101Z\"", "valid before 20261101000000Z")]
#[case::not_yet("valid-after=\"20270101Z\"", "valid after 20270101000000Z")]
fn a_key_outside_its_time_does_not_count(#[case] limit: &str, #[case] expected: &str) {
    let made = Made::new();
    made.allow(&format!("ringfence {limit} {}", made.public("key")));
    let problems = made.problems();
    assert!(problems.iter().any(|problem| problem.contains(expected)), "{problems:?}");
    assert!(!made.stock());
}

#[test]
fn a_signature_made_by_our_librarys_own_code_is_good_for_ssh_keygen() {
    let made = Made::new();
    let key = ssh_key::PrivateKey::read_openssh_file(&made.path("key")).unwrap();
    let manifest = std::fs::read(made.bundle().join(MANIFEST)).unwrap();
    let signature = key.sign(NAMESPACE, ssh_key::HashAlg::Sha512, &manifest).unwrap();
    let pem = signature.to_pem(ssh_key::LineEnding::LF).unwrap();
    std::fs::write(made.bundle().join(SIGNATURE), pem).unwrap();
    assert!(made.stock());
    assert_eq!(made.problems(), Vec::<String>::new());
}

#[test]
fn an_incomplete_run_is_said_to_be_so_though_its_signature_is_good() {
    let made = Made::new();
    let mut record = RunRecord::read(&made.bundle().join(RUN)).unwrap();
    record.status = RunStatus::Incomplete { reason: "interrupted".to_owned() };
    bundle::write(&made.bundle(), &record, &Catalogue::builtin().unwrap()).unwrap();
    sign(&made.bundle(), &made.path("key")).unwrap();
    assert_eq!(made.problems(), ["INCOMPLETE, and so no result: interrupted"]);
    let page = std::fs::read_to_string(made.bundle().join("SCOPE.md")).unwrap();
    assert!(page.contains("INCOMPLETE: the run did not come to its end (interrupted)"));
}

/// Signed by the right key, and still not in agreement with itself.
#[rstest]
#[case::a_form(
    |b: &Path| replace(b, "junit.xml", "<failure ", "<system-err "),
    "`junit.xml` counts other probes than run.json"
)]
#[case::the_summary(
    |b: &Path| replace(b, "run.json", "\"probes\": 4", "\"probes\": 5"),
    "run.json: the summary does not count its probes"
)]
#[case::an_input(
    |b: &Path| replace(b, "inputs/terraform/main.tf", "aws_iam_role", "aws_iam_user"),
    "run.json names `inputs/terraform/main.tf` with another hash, or it is not there"
)]
#[case::a_raw_file(
    |b: &Path| {
        let raw = std::fs::read_dir(b.join("raw")).unwrap().next().unwrap().unwrap().path();
        std::fs::remove_file(raw).unwrap();
    },
    "which belongs to a probe, is not there"
)]
fn what_does_not_agree_is_told_though_its_signature_is_good(
    #[case] change: fn(&Path),
    #[case] expected: &str,
) {
    let made = Made::new();
    change(&made.bundle());
    cover(&made.bundle());
    sign(&made.bundle(), &made.path("key")).unwrap();
    let problems = made.problems();
    assert!(problems.iter().any(|problem| problem.contains(expected)), "{problems:?}");
}

#[test]
fn a_bundle_is_rendered_again_without_a_difference_and_a_change_is_named() {
    let made = Made::new();
    let catalogue = Catalogue::builtin().unwrap();
    assert_eq!(bundle::differing(&made.bundle(), &catalogue).unwrap(), Vec::<&str>::new());
    replace(&made.bundle(), "SCOPE.md", "failed", "held");
    assert_eq!(bundle::differing(&made.bundle(), &catalogue).unwrap(), ["SCOPE.md"]);
}

#[test]
fn a_key_that_cannot_sign_is_named() {
    let made = Made::new();
    let error = sign(&made.bundle(), &made.path("nokey")).unwrap_err().to_string();
    assert!(error.starts_with("ssh-keygen cannot sign with `"), "{error}");
    assert!(error.contains("nokey"), "{error}");
}

#[test]
fn a_calibration_is_of_the_bundles_decisions_and_counts_them_all() {
    let made = Made::new();
    let bundle = made.bundle();
    let decisions = b"{}\n";
    bundle::put(&bundle.join(bundle::DECISIONS), decisions).unwrap();
    let mut record = bundle::read(&bundle).unwrap();
    let problems = |record: &RunRecord| {
        bundle::write(&bundle, record, &Catalogue::builtin().unwrap()).unwrap();
        check(&bundle, Trust::HashesAlone).unwrap().problems
    };
    let own = crate::Calibration { decisions_sha256: sha256(decisions), ..fixtures::calibration() };
    record.calibration = Some(own.clone());
    assert_eq!(problems(&record), Vec::<String>::new());
    record.calibration = Some(crate::Calibration { judged: own.judged + 1, ..own });
    assert_eq!(problems(&record), ["run.json: the calibration does not count its decisions"]);
    record.calibration = Some(fixtures::calibration());
    assert_eq!(
        problems(&record),
        ["run.json tells of a calibration of other decisions than `decisions.json`"]
    );
}

#[test]
fn certificates_are_those_that_the_record_names() {
    let made = Made::new();
    let bundle = made.bundle();
    let path = bundle.join(bundle::CERTIFICATES);
    let mut record = bundle::read(&bundle).unwrap();
    let problems = |record: &RunRecord| {
        bundle::write(&bundle, record, &Catalogue::builtin().unwrap()).unwrap();
        check(&bundle, Trust::HashesAlone).unwrap().problems
    };
    assert_eq!(problems(&record), Vec::<String>::new());
    bundle::put(&path, b"{}").unwrap();
    assert_eq!(problems(&record), ["run.json does not name `certificates.json`, and there is one"]);
    record.certificates_sha256 = Some(sha256(b"{}"));
    assert_eq!(problems(&record), Vec::<String>::new());
    bundle::put(&path, b"{ }").unwrap();
    assert_eq!(problems(&record), ["run.json names `certificates.json` with another hash"]);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(problems(&record), ["run.json names `certificates.json`, and it is not there"]);
}

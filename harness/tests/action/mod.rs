//! The scripts of `action.yml` that speak with GitHub, with programs in the place
//! of `curl` and `gh` that note what they are asked. What the action does as a
//! whole is tested by the workflow runner (`src/workflow/tests/own_action.rs`).

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest, Sha256};

/// Gives the files of a release: the last word is the URL, `--output FILE` before it.
const CURL: &str = r#"#!/bin/bash
for ((i = 1; i < $#; i++)); do [ "${!i}" = --output ] && { next=$((i + 1)); out=${!next}; }; done
url=${!#}
echo "curl $url" >> "$NOTES"
cp "$RELEASE/${url##*/}" "$out"
"#;

/// Notes each call with what its files hold; knows the comments of a pull request.
const GH: &str = r#"#!/bin/bash
echo "gh $*" | sed 's#@[^ ]*/#@#g' >> "$NOTES"
for word; do case "$word" in *=@*) { cat "${word#*=@}"; echo; } >> "$NOTES" ;; esac; done
case "$*" in *--paginate*) cat "$RELEASE/comments" ;; esac
test "$1" != attestation || exit "$(cat "$RELEASE/attestation")"
"#;

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap() };
        for (name, text) in [("curl", CURL), ("gh", GH)] {
            let path = place.write(&format!("bin/{name}"), text);
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        }
        place.write("release/comments", "");
        place.write("release/attestation", "0");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn run(&self, script: &str, variables: &[(&str, &str)]) -> Output {
        let path = std::env::var("PATH").unwrap();
        Command::new("bash")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/action").join(script))
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("NOTES", self.path("notes"))
            .env("RELEASE", self.path("release"))
            .env("RUNNER_TEMP", self.directory.path())
            .env("GITHUB_PATH", self.path("path"))
            .env("GITHUB_SERVER_URL", "https://github.test")
            .env("GITHUB_REPOSITORY", "org/repo")
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }

    fn notes(&self) -> String {
        std::fs::read_to_string(self.path("notes")).unwrap_or_default()
    }

    /// A release for this machine, with what `SHA256SUMS` says of it.
    fn release(&self, sums: impl FnOnce(&str, &str) -> String) -> String {
        let program = self.write("pack/ringfence", "#!/bin/sh\necho ringfence 9.9.9\n");
        std::fs::set_permissions(program, PermissionsExt::from_mode(0o755)).unwrap();
        let archive =
            format!("ringfence-9.9.9-{}-unknown-linux-musl.tar.gz", std::env::consts::ARCH);
        let packed = Command::new("tar")
            .args(["-czf"])
            .arg(self.path("release").join(&archive))
            .args(["-C"])
            .arg(self.path("pack"))
            .arg("ringfence")
            .status();
        assert!(packed.unwrap().success());
        let bytes = std::fs::read(self.path("release").join(&archive)).unwrap();
        let hash = hex::encode(Sha256::digest(bytes));
        self.write("release/SHA256SUMS", &sums(&hash, &archive));
        archive
    }
}

const RELEASE: [(&str, &str); 2] = [("VERSION", "9.9.9"), ("REPOSITORY", "org/ringfence")];

fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[cfg(target_os = "linux")]
#[test]
fn a_release_is_installed_after_its_hash_and_provenance_were_checked() {
    let place = Place::new();
    let archive = place.release(|hash, name| format!("{hash}  {name}\n{hash}  {name}.other\n"));
    let output = place.run("install.sh", &RELEASE);
    assert!(output.status.success(), "{}", told(&output));
    assert!(told(&output).ends_with("ringfence 9.9.9\n"), "{}", told(&output));
    let base = "https://github.test/org/ringfence/releases/download/v9.9.9";
    let expected = format!(
        "curl {base}/{archive}\ncurl {base}/SHA256SUMS\ngh attestation verify {archive} --repo org/ringfence\n"
    );
    assert_eq!(place.notes(), expected);
    let path = std::fs::read_to_string(place.path("path")).unwrap();
    assert_eq!(path.trim(), place.path("ringfence-bin").to_str().unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn another_hash_provenance_or_list_installs_nothing() {
    let other = "0".repeat(64);
    for (sums, attestation) in [("{other}  {name}\n", "0"), ("", "0"), ("{hash}  {name}\n", "1")] {
        let place = Place::new();
        place.write("release/attestation", attestation);
        place.release(|hash, name| {
            sums.replace("{other}", &other).replace("{hash}", hash).replace("{name}", name)
        });
        let output = place.run("install.sh", &RELEASE);
        assert!(!output.status.success(), "{sums}: {}", told(&output));
        assert!(!place.path("ringfence-bin/ringfence").exists(), "{sums}");
        assert!(!place.path("path").exists(), "{sums}");
    }
}

#[test]
fn the_comment_of_an_earlier_run_is_replaced() {
    let place = Place::new();
    let markdown = place.write("answer.md", "role/a may do more");
    let markdown = markdown.to_str().unwrap();
    let variables = [("PULL_REQUEST", "7"), ("MARKDOWN", markdown), ("COMMAND", "access-diff")];
    assert!(place.run("comment.sh", &variables).status.success());
    let notes = place.notes();
    assert!(notes.contains("--method POST repos/org/repo/issues/7/comments"), "{notes}");
    assert!(notes.contains("<!-- ringfence: access-diff -->\nrole/a may do more"), "{notes}");

    std::fs::remove_file(place.path("notes")).unwrap();
    place.write("release/comments", "42\n");
    assert!(place.run("comment.sh", &variables).status.success());
    let notes = place.notes();
    assert!(notes.contains("--method PATCH repos/org/repo/issues/comments/42"), "{notes}");
    assert!(!notes.contains("POST"), "{notes}");
}

#[test]
fn without_a_pull_request_nothing_is_commented() {
    let place = Place::new();
    let markdown = place.write("answer.md", "x");
    let markdown = markdown.to_str().unwrap();
    let variables = [("PULL_REQUEST", ""), ("MARKDOWN", markdown), ("COMMAND", "prove")];
    let output = place.run("comment.sh", &variables);
    assert!(output.status.success());
    assert!(told(&output).contains("nothing is commented"), "{}", told(&output));
    assert_eq!(place.notes(), "");
}

#[test]
fn findings_go_to_code_scanning_packed() {
    let place = Place::new();
    let sarif = place.write("lint.sarif", "{\"runs\": []}");
    let variables = [
        ("SARIF", sarif.to_str().unwrap()),
        ("GITHUB_SHA", "0123456789012345678901234567890123456789"),
        ("GITHUB_REF", "refs/pull/7/merge"),
    ];
    assert!(place.run("upload-sarif.sh", &variables).status.success());
    let notes = place.notes();
    assert!(notes.contains("--method POST repos/org/repo/code-scanning/sarifs"), "{notes}");
    assert!(notes.contains("ref=refs/pull/7/merge"), "{notes}");
    // The magic number of gzip, in base64.
    assert!(notes.lines().any(|line| line.starts_with("H4sI")), "{notes}");
}

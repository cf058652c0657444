//! Who and what runs this.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use ringfence_evidence::Provenance;

/// What tells a `verify` that another process signs what it leaves.
pub(crate) const WORKER: &str = "--tell-manifest-on-stdin";

/// What CI systems say of a run that is no secret.
const CI: [&str; 22] = [
    "BUILDKITE_BUILD_URL",
    "BUILDKITE_COMMIT",
    "CI",
    "CI_COMMIT_REF_NAME",
    "CI_COMMIT_SHA",
    "CI_JOB_ID",
    "CI_PIPELINE_ID",
    "CI_PROJECT_PATH",
    "CI_SERVER_URL",
    "GITHUB_ACTIONS",
    "GITHUB_ACTOR",
    "GITHUB_EVENT_NAME",
    "GITHUB_JOB",
    "GITHUB_REF",
    "GITHUB_REPOSITORY",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_RUN_ID",
    "GITHUB_SERVER_URL",
    "GITHUB_SHA",
    "GITHUB_WORKFLOW",
    "RUNNER_ARCH",
    "RUNNER_OS",
];

/// Of this process, for the configuration in a file.
///
/// # Errors
/// When the running binary cannot be read.
pub fn provenance(configuration: &Path) -> anyhow::Result<Provenance> {
    let directory = match configuration.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let actor = ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILDKITE_BUILD_CREATOR", "USER", "LOGNAME"]
        .into_iter()
        .find_map(variable);
    // Of what lies below the configuration: elsewhere nothing is under test.
    let status = git(directory, &["status", "--porcelain", "--untracked-files=normal", "--", "."]);
    Ok(Provenance {
        actor: actor.unwrap_or_else(|| {
            format!("the user with the id {}", rustix::process::getuid().as_raw())
        }),
        commit: git(directory, &["rev-parse", "HEAD"]),
        tree_clean: status.map(|status| status.is_empty()),
        binary_sha256: binary().context("cannot read the running binary")?,
        command: command(),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        ci: CI.iter().filter_map(|name| Some(((*name).to_owned(), variable(name)?))).collect(),
        previous_manifest_sha256: None,
        signing_key: None,
    })
}

/// The command as a person gave it, without what Ringfence tells itself.
fn command() -> Vec<String> {
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    words.filter(|word| word != WORKER).collect()
}

/// What git says; none where there is no git, no repository or no commit.
fn git(directory: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The running binary's SHA-256. By the library with assembly: a binary with
/// debug information is large.
fn binary() -> std::io::Result<String> {
    let mut file = std::fs::File::open(std::env::current_exe()?)?;
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read) {
            Some(part) if read > 0 => digest.update(part),
            _ => return Ok(hex::encode(digest.finish())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(directory: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        let mut command = Command::new("git");
        let status =
            command.arg("-C").arg(directory).args(identity).args(arguments).status().unwrap();
        assert!(status.success());
    }

    #[test]
    fn the_commit_is_the_configurations_and_a_change_or_a_new_file_is_not_clean() {
        let directory = tempfile::tempdir().unwrap();
        let configuration = directory.path().join("ringfence.toml");
        assert_eq!(provenance(&configuration).unwrap().commit, None);
        std::fs::write(&configuration, "").unwrap();
        run(directory.path(), &["init", "-q"]);
        run(directory.path(), &["add", "."]);
        run(directory.path(), &["commit", "-q", "-m", "one"]);
        let clean = provenance(&configuration).unwrap();
        assert_eq!(clean.commit.map(|commit| commit.len()), Some(40));
        assert_eq!(clean.tree_clean, Some(true));
        assert_eq!(clean.binary_sha256.len(), 64);
        std::fs::write(directory.path().join("new.tf"), "").unwrap();
        assert_eq!(provenance(&configuration).unwrap().tree_clean, Some(false));
    }
}

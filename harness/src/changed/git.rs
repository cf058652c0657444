//! The files that git says differ from a revision.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

/// The files of the repository that holds a directory that differ from a revision:
/// committed since, changed in the working tree, or there and not known to git.
/// What git ignores it does not compare.
///
/// # Errors
/// Git's own words: there is no git, no repository, or no such revision.
pub(crate) fn since(directory: &Path, revision: &str) -> anyhow::Result<Vec<PathBuf>> {
    let top = git(directory, &["rev-parse", "--show-toplevel"])?;
    let top = PathBuf::from(OsString::from_vec(top.strip_suffix(b"\n").unwrap_or(&top).to_vec()));
    // A revision alone: neither an option nor a path.
    let commit = format!("{revision}^{{commit}}");
    git(&top, &["rev-parse", "--verify", "--end-of-options", &commit])
        .with_context(|| format!("`{revision}` is no revision of this repository"))?;
    let differs = git(
        &top,
        &[
            "diff",
            "--name-only",
            "--no-renames",
            "--no-ext-diff",
            "-z",
            "--end-of-options",
            revision,
            "--",
        ],
    )?;
    let unknown = git(&top, &["ls-files", "--others", "--exclude-standard", "-z"])?;
    let names = differs.split(|byte| *byte == 0).chain(unknown.split(|byte| *byte == 0));
    let mut files: Vec<PathBuf> = names
        .filter(|name| !name.is_empty())
        .map(|name| top.join(OsStr::from_bytes(name)))
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// What a command of git prints.
fn git(directory: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        // A repository's own configuration starts no program.
        .args(["-c", "core.fsmonitor=false"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .context("cannot run git")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("git: {}", said.trim());
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> tempfile::TempDir {
        let top = tempfile::tempdir().unwrap();
        let at = top.path();
        for (name, text) in
            [("same", "1"), ("edited", "1"), ("gone", "1"), (".gitignore", "ignored\n")]
        {
            std::fs::write(at.join(name), text).unwrap();
        }
        for arguments in [
            &["init", "-q"][..],
            &["add", "."],
            &["-c", "user.name=n", "-c", "user.email=e@example.com", "commit", "-q", "-m", "one"],
        ] {
            git(at, arguments).unwrap();
        }
        top
    }

    #[test]
    fn what_was_edited_removed_or_added_differs_and_nothing_else() {
        let top = repository();
        assert_eq!(since(top.path(), "HEAD").unwrap(), Vec::<PathBuf>::new());
        std::fs::write(top.path().join("edited"), "2").unwrap();
        std::fs::remove_file(top.path().join("gone")).unwrap();
        std::fs::create_dir(top.path().join("below")).unwrap();
        std::fs::write(top.path().join("below/new"), "1").unwrap();
        std::fs::write(top.path().join("ignored"), "1").unwrap();
        let real = top.path().canonicalize().unwrap();
        let expected: Vec<PathBuf> =
            ["below/new", "edited", "gone"].iter().map(|name| real.join(name)).collect();
        assert_eq!(since(top.path(), "HEAD").unwrap(), expected);
        assert_eq!(since(&top.path().join("below"), "HEAD").unwrap(), expected);
    }

    #[test]
    fn git_says_what_is_no_revision() {
        let top = repository();
        for revision in ["nowhere", "--output=x", "edited"] {
            let error = since(top.path(), revision).unwrap_err();
            let error = format!("{error:#}");
            let expected = format!(
                "`{revision}` is no revision of this repository: git: fatal: Needed a single revision"
            );
            assert_eq!(error, expected);
        }
        assert!(!top.path().join("x").exists());
    }
}

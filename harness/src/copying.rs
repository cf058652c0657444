//! Copies of a team's or the platform's directory: sources, and nothing that
//! other runs left.

use std::fs;
use std::io::{self, BufRead as _, Read as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::plain;

/// What is never copied: other runs' state and what is no source.
const SKIPPED: [&str; 5] = [".terraform", ".git", "target", "node_modules", ".aws-sam"];

/// No run's record is larger.
const LARGEST_RECORD: u64 = 512 << 20;

/// How much of a journal's first line is looked at.
const LONGEST: u64 = 1 << 20;

/// Copies what a directory holds into one that is there already. A symbolic
/// link stays one, as in Git: in the copy it leads nowhere but where its reader
/// may go anyway.
///
/// # Errors
/// What the system says, with the path; also for what is neither a file, a
/// directory nor a link, which no Git repository holds.
pub(crate) fn tree(source: &Path, target: &Path) -> io::Result<()> {
    for entry in fs::read_dir(source).map_err(|error| at(source, error))? {
        let entry = entry.map_err(|error| at(source, error))?;
        let name = entry.file_name();
        if is_skipped(&entry.path()) {
            continue;
        }
        let (from, to) = (entry.path(), target.join(&name));
        let kind = entry.file_type().map_err(|error| at(&from, error))?;
        if kind.is_dir() {
            fs::create_dir(&to).map_err(|error| at(&to, error))?;
            tree(&from, &to)?;
            continue;
        }
        let done = if kind.is_symlink() {
            fs::read_link(&from).and_then(|link| symlink(link, &to))
        } else if kind.is_file() {
            fs::copy(&from, &to).map(drop)
        } else {
            Err(io::Error::other("is neither a file, a directory nor a link"))
        };
        done.map_err(|error| at(&from, error))?;
    }
    Ok(())
}

/// The symbolic links below a directory, as far as it is copied.
///
/// # Errors
/// When a directory cannot be read.
pub(crate) fn links(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory).map_err(|error| at(directory, error))? {
        let entry = entry.map_err(|error| at(directory, error))?;
        let kind = entry.file_type().map_err(|error| at(directory, error))?;
        let skipped = is_skipped(&entry.path());
        if kind.is_symlink() && !skipped {
            found.push(entry.path());
        } else if kind.is_dir() && !skipped {
            links(&entry.path(), found)?;
        }
    }
    Ok(())
}

/// Whether a file or a directory is never copied.
pub(crate) fn is_skipped(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    SKIPPED.contains(&name.as_ref()) || name.contains(".tfstate") || is_run(path)
}

/// Whether a directory is what a run of Ringfence's left or is making: a bundle,
/// also one of a history, or the journal of an attack. It is known by its
/// content, for its user names it.
pub(crate) fn is_run(path: &Path) -> bool {
    // A link is none of what a run left.
    let own = |name: &str| {
        let file = path.join(name);
        fs::symlink_metadata(&file).is_ok_and(|data| data.is_file()).then_some(file)
    };
    let record = || {
        let text = plain::bytes(&own("run.json")?, LARGEST_RECORD).ok()?;
        let record: serde_json::Value = serde_json::from_slice(&text).ok()?;
        Some(record.get("run_id").is_some() && record.get("started").is_some())
    };
    let journal = || {
        let mut line = String::new();
        let file = plain::open(&own("journal.jsonl")?).ok()?;
        io::BufReader::new(file).take(LONGEST).read_line(&mut line).ok()?;
        // One that is being made has no line yet.
        Some(line.is_empty() || (line.contains("\"request_id\"") && line.contains("\"checks\"")))
    };
    path.is_dir() && (record().unwrap_or(false) || journal().unwrap_or(false))
}

/// An error with its path.
pub(crate) fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn what_runs_left_is_not_copied_and_what_looks_like_it_is() {
        let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let record = r#"{"run_id": "r", "started": "2026-01-01T00:00:00Z"}"#;
        let entry = r#"{"request_id": "r", "checks": []}"#;
        for (name, text) in [
            ("ringfence-run/run.json", record),
            ("ringfence-run/inputs/main.tf", ""),
            ("ringfence-run-history/2026/run.json", record),
            ("attack/journal.jsonl", entry),
            ("being-made/journal.jsonl", ""),
            ("race/run.json", r#"{"distance": 10}"#),
            ("diary/journal.jsonl", "{}"),
        ] {
            let path = source.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        tree(source.path(), target.path()).unwrap();
        let mut kept: Vec<_> = fs::read_dir(target.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        kept.sort();
        assert_eq!(kept, ["diary", "race", "ringfence-run-history"]);
        let history = target.path().join("ringfence-run-history");
        assert_eq!(fs::read_dir(history).unwrap().count(), 0);
    }

    fn source() -> TempDir {
        let source = tempfile::tempdir().unwrap();
        let at = |name: &str| source.path().join(name);
        fs::create_dir_all(at("modules/a")).unwrap();
        fs::create_dir_all(at(".terraform/x")).unwrap();
        fs::write(at("modules/a/main.tf"), "a").unwrap();
        fs::write(at("terraform.tfstate.backup"), "secret").unwrap();
        symlink("modules", at("link")).unwrap();
        source
    }

    #[test]
    fn a_link_is_kept_and_what_other_runs_left_stays_behind() {
        let source = source();
        let target = tempfile::tempdir().unwrap();
        tree(source.path(), target.path()).unwrap();
        let entries = fs::read_dir(target.path()).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        assert_eq!(names, ["link", "modules"]);
        let link = target.path().join("link");
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(link.join("a/main.tf")).unwrap(), "a");
        let mut found = Vec::new();
        links(source.path(), &mut found).unwrap();
        assert_eq!(found, [source.path().join("link")]);
    }

    #[test]
    fn an_error_names_the_path() {
        let source = source();
        let socket = source.path().join("modules/socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let target = tempfile::tempdir().unwrap();
        let error = tree(source.path(), target.path()).unwrap_err().to_string();
        let expected = "socket: is neither a file, a directory nor a link";
        assert!(error.ends_with(expected), "{error}");
    }
}

//! Which file is what.

use std::fs;
use std::path::{Path, PathBuf};

use ringfence_policy::Kind;

use super::known::{Node, Place};
use super::read::{Read, is_json, read};
use super::source::Source;
use super::{Report, configuration, kind_of, name, template, terraform, workflow};
use crate::{copying, plain};

/// What to do about Terraform's own files.
const USE_SHOW: &str = "Terraform's language is not read, since its values are known to Terraform \
                        alone: write `terraform show -json PLAN > plan.json` and lint that";

/// Larger files are refused.
const LARGEST: u64 = 256 << 20;

/// Checks files and directories. `kind` is that of plain policies, where they
/// do not show it themselves.
pub fn paths(paths: &[PathBuf], kind: Option<Kind>) -> Report {
    all(paths, kind, false)
}

/// The same of files that a program named, such as those of a commit: one that is
/// none of ours is passed over, as in a directory.
pub fn come_upon(paths: &[PathBuf], kind: Option<Kind>) -> Report {
    all(paths, kind, true)
}

fn all(paths: &[PathBuf], kind: Option<Kind>, come_upon: bool) -> Report {
    let mut report = Report::default();
    for path in paths {
        if path.is_dir() {
            directory(path, kind, &mut report);
        } else {
            report.add(file(path, kind, come_upon));
        }
    }
    report.findings.sort();
    report
}

/// Walks a directory, by name. What is hidden is left out (`.terraform`,
/// `.aws-sam`, `.git`) but for `.github`, where workflows are, and so are links:
/// what they lead to may be anywhere; and what a run of Ringfence's left, which has
/// copies of the files.
fn directory(path: &Path, kind: Option<Kind>, report: &mut Report) {
    let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            report.add(Report::unreadable(&name(path), Place::START, error.to_string()));
            return;
        }
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut terraform = 0_usize;
    for entry in entries {
        let path = entry.path();
        let own = entry.file_name();
        let hidden = own.to_string_lossy().starts_with('.') && own != ".github";
        let Ok(file_type) = entry.file_type() else { continue };
        if hidden || file_type.is_symlink() {
            continue;
        }
        if file_type.is_dir() {
            if !copying::is_run(&path) {
                directory(&path, kind, report);
            }
        } else if is_terraform(&path) {
            terraform += 1;
        } else if is_readable(&path) {
            report.add(file(&path, kind, true));
        }
    }
    if terraform > 0 {
        let files = if terraform == 1 { "file" } else { "files" };
        let message = format!("{terraform} Terraform {files} not read: {USE_SHOW}");
        report.add(Report::unreadable(&name(path), Place::START, message));
    }
}

fn extension(path: &Path) -> String {
    path.extension().map(|end| end.to_string_lossy().to_lowercase()).unwrap_or_default()
}

fn is_terraform(path: &Path) -> bool {
    let text = path.to_string_lossy();
    extension(path) == "tf" || text.ends_with(".tf.json") || text.ends_with(".tofu")
}

fn is_readable(path: &Path) -> bool {
    ["json", "yaml", "yml", "template"].contains(&extension(path).as_str())
}

/// Checks a file. One that was come upon in a directory need not be ours.
fn file(path: &Path, kind: Option<Kind>, come_upon: bool) -> Report {
    let file = name(path);
    if is_terraform(path) {
        return Report::unreadable(&file, Place::START, USE_SHOW);
    }
    let read = if come_upon { plain::bytes } else { plain::named };
    let bytes = match read(path, LARGEST) {
        Ok(bytes) => bytes,
        Err(error) => return Report::unreadable(&file, Place::START, error.to_string()),
    };
    match String::from_utf8(bytes) {
        Ok(content) => checked(&file, content, kind, come_upon),
        // PowerShell's `>` writes UTF-16.
        Err(_) => Report::unreadable(&file, Place::START, "not UTF-8"),
    }
}

/// Checks a file of a team's repository.
pub(crate) fn of_repository(path: &Path, repository: &Path) -> Report {
    match plain::text(path, repository) {
        Ok(content) => checked(&name(path), content, None, false),
        Err(error) => Report::unreadable(&name(path), Place::START, error.to_string()),
    }
}

/// Checks a file's text under a name.
pub fn text(file: &str, content: String, kind: Option<Kind>) -> Report {
    checked(file, content, kind, false)
}

fn checked(file: &str, content: String, kind: Option<Kind>, come_upon: bool) -> Report {
    let content = match content.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => content,
    };
    match read(&content) {
        Ok(Read::Template { root, repeated }) => {
            let mut report = Report::default();
            report.findings.extend(repeated.iter().map(|it| configuration::repeated(file, it)));
            let found = template::read(&root);
            report.unchecked(file, found.unchecked);
            for source in &found.sources {
                report.check(file, source);
            }
            report
        }
        Ok(Read::Workflow(root)) => workflow::check(file, &root),
        Ok(Read::Other(root)) => other(file, &root, content, kind, come_upon),
        // Comments and trailing commas are other programs' JSON, and other
        // programs' YAML is none of ours either.
        Err(_) if come_upon && !looks_like_ours(&content) => Report::default(),
        Err(error) => Report::unreadable(file, error.at, error.to_string()),
    }
}

fn other(file: &str, root: &Node, content: String, kind: Option<Kind>, come_upon: bool) -> Report {
    let mut report = Report::default();
    if terraform::is_shown(root) {
        let found = terraform::read(root);
        report.unchecked(file, found.unchecked);
        for source in &found.sources {
            report.check(file, source);
        }
        report.findings.extend(configuration::plan(file, &found.resources));
        report.subjects.extend(configuration::subjects(&found.resources));
    } else if terraform::is_raw_state(root) {
        report = Report::unreadable(
            file,
            Place::START,
            "this is Terraform's own state file, whose form is not stable: write `terraform show \
             -json > state.json` and lint that",
        );
    } else if root.get("Statement").is_some() || kind.is_some() {
        report.check(file, &policy(root, content, kind));
    } else if !come_upon {
        report = Report::unreadable(
            file,
            Place::START,
            "neither a policy, a CloudFormation template, a GitHub workflow, nor what `terraform show \
             -json` prints",
        );
    }
    report
}

fn policy(root: &Node, content: String, kind: Option<Kind>) -> Source {
    let kind = kind.unwrap_or_else(|| kind_of(root));
    // A policy in YAML has no unknown parts, so nothing of it is left out.
    let tree = || Source::tree(String::new(), kind, root, &mut Vec::new());
    let source = if is_json(&content) { None } else { tree() };
    source.unwrap_or_else(|| Source::file(kind, content))
}

/// Whether a file that cannot be read was meant to be one of ours.
fn looks_like_ours(content: &str) -> bool {
    const SIGNS: [&str; 6] = [
        "\"Statement\"",
        "\"Resources\"",
        "AWSTemplateFormatVersion",
        "AWS::",
        "\"resource_changes\"",
        "runs-on:",
    ];
    SIGNS.iter().any(|sign| content.contains(sign))
}

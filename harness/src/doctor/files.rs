//! Which files of a directory are looked at.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::hcl;
use crate::lint::read::{self, Read};

/// Directories that hold what others made.
const SKIPPED: [&str; 7] = [
    "node_modules",
    "target",
    "venv",
    "__pycache__",
    "vendor",
    "ringfence-run",
    "ringfence-run-history",
];

/// No template is larger: CloudFormation takes 1 MB
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>).
const LARGEST_TEMPLATE: u64 = 1 << 20;

/// What is looked at.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// GitHub's workflows.
    pub(crate) workflows: Vec<PathBuf>,
    /// Templates, with their texts.
    pub(crate) templates: BTreeMap<PathBuf, String>,
    /// Directories with Terraform's files.
    pub(crate) modules: Vec<PathBuf>,
    /// Files with values of Terraform's variables.
    pub(crate) values: Vec<PathBuf>,
    /// What could not be read.
    pub(crate) unreadable: Vec<(PathBuf, io::Error)>,
}

impl Found {
    /// Takes in what was found elsewhere.
    pub(crate) fn add(&mut self, other: Self) {
        self.workflows.extend(other.workflows);
        self.templates.extend(other.templates);
        self.modules.extend(other.modules);
        self.values.extend(other.values);
        self.unreadable.extend(other.unreadable);
    }
}

/// Finds what is below a directory, by name. What is hidden is left out but for
/// `.github`, and so are links: what they lead to may be anywhere.
pub(crate) fn find(directory: &Path, found: &mut Found) {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            found.unreadable.push((directory.to_owned(), error));
            return;
        }
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut is_module = false;
    for entry in entries {
        let path = entry.path();
        let own = entry.file_name().to_string_lossy().into_owned();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            let hidden = own.starts_with('.') && own != ".github";
            if !hidden && !SKIPPED.contains(&own.as_str()) {
                find(&path, found);
            }
        } else if kind.is_file() && !own.starts_with('.') {
            is_module |= hcl::is_terraform(&path) || own == "terragrunt.hcl";
            file(&path, &own, found);
        }
    }
    if is_module {
        found.modules.push(directory.to_owned());
    }
}

fn file(path: &Path, name: &str, found: &mut Found) {
    let end = path.extension().map(|end| end.to_string_lossy().to_lowercase()).unwrap_or_default();
    if name.ends_with(".tfvars") || name.ends_with(".tfvars.json") {
        found.values.push(path.to_owned());
    } else if !["yml", "yaml", "json", "template"].contains(&&*end) || name.ends_with(".tf.json") {
    } else if path.parent().is_some_and(|it| it.ends_with(".github/workflows")) {
        if end.starts_with('y') {
            found.workflows.push(path.to_owned());
        }
    } else if fs::metadata(path).is_ok_and(|data| data.len() <= LARGEST_TEMPLATE) {
        match fs::read(path) {
            // What is not UTF-8 is no template of anybody's.
            Ok(bytes) => {
                if let Some(text) = String::from_utf8(bytes).ok().filter(|it| is_template(it)) {
                    found.templates.insert(path.to_owned(), text);
                }
            }
            Err(error) => found.unreadable.push((path.to_owned(), error)),
        }
    }
}

/// Whether a text is a template, or was meant to be one.
fn is_template(text: &str) -> bool {
    if !text.contains("Resources") || !text.contains("AWS::") {
        return false;
    }
    match read::read(text) {
        Ok(Read::Template { .. }) => true,
        Ok(_) => false,
        Err(_) => {
            let begins = |sign: &str| text.lines().any(|line| line.starts_with(sign));
            begins("Resources:")
                || begins("AWSTemplateFormatVersion")
                || text.contains("\"AWSTemplateFormatVersion\"")
        }
    }
}

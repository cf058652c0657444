//! An estate from a file or a directory.

use std::fs;
use std::path::{Path, PathBuf};

use ringfence_policy::Document;

use super::{estate::Estate, plan};
use crate::lint::read::{Read, read};
use crate::lint::{kind_of, terraform};

/// Larger files are refused.
const LARGEST: u64 = 256 << 20;

/// Why an estate cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Unreadable {
    path: String,
    message: String,
}

impl Unreadable {
    fn new(path: &Path, message: impl ToString) -> Self {
        Self { path: path.display().to_string(), message: message.to_string() }
    }
}

/// Reads an estate: what `terraform show -json` prints, a policy, or a directory of
/// such files, whose policies are named by their paths in it.
///
/// # Errors
/// What cannot be read, and why; a directory without any policy.
pub fn estate(path: &Path) -> Result<Estate, Unreadable> {
    let mut estate = Estate::default();
    if path.is_dir() {
        directory(path, path, &mut estate)?;
    } else {
        file(path, "policy", false, &mut estate)?;
    }
    match estate.entries.is_empty() {
        true => Err(Unreadable::new(path, "no policies and no identities in it")),
        false => Ok(estate),
    }
}

fn directory(path: &Path, root: &Path, estate: &mut Estate) -> Result<(), Unreadable> {
    let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = entries.map_err(|error| Unreadable::new(path, error))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let kind = entry.file_type().map_err(|error| Unreadable::new(&path, error))?;
        // What a link leads to may be anywhere.
        if hidden || kind.is_symlink() {
            continue;
        }
        let extension = path.extension().map(|end| end.to_string_lossy().to_lowercase());
        if kind.is_dir() {
            directory(&path, root, estate)?;
        } else if extension.is_some_and(|end| ["json", "yaml", "yml"].contains(&&*end)) {
            let name: PathBuf = path.strip_prefix(root).unwrap_or(&path).with_extension("");
            file(&path, &name.to_string_lossy(), true, estate)?;
        }
    }
    Ok(())
}

/// Reads a file; one that was come upon in a directory need not be ours.
fn file(path: &Path, name: &str, come_upon: bool, estate: &mut Estate) -> Result<(), Unreadable> {
    let wrong = |message: String| Unreadable::new(path, message);
    let metadata = fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
    if metadata.len() > LARGEST {
        return Err(wrong(format!("larger than {LARGEST} bytes")));
    }
    let content = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let content = content.strip_prefix('\u{feff}').unwrap_or(&content);
    let root = match read(content) {
        Ok(Read::Other(root)) => root,
        Ok(Read::Template { .. }) => {
            return Err(wrong("CloudFormation templates are not read here".to_owned()));
        }
        Ok(Read::Workflow(_)) if come_upon => return Ok(()),
        Ok(Read::Workflow(_)) => return Err(wrong("neither a policy nor a plan".to_owned())),
        Err(error) => return Err(wrong(format!("{}:{}: {error}", error.at.line, error.at.column))),
    };
    if terraform::is_shown(&root) {
        let read = plan::read(&root).map_err(wrong)?;
        for (name, entry) in read.entries {
            if estate.entries.insert(name.clone(), entry).is_some() {
                return Err(wrong(format!("`{name}` is in another file too")));
            }
        }
    } else if terraform::is_raw_state(&root) {
        return Err(wrong(
            "this is Terraform's own state file, whose form is not stable: write `terraform show \
             -json > state.json`"
                .to_owned(),
        ));
    } else if root.get("Statement").is_some() {
        let document = Document::parse(name, content, kind_of(&root));
        let document = document.map_err(|error| wrong(error.to_string()))?;
        estate.add(name, document).map_err(|error| wrong(error.to_string()))?;
    } else if !come_upon {
        return Err(wrong("neither a policy nor what `terraform show -json` prints".to_owned()));
    }
    Ok(())
}

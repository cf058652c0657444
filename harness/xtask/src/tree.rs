//! Generated files, and the folder that they are in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Context;

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map_or_else(PathBuf::new, Path::to_owned)
}

/// Files by their path in the folder of generated data.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<PathBuf, String>,
}

impl Tree {
    pub(crate) fn put(&mut self, path: impl Into<PathBuf>, text: String) {
        self.files.insert(path.into(), text);
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// The files that are missing, different, or not ours.
    pub(crate) fn differing(&self, folder: &Path) -> anyhow::Result<BTreeSet<PathBuf>> {
        let mut differing: BTreeSet<PathBuf> =
            found(folder)?.into_iter().filter(|path| !self.files.contains_key(path)).collect();
        for (path, text) in &self.files {
            match fs::read_to_string(folder.join(path)) {
                Ok(present) if present == *text => {}
                Ok(_) => drop(differing.insert(path.clone())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    differing.insert(path.clone());
                }
                Err(error) => return Err(error).with_context(|| path.display().to_string()),
            }
        }
        Ok(differing)
    }

    /// Writes these of the files, and removes those that are not ours.
    pub(crate) fn write(&self, folder: &Path, paths: &BTreeSet<PathBuf>) -> anyhow::Result<()> {
        for path in paths {
            let target = folder.join(path);
            match self.files.get(path) {
                Some(text) => {
                    if let Some(parent) = target.parent() {
                        fs::create_dir_all(parent)?;
                    }
                    fs::write(&target, text)
                }
                None => fs::remove_file(&target),
            }
            .with_context(|| target.display().to_string())?;
        }
        Ok(())
    }
}

/// All files below a folder.
fn found(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = match fs::read_dir(&next) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| next.display().to_string()),
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(path) = path.strip_prefix(folder) {
                files.push(path.to_owned());
            }
        }
    }
    Ok(files)
}

//! The user's tree, as it is now, brought into a copy that was applied before.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{Access, Outputs, Reads, Terraform, TerraformError};
use crate::config::Layer1;
use crate::copying::at;
use crate::progress::Phase;
use crate::scratch::Scratch;

/// What `init` writes beside the sources: it knows the providers that are there.
const LOCK: &str = ".terraform.lock.hcl";

impl Terraform {
    /// Brings what the user's files are now into the copy. What Terraform made there,
    /// its state above all, stays.
    ///
    /// # Errors
    /// When the module cannot be read or copied, has what cannot be run here, or
    /// reaches directories that the copy has no place for.
    pub(super) fn sync(
        &mut self,
        layer1: &Layer1,
        reads: Reads<'_>,
        scratch: &Scratch,
    ) -> Result<(), TerraformError> {
        let failed = |error: io::Error| self.uncopied(error.to_string());
        let next =
            scratch.subdirectory(&format!("layer1-next-{}", reads.number)).map_err(failed)?;
        let merged = self.merged(layer1, reads, &next);
        // What is left of it goes with the run's directory.
        let _ = fs::remove_dir_all(&next);
        self.sourced = merged?;
        Ok(())
    }

    fn merged(
        &self,
        layer1: &Layer1,
        reads: Reads<'_>,
        next: &Path,
    ) -> Result<BTreeSet<PathBuf>, TerraformError> {
        let work = Self::copied(&self.binary, layer1, reads, next)?;
        if work.strip_prefix(next).ok() != self.work.strip_prefix(&self.place).ok() {
            let why = "it reaches directories that it did not: start again to copy them";
            return Err(self.uncopied(why.to_owned()));
        }
        merge(next, &self.place, &self.sourced).map_err(|error| self.uncopied(error.to_string()))
    }

    fn uncopied(&self, message: String) -> TerraformError {
        TerraformError::Copy { directory: self.source.clone(), message }
    }

    /// Applies what changed since it was applied. Without `refresh` Terraform takes
    /// its state for what is there, as it is where nobody else changed anything.
    ///
    /// # Errors
    /// Terraform's own errors, with their places in the user's files.
    pub(super) async fn apply_again(
        &self,
        access: &Access,
        refresh: bool,
        phase: &Phase,
    ) -> Result<Outputs, TerraformError> {
        let first = match self.run_apply(access, !refresh, phase).await {
            Err(first @ TerraformError::Failed { .. }) if first.to_string().contains(INIT) => first,
            result => return result,
        };
        // A module or a provider that was not there before.
        self.init(phase).await.map_err(|_| first)?;
        self.run_apply(access, !refresh, phase).await
    }
}

/// What Terraform says to run where modules or providers are missing.
const INIT: &str = "terraform init";

/// The files below a directory, by their names from there. Links are not followed.
///
/// # Errors
/// When a directory cannot be read.
pub(super) fn files(directory: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(below) = waiting.pop() {
        let here = directory.join(&below);
        for entry in fs::read_dir(&here).map_err(|error| at(&here, error))? {
            let entry = entry?;
            let name = below.join(entry.file_name());
            match entry.file_type()?.is_dir() {
                true => waiting.push(name),
                false => {
                    found.insert(name);
                }
            }
        }
    }
    Ok(found)
}

/// Puts the files of a tree into another one, and removes those that were of the
/// tree `before` and are no more. What the tree has now.
fn merge(from: &Path, to: &Path, before: &BTreeSet<PathBuf>) -> io::Result<BTreeSet<PathBuf>> {
    let now = files(from)?;
    for gone in before.difference(&now) {
        remove(&to.join(gone))?;
    }
    for name in &now {
        let (source, target) = (from.join(name), to.join(name));
        if name.ends_with(LOCK) && target.exists() {
            continue;
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(|error| at(parent, error))?;
        }
        if source.is_symlink() || target.is_symlink() {
            remove(&target)?;
        }
        let done = match source.is_symlink() {
            true => fs::read_link(&source).and_then(|link| symlink(link, &target)),
            false => fs::copy(&source, &target).map(drop),
        };
        done.map_err(|error| at(&target, error))?;
    }
    Ok(now)
}

/// Removes a file, where it is there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(top: &Path, name: &str, text: &str) {
        let path = top.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn what_is_new_comes_what_is_gone_goes_and_what_terraform_made_stays() {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (old, new) = (old.path(), new.path());
        for (name, text) in [("main.tf", "1"), ("gone.tf", "1"), (LOCK, "theirs")] {
            write(old, name, text);
        }
        let before = files(old).unwrap();
        write(old, LOCK, "of init");
        write(old, "terraform.tfstate", "state");
        write(old, ".terraform/modules/modules.json", "{}");
        for (name, text) in [("main.tf", "2"), ("modules/m/a.tf", "1"), (LOCK, "theirs")] {
            write(new, name, text);
        }
        symlink("main.tf", new.join("link.tf")).unwrap();
        let now = merge(new, old, &before).unwrap();
        assert_eq!(now, files(new).unwrap());
        let text = |name: &str| fs::read_to_string(old.join(name)).ok();
        assert_eq!(text("main.tf").as_deref(), Some("2"));
        assert_eq!(text("link.tf").as_deref(), Some("2"));
        assert_eq!(text("modules/m/a.tf").as_deref(), Some("1"));
        assert_eq!(text(LOCK).as_deref(), Some("of init"));
        assert_eq!(text("terraform.tfstate").as_deref(), Some("state"));
        assert_eq!(text(".terraform/modules/modules.json").as_deref(), Some("{}"));
        assert_eq!(text("gone.tf"), None);
    }
}

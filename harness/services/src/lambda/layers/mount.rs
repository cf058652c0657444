//! The directory that a function finds under `/opt`: its layers, each laid over
//! those before it (<https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html>).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use crate::lambda::layers::store::Published;

/// The layers of a configuration, and where they were laid together, once they
/// were.
#[derive(Debug, Default)]
pub(in crate::lambda) struct Layered {
    pub(in crate::lambda) layers: Vec<Arc<Published>>,
    directory: Mutex<Option<TempDir>>,
}

impl Layered {
    /// These layers, in their order.
    pub(in crate::lambda) fn new(layers: Vec<Arc<Published>>) -> Self {
        Self { layers, directory: Mutex::default() }
    }

    /// The directory of all layers; none where there is no layer. It is made
    /// under `parent` at the first call, and goes with this value. Blocks.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(in crate::lambda) fn directory(&self, parent: &Path) -> io::Result<Option<PathBuf>> {
        if self.layers.is_empty() {
            return Ok(None);
        }
        let mut made = self.directory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(directory) = made.as_ref() {
            return Ok(Some(directory.path().to_owned()));
        }
        fs::create_dir_all(parent)?;
        let directory = tempfile::Builder::new().prefix("layers-").tempdir_in(parent)?;
        readable(directory.path())?;
        for layer in &self.layers {
            let from = layer
                .code
                .directory()
                .ok_or_else(|| io::Error::other(format!("{} is not unpacked", layer.arn)))?;
            lay(from, directory.path())?;
        }
        let path = directory.path().to_owned();
        *made = Some(directory);
        Ok(Some(path))
    }
}

/// Lays what is in a directory over another. What is there under a name gives
/// way, unless both are directories: nothing is ever written through a link.
fn lay(from: &Path, over: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), over.join(entry.file_name()));
        let kind = entry.file_type()?;
        let present = fs::symlink_metadata(&target).ok();
        let is_directory = present.as_ref().is_some_and(fs::Metadata::is_dir);
        if kind.is_dir() {
            if present.is_some() && !is_directory {
                fs::remove_file(&target)?;
            }
            if !is_directory {
                fs::create_dir(&target)?;
                readable(&target)?;
            }
            lay(&source, &target)?;
            continue;
        }
        if is_directory {
            fs::remove_dir_all(&target)?;
        } else if present.is_some() {
            fs::remove_file(&target)?;
        }
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else {
            fs::hard_link(&source, &target)?;
        }
    }
    Ok(())
}

/// The function is another user.
fn readable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> TempDir {
        let root = TempDir::new().unwrap();
        for (name, content) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    #[test]
    fn a_later_layer_lies_over_an_earlier_one() {
        let (one, two) = (
            tree(&[("python/a.py", "1"), ("python/b.py", "1"), ("lib", "a file")]),
            tree(&[("python/b.py", "2"), ("lib/so", "2")]),
        );
        let over = TempDir::new().unwrap();
        lay(one.path(), over.path()).unwrap();
        lay(two.path(), over.path()).unwrap();
        let read = |name: &str| fs::read_to_string(over.path().join(name)).unwrap();
        assert_eq!(
            (read("python/a.py"), read("python/b.py"), read("lib/so")),
            ("1".into(), "2".into(), "2".into())
        );
        assert_eq!(fs::read_to_string(one.path().join("python/b.py")).unwrap(), "1");
    }

    #[test]
    fn nothing_is_laid_through_a_link() {
        let outside = TempDir::new().unwrap();
        let one = TempDir::new().unwrap();
        std::os::unix::fs::symlink(outside.path(), one.path().join("python")).unwrap();
        let two = tree(&[("python/evil.py", "x")]);
        let over = TempDir::new().unwrap();
        lay(one.path(), over.path()).unwrap();
        lay(two.path(), over.path()).unwrap();
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        assert!(over.path().join("python/evil.py").is_file());
    }
}

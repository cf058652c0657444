//! The files under watch, as they are, and what differs from how they were.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::wake::Wake;
use crate::copying;

/// How long nothing may happen before a change counts as written: an editor writes
/// a file in several steps, and several files one after another.
const QUIET: Duration = Duration::from_millis(120);

/// How long a change may go on before it is looked at all the same.
const LONGEST: Duration = Duration::from_secs(2);

/// What tells one state of a file from another.
type Stamp = (i64, i64, i64, i64, u64, u64);

/// Files with what tells their states, and the directories that hold them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tree {
    files: BTreeMap<PathBuf, Stamp>,
    directories: BTreeSet<PathBuf>,
}

impl Tree {
    fn of(places: &BTreeSet<PathBuf>) -> Self {
        let mut tree = Self::default();
        for place in places {
            tree.add(place);
            if !place.is_dir() {
                // A file that is replaced is another one: its directory tells.
                tree.directories.extend(place.parent().map(Path::to_owned));
            }
        }
        tree
    }

    /// What is gone when it is looked at is not there.
    fn add(&mut self, path: &Path) {
        let Ok(metadata) = fs::symlink_metadata(path) else { return };
        if !metadata.is_dir() {
            self.files.insert(path.to_owned(), stamp(&metadata));
            return;
        }
        self.directories.insert(path.to_owned());
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| !copying::is_skipped(&entry.path())) {
            self.add(&entry.path());
        }
    }

    /// The files that are in one of the two alone, or in another state.
    fn differs(&self, other: &Self) -> Vec<PathBuf> {
        let all: BTreeSet<&PathBuf> = self.files.keys().chain(other.files.keys()).collect();
        let differs = |path: &&PathBuf| self.files.get(*path) != other.files.get(*path);
        all.into_iter().filter(differs).cloned().collect()
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    (
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
        metadata.size(),
        metadata.ino(),
    )
}

/// The files of these places, as they are now.
pub(super) fn files(places: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    Tree::of(places).files.into_keys().collect()
}

/// Files under watch.
#[derive(Debug)]
pub(crate) struct Watcher {
    places: BTreeSet<PathBuf>,
    tree: Tree,
    wake: Wake,
}

impl Watcher {
    /// Of these files and directories, from now on.
    ///
    /// # Errors
    /// When the system watches no more.
    pub(crate) fn of(places: BTreeSet<PathBuf>) -> io::Result<Self> {
        let mut watcher = Self { places, tree: Tree::default(), wake: Wake::new()? };
        watcher.tree = watcher.look()?;
        Ok(watcher)
    }

    /// Watches other places; what changed in those of before is still told.
    ///
    /// # Errors
    /// When the system watches no more.
    pub(crate) fn also(&mut self, places: BTreeSet<PathBuf>) -> io::Result<()> {
        let new: BTreeSet<PathBuf> = places.difference(&self.places).cloned().collect();
        for (path, stamp) in Tree::of(&new).files {
            self.tree.files.entry(path).or_insert(stamp);
        }
        self.places.extend(places);
        self.look().map(drop)
    }

    /// The files as they are. The directories are watched before they are looked at,
    /// so that no change falls between.
    fn look(&self) -> io::Result<Tree> {
        let mut tree = Tree::of(&self.places);
        loop {
            for directory in &tree.directories {
                match self.wake.cover(directory) {
                    // It went meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    done => done?,
                }
            }
            let again = Tree::of(&self.places);
            if again.directories == tree.directories {
                return Ok(again);
            }
            tree = again;
        }
    }

    /// Waits until files have changed and are no longer being written; which.
    ///
    /// # Errors
    /// When the system tells nothing more.
    pub(crate) async fn changed(&mut self) -> io::Result<Vec<PathBuf>> {
        loop {
            self.wake.event().await?;
            let latest = Instant::now() + LONGEST;
            // An event in time begins the quiet anew.
            while let Ok(event) =
                timeout_at(latest.min(Instant::now() + QUIET), self.wake.event()).await
            {
                event?;
                if Instant::now() >= latest {
                    break;
                }
            }
            let now = self.look()?;
            let changed = self.tree.differs(&now);
            self.tree = now;
            if !changed.is_empty() {
                return Ok(changed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(paths: &[PathBuf]) -> BTreeSet<PathBuf> {
        paths.iter().cloned().collect()
    }

    #[tokio::test]
    async fn an_editor_that_writes_beside_and_renames_changes_one_file() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path();
        fs::create_dir(top.join("d")).unwrap();
        fs::write(top.join("d/a"), "1").unwrap();
        let mut watcher = Watcher::of(places(&[top.join("d")])).unwrap();
        fs::write(top.join("d/.a.swp"), "2").unwrap();
        fs::rename(top.join("d/.a.swp"), top.join("d/a")).unwrap();
        assert_eq!(watcher.changed().await.unwrap(), [top.join("d/a")]);
        // In a directory that is new, and a file that goes.
        fs::create_dir(top.join("d/new")).unwrap();
        fs::write(top.join("d/new/b"), "1").unwrap();
        fs::remove_file(top.join("d/a")).unwrap();
        assert_eq!(watcher.changed().await.unwrap(), [top.join("d/a"), top.join("d/new/b")]);
        fs::write(top.join("d/new/b"), "longer").unwrap();
        assert_eq!(watcher.changed().await.unwrap(), [top.join("d/new/b")]);
    }

    #[tokio::test]
    async fn of_a_file_under_watch_its_neighbours_are_not() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path();
        fs::write(top.join("policy.json"), "1").unwrap();
        fs::create_dir(top.join("root")).unwrap();
        fs::create_dir(top.join("root/.terraform")).unwrap();
        let mut watcher =
            Watcher::of(places(&[top.join("policy.json"), top.join("root")])).unwrap();
        fs::write(top.join("other"), "1").unwrap();
        fs::write(top.join("root/.terraform/x"), "1").unwrap();
        fs::write(top.join("root/terraform.tfstate"), "1").unwrap();
        fs::write(top.join("policy.json"), "12").unwrap();
        assert_eq!(watcher.changed().await.unwrap(), [top.join("policy.json")]);
    }

    #[tokio::test]
    async fn places_that_come_later_are_watched_too() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path();
        for name in ["one", "two"] {
            fs::create_dir(top.join(name)).unwrap();
        }
        fs::write(top.join("two/a"), "1").unwrap();
        let mut watcher = Watcher::of(places(&[top.join("one")])).unwrap();
        watcher.also(places(&[top.join("one"), top.join("two")])).unwrap();
        fs::write(top.join("two/a"), "12").unwrap();
        assert_eq!(watcher.changed().await.unwrap(), [top.join("two/a")]);
    }
}

//! What a root module reaches outside its own directory: local modules
//! (`source = "../../modules/x"`), files (`${path.module}/../../dist/x.zip`),
//! and what symbolic links lead to.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::copying;
use crate::hcl::{Base, Module, PathText};

/// What is reached, by canonical paths.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// The root module and all that it calls.
    pub(super) modules: BTreeSet<PathBuf>,
    /// Directories and files; none is inside another.
    pub(super) copied: BTreeSet<PathBuf>,
    /// Directories that are there, as far as a path leads that is not: where
    /// Terraform may write.
    pub(super) made: BTreeSet<PathBuf>,
    /// Symbolic links, and what they lead to.
    pub(super) links: Vec<(PathBuf, PathBuf)>,
}

impl Reach {
    /// Follows everything from a root module's canonical directory.
    ///
    /// # Errors
    /// When a directory or a file cannot be read.
    pub(super) fn of(root: &Path) -> io::Result<Self> {
        let mut reach = Self::default();
        let mut waiting = vec![root.to_owned()];
        reach.add(root, root);
        while let Some(directory) = waiting.pop() {
            if !reach.modules.insert(directory.clone()) {
                continue;
            }
            let module = Module::read(&directory)?;
            for (_, call) in module.of("module") {
                let source = call.text("source").unwrap_or_default();
                let local = source.starts_with("./") || source.starts_with("../");
                if local && let Ok(called) = directory.join(source).canonicalize() {
                    reach.add(root, &called);
                    waiting.push(called);
                }
            }
            for path in module.files.iter().flat_map(|file| &file.paths) {
                let bases: &[&Path] = match path.base {
                    Base::Module => &[&directory],
                    Base::Root => &[root],
                    Base::Relative => &[&directory, root],
                };
                bases.iter().for_each(|base| reach.follow(root, base, path));
            }
        }
        reach.follow_links(root)?;
        Ok(reach)
    }

    /// The directory that holds all of it.
    pub(super) fn top(&self, root: &Path) -> PathBuf {
        let mut top = root.to_owned();
        for path in self.copied.iter().chain(&self.made) {
            while !path.starts_with(&top) {
                if !top.pop() {
                    break;
                }
            }
        }
        top
    }

    fn follow(&mut self, root: &Path, base: &Path, text: &PathText) {
        let plain = match text.whole {
            true => text.path.as_str(),
            // What follows is not known: everything beside it may be meant.
            false => text.path.rsplit_once('/').map_or("", |(directory, _)| directory),
        };
        let path = base.join(plain);
        if let Ok(found) = path.canonicalize() {
            self.add(root, &found);
        } else if let Some(parent) = existing(&path)
            && !self.holds(&parent)
        {
            self.made.insert(parent);
        }
    }

    fn holds(&self, path: &Path) -> bool {
        self.copied.iter().any(|copied| path.starts_with(copied))
    }

    fn add(&mut self, root: &Path, path: &Path) {
        if self.holds(path) || !may_copy(root, path) {
            return;
        }
        self.copied.retain(|copied| !copied.starts_with(path));
        self.copied.insert(path.to_owned());
    }

    /// What links lead to is reached too, and what links there lead to.
    fn follow_links(&mut self, root: &Path) -> io::Result<()> {
        let mut seen = BTreeSet::new();
        loop {
            let next = self.copied.iter().find(|path| !seen.contains(*path)).cloned();
            let Some(next) = next else { return Ok(()) };
            let mut links = Vec::new();
            if next.is_dir() {
                copying::links(&next, &mut links)?;
            }
            for link in links {
                if let Ok(target) = link.canonicalize() {
                    self.add(root, &target);
                    if !self.links.iter().any(|(known, _)| *known == link) {
                        self.links.push((link, target));
                    }
                }
            }
            seen.insert(next);
        }
    }
}

/// The files and directories that a root module consists of, by canonical paths.
///
/// # Errors
/// When a directory or a file cannot be read.
pub(crate) fn places(directory: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let root = directory.canonicalize().map_err(|error| copying::at(directory, error))?;
    Ok(Reach::of(&root)?.copied)
}

/// A directory around the root module is copied whole only where it is the
/// module's own repository, or a part of it: never somebody's home, or a disk.
fn may_copy(root: &Path, path: &Path) -> bool {
    if path == root || !root.starts_with(path) {
        return true;
    }
    if let Some(repository) = root.ancestors().find(|it| it.join(".git").exists()) {
        return path.starts_with(repository);
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let shared = home.into_iter().chain([std::env::temp_dir()]);
    path.components().count() > 2 && !shared.into_iter().any(|it| it.starts_with(path))
}

/// The nearest directory above a path that exists, where the path is without
/// its dots.
fn existing(path: &Path) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for part in path.components() {
        let next = match part {
            Component::ParentDir => found.join(".."),
            other => found.join(other),
        };
        match fs::canonicalize(&next) {
            Ok(canonical) => found = canonical,
            Err(_) => return found.is_dir().then_some(found),
        }
    }
    None
}

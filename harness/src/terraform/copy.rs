//! The copy of the root module.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::copying::{self, Links, at};

/// Copies a root module, with as much of its surroundings as its local modules
/// (`source = "../…"`) reach, and returns the root module's place in the copy.
pub(super) fn root_module(source: &Path, target: &Path) -> io::Result<PathBuf> {
    let source = source.canonicalize()?;
    let mut top = source.as_path();
    for _ in 0..climb(&source)? {
        top = top.parent().unwrap_or(top);
    }
    fs::create_dir_all(target).map_err(|error| at(target, error))?;
    copying::tree(top, target, Links::Followed)?;
    Ok(target.join(source.strip_prefix(top).unwrap_or(Path::new(""))))
}

/// How many directories up the module's own sources reach.
fn climb(module: &Path) -> io::Result<usize> {
    let mut highest = 0;
    for entry in fs::read_dir(module)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "tf") {
            continue;
        }
        for line in fs::read_to_string(&path)?.lines() {
            let Some(value) = line.trim_start().strip_prefix("source") else { continue };
            let value = value.trim_start().trim_start_matches('=').trim();
            let value = value.trim_matches('"');
            let ups = Path::new(value)
                .components()
                .take_while(|part| matches!(part, Component::ParentDir | Component::CurDir))
                .filter(|part| *part == Component::ParentDir)
                .count();
            highest = highest.max(ups);
        }
    }
    Ok(highest)
}

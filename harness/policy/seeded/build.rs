//! Copies the engine's sources and puts a switch into each place where a
//! mistake is to be seeded. A place that is not there exactly once stops the
//! build: the list follows the engine.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a build script stops where it fails")]

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

#[path = "mistakes.rs"]
mod mistakes;

use mistakes::MISTAKES;

fn main() {
    let engine = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("..");
    let out = env::var_os("OUT_DIR").unwrap();
    println!("cargo:rerun-if-changed={}", engine.join("src").display());
    copy(&engine.join("src"), &Path::new(&out).join("src"));
    println!("cargo:rerun-if-changed=mistakes.rs");
    // Not read here: the engine's tests list its files when they are built, and
    // are built again when this crate is.
    println!("cargo:rerun-if-changed={}", engine.join("corpus").display());
    let mut switches: BTreeMap<&str, Vec<(usize, &str, String)>> = BTreeMap::new();
    for (number, (name, file, place, wrong)) in MISTAKES.iter().enumerate() {
        let text = fs::read_to_string(engine.join("src").join(file)).unwrap();
        let (before, rest) = place.split_once('«').unwrap_or(("", place));
        let (right, after) = rest.split_once('»').unwrap_or((rest, ""));
        let place = format!("{before}{right}{after}");
        let found: Vec<(usize, &str)> = text.match_indices(&place).collect();
        assert_eq!(found.len(), 1, "`{name}`: how often `{place}` stands in `{file}`");
        let switched = format!("(if crate::has({number}) {{ {wrong} }} else {{ {right} }})");
        switches.entry(file).or_default().push((found[0].0 + before.len(), right, switched));
    }
    for (file, mut switches) in switches {
        let path = Path::new(&out).join("src").join(file);
        let mut text = fs::read_to_string(engine.join("src").join(file)).unwrap();
        // From the end, so that what is left to do stays in its place.
        switches.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
        for (at, right, switched) in switches {
            text.replace_range(at..at + right.len(), &switched);
        }
        fs::write(&path, without_tests(&text)).unwrap();
    }
    // Inner attributes cannot be included.
    let root = Path::new(&out).join("src/lib.rs");
    let text = fs::read_to_string(&root).unwrap();
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| !line.starts_with("//!") && !line.starts_with("#!["))
        .map(str::to_owned)
        .collect();
    let names: Vec<&str> = MISTAKES.iter().map(|(name, ..)| *name).collect();
    lines.push(format!("pub const MISTAKES: &[&str] = &{names:?};"));
    fs::write(root, lines.join("\n")).unwrap();
}

fn without_tests(text: &str) -> String {
    text.replace("#[cfg(test)]", "#[cfg(any())]")
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::write(target, without_tests(&fs::read_to_string(path).unwrap())).unwrap();
        }
    }
}

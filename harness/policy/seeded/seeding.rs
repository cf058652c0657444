//! Copies a crate's sources and puts a switch into each place where a mistake is
//! to be seeded. A place that is not there exactly once stops the build: the
//! list follows the crate.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

/// A name, the file, the place, and the wrong expression. The place stands in
/// the file exactly once; the expression that the wrong one replaces is the whole
/// of it, or what `«»` enclose.
pub(crate) type Mistake = (&'static str, &'static str, &'static str, &'static str);

/// Seeds mistakes in the crate whose directory this one is in.
pub(crate) fn seed(mistakes: &[Mistake]) {
    let parent = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("..");
    let out = env::var_os("OUT_DIR").unwrap();
    println!("cargo:rerun-if-changed={}", parent.join("src").display());
    copy(&parent.join("src"), &Path::new(&out).join("src"));
    println!("cargo:rerun-if-changed=mistakes.rs");
    let mut switches: BTreeMap<&str, Vec<(usize, &str, String)>> = BTreeMap::new();
    for (number, (name, file, place, wrong)) in mistakes.iter().enumerate() {
        let text = fs::read_to_string(parent.join("src").join(file)).unwrap();
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
        let mut text = fs::read_to_string(parent.join("src").join(file)).unwrap();
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
    let names: Vec<&str> = mistakes.iter().map(|(name, ..)| *name).collect();
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

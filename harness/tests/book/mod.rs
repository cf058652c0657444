//! The book in `docs`: that its contents name every page, that its links and
//! anchors lead somewhere, that its blocks are what they say, and that the
//! commands it shows print what it shows.
//!
//! `page` reads Markdown into links, headings and blocks; `links`, `blocks` and
//! `shown` each check one thing.

mod blocks;
mod links;
mod page;
mod shown;

use std::path::{Path, PathBuf};

use page::Page;

/// The repository.
fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every page of the book, its contents left out, in a stable order.
fn book() -> Vec<Page> {
    let mut found = Vec::new();
    let mut open = vec![top().join("docs")];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md")
                && !path.ends_with("SUMMARY.md")
            {
                found.push(Page::read(&path));
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(found.len() > 30, "the book is elsewhere");
    found
}

/// The pages outside the book.
fn others() -> Vec<Page> {
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md"]
        .iter()
        .map(|name| Page::read(&top().join(name)))
        .collect()
}

//! Contents, links and anchors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::page::Page;
use super::{book, others, top};

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

fn leads_elsewhere(target: &str) -> bool {
    target.starts_with("https://") || target.starts_with("http://")
}

#[test]
fn the_contents_name_every_page_once() {
    let summary = Page::read(&top().join("docs/SUMMARY.md"));
    let mut named = BTreeSet::new();
    for link in &summary.links {
        let path = plain(&top().join("docs").join(&link.target));
        assert!(named.insert(path), "docs/SUMMARY.md:{}: {} stands twice", link.line, link.target);
    }
    let pages: BTreeSet<PathBuf> = book().into_iter().map(|page| page.path).collect();
    let missing: Vec<_> = pages.difference(&named).collect();
    let surplus: Vec<_> = named.difference(&pages).collect();
    assert!(missing.is_empty(), "pages that docs/SUMMARY.md does not name: {missing:?}");
    assert!(surplus.is_empty(), "docs/SUMMARY.md names what is not there: {surplus:?}");
}

#[test]
fn links_and_anchors_lead_somewhere() {
    let docs = top().join("docs");
    let pages: Vec<Page> = book().into_iter().chain(others()).collect();
    let anchors: BTreeMap<&Path, &[String]> =
        pages.iter().map(|page| (page.path.as_path(), page.anchors.as_slice())).collect();
    let mut dead = Vec::new();
    for page in &pages {
        for link in page.links.iter().filter(|link| !leads_elsewhere(&link.target)) {
            let place = format!("{}:{}: {}", page.path.display(), link.line, link.target);
            let (file, anchor) = link.target.split_once('#').unwrap_or((&link.target, ""));
            let path = match file {
                "" => page.path.clone(),
                file => plain(&page.path.parent().unwrap().join(file)),
            };
            if !path.exists() {
                dead.push(format!("{place}: not there"));
            } else if page.path.starts_with(&docs) && !path.starts_with(&docs) {
                dead.push(format!("{place}: leaves the book, where only its pages are"));
            } else if !anchor.is_empty()
                && !anchors
                    .get(path.as_path())
                    .is_some_and(|all| all.iter().any(|one| one == anchor))
            {
                dead.push(format!("{place}: no such heading"));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

//! A page of Markdown, as far as the checks need it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A fenced block, or one that is indented by four spaces.
#[derive(Debug)]
pub(super) struct Block {
    /// The line of its first text.
    pub(super) line: usize,
    /// The first word behind the fence; empty where it is indented.
    pub(super) language: String,
    /// What the comment before it says: `<!-- file: NAME -->`.
    pub(super) file: Option<String>,
    pub(super) text: String,
}

/// A link with its line.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) line: usize,
    pub(super) target: String,
}

#[derive(Debug)]
pub(super) struct Page {
    pub(super) path: PathBuf,
    pub(super) blocks: Vec<Block>,
    pub(super) links: Vec<Link>,
    pub(super) anchors: Vec<String>,
}

impl Page {
    pub(super) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut page = Self {
            path: path.to_owned(),
            blocks: Vec::new(),
            links: Vec::new(),
            anchors: Vec::new(),
        };
        let mut file = None;
        let mut seen = BTreeMap::new();
        let mut lines = text.lines().enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                let mut block = Block {
                    line: number + 2,
                    language: language.split(',').next().unwrap_or_default().trim().to_owned(),
                    file: file.take(),
                    text: String::new(),
                };
                assert_ne!(block.language, "", "{}:{}: which language", path.display(), number + 1);
                let closed = lines.by_ref().find_map(|(_, inner)| {
                    if inner.trim_start().starts_with("```") {
                        return Some(());
                    }
                    block.text.push_str(inner);
                    block.text.push('\n');
                    None
                });
                assert!(
                    closed.is_some(),
                    "{}:{}: the block does not end",
                    path.display(),
                    number + 1
                );
                page.blocks.push(block);
            } else if let Some(first) = line.strip_prefix("    ") {
                let mut block = Block {
                    line: number + 1,
                    language: String::new(),
                    file: file.take(),
                    text: format!("{first}\n"),
                };
                while let Some((_, more)) = lines.next_if(|(_, next)| next.starts_with("    ")) {
                    block.text.push_str(&more[4..]);
                    block.text.push('\n');
                }
                page.blocks.push(block);
            } else if let Some(name) = line.strip_prefix("<!-- file: ") {
                file = Some(name.trim_end_matches(" -->").to_owned());
            } else {
                if let Some(title) = heading(line) {
                    page.anchors.push(anchor(title, &mut seen));
                }
                page.links.extend(
                    links(line).map(|target| Link { line: number + 1, target: target.to_owned() }),
                );
            }
        }
        page
    }
}

fn heading(line: &str) -> Option<&str> {
    let title = line.trim_start_matches('#');
    (title.len() < line.len()).then(|| title.strip_prefix(' ')).flatten()
}

/// What GitHub and mdBook call a heading: lower case, spaces as hyphens, no other
/// signs; the second of a name has `-1` behind it.
fn anchor(title: &str, seen: &mut BTreeMap<String, usize>) -> String {
    let plain: String = title
        .to_lowercase()
        .chars()
        .filter_map(|sign| match sign {
            ' ' => Some('-'),
            '-' | '_' => Some(sign),
            _ => sign.is_alphanumeric().then_some(sign),
        })
        .collect();
    let times = seen.entry(plain.clone()).or_insert(0);
    *times += 1;
    if *times == 1 { plain } else { format!("{plain}-{}", *times - 1) }
}

/// The targets of `[text](target)` outside code.
fn links(line: &str) -> impl Iterator<Item = &str> {
    // Within backticks is code: every second piece.
    let mut inside = false;
    let mut code = Vec::new();
    for (place, sign) in line.char_indices() {
        if sign == '`' {
            inside = !inside;
        }
        if inside {
            code.push(place);
        }
    }
    let mut from: usize = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + line[from..].find("](")? + 2;
            let end = start + line[start..].find(')')?;
            from = end;
            if code.binary_search(&(start - 1)).is_err() {
                return Some(&line[start..end]);
            }
        }
    })
}

#[test]
fn a_page_is_read_into_links_headings_and_blocks() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("p.md");
    let text = "# A `b`: c!\n\n[one](a.md#b) and `[no](c)` and [`two`](d)\n\n<!-- file: x.json -->\n```json\n{}\n```\n\n    ringfence up\n\n## A b c\n";
    std::fs::write(&path, text).unwrap();
    let page = Page::read(&path);
    assert_eq!(page.anchors, ["a-b-c", "a-b-c-1"]);
    let targets: Vec<_> = page.links.iter().map(|link| (link.line, link.target.as_str())).collect();
    assert_eq!(targets, [(3, "a.md#b"), (3, "d")]);
    let blocks: Vec<_> = page
        .blocks
        .iter()
        .map(|block| {
            (block.line, block.language.as_str(), block.file.as_deref(), block.text.as_str())
        })
        .collect();
    assert_eq!(blocks, [(7, "json", Some("x.json"), "{}\n"), (10, "", None, "ringfence up\n")]);
}

//! Which types and attributes of the provider let somebody in, and what becomes of each.
//!
//! `provider.txt` has each type of the provider with those of its attributes that may hold
//! a policy or name whom something lets in, by their names; it is generated. `grants.txt`
//! says of each that no other part reads what it is. A type that is in neither is of
//! another version: it grants what its names say.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::{Grant, Unread};
use crate::lint::known::{Node, Value};
use crate::lint::terraform::{DOCUMENTS, Resource};

/// The types of the provider, each with its attributes.
const PROVIDER: &str = include_str!("provider.txt");

/// What becomes of those that are no documents.
const ROWS: &str = include_str!("grants.txt");

/// A line of `grants.txt`.
#[derive(Debug)]
struct Row {
    is_unread: bool,
    /// `TYPE`, `TYPE.ATTRIBUTE`, either with `*`.
    what: &'static str,
    /// The attribute that names whom it lets in.
    to: Option<&'static str>,
    /// Values by which nobody is let in.
    but: Vec<&'static str>,
}

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| ROWS.lines().filter_map(row).collect());

static TYPES: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| PROVIDER.lines().filter_map(|line| line.split(' ').next()).collect());

fn row(line: &'static str) -> Option<Row> {
    let mut words = line.split(' ');
    let how = words.next()?;
    let what = words.next()?;
    let (mut to, mut but) = (None, Vec::new());
    for word in words {
        to = word.strip_prefix("to=").or(to);
        but.extend(word.strip_prefix("but=").into_iter().flat_map(|all| all.split('|')));
    }
    let is_unread = match how {
        "unread" => true,
        "read" | "irrelevant" => false,
        _ => return None,
    };
    Some(Row { is_unread, what, to, but })
}

/// What a resource grants that nobody reads.
pub(super) fn unread(resource: &Resource) -> Vec<Grant> {
    let kind = resource.kind.as_str();
    if resource.is_data || !kind.starts_with("aws") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for row in TABLE.iter().filter(|row| row.is_unread) {
        let (of, attribute) = row.what.split_once('.').unwrap_or((row.what, ""));
        if of != kind || !is_there(&resource.values, attribute, &row.but) {
            continue;
        }
        found.push(Grant::Unread(not_read(resource, attribute, row.to)));
    }
    if !found.is_empty() {
        return found;
    }
    let is_new = !TYPES.contains(kind);
    let mut paths = Vec::new();
    if is_new && is_like_a_grant(kind) {
        paths.push(String::new());
    }
    texts(&resource.values, "", &mut |path, node| {
        let is_named = is_new && is_like_a_grant(path.rsplit('.').next().unwrap_or(path));
        let is_document = node.text().is_some_and(is_policy);
        if (is_named && node.is_something() || is_document) && !is_covered(kind, path) {
            paths.push(path.to_owned());
        }
    });
    let first = paths.first().map(|path| not_read(resource, path, None));
    first.map(Grant::Unread).into_iter().collect()
}

fn not_read(resource: &Resource, attribute: &str, to: Option<&str>) -> Unread {
    let by = if attribute.is_empty() { String::new() } else { format!(" by `{attribute}`") };
    let why = format!("what `{}` grants{by} is not read", resource.address);
    let own = attribute.rsplit('.').next().unwrap_or(attribute);
    Unread::of(resource, why, to.unwrap_or(own))
}

/// Whether an attribute has something there, other than what lets in nobody.
fn is_there(values: &Node, path: &str, but: &[&str]) -> bool {
    if path.is_empty() {
        return true;
    }
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(node) = values.get(name).filter(|node| node.is_something()) else { return false };
    match &node.value {
        Value::Unknown => true,
        Value::List(items) if !rest.is_empty() => items
            .iter()
            .any(|item| matches!(item.value, Value::Unknown) || is_there(item, rest, but)),
        _ if !rest.is_empty() => is_there(node, rest, but),
        Value::Text(text) => !but.contains(&text.as_str()),
        _ => true,
    }
}

/// Each value of a resource with the names that lead to it.
fn texts(node: &Node, path: &str, see: &mut impl FnMut(&str, &Node)) {
    if !path.is_empty() {
        see(path, node);
    }
    match &node.value {
        Value::Map(members) => {
            for member in members {
                let dot = if path.is_empty() { "" } else { "." };
                texts(&member.value, &format!("{path}{dot}{}", member.key), see);
            }
        }
        Value::List(items) => items.iter().for_each(|item| texts(item, path, see)),
        _ => {}
    }
}

/// Whether a text is a policy document.
fn is_policy(text: &str) -> bool {
    if !(text.contains("\"Statement\"") && text.contains("\"Effect\"")) {
        return false;
    }
    let read: Option<serde_json::Value> = serde_json::from_str(text).ok();
    read.is_some_and(|document| document.get("Statement").is_some())
}

/// Whether another part reads an attribute of a type, or nobody needs to.
fn is_covered(kind: &str, path: &str) -> bool {
    let is_document = |(of, attribute, _): &(&str, &str, _)| *of == kind && *attribute == path;
    let whole = format!("{kind}.{path}");
    let is_of = |row: &Row| match row.what.contains('.') {
        true => is_like(row.what, &whole) || row.is_unread && is_within(&whole, row.what),
        false => is_like(row.what, kind),
    };
    DOCUMENTS.iter().any(is_document) || TABLE.iter().any(is_of)
}

fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

/// Whether a name is like a pattern with `*`.
fn is_like(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(before) else { return false };
    (0..=rest.len()).filter_map(|at| rest.get(at..)).any(|rest| is_like(after, rest))
}

/// Words that name a policy, or whom something lets in.
const WORDS: [&str; 12] = [
    "acl",
    "acls",
    "authorization",
    "grant",
    "grantee",
    "grants",
    "permission",
    "permissions",
    "policies",
    "policy",
    "principal",
    "principals",
];

/// Whether a type or an attribute is called like what lets somebody in.
fn is_like_a_grant(name: &str) -> bool {
    let mut words: Vec<&str> = name.split('_').collect();
    while words.last().is_some_and(|last| {
        [
            "accounts",
            "arn",
            "arns",
            "document",
            "documents",
            "exclusive",
            "id",
            "json",
            "share",
            "text",
        ]
        .contains(last)
    }) && words.len() > 1
    {
        words.pop();
    }
    words.last().is_some_and(|last| WORDS.contains(last) || *last == "shared")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each type and attribute that may let somebody in is read, or is known not to
    /// matter, or is not read and says so.
    #[test]
    fn what_the_provider_has_is_read_or_undecided_or_irrelevant_with_a_reason() {
        let mut left = Vec::new();
        for line in PROVIDER.lines() {
            let mut words = line.split(' ');
            let kind = words.next().unwrap();
            for path in words {
                let is_like = is_like_a_grant(path.rsplit('.').next().unwrap());
                if is_like && !is_covered(kind, path) {
                    left.push(format!("{kind}.{path}"));
                }
            }
            let has_document = DOCUMENTS.iter().any(|(of, ..)| *of == kind);
            let has_row = TABLE.iter().any(|row| {
                let of = row.what.split('.').next().unwrap_or_default();
                is_like(of, kind) && of != "*"
            });
            if is_like_a_grant(kind) && !has_document && !has_row {
                left.push(kind.to_owned());
            }
        }
        assert!(left.is_empty(), "{}:\n{}", left.len(), left.join("\n"));
        for line in ROWS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let row = row(line).unwrap_or_else(|| panic!("{line}"));
            let reason = line.split(' ').skip(2).count();
            assert!(row.is_unread || line.starts_with("read ") || reason > 0, "{line}");
        }
        assert!(TYPES.len() > 1_400, "{}", TYPES.len());
    }
}

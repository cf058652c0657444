//! Which types and attributes of the provider let somebody in, and what becomes of each.
//!
//! `provider.txt` has each type of the provider with those of its attributes that may hold
//! a policy or name whom something lets in, by their names; it is generated. `grants.txt`
//! says of each that no other part reads what it is. A type that is in neither is of
//! another version, or one of a stack that has no name of the provider's: it grants what
//! its names say.

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
    // What a stack made keeps its own name where the provider has none for it.
    if resource.is_data || !(kind.starts_with("aws") || kind.contains("::")) {
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
        let is_document = match &node.value {
            Value::Map(_) => is_tree_of_policy(node),
            _ => node.text().is_some_and(is_policy),
        };
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

/// Whether a value is a policy document that is no text.
fn is_tree_of_policy(node: &Node) -> bool {
    let is_statement = |one: &Node| one.get("Effect").is_some();
    let statements = node.get("Statement");
    statements.is_some_and(|all| is_statement(all) || all.items().iter().any(is_statement))
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
    let mut words = words(name);
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
        .contains(&last.as_str())
    }) && words.len() > 1
    {
        words.pop();
    }
    words.last().is_some_and(|last| WORDS.contains(&last.as_str()) || last == "shared")
}

/// The words of a name: `event_bus_policy`, `AWS::Events::EventBusPolicy`.
fn words(name: &str) -> Vec<String> {
    let own = name.rsplit("::").next().unwrap_or(name);
    let mut words = vec![String::new()];
    let (mut before, mut rest) = ('_', own.chars().peekable());
    while let Some(one) = rest.next() {
        let is_first = one.is_ascii_uppercase()
            && (!before.is_ascii_uppercase() || rest.peek().is_some_and(char::is_ascii_lowercase));
        if one == '_' || is_first {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| one != '_') {
            word.push(one.to_ascii_lowercase());
        }
        before = one;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::access::complete::tree;
    use crate::lint::known::Place;

    /// What a stack made and the provider has no name for is not read, and told.
    #[rstest]
    #[case::by_its_name(
        "AWS::Events::EventBusPolicy",
        json!({"Action": "events:PutEvents", "Principal": "111111111111"}),
        Some("what `x.X` grants is not read")
    )]
    #[case::by_a_property(
        "AWS::Nebula::Star",
        json!({"Rules": [{"AccessPolicyDocument": {}, "SharedACL": "x"}]}),
        Some("what `x.X` grants by `Rules.AccessPolicyDocument` is not read")
    )]
    #[case::by_a_document(
        "AWS::Nebula::Star",
        json!({"Text": {"Statement": [{"Effect": "Allow", "Action": "*"}]}}),
        Some("what `x.X` grants by `Text` is not read")
    )]
    #[case::that_grants_nothing("AWS::Nebula::Star", json!({"PolicyName": "x", "Size": 1}), None)]
    #[case::of_another_provider("nebula_policy", json!({"policy": "x"}), None)]
    fn a_type_of_a_stack_is_read_as_a_new_one(
        #[case] kind: &str,
        #[case] values: serde_json::Value,
        #[case] why: Option<&str>,
    ) {
        let resource = Resource {
            address: "x.X".to_owned(),
            kind: kind.to_owned(),
            is_data: false,
            values: tree(Place::START, &values),
        };
        let found: Vec<String> = unread(&resource)
            .into_iter()
            .map(|grant| match grant {
                Grant::Unread(unread) => unread.why,
                Grant::Statements(_) => "statements".to_owned(),
            })
            .collect();
        assert_eq!(found.first().map(String::as_str), why);
    }

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

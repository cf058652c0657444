//! Lint: policies that AWS stores and that do not do what they say.
//!
//! Findings rest on the catalogue: actions of services that it does not hold
//! are not judged. Parts that a caller does not know (a template's intrinsic
//! functions, a plan's values known only after apply) stand as [`UNKNOWN`] and
//! are taken for any text, so that nothing is found because of them.

mod absent;
mod actions;
mod claims;
#[cfg(test)]
mod engine;
mod escalation;
mod grants;
mod keys;
mod overlap;
mod principals;
mod rule;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::condition::{Condition, Unreadable};
use crate::document::{Document, Version};
use crate::json::{self, Node, Value};
use crate::operator::Base;
use crate::statement::{Effect, Statement};

pub use escalation::ESCALATING;
pub use rule::Rule;

/// Stands in a document for text that is not known: any text. A character of
/// Unicode's private use area, which no policy holds.
pub const UNKNOWN: char = '\u{e000}';

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub rule: Rule,
    /// The document's name.
    pub policy: String,
    /// The statement's place in its document, from 0.
    pub statement: usize,
    /// The statement's `Sid`, if it has one.
    pub sid: Option<String>,
    /// Where the entry that the finding is about stands, or else where the
    /// statement starts; from 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// Why the statement does not do what it says.
    pub message: String,
    /// What to write instead.
    pub instead: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, policy, line, column, message, instead, .. } = self;
        write!(formatter, "{policy}:{line}:{column}: {}: {message}; {instead}", rule.name())
    }
}

/// A finding before its place is known.
#[derive(PartialEq)]
struct Note {
    rule: Rule,
    /// The text of the document that it is about, if it is about one.
    about: Option<String>,
    message: String,
    instead: String,
}

fn note(rule: Rule, message: impl Into<String>, instead: impl Into<String>) -> Note {
    Note { rule, about: None, message: message.into(), instead: instead.into() }
}

impl Note {
    fn about(mut self, text: impl Into<String>) -> Self {
        self.about = Some(text.into());
        self
    }
}

/// Checks a document.
pub fn lint(document: &Document) -> Vec<Finding> {
    let mut findings = Vec::new();
    // What was parsed once can be parsed again.
    let root = json::parse(document.text()).ok();
    for (index, statement) in document.statements().iter().enumerate() {
        let mut notes = Vec::new();
        actions::check(statement, &mut notes);
        absent::check(statement, &mut notes);
        grants::check(document, statement, &mut notes);
        principals::check(document, statement, &mut notes);
        claims::check(document, statement, &mut notes);
        escalation::check(document, statement, &mut notes);
        values(document, statement, &mut notes);
        if index == 0 {
            grants::check_whole(document, &mut notes);
        }
        let node = root.as_ref().and_then(|root| at(root, statement.at));
        // One word about a condition, however many actions have it.
        let mut told: Vec<Note> = Vec::new();
        for note in notes {
            if !told.contains(&note) {
                told.push(note);
            }
        }
        findings.extend(told.into_iter().map(|note| {
            let entry = note.about.as_deref().zip(node).and_then(|(text, node)| find(node, text));
            let (line, column) = json::place(document.text(), entry.unwrap_or(statement.at));
            Finding {
                rule: note.rule,
                policy: document.name().to_owned(),
                statement: index,
                sid: statement.sid.as_deref().map(str::to_owned),
                line,
                column,
                message: note.message,
                instead: note.instead,
            }
        }));
    }
    findings
}

/// Where a statement of a document starts, or in it the entry that is a text: line and
/// column, from 1. What is not there is at the beginning.
pub fn place(document: &Document, statement: usize, entry: Option<&str>) -> (usize, usize) {
    let start = document.statements().get(statement).map_or(0, |statement| statement.at);
    let root = json::parse(document.text()).ok();
    let node = root.as_ref().and_then(|root| at(root, start));
    let entry = entry.zip(node).and_then(|(text, node)| find(node, text));
    json::place(document.text(), entry.unwrap_or(start))
}

/// The node that starts at an offset, the outermost of them.
fn at(node: &Node, offset: usize) -> Option<&Node> {
    if node.at == offset && matches!(node.value, Value::Object(_)) {
        return Some(node);
    }
    children(node).find_map(|(_, child)| at(child, offset))
}

/// Where a text stands as a key or a value.
fn find(node: &Node, text: &str) -> Option<usize> {
    if matches!(&node.value, Value::String(found) if found == text) {
        return Some(node.at);
    }
    children(node).find_map(|(key, child)| match key {
        Some((at, key)) if key == text => Some(at),
        _ => find(child, text),
    })
}

/// A key with its place.
type Key<'n> = (usize, &'n str);

fn children(node: &Node) -> Box<dyn Iterator<Item = (Option<Key<'_>>, &Node)> + '_> {
    match &node.value {
        Value::Array(items) => Box::new(items.iter().map(|item| (None, item))),
        Value::Object(members) => Box::new(
            members.iter().map(|member| (Some((member.at, member.key.as_str())), &member.value)),
        ),
        _ => Box::new(std::iter::empty()),
    }
}

/// Values that match nothing.
fn values(document: &Document, statement: &Statement, notes: &mut Vec<Note>) {
    for condition in &statement.conditions {
        unreadable(statement.effect, condition, notes);
    }
    for condition in &statement.conditions {
        stars(condition, notes);
    }
    if document.version() == Version::V2012 {
        return;
    }
    let resources = statement.resources.iter().flat_map(|resources| resources.patterns.iter());
    let texts = resources.map(|pattern| pattern.source()).chain(
        statement
            .conditions
            .iter()
            .flat_map(|condition| condition.sources.iter().map(AsRef::as_ref)),
    );
    for text in texts.filter(|text| text.contains("${")) {
        notes.push(
            note(
                Rule::VariableAsText,
                format!("`{text}` is plain text: this version knows no variables"),
                "write `\"Version\": \"2012-10-17\"`",
            )
            .about(text),
        );
    }
}

/// A value that cannot be read. Where there is no other, the condition counts
/// against the caller: see [`Condition::holds`].
fn unreadable(effect: Effect, condition: &Condition, notes: &mut Vec<Note>) {
    let (key, name) = (&condition.key, &condition.operator_name);
    if condition.sources.is_empty() {
        let effect = of_all(effect, condition);
        let message = format!("{name} of `{key}` has no values, {effect}");
        notes.push(
            note(Rule::UnreadableValue, message, "write a value, or leave the key out")
                .about(&**key),
        );
        return;
    }
    let Some(Unreadable { value, is_all }) = condition.unreadable() else { return };
    let is_known = !condition.sources.iter().any(|source| source.contains(UNKNOWN));
    if value.contains(UNKNOWN) {
        return;
    }
    let effect = match is_all && is_known {
        true => of_all(effect, condition),
        false => "so it matches nothing".to_owned(),
    };
    let message = format!("{name} cannot read `{value}`, {effect}");
    let instead = "write a value of the operator's kind";
    notes.push(note(Rule::UnreadableValue, message, instead).about(value));
}

/// What comes of a condition of which no value can be compared.
fn of_all(effect: Effect, condition: &Condition) -> String {
    let key = &condition.key;
    let is_of_presence = condition.operator.base == Base::Null;
    match effect {
        Effect::Deny if is_of_presence => "so every request is denied".to_owned(),
        Effect::Deny => format!("so every request with `{key}` is denied"),
        Effect::Allow if !is_of_presence && condition.holds_when_absent() => {
            format!("so it holds for requests without `{key}` alone")
        }
        Effect::Allow => "so the statement never allows anything".to_owned(),
    }
}

/// "StringEquals … Exact matching, case sensitive"; wildcards are for
/// `StringLike`.
fn stars(condition: &Condition, notes: &mut Vec<Note>) {
    if !matches!(condition.operator.base, Base::StringEquals | Base::StringEqualsIgnoreCase) {
        return;
    }
    // `${*}` is a star that is meant.
    let starred = |value: &&str| value.replace("${*}", "").contains('*');
    let values: Vec<&str> = condition.sources.iter().map(AsRef::as_ref).collect();
    let Some(value) = values.iter().copied().find(starred) else { return };
    let name = &condition.operator_name;
    let effect = match (condition.operator.negated, values.iter().all(starred)) {
        (true, _) => "so it holds for all that the pattern was to leave out",
        (false, true) if condition.holds_when_absent() => {
            "so it holds for requests without the key alone"
        }
        (false, true) => "so it holds for nothing that the pattern was to match",
        (false, false) => "so the pattern adds nothing",
    };
    let message = format!("the `*` of `{value}` is an ordinary character to {name}, {effect}");
    let like = name.replace("EqualsIgnoreCase", "Like").replace("Equals", "Like");
    let instead = format!("write `{like}`, or what is meant without a `*`");
    notes.push(note(Rule::StarAsText, message, instead).about(value));
}

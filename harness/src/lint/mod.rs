//! Policies in files: plain documents, Terraform plans and states as JSON,
//! CloudFormation and SAM templates.
//!
//! - [`read`]: which reader a file gets; [`known`]: its values;
//! - [`source`]: a document with the places of its parts, and what of it is
//!   not known;
//! - [`terraform`], [`template`]: where policies stand;
//! - [`files`]: which file is what;
//! - [`proved`]: what the prover says of a document;
//! - [`configuration`]: what is wrong around policies;
//! - [`module`]: what Terraform's files declare, refer to and depend on;
//! - [`workflow`]: the actions that GitHub workflows run.

pub mod configuration;
pub mod files;
pub mod known;
pub mod module;
pub mod proved;
pub mod read;
mod scopes;
pub mod source;
pub mod template;
pub mod terraform;
pub mod workflow;

use std::path::Path;

use ringfence_policy::lint::{lint, place};
use ringfence_policy::{Document, Kind};
use serde::Serialize;

pub(crate) use files::of_repository;
pub use files::{come_upon, paths, text};
use known::{Node, Place};
use source::{Source, Unchecked, shown};

/// A finding, in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// The rule's stable name.
    pub rule: &'static str,
    /// What holds the policy: a resource's address; empty for a file that is
    /// a policy.
    pub subject: String,
    /// The statement's number, from 1; none where it is about something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<usize>,
    /// Its `Sid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Why it does not do what it says.
    pub message: String,
    /// What to write instead.
    pub instead: String,
}

/// Something at a place of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Remark {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What.
    pub message: String,
}

/// What came of checking.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What was not checked, because it is not known yet.
    pub not_checked: Vec<Remark>,
    /// What could not be read: the result is not whole then.
    pub unreadable: Vec<Remark>,
    /// How many policy documents were checked.
    pub documents: usize,
    /// What holds them; the file's name for a file that is a policy.
    #[serde(skip)]
    pub subjects: Vec<String>,
}

impl Report {
    /// Takes another report in.
    pub fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.not_checked.extend(other.not_checked);
        self.unreadable.extend(other.unreadable);
        self.documents += other.documents;
        self.subjects.extend(other.subjects);
    }

    fn unreadable(file: &str, at: Place, message: impl Into<String>) -> Self {
        let Place { line, column } = at;
        let remark = Remark { file: file.to_owned(), line, column, message: message.into() };
        Self { unreadable: vec![remark], ..Self::default() }
    }

    fn unchecked(&mut self, file: &str, left: Vec<Unchecked>) {
        self.not_checked.extend(left.into_iter().map(|left| Remark {
            file: file.to_owned(),
            line: left.at.line,
            column: left.at.column,
            message: left.what,
        }));
    }

    /// Checks one document.
    fn check(&mut self, file: &str, source: &Source) {
        let document = match source.parse() {
            Ok(document) => document,
            Err(error) => {
                let about = match source.subject.as_str() {
                    "" => String::new(),
                    subject => format!("{subject}: "),
                };
                let message = format!("{about}{}", error.message);
                let at = Place { line: error.line, column: error.column };
                self.add(Self::unreadable(file, at, message));
                return;
            }
        };
        self.documents += 1;
        self.subjects.push(match source.subject.as_str() {
            "" => file.to_owned(),
            subject => subject.to_owned(),
        });
        self.findings.extend(found(file, source, &document));
    }
}

/// What lint and the prover find, by statement.
fn found(file: &str, source: &Source, document: &Document) -> Vec<Finding> {
    let mut of_text = lint(document);
    let proved = proved::judge(source, document, &mut of_text);
    let told = |(line, column), statement: usize, sid, rule, [message, instead]: [&str; 2]| {
        let Place { line, column } = source.place(line, column);
        Finding {
            file: file.to_owned(),
            line,
            column,
            rule,
            subject: source.subject.clone(),
            statement: Some(source.number(statement) + 1),
            sid,
            message: shown(message),
            instead: shown(instead),
        }
    };
    let mut all: Vec<(usize, Finding)> = Vec::new();
    for one in of_text {
        let place = (one.line, one.column);
        let texts = [one.message.as_str(), one.instead.as_str()];
        let finding = told(place, one.statement, one.sid, one.rule.name(), texts);
        all.push((one.statement, finding));
    }
    for one in proved {
        let place = place(document, one.statement, one.about.as_deref());
        let texts = [one.message.as_str(), one.instead.as_str()];
        all.push((one.statement, told(place, one.statement, one.sid, one.rule, texts)));
    }
    all.sort_by_key(|(statement, _)| *statement);
    all.into_iter().map(|(_, finding)| finding).collect()
}

/// A file that is a policy: its kind, where nobody said it, by its statements.
pub(crate) fn kind_of(root: &Node) -> Kind {
    let statements = root.get("Statement").map_or(&[] as &[Node], |node| match &node.value {
        known::Value::List(items) => items,
        _ => std::slice::from_ref(node),
    });
    let has = |statement: &Node, key: &str| statement.get(key).is_some();
    let principals =
        statements.iter().any(|node| has(node, "Principal") || has(node, "NotPrincipal"));
    let resources = statements.iter().any(|node| has(node, "Resource") || has(node, "NotResource"));
    let sts = |statement: &Node| {
        let action = statement.get("Action");
        let one = |node: &Node| node.text().is_some_and(|text| text.starts_with("sts:"));
        action.is_some_and(|node| {
            one(node) || (!node.items().is_empty() && node.items().iter().all(one))
        })
    };
    match principals {
        true if !resources && statements.iter().all(sts) => Kind::Trust,
        true => Kind::Resource,
        false => Kind::Identity,
    }
}

/// A path as findings name it.
fn name(path: &Path) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

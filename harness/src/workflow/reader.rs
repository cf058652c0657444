//! Reading a workflow's tree: what is wrong is kept, and reading goes on, so
//! that all of it is told at once.

use std::cell::RefCell;
use std::path::Path;

use ringfence_text::{Member as Entry, Node, Value};

use super::contexts;
use super::expression::{self, Condition, Expression, ExpressionError, Site, Template};
use super::model::{Data, Texts};
use crate::config::Place;
use crate::remark::{Outcome, Remark};

pub(super) struct Reader<'f> {
    file: &'f Path,
    remarks: RefCell<Vec<Remark>>,
    /// The keys that lead to what is being read.
    path: RefCell<Vec<String>>,
}

/// While it lives, what is read stands under a key.
pub(super) struct Inside<'r> {
    path: &'r RefCell<Vec<String>>,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.path.borrow_mut().pop();
    }
}

impl<'f> Reader<'f> {
    pub(super) fn new(file: &'f Path) -> Self {
        Self { file, remarks: RefCell::default(), path: RefCell::default() }
    }

    /// The file.
    pub(super) fn file(&self) -> &Path {
        self.file
    }

    /// What was wrong.
    pub(super) fn remarks(self) -> Vec<Remark> {
        self.remarks.into_inner()
    }

    /// Goes under a key, for as long as the result lives.
    pub(super) fn inside(&self, key: &str) -> Inside<'_> {
        self.path.borrow_mut().push(key.to_owned());
        Inside { path: &self.path }
    }

    pub(super) fn place(&self, at: ringfence_text::Place) -> Place {
        Place { file: self.file.to_owned(), line: at.line, column: at.column }
    }

    /// Keeps what is wrong.
    pub(super) fn fault(&self, at: ringfence_text::Place, message: impl Into<String>) {
        self.keep(self.place(at), message.into());
    }

    fn keep(&self, place: Place, because: String) {
        let construct = self.construct();
        self.remarks.borrow_mut().push(Remark {
            place,
            construct,
            outcome: Outcome::Unsupported,
            because,
        });
    }

    /// What is being read: `jobs.deploy.steps[2].uses`.
    pub(super) fn construct(&self) -> String {
        self.path.borrow().iter().fold(String::new(), |path, key| {
            let dot = if path.is_empty() || key.starts_with('[') { "" } else { "." };
            format!("{path}{dot}{key}")
        })
    }

    /// The same of a place that is known already.
    pub(super) fn fault_at(&self, place: Place, message: impl Into<String>) {
        self.keep(place, message.into());
    }

    pub(super) fn unknown(&self, what: &str, entry: &Entry) {
        self.fault(entry.at, format!("`{}` of {what} is not supported", entry.key));
    }

    pub(super) fn entries<'a>(&self, node: &'a Node, what: &str) -> &'a [Entry] {
        match &node.value {
            Value::Object(entries) => entries,
            Value::Null => &[],
            _ => {
                self.fault(node.at, format!("{what} must be a mapping"));
                &[]
            }
        }
    }

    pub(super) fn items<'a>(&self, node: &'a Node, what: &str) -> &'a [Node] {
        match &node.value {
            Value::Array(items) => items,
            _ => {
                self.fault(node.at, format!("{what} must be a list"));
                &[]
            }
        }
    }

    pub(super) fn text(&self, node: &Node) -> String {
        match &node.value {
            Value::String(text) | Value::Number(text) => text.clone(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null => String::new(),
            Value::Array(_) | Value::Object(_) => {
                self.fault(node.at, "text is expected here");
                String::new()
            }
        }
    }

    /// A text whose expressions are replaced when it is used.
    pub(super) fn template(&self, node: &Node, site: Site) -> Template {
        let (template, faults) = Template::read(&self.text(node), site);
        self.faults_of(node, &faults);
        self.known_members(node, template.expressions());
        template
    }

    /// What an `if` says.
    pub(super) fn condition(&self, node: &Node, site: Site) -> Condition {
        let (condition, faults) = Condition::read(&self.text(node), site);
        self.faults_of(node, &faults);
        self.known_members(node, condition.expressions());
        condition
    }

    fn faults_of(&self, node: &Node, faults: &[ExpressionError]) {
        for fault in faults {
            self.fault(node.at, fault.to_string());
        }
    }

    /// A member of `github`, `runner` or `job` that is none would be null here
    /// whether or not GitHub has it.
    fn known_members<'e>(&self, node: &Node, all: impl Iterator<Item = &'e Expression>) {
        for expression in all {
            for path in expression.paths() {
                let [context, name, ..] = path.as_slice() else { continue };
                let known: &[&str] = match *context {
                    "github" => &contexts::GITHUB,
                    "runner" => &contexts::RUNNER,
                    "job" => &contexts::JOB,
                    _ => continue,
                };
                if !known.iter().any(|it| it.eq_ignore_ascii_case(name)) {
                    self.fault(node.at, format!("`{context}.{name}` is not known here"));
                }
            }
        }
    }

    /// A number or a flag, or an expression that comes to one.
    pub(super) fn scalar(&self, node: &Node, site: Site, what: Scalar) -> Template {
        let template = self.template(node, site);
        let fits = template.plain().is_none_or(|text| match what {
            Scalar::Flag => matches!(text, "true" | "false"),
            Scalar::Minutes => text.parse::<f64>().is_ok_and(|minutes| minutes > 0.0),
        });
        if !fits {
            let expected = match what {
                Scalar::Flag => "true or false",
                Scalar::Minutes => "a positive number",
            };
            self.fault(node.at, format!("{expected} is expected here"));
        }
        template
    }

    pub(super) fn templates(&self, node: &Node, what: &str, site: Site) -> Texts {
        let entries = self.entries(node, what).iter();
        entries
            .map(|entry| {
                let _inside = self.inside(&entry.key);
                (entry.key.clone(), self.template(&entry.value, site))
            })
            .collect()
    }

    /// Any value, with texts that have expressions.
    pub(super) fn data(&self, node: &Node, site: Site) -> Data {
        match &node.value {
            Value::Array(items) => {
                Data::List(items.iter().map(|item| self.data(item, site)).collect())
            }
            Value::Object(members) => Data::Map(
                members
                    .iter()
                    .map(|member| {
                        let _inside = self.inside(&member.key);
                        (member.key.clone(), self.data(&member.value, site))
                    })
                    .collect(),
            ),
            Value::String(_) => Data::Text(self.template(node, site)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                Data::Plain(expression::of_node(node))
            }
        }
    }

    /// A text in which expressions are not replaced.
    pub(super) fn plain(&self, node: &Node) -> String {
        let text = self.text(node);
        if text.contains("${{") {
            self.fault(node.at, format!("an expression is not supported here: `{text}`"));
        }
        text
    }

    pub(super) fn texts(&self, node: &Node) -> Vec<String> {
        match &node.value {
            Value::Array(items) => items.iter().map(|item| self.plain(item)).collect(),
            _ => vec![self.plain(node)],
        }
    }
}

/// What a scalar must be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar {
    Flag,
    Minutes,
}

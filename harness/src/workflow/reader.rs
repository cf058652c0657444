//! Reading a workflow's tree: what is wrong is kept, and reading goes on, so
//! that all of it is told at once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ringfence_text::{Member as Entry, Node, Value};

use super::expression;
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
        // `jobs.deploy.steps[2].uses`
        let construct = self.path.borrow().iter().fold(String::new(), |path, key| {
            let dot = if path.is_empty() || key.starts_with('[') { "" } else { "." };
            format!("{path}{dot}{key}")
        });
        self.remarks.borrow_mut().push(Remark {
            place: self.place(at),
            construct,
            outcome: Outcome::Unsupported,
            because: message.into(),
        });
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
    pub(super) fn filled(&self, node: &Node) -> String {
        let text = self.text(node);
        for message in expression::unsupported_in(&text) {
            self.fault(node.at, message);
        }
        text
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

    pub(super) fn filled_map(&self, node: &Node, what: &str) -> BTreeMap<String, String> {
        let entries = self.entries(node, what).iter();
        entries
            .map(|entry| {
                let _inside = self.inside(&entry.key);
                (entry.key.clone(), self.filled(&entry.value))
            })
            .collect()
    }

    pub(super) fn minutes(&self, node: &Node) -> Option<Duration> {
        match self.text(node).parse::<u64>().ok().and_then(|minutes| minutes.checked_mul(60)) {
            Some(seconds) if seconds > 0 => Some(Duration::from_secs(seconds)),
            _ => {
                self.fault(node.at, "timeout-minutes must be a positive number");
                None
            }
        }
    }
}

//! A policy document on its way from a file to the policy engine: its text,
//! with the place of each part in the file, and what of it is not known.

use ringfence_policy::lint::UNKNOWN;
use ringfence_policy::{Document, DocumentError, Kind};

use super::known::{Node, Place, Value};

/// Stands for somebody who is not known: a form that names nobody, and that no rule judges.
pub(super) const SOMEBODY: &str = "AROAUNKNOWNUNKNOWN00";

/// Stands for a date that is not known: it must be one when the policy is stored.
pub(super) const SOME_DATE: &str = "1970-01-01T00:00:00Z";

/// A policy document.
#[derive(Debug, Clone)]
pub struct Source {
    /// What holds it: `aws_iam_policy.a`, `Resources.Role`; empty for a file
    /// that is a policy.
    pub subject: String,
    /// What it is used as.
    pub kind: Kind,
    /// Whether it is stored as a managed policy.
    is_managed: bool,
    /// The document as JSON.
    pub text: String,
    /// Offsets in the text with their places in the file, in order.
    places: Vec<(usize, Place)>,
    /// For each statement of the text, its number in the file.
    numbers: Vec<usize>,
    /// The statements of the text of which an entry of `Action` is not known, and left out.
    partial: Vec<usize>,
}

/// What of a document was not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unchecked {
    /// Where.
    pub at: Place,
    /// What, and why.
    pub what: String,
}

impl Source {
    /// A document whose text is known, at one place of a file.
    pub fn text(subject: String, kind: Kind, text: String, at: Place) -> Self {
        Self { places: vec![(0, at)], ..Self::file(kind, text) }.of(subject)
    }

    /// The same as API Gateway reads it: `execute-api:/…` is of the API itself
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html>).
    #[must_use]
    pub fn as_api(mut self) -> Self {
        const SHORT: &str = "\"execute-api:/";
        let whole = format!("\"arn:aws:execute-api:{UNKNOWN}:{UNKNOWN}:{UNKNOWN}/");
        let mut from = 0;
        while let Some(found) = self.text.get(from..).and_then(|rest| rest.find(SHORT)) {
            let at = from + found;
            self.text.replace_range(at..at + SHORT.len(), &whole);
            for (offset, _) in self.places.iter_mut().filter(|(offset, _)| *offset > at) {
                *offset += whole.len() - SHORT.len();
            }
            from = at + whole.len();
        }
        self
    }

    /// A file that is a policy.
    pub fn file(kind: Kind, text: String) -> Self {
        Self {
            subject: String::new(),
            kind,
            is_managed: false,
            text,
            places: Vec::new(),
            numbers: Vec::new(),
            partial: Vec::new(),
        }
    }

    fn of(self, subject: String) -> Self {
        Self { subject, ..self }
    }

    /// A document that stands in a file as a tree, functions resolved. What is
    /// not known is left out and told of; `None` when nothing remains.
    pub fn tree(
        subject: String,
        kind: Kind,
        node: &Node,
        unchecked: &mut Vec<Unchecked>,
    ) -> Option<Self> {
        let mut writer = Writer::new(unchecked);
        if matches!(node.value, Value::Unknown) {
            writer.not_checked(node.at, "the policy is not known");
            return None;
        }
        writer.document(node);
        let Writer { text, places, numbers, partial, left, .. } = writer;
        let own = Self { places, numbers, partial, ..Self::file(kind, text) }.of(subject);
        left.then_some(own)
    }

    /// The same, stored as a managed policy.
    #[must_use]
    pub fn as_managed(self) -> Self {
        Self { is_managed: true, ..self }
    }

    /// Parses it; an error has its place in the file.
    ///
    /// # Errors
    /// When AWS would not store it.
    pub fn parse(&self) -> Result<Document, DocumentError> {
        let parse = if self.is_managed { Document::parse_managed } else { Document::parse };
        parse(self.subject.clone(), &self.text, self.kind).map_err(|error| {
            let at = self.place(error.line, error.column);
            let message = shown(&error.message);
            DocumentError { message, line: at.line, column: at.column }
        })
    }

    /// The place in the file of a place in the text.
    pub fn place(&self, line: usize, column: usize) -> Place {
        if self.places.is_empty() {
            return Place { line, column };
        }
        // Text that was written here is one line; of known text only its
        // start has a place.
        let offset = match line {
            1 => self.text.char_indices().nth(column.saturating_sub(1)).map(|(at, _)| at),
            _ => None,
        };
        let offset = offset.unwrap_or(self.text.len());
        let index = self.places.partition_point(|(at, _)| *at <= offset);
        let found = index.checked_sub(1).and_then(|index| self.places.get(index));
        found.map_or(Place { line: 1, column: 1 }, |(_, place)| *place)
    }

    /// The number that a statement of the text has in the file, from 0.
    pub fn number(&self, statement: usize) -> usize {
        self.numbers.get(statement).copied().unwrap_or(statement)
    }

    /// Whether a statement of the text may be about more actions than it names there.
    pub(super) fn is_partial(&self, statement: usize) -> bool {
        self.partial.contains(&statement)
    }
}

/// Text for people: what is not known as `…`.
pub fn shown(text: &str) -> String {
    text.replace(UNKNOWN, "…")
}

/// Writes a document as one line of JSON, and keeps places.
struct Writer<'a> {
    text: String,
    places: Vec<(usize, Place)>,
    numbers: Vec<usize>,
    partial: Vec<usize>,
    unchecked: &'a mut Vec<Unchecked>,
    /// Whether a statement is left.
    left: bool,
}

/// A statement's part cannot be written, so that the statement cannot.
struct LeftOut(Place, String);

impl<'a> Writer<'a> {
    fn new(unchecked: &'a mut Vec<Unchecked>) -> Self {
        let (text, places, numbers) = (String::new(), Vec::new(), Vec::new());
        Self { text, places, numbers, partial: Vec::new(), unchecked, left: false }
    }

    fn not_checked(&mut self, at: Place, what: impl Into<String>) {
        self.unchecked.push(Unchecked { at, what: what.into() });
    }

    fn mark(&mut self, at: Place) {
        self.places.push((self.text.len(), at));
    }

    fn string(&mut self, text: &str, at: Place) {
        self.mark(at);
        self.text.push_str(&serde_json::Value::from(text).to_string());
    }

    fn document(&mut self, node: &Node) {
        if !matches!(node.value, Value::Map(_)) {
            // The engine says what is wrong.
            self.left = true;
            self.any(node);
            return;
        }
        self.mark(node.at);
        self.text.push('{');
        let mut first = true;
        for member in node.members() {
            self.separate(&mut first);
            self.string(&member.key, member.at);
            self.text.push(':');
            match (member.key.as_str(), &member.value.value) {
                ("Statement", Value::List(items)) => {
                    self.text.push('[');
                    let mut first = true;
                    for (number, item) in items.iter().enumerate() {
                        self.numbered(number, item, &mut first);
                    }
                    self.text.push(']');
                }
                ("Statement", Value::Map(_) | Value::Unknown) => {
                    self.text.push('[');
                    self.numbered(0, &member.value, &mut true);
                    self.text.push(']');
                }
                // Whatever it is, it names no one and grants nothing.
                ("Id", Value::Unknown) => self.text.push_str("\"unknown\""),
                _ => self.any(&member.value),
            }
        }
        self.text.push('}');
    }

    fn numbered(&mut self, number: usize, node: &Node, first: &mut bool) {
        let (text, places) = (self.text.len(), self.places.len());
        let was_first = *first;
        self.separate(first);
        match self.statement(node) {
            Ok(()) => {
                self.numbers.push(number);
                self.left = true;
            }
            Err(LeftOut(at, what)) => {
                self.text.truncate(text);
                self.places.truncate(places);
                self.partial.retain(|statement| *statement < self.numbers.len());
                *first = was_first;
                self.not_checked(at, format!("statement {}: {what}", number + 1));
            }
        }
    }

    fn statement(&mut self, node: &Node) -> Result<(), LeftOut> {
        if matches!(node.value, Value::Unknown) {
            return Err(LeftOut(node.at, "it is not known".to_owned()));
        }
        if !matches!(node.value, Value::Map(_)) {
            self.any(node);
            return Ok(());
        }
        self.mark(node.at);
        self.text.push('{');
        let mut first = true;
        for member in node.members() {
            let value = &member.value;
            // A template's `!Ref AWS::NoValue` and a plan's null leave it out.
            if matches!(value.value, Value::Null) {
                continue;
            }
            // A name only, and no part of the decision.
            if member.key == "Sid" && value.text().is_none_or(|sid| sid.contains(UNKNOWN)) {
                continue;
            }
            self.separate(&mut first);
            self.string(&member.key, member.at);
            self.text.push(':');
            match member.key.as_str() {
                "Effect" if unknown_in(value) => {
                    return Err(LeftOut(value.at, "its Effect is not known".to_owned()));
                }
                "Action" | "NotAction" => self.actions(&member.key, value)?,
                "Resource" | "NotResource" => self.resources(value),
                "Principal" | "NotPrincipal" => self.principals(&member.key, value)?,
                "Condition" => self.conditions(value)?,
                _ => self.any(value),
            }
        }
        self.text.push('}');
        Ok(())
    }

    fn actions(&mut self, key: &str, node: &Node) -> Result<(), LeftOut> {
        let items = one_or_many(node);
        let known: Vec<&Node> = items.iter().filter(|item| !unknown_in(item)).collect();
        if known.len() < items.len() {
            // Without an exception `NotAction` says more than it did.
            if key == "NotAction" || known.is_empty() {
                return Err(LeftOut(node.at, format!("its {key} is not known")));
            }
            self.partial.push(self.numbers.len());
            self.not_checked(node.at, format!("an entry of {key} is not known"));
        }
        self.list(&known);
        Ok(())
    }

    fn resources(&mut self, node: &Node) {
        let mut items = Vec::new();
        for item in one_or_many(node) {
            let value = match &item.value {
                Value::Unknown => Value::Text(any_arn()),
                Value::Text(text) => Value::Text(storable(text)),
                value => value.clone(),
            };
            items.push(Node::new(item.at, value));
        }
        self.list(&items.iter().collect::<Vec<_>>());
    }

    fn principals(&mut self, key: &str, node: &Node) -> Result<(), LeftOut> {
        if unknown_in(node) {
            return Err(LeftOut(node.at, format!("its {key} is not known")));
        }
        if !matches!(node.value, Value::Map(_)) {
            self.any(node);
            return Ok(());
        }
        self.mark(node.at);
        self.text.push('{');
        let mut first = true;
        for member in node.members() {
            self.separate(&mut first);
            self.string(&member.key, member.at);
            self.text.push(':');
            let items: Vec<Node> = one_or_many(&member.value)
                .iter()
                .map(|item| match (unknown_in(item), member.key.as_str()) {
                    (false, _) => item.clone(),
                    // Forms that name nobody, and that no rule judges.
                    (true, "AWS") => Node::new(item.at, Value::Text(SOMEBODY.to_owned())),
                    (true, "Service") => {
                        Node::new(item.at, Value::Text(format!("{UNKNOWN}.amazonaws.com")))
                    }
                    (true, _) => match &item.value {
                        Value::Text(_) => item.clone(),
                        _ => Node::new(item.at, Value::Text(UNKNOWN.to_string())),
                    },
                })
                .collect();
            self.list(&items.iter().collect::<Vec<_>>());
        }
        self.text.push('}');
        Ok(())
    }

    fn conditions(&mut self, node: &Node) -> Result<(), LeftOut> {
        if matches!(node.value, Value::Unknown) {
            return Err(LeftOut(node.at, "its Condition is not known".to_owned()));
        }
        self.mark(node.at);
        self.text.push('{');
        let mut first = true;
        for block in node.members() {
            if matches!(block.value.value, Value::Unknown) {
                return Err(LeftOut(block.value.at, "its Condition is not known".to_owned()));
            }
            // It decides whether other conditions may lack their key.
            let items = block.value.members().iter().flat_map(|member| one_or_many(&member.value));
            if block.key == "Null" && items.into_iter().any(unknown_in) {
                return Err(LeftOut(block.value.at, "its Condition is not known".to_owned()));
            }
            self.separate(&mut first);
            self.string(&block.key, block.at);
            self.text.push_str(":{");
            let mut first = true;
            for member in block.value.members() {
                self.separate(&mut first);
                self.string(&member.key, member.at);
                self.text.push(':');
                let items: Vec<Node> = one_or_many(&member.value)
                    .iter()
                    .map(|item| match unknown_in(item) {
                        false => item.clone(),
                        true if block.key.contains("Date") => {
                            Node::new(item.at, Value::Text(SOME_DATE.to_owned()))
                        }
                        true => match &item.value {
                            Value::Text(_) => item.clone(),
                            _ => Node::new(item.at, Value::Text(UNKNOWN.to_string())),
                        },
                    })
                    .collect();
                self.list(&items.iter().collect::<Vec<_>>());
            }
            self.text.push('}');
        }
        self.text.push('}');
        Ok(())
    }

    fn list(&mut self, items: &[&Node]) {
        self.text.push('[');
        let mut first = true;
        for item in items {
            self.separate(&mut first);
            self.any(item);
        }
        self.text.push(']');
    }

    fn any(&mut self, node: &Node) {
        self.mark(node.at);
        match &node.value {
            Value::Null => self.text.push_str("null"),
            Value::Bool(truth) => self.text.push_str(if *truth { "true" } else { "false" }),
            Value::Number(number) => self.text.push_str(number),
            Value::Text(text) => self.string(text, node.at),
            Value::Unknown => self.string(&UNKNOWN.to_string(), node.at),
            Value::List(items) => self.list(&items.iter().collect::<Vec<_>>()),
            Value::Map(members) => {
                self.text.push('{');
                let mut first = true;
                for member in members {
                    self.separate(&mut first);
                    self.string(&member.key, member.at);
                    self.text.push(':');
                    self.any(&member.value);
                }
                self.text.push('}');
            }
        }
    }

    fn separate(&mut self, first: &mut bool) {
        if !std::mem::take(first) {
            self.text.push(',');
        }
    }
}

/// An ARN of which nothing is known.
fn any_arn() -> String {
    format!("arn:aws:{UNKNOWN}:{UNKNOWN}:{UNKNOWN}:{UNKNOWN}")
}

/// A resource in a form that can be stored, where parts of it are not known
/// that AWS checks: `!Sub "${Bucket.Arn}/*"` is an ARN, `arn:${Partition}:…` is
/// one of the commonest partition, and of `role${Path}` no more is known than
/// that it is a resource.
fn storable(text: &str) -> String {
    if text.starts_with(UNKNOWN) {
        return any_arn();
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, path] = parts.as_slice() else {
        return text.to_owned();
    };
    let kind = path.split('/').next().unwrap_or(path);
    if *service == "iam" && kind.contains(UNKNOWN) {
        return any_arn();
    }
    let partition = if partition.contains(UNKNOWN) { "aws" } else { partition };
    format!("arn:{partition}:{service}:{region}:{account}:{path}")
}

/// Whether a value is not known, or only in part.
fn unknown_in(node: &Node) -> bool {
    match &node.value {
        Value::Unknown => true,
        Value::Text(text) => text.contains(UNKNOWN),
        // Where one value belongs, a map is a function that was not resolved.
        _ => false,
    }
}

fn one_or_many(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

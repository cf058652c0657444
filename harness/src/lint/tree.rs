//! JSON and YAML with places, as one tree.

use ringfence_policy::json;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput, Tag};

/// Deeper files are refused.
const MAX_DEPTH: usize = 100;

/// Line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// A value and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it starts.
    pub at: Place,
    /// What it is.
    pub value: Value,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// As written.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Members in their order.
    Map(Vec<Member>),
    /// Not known before something else is: a plan's value after apply, a
    /// template's function.
    Unknown,
}

/// A member of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Where its key starts.
    pub at: Place,
    /// The key.
    pub key: String,
    /// The value.
    pub value: Node,
}

/// Why a text could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TreeError {
    /// Where.
    pub at: Place,
    /// Why.
    pub message: String,
}

impl Node {
    /// A node of a value.
    pub fn new(at: Place, value: Value) -> Self {
        Self { at, value }
    }

    /// A member's value.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().find(|member| member.key == key).map(|member| &member.value)
    }

    /// The value under a path of keys.
    pub fn path(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The members of a map; none for anything else.
    pub fn members(&self) -> &[Member] {
        match &self.value {
            Value::Map(members) => members,
            _ => &[],
        }
    }

    /// Whether it is something: neither absent in the file's own way, nor
    /// empty.
    pub fn is_something(&self) -> bool {
        match &self.value {
            Value::Null => false,
            Value::Text(text) => !text.is_empty(),
            Value::List(items) => !items.is_empty(),
            _ => true,
        }
    }
}

/// Reads JSON.
///
/// # Errors
/// With the place of what is wrong.
pub fn from_json(text: &str) -> Result<Node, TreeError> {
    let root = json::parse(text).map_err(|error| TreeError {
        at: Place { line: error.line, column: error.column },
        message: error.message,
    })?;
    let mut starts = vec![0];
    starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
    Ok(Json { text, starts }.node(root))
}

struct Json<'a> {
    text: &'a str,
    /// Where lines start.
    starts: Vec<usize>,
}

impl Json<'_> {
    fn place(&self, at: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line)).copied();
        let before = self.text.get(start.unwrap_or(0)..at).unwrap_or("");
        // Plans are one long line: their columns are bytes, which for them is
        // the same but for names in other scripts, and not quadratic.
        let column = if before.len() > 10_000 { before.len() } else { before.chars().count() } + 1;
        Place { line, column }
    }

    fn node(&self, node: json::Node) -> Node {
        let at = self.place(node.at);
        let value = match node.value {
            json::Value::Null => Value::Null,
            json::Value::Bool(truth) => Value::Bool(truth),
            json::Value::Number(text) => Value::Number(text),
            json::Value::String(text) => Value::Text(text),
            json::Value::Array(items) => {
                Value::List(items.into_iter().map(|item| self.node(item)).collect())
            }
            json::Value::Object(members) => Value::Map(
                members
                    .into_iter()
                    .map(|member| Member {
                        at: self.place(member.at),
                        key: member.key,
                        value: self.node(member.value),
                    })
                    .collect(),
            ),
        };
        Node { at, value }
    }
}

/// Short forms of CloudFormation whose long form has no `Fn::`.
const WITHOUT_PREFIX: [&str; 2] = ["Ref", "Condition"];

/// Reads a YAML file of one document, `!Name` as `{"Fn::Name": …}`.
///
/// # Errors
/// With the place of what is wrong.
pub fn from_yaml(text: &str) -> Result<Node, TreeError> {
    let mut reader = Yaml { parser: Parser::new_from_str(text) };
    let mut document = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            Event::StreamEnd => break,
            _ if document.is_some() => {
                return Err(wrong(span.start, "the file holds more than one document"));
            }
            event => document = Some(reader.node(event, span, 0)?),
        }
    }
    Ok(document.unwrap_or(Node::new(Place { line: 1, column: 1 }, Value::Null)))
}

struct Yaml<'a> {
    parser: Parser<'a, StrInput<'a>>,
}

impl<'a> Yaml<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), TreeError> {
        match self.parser.next_event() {
            Some(Ok(pair)) => Ok(pair),
            Some(Err(cause)) => Err(wrong(*cause.marker(), "not well-formed YAML")),
            None => Ok((Event::StreamEnd, Span::empty(Marker::new(0, 1, 0)))),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, TreeError> {
        if depth > MAX_DEPTH {
            return Err(wrong(span.start, "nested too deeply"));
        }
        let at = place(span.start);
        let (value, tag) = match event {
            Event::Scalar(text, style, _, tag) => {
                let value = match (style, &tag) {
                    (ScalarStyle::Plain, None) => plain(&text),
                    _ => Value::Text(text.into_owned()),
                };
                (value, tag)
            }
            Event::SequenceStart(_, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                (Value::List(items), tag)
            }
            Event::MappingStart(_, tag) => (Value::Map(self.members(depth)?), tag),
            Event::Alias(_) => return Err(wrong(span.start, "YAML aliases are not read")),
            _ => return Err(wrong(span.start, "not well-formed YAML")),
        };
        Ok(tagged(Node { at, value }, tag.as_deref()))
    }

    fn members(&mut self, depth: usize) -> Result<Vec<Member>, TreeError> {
        let mut members: Vec<Member> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(members),
                Event::Scalar(key, ..) => key.into_owned(),
                _ => return Err(wrong(span.start, "a key must be plain text")),
            };
            if members.iter().any(|member| member.key == key) {
                return Err(wrong(span.start, format!("`{key}` stands twice in the same map")));
            }
            let at = place(span.start);
            let (event, span) = self.next()?;
            members.push(Member { at, key, value: self.node(event, span, depth + 1)? });
        }
    }
}

/// The long form of a short form.
fn tagged(node: Node, tag: Option<&Tag>) -> Node {
    let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) else { return node };
    let name = tag.suffix.as_str();
    let key = match WITHOUT_PREFIX.contains(&name) {
        true => name.to_owned(),
        false => format!("Fn::{name}"),
    };
    let at = node.at;
    Node { at, value: Value::Map(vec![Member { at, key, value: node }]) }
}

/// The type of an unquoted scalar. A policy's numbers stay as they are
/// written, and `2012-10-17` is text.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let number = digits.chars().all(|c| c.is_ascii_digit())
        && !digits.is_empty()
        && (digits == "0" || !digits.starts_with('0'));
    match number {
        true => Value::Number(text.to_owned()),
        false => Value::Text(text.to_owned()),
    }
}

fn place(at: Marker) -> Place {
    Place { line: at.line(), column: at.col() + 1 }
}

fn wrong(at: Marker, message: impl Into<String>) -> TreeError {
    TreeError { at: place(at), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_give_the_same_tree_with_their_own_places() {
        let yaml = from_yaml("A:\n  - !Sub 'x-${y}'\n  - 1\nB: !GetAtt R.Arn\n").unwrap();
        let json = from_json(
            "{\"A\": [{\"Fn::Sub\": \"x-${y}\"}, 1],\n \"B\": {\"Fn::GetAtt\": \"R.Arn\"}}",
        )
        .unwrap();
        let sub = |node: &Node| {
            let item = node.get("A").unwrap().items()[0].clone();
            (item.at, item.get("Fn::Sub").unwrap().text().unwrap().to_owned())
        };
        assert_eq!(sub(&yaml), (Place { line: 2, column: 5 }, "x-${y}".to_owned()));
        assert_eq!(sub(&json), (Place { line: 1, column: 8 }, "x-${y}".to_owned()));
        let place = json.members()[1].at;
        assert_eq!(place, Place { line: 2, column: 2 });
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        let cases = [
            (from_yaml("a: 1\na: 2\n"), "`a` stands twice in the same map", 2),
            (from_yaml("a: &x 1\nb: *x\n"), "YAML aliases are not read", 2),
            (from_yaml("a: [1\nb: 2\n"), "not well-formed YAML", 2),
            (from_yaml("a: 1\n---\nb: 2\n"), "the file holds more than one document", 3),
            (from_json("{\"a\": 1,\n \"a\": 2}"), "`a` stands twice in the same object", 2),
        ];
        for (read, message, line) in cases {
            let error = read.unwrap_err();
            assert_eq!((error.message.as_str(), error.at.line), (message, line));
        }
        assert!(from_yaml(&"[".repeat(200)).is_err());
    }
}

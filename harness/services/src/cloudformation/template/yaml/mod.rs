//! Templates in YAML: CloudFormation's dialect of YAML 1.1, with the short
//! forms of the intrinsic functions, as one tree with places.
//!
//! The same reader serves the deployment and the lint, so that both judge the
//! same document. What it does with each construct:
//!
//! - a key that stands twice: the last value counts, as AWS and `sam` have it
//!   (<https://github.com/aws-cloudformation/cfn-lint/issues/35>); the
//!   repetitions are in [`Document::repeated`];
//! - aliases and hash merges: refused, as CloudFormation refuses them
//!   (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html>),
//!   which also rules out alias bombs;
//! - flow collections: their lines may be indented less than YAML 1.2 demands,
//!   as in YAML 1.1 (`flow.rs`);
//! - nesting is limited; AWS's own limit is not published.

mod flow;
mod scalar;
mod tag;

use saphyr_parser::{Event, Marker, Parser, ScanError, Span, StrInput};
use serde_json::{Map, Number};

/// Deeper templates are refused.
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

/// A value, typed by YAML 1.1's rules.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `yes`, `on`, ….
    Bool(bool),
    /// A number, in decimal.
    Number(Number),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Members in their order, each key once; a short form `!Name` is a map of
    /// the one member `Fn::Name`.
    Map(Vec<Member>),
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

/// A text that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The document; `null` where the text is empty.
    pub root: Node,
    /// The keys that stand more than once in their map, at each place but the
    /// first.
    pub repeated: Vec<Repeated>,
}

/// A key that stood in its map before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    /// Where it stands again.
    pub at: Place,
    /// Where it stood before.
    pub before: Place,
    /// The key.
    pub key: String,
}

/// Why a text could not be read. `Display` is CloudFormation's sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct YamlError {
    /// Where.
    pub at: Place,
    /// Why.
    pub fault: Fault,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not YAML.
    #[error("YAML not well-formed.")]
    Malformed,
    /// A second document in the same text.
    #[error("more than one document")]
    Documents,
    /// `*name`.
    #[error("YAML aliases are not allowed in CloudFormation templates")]
    Alias,
    /// `<<`.
    #[error("hash merge `<<`")]
    Merge,
    /// A map's key that is no scalar.
    #[error("a key must be a scalar")]
    Key,
    /// A tag that CloudFormation does not know.
    #[error("unknown tag `!{0}`")]
    Tag(String),
    /// Too many levels.
    #[error("nested too deeply")]
    Depth,
}

impl YamlError {
    fn sentence(&self) -> String {
        let Place { line, column } = self.at;
        match &self.fault {
            // Recorded on AWS without a place.
            fault @ Fault::Alias => format!("Template error: {fault}"),
            fault => format!("Template format error: {fault} (line {line}, column {column})"),
        }
    }
}

/// Reads a YAML text of one document.
///
/// # Errors
/// With the place of what is wrong.
pub fn read(text: &str) -> Result<Document, YamlError> {
    match Reader::new(text, None).document() {
        Err(Stop::Indentation(error)) => match flow::indented(text) {
            // Where it does not help, the text is wrong as it stands.
            Some(indented) => {
                Reader::new(indented.text(), Some(&indented)).document().map_err(|_| error)
            }
            None => Err(error),
        },
        other => other.map_err(Stop::into_error),
    }
}

/// Why reading stopped.
enum Stop {
    /// The parser disapproves of an indentation, maybe by YAML 1.2's rules
    /// alone.
    Indentation(YamlError),
    Fault(YamlError),
}

impl Stop {
    fn into_error(self) -> YamlError {
        match self {
            Self::Indentation(error) | Self::Fault(error) => error,
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// How the text was shifted, to give the places of the original.
    shifted: Option<&'a flow::Indented>,
    repeated: Vec<Repeated>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, shifted: Option<&'a flow::Indented>) -> Self {
        Self { parser: Parser::new_from_str(text), shifted, repeated: Vec::new() }
    }

    fn document(mut self) -> Result<Document, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart
                | Event::DocumentStart(_)
                | Event::DocumentEnd
                | Event::Nothing => {}
                Event::StreamEnd => break,
                _ if root.is_some() => return Err(self.stop(span.start, Fault::Documents)),
                event => root = Some(self.node(event, span, 0)?),
            }
        }
        let empty = Node { at: Place { line: 1, column: 1 }, value: Value::Null };
        Ok(Document { root: root.unwrap_or(empty), repeated: self.repeated })
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.parser.next_event() {
            Some(Ok(pair)) => Ok(pair),
            Some(Err(cause)) => Err(self.scan(&cause)),
            None => Ok((Event::StreamEnd, Span::empty(Marker::new(0, 1, 0)))),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Stop> {
        let start = span.start;
        if depth > MAX_DEPTH {
            return Err(self.stop(start, Fault::Depth));
        }
        let at = self.place(start);
        let (value, tag) = match event {
            Event::Scalar(text, style, _, tag) => {
                return scalar::typed(&text, style, tag.as_deref(), at)
                    .map_err(|fault| self.stop(start, fault));
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
            Event::Alias(_) => return Err(self.stop(start, Fault::Alias)),
            _ => return Err(self.stop(start, Fault::Malformed)),
        };
        tag::long_form(Node { at, value }, tag.as_deref()).map_err(|fault| self.stop(start, fault))
    }

    fn members(&mut self, depth: usize) -> Result<Vec<Member>, Stop> {
        let mut members: Vec<Member> = Vec::new();
        // Where each key stands, so that long maps are read in linear time.
        let mut known: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(members),
                Event::Scalar(key, _, _, None) => key.into_owned(),
                Event::Alias(_) => return Err(self.stop(span.start, Fault::Alias)),
                _ => return Err(self.stop(span.start, Fault::Key)),
            };
            if key == "<<" {
                return Err(self.stop(span.start, Fault::Merge));
            }
            let at = self.place(span.start);
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            let known_at = known.get(&key).and_then(|index| members.get_mut(*index));
            match known_at {
                Some(member) => {
                    self.repeated.push(Repeated { at, before: member.at, key: key.clone() });
                    *member = Member { at, key, value };
                }
                None => {
                    known.insert(key.clone(), members.len());
                    members.push(Member { at, key, value });
                }
            }
        }
    }

    fn place(&self, at: Marker) -> Place {
        let moved = self.shifted.map_or(0, |shifted| shifted.shift(at.line()));
        Place { line: at.line(), column: at.col().saturating_sub(moved) + 1 }
    }

    fn stop(&self, at: Marker, fault: Fault) -> Stop {
        Stop::Fault(YamlError { at: self.place(at), fault })
    }

    fn scan(&self, cause: &ScanError) -> Stop {
        let error = YamlError { at: self.place(*cause.marker()), fault: Fault::Malformed };
        match cause.info().contains("indent") {
            true => Stop::Indentation(error),
            false => Stop::Fault(error),
        }
    }
}

impl Node {
    /// The value without its places.
    #[must_use]
    pub fn into_json(self) -> serde_json::Value {
        match self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(truth) => serde_json::Value::Bool(truth),
            Value::Number(number) => serde_json::Value::Number(number),
            Value::Text(text) => serde_json::Value::String(text),
            Value::List(items) => items.into_iter().map(Self::into_json).collect(),
            Value::Map(members) => serde_json::Value::Object(
                members
                    .into_iter()
                    .map(|member| (member.key, member.value.into_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

#[cfg(test)]
mod tests;

//! YAML as one tree with places. What it does with each construct:
//!
//! - a key that stands twice, aliases, tags and the types of plain scalars: as
//!   the dialect says;
//! - hash merges (`<<`): refused, as CloudFormation and GitHub refuse them;
//! - flow collections and quotes: their lines may be indented less than YAML
//!   1.2 demands, as in YAML 1.1 (`flow.rs`).

mod flow;
mod scalar;
mod tag;

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::members::Members;
use super::{Bounds, Document, Fault, Member, Node, Place, Repeated, Repeats, TextError, Value};

/// What texts in YAML differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Keys that stand twice.
    pub repeats: Repeats,
    /// What a scalar without quotes is.
    pub scalars: Scalars,
    /// Tags that are not YAML's own.
    pub tags: Tags,
    /// Aliases.
    pub aliases: Aliases,
    /// How much is read.
    pub bounds: Bounds,
}

/// The types of scalars without quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalars {
    /// YAML 1.1's, as PyYAML and so `sam` have them: `yes` is a boolean, `010`
    /// is eight.
    Yaml11,
    /// YAML 1.2's core schema, as GitHub has them: `yes` is text, `010` is ten
    /// (<https://yaml.org/spec/1.2.2/#103-core-schema>).
    Core,
}

/// Tags that are not YAML's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tags {
    /// None.
    Refused,
    /// The short forms of CloudFormation's functions: `!Name` becomes a map of
    /// the one member `Fn::Name`.
    CloudFormation,
}

/// Aliases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aliases {
    /// None.
    Refused,
    /// Each is what its anchor marks, until so many values are repeated.
    Expanded(usize),
}

/// Reads a YAML text of one document.
///
/// # Errors
/// With the place of what is wrong.
pub fn read(text: &str, dialect: &Dialect) -> Result<Document, TextError> {
    dialect.bounds.length(text).map_err(|fault| TextError { at: Place::START, fault })?;
    match Reader::new(text, dialect, None).document() {
        Err(Stop::Indentation(error)) => match flow::indented(text) {
            // Where it does not help, the text is wrong as it stands.
            Some(indented) => {
                Reader::new(indented.text(), dialect, Some(&indented)).document().map_err(|_| error)
            }
            None => Err(error),
        },
        other => other.map_err(Stop::into_error),
    }
}

/// Why reading stopped.
enum Stop {
    /// The parser disapproves of white space, maybe by YAML 1.2's rules alone.
    Indentation(TextError),
    Fault(TextError),
}

impl Stop {
    fn into_error(self) -> TextError {
        match self {
            Self::Indentation(error) | Self::Fault(error) => error,
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// How many characters the text has, where its last line has some and does
    /// not end.
    open_end: Option<usize>,
    dialect: &'a Dialect,
    /// How the text was shifted, to give the places of the original.
    shifted: Option<&'a flow::Indented>,
    repeated: Vec<Repeated>,
    /// What anchors mark, where aliases are read.
    anchors: HashMap<usize, Anchored>,
    /// How many values stand for aliases.
    expanded: usize,
    /// How many bytes of text they have.
    expanded_bytes: usize,
}

/// How many bytes of text all aliases together may stand for.
const REPEATED_BYTES: usize = 1 << 20;

/// What an anchor marks.
#[derive(Clone)]
struct Anchored {
    node: Node,
    /// How many values it is.
    count: usize,
    /// How many bytes of text these have.
    bytes: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, dialect: &'a Dialect, shifted: Option<&'a flow::Indented>) -> Self {
        Self {
            parser: Parser::new_from_str(text),
            open_end: text
                .rsplit('\n')
                .next()
                .filter(|last| !last.trim().is_empty())
                .map(|_| text.chars().count()),
            dialect,
            shifted,
            repeated: Vec::new(),
            anchors: HashMap::new(),
            expanded: 0,
            expanded_bytes: 0,
        }
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
        let empty = Node { at: Place::START, value: Value::Null };
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
        if depth > self.dialect.bounds.depth {
            return Err(self.stop(start, Fault::Depth));
        }
        let at = self.place(start);
        let (value, anchor, tag) = match event {
            Event::Scalar(mut text, style, anchor, tag) => {
                let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let is_last = self.open_end.is_some_and(|end| span.end.index() >= end);
                // The parser adds the line's end that the text does not have.
                if is_block && is_last && text.ends_with('\n') {
                    text.to_mut().pop();
                }
                let typed = scalar::typed(text, style, tag.as_deref(), self.dialect.scalars);
                let value = typed.map_err(|fault| self.stop(start, fault))?;
                (value, anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                (Value::Array(items), anchor, tag)
            }
            Event::MappingStart(anchor, tag) => (Value::Object(self.members(depth)?), anchor, tag),
            Event::Alias(anchor) => return self.alias(anchor, start, depth),
            _ => return Err(self.stop(start, Fault::Malformed("an unexpected end".to_owned()))),
        };
        let node = tag::long_form(Node { at, value }, tag.as_deref(), self.dialect.tags)
            .map_err(|fault| self.stop(start, fault))?;
        if anchor > 0 && self.dialect.aliases != Aliases::Refused {
            let (count, bytes) = (count(&node), bytes(&node));
            self.anchors.insert(anchor, Anchored { node: node.clone(), count, bytes });
        }
        Ok(node)
    }

    /// What an alias stands for, at its own place.
    fn alias(&mut self, anchor: usize, start: Marker, depth: usize) -> Result<Node, Stop> {
        let Aliases::Expanded(most) = self.dialect.aliases else {
            return Err(self.stop(start, Fault::Alias));
        };
        let Some(anchored) = self.anchors.get(&anchor) else {
            // An anchor inside of which its alias stands.
            return Err(self.stop(start, Fault::Malformed("an alias of itself".to_owned())));
        };
        self.expanded = self.expanded.saturating_add(anchored.count);
        if self.expanded > most {
            return Err(self.stop(start, Fault::Growth(most)));
        }
        self.expanded_bytes = self.expanded_bytes.saturating_add(anchored.bytes);
        if self.expanded_bytes > REPEATED_BYTES {
            return Err(self.stop(start, Fault::RepeatedBytes(REPEATED_BYTES)));
        }
        if depth + levels(&anchored.node) > self.dialect.bounds.depth {
            return Err(self.stop(start, Fault::Depth));
        }
        Ok(Node { at: self.place(start), value: anchored.node.value.clone() })
    }

    fn members(&mut self, depth: usize) -> Result<Vec<Member>, Stop> {
        let mut members = Members::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(members.into_list()),
                Event::Scalar(key, _, _, tag) if tag::is_text(tag.as_deref()) => key.into_owned(),
                Event::Alias(_) if self.dialect.aliases == Aliases::Refused => {
                    return Err(self.stop(span.start, Fault::Alias));
                }
                _ => return Err(self.stop(span.start, Fault::Key)),
            };
            if key == "<<" {
                return Err(self.stop(span.start, Fault::Merge));
            }
            let key = members
                .key(self.place(span.start), key, self.dialect.repeats)
                .map_err(|fault| self.stop(span.start, fault))?;
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            members.add(key, value, &mut self.repeated);
        }
    }

    fn place(&self, at: Marker) -> Place {
        let moved = self.shifted.map_or(0, |shifted| shifted.shift(at.line()));
        Place { line: at.line(), column: at.col().saturating_sub(moved) + 1 }
    }

    fn stop(&self, at: Marker, fault: Fault) -> Stop {
        Stop::Fault(TextError { at: self.place(at), fault })
    }

    fn scan(&self, cause: &ScanError) -> Stop {
        let error = TextError {
            at: self.place(*cause.marker()),
            fault: Fault::Malformed(cause.info().to_owned()),
        };
        let info = cause.info();
        match info.contains("indent") || info.contains("comments must be separated") {
            true => Stop::Indentation(error),
            false => Stop::Fault(error),
        }
    }
}

/// How many values a node is.
fn count(node: &Node) -> usize {
    let inner = node.items().iter().map(count).sum::<usize>();
    1 + inner + node.members().iter().map(|member| count(&member.value)).sum::<usize>()
}

/// How many bytes the texts and keys of a node have.
fn bytes(node: &Node) -> usize {
    let own = node.text().map_or(0, str::len);
    let inner = node.items().iter().map(bytes).sum::<usize>();
    let members = node.members().iter().map(|member| member.key.len() + bytes(&member.value));
    own + inner + members.sum::<usize>()
}

/// How many levels are below a node.
fn levels(node: &Node) -> usize {
    let values = node.members().iter().map(|member| &member.value);
    node.items().iter().chain(values).map(|inner| 1 + levels(inner)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests;

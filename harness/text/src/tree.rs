//! What was read.

use serde_json::Map;

use super::{Lines, Place};

/// A text that was read. `At` says where things stand: a [`Place`], or the
/// offset in bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Document<At = Place> {
    /// The value.
    pub root: Node<At>,
    /// The keys that stand more than once in their object, at each place but
    /// the first; empty where that is refused.
    pub repeated: Vec<Repeated<At>>,
}

/// A value and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Node<At = Place> {
    /// Where it starts.
    pub at: At,
    /// What it is.
    pub value: Value<At>,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<At = Place> {
    /// `null`, or nothing in YAML.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// In JSON as written; in YAML in decimal.
    Number(String),
    /// Text, its escapes resolved.
    String(String),
    /// A list.
    Array(Vec<Node<At>>),
    /// Members in their order, each key once.
    Object(Vec<Member<At>>),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Member<At = Place> {
    /// Where its key starts.
    pub at: At,
    /// The key.
    pub key: String,
    /// The value.
    pub value: Node<At>,
}

/// A key that stood in its object before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated<At = Place> {
    /// Where it stands again.
    pub at: At,
    /// Where it stood before.
    pub before: At,
    /// The key.
    pub key: String,
}

impl<At> Value<At> {
    /// The name of the kind, with its article.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl<At> Node<At> {
    /// A member's value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().find(|member| member.key == key).map(|member| &member.value)
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list; none for anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::Array(items) => items,
            _ => &[],
        }
    }

    /// The members of an object; none for anything else.
    #[must_use]
    pub fn members(&self) -> &[Member<At>] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    /// The value in `serde_json`'s terms: a number as an integer of 64 bits
    /// where it is one, else as the nearest double. One that is out of range
    /// for both, which [`json::Numbers::Doubles`] refuses, becomes text.
    ///
    /// [`json::Numbers::Doubles`]: super::json::Numbers::Doubles
    #[must_use]
    pub fn into_json(self) -> serde_json::Value {
        match self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(truth) => serde_json::Value::Bool(truth),
            Value::Number(text) => match text.parse() {
                Ok(number) => serde_json::Value::Number(number),
                Err(_) => serde_json::Value::String(text),
            },
            Value::String(text) => serde_json::Value::String(text),
            Value::Array(items) => items.into_iter().map(Self::into_json).collect(),
            Value::Object(members) => {
                let each = members.into_iter().map(|it| (it.key, it.value.into_json()));
                serde_json::Value::Object(each.collect::<Map<_, _>>())
            }
        }
    }

    /// The value in `serde_json`'s terms, for who changes a document and writes
    /// it again: a number that these would write otherwise than it stands
    /// (`1.50`) becomes text.
    #[must_use]
    pub fn to_json_as_written(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(yes) => (*yes).into(),
            Value::Number(text) => match text.parse::<serde_json::Number>() {
                Ok(number) if number.to_string() == *text => number.into(),
                _ => text.as_str().into(),
            },
            Value::String(text) => text.as_str().into(),
            Value::Array(items) => items.iter().map(Self::to_json_as_written).collect(),
            Value::Object(members) => {
                let each = members.iter().map(|it| (it.key.clone(), it.value.to_json_as_written()));
                serde_json::Value::Object(each.collect())
            }
        }
    }
}

impl Document<usize> {
    /// The same with lines and columns; `text` is what was read.
    #[must_use]
    pub fn placed(self, text: &str) -> Document {
        let mut lines = Lines::new(text);
        let root = self.root.placed(&mut lines);
        let repeated = self.repeated.into_iter().map(|repeated| Repeated {
            before: lines.place(repeated.before),
            at: lines.place(repeated.at),
            key: repeated.key,
        });
        Document { root, repeated: repeated.collect() }
    }
}

impl Node<usize> {
    fn placed(self, lines: &mut Lines<'_>) -> Node {
        let at = lines.place(self.at);
        let value = match self.value {
            Value::Null => Value::Null,
            Value::Bool(truth) => Value::Bool(truth),
            Value::Number(text) => Value::Number(text),
            Value::String(text) => Value::String(text),
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| item.placed(lines)).collect())
            }
            Value::Object(members) => Value::Object(
                members
                    .into_iter()
                    .map(|member| Member {
                        at: lines.place(member.at),
                        key: member.key,
                        value: member.value.placed(lines),
                    })
                    .collect(),
            ),
        };
        Node { at, value }
    }
}

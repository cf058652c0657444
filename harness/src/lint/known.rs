//! A file's values, as far as the file alone says what they are: the tree that
//! was read, and in it what is known only after apply or deployment.

use ringfence_text as text;
pub use ringfence_text::Place;

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
    /// As [`text::Value::Number`].
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

impl Node {
    /// A node of a value.
    pub fn new(at: Place, value: Value) -> Self {
        Self { at, value }
    }

    /// Whether nothing is known of it: what `Fn::GetAtt`, `Ref` and a plan leave open.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self.value, Value::Unknown)
    }

    /// A member's value.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().find(|member| member.key == key).map(|member| &member.value)
    }

    /// A member's value, to be changed.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.value {
            Value::Map(members) => {
                members.iter_mut().find(|member| member.key == key).map(|member| &mut member.value)
            }
            _ => None,
        }
    }

    /// How many of its values are not known.
    pub(crate) fn open(&self) -> usize {
        match &self.value {
            Value::Unknown => 1,
            Value::List(items) => items.iter().map(Self::open).sum(),
            Value::Map(members) => members.iter().map(|member| member.value.open()).sum(),
            _ => 0,
        }
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

impl From<text::Node> for Node {
    fn from(node: text::Node) -> Self {
        let value = match node.value {
            text::Value::Null => Value::Null,
            text::Value::Bool(truth) => Value::Bool(truth),
            text::Value::Number(text) => Value::Number(text),
            text::Value::String(text) => Value::Text(text),
            text::Value::Array(items) => Value::List(items.into_iter().map(Into::into).collect()),
            text::Value::Object(members) => Value::Map(
                members
                    .into_iter()
                    .map(|member| Member {
                        at: member.at,
                        key: member.key,
                        value: member.value.into(),
                    })
                    .collect(),
            ),
        };
        Self { at: node.at, value }
    }
}

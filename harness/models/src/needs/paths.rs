//! Places in an input: `Targets[].RoleArn`.

use std::fmt;

use serde_json::{Map, Value};

use crate::model::Model;
use crate::operation::Operation;
use crate::shape::{Form, Member};

/// A place in the input of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A member, by its name in the model or on the wire: inputs keep the names
    /// of the wire inside their members.
    Member { name: &'static str, wire: &'static str },
    /// Each item of a list, which XML wraps in elements of this name.
    Items { wire: &'static str },
    /// Each value of a map whose key ends so, whatever the case.
    Values { ending: &'static str },
    /// Each text below.
    Texts,
}

impl Path {
    pub(super) fn member(member: &Member) -> Self {
        Self(vec![Step::Member { name: member.name, wire: member.wire }])
    }

    /// The place that an override names: members, `[]` for each item of a list,
    /// `{}` for each value of a map and `{RoleArn}` for those whose key ends so, `**`
    /// for each text below.
    /// None where the operation has no such place.
    pub(super) fn parse(operation: &Operation, text: &'static str) -> Option<Self> {
        let model = operation.service.model();
        let mut steps = Vec::new();
        let mut members: &[Member] = &operation.members;
        let mut names = text.split('.').peekable();
        while let Some(part) = names.next() {
            let end = part.find(['[', '{', '*']).unwrap_or(part.len());
            let (name, mut behind) = part.split_at_checked(end)?;
            let mut at = members.iter().find(|member| member.name == name)?;
            steps.push(Step::Member { name: at.name, wire: at.wire });
            if behind == "**" {
                steps.push(Step::Texts);
                return names.next().is_none().then_some(Self(steps));
            }
            while !behind.is_empty() {
                let (inner, rest) = match (behind.strip_prefix('{'), behind.strip_prefix("[]")) {
                    (Some(map), _) => {
                        let (ending, rest) = map.split_once('}')?;
                        steps.push(Step::Values { ending });
                        (values(model, at)?, rest)
                    }
                    (None, Some(rest)) => {
                        let item = items(model, at)?;
                        steps.push(Step::Items { wire: item.wire });
                        (item, rest)
                    }
                    (None, None) => return None,
                };
                (at, behind) = (inner, rest);
            }
            members = match (names.peek(), &model.shape_of(at)?.form) {
                (None, _) => &[],
                (Some(_), Form::Structure(members)) => members,
                (Some(_), _) => return None,
            };
        }
        Some(Self(steps))
    }

    /// The place of the input itself.
    pub(super) const fn root() -> Self {
        Self(Vec::new())
    }

    pub(super) fn and(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The name of its last member.
    pub fn name(&self) -> &'static str {
        let mut steps = self.0.iter().rev();
        let name = steps.find_map(|step| match step {
            Step::Member { name, .. } => Some(*name),
            Step::Items { .. } | Step::Values { .. } | Step::Texts => None,
        });
        name.unwrap_or_default()
    }

    /// Whether the operation's input must have its first member.
    pub(super) fn is_needed(&self, operation: &Operation) -> bool {
        let Some(Step::Member { name, .. }) = self.0.first() else { return false };
        operation.member(name).is_some_and(|member| member.required)
    }

    /// Whether it is a member of the input itself.
    pub fn is_top(&self) -> bool {
        matches!(self.0.as_slice(), [Step::Member { .. }])
    }

    /// The list of the input itself in whose items it is.
    pub fn list(&self) -> Option<&'static str> {
        match self.0.as_slice() {
            [Step::Member { name, .. }, Step::Items { .. }, _, ..] => Some(name),
            _ => None,
        }
    }

    /// What an input has in this place, for each item of the lists on the way:
    /// nothing where an item, or the input, has none.
    pub fn each<'v>(&self, input: &'v Map<String, Value>) -> Vec<Option<&'v Value>> {
        let Some((Step::Member { name, .. }, rest)) = self.0.split_first() else {
            return Vec::new();
        };
        let mut found = vec![input.get(*name)];
        for step in rest {
            let below = |value: Option<&'v Value>| match (step, value) {
                (Step::Member { name, wire }, Some(Value::Object(object))) => {
                    vec![object.get(*wire).or_else(|| object.get(*name))]
                }
                (Step::Items { .. }, Some(Value::Array(items))) => items.iter().map(Some).collect(),
                (Step::Items { wire }, Some(Value::Object(members))) => match members.get(*wire) {
                    Some(Value::Array(items)) => items.iter().map(Some).collect(),
                    one => vec![one],
                },
                (Step::Values { ending }, Some(Value::Object(entries))) => {
                    let ending = entries.iter().filter(|(key, _)| ends(key, ending));
                    ending.map(|(_, value)| Some(value)).collect()
                }
                (Step::Texts, Some(value)) => {
                    let mut texts = Vec::new();
                    below(value, &mut texts);
                    texts
                }
                _ => vec![None],
            };
            found = found.into_iter().flat_map(below).collect();
        }
        found.into_iter().map(|value| value.filter(|value| !is_nothing(value))).collect()
    }

    /// The values that an input has in this place.
    pub fn values<'v>(&self, input: &'v Map<String, Value>) -> Vec<&'v Value> {
        self.each(input).into_iter().flatten().collect()
    }

    /// The texts that an input has in this place, for each item of the lists on
    /// the way: none where an item, or the input, has none.
    pub fn texts_of_each<'v>(&self, input: &'v Map<String, Value>) -> Vec<Vec<&'v str>> {
        self.each(input).into_iter().map(|value| value.map(texts).unwrap_or_default()).collect()
    }

    /// The texts that an input has in this place: of a list, each.
    pub fn texts_in<'v>(&self, input: &'v Map<String, Value>) -> Vec<&'v str> {
        self.values(input).into_iter().flat_map(texts).collect()
    }

    /// Whether an input has anything in this place.
    pub fn is_given(&self, input: &Map<String, Value>) -> bool {
        !self.values(input).is_empty()
    }

    /// Whether an input has what is true in this place.
    pub fn is_true(&self, input: &Map<String, Value>) -> bool {
        self.values(input).into_iter().any(|value| *value == Value::Bool(true))
    }
}

/// The texts in a value, however deep.
fn below<'v>(value: &'v Value, found: &mut Vec<Option<&'v Value>>) {
    match value {
        Value::String(_) => found.push(Some(value)),
        Value::Array(items) => items.iter().for_each(|item| below(item, found)),
        Value::Object(members) => members.values().for_each(|member| below(member, found)),
        _ => {}
    }
}

/// The texts of a value: of a list, each that is not empty.
fn texts(value: &Value) -> Vec<&str> {
    let each = match value {
        Value::Array(items) => items.iter().collect(),
        value => vec![value],
    };
    each.into_iter().filter_map(Value::as_str).filter(|text| !text.is_empty()).collect()
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Member { name, .. } if at == 0 => f.write_str(name)?,
                Step::Member { name, .. } => write!(f, ".{name}")?,
                Step::Items { .. } => f.write_str("[]")?,
                Step::Values { ending } => write!(f, "{{{ending}}}")?,
                Step::Texts => f.write_str("**")?,
            }
        }
        Ok(())
    }
}

/// Whether a text ends so, whatever the case.
pub(super) fn ends(text: &str, ending: &str) -> bool {
    let start = text.len().checked_sub(ending.len());
    start.and_then(|at| text.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

fn items<'m>(model: &'m Model, member: &Member) -> Option<&'m Member> {
    match &model.shape_of(member)?.form {
        Form::List(item) => Some(item),
        _ => None,
    }
}

fn values<'m>(model: &'m Model, member: &Member) -> Option<&'m Member> {
    match &model.shape_of(member)?.form {
        Form::Map { value, .. } => Some(value),
        _ => None,
    }
}

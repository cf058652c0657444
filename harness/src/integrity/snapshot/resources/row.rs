//! A line of `rows.txt`: what is asked about a resource of Terraform's, and where
//! its content stands in the answer.

use serde_json::{Map, Value};

const ROWS: &str = include_str!("rows.txt");

/// A question about a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// `aws_sfn_state_machine`.
    pub kind: &'static str,
    /// As AWS's models call it.
    pub service: &'static str,
    /// The operation.
    pub operation: &'static str,
    input: &'static str,
    place: &'static str,
    left_out: &'static str,
}

impl Row {
    /// All rows.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        ROWS.lines().filter_map(Self::of)
    }

    fn of(line: &'static str) -> Option<Self> {
        let mut columns = line.split_whitespace();
        let kind = columns.next().filter(|kind| !kind.starts_with('#'))?;
        Some(Self {
            kind,
            service: columns.next()?,
            operation: columns.next()?,
            input: columns.next()?,
            place: columns.next()?,
            left_out: columns.next().unwrap_or_default(),
        })
    }

    /// `stepfunctions:DescribeStateMachine`.
    pub(super) fn name(self) -> String {
        format!("{}:{}", self.service, self.operation)
    }

    /// The members that are no content.
    pub(super) fn left_out(self) -> impl Iterator<Item = &'static str> {
        self.left_out.split(',')
    }

    /// The members of the input, each with what fills it.
    pub(super) fn members(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let input = if self.input == "-" { "" } else { self.input };
        input.split(';').filter_map(|member| member.split_once('='))
    }

    /// What is asked about a resource; none where it lacks an attribute that the
    /// question needs: then the row is not about it.
    pub(super) fn input(self, attributes: &Value) -> Option<Value> {
        let mut input = Map::new();
        for (member, filling) in self.members() {
            let listed = filling.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let value = match filled(listed.unwrap_or(filling), attributes) {
                Filled::Value(value) => value,
                Filled::LeftAway => continue,
                Filled::Missing => return None,
            };
            let value = if listed.is_some() { Value::Array(vec![value]) } else { value };
            input.insert(member.to_owned(), value);
        }
        Some(Value::Object(input))
    }

    /// What of the answer is about the resource; none where there is nothing.
    pub(super) fn place(self, answer: &Value, attributes: &Value) -> Option<Value> {
        let mut value = answer;
        for step in self.place.split('/').skip(1) {
            value = match step.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                Some(of) => {
                    let (member, filling) = of.split_once('=')?;
                    let Filled::Value(own) = filled(filling, attributes) else { return None };
                    items(value).iter().find(|item| item.get(member) == Some(&own))?
                }
                None => match step.parse::<usize>() {
                    Ok(index) => items(value).get(index)?,
                    Err(_) => value.get(step)?,
                },
            };
        }
        let empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
        (!empty).then(|| value.clone())
    }
}

/// The items of a list, which in some answers in XML has an element around them.
fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        Value::Object(members) if members.len() == 1 => match members.values().next() {
            Some(Value::Array(items)) => items,
            Some(one @ Value::Object(_)) => std::slice::from_ref(one),
            _ => &[],
        },
        _ => &[],
    }
}

/// What stands for a member.
enum Filled {
    Value(Value),
    /// `{name?}` of an attribute that is not set.
    LeftAway,
    /// `{name}` of one.
    Missing,
}

fn filled(filling: &str, attributes: &Value) -> Filled {
    let Some(name) = filling.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return Filled::Value(filling.into());
    };
    let own = attributes.get(name.trim_end_matches('?'));
    match own.filter(|own| !own.is_null() && own.as_str() != Some("")) {
        Some(own) => Filled::Value(own.clone()),
        None if name.ends_with('?') => Filled::LeftAway,
        None => Filled::Missing,
    }
}

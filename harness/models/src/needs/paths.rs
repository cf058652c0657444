//! Places in an input: `Targets[].RoleArn`.

use std::collections::HashSet;
use std::fmt;

use serde_json::{Map, Value};

use crate::model::Model;
use crate::operation::Operation;
use crate::shape::{Form, Kind, Member};

/// A place in the input of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// A member, by its name in the model or on the wire: inputs keep the names
    /// of the wire inside their members.
    Member { name: &'static str, wire: &'static str },
    /// Each item of a list.
    Items,
    /// Each value of a map whose key ends so, whatever the case.
    Values { ending: &'static str },
}

impl Path {
    pub(super) fn member(member: &Member) -> Self {
        Self(vec![Step::Member { name: member.name, wire: member.wire }])
    }

    /// The place that an override names: members, `[]` for each item of a list,
    /// `{}` for each value of a map and `{RoleArn}` for those whose key ends so.
    /// None where the operation has no such place.
    pub(super) fn parse(operation: &Operation, text: &'static str) -> Option<Self> {
        let model = operation.service.model();
        let mut steps = Vec::new();
        let mut members: &[Member] = &operation.members;
        let mut names = text.split('.').peekable();
        while let Some(part) = names.next() {
            let end = part.find(['[', '{']).unwrap_or(part.len());
            let (name, mut behind) = part.split_at_checked(end)?;
            let mut at = members.iter().find(|member| member.name == name)?;
            steps.push(Step::Member { name: at.name, wire: at.wire });
            while !behind.is_empty() {
                let (inner, rest) = match (behind.strip_prefix('{'), behind.strip_prefix("[]")) {
                    (Some(map), _) => {
                        let (ending, rest) = map.split_once('}')?;
                        steps.push(Step::Values { ending });
                        (values(model, at)?, rest)
                    }
                    (None, Some(rest)) => {
                        steps.push(Step::Items);
                        (items(model, at)?, rest)
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

    /// Every place of the input that is called as a role is; true where it names
    /// one for certain.
    pub(super) fn roles(operation: &Operation) -> Vec<(Self, bool)> {
        let walk = Roles { model: operation.service.model() };
        let mut found = Vec::new();
        walk.members(&operation.members, &Self(Vec::new()), &mut Vec::new(), &mut found);
        found
    }

    fn and(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The name of its last member.
    pub fn name(&self) -> &'static str {
        let mut steps = self.0.iter().rev();
        let name = steps.find_map(|step| match step {
            Step::Member { name, .. } => Some(*name),
            Step::Items | Step::Values { .. } => None,
        });
        name.unwrap_or_default()
    }

    /// Whether it is a member of the input itself.
    pub fn is_top(&self) -> bool {
        matches!(self.0.as_slice(), [Step::Member { .. }])
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
                (Step::Items, Some(Value::Array(items))) => items.iter().map(Some).collect(),
                (Step::Values { ending }, Some(Value::Object(entries))) => {
                    let ending = entries.iter().filter(|(key, _)| ends(key, ending));
                    ending.map(|(_, value)| Some(value)).collect()
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

    /// The texts that an input has in this place: of a list, each.
    pub fn texts_in<'v>(&self, input: &'v Map<String, Value>) -> Vec<&'v str> {
        let values = self.values(input).into_iter();
        let each = values.flat_map(|value| match value {
            Value::Array(items) => items.iter().collect(),
            value => vec![value],
        });
        each.filter_map(Value::as_str).filter(|text| !text.is_empty()).collect()
    }

    /// Whether an input has anything in this place.
    pub fn is_given(&self, input: &Map<String, Value>) -> bool {
        !self.values(input).is_empty()
    }
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
                Step::Items => f.write_str("[]")?,
                Step::Values { ending } => write!(f, "{{{ending}}}")?,
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

/// Looks for roles in all that an input can hold.
struct Roles {
    model: &'static Model,
}

impl Roles {
    fn members(
        &self,
        members: &[Member],
        at: &Path,
        above: &mut Vec<&'static str>,
        found: &mut Vec<(Path, bool)>,
    ) {
        for member in members {
            let path = at.and(Step::Member { name: member.name, wire: member.wire });
            self.below(member, member.name, path, above, found);
        }
    }

    /// A shape that holds itself is gone through once.
    fn below(
        &self,
        member: &Member,
        name: &str,
        path: Path,
        above: &mut Vec<&'static str>,
        found: &mut Vec<(Path, bool)>,
    ) {
        let Some(shape) = self.model.shape_of(member) else { return };
        if let Some(is_certain) = role(self.model, member, name) {
            found.push((path, is_certain));
            return;
        }
        if let Form::Map { value, .. } = &shape.form
            && is_attributes(self.model, name, value)
        {
            found.push((path.and(Step::Values { ending: "RoleArn" }), true));
            return;
        }
        if above.contains(&shape.name) || !self.model.with_roles().contains(shape.name) {
            return;
        }
        above.push(shape.name);
        match &shape.form {
            Form::Scalar => {}
            Form::Structure(members) => self.members(members, &path, above, found),
            Form::List(item) => self.below(item, name, path.and(Step::Items), above, found),
            Form::Map { value, .. } => {
                self.below(value, name, path.and(Step::Values { ending: "" }), above, found);
            }
        }
        above.pop();
    }
}

/// Whether a member is called as a role is: for certain the ARN of one
/// (`executionRoleArn`), or perhaps (`serviceRole`, which may be a word too). The
/// roles of other accounts cannot be handed over.
fn role(model: &Model, member: &Member, name: &str) -> Option<bool> {
    let shape = model.shape_of(member).filter(|shape| shape.kind == Kind::String)?;
    if name.starts_with("crossAccount") {
        None
    } else if ends(name, "RoleArn") || ends(shape.name, "RoleArn") {
        Some(true)
    } else {
        (name.ends_with("Role") || name == "role").then_some(false)
    }
}

/// Whether a member is a map of attributes, which are texts: of a topic, one may
/// be `SQSSuccessFeedbackRoleArn`.
fn is_attributes(model: &Model, name: &str, value: &Member) -> bool {
    name == "Attributes" && model.shape_of(value).is_some_and(|shape| shape.kind == Kind::String)
}

/// The names of the shapes in which roles may stand.
pub(crate) fn with_roles(model: &Model) -> HashSet<&'static str> {
    let mut found = HashSet::new();
    loop {
        let before = found.len();
        for shape in &model.shapes {
            let holds = |member: &Member, name: &str| {
                role(model, member, name).is_some()
                    || model.shape_of(member).is_some_and(|inner| found.contains(inner.name))
                    || match model.shape_of(member).map(|shape| &shape.form) {
                        Some(Form::Map { value, .. }) => is_attributes(model, name, value),
                        _ => false,
                    }
            };
            let has = match &shape.form {
                Form::Scalar => false,
                Form::Structure(members) => members.iter().any(|it| holds(it, it.name)),
                Form::List(item) => holds(item, shape.name),
                Form::Map { value, .. } => {
                    holds(value, shape.name) || is_attributes(model, shape.name, value)
                }
            };
            if has {
                found.insert(shape.name);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

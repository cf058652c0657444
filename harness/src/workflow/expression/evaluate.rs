//! What an expression comes to.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::functions::{self, Function, holds};
use super::syntax::{Comparison, Tree};
use super::value::Value;

/// How many bytes of text one evaluation may make; the runner's bound is the same.
const MEMORY: usize = 10 * 1024 * 1024;

/// How what came before ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::workflow) enum Status {
    #[default]
    Success,
    Failure,
    /// Something that was needed did not run.
    Skipped,
}

/// What an expression sees.
#[derive(Debug, Clone, Default)]
pub(in crate::workflow) struct Scope {
    /// By name, in lower case.
    pub(in crate::workflow) contexts: BTreeMap<&'static str, Value>,
    /// For `success()` and its like.
    pub(in crate::workflow) status: Status,
    /// What `hashFiles` came to, by its patterns, as far as it was asked.
    pub(in crate::workflow) hashes: BTreeMap<Vec<String>, String>,
}

/// Why an evaluation did not end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::workflow) enum Stopped {
    /// It cannot.
    Fault(String),
    /// It needs the hash of the files of these patterns.
    Hash(Vec<String>),
}

impl Stopped {
    pub(super) fn fault(message: String) -> Self {
        Self::Fault(message)
    }
}

/// What an evaluation has made.
#[derive(Debug, Default)]
pub(super) struct Memory {
    spent: Cell<usize>,
}

impl Memory {
    pub(super) fn spend(&self, bytes: usize) -> Result<(), Stopped> {
        let spent = self.spent.get().saturating_add(bytes);
        self.spent.set(spent);
        match spent > MEMORY {
            true => Err(Stopped::fault(format!("an expression makes more than {MEMORY} bytes"))),
            false => Ok(()),
        }
    }

    pub(super) fn push(&self, text: &mut String, more: &str) -> Result<(), Stopped> {
        self.spend(more.len())?;
        text.push_str(more);
        Ok(())
    }
}

pub(super) fn evaluate(tree: &Tree, scope: &Scope) -> Result<Value, Stopped> {
    let evaluation = Evaluation { scope, memory: Memory::default() };
    Ok(evaluation.of(tree)?.value())
}

/// A value, or what `.*` made of one: what reaches into it reaches into each.
enum Found {
    One(Value),
    Each(Vec<Value>),
}

impl Found {
    fn value(self) -> Value {
        match self {
            Self::One(value) => value,
            Self::Each(items) => items.into(),
        }
    }
}

struct Evaluation<'s> {
    scope: &'s Scope,
    memory: Memory,
}

impl Evaluation<'_> {
    fn of(&self, tree: &Tree) -> Result<Found, Stopped> {
        Ok(Found::One(match tree {
            Tree::Literal(value) => value.clone(),
            Tree::Context(name) => {
                self.scope.contexts.get(name.as_str()).cloned().unwrap_or(Value::Null)
            }
            Tree::Call(function, arguments) => self.call(*function, arguments)?,
            Tree::Member(of, by) => return self.member(self.of(of)?, &self.value(by)?),
            Tree::Every(of) => return self.every(self.of(of)?),
            Tree::Not(of) => Value::Bool(!self.value(of)?.is_true()),
            Tree::Compare(comparison, left, right) => {
                let order = self.value(left)?.compare(&self.value(right)?);
                Value::Bool(match comparison {
                    Comparison::Equal => order == Some(Ordering::Equal),
                    Comparison::Unequal => order != Some(Ordering::Equal),
                    Comparison::Less => order == Some(Ordering::Less),
                    Comparison::Greater => order == Some(Ordering::Greater),
                    Comparison::LessOrEqual => order.is_some_and(Ordering::is_le),
                    Comparison::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
                })
            }
            Tree::All(parts) => self.first(parts, false)?,
            Tree::Any(parts) => self.first(parts, true)?,
        }))
    }

    fn value(&self, tree: &Tree) -> Result<Value, Stopped> {
        Ok(self.of(tree)?.value())
    }

    /// The first part that decides, else the last.
    fn first(&self, parts: &[Tree], deciding: bool) -> Result<Value, Stopped> {
        let mut last = Value::Null;
        for part in parts {
            last = self.value(part)?;
            if last.is_true() == deciding {
                break;
            }
        }
        Ok(last)
    }

    fn every(&self, of: Found) -> Result<Found, Stopped> {
        let of = match of {
            Found::One(value) => vec![value],
            Found::Each(values) => values,
        };
        let mut found = Vec::new();
        for value in of {
            match value {
                Value::Array(items) => found.extend(items.iter().cloned()),
                Value::Object(object) => {
                    found.extend(object.members().iter().map(|(_, value)| value.clone()));
                }
                _ => {}
            }
        }
        self.memory.spend(found.len() * size_of::<Value>())?;
        Ok(Found::Each(found))
    }

    fn member(&self, of: Found, by: &Value) -> Result<Found, Stopped> {
        match of {
            Found::One(value) => Ok(Found::One(reach(&value, by).unwrap_or(Value::Null))),
            Found::Each(values) => {
                let found: Vec<Value> =
                    values.iter().filter_map(|value| reach(value, by)).collect();
                self.memory.spend(found.len() * size_of::<Value>())?;
                Ok(Found::Each(found))
            }
        }
    }

    fn call(&self, function: Function, arguments: &[Tree]) -> Result<Value, Stopped> {
        if function == Function::Case {
            return self.case(arguments);
        }
        let values: Vec<Value> =
            arguments.iter().map(|tree| self.value(tree)).collect::<Result<_, _>>()?;
        let none = Value::Null;
        let argument = |number: usize| values.get(number).unwrap_or(&none);
        let (first, second) = (argument(0), argument(1));
        let status = self.scope.status;
        Ok(match function {
            Function::Contains => functions::contains(first, second).into(),
            Function::StartsWith => holds(first, second, <[char]>::starts_with).into(),
            Function::EndsWith => holds(first, second, <[char]>::ends_with).into(),
            Function::Format => functions::format(&values, &self.memory)?,
            Function::Join => functions::join(first, values.get(1), &self.memory)?,
            Function::ToJson => functions::to_json(first, &self.memory)?,
            Function::FromJson => functions::from_json(&first.text(), &self.memory)?,
            Function::HashFiles => {
                let patterns: Vec<String> =
                    values.iter().map(|value| value.text().to_string()).collect();
                match self.scope.hashes.get(&patterns) {
                    Some(hash) => hash.as_str().into(),
                    None => return Err(Stopped::Hash(patterns)),
                }
            }
            Function::Always => true.into(),
            Function::Cancelled => false.into(),
            Function::Success => (status == Status::Success).into(),
            Function::Failure => (status == Status::Failure).into(),
            // Above.
            Function::Case => Value::Null,
        })
    }

    /// `case(holds, value, …, else)`
    fn case(&self, arguments: &[Tree]) -> Result<Value, Stopped> {
        for pair in arguments.chunks(2) {
            match pair {
                [predicate, value] => match self.value(predicate)? {
                    Value::Bool(true) => return self.value(value),
                    Value::Bool(false) => {}
                    _ => {
                        return Err(Stopped::fault(
                            "case predicate must evaluate to a boolean value".to_owned(),
                        ));
                    }
                },
                [last] => return self.value(last),
                _ => {}
            }
        }
        Ok(Value::Null)
    }
}

/// A member of an object by its name, an item of a list by its number.
fn reach(value: &Value, by: &Value) -> Option<Value> {
    match value {
        Value::Object(object) if by.is_primitive() => object.get(&by.text()).cloned(),
        Value::Array(items) => {
            let number = by.number().floor();
            if number.is_nan() || number < 0.0 || number > f64::from(i32::MAX) {
                return None;
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and 2^31, and whole"
            )]
            let number = number as usize;
            Arc::clone(items).get(number).cloned()
        }
        _ => None,
    }
}

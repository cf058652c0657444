//! The functions of expressions
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#functions>).

use std::sync::Arc;

use ringfence_text::{Bounds, Node, Repeats, Value as Read, json};

use super::evaluate::{Memory, Stopped};
use super::value::{Object, Value, folded, written};

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::workflow) enum Function {
    Case,
    Contains,
    EndsWith,
    Format,
    FromJson,
    HashFiles,
    Join,
    StartsWith,
    ToJson,
    Always,
    Cancelled,
    Failure,
    Success,
}

/// Names in lower case, with how many arguments each takes.
const FUNCTIONS: [(&str, Function, usize, usize); 13] = [
    ("case", Function::Case, 3, usize::MAX),
    ("contains", Function::Contains, 2, 2),
    ("endswith", Function::EndsWith, 2, 2),
    ("format", Function::Format, 1, 255),
    ("fromjson", Function::FromJson, 1, 1),
    ("hashfiles", Function::HashFiles, 1, 255),
    ("join", Function::Join, 1, 2),
    ("startswith", Function::StartsWith, 2, 2),
    ("tojson", Function::ToJson, 1, 1),
    ("always", Function::Always, 0, 0),
    ("cancelled", Function::Cancelled, 0, 0),
    ("failure", Function::Failure, 0, 0),
    ("success", Function::Success, 0, 0),
];

/// What `fromJSON` reads: numbers as they are, of a repeated name the last.
const JSON: json::Dialect = json::Dialect {
    repeats: Repeats::LastWins,
    numbers: json::Numbers::AsWritten,
    bounds: Bounds { depth: 100, bytes: 10 * 1024 * 1024 },
};

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        FUNCTIONS.iter().find(|(known, ..)| *known == name).map(|(_, function, ..)| *function)
    }

    /// What is wrong with so many arguments.
    pub(super) fn faults(self, count: usize) -> Option<&'static str> {
        let (_, _, least, most) = FUNCTIONS.iter().find(|(_, function, ..)| *function == self)?;
        if count < *least {
            Some("Too few parameters supplied")
        } else if count > *most {
            Some("Too many parameters supplied")
        } else if self == Self::Case && count.is_multiple_of(2) {
            Some("Even number of parameters supplied, requires an odd number of parameters")
        } else {
            None
        }
    }

    /// Whether it tells how what came before ended.
    pub(in crate::workflow) fn is_of_status(self) -> bool {
        matches!(self, Self::Always | Self::Cancelled | Self::Failure | Self::Success)
    }
}

/// Whether one text holds another at a place, whatever the case.
pub(super) fn holds(text: &Value, part: &Value, how: fn(&[char], &[char]) -> bool) -> bool {
    if !text.is_primitive() || !part.is_primitive() {
        return false;
    }
    let fold = |value: &Value| folded(&value.text()).collect::<Vec<char>>();
    how(&fold(text), &fold(part))
}

/// `contains`: of a text a part, of a list an item.
pub(super) fn contains(search: &Value, item: &Value) -> bool {
    match search {
        Value::Array(items) => items.iter().any(|one| item.equals(one)),
        _ => holds(search, item, |text, part| {
            part.is_empty() || text.windows(part.len()).any(|window| window == part)
        }),
    }
}

/// `join`
pub(super) fn join(
    of: &Value,
    separator: Option<&Value>,
    memory: &Memory,
) -> Result<Value, Stopped> {
    let Value::Array(items) = of else {
        return Ok(if of.is_primitive() { Value::Text(of.text()) } else { "".into() });
    };
    let separator = match separator {
        None => Arc::from(","),
        Some(given) if given.is_primitive() => given.text(),
        Some(_) => Arc::from(","),
    };
    let mut text = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            memory.push(&mut text, &separator)?;
        }
        memory.push(&mut text, &item.text())?;
    }
    Ok(text.into())
}

/// `format`: `{0}` is the first of what follows, `{{` a brace.
pub(super) fn format(values: &[Value], memory: &Memory) -> Result<Value, Stopped> {
    let Some((pattern, values)) = values.split_first() else { return Ok("".into()) };
    let pattern = pattern.text();
    let invalid = || Stopped::fault(format!("The following format string is invalid: {pattern}"));
    let mut text = String::new();
    let mut rest: &str = &pattern;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at_checked(at).ok_or_else(invalid)?;
        memory.push(&mut text, before)?;
        rest = if let Some(after) = after.strip_prefix("{{") {
            memory.push(&mut text, "{")?;
            after
        } else if let Some(after) = after.strip_prefix("}}") {
            memory.push(&mut text, "}")?;
            after
        } else {
            let inner = after.strip_prefix('{').ok_or_else(invalid)?;
            let (number, after) = inner.split_once('}').ok_or_else(invalid)?;
            if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(invalid());
            }
            let value = number.parse::<usize>().ok().and_then(|number| values.get(number));
            let value = value.ok_or_else(|| {
                Stopped::fault(format!(
                    "The following format string references more arguments than were supplied: {pattern}"
                ))
            })?;
            memory.push(&mut text, &value.text())?;
            after
        };
    }
    memory.push(&mut text, rest)?;
    Ok(text.into())
}

/// `fromJSON`
pub(super) fn from_json(text: &str, memory: &Memory) -> Result<Value, Stopped> {
    memory.spend(text.len())?;
    if text.trim().is_empty() {
        return Err(Stopped::fault("fromJSON: there is nothing to read".to_owned()));
    }
    match json::read(text, &JSON) {
        Ok(document) => Ok(of_node(&document.root)),
        Err(error) => {
            let error = error.placed(text);
            let (line, column) = (error.at.line, error.at.column);
            Err(Stopped::fault(format!("fromJSON: {error}, at {line}:{column} of the text")))
        }
    }
}

/// A tree as a value.
pub(in crate::workflow) fn of_node<P>(node: &Node<P>) -> Value {
    match &node.value {
        Read::Null => Value::Null,
        Read::Bool(flag) => Value::Bool(*flag),
        Read::Number(text) => Value::Number(super::value::number_of(text)),
        Read::String(text) => text.as_str().into(),
        Read::Array(items) => items.iter().map(|item| of_node(item)).collect::<Vec<_>>().into(),
        Read::Object(members) => members
            .iter()
            .map(|member| (member.key.as_str(), of_node(&member.value)))
            .collect::<Object>()
            .into(),
    }
}

/// `toJSON`: over several lines, two blanks a level.
pub(super) fn to_json(value: &Value, memory: &Memory) -> Result<Value, Stopped> {
    let mut text = String::new();
    write_json(value, 0, &mut text, memory)?;
    Ok(text.into())
}

impl Value {
    /// Its JSON.
    ///
    /// # Errors
    /// When it is larger than an expression may make one.
    pub(in crate::workflow) fn json(&self) -> Result<String, String> {
        match to_json(self, &Memory::default()) {
            Ok(text) => Ok(text.text().to_string()),
            Err(Stopped::Fault(message)) => Err(message),
            Err(Stopped::Hash(_)) => Err("it has no value".to_owned()),
        }
    }
}

fn write_json(
    value: &Value,
    level: usize,
    text: &mut String,
    memory: &Memory,
) -> Result<(), Stopped> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let line = |text: &mut String, level: usize| {
        memory.push(text, "\n")?;
        (0..level).try_for_each(|_| memory.push(text, "  "))
    };
    match value {
        Value::Null => memory.push(text, "null"),
        Value::Bool(_) => memory.push(text, &value.text()),
        Value::Number(number) => memory.push(text, &written(*number)),
        Value::Text(inner) => memory.push(text, &quoted(inner)),
        Value::Array(items) if items.is_empty() => memory.push(text, "[]"),
        Value::Object(object) if object.members().is_empty() => memory.push(text, "{}"),
        Value::Array(items) => {
            memory.push(text, "[")?;
            for (at, item) in items.iter().enumerate() {
                memory.push(text, if at > 0 { "," } else { "" })?;
                line(text, level + 1)?;
                write_json(item, level + 1, text, memory)?;
            }
            line(text, level)?;
            memory.push(text, "]")
        }
        Value::Object(object) => {
            memory.push(text, "{")?;
            for (at, (name, value)) in object.members().iter().enumerate() {
                memory.push(text, if at > 0 { "," } else { "" })?;
                line(text, level + 1)?;
                memory.push(text, &quoted(name))?;
                memory.push(text, ": ")?;
                write_json(value, level + 1, text, memory)?;
            }
            line(text, level)?;
            memory.push(text, "}")
        }
    }
}

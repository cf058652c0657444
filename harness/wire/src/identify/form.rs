//! The query protocol and EC2's dialect of it.

use bytes::Bytes;
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::input;
use super::refusal::Refusal;
use super::view::{View, repeated};
use crate::operation::{Kind, Operation, Protocol, Service};
use crate::text;

/// Names nest at most this deep.
const MAX_DEPTH: usize = 24;

/// Whether the request is a query call: by its content type, or by an
/// `Action` in the query string.
pub(super) fn is_form(view: &View<'_>) -> bool {
    (view.parts.method == Method::POST && has_form_body(view))
        || view.query.iter().any(|(name, _)| name == "Action")
}

fn has_form_body(view: &View<'_>) -> bool {
    view.headers().get(CONTENT_TYPE).is_some_and(|value| {
        let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    })
}

/// The parameters, which stand in the query string or in the body. In both,
/// readers differ: moto (`core/responses.py`, `setup_class`) forgets the query
/// string where there is a form, and so would make a role without the boundary
/// that stands there and was authorized.
pub(super) fn pairs(view: &View<'_>) -> Result<Vec<(String, String)>, Refusal> {
    if view.body.is_empty() {
        return Ok(view.query.clone());
    }
    if let Some((name, _)) = view.query.first() {
        return Err(Refusal::Request(format!(
            "a query request with a body takes no query parameters, but `{name}` is there"
        )));
    }
    view.header(CONTENT_TYPE.as_str())?;
    if !has_form_body(view) {
        return Err(Refusal::Request(
            "a query request has a body that is not `application/x-www-form-urlencoded`".to_owned(),
        ));
    }
    let body = std::str::from_utf8(view.body)
        .map_err(|_| Refusal::Request("the body is not UTF-8".to_owned()))?;
    text::pairs(body).map_err(|error| Refusal::encoding("body", error))
}

/// What a read request comes to.
pub(super) type Read = (&'static Operation, Map<String, Value>, Option<Bytes>);

/// Reads a query or EC2 request.
pub(super) fn read(view: &View<'_>, service: Service) -> Result<Read, Refusal> {
    if !matches!(view.parts.uri.path(), "/" | "") {
        return Err(Refusal::Operation(format!(
            "{} has no operation at `{}`",
            service.name(),
            view.parts.uri.path()
        )));
    }
    if !matches!(view.parts.method, Method::GET | Method::POST) {
        return Err(Refusal::Operation(format!(
            "{} takes GET and POST, not {}",
            service.name(),
            view.parts.method
        )));
    }
    let mut tree = Map::new();
    for (name, value) in pairs(view)? {
        insert(&mut tree, &name, value)?;
    }
    let action = take(&mut tree, "Action")?;
    let version = take(&mut tree, "Version")?;
    let model = service.model();
    let operation =
        model.operation(&action).filter(|_| version == model.api_version).ok_or_else(|| {
            Refusal::Operation(format!("Could not find operation {action} for version {version}"))
        })?;
    let style = Style::of(service);
    let mut input = Map::new();
    for (name, node) in tree {
        let member =
            operation.member(&name).ok_or_else(|| input::unknown(operation, "parameter", &name))?;
        let value = match (member.kind, style.value(&name, node)?) {
            (Kind::List, Value::String(text)) if text.is_empty() => Value::Array(Vec::new()),
            (Kind::List | Kind::Map | Kind::Structure, value) => input::checked(member, value)?,
            (Kind::Unknown, value) => value,
            (_, Value::String(text)) => input::from_text(member, text)?,
            (_, value) => input::checked(member, value)?,
        };
        input.insert(name, value);
    }
    Ok((operation, input, None))
}

fn take(tree: &mut Map<String, Value>, name: &str) -> Result<String, Refusal> {
    match tree.shift_remove(name) {
        Some(Value::String(value)) => Ok(value),
        _ => Err(Refusal::Request(format!("the parameter `{name}` is missing"))),
    }
}

/// Puts a value under its dotted name into a tree of objects.
fn insert(tree: &mut Map<String, Value>, name: &str, value: String) -> Result<(), Refusal> {
    let mut node = tree;
    let mut fields = name.split('.').peekable();
    let mut depth = 0;
    while let Some(field) = fields.next() {
        depth += 1;
        if field.is_empty() || depth > MAX_DEPTH {
            return Err(Refusal::Request(format!("the parameter name `{name}` is malformed")));
        }
        if fields.peek().is_none() {
            return match node.insert(field.to_owned(), Value::String(value)) {
                None => Ok(()),
                Some(_) => Err(repeated("parameter", name)),
            };
        }
        let next = node.entry(field).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(next) = next else {
            return Err(Refusal::Request(format!(
                "the parameter `{name}` is both a value and a structure"
            )));
        };
        node = next;
    }
    Ok(())
}

/// How lists are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// `Name.member.1`, and maps `Name.entry.1.key`.
    Member,
    /// `Name.1`.
    Flat,
}

impl Style {
    fn of(service: Service) -> Self {
        match service.protocol() {
            Protocol::Ec2 => Self::Flat,
            _ => Self::Member,
        }
    }

    /// A node of the tree as a value: lists as arrays, maps as objects.
    fn value(self, name: &str, node: Value) -> Result<Value, Refusal> {
        let Value::Object(mut fields) = node else { return Ok(node) };
        if self == Self::Flat {
            return if fields.keys().any(|key| is_number(key)) {
                Ok(Value::Array(self.items(name, fields)?))
            } else {
                self.structure(name, fields)
            };
        }
        if fields.len() == 1 {
            if let Some(Value::Object(items)) = fields.get_mut("member") {
                let items = std::mem::take(items);
                return Ok(Value::Array(self.items(name, items)?));
            }
            if let Some(Value::Object(items)) = fields.get_mut("entry") {
                let items = std::mem::take(items);
                return self.map(name, items);
            }
        }
        self.structure(name, fields)
    }

    fn structure(self, name: &str, fields: Map<String, Value>) -> Result<Value, Refusal> {
        fields
            .into_iter()
            .map(|(key, node)| {
                let value = self.value(&format!("{name}.{key}"), node)?;
                Ok((key, value))
            })
            .collect::<Result<Map<_, _>, _>>()
            .map(Value::Object)
    }

    /// The items `1` to `n`. A list with a gap is refused: readers differ on
    /// whether it goes on behind the gap.
    fn items(self, name: &str, fields: Map<String, Value>) -> Result<Vec<Value>, Refusal> {
        let mut items: Vec<Option<Value>> = Vec::new();
        items.resize_with(fields.len(), || None);
        for (key, node) in fields {
            let slot = key
                .parse::<usize>()
                .ok()
                .filter(|_| is_number(&key))
                .and_then(|index| items.get_mut(index.checked_sub(1)?))
                .ok_or_else(|| {
                    Refusal::Request(format!(
                        "the items of the list `{name}` are not numbered from 1 without a gap"
                    ))
                })?;
            *slot = Some(self.value(&format!("{name}.{key}"), node)?);
        }
        Ok(items.into_iter().flatten().collect())
    }

    fn map(self, name: &str, fields: Map<String, Value>) -> Result<Value, Refusal> {
        let mut map = Map::new();
        for entry in self.items(name, fields)? {
            let Value::Object(mut entry) = entry else { return Err(not_a_map(name)) };
            let (Some(Value::String(key)), Some(value)) =
                (entry.shift_remove("key"), entry.shift_remove("value"))
            else {
                return Err(not_a_map(name));
            };
            if !entry.is_empty() {
                return Err(not_a_map(name));
            }
            if map.insert(key.clone(), value).is_some() {
                return Err(repeated("key", &key));
            }
        }
        Ok(Value::Object(map))
    }
}

fn not_a_map(name: &str) -> Refusal {
    Refusal::Request(format!("the entries of the map `{name}` are not pairs of key and value"))
}

/// A list index as AWS's clients write it: digits, no leading zero.
fn is_number(key: &str) -> bool {
    !key.starts_with('0') && !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit())
}

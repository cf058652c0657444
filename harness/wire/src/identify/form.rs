//! The query protocol and EC2's dialect of it.

use bytes::Bytes;
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::input;
use super::refusal::Refusal;
use super::view::{View, repeated};
use crate::operation::{Form, Kind, Member, Operation, Protocol, Service, Shape};
use crate::text;

/// What signs a call of SimpleDB, by Signature Version 2 among its parameters
/// (<https://docs.aws.amazon.com/AmazonSimpleDB/latest/DeveloperGuide/HMACAuth.html>):
/// part of its signature, not of its input. Nothing verifies it, so that who calls
/// is not known.
const SIGNATURE_PARAMETERS: [&str; 6] = [
    "AWSAccessKeyId",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureVersion",
    "Timestamp",
];

/// Whether a form brings its signature among its parameters.
pub(super) fn is_signed(service: Service, pairs: &[(String, String)]) -> bool {
    service.name() == "sdb" && pairs.iter().any(|(name, _)| name == "Signature")
}

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
    let path = Some(view.parts.uri.path()).filter(|path| !matches!(*path, "/" | ""));
    let elsewhere =
        |path: &str| Refusal::Operation(format!("{} has no operation at `{path}`", service.name()));
    if let Some(path) = path.filter(|_| service.query_path().is_none()) {
        return Err(elsewhere(path));
    }
    if !matches!(view.parts.method, Method::GET | Method::POST) {
        return Err(Refusal::Operation(format!(
            "{} takes GET and POST, not {}",
            service.name(),
            view.parts.method
        )));
    }
    let mut tree = Map::new();
    let pairs = pairs(view)?;
    let is_signed = is_signed(service, &pairs);
    for (name, value) in pairs {
        if is_signed && SIGNATURE_PARAMETERS.contains(&name.as_str()) {
            continue;
        }
        insert(&mut tree, &name, value)?;
    }
    let action = take(&mut tree, "Action")?;
    let version = take(&mut tree, "Version")?;
    let operation = service
        .operation(&action)
        .filter(|_| version == service.api_version())
        .ok_or_else(|| {
            Refusal::Operation(format!("Could not find operation {action} for version {version}"))
        })?;
    let mut input = match service.protocol() {
        Protocol::Ec2 => flat(operation, tree)?,
        _ => typed(operation, tree)?,
    };
    if let (Some(path), Some(name)) = (path, service.query_path()) {
        operation.member(name).ok_or_else(|| elsewhere(path))?;
        at_own_url(view, path, name, &mut input)?;
    }
    Ok((operation, input, None))
}

/// A request that goes to the URL of what it is about need not name it. Where it
/// does, both must be one: readers differ on which of them counts
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html>).
fn at_own_url(
    view: &View<'_>,
    path: &str,
    name: &'static str,
    input: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    let Some(named) = input.get(name).and_then(Value::as_str) else {
        let host = view.host()?.unwrap_or_default();
        input.insert(name.to_owned(), Value::String(format!("https://{host}{path}")));
        return Ok(());
    };
    let rest = named.split_once("://").map_or(named, |(_, rest)| rest);
    match rest.find('/').and_then(|at| rest.get(at..)) {
        Some(own) if own == path => Ok(()),
        _ => Err(Refusal::Request(format!(
            "the request goes to `{path}` but the parameter `{name}` is `{named}`"
        ))),
    }
}

/// EC2's members, as texts: lists are known by the numbers of their items.
fn flat(operation: &Operation, tree: Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let mut input = Map::new();
    for (name, node) in tree {
        if operation.member(&name).is_none() {
            return Err(input::unknown(operation, "parameter", &name));
        }
        let value = flat_value(&name, node)?;
        input.insert(name, value);
    }
    Ok(input)
}

/// The members of the query protocol, by their shapes.
fn typed(operation: &Operation, tree: Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let shapes = Shapes { service: operation.service };
    let mut input = Map::new();
    for (name, node) in tree {
        let member = operation
            .members
            .iter()
            .find(|member| shapes.parameter(member) == name)
            .ok_or_else(|| input::unknown(operation, "parameter", &name))?;
        let value = match (member.kind, shapes.value(member, &name, node)?) {
            (Kind::List | Kind::Map | Kind::Structure, value) => input::checked(member, value)?,
            (_, Value::String(text)) => input::from_text(member, text)?,
            (_, value) => input::checked(member, value)?,
        };
        input.insert(member.name.to_owned(), value);
    }
    Ok(input)
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

/// A node of the tree as a value, lists as arrays.
fn flat_value(name: &str, node: Value) -> Result<Value, Refusal> {
    let Value::Object(fields) = node else { return Ok(node) };
    if fields.keys().any(|key| is_number(key)) {
        return items(name, fields, flat_value).map(Value::Array);
    }
    structure(fields, |key, node| flat_value(&format!("{name}.{key}"), node))
}

fn structure(
    fields: Map<String, Value>,
    mut value: impl FnMut(&str, Value) -> Result<Value, Refusal>,
) -> Result<Value, Refusal> {
    fields
        .into_iter()
        .map(|(key, node)| {
            let value = value(&key, node)?;
            Ok((key, value))
        })
        .collect::<Result<Map<_, _>, _>>()
        .map(Value::Object)
}

/// The items `1` to `n`. A list with a gap is refused: readers differ on
/// whether it goes on behind the gap.
fn items(
    name: &str,
    fields: Map<String, Value>,
    value: impl Fn(&str, Value) -> Result<Value, Refusal>,
) -> Result<Vec<Value>, Refusal> {
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
        *slot = Some(value(&format!("{name}.{key}"), node)?);
    }
    Ok(items.into_iter().flatten().collect())
}

/// How the query protocol writes values of a service's shapes
/// (<https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>).
#[derive(Clone, Copy)]
struct Shapes {
    service: Service,
}

impl Shapes {
    fn shape(self, member: &Member) -> Option<&'static Shape> {
        self.service.model().shape_of(member)
    }

    /// What the parameters of a member begin with. A flattened list whose items
    /// have a name goes by it, and a map whose entries have one.
    fn parameter(self, member: &Member) -> &'static str {
        let Some(shape) = self.shape(member).filter(|_| member.flattened) else {
            return member.wire;
        };
        match &shape.form {
            Form::List(item) if item.wire != "member" => item.wire,
            Form::Map { .. } => shape.entry.unwrap_or(member.wire),
            _ => member.wire,
        }
    }

    /// A node of the tree as a value of a member: lists as arrays, maps as
    /// objects, all else as texts.
    fn value(self, member: &Member, name: &str, node: Value) -> Result<Value, Refusal> {
        let Value::Object(fields) = node else {
            // How botocore says that a list is there and empty.
            let empty = member.kind == Kind::List && node.as_str() == Some("");
            return Ok(if empty { Value::Array(Vec::new()) } else { node });
        };
        match self.shape(member).map(|shape| &shape.form) {
            Some(Form::List(item)) => match inner(fields, item.wire, member.flattened) {
                Ok(fields) => {
                    items(name, fields, |name, node| self.value(item, name, node)).map(Value::Array)
                }
                Err(fields) => self.unknown(name, fields),
            },
            Some(Form::Map { key, value }) => match inner(fields, "entry", member.flattened) {
                Ok(fields) => self.map(name, fields, key, value),
                Err(_) => Err(not_a_map(name)),
            },
            Some(Form::Structure(members)) => {
                let mut read = Map::new();
                for (key, node) in fields {
                    let name = format!("{name}.{key}");
                    let member = members.iter().find(|member| self.parameter(member) == key);
                    // Under its name on the wire, as in the other protocols.
                    let (key, value) = match member {
                        Some(member) => (member.wire.to_owned(), self.value(member, &name, node)?),
                        None => (key, self.unknown_value(&name, node)?),
                    };
                    if read.insert(key, value).is_some() {
                        return Err(repeated("parameter", &name));
                    }
                }
                Ok(Value::Object(read))
            }
            Some(Form::Scalar) | None => self.unknown(name, fields),
        }
    }

    /// What the model does not have stays as it is; it does not pass for a list.
    fn unknown(self, name: &str, fields: Map<String, Value>) -> Result<Value, Refusal> {
        structure(fields, |key, node| self.unknown_value(&format!("{name}.{key}"), node))
    }

    fn unknown_value(self, name: &str, node: Value) -> Result<Value, Refusal> {
        match node {
            Value::Object(fields) => self.unknown(name, fields),
            node => Ok(node),
        }
    }

    fn map(
        self,
        name: &str,
        fields: Map<String, Value>,
        key: &Member,
        value: &Member,
    ) -> Result<Value, Refusal> {
        let mut map = Map::new();
        for entry in items(name, fields, |_, node| Ok(node))? {
            let Value::Object(mut entry) = entry else { return Err(not_a_map(name)) };
            let (Some(Value::String(key)), Some(node)) =
                (entry.shift_remove(key.wire), entry.shift_remove(value.wire))
            else {
                return Err(not_a_map(name));
            };
            if !entry.is_empty() {
                return Err(not_a_map(name));
            }
            let value = self.value(value, &format!("{name}.{key}"), node)?;
            if map.insert(key.clone(), value).is_some() {
                return Err(repeated("key", &key));
            }
        }
        Ok(Value::Object(map))
    }
}

/// The numbered items of a list or a map, which stand under a name of their own
/// unless they are flattened; the fields themselves where that name is not there.
fn inner(
    mut fields: Map<String, Value>,
    wrapper: &str,
    flattened: bool,
) -> Result<Map<String, Value>, Map<String, Value>> {
    if flattened {
        return Ok(fields);
    }
    match fields.get_mut(wrapper) {
        Some(Value::Object(items)) if !items.is_empty() => {
            let items = std::mem::take(items);
            if fields.len() == 1 { Ok(items) } else { Err(fields) }
        }
        _ => Err(fields),
    }
}

fn not_a_map(name: &str) -> Refusal {
    Refusal::Request(format!("the entries of the map `{name}` are not pairs of key and value"))
}

/// A list index as AWS's clients write it: digits, no leading zero.
fn is_number(key: &str) -> bool {
    !key.starts_with('0') && !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit())
}

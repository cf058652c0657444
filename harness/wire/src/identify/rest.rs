//! REST: operations by method, path, query and headers; JSON bodies.

use std::collections::HashSet;
use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::form::Read;
use super::input;
use super::json;
use super::refusal::Refusal;
use super::view::{View, repeated};
use crate::operation::{Kind, Location, Operation, Service};
use crate::{route, text};

/// The SDKs of newer generations name the operation in this query parameter.
const OPERATION_HINT: &str = "x-id";

/// Reads a REST-JSON request.
pub(super) fn read(view: &View<'_>, service: Service) -> Result<Read, Refusal> {
    let (operation, mut input) = read_head(view, service)?;
    let payload = read_body(view, operation, &mut input)?;
    Ok((operation, input, payload))
}

/// Reads all but the body.
pub(super) fn read_head(
    view: &View<'_>,
    service: Service,
) -> Result<(&'static Operation, Map<String, Value>), Refusal> {
    let (operation, path) = operation(view, service)?;
    let mut input = Map::new();
    let end = path.len().saturating_sub(route::after_greedy(operation));
    for (index, label, greedy) in route::labels(operation) {
        let segment = match (greedy, path.get(index..end)) {
            (true, Some(rest @ [_, ..])) => Some(rest.join("/")),
            _ => path.get(index).cloned(),
        };
        if let (Some(member), Some(segment)) = (by_wire(operation, Location::Uri, label), segment) {
            let value = input::from_text(member, segment)?;
            input.insert(member.name.to_owned(), value);
        }
    }
    read_query(view, operation, &mut input)?;
    read_headers(view, operation, &mut input)?;
    Ok((operation, input))
}

/// The operations that a method and a path may be.
pub(super) fn candidates(
    view: &View<'_>,
    service: Service,
) -> Result<&'static [&'static Operation], Refusal> {
    let path = segments(view.parts.uri.path())?;
    Ok(route::Routes::of(service).find(&view.parts.method, &path))
}

/// The operation of a request, with the segments of its path.
pub(super) fn operation(
    view: &View<'_>,
    service: Service,
) -> Result<(&'static Operation, Vec<String>), Refusal> {
    let path = segments(view.parts.uri.path())?;
    let candidates = route::Routes::of(service).find(&view.parts.method, &path);
    Ok((choose(view, service, candidates)?, path))
}

/// The segments of a path, decoded. One slash at the end is nothing (older
/// SDKs ask for `/2015-03-31/functions/`); an empty segment, `.` and `..`
/// mean different things to different readers.
fn segments(path: &str) -> Result<Vec<String>, Refusal> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    path.split('/')
        .map(|segment| {
            let segment =
                text::decode(segment).map_err(|error| Refusal::encoding("path", error))?;
            if matches!(segment.as_str(), "" | "." | "..") {
                return Err(Refusal::Request("the path has an empty or a dot segment".to_owned()));
            }
            Ok(segment)
        })
        .collect()
}

fn by_wire<'a>(
    operation: &'a Operation,
    place: Location,
    wire: &str,
) -> Option<&'a crate::operation::Member> {
    operation.members_in(place).find(|member| member.wire == wire)
}

/// The one operation that the request is: all that its template fixes and its
/// model requires is there, and nothing that it does not take. The most
/// specific one wins; operations that have a successor lose a tie.
pub(super) fn choose(
    view: &View<'_>,
    service: Service,
    candidates: &[&'static Operation],
) -> Result<&'static Operation, Refusal> {
    let mut fitting: Vec<(usize, &'static Operation)> = candidates
        .iter()
        .filter(|operation| stranger(view, operation).is_none())
        .filter_map(|operation| Some((fit(view, operation, candidates.len() == 1)?, *operation)))
        .collect();
    let most = fitting.iter().map(|(fit, _)| *fit).max();
    fitting.retain(|(fit, _)| Some(*fit) == most);
    if fitting.len() > 1 {
        fitting.retain(|(_, operation)| !operation.deprecated);
    }
    match (fitting.as_slice(), candidates) {
        ([(_, operation)], _) => Ok(operation),
        ([], [operation]) if let Some(name) = stranger(view, operation) => {
            Err(input::unknown(operation, "query parameter", name))
        }
        ([], _) => Err(Refusal::Operation(format!(
            "{} has no operation for {} `{}`",
            service.name(),
            view.parts.method,
            view.parts.uri
        ))),
        ([(_, one), (_, other), ..], _) => {
            Err(Refusal::Request(format!("the request could be {} or {}", one.name, other.name)))
        }
    }
}

/// A query parameter that the operation does not take.
fn stranger<'a>(view: &'a View<'_>, operation: &Operation) -> Option<&'a str> {
    let takes = |name: &str, value: &str| {
        // S3 passes over what no operation of its own takes (recorded on AWS in
        // LocalStack's `test_presign_with_additional_query_params`); nothing of it
        // goes upstream.
        (operation.service == Service::S3 && !known_to_s3(name))
            || (name == OPERATION_HINT && value == operation.name)
            || operation.fixed_query().any(|(fixed, _)| fixed == name)
            || by_wire(operation, Location::QueryString, name).is_some()
    };
    view.query.iter().find(|(name, value)| !takes(name, value)).map(|(name, _)| name.as_str())
}

/// Whether any operation of S3 has the query parameter.
fn known_to_s3(name: &str) -> bool {
    static KNOWN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
        let operations = &Service::S3.model().operations;
        let fixed = operations.iter().flat_map(|operation| operation.fixed_query());
        let fixed = fixed.map(|(name, _)| name);
        let members = operations.iter().flat_map(|operation| {
            operation.members_in(Location::QueryString).map(|member| member.wire)
        });
        fixed.chain(members).chain([OPERATION_HINT]).collect()
    });
    KNOWN.contains(name)
}

/// How much of the request the operation asks for; nothing where something of
/// it is missing. With no other candidate, a missing member is an error of
/// its own and not another operation.
fn fit(view: &View<'_>, operation: &Operation, alone: bool) -> Option<usize> {
    let mut count = 0;
    for (name, value) in operation.fixed_query() {
        let mut found = view.query.iter().filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (Some((_, text)), None) if text == value => count += 1,
            _ => return None,
        }
    }
    for member in operation.members.iter().filter(|member| member.required) {
        let there = match member.location {
            Location::QueryString => view.query.iter().any(|(key, _)| key == member.wire),
            Location::Header => view.headers().contains_key(member.wire),
            _ => continue,
        };
        match there {
            true => count += 1,
            false if alone => {}
            false => return None,
        }
    }
    Some(count)
}

/// Reads the members of the query string.
pub(super) fn read_query(
    view: &View<'_>,
    operation: &Operation,
    input: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    for (name, value) in &view.query {
        let Some(member) = by_wire(operation, Location::QueryString, name) else { continue };
        if member.kind == Kind::List {
            let list = input.entry(member.name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(items) = list {
                items.push(Value::String(value.clone()));
            }
        } else if input
            .insert(member.name.to_owned(), input::from_text(member, value.clone())?)
            .is_some()
        {
            return Err(repeated("query parameter", name));
        }
    }
    let hints = view.query.iter().filter(|(name, _)| name == OPERATION_HINT);
    if hints.count() > 1 { Err(repeated("query parameter", OPERATION_HINT)) } else { Ok(()) }
}

/// Reads the members that travel in headers.
pub(super) fn read_headers(
    view: &View<'_>,
    operation: &Operation,
    input: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    for member in operation.members_in(Location::Header) {
        // The length of the body is the transport's to say.
        if member.wire.eq_ignore_ascii_case("content-length") {
            continue;
        }
        let value = if member.kind == Kind::List {
            list_header(view, member.wire)?
        } else {
            view.header(member.wire)?
                .map(|text| input::from_text(member, text.to_owned()))
                .transpose()?
        };
        if let Some(value) = value {
            input.insert(member.name.to_owned(), value);
        }
    }
    for member in operation.members_in(Location::Headers) {
        let mut map = Map::new();
        for name in view.headers().keys() {
            if let Some(key) = name.as_str().strip_prefix(member.wire)
                && let Some(value) = view.header(name.as_str())?
            {
                map.insert(key.to_owned(), Value::String(value.to_owned()));
            }
        }
        if !map.is_empty() {
            input.insert(member.name.to_owned(), Value::Object(map));
        }
    }
    Ok(())
}

/// A list in a header: repeated, or separated by commas.
fn list_header(view: &View<'_>, name: &str) -> Result<Option<Value>, Refusal> {
    let mut items = Vec::new();
    for value in view.headers().get_all(name) {
        let value = std::str::from_utf8(value.as_bytes())
            .map_err(|_| Refusal::Request(format!("the header `{name}` is not UTF-8")))?;
        items.extend(
            value
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned())),
        );
    }
    Ok((!items.is_empty()).then_some(Value::Array(items)))
}

fn read_body(
    view: &View<'_>,
    operation: &Operation,
    input: &mut Map<String, Value>,
) -> Result<Option<Bytes>, Refusal> {
    match operation.payload() {
        _ if view.body.is_empty() => Ok(None),
        Some(member) if member.kind == Kind::Structure => {
            input.insert(member.name.to_owned(), Value::Object(json::object(view.body)?));
            Ok(None)
        }
        Some(_) => Ok(Some(view.body.clone())),
        // Operations without members in their body take `{}` alone.
        None => input::from_object(operation, json::object(view.body)?, input).map(|()| None),
    }
}

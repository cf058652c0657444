//! REST with XML bodies, as all but S3 speak it (CloudFront, Route 53, S3
//! Control): by the shapes of the model
//! (<https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html>).

use bytes::Bytes;
use serde_json::{Map, Value};

use super::form::Read;
use super::input;
use super::refusal::Refusal;
use super::rest;
use super::view::View;
use crate::operation::{Form, Kind, Location, Member, Operation, Service};
use crate::xml::{self, Element};

/// Reads a request.
pub(super) fn read(view: &View<'_>, service: Service) -> Result<Read, Refusal> {
    let (operation, mut input) = rest::read_head(view, service)?;
    let payload = read_body(view, operation, &mut input)?;
    Ok((operation, input, payload))
}

fn read_body(
    view: &View<'_>,
    operation: &'static Operation,
    input: &mut Map<String, Value>,
) -> Result<Option<Bytes>, Refusal> {
    if view.body.is_empty() {
        return Ok(None);
    }
    let model = operation.service.model();
    match operation.payload() {
        Some(member) if member.kind == Kind::Structure => {
            let root = document(view.body)?;
            let named = [Some(member.wire), model.shape_of(member).map(|shape| shape.name)];
            if !named.contains(&Some(root.name.as_str())) {
                return Err(wrong_root(&root, member.wire));
            }
            let value = value(operation.service, member, &root)?;
            input.insert(member.name.to_owned(), input::checked(member, value)?);
            Ok(None)
        }
        Some(_) => Ok(Some(view.body.clone())),
        None if operation.members_in(Location::Body).next().is_some() => {
            let root = document(view.body)?;
            if let Some(name) = operation.root
                && root.name != name
            {
                return Err(wrong_root(&root, name));
            }
            let members: Vec<&Member> = operation.members_in(Location::Body).collect();
            for (name, value) in structure(operation.service, &members, &root)? {
                let member = operation
                    .member(&name)
                    .ok_or_else(|| input::unknown(operation, "member", &name))?;
                let value = match (member.kind, value) {
                    (Kind::List | Kind::Map | Kind::Structure, value) => {
                        input::checked(member, value)?
                    }
                    (_, Value::String(text)) => input::from_text(member, text)?,
                    (_, value) => input::checked(member, value)?,
                };
                input.insert(name, value);
            }
            Ok(None)
        }
        None => Err(Refusal::Input(format!("{} takes no body", operation.name))),
    }
}

fn document(body: &[u8]) -> Result<Element, Refusal> {
    xml::parse(body)
        .map_err(|error| Refusal::Request(format!("the XML of the body cannot be read: {error}")))
}

fn wrong_root(root: &Element, expected: &str) -> Refusal {
    Refusal::Request(format!("the root element of the body is `{}`, not `{expected}`", root.name))
}

/// An element as the value of a member, texts as they are.
fn value(service: Service, member: &Member, element: &Element) -> Result<Value, Refusal> {
    let form = service.model().shape_of(member).map(|shape| &shape.form);
    match form {
        Some(Form::Structure(members)) => {
            let members: Vec<&Member> = members.iter().collect();
            structure(service, &members, element).map(Value::Object)
        }
        Some(Form::List(item)) => list(service, item, item.wire, &element.children),
        Some(Form::Map { key, value }) => map(service, key, value, "entry", &element.children),
        Some(Form::Scalar) | None if element.children.is_empty() => {
            Ok(Value::String(element.text.clone()))
        }
        Some(Form::Scalar) | None => {
            Err(Refusal::Request(format!("the element `{}` holds elements", element.name)))
        }
    }
}

/// The children of an element by the members' names. What the model does not
/// have is refused: an upstream might know it.
fn structure(
    service: Service,
    members: &[&Member],
    element: &Element,
) -> Result<Map<String, Value>, Refusal> {
    let mut object = Map::new();
    if !element.text.trim().is_empty() {
        return Err(Refusal::Request(format!("the element `{}` holds a text", element.name)));
    }
    for child in &element.children {
        let member = members.iter().find(|member| member.wire == child.name);
        let member = member.ok_or_else(|| {
            Refusal::Input(format!("the element `{}` has no `{}`", element.name, child.name))
        })?;
        if object.contains_key(member.name) && !member.flattened {
            return Err(Refusal::Request(format!("the element `{}` is repeated", child.name)));
        }
        let form = service.model().shape_of(member).map(|shape| &shape.form);
        let read = match (member.flattened, form) {
            (true, Some(Form::List(item))) => {
                list(service, item, member.wire, std::slice::from_ref(child))?
            }
            (true, Some(Form::Map { key, value })) => {
                map(service, key, value, member.wire, std::slice::from_ref(child))?
            }
            _ => value(service, member, child)?,
        };
        match (object.get_mut(member.name), read) {
            (Some(Value::Array(all)), Value::Array(more)) => all.extend(more),
            (Some(Value::Object(all)), Value::Object(more)) => all.extend(more),
            (_, read) => {
                object.insert(member.name.to_owned(), read);
            }
        }
    }
    Ok(object)
}

fn list(
    service: Service,
    item: &Member,
    name: &str,
    children: &[Element],
) -> Result<Value, Refusal> {
    children
        .iter()
        .map(|child| {
            if child.name == name {
                value(service, item, child)
            } else {
                Err(Refusal::Request(format!("the list has `{}` among `{name}`", child.name)))
            }
        })
        .collect::<Result<Vec<_>, _>>()
        .map(Value::Array)
}

fn map(
    service: Service,
    key: &Member,
    of: &Member,
    name: &str,
    children: &[Element],
) -> Result<Value, Refusal> {
    let mut map = Map::new();
    for child in children {
        match child.children.as_slice() {
            [first, second]
                if child.name == name && first.name == key.wire && second.name == of.wire =>
            {
                let value = value(service, of, second)?;
                if map.insert(first.text.clone(), value).is_some() {
                    return Err(super::view::repeated("key", &first.text));
                }
            }
            _ => return Err(Refusal::Request(format!("`{}` is no entry of a map", child.name))),
        }
    }
    Ok(Value::Object(map))
}

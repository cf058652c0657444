//! A property's value as a member of a call: names compare without regard to
//! case, tags take the form that the service has, documents become text where
//! the service wants text. What has no place is told, and nothing is dropped.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ringfence_models::types;
use ringfence_models::{Form, Kind, Member, Model, Operation, Protocol, Shape};
use serde_json::{Map, Value, json};

/// The member of an operation that a property goes into by its name.
pub(super) fn member<'o>(operation: &'o Operation, property: &str) -> Option<&'o Member> {
    named(&operation.members, property)
}

fn named<'m>(members: &'m [Member], name: &str) -> Option<&'m Member> {
    members.iter().find(|member| member.name == name).or_else(|| {
        members
            .iter()
            .find(|it| it.name.eq_ignore_ascii_case(name) || it.wire.eq_ignore_ascii_case(name))
            // CloudFront's `IsIPV6Enabled` is the type's `IPV6Enabled`.
            .or_else(|| members.iter().find(|it| it.name.strip_prefix("Is") == Some(name)))
            .or_else(|| list(members, name))
    })
}

/// EC2's lists go by the names of their items on the wire: `SecurityGroupId` is the
/// type's `SecurityGroupIds`, and that of an interface its `GroupSet` or `Groups`
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceNetworkInterfaceSpecification.html>).
fn list<'m>(members: &'m [Member], name: &str) -> Option<&'m Member> {
    let item = match name {
        "GroupSet" | "Groups" => "SecurityGroupId",
        name => name.strip_suffix('s')?,
    };
    let lists = members.iter().filter(|it| it.kind == Kind::List);
    lists.into_iter().find(|it| it.name.eq_ignore_ascii_case(item))
}

/// What caches of CloudFront hold, which the type has beside the methods that are
/// allowed and the API among them
/// (<https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_AllowedMethods.html>).
const CACHED: (&str, &str) = ("CachedMethods", "AllowedMethods");

/// Cached methods in their place among those that are allowed: `HEAD` and `GET`
/// where the type names none.
fn cached(members: &[Member], mut map: Map<String, Value>) -> Map<String, Value> {
    let (inner, outer) = CACHED;
    if named(members, inner).is_none()
        && named(members, outer).is_some()
        && let Some(held) = map.shift_remove(inner)
    {
        let allowed = map.get(outer).cloned().unwrap_or_else(|| json!(["HEAD", "GET"]));
        let count = allowed.as_array().map_or(0, Vec::len);
        let nested = json!({"Quantity": count, "Items": allowed, inner: held});
        map.insert(outer.to_owned(), nested);
    }
    map
}

/// `Key` and `Value` of a tag, by the service's names (KMS's `TagKey`).
fn inner<'m>(members: &'m [Member], name: &str) -> Option<&'m Member> {
    named(members, name)
        .or_else(|| named(members, &format!("Tag{name}")).filter(|_| members.len() == 2))
}

/// An operation's input, of values that are named as its members are.
///
/// # Errors
/// The path of what has no place.
pub(super) fn input(
    operation: &Operation,
    values: Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let model = operation.service.model();
    let fitter = Fitter { model, protocol: operation.service.protocol() };
    let mut input = Map::new();
    for (name, value) in values {
        let member = named(&operation.members, &name).ok_or_else(|| name.clone())?;
        input.insert(member.name.to_owned(), fitter.fit(member, value, &name)?);
    }
    for member in operation.members.iter().filter(|it| it.idempotency_token && it.required) {
        let token = || uuid::Uuid::new_v4().to_string().into();
        input.entry(member.name).or_insert_with(token);
    }
    Ok(input)
}

struct Fitter {
    model: &'static Model,
    protocol: Protocol,
}

impl Fitter {
    fn form(&self, member: &Member) -> Option<&'static Shape> {
        self.model.shape_of(member)
    }

    fn fit(&self, member: &Member, value: Value, path: &str) -> Result<Value, String> {
        let Some(shape) = self.form(member) else { return Ok(value) };
        match &shape.form {
            Form::Structure(_) if shape.document => Ok(value),
            Form::Structure(members) => self.structure(members, value, path),
            Form::List(item) => {
                let items = match value {
                    Value::Array(items) => items,
                    Value::Object(map) if self.is_tag(item) => tag_list(map),
                    Value::Object(_) => return Err(path.to_owned()),
                    scalar => vec![scalar],
                };
                let items: Vec<Value> = items
                    .into_iter()
                    .map(|value| self.fit(item, value, path))
                    .collect::<Result<_, _>>()?;
                // XML has a name for items, where the list is not flattened.
                Ok(match self.protocol {
                    Protocol::RestXml if !member.flattened => json!({ item.wire: items }),
                    _ => items.into(),
                })
            }
            Form::Map { value: of, .. } => match value {
                Value::Object(map) => map
                    .into_iter()
                    .map(|(key, value)| Ok((key, self.fit(of, value, path)?)))
                    .collect::<Result<Map<_, _>, String>>()
                    .map(Value::Object),
                Value::Array(tags) => tag_map(&tags).ok_or_else(|| path.to_owned()),
                _ => Err(path.to_owned()),
            },
            Form::Scalar => scalar(member.kind, value, path),
        }
    }

    fn structure(&self, members: &[Member], value: Value, path: &str) -> Result<Value, String> {
        let map = match value {
            Value::Object(map) => map,
            // CloudFront's lists.
            Value::Array(items) if named(members, "Quantity").is_some() => {
                let list = named(members, "Items").ok_or_else(|| path.to_owned())?;
                let count = items.len();
                let items = self.fit(list, items.into(), path)?;
                return Ok(json!({"Quantity": count, list.wire: items}));
            }
            _ => return Err(path.to_owned()),
        };
        let mut fitted = Map::new();
        for (name, value) in cached(members, map) {
            let path = format!("{path}.{name}");
            let member = inner(members, &name).ok_or_else(|| path.clone())?;
            fitted.insert(member.wire.to_owned(), self.fit(member, value, &path)?);
        }
        Ok(Value::Object(fitted))
    }

    /// Whether items are tags: a key and a value.
    fn is_tag(&self, item: &Member) -> bool {
        match self.form(item).map(|shape| &shape.form) {
            Some(Form::Structure(members)) => {
                inner(members, "Key").is_some() && inner(members, "Value").is_some()
            }
            _ => false,
        }
    }
}

fn scalar(kind: Kind, value: Value, path: &str) -> Result<Value, String> {
    Ok(match (kind, value) {
        (Kind::String, Value::String(text)) => text.into(),
        // A document, or a number that the service takes as text.
        (Kind::String, other) => other.to_string().into(),
        (Kind::Blob, Value::String(text)) => BASE64_STANDARD.encode(text).into(),
        (Kind::Blob, other) => other,
        (Kind::Boolean, Value::String(text)) => match text.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            _ => return Err(path.to_owned()),
        },
        (Kind::Integer | Kind::Long, Value::String(text)) => {
            text.parse::<i64>().map_err(|_| path.to_owned())?.into()
        }
        (Kind::Float | Kind::Double, Value::String(text)) => {
            text.parse::<f64>().map_err(|_| path.to_owned())?.into()
        }
        (Kind::Timestamp, value) => value,
        (_, Value::Object(_) | Value::Array(_)) => return Err(path.to_owned()),
        (_, value) => value,
    })
}

fn tag_list(map: Map<String, Value>) -> Vec<Value> {
    map.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

fn tag_map(tags: &[Value]) -> Option<Value> {
    tags.iter()
        .map(|tag| Some((tag.get("Key")?.as_str()?.to_owned(), tag.get("Value")?.clone())))
        .collect::<Option<Map<_, _>>>()
        .map(Value::Object)
}

/// What of a property's shape has no place in a member, by the paths of the
/// parts: told before anything is made.
pub(super) fn unplaced(
    of: &'static types::Type,
    shape: &'static types::Shape,
    operation: &Operation,
    member: &Member,
    path: &str,
) -> BTreeSet<String> {
    let model = operation.service.model();
    let mut search = Search { of, model, inside: Vec::new(), found: BTreeSet::new() };
    search.look(shape, member, path);
    search.found
}

struct Search<'t> {
    of: &'t types::Type,
    model: &'static Model,
    /// The definitions that the path leads through: one that holds itself is
    /// looked at once, and what comes deeper when the call is made.
    inside: Vec<&'t str>,
    found: BTreeSet<String>,
}

impl<'t> Search<'t> {
    fn look(&mut self, shape: &'t types::Shape, member: &Member, path: &str) {
        let types::Shape::Definition(name) = shape else {
            return self.inner(shape, member, path);
        };
        if !self.inside.contains(name) {
            self.inside.push(name);
            self.inner(shape, member, path);
            self.inside.pop();
        }
    }

    fn inner(&mut self, shape: &'t types::Shape, member: &Member, path: &str) {
        let Some(target) = self.model.shape_of(member) else { return };
        let of = self.of;
        let shape = of.resolve(shape);
        match (shape, &target.form) {
            // A document as text, or free JSON, which is looked at as it comes.
            (types::Shape::Json, _) => {}
            (types::Shape::Object { .. } | types::Shape::Map(_), Form::Scalar)
                if member.kind == Kind::String => {}
            (types::Shape::Object { members, .. }, Form::Structure(into)) => {
                for (name, shape) in members {
                    let path = format!("{path}.{name}");
                    match inner(into, name) {
                        Some(member) => self.look(shape, member, &path),
                        None if *name == CACHED.0 && named(into, CACHED.1).is_some() => {}
                        None => drop(self.found.insert(path)),
                    }
                }
            }
            (types::Shape::List(item), Form::Structure(into))
                if named(into, "Quantity").is_some() =>
            {
                if let Some(Form::List(of)) = named(into, "Items")
                    .and_then(|items| self.model.shape_of(items))
                    .map(|shape| &shape.form)
                {
                    self.look(item, of, path);
                }
            }
            (types::Shape::List(item), Form::List(of)) => self.look(item, of, path),
            (types::Shape::Map(value), Form::Map { value: of, .. }) => {
                self.look(value, of, path);
            }
            // Tags as a list and as a map.
            (types::Shape::List(_), Form::Map { .. })
            | (types::Shape::Map(_), Form::List(_))
            | (types::Shape::Object { .. }, Form::Map { .. })
            | (
                types::Shape::Text
                | types::Shape::Integer
                | types::Shape::Number
                | types::Shape::Boolean,
                Form::Scalar,
            ) => {}
            // A lone value for a list of one.
            (types::Shape::Text, Form::List(_)) => {}
            _ => drop(self.found.insert(path.to_owned())),
        }
    }
}

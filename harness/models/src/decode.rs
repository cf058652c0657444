//! Files of `data/services` as models.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use crate::model::{ErrorModel, Model};
use crate::needs::Rules;
use crate::operation::{ActionName, Operation};
use crate::service::Service;
use crate::shape::{Form, Kind, Location, Member, Shape};

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
struct RawModel {
    #[serde(default)]
    errors: HashMap<&'static str, ErrorModel>,
    operations: BTreeMap<&'static str, RawOperation>,
    #[serde(default)]
    shapes: BTreeMap<&'static str, RawShape>,
    #[serde(default)]
    rules: Rules,
}

#[derive(Deserialize)]
struct RawOperation {
    method: &'static str,
    uri: &'static str,
    status: Option<u16>,
    host_prefix: Option<&'static str>,
    #[serde(default)]
    unsigned: bool,
    #[serde(default)]
    unsigned_payload: bool,
    #[serde(default)]
    deprecated: bool,
    #[serde(default)]
    elsewhere: bool,
    input: Option<&'static str>,
    root: Option<&'static str>,
    #[serde(default)]
    errors: Vec<&'static str>,
    /// Whether the service has an action of this name.
    #[serde(default)]
    same: bool,
    actions: Option<Vec<&'static str>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
#[serde(untagged)]
enum RawShape {
    Plain(Kind),
    Full(Box<FullShape>),
}

#[derive(Deserialize)]
struct FullShape {
    r#type: Kind,
    #[serde(default)]
    members: BTreeMap<&'static str, RawMember>,
    payload: Option<&'static str>,
    member: Option<RawMember>,
    key: Option<RawMember>,
    value: Option<RawMember>,
    #[serde(default)]
    flattened: bool,
    entry: Option<&'static str>,
    timestamp: Option<&'static str>,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    streaming: bool,
    #[serde(default)]
    eventstream: bool,
    #[serde(default)]
    document: bool,
    #[serde(default)]
    union: bool,
    min: Option<u64>,
    max: Option<u64>,
    #[serde(rename = "enum", default)]
    values: Vec<&'static str>,
}

#[derive(Deserialize)]
struct RawMember {
    shape: &'static str,
    r#in: Option<RawLocation>,
    name: Option<&'static str>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    flattened: bool,
    #[serde(default)]
    token: bool,
    #[serde(default)]
    host_label: bool,
    #[serde(default)]
    json: bool,
    #[serde(default)]
    attribute: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum RawLocation {
    Uri,
    #[serde(rename = "querystring")]
    QueryString,
    Header,
    Headers,
}

/// Why a file is no model.
#[derive(Debug)]
#[expect(dead_code, reason = "shown where reading panics")]
pub(crate) enum Error {
    Json(serde_json::Error),
    NoShape(&'static str),
    NoMethod(&'static str),
    NoPrefix(&'static str),
    NoForm(&'static str),
}

/// The types of a file's shapes with their positions.
struct Names(HashMap<&'static str, (u32, Kind, bool)>);

pub(crate) fn model(service: Service, text: &'static str) -> Result<Model, Error> {
    let raw: RawModel = serde_json::from_str(text).map_err(Error::Json)?;
    let names = Names(
        (0..).zip(&raw.shapes).map(|(at, (name, shape))| (*name, shape.outline(at))).collect(),
    );
    let shapes = raw.shapes.into_iter().map(|(name, shape)| shape.named(name, &names));
    let mut shapes: Vec<Shape> = shapes.collect::<Result<_, _>>()?;
    let operations = raw.operations.into_iter().map(|(name, operation)| {
        let input = match operation.input {
            None => None,
            Some(input) => {
                let (position, ..) = names.get(input)?;
                usize::try_from(position).ok().and_then(|at| shapes.get(at))
            }
        };
        operation.named(service, name, input)
    });
    let mut operations: Vec<Operation> = operations.collect::<Result<_, _>>()?;
    // What is collected grew as it came, and a model stays as long as the program.
    operations.shrink_to_fit();
    shapes.shrink_to_fit();
    Ok(Model { errors: raw.errors, operations, shapes, rules: raw.rules, roles: OnceLock::new() })
}

impl Names {
    fn get(&self, name: &'static str) -> Result<(u32, Kind, bool), Error> {
        self.0.get(name).copied().ok_or(Error::NoShape(name))
    }
}

impl RawShape {
    fn outline(&self, position: u32) -> (u32, Kind, bool) {
        match self {
            Self::Plain(kind) => (position, *kind, false),
            Self::Full(shape) => (position, shape.r#type, shape.flattened),
        }
    }

    fn named(self, name: &'static str, names: &Names) -> Result<Shape, Error> {
        let mut full = match self {
            Self::Full(full) => *full,
            Self::Plain(r#type) => FullShape {
                r#type,
                members: BTreeMap::new(),
                payload: None,
                member: None,
                key: None,
                value: None,
                flattened: false,
                entry: None,
                timestamp: None,
                sensitive: false,
                streaming: false,
                eventstream: false,
                document: false,
                union: false,
                min: None,
                max: None,
                values: Vec::new(),
            },
        };
        let form = match (full.r#type, full.member, full.key, full.value) {
            (Kind::Structure, None, None, None) => Form::Structure(
                full.members
                    .into_iter()
                    .map(|(name, member)| {
                        let payload = full.payload == Some(name);
                        member.named(name, name, payload, names)
                    })
                    .collect::<Result<Arc<[_]>, _>>()?,
            ),
            (Kind::List, Some(member), None, None) => {
                Form::List(member.named("member", "member", false, names)?)
            }
            (Kind::Map, None, Some(key), Some(value)) => Form::Map {
                key: key.named("key", "key", false, names)?,
                value: value.named("value", "value", false, names)?,
            },
            (Kind::List | Kind::Map | Kind::Structure, ..) => return Err(Error::NoForm(name)),
            (_, None, None, None) => Form::Scalar,
            _ => return Err(Error::NoForm(name)),
        };
        full.values.shrink_to_fit();
        Ok(Shape {
            name,
            kind: full.r#type,
            form,
            flattened: full.flattened,
            entry: full.entry,
            timestamp: full.timestamp,
            sensitive: full.sensitive,
            streaming: full.streaming,
            event_stream: full.eventstream,
            document: full.document,
            union: full.union,
            min: full.min,
            max: full.max,
            values: full.values,
        })
    }
}

impl RawMember {
    fn named(
        self,
        name: &'static str,
        wire: &'static str,
        payload: bool,
        names: &Names,
    ) -> Result<Member, Error> {
        let (shape, kind, flattened) = names.get(self.shape)?;
        let location = match self.r#in {
            _ if payload => Location::Payload,
            None => Location::Body,
            Some(RawLocation::Uri) => Location::Uri,
            Some(RawLocation::QueryString) => Location::QueryString,
            Some(RawLocation::Header) => Location::Header,
            Some(RawLocation::Headers) => Location::Headers,
        };
        Ok(Member {
            name,
            wire: self.name.unwrap_or(wire),
            shape,
            kind,
            location,
            required: self.required,
            flattened: flattened || self.flattened,
            idempotency_token: self.token,
            host_label: self.host_label,
            json: self.json,
            attribute: self.attribute,
        })
    }
}

impl RawOperation {
    fn named(
        self,
        service: Service,
        name: &'static str,
        input: Option<&Shape>,
    ) -> Result<Operation, Error> {
        let members = match input.map(|shape| &shape.form) {
            Some(Form::Structure(members)) => Arc::clone(members),
            _ => Arc::default(),
        };
        let actions = match (self.same, self.actions) {
            (true, _) => {
                let prefix = service.iam_prefix().ok_or(Error::NoPrefix(name))?;
                Some(vec![ActionName { prefix, name }])
            }
            (false, None) => None,
            (false, Some(actions)) => Some(
                actions
                    .into_iter()
                    .map(|action| {
                        let (prefix, name) = action.split_once(':').ok_or(Error::NoPrefix(name))?;
                        Ok(ActionName { prefix, name })
                    })
                    .collect::<Result<_, _>>()?,
            ),
        };
        Ok(Operation {
            service,
            name,
            method: http::Method::from_bytes(self.method.as_bytes())
                .map_err(|_| Error::NoMethod(name))?,
            uri: self.uri,
            status: self.status.unwrap_or(200),
            host_prefix: self.host_prefix,
            unsigned: self.unsigned,
            unsigned_payload: self.unsigned_payload,
            deprecated: self.deprecated,
            elsewhere: self.elsewhere,
            members,
            root: self.root,
            errors: self.errors,
            actions,
            needs: OnceLock::new(),
        })
    }
}

//! The API of each service, from botocore's models: what is needed to tell a
//! request and read its input, how long its lists may be, the values of
//! enumerations, and the errors. Documentation, outputs and, but for [`BOUNDED`], the bounds
//! of values are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Cursor, Read};

use anyhow::Context;
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::inputs::Input;
use crate::tree::Tree;

/// The services of which the bounds of texts and numbers are kept: those that the guard
/// checks.
const BOUNDED: &[&str] = &["iam"];

#[derive(Deserialize)]
struct RawService {
    metadata: Metadata,
    operations: BTreeMap<String, RawOperation>,
    shapes: BTreeMap<String, RawShape>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    endpoint_prefix: String,
    protocol: String,
    protocols: Option<Vec<String>>,
    service_full_name: String,
    service_id: String,
    signature_version: String,
    #[serde(default)]
    auth: Vec<String>,
    signing_name: Option<String>,
    json_version: Option<String>,
    target_prefix: Option<String>,
    global_endpoint: Option<String>,
    xml_namespace: Option<Value>,
    aws_query_compatible: Option<Value>,
}

#[derive(Deserialize)]
struct RawOperation {
    http: Http,
    input: Option<Root>,
    #[serde(default)]
    errors: Vec<Reference>,
    endpoint: Option<Endpoint>,
    authtype: Option<String>,
    #[serde(default)]
    deprecated: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    request_uri: String,
    response_code: Option<u16>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Root {
    shape: String,
    location_name: Option<String>,
    xml_namespace: Option<Value>,
}

#[derive(Deserialize)]
struct Reference {
    shape: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    host_prefix: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawShape {
    r#type: String,
    #[serde(default)]
    members: BTreeMap<String, RawMember>,
    #[serde(default)]
    required: Vec<String>,
    payload: Option<String>,
    member: Option<RawMember>,
    key: Option<RawMember>,
    value: Option<RawMember>,
    #[serde(default)]
    flattened: bool,
    location_name: Option<String>,
    timestamp_format: Option<String>,
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
    min: Option<Number>,
    max: Option<Number>,
    #[serde(rename = "enum", default)]
    values: Vec<String>,
    error: Option<RawError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMember {
    shape: String,
    location: Option<String>,
    location_name: Option<String>,
    query_name: Option<String>,
    #[serde(default)]
    flattened: bool,
    #[serde(default)]
    idempotency_token: bool,
    #[serde(default)]
    host_label: bool,
    #[serde(default)]
    jsonvalue: bool,
    #[serde(default)]
    xml_attribute: bool,
    #[serde(default)]
    streaming: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawError {
    code: Option<String>,
    http_status_code: Option<u16>,
}

#[derive(Serialize)]
struct Operation<'a> {
    method: &'a str,
    uri: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_prefix: Option<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    unsigned: bool,
    #[serde(skip_serializing_if = "is_false")]
    unsigned_payload: bool,
    #[serde(skip_serializing_if = "is_false")]
    deprecated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<&'a str>,
}

#[derive(Serialize)]
struct ErrorShape<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// What its message is called: `message`, `Message`.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

#[derive(Serialize)]
struct Shape<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    members: BTreeMap<&'a str, Member<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<Member<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Member<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Member<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    flattened: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    sensitive: bool,
    #[serde(skip_serializing_if = "is_false")]
    streaming: bool,
    #[serde(skip_serializing_if = "is_false")]
    eventstream: bool,
    #[serde(skip_serializing_if = "is_false")]
    document: bool,
    #[serde(skip_serializing_if = "is_false")]
    union: bool,
    /// The least length of a text, the least of a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<u64>,
    /// How many items a list or a map may have; the most of a text or a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u64>,
    /// The values that a text may have.
    #[serde(rename = "enum", skip_serializing_if = "<[_]>::is_empty")]
    values: &'a [String],
}

#[derive(Serialize)]
struct Member<'a> {
    shape: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#in: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_name: Option<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    required: bool,
    #[serde(skip_serializing_if = "is_false")]
    flattened: bool,
    #[serde(skip_serializing_if = "is_false")]
    token: bool,
    #[serde(skip_serializing_if = "is_false")]
    host_label: bool,
    #[serde(skip_serializing_if = "is_false")]
    json: bool,
    #[serde(skip_serializing_if = "is_false")]
    attribute: bool,
    #[serde(skip_serializing_if = "is_false")]
    streaming: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
pub(crate) fn is_false(value: &bool) -> bool {
    !*value
}

pub(crate) fn array<'a>(items: impl IntoIterator<Item = &'a str>) -> Value {
    Value::Array(items.into_iter().map(Value::from).collect())
}

/// One file a service, of the newest version of its API.
pub(crate) fn make(botocore: &Input, made: &mut Tree) -> anyhow::Result<()> {
    let mut archive = zip::ZipArchive::new(Cursor::new(&botocore.bytes))?;
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in archive.file_names() {
        let path = path?;
        let mut parts = path.split('/');
        if let (
            Some("botocore"),
            Some("data"),
            Some(id),
            Some(version),
            Some("service-2.json.gz"),
            None,
        ) = (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        {
            versions.entry(id.to_owned()).or_default().insert(version.to_owned());
        }
    }
    for (id, versions) in &versions {
        let newest = versions.last().context("no version")?;
        let path = format!("botocore/data/{id}/{newest}/service-2.json.gz");
        let mut text = Vec::new();
        GzDecoder::new(archive.by_name(&path)?).read_to_end(&mut text).context(path.clone())?;
        let service: RawService = serde_json::from_slice(&text).context(path.clone())?;
        let text = service.text(id, versions, &botocore.name).context(path)?;
        made.put(format!("services/{id}.json"), text);
    }
    Ok(())
}

impl RawService {
    fn text(&self, id: &str, versions: &BTreeSet<String>, source: &str) -> anyhow::Result<String> {
        let of = &self.metadata;
        let listed = [of.protocol.clone()];
        let protocols = of.protocols.as_deref().unwrap_or(&listed);
        let signing_name = of.signing_name.as_deref().unwrap_or(&of.endpoint_prefix);
        // REST with XML says it with each input instead.
        let inputs = self.operations.values().filter_map(|operation| operation.input.as_ref());
        let of_inputs = inputs.filter_map(|input| input.xml_namespace.as_ref()).next();
        let namespace = of.xml_namespace.as_ref().or(of_inputs).map(|value| match value {
            Value::Object(object) => object.get("uri").cloned().unwrap_or_default(),
            value => value.clone(),
        });
        let mut head = vec![
            ("id", Value::from(id)),
            ("name", of.service_full_name.as_str().into()),
            ("sources", array([source])),
            ("sdk_id", of.service_id.as_str().into()),
            ("api_versions", array(versions.iter().rev().map(String::as_str))),
            ("protocols", array(protocols.iter().map(String::as_str))),
            ("signature", of.signature_version.as_str().into()),
            ("signing_name", signing_name.into()),
            ("endpoint_prefix", of.endpoint_prefix.as_str().into()),
        ];
        let optional = [
            ("auth", (!of.auth.is_empty()).then(|| array(of.auth.iter().map(String::as_str)))),
            ("global_endpoint", of.global_endpoint.as_deref().map(Value::from)),
            ("target_prefix", of.target_prefix.as_deref().map(Value::from)),
            ("json_version", of.json_version.as_deref().map(Value::from)),
            ("xml_namespace", namespace),
            ("query_compatible", of.aws_query_compatible.is_some().then_some(Value::Bool(true))),
        ];
        head.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let mut operations = BTreeMap::new();
        for (name, operation) in &self.operations {
            let mut stripped = operation.stripped();
            for error in &mut stripped.errors {
                *error = self.code(error)?;
            }
            operations.insert(name.clone(), serde_json::to_value(stripped)?);
        }
        let bounded = BOUNDED.contains(&id);
        let mut shapes = BTreeMap::new();
        for name in self.inputs()? {
            shapes.insert(name.to_owned(), self.shape(name)?.value(bounded)?);
        }
        lines(&head, &[("errors", self.errors()?), ("operations", operations), ("shapes", shapes)])
    }

    /// What an error is called on the wire. In XML it may have a code of its own;
    /// other protocols say its name
    /// (<https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsqueryerror-trait>).
    fn code<'a>(&'a self, name: &'a str) -> anyhow::Result<&'a str> {
        let of = &self.metadata;
        let xml = |protocol: &str| matches!(protocol, "query" | "ec2" | "rest-xml");
        let listed = of.protocols.as_deref().unwrap_or_default();
        if !xml(&of.protocol) || !listed.iter().all(|protocol| xml(protocol)) {
            return Ok(name);
        }
        let error = self.shape(name)?.error.as_ref();
        Ok(error.and_then(|error| error.code.as_deref()).unwrap_or(name))
    }

    /// The errors that an operation names.
    fn errors(&self) -> anyhow::Result<BTreeMap<String, Value>> {
        let mut errors = BTreeMap::new();
        for name in self.operations.values().flat_map(|operation| &operation.errors) {
            let shape = self.shape(&name.shape)?;
            let of = shape.error.as_ref();
            let stripped = ErrorShape {
                status: of.and_then(|error| error.http_status_code),
                message: shape
                    .members
                    .keys()
                    .map(String::as_str)
                    .find(|name| name.eq_ignore_ascii_case("message")),
            };
            errors.insert(self.code(&name.shape)?.to_owned(), serde_json::to_value(stripped)?);
        }
        Ok(errors)
    }

    fn shape(&self, name: &str) -> anyhow::Result<&RawShape> {
        self.shapes.get(name).with_context(|| format!("the shape `{name}` is missing"))
    }

    /// The shapes that inputs consist of.
    fn inputs(&self) -> anyhow::Result<BTreeSet<&str>> {
        let mut found = BTreeSet::new();
        let inputs = self.operations.values().filter_map(|operation| operation.input.as_ref());
        let mut open: Vec<&str> = inputs.map(|input| input.shape.as_str()).collect();
        while let Some(name) = open.pop() {
            if found.insert(name) {
                let shape = self.shape(name)?;
                let parts = [&shape.member, &shape.key, &shape.value];
                let parts = parts.into_iter().flatten().chain(shape.members.values());
                open.extend(parts.map(|member| member.shape.as_str()));
            }
        }
        Ok(found)
    }
}

impl RawOperation {
    fn stripped(&self) -> Operation<'_> {
        Operation {
            method: &self.http.method,
            uri: &self.http.request_uri,
            status: self.http.response_code.filter(|status| *status != 200),
            host_prefix: self.endpoint.as_ref().and_then(|it| it.host_prefix.as_deref()),
            unsigned: self.authtype.as_deref() == Some("none"),
            unsigned_payload: self.authtype.as_deref() == Some("v4-unsigned-body"),
            deprecated: self.deprecated,
            input: self.input.as_ref().map(|input| input.shape.as_str()),
            root: self.input.as_ref().and_then(|input| input.location_name.as_deref()),
            errors: self.errors.iter().map(|error| error.shape.as_str()).collect(),
        }
    }
}

impl RawShape {
    /// A shape of which its type says everything is that type's name.
    fn value(&self, bounded: bool) -> anyhow::Result<Value> {
        let value = serde_json::to_value(self.stripped(bounded))?;
        Ok(match value.as_object() {
            Some(object) if object.len() == 1 => self.r#type.as_str().into(),
            _ => value,
        })
    }

    fn stripped(&self, bounded: bool) -> Shape<'_> {
        let members = self
            .members
            .iter()
            .map(|(name, member)| (name.as_str(), member.stripped(self.required.contains(name))));
        Shape {
            r#type: &self.r#type,
            members: members.collect(),
            payload: self.payload.as_deref(),
            member: self.member.as_ref().map(|member| member.stripped(false)),
            key: self.key.as_ref().map(|member| member.stripped(false)),
            value: self.value.as_ref().map(|member| member.stripped(false)),
            flattened: self.flattened,
            name: self.location_name.as_deref(),
            timestamp: self.timestamp_format.as_deref(),
            sensitive: self.sensitive,
            streaming: self.streaming,
            eventstream: self.eventstream,
            document: self.document,
            union: self.union,
            min: self
                .min
                .as_ref()
                .filter(|_| bounded && !self.has_items())
                .and_then(Number::as_u64),
            max: self.max.as_ref().filter(|_| bounded || self.has_items()).and_then(Number::as_u64),
            values: &self.values,
        }
    }

    fn has_items(&self) -> bool {
        matches!(self.r#type.as_str(), "list" | "map")
    }
}

impl RawMember {
    fn stripped(&self, required: bool) -> Member<'_> {
        Member {
            shape: &self.shape,
            r#in: self.location.as_deref(),
            name: self.location_name.as_deref(),
            query_name: self.query_name.as_deref(),
            required,
            flattened: self.flattened,
            token: self.idempotency_token,
            host_label: self.host_label,
            json: self.jsonvalue,
            attribute: self.xml_attribute,
            streaming: self.streaming,
        }
    }
}

/// A JSON object of single values and of maps, each entry on a line of its own.
pub(crate) fn lines(
    head: &[(&str, Value)],
    maps: &[(&str, BTreeMap<String, Value>)],
) -> anyhow::Result<String> {
    let mut entries = Vec::new();
    for (name, value) in head {
        entries.push(format!("{}:{value}", Value::from(*name)));
    }
    for (name, map) in maps.iter().filter(|(_, map)| !map.is_empty()) {
        let mut text = format!("{}:{{", Value::from(*name));
        for (index, (key, value)) in map.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(text, "{comma}\n{}:{value}", Value::from(key.as_str()))?;
        }
        text.push_str("\n}");
        entries.push(text);
    }
    Ok(format!("{{\n{}\n}}\n", entries.join(",\n")))
}

//! A call, written as a client writes it: the inverse of [`crate::identify`].

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use serde_json::{Map, Value};

use crate::operation::{Form, Kind, Location, Member, Operation, Protocol};
use crate::xml::{self, Lists};
use crate::{ServiceError, cbor, route, text};

/// The namespace of S3's documents.
const S3_NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// Writes the request of an operation to an endpoint, unsigned. S3 buckets
/// stand in the path.
///
/// # Errors
/// When the input lacks a member that the path needs, has one that the
/// operation does not know, or one that fits no header.
pub fn encode(
    operation: &Operation,
    input: &Map<String, Value>,
    payload: Option<Bytes>,
    endpoint: &Uri,
) -> Result<Request<Bytes>, ServiceError> {
    let mut draft = Draft { operation, input, query: Vec::new(), headers: HeaderMap::new() };
    draft.check_members()?;
    let body = match operation.service.protocol() {
        Protocol::Query | Protocol::Ec2 => draft.form(),
        Protocol::Json => draft.json(),
        Protocol::Cbor => draft.cbor(),
        Protocol::RestJson => draft.rest_json(payload)?,
        Protocol::RestXml => draft.rest_xml(payload)?,
    };
    let uri = draft.uri(endpoint)?;
    let mut request = Request::new(body);
    *request.method_mut() = method(operation);
    *request.uri_mut() = uri;
    *request.headers_mut() = draft.headers;
    Ok(request)
}

/// The query and JSON protocols are always POST.
fn method(operation: &Operation) -> Method {
    match operation.service.protocol() {
        Protocol::RestJson | Protocol::RestXml => operation.method.clone(),
        Protocol::Query | Protocol::Ec2 | Protocol::Json | Protocol::Cbor => Method::POST,
    }
}

/// A request that is being written.
struct Draft<'a> {
    operation: &'a Operation,
    input: &'a Map<String, Value>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
}

impl Draft<'_> {
    fn fault(&self, message: String) -> ServiceError {
        ServiceError::validation(self.operation.service, message)
    }

    fn check_members(&self) -> Result<(), ServiceError> {
        let unknown = self.input.keys().find(|name| self.operation.member(name).is_none());
        unknown.map_or(Ok(()), |name| {
            Err(self.fault(format!("{} has no member `{name}`", self.operation.name)))
        })
    }

    /// The members of a place that have a value.
    fn given(&self, place: Location) -> impl Iterator<Item = (&Member, &Value)> {
        self.operation.members_in(place).filter_map(|member| {
            let value = self.input.get(member.name).filter(|value| !value.is_null())?;
            Some((member, value))
        })
    }

    fn form(&mut self) -> Bytes {
        let mut pairs = vec![
            ("Action".to_owned(), self.operation.name.to_owned()),
            ("Version".to_owned(), self.operation.service.api_version().to_owned()),
        ];
        let ec2 = self.operation.service.protocol() == Protocol::Ec2;
        for (member, value) in self.given(Location::Body) {
            if ec2 {
                flatten(&mut pairs, member.wire, value, "");
            } else {
                self.parameters(&mut pairs, self.parameter(member), member, value);
            }
        }
        let content_type = "application/x-www-form-urlencoded; charset=utf-8";
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        joined(&pairs).into()
    }

    /// The name of a member's parameters: a flattened list whose items have a
    /// name goes by it.
    fn parameter(&self, member: &Member) -> &'static str {
        match self.form_of(member) {
            Some(Form::List(item)) if member.flattened && item.wire != "member" => item.wire,
            _ => member.wire,
        }
    }

    fn form_of(&self, member: &Member) -> Option<&'static Form> {
        self.operation.service.model().shape_of(member).map(|shape| &shape.form)
    }

    /// Writes a value of the query protocol by its shape, which names the items
    /// of lists and the entries of maps
    /// (<https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>).
    fn parameters(
        &self,
        pairs: &mut Vec<(String, String)>,
        name: &str,
        member: &Member,
        value: &Value,
    ) {
        match (self.form_of(member), value) {
            (Some(Form::List(item)), Value::Array(items)) if !items.is_empty() => {
                let list = if member.flattened {
                    name.to_owned()
                } else {
                    format!("{name}.{}", item.wire)
                };
                for (index, value) in items.iter().enumerate() {
                    self.parameters(pairs, &format!("{list}.{}", index + 1), item, value);
                }
            }
            (Some(Form::Map { key, value: of }), Value::Object(entries)) => {
                let entry = if member.flattened { "" } else { "entry." };
                for (index, (own, value)) in entries.iter().enumerate() {
                    let start = format!("{name}.{entry}{}", index + 1);
                    pairs.push((format!("{start}.{}", key.wire), own.clone()));
                    self.parameters(pairs, &format!("{start}.{}", of.wire), of, value);
                }
            }
            (Some(Form::Structure(members)), Value::Object(fields)) => {
                for (own, value) in fields {
                    match members.iter().find(|it| it.wire == own || it.name == own) {
                        Some(member) => {
                            let name = format!("{name}.{}", self.parameter(member));
                            self.parameters(pairs, &name, member, value);
                        }
                        None => flatten(pairs, &format!("{name}.{own}"), value, "member."),
                    }
                }
            }
            (_, value) => flatten(pairs, name, value, "member."),
        }
    }

    fn json(&mut self) -> Bytes {
        let prefix = self.operation.service.target_prefix().unwrap_or_default();
        let target = format!("{prefix}.{}", self.operation.name);
        if let Ok(target) = HeaderValue::from_str(&target) {
            self.headers.insert(HeaderName::from_static("x-amz-target"), target);
        }
        let content_type = crate::error::json_content_type(self.operation.service);
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.object().to_string().into()
    }

    fn cbor(&mut self) -> Bytes {
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/cbor"));
        let protocol = HeaderName::from_static("smithy-protocol");
        self.headers.insert(protocol, HeaderValue::from_static("rpc-v2-cbor"));
        cbor::encode(&self.object()).into()
    }

    /// The members of a JSON body, by their wire names.
    fn object(&self) -> Value {
        self.given(Location::Body)
            .map(|(member, value)| (member.wire.to_owned(), value.clone()))
            .collect::<Map<_, _>>()
            .into()
    }

    fn rest_json(&mut self, payload: Option<Bytes>) -> Result<Bytes, ServiceError> {
        self.write_query();
        self.write_headers()?;
        if let Some(payload) = payload {
            return Ok(payload);
        }
        let document = self.given(Location::Payload).next().map(|(_, value)| value.to_string());
        if let Some(document) = document {
            self.json_body();
            return Ok(document.into());
        }
        let object = self.object();
        if object.as_object().is_none_or(Map::is_empty) {
            return Ok(Bytes::new());
        }
        self.json_body();
        Ok(object.to_string().into())
    }

    fn json_body(&mut self) {
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }

    fn rest_xml(&mut self, payload: Option<Bytes>) -> Result<Bytes, ServiceError> {
        self.write_query();
        self.write_headers()?;
        if let Some(payload) = payload {
            return Ok(payload);
        }
        if let Some((member, value)) = self.given(Location::Payload).next() {
            if let (Kind::String, Value::String(text)) = (member.kind, value) {
                return Ok(text.clone().into());
            }
            return Ok(document(member.wire, value).into());
        }
        let body: Map<String, Value> = self
            .given(Location::Body)
            .map(|(member, value)| (member.wire.to_owned(), value.clone()))
            .collect();
        if body.is_empty() {
            return Ok(Bytes::new());
        }
        Ok(document(&format!("{}Request", self.operation.name), &body.into()).into())
    }

    fn write_query(&mut self) {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (member, value) in self.given(Location::QueryString) {
            match value {
                Value::Array(items) => {
                    pairs.extend(items.iter().map(|item| (member.wire.to_owned(), plain(item))))
                }
                // A map is the parameters themselves (`PutRestApi`, `parameters`).
                Value::Object(map) => {
                    pairs.extend(map.iter().map(|(name, value)| (name.clone(), plain(value))))
                }
                value => pairs.push((member.wire.to_owned(), plain(value))),
            }
        }
        self.query.extend(pairs);
    }

    fn write_headers(&mut self) -> Result<(), ServiceError> {
        let mut lines: Vec<(String, String)> = Vec::new();
        for (member, value) in self.given(Location::Header) {
            // The transport says how long the body is.
            if member.wire.eq_ignore_ascii_case("content-length") {
                continue;
            }
            let text = match value {
                Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
                value => plain(value),
            };
            lines.push((member.wire.to_owned(), text));
        }
        for (member, value) in self.given(Location::Headers) {
            for (name, value) in value.as_object().into_iter().flatten() {
                lines.push((format!("{}{name}", member.wire), plain(value)));
            }
        }
        for (name, text) in lines {
            let (Ok(key), Ok(value)) =
                (HeaderName::try_from(name.as_str()), HeaderValue::from_bytes(text.as_bytes()))
            else {
                return Err(self.fault(format!("the value of `{name}` fits no header")));
            };
            self.headers.insert(key, value);
        }
        Ok(())
    }

    fn uri(&self, endpoint: &Uri) -> Result<Uri, ServiceError> {
        let mut target = endpoint.path().trim_end_matches('/').to_owned();
        target.push_str(&self.path()?);
        let fixed =
            self.operation.fixed_query().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let pairs: Vec<(String, String)> = match self.operation.service.protocol() {
            Protocol::RestJson | Protocol::RestXml => {
                fixed.chain(self.query.iter().cloned()).collect()
            }
            _ => Vec::new(),
        };
        if !pairs.is_empty() {
            target.push('?');
            target.push_str(&joined(&pairs));
        }
        let mut parts = endpoint.clone().into_parts();
        parts.path_and_query = Some(
            target
                .parse()
                .map_err(|_| self.fault(format!("`{target}` is no path of a request")))?,
        );
        Uri::from_parts(parts).map_err(|error| self.fault(error.to_string()))
    }

    fn path(&self) -> Result<String, ServiceError> {
        let service = self.operation.service;
        let mut path = match service.protocol() {
            Protocol::RestJson | Protocol::RestXml => self.operation.path().to_owned(),
            Protocol::Cbor => {
                let prefix = service.target_prefix().unwrap_or_default();
                return Ok(format!("/service/{prefix}/operation/{}", self.operation.name));
            }
            Protocol::Query | Protocol::Ec2 | Protocol::Json => return Ok("/".to_owned()),
        };
        for (_, label, greedy) in route::labels(self.operation) {
            let value = self
                .given(Location::Uri)
                .find(|(member, _)| member.wire == label)
                .map(|(_, value)| plain(value))
                .filter(|value| !value.is_empty())
                .ok_or_else(|| {
                    self.fault(format!("{} needs the member `{label}`", self.operation.name))
                })?;
            path = if greedy {
                path.replace(&format!("{{{label}+}}"), &text::encode_path(&value))
            } else {
                path.replace(&format!("{{{label}}}"), &text::encode(&value))
            };
        }
        Ok(path)
    }
}

/// Writes a value of the query protocols under its name.
fn flatten(pairs: &mut Vec<(String, String)>, name: &str, value: &Value, list: &str) {
    match value {
        Value::Null => {}
        // How botocore says that a list is there and empty.
        Value::Array(items) if items.is_empty() => pairs.push((name.to_owned(), String::new())),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(pairs, &format!("{name}.{list}{}", index + 1), item, list);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                flatten(pairs, &format!("{name}.{key}"), member, list);
            }
        }
        value => pairs.push((name.to_owned(), plain(value))),
    }
}

/// A value as text: strings as they are, numbers and booleans as JSON's.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn joined(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", text::encode(name), text::encode(value)))
        .collect();
    pairs.join("&")
}

fn document(root: &str, value: &Value) -> String {
    let mut out = format!("<{root} xmlns=\"{S3_NAMESPACE}\">");
    xml::write_content(&mut out, value, Lists::S3);
    out.push_str(&format!("</{root}>"));
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Service, identify};

    #[test]
    fn a_map_of_the_query_protocol_is_written_as_its_entries() {
        let operation = Operation::find(Service::Iam, "PutAccountProperties").unwrap();
        let input = json!({"Properties": {"a": "1", "b": ""}});
        let input = input.as_object().unwrap();
        let request = encode(operation, input, None, &Uri::from_static("http://h/")).unwrap();
        let (parts, body) = request.into_parts();
        assert!(body.ends_with(
            b"&Properties.entry.1.key=a&Properties.entry.1.value=1\
              &Properties.entry.2.key=b&Properties.entry.2.value="
        ));
        let call = identify::identify(&parts, &body, "").unwrap();
        assert_eq!((call.name(), &call.input), ("PutAccountProperties", input));
    }

    /// RDS and ElastiCache name the items of their lists.
    #[test]
    fn a_list_of_the_query_protocol_is_written_with_its_items_name() {
        let operation = Operation::find(Service::of("rds").unwrap(), "CreateDBCluster").unwrap();
        let input = json!({
            "DBClusterIdentifier": "c",
            "Engine": "docdb",
            "VpcSecurityGroupIds": ["sg-1"],
            "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}],
        });
        let input = input.as_object().unwrap();
        let request = encode(operation, input, None, &Uri::from_static("http://h/")).unwrap();
        let (parts, body) = request.into_parts();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.contains("&VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1"), "{text}");
        let tags = "&Tags.Tag.1.Key=a&Tags.Tag.1.Value=1&Tags.Tag.2.Key=b&Tags.Tag.2.Value=2";
        assert!(text.contains(tags), "{text}");
        let call = identify::identify(&parts, &body, "").unwrap();
        assert_eq!((call.name(), &call.input), ("CreateDBCluster", input));
    }
}

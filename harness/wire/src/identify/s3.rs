//! S3: buckets in the path or in the host, objects by the rest of the path,
//! operations that share both told apart by query and headers, XML bodies.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::form::Read;
use super::input;
use super::refusal::Refusal;
use super::rest;
use super::view::View;
use crate::operation::{Kind, Location, Operation, Service};
use crate::route::Routes;
use crate::signature::chunked;
use crate::text;
use crate::xml::{self, Lists};

/// The operations that take a document and can do without it: what it says may
/// stand in headers, or has a default.
const BODILESS: [&str; 6] = [
    "CompleteMultipartUpload",
    "CreateBucket",
    "PutBucketAcl",
    "PutObjectAcl",
    "PutObjectRetention",
    "RestoreObject",
];

/// Reads an S3 request; `host_bucket` is the bucket of a virtual host.
pub(super) fn read(view: &View<'_>, host_bucket: Option<&str>) -> Result<Read, Refusal> {
    let place = Place::read(view.parts.uri.path(), host_bucket)?;
    let path: Vec<String> = place.bucket.iter().chain(&place.key).cloned().collect();
    // A key may hold anything, so routing sees one segment of it.
    let candidates = Routes::of(Service::S3).find(&view.parts.method, &path);
    let operation = rest::choose(view, Service::S3, candidates)?;
    let mut input = Map::new();
    for (name, value) in [("Bucket", place.bucket), ("Key", place.key)] {
        if let Some(value) = value {
            input.insert(name.to_owned(), Value::String(value));
        }
    }
    rest::read_query(view, operation, &mut input)?;
    rest::read_headers(view, operation, &mut input)?;
    drop_framing(&mut input);
    let payload = read_body(view, operation, &mut input)?;
    Ok((operation, input, payload))
}

/// `aws-chunked` frames the request; the object is not encoded with it.
fn drop_framing(input: &mut Map<String, Value>) {
    let Some(Value::String(codings)) = input.get_mut("ContentEncoding") else { return };
    let kept: Vec<&str> = codings
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    *codings = kept.join(",");
    if codings.is_empty() {
        input.shift_remove("ContentEncoding");
    }
}

/// What the path names.
struct Place {
    bucket: Option<String>,
    key: Option<String>,
}

impl Place {
    fn read(path: &str, host_bucket: Option<&str>) -> Result<Self, Refusal> {
        // Readers of URLs take it for a slash (WHATWG URL, "path state"), and
        // resolve dot segments behind it. A key may hold it as `%5C`.
        if path.contains('\\') {
            return Err(Refusal::Request(
                "the path has a backslash that is not encoded".to_owned(),
            ));
        }
        let path = path.strip_prefix('/').unwrap_or(path);
        let (bucket, key) = match host_bucket {
            Some(bucket) => (bucket, path),
            None => path.split_once('/').unwrap_or((path, "")),
        };
        let decode =
            |text: &str| text::decode(text).map_err(|error| Refusal::encoding("path", error));
        let bucket = Some(decode(bucket)?).filter(|bucket| !bucket.is_empty());
        let key = Some(decode(key)?).filter(|key| !key.is_empty());
        if let Some(bucket) = &bucket
            && !is_bucket_name(bucket)
        {
            return Err(Refusal::Input(format!("the bucket name `{bucket}` is not valid")));
        }
        if bucket.is_none() && key.is_some() {
            return Err(Refusal::Request("the path names a key but no bucket".to_owned()));
        }
        // Clients and proxies resolve these to another object, or bucket.
        if let Some(key) = &key
            && key.split('/').any(|segment| matches!(segment, "." | ".."))
        {
            return Err(Refusal::Request("the key has a dot segment".to_owned()));
        }
        Ok(Self { bucket, key })
    }
}

/// Bucket names, with the letters that the oldest ones may have.
fn is_bucket_name(name: &str) -> bool {
    (3..=255).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn read_body(
    view: &View<'_>,
    operation: &Operation,
    input: &mut Map<String, Value>,
) -> Result<Option<Bytes>, Refusal> {
    let body = if chunked::is_chunked(view.headers()) {
        chunked::decode(view.headers(), view.body)
            .map_err(|error| Refusal::Request(error.to_string()))?
            .body
    } else {
        view.body.clone()
    };
    if body.is_empty() {
        let wants_document = operation.payload().is_some_and(|member| {
            member.kind == Kind::Structure && !BODILESS.contains(&operation.name)
        });
        return if wants_document { Err(Refusal::EmptyBody) } else { Ok(None) };
    }
    match operation.payload() {
        Some(member) if member.kind == Kind::Blob => return Ok(Some(body)),
        Some(member) if member.kind == Kind::String => {
            let text = String::from_utf8(body.to_vec())
                .map_err(|_| Refusal::Request("the body is not UTF-8".to_owned()))?;
            input.insert(member.name.to_owned(), Value::String(text));
        }
        Some(member) => {
            let value = xml::value(&document(&body, member.wire)?, Lists::S3);
            // An empty document is a structure without members.
            let value = if value.as_str() == Some("") { Value::Object(Map::new()) } else { value };
            input.insert(member.name.to_owned(), input::checked(member, value)?);
        }
        None if operation.members_in(Location::Body).next().is_some() => {
            let root = document(&body, &format!("{}Request", operation.name))?;
            if let Value::Object(members) = xml::value(&root, Lists::S3) {
                for (name, value) in members {
                    let member = operation
                        .members_in(Location::Body)
                        .find(|member| member.wire == name)
                        .ok_or_else(|| input::unknown(operation, "member", &name))?;
                    input.insert(member.name.to_owned(), input::checked(member, value)?);
                }
            }
        }
        // S3 passes over the body of a read (recorded on AWS in LocalStack's
        // `test_get_object_ignores_request_body`), and it does not go upstream.
        None if matches!(view.parts.method.as_str(), "GET" | "HEAD") => {}
        None => {
            return Err(Refusal::Input(format!("{} takes no body", operation.name)));
        }
    }
    Ok(None)
}

fn document(body: &[u8], root: &str) -> Result<xml::Element, Refusal> {
    let document = xml::parse(body).map_err(|error| {
        Refusal::Request(format!("the XML of the body cannot be read: {error}"))
    })?;
    if document.name == root {
        Ok(document)
    } else {
        Err(Refusal::Request(format!(
            "the root element of the body is `{}`, not `{root}`",
            document.name
        )))
    }
}

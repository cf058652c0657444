//! S3's POST of an object, as browsers' forms send it
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html>): a
//! form of several parts, whose signed policy says what may stand in it.
//!
//! What is answered is as recorded on AWS in LocalStack's `TestS3PresignedPost`
//! (February 2026).

mod form;
mod policy;
mod signed;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::{ServiceError, text};

pub use form::Form;
pub use signed::{Signature, Version};

/// The bucket of a request that posts an object; nothing where it is none.
///
/// # Errors
/// `PreconditionFailed` where it posts to a bucket something other than a form.
pub fn bucket(parts: &Parts) -> Result<Option<String>, ServiceError> {
    let headers = &parts.headers;
    let is_other = headers.contains_key(header::AUTHORIZATION)
        || headers.contains_key("x-amz-target")
        || parts.uri.query().is_some_and(|query| !query.is_empty());
    if parts.method != Method::POST || is_other {
        return Ok(None);
    }
    let path = parts.uri.path().trim_start_matches('/').trim_end_matches('/');
    let Some(bucket) = text::decode(path).ok().filter(|it| !it.is_empty() && !it.contains('/'))
    else {
        return Ok(None);
    };
    if form::boundary(headers).is_some() {
        return Ok(Some(bucket));
    }
    Err(ServiceError::new(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
    )
    .with("Condition", "Bucket POST must be of the enclosure-type multipart/form-data"))
}

/// The upload that a form means: the request of `PutObject`, unsigned.
///
/// # Errors
/// When the form names no key, or a field fits no header.
pub fn upload(parts: &Parts, bucket: &str, form: &Form) -> Result<(Parts, Bytes), ServiceError> {
    const PLAIN: [&str; 6] = [
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-type",
        "expires",
    ];
    let key = form.key()?;
    let mut headers = HeaderMap::new();
    if let Some(host) = parts.headers.get(header::HOST) {
        headers.insert(header::HOST, host.clone());
    }
    if let Some(agent) = parts.headers.get(header::USER_AGENT) {
        headers.insert(header::USER_AGENT, agent.clone());
    }
    for (name, value) in form.fields() {
        let (name, value) = match name {
            "acl" => ("x-amz-acl", value.to_owned()),
            "tagging" => ("x-amz-tagging", form::tagging(value)?),
            name if PLAIN.contains(&name) => (name, value.to_owned()),
            name if name.starts_with("x-amz-") && !signed::is_of_signature(name) => {
                (name, value.to_owned())
            }
            _ => continue,
        };
        let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        else {
            return Err(ServiceError::new(
                400,
                "InvalidArgument",
                format!("The form field {name} fits no header"),
            ));
        };
        headers.insert(name, value);
    }
    let target = format!("/{bucket}/{}", text::encode_path(&key));
    let mut request = http::Request::new(());
    *request.method_mut() = Method::PUT;
    *request.uri_mut() = target.parse().map_err(|_| {
        ServiceError::new(400, "InvalidArgument", format!("The key `{key}` fits no path"))
    })?;
    *request.headers_mut() = headers;
    Ok((request.into_parts().0, form.file().clone()))
}

/// What a form asks to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Success {
    /// Nothing, with this status.
    Empty(u16),
    /// A document about the object, with status 201.
    Document,
    /// To go somewhere else.
    Redirect(String),
}

impl Success {
    /// What a form asks for. What is no address or status is passed over.
    pub fn of(form: &Form, bucket: &str, key: &str, etag: &str) -> Self {
        let asked = ["success_action_redirect", "redirect"];
        let redirect = asked.iter().find_map(|name| form.field(name));
        let is_address = |address: &&str| {
            let rest = address.strip_prefix("http://").or_else(|| address.strip_prefix("https://"));
            rest.is_some_and(|rest| !rest.is_empty()) && HeaderValue::from_str(address).is_ok()
        };
        if let Some(address) = redirect.filter(is_address) {
            let sign = if address.contains('?') { '&' } else { '?' };
            return Self::Redirect(format!(
                "{address}{sign}bucket={}&key={}&etag={}",
                text::encode(bucket),
                text::encode(key),
                text::encode(etag)
            ));
        }
        match form.field("success_action_status") {
            Some("200") => Self::Empty(200),
            Some("201") => Self::Document,
            _ => Self::Empty(204),
        }
    }
}

/// Where an object is, as the answer says it.
pub fn location(endpoint: &str, bucket: &str, key: &str) -> String {
    format!("{}/{bucket}/{}", endpoint.trim_end_matches('/'), text::encode_path(key))
}

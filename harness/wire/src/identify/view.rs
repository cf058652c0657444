//! A request's parts, decoded once and strictly.

use bytes::Bytes;
use http::HeaderMap;
use http::header;
use http::request::Parts;

use super::refusal::Refusal;
use crate::text;

/// The query parameters of a presigned request: part of its signature, not of
/// its input.
const SIGNATURE_PARAMETERS: [&str; 7] = [
    ALGORITHM,
    CREDENTIAL,
    "X-Amz-Date",
    "X-Amz-Expires",
    REGION_SET,
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
];

const ALGORITHM: &str = "X-Amz-Algorithm";
const CREDENTIAL: &str = "X-Amz-Credential";
/// Of a signature for several regions.
const REGION_SET: &str = "X-Amz-Region-Set";

/// A request, decoded.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) parts: &'a Parts,
    pub(super) body: &'a Bytes,
    /// The query parameters, in order, without those of a presigned signature.
    pub(super) query: Vec<(String, String)>,
    /// What a presigned URL says of its signature.
    pub(super) presigned: Option<Presigned>,
}

/// The signature of a presigned URL, as far as it tells what is called.
#[derive(Debug)]
pub(super) struct Presigned {
    pub(super) credential: String,
    pub(super) algorithm: Option<String>,
    pub(super) region_set: Option<String>,
}

impl<'a> View<'a> {
    pub(super) fn new(parts: &'a Parts, body: &'a Bytes) -> Result<Self, Refusal> {
        let pairs = text::pairs(parts.uri.query().unwrap_or_default())
            .map_err(|error| Refusal::encoding("query string", error))?;
        let (signature, query): (Vec<_>, Vec<_>) =
            pairs.into_iter().partition(|(name, _)| is_of_signature(name));
        for (index, (name, _)) in signature.iter().enumerate() {
            if signature.iter().skip(index + 1).any(|(other, _)| other == name) {
                return Err(repeated("query parameter", name));
            }
        }
        let find = |name: &str| {
            signature.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
        };
        let presigned = find(CREDENTIAL).map(|credential| Presigned {
            credential,
            algorithm: find(ALGORITHM),
            region_set: find(REGION_SET),
        });
        Ok(Self { parts, body, query, presigned })
    }

    pub(super) fn headers(&self) -> &'a HeaderMap {
        &self.parts.headers
    }

    /// A header that may stand only once.
    pub(super) fn header(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        let mut values = self.headers().get_all(name).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(repeated("header", name));
        }
        // Header values beyond ASCII reach no AWS service by its SDKs, but
        // object metadata may hold UTF-8.
        std::str::from_utf8(value.as_bytes())
            .map(|value| Some(value.trim()))
            .map_err(|_| Refusal::Request(format!("the header `{name}` is not UTF-8")))
    }

    /// The host that the request names, without its port, in lower case.
    pub(super) fn host(&self) -> Result<Option<String>, Refusal> {
        let header = self.header(header::HOST.as_str())?;
        let authority = self.parts.uri.authority().map(http::uri::Authority::as_str);
        if let (Some(header), Some(authority)) = (header, authority)
            && !header.eq_ignore_ascii_case(authority)
        {
            return Err(Refusal::Request(format!(
                "the header `Host` is `{header}` but the request is for `{authority}`"
            )));
        }
        let host = header.or(authority).map(|host| {
            let name = host.rsplit_once(':').filter(|(_, port)| {
                !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
            });
            name.map_or(host, |(name, _)| name).to_ascii_lowercase()
        });
        Ok(host)
    }
}

/// Names compare exactly, as AWS's own do: `x-amz-date` in a query string is
/// no part of a signature, and so an unknown parameter.
fn is_of_signature(name: &str) -> bool {
    SIGNATURE_PARAMETERS.contains(&name)
        || matches!(name, "X-Amz-Security-Token" | "X-Amz-Content-Sha256")
}

pub(super) fn repeated(what: &str, name: &str) -> Refusal {
    Refusal::Request(format!("the {what} `{name}` is repeated"))
}

//! Requests and answers, kept as they went over the wire: the raw side of the
//! evidence. Credentials are left out when they are kept, not afterwards: a
//! signature, a session token in a header, the secrets of STS's answers.
//!
//! They go to a file as they come, for a large estate's would fill the memory.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::terraform::Access;

/// A body is kept up to this many bytes.
pub const LONGEST: usize = 16 * 1024;

/// How many bytes are kept; an exchange takes about two thousand of them.
const MOST: u64 = 2 << 30;

/// Headers that hold credentials.
const CREDENTIALS: [&str; 3] = ["authorization", "x-amz-security-token", "cookie"];

/// A request with its answer.
#[derive(Debug, Clone, Serialize)]
pub struct Exchange {
    /// `POST /path?query`.
    pub request: String,
    /// The access key id that signed; none for an unsigned request.
    pub signed_by: Option<String>,
    /// The request's headers.
    pub request_headers: BTreeMap<String, String>,
    /// The request's body.
    pub request_body: Body,
    /// The answer's status; none where none came.
    pub status: Option<u16>,
    /// The answer's headers.
    pub answer_headers: BTreeMap<String, String>,
    /// The answer's body.
    pub answer_body: Body,
}

/// A body as far as it is kept.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Body {
    /// Its text; none for what is no text.
    pub text: Option<String>,
    /// How long it was.
    pub bytes: usize,
    /// The SHA-256 of all of it, where it is not here whole.
    pub sha256: Option<String>,
}

impl Body {
    /// A body's text, cut where it is long.
    pub fn of(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).ok();
        let whole = text.is_some_and(|text| text.len() <= LONGEST);
        let kept = text.map(|text| {
            let end = (0..=LONGEST.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
            text.get(..end.unwrap_or_default()).unwrap_or_default().to_owned()
        });
        let sha256 = (!whole).then(|| hex::encode(Sha256::digest(bytes)));
        Self { text: kept, bytes: bytes.len(), sha256 }
    }
}

impl Exchange {
    /// What is asked, by whom.
    pub fn asked(request: &http::Request<bytes::Bytes>, signer: Option<&Access>) -> Self {
        let uri = request.uri();
        let path = uri.path_and_query().map_or(uri.path(), |path| path.as_str());
        Self {
            request: format!("{} {path}", request.method()),
            signed_by: signer.map(|access| access.access_key_id.clone()),
            request_headers: headers(request.headers()),
            request_body: Body::of(request.body()),
            status: None,
            answer_headers: BTreeMap::new(),
            answer_body: Body::default(),
        }
    }

    /// What came back.
    pub fn answered(&mut self, answer: &http::Response<bytes::Bytes>) {
        self.status = Some(answer.status().as_u16());
        self.answer_headers = headers(answer.headers());
        self.answer_body = Body::of(answer.body());
    }
}

fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut kept: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let value = match CREDENTIALS.contains(&name.as_str()) {
            true => "[removed: credentials]".to_owned(),
            false => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        };
        kept.entry(name.as_str().to_owned())
            .and_modify(|own| {
                own.push_str(", ");
                own.push_str(&value);
            })
            .or_insert(value);
    }
    kept
}

/// The exchanges of a run, by the request id of the answer, in a file without a
/// name, which nobody else can open.
#[derive(Debug)]
pub struct Exchanges {
    file: File,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Where each begins, and how long it is.
    places: HashMap<String, (u64, usize)>,
    end: u64,
    dropped: usize,
}

impl Exchanges {
    /// None so far.
    ///
    /// # Errors
    /// When there is no place for temporary files.
    pub fn new() -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, kept: Mutex::default() })
    }

    /// Keeps one; one that cannot be written is counted.
    pub fn keep(&self, request_id: &str, exchange: &Exchange) {
        let text = serde_json::to_vec(exchange).unwrap_or_default();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let end = kept.end + text.len() as u64;
        let written = end <= MOST && self.file.write_all_at(&text, kept.end).is_ok();
        if text.is_empty() || !written {
            kept.dropped += 1;
            return;
        }
        let place = (kept.end, text.len());
        kept.places.insert(request_id.to_owned(), place);
        kept.end = end;
    }

    /// The exchange of a request, as JSON.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn find(&self, request_id: &str) -> io::Result<Option<Value>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((start, length)) = kept.places.get(request_id).copied() else { return Ok(None) };
        drop(kept);
        let mut text = vec![0; length];
        self.file.read_exact_at(&mut text, start)?;
        Ok(Some(serde_json::from_slice(&text)?))
    }

    /// How many were not kept for want of room.
    pub fn dropped(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).dropped
    }
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Secret;

    use super::*;

    #[test]
    fn a_request_is_kept_without_its_credentials() {
        let request = http::Request::post("http://127.0.0.1:1/path?a=b")
            .header("authorization", "AWS4-HMAC-SHA256 canary")
            .header("x-amz-security-token", "canary")
            .header("x-amz-target", "T.Op")
            .body(bytes::Bytes::from_static(b"{}"))
            .unwrap();
        let access = Access {
            endpoint: "http://127.0.0.1:1".parse().unwrap(),
            region: "us-east-1".to_owned(),
            access_key_id: "ASIAX".to_owned(),
            secret_access_key: Secret::new("canary"),
            session_token: Some(Secret::new("canary")),
        };
        let mut kept = Exchange::asked(&request, Some(&access));
        let answer = http::Response::builder().status(403).body(bytes::Bytes::from_static(b"no"));
        kept.answered(&answer.unwrap());
        let text = serde_json::to_string(&kept).unwrap();
        assert!(!text.contains("canary"), "{text}");
        assert_eq!(kept.request, "POST /path?a=b");
        assert_eq!(kept.request_headers["x-amz-target"], "T.Op");
        assert_eq!(kept.signed_by.as_deref(), Some("ASIAX"));
        assert_eq!((kept.status, kept.answer_body.text.as_deref()), (Some(403), Some("no")));
    }

    #[test]
    fn what_was_kept_is_found_by_its_id() {
        let exchange = |body: &str| Exchange {
            request: format!("POST /{body}"),
            signed_by: None,
            request_headers: BTreeMap::new(),
            request_body: Body::of(body.as_bytes()),
            status: Some(200),
            answer_headers: BTreeMap::new(),
            answer_body: Body::default(),
        };
        let exchanges = Exchanges::new().unwrap();
        for body in ["one", "é two", "three"] {
            exchanges.keep(body, &exchange(body));
        }
        for body in ["three", "one", "é two"] {
            let found = exchanges.find(body).unwrap().unwrap();
            assert_eq!(found, serde_json::to_value(exchange(body)).unwrap());
        }
        assert_eq!(exchanges.find("four").unwrap(), None);
        assert_eq!(exchanges.dropped(), 0);
    }

    #[test]
    fn a_long_body_is_cut_with_its_length_and_hash_and_bytes_are_not_text() {
        let long = "é".repeat(LONGEST);
        let body = Body::of(long.as_bytes());
        assert_eq!(body.text.map(|text| text.len()), Some(LONGEST));
        assert_eq!(body.bytes, 2 * LONGEST);
        assert_eq!(body.sha256.map(|hash| hash.len()), Some(64));
        let body = Body::of(&[0xff, 0xfe]);
        assert_eq!((body.text, body.bytes), (None, 2));
        assert_eq!(Body::of(b"short").sha256, None);
    }
}

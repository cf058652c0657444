//! S3's multi-object delete, of which each key is decided by itself: the answer
//! is 200 and tells what was deleted and what was not, also where that is
//! everything, and to an anonymous caller too.
//!
//! - Each key is deleted, or its error told; in quiet mode the errors alone:
//!   <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>.
//! - The errors have the code `AccessDenied` and the message of a single
//!   deletion, which names the policy since 2024
//!   (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html>);
//!   noted of a multi-object delete in moto's test
//!   (<https://github.com/getmoto/moto/blob/master/tests/test_s3/test_s3_bucket_policy.py>),
//!   and before 2024, with 200 and `Access Denied`, in
//!   <https://github.com/erlcloud/erlcloud/issues/175> and
//!   <https://github.com/aws-ia/taskcat/pull/176>.
//! - An anonymous caller gets 200 and errors: <https://github.com/minio/mint/pull/116>.
//!   A signature that is not valid is refused before any key is looked at.

use std::collections::{BTreeMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, Uri};
use md5::{Digest as _, Md5};
use ringfence_wire::{Call, Reply, Service, ServiceError, reply, request, response};
use serde_json::{Map, Value, json};

use crate::authorize::Verdict;
use crate::pipeline::deciding;
use crate::requirements::Extent;

/// The members of an object, as the API reference lists them.
const MEMBERS: [&str; 5] = ["Key", "VersionId", "ETag", "LastModifiedTime", "Size"];

/// The objects that a call lists, in its order.
pub(crate) fn objects(call: &Call) -> Vec<&Value> {
    match call.input.get("Delete").and_then(|delete| delete.get("Object")) {
        Some(Value::Array(objects)) => objects.iter().collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(single) => vec![single],
    }
}

/// A multi-object delete of which at least one object may not be deleted.
#[derive(Debug)]
pub(crate) struct Partial {
    /// What may be deleted, as the caller wrote it: its conditions
    /// (`ETag`, …) stay with it.
    allowed: Vec<Value>,
    /// The errors of the others, as the answer tells them.
    errors: Vec<Value>,
    /// The element, as the caller wrote it.
    quiet: Option<Value>,
}

impl Partial {
    /// Parts what may be deleted from what may not. `None` where that cannot be
    /// told, or not be written so that the upstream reads what was decided: the
    /// call is denied as a whole then.
    pub(crate) fn of(
        call: &Call,
        verdicts: &[Verdict],
        refusal: impl Fn(&Verdict) -> ServiceError,
    ) -> Option<Self> {
        if call.service() != Service::S3 || call.name() != "DeleteObjects" {
            return None;
        }
        let mut by_object: BTreeMap<usize, Vec<&Verdict>> = BTreeMap::new();
        for verdict in verdicts {
            let Extent::Item(index) = verdict.requirement.extent else { return None };
            by_object.entry(index).or_default().push(verdict);
        }
        let objects = objects(call);
        if by_object.len() != objects.len() || !objects.iter().all(|object| is_plain(object)) {
            return None;
        }
        let (mut allowed, mut errors) = (Vec::new(), Vec::new());
        for (index, object) in objects.into_iter().enumerate() {
            let verdicts = by_object.get(&index)?;
            match deciding(verdicts.iter().copied()) {
                None => allowed.push(object.clone()),
                Some(denied) => errors.push(told(object, &refusal(denied))),
            }
        }
        if errors.is_empty() {
            return None;
        }
        let quiet = call.input.get("Delete").and_then(|delete| delete.get("Quiet")).cloned();
        Some(Self { allowed, errors, quiet })
    }

    /// The call for what may be deleted, with the headers and the body that go
    /// with it, if anything may.
    ///
    /// # Errors
    /// When no request can be made of it.
    pub(crate) fn remainder(
        &self,
        call: &Call,
    ) -> Result<Option<(Call, HeaderMap, Bytes)>, ServiceError> {
        if self.allowed.is_empty() {
            return Ok(None);
        }
        let mut delete = Map::from_iter([("Object".to_owned(), Value::from(self.allowed.clone()))]);
        if let Some(quiet) = &self.quiet {
            delete.insert("Quiet".to_owned(), quiet.clone());
        }
        let mut call = call.clone();
        call.input.insert("Delete".to_owned(), delete.into());
        // It goes with a checksum of the caller's body.
        call.input.remove("ChecksumAlgorithm");
        let request = request::encode(call.operation, &call.input, None, &Uri::from_static("/"))?;
        let body = request.into_body();
        let digest = HeaderValue::from_str(&STANDARD.encode(Md5::digest(&body)))
            .map_err(|cause| internal(&cause.to_string()))?;
        let headers = HeaderMap::from_iter([(HeaderName::from_static("content-md5"), digest)]);
        Ok(Some((call, headers, body)))
    }

    /// The upstream's answer to [`Partial::remainder`], with the errors of what
    /// may not be deleted. An error is the answer to the whole call, as AWS's.
    ///
    /// # Errors
    /// When the answer does not tell the fate of each object: what became of
    /// them is not known then.
    pub(crate) fn merge(
        &self,
        call: &Call,
        mut answer: Response<Bytes>,
    ) -> Result<Response<Bytes>, ServiceError> {
        if !answer.status().is_success() {
            return Ok(answer);
        }
        let result = self.read(call, &answer).ok_or_else(|| {
            internal(
                "the upstream's answer does not tell which of the allowed objects were deleted",
            )
        })?;
        *answer.body_mut() = self.render(call, result, "").into_body();
        let xml = HeaderValue::from_static("application/xml");
        answer.headers_mut().insert(header::CONTENT_TYPE, xml);
        Ok(answer)
    }

    /// The answer where nothing may be deleted.
    pub(crate) fn nothing(&self, call: &Call, request_id: &str) -> Response<Bytes> {
        self.render(call, Outcomes::default(), request_id)
    }

    /// What the upstream says of the objects that it was sent.
    fn read(&self, call: &Call, answer: &Response<Bytes>) -> Option<Outcomes> {
        if answer.body().is_empty() {
            return None;
        }
        let Ok(Value::Object(mut result)) = response::decode(call.operation, answer) else {
            return None;
        };
        let mut list = |name: &str| match result.shift_remove(name) {
            None => Some(Vec::new()),
            Some(Value::Array(items)) => Some(items),
            Some(_) => None,
        };
        let outcomes = Outcomes { deleted: list("Deleted")?, errors: list("Error")? };
        let told: Option<HashSet<&str>> =
            outcomes.deleted.iter().chain(&outcomes.errors).map(key).collect();
        let told = told?;
        let sent: HashSet<&str> = self.allowed.iter().filter_map(key).collect();
        let is_whole = told == sent || (self.is_quiet() && told.is_subset(&sent));
        (result.is_empty() && is_whole).then_some(outcomes)
    }

    fn render(&self, call: &Call, outcomes: Outcomes, request_id: &str) -> Response<Bytes> {
        let Outcomes { deleted, mut errors } = outcomes;
        errors.extend(self.errors.iter().cloned());
        let mut result = Map::new();
        // Emulators tell in quiet mode too.
        if !self.is_quiet() {
            result.insert("Deleted".to_owned(), deleted.into());
        }
        result.insert("Error".to_owned(), errors.into());
        let fields = Reply::fields(json!({"DeleteResult": result}));
        reply::render(&fields, call.operation, request_id)
    }

    fn is_quiet(&self) -> bool {
        self.quiet.as_ref().and_then(Value::as_str).is_some_and(|quiet| quiet == "true")
    }
}

/// What became of the objects that were sent upstream.
#[derive(Debug, Default)]
struct Outcomes {
    deleted: Vec<Value>,
    errors: Vec<Value>,
}

fn key(object: &Value) -> Option<&str> {
    object.get("Key")?.as_str()
}

/// Whether a call lists its objects so that every reader reads the same: up to
/// 1,000 of them, known members of plain text, `Quiet` in its one spelling.
pub(crate) fn is_well_formed(call: &Call) -> bool {
    let objects = objects(call);
    let quiet = call.input.get("Delete").and_then(|delete| delete.get("Quiet"));
    let quiet = quiet.is_none_or(|quiet| matches!(quiet.as_str(), Some("true" | "false")));
    (1..=1_000).contains(&objects.len()) && objects.iter().all(|object| is_plain(object)) && quiet
}

/// Whether an object is written back as it was read: members that are known,
/// of texts that XML can hold.
fn is_plain(object: &Value) -> bool {
    let is_known = |(name, value): (&String, &Value)| {
        MEMBERS.contains(&name.as_str()) && value.as_str().is_some_and(fits)
    };
    object.as_object().is_some_and(|members| members.iter().all(is_known))
}

/// <https://www.w3.org/TR/xml/#charsets>; a character reference may give what
/// is none.
fn fits(text: &str) -> bool {
    text.chars()
        .all(|character| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..))
}

fn told(object: &Value, error: &ServiceError) -> Value {
    let mut told = Map::new();
    for name in ["Key", "VersionId"] {
        if let Some(text) = object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
        {
            told.insert(name.to_owned(), text.into());
        }
    }
    told.insert("Code".to_owned(), error.code.as_ref().into());
    told.insert("Message".to_owned(), error.message.as_str().into());
    told.into()
}

fn internal(message: &str) -> ServiceError {
    ServiceError::new(502, "InternalError", message)
}

#[cfg(test)]
mod tests;

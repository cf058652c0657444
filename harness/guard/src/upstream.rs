//! The emulator behind the guard: what was decided is sent there, and nothing
//! that could make it understand something else than what was decided.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode, Uri, request, uri};
use ringfence_services::Credentials;
use ringfence_wire::operation::Location;
use ringfence_wire::request::encode;
use ringfence_wire::{Call, Operation, Secret, Service, ServiceError, response, signature};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use url::Url;

use crate::carrier;

/// The headers by which AWS's protocols say what a request is and what it wants.
const OF_PROTOCOLS: [&str; 5] =
    ["accept", "content-md5", "content-type", "smithy-protocol", "x-amz-target"];

/// First path segments that emulators answer themselves, on any host and for
/// any service (moto's `moto_api`, `instance_metadata` and S3 Control;
/// LocalStack's internal resources). As bucket names they would lead a call
/// past what the guard decided.
const INTERNAL_PATHS: [&str; 11] = [
    "moto-api",
    "_localstack",
    "_aws",
    "_pods",
    "_extension",
    "_robot",
    "latest",
    "health",
    "favicon.ico",
    "graph",
    "v20180820",
];

/// What the guard shows an emulator that answers nobody else. Clients' headers
/// of this name go no further than the guard, as none does that is not AWS's.
pub const SECRET_HEADER: &str = "x-ringfence-secret";

/// Where the emulator answers, and what it asks for.
#[derive(Debug, Clone)]
pub struct UpstreamEndpoint {
    /// Its URL.
    pub url: Url,
    /// What it wants to see in [`SECRET_HEADER`]; none where it answers
    /// everybody.
    pub secret: Option<Secret>,
    /// Whether it was empty when the guard came: what it cannot tell is not
    /// there then, where else nobody knows.
    pub is_new: bool,
}

impl From<Url> for UpstreamEndpoint {
    /// One that answers everybody, and that anybody may have used before.
    fn from(url: Url) -> Self {
        Self { url, secret: None, is_new: false }
    }
}

/// Why the guard cannot talk to an emulator.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No HTTP client can be made.
    #[error("no HTTP client can be made")]
    Client(#[from] reqwest::Error),
    /// The secret is not a header's value.
    #[error("the upstream's secret has characters that no header can have")]
    Secret,
}

/// The emulator behind the guard.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    http: reqwest::Client,
    base: Url,
    /// Marked as sensitive: `Debug` does not show it.
    secret: Option<HeaderValue>,
    is_new: bool,
    account_id: String,
    root: Credentials,
}

impl Upstream {
    /// The emulator at a URL. `account_id` is the account that all calls are
    /// made in.
    ///
    /// # Errors
    /// When no HTTP client can be made, or the secret cannot be sent.
    pub(crate) fn new(
        endpoint: UpstreamEndpoint,
        account_id: String,
        root: Credentials,
    ) -> Result<Self, UpstreamError> {
        let is_new = endpoint.is_new;
        let secret = endpoint.secret.map(|secret| {
            let mut value =
                HeaderValue::from_str(secret.expose()).map_err(|_| UpstreamError::Secret)?;
            value.set_sensitive(true);
            Ok::<_, UpstreamError>(value)
        });
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .build()?;
        let secret = secret.transpose()?;
        Ok(Self { http, base: endpoint.url, secret, is_new, account_id, root })
    }

    /// Whether it was empty when the guard came.
    pub(crate) const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Sends on a call that was decided, written anew from its input: what the
    /// mapping did not read does not arrive. `body` is the plain body, without
    /// `aws-chunked` framing, which S3 alone gets as the client wrote it.
    ///
    /// # Errors
    /// `ServiceUnavailable` (503) naming the upstream when it does not answer.
    pub(crate) async fn forward(
        &self,
        call: &Call,
        headers: &HeaderMap,
        body: Bytes,
        now: OffsetDateTime,
    ) -> Result<Response<Bytes>, ServiceError> {
        let (parts, body) = written(call, headers, body)?.into_parts();
        let target = parts.uri.path_and_query().map_or("/", uri::PathAndQuery::as_str);
        let (method, headers) = (parts.method, parts.headers);
        let answer =
            self.send(call.operation, &call.region, method, target, headers, body, now).await?;
        // The guard has validated the document as AWS does; what the upstream
        // still refuses, AWS takes.
        let is_refused = answer.status() == StatusCode::BAD_REQUEST
            && response::decode(call.operation, &answer)
                .is_err_and(|error| error.code == "MalformedPolicyDocument");
        match carrier::carried(call).filter(|_| is_refused) {
            Some(input) => self.exchange(call.operation, &input, &call.region, now).await,
            None => Ok(answer),
        }
    }

    /// Forwards a call of a service that nothing here knows more of than its
    /// model, as it was written: in its own protocol, with the headers of the
    /// protocol and those that the operation takes. It was read strictly: all that
    /// it says is in the model.
    ///
    /// # Errors
    /// That the path is one that emulators keep for themselves, or that the
    /// upstream does not answer.
    pub(crate) async fn pass(
        &self,
        call: &Call,
        parts: &request::Parts,
        body: Bytes,
        now: OffsetDateTime,
    ) -> Result<Response<Bytes>, ServiceError> {
        check_path(call, parts.uri.path())?;
        let mut target = parts.uri.path().to_owned();
        // A presigned signature is the guard's to check.
        let query = parts.uri.query().unwrap_or_default().split('&');
        let query: Vec<&str> =
            query.filter(|pair| !pair.is_empty() && !pair.starts_with("X-Amz-")).collect();
        if !query.is_empty() {
            target = format!("{target}?{}", query.join("&"));
        }
        let taken = |name: &HeaderName| {
            OF_PROTOCOLS.contains(&name.as_str())
                || call.operation.members.iter().any(|member| match member.location {
                    Location::Header => member.wire.eq_ignore_ascii_case(name.as_str()),
                    Location::Headers => {
                        name.as_str().starts_with(&member.wire.to_ascii_lowercase())
                    }
                    _ => false,
                })
        };
        let headers = parts.headers.iter().filter(|(name, _)| taken(name));
        let headers = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
        let method = parts.method.clone();
        self.send(call.operation, &call.region, method, &target, headers, body, now).await
    }

    /// Calls an operation as the account's root, for the guard's own
    /// knowledge.
    ///
    /// # Errors
    /// The service's own error, or that the upstream does not answer.
    pub(crate) async fn call(
        &self,
        service: Service,
        operation: &str,
        input: &Map<String, Value>,
        region: &str,
        now: OffsetDateTime,
    ) -> Result<Value, ServiceError> {
        let operation = find(service, operation)?;
        let answer = self.exchange(operation, input, region, now).await?;
        // A page is what moto answers where it lacks the operation. It is not the
        // service's word that something is not there, which a 404 of the service is.
        if answer.status() == http::StatusCode::NOT_FOUND && is_web_page(answer.body()) {
            let (service, name) = (operation.service, operation.name);
            let message = format!("the upstream lacks {}:{name}", service.name());
            return Err(ServiceError::not_implemented(service, message));
        }
        response::decode(operation, &answer)
    }

    /// As [`Upstream::call`], for an operation that answers with a payload.
    ///
    /// # Errors
    /// As [`Upstream::call`].
    pub(crate) async fn fetch(
        &self,
        service: Service,
        operation: &str,
        input: &Map<String, Value>,
        region: &str,
        now: OffsetDateTime,
    ) -> Result<Bytes, ServiceError> {
        Ok(self.granted(service, operation, input, region, now).await?.into_body())
    }

    /// As [`Upstream::call`], for an operation that answers with headers alone.
    ///
    /// # Errors
    /// As [`Upstream::call`].
    pub(crate) async fn heads(
        &self,
        service: Service,
        operation: &str,
        input: &Map<String, Value>,
        region: &str,
        now: OffsetDateTime,
    ) -> Result<HeaderMap, ServiceError> {
        Ok(self.granted(service, operation, input, region, now).await?.into_parts().0.headers)
    }

    /// The answer as it came, where it is no error.
    async fn granted(
        &self,
        service: Service,
        operation: &str,
        input: &Map<String, Value>,
        region: &str,
        now: OffsetDateTime,
    ) -> Result<Response<Bytes>, ServiceError> {
        let operation = find(service, operation)?;
        let answer = self.exchange(operation, input, region, now).await?;
        if !answer.status().is_success() {
            response::decode(operation, &answer)?;
        }
        Ok(answer)
    }

    /// Puts the guard's address where S3's answer names the upstream's own
    /// (`Location` of a multipart upload): clients must not be led around the
    /// guard. Objects are left as they are.
    pub(crate) fn hide(&self, call: &Call, answer: &mut Response<Bytes>, endpoint: &Url) {
        if call.service() != Service::S3 || call.name() == "GetObject" {
            return;
        }
        let (Some(own), Some(guard)) = (authority(&self.base), authority(endpoint)) else { return };
        if let Some(location) = answer.headers().get(header::LOCATION).cloned()
            && let Ok(text) = location.to_str()
            && text.contains(&own)
            && let Ok(text) = HeaderValue::from_str(&text.replace(&own, &guard))
        {
            answer.headers_mut().insert(header::LOCATION, text);
        }
        if let Ok(text) = std::str::from_utf8(answer.body())
            && text.contains(&own)
        {
            *answer.body_mut() = text.replace(&own, &guard).into();
        }
    }

    async fn exchange(
        &self,
        operation: &Operation,
        input: &Map<String, Value>,
        region: &str,
        now: OffsetDateTime,
    ) -> Result<Response<Bytes>, ServiceError> {
        let endpoint: Uri = self.base.as_str().parse().map_err(|cause| self.unavailable(&cause))?;
        let (parts, body) = encode(operation, input, None, &endpoint)?.into_parts();
        let target = parts.uri.path_and_query().map_or("/", uri::PathAndQuery::as_str);
        self.send(operation, region, parts.method, target, parts.headers, body, now).await
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one HTTP request, used twice")]
    async fn send(
        &self,
        operation: &Operation,
        region: &str,
        method: Method,
        target: &str,
        headers: HeaderMap,
        body: Bytes,
        now: OffsetDateTime,
    ) -> Result<Response<Bytes>, ServiceError> {
        let url = format!("{}{target}", self.base.as_str().trim_end_matches('/'));
        let mut request = http::Request::builder()
            .method(method)
            .uri(url)
            .body(body)
            .map_err(|cause| self.unavailable(&cause))?;
        let is_empty = request.body().is_empty();
        *request.headers_mut() = headers;
        // An upstream answers 411 where what has its content in headers says no
        // length (`PutBucketAcl`).
        if is_empty && [Method::PUT, Method::POST].contains(request.method()) {
            request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if let Some(host) = authority(&self.base)
            && let Ok(host) = HeaderValue::from_str(&host)
        {
            request.headers_mut().insert(header::HOST, host);
        }
        // LocalStack takes a key id of twelve digits for the account id; moto
        // takes this header (core/responses.py, `get_current_account`) and
        // falls back to its default account otherwise.
        if let Ok(account) = HeaderValue::from_str(&self.account_id) {
            request.headers_mut().insert(HeaderName::from_static("x-moto-account-id"), account);
        }
        if let Some(secret) = &self.secret {
            request.headers_mut().insert(SECRET_HEADER, secret.clone());
        }
        signature::sign(
            &mut request,
            &self.account_id,
            &self.root.secret_access_key,
            None,
            operation.service.signing_name(),
            region,
            now,
        );
        let request =
            reqwest::Request::try_from(request).map_err(|cause| self.unavailable(&cause))?;
        let answer = self.http.execute(request).await.map_err(|cause| self.unavailable(&cause))?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        let mut body = answer.bytes().await.map_err(|cause| self.unavailable(&cause))?;
        if operation.service == Service::Iam
            && let Ok(text) = std::str::from_utf8(&body)
            && let Cow::Owned(restored) = carrier::restored(text)
        {
            body = restored.into();
        }
        *response.body_mut() = body;
        Ok(response)
    }

    fn unavailable(&self, cause: &dyn std::error::Error) -> ServiceError {
        let mut text = cause.to_string();
        let mut source = cause.source();
        while let Some(inner) = source {
            text = inner.to_string();
            source = inner.source();
        }
        ServiceError::new(
            503,
            "ServiceUnavailable",
            format!("the upstream {} does not answer: {text}", self.base),
        )
    }
}

/// `HOST[:PORT]`.
fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// Whether a body is a web page, whatever its type is called: moto calls documents in
/// XML so.
fn is_web_page(body: &Bytes) -> bool {
    const BEGINS: &[u8] = b"<!doctype html";
    body.get(..BEGINS.len()).is_some_and(|head| head.eq_ignore_ascii_case(BEGINS))
}

fn find(service: Service, operation: &str) -> Result<&'static Operation, ServiceError> {
    Operation::find(service, operation).ok_or_else(|| {
        ServiceError::new(
            500,
            "InternalFailure",
            format!("{} has no operation {operation}", service.name()),
        )
    })
}

/// Refuses a bucket whose name the emulator takes for something of its own.
///
/// # Errors
/// `InvalidBucketName` naming the bucket.
pub(crate) fn check_bucket(call: &Call) -> Result<(), ServiceError> {
    let Some(bucket) = call.text("Bucket").filter(|_| call.service() == Service::S3) else {
        return Ok(());
    };
    if INTERNAL_PATHS.iter().any(|path| bucket.eq_ignore_ascii_case(path)) {
        return Err(ServiceError::new(
            400,
            "InvalidBucketName",
            format!(
                "the bucket name `{bucket}` is a path that emulators keep for themselves; the \
                 guard does not forward it"
            ),
        )
        .with("BucketName", bucket));
    }
    Ok(())
}

/// Refuses a path that the emulator takes for something of its own, where the
/// operation's begins with a value of the caller's (`/{Path+}` of MediaStore).
///
/// # Errors
/// The refusal of the input.
fn check_path(call: &Call, path: &str) -> Result<(), ServiceError> {
    let first = |path: &str| {
        let segment = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        segment.to_ascii_lowercase()
    };
    let own = first(path);
    let is_given = first(call.operation.path()) != own;
    if is_given && INTERNAL_PATHS.iter().any(|internal| own == *internal) {
        return Err(ServiceError::validation(
            call.service(),
            format!(
                "the path `{path}` is one that emulators keep for themselves; the guard does not \
                 forward it"
            ),
        ));
    }
    Ok(())
}

/// Headers of S3 that the models of its operations do not list, all or some of
/// them: those of cross-origin requests change nothing but the headers of the
/// answer, the digest is of the body that goes along.
const OF_ANY_OPERATION: [HeaderName; 4] = [
    header::ORIGIN,
    header::ACCESS_CONTROL_REQUEST_METHOD,
    header::ACCESS_CONTROL_REQUEST_HEADERS,
    HeaderName::from_static("content-md5"),
];

/// The request that the upstream gets: the input, as a client of AWS writes it.
/// Nothing else of what arrived goes on: emulators obey headers of their own
/// (`x-moto-…`, `x-localstack-…`), read a region out of `User-Agent`, and act on
/// members that an operation does not take (moto takes an `UploadPart` with an
/// empty upload id for a `PutObject`, with its `x-amz-acl`).
fn written(
    call: &Call,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<http::Request<Bytes>, ServiceError> {
    let is_s3 = call.service() == Service::S3;
    let payload = is_s3.then_some(body);
    let mut request = encode(call.operation, &call.input, payload, &Uri::from_static("/"))?;
    if is_s3 {
        for name in OF_ANY_OPERATION {
            if let Some(value) = headers.get(&name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn call(bucket: &str, key: Option<&str>) -> Call {
        let mut input = json!({"Bucket": bucket});
        if let Some(key) = key {
            input["Key"] = key.into();
        }
        Call {
            operation: Operation::find(Service::S3, "GetObject").unwrap(),
            region: "eu-central-1".into(),
            input: input.as_object().unwrap().clone(),
            payload: None,
        }
    }

    fn sent(operation: &str, input: serde_json::Value, body: &'static str) -> http::Request<Bytes> {
        let call = Call {
            operation: Operation::find(Service::S3, operation).unwrap(),
            region: "eu-central-1".into(),
            input: input.as_object().unwrap().clone(),
            payload: None,
        };
        written(&call, &HeaderMap::new(), Bytes::from_static(body.as_bytes())).unwrap()
    }

    #[rstest]
    #[case::object("GetObject", json!({"Bucket": "b", "Key": "k"}), "/b/k")]
    #[case::key_begins_with_bucket("GetObject", json!({"Bucket": "b", "Key": "b/k"}), "/b/b/k")]
    #[case::key_with_slashes("GetObject", json!({"Bucket": "b", "Key": "/a//k/"}), "/b//a//k/")]
    #[case::encoded("GetObject", json!({"Bucket": "b", "Key": "a b+c"}), "/b/a%20b%2Bc")]
    #[case::version(
        "GetObject", json!({"Bucket": "b", "Key": "k", "VersionId": "1"}), "/b/k?versionId=1"
    )]
    #[case::bucket("ListObjectsV2", json!({"Bucket": "b"}), "/b?list-type=2")]
    #[case::account("ListBuckets", json!({}), "/")]
    fn s3_goes_path_style(
        #[case] operation: &str,
        #[case] input: serde_json::Value,
        #[case] expected: &str,
    ) {
        assert_eq!(sent(operation, input, "").uri(), expected);
    }

    #[test]
    fn s3_keeps_the_body_and_gets_headers_of_the_input_alone() {
        let input = json!({
            "Bucket": "b", "Key": "k", "ACL": "private", "Metadata": {"a": "\u{fc}"},
            "ContentType": "text/plain",
        });
        let request = sent("PutObject", input, "body");
        assert_eq!(request.body().as_ref(), b"body");
        let mut headers: Vec<(&str, &[u8])> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        headers.sort_unstable();
        let expected: [(&str, &[u8]); 3] = [
            ("content-type", b"text/plain"),
            ("x-amz-acl", b"private"),
            ("x-amz-meta-a", "\u{fc}".as_bytes()),
        ];
        assert_eq!(headers, expected);
    }

    #[test]
    fn a_clients_headers_do_not_go_on_but_for_those_of_any_operation_of_s3() {
        let mut given = HeaderMap::new();
        for name in ["origin", "x-moto-account-id", "x-amz-target", "accept", "x-amz-copy-source"] {
            given.insert(HeaderName::from_static(name), HeaderValue::from_static("v"));
        }
        let names = |service, operation, input: serde_json::Value| {
            let call = Call {
                operation: Operation::find(service, operation).unwrap(),
                region: "eu-central-1".into(),
                input: input.as_object().unwrap().clone(),
                payload: None,
            };
            let request = written(&call, &given, Bytes::from_static(b"Action=DeleteRole")).unwrap();
            let names: Vec<String> = request.headers().keys().map(ToString::to_string).collect();
            (names, request.into_body())
        };
        let (headers, body) = names(Service::S3, "GetObject", json!({"Bucket": "b", "Key": "k"}));
        assert_eq!(
            (headers, body.as_ref()),
            (vec!["origin".to_owned()], &b"Action=DeleteRole"[..])
        );
        let (headers, body) = names(Service::Iam, "GetRole", json!({"RoleName": "r"}));
        assert_eq!(headers, ["content-type"]);
        assert_eq!(body.as_ref(), b"Action=GetRole&Version=2010-05-08&RoleName=r");
    }

    #[rstest]
    #[case::moto("moto-api")]
    #[case::metadata("latest")]
    #[case::localstack("_localstack")]
    #[case::s3_control("v20180820")]
    fn an_emulators_own_paths_are_no_buckets(#[case] bucket: &str) {
        let error = check_bucket(&call(bucket, None)).unwrap_err();
        assert_eq!((error.code.as_ref(), error.status), ("InvalidBucketName", 400));
        assert_eq!(check_bucket(&call("artifacts", None)), Ok(()));
    }
}

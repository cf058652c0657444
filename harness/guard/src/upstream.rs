//! The emulator behind the guard: what was decided is sent there, and nothing
//! that could make it understand something else than what was decided.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode, Uri, request, uri};
use ringfence_services::Credentials;
use ringfence_wire::operation::Location;
use ringfence_wire::{Call, Operation, Protocol, Service, ServiceError, response, signature};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use url::Url;

use crate::carrier;

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

/// The emulator behind the guard.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    http: reqwest::Client,
    base: Url,
    account_id: String,
    root: Credentials,
}

impl Upstream {
    /// The emulator at a URL. `account_id` is the account that all calls are
    /// made in.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub(crate) fn new(
        base: Url,
        account_id: String,
        root: Credentials,
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .build()?;
        Ok(Self { http, base, account_id, root })
    }

    /// Sends on a call that was decided. `body` is the plain body, without
    /// `aws-chunked` framing.
    ///
    /// # Errors
    /// `ServiceUnavailable` (503) naming the upstream when it does not answer.
    pub(crate) async fn forward(
        &self,
        call: &Call,
        parts: &request::Parts,
        body: Bytes,
        now: OffsetDateTime,
    ) -> Result<Response<Bytes>, ServiceError> {
        let target = target(call, &parts.uri);
        let headers = kept_headers(call.operation, &parts.headers);
        let method = parts.method.clone();
        let answer =
            self.send(call.operation, &call.region, method, &target, headers, body, now).await?;
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
        response::decode(operation, &self.exchange(operation, input, region, now).await?)
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
        let operation = find(service, operation)?;
        let answer = self.exchange(operation, input, region, now).await?;
        if !answer.status().is_success() {
            response::decode(operation, &answer)?;
        }
        Ok(answer.into_body())
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
        let (parts, body) =
            ringfence_wire::request::encode(operation, input, None, &endpoint)?.into_parts();
        let target = parts.uri.path_and_query().map_or("/", uri::PathAndQuery::as_str);
        let headers = kept_headers(operation, &parts.headers);
        self.send(operation, region, parts.method, target, headers, body, now).await
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
        *request.headers_mut() = headers;
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

/// The path and query that the upstream gets. S3 goes path-style, whatever
/// style the client used; the other protocols say everything in headers and
/// body, or in a path that the guard has read.
fn target(call: &Call, uri: &Uri) -> String {
    let target = uri.path_and_query().map_or("/", uri::PathAndQuery::as_str);
    if call.service() != Service::S3 {
        return target.to_owned();
    }
    let Some(bucket) = call.text("Bucket") else { return unsigned_target(target) };
    let target = unsigned_target(target);
    let path = target.split('?').next().unwrap_or_default();
    let path = path.strip_prefix('/').unwrap_or(path);
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    // A client that addresses the bucket by host leaves it out of the path:
    // then the path is the key, whole. (A key may begin with the bucket's
    // name, so looking for the bucket in the path would not tell.)
    if decoded == call.text("Key").unwrap_or_default() {
        format!("/{bucket}{target}")
    } else {
        target
    }
}

/// Drops the query parameters of a presigned URL: the upstream gets a signature
/// of the guard's own.
fn unsigned_target(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
            !matches!(
                name.as_str(),
                "x-amz-algorithm"
                    | "x-amz-credential"
                    | "x-amz-date"
                    | "x-amz-expires"
                    | "x-amz-signedheaders"
                    | "x-amz-signature"
                    | "x-amz-security-token"
                    | "x-amz-content-sha256"
            )
        })
        .collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

/// The headers that the upstream gets: those that belong to AWS's protocols.
/// An allow list, because emulators obey headers of their own (`x-moto-…`,
/// `x-localstack-…`), and moto even reads a region out of `User-Agent`. Of
/// `x-amz-…` those that the operation takes: what it does not take was not
/// decided, but an emulator may act on it (moto takes an `UploadPart` with an
/// empty upload id for a `PutObject`, with its `x-amz-acl`).
fn kept_headers(operation: &Operation, headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        if is_kept(operation, name.as_str()) {
            kept.append(name.clone(), value.clone());
        } else if name == header::CONTENT_ENCODING
            && operation.service == Service::S3
            && let Some(value) = without_chunking(value)
        {
            kept.append(name.clone(), value);
        }
    }
    kept
}

/// A content encoding without the framing that the guard has taken off.
fn without_chunking(value: &HeaderValue) -> Option<HeaderValue> {
    let kept: Vec<&str> = value
        .to_str()
        .ok()?
        .split(',')
        .map(str::trim)
        .filter(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    if kept.is_empty() { None } else { HeaderValue::from_str(&kept.join(",")).ok() }
}

fn is_kept(operation: &Operation, name: &str) -> bool {
    if name.starts_with("x-amz-") {
        return name == "x-amz-target"
            || operation.members.iter().any(|member| match member.location {
                Location::Header => member.wire.eq_ignore_ascii_case(name),
                Location::Headers => name.starts_with(&member.wire.to_ascii_lowercase()),
                _ => false,
            });
    }
    match name {
        "content-type" | "accept" => true,
        "content-md5"
        | "cache-control"
        | "content-disposition"
        | "content-language"
        | "expires"
        | "range"
        | "if-match"
        | "if-none-match"
        | "if-modified-since"
        | "if-unmodified-since"
        | "origin"
        | "access-control-request-method"
        | "access-control-request-headers" => operation.service.protocol() == Protocol::RestXml,
        _ => false,
    }
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

    #[rstest]
    #[case::path_style("/b/k", Some("k"), "/b/k")]
    #[case::by_host("/k", Some("k"), "/b/k")]
    #[case::by_host_key_begins_with_bucket("/b/k", Some("b/k"), "/b/b/k")]
    #[case::path_style_key_begins_with_bucket("/b/b/k", Some("b/k"), "/b/b/k")]
    #[case::encoded("/a%20b%2Bc", Some("a b+c"), "/b/a%20b%2Bc")]
    #[case::bucket_by_host("/?list-type=2", None, "/b/?list-type=2")]
    #[case::bucket_path_style("/b?list-type=2", None, "/b?list-type=2")]
    #[case::presigned(
        "/b/k?X-Amz-Algorithm=A&X-Amz-Signature=s&versionId=1&X-Amz-Security-Token=t",
        Some("k"),
        "/b/k?versionId=1"
    )]
    fn s3_goes_path_style_and_without_the_clients_signature(
        #[case] given: &str,
        #[case] key: Option<&str>,
        #[case] expected: &str,
    ) {
        assert_eq!(target(&call("b", key), &given.parse().unwrap()), expected);
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

    #[rstest]
    #[case("aws-chunked", None)]
    #[case("aws-chunked,gzip", Some("gzip"))]
    #[case("gzip", Some("gzip"))]
    fn only_the_framing_is_taken_off(#[case] given: &'static str, #[case] kept: Option<&str>) {
        let mut given_headers = HeaderMap::new();
        given_headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(given));
        let put = Operation::find(Service::S3, "PutObject").unwrap();
        let get = Operation::find(Service::Iam, "GetRole").unwrap();
        let headers = kept_headers(put, &given_headers);
        let found = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap());
        assert_eq!(found, kept);
        assert!(kept_headers(get, &given_headers).is_empty());
    }

    #[rstest]
    #[case::put(
        "PutObject",
        &["x-amz-acl", "x-amz-meta-a", "x-amz-sdk-checksum-algorithm", "x-amz-tagging"]
    )]
    #[case::part("UploadPart", &["x-amz-sdk-checksum-algorithm"])]
    #[case::delete("DeleteObject", &[])]
    fn headers_that_the_operation_does_not_take_stay_here(
        #[case] operation: &str,
        #[case] expected: &[&str],
    ) {
        let mut headers = HeaderMap::new();
        for name in [
            "x-amz-acl",
            "x-amz-copy-source",
            "x-amz-date",
            "x-amz-meta-a",
            "x-amz-sdk-checksum-algorithm",
            "x-amz-security-token",
            "x-amz-tagging",
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("v"));
        }
        let kept = kept_headers(Operation::find(Service::S3, operation).unwrap(), &headers);
        let mut kept: Vec<&str> = kept.keys().map(HeaderName::as_str).collect();
        kept.sort_unstable();
        assert_eq!(kept, expected);
    }
}

//! Making a signature, as a client does.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, header};
use time::{Duration, OffsetDateTime};

use super::canonical::{self, Scope, Signable};
use super::presented::TIMESTAMP;
use super::{ALGORITHM, CONTENT_SHA256, UNSIGNED_PAYLOAD};
use crate::{Secret, text};

/// Signs a request in its headers: sets `host` (where it is missing),
/// `x-amz-date`, the session token, S3's content hash and `authorization`.
///
/// A request that cannot be signed (a key id that fits no header, a path that
/// cannot be decoded) is left without a signature, and so is refused by
/// whoever receives it.
pub fn sign(
    request: &mut Request<Bytes>,
    access_key_id: &str,
    secret: &Secret,
    session_token: Option<&Secret>,
    service: &str,
    region: &str,
    now: OffsetDateTime,
) {
    let Ok(timestamp) = now.format(TIMESTAMP) else { return };
    let payload_hash = canonical::sha256_hex(request.body());
    set_host(request);
    let headers = request.headers_mut();
    set(headers, "x-amz-date", &timestamp);
    if let Some(token) = session_token {
        set_secret(headers, "x-amz-security-token", token.expose());
    }
    if service == "s3" {
        set(headers, CONTENT_SHA256, &payload_hash);
    }
    headers.remove(header::AUTHORIZATION);
    let signed = signed_headers(headers, &[header::CONTENT_TYPE.as_str()]);
    let date = timestamp.get(..8).unwrap_or_default();
    let scope = Scope { date, region, service };
    let Some(signature) = signature(request, &signed, &payload_hash, &timestamp, &scope, secret)
    else {
        return;
    };
    let authorization = format!(
        "{ALGORITHM} Credential={access_key_id}/{}, SignedHeaders={}, Signature={signature}",
        scope.text(),
        signed.join(";")
    );
    set(request.headers_mut(), header::AUTHORIZATION.as_str(), &authorization);
}

/// Signs a request in its query string, for as long as `expires`. The body of
/// an S3 request is not part of the signature.
///
/// A request that cannot be signed is left as it is.
#[expect(clippy::too_many_arguments, reason = "those of `sign` and a lifetime")]
pub fn presign(
    request: &mut Request<Bytes>,
    access_key_id: &str,
    secret: &Secret,
    session_token: Option<&Secret>,
    service: &str,
    region: &str,
    now: OffsetDateTime,
    expires: Duration,
) {
    let Ok(timestamp) = now.format(TIMESTAMP) else { return };
    set_host(request);
    let signed = signed_headers(request.headers(), &[]);
    let date = timestamp.get(..8).unwrap_or_default();
    let scope = Scope { date, region, service };
    let mut parameters = vec![
        ("X-Amz-Algorithm", ALGORITHM.to_owned()),
        ("X-Amz-Credential", format!("{access_key_id}/{}", scope.text())),
        ("X-Amz-Date", timestamp.clone()),
        ("X-Amz-Expires", expires.whole_seconds().to_string()),
        ("X-Amz-SignedHeaders", signed.join(";")),
    ];
    if let Some(token) = session_token {
        parameters.push(("X-Amz-Security-Token", token.expose().to_owned()));
    }
    let payload_hash = match service {
        "s3" => UNSIGNED_PAYLOAD.to_owned(),
        _ => canonical::sha256_hex(request.body()),
    };
    let Some(uri) = with_query(request.uri(), &parameters) else { return };
    let unsigned = std::mem::replace(request.uri_mut(), uri);
    let signed_uri = signature(request, &signed, &payload_hash, &timestamp, &scope, secret)
        .and_then(|signature| with_query(request.uri(), &[("X-Amz-Signature", signature)]));
    *request.uri_mut() = signed_uri.unwrap_or(unsigned);
}

fn signature(
    request: &Request<Bytes>,
    signed: &[String],
    payload_hash: &str,
    timestamp: &str,
    scope: &Scope<'_>,
    secret: &Secret,
) -> Option<String> {
    let signable = Signable {
        method: request.method(),
        uri: request.uri(),
        headers: request.headers(),
        is_s3: scope.service == "s3",
    };
    let canonical_request = signable.request(signed, payload_hash).ok()?;
    let string_to_sign = canonical::string_to_sign(timestamp, scope, &canonical_request);
    Some(canonical::signature(&*scope.key(secret.expose()), &string_to_sign))
}

/// `host`, all `x-amz-*` headers and the given ones, in order.
fn signed_headers(headers: &HeaderMap, more: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = headers
        .keys()
        .map(HeaderName::as_str)
        .filter(|name| *name == "host" || name.starts_with("x-amz-") || more.contains(name))
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names
}

fn set_host(request: &mut Request<Bytes>) {
    if request.headers().contains_key(header::HOST) {
        return;
    }
    let host = request.uri().authority().map(|authority| authority.as_str().to_owned());
    if let Some(host) = host {
        set(request.headers_mut(), header::HOST.as_str(), &host);
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

fn set_secret(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(mut value) = HeaderValue::from_str(value) {
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
}

fn with_query(uri: &Uri, parameters: &[(&str, String)]) -> Option<Uri> {
    let mut target = uri.path().to_owned();
    target.push('?');
    if let Some(query) = uri.query() {
        target.push_str(query);
        target.push('&');
    }
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", text::encode(value))).collect();
    target.push_str(&pairs.join("&"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.parse().ok()?);
    Uri::from_parts(parts).ok()
}

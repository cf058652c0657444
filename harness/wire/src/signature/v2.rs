//! Signature Version 2 of S3, in a query string: what the SDKs of several
//! languages still make where a presigned URL is asked for without more.
//!
//! AWS's documentation says that buckets made after June 2020 do not take it;
//! recorded in 2026 on new buckets, S3 takes it (moto's
//! `test_presigned_url_generates_content_response_headers`, verified on AWS;
//! LocalStack's `TestS3PresignedUrl`). Regions that began after January 2014 never
//! did (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingAWSSDK.html#UsingAWSSDK-sig2-deprecation>).
//!
//! Rules: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::request::Parts;
use http::{HeaderMap, Uri, header};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use time::OffsetDateTime;

use super::SignatureError;
use crate::{Secret, text};

/// The regions that know Signature Version 2.
const REGIONS: [&str; 9] = [
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-west-1",
    "sa-east-1",
    "us-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// The query parameters that are part of what is signed.
const SUBRESOURCES: [&str; 39] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "select",
    "select-type",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
];

/// A signature in a query string, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// Whose key signed.
    pub access_key_id: String,
    /// The session token, where one came along.
    pub session_token: Option<Secret>,
    expires: String,
    expires_at: OffsetDateTime,
    signature: String,
}

/// Reads the signature of a request; `None` where it carries none of this
/// version.
///
/// # Errors
/// When a parameter is missing, doubled or malformed, or there is a signature
/// of the other version too.
pub fn read(parts: &Parts) -> Result<Option<Presented>, SignatureError> {
    let pairs = text::pairs(parts.uri.query().unwrap_or_default())
        .map_err(|error| SignatureError::Malformed(format!("the query string: {error}")))?;
    let has = |name: &str| pairs.iter().any(|(key, _)| key == name);
    if !has("AWSAccessKeyId") && !has("Signature") {
        return Ok(None);
    }
    if has("X-Amz-Algorithm") || parts.headers.contains_key(header::AUTHORIZATION) {
        return Err(SignatureError::Duplicate("signature".to_owned()));
    }
    let one = |name: &str| {
        let mut found = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(SignatureError::Duplicate(name.to_owned())),
            (found, None) => Ok(found.cloned()),
        }
    };
    let needed = |name: &str| one(name)?.ok_or(SignatureError::Version2Parameters);
    let (access_key_id, signature) = (needed("AWSAccessKeyId")?, needed("Signature")?);
    let expires = needed("Expires")?;
    let expires_at = expires
        .parse()
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or_else(|| SignatureError::Version2Expires(expires.clone()))?;
    let token = one("x-amz-security-token")?;
    let token = match super::presented::only_header(parts, "x-amz-security-token")? {
        Some(_) if token.is_some() => {
            return Err(SignatureError::Duplicate("x-amz-security-token".to_owned()));
        }
        in_header => token.as_deref().or(in_header).map(Secret::new),
    };
    Ok(Some(Presented { access_key_id, session_token: token, expires, expires_at, signature }))
}

impl Presented {
    /// Checks the signature with the secret of the key that it names. `bucket`
    /// and `key` are those that the request was read to name; `headers` are the
    /// request's with those that stand in the query string ([`headers`]).
    ///
    /// # Errors
    /// Why the signature does not hold.
    pub fn verify(
        &self,
        place: &Place<'_>,
        parts: &Parts,
        headers: &HeaderMap,
        secret: &Secret,
        now: OffsetDateTime,
    ) -> Result<(), SignatureError> {
        if !is_known_in(place.region) {
            return Err(SignatureError::Algorithm("Signature Version 2".to_owned()));
        }
        if now > self.expires_at {
            return Err(SignatureError::UrlExpired {
                expires_at: self.expires_at,
                now,
                seconds: None,
            });
        }
        check_parameters(&parts.uri)?;
        let string_to_sign = self.string_to_sign(place, parts, headers)?;
        let expected = sign(secret, &string_to_sign);
        if bool::from(expected.as_bytes().ct_eq(self.signature.as_bytes())) {
            return Ok(());
        }
        Err(SignatureError::Mismatch {
            access_key_id: self.access_key_id.clone(),
            string_to_sign,
            canonical_request: None,
            provided: self.signature.clone(),
        })
    }

    fn string_to_sign(
        &self,
        place: &Place<'_>,
        parts: &Parts,
        headers: &HeaderMap,
    ) -> Result<String, SignatureError> {
        let header = |name: &str| {
            let value = headers.get(name).map(http::HeaderValue::as_bytes).unwrap_or_default();
            String::from_utf8_lossy(value).trim().to_owned()
        };
        let mut lines = vec![
            parts.method.as_str().to_owned(),
            header("content-md5"),
            header("content-type"),
            self.expires.clone(),
        ];
        lines.extend(amz_headers(headers));
        lines.push(place.resource(&parts.uri)?);
        Ok(lines.join("\n"))
    }
}

/// Where a request was read to go.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The region.
    pub region: &'a str,
    /// The bucket, where there is one.
    pub bucket: Option<&'a str>,
    /// The key, where there is one.
    pub key: Option<&'a str>,
}

impl Place<'_> {
    /// `/BUCKET/KEY` as it was sent, and the parameters that are signed.
    fn resource(&self, uri: &Uri) -> Result<String, SignatureError> {
        let path = uri.path();
        let decoded = text::decode(path.strip_prefix('/').unwrap_or(path))
            .map_err(|error| SignatureError::Malformed(format!("the path: {error}")))?;
        // A virtual host leaves the bucket out of the path: then the path is the
        // key, whole.
        let mut resource = match self.bucket {
            Some(bucket) if decoded == self.key.unwrap_or_default() => format!("/{bucket}{path}"),
            _ => path.to_owned(),
        };
        let pairs = text::pairs(uri.query().unwrap_or_default())
            .map_err(|error| SignatureError::Malformed(format!("the query string: {error}")))?;
        let mut signed: Vec<&(String, String)> =
            pairs.iter().filter(|(name, _)| SUBRESOURCES.contains(&name.as_str())).collect();
        signed.sort_unstable();
        for (index, (name, value)) in signed.into_iter().enumerate() {
            resource.push(if index == 0 { '?' } else { '&' });
            resource.push_str(name);
            if !value.is_empty() {
                resource.push('=');
                resource.push_str(value);
            }
        }
        Ok(resource)
    }
}

/// Whether a region knows Signature Version 2.
pub(crate) fn is_known_in(region: &str) -> bool {
    REGIONS.contains(&region)
}

/// Refuses a parameter that says what is done and is not signed: whoever holds
/// the URL could add it.
fn check_parameters(uri: &Uri) -> Result<(), SignatureError> {
    let pairs = text::pairs(uri.query().unwrap_or_default())
        .map_err(|error| SignatureError::Malformed(format!("the query string: {error}")))?;
    let unsigned = pairs.into_iter().find(|(name, value)| {
        value.is_empty()
            && !SUBRESOURCES.contains(&name.as_str())
            && !LISTING.contains(&name.as_str())
    });
    match unsigned {
        Some((name, _)) => Err(SignatureError::Malformed(format!(
            "the query parameter `{name}` is not part of a Signature Version 2"
        ))),
        None => Ok(()),
    }
}

/// Parameters of lists, which may be empty and change nothing.
const LISTING: [&str; 6] =
    ["continuation-token", "delimiter", "key-marker", "marker", "prefix", "start-after"];

/// `NAME:VALUE` of each `x-amz-` header, in order.
fn amz_headers(headers: &HeaderMap) -> Vec<String> {
    let mut names: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
    names.retain(|name| name.starts_with("x-amz-"));
    names.sort_unstable();
    let value = |name: &str| {
        let values = headers.get_all(name).iter();
        let values =
            values.map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned());
        values.collect::<Vec<_>>().join(",")
    };
    names.into_iter().map(|name| format!("{name}:{}", value(name))).collect()
}

/// The signature of a string: base64 of HMAC-SHA1.
pub(crate) fn sign(secret: &Secret, text: &str) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac =
        Hmac::<Sha1>::new_from_slice(secret.expose().as_bytes()).expect("any length is a key");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The headers of a presigned request, with those that stand in its query
/// string: `x-amz-…` and, in this version, `content-type` and `content-md5`
/// (recorded: LocalStack's `test_presigned_url_v4_x_amz_in_qs`,
/// `test_put_url_metadata_with_sig_s3`). A header that is there stays; nothing
/// where the request is not presigned for S3.
pub fn headers(parts: &Parts) -> Option<HeaderMap> {
    const SIGNATURE: [&str; 8] = [
        "x-amz-algorithm",
        "x-amz-content-sha256",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
    ];
    let pairs = text::pairs(parts.uri.query()?).ok()?;
    let has = |name: &str| pairs.iter().any(|(key, _)| key == name);
    let is_v2 = has("AWSAccessKeyId") || has("Signature");
    let is_v4 = pairs
        .iter()
        .any(|(key, value)| key == "X-Amz-Credential" && value.ends_with("/s3/aws4_request"));
    if !is_v2 && !is_v4 {
        return None;
    }
    let mut headers = parts.headers.clone();
    for (name, value) in &pairs {
        let name = name.to_ascii_lowercase();
        let is_header = match name.as_str() {
            "content-type" | "content-md5" => is_v2,
            "x-amz-security-token" => is_v2,
            name => name.starts_with("x-amz-") && !SIGNATURE.contains(&name),
        };
        if is_header
            && let Ok(name) = http::HeaderName::from_bytes(name.as_bytes())
            && let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes())
            && !headers.contains_key(&name)
        {
            headers.insert(name, value);
        }
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use time::Duration;

    use super::*;
    use crate::Service;

    /// The example of the S3 user guide, "Query string request authentication
    /// alternative".
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const URL: &str = "/johnsmith/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&\
                       Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";

    fn parts(method: &str, url: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn verified(parts: &Parts, place: &Place<'_>, late: i64) -> Result<(), SignatureError> {
        let presented = read(parts)?.unwrap();
        let now = OffsetDateTime::from_unix_timestamp(1_175_139_620).unwrap();
        let headers = headers(parts).unwrap();
        let secret = Secret::new(SECRET);
        presented.verify(place, parts, &headers, &secret, now + Duration::seconds(late))
    }

    const PUPPY: Place<'_> =
        Place { region: "us-east-1", bucket: Some("johnsmith"), key: Some("photos/puppy.jpg") };

    #[test]
    fn awss_example_holds_by_path_and_by_host() {
        assert_eq!(verified(&parts("GET", URL, &[]), &PUPPY, 0), Ok(()));
        let by_host = URL.replacen("/johnsmith", "", 1);
        assert_eq!(verified(&parts("GET", &by_host, &[]), &PUPPY, 0), Ok(()));
    }

    #[rstest]
    #[case::other_method("HEAD", URL, &[], 403, "SignatureDoesNotMatch")]
    #[case::other_type("GET", URL, &[("content-type", "text/xml")], 403, "SignatureDoesNotMatch")]
    #[case::other_metadata("GET", URL, &[("x-amz-meta-a", "b")], 403, "SignatureDoesNotMatch")]
    #[case::subresource("GET", &format!("{URL}&acl"), &[], 403, "SignatureDoesNotMatch")]
    #[case::unsigned_subresource("GET", &format!("{URL}&other-one"), &[], 400, "AuthorizationHeaderMalformed")]
    #[case::no_expiry("GET", &URL.replace("&Expires=1175139620", ""), &[], 403, "AccessDenied")]
    #[case::no_number("GET", &URL.replace("1175139620", "tomorrow"), &[], 403, "AccessDenied")]
    #[case::two_signatures("GET", &format!("{URL}&Signature=a"), &[], 400, "InvalidArgument")]
    #[case::two_versions("GET", &format!("{URL}&X-Amz-Algorithm=a"), &[], 400, "InvalidArgument")]
    fn what_differs_does_not_hold(
        #[case] method: &str,
        #[case] url: &str,
        #[case] headers: &[(&str, &str)],
        #[case] status: u16,
        #[case] code: &str,
    ) {
        let error = verified(&parts(method, url, headers), &PUPPY, 0).unwrap_err();
        let error = error.to_service_error(Service::S3);
        assert_eq!((error.status, &*error.code), (status, code), "{error}");
    }

    #[test]
    fn a_url_ends_and_newer_regions_do_not_know_it() {
        let error = verified(&parts("GET", URL, &[]), &PUPPY, 1).unwrap_err();
        let error = error.to_service_error(Service::S3);
        assert_eq!((error.status, &*error.message), (403, "Request has expired"));
        let names: Vec<&str> = error.members.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["Expires", "ServerTime"]);
        let place = Place { region: "eu-central-1", ..PUPPY };
        let error = verified(&parts("GET", URL, &[]), &place, 0).unwrap_err();
        assert_eq!(error, SignatureError::Algorithm("Signature Version 2".to_owned()));
    }

    #[test]
    fn a_missing_parameter_is_told_in_s3s_words() {
        let url = URL.replace("&Expires=1175139620", "");
        let error = read(&parts("GET", &url, &[])).unwrap_err().to_service_error(Service::S3);
        assert_eq!(
            error.message,
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId \
             parameters"
        );
    }

    #[test]
    fn the_headers_in_a_query_string_count_where_there_are_none() {
        let url = format!("{URL}&x-amz-meta-foo=bar&content-type=text%2Fplain&x-amz-acl=private");
        let of = |parts: &Parts| {
            let headers = headers(parts).unwrap();
            ["x-amz-meta-foo", "content-type", "x-amz-acl"]
                .map(|name| headers.get(name).and_then(|it| it.to_str().ok()).map(str::to_owned))
        };
        let found = of(&parts("PUT", &url, &[("x-amz-acl", "public-read")]));
        assert_eq!(found.map(Option::unwrap), ["bar", "text/plain", "public-read"]);
        assert_eq!(headers(&parts("PUT", "/b/k?x-amz-acl=private", &[])), None);
    }
}

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;
use serde_json::{Value, json};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::*;
use crate::Secret;
use crate::signature::{canonical, v2};

const NOW: OffsetDateTime = datetime!(2026-02-21 00:00:00 UTC);
const KEY: &str = "AKIAEXAMPLE";

fn secret() -> Secret {
    Secret::new("secret")
}

/// The parts of a request with these fields and this file.
fn posted(fields: &[(&str, &str)], file: &str, file_name: Option<&str>) -> (Parts, Bytes) {
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!(
            "--MARK\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    let named = file_name.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
    body.push_str(&format!(
        "--MARK\r\nContent-Disposition: form-data; name=\"file\"{named}\r\n\r\n{file}\r\n--MARK--\r\n"
    ));
    let request = http::Request::builder()
        .method(Method::POST)
        .uri("/bucket")
        .header("host", "127.0.0.1:4566")
        .header("content-type", "multipart/form-data; boundary=MARK")
        .body(())
        .unwrap();
    (request.into_parts().0, body.into())
}

/// The fields of a signed form, as boto3 makes them.
fn signed(version: Version, conditions: &Value, until: Duration) -> Vec<(&'static str, String)> {
    let ends = NOW + until;
    let expiration = ends.format(&time::format_description::well_known::Rfc3339).unwrap();
    let credential = format!("{KEY}/20260221/us-east-1/s3/aws4_request");
    let mut conditions = conditions.as_array().unwrap().clone();
    if version == Version::V4 {
        conditions.extend([
            json!({"x-amz-algorithm": "AWS4-HMAC-SHA256"}),
            json!({"x-amz-credential": credential}),
            json!({"x-amz-date": "20260221T000000Z"}),
        ]);
    }
    let policy = json!({"expiration": expiration, "conditions": conditions});
    let policy = STANDARD.encode(policy.to_string());
    match version {
        Version::V4 => {
            let scope = canonical::Scope { date: "20260221", region: "us-east-1", service: "s3" };
            let signature = canonical::signature(&*scope.key("secret"), &policy);
            vec![
                ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
                ("x-amz-credential", credential),
                ("x-amz-date", "20260221T000000Z".to_owned()),
                ("policy", policy),
                ("x-amz-signature", signature),
            ]
        }
        Version::V2 => {
            let signature = v2::sign(&secret(), &policy);
            vec![("AWSAccessKeyId", KEY.to_owned()), ("policy", policy), ("signature", signature)]
        }
    }
}

/// What is answered to a form: the upload's target and body, or the error.
fn taken(fields: &[(&str, &str)], file: &str) -> Result<(String, Bytes), ServiceError> {
    let (parts, body) = posted(fields, file, Some("f.txt"));
    assert_eq!(bucket(&parts).unwrap().as_deref(), Some("bucket"));
    let form = Form::read(&parts.headers, &body)?;
    if let Some(signature) = Signature::read(&form)? {
        assert_eq!(signature.access_key_id, KEY);
        signature.verify(&form, "bucket", "us-east-1", &secret(), NOW)?;
    }
    let (upload, file) = upload(&parts, "bucket", &form)?;
    Ok((upload.uri.to_string(), file))
}

fn with<'a>(
    own: &[(&'a str, &'a str)],
    signed: &'a [(&'static str, String)],
) -> Vec<(&'a str, &'a str)> {
    own.iter().copied().chain(signed.iter().map(|(name, value)| (*name, value.as_str()))).collect()
}

#[rstest]
#[case::v4(Version::V4)]
#[case::v2(Version::V2)]
fn a_form_is_the_upload_that_its_policy_allows(#[case] version: Version) {
    let conditions = json!([
        {"bucket": "bucket"}, ["starts-with", "$key", "up/"], ["content-length-range", 1, 10],
        ["eq", "$Content-Type", "text/plain"], ["starts-with", "$x-amz-meta-a", ""],
    ]);
    let signed = signed(version, &conditions, Duration::MINUTE);
    let own = [("Key", "up/${filename}"), ("Content-Type", "text/plain"), ("x-amz-meta-a", "b")];
    let fields = with(&own, &signed);
    let (parts, body) = posted(&fields, "hello", Some("C:\\a b.txt"));
    let form = Form::read(&parts.headers, &body).unwrap();
    let signature = Signature::read(&form).unwrap().unwrap();
    assert_eq!(signature.version, version);
    let midnight = time::macros::datetime!(2026-02-21 00:00 UTC);
    assert_eq!(signature.signed_at, (version == Version::V4).then_some(midnight));
    signature.verify(&form, "bucket", "us-east-1", &secret(), NOW).unwrap();
    let (upload, file) = upload(&parts, "bucket", &form).unwrap();
    assert_eq!((upload.method, upload.uri.path()), (Method::PUT, "/bucket/up/a%20b.txt"));
    assert_eq!(file, "hello");
    assert_eq!(upload.headers["content-type"], "text/plain");
    assert_eq!(upload.headers["x-amz-meta-a"], "b");
    assert!(!upload.headers.contains_key("x-amz-signature"));
    // Signature Version 2 is known in some regions alone.
    let elsewhere = signature.verify(&form, "bucket", "eu-central-1", &secret(), NOW);
    assert_eq!(elsewhere.unwrap_err().status, 400);
}

/// Recorded on AWS in LocalStack's `TestS3PresignedPost`.
#[rstest]
#[case::expired(json!([{"key": "k"}]), -1, "k", "aaaaa", 403, "AccessDenied",
    "Invalid according to Policy: Policy expired.")]
#[case::other_key(json!([{"key": "k"}]), 1, "other", "aaaaa", 403, "AccessDenied",
    "Invalid according to Policy: Policy Condition failed: [\"eq\", \"$key\", \"k\"]")]
#[case::no_sign(json!([["eq", "key", "k"]]), 1, "k", "aaaaa", 403, "AccessDenied",
    "Invalid according to Policy: Policy Condition failed: [\"eq\", \"key\", \"k\"]")]
#[case::prefix(json!([["starts-with", "$key", "up/"]]), 1, "k", "aaaaa", 403, "AccessDenied",
    "Invalid according to Policy: Policy Condition failed: [\"starts-with\", \"$key\", \"up/\"]")]
#[case::two_in_one(json!([{"key": "k", "acl": "private"}]), 1, "k", "aaaaa", 400,
    "InvalidPolicyDocument",
    "Invalid Policy: Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")]
#[case::too_large(json!([{"key": "k"}, ["content-length-range", 5, 10]]), 1, "k",
    "aaaaaaaaaaaa", 400, "EntityTooLarge",
    "Your proposed upload exceeds the maximum allowed size")]
#[case::too_small(json!([{"key": "k"}, ["content-length-range", 5, 10]]), 1, "k", "a", 400,
    "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")]
#[case::no_number(json!([{"key": "k"}, ["content-length-range", "test", 10]]), 1, "k", "aaaaa",
    403, "AccessDenied",
    "Invalid according to Policy: Policy Condition failed: [\"content-length-range\", \"test\", \"10\"]")]
#[case::stray_field(json!([]), 1, "k", "aaaaa", 403, "AccessDenied",
    "Invalid according to Policy: Extra input fields: key")]
#[case::no_bucket(json!([{"key": "k"}]), 1, "k", "aaaaa", 403, "AccessDenied",
    "Invalid according to Policy: Extra input fields: bucket")]
fn what_the_policy_does_not_allow_is_refused(
    #[case] conditions: Value,
    #[case] minutes: i64,
    #[case] key: &str,
    #[case] file: &str,
    #[case] status: u16,
    #[case] code: &str,
    #[case] message: &str,
) {
    let signed = signed(Version::V4, &conditions, Duration::minutes(minutes));
    let error = taken(&with(&[("key", key)], &signed), file).unwrap_err();
    assert_eq!((error.status, &*error.code, &*error.message), (status, code, message));
}

#[test]
fn a_changed_policy_does_not_hold_and_the_error_tells_what_was_signed() {
    for version in [Version::V2, Version::V4] {
        let mut signed = signed(version, &json!([{"key": "k"}]), Duration::MINUTE);
        let policy = signed.iter_mut().find(|(name, _)| *name == "policy").unwrap();
        policy.1.truncate(policy.1.len() - 2);
        let sent = policy.1.clone();
        let error = taken(&with(&[("key", "k")], &signed), "a").unwrap_err();
        assert_eq!((error.status, &*error.code), (403, "SignatureDoesNotMatch"));
        let names: Vec<&str> = error.members.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            ["AWSAccessKeyId", "StringToSign", "SignatureProvided", "StringToSignBytes"]
        );
        assert_eq!(error.members[1].1, sent);
    }
}

#[rstest]
#[case::v4_signature(Version::V4, &["x-amz-signature"], "X-Amz-Signature")]
#[case::v4_others(Version::V4, &["x-amz-algorithm", "x-amz-credential"], "X-Amz-Algorithm")]
#[case::v2_signature(Version::V2, &["signature"], "Signature")]
#[case::v2_key(Version::V2, &["AWSAccessKeyId"], "AWSAccessKeyId")]
fn a_field_that_is_missing_is_named(
    #[case] version: Version,
    #[case] gone: &[&str],
    #[case] named: &str,
) {
    let mut signed = signed(version, &json!([{"key": "k"}]), Duration::MINUTE);
    signed.retain(|(name, _)| !gone.contains(name));
    let error = taken(&with(&[("key", "k")], &signed), "a").unwrap_err();
    assert_eq!((error.status, &*error.code), (400, "InvalidArgument"));
    assert_eq!(
        error.message,
        format!(
            "Bucket POST must contain a field named '{named}'.  If it is specified, please check \
             the order of the fields."
        )
    );
}

#[test]
fn a_form_without_a_policy_is_nobodys_and_one_without_a_key_is_none() {
    assert_eq!(taken(&[("key", "k")], "a").unwrap().0, "/bucket/k");
    let error = taken(&[("x-amz-meta-a", "b")], "a").unwrap_err();
    assert_eq!((&*error.code, error.members[0].1.as_str()), ("InvalidArgument", "key"));
    let twice = taken(&[("key", "k"), ("Key", "l")], "a").unwrap_err();
    assert_eq!(twice.code, "InvalidArgument");
}

#[test]
fn a_bucket_takes_forms_alone() {
    let (mut parts, _) = posted(&[], "a", None);
    parts.headers.insert("content-type", "text/html".parse().unwrap());
    let error = bucket(&parts).unwrap_err();
    assert_eq!((error.status, &*error.code), (412, "PreconditionFailed"));
    parts.uri = "/bucket/key".parse().unwrap();
    assert_eq!(bucket(&parts).unwrap(), None);
    parts.uri = "/bucket?delete".parse().unwrap();
    assert_eq!(bucket(&parts).unwrap(), None);
}

#[rstest]
#[case::nothing("", Success::Empty(204))]
#[case::other("304", Success::Empty(204))]
#[case::plain("200", Success::Empty(200))]
#[case::document("201", Success::Document)]
fn a_form_says_what_it_is_answered(#[case] status: &str, #[case] expected: Success) {
    let (parts, body) = posted(&[("key", "k"), ("success_action_status", status)], "a", None);
    let form = Form::read(&parts.headers, &body).unwrap();
    assert_eq!(Success::of(&form, "b", "k", "\"e\""), expected);
    let address = "http://localhost.test/done?x=1";
    for (given, redirected) in [(address, true), ("random-invalid-link", false)] {
        let fields = [("key", "k"), ("success_action_redirect", given)];
        let (parts, body) = posted(&fields, "a", None);
        let form = Form::read(&parts.headers, &body).unwrap();
        let found = Success::of(&form, "b", "k/1", "\"e\"");
        let wanted = match redirected {
            true => Success::Redirect(format!("{address}&bucket=b&key=k%2F1&etag=%22e%22")),
            false => Success::Empty(204),
        };
        assert_eq!(found, wanted);
    }
}

//! S3's answers. The recorded tests are LocalStack's.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use ringfence_wire::{Call, Reply, Service, ServiceError, error, reply, response};
use serde_json::json;

/// The calls whose answers tell how an object is encrypted.
const OF_OBJECTS: [&str; 8] = [
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateMultipartUpload",
    "GetObject",
    "HeadObject",
    "PutObject",
    "UploadPart",
    "UploadPartCopy",
];
const ENCRYPTION: HeaderName = HeaderName::from_static("x-amz-server-side-encryption");
const CHECKSUM_TYPE: HeaderName = HeaderName::from_static("x-amz-checksum-type");
const CHECKSUM: &str = "x-amz-checksum-";

/// What S3 answers where the upstream's answer is another: the encryption that each
/// bucket has (recorded in `test_s3_default_bucket_encryption`), and a version's id that
/// is none (`test_get_object_with_version_unversioned_bucket`).
pub(super) fn in_place(
    call: &Call,
    answer: &Response<Bytes>,
    request_id: &str,
) -> Option<Response<Bytes>> {
    if answer.status().is_success() {
        return None;
    }
    let told = response::decode(call.operation, answer).err()?;
    match (call.name(), &*told.code) {
        ("GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError") => {
            let own = json!({"ServerSideEncryptionConfiguration": {"Rule": [{
                "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                "BucketKeyEnabled": "false",
            }]}});
            Some(reply::render(&Reply::fields(own), call.operation, request_id))
        }
        (_, "NoSuchVersion") if !call.text("VersionId").is_some_and(is_version) => {
            let error = ServiceError::new(400, "InvalidArgument", "Invalid version id specified")
                .with("ArgumentName", "versionId")
                .with("ArgumentValue", call.text("VersionId").unwrap_or_default());
            Some(error::render(&error, Service::S3, request_id))
        }
        _ => None,
    }
}

/// Whether an id has the form of one, the upstream's (a UUID) or AWS's.
fn is_version(id: &str) -> bool {
    id == "null"
        || id.len() >= 32
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Adds to a successful answer what S3 tells of each object. What nobody encrypts
/// otherwise S3 does with its own keys, since January 2023
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html>;
/// recorded in `test_etag_on_get_object_call`). A checksum is of the whole object, or
/// of its parts' checksums, whose number it ends in then
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>).
pub(super) fn headers(call: &Call, headers: &mut HeaderMap) {
    if !OF_OBJECTS.contains(&call.name()) {
        return;
    }
    if !headers.keys().any(|name| name.as_str().starts_with(ENCRYPTION.as_str())) {
        headers.insert(ENCRYPTION, HeaderValue::from_static("AES256"));
    }
    let is_whole = matches!(call.name(), "GetObject" | "HeadObject" | "PutObject");
    if !is_whole || headers.contains_key(&CHECKSUM_TYPE) {
        return;
    }
    let is_checksum = |name: &HeaderName| {
        let algorithm = name.as_str().strip_prefix(CHECKSUM);
        algorithm.is_some_and(|it| !matches!(it, "algorithm" | "mode" | "type"))
    };
    let checksum = headers.iter().find(|(name, _)| is_checksum(name)).map(|(_, value)| value);
    let Some(checksum) = checksum.and_then(|value| value.to_str().ok()) else { return };
    let kind = HeaderValue::from_static(kind_of(checksum));
    headers.insert(CHECKSUM_TYPE, kind);
}

/// What a checksum is of: of parts' checksums it ends in their number.
fn kind_of(checksum: &str) -> &'static str {
    let is_of_parts = checksum.rsplit_once('-').is_some_and(|(_, parts)| {
        !parts.is_empty() && parts.bytes().all(|byte| byte.is_ascii_digit())
    });
    if is_of_parts { "COMPOSITE" } else { "FULL_OBJECT" }
}

/// The calls whose answers tell who owns something. Who began an upload has a name still
/// (`test_multipart_and_list_parts`).
const OF_OWNERS: [&str; 7] = [
    "GetBucketAcl",
    "GetBucketLogging",
    "GetObjectAcl",
    "ListBuckets",
    "ListObjectVersions",
    "ListObjects",
    "ListObjectsV2",
];

/// The body of an answer as AWS writes it; nothing where it is the same.
pub(super) fn body(call: &Call, told: &Bytes) -> Option<Bytes> {
    let text = || std::str::from_utf8(told).ok();
    let mended = match call.name() {
        // A default retention is of days or of years; the other one is not shown
        // (`test_object_lock_configuration`).
        "GetObjectLockConfiguration" => {
            Some(text()?.replace("<Days>0</Days>", "").replace("<Years>0</Years>", ""))
        }
        // `test_copy_in_place_with_bucket_encryption`, `test_get_object_attributes`
        "CopyObject" | "GetObjectAttributes" => with_checksum_type(text()?),
        // "Beginning November 21, 2025, Amazon S3 will stop returning DisplayName"
        // (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html>).
        name if OF_OWNERS.contains(&name) => without_names(text()?),
        _ => None,
    }?;
    (mended.as_bytes() != told.as_ref()).then(|| mended.into())
}

/// Says of the first checksum what it is of.
fn with_checksum_type(text: &str) -> Option<String> {
    const ALGORITHMS: [&str; 5] = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"];
    if text.contains("<ChecksumType>") {
        return None;
    }
    ALGORITHMS.iter().find_map(|algorithm| {
        let close = format!("</Checksum{algorithm}>");
        let (before, after) = text.split_once(&close)?;
        let (_, value) = before.rsplit_once('>')?;
        let kind = kind_of(value);
        Some(format!("{before}{close}<ChecksumType>{kind}</ChecksumType>{after}"))
    })
}

/// Without the elements that name an owner: names of keys cannot look as one, since
/// their brackets are escaped.
fn without_names(text: &str) -> Option<String> {
    const OPEN: &str = "<DisplayName>";
    const CLOSE: &str = "</DisplayName>";
    let mut parts = text.split(OPEN);
    let mut kept = parts.next()?.to_owned();
    for part in parts {
        kept.push_str(part.split_once(CLOSE)?.1);
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Operation;
    use rstest::rstest;
    use serde_json::Map;

    use super::*;

    fn mended(operation: &str, told: &'static str) -> Option<String> {
        let call = Call {
            operation: Operation::find(Service::S3, operation).unwrap(),
            region: "eu-west-1".to_owned(),
            input: Map::new(),
            payload: None,
        };
        let body = body(&call, &Bytes::from_static(told.as_bytes()))?;
        Some(String::from_utf8(body.to_vec()).unwrap())
    }

    #[rstest]
    #[case::of_days("<A><Days>2</Days><Years>0</Years></A>", Some("<A><Days>2</Days></A>"))]
    #[case::of_years("<A><Days>0</Days><Years>1</Years></A>", Some("<A><Years>1</Years></A>"))]
    #[case::right("<A><Days>20</Days></A>", None)]
    fn a_period_of_nothing_is_not_shown(#[case] told: &'static str, #[case] shown: Option<&str>) {
        assert_eq!(mended("GetObjectLockConfiguration", told).as_deref(), shown);
    }

    fn with(operation: &str, given: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
        let call = Call {
            operation: Operation::find(Service::S3, operation).unwrap(),
            region: "eu-west-1".to_owned(),
            input: Map::new(),
            payload: None,
        };
        let given = given
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut all: HeaderMap = given.collect();
        headers(&call, &mut all);
        let shown = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let mut all: Vec<_> =
            all.iter().map(|(name, value)| (name.to_string(), shown(value))).collect();
        all.sort();
        all
    }

    #[test]
    fn an_object_is_encrypted_and_its_checksum_has_a_type() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let own = pair("x-amz-server-side-encryption", "AES256");
        assert_eq!(with("PutObject", &[]), std::slice::from_ref(&own));
        assert_eq!(
            with("UploadPart", &[("x-amz-checksum-crc32", "AA==")]),
            [pair("x-amz-checksum-crc32", "AA=="), own.clone()]
        );
        for (value, kind) in [("AA==", "FULL_OBJECT"), ("AA==-3", "COMPOSITE")] {
            assert_eq!(
                with("GetObject", &[("x-amz-checksum-sha256", value)]),
                [
                    pair("x-amz-checksum-sha256", value),
                    pair("x-amz-checksum-type", kind),
                    own.clone()
                ]
            );
        }
        let customer = "x-amz-server-side-encryption-customer-algorithm";
        assert_eq!(with("HeadObject", &[(customer, "AES256")]), [pair(customer, "AES256")]);
        let kms = ("x-amz-server-side-encryption", "aws:kms");
        assert_eq!(with("CopyObject", &[kms]), [pair(kms.0, kms.1)]);
        assert_eq!(with("ListObjectsV2", &[]), []);
    }

    /// Every bucket is encrypted, and an id that is none names no version.
    #[rstest]
    #[case::encryption("GetBucketEncryption", json!({}), "ServerSideEncryptionConfigurationNotFoundError", Some((200, "<SSEAlgorithm>AES256</SSEAlgorithm>")))]
    #[case::no_id("GetObject", json!({"VersionId": "id123"}), "NoSuchVersion", Some((400, "<Message>Invalid version id specified</Message>")))]
    #[case::an_id("GetObject", json!({"VersionId": "3HL4kqtJvjVBH40Nrjfkd_3HL4kqtJvj"}), "NoSuchVersion", None)]
    #[case::another("GetBucketPolicy", json!({}), "NoSuchBucketPolicy", None)]
    fn what_s3_answers_otherwise(
        #[case] operation: &str,
        #[case] input: serde_json::Value,
        #[case] code: &'static str,
        #[case] wanted: Option<(u16, &str)>,
    ) {
        let call = Call {
            operation: Operation::find(Service::S3, operation).unwrap(),
            region: "eu-west-1".to_owned(),
            input: input.as_object().cloned().unwrap(),
            payload: None,
        };
        let told = error::render(&ServiceError::new(404, code, "x"), Service::S3, "id");
        let answer = in_place(&call, &told, "id");
        assert_eq!(answer.is_some(), wanted.is_some());
        if let (Some(answer), Some((status, text))) = (answer, wanted) {
            assert_eq!(answer.status().as_u16(), status);
            let body = String::from_utf8(answer.body().to_vec()).unwrap();
            assert!(body.contains(text), "{body}");
        }
    }

    #[rstest]
    #[case::copied(
        "CopyObject",
        "<A><ChecksumCRC32>AA==</ChecksumCRC32></A>",
        Some("<A><ChecksumCRC32>AA==</ChecksumCRC32><ChecksumType>FULL_OBJECT</ChecksumType></A>")
    )]
    #[case::of_parts(
        "GetObjectAttributes",
        "<A><ChecksumSHA256>AA==-2</ChecksumSHA256></A>",
        Some(
            "<A><ChecksumSHA256>AA==-2</ChecksumSHA256><ChecksumType>COMPOSITE</ChecksumType></A>"
        )
    )]
    #[case::none("CopyObject", "<A><ETag>x</ETag></A>", None)]
    #[case::owner(
        "ListObjectsV2",
        "<A><ID>1</ID><DisplayName>x</DisplayName><ID>2</ID><DisplayName></DisplayName></A>",
        Some("<A><ID>1</ID><ID>2</ID></A>")
    )]
    #[case::no_owner("ListObjectsV2", "<A><Key>&lt;DisplayName></Key></A>", None)]
    fn checksums_have_a_type_and_owners_no_name(
        #[case] operation: &str,
        #[case] told: &'static str,
        #[case] shown: Option<&str>,
    ) {
        assert_eq!(mended(operation, told).as_deref(), shown);
    }

    #[test]
    fn other_answers_stay_as_they_are() {
        assert_eq!(mended("GetObject", "<A><Days>0</Days></A>"), None);
    }
}

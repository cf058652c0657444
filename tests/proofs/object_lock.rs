//! Object Lock as LocalStack recorded it on AWS: what is retained or held is
//! neither deleted nor loosened, whatever the upstream would do.

use ringfence::stack::Stack;
use serde_json::{Value, json};

use crate::kept::{S3, as_root, refusal, text};
use crate::stack::with_empty_account;

const BUCKET: &str = "proofs-locked";

const NEAR: &str = "2090-01-01T00:00:00Z";
const FAR: &str = "2091-01-01T00:00:00Z";

/// An object's new version, by its id.
async fn version(stack: &Stack, key: &str, lock: Value) -> String {
    // Of no bytes, as S3 wants it of what is to be locked.
    let mut input = json!({"Bucket": BUCKET, "Key": key, "ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="});
    input.as_object_mut().unwrap().extend(lock.as_object().unwrap().clone());
    as_root(stack, S3, "PutObject", input).await.result.unwrap();
    let listed = json!({"Bucket": BUCKET, "Prefix": key});
    let listed = as_root(stack, S3, "ListObjectVersions", listed).await.result.unwrap();
    text(&listed, "/Version/0/VersionId").to_owned()
}

fn retained(mode: &str) -> Value {
    json!({"ObjectLockMode": mode, "ObjectLockRetainUntilDate": NEAR})
}

/// Deletes a version.
async fn delete(stack: &Stack, key: &str, version: &str, bypass: bool) -> Option<(u16, String)> {
    let mut input = json!({"Bucket": BUCKET, "Key": key, "VersionId": version});
    if bypass {
        input["BypassGovernanceRetention"] = true.into();
    }
    told(as_root(stack, S3, "DeleteObject", input).await)
}

/// Gives a version another retention.
async fn retain(
    stack: &Stack,
    (key, version): (&str, &str),
    retention: Value,
    bypass: bool,
) -> Option<(u16, String)> {
    let mut input =
        json!({"Bucket": BUCKET, "Key": key, "VersionId": version, "Retention": retention});
    if bypass {
        input["BypassGovernanceRetention"] = true.into();
    }
    told(as_root(stack, S3, "PutObjectRetention", input).await)
}

fn told(answer: ringfence::aws::Answer) -> Option<(u16, String)> {
    if answer.result.is_ok() {
        return None;
    }
    let (status, _, message) = refusal(answer);
    Some((status, message))
}

fn protected() -> Option<(u16, String)> {
    Some((403, "Access Denied because object protected by object lock.".to_owned()))
}

fn until(mode: &str, date: &str) -> Value {
    json!({"Mode": mode, "RetainUntilDate": date})
}

#[test]
fn a_locked_version_stays_as_strictly_as_it_is_locked() {
    with_empty_account(async |stack| {
        let bucket = json!({"Bucket": BUCKET, "ObjectLockEnabledForBucket": true});
        as_root(stack, S3, "CreateBucket", bucket).await.result.unwrap();

        // Governance: longer for everybody, all else by a bypass.
        let id = version(stack, "g", retained("GOVERNANCE")).await;
        let own = ("g", id.as_str());
        assert_eq!(delete(stack, "g", &id, false).await, protected());
        assert_eq!(retain(stack, own, until("GOVERNANCE", FAR), false).await, None);
        let read = json!({"Bucket": BUCKET, "Key": "g", "VersionId": id});
        let read = as_root(stack, S3, "GetObjectRetention", read).await.result.unwrap();
        let read = read.get("Retention").unwrap_or(&read);
        assert_eq!(text(read, "/Mode"), "GOVERNANCE");
        assert!(text(read, "/RetainUntilDate").starts_with("2091-01-01T00:00:00"), "{read}");
        assert_eq!(retain(stack, own, until("GOVERNANCE", NEAR), false).await, protected());
        assert_eq!(retain(stack, own, until("GOVERNANCE", NEAR), true).await, None);
        assert_eq!(delete(stack, "g", &id, true).await, None);

        // Compliance: longer, and nothing else, by nobody.
        let id = version(stack, "c", retained("COMPLIANCE")).await;
        let own = ("c", id.as_str());
        for (retention, expected) in [
            (until("COMPLIANCE", "2089-01-01T00:00:00Z"), protected()),
            (until("GOVERNANCE", FAR), protected()),
            (until("COMPLIANCE", FAR), None),
        ] {
            assert_eq!(retain(stack, own, retention.clone(), true).await, expected, "{retention}");
        }
        assert_eq!(delete(stack, "c", &id, true).await, protected());

        // A hold, until it is off.
        let id = version(stack, "h", json!({})).await;
        let hold = async |status: &str| {
            let input = json!({"Bucket": BUCKET, "Key": "h", "VersionId": id,
                "LegalHold": {"Status": status}});
            as_root(stack, S3, "PutObjectLegalHold", input).await.result.unwrap();
        };
        hold("ON").await;
        assert_eq!(delete(stack, "h", &id, true).await, protected());
        hold("OFF").await;
        assert_eq!(delete(stack, "h", &id, false).await, None);

        // What is asked for must make sense.
        let past = json!({"Bucket": BUCKET, "Key": "p", "ObjectLockMode": "GOVERNANCE",
            "ObjectLockRetainUntilDate": "2020-01-01T00:00:00Z"});
        let past = told(as_root(stack, S3, "PutObject", past).await);
        let message = "The retain until date must be in the future!".to_owned();
        assert_eq!(past, Some((400, message)));
        let suspend = json!({"Bucket": BUCKET, "VersioningConfiguration": {"Status": "Suspended"}});
        let suspended = told(as_root(stack, S3, "PutBucketVersioning", suspend).await);
        let message = "An Object Lock configuration is present on this bucket, so the versioning \
                       state cannot be changed.";
        assert_eq!(suspended, Some((409, message.to_owned())));
    });
}

#[test]
fn a_bucket_without_object_lock_takes_neither_retention_nor_bypass() {
    with_empty_account(async |stack| {
        as_root(stack, S3, "CreateBucket", json!({"Bucket": BUCKET})).await.result.unwrap();
        as_root(stack, S3, "PutObject", json!({"Bucket": BUCKET, "Key": "k"}))
            .await
            .result
            .unwrap();
        let missing = Some((400, "Bucket is missing Object Lock Configuration".to_owned()));
        let input = |more: Value| {
            let mut input = json!({"Bucket": BUCKET, "Key": "k"});
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            input
        };
        for (operation, more) in [
            ("PutObjectRetention", json!({"Retention": until("GOVERNANCE", NEAR)})),
            ("GetObjectRetention", json!({})),
            ("PutObjectLegalHold", json!({"LegalHold": {"Status": "ON"}})),
            ("GetObjectLegalHold", json!({})),
        ] {
            let answer = as_root(stack, S3, operation, input(more)).await;
            assert_eq!(told(answer), missing, "{operation}");
        }
        let bypass = input(json!({"BypassGovernanceRetention": true}));
        let message = "x-amz-bypass-governance-retention is only applicable to Object Lock enabled \
                       buckets.";
        let answer = as_root(stack, S3, "DeleteObject", bypass).await;
        assert_eq!(told(answer), Some((400, message.to_owned())));
        as_root(stack, S3, "DeleteObject", input(json!({}))).await.result.unwrap();
    });
}

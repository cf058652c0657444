//! S3: buckets and objects, whose actions often have other names than the
//! operations, and whose condition keys are the request's headers and
//! parameters.

use ringfence_wire::ServiceError;
use serde_json::Value;

use super::RequirementsError;
use super::bucket_policy::{self, Asked};
use super::generic::{self, known};
use super::iam::pass_role;
use super::requirement::{Needed, Requirement};
use super::scope::{Mapped, Scope, field, scalar, tags};
use super::state::{Tags, Told};
use crate::delete_objects::{is_well_formed, objects};

/// Bucket operations whose action has another name (S3 user guide, "Required
/// permissions for Amazon S3 API operations").
const BUCKET: &[(&str, &str)] = &[
    ("DeleteBucketAnalyticsConfiguration", "PutAnalyticsConfiguration"),
    ("DeleteBucketCors", "PutBucketCORS"),
    ("DeleteBucketEncryption", "PutEncryptionConfiguration"),
    ("DeleteBucketIntelligentTieringConfiguration", "PutIntelligentTieringConfiguration"),
    ("DeleteBucketInventoryConfiguration", "PutInventoryConfiguration"),
    ("DeleteBucketLifecycle", "PutLifecycleConfiguration"),
    ("DeleteBucketMetricsConfiguration", "PutMetricsConfiguration"),
    ("DeleteBucketOwnershipControls", "PutBucketOwnershipControls"),
    ("DeleteBucketReplication", "PutReplicationConfiguration"),
    ("DeleteBucketTagging", "PutBucketTagging"),
    ("DeletePublicAccessBlock", "PutBucketPublicAccessBlock"),
    ("GetBucketAccelerateConfiguration", "GetAccelerateConfiguration"),
    ("GetBucketAnalyticsConfiguration", "GetAnalyticsConfiguration"),
    ("GetBucketCors", "GetBucketCORS"),
    ("GetBucketEncryption", "GetEncryptionConfiguration"),
    ("GetBucketIntelligentTieringConfiguration", "GetIntelligentTieringConfiguration"),
    ("GetBucketInventoryConfiguration", "GetInventoryConfiguration"),
    ("GetBucketLifecycle", "GetLifecycleConfiguration"),
    ("GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"),
    ("GetBucketMetricsConfiguration", "GetMetricsConfiguration"),
    ("GetBucketNotificationConfiguration", "GetBucketNotification"),
    ("GetBucketReplication", "GetReplicationConfiguration"),
    ("GetObjectLockConfiguration", "GetBucketObjectLockConfiguration"),
    ("GetPublicAccessBlock", "GetBucketPublicAccessBlock"),
    ("HeadBucket", "ListBucket"),
    ("ListBucketAnalyticsConfigurations", "GetAnalyticsConfiguration"),
    ("ListBucketIntelligentTieringConfigurations", "GetIntelligentTieringConfiguration"),
    ("ListBucketInventoryConfigurations", "GetInventoryConfiguration"),
    ("ListBucketMetricsConfigurations", "GetMetricsConfiguration"),
    ("ListMultipartUploads", "ListBucketMultipartUploads"),
    ("ListObjectVersions", "ListBucketVersions"),
    ("ListObjects", "ListBucket"),
    ("ListObjectsV2", "ListBucket"),
    ("PutBucketAccelerateConfiguration", "PutAccelerateConfiguration"),
    ("PutBucketAnalyticsConfiguration", "PutAnalyticsConfiguration"),
    ("PutBucketCors", "PutBucketCORS"),
    ("PutBucketEncryption", "PutEncryptionConfiguration"),
    ("PutBucketIntelligentTieringConfiguration", "PutIntelligentTieringConfiguration"),
    ("PutBucketInventoryConfiguration", "PutInventoryConfiguration"),
    ("PutBucketLifecycle", "PutLifecycleConfiguration"),
    ("PutBucketLifecycleConfiguration", "PutLifecycleConfiguration"),
    ("PutBucketMetricsConfiguration", "PutMetricsConfiguration"),
    ("PutBucketNotificationConfiguration", "PutBucketNotification"),
    ("PutBucketReplication", "PutReplicationConfiguration"),
    ("PutObjectLockConfiguration", "PutBucketObjectLockConfiguration"),
    ("PutPublicAccessBlock", "PutBucketPublicAccessBlock"),
];

/// Object operations: the action, and the one that a version needs instead.
const OBJECT: &[(&str, &str, Option<&str>)] = &[
    ("AbortMultipartUpload", "AbortMultipartUpload", None),
    ("CompleteMultipartUpload", "PutObject", None),
    ("CopyObject", "PutObject", None),
    ("CreateMultipartUpload", "PutObject", None),
    ("DeleteObject", "DeleteObject", Some("DeleteObjectVersion")),
    ("DeleteObjectTagging", "DeleteObjectTagging", Some("DeleteObjectVersionTagging")),
    ("GetObject", "GetObject", Some("GetObjectVersion")),
    ("GetObjectAcl", "GetObjectAcl", Some("GetObjectVersionAcl")),
    ("GetObjectAttributes", "GetObjectAttributes", Some("GetObjectVersionAttributes")),
    ("GetObjectLegalHold", "GetObjectLegalHold", None),
    ("GetObjectRetention", "GetObjectRetention", None),
    ("GetObjectTagging", "GetObjectTagging", Some("GetObjectVersionTagging")),
    ("GetObjectTorrent", "GetObject", None),
    ("HeadObject", "GetObject", Some("GetObjectVersion")),
    ("ListParts", "ListMultipartUploadParts", None),
    ("PutObject", "PutObject", None),
    ("PutObjectAcl", "PutObjectAcl", Some("PutObjectVersionAcl")),
    ("PutObjectLegalHold", "PutObjectLegalHold", None),
    ("PutObjectRetention", "PutObjectRetention", None),
    ("PutObjectTagging", "PutObjectTagging", Some("PutObjectVersionTagging")),
    ("RestoreObject", "RestoreObject", None),
    ("SelectObjectContent", "GetObject", None),
    ("UploadPart", "PutObject", None),
    ("UploadPartCopy", "PutObject", None),
];

/// Condition keys and the members that set them.
const KEYS: &[(&str, &str)] = &[
    ("s3:VersionId", "VersionId"),
    ("s3:delimiter", "Delimiter"),
    ("s3:if-match", "IfMatch"),
    ("s3:if-none-match", "IfNoneMatch"),
    ("s3:max-keys", "MaxKeys"),
    ("s3:object-lock-legal-hold", "ObjectLockLegalHoldStatus"),
    ("s3:object-lock-mode", "ObjectLockMode"),
    ("s3:object-lock-retain-until-date", "ObjectLockRetainUntilDate"),
    ("s3:prefix", "Prefix"),
    ("s3:x-amz-acl", "ACL"),
    ("s3:x-amz-copy-source", "CopySource"),
    ("s3:x-amz-grant-full-control", "GrantFullControl"),
    ("s3:x-amz-grant-read", "GrantRead"),
    ("s3:x-amz-grant-read-acp", "GrantReadACP"),
    ("s3:x-amz-grant-write", "GrantWrite"),
    ("s3:x-amz-grant-write-acp", "GrantWriteACP"),
    ("s3:x-amz-metadata-directive", "MetadataDirective"),
    ("s3:x-amz-object-ownership", "ObjectOwnership"),
    ("s3:x-amz-server-side-encryption", "ServerSideEncryption"),
    ("s3:x-amz-server-side-encryption-aws-kms-key-id", "SSEKMSKeyId"),
    ("s3:x-amz-server-side-encryption-customer-algorithm", "SSECustomerAlgorithm"),
    ("s3:x-amz-storage-class", "StorageClass"),
    ("s3:x-amz-website-redirect-location", "WebsiteRedirectLocation"),
];

/// The members that set an object's or bucket's access control list.
const GRANTS: &[&str] =
    &["ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP"];

pub(super) async fn requirements(scope: &Scope<'_>) -> Mapped {
    let name = scope.name();
    if name == "ListBuckets" {
        return Ok(vec![generic::on(scope, "ListAllMyBuckets", "*")]);
    }
    let bucket = scope.text("Bucket").ok_or_else(|| scope.unmapped())?;
    // Access points and directory buckets have ARNs and actions of their own.
    if bucket.starts_with("arn:") || bucket.ends_with("-s3alias") || bucket.ends_with("--x-s3") {
        return Err(scope.unmapped());
    }
    let mut requirements = if name == "DeleteObjects" {
        delete_objects(scope, bucket)?
    } else if let Some((_, action, versioned)) = OBJECT.iter().find(|(call, _, _)| *call == name) {
        object(scope, bucket, action, *versioned).await?
    } else if let Some((_, action)) = BUCKET.iter().find(|(call, _)| *call == name) {
        vec![on_bucket(scope, action, bucket)]
    } else if only_on_bucket(name) {
        let mut requirements = vec![on_bucket(scope, name, bucket)];
        if let (Some(first), "CreateBucket") = (requirements.first_mut(), name) {
            first.add_request_tags(&creation_tags(scope));
        }
        requirements.extend(with_bucket(scope, bucket));
        requirements
    } else {
        return Err(scope.unmapped());
    };
    for requirement in &mut requirements {
        finish(scope, requirement).await?;
    }
    // API reference of PutBucketReplication: the caller passes the role.
    if let Some(role) = scope
        .value("ReplicationConfiguration")
        .and_then(|configuration| configuration.get("Role"))
        .and_then(Value::as_str)
    {
        requirements.push(pass_role(scope, role, "s3.amazonaws.com").await?);
    }
    Ok(requirements)
}

/// The reads of an object; all that a missing one tells is whether it is there.
pub(super) async fn requirements_of_absence(scope: &Scope<'_>) -> Mapped {
    let reads = ["GetObject", "GetObjectAttributes", "HeadObject"].contains(&scope.name());
    let Some(bucket) = scope.text("Bucket").filter(|_| reads) else { return Ok(Vec::new()) };
    let mut requirement = on_bucket(scope, "ListBucket", bucket);
    finish(scope, &mut requirement).await?;
    Ok(vec![requirement])
}

/// Whether the operation's own action takes a bucket and no object.
fn only_on_bucket(name: &str) -> bool {
    known("s3", name).is_some_and(|action| {
        action.resources.iter().any(|resource| resource.name == "bucket")
            && action.resources.iter().all(|resource| resource.name != "object")
    })
}

/// The ARN of a bucket or an object, which has neither region nor account.
fn arn(scope: &Scope<'_>, resource: &str) -> String {
    format!("arn:{}:s3:::{resource}", scope.partition())
}

fn on_bucket(scope: &Scope<'_>, action: &str, bucket: &str) -> Requirement {
    generic::on(scope, action, arn(scope, bucket))
}

fn on_object(scope: &Scope<'_>, action: &str, bucket: &str, key: &str) -> Requirement {
    generic::on(scope, action, arn(scope, &format!("{bucket}/{key}")))
}

/// What the creation of a bucket needs beyond `s3:CreateBucket` (API reference
/// of CreateBucket, "Permissions").
fn with_bucket(scope: &Scope<'_>, bucket: &str) -> Vec<Requirement> {
    if scope.name() != "CreateBucket" {
        return Vec::new();
    }
    let mut more = Vec::new();
    if scope.any_text(GRANTS).is_some_and(|acl| acl != "private") {
        more.push(on_bucket(scope, "PutBucketAcl", bucket));
    }
    if scope.flag("ObjectLockEnabledForBucket") {
        more.push(on_bucket(scope, "PutBucketObjectLockConfiguration", bucket));
        more.push(on_bucket(scope, "PutBucketVersioning", bucket));
    }
    if scope.text("ObjectOwnership").is_some() {
        more.push(on_bucket(scope, "PutBucketOwnershipControls", bucket));
    }
    let tags = creation_tags(scope);
    if !tags.is_empty() {
        let mut requirement = on_bucket(scope, "TagResource", bucket);
        requirement.add_request_tags(&tags);
        more.push(requirement);
    }
    more
}

fn creation_tags(scope: &Scope<'_>) -> Tags {
    scope
        .value("CreateBucketConfiguration")
        .and_then(|configuration| configuration.get("Tags"))
        .map(|listed| tags(field(listed, &["Tag"]).unwrap_or(listed)))
        .unwrap_or_default()
}

/// Writes and deletions whose condition on the object that is there is read for the
/// caller.
const CONDITIONAL: &[&str] =
    &["CompleteMultipartUpload", "CopyObject", "DeleteObject", "PutObject"];

/// Whether a condition is about the object's content, which needs `s3:GetObject`; of
/// `*`, whether there is any, the same pages ask nothing.
/// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-delete-enforce.html>
/// - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html>
fn is_etag(condition: Option<&str>) -> bool {
    condition.is_some_and(|condition| condition != "*")
}

/// The tags of a copy are those of its source, unless others are given: reading and
/// writing them needs the permissions for tags
/// (<https://repost.aws/knowledge-center/s3-troubleshoot-copy-between-buckets>).
async fn copied_tags(scope: &Scope<'_>, source: Requirement, bucket: &str, key: &str) -> Mapped {
    if scope.name() != "CopyObject" || scope.text("TaggingDirective") == Some("REPLACE") {
        return Ok(Vec::new());
    }
    let is_version = source.action == "s3:GetObjectVersion";
    let told = match is_version {
        // Only those of the latest version are told.
        true => Told::Unknown("of the tags of a version nothing is told".to_owned()),
        false => scope.state.resource_tags(&source.resource).await?,
    };
    let needed = match told {
        Told::Is(tags) if tags.is_empty() => return Ok(Vec::new()),
        Told::Nothing => return Ok(Vec::new()),
        Told::Is(_) => Needed::Surely,
        Told::Unknown(_) => Needed::Perhaps("where the source has tags"),
    };
    let action = if is_version { "GetObjectVersionTagging" } else { "GetObjectTagging" };
    let read = Requirement { action: scope.action(action), needed, ..source };
    let mut write = Requirement { needed, ..on_object(scope, "PutObjectTagging", bucket, key) };
    for key in ["s3:RequestObjectTag/*", "s3:RequestObjectTagKeys"] {
        write.context.set_unknown(key);
    }
    Ok(vec![read, write])
}

async fn object(scope: &Scope<'_>, bucket: &str, action: &str, versioned: Option<&str>) -> Mapped {
    let key = scope.need("Key")?;
    let action = match versioned {
        Some(versioned) if scope.text("VersionId").is_some() => versioned,
        _ => action,
    };
    let mut requirements = Vec::new();
    if let Some(source) = scope.text("CopySource") {
        let source = copy_source(scope, source)?;
        requirements.push(source.clone());
        requirements.extend(copied_tags(scope, source, bucket, key).await?);
    }
    requirements.push(on_object(scope, action, bucket, key));
    if is_etag(scope.text("IfMatch")) && CONDITIONAL.contains(&scope.name()) {
        requirements.push(on_object(scope, "GetObject", bucket, key));
    }
    let mut also = |action| requirements.push(on_object(scope, action, bucket, key));
    // API reference of GetObjectAttributes: both permissions.
    match action {
        "GetObjectAttributes" => also("GetObject"),
        "GetObjectVersionAttributes" => also("GetObjectVersion"),
        _ => {}
    }
    // An upload with an access control list, tags or a lock needs the
    // permission for each (API reference of PutObject, "Permissions").
    if action == "PutObject" {
        if scope.any_text(GRANTS).is_some_and(|acl| acl != "private") {
            also("PutObjectAcl");
        }
        if scope.text("Tagging").is_some() {
            also("PutObjectTagging");
        }
        if scope.text("ObjectLockLegalHoldStatus").is_some() {
            also("PutObjectLegalHold");
        }
        if scope.text("ObjectLockMode").is_some() {
            also("PutObjectRetention");
        }
    }
    if scope.flag("BypassGovernanceRetention") {
        also("BypassGovernanceRetention");
    }
    Ok(requirements)
}

/// `/BUCKET/KEY?versionId=V`, percent-encoded, with or without the slash. What
/// readers of URLs take for more than a path is refused: emulators parse this
/// as a URL, so that `//a/b/c` would be the object `c` of the bucket `b`.
fn copy_source(scope: &Scope<'_>, source: &str) -> Result<Requirement, RequirementsError> {
    let malformed = || {
        let text = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey";
        ServiceError::new(400, "InvalidArgument", text)
    };
    if source.starts_with("arn:") {
        return Err(scope.unmapped());
    }
    let (path, version) = match source.split_once("?versionId=") {
        Some((path, version)) => (path, Some(version)),
        None => (source, None),
    };
    let is_url = |text: &str| text.contains(['?', '#', ';', '+', '\t']);
    let is_query = |version: &str| version.is_empty() || version.contains(['&', '%', '+', '#']);
    if path.starts_with("//") || is_url(path) || version.is_some_and(is_query) {
        return Err(malformed().into());
    }
    let path = percent_decode(path).ok_or_else(malformed)?;
    let (bucket, key) = path.trim_start_matches('/').split_once('/').ok_or_else(malformed)?;
    if bucket.is_empty() || bucket.contains(':') || key.is_empty() {
        return Err(malformed().into());
    }
    let action = if version.is_some() { "GetObjectVersion" } else { "GetObject" };
    // The headers describe the target; the source has only its version.
    Ok(Requirement::on(scope.action(action), arn(scope, &format!("{bucket}/{key}")))
        .key_if("s3:VersionId", version))
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let value = digit(bytes.next()?)? * 16 + digit(bytes.next()?)?;
            out.push(u8::try_from(value).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// Each key is decided by itself; a version needs `s3:DeleteObjectVersion`.
fn delete_objects(scope: &Scope<'_>, bucket: &str) -> Mapped {
    let objects = objects(scope.call);
    if !is_well_formed(scope.call) {
        return Err(ServiceError::malformed_xml().into());
    }
    let mut requirements = Vec::new();
    for (index, object) in objects.into_iter().enumerate() {
        let key =
            object.get("Key").and_then(Value::as_str).ok_or_else(ServiceError::malformed_xml)?;
        let version = object.get("VersionId").and_then(Value::as_str).filter(|id| !id.is_empty());
        let action = if version.is_some() { "DeleteObjectVersion" } else { "DeleteObject" };
        let on_key = |action| on_object(scope, action, bucket, key).of_item(index);
        let etag = object.get("ETag").and_then(Value::as_str);
        let on_it = on_key(action).key_if("s3:VersionId", version);
        requirements.push(on_it.key_if("s3:if-match", etag));
        if is_etag(etag) {
            requirements.push(on_key("GetObject"));
        }
        if scope.flag("BypassGovernanceRetention") {
            requirements.push(on_key("BypassGovernanceRetention"));
        }
    }
    Ok(requirements)
}

/// What all requirements of S3 have in common: the keys of headers and
/// parameters as far as the action knows them, the bucket's policy, the tags,
/// and the quotes around the resource in AWS's messages.
async fn finish(scope: &Scope<'_>, requirement: &mut Requirement) -> Result<(), RequirementsError> {
    let known = known("s3", requirement.action.trim_start_matches("s3:"));
    let lists = |key: &str| {
        known.is_some_and(|action| {
            action.condition_keys.iter().any(|known| known.eq_ignore_ascii_case(key))
        })
    };
    let resource = requirement.resource.clone();
    let is_source = scope.text("CopySource").is_some() && requirement.action.starts_with("s3:Get");
    if !is_source {
        for (key, member) in KEYS {
            if lists(key)
                && requirement.context.get(key).is_none()
                && let Some(value) = scope.value(member).and_then(scalar)
            {
                requirement.context.set(key, value);
            }
        }
        request_object_tags(scope, requirement, lists("s3:RequestObjectTagKeys"));
        in_bodies(scope, requirement, lists);
    }
    if lists("s3:locationconstraint")
        && let Some(configuration) = scope.value("CreateBucketConfiguration")
        && let Some(location) = configuration.get("LocationConstraint").and_then(scalar)
    {
        requirement.context.set("s3:locationconstraint", location);
    }
    if lists("s3:ExistingObjectTag/<key>") && requirement.context.get("s3:VersionId").is_some() {
        // Only the tags of the latest version are told.
        requirement.context.set_unknown("s3:ExistingObjectTag/*");
    } else if lists("s3:ExistingObjectTag/<key>") {
        match scope.state.resource_tags(&resource).await? {
            Told::Is(tags) => {
                for (key, value) in tags {
                    requirement.context.set(&format!("s3:ExistingObjectTag/{key}"), value);
                }
            }
            Told::Nothing => {}
            Told::Unknown(_) => drop(requirement.context.set_unknown("s3:ExistingObjectTag/*")),
        }
    }
    requirement.context.set("s3:ResourceAccount", scope.account());
    let buckets = arn(scope, "");
    let bucket = resource.trim_start_matches(&buckets).split('/').next().unwrap_or_default();
    if requirement.action != "s3:CreateBucket" {
        let asked = Asked {
            action: &requirement.action,
            resource: &resource,
            version: bucket_policy::single(&requirement.context, "s3:VersionId"),
            sets_acl: scope.text("ACL"),
        };
        let own = bucket_policy::for_caller(scope.state, scope.caller, &asked).await?;
        if let Some(key) = own.unknown {
            requirement.context.set_unknown(key);
        }
        *requirement = requirement.clone().guarded_by(&arn(scope, bucket), own.document);
    }
    requirement.printed_resource = Some(format!("\"{resource}\""));
    Ok(())
}

/// Keys that a body sets, or the operation itself.
fn in_bodies(scope: &Scope<'_>, requirement: &mut Requirement, lists: impl Fn(&str) -> bool) {
    let text = |member: &str, name: &str| scope.value(member)?.get(name).and_then(scalar);
    let keys = [
        ("s3:object-lock-mode", text("Retention", "Mode")),
        ("s3:object-lock-retain-until-date", text("Retention", "RetainUntilDate")),
        ("s3:object-lock-legal-hold", text("LegalHold", "Status")),
        // "You must specify the s3:ObjectCreationOperation condition key to exempt
        // the CreateMultipartUpload, UploadPart, and UploadPartCopy operations"
        // (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html>).
        ("s3:ObjectCreationOperation", Some(creates_object(scope.name()).to_string())),
    ];
    for (key, value) in keys {
        if let Some(value) = value.filter(|_| lists(key)) {
            requirement.context.set(key, value);
        }
    }
}

fn creates_object(operation: &str) -> bool {
    !["CreateMultipartUpload", "UploadPart", "UploadPartCopy"].contains(&operation)
}

/// `s3:RequestObjectTag/KEY` and `s3:RequestObjectTagKeys`: from the header of
/// an upload, or from the body of PutObjectTagging.
fn request_object_tags(scope: &Scope<'_>, requirement: &mut Requirement, known: bool) {
    if !known {
        return;
    }
    let tags: Tags = match scope.value("Tagging") {
        Some(Value::String(header)) => header
            .split('&')
            .filter(|pair| !pair.is_empty())
            .filter_map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                let plain = |text: &str| percent_decode(&text.replace('+', " "));
                Some((plain(key)?, plain(value)?))
            })
            .collect(),
        Some(body) => {
            let set = field(body, &["TagSet"]).unwrap_or(body);
            tags(field(set, &["Tag"]).unwrap_or(set))
        }
        None => return,
    };
    for (key, value) in &tags {
        requirement.context.set(&format!("s3:RequestObjectTag/{key}"), value);
    }
    if !tags.is_empty() {
        requirement.context.set_list("s3:RequestObjectTagKeys", tags.iter().map(|(key, _)| key));
    }
}

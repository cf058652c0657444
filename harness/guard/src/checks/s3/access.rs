//! Block Public Access and Object Ownership, at a call that would open a bucket.

use ringfence_models::Partition;
use ringfence_services::credentials::Identity;
use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

use super::acl::GRANTS;
use super::is_public;
use crate::directory::Directory;

/// "Amazon S3 predefined groups" that stand for everybody
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html>).
const EVERYBODY: [&str; 2] = ["/groups/global/AllUsers", "/groups/global/AuthenticatedUsers"];

/// Checks a call against the settings of its bucket.
///
/// # Errors
/// What S3 answers to a policy or an access control list that the bucket does
/// not take, or that the upstream cannot tell.
pub(crate) async fn check(
    call: &Call,
    caller: &Identity,
    directory: &Directory,
) -> Result<(), ServiceError> {
    let bucket = call.text("Bucket").unwrap_or_default();
    match call.name() {
        "CreateBucket" => new_bucket(call),
        "PutBucketPolicy" => {
            let text = call.payload.as_ref().map(|payload| String::from_utf8_lossy(payload));
            let text = text.as_deref().or_else(|| call.text("Policy")).unwrap_or_default();
            let access = directory.bucket_access(&call.region, bucket).await?;
            match access.blocks_public_policy && is_public(text) {
                true => Err(blocked(call, caller, POLICIES)),
                false => Ok(()),
            }
        }
        // "If your existing bucket ACL grants access to an external AWS account or any
        // other group"
        // (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-ownership-error-responses.html>)
        "PutBucketOwnershipControls" if enforces(call) => {
            match directory.acl(&call.region, bucket, None).await? {
                Some(acl) if !acl.is_private() => Err(list_against_ownership(bucket)),
                _ => Ok(()),
            }
        }
        "PutBucketAcl" | "PutObjectAcl" => {
            let access = directory.bucket_access(&call.region, bucket).await?;
            if access.has_no_acls() && !(call.name() == "PutObjectAcl" && is_owners(call)) {
                return Err(no_acls(bucket));
            }
            match access.blocks_public_acls && is_for_everybody(call) {
                true => Err(blocked(call, caller, LISTS)),
                false => Ok(()),
            }
        }
        "CopyObject" | "CreateMultipartUpload" | "PutObject" if has_acl(call) => {
            let access = directory.bucket_access(&call.region, bucket).await?;
            if access.has_no_acls() && !is_owners(call) {
                return Err(no_acls(bucket));
            }
            match access.blocks_public_acls && is_for_everybody(call) {
                true => Err(blocked(call, caller, LISTS)),
                false => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// What a message calls the thing that is blocked, and the setting.
type Blocked = (&'static str, &'static str);

const POLICIES: Blocked = ("public policies", "BlockPublicPolicy");
const LISTS: Blocked = ("public access control lists (ACLs)", "BlockPublicAcls");

/// The words as S3 answers them: <https://github.com/hashicorp/terraform-provider-aws/issues/28353>
/// and many others have the first part; the reason is that of the setting.
fn blocked(call: &Call, caller: &Identity, (what, setting): Blocked) -> ServiceError {
    if matches!(caller, Identity::Anonymous) {
        return ServiceError::new(403, "AccessDenied", "Access Denied");
    }
    let action = match call.name() {
        "CopyObject" | "CreateMultipartUpload" => "PutObject",
        name => name,
    };
    let partition = Partition::of_region(&call.region);
    let mut resource = format!("arn:{partition}:s3:::{}", call.text("Bucket").unwrap_or_default());
    if let Some(key) = call.text("Key") {
        resource.push('/');
        resource.push_str(key);
    }
    ServiceError::new(
        403,
        "AccessDenied",
        format!(
            "User: {} is not authorized to perform: s3:{action} on resource: \"{resource}\" \
             because {what} are blocked by the {setting} block public access setting.",
            caller.arn()
        ),
    )
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>,
/// "ACLs disabled": requests that set access control lists "fail and return the
/// `AccessControlListNotSupported` error code".
fn no_acls(bucket: &str) -> ServiceError {
    ServiceError::new(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")
        .with("BucketName", bucket)
}

fn list_against_ownership(bucket: &str) -> ServiceError {
    ServiceError::new(
        400,
        "InvalidBucketAclWithObjectOwnership",
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
    )
    .with("BucketName", bucket)
}

/// Whether ownership controls disable access control lists.
fn enforces(call: &Call) -> bool {
    let controls = call.input.get("OwnershipControls").map(Value::to_string);
    controls.is_some_and(|text| text.contains("\"BucketOwnerEnforced\""))
}

/// A new bucket has no access control lists unless it asks for them
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>).
fn new_bucket(call: &Call) -> Result<(), ServiceError> {
    let ownership = call.text("ObjectOwnership").unwrap_or("BucketOwnerEnforced");
    let is_private = call.text("ACL").is_none_or(|acl| acl == "private");
    let is_granted = GRANTS.iter().any(|(member, _)| call.text(member).is_some());
    if ownership == "BucketOwnerEnforced" && (!is_private || is_granted) {
        return Err(list_against_ownership(call.text("Bucket").unwrap_or_default()));
    }
    // Its block of public access is on before anything else.
    if is_for_everybody(call) {
        return Err(ServiceError::new(403, "AccessDenied", "Access Denied"));
    }
    Ok(())
}

/// Whether a call sets an access control list by headers.
pub(crate) fn has_acl(call: &Call) -> bool {
    call.text("ACL").is_some() || GRANTS.iter().any(|(member, _)| call.text(member).is_some())
}

/// The one list that a bucket without lists takes.
fn is_owners(call: &Call) -> bool {
    call.text("ACL") == Some("bucket-owner-full-control")
        && GRANTS.iter().all(|(member, _)| call.text(member).is_none())
}

fn is_for_everybody(call: &Call) -> bool {
    let names = |text: &str| EVERYBODY.iter().any(|group| text.contains(group));
    let canned = ["public-read", "public-read-write", "authenticated-read"];
    call.text("ACL").is_some_and(|acl| canned.contains(&acl))
        || GRANTS.iter().filter_map(|(member, _)| call.text(member)).any(names)
        || call.input.get("AccessControlPolicy").map(Value::to_string).is_some_and(|t| names(&t))
}

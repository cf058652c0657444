//! A call as the upstream gets it: with what AWS takes where the call says nothing,
//! and emulators do not.

use std::borrow::Cow;

use ringfence_services::credentials::Session;
use ringfence_wire::{Call, Service, ServiceError};

use crate::directory::Directory;
use crate::{checks, identity_tags, keys, naming};

/// The call with what it leaves out.
///
/// # Errors
/// What AWS answers where that cannot be.
pub(crate) async fn completed<'a>(
    call: &'a Call,
    caller: &Session,
    directory: &Directory,
) -> Result<Cow<'a, Call>, ServiceError> {
    if let Some(call) = apart(call, directory).await? {
        return Ok(Cow::Owned(call));
    }
    if let Some(call) = identity_tags::untagging(call, directory).await? {
        return Ok(Cow::Owned(call));
    }
    if let Some(call) = of_what_is_there(call, directory).await? {
        return Ok(Cow::Owned(call));
    }
    if let Some(call) = by_name(call, directory.account_id()) {
        return Ok(Cow::Owned(call));
    }
    let more = match call.service() {
        Service::S3 if own_list(call, directory).await? => Some(("ACL", "private")),
        Service::Ssm => checks::ssm::tier(call, directory).await?.map(|tier| ("Tier", tier)),
        _ => None,
    };
    match more {
        Some((member, value)) => {
            let mut call = call.clone();
            call.input.insert(member.to_owned(), value.into());
            Ok(Cow::Owned(call))
        }
        None => keys::completed(call, caller),
    }
}

/// What canned lists with two permissions of one group grant. moto keeps the two in
/// one entry and shows the first alone.
const OF_TWO: [(&str, [(&str, &str); 2]); 2] = [
    ("public-read-write", [("GrantRead", EVERYBODY), ("GrantWrite", EVERYBODY)]),
    ("log-delivery-write", [("GrantWrite", LOGS), ("GrantReadACP", LOGS)]),
];

const EVERYBODY: &str = "uri=\"http://acs.amazonaws.com/groups/global/AllUsers\"";
const LOGS: &str = "uri=\"http://acs.amazonaws.com/groups/s3/LogDelivery\"";

/// The call that sets a bucket's canned list, with each of its entries.
async fn apart(call: &Call, directory: &Directory) -> Result<Option<Call>, ServiceError> {
    if (call.service(), call.name()) != (Service::S3, "PutBucketAcl") {
        return Ok(None);
    }
    let canned = OF_TWO.iter().find(|(name, _)| call.text("ACL") == Some(*name));
    let Some((_, grants)) = canned else { return Ok(None) };
    let bucket = call.text("Bucket").unwrap_or_default();
    let own = directory.acl(&call.region, bucket, None).await?;
    let Some(owner) = own.and_then(|own| own.owner) else { return Ok(None) };
    let mut call = call.clone();
    call.input.remove("ACL");
    call.input.insert("GrantFullControl".to_owned(), format!("id=\"{owner}\"").into());
    for (member, grantee) in grants {
        call.input.insert((*member).to_owned(), (*grantee).into());
    }
    Ok(Some(call))
}

/// The deletion of an object whatever its content, where it is there, without saying so:
/// "`If-Match` does accept a string value of an '*' (asterisk) character to denote a match
/// of any `ETag`" (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html>),
/// and "Conditional delete evaluations only apply to the current version of the object"
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html>),
/// whichever version is deleted. moto takes it for an entity tag, and answers of what is
/// not there as S3 does.
async fn of_what_is_there(
    call: &Call,
    directory: &Directory,
) -> Result<Option<Call>, ServiceError> {
    let is_any = call.text("IfMatch").is_some_and(|tag| tag.trim() == "*");
    if (call.service(), call.name()) != (Service::S3, "DeleteObject") || !is_any {
        return Ok(None);
    }
    let text = |member| call.text(member).unwrap_or_default();
    let is_there = directory.has_object(&call.region, text("Bucket"), text("Key")).await?;
    Ok(is_there.then(|| {
        let mut call = call.clone();
        call.input.remove("IfMatch");
        call
    }))
}

/// The call that names a log group as `logGroupIdentifier`, by its name: "either the
/// name or ARN of the log group"
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>).
/// moto's `FilterLogEvents` reads the name's own member alone. One that is of another
/// region or account keeps its ARN: it is refused before it comes here, and is none that
/// the upstream has.
fn by_name(call: &Call, account: &str) -> Option<Call> {
    const IDENTIFIER: &str = "logGroupIdentifier";
    const NAME: &str = "logGroupName";
    if call.service() != Service::Logs || call.operation.member(NAME).is_none() {
        return None;
    }
    let name = naming::group_name(call, account, call.text(IDENTIFIER)?)?.to_owned();
    let mut call = call.clone();
    call.input.remove(IDENTIFIER);
    call.input.insert(NAME.to_owned(), name.into());
    Some(call)
}

/// Whether an object gets the list of all that say nothing: "An object does not
/// inherit the permissions from its bucket"
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/managing-acls.html>); moto's do.
async fn own_list(call: &Call, directory: &Directory) -> Result<bool, ServiceError> {
    let writes = ["CopyObject", "CreateMultipartUpload", "PutObject"].contains(&call.name());
    if !writes || checks::s3::sets_acl(call) {
        return Ok(false);
    }
    let bucket = call.text("Bucket").unwrap_or_default();
    Ok(!directory.bucket_access(&call.region, bucket).await?.has_no_acls())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case("FilterLogEvents", json!({"logGroupIdentifier": "arn:aws:logs:us-east-1:123456789012:log-group:/g"}),
        Some(json!({"logGroupName": "/g"})))]
    #[case("GetLogEvents", json!({"logStreamName": "s",
            "logGroupIdentifier": "arn:aws:logs:us-east-1:123456789012:log-group:/g:*"}),
        Some(json!({"logStreamName": "s", "logGroupName": "/g"})))]
    #[case("DescribeLogStreams", json!({"logGroupIdentifier": "/g"}), Some(json!({"logGroupName": "/g"})))]
    #[case("FilterLogEvents", json!({"logGroupName": "/g"}), None)]
    // Not its own: of another region, of another account, of another partition.
    #[case("GetLogEvents", json!({"logGroupIdentifier": "arn:aws:logs:eu-west-1:123456789012:log-group:/g"}), None)]
    #[case("GetLogEvents", json!({"logGroupIdentifier": "arn:aws:logs:us-east-1:999999999999:log-group:/g"}), None)]
    #[case("GetLogEvents", json!({"logGroupIdentifier": "arn:aws-cn:logs:us-east-1:123456789012:log-group:/g"}), None)]
    // A name that only looks like one.
    #[case("GetLogEvents", json!({"logGroupIdentifier": "x:log-group:/g"}), Some(json!({"logGroupName": "x:log-group:/g"})))]
    // It has no other member.
    #[case("GetTransformer", json!({"logGroupIdentifier": "/g"}), None)]
    fn a_log_group_is_named_by_its_name(
        #[case] operation: &str,
        #[case] input: Value,
        #[case] sent: Option<Value>,
    ) {
        let Value::Object(input) = input else { panic!("an object") };
        let operation = Service::Logs.operation(operation).unwrap();
        let call = Call { operation, region: "us-east-1".into(), input, payload: None };
        let sent_as = by_name(&call, "123456789012");
        assert_eq!(sent_as.map(|call| Value::Object(call.input)), sent);
    }
}

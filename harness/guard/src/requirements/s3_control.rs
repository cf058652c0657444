//! S3 Control: what an account sets for all its buckets.

use super::generic;
use super::scope::{Mapped, Scope};

/// The account's Block Public Access: "the s3:PutAccountPublicAccessBlock
/// permission" sets and deletes it
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_DeletePublicAccessBlock.html>).
pub(super) fn requirements(scope: &Scope<'_>) -> Mapped {
    let action = match scope.name() {
        "DeletePublicAccessBlock" | "PutPublicAccessBlock" => "PutAccountPublicAccessBlock",
        "GetPublicAccessBlock" => "GetAccountPublicAccessBlock",
        _ => return Err(scope.unmapped()),
    };
    let mut requirement = generic::on(scope, action, "*");
    requirement.context.set("s3:ResourceAccount", scope.account());
    Ok(vec![requirement])
}

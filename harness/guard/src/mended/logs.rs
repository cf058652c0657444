//! What CloudWatch Logs answers.

use ringfence_wire::{Call, ServiceError};

use crate::directory::Directory;

/// moto says of a stream that is not there that its group is not.
const NO_GROUP: &str = "The specified log group does not exist.";

/// An error in the words of AWS, where the upstream's are others: LocalStack's
/// `test_resource_does_not_exist`, recorded on AWS.
///
/// # Errors
/// When the upstream cannot tell whether there is the group.
pub(super) async fn error(
    call: &Call,
    told: &ServiceError,
    directory: &Directory,
) -> Result<Option<ServiceError>, ServiceError> {
    if told.message != NO_GROUP || call.text("logStreamName").is_none() {
        return Ok(None);
    }
    let named = call.text("logGroupName").or_else(|| call.text("logGroupIdentifier"));
    let group = match named {
        // An identifier may be an ARN.
        Some(named) if named.starts_with("arn:") => named.split(':').nth(6),
        named => named,
    };
    let Some(group) = group else { return Ok(None) };
    let is_there = directory.has_log_group(&call.region, group).await?;
    let text = "The specified log stream does not exist.";
    Ok(is_there.then(|| ServiceError::new(told.status, told.code.clone(), text)))
}

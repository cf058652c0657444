//! ARNs of policies.

use ringfence_wire::{Call, Service, ServiceError};

/// Refuses what is no ARN, before anything is looked for by it: recorded on AWS
/// in LocalStack's `test_role_attach_policy` and `test_user_attach_policy`, for calls
/// that attach; the member is the same in all.
///
/// # Errors
/// `ValidationError`.
pub(crate) fn check(call: &Call) -> Result<(), ServiceError> {
    if call.service() != Service::Iam {
        return Ok(());
    }
    match call.text("PolicyArn") {
        Some(arn) if !is_arn(arn) => {
            Err(ServiceError::new(400, "ValidationError", "Invalid ARN:  Could not be parsed!"))
        }
        _ => Ok(()),
    }
}

fn is_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", _, _, _, _, resource] if !resource.is_empty())
}

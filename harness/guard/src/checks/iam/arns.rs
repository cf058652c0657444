//! ARNs of policies in calls that attach them.

use ringfence_wire::{Call, Service, ServiceError};

/// The calls that take the ARN of a managed policy.
const CALLS: [&str; 8] = [
    "AttachGroupPolicy",
    "AttachRolePolicy",
    "AttachUserPolicy",
    "DeletePolicy",
    "DetachGroupPolicy",
    "DetachRolePolicy",
    "DetachUserPolicy",
    "GetPolicy",
];

/// Refuses what is no ARN, before anything is looked for by it: recorded on AWS
/// in LocalStack's `test_role_attach_policy` and `test_user_attach_policy`. A
/// policy that is a user's boundary stays.
///
/// # Errors
/// `ValidationError`.
pub(crate) fn check(call: &Call) -> Result<(), ServiceError> {
    if call.service() != Service::Iam || !CALLS.contains(&call.name()) {
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

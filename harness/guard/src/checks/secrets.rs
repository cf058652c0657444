//! What Secrets Manager refuses of a secret's name, and of a secret that is to be
//! deleted.

use ringfence_wire::{Call, Service, ServiceError};

use crate::directory::Directory;

/// What Secrets Manager says of a call for a secret that is to be deleted.
pub(crate) const MARKED: &str =
    "You can't perform this operation on the secret because it was marked for deletion.";

/// Refuses a name that no secret can have: LocalStack's `test_invalid_secret_name`,
/// recorded on AWS for each call that names a secret.
///
/// # Errors
/// `ValidationException`.
pub(crate) fn name(call: &Call) -> Result<(), ServiceError> {
    if call.service() != Service::SecretsManager {
        return Ok(());
    }
    let member = if call.name() == "CreateSecret" { "Name" } else { "SecretId" };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-/_+=.@!".contains(c);
    match call.text(member).filter(|name| !name.starts_with("arn:")) {
        Some(name) if !name.chars().all(allowed) => Err(ServiceError::new(
            400,
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the \
             following: -/_+=.@!",
        )),
        _ => Ok(()),
    }
}

/// Refuses tags for a secret that is to be deleted: LocalStack's
/// `test_tag_untag_resource_on_deleted_secret`. Of other calls the upstream says it.
///
/// # Errors
/// `InvalidRequestException`, or that the upstream cannot tell.
pub(crate) async fn marked(call: &Call, directory: &Directory) -> Result<(), ServiceError> {
    if !matches!(call.name(), "TagResource" | "UntagResource") {
        return Ok(());
    }
    let Some(id) = call.text("SecretId") else { return Ok(()) };
    match directory.secret_is_marked(&call.region, id).await? {
        true => Err(ServiceError::new(400, "InvalidRequestException", MARKED)),
        false => Ok(()),
    }
}

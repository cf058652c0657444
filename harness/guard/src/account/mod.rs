//! What is kept and answered here, because emulators drop it or do something
//! else: of IAM users' permissions boundaries, service-linked roles and
//! service-specific credentials, of S3 Control the account's Block Public Access.

mod boundaries;
mod public_access;
mod service_credentials;
mod service_linked;

use std::collections::HashSet;
use std::sync::Mutex;

use ringfence_services::Setting;
use ringfence_wire::{Call, Reply, Service, ServiceError};
use serde_json::json;

use crate::directory::Directory;
pub(crate) use boundaries::{UserBoundaries, learn};
pub(crate) use public_access::PublicAccess;
pub(crate) use service_credentials::ServiceCredentials;
pub(crate) use service_linked::{LINKED_PATH, is_linked, linked};

/// What the guard keeps of the account itself.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) boundaries: UserBoundaries,
    /// The account's Block Public Access.
    pub(crate) public_access: PublicAccess,
    pub(crate) service_credentials: ServiceCredentials,
    /// The tasks by which service-linked roles were deleted.
    deletions: Mutex<HashSet<String>>,
}

/// Whether a call is answered here.
pub(crate) fn answers(call: &Call) -> bool {
    if call.service() == Service::S3Control {
        return public_access::answers(call);
    }
    call.service() == Service::Iam
        && matches!(
            call.name(),
            "CreateServiceLinkedRole"
                | "CreateServiceSpecificCredential"
                | "DeleteServiceLinkedRole"
                | "DeleteServiceSpecificCredential"
                | "DeleteUserPermissionsBoundary"
                | "GetServiceLinkedRoleDeletionStatus"
                | "ListInstanceProfileTags"
                | "ListServiceSpecificCredentials"
                | "PutUserPermissionsBoundary"
                | "ResetServiceSpecificCredential"
                | "UpdateServiceSpecificCredential"
        )
}

/// Answers an authorized call.
///
/// # Errors
/// IAM's own, or that the upstream does not do its part.
pub(crate) async fn answer(
    call: &Call,
    directory: &Directory,
    setting: &Setting,
) -> Result<Reply, ServiceError> {
    if call.service() == Service::S3Control {
        let kept = &directory.kept().public_access;
        return public_access::answer(call, kept, &setting.account_id);
    }
    match call.name() {
        "CreateServiceSpecificCredential" => {
            service_credentials::create(call, directory, &setting.account_id, setting.now()).await
        }
        "ListServiceSpecificCredentials" => service_credentials::list(call, directory).await,
        "DeleteServiceSpecificCredential"
        | "ResetServiceSpecificCredential"
        | "UpdateServiceSpecificCredential" => service_credentials::change(call, directory).await,
        "CreateServiceLinkedRole" => service_linked::create(call, directory).await,
        "DeleteServiceLinkedRole" => service_linked::delete(call, directory).await,
        "GetServiceLinkedRoleDeletionStatus" => service_linked::status(call, directory),
        "ListInstanceProfileTags" => instance_profile_tags(call, directory).await,
        "PutUserPermissionsBoundary" => {
            boundaries::put(call, directory, call.text("PermissionsBoundary")).await
        }
        "DeleteUserPermissionsBoundary" => boundaries::put(call, directory, None).await,
        other => Err(ServiceError::new(
            500,
            "InternalFailure",
            format!("{other} is the upstream's to answer"),
        )),
    }
}

/// moto keeps these tags and has no such call (LocalStack's
/// `test_instance_profile_tags`).
async fn instance_profile_tags(call: &Call, directory: &Directory) -> Result<Reply, ServiceError> {
    let name = call.text("InstanceProfileName").unwrap_or_default();
    let profile = directory.instance_profile(name).await?;
    let profile = profile
        .ok_or_else(|| no_such_entity(format!("Instance Profile {name} cannot be found.")))?;
    let tags: Vec<_> =
        profile.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    Ok(Reply::fields(json!({"Tags": tags, "IsTruncated": false})))
}

fn no_such_entity(message: String) -> ServiceError {
    ServiceError::new(404, "NoSuchEntity", message)
}

//! What cannot be changed or deleted: a policy that is a user's boundary, and
//! roles that are a service's alone to change
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html>).

use ringfence_wire::{Call, Service, ServiceError};

use crate::account::{LINKED_PATH, is_linked};
use crate::directory::Directory;

/// The calls for which the API reference lists `UnmodifiableEntity`. Whoever may
/// can change a service-linked role's description.
const CHANGES: [&str; 10] = [
    "AddRoleToInstanceProfile",
    "AttachRolePolicy",
    "DeleteRole",
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "DetachRolePolicy",
    "PutRolePermissionsBoundary",
    "PutRolePolicy",
    "RemoveRoleFromInstanceProfile",
    "UpdateAssumeRolePolicy",
];

/// Refuses changes of service-linked roles, and the making of look-alikes.
///
/// # Errors
/// `UnmodifiableEntity`, or that the upstream cannot tell.
pub(crate) async fn check(call: &Call, directory: &Directory) -> Result<(), ServiceError> {
    if call.service() != Service::Iam {
        return Ok(());
    }
    if call.name() == "DeletePolicy"
        && call.text("PolicyArn").is_some_and(|arn| directory.kept().boundaries.has(arn))
    {
        let message = "Cannot delete a policy attached to entities.";
        return Err(ServiceError::new(409, "DeleteConflict", message));
    }
    let creates = matches!(call.name(), "CreateRole" | "CreateInstanceProfile");
    if creates && call.text("Path").is_some_and(|path| path.starts_with(LINKED_PATH)) {
        return Err(ServiceError::new(
            400,
            "InvalidInput",
            format!("The path {LINKED_PATH} is reserved for service-linked roles"),
        ));
    }
    let is_change = CHANGES.contains(&call.name())
        || (call.name() == "UpdateRole" && call.input.contains_key("MaxSessionDuration"));
    let Some(name) = call.text("RoleName").filter(|_| is_change) else { return Ok(()) };
    match directory.role(name).await? {
        Some(role) if is_linked(&role.arn) => Err(ServiceError::new(
            400,
            "UnmodifiableEntity",
            format!(
                "Cannot perform the operation on the protected role '{name}' - this role is only \
                 modifiable by AWS"
            ),
        )),
        _ => Ok(()),
    }
}

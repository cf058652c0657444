//! What must be gone before an entity of IAM may go. Emulators know some of it.

use ringfence_wire::{Call, ServiceError};
use serde_json::json;

use crate::directory::Directory;

/// What hangs on an entity: the operation that lists it, the member of its
/// answer, and what IAM says must be done first.
type Hanging = (&'static str, &'static str, &'static str);

/// The API reference's preconditions of `DeleteUser`, `DeleteGroup`,
/// `DeleteRole` and `DeleteInstanceProfile`; the sentences as clients quote them
/// ("Cannot delete entity, must …":
/// <https://github.com/hashicorp/terraform-provider-aws/issues/2762>,
/// <https://github.com/getmoto/moto/blob/master/moto/iam/models.py>).
const HANGING: [(&str, &str, &[Hanging]); 4] = [
    (
        "DeleteUser",
        "UserName",
        &[
            ("ListGroupsForUser", "Groups", "must remove users from group first."),
            ("ListAttachedUserPolicies", "AttachedPolicies", "must detach all policies first."),
            ("ListUserPolicies", "PolicyNames", "must delete policies first."),
            ("ListAccessKeys", "AccessKeyMetadata", "must delete access keys first."),
            ("ListMFADevices", "MFADevices", "must delete MFA device first."),
            ("ListSigningCertificates", "Certificates", "must delete signing certificates first."),
            ("GetLoginProfile", "LoginProfile", "must delete login profile first."),
        ],
    ),
    (
        "DeleteGroup",
        "GroupName",
        &[
            ("GetGroup", "Users", "must remove users from group first."),
            ("ListAttachedGroupPolicies", "AttachedPolicies", "must detach all policies first."),
            ("ListGroupPolicies", "PolicyNames", "must delete policies first."),
        ],
    ),
    (
        "DeleteRole",
        "RoleName",
        &[
            (
                "ListInstanceProfilesForRole",
                "InstanceProfiles",
                "must remove roles from instance profile first.",
            ),
            ("ListAttachedRolePolicies", "AttachedPolicies", "must detach all policies first."),
            ("ListRolePolicies", "PolicyNames", "must delete policies first."),
        ],
    ),
    (
        "DeleteInstanceProfile",
        "InstanceProfileName",
        &[(
            "GetInstanceProfile",
            "InstanceProfile.Roles",
            "must remove roles from instance profile first.",
        )],
    ),
];

/// Checks the deletion of an entity.
///
/// # Errors
/// `DeleteConflict` (409), or that the upstream cannot tell.
pub(crate) async fn check(call: &Call, directory: &Directory) -> Result<(), ServiceError> {
    if call.name() == "DeletePolicy" {
        return policy(call.text("PolicyArn").unwrap_or_default(), directory).await;
    }
    let Some((_, member, hanging)) = HANGING.iter().find(|(name, ..)| *name == call.name()) else {
        return Ok(());
    };
    let Some(name) = call.text(member) else { return Ok(()) };
    // Recorded on AWS in LocalStack's `test_delete_user_after_service_credential_created`.
    if call.name() == "DeleteUser"
        && let Some(user) = directory.user(name).await?
        && directory.kept().service_credentials.has(&user.id)
    {
        let told = "Cannot delete entity, must remove referenced objects first.";
        return Err(conflict(told.to_owned()));
    }
    for (operation, list, told) in *hanging {
        if directory.count(operation, json!({*member: name}), list).await? > 0 {
            return Err(conflict(format!("Cannot delete entity, {told}")));
        }
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>; a
/// policy in use as a boundary is attached too
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-delete.html>).
async fn policy(arn: &str, directory: &Directory) -> Result<(), ServiceError> {
    if directory.attachments(arn).await? > 0 || directory.is_boundary(arn).await? {
        return Err(conflict("Cannot delete a policy attached to entities.".to_owned()));
    }
    if directory.count("ListPolicyVersions", json!({"PolicyArn": arn}), "Versions").await? > 1 {
        return Err(conflict(
            "This policy has more than one version. Before you delete a policy, you must delete \
             the policy's versions. The default version is deleted with the policy."
                .to_owned(),
        ));
    }
    Ok(())
}

fn conflict(message: String) -> ServiceError {
    ServiceError::new(409, "DeleteConflict", message)
}

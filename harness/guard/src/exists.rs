//! What a call names must be there: AWS refuses boundaries and principals that
//! are not, emulators take them.

use ringfence_wire::{Call, Service, ServiceError};
use serde_json::Value;

use crate::accounts::Directories;
use crate::checks::resource_policies::principals_of;
use crate::checks::statements::{one_or_many, statements};
use crate::directory::Directory;

/// Checks a call that is about to be answered.
///
/// # Errors
/// AWS's own error for what is not there, or that the upstream cannot tell.
pub(crate) async fn check(
    call: &Call,
    directory: &Directory,
    directories: &Directories,
) -> Result<(), ServiceError> {
    match (call.service(), call.name()) {
        (
            Service::Iam,
            "CreateRole"
            | "CreateUser"
            | "PutRolePermissionsBoundary"
            | "PutUserPermissionsBoundary",
        ) => {
            boundary(call, directory).await?;
            trust(call.text("AssumeRolePolicyDocument"), directory, directories).await
        }
        (Service::Iam, "UpdateAssumeRolePolicy") => {
            trust(call.text("PolicyDocument"), directory, directories).await
        }
        (
            Service::Iam,
            "DeleteOpenIDConnectProvider"
            | "DeleteSAMLProvider"
            | "ListEntitiesForPolicy"
            | "ListInstanceProfilesForRole"
            | "RemoveRoleFromInstanceProfile",
        ) => named(call, directory).await,
        (Service::S3, "PutBucketPolicy") => {
            let text = call.payload.as_ref().map(|payload| String::from_utf8_lossy(payload));
            let text = text.as_deref().or_else(|| call.text("Policy"));
            match missing_principal(text, directory, directories).await? {
                Some(_) => {
                    Err(ServiceError::new(400, "MalformedPolicy", "Invalid principal in policy")
                        .with("BucketName", call.text("Bucket").unwrap_or_default()))
                }
                None => Ok(()),
            }
        }
        (Service::Lambda, "AddPermission") => match call.text("Principal") {
            Some(arn) if !is_there(arn, directory, directories).await? => Err(ServiceError::new(
                400,
                "InvalidParameterValueException",
                "The provided principal was invalid. Please check the principal and try again.",
            )),
            _ => Ok(()),
        },
        // Seen of AWS for a role that has just been made:
        // <https://github.com/hashicorp/terraform-provider-aws/pull/3038>.
        (Service::Kms, "CreateGrant") => {
            for member in ["GranteePrincipal", "RetiringPrincipal"] {
                let Some(arn) = call.text(member) else { continue };
                if !is_there(arn, directory, directories).await? {
                    let message = format!("ARN does not refer to a valid principal: {arn}");
                    return Err(ServiceError::new(400, "InvalidArnException", message));
                }
            }
            Ok(())
        }
        _ => match principals_of(call) {
            Some((text, absent)) => {
                let missing = missing_principal(Some(text), directory, directories).await?;
                missing.map_or(Ok(()), |_| Err(absent))
            }
            None => Ok(()),
        },
    }
}

/// A bucket must be there, whatever its caller may do with it: seen of AWS for
/// a deletion in <https://github.com/minio/minio/issues/6077>.
///
/// # Errors
/// `NoSuchBucket`, or that the upstream cannot tell.
pub(crate) async fn bucket(call: &Call, directory: &Directory) -> Result<(), ServiceError> {
    let name = call.text("Bucket").unwrap_or_default();
    if directory.has_bucket(&call.region, name).await? {
        return Ok(());
    }
    Err(ServiceError::new(404, "NoSuchBucket", "The specified bucket does not exist")
        .with("BucketName", name))
}

/// What these calls of IAM name must be there: moto answers them as done. The
/// sentences were recorded on AWS (LocalStack's `test_iam_oidc`,
/// `test_iam_saml_providers`, `test_iam_roles`, `test_iam_instance_profiles`).
async fn named(call: &Call, directory: &Directory) -> Result<(), ServiceError> {
    let text = |member: &str| call.text(member).unwrap_or_default();
    let role = text("RoleName");
    let missing = match call.name() {
        "DeleteOpenIDConnectProvider" => {
            let arn = text("OpenIDConnectProviderArn");
            (!directory.has_provider(arn).await?)
                .then(|| format!("OpenId connect Provider {arn} cannot be found."))
        }
        "DeleteSAMLProvider" => {
            let arn = text("SAMLProviderArn");
            (!directory.has_saml_provider(arn).await?)
                .then(|| format!("Manifest not found for arn {arn}"))
        }
        "ListEntitiesForPolicy" => {
            let arn = text("PolicyArn");
            let found = directory.managed_text(arn).await?;
            found.is_none().then(|| format!("Policy {arn} does not exist or is not attachable."))
        }
        "RemoveRoleFromInstanceProfile" => {
            let name = text("InstanceProfileName");
            match (directory.instance_profile(name).await?, directory.role(role).await?) {
                (Some(profile), Some(found)) if profile.role.as_ref() != Some(&found.arn) => {
                    Some(format!("Role {role} in Instance Profile {name} cannot be found."))
                }
                // Which of the two is not there is the upstream's to tell.
                _ => None,
            }
        }
        _ => directory
            .role(role)
            .await?
            .is_none()
            .then(|| format!("The role with name {role} cannot be found.")),
    };
    missing.map_or(Ok(()), |message| Err(ServiceError::new(404, "NoSuchEntity", message)))
}

/// A boundary must be a managed policy that is there; IAM calls it a scope.
async fn boundary(call: &Call, directory: &Directory) -> Result<(), ServiceError> {
    let Some(arn) = call.text("PermissionsBoundary") else { return Ok(()) };
    if directory.managed_text(arn).await?.is_some() {
        return Ok(());
    }
    Err(ServiceError::new(
        404,
        "NoSuchEntity",
        format!("Scope ARN: {arn} does not exist or is not attachable."),
    ))
}

async fn trust(
    text: Option<&str>,
    directory: &Directory,
    directories: &Directories,
) -> Result<(), ServiceError> {
    match missing_principal(text, directory, directories).await? {
        Some(arn) => Err(ServiceError::new(
            400,
            "MalformedPolicyDocument",
            format!("Invalid principal in policy: \"AWS\":\"{arn}\""),
        )),
        None => Ok(()),
    }
}

/// The first principal of a policy that should be in an account here and is not.
async fn missing_principal(
    text: Option<&str>,
    directory: &Directory,
    directories: &Directories,
) -> Result<Option<String>, ServiceError> {
    // What is no policy has been refused before.
    for statement in statements(text.unwrap_or_default()) {
        for element in ["Principal", "NotPrincipal"] {
            let named = statement.get(element).and_then(|element| element.get("AWS"));
            for arn in one_or_many(named).filter_map(Value::as_str) {
                if !is_there(arn, directory, directories).await? {
                    return Ok(Some(arn.to_owned()));
                }
            }
        }
    }
    Ok(None)
}

/// Whether a principal is there, as far as can be told here: the roles and users
/// of the accounts that are guarded, by their exact ARNs. The id that policies show in the place of
/// one that was deleted is nobody's: "you can no longer save the policy"
/// (<https://repost.aws/knowledge-center/iam-principal-policy>).
async fn is_there(
    arn: &str,
    directory: &Directory,
    directories: &Directories,
) -> Result<bool, ServiceError> {
    if directory.is_id_of_ended(arn) {
        return Ok(false);
    }
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "iam", "", owner, resource] = parts.as_slice() else { return Ok(true) };
    let Some(directory) = directories.of(owner) else { return Ok(true) };
    let name = resource.rsplit('/').next().unwrap_or_default();
    Ok(match resource.split('/').next() {
        Some("role") => directory.role(name).await?.is_some_and(|role| role.arn == arn),
        Some("user") => directory.user(name).await?.is_some_and(|user| user.arn == arn),
        _ => true,
    })
}

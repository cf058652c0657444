//! How much text IAM stores, which emulators do not count
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
//! White space is free. A quota that an account had raised is not known here.

use ringfence_policy::{Document, Kind};
use ringfence_wire::{Call, Service, ServiceError};

use crate::directory::Directory;
use crate::recording::inline_id;

/// Checks the policy document of a call that stores one.
///
/// # Errors
/// `LimitExceeded` (409), in IAM's words; or that the upstream cannot tell what
/// is stored already.
pub(crate) async fn check(call: &Call, directory: &Directory) -> Result<(), ServiceError> {
    if call.service() != Service::Iam {
        return Ok(());
    }
    let text = |member| call.text(member).unwrap_or_default();
    match call.name() {
        // <https://github.com/docker/docs/issues/5815>
        "CreatePolicy" | "CreatePolicyVersion" => {
            quota("PolicySize", size(text("PolicyDocument"), Kind::Boundary), Kind::Boundary)
        }
        // <https://github.com/kubeflow/kubeflow/issues/6687>
        "CreateRole" => {
            let size = size(text("AssumeRolePolicyDocument"), Kind::Trust);
            quota("ACLSizePerRole", size, Kind::Trust)
        }
        "UpdateAssumeRolePolicy" => {
            quota("ACLSizePerRole", size(text("PolicyDocument"), Kind::Trust), Kind::Trust)
        }
        "PutRolePolicy" => inline(call, directory, "Role", 10_240).await,
        "PutUserPolicy" => inline(call, directory, "User", 2_048).await,
        "PutGroupPolicy" => inline(call, directory, "Group", 5_120).await,
        _ => Ok(()),
    }
}

/// A document that cannot be read has been refused before.
fn size(text: &str, kind: Kind) -> usize {
    Document::parse("", text, kind).map_or(0, |document| document.size())
}

fn quota(name: &str, size: usize, kind: Kind) -> Result<(), ServiceError> {
    match kind.size_limit() {
        Some(limit) if size > limit => {
            Err(exceeded(format!("Cannot exceed quota for {name}: {limit}")))
        }
        _ => Ok(()),
    }
}

/// All inline policies of an entity together
/// (<https://github.com/serverless/serverless/issues/7643>).
async fn inline(
    call: &Call,
    directory: &Directory,
    kind: &str,
    limit: usize,
) -> Result<(), ServiceError> {
    let name = call.text(&format!("{kind}Name")).unwrap_or_default();
    let stored = match directory.inline_policies(kind, name).await {
        Ok(stored) => stored,
        // The answer to the call itself says that nobody is there.
        Err(error) if error.code == "NoSuchEntity" => Vec::new(),
        // What cannot be read is not counted, or it could not be replaced.
        Err(error) if error.code == "AccessDenied" => Vec::new(),
        Err(error) => return Err(error),
    };
    let kind = kind.to_ascii_lowercase();
    let replaced = inline_id(&kind, name, call.text("PolicyName").unwrap_or_default());
    let others = stored.iter().filter(|policy| *policy.slot != *replaced);
    let others: usize = others.map(|policy| policy.document.size()).sum();
    let own = size(call.text("PolicyDocument").unwrap_or_default(), Kind::Identity);
    if others.saturating_add(own) > limit {
        let message = format!("Maximum policy size of {limit} bytes exceeded for {kind} {name}");
        return Err(exceeded(message));
    }
    Ok(())
}

fn exceeded(message: String) -> ServiceError {
    ServiceError::new(409, "LimitExceeded", message)
}

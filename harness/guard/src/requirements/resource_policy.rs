//! The policies on the resources' side, of all services whose mappings do not
//! find them themselves.

use ringfence_wire::ServiceError;

use super::requirement::{Requirement, ResourcePolicy};
use super::state::State;
use crate::directory::arns::Arn;

/// Puts the policy of its resource beside each permission.
pub(super) async fn attach(
    requirements: &mut [Requirement],
    state: &dyn State,
) -> Result<(), ServiceError> {
    for requirement in requirements {
        let is_found = requirement.resource_policy != ResourcePolicy::None
            || is_by_hand(&requirement.resource);
        if !is_found {
            let arn = requirement.resource.clone();
            requirement.guard_by(&arn, state.resource_policy(&arn).await?);
        }
    }
    Ok(())
}

/// What counts of a bucket's policy hangs on the caller, and of a function's on
/// the qualifier of the call; a role's trust is for STS alone. Their mappings say
/// so, as that of Secrets Manager does.
fn is_by_hand(resource: &str) -> bool {
    let Some(arn) = Arn::parse(resource) else { return true };
    match arn.service {
        "s3" | "iam" | "sts" | "secretsmanager" => true,
        "lambda" => arn.resource.starts_with("function:"),
        _ => false,
    }
}

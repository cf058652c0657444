//! Principals in stored policies are unique ids, not names: "If your policy
//! references a principal that is deleted … IAM replaces the ARN with the
//! unique principal id", so that nobody who is made under the same name later
//! inherits what the policy gives
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>,
//! "IAM role principals", "IAM user principals").
//!
//! The upstream keeps names. When a user or role goes, or takes another name,
//! each trust policy and each policy of a bucket, secret or function that names it is
//! written again: with its id, which is nobody's, or with its new ARN. What clients
//! read is then what AWS shows. The policies of other resources are read so
//! ([`Directory::ended`]).

use bytes::Bytes;
use http::HeaderMap;
use ringfence_wire::{Call, Operation, Service, ServiceError};
use serde_json::{Map, Value};

use crate::directory::{Directory, renamed};
use crate::services::Services;
use crate::upstream::Upstream;

/// A name that ended, and what stands for it in the policies of every account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    arn: String,
    after: String,
}

/// A user or role whose name a call ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    /// By which policies name it.
    arn: String,
    /// What they name it by afterwards.
    after: After,
}

/// What stands in the place of a name that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum After {
    /// The id of a principal that is gone.
    Id(String),
    /// The new name of a user.
    Renamed(String),
}

/// The user or role whose name a call is about to end.
///
/// # Errors
/// When the upstream cannot tell.
pub(crate) async fn ending(
    call: &Call,
    directory: &Directory,
) -> Result<Option<Ending>, ServiceError> {
    if call.service() != Service::Iam {
        return Ok(None);
    }
    Ok(match call.name() {
        "DeleteRole" => {
            let role = directory.role(call.text("RoleName").unwrap_or_default()).await?;
            role.map(|role| Ending { arn: role.arn.clone(), after: After::Id(role.id.clone()) })
        }
        "DeleteUser" => {
            let user = directory.user(call.text("UserName").unwrap_or_default()).await?;
            user.map(|user| Ending { arn: user.arn.clone(), after: After::Id(user.id.clone()) })
        }
        "UpdateUser" => {
            let name = call.text("UserName").unwrap_or_default();
            let user = directory.user(name).await?;
            let new = call.text("NewUserName").unwrap_or(name).to_owned();
            user.map(|user| Ending { arn: user.arn.clone(), after: After::Renamed(new) })
        }
        _ => None,
    })
}

/// What a call that succeeded ended, in the account that it was made in; nothing where the
/// name stayed.
///
/// # Errors
/// When the upstream cannot tell.
pub(crate) async fn ended(
    ending: Ending,
    directory: &Directory,
) -> Result<Option<Ended>, ServiceError> {
    let after = match ending.after {
        After::Id(id) => id,
        After::Renamed(name) => match directory.user(&name).await? {
            Some(user) if user.arn != ending.arn => user.arn.clone(),
            _ => return Ok(None),
        },
    };
    Ok(Some(Ended { arn: ending.arn, after }))
}

/// Writes the stored policies of an account again that named what ended, in whichever
/// account: "the ARN … transforms to the role unique principal ID when you save the
/// policy", of whatever account the principal is (the page above).
///
/// # Errors
/// When the upstream does not take it: the policies name somebody by a name that
/// may be given again.
pub(crate) async fn rebind(
    Ended { arn, after }: &Ended,
    directory: &Directory,
    services: &Services,
    upstream: &Upstream,
    region: &str,
    now: time::OffsetDateTime,
) -> Result<(), ServiceError> {
    directory.ended(region, arn, after).await?;
    services.lambda().rename_principal(arn, after);
    let naming = directory.policies_that_name(region, arn).await?;
    for stored in naming {
        let Some(text) = renamed(&stored.text, arn, after) else { continue };
        let operation = Operation::find(stored.service, stored.operation).ok_or_else(|| {
            ServiceError::new(500, "InternalFailure", format!("no {}", stored.operation))
        })?;
        let mut input: Map<String, Value> = stored.target;
        input.insert(stored.member.to_owned(), text.clone().into());
        let call = Call { operation, region: region.to_owned(), input, payload: None };
        let body = if stored.service == Service::S3 { Bytes::from(text) } else { Bytes::new() };
        let answer = upstream.forward(&call, &HeaderMap::new(), body, now).await?;
        directory.changed_by(&call);
        if !answer.status().is_success() {
            return Err(ServiceError::new(
                500,
                "InternalFailure",
                format!("a policy that names {arn} could not be written again"),
            ));
        }
    }
    Ok(())
}

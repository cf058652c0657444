//! Which IAM actions, on which resources, under which condition keys, a call
//! requires.
//!
//! The regular part of the mapping is data: an operation needs the action of
//! its own name on the resources that AWS's service authorization reference
//! gives this action (`by_rule`). What AWS does otherwise is written by hand, one
//! file a service. An operation that neither covers for certain is refused
//! ([`RequirementsError::Unmapped`]).

mod acl;
mod api_gateway;
pub mod bucket_access;
pub(crate) mod bucket_policy;
mod by_rule;
mod cloudformation;
mod dependent;
mod dynamodb;
mod ec2;
pub(crate) mod forms;
mod forward_access;
mod generic;
mod iam;
pub(crate) mod kms;
pub(crate) mod known;
mod lambda;
mod logs;
mod partiql;
mod requirement;
mod resource_policy;
mod s3;
mod s3_control;
mod scope;
mod secrets_manager;
mod ssm;
pub mod state;
mod sts;
#[cfg(test)]
pub(crate) mod tests;

use ringfence_models::needs::Needs;
use ringfence_services::Session;
use ringfence_wire::{Call, Service};

pub use api_gateway::invoke_api;
pub use lambda::invoke_url;
pub use requirement::{Extent, Needed, Requirement, ResourcePolicy};
use scope::Scope;
pub use state::State;

/// Why a call has no requirements.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequirementsError {
    /// Nothing here knows what the call requires: it is refused.
    #[error(
        "{service}:{operation} has no authorization mapping{}; the guard refuses what it cannot \
         decide",
        because(.reason)
    )]
    Unmapped {
        /// The service's name.
        service: &'static str,
        /// The operation's name.
        operation: &'static str,
        /// Why; nothing where nobody wrote one.
        reason: String,
    },
    /// The input lacks what the mapping needs, or is malformed; or the state
    /// that a key describes could not be read.
    #[error(transparent)]
    Service(#[from] ringfence_wire::ServiceError),
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

/// The permissions that a call requires, in the order in which AWS checks
/// them. An empty list means that the operation needs none
/// (`sts:GetCallerIdentity`). The caller counts where a call names nobody and
/// so means its own user (`iam:GetUser` without a name).
///
/// # Errors
/// [`RequirementsError::Unmapped`] for a call without a mapping.
pub async fn requirements(
    call: &Call,
    caller: &Session,
    state: &dyn State,
) -> Result<Vec<Requirement>, RequirementsError> {
    let scope = Scope { call, caller, state };
    let mut requirements = of_service(&scope).await?;
    forward_access::add(&scope, &mut requirements).await?;
    dependent::add(&scope, &mut requirements).await?;
    resource_policy::attach(&mut requirements, state).await?;
    Ok(requirements)
}

async fn of_service(scope: &Scope<'_>) -> scope::Mapped {
    // Single operations of the services below, which an override leaves to the rule.
    if matches!(scope.call.operation.needs(), Needs::ByRule(_)) {
        return by_rule::requirements(scope).await;
    }
    if scope.call.service().name() == "dynamodbstreams" && scope.name() == "GetRecords" {
        return dynamodb::stream_records(scope);
    }
    match scope.call.service() {
        Service::ApiGatewayV2 => api_gateway::requirements(scope).await,
        Service::CloudFormation => cloudformation::requirements(scope).await,
        Service::DynamoDb => dynamodb::requirements(scope).await,
        Service::Ec2 => ec2::requirements(scope).await,
        Service::Iam => iam::requirements(scope).await,
        Service::Kms => kms::requirements(scope).await,
        Service::Lambda => lambda::requirements(scope).await,
        Service::Logs => logs::requirements(scope).await,
        Service::S3 => s3::requirements(scope).await,
        Service::S3Control => s3_control::requirements(scope),
        Service::SecretsManager => secrets_manager::requirements(scope).await,
        Service::Ssm => ssm::requirements(scope).await,
        Service::Sts => sts::requirements(scope).await,
        _ => by_rule::requirements(scope).await,
    }
}

/// What a call requires besides once it is known that its object is not there:
/// who may not list a bucket must not learn what is missing in it
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>).
///
/// # Errors
/// When the bucket's policy cannot be read.
pub(crate) async fn requirements_of_absence(
    call: &Call,
    caller: &Session,
    state: &dyn State,
) -> Result<Vec<Requirement>, RequirementsError> {
    match call.service() {
        Service::S3 => s3::requirements_of_absence(&Scope { call, caller, state }).await,
        _ => Ok(Vec::new()),
    }
}

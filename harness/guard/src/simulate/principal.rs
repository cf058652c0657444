//! `PolicySourceArn`: a user, group or role of the account, with its policies.

use ringfence_policy::{Context, Principal};
use ringfence_wire::ServiceError;

use super::Account;
use super::arns::Entity;
use super::error::{invalid, no_such_entity, unevaluable};
use super::populated;
use super::source::Source;
use crate::recording::Attached;

/// "The ARN of a user, group, or role whose policies you want to include in the
/// simulation. […] If you specify a user, the simulation also includes all
/// policies that are attached to any groups the user belongs to."
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
#[derive(Debug)]
pub(super) struct PolicySource {
    pub(super) principal: Principal,
    pub(super) is_user: bool,
    /// What the simulator fills in of it.
    pub(super) context: Context,
    pub(super) identity: Vec<Source>,
    pub(super) boundary: Option<Source>,
}

impl PolicySource {
    /// Reads the principal's policies.
    pub(super) async fn load(arn: &str, account: Account<'_>) -> Result<Self, ServiceError> {
        let entity = Entity::parse(arn).ok_or_else(|| {
            invalid(format!(
                "Invalid Entity Arn: {arn} does not clearly define entity type and name."
            ))
        })?;
        own_source(arn, account.id)?;
        let found = Found::of(&entity, account).await.map_err(unevaluable)?;
        Ok(Self {
            principal: entity.principal(),
            is_user: entity.kind == "user",
            context: populated::context(&entity, found.user_id.as_deref()),
            identity: found.identity.iter().map(Source::attached).collect::<Result<_, _>>()?,
            boundary: found.boundary.as_ref().map(Source::attached).transpose()?,
        })
    }
}

/// Refuses the principals of other accounts, whatever the caller may do there:
/// AWS answers so before it asks for a permission that nobody can have.
pub(crate) fn own_source(arn: &str, account: &str) -> Result<(), ServiceError> {
    match Entity::parse(arn) {
        Some(entity) if entity.account != account => Err(invalid(format!(
            "Invalid Policy Source Arn: caller's account {account} does not have access to \
             policies in account {}",
            entity.account
        ))),
        _ => Ok(()),
    }
}

/// What the account keeps of an entity.
#[derive(Default)]
struct Found {
    user_id: Option<String>,
    identity: Vec<Attached>,
    boundary: Option<Attached>,
}

impl Found {
    /// Reads it. An entity of the name under another path is another: the call
    /// was authorized for this ARN.
    async fn of(entity: &Entity<'_>, account: Account<'_>) -> Result<Self, ServiceError> {
        let Entity { arn, name, kind, .. } = *entity;
        let gone = || no_such_entity(kind, name);
        let directory = account.directory;
        match kind {
            "user" => {
                let user = directory.user(name).await?.filter(|user| user.arn == arn);
                let user = user.ok_or_else(gone)?;
                let policies = directory.user_policies(name, &user).await?;
                let user_id = Some(user.id.clone());
                Ok(Self { user_id, identity: policies.identity, boundary: policies.boundary })
            }
            "role" => {
                let role = directory.role(name).await?.filter(|role| role.arn == arn);
                let role = role.ok_or_else(gone)?;
                let policies = directory.role_policies(name, &role).await?;
                let (identity, boundary) = (policies.identity, policies.boundary);
                Ok(Self { identity, boundary, ..Self::default() })
            }
            _ => {
                directory.group_arn(name).await?.filter(|own| own == arn).ok_or_else(gone)?;
                let identity = directory.group_policies(name).await?;
                Ok(Self { identity, ..Self::default() })
            }
        }
    }
}

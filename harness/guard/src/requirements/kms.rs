//! KMS: keys by id, ARN or alias.
//!
//! A key is named in four ways, and an alias is none of its names to a policy:
//! "the resource element of a policy identifies the key, not the alias"
//! (<https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html>).
//! Condition keys: <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>;
//! what each operation needs:
//! <https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html>.

mod ciphertext;
mod keys;

pub(crate) use ciphertext::id_in as key_in;

use super::RequirementsError;
use super::generic;
use super::requirement::Requirement;
use super::scope::{Mapped, Scope};
use super::state::KmsKey;
use keys::{Context, describe, from_input};

/// What a call says of the key that it is about.
#[derive(Debug, Clone)]
pub(super) struct Target {
    arn: String,
    /// The alias that the call names.
    alias: Option<String>,
    /// None of another account's key.
    key: Option<KmsKey>,
}

impl Target {
    /// The key of an id, an ARN, an alias or its ARN. What is not there is not
    /// there to anybody: the answer is KMS's own.
    pub(super) async fn find(scope: &Scope<'_>, id: &str) -> Result<Self, RequirementsError> {
        let alias = id.rsplit_once(":alias/").map(|(_, name)| format!("alias/{name}"));
        let alias = alias.or_else(|| id.starts_with("alias/").then(|| id.to_owned()));
        let account = id.split(':').nth(4).unwrap_or_default();
        if !account.is_empty() && account != scope.account() {
            return match alias {
                // Which key it is, only its account knows.
                Some(_) => Err(scope.unmapped()),
                None => Ok(Self { arn: id.to_owned(), alias: None, key: None }),
            };
        }
        let key = scope.state.kms_key(id).await?;
        Ok(Self { arn: key.arn.clone(), alias, key: Some(key) })
    }

    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    /// Whether AWS manages the key for one of its services.
    pub(super) fn is_of_aws(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.managed_for().is_some())
    }

    /// The condition keys that the key brings.
    pub(super) fn describe(&self, requirement: &mut Requirement) {
        describe(requirement, self);
    }
}

pub(super) async fn requirements(scope: &Scope<'_>) -> Mapped {
    let name = scope.name();
    match name {
        "ReEncrypt" => re_encrypt(scope).await,
        "Decrypt" => {
            let id = ciphertext::key_of(scope, "CiphertextBlob", scope.text("KeyId")).await?;
            Ok(vec![on_key(scope, name, &id, Context::OfCall).await?])
        }
        "CreateAlias" => {
            let alias = alias_arn(scope, scope.need("AliasName")?);
            let key = scope.need("TargetKeyId")?;
            Ok(vec![on_alias(scope, &alias), on_key(scope, name, key, Context::OfCall).await?])
        }
        "UpdateAlias" => {
            let (alias, key) = (scope.need("AliasName")?, scope.need("TargetKeyId")?);
            Ok(vec![
                on_alias(scope, &alias_arn(scope, alias)),
                on_key(scope, name, alias, Context::OfCall).await?,
                on_key(scope, name, key, Context::OfCall).await?,
            ])
        }
        "DeleteAlias" => {
            let alias = scope.need("AliasName")?;
            let mut needed = vec![on_alias(scope, &alias_arn(scope, alias))];
            // AWS's own aliases are refused before their keys are looked for.
            if !alias.starts_with("alias/aws/") {
                needed.push(on_key(scope, name, alias, Context::OfCall).await?);
            }
            Ok(needed)
        }
        "CreateKey" => Ok(create(scope)),
        // A list of one key's aliases needs no permission on that key.
        "ListAliases" | "ListKeys" | "ListRetirableGrants" | "GenerateRandom" => {
            Ok(vec![generic::on(scope, name, "*")])
        }
        // Which key a token's grant is of, the token does not tell.
        "RetireGrant" if scope.text("KeyId").is_none() => Err(scope.unmapped()),
        // Of another region, whose policy is set with it.
        "ReplicateKey" | "UpdatePrimaryRegion" => Err(scope.unmapped()),
        _ => by_model(scope).await,
    }
}

/// The operations on one key, and those on custom key stores.
async fn by_model(scope: &Scope<'_>) -> Mapped {
    let name = scope.name();
    let action = generic::known("kms", name).ok_or_else(|| scope.unmapped())?;
    if action.resources.is_empty() {
        let mut requirement = generic::on(scope, name, "*");
        from_input(scope, &mut requirement, Context::OfCall);
        return Ok(vec![requirement]);
    }
    Ok(vec![on_key(scope, name, scope.need("KeyId")?, Context::OfCall).await?])
}

/// `kms:ReEncryptFrom` on the key of the ciphertext and `kms:ReEncryptTo` on the
/// new one.
async fn re_encrypt(scope: &Scope<'_>) -> Mapped {
    let source = scope.text("SourceKeyId");
    let source = ciphertext::key_of(scope, "CiphertextBlob", source).await?;
    let destination = scope.need("DestinationKeyId")?;
    let mut from = on_key(scope, "ReEncryptFrom", &source, Context::Source).await?;
    let mut to = on_key(scope, "ReEncryptTo", destination, Context::Destination).await?;
    let same = (from.resource == to.resource).to_string();
    for requirement in [&mut from, &mut to] {
        requirement.context.set("kms:ReEncryptOnSameKey", &same);
    }
    Ok(vec![from, to])
}

/// Its policy is checked where the key is made; tags need their own permission
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>).
fn create(scope: &Scope<'_>) -> Vec<Requirement> {
    let mut requirement = generic::on(scope, "CreateKey", "*");
    from_input(scope, &mut requirement, Context::OfCall);
    let mut needed = vec![requirement];
    let tags = scope.tags("Tags");
    if !tags.is_empty() {
        let mut tag = generic::on(scope, "TagResource", "*");
        from_input(scope, &mut tag, Context::OfCall);
        needed.push(tag);
    }
    needed
}

fn on_alias(scope: &Scope<'_>, arn: &str) -> Requirement {
    let mut requirement = generic::on(scope, scope.name(), arn);
    keys::caller(scope, &mut requirement);
    requirement
}

fn alias_arn(scope: &Scope<'_>, alias: &str) -> String {
    if alias.starts_with("arn:") { alias.to_owned() } else { scope.arn(alias) }
}

async fn on_key(
    scope: &Scope<'_>,
    action: &str,
    id: &str,
    context: Context,
) -> Result<Requirement, RequirementsError> {
    let target = Target::find(scope, id).await?;
    let mut requirement = generic::on(scope, action, &target.arn);
    from_input(scope, &mut requirement, context);
    describe(&mut requirement, &target);
    if action == "RetireGrant" {
        retire(scope, &mut requirement, &target).await?;
    }
    Ok(requirement)
}

/// "Permission to retire a grant is determined primarily by the grant": the
/// account may, and the retiring principal, and the grantee of a grant that lets
/// it (<https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html>).
async fn retire(
    scope: &Scope<'_>,
    requirement: &mut Requirement,
    target: &Target,
) -> Result<(), RequirementsError> {
    let grant = scope.need("GrantId")?;
    let policy = scope.state.kms_grant_retirement(&target.arn, grant).await?;
    requirement.guard_by(&target.arn, policy);
    Ok(())
}

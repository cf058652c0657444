//! Secrets Manager: secrets by name or ARN.
//!
//! A secret's ARN ends in six random characters. A secret that is there is
//! authorized by its full ARN and one that is not by `NAME-??????`, which the
//! documented patterns (`secret:NAME-??????`, `secret:NAME*`) match.

use super::RequirementsError;
use super::generic;
use super::requirement::Requirement;
use super::scope::{Mapped, Scope, field, items, scalar};
use super::state::Secret;

pub(super) async fn requirements(scope: &Scope<'_>) -> Mapped {
    let name = scope.name();
    // Passes a role; for which service, the reference does not say.
    if scope.value("ExternalSecretRotationRoleArn").is_some() {
        return Err(scope.unmapped());
    }
    if name == "BatchGetSecretValue" {
        return batch(scope).await;
    }
    if name == "ValidateResourcePolicy" && scope.text("SecretId").is_none() {
        return Ok(vec![generic::on(scope, name, "*")]);
    }
    let target = match scope.any_text(&["SecretId", "Name"]) {
        Some(id) => Some(Target::find(scope, id).await?),
        None => None,
    };
    let mut requirements = generic::same_name(scope, |_| {
        Ok(target.as_ref().map(|target| target.arn.clone()).into_iter().collect())
    })?;
    if let Some(target) = &target {
        for requirement in &mut requirements {
            target.describe(requirement);
            computed_keys(scope, requirement);
        }
        // API reference of CreateSecret: tags need secretsmanager:TagResource.
        if name == "CreateSecret" && !scope.tags("Tags").is_empty() {
            let mut requirement = generic::on(scope, "TagResource", &target.arn);
            target.describe(&mut requirement);
            requirements.push(requirement);
        }
        // "To add replica Regions, you must also have
        // secretsmanager:ReplicateSecretToRegions" (the same reference).
        let replicas = scope.value("AddReplicaRegions").map(items).unwrap_or_default();
        if name == "CreateSecret" && !replicas.is_empty() {
            let mut requirement = generic::on(scope, "ReplicateSecretToRegions", &target.arn);
            target.describe(&mut requirement);
            computed_keys(scope, &mut requirement);
            requirements.push(requirement);
        }
    }
    // API reference of RotateSecret: the caller must be allowed to invoke the
    // rotation function.
    if let Some(function) = scope.text("RotationLambdaARN") {
        requirements.push(Requirement::on("lambda:InvokeFunction", function));
    }
    Ok(requirements)
}

/// `secretsmanager:BatchGetSecretValue` for the call, and the secret's own
/// permission for each. Filters would have to be resolved first.
async fn batch(scope: &Scope<'_>) -> Mapped {
    if scope.value("Filters").is_some() {
        return Err(scope.unmapped());
    }
    let mut requirements = vec![generic::on(scope, scope.name(), "*")];
    for (index, id) in scope.texts("SecretIdList").into_iter().enumerate() {
        requirements.push(value(scope, id).await?.of_item(index));
    }
    Ok(requirements)
}

/// What the value of a secret needs, whichever call reads it.
pub(super) async fn value(scope: &Scope<'_>, id: &str) -> Result<Requirement, RequirementsError> {
    let target = Target::find(scope, id).await?;
    let mut requirement = Requirement::on("secretsmanager:GetSecretValue", &target.arn)
        .key("secretsmanager:SecretId", id);
    target.describe(&mut requirement);
    Ok(requirement)
}

/// The keys that are not called as a member is.
fn computed_keys(scope: &Scope<'_>, requirement: &mut Requirement) {
    match scope.text("KmsKeyId") {
        Some(key) if key.starts_with("arn:") => {
            requirement.context.set("secretsmanager:KmsKeyArn", key);
        }
        // AWS finds the ARN of an id or alias; KMS is not served here.
        Some(_) => drop(requirement.context.set_unknown("secretsmanager:KmsKeyArn")),
        None => {}
    }
    if scope.name() == "RotateSecret" && scope.value("RotationRules").is_some() {
        requirement.context.set("secretsmanager:ModifyRotationRules", "true");
    }
    let replicas = scope.value("AddReplicaRegions").map(items).unwrap_or_default();
    let regions: Vec<String> = replicas
        .into_iter()
        .filter_map(|replica| field(replica, &["Region"]).and_then(scalar))
        .collect();
    if !regions.is_empty() {
        requirement.context.set_list("secretsmanager:AddReplicaRegions", regions);
    }
}

struct Target {
    arn: String,
    printed: Option<String>,
    secret: Option<Secret>,
}

impl Target {
    async fn find(scope: &Scope<'_>, id: &str) -> Result<Self, RequirementsError> {
        let secret = scope.state.secret(id).await?;
        let arn = match &secret {
            Some(secret) => secret.arn.clone(),
            None if id.starts_with("arn:") => id.to_owned(),
            None => format!(
                "arn:{}:secretsmanager:{}:{}:secret:{id}-??????",
                scope.partition(),
                scope.region(),
                scope.account()
            ),
        };
        // `secretsmanager:CreateSecret on resource: NAME`
        let printed = secret.is_none().then(|| id.to_owned());
        Ok(Self { arn, printed, secret })
    }

    fn describe(&self, requirement: &mut Requirement) {
        requirement.printed_resource.clone_from(&self.printed);
        if let Some(secret) = &self.secret {
            requirement.add_resource_tags(&["secretsmanager:ResourceTag"], &secret.tags);
            *requirement = requirement.clone().guarded_by(&secret.arn, secret.policy.clone());
        }
    }
}

//! STS: roles and their trust policies, session tags, source identities.

use ringfence_services::Identity;

use super::generic::{self, known};
use super::requirement::{Requirement, ResourcePolicy};
use super::scope::{Mapped, Scope, arn_parts};
use super::state::{Entity, Tags};

/// Trusts nobody: what a role that is not there is judged by. AWS answers
/// AccessDenied then, not that the role is missing.
const TRUSTS_NOBODY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"nobody.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

pub(super) async fn requirements(scope: &Scope<'_>) -> Mapped {
    match scope.name() {
        // Neither needs a permission: a denial of sts:GetCallerIdentity is
        // without effect, and the API reference of GetSessionToken says that
        // none is required.
        "GetCallerIdentity" | "GetSessionToken" => Ok(Vec::new()),
        "AssumeRole" => assume_role(scope).await,
        "AssumeRoleWithWebIdentity" => with_web_identity(scope).await,
        "GetFederationToken" => {
            let name = scope.need("Name")?;
            let arn =
                format!("arn:{}:sts::{}:federated-user/{name}", scope.partition(), scope.account());
            let mut requirements = vec![generic::on(scope, scope.name(), &arn)];
            if !scope.tags("Tags").is_empty() {
                requirements.push(generic::on(scope, "TagSession", arn));
            }
            Ok(requirements)
        }
        "DecodeAuthorizationMessage" | "GetAccessKeyInfo" => {
            generic::same_name(scope, |_| Ok(Vec::new()))
        }
        _ => Err(scope.unmapped()),
    }
}

async fn assume_role(scope: &Scope<'_>) -> Mapped {
    if scope.value("ProvidedContexts").is_some() {
        return Err(scope.unmapped());
    }
    let role = Role::of(scope).await?;
    let source_identity =
        scope.text("SourceIdentity").or_else(|| inherited(&scope.caller.identity));
    let transitive = scope.texts("TransitiveTagKeys");
    let mut required = role.session(scope, &scope.tags("Tags"), &transitive, source_identity)?;
    if let (Identity::Role(session), Some(first)) = (&scope.caller.identity, required.first_mut())
        && session.federated_provider.is_some()
    {
        for key in KEPT_CLAIMS {
            first.context.set_unknown(key);
        }
    }
    Ok(required)
}

/// Claims that AWS keeps with the session of a web identity, and gives when it
/// assumes another role; the session here does not keep them.
const KEPT_CLAIMS: &[&str] = &[
    "accounts.google.com:*",
    "cognito-identity.amazonaws.com:*",
    "graph.facebook.com:*",
    "www.amazon.com:*",
];

async fn with_web_identity(scope: &Scope<'_>) -> Mapped {
    let role = Role::of(scope).await?;
    match &scope.caller.identity {
        Identity::WebIdentity(bearer) => role.session(
            scope,
            &bearer.tags,
            &bearer.transitive_tag_keys,
            bearer.source_identity.as_deref(),
        ),
        // Whoever else calls is judged by the trust policy alone, which names
        // no such principal.
        _ => role.session::<&str>(scope, &Vec::new(), &[], None),
    }
}

/// A source identity stays with a chained session, whose role must allow
/// setting it (IAM user guide, "Monitor and control actions taken with assumed
/// roles").
fn inherited(identity: &Identity) -> Option<&str> {
    match identity {
        Identity::Role(session) => session.source_identity.as_deref(),
        _ => None,
    }
}

/// Whether the reference lists the key with the action; tagging a session and
/// naming its source carry fewer keys than assuming the role.
fn carries(action: &str, key: &str) -> bool {
    known("sts", action).is_some_and(|action| action.condition_keys.contains(&key))
}

/// The role that a call asks for.
struct Role {
    arn: String,
    entity: Option<Entity>,
}

impl Role {
    async fn of(scope: &Scope<'_>) -> Result<Self, super::RequirementsError> {
        let arn = scope.need("RoleArn")?;
        let parts = arn_parts(arn)
            .filter(|[_, _, service, _, _, resource]| {
                *service == "iam" && resource.starts_with("role/")
            })
            .ok_or_else(|| scope.refused("ValidationError", format!("{arn} is invalid")))?;
        let [_, _, _, _, account, resource] = parts;
        let name = resource.rsplit('/').next().unwrap_or_default();
        let entity = if account == scope.account() {
            scope.state.role(name).await?.filter(|found| found.arn == arn)
        } else {
            None
        };
        Ok(Self { arn: arn.to_owned(), entity })
    }

    fn require(&self, scope: &Scope<'_>, action: &str, tags: &Tags) -> Requirement {
        let mut requirement = generic::on(scope, action, &self.arn);
        if carries(action, "aws:TagKeys") {
            requirement.add_request_tags(tags);
        }
        let trust = self.entity.as_ref().and_then(|role| role.trust_policy.clone());
        requirement.resource_policy = ResourcePolicy::Trust {
            name: self.arn.clone(),
            document: trust.unwrap_or_else(|| TRUSTS_NOBODY.to_owned()),
        };
        if let Some(entity) = &self.entity {
            requirement.add_resource_tags(&["iam:ResourceTag"], &entity.tags);
        }
        requirement
    }

    /// The call's own action, and those for tagging the session and for naming
    /// its source.
    fn session<K: AsRef<str>>(
        &self,
        scope: &Scope<'_>,
        tags: &Tags,
        transitive: &[K],
        source_identity: Option<&str>,
    ) -> Mapped {
        let require = |action: &str| {
            let mut requirement = self.require(scope, action, tags);
            if carries(action, "sts:SourceIdentity") {
                requirement = requirement.key_if("sts:SourceIdentity", source_identity);
            }
            if carries(action, "sts:TransitiveTagKeys") {
                let keys = transitive.iter().map(AsRef::as_ref);
                requirement = requirement.keys("sts:TransitiveTagKeys", keys);
            }
            requirement
        };
        let mut requirements = vec![require(scope.name())];
        if !tags.is_empty() {
            requirements.push(require("TagSession"));
        }
        if source_identity.is_some() {
            requirements.push(require("SetSourceIdentity"));
        }
        Ok(requirements)
    }
}

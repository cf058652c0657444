//! Users, groups, roles and their policies.

use std::sync::Arc;

use ringfence_policy::{Document, Kind};
use ringfence_wire::{Service, ServiceError};
use serde_json::{Map, Value, json};

use super::{Directory, Grants, Managed, Provider, Role, User, read, unique_ids};
use crate::recording::{Attached, boundary_slot, inline_id};

/// What decides for a principal.
#[derive(Debug)]
pub(crate) struct Principal {
    /// Its identity policies, those of its groups included.
    pub(crate) identity: Vec<Attached>,
    /// Its permissions boundary.
    pub(crate) boundary: Option<Attached>,
}

impl Directory {
    /// A role, by name.
    pub(crate) async fn role(&self, name: &str) -> Result<Option<Arc<Role>>, ServiceError> {
        self.roles.get(name, self.load_role(name)).await
    }

    /// A user, by name.
    pub(crate) async fn user(&self, name: &str) -> Result<Option<Arc<User>>, ServiceError> {
        self.users.get(name, self.load_user(name)).await
    }

    /// The policies of a role.
    pub(crate) async fn role_policies(
        &self,
        name: &str,
        role: &Role,
    ) -> Result<Principal, ServiceError> {
        let grants = self.role_grants.get(name, self.load_grants("Role", name)).await?;
        let owner = format!("role/{}", self.scoped(name));
        let identity = self.documents_of(&grants, &owner, &role.arn).await?;
        let boundary = self.boundary(role.boundary.as_deref(), &owner).await?;
        Ok(Principal { identity, boundary })
    }

    /// The policies of a user and of its groups.
    pub(crate) async fn user_policies(
        &self,
        name: &str,
        user: &User,
    ) -> Result<Principal, ServiceError> {
        let grants = self.user_grants.get(name, self.load_grants("User", name)).await?;
        let owner = format!("user/{}", self.scoped(name));
        let mut identity = self.documents_of(&grants, &owner, &user.arn).await?;
        for group in &grants.groups {
            identity.extend(self.group_policies(group).await?);
        }
        let boundary = self.boundary(user.boundary.as_deref(), &owner).await?;
        Ok(Principal { identity, boundary })
    }

    /// The inline policies of a `User`, `Group` or `Role`.
    pub(crate) async fn inline_policies(
        &self,
        kind: &str,
        name: &str,
    ) -> Result<Vec<Attached>, ServiceError> {
        let cache = match kind {
            "Role" => &self.role_grants,
            "User" => &self.user_grants,
            _ => &self.groups,
        };
        Ok(cache.get(name, self.load_grants(kind, name)).await?.inline.clone())
    }

    /// The managed policies that are attached to a role.
    pub(crate) async fn attached_to_role(&self, name: &str) -> Result<Vec<String>, ServiceError> {
        let grants = self.role_grants.get(name, self.load_grants("Role", name)).await?;
        Ok(grants.attached.clone())
    }

    /// The policies that are boundaries, once for each user or role.
    pub(crate) async fn boundary_uses(&self) -> Result<Vec<String>, ServiceError> {
        let mut used = Vec::new();
        let of_roles = Map::from_iter([("Filter".to_owned(), json!(["Role"]))]);
        for role in
            self.iam_list("GetAccountAuthorizationDetails", of_roles, "RoleDetailList").await?
        {
            used.extend(boundary(&role));
        }
        used.extend(self.kept().boundaries.all());
        Ok(used)
    }

    /// The policies of a group.
    pub(crate) async fn group_policies(&self, name: &str) -> Result<Vec<Attached>, ServiceError> {
        let grants = self.groups.get(name, self.load_grants("Group", name)).await?;
        self.documents_of(&grants, &format!("group/{}", self.scoped(name)), name).await
    }

    /// The tags of a managed policy.
    pub(crate) async fn managed_tags(
        &self,
        arn: &str,
    ) -> Result<Option<super::Tags>, ServiceError> {
        Ok(self.managed(arn).await?.map(|managed| managed.tags.clone()))
    }

    /// The text of a managed policy's default version.
    pub(crate) async fn managed_text(&self, arn: &str) -> Result<Option<String>, ServiceError> {
        Ok(self.managed(arn).await?.map(|managed| managed.text.clone()))
    }

    /// The account's OIDC provider for an issuer's URL.
    pub(crate) async fn provider(
        &self,
        issuer: &str,
    ) -> Result<Option<(String, Vec<String>)>, ServiceError> {
        let all = self.providers.get("", self.load_providers()).await?;
        let host = issuer.strip_prefix("https://").unwrap_or(issuer);
        // A final slash is part of the issuer: `…oidc-provider/tenant.auth0.com/`.
        let host = host.strip_prefix("http://").unwrap_or(host);
        Ok(all
            .iter()
            .find(|provider| {
                provider.arn.split_once(":oidc-provider/").is_some_and(|(_, name)| name == host)
            })
            .map(|provider| (provider.arn.clone(), provider.client_ids.clone())))
    }

    /// Whether the account has an OIDC provider of this ARN.
    pub(crate) async fn has_provider(&self, arn: &str) -> Result<bool, ServiceError> {
        let all = self.providers.get("", self.load_providers()).await?;
        Ok(all.iter().any(|provider| provider.arn == arn))
    }

    /// Whether the account has a SAML provider of this ARN.
    pub(crate) async fn has_saml_provider(&self, arn: &str) -> Result<bool, ServiceError> {
        let input = json!({"SAMLProviderArn": arn});
        Ok(self.look_up(Service::Iam, "GetSAMLProvider", input).await?.is_some())
    }

    /// Parses a document of a principal; one that cannot be read must stop
    /// whoever it is meant to limit.
    pub(crate) fn document(
        &self,
        name: &str,
        text: &str,
        kind: Kind,
        owner: &str,
    ) -> Result<Arc<Document>, ServiceError> {
        self.documents.parse(name, text, kind).map_err(|cause| {
            ServiceError::new(
                403,
                "AccessDenied",
                format!(
                    "the policy `{name}` of {owner} cannot be read, so that nothing can be \
                     decided: {cause}"
                ),
            )
        })
    }

    async fn managed(&self, arn: &str) -> Result<Option<Arc<Managed>>, ServiceError> {
        self.managed.get(arn, self.load_managed(arn)).await
    }

    async fn documents_of(
        &self,
        grants: &Grants,
        slot: &str,
        owner: &str,
    ) -> Result<Vec<Attached>, ServiceError> {
        let mut documents = grants.inline.clone();
        for arn in &grants.attached {
            let document = self.attached(arn, Kind::Identity, owner).await?;
            documents.push(Attached::managed(format!("{slot}/attached/{arn}"), arn, document));
        }
        Ok(documents)
    }

    async fn boundary(
        &self,
        arn: Option<&str>,
        slot: &str,
    ) -> Result<Option<Attached>, ServiceError> {
        let Some(arn) = arn else { return Ok(None) };
        let document = self.attached(arn, Kind::Boundary, "a boundary").await?;
        Ok(Some(Attached::managed(boundary_slot(slot), arn, document)))
    }

    async fn attached(
        &self,
        arn: &str,
        kind: Kind,
        owner: &str,
    ) -> Result<Arc<Document>, ServiceError> {
        let managed = self.managed(arn).await?.ok_or_else(|| {
            ServiceError::new(
                403,
                "AccessDenied",
                format!(
                    "the managed policy `{arn}` of {owner} is not at the upstream, so that \
                     nothing can be decided"
                ),
            )
        })?;
        self.document(arn, &managed.text, kind, owner)
    }

    async fn load_role(&self, name: &str) -> Result<Option<Arc<Role>>, ServiceError> {
        let answer = self.look_up(Service::Iam, "GetRole", json!({"RoleName": name})).await?;
        let Some(role) = answer.as_ref().and_then(|answer| answer.get("Role")) else {
            return Ok(None);
        };
        Ok(Some(Arc::new(Role {
            arn: member(role, "Arn")?,
            id: member(role, "RoleId")?,
            max_session_duration: match role.get("MaxSessionDuration") {
                Some(Value::Number(seconds)) => seconds.as_u64().and_then(|s| s.try_into().ok()),
                Some(Value::String(seconds)) => seconds.parse().ok(),
                _ => None,
            }
            .unwrap_or(3600),
            trust: read::document(&member(role, "AssumeRolePolicyDocument")?),
            boundary: boundary(role),
            tags: read::tags(role, "Tags"),
        })))
    }

    async fn load_user(&self, name: &str) -> Result<Option<Arc<User>>, ServiceError> {
        let answer = self.look_up(Service::Iam, "GetUser", json!({"UserName": name})).await?;
        let Some(user) = answer.as_ref().and_then(|answer| answer.get("User")) else {
            return Ok(None);
        };
        let id = unique_ids::of_user(&member(user, "UserId")?);
        Ok(Some(Arc::new(User {
            arn: member(user, "Arn")?,
            boundary: self.kept().boundaries.of(&id).unwrap_or_else(|| boundary(user)),
            id,
            tags: read::tags(user, "Tags"),
        })))
    }

    /// The inline and attached policies of a `User`, `Group` or `Role`.
    async fn load_grants(&self, kind: &str, name: &str) -> Result<Arc<Grants>, ServiceError> {
        let key = format!("{kind}Name");
        let named = || Map::from_iter([(key.clone(), Value::from(name))]);
        let mut grants = Grants::default();
        for policy in self.iam_list(&format!("List{kind}Policies"), named(), "PolicyNames").await? {
            let Some(policy) = policy.as_str() else { continue };
            let mut input = named();
            input.insert("PolicyName".to_owned(), policy.into());
            let answer =
                self.ask(Service::Iam, &format!("Get{kind}Policy"), Value::Object(input)).await?;
            let text = read::document(&member(&answer, "PolicyDocument")?);
            let document = self.document(policy, &text, Kind::Identity, name)?;
            let slot = inline_id(&kind.to_ascii_lowercase(), &self.scoped(name), policy);
            grants.inline.push(Attached::own(slot, document));
        }
        for policy in self
            .iam_list(&format!("ListAttached{kind}Policies"), named(), "AttachedPolicies")
            .await?
        {
            grants.attached.push(member(&policy, "PolicyArn")?);
        }
        if kind == "User" {
            for group in self.iam_list("ListGroupsForUser", named(), "Groups").await? {
                grants.groups.push(member(&group, "GroupName")?);
            }
        }
        Ok(Arc::new(grants))
    }

    async fn load_managed(&self, arn: &str) -> Result<Option<Arc<Managed>>, ServiceError> {
        let answer = self.look_up(Service::Iam, "GetPolicy", json!({"PolicyArn": arn})).await?;
        let Some(policy) = answer.as_ref().and_then(|answer| answer.get("Policy")) else {
            return Ok(None);
        };
        let version = member(policy, "DefaultVersionId")?;
        let input = json!({"PolicyArn": arn, "VersionId": version});
        let answer = self.ask(Service::Iam, "GetPolicyVersion", input).await?;
        let version = answer.get("PolicyVersion").unwrap_or(&Value::Null);
        Ok(Some(Arc::new(Managed {
            text: read::document(&member(version, "Document")?),
            tags: read::tags(policy, "Tags"),
        })))
    }

    async fn load_providers(&self) -> Result<Arc<Vec<Provider>>, ServiceError> {
        let listed = self
            .iam_list("ListOpenIDConnectProviders", Map::new(), "OpenIDConnectProviderList")
            .await?;
        let mut providers = Vec::with_capacity(listed.len());
        for listed in listed {
            let arn = member(&listed, "Arn")?;
            let input = json!({"OpenIDConnectProviderArn": arn});
            let answer = self.ask(Service::Iam, "GetOpenIDConnectProvider", input).await?;
            let client_ids = read::list(&answer, "ClientIDList");
            let client_ids = client_ids.iter().filter_map(Value::as_str).map(str::to_owned);
            providers.push(Provider { arn, client_ids: client_ids.collect() });
        }
        Ok(Arc::new(providers))
    }
}

fn boundary(entity: &Value) -> Option<String> {
    let boundary = entity.get("PermissionsBoundary")?;
    read::text(boundary, "PermissionsBoundaryArn").map(str::to_owned)
}

/// A member that the answer must have.
fn member(value: &Value, name: &str) -> Result<String, ServiceError> {
    read::text(value, name).map(str::to_owned).ok_or_else(|| {
        ServiceError::new(
            502,
            "InternalFailure",
            format!("the upstream's answer has no `{name}`, so that nothing can be decided"),
        )
    })
}

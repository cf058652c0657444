//! The policies of deployed roles and users, as IAM has them.

use ringfence_wire::ServiceError;
use ringfence_wire::services::Iam;
use serde_json::{Value, json};

use super::actor::Actor;
use super::attack::Step;

/// Why a role's policies cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PoliciesError {
    /// IAM refused.
    #[error("cannot read the policies of role `{role}`")]
    Read {
        /// The role's name.
        role: String,
        /// IAM's error.
        source: ServiceError,
    },
}

/// The policies of a role or a user by its ARN, as texts.
///
/// # Errors
/// When IAM refuses.
pub(crate) async fn identity_policies(
    platform: &Actor,
    arn: &str,
) -> Result<RolePolicies, PoliciesError> {
    let name = arn.rsplit('/').next().unwrap_or_default();
    if !arn.contains(":user/") {
        return role_policies(platform, name).await;
    }
    let read = |source| PoliciesError::Read { role: name.to_owned(), source };
    of_user(platform, name).await.map_err(read)
}

/// Whether a role is one of AWS's own, whose policies nobody in the account may change.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html>
pub(crate) fn is_service_linked(role_arn: &str) -> bool {
    role_arn.contains(":role/aws-service-role/")
}

/// A name or an ARN with a policy's text.
pub(crate) type Named = (String, String);

/// The policies of a role or a user, as texts.
#[derive(Debug, Clone, Default)]
pub struct RolePolicies {
    /// Its own, by name.
    pub inline: Vec<Named>,
    /// The managed ones, by ARN.
    pub attached: Vec<Named>,
    /// The permissions boundary, by ARN.
    pub boundary: Option<Named>,
    /// The trust policy; a user has none.
    pub trust: String,
}

/// Reads the policies of a role as texts.
///
/// # Errors
/// When IAM refuses.
pub async fn role_policies(platform: &Actor, role: &str) -> Result<RolePolicies, PoliciesError> {
    let read = |source| PoliciesError::Read { role: role.to_owned(), source };
    documents(platform, role).await.map_err(read)
}

/// The trust policies of all roles, by name.
///
/// # Errors
/// When IAM refuses.
pub(crate) async fn trusts(platform: &Actor) -> Result<Vec<Named>, ServiceError> {
    let (mut all, mut marker) = (Vec::new(), None);
    loop {
        let asked = marker.map_or_else(|| json!({}), |marker: Value| json!({"Marker": marker}));
        let answer = platform.call(&Step::new(Iam, "ListRoles", asked)).await.result?;
        for role in list(&answer, "Roles") {
            let Some(name) = role.get("RoleName").and_then(Value::as_str) else { continue };
            all.push((name.to_owned(), document(role.get("AssumeRolePolicyDocument"))));
        }
        match answer.get("Marker").filter(|_| answer.get("IsTruncated") == Some(&json!(true))) {
            Some(next) => marker = Some(next.clone()),
            None => return Ok(all),
        }
    }
}

/// The policies of a user, with those of its groups.
async fn of_user(platform: &Actor, user: &str) -> Result<RolePolicies, ServiceError> {
    let named = json!({"UserName": user});
    let mut found = RolePolicies::default();
    USER.policies(platform, user, &mut found).await?;
    let groups = Step::new(Iam, "ListGroupsForUser", named.clone());
    let groups = platform.call(&groups).await.result?;
    for group in list(&groups, "Groups") {
        let Some(name) = group.get("GroupName").and_then(Value::as_str) else { continue };
        GROUP.policies(platform, name, &mut found).await?;
    }
    let own = platform.call(&Step::new(Iam, "GetUser", named)).await.result?;
    let boundary = own.pointer("/User/PermissionsBoundary/PermissionsBoundaryArn");
    if let Some(arn) = boundary.and_then(Value::as_str) {
        found.boundary = Some((arn.to_owned(), managed(platform, arn).await?));
    }
    Ok(found)
}

/// The calls that list the policies of what has some.
struct Owner {
    member: &'static str,
    inline: &'static str,
    one: &'static str,
    attached: &'static str,
}

const ROLE: Owner = Owner {
    member: "RoleName",
    inline: "ListRolePolicies",
    one: "GetRolePolicy",
    attached: "ListAttachedRolePolicies",
};

const USER: Owner = Owner {
    member: "UserName",
    inline: "ListUserPolicies",
    one: "GetUserPolicy",
    attached: "ListAttachedUserPolicies",
};

const GROUP: Owner = Owner {
    member: "GroupName",
    inline: "ListGroupPolicies",
    one: "GetGroupPolicy",
    attached: "ListAttachedGroupPolicies",
};

impl Owner {
    async fn policies(
        &self,
        platform: &Actor,
        of: &str,
        found: &mut RolePolicies,
    ) -> Result<(), ServiceError> {
        let ask = async |operation, input: Value| {
            platform.call(&Step::new(Iam, operation, input)).await.result
        };
        let named = json!({self.member: of});
        let inline = ask(self.inline, named.clone()).await?;
        for name in list(&inline, "PolicyNames").iter().filter_map(Value::as_str) {
            let policy = ask(self.one, json!({self.member: of, "PolicyName": name})).await?;
            found.inline.push((name.to_owned(), document(policy.get("PolicyDocument"))));
        }
        let attached = ask(self.attached, named).await?;
        for policy in list(&attached, "AttachedPolicies") {
            let Some(arn) = policy.get("PolicyArn").and_then(Value::as_str) else { continue };
            found.attached.push((arn.to_owned(), managed(platform, arn).await?));
        }
        Ok(())
    }
}

async fn documents(platform: &Actor, role: &str) -> Result<RolePolicies, ServiceError> {
    let mut found = RolePolicies::default();
    ROLE.policies(platform, role, &mut found).await?;
    let named = json!({"RoleName": role});
    let role = platform.call(&Step::new(Iam, "GetRole", named)).await.result?;
    let boundary =
        role.pointer("/Role/PermissionsBoundary/PermissionsBoundaryArn").and_then(Value::as_str);
    if let Some(arn) = boundary {
        found.boundary = Some((arn.to_owned(), managed(platform, arn).await?));
    }
    found.trust = document(role.pointer("/Role/AssumeRolePolicyDocument"));
    Ok(found)
}

/// The text of a managed policy's default version.
///
/// # Errors
/// When IAM refuses.
pub(crate) async fn managed(platform: &Actor, arn: &str) -> Result<String, ServiceError> {
    let get = Step::new(Iam, "GetPolicy", json!({"PolicyArn": arn}));
    let policy = platform.call(&get).await.result?;
    let version = policy.pointer("/Policy/DefaultVersionId").cloned().unwrap_or_default();
    let input = json!({"PolicyArn": arn, "VersionId": version});
    let version = platform.call(&Step::new(Iam, "GetPolicyVersion", input)).await.result?;
    Ok(document(version.pointer("/PolicyVersion/Document")))
}

fn list<'a>(answer: &'a Value, member: &str) -> &'a [Value] {
    answer.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// IAM answers documents percent-encoded
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html>).
fn document(value: Option<&Value>) -> String {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    if text.trim_start().starts_with('{') {
        return text.to_owned();
    }
    let encoded = format!("d={}", text.replace('+', "%2B"));
    let decoded = url::form_urlencoded::parse(encoded.as_bytes()).next();
    decoded.map(|(_, text)| text.into_owned()).unwrap_or_default()
}

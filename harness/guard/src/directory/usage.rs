//! What hangs on an entity of IAM.

use ringfence_wire::{Service, ServiceError};
use serde_json::{Map, Value, json};

use super::{Directory, read};

/// The roles and users that have a boundary, as IAM lists them.
#[derive(Debug, Default)]
pub(crate) struct Bounded {
    pub(crate) roles: Vec<Value>,
    pub(crate) users: Vec<Value>,
}

impl Directory {
    /// How many elements a list of IAM has; none where its entity is not there.
    pub(crate) async fn count(
        &self,
        operation: &str,
        input: Value,
        member: &str,
    ) -> Result<usize, ServiceError> {
        let answer = self.look_up(Service::Iam, operation, input).await?;
        let members = member.split('.');
        let value = answer.as_ref().and_then(|answer| members.fold(Some(answer), step));
        Ok(match value {
            Some(Value::Array(items)) => items.len(),
            Some(Value::Object(_)) => 1,
            _ => 0,
        })
    }

    /// A field of all elements of a list of IAM.
    pub(crate) async fn names(
        &self,
        operation: &str,
        input: Value,
        list: &str,
        field: &str,
    ) -> Result<Vec<String>, ServiceError> {
        let input = input.as_object().cloned().unwrap_or_default();
        let all = self.iam_list(operation, input, list).await?;
        Ok(all.iter().filter_map(|element| read::text(element, field)).map(str::to_owned).collect())
    }

    /// Whether a policy is the boundary of a role or a user.
    pub(crate) async fn is_boundary(&self, arn: &str) -> Result<bool, ServiceError> {
        let Bounded { roles, users } = self.bounded_by(arn, "/").await?;
        Ok(!roles.is_empty() || !users.is_empty())
    }

    /// The roles and users under a path that a policy is the boundary of.
    pub(crate) async fn bounded_by(&self, arn: &str, path: &str) -> Result<Bounded, ServiceError> {
        let is_it = |boundary: &Option<String>, owner: &str, kind: &str| {
            let under = owner.split_once(kind).is_some_and(|(_, own)| own.starts_with(path));
            under && boundary.as_deref() == Some(arn)
        };
        let mut bounded = Bounded::default();
        for listed in self.iam_list("ListRoles", Map::new(), "Roles").await? {
            let Some(name) = read::text(&listed, "RoleName") else { continue };
            let role = self.role(name).await?;
            if let Some(role) = role.filter(|it| is_it(&it.boundary, &it.arn, ":role")) {
                bounded.roles.push(json!({"RoleName": name, "RoleId": role.id}));
            }
        }
        for listed in self.iam_list("ListUsers", Map::new(), "Users").await? {
            let Some(name) = read::text(&listed, "UserName") else { continue };
            let user = self.user(name).await?;
            if let Some(user) = user.filter(|it| is_it(&it.boundary, &it.arn, ":user")) {
                bounded.users.push(json!({"UserName": name, "UserId": user.id}));
            }
        }
        Ok(bounded)
    }

    /// The number of entities that a policy is attached to.
    pub(crate) async fn attachments(&self, arn: &str) -> Result<usize, ServiceError> {
        let mut count = 0;
        for member in ["PolicyGroups", "PolicyUsers", "PolicyRoles"] {
            let input = json!({"PolicyArn": arn});
            count += self.count("ListEntitiesForPolicy", input, member).await?;
        }
        Ok(count)
    }
}

fn step<'v>(value: Option<&'v Value>, member: &str) -> Option<&'v Value> {
    value?.get(member)
}

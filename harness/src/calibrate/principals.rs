//! The policies that an account has for the roles and users of a run.

use std::collections::BTreeMap;

use ringfence_calibrate::answer::is_true;
use ringfence_wire::{Service, ServiceError};
use serde_json::{Map, Value, json};

use super::{CalibrateError, Pace};
use crate::aws::Client;
use crate::terraform::Access;

/// A role or user of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// Its ARN, with its path.
    pub arn: String,
    /// Its documents by their places, as a run names them.
    pub documents: BTreeMap<String, String>,
}

/// The `role/NAME` or `user/NAME` of the account; none where it has none.
///
/// # Errors
/// When IAM refuses to show them.
pub async fn deployed(
    client: &Client,
    access: &Access,
    owner: &str,
    pace: &mut Pace,
) -> Result<Option<Deployed>, CalibrateError> {
    let Some((kind, path)) = owner.split_once('/') else { return Ok(None) };
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut reader = Reader { client, access, pace };
    let kind = if kind == "user" { Kind::User } else { Kind::Role };
    let own = json!({kind.member(): name});
    let principal = match reader.call(kind.get(), own.clone()).await {
        Err(CalibrateError::Refused { error, .. }) if error.code == "NoSuchEntity" => {
            return Ok(None);
        }
        found => found?,
    };
    let mut documents = BTreeMap::new();
    let principal = principal.get(kind.principal()).cloned().unwrap_or_default();
    if let Some(trust) = principal.get("AssumeRolePolicyDocument").and_then(Value::as_str) {
        documents.insert(format!("{owner}/trust"), decoded(trust));
    }
    if let Some(arn) = principal.pointer("/PermissionsBoundary/PermissionsBoundaryArn") {
        let document = reader.managed(arn.as_str().unwrap_or_default()).await?;
        documents.insert(format!("{owner}/boundary"), document);
    }
    for policy in reader.list(kind.list_inline(), own.clone(), "PolicyNames").await? {
        let policy = policy.as_str().unwrap_or_default().to_owned();
        let input = json!({kind.member(): name, "PolicyName": policy});
        let answer = reader.call(kind.get_inline(), input).await?;
        let document = text(&answer, kind.get_inline(), "PolicyDocument")?;
        documents.insert(format!("{owner}/inline/{policy}"), decoded(&document));
    }
    for policy in reader.list(kind.list_attached(), own, "AttachedPolicies").await? {
        let arn = text(&policy, kind.list_attached(), "PolicyArn")?;
        let document = reader.managed(&arn).await?;
        documents.insert(format!("{owner}/attached/{arn}"), document);
    }
    let arn = text(&principal, kind.get(), "Arn")?;
    Ok(Some(Deployed { arn, documents }))
}

#[derive(Clone, Copy)]
enum Kind {
    Role,
    User,
}

impl Kind {
    const fn principal(self) -> &'static str {
        match self {
            Self::Role => "Role",
            Self::User => "User",
        }
    }

    const fn member(self) -> &'static str {
        match self {
            Self::Role => "RoleName",
            Self::User => "UserName",
        }
    }

    const fn get(self) -> &'static str {
        match self {
            Self::Role => "GetRole",
            Self::User => "GetUser",
        }
    }

    const fn get_inline(self) -> &'static str {
        match self {
            Self::Role => "GetRolePolicy",
            Self::User => "GetUserPolicy",
        }
    }

    const fn list_inline(self) -> &'static str {
        match self {
            Self::Role => "ListRolePolicies",
            Self::User => "ListUserPolicies",
        }
    }

    const fn list_attached(self) -> &'static str {
        match self {
            Self::Role => "ListAttachedRolePolicies",
            Self::User => "ListAttachedUserPolicies",
        }
    }
}

struct Reader<'a> {
    client: &'a Client,
    access: &'a Access,
    pace: &'a mut Pace,
}

impl Reader<'_> {
    async fn call(
        &mut self,
        operation: &'static str,
        input: Value,
    ) -> Result<Value, CalibrateError> {
        self.pace.turn().await;
        let answer = self.client.call(self.access, Service::Iam, operation, input).await;
        answer.result.map_err(|error: ServiceError| CalibrateError::Refused {
            operation,
            error: Box::new(error),
        })
    }

    /// All pages of a list.
    async fn list(
        &mut self,
        operation: &'static str,
        input: Value,
        member: &'static str,
    ) -> Result<Vec<Value>, CalibrateError> {
        let mut all = Vec::new();
        let mut marker = None;
        loop {
            let mut input: Map<String, Value> = input.as_object().cloned().unwrap_or_default();
            if let Some(marker) = marker.take() {
                input.insert("Marker".to_owned(), marker);
            }
            let answer = self.call(operation, Value::Object(input)).await?;
            all.extend(answer.get(member).and_then(Value::as_array).into_iter().flatten().cloned());
            match answer.get("Marker") {
                Some(next) if answer.get("IsTruncated").is_some_and(is_true) => {
                    marker = Some(next.clone());
                }
                _ => return Ok(all),
            }
        }
    }

    /// The default version of a managed policy.
    async fn managed(&mut self, arn: &str) -> Result<String, CalibrateError> {
        let answer = self.call("GetPolicy", json!({"PolicyArn": arn})).await?;
        let policy = answer.get("Policy").cloned().unwrap_or_default();
        let version = text(&policy, "GetPolicy", "DefaultVersionId")?;
        let input = json!({"PolicyArn": arn, "VersionId": version});
        let answer = self.call("GetPolicyVersion", input).await?;
        let version = answer.get("PolicyVersion").cloned().unwrap_or_default();
        Ok(decoded(&text(&version, "GetPolicyVersion", "Document")?))
    }
}

fn text(
    value: &Value,
    operation: &'static str,
    member: &'static str,
) -> Result<String, CalibrateError> {
    let found = value.get(member).and_then(Value::as_str).map(str::to_owned);
    found.ok_or(CalibrateError::Answer { operation, member })
}

/// IAM's answers hold documents percent-encoded (RFC 3986).
fn decoded(document: &str) -> String {
    percent_encoding::percent_decode_str(document).decode_utf8_lossy().into_owned()
}

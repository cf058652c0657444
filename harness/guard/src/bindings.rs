//! Principals in stored policies are unique ids, not names: "If your policy
//! references a principal that is deleted … IAM replaces the ARN with the
//! unique principal id", so that nobody who is made under the same name later
//! inherits what the policy gives
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>,
//! "IAM role principals", "IAM user principals").
//!
//! The upstream keeps names. When a user or role goes, or takes another name,
//! each stored policy that names it is written again: with its id, which is
//! nobody's, or with its new ARN. What clients read is then what AWS shows.

use bytes::Bytes;
use http::HeaderMap;
use ringfence_policy::json;
use ringfence_wire::{Call, Operation, Service, ServiceError};
use serde_json::{Map, Value, json};

use crate::checks::statements::value;
use crate::directory::Directory;
use crate::upstream::Upstream;

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

/// Writes the stored policies again that named what ended.
///
/// # Errors
/// When the upstream does not take it: the policies name somebody by a name that
/// may be given again.
pub(crate) async fn rebind(
    ending: &Ending,
    directory: &Directory,
    upstream: &Upstream,
    region: &str,
    now: time::OffsetDateTime,
) -> Result<(), ServiceError> {
    let after = match &ending.after {
        After::Id(id) => id.clone(),
        After::Renamed(name) => match directory.user(name).await? {
            Some(user) if user.arn != ending.arn => user.arn.clone(),
            _ => return Ok(()),
        },
    };
    let naming = directory.policies_that_name(region, &ending.arn).await?;
    for stored in naming {
        let Some(text) = renamed(&stored.text, &ending.arn, &after) else { continue };
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
                format!("a policy that names {} could not be written again", ending.arn),
            ));
        }
    }
    Ok(())
}

/// A policy with another principal in the place of one; `None` where it does
/// not name it.
fn renamed(text: &str, arn: &str, after: &str) -> Option<String> {
    let mut policy = json::parse(text).map(value).ok()?;
    let statements = match policy.get_mut("Statement")? {
        Value::Array(statements) => statements.iter_mut().collect(),
        single => vec![single],
    };
    let mut count = 0;
    for statement in statements {
        for element in ["Principal", "NotPrincipal"] {
            let Some(named) = statement.get_mut(element).and_then(|e| e.get_mut("AWS")) else {
                continue;
            };
            let entries = match named {
                Value::Array(entries) => entries.iter_mut().collect(),
                single => vec![single],
            };
            for entry in entries.into_iter().filter(|entry| entry.as_str() == Some(arn)) {
                *entry = json!(after);
                count += 1;
            }
        }
    }
    (count > 0).then(|| policy.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "arn:aws:iam::123456789012:user/alice";

    #[test]
    fn a_principal_is_named_by_its_id_in_every_statement() {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": [ALICE, "123456789012"]}, "Action": "a:b"},
            {"Effect": "Deny", "NotPrincipal": {"AWS": ALICE}, "Action": "a:b",
             "Condition": {"ArnEquals": {"aws:PrincipalArn": ALICE}}},
        ]});
        let renamed: Value =
            serde_json::from_str(&renamed(&policy.to_string(), ALICE, "AIDA1").unwrap()).unwrap();
        assert_eq!(renamed["Statement"][0]["Principal"]["AWS"], json!(["AIDA1", "123456789012"]));
        assert_eq!(renamed["Statement"][1]["NotPrincipal"]["AWS"], "AIDA1");
        // A condition compares names, whoever has them.
        let condition = &renamed["Statement"][1]["Condition"]["ArnEquals"]["aws:PrincipalArn"];
        assert_eq!(condition, ALICE);
    }

    #[test]
    fn a_policy_of_others_stays() {
        let policy = json!({"Statement": {"Effect": "Allow", "Action": "a:b",
            "Principal": {"AWS": "arn:aws:iam::123456789012:user/alice2"}}});
        assert_eq!(renamed(&policy.to_string(), ALICE, "AIDA1"), None);
    }
}

//! Tags of users and roles. "Tag key values for IAM users and roles are not case
//! sensitive, but case is preserved. … If you have tagged an IAM user with the
//! `Department=foo` tag and you add the `department=bar` tag, it replaces the first
//! tag. A second tag is not added"
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>). Emulators keep
//! both, so that a decision would rest on either.

use ringfence_wire::{Call, Service, ServiceError};
use serde_json::{Value, json};

use crate::directory::Directory;
use crate::requirements::state::Tags;

/// How many tags each may have
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
const MOST: usize = 50;

/// Whose tags a call sets or takes away: the member that names it, and its kind.
fn whose(call: &Call) -> Option<&'static str> {
    match (call.service(), call.name()) {
        (Service::Iam, "TagRole" | "UntagRole") => Some("Role"),
        (Service::Iam, "TagUser" | "UntagUser") => Some("User"),
        _ => None,
    }
}

/// The tags that it has; none where it is not there.
async fn stored(call: &Call, kind: &str, directory: &Directory) -> Result<Tags, ServiceError> {
    let name = call.text(&format!("{kind}Name")).unwrap_or_default();
    Ok(match kind {
        "Role" => directory.role(name).await?.map(|role| role.tags.clone()),
        _ => directory.user(name).await?.map(|user| user.tags.clone()),
    }
    .unwrap_or_default())
}

fn given(call: &Call) -> Vec<&str> {
    let tags = call.input.get("Tags").and_then(Value::as_array);
    let tags = tags.into_iter().flatten();
    tags.filter_map(|tag| tag.get("Key").and_then(Value::as_str)).collect()
}

/// Refuses tags beyond those that a user or a role may have, and two under one key.
///
/// # Errors
/// `LimitExceeded` (409), `InvalidInput`.
pub(crate) async fn limit(call: &Call, directory: &Directory) -> Result<(), ServiceError> {
    once(call)?;
    let Some(kind) = whose(call).filter(|_| call.name().starts_with("Tag")) else { return Ok(()) };
    let stored = stored(call, kind, directory).await?;
    let given = given(call);
    let is_given = |key: &str| given.iter().any(|given| given.eq_ignore_ascii_case(key));
    let others = stored.iter().filter(|(key, _)| !is_given(key)).count();
    if others.saturating_add(given.len()) > MOST {
        let message = "The number of tags has reached the maximum limit.";
        return Err(ServiceError::new(409, "LimitExceeded", message));
    }
    Ok(())
}

/// Refuses a key that a call gives twice, whatever its case, to a user or a role. The words
/// are those of STS for the tags of a session, and IAM's in moto (`iam/exceptions.py`,
/// `DuplicateTags`).
fn once(call: &Call) -> Result<(), ServiceError> {
    let tags = matches!(call.name(), "CreateRole" | "CreateUser" | "TagRole" | "TagUser");
    if call.service() != Service::Iam || !tags {
        return Ok(());
    }
    let mut keys: Vec<String> = given(call).into_iter().map(str::to_ascii_lowercase).collect();
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() < count {
        let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
        return Err(ServiceError::new(400, "InvalidInput", message));
    }
    Ok(())
}

/// Takes away the tags that those of the call replace under a key of another case.
///
/// # Errors
/// The upstream's.
pub(crate) async fn replace(call: &Call, directory: &Directory) -> Result<(), ServiceError> {
    let Some(kind) = whose(call).filter(|_| call.name().starts_with("Tag")) else { return Ok(()) };
    let given = given(call);
    let is_other = |key: &str| {
        !given.contains(&key) && given.iter().any(|given| given.eq_ignore_ascii_case(key))
    };
    let stored = stored(call, kind, directory).await?;
    let replaced: Vec<&str> =
        stored.iter().map(|(key, _)| key.as_str()).filter(|key| is_other(key)).collect();
    if replaced.is_empty() {
        return Ok(());
    }
    let member = format!("{kind}Name");
    let name = call.text(&member).unwrap_or_default();
    let input = json!({member: name, "TagKeys": replaced});
    directory.do_upstream(&format!("Untag{kind}"), input).await.map(drop)
}

/// The call that takes tags away by the keys under which they are stored.
///
/// # Errors
/// When the upstream cannot tell them.
pub(crate) async fn untagging(
    call: &Call,
    directory: &Directory,
) -> Result<Option<Call>, ServiceError> {
    let Some(kind) = whose(call).filter(|_| call.name().starts_with("Untag")) else {
        return Ok(None);
    };
    let stored = stored(call, kind, directory).await?;
    let Some(Value::Array(keys)) = call.input.get("TagKeys") else { return Ok(None) };
    let spelled = |key: &Value| {
        let text = key.as_str()?;
        let found = stored.iter().find(|(own, _)| own.eq_ignore_ascii_case(text));
        found.map(|(own, _)| Value::from(own.as_str()))
    };
    let keys: Vec<Value> =
        keys.iter().map(|key| spelled(key).unwrap_or_else(|| key.clone())).collect();
    let mut call = call.clone();
    call.input.insert("TagKeys".to_owned(), keys.into());
    Ok(Some(call))
}

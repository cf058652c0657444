//! Service-linked roles: the service fixes their name, path, trust and policies,
//! and nobody else changes them.
//!
//! The roles of 71 principals, which of them take a suffix, and IAM's words are
//! as recorded on AWS in LocalStack's `TestIAMServiceRoles` (March 2025).

use std::sync::{LazyLock, PoisonError};

use ringfence_models::Partition;
use ringfence_wire::{Call, Reply, ServiceError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::no_such_entity;
use crate::directory::Directory;

/// What the paths of service-linked roles begin with.
pub(crate) const LINKED_PATH: &str = "/aws-service-role/";

/// The service-linked role of a principal.
#[derive(Debug, Deserialize)]
pub(crate) struct Linked {
    /// The service's principal.
    pub(crate) principal: String,
    /// The role's name.
    pub(crate) role: String,
    /// The managed policies, behind `arn:aws:iam::aws:policy/`.
    policies: Vec<String>,
    #[serde(default)]
    description: Option<String>,
    /// Whether a suffix may be given to the name.
    #[serde(default)]
    suffix: bool,
}

static LINKED: LazyLock<Vec<Linked>> = LazyLock::new(|| {
    let table = include_str!("../../data/service-linked-roles.jsonl");
    table.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
});

/// The service-linked role of a principal, where it is known.
pub(crate) fn linked(principal: &str) -> Option<&'static Linked> {
    LINKED.iter().find(|linked| linked.principal == principal)
}

fn invalid(message: String) -> ServiceError {
    ServiceError::new(400, "InvalidInput", message)
}

/// `CreateServiceLinkedRole`.
pub(super) async fn create(call: &Call, directory: &Directory) -> Result<Reply, ServiceError> {
    let principal = call.text("AWSServiceName").unwrap_or_default();
    let linked = linked(principal).ok_or_else(|| {
        ServiceError::new(501, "NotImplemented", format!("the role of {principal} is not known"))
    })?;
    let suffix = call.text("CustomSuffix");
    if suffix.is_some() && !linked.suffix {
        return Err(invalid(format!("Custom suffix is not allowed for {principal}")));
    }
    let suffix = suffix.map(|suffix| format!("_{suffix}")).unwrap_or_default();
    let name = format!("{}{suffix}", linked.role);
    if directory.role(&name).await?.is_some() {
        return Err(invalid(format!(
            "Service role name {name} has been taken in this account, please try a different \
             suffix."
        )));
    }
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}]});
    let role = json!({
        "RoleName": name,
        "Path": format!("{LINKED_PATH}{principal}/"),
        "AssumeRolePolicyDocument": trust.to_string(),
        "Description": call.text("Description").or(linked.description.as_deref()),
    });
    let made = directory.do_upstream("CreateRole", role).await;
    directory.forget_role(&name);
    let mut made = made?;
    let partition = Partition::of_region(&call.region);
    for policy in &linked.policies {
        let arn = format!("arn:{partition}:iam::aws:policy/{policy}");
        let attached = json!({"RoleName": name, "PolicyArn": arn});
        match directory.do_upstream("AttachRolePolicy", attached).await {
            // AWS's policies are many, and an emulator does not know all.
            Err(error) if error.code == "NoSuchEntity" => {}
            other => drop(other?),
        }
    }
    if let Some(Value::Object(role)) = made.get_mut("Role") {
        for member in ["MaxSessionDuration", "RoleLastUsed"] {
            role.shift_remove(member);
        }
    }
    Ok(Reply::fields(made))
}

/// `DeleteServiceLinkedRole`. AWS asks the service whether it still uses the
/// role; none does here.
pub(super) async fn delete(call: &Call, directory: &Directory) -> Result<Reply, ServiceError> {
    let name = call.text("RoleName").unwrap_or_default();
    let role = directory.role(name).await?.filter(|role| is_linked(&role.arn));
    let role =
        role.ok_or_else(|| no_such_entity(format!("The role with name {name} cannot be found.")))?;
    let attached = directory.attached_to_role(name).await?;
    for arn in attached {
        let detached = json!({"RoleName": name, "PolicyArn": arn});
        directory.do_upstream("DetachRolePolicy", detached).await?;
    }
    let deleted = directory.do_upstream("DeleteRole", json!({"RoleName": name})).await;
    directory.forget_role(name);
    deleted?;
    let path = role.arn.split_once(":role/").map_or(name, |(_, path)| path);
    let task = format!("task/{path}/{}", uuid::Uuid::new_v4());
    let mut deletions = directory.kept().deletions.lock().unwrap_or_else(PoisonError::into_inner);
    deletions.insert(task.clone());
    Ok(Reply::fields(json!({"DeletionTaskId": task})))
}

/// `GetServiceLinkedRoleDeletionStatus`.
pub(super) fn status(call: &Call, directory: &Directory) -> Result<Reply, ServiceError> {
    let task = call.text("DeletionTaskId").unwrap_or_default();
    let deletions = directory.kept().deletions.lock().unwrap_or_else(PoisonError::into_inner);
    match deletions.contains(task) {
        true => Ok(Reply::fields(json!({"Status": "SUCCEEDED"}))),
        false => Err(no_such_entity(format!("The deletion task with id {task} cannot be found."))),
    }
}

/// Whether a role's ARN is that of a service-linked role.
pub(crate) fn is_linked(arn: &str) -> bool {
    arn.split_once(":role").is_some_and(|(_, path)| path.starts_with(LINKED_PATH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_principal_has_its_role() {
        // 71 as they were recorded, and six by the guides of Application Auto Scaling,
        // EventBridge and GuardDuty.
        assert_eq!(LINKED.len(), 77);
        let batch = linked("batch.amazonaws.com").unwrap();
        assert_eq!((batch.role.as_str(), batch.suffix), ("AWSServiceRoleForBatch", false));
        assert_eq!(batch.policies, ["aws-service-role/BatchServiceRolePolicy"]);
        let with_suffix = LINKED.iter().filter(|linked| linked.suffix);
        let with_suffix: Vec<&str> = with_suffix.map(|linked| linked.principal.as_str()).collect();
        assert_eq!(
            with_suffix,
            ["autoscaling.amazonaws.com", "connect.amazonaws.com", "lexv2.amazonaws.com"]
        );
    }
}

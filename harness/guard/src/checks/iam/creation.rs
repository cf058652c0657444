//! Names of IAM that differ by their case alone: "Names are not distinguished by
//! case. For example, you cannot create resources named both "MyResource" and
//! "myresource""
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html>).
//! Emulators take them.

use ringfence_wire::{Call, ServiceError};
use serde_json::json;

use crate::directory::Directory;

/// An operation that gives a name.
struct Naming {
    operation: &'static str,
    /// The member with the new name.
    member: &'static str,
    /// The operation that lists the names, the member of its answer, and the
    /// field of an element.
    listed: (&'static str, &'static str, &'static str),
    /// The message around the name, as IAM answers it to the very same name.
    told: (&'static str, &'static str),
}

const USERS: (&str, &str, &str) = ("ListUsers", "Users", "UserName");
const GROUPS: (&str, &str, &str) = ("ListGroups", "Groups", "GroupName");
const USER_EXISTS: (&str, &str) = ("User with name ", " already exists.");
const GROUP_EXISTS: (&str, &str) = ("Group with name ", " already exists.");

const NAMINGS: [Naming; 7] = [
    Naming { operation: "CreateUser", member: "UserName", listed: USERS, told: USER_EXISTS },
    Naming { operation: "UpdateUser", member: "NewUserName", listed: USERS, told: USER_EXISTS },
    Naming { operation: "CreateGroup", member: "GroupName", listed: GROUPS, told: GROUP_EXISTS },
    Naming { operation: "UpdateGroup", member: "NewGroupName", listed: GROUPS, told: GROUP_EXISTS },
    Naming {
        operation: "CreateRole",
        member: "RoleName",
        listed: ("ListRoles", "Roles", "RoleName"),
        told: ("Role with name ", " already exists."),
    },
    Naming {
        operation: "CreateInstanceProfile",
        member: "InstanceProfileName",
        listed: ("ListInstanceProfiles", "InstanceProfiles", "InstanceProfileName"),
        told: ("Instance Profile ", " already exists."),
    },
    Naming {
        operation: "CreatePolicy",
        member: "PolicyName",
        listed: ("ListPolicies", "Policies", "PolicyName"),
        told: ("A policy called ", " already exists. Duplicate names are not allowed."),
    },
];

/// Checks the name that a call gives. The very same name is the upstream's to
/// refuse.
///
/// # Errors
/// `EntityAlreadyExists` (409), or that the upstream cannot tell.
pub(crate) async fn check(call: &Call, directory: &Directory) -> Result<(), ServiceError> {
    let Some(naming) = NAMINGS.iter().find(|naming| naming.operation == call.name()) else {
        return Ok(());
    };
    let Some(name) = call.text(naming.member) else { return Ok(()) };
    let (operation, list, field) = naming.listed;
    // The account's own policies: AWS's have a name space of their own.
    let input = match operation {
        "ListPolicies" => json!({"Scope": "Local"}),
        _ => json!({}),
    };
    let names = directory.names(operation, input, list, field).await?;
    let own = [call.text("UserName"), call.text("GroupName")];
    let is_renaming = naming.member.starts_with("New");
    let is_taken = |other: &String| {
        other.eq_ignore_ascii_case(name)
            && other != name
            && !(is_renaming && own.contains(&Some(other.as_str())))
    };
    if names.iter().any(is_taken) {
        let (before, after) = naming.told;
        let message = format!("{before}{name}{after}");
        return Err(ServiceError::new(409, "EntityAlreadyExists", message));
    }
    Ok(())
}

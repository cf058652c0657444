//! IAM's answers. The recorded tests are LocalStack's, `tests/aws/services/iam`.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ringfence_wire::{Call, ServiceError};
use serde_json::{Map, Value, json};

use super::iam_sentences;
use crate::directory::{Directory, unique_ids};

/// The members that hold policies, which IAM encodes as in URLs.
const DOCUMENTS: [&str; 3] = ["AssumeRolePolicyDocument", "Document", "PolicyDocument"];

/// Mends the fields of an answer; whether there was anything to mend.
pub(super) async fn answer(
    call: &Call,
    fields: &mut Value,
    directory: &Directory,
) -> Result<bool, ServiceError> {
    let before = fields.clone();
    encode_documents(fields);
    unique_ids::mend(fields);
    match call.name() {
        "CreateRole" => {
            // Neither is in the answer (`test_create_describe_role`).
            if let Some(role) = object(fields, "Role") {
                role.shift_remove("MaxSessionDuration");
                role.shift_remove("RoleLastUsed");
            }
        }
        "GetRole" => {
            if let Some(role) = object(fields, "Role") {
                role.entry("RoleLastUsed").or_insert_with(|| json!({}));
            }
        }
        "CreateUser" | "GetUser" => {
            if let Some(user) = object(fields, "User") {
                with_boundary(user, directory);
            }
        }
        "GetAccountAuthorizationDetails" => {
            each(fields, "UserDetailList", |user| with_boundary(user, directory));
        }
        // Lists show neither boundaries nor tags
        // (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html>,
        // `test_list_roles_with_permission_boundary`, `test_role_with_tags`).
        "ListUsers" => {
            each(fields, "Users", |user| without(user, &["PermissionsBoundary", "Tags"]))
        }
        "ListRoles" => each(fields, "Roles", |role| {
            without(role, &["PermissionsBoundary", "RoleLastUsed", "Tags"]);
        }),
        // `test_role_attach_policy`
        "CreatePolicy" => {
            if let Some(policy) = object(fields, "Policy") {
                policy.insert("PermissionsBoundaryUsageCount".to_owned(), "0".into());
            }
        }
        // The document is told by `GetPolicyVersion` alone
        // (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_PolicyVersion.html>).
        "CreatePolicyVersion" => {
            if let Some(version) = object(fields, "PolicyVersion") {
                version.shift_remove("Document");
            }
        }
        "ListPolicyVersions" => each(fields, "Versions", |version| without(version, &["Document"])),
        // Lists show no tags
        // (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfiles.html>).
        "ListInstanceProfiles" | "ListInstanceProfilesForRole" => {
            each(fields, "InstanceProfiles", |profile| without(profile, &["Tags"]));
        }
        "ListVirtualMFADevices" => {
            each(fields, "VirtualMFADevices", |device| without(device, &["Tags"]));
        }
        "GetPolicy" => {
            let used = directory.boundary_uses().await?;
            if let Some(policy) = object(fields, "Policy") {
                with_uses(policy, &used);
            }
        }
        "ListPolicies" => {
            let used = directory.boundary_uses().await?;
            // Neither is listed
            // (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_Policy.html>,
            // <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html>).
            each(fields, "Policies", |policy| {
                without(policy, &["Description", "Tags"]);
                with_uses(policy, &used);
            });
        }
        "ListEntitiesForPolicy" => entities(call, fields, directory).await?,
        _ => {}
    }
    Ok(*fields != before)
}

/// Upstreams list whom a policy is attached to; whose boundary it is stands beside
/// them, by what the call asks for
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html>).
async fn entities(
    call: &Call,
    fields: &mut Value,
    directory: &Directory,
) -> Result<(), ServiceError> {
    const LISTS: [&str; 3] = ["PolicyGroups", "PolicyUsers", "PolicyRoles"];
    let usage = call.text("PolicyUsageFilter");
    if usage == Some("PermissionsPolicy") {
        return Ok(());
    }
    if usage == Some("PermissionsBoundary") {
        for list in LISTS {
            if let Some(listed) = fields.get_mut(list) {
                *listed = json!([]);
            }
        }
    }
    // The last page has them.
    if fields.get("IsTruncated").and_then(Value::as_bool) == Some(true) {
        return Ok(());
    }
    let policy = call.text("PolicyArn").unwrap_or_default();
    let bounded = directory.bounded_by(policy, call.text("PathPrefix").unwrap_or("/")).await?;
    for (kind, list, found) in
        [("User", "PolicyUsers", bounded.users), ("Role", "PolicyRoles", bounded.roles)]
    {
        let asked = call.text("EntityFilter").is_none_or(|asked| asked == kind);
        let Some(members) = fields.as_object_mut().filter(|_| asked) else { continue };
        // An empty list of XML is an element without a text.
        let listed = members.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        let new: Vec<Value> = found.into_iter().filter(|one| !listed.contains(one)).collect();
        members.insert(list.to_owned(), listed.into_iter().chain(new).collect());
    }
    Ok(())
}

fn object<'a>(fields: &'a mut Value, name: &str) -> Option<&'a mut Map<String, Value>> {
    fields.get_mut(name)?.as_object_mut()
}

fn each(fields: &mut Value, name: &str, mend: impl Fn(&mut Map<String, Value>)) {
    let items = fields.get_mut(name).and_then(Value::as_array_mut);
    items.into_iter().flatten().filter_map(Value::as_object_mut).for_each(mend);
}

fn without(members: &mut Map<String, Value>, names: &[&str]) {
    for name in names {
        members.shift_remove(*name);
    }
}

/// The boundary that the guard keeps, in the place of what the upstream knows.
fn with_boundary(user: &mut Map<String, Value>, directory: &Directory) {
    let id = user.get("UserId").and_then(Value::as_str);
    let Some(boundary) = id.and_then(|id| directory.kept().boundaries.of(id)) else { return };
    user.shift_remove("PermissionsBoundary");
    if let Some(arn) = boundary {
        let boundary = json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn});
        user.insert("PermissionsBoundary".to_owned(), boundary);
    }
}

fn with_uses(policy: &mut Map<String, Value>, used: &[String]) {
    let arn = policy.get("Arn").and_then(Value::as_str).unwrap_or_default();
    let count = used.iter().filter(|boundary| *boundary == arn).count();
    policy.insert("PermissionsBoundaryUsageCount".to_owned(), count.to_string().into());
}

/// Some documents come plain, which clients then decode once too often
/// (`test_put_role_policy_encoding`).
fn encode_documents(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text)
                        if DOCUMENTS.contains(&name.as_str())
                            && text.trim_start().starts_with('{') =>
                    {
                        *text = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
                    }
                    other => encode_documents(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(encode_documents),
        _ => {}
    }
}

/// IAM's own words and status for an error of the upstream's; nothing where they are
/// the same
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateGroup.html#API_UpdateGroup_Errors>).
pub(super) fn error(call: &Call, told: &ServiceError) -> Option<ServiceError> {
    let status = match told.code.as_ref() {
        "NoSuchEntity" => 404,
        "EntityAlreadyExists" => 409,
        _ => told.status,
    };
    let says = iam_sentences::of(call, told);
    let differs = says.is_some() || status != told.status;
    let says = says.unwrap_or_else(|| told.message.to_string());
    differs.then(|| ServiceError::new(status, told.code.clone(), says))
}

/// Whether an error stands for a success: who is in no group can be taken out of
/// it (`test_user_group_membership`).
pub(super) fn is_done(call: &Call, told: &ServiceError) -> bool {
    call.name() == "RemoveUserFromGroup"
        && told.code == "NoSuchEntity"
        && told.message.contains(" not in group ")
}

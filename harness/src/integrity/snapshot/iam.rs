//! Users, groups, roles with their policies, managed policies, providers.

use futures_util::future::try_join_all;
use ringfence_wire::services::Iam;
use serde_json::{Value, json};

use super::SnapshotError;
use super::reader::{Objects, Reader, object, text};

/// A date, an id that nobody chose, and when it was used last are no content;
/// what a group or a policy counts stands in what it is counted from.
const LEFT_OUT: [&str; 13] = [
    "CreateDate",
    "UpdateDate",
    "RoleLastUsed",
    "RoleId",
    "UserId",
    "GroupId",
    "InstanceProfileList",
    "PolicyId",
    "PolicyVersionList",
    "DefaultVersionId",
    "AttachmentCount",
    "PermissionsBoundaryUsageCount",
    "IsAttachable",
];

pub(super) async fn read(reader: &Reader<'_>) -> Result<Objects, SnapshotError> {
    let (details, roles, providers, profiles) = futures_util::try_join!(
        details(reader),
        reader.list(Iam, "ListRoles", json!({}), "Roles"),
        providers(reader),
        reader.list(Iam, "ListInstanceProfiles", json!({}), "InstanceProfiles"),
    )?;
    let mut objects = Objects::new();
    for (member, kind, name) in [
        ("UserDetailList", "user", "UserName"),
        ("GroupDetailList", "group", "GroupName"),
        ("RoleDetailList", "role", "RoleName"),
    ] {
        for mut detail in items(&details, member) {
            if let (Some(role), Some(members)) = (
                roles.iter().find(|role| text(role, "Arn") == text(&detail, "Arn")),
                detail.as_object_mut(),
            ) {
                for more in ["MaxSessionDuration", "Description"] {
                    members.insert(more.to_owned(), role.get(more).cloned().unwrap_or_default());
                }
            }
            let (id, arn) = (text(&detail, name), text(&detail, "Arn"));
            objects.push(object(kind, id, detail, &LEFT_OUT, vec![arn]));
        }
    }
    // All of AWS's own are the same everywhere.
    let own = |policy: &Value| !text(policy, "Arn").starts_with("arn:aws:iam::aws:");
    let policies: Vec<Value> = items(&details, "Policies").into_iter().filter(own).collect();
    let documents = policies.iter().map(|policy| default_document(reader, policy));
    let documents = try_join_all(documents).await?;
    for (mut policy, document) in policies.into_iter().zip(documents) {
        let arn = text(&policy, "Arn");
        if let Some(members) = policy.as_object_mut() {
            members.insert("Document".to_owned(), document);
        }
        objects.push(object("policy", &*arn, policy, &LEFT_OUT, vec![arn.clone()]));
    }
    for mut profile in profiles {
        let roles: Vec<String> =
            items(&profile, "Roles").iter().map(|role| text(role, "Arn")).collect();
        if let Some(members) = profile.as_object_mut() {
            members.insert("Roles".to_owned(), json!(roles));
        }
        let (name, arn) = (text(&profile, "InstanceProfileName"), text(&profile, "Arn"));
        let left_out = ["CreateDate", "InstanceProfileId"];
        objects.push(object("instance profile", name, profile, &left_out, vec![arn]));
    }
    objects.extend(providers);
    Ok(objects)
}

fn items(value: &Value, member: &str) -> Vec<Value> {
    value.get(member).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// All pages of `GetAccountAuthorizationDetails`, as one.
async fn details(reader: &Reader<'_>) -> Result<Value, SnapshotError> {
    let filter = ["User", "Role", "Group", "LocalManagedPolicy"];
    let mut all = json!({});
    for member in ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"] {
        let asked = json!({"Filter": filter});
        let list = reader.list(Iam, "GetAccountAuthorizationDetails", asked, member).await?;
        if let Some(members) = all.as_object_mut() {
            members.insert(member.to_owned(), list.into());
        }
    }
    Ok(all)
}

/// What a managed policy says: the document of its default version.
async fn default_document(reader: &Reader<'_>, policy: &Value) -> Result<Value, SnapshotError> {
    let version = text(policy, "DefaultVersionId");
    let shown = items(policy, "PolicyVersionList").into_iter();
    let mut shown = shown.filter(|shown| text(shown, "VersionId") == version);
    if let Some(document) = shown.find_map(|shown| shown.get("Document").cloned()) {
        return Ok(document);
    }
    let input = json!({"PolicyArn": text(policy, "Arn"), "VersionId": version});
    let answer = reader.ask(Iam, "GetPolicyVersion", input).await?;
    Ok(answer
        .and_then(|answer| answer.pointer("/PolicyVersion/Document").cloned())
        .unwrap_or_default())
}

async fn providers(reader: &Reader<'_>) -> Result<Objects, SnapshotError> {
    let listed = reader
        .list(Iam, "ListOpenIDConnectProviders", json!({}), "OpenIDConnectProviderList")
        .await?;
    let one = async |provider: &Value| {
        let arn = text(provider, "Arn");
        let asked = json!({"OpenIDConnectProviderArn": arn});
        let answer = reader.ask(Iam, "GetOpenIDConnectProvider", asked).await?;
        let value = answer.unwrap_or_default();
        Ok(object("OIDC provider", &*arn, value, &LEFT_OUT, vec![arn.clone()]))
    };
    try_join_all(listed.iter().map(one)).await
}

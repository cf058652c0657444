//! IAM: entities by name, their boundaries and tags.
//!
//! `iam:PermissionsBoundary` is the requested boundary in the calls that set
//! one, and else the one attached now, absent when there is none (the service
//! authorization reference lists the key for these actions).

use ringfence_services::Identity;
use ringfence_wire::Service;
use serde_json::Map;

use super::RequirementsError;
use super::generic::{self, known};
use super::requirement::Requirement;
use super::scope::{Mapped, Scope};
use super::state::{Entity, Question, Tags, Told};
use crate::account::linked;
use crate::simulate;

/// Operations without a certain mapping: the new name of a certificate, and
/// delegation requests that name none.
const UNMAPPED: &[&str] = &[
    "CreateDelegationRequest",
    "GetHumanReadableSummary",
    "UpdateDelegationRequest",
    "UpdateServerCertificate",
];

/// The calls that set a boundary.
const SETS_BOUNDARY: &[&str] =
    &["CreateRole", "CreateUser", "PutRolePermissionsBoundary", "PutUserPermissionsBoundary"];

/// Creations with tags need the tagging permission too.
const TAGGING: &[(&str, &str)] = &[
    ("CreateInstanceProfile", "TagInstanceProfile"),
    ("CreateOpenIDConnectProvider", "TagOpenIDConnectProvider"),
    ("CreatePolicy", "TagPolicy"),
    ("CreateRole", "TagRole"),
    ("CreateSAMLProvider", "TagSAMLProvider"),
    ("CreateUser", "TagUser"),
    ("CreateVirtualMFADevice", "TagMFADevice"),
    ("UploadServerCertificate", "TagServerCertificate"),
];

/// What the messages of list calls print; the reference gives them no
/// resource (`iam:ListUsers on resource: arn:aws:iam::A:user/`).
const LISTS: &[(&str, &str)] = &[
    ("ListGroups", "group"),
    ("ListInstanceProfiles", "instance-profile"),
    ("ListRoles", "role"),
    ("ListServerCertificates", "server-certificate"),
    ("ListUsers", "user"),
];

/// A resource of IAM as a call names it.
#[derive(Default)]
struct Target {
    arn: String,
    printed: Option<String>,
    tags: Tags,
    /// Whether it has tags that are not read here.
    unread_tags: bool,
    boundary: Option<String>,
}

pub(super) async fn requirements(scope: &Scope<'_>) -> Mapped {
    let name = scope.name();
    if UNMAPPED.contains(&name) {
        return Err(scope.unmapped());
    }
    let action = known("iam", name).ok_or_else(|| scope.unmapped())?;
    let Some(kind) = action.resources.first().map(|resource| resource.name) else {
        return Ok(vec![without_resource(scope)]);
    };
    let target = target(scope, kind).await?;
    let mut requirement = generic::on(scope, name, &target.arn);
    requirement.printed_resource = target.printed;
    requirement.add_resource_tags(&["iam:ResourceTag"], &target.tags);
    if target.unread_tags {
        requirement.context.set_unknown("aws:ResourceTag/*").set_unknown("iam:ResourceTag/*");
    }
    if !SETS_BOUNDARY.contains(&name)
        && action.condition_keys.contains(&"iam:PermissionsBoundary")
        && let Some(boundary) = target.boundary
    {
        requirement.context.set("iam:PermissionsBoundary", boundary);
    }
    for (key, member) in [
        ("iam:ServiceSpecificCredentialServiceName", "ServiceName"),
        ("iam:ServiceSpecificCredentialAgeDays", "CredentialAgeDays"),
    ] {
        if action.condition_keys.contains(&key) {
            requirement = requirement.key_if(key, scope.text(member));
        }
    }
    let mut requirements = vec![requirement];
    requirements.extend(also(scope, &target.arn).await?);
    Ok(requirements)
}

/// What some calls need beyond the action of their name.
async fn also(scope: &Scope<'_>, arn: &str) -> Mapped {
    let mut more = Vec::new();
    if let Some((_, tagging)) = TAGGING.iter().find(|(call, _)| *call == scope.name())
        && !scope.tags("Tags").is_empty()
    {
        more.push(generic::on(scope, tagging, arn));
    }
    match scope.name() {
        "AddRoleToInstanceProfile" => {
            more.push(pass_role(scope, scope.need("RoleName")?, "ec2.amazonaws.com").await?);
        }
        // The API reference of UpdateUser and UpdateGroup: whoever renames must
        // have the permission on the old and on the new name.
        "UpdateUser" | "UpdateGroup" => more.extend(renamed(scope, arn)),
        _ => {}
    }
    Ok(more)
}

fn renamed(scope: &Scope<'_>, arn: &str) -> Option<Requirement> {
    let new_name = scope.any_text(&["NewUserName", "NewGroupName"]);
    let new_path = scope.text("NewPath");
    if new_name.is_none() && new_path.is_none() {
        return None;
    }
    let (head, entity) = arn.split_once('/')?;
    let (path, name) = entity
        .rsplit_once('/')
        .map_or(("/".to_owned(), entity), |(path, name)| (format!("/{path}/"), name));
    let target = format!("{head}{}{}", new_path.unwrap_or(&path), new_name.unwrap_or(name));
    Some(Requirement::on(scope.action(scope.name()), target))
}

/// The right to hand a role to a service, which the receiving call needs.
pub(super) async fn pass_role(
    scope: &Scope<'_>,
    role: &str,
    service: impl Into<Option<&str>>,
) -> Result<Requirement, RequirementsError> {
    let (arn, entity) = match role.strip_prefix("arn:") {
        Some(_) => {
            let own = format!("{}/", scope.iam_arn("role"));
            let name = role.strip_prefix(&own).and_then(|path| path.rsplit('/').next());
            let found = match name {
                Some(name) => scope.state.role(name).await?.filter(|found| found.arn == role),
                None => None,
            };
            (role.to_owned(), found)
        }
        None => {
            let found = scope.state.role(role).await?;
            let named = || scope.iam_arn(&format!("role/{role}"));
            (found.as_ref().map_or_else(named, |role| role.arn.clone()), found)
        }
    };
    let mut requirement = Requirement::on("iam:PassRole", arn);
    match service.into() {
        Some(service) => {
            let service = scope.partition().service_principal(service);
            requirement.context.set("iam:PassedToService", service)
        }
        None => requirement.context.set_unknown("iam:PassedToService"),
    };
    match entity {
        Some(entity) => requirement.add_resource_tags(&["iam:ResourceTag"], &entity.tags),
        // Another account's role.
        None if !requirement.resource.starts_with(&scope.iam_arn("")) => {
            requirement.context.set_unknown("iam:ResourceTag/*");
        }
        None => {}
    }
    Ok(requirement)
}

fn without_resource(scope: &Scope<'_>) -> Requirement {
    let requirement = generic::on(scope, scope.name(), "*");
    let prefix = scope.text("PathPrefix").unwrap_or("/");
    if scope.name() == "ListPolicies" {
        return requirement.printed(format!("policy path {prefix}"));
    }
    match LISTS.iter().find(|(call, _)| *call == scope.name()) {
        Some((_, kind)) => requirement.printed(scope.iam_arn(&format!("{kind}{prefix}"))),
        None => requirement,
    }
}

async fn target(scope: &Scope<'_>, kind: &str) -> Result<Target, RequirementsError> {
    if let Some(arn) = scope.text("PolicySourceArn") {
        simulate::own_source(arn, scope.account())?;
    }
    // Calls about any kind of entity give its ARN.
    if let Some(arn) = scope.any_text(&["Arn", "PolicySourceArn"]) {
        return Ok(Target { arn: arn.to_owned(), unread_tags: true, ..Target::default() });
    }
    match kind {
        "role" => role(scope).await,
        "user" => user(scope).await,
        "group" => group(scope).await,
        "policy" => policy(scope).await,
        "instance-profile" => instance_profile(scope).await,
        "oidc-provider" => oidc_provider(scope).await,
        "saml-provider" => Ok(Target {
            arn: match scope.text("SAMLProviderArn") {
                Some(arn) => arn.to_owned(),
                None => scope.iam_arn(&format!("saml-provider/{}", scope.need("Name")?)),
            },
            ..Target::default()
        }),
        "mfa" => Ok(Target { arn: mfa(scope)?, ..Target::default() }),
        "server-certificate" => {
            created(scope, "server-certificate", scope.need("ServerCertificateName")?)
        }
        "delegation-request" => {
            let id = scope.need("DelegationRequestId")?;
            let arn = scope.iam_arn(&format!("delegation-request/{id}"));
            Ok(Target { arn, ..Target::default() })
        }
        "access-report" => {
            let arn = scope.iam_arn(&format!("access-report/{}", scope.need("EntityPath")?));
            Ok(Target { arn, ..Target::default() })
        }
        _ => Err(scope.unmapped()),
    }
}

/// A thing that the call makes, under the path that the call gives.
fn created(scope: &Scope<'_>, kind: &str, name: &str) -> Result<Target, RequirementsError> {
    let path = scope.text("Path").unwrap_or("/");
    Ok(Target { arn: scope.iam_arn(&format!("{kind}{path}{name}")), ..Target::default() })
}

/// An existing role or user; one that does not exist has no path.
fn existing(scope: &Scope<'_>, kind: &str, name: &str, entity: Option<Entity>) -> Target {
    let printed = Some(format!("{kind} {name}"));
    match entity {
        Some(entity) => Target {
            arn: entity.arn,
            printed,
            tags: entity.tags,
            unread_tags: false,
            boundary: entity.permissions_boundary,
        },
        None => {
            Target { arn: scope.iam_arn(&format!("{kind}/{name}")), printed, ..Target::default() }
        }
    }
}

async fn role(scope: &Scope<'_>) -> Result<Target, RequirementsError> {
    match scope.name() {
        "CreateRole" => created(scope, "role", scope.need("RoleName")?),
        "CreateServiceLinkedRole" => {
            let service = scope.need("AWSServiceName")?;
            let name = &linked(service).ok_or_else(|| scope.unmapped())?.role;
            let suffix =
                scope.text("CustomSuffix").map(|suffix| format!("_{suffix}")).unwrap_or_default();
            let arn = scope.iam_arn(&format!("role/aws-service-role/{service}/{name}{suffix}"));
            Ok(Target { arn, ..Target::default() })
        }
        // `task/aws-service-role/SERVICE/ROLE/ID`
        "GetServiceLinkedRoleDeletionStatus" => {
            let task = scope.need("DeletionTaskId")?;
            let role = task
                .strip_prefix("task/")
                .and_then(|task| task.rsplit_once('/'))
                .map(|(role, _)| role)
                .ok_or_else(|| scope.missing("DeletionTaskId"))?;
            Ok(Target { arn: scope.iam_arn(&format!("role/{role}")), ..Target::default() })
        }
        _ => {
            let name = scope.need("RoleName")?;
            Ok(existing(scope, "role", name, scope.state.role(name).await?))
        }
    }
}

async fn user(scope: &Scope<'_>) -> Result<Target, RequirementsError> {
    if scope.name() == "CreateUser" {
        return created(scope, "user", scope.need("UserName")?);
    }
    if scope.name() == "GetAccessKeyLastUsed" {
        return owner(scope).await;
    }
    if scope.flag("AllUsers") {
        return Ok(Target { arn: "*".to_owned(), ..Target::default() });
    }
    let own;
    let name = match scope.text("UserName") {
        Some(name) => name,
        None => match &scope.caller.identity {
            Identity::User { name, .. } => {
                own = name.clone();
                &own
            }
            Identity::Root { .. } => {
                let arn = scope.caller.identity.arn();
                return Ok(Target { arn, ..Target::default() });
            }
            Identity::Role(_)
            | Identity::FederatedUser(_)
            | Identity::Service { .. }
            | Identity::WebIdentity(_)
            | Identity::Anonymous => {
                let text = "Must specify userName when calling with non-User credentials";
                return Err(scope.refused("ValidationError", text.to_owned()));
            }
        },
    };
    Ok(existing(scope, "user", name, scope.state.user(name).await?))
}

/// The user whose key the call names. Who may ask about all users is told that there
/// is no such key.
async fn owner(scope: &Scope<'_>) -> Result<Target, RequirementsError> {
    let key = scope.need("AccessKeyId")?;
    let question = Question {
        api: Service::Iam,
        operation: "GetAccessKeyLastUsed",
        input: Map::from_iter([("AccessKeyId".to_owned(), key.into())]),
        answer: &["UserName"],
    };
    match scope.state.told(&question).await? {
        Told::Is(names) => {
            let name = names.first().map(String::as_str).unwrap_or_default();
            Ok(existing(scope, "user", name, scope.state.user(name).await?))
        }
        Told::Nothing => Ok(Target { arn: scope.iam_arn("user/*"), ..Target::default() }),
        Told::Unknown(why) => Err(scope.undecided(why)),
    }
}

async fn group(scope: &Scope<'_>) -> Result<Target, RequirementsError> {
    let name = scope.need("GroupName")?;
    if scope.name() == "CreateGroup" {
        return created(scope, "group", name);
    }
    let arn = scope.state.group_arn(name).await?;
    Ok(Target {
        arn: arn.unwrap_or_else(|| scope.iam_arn(&format!("group/{name}"))),
        printed: Some(format!("group {name}")),
        ..Target::default()
    })
}

async fn policy(scope: &Scope<'_>) -> Result<Target, RequirementsError> {
    if scope.name() == "CreatePolicy" {
        let name = scope.need("PolicyName")?;
        let mut target = created(scope, "policy", name)?;
        target.printed = Some(format!("policy {name}"));
        return Ok(target);
    }
    let arn = scope.need("PolicyArn")?;
    let tags = scope.state.policy_tags(arn).await?.unwrap_or_default();
    let printed = Some(format!("policy {arn}"));
    Ok(Target { arn: arn.to_owned(), printed, tags, ..Target::default() })
}

async fn instance_profile(scope: &Scope<'_>) -> Result<Target, RequirementsError> {
    let name = scope.need("InstanceProfileName")?;
    if scope.name() == "CreateInstanceProfile" {
        return created(scope, "instance-profile", name);
    }
    let printed = Some(format!("instance profile {name}"));
    Ok(match scope.state.instance_profile(name).await? {
        Some(profile) => {
            Target { arn: profile.arn, printed, tags: profile.tags, ..Target::default() }
        }
        None => Target {
            arn: scope.iam_arn(&format!("instance-profile/{name}")),
            printed,
            ..Target::default()
        },
    })
}

async fn oidc_provider(scope: &Scope<'_>) -> Result<Target, RequirementsError> {
    if let Some(arn) = scope.text("OpenIDConnectProviderArn") {
        let tags = scope.state.oidc_provider_tags(arn).await?.unwrap_or_default();
        return Ok(Target { arn: arn.to_owned(), tags, ..Target::default() });
    }
    let url = scope.need("Url")?;
    let host = url.strip_prefix("https://").unwrap_or(url).trim_end_matches('/');
    Ok(Target { arn: scope.iam_arn(&format!("oidc-provider/{host}")), ..Target::default() })
}

fn mfa(scope: &Scope<'_>) -> Result<String, RequirementsError> {
    match scope.text("VirtualMFADeviceName") {
        Some(name) => Ok(created(scope, "mfa", name)?.arn),
        None => {
            let serial = scope.need("SerialNumber")?;
            Ok(if serial.starts_with("arn:") {
                serial.to_owned()
            } else {
                scope.iam_arn(&format!("mfa/{serial}"))
            })
        }
    }
}

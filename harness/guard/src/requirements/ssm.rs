//! Systems Manager: parameters first, the rest by the regular rule.

use serde_json::Value;

use super::RequirementsError;
use super::generic;
use super::iam::pass_role;
use super::requirement::Requirement;
use super::scope::{Mapped, Scope, field, items, texts};
use super::secrets_manager;

/// Operations that run something on instances, or pass a role, or whose
/// resources nothing tells.
const UNMAPPED: &[&str] = &[
    "CancelMaintenanceWindowExecution",
    "CreateActivation",
    "CreateAssociation",
    "CreateAssociationBatch",
    "GetDefaultPatchBaseline",
    "GetOpsSummary",
    "ListNodes",
    "ListNodesSummary",
    "PutInventory",
    "RegisterTaskWithMaintenanceWindow",
    "StartAccessRequest",
    "StartAutomationExecution",
    "StartChangeRequestExecution",
    "StartSession",
    "UpdateAssociation",
    "UpdateMaintenanceWindowTask",
    "UpdateManagedInstanceRole",
    "UpdateServiceSetting",
];

/// Operations about managed nodes, and the members that name them.
const ON_NODES: &[(&str, &str)] = &[
    ("DescribeEffectiveInstanceAssociations", "InstanceId"),
    ("DescribeInstanceAssociationsStatus", "InstanceId"),
    ("DescribeInstancePatchStates", "InstanceIds"),
    ("DescribeInstancePatches", "InstanceId"),
    ("GetConnectionStatus", "Target"),
    ("PutComplianceItems", "ResourceId"),
    ("UpdateAssociationStatus", "InstanceId"),
];

/// Resource types and the members that name them.
const MEMBERS: &[(&str, &str)] = &[
    ("association", "AssociationId"),
    ("automation-execution", "AutomationExecutionId"),
    ("document", "Name"),
    ("maintenancewindow", "WindowId"),
    ("managed-instance", "InstanceId"),
    ("opsitem", "OpsItemId"),
    ("opsmetadata", "OpsMetadataArn"),
    ("patchbaseline", "BaselineId"),
    ("resource-data-sync", "SyncName"),
    ("servicesetting", "SettingId"),
    ("session", "SessionId"),
    ("windowtarget", "WindowTargetId"),
    ("windowtask", "WindowTaskId"),
];

/// What the tagging calls call the types.
const TAGGED: &[(&str, &str)] = &[
    ("Association", "association"),
    ("Automation", "automation-execution"),
    ("Document", "document"),
    ("MaintenanceWindow", "maintenancewindow"),
    ("ManagedInstance", "managed-instance"),
    ("OpsItem", "opsitem"),
    ("Parameter", "parameter"),
    ("PatchBaseline", "patchbaseline"),
];

pub(super) async fn requirements(scope: &Scope<'_>) -> Mapped {
    let name = scope.name();
    if UNMAPPED.contains(&name) {
        return Err(scope.unmapped());
    }
    if name == "SendCommand" {
        return send_command(scope).await;
    }
    if let Some((_, member)) = ON_NODES.iter().find(|(known, _)| *known == name) {
        return on_nodes(scope, member).await;
    }
    if let Some(given) = scope.text("ResourceType")
        && let Some(id) = scope.text("ResourceId")
    {
        let arn = tagged(scope, given, id).ok_or_else(|| scope.unmapped())?;
        let mut requirement = generic::on(scope, name, arn);
        existing_tags(scope, &mut requirement).await?;
        return Ok(vec![requirement]);
    }
    let mut requirements = generic::same_name(scope, |kind| match kind {
        "parameter" => Ok(parameters(scope)),
        "resourcedatasync" => Ok(named(scope, "resource-data-sync")),
        _ => Ok(named(scope, kind)),
    })?;
    for requirement in &mut requirements {
        // A public parameter has no tags of the account.
        let is_own = requirement.resource.contains(":parameter/")
            && !requirement.resource.contains("::parameter/");
        if is_own && name != "GetParametersByPath" {
            existing_tags(scope, requirement).await?;
        }
    }
    match name {
        // The message of AWS prints an ARN that stands for all.
        "DescribeParameters" => {
            for requirement in &mut requirements {
                requirement.printed_resource = Some(scope.arn("*"));
            }
        }
        // A new parameter's tags need the tagging permission (resource page of
        // AWS::SSM::Parameter).
        "PutParameter" if !scope.tags("Tags").is_empty() => {
            let arn = parameter(scope, scope.need("Name")?);
            requirements.push(generic::on(scope, "AddTagsToResource", arn));
        }
        "GetParameter" | "GetParameters" | "GetParameterHistory" => {
            secrets(scope, &mut requirements).await?;
        }
        _ => {}
    }
    Ok(requirements)
}

/// A node is an instance of EC2 or one of another host, which its id tells
/// (<https://docs.aws.amazon.com/systems-manager/latest/userguide/fleet-manager-managed-nodes.html>).
async fn on_nodes(scope: &Scope<'_>, member: &str) -> Mapped {
    let ids = scope.texts(member);
    if ids.is_empty() {
        return Err(scope.missing(member));
    }
    let mut arns: Vec<String> = named(scope, "document");
    for id in ids {
        arns.push(node(scope, id)?);
    }
    on_each(scope, arns).await
}

fn node(scope: &Scope<'_>, id: &str) -> Result<String, RequirementsError> {
    match id.split_once('-') {
        Some(("i", _)) => {
            let (partition, region) = (scope.partition(), scope.region());
            Ok(format!("arn:{partition}:ec2:{region}:{}:instance/{id}", scope.account()))
        }
        Some(("mi", _)) => Ok(scope.arn(&format!("managed-instance/{id}"))),
        _ => Err(scope.undecided(format!("`{id}` is no id of a managed node"))),
    }
}

async fn on_each(scope: &Scope<'_>, arns: Vec<String>) -> Mapped {
    let mut requirements = Vec::new();
    for arn in arns {
        let mut requirement = generic::on(scope, scope.name(), arn);
        // A document of AWS's has no tags of the account.
        if !requirement.resource.contains("::document/") {
            existing_tags(scope, &mut requirement).await?;
        }
        requirements.push(requirement);
    }
    Ok(requirements)
}

/// A command runs a document on nodes, and writes its output to a bucket
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html>,
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command-setting-up.html>). The
/// role with which it sends notifications is handed over
/// (<https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-sns-notifications.html>).
/// Which nodes have a tag, or are in a group, when it runs nothing here tells.
async fn send_command(scope: &Scope<'_>) -> Mapped {
    let mut arns = vec![resource(scope, "document", scope.need("DocumentName")?)];
    let mut ids = scope.texts("InstanceIds");
    for target in scope.value("Targets").map(items).unwrap_or_default() {
        let key = field(target, &["Key"]).and_then(Value::as_str).unwrap_or_default();
        let values = field(target, &["Values"]).map(texts).unwrap_or_default();
        if key != "InstanceIds" || values.contains(&"*") {
            return Err(scope.undecided(format!("nothing tells the nodes of the target `{key}`")));
        }
        ids.extend(values);
    }
    if ids.is_empty() {
        return Err(scope.missing("InstanceIds"));
    }
    for id in ids {
        arns.push(node(scope, id)?);
    }
    let bucket = scope.text("OutputS3BucketName");
    arns.extend(bucket.map(|bucket| format!("arn:{}:s3:::{bucket}", scope.partition())));
    let mut requirements = on_each(scope, arns).await?;
    if let Some(role) = scope.text("ServiceRoleArn") {
        requirements.push(pass_role(scope, role, "ssm.amazonaws.com").await?);
    }
    Ok(requirements)
}

fn named(scope: &Scope<'_>, kind: &str) -> Vec<String> {
    let Some((_, member)) = MEMBERS.iter().find(|(known, _)| *known == kind) else {
        return Vec::new();
    };
    scope.text(member).map(|id| resource(scope, kind, id)).into_iter().collect()
}

fn resource(scope: &Scope<'_>, kind: &str, id: &str) -> String {
    match kind {
        _ if id.starts_with("arn:") => id.to_owned(),
        // AWS's own documents belong to no account.
        "document" if id.starts_with("AWS-") || id.starts_with("AWS") => {
            format!("arn:{}:ssm:{}::document/{id}", scope.partition(), scope.region())
        }
        "servicesetting" => scope.arn(&format!("servicesetting/{}", id.trim_start_matches('/'))),
        _ => scope.arn(&format!("{kind}/{id}")),
    }
}

fn tagged(scope: &Scope<'_>, given: &str, id: &str) -> Option<String> {
    if given == "OpsMetadata" {
        return id.starts_with("arn:").then(|| id.to_owned());
    }
    let (_, kind) = TAGGED.iter().find(|(name, _)| *name == given)?;
    Some(if *kind == "parameter" { parameter(scope, id) } else { resource(scope, kind, id) })
}

/// The parameters that a call names, each once.
fn parameters(scope: &Scope<'_>) -> Vec<String> {
    if let Some(path) = scope.text("Path") {
        return vec![by_name(scope, path)];
    }
    let mut arns: Vec<String> = Vec::new();
    for name in parameter_names(scope) {
        let arn = parameter(scope, name);
        if !arns.contains(&arn) {
            arns.push(arn);
        }
    }
    arns
}

fn parameter_names<'a>(scope: &Scope<'a>) -> Vec<&'a str> {
    let mut names = scope.texts("Names");
    names.extend(scope.text("Name"));
    names.extend(scope.text("ResourceArn").filter(|arn| arn.contains(":parameter/")));
    names
}

/// Names that read a secret of Secrets Manager through Parameter Store.
const SECRETS: &str = "aws/reference/secretsmanager/";

/// The value of a secret needs `secretsmanager:GetSecretValue`, through Parameter Store too
/// (<https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html>).
async fn secrets(
    scope: &Scope<'_>,
    requirements: &mut Vec<Requirement>,
) -> Result<(), RequirementsError> {
    for name in parameter_names(scope) {
        let own = match name.split_once(":parameter/") {
            Some((head, rest)) if head.starts_with("arn:") => rest,
            _ => name,
        };
        let Some(id) = own.trim_start_matches('/').strip_prefix(SECRETS) else { continue };
        let (id, version) = id.split_once(':').map_or((id, None), |(id, rest)| (id, Some(rest)));
        // An upstream may take the ARN of a secret for its name; AWS documents names alone.
        if id.is_empty() || id == "arn" {
            return Err(scope.undecided(format!("`{name}` names no secret")));
        }
        let mut requirement = secrets_manager::value(scope, id).await?;
        let context = &mut requirement.context;
        if version.is_some() {
            // Whether it is a stage or an id, the name does not say.
            context.set_unknown("secretsmanager:VersionId");
            context.set_unknown("secretsmanager:VersionStage");
        }
        context.set("aws:ViaAWSService", "true");
        for key in ["aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast", "aws:SourceIp"] {
            context.set_unknown(key);
        }
        requirements.push(requirement);
    }
    Ok(())
}

/// A parameter's ARN has its name without the leading slash; a version or
/// label (`NAME:3`) is no part of it.
fn parameter(scope: &Scope<'_>, name: &str) -> String {
    let plain = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
    match name.split_once(":parameter/") {
        Some((head, rest)) if head.starts_with("arn:") => {
            format!("{head}:parameter/{}", plain(rest))
        }
        _ => by_name(scope, &plain(name)),
    }
}

/// The ARN of a parameter or a path. Those that AWS publishes are of no account
/// (<https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters.html>).
fn by_name(scope: &Scope<'_>, name: &str) -> String {
    let name = name.trim_start_matches('/');
    let is_public = name == "aws/service" || name.starts_with("aws/service/");
    if is_public {
        return format!("arn:{}:ssm:{}::parameter/{name}", scope.partition(), scope.region());
    }
    scope.arn(&format!("parameter/{name}"))
}

async fn existing_tags(
    scope: &Scope<'_>,
    requirement: &mut Requirement,
) -> Result<(), RequirementsError> {
    let tags = scope.state.resource_tags(&requirement.resource).await?;
    requirement.add_told_tags(&["ssm:resourceTag"], &tags);
    Ok(())
}

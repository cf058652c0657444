//! EC2: resources by their ids, and tags on what a call creates.
//!
//! The regular rule: the action has the operation's name, and a resource type
//! such as `route-table` is named by the member `RouteTableId`. A creation is
//! also authorized on the type that it makes, as `TYPE/*`, and its tags need
//! `ec2:CreateTags` with `ec2:CreateAction`.

mod attributes;
mod launch;
mod named;
mod targets;

use ringfence_policy::catalog::{self, Access};
use serde_json::Value;

use super::RequirementsError;
use super::generic::{self, known};
use super::iam::pass_role;
use super::requirement::Requirement;
use super::scope::{Mapped, Scope, field, items, tags, texts};
use super::state::{Tags, VpcOf};
use targets::Target;

/// Operations that launch fleets or pass roles in members of their own, and
/// those whose sources the id members do not tell.
const UNMAPPED: &[&str] =
    &["AuthorizeClientVpnIngress", "CreateCapacityReservationBySplitting", "CreateFleet"];

/// What a creation makes, where its name does not say.
const CREATED: &[(&str, &str)] = &[
    ("AllocateAddress", "elastic-ip"),
    ("AllocateHosts", "dedicated-host"),
    ("CreateFlowLogs", "vpc-flow-log"),
    ("CreateInstanceExportTask", "export-instance-task"),
    ("CreateManagedPrefixList", "prefix-list"),
    ("CreatePublicIpv4Pool", "ipv4pool-ec2"),
    ("CreateVpcEndpointServiceConfiguration", "vpc-endpoint-service"),
    ("ImportKeyPair", "key-pair"),
];

/// Members that name a type, where it is not the type's name with `Id`.
const MEMBERS: &[(&str, &[&str])] = &[
    ("elastic-ip", &["AllocationId", "SecondaryAllocationId"]),
    ("natgateway", &["NatGatewayId"]),
    (
        "security-group",
        &["GroupId", "SecurityGroupId", "AddSecurityGroupId", "RemoveSecurityGroupId"],
    ),
    ("subnet", &["SubnetId", "AddSubnetId", "RemoveSubnetId"]),
    ("route-table", &["RouteTableId", "AddRouteTableId", "RemoveRouteTableId"]),
    ("vpc-flow-log", &["FlowLogId"]),
    ("vpc-endpoint-service", &["ServiceId"]),
    ("prefix-list", &["PrefixListId"]),
    // The ARNs of these two have names; `naming` puts them in the place of ids.
    ("key-pair", &["KeyName"]),
    ("placement-group", &["GroupName"]),
];

/// The prefixes of ids.
const PREFIXES: &[(&str, &str)] = &[
    ("acl", "network-acl"),
    ("ami", "image"),
    ("cgw", "customer-gateway"),
    ("dopt", "dhcp-options"),
    ("eigw", "egress-only-internet-gateway"),
    ("eipalloc", "elastic-ip"),
    ("eni", "network-interface"),
    ("fl", "vpc-flow-log"),
    ("h", "dedicated-host"),
    ("i", "instance"),
    ("igw", "internet-gateway"),
    ("ipam-pool", "ipam-pool"),
    ("ipv4pool-ec2", "ipv4pool-ec2"),
    ("ipv6pool-ec2", "ipv6pool-ec2"),
    ("key", "key-pair"),
    ("lt", "launch-template"),
    ("nat", "natgateway"),
    ("pcx", "vpc-peering-connection"),
    ("pl", "prefix-list"),
    ("rtb", "route-table"),
    ("sg", "security-group"),
    ("sgr", "security-group-rule"),
    ("snap", "snapshot"),
    ("subnet", "subnet"),
    ("tgw", "transit-gateway"),
    ("tgw-attach", "transit-gateway-attachment"),
    ("tgw-rtb", "transit-gateway-route-table"),
    ("vgw", "vpn-gateway"),
    ("vol", "volume"),
    ("vpc", "vpc"),
    ("vpce", "vpc-endpoint"),
    ("vpce-svc", "vpc-endpoint-service"),
    ("vpn", "vpn-connection"),
];

pub(super) async fn requirements(scope: &Scope<'_>) -> Mapped {
    let name = scope.name();
    if UNMAPPED.contains(&name) {
        return Err(scope.unmapped());
    }
    let mut requirements = match name {
        "CreateTags" | "DeleteTags" => by_id(scope).await?,
        "RunInstances" => launch::requirements(scope).await?,
        _ => regular(scope, &targets::named_otherwise(scope).await?)?,
    };
    for requirement in &mut requirements {
        describe(scope, requirement).await?;
    }
    requirements.extend(creation_tags(scope));
    if scope.value("IamInstanceProfile").is_some() {
        let passed = new_profile(scope, &mut requirements).await?;
        requirements.extend(passed);
    }
    if let Some(role) = scope.text("DeliverLogsPermissionArn") {
        requirements.push(pass_role(scope, role, "vpc-flow-logs.amazonaws.com").await?);
    }
    Ok(requirements)
}

fn regular(scope: &Scope<'_>, otherwise: &[Target]) -> Mapped {
    let action = known("ec2", scope.name()).ok_or_else(|| scope.unmapped())?;
    let created = created(scope);
    let is_created = |kind: &str| created.contains(&kind);
    for resource in &action.resources {
        let is_told = is_created(resource.name)
            || is_nameable(scope, resource.name)
            || targets::tells(scope.name(), resource.name);
        if resource.required && !is_told {
            return Err(scope.unmapped());
        }
    }
    let mut requirements = generic::same_name(scope, |kind| {
        if is_created(kind) {
            return arn(scope, kind, "*").map(|arn| vec![arn]);
        }
        let otherwise = otherwise.iter().filter(|(own, _)| *own == kind).map(|(_, id)| id.as_str());
        ids(scope, kind).into_iter().chain(otherwise).map(|id| arn(scope, kind, id)).collect()
    })?;
    // A change of something that only the service knows: a Deny by its tags
    // would not be met.
    let changes = action.access.iter().any(|access| !matches!(access, Access::List | Access::Read));
    if changes && !action.resources.is_empty() && requirements.iter().all(|r| r.resource == "*") {
        return Err(scope.unmapped());
    }
    if !created.is_empty() {
        let specified = specified_tags(scope);
        for requirement in &mut requirements {
            if let Some(kind) = made_by(requirement) {
                requirement.add_request_tags(&tags_of(&specified, kind));
            }
        }
    }
    Ok(requirements)
}

/// The types that a creation makes: `CreateRouteTable` makes a `route-table`.
fn created(scope: &Scope<'_>) -> Vec<&'static str> {
    let mut created = by_name(scope.name());
    // It takes a volume, or makes one from the snapshot or the image
    // (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateReplaceRootVolumeTask.html>).
    if scope.name() == "CreateReplaceRootVolumeTask" && scope.text("VolumeId").is_none() {
        created.push("volume");
    }
    created
}

fn by_name(name: &str) -> Vec<&'static str> {
    if let Some((_, kind)) = CREATED.iter().find(|(call, _)| *call == name) {
        return vec![kind];
    }
    let made = named::made(name);
    let action = match known("ec2", name) {
        Some(action) if made.is_empty() => action,
        _ => return made.to_vec(),
    };
    let Some(made) = name.strip_prefix("Create") else { return Vec::new() };
    let same = |kind: &str| kind.replace('-', "").eq_ignore_ascii_case(made);
    let found = action.resources.iter().find(|resource| same(resource.name));
    found.map(|found| found.name).into_iter().collect()
}

/// The type of a requirement on something that is not there yet.
fn made_by(requirement: &Requirement) -> Option<&str> {
    requirement.resource.rsplit(':').next()?.strip_suffix("/*")
}

/// The members that may name a type.
fn members(kind: &str) -> Vec<String> {
    match MEMBERS.iter().find(|(known, _)| *known == kind) {
        Some((_, members)) => members.iter().map(|member| (*member).to_owned()).collect(),
        None => {
            let camel: String = kind
                .split('-')
                .map(|word| {
                    let mut letters = word.chars();
                    let first = letters.next().map(|first| first.to_ascii_uppercase());
                    first.into_iter().chain(letters).collect::<String>()
                })
                .collect();
            vec![format!("{camel}Id"), format!("{camel}Ids")]
        }
    }
}

/// Whether the operation has a member that names the type.
fn is_nameable(scope: &Scope<'_>, kind: &str) -> bool {
    let nested = kind == "security-group-rule" && scope.name() == "ModifySecurityGroupRules";
    nested
        || named::names(scope.name(), kind)
        || members(kind)
            .iter()
            .any(|member| scope.call.operation.members.iter().any(|known| known.name == member))
}

/// The ids of a type that the call names.
fn ids<'a>(scope: &Scope<'a>, kind: &str) -> Vec<&'a str> {
    let mut ids: Vec<&str> = named::ids(scope, kind);
    for member in members(kind) {
        ids.extend(scope.texts(&member));
    }
    // Members of other names hold ids of the type: `GatewayId`, `Source`,
    // `TargetVpcSubnetId`.
    if ids.is_empty() {
        let others = scope.call.input.values().flat_map(texts);
        ids.extend(others.filter(|id| kind_of(id) == Some(kind)));
    }
    if scope.name() == "ModifySecurityGroupRules" && kind == "security-group-rule" {
        let rules = scope.value("SecurityGroupRule").map(items).unwrap_or_default();
        let id = |rule: &'a Value| field(rule, &["SecurityGroupRuleId"])?.as_str();
        ids.extend(rules.into_iter().filter_map(id));
    }
    ids.retain(|id| !id.is_empty());
    ids
}

/// The ARN of a resource by its type's pattern; images and snapshots belong to
/// no account.
fn arn(scope: &Scope<'_>, kind: &str, id: &str) -> Result<String, RequirementsError> {
    let resource_type = catalog::service("ec2").and_then(|ec2| ec2.resource_type(kind));
    let pattern =
        resource_type.and_then(|found| found.arn.first()).ok_or_else(|| scope.unmapped())?;
    let head = pattern.split('/').next().unwrap_or(pattern);
    Ok(head
        .replace("${Partition}", scope.partition().id)
        .replace("${Region}", scope.region())
        .replace("${Account}", scope.account())
        + "/"
        + id)
}

/// The type that an id's prefix tells.
fn kind_of(id: &str) -> Option<&'static str> {
    let (prefix, _) = id.rsplit_once('-')?;
    PREFIXES.iter().find(|(known, _)| *known == prefix).map(|(_, kind)| *kind)
}

async fn by_id(scope: &Scope<'_>) -> Mapped {
    let ids = scope.texts("ResourceId");
    if ids.is_empty() {
        return Err(scope.missing("ResourceId"));
    }
    let given = scope.value("Tag").map(items).unwrap_or_default();
    let mut requirements = Vec::new();
    for id in ids {
        let kind = kind_of(id).ok_or_else(|| scope.unmapped())?;
        let resource = match kind {
            "key-pair" => arn(scope, kind, &targets::key_pair_name(scope, id).await?)?,
            _ => arn(scope, kind, id)?,
        };
        let mut requirement = generic::on(scope, scope.name(), resource);
        if scope.name() == "CreateTags" {
            requirement.add_request_tags(&scope.tags("Tag"));
        } else {
            // A deletion may give keys without values.
            let keys = given.iter().filter_map(|tag| field(tag, &["Key"])?.as_str());
            requirement = requirement.keys("aws:TagKeys", keys);
        }
        requirements.push(requirement);
    }
    Ok(requirements)
}

/// The tags that a creation gives, by type.
fn specified_tags(scope: &Scope<'_>) -> Vec<(String, Tags)> {
    ["TagSpecification", "TagSpecifications"]
        .iter()
        .filter_map(|member| scope.value(member))
        .flat_map(items)
        .filter_map(|specification| {
            let kind = field(specification, &["ResourceType"])?.as_str()?;
            let given = field(specification, &["Tag", "Tags"]).map(tags).unwrap_or_default();
            Some((kind.to_owned(), given))
        })
        .filter(|(_, tags)| !tags.is_empty())
        .collect()
}

fn tags_of(specified: &[(String, Tags)], kind: &str) -> Tags {
    specified.iter().filter(|(own, _)| own == kind).flat_map(|(_, tags)| tags.clone()).collect()
}

/// `ec2:CreateTags` for what the call tags as it creates it.
fn creation_tags(scope: &Scope<'_>) -> Vec<Requirement> {
    specified_tags(scope)
        .into_iter()
        .filter_map(|(kind, tags)| {
            let arn = arn(scope, &kind, "*").ok()?;
            let mut requirement = Requirement::on("ec2:CreateTags", arn)
                .key("ec2:CreateAction", scope.name())
                .key("ec2:Region", scope.region());
            requirement.add_request_tags(&tags);
            if carries(&requirement, &kind, "Encrypted").is_some() {
                requirement.context.set_unknown("ec2:Encrypted");
            }
            Some(requirement)
        })
        .collect()
}

/// The instance profile that an instance gets, which `ec2:NewInstanceProfile` tells, of a
/// new instance `ec2:InstanceProfile`, and its role, which is passed with it
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>).
async fn new_profile(
    scope: &Scope<'_>,
    requirements: &mut [Requirement],
) -> Result<Option<Requirement>, RequirementsError> {
    let given = scope.value("IamInstanceProfile").unwrap_or(&Value::Null);
    let text = |name: &str| field(given, &[name]).and_then(Value::as_str);
    // Not both: `naming` refuses that.
    let name = text("Name").or_else(|| text("Arn")?.rsplit('/').next());
    let Some(name) = name else { return Ok(None) };
    let found = scope.state.instance_profile(name).await?;
    let found = found.filter(|found| text("Arn").is_none_or(|arn| arn == found.arn));
    let named = || scope.iam_arn(&format!("instance-profile/{name}"));
    let arn = match (&found, text("Arn")) {
        (Some(found), _) => found.arn.clone(),
        (None, Some(arn)) => arn.to_owned(),
        (None, None) => named(),
    };
    let key = match scope.name() {
        "RunInstances" => "ec2:InstanceProfile",
        _ => "ec2:NewInstanceProfile",
    };
    for requirement in requirements.iter_mut() {
        let is_own = requirement.action == format!("ec2:{}", scope.name());
        if is_own && requirement.resource.contains(":instance/") {
            requirement.context.set(key, &arn);
        }
    }
    match found.and_then(|found| found.role) {
        Some(role) => pass_role(scope, &role, "ec2.amazonaws.com").await.map(Some),
        // Nobody is passed by what holds no role, or is not there.
        None => Ok(None),
    }
}

/// The region, the resource's own id, its tags, and the network it is in.
async fn describe(
    scope: &Scope<'_>,
    requirement: &mut Requirement,
) -> Result<(), RequirementsError> {
    requirement.context.set("ec2:Region", scope.region());
    let resource = requirement.resource.clone();
    let Some((kind, id)) = resource.rsplit(':').next().and_then(|part| part.split_once('/')) else {
        return Ok(());
    };
    if id != "*" {
        own_id(requirement, kind, id);
    }
    attributes::describe(scope, requirement, kind, id).await?;
    if id == "*" {
        endpoint_service(scope, kind, requirement);
        if carries(requirement, kind, "Vpc").is_some() {
            new_vpc(scope, requirement).await?;
        }
        return Ok(());
    }
    let tags = match kind {
        "key-pair" => targets::key_pair_tags(scope, id).await?,
        _ => scope.state.ec2_tags(id).await?,
    };
    requirement.add_resource_tags(&["ec2:ResourceTag"], &tags);
    if carries(requirement, kind, "Vpc").is_some() {
        let vpc = scope.state.ec2_vpc(kind, id).await?;
        in_vpc(scope, &vpc, requirement)?;
    }
    Ok(())
}

/// The VPC of what a call makes: the one that it names, or that of the subnet.
async fn new_vpc(
    scope: &Scope<'_>,
    requirement: &mut Requirement,
) -> Result<(), RequirementsError> {
    let vpc = match (scope.text("VpcId"), scope.text("SubnetId")) {
        (Some(vpc), _) => VpcOf::Vpc(vpc.to_owned()),
        (None, Some(subnet)) => scope.state.ec2_vpc("subnet", subnet).await?,
        // The account's default VPC, if there is one.
        (None, None) => VpcOf::Untold,
    };
    in_vpc(scope, &vpc, requirement)
}

/// Sets the key that tells the VPC.
fn in_vpc(
    scope: &Scope<'_>,
    vpc: &VpcOf,
    requirement: &mut Requirement,
) -> Result<(), RequirementsError> {
    match vpc {
        VpcOf::Vpc(vpc) => drop(requirement.context.set("ec2:Vpc", arn(scope, "vpc", vpc)?)),
        VpcOf::Missing => {}
        VpcOf::Untold => drop(requirement.context.set_unknown("ec2:Vpc")),
    }
    Ok(())
}

/// The key of EC2 with this name, if the requirement's action carries it with
/// resources of the type.
fn carries(requirement: &Requirement, kind: &str, name: &str) -> Option<&'static str> {
    let (_, action) = requirement.action.split_once(':')?;
    let action = known("ec2", action)?;
    let mine = action.resources.iter().filter(|resource| resource.name == kind);
    mine.flat_map(|resource| &resource.condition_keys)
        .find(|key| key.strip_prefix("ec2:").is_some_and(|key| key.eq_ignore_ascii_case(name)))
        .copied()
}

/// The key that holds the resource's own id: `ec2:VpcID`, `ec2:AllocationId`.
fn own_id(requirement: &mut Requirement, kind: &str, id: &str) {
    if let Some(key) = carries(requirement, kind, &own_id_name(kind)) {
        requirement.context.set(key, id);
    }
}

/// The name of that key, without its prefix and whatever the case.
pub(super) fn own_id_name(kind: &str) -> String {
    match kind {
        "elastic-ip" => "AllocationId".to_owned(),
        _ => format!("{}ID", kind.replace('-', "")),
    }
}

/// The service that a new VPC endpoint leads to.
fn endpoint_service(scope: &Scope<'_>, kind: &str, requirement: &mut Requirement) {
    if kind != "vpc-endpoint" {
        return;
    }
    if let Some(service) = scope.text("ServiceName") {
        requirement.context.set("ec2:VpceServiceName", service);
        if service.starts_with("com.amazonaws.") && !service.contains(".vpce-svc-") {
            requirement.context.set("ec2:VpceServiceOwner", "amazon");
        }
    }
}

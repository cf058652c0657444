//! What `RunInstances` acts upon
//! (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html>): it makes
//! instances, network interfaces and volumes, of an image, in subnets, with security groups;
//! and uses a key pair and snapshots where it names them.

use serde_json::Value;

use super::super::RequirementsError;
use super::super::generic;
use super::super::requirement::Requirement;
use super::super::scope::{Mapped, Scope, field, items, texts};
use super::super::state::VpcOf;
use super::targets::Target;
use super::{arn, made_by, specified_tags, tags_of};

/// Members of which it is known what they name. A launch template, a placement, a
/// reservation and the like bring more, which nothing here tells.
const TOLD: [&str; 31] = [
    "BlockDeviceMapping",
    "ClientToken",
    "CpuOptions",
    "CreditSpecification",
    "DisableApiStop",
    "DisableApiTermination",
    "DryRun",
    "EbsOptimized",
    "EnablePrimaryIpv6",
    "EnclaveOptions",
    "HibernationOptions",
    "IamInstanceProfile",
    "ImageId",
    "InstanceInitiatedShutdownBehavior",
    "InstanceType",
    "Ipv6Address",
    "Ipv6AddressCount",
    "KeyName",
    "MaintenanceOptions",
    "MaxCount",
    "MetadataOptions",
    "MinCount",
    "Monitoring",
    "NetworkInterface",
    "NetworkPerformanceOptions",
    "PrivateDnsNameOptions",
    "PrivateIpAddress",
    "SecurityGroupId",
    "SubnetId",
    "TagSpecification",
    "UserData",
];

/// What an instance's metadata service is set to, by the keys that tell it.
const METADATA: [(&str, &str); 4] = [
    ("ec2:InstanceMetadataTags", "InstanceMetadataTags"),
    ("ec2:MetadataHttpEndpoint", "HttpEndpoint"),
    ("ec2:MetadataHttpPutResponseHopLimit", "HttpPutResponseHopLimit"),
    ("ec2:MetadataHttpTokens", "HttpTokens"),
];

pub(super) async fn requirements(scope: &Scope<'_>) -> Mapped {
    let targets = targets(scope).await?;
    let mut requirements = generic::same_name(scope, |kind| {
        let named = targets.iter().filter(|(own, _)| *own == kind);
        named.map(|(_, id)| arn(scope, kind, id)).collect()
    })?;
    let specified = specified_tags(scope);
    for requirement in &mut requirements {
        let Some(kind) = made_by(requirement).map(str::to_owned) else { continue };
        requirement.add_request_tags(&tags_of(&specified, &kind));
        describe(scope, &kind, requirement)?;
    }
    Ok(requirements)
}

/// What the call says of something that it makes.
fn describe(
    scope: &Scope<'_>,
    kind: &str,
    requirement: &mut Requirement,
) -> Result<(), RequirementsError> {
    if kind == "instance" {
        let options = scope.value("MetadataOptions").unwrap_or(&Value::Null);
        for (key, member) in METADATA {
            if let Some(value) = field(options, &[member]).and_then(scalar) {
                requirement.context.set(key, value);
            }
        }
    }
    if kind == "network-interface"
        && scope.value("NetworkInterface").is_none()
        && let Some(subnet) = scope.text("SubnetId")
    {
        requirement.context.set("ec2:Subnet", arn(scope, "subnet", subnet)?);
    }
    Ok(())
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

async fn targets(scope: &Scope<'_>) -> Result<Vec<Target>, RequirementsError> {
    let given = scope.call.input.iter().filter(|(_, value)| !value.is_null());
    if let Some((other, _)) = given.into_iter().find(|(name, _)| !TOLD.contains(&name.as_str())) {
        return Err(scope.undecided(format!("nothing tells what `{other}` brings")));
    }
    let image = scope.need("ImageId")?;
    if !image.starts_with("ami-") {
        return Err(scope.undecided(format!("nothing tells the image of `{image}`")));
    }
    let mut targets = vec![("image", image.to_owned())];
    targets.extend(["instance", "network-interface", "volume"].map(|kind| (kind, "*".to_owned())));
    targets.extend(scope.text("KeyName").map(|name| ("key-pair", name.to_owned())));
    for device in scope.value("BlockDeviceMapping").map(items).unwrap_or_default() {
        let Some(volume) = field(device, &["Ebs"]) else { continue };
        if field(volume, &["KmsKeyId"]).is_some() {
            return Err(scope.undecided("nothing tells what EC2 needs of `KmsKeyId`".to_owned()));
        }
        let snapshot = field(volume, &["SnapshotId"]).and_then(Value::as_str);
        targets.extend(snapshot.map(|id| ("snapshot", id.to_owned())));
    }
    for (subnet, groups) in interfaces(scope)? {
        let groups = match groups.is_empty() {
            true => vec![default_group(scope, subnet).await?],
            false => groups.into_iter().map(str::to_owned).collect(),
        };
        targets.push(("subnet", subnet.to_owned()));
        targets.extend(groups.into_iter().map(|group| ("security-group", group)));
    }
    targets.sort_unstable();
    targets.dedup();
    Ok(targets)
}

/// The subnets that the call names, each with its security groups.
fn interfaces<'a>(scope: &Scope<'a>) -> Result<Vec<(&'a str, Vec<&'a str>)>, RequirementsError> {
    let no_subnet = || scope.undecided("nothing tells the subnet that AWS chooses".to_owned());
    let given = scope.value("NetworkInterface").map(items).unwrap_or_default();
    let (subnet, groups) = (scope.text("SubnetId"), scope.texts("SecurityGroupId"));
    if given.is_empty() {
        return Ok(vec![(subnet.ok_or_else(no_subnet)?, groups)]);
    }
    if subnet.is_some() || !groups.is_empty() {
        let told = "subnet and groups of the instance beside those of its interfaces";
        return Err(scope.undecided(told.to_owned()));
    }
    let mut interfaces = Vec::new();
    for interface in given {
        if field(interface, &["NetworkInterfaceId"]).is_some() {
            let told = "nothing tells the subnet of an interface that is there";
            return Err(scope.undecided(told.to_owned()));
        }
        let subnet = field(interface, &["SubnetId"]).and_then(Value::as_str);
        let groups = field(interface, &["SecurityGroupId"]).map(texts).unwrap_or_default();
        interfaces.push((subnet.ok_or_else(no_subnet)?, groups));
    }
    Ok(interfaces)
}

/// The default security group of a subnet's VPC, which instances get that name none
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html>).
async fn default_group(scope: &Scope<'_>, subnet: &str) -> Result<String, RequirementsError> {
    let untold = || scope.undecided(format!("nothing tells the default group of `{subnet}`"));
    let VpcOf::Vpc(vpc) = scope.state.ec2_vpc("subnet", subnet).await? else {
        return Err(untold());
    };
    let groups = scope.state.ec2_described("DescribeSecurityGroups", "securityGroupInfo").await?;
    let text =
        |group: &Value, name: &str| group.get(name).and_then(Value::as_str).map(str::to_owned);
    let is_default = |group: &&Value| {
        text(group, "vpcId").as_ref() == Some(&vpc)
            && text(group, "groupName").as_deref() == Some("default")
    };
    groups.iter().find(is_default).and_then(|group| text(group, "groupId")).ok_or_else(untold)
}

//! Targets that a call names by something else than their ids: by an
//! association, a permission, a notification, a task. They are authorized on
//! their own ARNs, or a Deny with `aws:ResourceTag` would never meet them.

use serde_json::Value;

use super::super::RequirementsError;
use super::super::scope::{Scope, items, tags};
use super::super::state::Tags;
use super::kind_of;

/// A type and an id of it; `*` where nothing has the name.
pub(super) type Target = (&'static str, String);

/// How the name that an operation gives leads to targets.
struct Path {
    operations: &'static [&'static str],
    /// The member with the name.
    member: &'static str,
    /// The description to look in, and its set.
    described: (&'static str, &'static str),
    /// Where the name stands in an element of the set.
    name: &'static [&'static str],
    /// The types, and the fields (`a.b`) that hold their ids: of the element, or of
    /// the part of it that holds the name. A field of several types has none
    /// of its own; the id's prefix tells it.
    targets: &'static [(Option<&'static str>, &'static str)],
    /// The types to decide about where nothing has the name.
    otherwise: &'static [&'static str],
}

/// From the API reference: each operation takes the name alone, and the
/// resource types are those of the service authorization reference.
const PATHS: &[Path] = &[
    Path {
        operations: &["DisassociateRouteTable", "ReplaceRouteTableAssociation"],
        member: "AssociationId",
        described: ("DescribeRouteTables", "routeTableSet"),
        name: &["associationSet", "routeTableAssociationId"],
        targets: &[(Some("route-table"), "routeTableId"), (None, "subnetId"), (None, "gatewayId")],
        otherwise: &["route-table"],
    },
    Path {
        operations: &["ReplaceNetworkAclAssociation"],
        member: "AssociationId",
        described: ("DescribeNetworkAcls", "networkAclSet"),
        name: &["associationSet", "networkAclAssociationId"],
        targets: &[(Some("network-acl"), "networkAclId"), (Some("subnet"), "subnetId")],
        otherwise: &["network-acl", "subnet"],
    },
    Path {
        operations: &["DisassociateNatGatewayAddress", "DisassociateAddress"],
        member: "AssociationId",
        described: ("DescribeAddresses", "addressesSet"),
        name: &["associationId"],
        targets: &[(Some("elastic-ip"), "allocationId"), (None, "networkInterfaceId")],
        otherwise: &["elastic-ip"],
    },
    Path {
        operations: &["DisassociateVpcCidrBlock"],
        member: "AssociationId",
        described: ("DescribeVpcs", "vpcSet"),
        name: &["cidrBlockAssociationSet", "associationId"],
        targets: &[(Some("vpc"), "vpcId")],
        otherwise: &["vpc"],
    },
    Path {
        operations: &["DisassociateVpcCidrBlock"],
        member: "AssociationId",
        described: ("DescribeVpcs", "vpcSet"),
        name: &["ipv6CidrBlockAssociationSet", "associationId"],
        targets: &[(Some("vpc"), "vpcId")],
        otherwise: &["vpc"],
    },
    Path {
        operations: &["DeleteNetworkInterfacePermission"],
        member: "NetworkInterfacePermissionId",
        described: ("DescribeNetworkInterfacePermissions", "networkInterfacePermissions"),
        name: &["networkInterfacePermissionId"],
        targets: &[(Some("network-interface"), "networkInterfaceId")],
        otherwise: &["network-interface"],
    },
    Path {
        operations: &[
            "DeleteVpcEndpointConnectionNotifications",
            "ModifyVpcEndpointConnectionNotification",
        ],
        member: "ConnectionNotificationId",
        described: ("DescribeVpcEndpointConnectionNotifications", "connectionNotificationSet"),
        name: &["connectionNotificationId"],
        targets: &[
            (Some("vpc-endpoint"), "vpcEndpointId"),
            (Some("vpc-endpoint-service"), "serviceId"),
        ],
        otherwise: &["vpc-endpoint"],
    },
    Path {
        operations: &["DisassociateSubnetCidrBlock"],
        member: "AssociationId",
        described: ("DescribeSubnets", "subnetSet"),
        name: &["ipv6CidrBlockAssociationSet", "associationId"],
        targets: &[(Some("subnet"), "subnetId")],
        otherwise: &["subnet"],
    },
    Path {
        operations: &["DetachNetworkInterface"],
        member: "AttachmentId",
        described: ("DescribeNetworkInterfaces", "networkInterfaceSet"),
        name: &["attachment", "attachmentId"],
        targets: &[
            (Some("network-interface"), "networkInterfaceId"),
            (Some("instance"), "instanceId"),
        ],
        otherwise: &["network-interface", "instance"],
    },
    Path {
        operations: &["DisassociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"],
        member: "AssociationId",
        described: ("DescribeIamInstanceProfileAssociations", "iamInstanceProfileAssociationSet"),
        name: &["associationId"],
        targets: &[(Some("instance"), "instanceId")],
        otherwise: &["instance"],
    },
    // The VPC that a request for peering asks for.
    Path {
        operations: &["AcceptVpcPeeringConnection"],
        member: "VpcPeeringConnectionId",
        described: ("DescribeVpcPeeringConnections", "vpcPeeringConnectionSet"),
        name: &["vpcPeeringConnectionId"],
        targets: &[(Some("vpc"), "accepterVpcInfo.vpcId")],
        otherwise: &["vpc"],
    },
    Path {
        operations: &["DeleteTrafficMirrorFilterRule", "ModifyTrafficMirrorFilterRule"],
        member: "TrafficMirrorFilterRuleId",
        described: ("DescribeTrafficMirrorFilterRules", "trafficMirrorFilterRuleSet"),
        name: &["trafficMirrorFilterRuleId"],
        targets: &[(Some("traffic-mirror-filter"), "trafficMirrorFilterId")],
        otherwise: &["traffic-mirror-filter"],
    },
];

/// Whether a name that the operation gives leads to the type.
pub(super) fn tells(operation: &str, kind: &str) -> bool {
    let paths = PATHS.iter().filter(|path| path.operations.contains(&operation));
    paths.flat_map(|path| path.targets).any(|(own, _)| *own == Some(kind))
}

/// The types of tasks, by the prefixes of their ids, which begin in their turn
/// with those of others.
const TASKS: &[(&str, &str)] = &[
    ("export-ami-", "export-image-task"),
    ("export-i-", "export-instance-task"),
    ("import-ami-", "import-image-task"),
    ("import-snap-", "import-snapshot-task"),
];

/// What a call names otherwise than by its id.
pub(super) async fn named_otherwise(scope: &Scope<'_>) -> Result<Vec<Target>, RequirementsError> {
    let mut targets: Vec<Target> = Vec::new();
    let paths = || PATHS.iter().filter(|path| path.operations.contains(&scope.name()));
    for path in paths() {
        let (operation, set) = path.described;
        for name in scope.texts(path.member) {
            let described = scope.state.ec2_described(operation, set).await?;
            let chains = described.iter().filter_map(|element| chain(element, path.name, name));
            targets.extend(chains.flat_map(|chain| of_chain(path, &chain)));
        }
    }
    if targets.is_empty() {
        let kinds = paths().take(1).flat_map(|path| path.otherwise);
        targets.extend(kinds.map(|kind| (*kind, "*".to_owned())));
    }
    let tasks = ["ExportTaskId", "ImportTaskId"].map(|member| scope.texts(member)).concat();
    targets.extend(tasks.into_iter().filter_map(|id| {
        let (_, kind) = TASKS.iter().find(|(prefix, _)| id.starts_with(prefix))?;
        Some((*kind, id.to_owned()))
    }));
    Ok(targets)
}

fn of_chain(path: &Path, chain: &[&Value]) -> Vec<Target> {
    path.targets
        .iter()
        .filter_map(|(kind, field)| {
            let within = |value: &Value| {
                let mut names = field.split('.');
                names.try_fold(value, |part, name| part.get(name))?.as_str().map(str::to_owned)
            };
            let id = chain.iter().rev().find_map(|value| within(value))?;
            Some((kind.or_else(|| kind_of(&id))?, id))
        })
        .filter(|(_, id)| !id.is_empty())
        .collect()
}

/// The element and the parts of it on the way to a name, if it has the name.
fn chain<'v>(value: &'v Value, path: &[&str], name: &str) -> Option<Vec<&'v Value>> {
    match path {
        [] => None,
        [last] => (value.get(last)?.as_str() == Some(name)).then(|| vec![value]),
        [first, rest @ ..] => {
            let inner = items(value.get(first)?).into_iter().find_map(|v| chain(v, rest, name))?;
            Some([vec![value], inner].concat())
        }
    }
}

/// The name of a key pair, which its ARN has; `*` where none has the id.
pub(super) async fn key_pair_name(
    scope: &Scope<'_>,
    id: &str,
) -> Result<String, RequirementsError> {
    let name = key_pair(scope, "keyPairId", id).await?;
    let name = name.as_ref().and_then(|pair| pair.get("keyName")?.as_str());
    Ok(name.unwrap_or("*").to_owned())
}

/// The tags of a key pair, by its name.
pub(super) async fn key_pair_tags(
    scope: &Scope<'_>,
    name: &str,
) -> Result<Tags, RequirementsError> {
    let pair = key_pair(scope, "keyName", name).await?;
    Ok(pair.as_ref().and_then(|pair| pair.get("tagSet")).map(tags).unwrap_or_default())
}

async fn key_pair(
    scope: &Scope<'_>,
    field: &str,
    value: &str,
) -> Result<Option<Value>, RequirementsError> {
    let pairs = scope.state.ec2_described("DescribeKeyPairs", "keySet").await?;
    Ok(pairs.into_iter().find(|pair| pair.get(field).and_then(Value::as_str) == Some(value)))
}

//! The network.

use futures_util::future::try_join_all;
use ringfence_wire::services::Ec2;
use serde_json::{Value, json};

use super::SnapshotError;
use super::reader::{Objects, Reader, object, text};

/// Kind, operation, the list in its answer, the member with the id, and the
/// type in its ARN.
const KINDS: [(&str, &str, &str, &str, &str); 11] = [
    ("VPC", "DescribeVpcs", "vpcSet", "vpcId", "vpc"),
    ("subnet", "DescribeSubnets", "subnetSet", "subnetId", "subnet"),
    ("security group", "DescribeSecurityGroups", "securityGroupInfo", "groupId", "security-group"),
    ("route table", "DescribeRouteTables", "routeTableSet", "routeTableId", "route-table"),
    ("VPC endpoint", "DescribeVpcEndpoints", "vpcEndpointSet", "vpcEndpointId", "vpc-endpoint"),
    ("network ACL", "DescribeNetworkAcls", "networkAclSet", "networkAclId", "network-acl"),
    (
        "internet gateway",
        "DescribeInternetGateways",
        "internetGatewaySet",
        "internetGatewayId",
        "internet-gateway",
    ),
    ("NAT gateway", "DescribeNatGateways", "natGatewaySet", "natGatewayId", "natgateway"),
    ("address", "DescribeAddresses", "addressesSet", "allocationId", "elastic-ip"),
    (
        "peering",
        "DescribeVpcPeeringConnections",
        "vpcPeeringConnectionSet",
        "vpcPeeringConnectionId",
        "vpc-peering-connection",
    ),
    ("key pair", "DescribeKeyPairs", "keySet", "keyPairId", "key-pair"),
];

/// How many addresses are free, and which network interfaces functions have in
/// it, changes with what runs.
const LEFT_OUT: [&str; 7] = [
    "availableIpAddressCount",
    "createTime",
    "creationTimestamp",
    "state",
    "status",
    "networkInterfaceIdSet",
    "deleteTime",
];

pub(super) async fn read(reader: &Reader<'_>) -> Result<Objects, SnapshotError> {
    let one = async |kind: &(&'static str, &str, &str, &str, &str)| {
        let (kind, operation, list, id, resource) = *kind;
        let found = reader.list(Ec2, operation, json!({}), list).await?;
        let objects = found.into_iter().map(|value: Value| {
            let id = text(&value, id);
            let arns = vec![reader.arn("ec2", &format!("{resource}/{id}"))];
            object(kind, id, value, &LEFT_OUT, arns)
        });
        Ok(objects.collect::<Objects>())
    };
    Ok(try_join_all(KINDS.iter().map(one)).await?.into_iter().flatten().collect())
}

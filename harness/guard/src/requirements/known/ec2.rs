//! EC2.

use super::{Known, set};

pub(super) const KNOWN: &[Known] = &[
    set(&["ec2:Region", "ec2:CreateAction"]),
    set(&["aws:RequestTag/*", "aws:TagKeys"]),
    set(&["aws:ResourceTag/*", "ec2:ResourceTag/*"]),
    // Where the VPC of a resource cannot be told, the mapping says so.
    set(&["ec2:Vpc"]).on(&[
        "network-acl",
        "network-interface",
        "route-table",
        "security-group",
        "subnet",
    ]),
    set(&["ec2:NewInstanceProfile"])
        .of(&["AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"]),
    // Where neither the call nor the service tells it, the mapping says so.
    set(&["ec2:Encrypted"]).on(&["snapshot", "volume"]),
    set(&["ec2:Add/group", "ec2:Add/userId", "ec2:Remove/group", "ec2:Remove/userId"])
        .of(&["ModifyImageAttribute", "ModifySnapshotAttribute"]),
    set(&["ec2:InstanceProfile"]).of(&["RunInstances"]).on(&["instance"]),
    set(&["ec2:VpceServiceName", "ec2:VpceServiceOwner"]).on(&["vpc-endpoint"]),
];

/// Whether a key holds the id of a resource of the type itself: the mapping
/// sets it from the ARN, and a resource that is yet to be made has none.
pub(super) fn is_own_id(kind: &str, key: &str) -> bool {
    let own = crate::requirements::ec2::own_id_name(kind);
    key.strip_prefix("ec2:").is_some_and(|name| name.eq_ignore_ascii_case(&own))
}

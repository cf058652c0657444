//! Types that single operations name by members of other names, and what they make
//! beside what their names say. From the API reference of each operation and the
//! service authorization reference
//! (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>).

use serde_json::Value;

use super::super::scope::{Scope, items};

/// Operations, a type, and the places of its ids: members by their names on the
/// wire, `.` before a member of each item.
type Named = (&'static [&'static str], &'static str, &'static [&'static str]);

const NAMED: &[Named] = &[
    (
        &[
            "AssociateTransitGatewayMulticastDomain",
            "CreateTransitGatewayVpcAttachment",
            "DisassociateTransitGatewayMulticastDomain",
        ],
        "subnet",
        &["SubnetIds"],
    ),
    (
        &["CancelDeclarativePoliciesReport", "GetDeclarativePoliciesReportSummary"],
        "declarative-policies-report",
        &["ReportId"],
    ),
    (&["CancelSpotInstanceRequests"], "spot-instances-request", &["SpotInstanceRequestId"]),
    (
        &["AcceptReservedInstancesExchangeQuote", "GetReservedInstancesExchangeQuote"],
        "reserved-instances",
        &["ReservedInstanceId"],
    ),
    (
        &["CreateTransitGatewayRouteTableAnnouncement"],
        "transit-gateway-attachment",
        &["PeeringAttachmentId"],
    ),
    (
        &["CreateTransitGatewayPolicyTableEntry"],
        "transit-gateway-route-table",
        &["TargetRouteTableId"],
    ),
    (&["DeleteImageUsageReport"], "image-usage-report", &["ReportId"]),
    (
        &["DeletePublicIpv4Pool", "DeprovisionPublicIpv4PoolCidr", "ProvisionPublicIpv4PoolCidr"],
        "ipv4pool-ec2",
        &["PoolId"],
    ),
    (&["GetAssociatedIpv6PoolCidrs"], "ipv6pool-ec2", &["PoolId"]),
    (&["GetCoipPoolUsage"], "coip-pool", &["PoolId"]),
    (
        &["DeleteVpcBlockPublicAccessExclusion", "ModifyVpcBlockPublicAccessExclusion"],
        "vpc-block-public-access-exclusion",
        &["ExclusionId"],
    ),
    (
        &["DisableFastSnapshotRestores", "EnableFastSnapshotRestores"],
        "snapshot",
        &["SourceSnapshotId"],
    ),
    (&["DisableVgwRoutePropagation", "EnableVgwRoutePropagation"], "vpn-gateway", &["GatewayId"]),
    (&["ModifyHosts", "ReleaseHosts"], "dedicated-host", &["HostId"]),
    (&["PurchaseHostReservation"], "dedicated-host", &["HostIdSet"]),
    (
        &["ModifyInstanceCreditSpecification"],
        "instance",
        &["InstanceCreditSpecification.InstanceId"],
    ),
    (&["ModifyIpamResourceCidr"], "ipam-scope", &["CurrentIpamScopeId", "DestinationIpamScopeId"]),
    (
        &["MoveCapacityReservationInstances"],
        "capacity-reservation",
        &["SourceCapacityReservationId", "DestinationCapacityReservationId"],
    ),
    (&["RegisterImage"], "snapshot", &["BlockDeviceMapping.Ebs.SnapshotId"]),
];

/// What operations make beside, or instead of, what their names say.
const MADE: &[(&str, &[&str])] = &[
    ("AssociateIpamResourceDiscovery", &["ipam-resource-discovery-association"]),
    ("CreateDelegateMacVolumeOwnershipTask", &["mac-modification-task"]),
    ("CreateImage", &["image", "snapshot"]),
    ("CreateMacSystemIntegrityProtectionModificationTask", &["mac-modification-task"]),
    ("CreateRestoreImageTask", &["image"]),
    ("CreateTransitGatewayVpcAttachment", &["transit-gateway-attachment"]),
    ("PurchaseCapacityBlock", &["capacity-reservation"]),
    ("RegisterImage", &["image"]),
    ("StartNetworkInsightsAccessScopeAnalysis", &["network-insights-access-scope-analysis"]),
    ("StartNetworkInsightsAnalysis", &["network-insights-analysis"]),
];

/// The types that an operation makes, where its name does not say.
pub(super) fn made(operation: &str) -> &'static [&'static str] {
    MADE.iter().find(|(name, _)| *name == operation).map_or(&[], |(_, kinds)| kinds)
}

/// The places where an operation names a type by members of other names.
fn places(operation: &str, kind: &str) -> impl Iterator<Item = &'static str> {
    let rows = NAMED
        .iter()
        .filter(move |(operations, own, _)| *own == kind && operations.contains(&operation));
    rows.flat_map(|(_, _, places)| places.iter().copied())
}

/// Whether an operation names a type so.
pub(super) fn names(operation: &str, kind: &str) -> bool {
    places(operation, kind).next().is_some()
}

/// The ids of a type that a call names so.
pub(super) fn ids<'a>(scope: &Scope<'a>, kind: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for place in places(scope.name(), kind) {
        let mut names = place.split('.');
        let Some(first) = names.next().and_then(|name| scope.value(name)) else { continue };
        let mut values: Vec<&'a Value> = items(first);
        for name in names {
            values =
                values.into_iter().filter_map(|value| value.get(name)).flat_map(items).collect();
        }
        found.extend(values.into_iter().filter_map(Value::as_str));
    }
    found
}

#[cfg(test)]
mod tests {
    use ringfence_wire::{Operation, Service};

    use super::*;

    /// What a row names is in the models: a misspelt one would name nothing.
    #[test]
    fn every_row_is_of_the_models() {
        for (operations, kind, places) in NAMED {
            for name in *operations {
                let operation = Operation::find(Service::Ec2, name).unwrap();
                let action = super::super::known("ec2", name).unwrap();
                assert!(action.resources.iter().any(|listed| listed.name == *kind), "{name}");
                for place in *places {
                    let member = place.split('.').next().unwrap();
                    let known = operation.members.iter().any(|known| known.name == member);
                    assert!(known, "{name}: {member}");
                }
            }
        }
        for (name, kinds) in MADE {
            let action = super::super::known("ec2", name).unwrap();
            for kind in *kinds {
                assert!(
                    action.resources.iter().any(|listed| listed.name == *kind),
                    "{name}: {kind}"
                );
            }
        }
    }
}

//! EC2's names that are alternatives to ids.

use std::borrow::Cow;

use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

use super::Named;
use super::exclusive::low;
use crate::requirements::State;

/// A target with two names.
struct Target {
    operations: &'static [&'static str],
    /// The member that decision and upstream get.
    kept: &'static str,
    /// The other one.
    other: &'static str,
    /// Whether AWS asks for one of them.
    is_required: bool,
    /// The description to look in, and its set.
    described: (&'static str, &'static str),
    /// The fields of an element: of the name, and of the one that is kept.
    fields: (&'static str, &'static str),
    /// Where nothing has the name.
    absent: (&'static str, fn(&str) -> String),
}

const TARGETS: &[Target] = &[
    Target {
        operations: &[
            "AuthorizeSecurityGroupIngress",
            "DeleteSecurityGroup",
            "RevokeSecurityGroupIngress",
            "UpdateSecurityGroupRuleDescriptionsEgress",
            "UpdateSecurityGroupRuleDescriptionsIngress",
        ],
        kept: "GroupId",
        other: "GroupName",
        is_required: true,
        described: ("DescribeSecurityGroups", "securityGroupInfo"),
        fields: ("groupName", "groupId"),
        absent: ("InvalidGroup.NotFound", |name| {
            format!("The security group '{name}' does not exist in the default VPC")
        }),
    },
    // The ARN of a key pair has its name
    // (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>).
    Target {
        operations: &["DeleteKeyPair"],
        kept: "KeyName",
        other: "KeyPairId",
        is_required: true,
        described: ("DescribeKeyPairs", "keySet"),
        fields: ("keyPairId", "keyName"),
        absent: ("InvalidKeyPair.NotFound", |id| format!("The key pair '{id}' does not exist")),
    },
    Target {
        operations: &["ModifyInstancePlacement"],
        kept: "GroupName",
        other: "GroupId",
        is_required: false,
        described: ("DescribePlacementGroups", "placementGroupSet"),
        fields: ("groupId", "groupName"),
        absent: ("InvalidPlacementGroup.Unknown", |id| {
            format!("The Placement Group '{id}' is unknown.")
        }),
    },
    Target {
        operations: &[
            "CreateLaunchTemplateVersion",
            "DeleteLaunchTemplate",
            "DeleteLaunchTemplateVersions",
            "ModifyLaunchTemplate",
        ],
        kept: "LaunchTemplateId",
        other: "LaunchTemplateName",
        is_required: true,
        described: ("DescribeLaunchTemplates", "launchTemplates"),
        fields: ("launchTemplateName", "launchTemplateId"),
        absent: ("InvalidLaunchTemplateName.NotFoundException", |name| {
            format!("The specified launch template, with template name {name}, does not exist.")
        }),
    },
    Target {
        operations: &["AssociateAddress", "ReleaseAddress"],
        kept: "AllocationId",
        other: "PublicIp",
        is_required: true,
        described: ("DescribeAddresses", "addressesSet"),
        fields: ("publicIp", "allocationId"),
        absent: ("InvalidAddress.NotFound", |ip| format!("Address '{ip}' not found.")),
    },
    Target {
        operations: &["DisassociateAddress"],
        kept: "AssociationId",
        other: "PublicIp",
        is_required: true,
        described: ("DescribeAddresses", "addressesSet"),
        fields: ("publicIp", "associationId"),
        absent: ("InvalidAddress.NotFound", |ip| format!("Address '{ip}' not found.")),
    },
];

/// Puts the name that is kept where the other stands.
pub(super) async fn named<'a>(
    call: &'a Call,
    state: &dyn State,
) -> Result<Named<'a>, ServiceError> {
    let unchanged = Named { call: Cow::Borrowed(call), absent: None };
    let Some(target) = TARGETS.iter().find(|target| target.operations.contains(&call.name()))
    else {
        return Ok(unchanged);
    };
    if given(call, target.kept).is_some() {
        return Ok(unchanged);
    }
    let Some(name) = given(call, target.other) else {
        return if target.is_required { Err(missing(target)) } else { Ok(unchanged) };
    };
    let found = find(target, name, state).await?;
    let absent = found.is_none().then(|| {
        let (code, message) = target.absent;
        ServiceError::new(400, code, message(name))
    });
    let mut call = call.clone();
    call.input.shift_remove(target.other);
    let kept = found.unwrap_or_else(|| "*".to_owned());
    call.input.insert(target.kept.to_owned(), kept.into());
    Ok(Named { call: Cow::Owned(call), absent })
}

fn given<'a>(call: &'a Call, member: &str) -> Option<&'a str> {
    call.text(member).filter(|text| !text.is_empty())
}

fn missing(target: &Target) -> ServiceError {
    let text = format!(
        "The request must contain the parameter {} or {}",
        low(target.other),
        low(target.kept)
    );
    ServiceError::new(400, "MissingParameter", text)
}

/// A name of a security group is one of the default VPC
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html>).
async fn find(
    target: &Target,
    name: &str,
    state: &dyn State,
) -> Result<Option<String>, ServiceError> {
    let (operation, set) = target.described;
    let place = match target.other {
        "GroupName" => Some(default_vpc(state).await?),
        _ => None,
    };
    let described = state.ec2_described(operation, set).await?;
    let text = |element: &Value, field: &str| Some(element.get(field)?.as_str()?.to_owned());
    let (from, to) = target.fields;
    Ok(described
        .iter()
        .filter(|element| text(element, from).as_deref() == Some(name))
        .filter(|element| place.is_none() || text(element, "vpcId") == place)
        .find_map(|element| text(element, to)))
}

/// The default VPC's id; one that no group is in where there is none.
async fn default_vpc(state: &dyn State) -> Result<String, ServiceError> {
    let vpcs = state.ec2_described("DescribeVpcs", "vpcSet").await?;
    let is_default = |vpc: &&Value| vpc.get("isDefault").and_then(Value::as_str) == Some("true");
    let default = vpcs.iter().find(is_default).and_then(|vpc| vpc.get("vpcId")?.as_str());
    Ok(default.unwrap_or_default().to_owned())
}

/// Every operation with a target of two names, and those names.
#[cfg(test)]
pub(super) fn resolved() -> impl Iterator<Item = (&'static str, [&'static str; 2])> {
    TARGETS.iter().flat_map(|target| {
        target.operations.iter().map(|operation| (*operation, [target.kept, target.other]))
    })
}

//! Members that AWS takes one of.

use ringfence_wire::{Call, Service, ServiceError};

/// Members of some operations of which a call may have one.
struct Exclusive {
    service: Service,
    operations: &'static [&'static str],
    members: &'static [&'static str],
}

const EXCLUSIVE: &[Exclusive] = &[
    // "You must specify either the security group ID or the security group name
    // in the request"
    // (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html>).
    Exclusive {
        service: Service::Ec2,
        operations: &[
            "AuthorizeSecurityGroupIngress",
            "DeleteSecurityGroup",
            "ModifyInstancePlacement",
            "RevokeSecurityGroupIngress",
            "UpdateSecurityGroupRuleDescriptionsEgress",
            "UpdateSecurityGroupRuleDescriptionsIngress",
        ],
        members: &["GroupName", "GroupId"],
    },
    // <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteKeyPair.html>
    Exclusive {
        service: Service::Ec2,
        operations: &["DeleteKeyPair"],
        members: &["KeyName", "KeyPairId"],
    },
    // "You must specify either the launch template ID or the launch template
    // name, but not both"
    // (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplate.html>).
    Exclusive {
        service: Service::Ec2,
        operations: &[
            "CreateLaunchTemplateVersion",
            "DeleteLaunchTemplate",
            "DeleteLaunchTemplateVersions",
            "DescribeLaunchTemplateVersions",
            "ModifyLaunchTemplate",
        ],
        members: &["LaunchTemplateName", "LaunchTemplateId"],
    },
    // "You can't specify both" of address and allocation, instance and network
    // interface
    // (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html>).
    Exclusive {
        service: Service::Ec2,
        operations: &["AssociateAddress", "ReleaseAddress"],
        members: &["PublicIp", "AllocationId"],
    },
    Exclusive {
        service: Service::Ec2,
        operations: &["AssociateAddress"],
        members: &["InstanceId", "NetworkInterfaceId"],
    },
    Exclusive {
        service: Service::Ec2,
        operations: &["DisassociateAddress"],
        members: &["PublicIp", "AssociationId"],
    },
    // "You must include one of the following but not both"
    // (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>).
    Exclusive {
        service: Service::Logs,
        operations: &["DescribeLogStreams", "FilterLogEvents", "GetLogEvents", "GetLogGroupFields"],
        members: &["logGroupName", "logGroupIdentifier"],
    },
    // "logGroupNamePattern and logGroupNamePrefix are mutually exclusive"
    // (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html>).
    Exclusive {
        service: Service::Logs,
        operations: &["DescribeLogGroups"],
        members: &["logGroupNamePrefix", "logGroupNamePattern"],
    },
    // "If you don't specify a value for the PhoneNumber parameter, you must specify a
    // value for the TargetArn or TopicArn parameters"
    // (<https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>).
    Exclusive {
        service: Service::Sns,
        operations: &["Publish"],
        members: &["TopicArn", "TargetArn", "PhoneNumber"],
    },
    // "To identify the grant, use a grant token, or both the grant ID and a key
    // identifier" (<https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html>).
    Exclusive {
        service: Service::Kms,
        operations: &["RetireGrant"],
        members: &["GrantToken", "GrantId"],
    },
    Exclusive {
        service: Service::Kms,
        operations: &["RetireGrant"],
        members: &["GrantToken", "KeyId"],
    },
    // "A StartQuery operation must include exactly one of the following"
    // (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html>).
    Exclusive {
        service: Service::Logs,
        operations: &["StartQuery"],
        members: &["logGroupName", "logGroupNames", "logGroupIdentifiers"],
    },
    // "you must specify either the resourceIdentifier parameter or the
    // logGroup parameter, but you can't specify both"
    // (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html>).
    Exclusive {
        service: Service::Logs,
        operations: &["AssociateKmsKey", "DisassociateKmsKey"],
        members: &["logGroupName", "resourceIdentifier"],
    },
];

/// Refuses a call with two members that exclude each other.
pub(super) fn check(call: &Call) -> Result<(), ServiceError> {
    let rules = EXCLUSIVE.iter().filter(|rule| rule.service == call.service());
    for rule in rules.filter(|rule| rule.operations.contains(&call.name())) {
        let mut given = rule.members.iter().filter(|member| call.input.contains_key(**member));
        if let (Some(one), Some(other)) = (given.next(), given.next()) {
            return Err(recorded(one, other).unwrap_or_else(|| both(call.service(), one, other)));
        }
    }
    instance_profile(call)
}

/// An instance profile has a name or an ARN
/// (<https://github.com/aws/aws-sdk-java/issues/647>).
fn instance_profile(call: &Call) -> Result<(), ServiceError> {
    let given = call.input.get("IamInstanceProfile").filter(|_| call.service() == Service::Ec2);
    let has = |name: &str| given.is_some_and(|profile| profile.get(name).is_some());
    if !has("Name") || !has("Arn") {
        return Ok(());
    }
    let message = "The parameter 'iamInstanceProfile.name' may not be used in combination with \
                   'iamInstanceProfile.arn'";
    Err(ServiceError::new(400, "InvalidParameterCombination", message))
}

/// CloudWatch Logs says it of each pair in words of its own: LocalStack's
/// `test_describe_log_streams_with_log_group_identifier` and
/// `test_describe_log_groups_prefix_and_pattern_error`.
fn recorded(one: &str, other: &str) -> Option<ServiceError> {
    let (code, text) = match (one, other) {
        ("logGroupName", "logGroupIdentifier") => (
            "ValidationException",
            "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
        ),
        ("logGroupNamePrefix", "logGroupNamePattern") => (
            "InvalidParameterException",
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ),
        _ => return None,
    };
    Some(ServiceError::new(400, code, text))
}

/// EC2's words are recorded
/// (<https://github.com/aws/aws-cli/issues/2453>: "The parameter groupName cannot
/// be used with the parameter subnet"); of the others the code is.
fn both(service: Service, one: &str, other: &str) -> ServiceError {
    let text =
        format!("The parameter {} cannot be used with the parameter {}", low(one), low(other));
    match service {
        Service::Ec2 => ServiceError::new(400, "InvalidParameterCombination", text),
        Service::Logs => ServiceError::new(400, "InvalidParameterException", text),
        Service::Sns => {
            ServiceError::new(400, "InvalidParameter", format!("Invalid parameter: {text}"))
        }
        other => ServiceError::validation(other, text),
    }
}

/// As EC2's messages write the name of a parameter.
pub(super) fn low(member: &str) -> String {
    let mut letters = member.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

/// Every operation that stands in a rule.
#[cfg(test)]
pub(super) fn ruled(
    service: Service,
) -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    EXCLUSIVE
        .iter()
        .filter(move |rule| rule.service == service)
        .flat_map(|rule| rule.operations.iter().map(|operation| (*operation, rule.members)))
}

//! What resource control policies are about, and what they may say.
//!
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>
//!
//! `RCPFullAWSAccess` is attached to every level and cannot be detached, so that
//! nothing is denied for want of an Allow: each policy of one's own only denies.

use crate::arn::{Arn, Target};
use crate::request::{Principal, Request};
use crate::statement::{Action, Asked};

/// The prefixes of the services whose resources are bound: the list of the page
/// above, as read in November 2026.
const SERVICES: [&str; 62] = [
    "aoss",
    "appconfig",
    "appstream",
    "autoscaling",
    "autoscaling-plans",
    "budgets",
    "clouddirectory",
    "cloudfront",
    "cloudsearch",
    "cloudtrail-data",
    "codeartifact",
    "codebuild",
    "codecommit",
    "codepipeline",
    "cognito-identity",
    "cognito-idp",
    "comprehend",
    "comprehendmedical",
    "compute-optimizer",
    "cost-optimization-hub",
    "dax",
    "dsql",
    "dynamodb",
    "ecr",
    "ecr-public",
    "events",
    "firehose",
    "fis",
    "fms",
    "gamelift",
    "health",
    "inspector-scan",
    "kendra",
    "kinesisvideo",
    "kms",
    "logs",
    "memorydb",
    "networkmonitor",
    "notifications",
    "opensearch",
    "pca-connector-ad",
    "personalize",
    "polly",
    "pricing",
    "resource-groups",
    "rolesanywhere",
    "s3",
    "secretsmanager",
    "servicediscovery",
    "signin",
    "sqs",
    "sts",
    "support",
    "swf",
    "textract",
    "timestream-influxdb",
    "transcribe",
    "transfer",
    "translate",
    "wafv2",
    "workspaces",
    "xray",
];

/// Whether resource control policies bind the request: those of the resource's
/// account, or, where the action authorizes no resource, of the caller's. The
/// page above says so of an action with no resource in the column "Resource
/// type" ("the RCPs of the calling principal account"), and [SIM] rcps.json
/// denies `s3:ListAllMyBuckets` by one.
///
/// They do not bind calls of service-linked roles, trust policies of such roles,
/// and `kms:RetireGrant`. Nor do they bind AWS managed keys, which a key's ARN
/// does not show: whoever knows that the key is one gives no policies.
pub(crate) fn bind(request: &Request<'_>, asked: &Asked<'_>) -> bool {
    let linked = "role/aws-service-role/";
    let is_linked = |arn: &str| Arn::parse(arn).is_some_and(|it| it.resource.starts_with(linked));
    let by_linked =
        matches!(request.principal, Principal::RoleSession { role_arn, .. } if is_linked(role_arn));
    let of_linked = matches!(asked.target, Target::Arn(arn)
        if arn.service.eq_ignore_ascii_case("iam") && arn.resource.starts_with(linked));
    !by_linked && !of_linked && is_supported(&asked.action)
}

/// Whether resource control policies bind actions with this prefix.
pub fn supports(prefix: &str) -> bool {
    SERVICES.iter().any(|service| service.eq_ignore_ascii_case(prefix))
}

fn is_supported(action: &Action<'_>) -> bool {
    let spared = |service: &str, name: &str| {
        action.service.eq_ignore_ascii_case(service) && action.name.eq_ignore_ascii_case(name)
    };
    supports(action.service) && !spared("kms", "RetireGrant")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_action_says_whether_its_resources_are_bound() {
        let supported = |text| is_supported(&Action::parse(text));
        assert!(
            supported("S3:GetObject") && supported("kms:Decrypt") && supported("sts:AssumeRole")
        );
        assert!(!supported("lambda:InvokeFunction") && !supported("kms:retiregrant"));
    }
}

//! What IAM accepts as an entry of `Resource`.
//!
//! The rules and texts are those that IAM answers when it refuses a policy as
//! malformed; moto keeps them as recorded from AWS
//! (`moto/iam/policy_validation.py`).

use crate::document::Kind;

const PARTITIONS: [&str; 9] = [
    "*",
    "aws",
    "aws-cn",
    "aws-us-gov",
    "aws-iso",
    "aws-iso-b",
    "aws-iso-e",
    "aws-iso-f",
    "aws-eusc",
];

/// What the answer names. More is taken: AWS's own managed policies
/// (`IAMAuditRootUserCredentials`,
/// `AWSObservabilityAdminTelemetryEnablementServiceRolePolicy`) have [`MORE_IAM_PATHS`].
const IAM_PATHS: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

const MORE_IAM_PATHS: [&str; 2] = ["root", "role-template/"];

/// The S3 resources that have a region
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>).
const REGIONAL_S3: [&str; 6] = [
    "accesspoint/",
    "access-grants/",
    "async-request/",
    "job/",
    "storage-lens/",
    "storage-lens-group/",
];

/// Checks an entry of `Resource` or `NotResource`.
pub(crate) fn check(text: &str, kind: Kind) -> Result<(), String> {
    if text == "*" {
        return Ok(());
    }
    let mut parts = text.splitn(6, ':');
    if parts.next() != Some("arn") || !text.contains(':') {
        return Err(format!("resource `{text}` must be in ARN format or `*`"));
    }
    let partition = parts.next().unwrap_or("");
    // Only IAM's own checks are known to refuse `arn:aws*:…`.
    let iam_checked = kind.is_kept_by_iam();
    let wild = !iam_checked && partition.contains('*');
    if !PARTITIONS.contains(&partition) && !wild {
        return Err(format!("partition `{partition}` is not valid for resource `{text}`"));
    }
    let Some(service) = parts.next() else {
        // `arn:aws` and `arn:*`: "Resource vendor must be fully qualified and
        // cannot contain regexes."
        return Err(format!("resource `{text}` must name its service"));
    };
    if service.is_empty() {
        return Err(format!("resource `{text}` must name its service"));
    }
    let rest: Vec<&str> = parts.collect();
    // "The policy failed legacy parsing": `::` needs all six parts.
    if rest.len() < 3 && text.contains("::") {
        return Err(format!("resource `{text}` has fewer than the six parts of an ARN"));
    }
    // A service control policy takes a shortened ARN only with a `*` at its
    // end ([SIM] resource.ts).
    if rest.len() < 3 && kind == Kind::ServiceControl && !text.ends_with('*') {
        return Err(format!("resource `{text}` has fewer than the six parts of an ARN"));
    }
    // A resource control policy takes none ([SIM] policyTypeResourceSettings).
    if rest.len() < 3 && kind == Kind::ResourceControl {
        return Err(format!("resource `{text}` has fewer than the six parts of an ARN"));
    }
    if let [region, _, path] = rest.as_slice() {
        let has_region = !region.is_empty() && *region != "*";
        if service == "iam" && iam_checked {
            if has_region {
                return Err(format!("IAM resource `{text}` cannot contain region information"));
            }
            if !is_iam_path(path) {
                let known = IAM_PATHS.join(", ");
                return Err(format!(
                    "IAM resource path of `{text}` must either be `*` or start with {known}"
                ));
            }
        }
        if service == "s3" && iam_checked && has_region && !is_regional_s3(path) {
            return Err(format!("resource `{text}` can not contain region information"));
        }
    }
    Ok(())
}

/// What IAM answers to an entry of `Resource`; nothing where it finds no fault.
pub(crate) fn sentence(text: &str) -> Option<String> {
    let not_an_arn = || Some(format!("Resource {text} must be in ARN format or \"*\"."));
    if text == "*" {
        return None;
    }
    let Some((scheme, rest)) = text.split_once(':') else { return not_an_arn() };
    let (partition, rest) = match rest.split_once(':') {
        Some((partition, rest)) => (partition, Some(rest)),
        None => (rest, None),
    };
    if !PARTITIONS.contains(&partition) {
        return Some(invalid_partition(partition, rest));
    }
    let Some(rest) = rest else {
        let message = "Resource vendor must be fully qualified and cannot contain regexes.";
        return Some(message.to_owned());
    };
    if scheme != "arn" {
        return not_an_arn();
    }
    let parts: Vec<&str> = rest.splitn(4, ':').collect();
    let [service, region, _, path] = parts.as_slice() else { return None };
    let has_region = !region.is_empty() && *region != "*";
    match *service {
        "iam" if has_region => {
            Some(format!("IAM resource {text} cannot contain region information."))
        }
        "iam" if !is_iam_path(path) => {
            let known = IAM_PATHS.join(", ");
            Some(format!("IAM resource path must either be \"*\" or start with {known}."))
        }
        "s3" if has_region && !is_regional_s3(path) => {
            Some(format!("Resource {text} can not contain region information."))
        }
        _ => None,
    }
}

/// The ARN as IAM reads it, with `*` for what is not there.
fn invalid_partition(partition: &str, rest: Option<&str>) -> String {
    let mut parts: Vec<&str> = rest.map(|rest| rest.splitn(4, ':').collect()).unwrap_or_default();
    parts.resize(4, "*");
    let parts = parts.join(":");
    format!("Partition \"{partition}\" is not valid for resource \"arn:{partition}:{parts}\".")
}

/// A longer path that starts with `*` is refused
/// (<https://github.com/duo-labs/parliament/pull/177>).
fn is_iam_path(path: &str) -> bool {
    path == "*"
        || path.starts_with("${")
        || IAM_PATHS.iter().chain(&MORE_IAM_PATHS).any(|start| path.starts_with(start))
}

fn is_regional_s3(path: &str) -> bool {
    REGIONAL_S3.iter().any(|start| path.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("*")]
    #[case("arn:aws:s3:::bucket/*")]
    #[case("arn:aws:s3:*")]
    #[case("arn:aws:ec2:*")]
    #[case("arn:aws:iam::123456789012:role/app-*")]
    #[case("arn:aws:iam::*:*")]
    #[case("arn:aws:iam::123456789012:user/${aws:username}")]
    #[case("arn:aws:apigateway:eu-west-1::/apis/*")]
    #[case("arn:*:lambda:*:*:function:svc-*")]
    #[case("arn:aws:s3:eu-west-1:123456789012:accesspoint/x")]
    #[case("arn:aws:s3:eu-west-1:123456789012:job/x")]
    #[case("arn:aws:iam::*:root")]
    #[case("arn:aws:iam::aws:role-template/telemetry.example/x")]
    #[case("arn:aws:iam::123456789012:*")]
    fn what_iam_stores_is_taken(#[case] text: &str) {
        assert_eq!(check(text, Kind::Identity), Ok(()));
    }

    #[test]
    fn a_service_control_policy_takes_a_short_arn_with_a_star_only() {
        assert_eq!(check("arn:aws:s3:*", Kind::ServiceControl), Ok(()));
        assert!(check("arn:aws:s3", Kind::ServiceControl).is_err());
        assert_eq!(check("arn:aws:s3", Kind::Identity), Ok(()));
    }

    #[rstest]
    #[case("bucket", "must be in ARN format or `*`")]
    #[case("s3:bucket", "must be in ARN format or `*`")]
    #[case("arn:awz:s3:::b", "partition `awz` is not valid")]
    #[case("arn:aws", "must name its service")]
    #[case("arn:aws::us-east-1:1:x", "must name its service")]
    #[case("arn:aws:s3::b", "has fewer than the six parts")]
    #[case("arn:aws:iam:us-east-1:1:role/x", "cannot contain region information")]
    #[case("arn:aws:iam::1:*/*", "must either be `*` or start with user/")]
    #[case("arn:aws:iam::1:rolex", "must either be `*` or start with user/")]
    #[case("arn:aws:s3:us-east-1::b", "can not contain region information")]
    #[case("", "must be in ARN format or `*`")]
    fn what_iam_refuses_is_refused(#[case] text: &str, #[case] message: &str) {
        let error = check(text, Kind::Identity).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}

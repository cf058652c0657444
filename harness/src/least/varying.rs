//! Resources whose names AWS or a tool makes, so that they differ from run to
//! run. By their shape: a hint for `--generalise`, no rule of a policy.

use std::collections::BTreeMap;

use serde::Serialize;

use super::used::Permission;

/// A pattern for resources whose names were made in this run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Varying {
    /// What `--generalise` takes; it stays in the account and the region.
    pub pattern: String,
    /// The resources that it stands for.
    pub resources: Vec<String>,
}

/// What of the resources will be called otherwise in the next run.
pub(super) fn varying<'p>(
    permissions: impl IntoIterator<Item = &'p Permission<'p>>,
) -> Vec<Varying> {
    let mut by_pattern: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for used in permissions {
        let Some(pattern) = pattern_of(used.resource) else { continue };
        let resources = by_pattern.entry(pattern).or_default();
        if !resources.iter().any(|known| known == used.resource) {
            resources.push(used.resource.to_owned());
        }
    }
    by_pattern.into_iter().map(|(pattern, resources)| Varying { pattern, resources }).collect()
}

/// A resource with `*` for what of its name is made; none where nothing is.
fn pattern_of(resource: &str) -> Option<String> {
    let mut parts = resource.splitn(6, ':');
    let head: Vec<&str> = parts.by_ref().take(5).collect();
    let [_, _, service, region, _] = head.as_slice() else { return None };
    let name = parts.next()?;
    if name.contains(['*', '?']) || *service == "s3" && !name.contains(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let mut changed = String::with_capacity(name.len());
    let mut rest = name;
    loop {
        let end = rest.find(['/', ':']).unwrap_or(rest.len());
        let (token, after) = rest.split_at(end);
        changed.push_str(&generalised(token, service, region));
        let mut characters = after.chars();
        let Some(separator) = characters.next() else { break };
        changed.push(separator);
        rest = characters.as_str();
    }
    (changed != name).then(|| format!("{}:{changed}", head.join(":")))
}

/// A part of a name, with `*` for what is made of it.
fn generalised(token: &str, service: &str, region: &str) -> String {
    if is_id(token, service, region) {
        return "*".to_owned();
    }
    let Some((stem, last)) = token.rsplit_once('-') else {
        return match trailing_timestamp(token) {
            Some(stem) => format!("{stem}*"),
            None => token.to_owned(),
        };
    };
    if service == "secretsmanager" && is_secret_suffix(last) {
        // <https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html>
        return format!("{}-??????", generalised(stem, "", region));
    }
    // CloudFormation's: `STACK-LOGICALID-1A2B3C4D5E6F`.
    if (12..=13).contains(&last.len()) && is_mixed(last, |c| c.is_ascii_uppercase()) {
        return format!("{stem}-*");
    }
    match trailing_timestamp(token) {
        Some(stem) => format!("{stem}*"),
        None => token.to_owned(),
    }
}

/// Whether a whole part of a name is an id that a service gives.
fn is_id(token: &str, service: &str, region: &str) -> bool {
    if uuid::Uuid::try_parse(token).is_ok() {
        return true;
    }
    // EC2's, EFS's, …: `vpc-0a1b2c3d`, `fs-0123456789abcdef0`.
    if let Some((kind, id)) = token.rsplit_once('-')
        && !kind.is_empty()
        && kind.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        && matches!(id.len(), 8 | 17)
        && id.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
        && id.contains(|c: char| c.is_ascii_digit())
    {
        return true;
    }
    // Cognito's: `us-east-1_AbCdEf123`.
    if let Some(id) = token.strip_prefix(region).and_then(|rest| rest.strip_prefix('_')) {
        return id.len() >= 9 && id.chars().all(|c| c.is_ascii_alphanumeric());
    }
    // Load balancers', tasks': `50dc6c495c0c9188`.
    if token.len() >= 16 && is_mixed(token, |c| ('a'..='f').contains(&c)) {
        return true;
    }
    // Hosted zones', distributions': `Z0123456789ABCDEFGHIJ`.
    if token.len() >= 10 && is_mixed(token, |c| c.is_ascii_uppercase()) {
        return true;
    }
    // API Gateway's: `a1b2c3d4e5`, of its resources `a1b2c3`. AppConfig's: `abc1234`
    // (<https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_Application.html>).
    let lengths = match service {
        "apigateway" => 6..=10,
        "appconfig" => 4..=7,
        _ => return false,
    };
    lengths.contains(&token.len()) && is_mixed(token, |c| c.is_ascii_lowercase())
}

/// Whether a text is of digits and certain letters, some of each.
fn is_mixed(text: &str, letter: impl Fn(char) -> bool) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
        && text.contains(&letter)
        && text.chars().all(|c| c.is_ascii_digit() || letter(c))
}

fn is_secret_suffix(text: &str) -> bool {
    text.len() == 6 && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// The name before Terraform's own suffix: a time of 18 digits and a count of
/// eight hexadecimal ones (<https://developer.hashicorp.com/terraform/plugin/sdkv2/schemas>,
/// `PrefixedUniqueId`).
fn trailing_timestamp(token: &str) -> Option<&str> {
    let start = token.len().checked_sub(26)?;
    let (stem, suffix) = token.split_at_checked(start)?;
    let (time, count) = suffix.split_at_checked(18)?;
    let is_made = time.starts_with("20")
        && time.chars().all(|c| c.is_ascii_digit())
        && count.chars().all(|c| c.is_ascii_hexdigit());
    is_made.then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("ec2:us-east-1:123456789012:vpc/vpc-0a1b2c3d", "ec2:us-east-1:123456789012:vpc/*")]
    #[case(
        "elasticfilesystem:us-east-1:123456789012:file-system/fs-0123456789abcdef0",
        "elasticfilesystem:us-east-1:123456789012:file-system/*"
    )]
    #[case(
        "kms:us-east-1:123456789012:key/0f4bb4a6-6a2c-4a9c-9d44-9d7b1c1a2b3c",
        "kms:us-east-1:123456789012:key/*"
    )]
    #[case(
        "secretsmanager:us-east-1:123456789012:secret:db-AbCdE1",
        "secretsmanager:us-east-1:123456789012:secret:db-??????"
    )]
    #[case("iam::123456789012:role/app-20261128110035123400000001", "iam::123456789012:role/app-*")]
    #[case(
        "iam::123456789012:role/terraform-20261128110035123400000001",
        "iam::123456789012:role/terraform-*"
    )]
    #[case("iam::123456789012:role/stack-Role-1A2B3C4D5E6F", "iam::123456789012:role/stack-Role-*")]
    #[case("s3:::logs20261128110035123400000001/key", "s3:::logs*/key")]
    #[case(
        "elasticloadbalancing:us-east-1:123456789012:targetgroup/web/50dc6c495c0c9188",
        "elasticloadbalancing:us-east-1:123456789012:targetgroup/web/*"
    )]
    #[case("route53:::hostedzone/Z0123456789ABCDEFGHIJ", "route53:::hostedzone/*")]
    #[case(
        "apigateway:us-east-1::/restapis/a1b2c3d4e5/resources/a1b2c3",
        "apigateway:us-east-1::/restapis/*/resources/*"
    )]
    #[case(
        "appconfig:us-east-1:123456789012:application/abc1234/environment/d5e6f70",
        "appconfig:us-east-1:123456789012:application/*/environment/*"
    )]
    #[case(
        "cognito-idp:us-east-1:123456789012:userpool/us-east-1_AbCdEf123",
        "cognito-idp:us-east-1:123456789012:userpool/*"
    )]
    fn what_is_made_becomes_a_pattern_within_account_and_region(
        #[case] resource: &str,
        #[case] pattern: &str,
    ) {
        assert_eq!(pattern_of(&format!("arn:aws:{resource}")), Some(format!("arn:aws:{pattern}")));
    }

    #[rstest::rstest]
    #[case("*")]
    #[case("arn:aws:ec2:us-east-1:123456789012:vpc/*")]
    #[case("arn:aws:sqs:us-east-1:123456789012:orders-2026")]
    #[case("arn:aws:iam::123456789012:role/service-deadbeef")]
    #[case("arn:aws:iam::123456789012:policy/PLATFORM")]
    #[case("arn:aws:s3:::logs-123456789012/key")]
    #[case("arn:aws:apigateway:us-east-1::/restapis")]
    #[case("arn:aws:lambda:us-east-1:123456789012:function:v1")]
    fn what_people_name_stays(#[case] resource: &str) {
        assert_eq!(pattern_of(resource), None);
    }
}

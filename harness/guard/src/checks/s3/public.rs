//! What S3 calls a public policy: "When evaluating a bucket policy, Block Public
//! Access begins by assuming that the policy is public. It then evaluates the
//! policy to determine whether it qualifies as non-public"
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>,
//! "The meaning of "public"").

use std::net::IpAddr;

use serde_json::Value;

use crate::checks::statements::{one_or_many, statements};

/// Keys of which a fixed value makes a grant non-public, in small letters. The
/// first nine are the guide's; the keys of organizations and accounts are those
/// that it means by "an AWS principal … (for example, `aws:PrincipalOrgID`)".
const FIXED: [&str; 16] = [
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "aws:userid",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:principalservicename",
];

/// Operators that ask for one of their values, in small letters.
const EQUALS: [&str; 7] = [
    "stringequals",
    "stringequalsignorecase",
    "stringlike",
    "arnequals",
    "arnlike",
    "foranyvalue:stringequals",
    "foranyvalue:stringlike",
];

/// Whether S3 calls a bucket policy public. What cannot be read grants nothing.
pub fn is_public(text: &str) -> bool {
    statements(text).iter().any(|statement| {
        statement.get("Effect").and_then(Value::as_str) == Some("Allow")
            && is_for_anybody(statement)
            && !is_limited(statement.get("Condition"))
    })
}

/// The policy without what it allows: what is left of a public policy for those
/// whom `RestrictPublicBuckets` keeps out.
pub(crate) fn without_grants(text: &str) -> Option<String> {
    let mut policy: Value = serde_json::from_str(text).ok()?;
    let denials: Vec<Value> = statements(text)
        .into_iter()
        .filter(|statement| statement.get("Effect").and_then(Value::as_str) == Some("Deny"))
        .collect();
    if denials.is_empty() {
        return None;
    }
    policy.as_object_mut()?.insert("Statement".to_owned(), denials.into());
    Some(policy.to_string())
}

fn is_for_anybody(statement: &Value) -> bool {
    if statement.get("NotPrincipal").is_some() {
        return true;
    }
    match statement.get("Principal") {
        Some(Value::String(principal)) => principal.contains('*'),
        Some(Value::Object(kinds)) => kinds
            .values()
            .flat_map(|named| one_or_many(Some(named)))
            .filter_map(Value::as_str)
            .any(|named| named.contains(['*', '?'])),
        _ => false,
    }
}

fn is_limited(condition: Option<&Value>) -> bool {
    let Some(operators) = condition.and_then(Value::as_object) else { return false };
    operators.iter().any(|(operator, keys)| {
        let operator = operator.to_ascii_lowercase();
        let keys = keys.as_object().into_iter().flatten();
        keys.into_iter().any(|(key, values)| {
            let key = key.to_ascii_lowercase();
            let mut values = one_or_many(Some(values)).peekable();
            values.peek().is_some()
                && values.all(|value| value.as_str().is_some_and(|v| limits(&operator, &key, v)))
        })
    })
}

/// Whether a value of a key lets in a known few.
fn limits(operator: &str, key: &str, value: &str) -> bool {
    if operator == "ipaddress" && key == "aws:sourceip" {
        return is_narrow(value);
    }
    if !EQUALS.contains(&operator) || !FIXED.contains(&key) || value.contains("${") {
        return false;
    }
    // "can contain a wildcard for the access point name without being rendered
    // public, as long as the account id is fixed".
    let fixed = match key {
        "s3:dataaccesspointarn" => value.rsplit_once(":accesspoint/").map_or(value, |(own, _)| own),
        _ => value,
    };
    !fixed.contains(['*', '?'])
}

/// "values broader than /8 for IPv4 and /32 for IPv6 (excluding RFC1918 private
/// ranges)" are public.
fn is_narrow(cidr: &str) -> bool {
    let (address, prefix) = match cidr.split_once('/') {
        Some((address, prefix)) => (address, prefix.parse::<u8>().ok()),
        None => (cidr, Some(128)),
    };
    match (address.parse::<IpAddr>(), prefix) {
        (Ok(IpAddr::V4(_)), Some(prefix)) => prefix >= 8,
        (Ok(IpAddr::V6(_)), Some(prefix)) => prefix >= 32,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn policy(principal: Value, condition: Value) -> String {
        let mut statement = json!({"Effect": "Allow", "Principal": principal,
            "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"});
        if !condition.is_null() {
            statement["Condition"] = condition;
        }
        json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    }

    #[rstest]
    #[case::everybody(json!("*"))]
    #[case::every_aws(json!({"AWS": "*"}))]
    #[case::among_others(json!({"AWS": ["arn:aws:iam::123456789012:root", "*"]}))]
    fn a_grant_to_anybody_is_public(#[case] principal: Value) {
        assert!(is_public(&policy(principal, Value::Null)));
    }

    #[rstest]
    #[case::account(json!({"AWS": "arn:aws:iam::123456789012:root"}))]
    #[case::service(json!({"Service": "cloudtrail.amazonaws.com"}))]
    fn a_grant_to_a_principal_is_not(#[case] principal: Value) {
        assert!(!is_public(&policy(principal, Value::Null)));
    }

    #[rstest]
    #[case::vpc(json!({"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}), false)]
    #[case::vpc_like(json!({"StringLike": {"aws:SourceVpc": "vpc-91237329"}}), false)]
    #[case::any_vpc(json!({"StringLike": {"aws:SourceVpc": "vpc-*"}}), true)]
    #[case::variable(json!({"StringEquals": {"aws:SourceVpc": "${aws:SourceVpc}"}}), true)]
    #[case::one_of_two(json!({"StringLike": {"aws:SourceVpc": ["vpc-1", "vpc-*"]}}), true)]
    #[case::if_there(json!({"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}), true)]
    #[case::not_this(json!({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}), true)]
    #[case::all_of_none(json!({"ForAllValues:StringEquals": {"aws:SourceVpc": "vpc-1"}}), true)]
    #[case::organization(json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), false)]
    #[case::other_key(json!({"StringEquals": {"aws:Referer": "https://example.com"}}), true)]
    #[case::transport(json!({"Bool": {"aws:SecureTransport": "true"}}), true)]
    #[case::both(json!({"Bool": {"aws:SecureTransport": "true"},
        "StringEquals": {"aws:SourceAccount": "123456789012"}}), false)]
    #[case::range(json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}), false)]
    #[case::address(json!({"IpAddress": {"aws:SourceIp": "203.0.113.7"}}), false)]
    #[case::broad(json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}), true)]
    #[case::eight(json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), false)]
    #[case::seven(json!({"IpAddress": {"aws:SourceIp": "12.0.0.0/7"}}), true)]
    #[case::broad_six(json!({"IpAddress": {"aws:SourceIp": "2001::/16"}}), true)]
    #[case::narrow_six(json!({"IpAddress": {"aws:SourceIp": "2001:db8::/32"}}), false)]
    #[case::one_broad(
        json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "0.0.0.0/0"]}}), true
    )]
    #[case::access_points(
        json!({"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:eu-west-1:123456789012:accesspoint/*"}}),
        false
    )]
    #[case::access_points_of_all(
        json!({"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:eu-west-1:*:accesspoint/*"}}), true
    )]
    fn a_condition_limits_by_a_fixed_value(#[case] condition: Value, #[case] public: bool) {
        assert_eq!(is_public(&policy(json!("*"), condition)), public);
    }

    #[test]
    fn a_denial_is_not_public_and_stays_without_the_grants() {
        let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"});
        let allow = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"});
        let only = json!({"Version": "2012-10-17", "Statement": [deny]}).to_string();
        let both = json!({"Version": "2012-10-17", "Statement": [allow, deny]}).to_string();
        assert!(!is_public(&only));
        assert!(is_public(&both));
        assert_eq!(without_grants(&both), Some(only));
        assert_eq!(without_grants(&policy(json!("*"), Value::Null)), None);
    }
}

//! The resource of a request, with names that a call can have.

use ringfence_models::Partition;
use ringfence_models::actions::{self, Prefix, ResourceType};

use crate::calls::built::{ANY, Home, parted};

/// What a made-up name is at most as long as.
const SHORT: usize = 2;

/// A resource under names for which a call can be made, those first that nothing has: what
/// the prover chooses is as short as can be, and the name of no region and of nothing.
pub(super) fn named(action: &str, resource: &str, home: Home<'_>) -> Vec<String> {
    if resource == "*" {
        return vec![resource.to_owned()];
    }
    let at_home = placed(resource, home);
    let mut all = Vec::new();
    for template in templates(action) {
        let Some(parts) = parted(template, &at_home) else { continue };
        let own: Vec<(&str, &str)> =
            parts.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let is_own = |name: &str| !matches!(name, "Partition" | "Region" | "Account");
        let last = own.iter().rposition(|(name, _)| is_own(name));
        let is_begun = |value: &str| value.ends_with(['-', '_', '.', '/']);
        let long = |at: usize, value: &str, is_more: bool| {
            if value.len() <= SHORT {
                ANY.to_owned()
            } else if is_begun(value) || is_more && Some(at) == last {
                format!("{value}{ANY}")
            } else {
                value.to_owned()
            }
        };
        for is_more in [true, false] {
            let values = own.iter().enumerate().map(|(at, (name, value))| match is_own(name) {
                true => long(at, value, is_more),
                false => (*value).to_owned(),
            });
            all.push(filled(template, &values.collect::<Vec<_>>()));
        }
        let values = own.iter().enumerate().map(|(at, (_, value))| match Some(at) == last {
            true => format!("{value}{ANY}"),
            false => (*value).to_owned(),
        });
        all.push(filled(template, &values.collect::<Vec<_>>()));
    }
    all.push(at_home);
    if region(resource).is_some() {
        all.push(resource.to_owned());
    }
    let mut unique: Vec<String> = Vec::new();
    for one in all {
        if !unique.contains(&one) {
            unique.push(one);
        }
    }
    unique
}

/// The region in an ARN, where it is one of AWS's.
pub(super) fn region(arn: &str) -> Option<&str> {
    let region = arn.split(':').nth(3)?;
    let mut all = Partition::all().iter();
    all.any(|partition| partition.regions.contains(&region)).then_some(region)
}

/// The same in the account's partition, region and account.
fn placed(resource: &str, home: Home<'_>) -> String {
    let mut parts: Vec<&str> = resource.splitn(6, ':').collect();
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|it| it.is_ascii_digit());
    for (at, part) in parts.iter_mut().enumerate() {
        match (at, *part) {
            (1, _) => *part = home.partition,
            (3, own) if !own.is_empty() => *part = home.region,
            (4, own) if !own.is_empty() && own != "aws" && !is_account(own) => {
                *part = home.account;
            }
            _ => {}
        }
    }
    parts.join(":")
}

/// The ARNs of the types that an action acts upon.
fn templates(action: &str) -> Vec<&'static str> {
    let Some((prefix, name)) = action.split_once(':') else { return Vec::new() };
    let Some(prefix) = actions::of(prefix) else { return Vec::new() };
    let arns = |kind: &'static ResourceType| kind.arn.iter().copied();
    match (prefix.prefix, prefix.action(name)) {
        // Of API Gateway's verbs the reference has some paths alone.
        ("apigateway", _) => prefix.resource_types().flat_map(arns).collect(),
        (_, Some(action)) => kinds(prefix, action).flat_map(arns).collect(),
        (_, None) => Vec::new(),
    }
}

fn kinds(
    prefix: &'static Prefix,
    action: &'static actions::Action,
) -> impl Iterator<Item = &'static ResourceType> {
    action.resources.iter().filter_map(|kind| prefix.resource_type(kind.name))
}

/// A template with its variables' values, in order.
fn filled(template: &str, values: &[String]) -> String {
    let mut parts = template.split("${");
    let mut arn = parts.next().unwrap_or_default().to_owned();
    for (part, value) in parts.zip(values) {
        arn.push_str(value);
        arn.push_str(part.split_once('}').map_or("", |(_, behind)| behind));
    }
    arn
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const HOME: Home<'_> = Home { partition: "aws", region: "us-east-1", account: "123456789012" };

    #[rstest]
    #[case::of_no_region(
        "lambda:AddPermission",
        "arn:aws:lambda:x:123456789012:function:x",
        "arn:aws:lambda:us-east-1:123456789012:function:ringfence-probe"
    )]
    #[case::of_a_prefix(
        "iam:PassRole",
        "arn:aws:iam::123456789012:role/app-",
        "arn:aws:iam::123456789012:role/app-ringfence-probe"
    )]
    #[case::of_a_bucket(
        "s3:GetObject",
        "arn:aws:s3:::artifacts/a",
        "arn:aws:s3:::artifacts/ringfence-probe"
    )]
    #[case::everything("s3:ListAllMyBuckets", "*", "*")]
    fn a_made_up_name_is_one_that_nothing_has(
        #[case] action: &str,
        #[case] resource: &str,
        #[case] first: &str,
    ) {
        let all = named(action, resource, HOME);
        assert_eq!(all.first().map(String::as_str), Some(first), "{all:?}");
    }

    #[test]
    fn a_name_that_is_asked_for_comes_last_as_it_is() {
        let own = "arn:aws:lambda:us-east-1:123456789012:function:ledger";
        let all = named("lambda:GetFunction", own, HOME);
        assert!(all.contains(&own.to_owned()), "{all:?}");
        let elsewhere = "arn:aws:lambda:eu-west-1:123456789012:function:ledger";
        let all = named("lambda:GetFunction", elsewhere, HOME);
        assert_eq!(all.last().map(String::as_str), Some(elsewhere));
        assert_eq!(region("arn:aws:lambda:x:123456789012:function:x"), None);
    }
}

//! The tags of a template that AWS keeps for itself: those that begin with `aws:`, in
//! any letter case
//! (<https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>).
//! `aws:cloudformation:stack-name`, `stack-id` and `logical-id` are CloudFormation's own
//! to give; the service of the resource refuses a template's.

use serde_json::{Map, Value};

use super::Failure;
use super::custom::is_custom;

/// The refusal of a resource whose properties have such a tag. What a custom resource
/// calls its properties is its function's affair.
pub(in crate::cloudformation) fn check(
    kind: &str,
    properties: &Map<String, Value>,
) -> Result<(), Failure> {
    if is_custom(kind) || !in_members(properties) {
        return Ok(());
    }
    let message = match kind.starts_with("AWS::EC2::") {
        true => "Tag keys starting with 'aws:' are reserved for internal use",
        false => "aws: prefixed tag key names are not allowed for external use.",
    };
    Err(Failure::handler("InvalidRequest", message))
}

fn in_members(members: &Map<String, Value>) -> bool {
    members.iter().any(|(name, value)| (names_tags(name) && in_tags(value)) || within(value))
}

fn within(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(within),
        Value::Object(members) => in_members(members),
        _ => false,
    }
}

/// Whether a property gives tags, and does not select by some.
fn names_tags(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let ends = ["tag", "tags", "taglist", "tagset", "tagmap"].iter().any(|end| name.ends_with(end));
    ends && !name.contains("filter") && !name.contains("target")
}

/// A list of keys and values, or a map.
fn in_tags(tags: &Value) -> bool {
    match tags {
        Value::Array(tags) => tags.iter().any(|tag| {
            ["Key", "key", "TagKey"]
                .iter()
                .any(|name| tag.get(*name).and_then(Value::as_str).is_some_and(is_reserved))
        }),
        Value::Object(tags) => tags.keys().any(|key| is_reserved(key)),
        _ => false,
    }
}

fn is_reserved(key: &str) -> bool {
    key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const NAME: &str = "aws:cloudformation:stack-name";

    #[rstest]
    #[case::list("AWS::S3::Bucket", json!({"Tags": [{"Key": NAME, "Value": "x"}]}), true)]
    #[case::any_case("AWS::IAM::Role", json!({"Tags": [{"Key": "AWS:x", "Value": "x"}]}), true)]
    #[case::map("AWS::SSM::Parameter", json!({"Tags": {NAME: "x"}}), true)]
    #[case::other_name("AWS::Cognito::UserPool", json!({"UserPoolTags": {NAME: "x"}}), true)]
    #[case::nested(
        "AWS::EC2::LaunchTemplate",
        json!({"LaunchTemplateData": {"TagSpecifications": [{"Tags": [{"Key": NAME}]}]}}),
        true
    )]
    #[case::of_the_teams("AWS::S3::Bucket", json!({"Tags": [{"Key": "awsx", "Value": NAME}]}), false)]
    #[case::selects("AWS::DLM::LifecyclePolicy", json!({"TargetTags": [{"Key": NAME}]}), false)]
    #[case::condition(
        "AWS::IAM::Role",
        json!({"Policies": [{"Condition": {"StringEquals": {"aws:ResourceTag/x": "y"}}}]}),
        false
    )]
    #[case::custom("Custom::Thing", json!({"Tags": [{"Key": NAME, "Value": "x"}]}), false)]
    fn a_templates_tags_may_not_be_awss(
        #[case] kind: &str,
        #[case] properties: Value,
        #[case] refused: bool,
    ) {
        let checked = check(kind, properties.as_object().unwrap());
        assert_eq!(checked.is_err(), refused, "{checked:?}");
    }
}

//! The tag keys that AWS keeps for itself: those that begin with `aws:`, in any letter case,
//! can be neither set nor taken away
//! (<https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>).
//! A decision by `aws:cloudformation:stack-name` would rest on what anybody wrote.
//!
//! The tags of a call are found by its model. Functions and HTTP APIs have the check
//! themselves, and of S3 the tags of a body or a header.

use ringfence_models::{Form, Member};
use ringfence_wire::{Call, Service, ServiceError};
use serde_json::{Map, Value};

/// Refuses a call that sets or takes away a tag of AWS's own. CloudFormation tags what it
/// makes with its own.
///
/// # Errors
/// The service's refusal.
pub(crate) fn check(call: &Call, by_cloudformation: bool) -> Result<(), ServiceError> {
    let service = call.service();
    if is_elsewhere(call) || reads(call.name()) {
        return Ok(());
    }
    let mut found = Vec::new();
    for member in call.operation.members.iter() {
        if let Some(value) = call.input.get(member.name) {
            look(service, member.name, member, value, &mut found);
        }
    }
    let is_refused = |key: &&str| {
        is_reserved(key) && !(by_cloudformation && key.starts_with("aws:cloudformation:"))
    };
    if found.iter().any(is_refused) { Err(refusal(service)) } else { Ok(()) }
}

/// Whether a key begins with the prefix that AWS keeps for itself.
pub(crate) fn is_reserved(key: &str) -> bool {
    key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

fn is_elsewhere(call: &Call) -> bool {
    match call.service() {
        Service::Lambda | Service::ApiGatewayV2 | Service::Sts => true,
        Service::S3 => call.name() != "CreateBucket",
        _ => false,
    }
}

/// Whether an operation tells of tags at most.
fn reads(operation: &str) -> bool {
    ["Describe", "Get", "List", "Search"].iter().any(|start| operation.starts_with(start))
}

/// The keys of tags in a value.
fn look<'v>(
    service: Service,
    label: &str,
    member: &Member,
    value: &'v Value,
    found: &mut Vec<&'v str>,
) {
    let Some(shape) = service.model().shape_of(member) else { return };
    let is_of_tags = names_tags(label) || names_tags(shape.name);
    match (&shape.form, value) {
        (Form::List(item), Value::Array(items)) => {
            // Those that are taken away are named by their keys.
            if is_of_tags {
                found.extend(items.iter().filter_map(Value::as_str));
            }
            for value in items {
                look(service, label, item, value, found);
            }
        }
        // XML writes lists in an element of the item's name, and one item as itself.
        (Form::List(item), Value::Object(given)) => match given.get(item.wire) {
            Some(Value::Array(items)) => {
                items.iter().for_each(|value| look(service, label, item, value, found));
            }
            Some(one) => look(service, label, item, one, found),
            None => look(service, label, item, value, found),
        },
        (Form::Map { .. }, Value::Object(given)) if is_of_tags => {
            found.extend(given.keys().map(String::as_str));
        }
        (Form::Map { value: of, .. }, Value::Object(given)) => {
            given.values().for_each(|value| look(service, "", of, value, found));
        }
        (Form::Structure(members), Value::Object(given)) => {
            if is_of_tags {
                found.extend(key_of_tag(given));
            }
            for member in members.iter() {
                let value = given.get(member.wire).or_else(|| given.get(member.name));
                if let Some(value) = value {
                    look(service, member.name, member, value, found);
                }
            }
        }
        _ => {}
    }
}

/// Whether a name is of tags that a call gives: not of some by which it selects.
fn names_tags(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let ends = ["tag", "tags", "taglist", "tagset", "tagmap", "tagkeys", "tagkeylist"];
    let selects = name.contains("filter") || name.contains("target");
    !selects && ends.iter().any(|end| name.ends_with(end))
}

fn key_of_tag(given: &Map<String, Value>) -> Option<&str> {
    ["Key", "key", "TagKey", "tagKey"].iter().find_map(|name| given.get(*name)?.as_str())
}

/// EC2's sentence is in <https://github.com/jcjorel/ec2-spot-converter/issues/13>, that of
/// REST APIs in <https://github.com/serverless/serverless/issues/9223>; the others have
/// that of KMS and Lambda, with the code that they have for tags or for what is invalid.
fn refusal(service: Service) -> ServiceError {
    let common = "aws: prefixed tag key names are not allowed for external use.";
    let (code, message) = match service.name() {
        "ec2" => {
            ("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
        }
        "apigateway" => (
            "BadRequestException",
            "Invalid tag key. Tag keys cannot start with 'aws:' (case insensitive)",
        ),
        "s3" => ("InvalidTag", "System tags cannot be added/updated by requester"),
        "iam" => ("InvalidInput", common),
        "kms" => ("TagException", common),
        "sns" => ("InvalidParameter", common),
        "sqs" => ("InvalidParameterValue", common),
        "secretsmanager" | "logs" => ("InvalidParameterException", common),
        _ => return ServiceError::validation(service, common),
    };
    ServiceError::new(400, code, message)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::requirements::tests::call;

    const COMMON: &str = "aws: prefixed tag key names are not allowed for external use.";
    const EC2: &str = "Tag keys starting with 'aws:' are reserved for internal use";

    /// Inputs with `KEY` for the key that they tag with.
    #[rstest]
    #[case::iam("iam", "TagRole", json!({"RoleName": "r", "Tags": [{"Key": "KEY", "Value": "1"}]}), "InvalidInput", COMMON)]
    #[case::iam_takes_away("iam", "UntagRole", json!({"RoleName": "r", "TagKeys": ["a", "KEY"]}), "InvalidInput", COMMON)]
    #[case::ec2("ec2", "CreateTags", json!({"ResourceId": ["vpc-1"], "Tag": [{"Key": "KEY", "Value": "1"}]}), "InvalidParameterValue", EC2)]
    #[case::ec2_creates("ec2", "CreateVpc", json!({"TagSpecification": [{"ResourceType": "vpc", "Tag": [{"Key": "KEY", "Value": "1"}]}]}), "InvalidParameterValue", EC2)]
    #[case::ec2_takes_away("ec2", "DeleteTags", json!({"ResourceId": ["vpc-1"], "Tag": [{"Key": "KEY"}]}), "InvalidParameterValue", EC2)]
    #[case::sqs("sqs", "TagQueue", json!({"QueueUrl": "q", "Tags": {"KEY": "1"}}), "InvalidParameterValue", COMMON)]
    #[case::sqs_creates("sqs", "CreateQueue", json!({"QueueName": "q", "tags": {"KEY": "1"}}), "InvalidParameterValue", COMMON)]
    #[case::sns("sns", "TagResource", json!({"ResourceArn": "t", "Tags": [{"Key": "KEY", "Value": "1"}]}), "InvalidParameter", COMMON)]
    #[case::kms("kms", "TagResource", json!({"KeyId": "k", "Tags": [{"TagKey": "KEY", "TagValue": "1"}]}), "TagException", COMMON)]
    #[case::secrets("secretsmanager", "CreateSecret", json!({"Name": "s", "Tags": [{"Key": "KEY", "Value": "1"}]}), "InvalidParameterException", COMMON)]
    #[case::ssm("ssm", "PutParameter", json!({"Name": "p", "Value": "v", "Tags": [{"Key": "KEY", "Value": "1"}]}), "ValidationException", COMMON)]
    #[case::logs("logs", "CreateLogGroup", json!({"logGroupName": "g", "tags": {"KEY": "1"}}), "InvalidParameterException", COMMON)]
    #[case::dynamodb("dynamodb", "TagResource", json!({"ResourceArn": "t", "Tags": [{"Key": "KEY", "Value": "1"}]}), "ValidationException", COMMON)]
    #[case::stacks("cloudformation", "CreateStack", json!({"StackName": "s", "Tags": [{"Key": "KEY", "Value": "1"}]}), "ValidationError", COMMON)]
    #[case::rest_apis("apigateway", "TagResource", json!({"resourceArn": "a", "tags": {"KEY": "1"}}), "BadRequestException", "Invalid tag key. Tag keys cannot start with 'aws:' (case insensitive)")]
    #[case::buckets("s3", "CreateBucket", json!({"Bucket": "b", "CreateBucketConfiguration": {"Tags": [{"Key": "KEY", "Value": "1"}]}}), "InvalidTag", "System tags cannot be added/updated by requester")]
    fn tags_of_aws_are_nobodys_to_set(
        #[case] service: &str,
        #[case] operation: &str,
        #[case] input: Value,
        #[case] code: &str,
        #[case] message: &str,
    ) {
        let service = Service::of(service).unwrap();
        let checked = |key: &str, by: bool| {
            let input = serde_json::from_str(&input.to_string().replace("KEY", key)).unwrap();
            check(&call(service, operation, input), by)
        };
        for key in ["aws:x", "AWS:cloudformation:stack-name", "Aws:"] {
            for by_cloudformation in [false, true] {
                let error = checked(key, by_cloudformation).unwrap_err();
                let told = (error.status, error.code.as_ref(), &*error.message);
                assert_eq!(told, (400, code, message), "{key}");
            }
        }
        for key in ["team", "aws", "awsx:y", "x:aws:", "ä"] {
            assert_eq!(checked(key, false), Ok(()), "{key}");
        }
        // CloudFormation's own are its to set.
        let own = "aws:cloudformation:stack-name";
        assert_eq!(checked(own, false).unwrap_err().code, code);
        assert_eq!(checked(own, true), Ok(()));
    }

    /// What is no tag may begin so.
    #[rstest]
    #[case::a_value("iam", "TagRole", json!({"RoleName": "r", "Tags": [{"Key": "k", "Value": "aws:x"}]}))]
    #[case::a_filter("ec2", "DescribeVpcs", json!({"Filter": [{"Name": "tag:aws:x", "Value": ["1"]}]}))]
    #[case::an_item("dynamodb", "PutItem", json!({"TableName": "t", "Item": {"Tags": {"M": {"aws:x": {"S": "1"}}}}}))]
    #[case::a_search("resourcegroupstaggingapi", "GetResources", json!({"TagFilters": [{"Key": "aws:x", "Values": []}]}))]
    fn what_is_no_tag_may_begin_so(
        #[case] service: &str,
        #[case] operation: &str,
        #[case] input: Value,
    ) {
        let service = Service::of(service).unwrap();
        assert_eq!(check(&call(service, operation, input), false), Ok(()));
    }
}

//! Every operation with more than one name for its target, found by walking the
//! models: refused with both, resolved with the other one.

use std::collections::BTreeSet;

use ringfence_wire::{Call, Operation, Service};
use rstest::rstest;
use serde_json::{Value, json};

use super::exclusive::{low, ruled};
use super::{ec2, named};
use crate::requirements::tests::{Account, call};

/// Pairs of members that name one thing, wherever an operation has both.
const PAIRS: [(Service, &str, &str); 7] = [
    (Service::Ec2, "GroupId", "GroupName"),
    (Service::Ec2, "KeyPairId", "KeyName"),
    (Service::Ec2, "LaunchTemplateId", "LaunchTemplateName"),
    (Service::Ec2, "AllocationId", "PublicIp"),
    (Service::Ec2, "AssociationId", "PublicIp"),
    (Service::Logs, "logGroupIdentifier", "logGroupName"),
    (Service::Logs, "resourceIdentifier", "logGroupName"),
];

/// Lists that several names narrow together, by the API reference: nothing is
/// named twice there.
const FILTERS: [&str; 5] = [
    "DescribeAddresses",
    "DescribeKeyPairs",
    "DescribeLaunchTemplates",
    "DescribePlacementGroups",
    "DescribeSecurityGroups",
];

#[test]
fn every_operation_with_two_names_for_a_target_has_a_rule() {
    for (service, one, other) in PAIRS {
        let ruled: BTreeSet<&str> = ruled(service)
            .filter(|(_, members)| members.contains(&one) && members.contains(&other))
            .map(|(operation, _)| operation)
            .collect();
        let found: BTreeSet<&str> = service
            .model()
            .operations
            .iter()
            .filter(|operation| {
                operation.member(one).is_some() && operation.member(other).is_some()
            })
            .map(|operation| operation.name)
            .filter(|name| !FILTERS.contains(name))
            .collect();
        assert_eq!(ruled, found, "{one} and {other}");
    }
}

#[test]
fn rules_name_operations_and_members_that_there_are() {
    for service in [Service::Ec2, Service::Kms, Service::Logs, Service::Sns] {
        for (operation, members) in ruled(service) {
            let operation = Operation::find(service, operation).unwrap();
            for member in members {
                assert!(operation.member(member).is_some(), "{}: {member}", operation.name);
            }
        }
    }
    for (operation, members) in ec2::resolved() {
        let exclusive = ruled(Service::Ec2)
            .any(|(own, names)| own == operation && members.iter().all(|m| names.contains(m)));
        assert!(exclusive, "{operation}: {members:?}");
    }
}

#[tokio::test]
async fn both_names_at_once_are_refused() {
    for service in [Service::Ec2, Service::Logs] {
        for (operation, members) in ruled(service) {
            let [one, other, ..] = members else { panic!("{operation}: {members:?}") };
            let twice = call(service, operation, json!({*one: "x", *other: "y"}));
            let error = named(&twice, &Account).await.unwrap_err();
            let text = format!(
                "The parameter {} cannot be used with the parameter {}",
                low(one),
                low(other)
            );
            let (code, text) = match (service, *one, *other) {
                (_, "logGroupName", "logGroupIdentifier") => (
                    "ValidationException",
                    "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
                ),
                (_, "logGroupNamePrefix", "logGroupNamePattern") => (
                    "InvalidParameterException",
                    "LogGroup name prefix and LogGroup name pattern are mutually exclusive \
                     parameters.",
                ),
                (Service::Ec2, ..) => ("InvalidParameterCombination", &*text),
                _ => ("InvalidParameterException", &*text),
            };
            assert_eq!((error.status, error.code.as_ref()), (400, code), "{operation}");
            assert_eq!(error.message, text, "{operation}");
        }
    }
}

#[rstest]
#[case(Service::Sns, "Publish", json!({"TopicArn": "x", "PhoneNumber": "y"}), "InvalidParameter")]
#[case(Service::Sns, "Publish", json!({"TopicArn": "x", "TargetArn": "x"}), "InvalidParameter")]
#[case(Service::Kms, "RetireGrant", json!({"GrantId": "x", "GrantToken": "y"}), "ValidationException")]
#[case(Service::Kms, "RetireGrant", json!({"KeyId": "x", "GrantToken": "y"}), "ValidationException")]
#[tokio::test]
async fn alternatives_of_other_services_are_refused(
    #[case] service: Service,
    #[case] operation: &str,
    #[case] input: Value,
    #[case] code: &str,
) {
    let error = named(&call(service, operation, input), &Account).await.unwrap_err();
    assert_eq!((error.status, error.code.as_ref()), (400, code));
}

#[rstest]
#[case(Service::Sns, "Publish", json!({"TopicArn": "x"}))]
#[case(Service::Kms, "RetireGrant", json!({"KeyId": "x", "GrantId": "y"}))]
#[case(Service::Kms, "RetireGrant", json!({"GrantToken": "y"}))]
#[tokio::test]
async fn one_of_the_alternatives_is_taken(
    #[case] service: Service,
    #[case] operation: &str,
    #[case] input: Value,
) {
    assert!(named(&call(service, operation, input), &Account).await.is_ok());
}

const POLICY: &str = "arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:1:\
                      autoScalingGroupName/own:policyName/p";

/// In the fake account, the group `oth` has the policy and the action `theirs`, and
/// every other name is of the group `own`.
#[rstest]
#[case::own("ExecutePolicy", json!({"AutoScalingGroupName": "own", "PolicyName": "p"}), None)]
#[case::by_arn("DeletePolicy", json!({"PolicyName": POLICY}), None)]
#[case::of_another(
    "ExecutePolicy", json!({"AutoScalingGroupName": "own", "PolicyName": "theirs"}),
    Some((400, "ValidationError"))
)]
#[case::deleted_of_another(
    "DeletePolicy", json!({"AutoScalingGroupName": "own", "PolicyName": "theirs"}),
    Some((400, "ValidationError"))
)]
#[case::another_by_arn(
    "DeletePolicy", json!({"AutoScalingGroupName": "oth", "PolicyName": POLICY}),
    Some((400, "ValidationError"))
)]
#[case::without_a_group("ExecutePolicy", json!({"PolicyName": "p"}), Some((400, "ValidationError")))]
#[case::written("PutScalingPolicy", json!({"AutoScalingGroupName": "own", "PolicyName": "p"}), None)]
#[case::written_over(
    "PutScalingPolicy", json!({"AutoScalingGroupName": "own", "PolicyName": "theirs"}),
    Some((501, "NotImplementedException"))
)]
#[case::scheduled_over(
    "PutScheduledUpdateGroupAction",
    json!({"AutoScalingGroupName": "own", "ScheduledActionName": "theirs"}),
    Some((501, "NotImplementedException"))
)]
#[case::several_scheduled(
    "BatchPutScheduledUpdateGroupAction",
    json!({"AutoScalingGroupName": "own", "ScheduledUpdateGroupActions": [
        {"ScheduledActionName": "a"}]}),
    None
)]
#[case::one_of_several_over(
    "BatchPutScheduledUpdateGroupAction",
    json!({"AutoScalingGroupName": "own", "ScheduledUpdateGroupActions": [
        {"ScheduledActionName": "a"}, {"ScheduledActionName": "theirs"}]}),
    Some((501, "NotImplementedException"))
)]
#[tokio::test]
async fn what_is_of_a_group_is_of_the_calls(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] refused: Option<(u16, &str)>,
) {
    let call = call(Service::of("autoscaling").unwrap(), operation, input);
    match (named(&call, &Account).await, refused) {
        (Ok(named), None) => assert_eq!(named.call.text("AutoScalingGroupName"), Some("own")),
        (answer, refused) => {
            let error = answer.unwrap_err();
            assert_eq!(Some((error.status, error.code.as_ref())), refused);
        }
    }
}

/// In the fake account, the bus `o1` has the rule `mine`, `default` and `o2` have
/// `shared`.
#[rstest]
#[case::own("rule/o1/mine", None)]
#[case::of_another("rule/o2/mine", Some((400, "Rule mine does not exist on EventBus o2.")))]
#[case::of_the_default("rule/mine", Some((400, "Rule mine does not exist on EventBus default.")))]
#[case::of_the_default_by_its_name(
    "rule/default/shared", Some((400, "Rule shared does not exist on EventBus default."))
)]
#[case::nobodys("rule/o1/none", Some((400, "Rule none does not exist on EventBus o1.")))]
#[case::of_two_buses(
    "rule/o2/shared",
    Some((501, "the upstream keeps tags by the last part of an ARN, and the bus `default` has a \
                rule `shared` too"))
)]
#[case::a_bus("event-bus/o1", None)]
#[case::a_bus_called_as_a_rule(
    "event-bus/mine",
    Some((501, "the upstream keeps tags by the last part of an ARN, and the bus `o1` has a rule \
                `mine` too"))
)]
#[tokio::test]
async fn tags_are_of_the_rule_that_the_arn_names(
    #[case] resource: &str,
    #[case] refused: Option<(u16, &str)>,
) {
    for operation in ["TagResource", "UntagResource", "ListTagsForResource"] {
        let input =
            json!({"ResourceARN": format!("arn:aws:events:eu-west-1:123456789012:{resource}")});
        let call = call(Service::of("events").unwrap(), operation, input);
        let told = named(&call, &Account).await.err();
        let told = told.as_ref().map(|error| (error.status, error.message.as_ref()));
        let reads = operation == "ListTagsForResource";
        assert_eq!(told, refused.filter(|(status, _)| !reads || *status != 501), "{operation}");
    }
}

async fn input(call: &Call) -> Value {
    let named = named(call, &Account).await.unwrap();
    assert_eq!(named.absent, None);
    Value::Object(named.call.input.clone())
}

#[rstest]
#[case("AuthorizeSecurityGroupIngress", json!({"GroupName": "web"}), json!({"GroupId": "sg-tagged"}))]
#[case("DeleteSecurityGroup", json!({"GroupName": "web"}), json!({"GroupId": "sg-tagged"}))]
#[case("DeleteSecurityGroup", json!({"GroupId": "sg-1"}), json!({"GroupId": "sg-1"}))]
#[case("DeleteKeyPair", json!({"KeyPairId": "key-1"}), json!({"KeyName": "own"}))]
#[case("DeleteKeyPair", json!({"KeyName": "own"}), json!({"KeyName": "own"}))]
#[case(
    "ModifyLaunchTemplate", json!({"LaunchTemplateName": "web"}), json!({"LaunchTemplateId": "lt-1"})
)]
#[case("ReleaseAddress", json!({"PublicIp": "203.0.113.7"}), json!({"AllocationId": "eipalloc-1"}))]
#[case(
    "DisassociateAddress", json!({"PublicIp": "203.0.113.7"}), json!({"AssociationId": "eipassoc-1"})
)]
#[case("ModifyInstancePlacement", json!({"InstanceId": "i-1"}), json!({"InstanceId": "i-1"}))]
#[tokio::test]
async fn the_other_name_is_resolved(
    #[case] operation: &str,
    #[case] given: Value,
    #[case] expected: Value,
) {
    assert_eq!(input(&call(Service::Ec2, operation, given)).await, expected);
}

#[rstest]
#[case("DeleteSecurityGroup", json!({"GroupName": "none"}), "GroupId", "InvalidGroup.NotFound")]
#[case("DeleteKeyPair", json!({"KeyPairId": "key-9"}), "KeyName", "InvalidKeyPair.NotFound")]
#[case("ReleaseAddress", json!({"PublicIp": "192.0.2.1"}), "AllocationId", "InvalidAddress.NotFound")]
#[tokio::test]
async fn a_name_that_nothing_has_is_told_to_whom_it_concerns(
    #[case] operation: &str,
    #[case] given: Value,
    #[case] kept: &str,
    #[case] code: &str,
) {
    let given = call(Service::Ec2, operation, given);
    let named = named(&given, &Account).await.unwrap();
    assert_eq!(named.call.input.get(kept), Some(&json!("*")));
    assert_eq!(named.absent.unwrap().code, code);
}

#[tokio::test]
async fn a_target_without_a_name_is_asked_for() {
    let given = call(Service::Ec2, "DeleteSecurityGroup", json!({}));
    let error = named(&given, &Account).await.unwrap_err();
    assert_eq!(error.code, "MissingParameter");
    assert_eq!(error.message, "The request must contain the parameter groupName or groupId");
}

#[rstest]
#[case::query(
    "Query",
    json!({"TableName": "t", "KeyConditions": {}, "KeyConditionExpression": "k = :k"}),
    "Non-expression parameters: {KeyConditions} Expression parameters: {KeyConditionExpression}"
)]
#[case::batch(
    "BatchGetItem",
    json!({"RequestItems": {"t": {"AttributesToGet": ["a"], "ProjectionExpression": "b"}}}),
    "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"
)]
#[tokio::test]
async fn a_table_is_asked_in_one_way(
    #[case] operation: &str,
    #[case] given: Value,
    #[case] told: &str,
) {
    let error = named(&call(Service::DynamoDb, operation, given), &Account).await.unwrap_err();
    let message = format!(
        "Can not use both expression and non-expression parameters in the same request: {told}"
    );
    assert_eq!((error.code.as_ref(), error.message), ("ValidationException", message));
    let one = json!({"TableName": "t", "KeyConditionExpression": "k = :k"});
    assert_eq!(input(&call(Service::DynamoDb, "Query", one.clone())).await, one);
}

#[rstest]
#[case::name(json!({"Name": "web"}), true)]
#[case::arn(json!({"Arn": "arn:aws:iam::123456789012:instance-profile/web"}), true)]
#[case::both(
    json!({"Name": "web", "Arn": "arn:aws:iam::123456789012:instance-profile/other"}), false
)]
#[tokio::test]
async fn an_instance_profile_is_named_once(#[case] profile: Value, #[case] taken: bool) {
    let input = json!({"InstanceId": "i-1", "IamInstanceProfile": profile});
    let call = call(Service::Ec2, "AssociateIamInstanceProfile", input);
    let told = named(&call, &Account).await.map(|named| named.call.into_owned());
    match taken {
        true => assert_eq!(told.unwrap().input, call.input),
        false => {
            let error = told.unwrap_err();
            let message = "The parameter 'iamInstanceProfile.name' may not be used in combination \
                           with 'iamInstanceProfile.arn'";
            let expected = (400, "InvalidParameterCombination", message);
            assert_eq!((error.status, error.code.as_ref(), &*error.message), expected);
        }
    }
}

const GROUP: &str = "arn:aws:logs:eu-west-1:123456789012:log-group:/g";
const ELSEWHERE: &str = "arn:aws:logs:us-east-1:123456789012:log-group:/g";
const NO_GROUP: Option<&str> = Some("The specified log group does not exist.");
const NOTHING: Option<&str> = Some("The specified resource does not exist.");

#[rstest]
#[case::by_name("FilterLogEvents", json!({"logGroupIdentifier": "/g"}), None)]
#[case::by_arn("FilterLogEvents", json!({"logGroupIdentifier": GROUP}), None)]
#[case::elsewhere("FilterLogEvents", json!({"logGroupIdentifier": ELSEWHERE}), NO_GROUP)]
#[case::of_several("StartQuery", json!({"logGroupIdentifiers": [GROUP, "/h"]}), None)]
#[case::one_elsewhere("StartQuery", json!({"logGroupIdentifiers": [GROUP, ELSEWHERE]}), NO_GROUP)]
#[case::tagged("TagResource", json!({"resourceArn": format!("{GROUP}:*")}), None)]
#[case::tagged_elsewhere("TagResource", json!({"resourceArn": ELSEWHERE}), NO_GROUP)]
#[case::no_group_elsewhere(
    "TagResource",
    json!({"resourceArn": "arn:aws:logs:us-east-1:123456789012:delivery-source:s"}),
    NOTHING
)]
#[case::encrypted_elsewhere("AssociateKmsKey", json!({"resourceIdentifier": ELSEWHERE}), NO_GROUP)]
#[case::a_source_of_another_service(
    "PutDeliverySource", json!({"resourceArn": "arn:aws:cloudfront::123456789012:distribution/d"}), None
)]
#[case::a_list("DescribeLogGroups", json!({"logGroupIdentifiers": [ELSEWHERE]}), None)]
#[tokio::test]
async fn what_logs_is_told_by_an_arn_is_of_the_calls_region(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] absent: Option<&str>,
) {
    let call = call(Service::Logs, operation, input);
    assert_eq!(call.region, "eu-west-1");
    let told = named(&call, &Account).await.unwrap().absent;
    let told = told.map(|error| (error.status, error.code.into_owned(), error.message));
    let absent =
        absent.map(|message| (400, "ResourceNotFoundException".to_owned(), message.to_owned()));
    assert_eq!(told, absent);
}

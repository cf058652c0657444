//! Services without a mapping of their own.

use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::{alice, ask_as, expect};
use crate::requirements::RequirementsError;

fn service(name: &str) -> Service {
    Service::of(name).unwrap()
}

#[rstest]
#[case::a_queue_by_url(
    "sqs",
    "SendMessageBatch",
    json!({"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/q", "Entries": []}),
    &["sqs:SendMessage arn:aws:sqs:eu-west-1:123456789012:q"]
)]
#[case::anothers_queue(
    "sqs",
    "SendMessage",
    json!({"QueueUrl": "http://127.0.0.1:4566/999999999999/q", "MessageBody": "m"}),
    &["sqs:SendMessage arn:aws:sqs:eu-west-1:999999999999:q"]
)]
#[case::anothers_queue_by_name(
    "sqs",
    "GetQueueUrl",
    json!({"QueueName": "q", "QueueOwnerAWSAccountId": "999999999999"}),
    &["sqs:GetQueueUrl arn:aws:sqs:eu-west-1:999999999999:q"]
)]
#[case::tags_on_creation(
    "sqs",
    "CreateQueue",
    json!({"QueueName": "q", "tags": {"team": "a"}}),
    &[
        "sqs:CreateQueue arn:aws:sqs:eu-west-1:123456789012:q aws:requesttag/team=a aws:tagkeys=[team]",
        "sqs:TagQueue arn:aws:sqs:eu-west-1:123456789012:q aws:requesttag/team=a aws:tagkeys=[team]",
    ]
)]
#[case::a_stream_by_name(
    "kinesis",
    "DeleteStream",
    json!({"StreamName": "s"}),
    &["kinesis:DeleteStream arn:aws:kinesis:eu-west-1:123456789012:stream/s"]
)]
#[case::a_repository_of_the_own_registry(
    "ecr",
    "BatchGetImage",
    json!({"registryId": "123456789012", "repositoryName": "r", "imageIds": []}),
    &["ecr:BatchGetImage arn:aws:ecr:eu-west-1:123456789012:repository/r"]
)]
#[case::a_rule_of_a_bus_by_arn(
    "events",
    "PutRule",
    json!({"Name": "r", "EventBusName": "arn:aws:events:eu-west-1:123456789012:event-bus/b"}),
    &["events:PutRule arn:aws:events:eu-west-1:123456789012:rule/b/r \
       events:creatoraccount=123456789012"]
)]
#[case::two_streams_of_one_call(
    "kinesis",
    "DeleteStream",
    json!({"StreamName": "theirs",
           "StreamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/mine"}),
    &[
        "kinesis:DeleteStream arn:aws:kinesis:eu-west-1:123456789012:stream/mine",
        "kinesis:DeleteStream arn:aws:kinesis:eu-west-1:123456789012:stream/theirs",
    ]
)]
#[case::one_call_of_many_actions(
    "sqs",
    "StartMessageMoveTask",
    json!({"SourceArn": "arn:aws:sqs:eu-west-1:123456789012:dead",
           "DestinationArn": "arn:aws:sqs:eu-west-1:123456789012:q"}),
    &[
        "sqs:StartMessageMoveTask arn:aws:sqs:eu-west-1:123456789012:dead",
        "sqs:ReceiveMessage arn:aws:sqs:eu-west-1:123456789012:dead",
        "sqs:DeleteMessage arn:aws:sqs:eu-west-1:123456789012:dead",
        "sqs:GetQueueAttributes arn:aws:sqs:eu-west-1:123456789012:dead",
        "sqs:SendMessage arn:aws:sqs:eu-west-1:123456789012:q",
    ]
)]
#[case::what_is_returned_besides(
    "s3vectors",
    "ListVectors",
    json!({"vectorBucketName": "b", "indexName": "i", "returnData": true}),
    &[
        "s3vectors:ListVectors arn:aws:s3vectors:eu-west-1:123456789012:bucket/b/index/i \
         ?s3vectors:vectorbuckettag/*",
        "s3vectors:GetVectors arn:aws:s3vectors:eu-west-1:123456789012:bucket/b/index/i \
         ?s3vectors:vectorbuckettag/*",
    ]
)]
#[case::nothing_returned_besides(
    "s3vectors",
    "ListVectors",
    json!({"vectorBucketName": "b", "indexName": "i", "returnData": false}),
    &["s3vectors:ListVectors arn:aws:s3vectors:eu-west-1:123456789012:bucket/b/index/i \
       ?s3vectors:vectorbuckettag/*"]
)]
#[case::an_arn_that_only_a_member_has(
    "dms",
    "StartReplicationTask",
    json!({"ReplicationTaskArn": "arn:aws:dms:eu-west-1:123456789012:task:T1"}),
    &["dms:StartReplicationTask arn:aws:dms:eu-west-1:123456789012:task:T1"]
)]
#[case::another_account_of_the_organization(
    "account",
    "ListRegions",
    json!({"AccountId": "999999999999"}),
    &["account:ListRegions arn:aws:account::*:account/o-*/999999999999"]
)]
#[case::the_own_account(
    "account",
    "ListRegions",
    json!({}),
    &["account:ListRegions arn:aws:account::123456789012:account"]
)]
#[case::the_tags_of_a_resource(
    "sqs",
    "DeleteQueue",
    json!({"QueueUrl": "http://127.0.0.1/123456789012/tagged"}),
    &["sqs:DeleteQueue arn:aws:sqs:eu-west-1:123456789012:tagged aws:resourcetag/team=a"]
)]
#[case::the_policy_of_a_resource(
    "sqs",
    "PurgeQueue",
    json!({"QueueUrl": "http://127.0.0.1/123456789012/guarded"}),
    &["sqs:PurgeQueue arn:aws:sqs:eu-west-1:123456789012:guarded ^POLICY"]
)]
#[case::a_topic(
    "sns",
    "Publish",
    json!({"TargetArn": "arn:aws:sns:eu-west-1:123456789012:t", "Message": "m"}),
    &["sns:Publish arn:aws:sns:eu-west-1:123456789012:t"]
)]
#[case::a_telephone("sns", "Publish", json!({"PhoneNumber": "+1", "Message": "m"}), &["sns:Publish *"])]
#[case::a_subscription(
    "sns",
    "Unsubscribe",
    json!({"SubscriptionArn": "arn:aws:sns:eu-west-1:123456789012:t:8c1"}),
    &["sns:Unsubscribe arn:aws:sns:eu-west-1:123456789012:t"]
)]
#[case::what_is_subscribed(
    "sns",
    "Subscribe",
    json!({"TopicArn": "arn:aws:sns:eu-west-1:123456789012:t", "Protocol": "https", "Endpoint": "e"}),
    &["sns:Subscribe arn:aws:sns:eu-west-1:123456789012:t sns:endpoint=e sns:protocol=https"]
)]
#[case::a_role_in_a_map(
    "sns",
    "CreateTopic",
    json!({"Name": "t", "Attributes": {
        "DisplayName": "d", "SQSSuccessFeedbackRoleArn": "arn:aws:iam::123456789012:role/bare"}}),
    &[
        "sns:CreateTopic arn:aws:sns:eu-west-1:123456789012:t",
        "iam:PassRole arn:aws:iam::123456789012:role/bare iam:passedtoservice=sns.amazonaws.com",
    ]
)]
#[case::a_role_as_a_value(
    "sns",
    "SetTopicAttributes",
    json!({"TopicArn": "arn:aws:sns:eu-west-1:123456789012:t",
           "AttributeName": "LambdaFailureFeedbackRoleArn",
           "AttributeValue": "arn:aws:iam::123456789012:role/bare"}),
    &[
        "sns:SetTopicAttributes arn:aws:sns:eu-west-1:123456789012:t",
        "iam:PassRole arn:aws:iam::123456789012:role/bare iam:passedtoservice=sns.amazonaws.com",
    ]
)]
#[case::a_value_that_is_no_role(
    "sns",
    "SetTopicAttributes",
    json!({"TopicArn": "arn:aws:sns:eu-west-1:123456789012:t", "AttributeName": "DisplayName",
           "AttributeValue": "d"}),
    &["sns:SetTopicAttributes arn:aws:sns:eu-west-1:123456789012:t"]
)]
#[case::a_rule_of_the_default_bus(
    "events",
    "DeleteRule",
    json!({"Name": "r", "EventBusName": "default"}),
    &["events:DeleteRule arn:aws:events:eu-west-1:123456789012:rule/r events:creatoraccount=123456789012"]
)]
#[case::a_rule_of_another_bus(
    "events",
    "DeleteRule",
    json!({"Name": "r", "EventBusName": "arn:aws:events:eu-west-1:123456789012:event-bus/b"}),
    &["events:DeleteRule arn:aws:events:eu-west-1:123456789012:rule/b/r events:creatoraccount=123456789012"]
)]
#[case::targets(
    "events",
    "PutTargets",
    json!({"Rule": "r", "Targets": [
        {"Id": "1", "Arn": "arn:aws:sqs:eu-west-1:123456789012:q"},
        {"Id": "2", "Arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/c",
         "RoleArn": "arn:aws:iam::123456789012:role/bare"}]}),
    &[
        "events:PutTargets arn:aws:events:eu-west-1:123456789012:rule/r \
         events:creatoraccount=123456789012 \
         events:targetarn=[arn:aws:sqs:eu-west-1:123456789012:q,arn:aws:ecs:eu-west-1:123456789012:cluster/c]",
        "iam:PassRole arn:aws:iam::123456789012:role/bare iam:passedtoservice=events.amazonaws.com",
    ]
)]
#[case::events_of_several_buses(
    "events",
    "PutEvents",
    json!({"Entries": [
        {"Source": "s", "DetailType": "d", "EventBusName": "b"}, {"Source": "s", "DetailType": "e"}]}),
    &[
        "events:PutEvents arn:aws:events:eu-west-1:123456789012:event-bus/b events:detail-type=d \
         events:source=s ?events:systemmetadata/awsdetailtype ?events:systemmetadata/awssource \
         ?events:systemmetadata/contenttype",
        "events:PutEvents arn:aws:events:eu-west-1:123456789012:event-bus/default events:detail-type=e \
         events:source=s ?events:systemmetadata/awsdetailtype ?events:systemmetadata/awssource \
         ?events:systemmetadata/contenttype",
    ]
)]
#[case::the_path_of_a_request(
    "apigateway",
    "GetDeployment",
    json!({"restApiId": "a1", "deploymentId": "d1"}),
    &["apigateway:GET arn:aws:apigateway:eu-west-1::/restapis/a1/deployments/d1"]
)]
#[case::the_tags_of_a_path(
    "apigateway",
    "GetRestApi",
    json!({"restApiId": "tagged"}),
    &["apigateway:GET arn:aws:apigateway:eu-west-1::/restapis/tagged aws:resourcetag/team=a"]
)]
#[tokio::test]
async fn a_call_needs(
    #[case] name: &str,
    #[case] operation: &str,
    #[case] input: Value,
    #[case] expected: &[&str],
) {
    expect(service(name), operation, input, expected).await;
}

/// Readers take these apart in different ways, or look elsewhere.
#[rstest]
#[case::query("http://h/123456789012/q?x=/123456789012/other")]
#[case::fragment("http://h/123456789012/q#/123456789012/other")]
#[case::encoded("http://h/123456789012/q%2Fother")]
#[case::empty("http://h/123456789012/q/")]
#[case::dots("http://h/123456789012/q/../other")]
#[case::another_region("https://sqs.us-east-1.amazonaws.com/123456789012/q")]
#[case::another_region_in_the_path("http://h/queue/us-east-1/123456789012/q")]
#[tokio::test]
async fn a_url_that_could_be_another_queues_is_refused(#[case] url: &str) {
    let input = json!({"QueueUrl": url});
    let refused = ask_as(&alice(), service("sqs"), "DeleteQueue", input).await.unwrap_err();
    let RequirementsError::Service(error) = refused else { panic!("{refused}") };
    assert_eq!((error.code.as_ref(), error.status), ("InvalidAddress", 400));
    assert_eq!(error.message, format!("The address {url} is not valid for this endpoint."));
}

#[rstest]
#[case::no_arn("t", "`t` is not an ARN")]
#[case::another_region(
    "arn:aws:sns:us-east-1:123456789012:t",
    "`arn:aws:sns:us-east-1:123456789012:t` is of another region than the one that the request goes \
     to"
)]
#[case::another_partition(
    "arn:aws-cn:sns:eu-west-1:123456789012:t",
    "`arn:aws-cn:sns:eu-west-1:123456789012:t` is of another partition"
)]
#[tokio::test]
async fn an_arn_that_is_looked_for_elsewhere_is_refused(#[case] arn: &str, #[case] message: &str) {
    let input = json!({"TopicArn": arn});
    let refused = ask_as(&alice(), service("sns"), "DeleteTopic", input).await.unwrap_err();
    let RequirementsError::Service(error) = refused else { panic!("{refused}") };
    assert_eq!((error.code.as_ref(), error.status), ("ValidationError", 400));
    assert_eq!(error.message, message);
}

#[rstest]
#[case::stated("sqs", "CancelMessageMoveTask", json!({"TaskHandle": "h"}), "the handle of a task hides its queue")]
#[case::another_registry(
    "ecr",
    "BatchGetImage",
    json!({"registryId": "999999999999", "repositoryName": "r", "imageIds": []}),
    "its registryId `999999999999` is another account"
)]
#[case::another_accounts_bus(
    "events",
    "PutRule",
    json!({"Name": "r", "EventBusName": "arn:aws:events:eu-west-1:999999999999:event-bus/b"}),
    "what stands in `arn:aws:events:eu-west-1:999999999999:event-bus/b` is of another account or region"
)]
#[tokio::test]
async fn what_the_input_does_not_tell_is_refused_with_the_reason(
    #[case] name: &'static str,
    #[case] operation: &'static str,
    #[case] input: Value,
    #[case] reason: &str,
) {
    let refused = ask_as(&alice(), service(name), operation, input).await.unwrap_err();
    let reason = reason.to_owned();
    assert_eq!(refused, RequirementsError::Unmapped { service: name, operation, reason });
}

/// A resource has as many parts as the reference says, where names have no slash.
#[rstest]
#[case::one("glue", "DeleteRegistry", json!({"RegistryId": {"RegistryArn": of("glue", "registry/own")}}), true)]
#[case::two("glue", "DeleteRegistry", json!({"RegistryId": {"RegistryArn": of("glue", "registry/own/x")}}), false)]
#[case::a_schemas("glue", "DeleteSchema", json!({"SchemaId": {"SchemaArn": of("glue", "schema/r/s")}}), true)]
#[case::a_pipeline("codepipeline", "TagResource", json!({"resourceArn": of("codepipeline", "own"), "tags": []}), true)]
#[case::two_of_a_pipeline(
    "codepipeline", "TagResource", json!({"resourceArn": of("codepipeline", "own:x"), "tags": []}), false
)]
#[case::a_repository("ecr", "TagResource", json!({"resourceArn": of("ecr", "repository/a/b"), "tags": []}), true)]
#[case::a_version(
    "stepfunctions", "DescribeStateMachine", json!({"stateMachineArn": of("states", "stateMachine:x:1")}), true
)]
#[case::of_three(
    "ecs", "ListTagsForResource", json!({"resourceArn": of("ecs", "service/c/s")}), true
)]
#[case::of_four(
    "ecs", "ListTagsForResource", json!({"resourceArn": of("ecs", "service/c/s/x")}), false
)]
#[tokio::test]
async fn an_arn_has_the_parts_of_its_form(
    #[case] name: &'static str,
    #[case] operation: &str,
    #[case] input: Value,
    #[case] is_decided: bool,
) {
    let answer = ask_as(&alice(), service(name), operation, input).await;
    match answer {
        Ok(_) => assert!(is_decided),
        Err(RequirementsError::Unmapped { reason, .. }) => {
            assert!(!is_decided && reason.contains("has more or other parts"), "{reason}");
        }
        Err(error) => panic!("{error}"),
    }
}

fn of(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:eu-west-1:123456789012:{resource}")
}

/// RDS keeps names in lower case, also those in ARNs, and a name is no ARN in other letters.
#[rstest]
#[case::a_name("DeleteDBInstance", json!({"DBInstanceIdentifier": "Prod"}), Some("db:prod"))]
#[case::an_arn("DeleteDBInstance", json!({"DBInstanceIdentifier": arn_of_rds("db:Prod")}), Some("db:prod"))]
#[case::tags("AddTagsToResource", json!({"ResourceName": arn_of_rds("cluster:Prod")}), Some("cluster:prod"))]
#[case::kept("AddTagsToResource", json!({"ResourceName": arn_of_rds("es:Prod")}), Some("es:Prod"))]
#[case::other_letters(
    "DeleteDBInstance",
    json!({"DBInstanceIdentifier": arn_of_rds("db:prod").replace("arn:", "ARN:")}),
    None
)]
#[tokio::test]
async fn names_of_rds_are_in_lower_case(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] resource: Option<&str>,
) {
    let answer = ask_as(&alice(), service("rds"), operation, input).await;
    match resource {
        Some(resource) => {
            assert_eq!(answer.unwrap().first().unwrap().resource, arn_of_rds(resource));
        }
        None => {
            let RequirementsError::Service(error) = answer.unwrap_err() else { panic!() };
            let message = "`ARN:aws:rds:eu-west-1:123456789012:db:prod` is not an ARN";
            let told = (error.status, error.code.as_ref(), error.message.as_ref());
            assert_eq!(told, (400, "ValidationError", message));
        }
    }
}

fn arn_of_rds(resource: &str) -> String {
    format!("arn:aws:rds:eu-west-1:123456789012:{resource}")
}

/// `ecs:cluster` is an ARN, whatever a call gives.
#[rstest]
#[case::by_name(json!({"cluster": "c"}), "c")]
#[case::by_arn(json!({"cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/c"}), "c")]
#[case::none(json!({}), "default")]
#[tokio::test]
async fn a_key_that_is_an_arn_is_made_of_the_name(#[case] input: Value, #[case] name: &str) {
    let mut call = json!({"services": ["s"]});
    call.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    let required = ask_as(&alice(), service("ecs"), "DescribeServices", call).await.unwrap();
    let context = &required.first().unwrap().context;
    let set = context.get("ecs:cluster").and_then(|values| values.as_slice().first().cloned());
    assert_eq!(set, Some(format!("arn:aws:ecs:eu-west-1:123456789012:cluster/{name}")));
}

/// WAF's ARNs have the scope in words of their own.
#[rstest]
#[case("REGIONAL", "regional")]
#[case("CLOUDFRONT", "global")]
#[tokio::test]
async fn a_scope_of_waf_is_written_as_its_arns_have_it(#[case] scope: &str, #[case] word: &str) {
    let input = json!({"Name": "n", "Id": "i", "Scope": scope});
    let required = ask_as(&alice(), service("wafv2"), "GetRuleGroup", input).await.unwrap();
    let arn = format!("arn:aws:wafv2:eu-west-1:123456789012:{word}/rulegroup/n/i");
    assert_eq!(required.first().unwrap().resource, arn);
}

#[tokio::test]
async fn a_label_that_could_be_two_is_refused() {
    let input = json!({"restApiId": "a1/stages"});
    let refused = ask_as(&alice(), service("apigateway"), "GetRestApi", input).await.unwrap_err();
    let RequirementsError::Service(error) = refused else { panic!("{refused}") };
    assert_eq!(error.message, "the member `restApiId` is `a1/stages`, which no path can hold");
}

/// In XML a list is in an element of the item's name.
#[rstest]
#[case::plain(json!({"Change": [{"Action": "UPSERT", "ResourceRecordSet":
    {"Name": "App.Example.COM.", "Type": "A"}}]}), "UPSERT", "A", "app.example.com")]
#[case::one(json!({"Change": {"Action": "DELETE", "ResourceRecordSet":
    {"Name": "*.example.com", "Type": "TXT"}}}), "DELETE", "TXT", r"\052.example.com")]
#[case::two(json!({"Change": [
    {"Action": "CREATE", "ResourceRecordSet": {"Name": "a.example.com", "Type": "A"}},
    {"Action": "CREATE", "ResourceRecordSet": {"Name": r"b\052.example.com", "Type": "AAAA"}}]}),
    "CREATE", "A,AAAA", r"a.example.com,b\052.example.com")]
#[tokio::test]
async fn changes_of_records_are_told_in_their_normal_form(
    #[case] changes: Value,
    #[case] actions: &str,
    #[case] types: &str,
    #[case] names: &str,
) {
    let input = json!({"HostedZoneId": "Z1", "ChangeBatch": {"Changes": changes}});
    let asked = ask_as(&alice(), service("route53"), "ChangeResourceRecordSets", input).await;
    let asked = asked.unwrap();
    let told = |key: &str| {
        let key = format!("route53:ChangeResourceRecordSets{key}");
        asked[0].context.get(&key).map(|values| values.as_slice().join(","))
    };
    assert_eq!(told("Actions").as_deref(), Some(actions));
    assert_eq!(told("RecordTypes").as_deref(), Some(types));
    assert_eq!(told("NormalizedRecordNames").as_deref(), Some(names));
}

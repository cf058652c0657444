//! Types that are data: which calls are made as whoever deploys, and what is
//! left when one is refused.

use rstest::rstest;
use serde_json::json;

use super::World;

const QUEUE: &str = r#"{"Resources": {
    "Q": {"Type": "AWS::SQS::Queue", "Properties": {
        "FifoQueue": true, "DelaySeconds": "5", "RedrivePolicy": {"maxReceiveCount": 3},
        "Tags": [{"Key": "a", "Value": "b"}]}},
    "P": {"Type": "AWS::SQS::QueuePolicy", "Properties": {
        "Queues": [{"Ref": "Q"}], "PolicyDocument": {"Statement": []}}}},
  "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Q", "Arn"]}}, "Url": {"Value": {"Ref": "Q"}}}}"#;

#[tokio::test]
async fn a_queue_is_made_read_back_changed_and_deleted_by_the_calls_of_its_description() {
    let world = World::new().await;
    assert_eq!(world.create("s", QUEUE).await.1, "CREATE_COMPLETE");
    let calls = world.fake.calls_with_input();
    let names: Vec<&str> = calls.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["CreateQueue", "GetQueueAttributes", "SetQueueAttributes"]);
    let input = &calls[0].1;
    let name = input["QueueName"].as_str().unwrap();
    assert!(name.starts_with("s-Q-") && name.ends_with(".fifo"), "{name}");
    assert_eq!(
        input["Attributes"],
        json!({"DelaySeconds": "5", "FifoQueue": "true", "RedrivePolicy": "{\"maxReceiveCount\":3}"})
    );
    assert_eq!(input["tags"], json!({"a": "b"}));
    let url = format!("https://sqs.eu-west-1.amazonaws.com/123456789012/{name}");
    assert_eq!(calls[2].1["QueueUrl"], url);
    assert_eq!(calls[2].1["Attributes"], json!({"Policy": "{\"Statement\":[]}"}));
    let stack = world.call("DescribeStacks", json!({"StackName": "s"})).await.unwrap();
    let outputs = stack["Stacks"][0]["Outputs"].as_array().unwrap();
    let output = |key: &str| {
        outputs.iter().find(|it| it["OutputKey"] == key).unwrap()["OutputValue"].clone()
    };
    assert_eq!(output("Arn"), format!("arn:aws:sqs:eu-west-1:123456789012:{name}"));
    assert_eq!(output("Url"), url);

    let changed = QUEUE.replace("\"5\"", "7").replace("\"b\"", "\"c\"");
    assert_eq!(world.update("s", &changed).await, "UPDATE_COMPLETE");
    let calls = world.fake.calls_with_input();
    let names: Vec<&str> = calls.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["SetQueueAttributes", "TagQueue", "GetQueueAttributes"]);
    assert_eq!(calls[0].1["Attributes"]["DelaySeconds"], "7");
    assert_eq!(calls[1].1["Tags"], json!({"a": "c"}));

    world.call("DeleteStack", json!({"StackName": "s"})).await.unwrap();
    world.fake.settled("DeleteQueue").await;
    assert_eq!(world.fake.calls(), ["SetQueueAttributes", "DeleteQueue"]);
}

/// Nothing is made that the caller may not, and what was made before goes again.
#[rstest]
#[case("CreateQueue", &[])]
#[case("GetQueueAttributes", &["DeleteQueue"])]
#[case("SetQueueAttributes", &["DeleteQueue"])]
#[tokio::test]
async fn each_call_that_is_refused_fails_the_stack_by_its_name(
    #[case] denied: &str,
    #[case] undone: &[&str],
) {
    let world = World::new().await;
    world.fake.deny(denied);
    let (id, status) = world.create("s", QUEUE).await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    let events = world.events(&id).await;
    let refusal = format!("is not authorized to perform: sqs:{denied} on resource");
    let failed = |line: &&String| line.contains("CREATE_FAILED") && line.contains(&refusal);
    let failed = events.iter().find(failed).unwrap_or_else(|| panic!("{events:#?}"));
    assert!(failed.ends_with("HandlerErrorCode: AccessDenied)"), "{failed}");
    let calls = world.fake.calls();
    let deleted: Vec<&String> = calls.iter().filter(|name| name.starts_with("Delete")).collect();
    assert_eq!(deleted, undone);
}

#[tokio::test]
async fn what_a_rule_describes_is_made_and_deleted_too() {
    let world = World::new().await;
    let template = r#"{"Resources": {"A": {"Type": "AWS::KMS::Alias", "Properties": {
        "AliasName": "alias/a", "TargetKeyId": "k"}}},
      "Outputs": {"Name": {"Value": {"Ref": "A"}}}}"#;
    assert_eq!(world.create("s", template).await.1, "CREATE_COMPLETE");
    let (name, input) = world.fake.calls_with_input().remove(0);
    assert_eq!(name, "CreateAlias");
    assert_eq!(input, json!({"AliasName": "alias/a", "TargetKeyId": "k"}));
    let changed = template.replace("\"k\"", "\"l\"");
    assert_eq!(world.update("s", &changed).await, "UPDATE_COMPLETE");
    assert_eq!(world.fake.calls(), ["UpdateAlias"]);
    world.call("DeleteStack", json!({"StackName": "s"})).await.unwrap();
    world.fake.settled("DeleteAlias").await;
}

/// A description stands in the range that the rule has, and in no other.
#[tokio::test]
async fn a_rule_of_a_security_group_is_made_with_its_description() {
    let world = World::new().await;
    let template = r#"{"Resources": {"R": {"Type": "AWS::EC2::SecurityGroupEgress", "Properties": {
        "GroupId": "sg-1", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
        "DestinationSecurityGroupId": "sg-2", "Description": "d"}}}}"#;
    assert_eq!(world.create("s", template).await.1, "CREATE_COMPLETE");
    let (name, input) = world.fake.calls_with_input().remove(0);
    assert_eq!(name, "AuthorizeSecurityGroupEgress");
    let groups = &input["IpPermissions"][0]["Groups"];
    assert_eq!(*groups, json!([{"GroupId": "sg-2", "Description": "d"}]));
    assert_eq!(input["IpPermissions"][0].get("IpRanges"), None, "{input}");
}

/// A policy that names its target alone scales what that does.
#[tokio::test]
async fn a_scaling_policy_is_made_and_deleted_by_its_targets_id() {
    let world = World::new().await;
    let template = r#"{"Resources": {"P": {"Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {"PolicyName": "p", "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": "service/c/s|ecs:service:DesiredCount|ecs"}}}}"#;
    assert_eq!(world.create("s", template).await.1, "CREATE_COMPLETE");
    let (name, input) = world.fake.calls_with_input().remove(0);
    assert_eq!(name, "PutScalingPolicy");
    let expected = json!({
        "PolicyName": "p", "PolicyType": "TargetTrackingScaling", "ResourceId": "service/c/s",
        "ScalableDimension": "ecs:service:DesiredCount", "ServiceNamespace": "ecs",
    });
    assert_eq!(input, expected);
    world.call("DeleteStack", json!({"StackName": "s"})).await.unwrap();
    world.fake.settled("DeleteScalingPolicy").await;
    let calls = world.fake.calls_with_input();
    let deleted = calls.iter().find(|(name, _)| name == "DeleteScalingPolicy").unwrap();
    assert_eq!(deleted.1["ResourceId"], "service/c/s");
}

#[tokio::test]
async fn a_group_of_a_stacks_resources_is_that_of_its_own() {
    let world = World::new().await;
    let template = r#"{"Resources": {"G": {"Type": "AWS::ResourceGroups::Group", "Properties": {
        "Name": "g", "ResourceQuery": {"Type": "CLOUDFORMATION_STACK_1_0"}}}}}"#;
    let (id, status) = world.create("s", template).await;
    assert_eq!(status, "CREATE_COMPLETE", "{:?}", world.events(&id).await);
    let calls = world.fake.calls_with_input();
    let made = calls.iter().find(|(name, _)| name == "CreateGroup").unwrap();
    let query = made.1["ResourceQuery"]["Query"].as_str().unwrap();
    let query: serde_json::Value = serde_json::from_str(query).unwrap();
    assert_eq!(query["StackIdentifier"], *id);
}

/// What is numbered by revision is named by its ARN, as AWS's pages say, and a family
/// that no template names is made up.
#[tokio::test]
async fn definitions_of_jobs_and_tasks_are_referred_to_by_their_arns() {
    let world = World::new().await;
    let template = r#"{"Resources": {
        "J": {"Type": "AWS::Batch::JobDefinition", "Properties": {"Type": "container"}},
        "T": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": []}}},
      "Outputs": {"J": {"Value": {"Ref": "J"}}, "T": {"Value": {"Ref": "T"}}}}"#;
    assert_eq!(world.create("s", template).await.1, "CREATE_COMPLETE");
    let calls = world.fake.calls_with_input();
    let made = calls.iter().find(|(name, _)| name == "RegisterTaskDefinition").unwrap();
    let family = made.1["family"].as_str().unwrap();
    assert!(family.starts_with("s-T-"), "{family}");
    let stack = world.call("DescribeStacks", json!({"StackName": "s"})).await.unwrap();
    let outputs = stack["Stacks"][0]["Outputs"].as_array().unwrap();
    let output = |key: &str| outputs.iter().find(|it| it["OutputKey"] == key).unwrap();
    assert_eq!(output("J")["OutputValue"], "arn:aws:batch:j:1");
    assert_eq!(output("T")["OutputValue"], "arn:aws:ecs:t:1");
}

#[rstest]
#[case(json!({"Nope": 1}), "#: extraneous key [Nope] is not permitted")]
#[case(json!({"DelaySeconds": "x"}), "#/DelaySeconds: expected type: Integer, found: String")]
#[case(json!({"Tags": [{"Key": "a"}]}), "#/Tags/0: required key [Value] not found")]
#[tokio::test]
async fn properties_are_checked_by_the_schema(
    #[case] properties: serde_json::Value,
    #[case] told: &str,
) {
    let world = World::new().await;
    let template =
        json!({"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": properties}}});
    let (id, status) = world.create("s", &template.to_string()).await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    let events = world.events(&id).await.join("\n");
    assert!(events.contains(told), "{events}");
    assert!(world.fake.calls().is_empty());
}

#[tokio::test]
async fn a_property_without_a_place_is_refused_by_name() {
    let world = World::new().await;
    let template = json!({"Resources": {"T": {"Type": "AWS::SNS::Topic",
        "Properties": {"DeliveryStatusLogging": []}}}});
    let (id, _) = world.create("s", &template.to_string()).await;
    let events = world.events(&id).await.join("\n");
    let told =
        "#: the property [DeliveryStatusLogging] is not supported by Ringfence's CloudFormation";
    assert!(events.contains(told), "{events}");
    assert!(world.fake.calls().is_empty());
}

/// The definition of a state machine is worked out first, as whoever deploys.
#[tokio::test]
async fn a_definition_in_s3_is_read_and_its_names_are_replaced() {
    let world = World::new().await;
    world.fake.object("d.json", r#"{"StartAt": "${First}"}"#);
    let template = json!({"Resources": {"M": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {
        "RoleArn": "arn:aws:iam::123456789012:role/r",
        "DefinitionS3Location": {"Bucket": "bucket", "Key": "d.json"},
        "DefinitionSubstitutions": {"First": "One"}}}}});
    assert_eq!(world.create("s", &template.to_string()).await.1, "CREATE_COMPLETE");
    let calls = world.fake.calls_with_input();
    let names: Vec<&str> = calls.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["GetObject", "CreateStateMachine", "DescribeStateMachine"]);
    assert_eq!(calls[1].1["definition"], r#"{"StartAt": "One"}"#);
    assert_eq!(calls[1].1["roleArn"], "arn:aws:iam::123456789012:role/r");
}

#[tokio::test]
async fn a_tables_changes_go_to_a_kinesis_stream() {
    let world = World::new().await;
    let template = r#"{"Resources": {"T": {"Type": "AWS::DynamoDB::Table", "Properties": {
        "TableName": "t", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "KinesisStreamSpecification": {"StreamArn": "arn:aws:kinesis:eu-west-1:123456789012:stream/s"}}}}}"#;
    assert_eq!(world.create("s", template).await.1, "CREATE_COMPLETE");
    let calls = world.fake.calls_with_input();
    let enabled = calls.iter().find(|(name, _)| name == "EnableKinesisStreamingDestination");
    let stream = "arn:aws:kinesis:eu-west-1:123456789012:stream/s";
    assert_eq!(enabled.unwrap().1, json!({"TableName": "t", "StreamArn": stream}));
    assert_eq!(
        world.update("s", &template.replace("stream/s", "stream/o")).await,
        "UPDATE_COMPLETE"
    );
    let calls = world.fake.calls();
    let about: Vec<&String> = calls.iter().filter(|name| name.contains("StreamingDest")).collect();
    assert_eq!(
        about,
        [
            "DisableKinesisStreamingDestination",
            "EnableKinesisStreamingDestination",
            "DescribeKinesisStreamingDestination",
        ]
    );
}

/// moto asks for the member, and rules of IoT have no dash in their names.
#[tokio::test]
async fn what_an_upstream_asks_for_is_given() {
    let world = World::new().await;
    let template = r#"{"Resources": {
      "M": {"Type": "AWS::ApiGateway::Method", "Properties": {
        "RestApiId": "a", "ResourceId": "r", "HttpMethod": "GET",
        "Integration": {"Type": "MOCK", "IntegrationResponses": [{"StatusCode": "200"}]}}},
      "R": {"Type": "AWS::IoT::TopicRule", "Properties": {
        "TopicRulePayload": {"Sql": "SELECT 1", "Actions": []}}}}}"#;
    world.create("my-stack", template).await;
    let calls = world.fake.calls_with_input();
    let input = |name: &str| &calls.iter().find(|(call, _)| call == name).unwrap().1;
    assert_eq!(input("PutIntegrationResponse")["responseTemplates"], json!({}));
    let rule = input("CreateTopicRule")["ruleName"].as_str().unwrap();
    assert!(rule.starts_with("my_stack_R_") && !rule.contains('-'), "{rule}");
}

/// The settings of a bucket in AWS's words, and where its logs go without another.
#[tokio::test]
async fn a_buckets_acl_and_logs_are_set() {
    let world = World::new().await;
    let template = r#"{"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {
        "BucketName": "logged", "AccessControl": "LogDeliveryWrite",
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
        "LoggingConfiguration": {"LogFilePrefix": "p/"}}}}}"#;
    assert_eq!(world.create("s", template).await.1, "CREATE_COMPLETE");
    let calls = world.fake.calls_with_input();
    let input = |name: &str| &calls.iter().find(|(call, _)| call == name).unwrap().1;
    assert_eq!(input("PutBucketAcl")["ACL"], "log-delivery-write");
    assert_eq!(
        input("PutBucketLogging")["BucketLoggingStatus"],
        json!({"LoggingEnabled": {"TargetBucket": "logged", "TargetPrefix": "p/"}})
    );
    let bare = r#"{"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {
        "BucketName": "logged"}}}}"#;
    assert_eq!(world.update("s", bare).await, "UPDATE_COMPLETE");
    let calls = world.fake.calls_with_input();
    let input = |name: &str| &calls.iter().find(|(call, _)| call == name).unwrap().1;
    assert_eq!(input("PutBucketAcl")["ACL"], "private");
    assert!(calls.iter().any(|(name, _)| name == "PutBucketLogging"));
}

/// A bucket without lists is made with the one that it says, which S3 refuses where
/// it is another than the owner's; the owner's is none to set.
#[rstest::rstest]
#[case::of_everybody("PublicRead", "", Some("public-read"))]
#[case::said_so(
    "LogDeliveryWrite",
    r#","OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}"#,
    Some("log-delivery-write")
)]
#[case::private("Private", "", None)]
#[tokio::test]
async fn a_bucket_without_lists_is_made_with_its_acl(
    #[case] list: &str,
    #[case] more: &str,
    #[case] sent: Option<&str>,
) {
    let world = World::new().await;
    let template = format!(
        r#"{{"Resources": {{"B": {{"Type": "AWS::S3::Bucket", "Properties": {{
        "BucketName": "listed", "AccessControl": "{list}"{more}}}}}}}}}"#
    );
    world.create("s", &template).await;
    let calls = world.fake.calls_with_input();
    let input = |name: &str| calls.iter().find(|(call, _)| call == name).map(|(_, input)| input);
    assert_eq!(input("CreateBucket").unwrap().get("ACL").and_then(|acl| acl.as_str()), sent);
    assert_eq!(input("PutBucketAcl").is_some(), sent.is_some());
    if sent.is_none() {
        let bare = r#"{"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {
            "BucketName": "listed", "Tags": [{"Key": "k", "Value": "v"}]}}}}"#;
        assert_eq!(world.update("s", bare).await, "UPDATE_COMPLETE");
        let calls = world.fake.calls_with_input();
        assert!(calls.iter().all(|(name, _)| name != "PutBucketAcl"));
    }
}

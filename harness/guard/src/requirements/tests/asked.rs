//! Calls that do not tell what they act upon: the service is asked.

use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::{alice, ask_as, expect};
use crate::requirements::RequirementsError;

fn service(name: &str) -> Service {
    Service::of(name).unwrap()
}

#[rstest]
#[case::the_workgroup_of_a_query(
    "athena",
    "GetQueryResults",
    json!({"QueryExecutionId": "q"}),
    &["athena:GetQueryResults arn:aws:athena:eu-west-1:123456789012:workgroup/told-q"]
)]
#[case::of_each_query(
    "athena",
    "BatchGetQueryExecution",
    json!({"QueryExecutionIds": ["q", "r", "missing"]}),
    &[
        "athena:BatchGetQueryExecution arn:aws:athena:eu-west-1:123456789012:workgroup/told-q",
        "athena:BatchGetQueryExecution arn:aws:athena:eu-west-1:123456789012:workgroup/told-r",
        "athena:BatchGetQueryExecution arn:aws:athena:eu-west-1:123456789012:workgroup/*",
    ]
)]
#[case::a_consumer_by_its_name(
    "kinesis",
    "DeregisterStreamConsumer",
    json!({"StreamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/s", "ConsumerName": "c"}),
    &["kinesis:DeregisterStreamConsumer \
       arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:1700000000"]
)]
#[case::a_consumer_by_its_arn(
    "kinesis",
    "DescribeStreamConsumer",
    json!({"ConsumerARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:17"}),
    &["kinesis:DescribeStreamConsumer \
       arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:17"]
)]
// Decided on both: the upstream may act upon either.
#[case::a_consumer_by_both(
    "kinesis",
    "DeregisterStreamConsumer",
    json!({"ConsumerARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/mine:17",
           "StreamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/s",
           "ConsumerName": "theirs"}),
    &[
        "kinesis:DeregisterStreamConsumer \
         arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/mine:17",
        "kinesis:DeregisterStreamConsumer \
         arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/theirs:1700000000",
    ]
)]
// What is not there, or not yet: no id is known.
#[case::a_consumer_that_is_not_there(
    "kinesis",
    "DeregisterStreamConsumer",
    json!({"StreamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/s",
           "ConsumerName": "missing"}),
    &["kinesis:DeregisterStreamConsumer \
       arn:aws:kinesis:eu-west-1:123456789012:*/*/consumer/missing:*"]
)]
#[case::a_rule_that_is_new(
    "config",
    "PutConfigRule",
    json!({"ConfigRule": {"ConfigRuleName": "missing"}}),
    &["config:PutConfigRule arn:aws:config:eu-west-1:123456789012:config-rule/*"]
)]
#[case::a_rule_by_its_id(
    "config",
    "PutConfigRule",
    json!({"ConfigRule": {"ConfigRuleId": "config-rule-1"}}),
    &["config:PutConfigRule arn:aws:config:eu-west-1:123456789012:config-rule/config-rule-1"]
)]
#[case::each_rule(
    "config",
    "StartConfigRulesEvaluation",
    json!({}),
    &["config:StartConfigRulesEvaluation arn:aws:config:eu-west-1:123456789012:config-rule/*"]
)]
#[case::a_node_group_that_is_not_there(
    "eks",
    "DescribeNodegroup",
    json!({"clusterName": "missing", "nodegroupName": "n"}),
    &["eks:DescribeNodegroup arn:aws:eks:eu-west-1:123456789012:nodegroup/missing/n/*"]
)]
#[case::of_the_organization(
    "organizations",
    "MoveAccount",
    json!({"AccountId": "222222222222", "SourceParentId": "r-1", "DestinationParentId": "ou-1-2"}),
    &[
        "organizations:MoveAccount arn:aws:organizations::111111111111:account/o-abc/222222222222",
        "organizations:MoveAccount arn:aws:organizations::111111111111:ou/o-abc/ou-1-2",
        "organizations:MoveAccount arn:aws:organizations::111111111111:root/o-abc/r-1",
    ]
)]
#[case::one_type_of_several(
    "organizations",
    "UntagResource",
    json!({"ResourceId": "ou-1-2", "TagKeys": ["team"]}),
    &["organizations:UntagResource arn:aws:organizations::111111111111:ou/o-abc/ou-1-2 \
       aws:tagkeys=[team] ?organizations:policytype"]
)]
#[case::a_type_in_lower_case(
    "organizations",
    "CreatePolicy",
    json!({"Type": "SERVICE_CONTROL_POLICY", "Name": "n", "Content": "{}"}),
    &["organizations:CreatePolicy arn:aws:organizations::111111111111:policy/o-abc/\
       service_control_policy/p-* organizations:policytype=SERVICE_CONTROL_POLICY"]
)]
#[case::by_an_id_or_an_arn(
    "efs",
    "ListTagsForResource",
    json!({"ResourceId": "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-1"}),
    &["elasticfilesystem:ListTagsForResource \
       arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-1"]
)]
// What the reference lists as possible, wherever it stands.
#[case::an_arn_of_a_possible_type(
    "devicefarm",
    "ScheduleRun",
    json!({"projectArn": "arn:aws:devicefarm:eu-west-1:123456789012:project:p",
        "test": {"testPackageArn": "arn:aws:devicefarm:eu-west-1:123456789012:upload:p/u"}}),
    &[
        "devicefarm:ScheduleRun arn:aws:devicefarm:eu-west-1:123456789012:project:p",
        "devicefarm:ScheduleRun arn:aws:devicefarm:eu-west-1:123456789012:upload:p/u",
    ]
)]
// Which node group is updated is asked where one is named alone.
#[case::what_is_not_named_is_not_asked(
    "eks",
    "ListUpdates",
    json!({"name": "c"}),
    &["eks:ListUpdates arn:aws:eks:eu-west-1:123456789012:cluster/c"]
)]
// So does what is called as its id is.
#[case::a_possible_type_further_down(
    "connect",
    "CreateQuickConnect",
    json!({"InstanceId": "i", "Name": "n", "QuickConnectConfig": {"QuickConnectType": "QUEUE",
        "QueueConfig": {"QueueId": "q", "ContactFlowId": "f"}}}),
    &[
        "connect:CreateQuickConnect arn:aws:connect:eu-west-1:123456789012:instance/i/contact-flow/f \
         connect:instanceid=i",
        "connect:CreateQuickConnect arn:aws:connect:eu-west-1:123456789012:instance/i/queue/q \
         connect:instanceid=i",
        "connect:CreateQuickConnect \
         arn:aws:connect:eu-west-1:123456789012:instance/i/transfer-destination/* \
         connect:instanceid=i",
    ]
)]
// An address is an identity, or its domain is.
#[case::mail_from_an_address(
    "sesv2",
    "SendEmail",
    json!({"FromEmailAddress": "told <told@example.com>", "Content": {"Template": {"TemplateName": "t"}}}),
    &[
        "ses:SendEmail arn:aws:ses:eu-west-1:123456789012:identity/told@example.com \
         ?ses:apiversion ?ses:feedbackaddress ?ses:fromaddress ?ses:fromdisplayname \
         ?ses:multiregionendpointid ?ses:recipients ?ses:tenantname",
        "ses:SendEmail arn:aws:ses:eu-west-1:123456789012:template/t \
         ?ses:apiversion ?ses:feedbackaddress ?ses:fromaddress ?ses:fromdisplayname \
         ?ses:multiregionendpointid ?ses:recipients ?ses:tenantname",
    ]
)]
#[case::mail_from_a_domain(
    "ses",
    "SendEmail",
    json!({"Source": "missing@Example.com", "Destination": {}, "Message": {}}),
    &[
        "ses:SendEmail arn:aws:ses:eu-west-1:123456789012:identity/example.com \
         ?ses:apiversion ?ses:feedbackaddress ?ses:fromaddress ?ses:fromdisplayname \
         ?ses:multiregionendpointid ?ses:recipients ?ses:tenantname",
    ]
)]
// The latest revision of a family, and the roles of what is run.
#[case::a_task_by_its_family(
    "ecs",
    "RunTask",
    json!({"cluster": "c", "taskDefinition": "f"}),
    &[
        "ecs:RunTask arn:aws:ecs:eu-west-1:123456789012:task-definition/f:7 \
         ecs:cluster=arn:aws:ecs:eu-west-1:123456789012:cluster/c ?ecs:capacity-provider \
         ?ecs:enable-ebs-volumes ?ecs:enable-execute-command ?ecs:task-cpu ?ecs:task-memory",
        "iam:PassRole arn:aws:iam::123456789012:role/task iam:passedtoservice=ecs-tasks.amazonaws.com",
    ]
)]
#[case::a_task_by_its_revision(
    "ecs",
    "RunTask",
    json!({"cluster": "c", "taskDefinition": "f:2"}),
    &[
        "ecs:RunTask arn:aws:ecs:eu-west-1:123456789012:task-definition/f:2 \
         ecs:cluster=arn:aws:ecs:eu-west-1:123456789012:cluster/c ?ecs:capacity-provider \
         ?ecs:enable-ebs-volumes ?ecs:enable-execute-command ?ecs:task-cpu ?ecs:task-memory",
        "iam:PassRole arn:aws:iam::123456789012:role/task iam:passedtoservice=ecs-tasks.amazonaws.com",
    ]
)]
#[case::a_task_with_another_role(
    "ecs",
    "RunTask",
    json!({"cluster": "c", "taskDefinition": "f:2",
        "overrides": {"taskRoleArn": "arn:aws:iam::123456789012:role/other"}}),
    &[
        "ecs:RunTask arn:aws:ecs:eu-west-1:123456789012:task-definition/f:2 \
         ecs:cluster=arn:aws:ecs:eu-west-1:123456789012:cluster/c ?ecs:capacity-provider \
         ?ecs:enable-ebs-volumes ?ecs:enable-execute-command ?ecs:task-cpu ?ecs:task-memory",
        "iam:PassRole arn:aws:iam::123456789012:role/other iam:passedtoservice=ecs-tasks.amazonaws.com",
    ]
)]
#[case::a_role_in_the_text_of_a_request(
    "batch",
    "SubmitServiceJob",
    json!({"jobName": "j", "jobQueue": "q", "serviceJobType": "SAGEMAKER_TRAINING",
        "serviceRequestPayload": r#"{"RoleArn": "arn:aws:iam::123456789012:role/train"}"#}),
    &[
        "batch:SubmitServiceJob arn:aws:batch:eu-west-1:123456789012:job-queue/q \
         ?batch:schedulingpriority",
        "batch:SubmitServiceJob arn:aws:batch:eu-west-1:123456789012:service-job/* \
         ?batch:schedulingpriority ?batch:shareidentifier",
        "iam:PassRole arn:aws:iam::123456789012:role/train iam:passedtoservice=sagemaker.amazonaws.com",
    ]
)]
#[case::a_role_in_a_configuration(
    "osis",
    "ValidatePipeline",
    json!({"PipelineConfigurationBody":
        "version: '2'\np:\n  sink:\n  - s3:\n      aws:\n        sts_role_arn: \"arn:aws:iam::123456789012:role\\x2fsink\"\n"}),
    &[
        "osis:ValidatePipeline *",
        "iam:PassRole arn:aws:iam::123456789012:role/sink iam:passedtoservice=osis-pipelines.amazonaws.com",
    ]
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

#[rstest]
#[case::untold("athena", "GetQueryResults", json!({"QueryExecutionId": "untold"}), "WHY")]
#[case::a_family_of_which_nobody_tells("ecs", "RunTask", json!({"taskDefinition": "untold"}), "WHY")]
#[case::an_address_of_which_nobody_tells(
    "ses", "SendEmail", json!({"Source": "untold@example.com"}), "WHY"
)]
#[case::an_address_of_several_readings(
    "ses",
    "SendEmail",
    json!({"Source": "b@other.com <a@example.com>"}),
    "the address `b@other.com <a@example.com>` is not a plain one"
)]
#[case::a_configuration_that_is_none(
    "osis",
    "ValidatePipeline",
    json!({"PipelineConfigurationBody": "a: ["}),
    "its configuration is neither JSON nor YAML"
)]
#[case::no_name(
    "athena",
    "GetQueryResults",
    json!({}),
    "the call does not say which workgroup it is about"
)]
#[case::too_many(
    "athena",
    "BatchGetQueryExecution",
    json!({"QueryExecutionIds": vec!["q"; 101]}),
    "it names more than 100 resources"
)]
#[tokio::test]
async fn what_nobody_tells_is_refused_with_the_reason(
    #[case] name: &'static str,
    #[case] operation: &'static str,
    #[case] input: Value,
    #[case] reason: &str,
) {
    let refused = ask_as(&alice(), service(name), operation, input).await.unwrap_err();
    let reason = reason.to_owned();
    assert_eq!(refused, RequirementsError::Unmapped { service: name, operation, reason });
}

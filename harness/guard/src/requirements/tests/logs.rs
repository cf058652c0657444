//! CloudWatch Logs.

use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::expect;

#[rstest]
#[case::create_group("CreateLogGroup", json!({"logGroupName": "/aws/lambda/fn"}),
    &["logs:CreateLogGroup \
       arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/fn:log-stream:"])]
#[case::create_group_with_tags("CreateLogGroup", json!({"logGroupName": "g", "tags": {"k": "v"}}),
    &[
        "logs:CreateLogGroup arn:aws:logs:eu-west-1:123456789012:log-group:g:log-stream: \
         aws:requesttag/k=v aws:tagkeys=[k]",
        "logs:TagResource arn:aws:logs:eu-west-1:123456789012:log-group:g \
         aws:requesttag/k=v aws:tagkeys=[k]",
    ])]
#[case::put_events(
    "PutLogEvents", json!({"logGroupName": "g", "logStreamName": "s", "logEvents": []}),
    &["logs:PutLogEvents arn:aws:logs:eu-west-1:123456789012:log-group:g:log-stream:s"])]
#[case::by_identifier(
    "FilterLogEvents",
    json!({"logGroupIdentifier": "arn:aws:logs:eu-west-1:123456789012:log-group:g", "unmask": true}),
    &[
        "logs:FilterLogEvents arn:aws:logs:eu-west-1:123456789012:log-group:g:log-stream:",
        "logs:Unmask arn:aws:logs:eu-west-1:123456789012:log-group:g:log-stream:",
    ])]
#[case::events_by_identifier(
    "GetLogEvents",
    json!({"logGroupIdentifier": "arn:aws:logs:eu-west-1:123456789012:log-group:g",
        "logStreamName": "s"}),
    &["logs:GetLogEvents arn:aws:logs:eu-west-1:123456789012:log-group:g:log-stream:s"])]
#[case::events_by_a_name_as_identifier(
    "GetLogEvents", json!({"logGroupIdentifier": "g", "logStreamName": "s"}),
    &["logs:GetLogEvents arn:aws:logs:eu-west-1:123456789012:log-group:g:log-stream:s"])]
#[case::of_another_account_by_identifier(
    "FilterLogEvents",
    json!({"logGroupIdentifier": "arn:aws:logs:eu-west-1:210987654321:log-group:g"}),
    &["logs:FilterLogEvents arn:aws:logs:eu-west-1:210987654321:log-group:g:log-stream:"])]
#[case::describe_groups("DescribeLogGroups", json!({"logGroupNamePrefix": "x"}),
    &["logs:DescribeLogGroups arn:aws:logs:eu-west-1:123456789012:log-group::log-stream:"])]
#[case::every_metric_filter("DescribeMetricFilters", json!({"metricName": "m", "metricNamespace": "n"}),
    &["logs:DescribeMetricFilters arn:aws:logs:eu-west-1:123456789012:log-group::log-stream:"])]
#[case::metric_filters_of_a_group("DescribeMetricFilters", json!({"logGroupName": "g"}),
    &["logs:DescribeMetricFilters arn:aws:logs:eu-west-1:123456789012:log-group:g:log-stream:"])]
#[case::tags_have_the_short_arn(
    "ListTagsForResource",
    json!({"resourceArn": "arn:aws:logs:eu-west-1:123456789012:log-group:tagged:*"}),
    &["logs:ListTagsForResource arn:aws:logs:eu-west-1:123456789012:log-group:tagged \
       aws:resourcetag/team=a"])]
#[case::subscription(
    "PutSubscriptionFilter",
    json!({"logGroupName": "g", "filterName": "f", "filterPattern": "",
           "destinationArn": "arn:aws:kinesis:eu-west-1:1:stream/s",
           "roleArn": "arn:aws:iam::123456789012:role/apps/app"}),
    &[
        "logs:PutSubscriptionFilter arn:aws:logs:eu-west-1:123456789012:log-group:g:log-stream:",
        "iam:PassRole arn:aws:iam::123456789012:role/apps/app \
         iam:passedtoservice=logs.amazonaws.com",
    ])]
#[case::account_wide("PutResourcePolicy", json!({"policyName": "p"}), &["logs:PutResourcePolicy *"])]
#[tokio::test]
async fn logs_requires(#[case] operation: &str, #[case] input: Value, #[case] expected: &[&str]) {
    expect(Service::Logs, operation, input, expected).await;
}

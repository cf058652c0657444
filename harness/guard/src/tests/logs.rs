//! What CloudWatch Logs says of streams, groups and destinations.

use rstest::rstest;

use super::*;

async fn call(
    stage: &Stage,
    operation: &str,
    input: Value,
) -> Result<Value, (u16, String, String)> {
    let answer = stage.client.call(&root(), Service::Logs, operation, input).await;
    answer.map_err(|error| (error.status, error.code.into_owned(), error.message))
}

/// moto says of both that there is no group; LocalStack's `test_resource_does_not_exist`.
#[rstest]
#[case::a_stream("g", json!({"logGroupName": "g"}), "The specified log stream does not exist.")]
#[case::a_stream_by_arn(
    "g",
    json!({"logGroupIdentifier": "arn:aws:logs:eu-central-1:123456789012:log-group:g"}),
    "The specified log stream does not exist."
)]
#[case::a_group("g-other", json!({"logGroupName": "g"}), "The specified log group does not exist.")]
#[tokio::test]
async fn what_is_not_there_is_named(
    #[case] there: &str,
    #[case] named: Value,
    #[case] message: &str,
) {
    let stage = Stage::new().await;
    let told = json!({"__type": "ResourceNotFoundException",
        "message": "The specified log group does not exist."});
    stage.upstream.answers("Logs_20140328.GetLogEvents", 400, &told);
    let groups = json!({"logGroups": [{"logGroupName": there}]});
    stage.upstream.answers("Logs_20140328.DescribeLogGroups", 200, &groups);
    let mut input = named;
    input["logStreamName"] = "s".into();
    let error = call(&stage, "GetLogEvents", input).await.unwrap_err();
    assert_eq!(error, (400, "ResourceNotFoundException".to_owned(), message.to_owned()));
}

/// LocalStack's `test_put_subscription_filter_errors`.
#[rstest]
#[case("kinesis", "stream/s")]
#[case("firehose", "deliverystream/s")]
#[tokio::test]
async fn a_stream_is_no_destination_without_a_role(#[case] vendor: &str, #[case] name: &str) {
    let stage = Stage::new().await;
    stage.role(&allow("kinesis:*"));
    stage.upstream.answers("Logs_20140328.PutSubscriptionFilter", 200, &json!({}));
    let mut input = json!({"logGroupName": "g", "filterName": "f", "filterPattern": "",
        "destinationArn": format!("arn:aws:{vendor}:eu-central-1:123456789012:{name}")});
    let refused = (
        400,
        "InvalidParameterException".to_owned(),
        format!("destinationArn for vendor {vendor} cannot be used without roleArn"),
    );
    assert_eq!(call(&stage, "PutSubscriptionFilter", input.clone()).await, Err(refused));
    input["roleArn"] = "arn:aws:iam::123456789012:role/app".into();
    call(&stage, "PutSubscriptionFilter", input).await.unwrap();
    assert_eq!(stage.upstream.count("Logs_20140328.PutSubscriptionFilter"), 1);
}

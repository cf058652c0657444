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

/// moto keeps the end of the ARN, and would show the group that is called so here.
#[rstest]
#[case::own("eu-central-1:123456789012", "eu-central-1:123456789012", None)]
#[case::elsewhere("eu-west-1:123456789012", "eu-west-1:123456789012",
    Some((400, "ResourceNotFoundException", "The specified log group does not exist.")))]
#[case::anothers("eu-central-1:999999999999", "eu-central-1:999999999999",
    Some((400, "AccessDeniedException",
        "User: arn:aws:sts::123456789012:assumed-role/app/s is not authorized to perform: \
         logs:FilterLogEvents on resource: \
         arn:aws:logs:eu-central-1:999999999999:log-group:g:log-stream: because no resource-based \
         policy allows the logs:FilterLogEvents action")))]
#[case::elsewhere_and_not_granted("eu-west-1:123456789012", "eu-central-1:123456789012",
    Some((400, "AccessDeniedException",
        "User: arn:aws:sts::123456789012:assumed-role/app/s is not authorized to perform: \
         logs:FilterLogEvents on resource: \
         arn:aws:logs:eu-west-1:123456789012:log-group:g:log-stream: because no identity-based \
         policy allows the logs:FilterLogEvents action")))]
#[tokio::test]
async fn a_group_by_its_arn_is_of_the_calls_region_and_account(
    #[case] named: &str,
    #[case] granted: &str,
    #[case] refused: Option<(u16, &str, &str)>,
) {
    let stage = Stage::new().await;
    let group = |of: &str| format!("arn:aws:logs:{of}:log-group:g");
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": "logs:FilterLogEvents", "Resource": format!("{}:*", group(granted))}]});
    let app = stage.role(&policy.to_string());
    stage.upstream.answers("Logs_20140328.FilterLogEvents", 200, &json!({"events": []}));
    let input = json!({"logGroupIdentifier": group(named)});
    let answer = stage.client.call(&app, Service::Logs, "FilterLogEvents", input).await;
    match refused {
        None => {
            assert_eq!(answer.unwrap(), json!({"events": []}));
            assert_eq!(stage.upstream.last().body, r#"{"logGroupName":"g"}"#);
        }
        Some(refused) => {
            let error = answer.unwrap_err();
            assert_eq!((error.status, error.code.as_ref(), error.message.as_str()), refused);
        }
    }
    let arrived = stage.upstream.count("Logs_20140328.FilterLogEvents");
    assert_eq!(arrived, usize::from(refused.is_none()));
}

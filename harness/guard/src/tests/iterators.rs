//! Who reads from a stream reads by an iterator, which names the stream.

use super::*;

const OTHER: &str = "arn:aws:kinesis:eu-central-1:123456789012:stream/other";

fn own(action: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "kinesis:*", "Resource": "*"},
        {"Sid": "NotThatOne", "Effect": "Deny", "Action": action, "Resource": OTHER},
    ]})
    .to_string()
}

/// An upstream that gave root an iterator of a stream.
async fn given(stream: &str) -> Stage {
    let stage = Stage::new().await;
    let told = |operation: &str, answer: Value| {
        stage.upstream.answers(&format!("Kinesis_20131202.{operation}"), 200, &answer);
    };
    told("GetShardIterator", json!({"ShardIterator": "i1"}));
    told("GetRecords", json!({"Records": [], "NextShardIterator": "i2"}));
    told("ListTagsForStream", json!({"Tags": [], "HasMoreTags": false}));
    told("ListTagsForResource", json!({"Tags": []}));
    told("DescribeStreamSummary", json!({"StreamDescriptionSummary": {}}));
    let kinesis = Service::of("kinesis").unwrap();
    let input = json!({"StreamName": stream, "ShardId": "s", "ShardIteratorType": "LATEST"});
    stage.client.call(&root(), kinesis, "GetShardIterator", input).await.unwrap();
    stage
}

async fn read(stage: &Stage, by: &Credentials, input: Value) -> Result<Value, ServiceError> {
    stage.client.call(by, Service::of("kinesis").unwrap(), "GetRecords", input).await
}

/// The decision is about the iterator's stream, also for the next one.
#[rstest::rstest]
#[case::own("own", true)]
#[case::others("other", false)]
#[tokio::test]
async fn an_iterator_is_decided_on_its_stream(#[case] stream: &str, #[case] allowed: bool) {
    let stage = given(stream).await;
    let caller = stage.role(&own("kinesis:GetRecords"));
    let first = read(&stage, &caller, json!({"ShardIterator": "i1"})).await;
    assert_eq!(first.is_ok(), allowed, "{first:?}");
    read(&stage, &root(), json!({"ShardIterator": "i1"})).await.unwrap();
    let next = read(&stage, &caller, json!({"ShardIterator": "i2"})).await;
    assert_eq!(next.is_ok(), allowed, "{next:?}");
    let entry = stage.last_entry();
    let check = entry.checks.first().unwrap();
    assert_eq!(check.resource, OTHER.replace("other", stream));
}

/// A name beside the iterator decides nothing.
#[rstest::rstest]
#[case::another_stream(json!({"ShardIterator": "i1", "StreamARN": OTHER.replace("other", "own")}))]
#[case::never_given(json!({"ShardIterator": "i9"}))]
#[case::never_given_with_a_stream(json!({"ShardIterator": "i9", "StreamARN": OTHER.replace("other", "own")}))]
#[tokio::test]
async fn an_iterator_of_another_stream_is_none(#[case] input: Value) {
    let stage = given("other").await;
    let caller = stage.role(&own("kinesis:GetRecords"));
    let error = read(&stage, &caller, input).await.unwrap_err();
    let expected = ServiceError::new(400, "InvalidArgumentException", "Invalid ShardIterator.");
    assert_eq!(error, expected);
    assert_eq!(stage.upstream.count("Kinesis_20131202.GetRecords"), 0);
    let named = json!({"ShardIterator": "i1", "StreamARN": OTHER});
    assert!(read(&stage, &root(), named).await.is_ok());
}

const TABLE_STREAM: &str =
    "arn:aws:dynamodb:eu-central-1:123456789012:table/own/stream/2026-11-28T00:00:00.000";

/// An iterator of DynamoDB Streams is the only thing that a reader names.
#[rstest::rstest]
#[case::own("own", "i1", None)]
#[case::others("other", "i1", Some("AccessDeniedException"))]
#[case::never_given("own", "i9", Some("ValidationException"))]
#[tokio::test]
async fn a_tables_iterator_is_decided_on_its_stream(
    #[case] table: &str,
    #[case] iterator: &str,
    #[case] refused: Option<&str>,
) {
    let stage = Stage::new().await;
    let told = |operation: &str, answer: Value| {
        stage.upstream.answers(&format!("DynamoDBStreams_20120810.{operation}"), 200, &answer);
    };
    told("GetShardIterator", json!({"ShardIterator": "i1"}));
    told("GetRecords", json!({"Records": []}));
    for (operation, answer) in
        [("GetResourcePolicy", json!({})), ("DescribeTable", json!({"Table": {}}))]
    {
        stage.upstream.answers(&format!("DynamoDB_20120810.{operation}"), 200, &answer);
    }
    let streams = Service::of("dynamodbstreams").unwrap();
    let stream = TABLE_STREAM.replace("own", table);
    let input = json!({"StreamArn": stream, "ShardId": "s", "ShardIteratorType": "LATEST"});
    stage.client.call(&root(), streams, "GetShardIterator", input).await.unwrap();
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "dynamodb:GetRecords", "Resource": TABLE_STREAM},
    ]});
    let caller = stage.role(&policy.to_string());
    let read = json!({"ShardIterator": iterator});
    let answer = stage.client.call(&caller, streams, "GetRecords", read).await;
    let code = answer.as_ref().err().map(|error| error.code.to_string());
    assert_eq!(code.as_deref(), refused, "{answer:?}");
}

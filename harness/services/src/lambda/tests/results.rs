//! Dead letters, and the results of events that go to queues, topics and buses.

use rstest::rstest;
use serde_json::{Value, json};

use super::support::{ARN, World, creation, orders, with};

const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:orders";
const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:orders";
const BUS: &str = "arn:aws:events:eu-west-1:123456789012:event-bus/orders";
const URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders";

fn letters(arn: &str) -> Value {
    json!({ "DeadLetterConfig": { "TargetArn": arn }, "Timeout": 20 })
}

async fn sent(world: &World) -> (String, Value) {
    world.until(|state| state.sent.first().cloned()).await
}

/// <https://github.com/aws-samples/aws-serverless-ecommerce-platform/issues/41>
#[rstest]
#[case(QUEUE, "sqs SendMessageBatch", "SendMessage on SQS")]
#[case(TOPIC, "sns PublishBatch", "Publish on SNS")]
#[tokio::test]
async fn a_role_that_may_not_send_dead_letters_gets_no_function(
    #[case] arn: &str,
    #[case] denied: &'static str,
    #[case] what: &str,
) {
    let world = World::new().await;
    world.deny(denied);
    let error = world.refusal("CreateFunction", with(creation(), letters(arn))).await;
    assert_eq!((error.status, &*error.code), (400, "InvalidParameterValueException"));
    let expected = format!("The provided execution role does not have permissions to call {what}");
    assert_eq!(error.message, expected);
    assert!(world.lambda.function("orders").is_none(), "nothing was made");
    world.allow(denied);
    let made = world.create(letters(arn)).await;
    assert_eq!(made["DeadLetterConfig"], json!({ "TargetArn": arn }));
    assert!(world.upstream.state.lock().unwrap().sent.is_empty(), "asking sends nothing");
    world.deny(denied);
    let update = with(orders(), letters(arn));
    let error = world.refusal("UpdateFunctionConfiguration", update).await;
    assert_eq!(error.message, expected);
    let none = json!({ "DeadLetterConfig": { "TargetArn": "" } });
    let changed = world.fields("UpdateFunctionConfiguration", with(orders(), none)).await;
    assert_eq!(changed.get("DeadLetterConfig"), None);
}

#[tokio::test]
async fn what_takes_no_dead_letters_is_refused() {
    let world = World::new().await;
    let error = world.refusal("CreateFunction", with(creation(), letters(ARN))).await;
    assert_eq!(error.message, format!("The target ARN {ARN} is invalid."));
}

#[rstest]
#[case(QUEUE, "SendMessage", "MessageBody", "QueueUrl", URL)]
#[case(TOPIC, "Publish", "Message", "TopicArn", TOPIC)]
#[tokio::test]
async fn an_event_that_failed_to_its_end_is_a_dead_letter(
    #[case] arn: &str,
    #[case] operation: &str,
    #[case] body: &str,
    #[case] place: &str,
    #[case] expected: &str,
) {
    let world = World::new().await;
    world.create(letters(arn)).await;
    let event = json!({ "do": "fail" });
    let asynchronous = json!({ "InvocationType": "Event" });
    assert_eq!(world.invoke_with(asynchronous.clone(), json!({})).await.status, Some(202));
    assert_eq!(world.invoke_with(asynchronous, event.clone()).await.status, Some(202));
    let (called, input) = sent(&world).await;
    assert_eq!((&*called, &input[place]), (operation, &json!(expected)));
    assert_eq!(serde_json::from_str::<Value>(input[body].as_str().unwrap()).unwrap(), event);
    let told = &input["MessageAttributes"];
    assert_eq!(told["ErrorMessage"]["StringValue"], "no");
    assert_eq!(told["ErrorCode"], json!({ "DataType": "Number", "StringValue": "200" }));
    assert_eq!(told["RequestID"]["StringValue"].as_str().unwrap().len(), 36);
    world.lambda.shutdown().await;
    let all = world.upstream.state.lock().unwrap().sent.len();
    assert_eq!(all, 1, "the event that succeeded is none");
}

#[rstest]
#[case(QUEUE, "SendMessage", "/MessageBody")]
#[case(TOPIC, "Publish", "/Message")]
#[case(BUS, "PutEvents", "/Entries/0/Detail")]
#[tokio::test]
async fn a_result_goes_to_a_queue_a_topic_or_a_bus(
    #[case] arn: &str,
    #[case] operation: &str,
    #[case] place: &str,
    #[values("Success", "Failure")] ending: &str,
) {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    let side = if ending == "Success" { "OnSuccess" } else { "OnFailure" };
    let config = json!({ "DestinationConfig": { side: { "Destination": arn } } });
    world.fields("PutFunctionEventInvokeConfig", with(orders(), config)).await;
    let event = if ending == "Success" { json!({ "a": 1 }) } else { json!({ "do": "fail" }) };
    world.invoke_with(json!({ "InvocationType": "Event" }), event.clone()).await;
    let (called, input) = sent(&world).await;
    assert_eq!(called, operation);
    let record = input.pointer(place).unwrap().as_str().unwrap();
    let record: Value = serde_json::from_str(record).unwrap();
    assert_eq!(record["requestPayload"], event);
    if operation == "PutEvents" {
        let entry = &input["Entries"][0];
        let kind = format!("Lambda Function Invocation Result - {ending}");
        assert_eq!((&entry["EventBusName"], &entry["DetailType"]), (&json!(BUS), &json!(kind)));
        assert_eq!(entry["Resources"], json!([BUS, format!("{ARN}:$LATEST")]));
    }
    world.lambda.shutdown().await;
}

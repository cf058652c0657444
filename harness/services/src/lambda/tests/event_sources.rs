//! Event source mappings, as LocalStack's tests in
//! `tests/aws/services/lambda_` were recorded on AWS; each names its own.

use rstest::rstest;
use serde_json::{Value, json};

use super::support::{ARN, World, orders, with};

const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:orders";
const STREAM: &str =
    "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000";

fn mapping() -> Value {
    with(orders(), json!({ "EventSourceArn": QUEUE }))
}

async fn world() -> World {
    let world = World::new().await;
    world.create(json!({ "Timeout": 20 })).await;
    world
}

async fn enabled(world: &World, uuid: &Value) -> Value {
    loop {
        let shown = world.fields("GetEventSourceMapping", json!({ "UUID": uuid })).await;
        if ["Enabled", "Disabled"].contains(&shown["State"].as_str().unwrap()) {
            return shown;
        }
        tokio::task::yield_now().await;
    }
}

/// `test_event_source_mapping_default_batch_size`
#[tokio::test]
async fn a_queues_mapping_is_made_changed_and_deleted() {
    let world = world().await;
    let made = world
        .fields("CreateEventSourceMapping", with(mapping(), json!({ "Enabled": false })))
        .await;
    let uuid = made["UUID"].clone();
    let expected = json!({
        "UUID": uuid, "BatchSize": 10, "EventSourceArn": QUEUE, "FunctionArn": ARN,
        "EventSourceMappingArn": format!("arn:aws:lambda:eu-west-1:123456789012:event-source-mapping:{}", uuid.as_str().unwrap()),
        "FunctionResponseTypes": [], "LastModified": made["LastModified"],
        "MaximumBatchingWindowInSeconds": 0, "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
    });
    assert_eq!(made, expected);
    assert_eq!(enabled(&world, &uuid).await["State"], "Disabled");
    let twice = world.refusal("CreateEventSourceMapping", mapping()).await;
    assert_eq!((twice.status, &*twice.code), (409, "ResourceConflictException"));
    let uuid_text = uuid.as_str().unwrap();
    assert_eq!(
        twice.message,
        format!(
            "An event source mapping with SQS arn (\" {QUEUE} \") and function (\" orders \") already exists. Please update or delete the existing mapping with UUID {uuid_text}"
        )
    );
    let update = json!({ "UUID": uuid, "BatchSize": 5 });
    let updated = world.fields("UpdateEventSourceMapping", update.clone()).await;
    assert_eq!((&updated["BatchSize"], &updated["State"]), (&json!(5), &json!("Updating")));
    let busy = world.refusal("UpdateEventSourceMapping", update).await;
    assert_eq!((busy.status, &*busy.code), (400, "ResourceInUseException"));
    enabled(&world, &uuid).await;
    let listed = world.fields("ListEventSourceMappings", orders()).await;
    assert_eq!(listed["EventSourceMappings"].as_array().unwrap().len(), 1);
    assert_eq!(world.lambda.event_source_mapping(uuid_text).unwrap().function_arn, ARN);
    let deleted = world.fields("DeleteEventSourceMapping", json!({ "UUID": uuid })).await;
    assert_eq!(deleted["State"], "Deleting");
    while world.lambda.event_source_mapping(uuid_text).is_some() {
        tokio::task::yield_now().await;
    }
    let gone = world.refusal("GetEventSourceMapping", json!({ "UUID": uuid })).await;
    assert_eq!((gone.status, &*gone.message), (404, "The resource you requested does not exist."));
    world.lambda.shutdown().await;
}

/// `test_event_source_mapping_exceptions`, `test_event_source_mapping_default_batch_size`,
/// `test_esm_with_not_existing_sqs_queue`, `test_create_event_source_validation`
#[rstest]
#[case(json!({ "EventSourceArn": null }), "Unrecognized event source.")]
#[case(json!({ "FunctionName": "other" }), "Function does not exist")]
#[case(json!({ "DestinationConfig": { "OnFailure": { "Destination": QUEUE } } }), "Unsupported DestinationConfig parameter for given event source mapping type.")]
#[case(json!({ "FunctionName": "other", "DestinationConfig": { "OnSuccess": { "Destination": QUEUE } } }), "Unsupported DestinationConfig parameter for given event source mapping type.")]
#[case(json!({ "EventSourceArn": STREAM, "StartingPosition": "AT_TIMESTAMP" }), "Unsupported starting position for arn type: arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000")]
#[case(json!({ "BatchSize": 11 }), "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")]
#[case(json!({ "FilterCriteria": { "Filters": [{ "Pattern": "text" }] } }), "Invalid filter pattern definition.")]
#[case(json!({ "EventSourceArn": format!("{QUEUE}-none") }), "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.")]
#[tokio::test]
async fn what_cannot_be_mapped_is_refused_as_aws_does(
    #[case] changes: Value,
    #[case] message: &str,
) {
    let world = world().await;
    let error = world.refusal("CreateEventSourceMapping", with(mapping(), changes)).await;
    assert_eq!((error.status, &*error.code), (400, "InvalidParameterValueException"));
    assert_eq!(error.message, message);
}

#[tokio::test]
async fn a_queue_whose_messages_come_back_too_early_is_refused() {
    let world = World::new().await;
    world.create(json!({ "Timeout": 31 })).await;
    let error = world.refusal("CreateEventSourceMapping", mapping()).await;
    assert_eq!(
        error.message,
        "Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds"
    );
}

#[rstest]
#[case("sqs ReceiveMessage", "ReceiveMessage")]
#[case("sqs DeleteMessage", "DeleteMessage")]
#[case("sqs GetQueueAttributes", "GetQueueAttributes")]
#[tokio::test]
async fn the_execution_role_must_be_allowed_to_read(
    #[case] denied: &'static str,
    #[case] operation: &str,
) {
    let world = world().await;
    world.deny(denied);
    let error = world.refusal("CreateEventSourceMapping", mapping()).await;
    assert_eq!((error.status, &*error.code), (400, "InvalidParameterValueException"));
    let expected =
        format!("The function execution role does not have permissions to call {operation} on SQS");
    assert_eq!(error.message, expected);
    assert!(world.asked().iter().any(|it| *it == format!("{denied} as ASIAORDERS")));
    world.allow(denied);
    world.fields("CreateEventSourceMapping", mapping()).await;
    world.lambda.shutdown().await;
}

#[tokio::test]
async fn a_message_is_delivered_and_deleted_and_one_that_is_filtered_out_too() {
    let world = world().await;
    let filter = json!({ "body": { "do": ["wait"] } }).to_string();
    let changes = json!({ "FilterCriteria": { "Filters": [{ "Pattern": filter }] } });
    {
        let queue = &mut world.upstream.state.lock().unwrap().queue;
        queue.insert("r-1".to_owned(), json!({ "do": "wait" }).to_string());
        queue.insert("r-2".to_owned(), json!({ "do": "other" }).to_string());
    }
    let made = world.fields("CreateEventSourceMapping", with(mapping(), changes)).await;
    world.until(|state| state.queue.is_empty().then_some(())).await;
    let started = |lines: &[String]| lines.iter().filter(|it| it.starts_with("START ")).count();
    world.until(|state| (started(&state.log_lines) == 1).then_some(())).await;
    world.fields("DeleteEventSourceMapping", json!({ "UUID": made["UUID"] })).await;
    world.lambda.shutdown().await;
}

#[tokio::test]
async fn a_message_whose_function_fails_stays_in_the_queue() {
    let world = World::new().await;
    let variables = json!({ "Variables": { "FAIL_INIT": "yes" } });
    world.create(json!({ "Timeout": 20, "Environment": variables })).await;
    let message = ("r-1".to_owned(), "text".to_owned());
    world.upstream.state.lock().unwrap().queue.extend([message]);
    world.fields("CreateEventSourceMapping", mapping()).await;
    let reported = |lines: &[String]| lines.iter().any(|it| it.starts_with("REPORT "));
    world.until(|state| reported(&state.log_lines).then_some(())).await;
    world.lambda.shutdown().await;
    let state = world.upstream.state.lock().unwrap();
    assert_eq!(state.queue.len(), 1);
    assert_eq!(state.received, ["r-1"]);
}

//! Queues, read as the execution role and delivered to the function.
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ringfence_wire::{Service, ServiceError};
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use crate::credentials::Credentials;
use crate::lambda::Lambda;
use crate::lambda::error::service;
use crate::lambda::event_sources::settings::Settings;
use crate::lambda::execute::invoke::Request;
use crate::lambda::execute::role::lasts;
use crate::lambda::execute::trace::TraceHeader;

/// How long a queue is asked to wait for a message. AWS's Lambda waits up to 20
/// seconds; the guard's own patience with its upstream is shorter.
const WAIT_SECONDS: u32 = 5;
/// The wait after a poll that gave nothing: not every upstream waits.
const PAUSE: Duration = Duration::from_millis(200);
/// The wait after a poll that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// The most that one call receives.
const MOST_RECEIVED: i64 = 10;

impl Lambda {
    /// Begins to read for a mapping; what is returned ends it when it is dropped. It
    /// ends by itself where the source is not polled.
    pub(super) fn start_poller(self: &Arc<Self>, uuid: &str) -> watch::Sender<()> {
        let (sender, receiver) = watch::channel(());
        let (lambda, uuid) = (Arc::clone(self), uuid.to_owned());
        self.tasks.spawn(async move { lambda.poll(&uuid, receiver).await });
        sender
    }

    async fn poll(self: Arc<Self>, uuid: &str, mut stop: watch::Receiver<()>) {
        let mut session: Option<Credentials> = None;
        loop {
            let settled = self
                .event_sources
                .look(uuid, |it| (!it.is_changing()).then(|| it.settings.clone()));
            let pause = match settled {
                None => return,
                Some(None) => Duration::from_millis(50),
                Some(Some(settings)) if settings.source.is_queue() => {
                    let turn = self.turn(&settings, &mut session);
                    let ended = tokio::select! {
                        _ = stop.changed() => return,
                        ended = turn => ended,
                    };
                    match ended {
                        Ok(0) => PAUSE,
                        Ok(_) => continue,
                        // The journal tells why.
                        Err(_) => {
                            session = None;
                            AFTER_FAILURE
                        }
                    }
                }
                Some(Some(_)) => return,
            };
            tokio::select! {
                _ = stop.changed() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Receives once, delivers, and deletes what was taken: how many messages came.
    async fn turn(
        self: &Arc<Self>,
        settings: &Settings,
        session: &mut Option<Credentials>,
    ) -> Result<usize, ServiceError> {
        let role = match session.take().filter(|it| lasts(it, self.setting.now())) {
            Some(role) => role,
            None => {
                let function = &settings.function.function;
                let role = self.function(function).map(|facts| facts.role);
                let role = role.ok_or_else(|| service("the function is gone"))?;
                self.assume(&role, function).await?
            }
        };
        let messages = self.receive(settings, &role).await?;
        let count = messages.len();
        let (chosen, dropped): (Vec<Value>, Vec<Value>) =
            messages.into_iter().partition(|message| passes(settings, message));
        let mut done = dropped;
        if !chosen.is_empty() {
            done.extend(self.deliver(settings, chosen).await?);
        }
        self.delete(settings, &role, &done).await?;
        *session = Some(role);
        Ok(count)
    }

    /// One batch: a batching window gathers more than one call gives.
    async fn receive(
        &self,
        settings: &Settings,
        role: &Credentials,
    ) -> Result<Vec<Value>, ServiceError> {
        let window = u64::try_from(settings.window_seconds).unwrap_or_default();
        let mut deadline = None;
        let mut messages: Vec<Value> = Vec::new();
        loop {
            let gathered = i64::try_from(messages.len()).unwrap_or(i64::MAX);
            let left = settings.batch_size.saturating_sub(gathered).min(MOST_RECEIVED);
            let wait = if messages.is_empty() { WAIT_SECONDS } else { 1 };
            let input = json!({
                "QueueUrl": settings.source.queue_url(),
                "MaxNumberOfMessages": left,
                "WaitTimeSeconds": wait,
                "AttributeNames": ["All"],
                "MessageAttributeNames": ["All"],
            });
            let answer = self.client.call(role, sqs()?, "ReceiveMessage", input).await?;
            let received = answer.get("Messages").and_then(Value::as_array);
            let received = received.map(Vec::as_slice).unwrap_or_default();
            messages.extend(received.iter().cloned());
            if messages.is_empty() {
                return Ok(messages);
            }
            let until = *deadline
                .get_or_insert_with(|| tokio::time::Instant::now() + Duration::from_secs(window));
            let full = i64::try_from(messages.len()).is_ok_and(|it| it >= settings.batch_size);
            if full || tokio::time::Instant::now() >= until {
                return Ok(messages);
            }
            if received.is_empty() {
                tokio::time::sleep_until(until.min(tokio::time::Instant::now() + PAUSE)).await;
            }
        }
    }

    /// Invokes the function with a batch: the messages that are done with.
    async fn deliver(
        self: &Arc<Self>,
        settings: &Settings,
        messages: Vec<Value>,
    ) -> Result<Vec<Value>, ServiceError> {
        let records: Vec<Value> =
            messages.iter().map(|message| record(settings, message)).collect();
        let request = Request {
            id: Uuid::new_v4().to_string(),
            payload: Bytes::from(json!({ "Records": records }).to_string()),
            client_context: None,
            trace: TraceHeader::read(None),
        };
        let target = self.target(&settings.function)?;
        self.check_runtime(&target.configuration)?;
        let invoked = self.run_apart(target, request).await?;
        if invoked.failed {
            return Ok(Vec::new());
        }
        if !settings.reports_failures {
            return Ok(messages);
        }
        let answer = serde_json::from_slice(&invoked.payload).unwrap_or(Value::Null);
        Ok(done_with(messages, &answer))
    }

    async fn delete(
        &self,
        settings: &Settings,
        role: &Credentials,
        messages: &[Value],
    ) -> Result<(), ServiceError> {
        for message in messages {
            let input = json!({
                "QueueUrl": settings.source.queue_url(),
                "ReceiptHandle": message.get("ReceiptHandle"),
            });
            self.client.call(role, sqs()?, "DeleteMessage", input).await?;
        }
        Ok(())
    }
}

fn sqs() -> Result<Service, ServiceError> {
    Service::of("sqs").ok_or_else(|| service("no model of sqs"))
}

/// Whether a function gets a message. A body that is JSON is filtered as such.
fn passes(settings: &Settings, message: &Value) -> bool {
    let Some(filters) = &settings.filters else { return true };
    let mut record = record(settings, message);
    let parsed = record
        .get("body")
        .and_then(Value::as_str)
        .and_then(|body| serde_json::from_str::<Value>(body).ok().filter(Value::is_object));
    if let (Some(parsed), Some(record)) = (parsed, record.as_object_mut()) {
        record.insert("body".to_owned(), parsed);
    }
    filters.pass(&record)
}

/// A message as functions get it (LocalStack's test_sqs_event_source_mapping,
/// recorded on AWS).
fn record(settings: &Settings, message: &Value) -> Value {
    let taken = |name: &str| message.get(name).cloned().unwrap_or(Value::Null);
    let attributes: Map<String, Value> = message
        .get("MessageAttributes")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect();
    json!({
        "messageId": taken("MessageId"),
        "receiptHandle": taken("ReceiptHandle"),
        "body": taken("Body"),
        "attributes": message.get("Attributes").cloned().unwrap_or_else(|| json!({})),
        "messageAttributes": attributes,
        "md5OfMessageAttributes": taken("MD5OfMessageAttributes"),
        "md5OfBody": taken("MD5OfBody"),
        "eventSource": "aws:sqs",
        "eventSourceARN": settings.source.arn,
        "awsRegion": settings.source.arn.split(':').nth(3),
    })
}

/// An attribute of a message in lower camel case, as events have it.
fn attribute(value: &Value) -> Value {
    let mut written = Map::new();
    for (from, to) in
        [("StringValue", "stringValue"), ("BinaryValue", "binaryValue"), ("DataType", "dataType")]
    {
        if let Some(value) = value.get(from) {
            written.insert(to.to_owned(), value.clone());
        }
    }
    written.insert("stringListValues".to_owned(), json!([]));
    written.insert("binaryListValues".to_owned(), json!([]));
    Value::Object(written)
}

/// The messages that a function does not report as failed. An answer that names
/// a message that was not there, or none, fails all
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>).
fn done_with(messages: Vec<Value>, answer: &Value) -> Vec<Value> {
    let Some(failures) = answer.get("batchItemFailures").and_then(Value::as_array) else {
        return if answer.is_null() || answer.is_object() { messages } else { Vec::new() };
    };
    let id = |message: &Value| message.get("MessageId").cloned();
    let failed: Vec<Option<Value>> =
        failures.iter().map(|it| it.get("itemIdentifier").cloned()).collect();
    let known = |failure: &Option<Value>| {
        failure.is_some() && messages.iter().any(|message| id(message) == *failure)
    };
    if !failed.iter().all(known) {
        return Vec::new();
    }
    messages.into_iter().filter(|message| !failed.contains(&id(message))).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(json!(null), &["a", "b"])]
    #[case(json!({}), &["a", "b"])]
    #[case(json!({ "batchItemFailures": [] }), &["a", "b"])]
    #[case(json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] }), &["a"])]
    #[case(json!({ "batchItemFailures": [{ "itemIdentifier": "c" }] }), &[])]
    #[case(json!({ "batchItemFailures": [{}] }), &[])]
    #[case(json!("text"), &[])]
    fn a_message_that_failed_stays(#[case] answer: Value, #[case] expected: &[&str]) {
        let messages = vec![json!({ "MessageId": "a" }), json!({ "MessageId": "b" })];
        let done = done_with(messages, &answer);
        let ids: Vec<&str> = done.iter().map(|it| it["MessageId"].as_str().unwrap()).collect();
        assert_eq!(ids, expected);
    }
}

//! The services that take what became of an asynchronous invocation, beside
//! functions: queues, topics and buses, each called as the execution role.
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>

use ringfence_models::Partition;
use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use crate::credentials::Credentials;
use crate::lambda::Lambda;
use crate::lambda::error::{invalid, service};
use crate::lambda::event_sources::Asked;
use crate::lambda::execute::invoke::{Request, Target};
use crate::lambda::execute::run::Invoked;

/// The most of an error's text that a dead letter holds.
const LONGEST_ERROR: usize = 1024;

/// The URL of the queue that an ARN names.
pub(in crate::lambda) fn queue_url(arn: &str) -> Option<String> {
    let mut parts = arn.splitn(6, ':').skip(3);
    let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
    let suffix = Partition::of_region(region).dns_suffix;
    Some(format!("https://sqs.{region}.{suffix}/{account}/{name}"))
}

/// The call by which a text goes to a queue or a topic, with attributes.
fn sending(
    arn: &str,
    text: &str,
    attributes: &Value,
) -> Option<(&'static str, &'static str, Value)> {
    match arn.split(':').nth(2)? {
        "sqs" => {
            let input = json!({
                "QueueUrl": queue_url(arn)?, "MessageBody": text, "MessageAttributes": attributes,
            });
            Some(("sqs", "SendMessage", input))
        }
        "sns" => {
            let input =
                json!({ "TopicArn": arn, "Message": text, "MessageAttributes": attributes });
            Some(("sns", "Publish", input))
        }
        _ => None,
    }
}

impl Lambda {
    /// That an execution role may send dead letters: asked with the role's own
    /// session by a batch whose two entries have one id. It is decided as one that
    /// could be sent, and then refused as it stands, so that nothing is sent.
    ///
    /// # Errors
    /// AWS's (<https://github.com/aws-samples/aws-serverless-ecommerce-platform/issues/41>);
    /// whatever kept the services from telling.
    pub(in crate::lambda) async fn check_dead_letters(
        &self,
        role: &Credentials,
        arn: &str,
    ) -> Result<(), ServiceError> {
        let (api, operation, input, action, name) = match arn.split(':').nth(2) {
            Some("sqs") => {
                let entry = json!({ "Id": "1", "MessageBody": "-" });
                let input = json!({ "QueueUrl": queue_url(arn), "Entries": [entry, entry] });
                ("sqs", "SendMessageBatch", input, "SendMessage", "SQS")
            }
            Some("sns") => {
                let entry = json!({ "Id": "1", "Message": "-" });
                let input =
                    json!({ "TopicArn": arn, "PublishBatchRequestEntries": [entry, entry] });
                ("sns", "PublishBatch", input, "Publish", "SNS")
            }
            _ => return Err(invalid(format!("The target ARN {arn} is invalid."))),
        };
        match self.try_as(role, api, operation, input).await? {
            Asked::Allowed(None) => Ok(()),
            Asked::Allowed(Some(_)) => {
                Err(service(format!("{name} took a batch whose entries have one id")))
            }
            Asked::Denied => Err(invalid(format!(
                "The provided execution role does not have permissions to call {action} on {name}"
            ))),
            Asked::Missing => {
                Err(invalid(format!("The target ARN {arn} of the dead letters does not exist.")))
            }
        }
    }

    /// Sends an event whose function failed to where its dead letters go.
    pub(in crate::lambda) async fn send_dead_letter(
        &self,
        target: &Target,
        request: &Request,
        invoked: &Invoked,
    ) {
        let configuration = &target.configuration;
        let Some(arn) = configuration.dead_letters.as_deref().filter(|_| invoked.failed) else {
            return;
        };
        let told = serde_json::from_slice::<Value>(&invoked.payload).unwrap_or_default();
        let message = told.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
        let message: String = message.chars().take(LONGEST_ERROR).collect();
        let text = |value: &str| json!({ "DataType": "String", "StringValue": value });
        let attributes = json!({
            "RequestID": text(&request.id),
            "ErrorCode": { "DataType": "Number", "StringValue": "200" },
            // An attribute has a value.
            "ErrorMessage": text(if message.is_empty() { "-" } else { &message }),
        });
        let event = String::from_utf8_lossy(&request.payload);
        if let Some((api, operation, input)) = sending(arn, &event, &attributes) {
            self.send_as_role(target, api, operation, input).await;
        }
    }

    /// Sends a record to a destination that is no function.
    pub(in crate::lambda) async fn send_record(&self, target: &Target, to: &str, record: &Value) {
        if to.split(':').nth(2) == Some("events") {
            let failed = record.pointer("/responseContext/functionError").is_some();
            let ending = if failed { "Failure" } else { "Success" };
            let function = record.pointer("/requestContext/functionArn");
            let input = json!({ "Entries": [{
                "EventBusName": to,
                "Source": "lambda",
                "DetailType": format!("Lambda Function Invocation Result - {ending}"),
                "Detail": record.to_string(),
                "Resources": [to, function],
            }]});
            return self.send_as_role(target, "events", "PutEvents", input).await;
        }
        if let Some((api, operation, mut input)) = sending(to, &record.to_string(), &json!({})) {
            if let Some(input) = input.as_object_mut() {
                input.remove("MessageAttributes");
            }
            self.send_as_role(target, api, operation, input).await;
        }
    }

    /// A call as the execution role. What it may not send is lost, as on AWS; the
    /// journal tells of the refusal.
    async fn send_as_role(&self, target: &Target, api: &str, operation: &str, input: Value) {
        let configuration = &target.configuration;
        let assumed = self.assume(&configuration.role, &configuration.function_name).await;
        if let (Ok(role), Some(api)) = (assumed, Service::of(api)) {
            drop(self.client.call(&role, api, operation, input).await);
        }
    }
}

//! Whether a function's execution role may read a source: asked of the source's
//! service with a session of the role, by the calls that Lambda makes later. None
//! of them takes a record or changes anything.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html>

use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use crate::credentials::Credentials;
use crate::lambda::Lambda;
use crate::lambda::error::{invalid, service};
use crate::lambda::event_sources::api::Reader;
use crate::lambda::event_sources::source::{Kind, Source};

/// What a call with the role's session came to.
pub(in crate::lambda) enum Asked {
    /// The role may make it; the answer, where there was one.
    Allowed(Option<Value>),
    Denied,
    /// The source is not there.
    Missing,
}

impl Lambda {
    /// That a source is there and the function's role may read it.
    ///
    /// # Errors
    /// AWS's, with the permission that is missing; whatever kept the services
    /// from telling.
    pub(super) async fn check_access(
        &self,
        source: &Source,
        reader: &Reader,
    ) -> Result<(), ServiceError> {
        let role = self.assume(&reader.role, &reader.function).await?;
        match &source.kind {
            Kind::Queue { .. } => self.check_queue(source, reader, &role).await,
            Kind::Kinesis => self.check_kinesis(&source.arn, &role).await,
            Kind::DynamoDb => self.check_table_stream(&source.arn, &role).await,
        }
    }

    /// No message is received, since none is asked for, and none deleted, since
    /// no receipt is given: both calls are decided before the queue refuses them.
    async fn check_queue(
        &self,
        source: &Source,
        reader: &Reader,
        role: &Credentials,
    ) -> Result<(), ServiceError> {
        let url = source.queue_url().unwrap_or_default();
        let calls = [
            ("ReceiveMessage", json!({ "QueueUrl": url, "MaxNumberOfMessages": 0 })),
            ("DeleteMessage", json!({ "QueueUrl": url, "ReceiptHandle": "none" })),
            (
                "GetQueueAttributes",
                json!({ "QueueUrl": url, "AttributeNames": ["VisibilityTimeout"] }),
            ),
        ];
        let mut attributes = None;
        for (operation, input) in calls {
            match self.try_as(role, "sqs", operation, input).await? {
                Asked::Allowed(answer) => attributes = answer,
                Asked::Denied => {
                    return Err(invalid(format!(
                        "The function execution role does not have permissions to call \
                         {operation} on SQS"
                    )));
                }
                // LocalStack's test_esm_with_not_existing_sqs_queue, recorded on AWS.
                Asked::Missing => {
                    return Err(invalid(format!(
                        "Error occurred while {operation}. SQS Error Code: \
                         AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The \
                         specified queue does not exist."
                    )));
                }
            }
        }
        let visibility: u32 = attributes
            .as_ref()
            .and_then(|it| it.pointer("/Attributes/VisibilityTimeout")?.as_str()?.parse().ok())
            .ok_or_else(|| service("SQS did not tell the queue's visibility timeout"))?;
        let timeout = reader.timeout_seconds;
        if visibility < timeout {
            return Err(invalid(format!(
                "Queue visibility timeout: {visibility} seconds is less than Function timeout: \
                 {timeout} seconds"
            )));
        }
        Ok(())
    }

    async fn check_kinesis(&self, arn: &str, role: &Credentials) -> Result<(), ServiceError> {
        let named = |more: Value| with(json!({ "StreamARN": arn }), more);
        let shards = self.try_stream(role, "kinesis", "ListShards", named(json!({})), arn).await?;
        self.try_stream(role, "kinesis", "DescribeStream", named(json!({})), arn).await?;
        let shard = shards.as_ref().and_then(|it| it.pointer("/Shards/0/ShardId"));
        let shard = shard.cloned().unwrap_or_else(|| json!("shardId-000000000000"));
        let input = named(json!({ "ShardId": shard, "ShardIteratorType": "LATEST" }));
        let iterator = self.try_stream(role, "kinesis", "GetShardIterator", input, arn).await?;
        let iterator = iterator.as_ref().and_then(|it| it.get("ShardIterator"));
        let input = named(json!({ "ShardIterator": iterator, "Limit": 1 }));
        self.try_stream(role, "kinesis", "GetRecords", input, arn).await.map(|_| ())
    }

    async fn check_table_stream(&self, arn: &str, role: &Credentials) -> Result<(), ServiceError> {
        const API: &str = "dynamodbstreams";
        let named = |more: Value| with(json!({ "StreamArn": arn }), more);
        let told = self.try_stream(role, API, "DescribeStream", named(json!({})), arn).await?;
        let shard = told.as_ref().and_then(|it| it.pointer("/StreamDescription/Shards/0/ShardId"));
        let shard = shard.cloned().unwrap_or_else(|| json!("shardId-00000000000000000000-0"));
        let input = named(json!({ "ShardId": shard, "ShardIteratorType": "LATEST" }));
        let iterator = self.try_stream(role, API, "GetShardIterator", input, arn).await?;
        let Some(iterator) = iterator.as_ref().and_then(|it| it.get("ShardIterator")) else {
            return Ok(());
        };
        let input = json!({ "ShardIterator": iterator, "Limit": 1 });
        self.try_stream(role, API, "GetRecords", input, arn).await.map(|_| ())
    }

    /// A call on a stream, or AWS's refusal of the mapping
    /// (<https://github.com/awsdocs/aws-lambda-developer-guide/issues/237>,
    /// LocalStack's test_esm_with_not_existing_kinesis_stream).
    async fn try_stream(
        &self,
        role: &Credentials,
        api: &str,
        operation: &str,
        input: Value,
        arn: &str,
    ) -> Result<Option<Value>, ServiceError> {
        match self.try_as(role, api, operation, input).await? {
            Asked::Allowed(answer) => Ok(answer),
            Asked::Denied => Err(invalid(format!(
                "Cannot access stream {arn}. Please ensure the role can perform the GetRecords, \
                 GetShardIterator, DescribeStream, ListShards, and ListStreams Actions on your \
                 stream in IAM."
            ))),
            // A stream without a shard.
            Asked::Missing if operation == "GetShardIterator" => Ok(None),
            Asked::Missing => Err(invalid(format!("Stream not found: {arn}"))),
        }
    }

    pub(in crate::lambda) async fn try_as(
        &self,
        role: &Credentials,
        api: &str,
        operation: &str,
        input: Value,
    ) -> Result<Asked, ServiceError> {
        let api = Service::of(api).ok_or_else(|| service(format!("no model of {api}")))?;
        match self.client.call(role, api, operation, input).await {
            Ok(answer) => Ok(Asked::Allowed(Some(answer))),
            // SNS has a code of its own
            // (<https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html>).
            Err(error)
                if error.code.starts_with("AccessDenied") || error.code == "AuthorizationError" =>
            {
                Ok(Asked::Denied)
            }
            Err(error) if is_missing(&error) => Ok(Asked::Missing),
            // What it was asked for cannot be, as it was meant: it was decided.
            Err(error) if (400..=404).contains(&error.status) => Ok(Asked::Allowed(None)),
            Err(error) => Err(error),
        }
    }
}

fn is_missing(error: &ServiceError) -> bool {
    let code = error.code.rsplit('.').next().unwrap_or_default();
    matches!(code, "NonExistentQueue" | "QueueDoesNotExist" | "ResourceNotFoundException")
}

fn with(mut base: Value, more: Value) -> Value {
    if let (Some(base), Value::Object(more)) = (base.as_object_mut(), more) {
        base.extend(more);
    }
    base
}

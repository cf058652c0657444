//! Which source an ARN means.

use ringfence_wire::{Call, ServiceError};

use crate::lambda::error::{invalid, not_built};
use crate::lambda::execute::results::queue_url;
use crate::setting::Setting;

/// What a mapping reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) arn: String,
    pub(super) kind: Kind,
}

/// The kinds of sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Queue { account: String, name: String },
    Kinesis,
    DynamoDb,
}

impl Source {
    /// The source that a creation names.
    ///
    /// # Errors
    /// AWS's, for what is no source; `NotImplementedException` for the kinds that
    /// are not built.
    pub(super) fn of(call: &Call, setting: &Setting) -> Result<Self, ServiceError> {
        // LocalStack's test_event_source_mapping_exceptions, recorded on AWS.
        const UNKNOWN: &str = "Unrecognized event source.";
        if call.input.contains_key("SelfManagedEventSource") {
            return Err(not_built("an event source mapping of a self-managed Kafka cluster"));
        }
        let arn = call.text("EventSourceArn").ok_or_else(|| invalid(UNKNOWN))?;
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, service, region, account, resource] = parts.as_slice() else {
            return Err(invalid(UNKNOWN));
        };
        let kind = match *service {
            "sqs" => Kind::Queue { account: (*account).to_owned(), name: (*resource).to_owned() },
            "kinesis" if resource.starts_with("stream/") => Kind::Kinesis,
            "dynamodb" if resource.contains("/stream/") => Kind::DynamoDb,
            "kafka" | "mq" | "rds" | "kinesis" => {
                return Err(not_built(format!("an event source mapping of `{service}`")));
            }
            _ => return Err(invalid(UNKNOWN)),
        };
        if *region != setting.region {
            return Err(not_built("an event source of another region"));
        }
        Ok(Self { arn: arn.to_owned(), kind })
    }

    pub(super) fn is_queue(&self) -> bool {
        matches!(self.kind, Kind::Queue { .. })
    }

    /// Whether it is a queue that keeps the order.
    pub(super) fn is_fifo(&self) -> bool {
        matches!(&self.kind, Kind::Queue { name, .. } if name.ends_with(".fifo"))
    }

    /// The URL of a queue, as SQS names it.
    pub(super) fn queue_url(&self) -> Option<String> {
        match &self.kind {
            Kind::Queue { .. } => queue_url(&self.arn),
            Kind::Kinesis | Kind::DynamoDb => None,
        }
    }
}

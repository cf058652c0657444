//! What a mapping is set to. As recorded on AWS: LocalStack's
//! `tests/aws/services/lambda_/event_source_mapping`.

use ringfence_wire::{Call, ServiceError};
use serde_json::{Map, Value, json};

use crate::lambda::api::input::{integer, texts};
use crate::lambda::error::{invalid, not_built};
use crate::lambda::event_sources::filter::Filters;
use crate::lambda::event_sources::source::{Kind, Source};
use crate::lambda::name::Name;

/// Members that only streams have.
const OF_STREAMS: [&str; 7] = [
    "DestinationConfig",
    "BisectBatchOnFunctionError",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "StartingPosition",
    "TumblingWindowInSeconds",
];
/// Members that only queues have.
const OF_QUEUES: [&str; 1] = ["ScalingConfig"];
/// Members of the kinds that are not built.
const OF_OTHERS: [&str; 6] = [
    "AmazonManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "Queues",
    "SelfManagedKafkaEventSourceConfig",
    "SourceAccessConfigurations",
    "Topics",
];
/// What an unqueued batch of a queue holds at most.
const PLAIN_BATCH: i64 = 10;

/// A mapping's settings.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) source: Source,
    pub(super) function: Name,
    pub(super) batch_size: i64,
    pub(super) window_seconds: i64,
    pub(super) reports_failures: bool,
    pub(super) filters: Option<Filters>,
    /// Members that are kept and shown as they came, with their defaults.
    shown: Map<String, Value>,
}

impl Settings {
    /// The settings of a new mapping.
    ///
    /// # Errors
    /// AWS's, for members that do not fit the source.
    pub(super) fn new(call: &Call, source: Source, function: Name) -> Result<Self, ServiceError> {
        let shown = match source.kind {
            Kind::Queue { .. } => Map::new(),
            Kind::Kinesis | Kind::DynamoDb => of_streams(call, &source)?,
        };
        let batch_size = if source.is_queue() { PLAIN_BATCH } else { 100 };
        let mut settings = Self {
            source,
            function,
            batch_size,
            window_seconds: 0,
            reports_failures: false,
            filters: None,
            shown,
        };
        settings.change(call)?;
        Ok(settings)
    }

    /// Takes what a call says.
    ///
    /// # Errors
    /// As [`Settings::new`].
    pub(super) fn change(&mut self, call: &Call) -> Result<(), ServiceError> {
        self.check_members(call)?;
        self.batch_size = integer(call, "BatchSize")?.unwrap_or(self.batch_size);
        self.window_seconds =
            integer(call, "MaximumBatchingWindowInSeconds")?.unwrap_or(self.window_seconds);
        if let Some(types) = given(call, "FunctionResponseTypes") {
            let types = texts(Some(types), "FunctionResponseTypes")?;
            self.reports_failures = types.iter().any(|it| it == "ReportBatchItemFailures");
        }
        if let Some(criteria) = given(call, "FilterCriteria") {
            self.filters = Filters::read(criteria)?;
        }
        for member in OF_STREAMS.iter().chain(&OF_QUEUES).chain(&["MetricsConfig"]) {
            let fixed = *member == "StartingPosition" && self.shown.contains_key(*member);
            if let (Some(value), false) = (given(call, member), fixed) {
                self.shown.insert((*member).to_owned(), value.clone());
            }
        }
        self.check_batch()
    }

    fn check_members(&self, call: &Call) -> Result<(), ServiceError> {
        let foreign: &[&str] = if self.source.is_queue() { &OF_STREAMS } else { &OF_QUEUES };
        let foreign = foreign.iter().chain(&OF_OTHERS).find(|name| given(call, name).is_some());
        if let Some(member) = foreign {
            return Err(invalid(format!(
                "Unsupported {member} parameter for given event source mapping type."
            )));
        }
        for member in ["KMSKeyArn", "ProvisionedPollerConfig", "LoggingConfig"] {
            if given(call, member).is_some() {
                return Err(not_built(format!("`{member}` of an event source mapping")));
            }
        }
        Ok(())
    }

    /// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>,
    /// and LocalStack's test_event_source_mapping_default_batch_size.
    fn check_batch(&self) -> Result<(), ServiceError> {
        if !self.source.is_queue() {
            return Ok(());
        }
        if self.source.is_fifo() && self.batch_size > PLAIN_BATCH {
            return Err(invalid(format!(
                "1 validation error detected: Value '{}' at 'batchSize' failed to satisfy \
                 constraint: Member must have value less than or equal to {PLAIN_BATCH}",
                self.batch_size
            )));
        }
        if self.source.is_fifo() && self.window_seconds > 0 {
            return Err(invalid(
                "Unsupported MaximumBatchingWindowInSeconds parameter for given event source \
                 mapping type.",
            ));
        }
        if self.batch_size > PLAIN_BATCH && self.window_seconds == 0 {
            return Err(invalid(
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is \
                 greater than 10",
            ));
        }
        Ok(())
    }

    /// The settings as the API shows them.
    pub(super) fn show(&self, function_arn: &str) -> Map<String, Value> {
        let mut shown = self.shown.clone();
        let types = if self.reports_failures { vec!["ReportBatchItemFailures"] } else { vec![] };
        shown.insert("EventSourceArn".to_owned(), json!(self.source.arn));
        shown.insert("FunctionArn".to_owned(), json!(function_arn));
        shown.insert("BatchSize".to_owned(), json!(self.batch_size));
        shown.insert("MaximumBatchingWindowInSeconds".to_owned(), json!(self.window_seconds));
        shown.insert("FunctionResponseTypes".to_owned(), json!(types));
        if let Some(filters) = &self.filters {
            shown.insert("FilterCriteria".to_owned(), filters.show());
        }
        shown
    }
}

/// The defaults of a stream's mapping, and where it starts to read.
fn of_streams(call: &Call, source: &Source) -> Result<Map<String, Value>, ServiceError> {
    // LocalStack's test_create_event_source_validation_kinesis, recorded on AWS.
    let position = call.text("StartingPosition").ok_or_else(|| {
        invalid(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy \
             constraint: Member must not be null.",
        )
    })?;
    if position == "AT_TIMESTAMP" && source.kind == Kind::DynamoDb {
        // LocalStack's test_create_event_source_validation, recorded on AWS.
        let arn = &source.arn;
        return Err(invalid(format!("Unsupported starting position for arn type: {arn}")));
    }
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| drop(shown.insert(name.to_owned(), value));
    put("StartingPosition", json!(position));
    if let Some(from) = given(call, "StartingPositionTimestamp") {
        put("StartingPositionTimestamp", from.clone());
    }
    put("BisectBatchOnFunctionError", json!(false));
    put("DestinationConfig", json!({ "OnFailure": {} }));
    put("LastProcessingResult", json!("No records processed"));
    put("MaximumRecordAgeInSeconds", json!(-1));
    put("MaximumRetryAttempts", json!(-1));
    put("ParallelizationFactor", json!(1));
    put("TumblingWindowInSeconds", json!(0));
    Ok(shown)
}

/// A member that says something.
fn given<'a>(call: &'a Call, member: &str) -> Option<&'a Value> {
    call.input.get(member).filter(|value| !value.is_null())
}

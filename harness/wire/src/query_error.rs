//! Errors of services that spoke the query protocol once and speak JSON now. They keep
//! the old codes in a header, with whose fault it was, and clients take them from there
//! (<https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#x-amzn-query-error-header>).

use http::{HeaderName, HeaderValue};

use crate::operation::Service;

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// Codes that are called otherwise in JSON, as LocalStack's tests of SQS and CloudWatch
/// were recorded on AWS (`Code` and `QueryErrorCode` of `test_sqs.snapshot.json` and
/// `test_cloudwatch.snapshot.json`). Of all others both are the same.
const NAMES: [(&str, &str); 10] = [
    ("InvalidParameterCombination", "InvalidParameterCombinationException"),
    ("InvalidParameterValue", "InvalidParameterValueException"),
    ("MissingParameter", "MissingRequiredParameterException"),
    ("QueueAlreadyExists", "QueueNameExists"),
    ("ValidationError", "ValidationException"),
    ("AWS.SimpleQueueService.BatchRequestTooLong", "BatchRequestTooLong"),
    ("AWS.SimpleQueueService.InvalidBatchEntryId", "InvalidBatchEntryId"),
    ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"),
    ("AWS.SimpleQueueService.PurgeQueueInProgress", "PurgeQueueInProgress"),
    ("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "TooManyEntriesInBatchRequest"),
];

/// A code as the query protocol has it.
pub(crate) fn code(service: Service, code: &str) -> &str {
    let known = NAMES.iter().find(|(_, name)| service.query_compatible() && *name == code);
    known.map_or(code, |(code, _)| code)
}

/// A code as JSON has it.
pub(crate) fn name(service: Service, code: &str) -> &str {
    let known = NAMES.iter().find(|(old, _)| service.query_compatible() && *old == code);
    known.map_or(code, |(_, name)| name)
}

/// What the header says of an error; nothing for a service that needs none.
pub(crate) fn header(service: Service, error: &str, fault: &str) -> Option<HeaderValue> {
    let value = format!("{};{fault}", code(service, error));
    service.query_compatible().then(|| HeaderValue::from_str(&value).ok()).flatten()
}

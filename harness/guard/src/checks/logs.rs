//! What CloudWatch Logs refuses of a subscription.

use ringfence_wire::{Call, Service, ServiceError};

/// Refuses a stream as a destination without the role that writes to it: LocalStack's
/// `test_put_subscription_filter_errors`, recorded on AWS with Kinesis; the role is
/// needed "If you are delivering to a stream"
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html>).
///
/// # Errors
/// `InvalidParameterException`.
pub(crate) fn check(call: &Call) -> Result<(), ServiceError> {
    if (call.service(), call.name()) != (Service::Logs, "PutSubscriptionFilter") {
        return Ok(());
    }
    let vendor = call.text("destinationArn").and_then(|arn| arn.split(':').nth(2));
    match vendor {
        Some(vendor @ ("firehose" | "kinesis")) if call.text("roleArn").is_none() => {
            Err(ServiceError::new(
                400,
                "InvalidParameterException",
                format!("destinationArn for vendor {vendor} cannot be used without roleArn"),
            ))
        }
        _ => Ok(()),
    }
}

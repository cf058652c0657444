//! What CloudWatch Logs is told by its ARN. Its endpoint has what is of its own region and
//! account; an emulator looks for the name that the ARN ends with, and would act on what
//! is called so here, of which nothing was decided.

use ringfence_models::Partition;
use ringfence_wire::{Call, Service, ServiceError};
use serde_json::Value;

use crate::directory::arns::Arn;
use crate::requirements::State;

/// Members that name what a call is about, by name or ARN or by ARN alone
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Operations.html>).
/// A destination may be of another account.
const MEMBERS: [&str; 7] = [
    "anomalyDetectorArn",
    "logGroupArnList",
    "logGroupIdentifier",
    "logGroupIdentifiers",
    "lookupTableArn",
    "resourceArn",
    "resourceIdentifier",
];

/// Why a call that names something of another region or account cannot be made, for
/// whoever may make it. CloudWatch Logs has it for a group of another account that is not
/// linked (<https://github.com/elastic/beats/issues/37681>); none is linked here.
pub(super) fn absent(call: &Call, state: &dyn State) -> Option<ServiceError> {
    // Its identifiers narrow a list.
    if call.name() == "DescribeLogGroups" {
        return None;
    }
    let given = MEMBERS.iter().filter_map(|member| call.input.get(*member));
    let texts = given.flat_map(|value| match value {
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().into_iter().collect::<Vec<_>>(),
    });
    let head = head(call, state.account_id());
    let mut arns = texts.filter_map(Arn::parse).filter(|arn| arn.service == "logs");
    let foreign = arns.find(|arn| !arn.text.starts_with(&head))?;
    let what = if foreign.resource.starts_with("log-group:") { "log group" } else { "resource" };
    let message = format!("The specified {what} does not exist.");
    Some(ServiceError::new(400, "ResourceNotFoundException", message))
}

/// The name of the log group that an identifier is or that its ARN ends with, where that is
/// of the call's region and of this account.
pub(crate) fn group_name<'a>(call: &Call, account: &str, identifier: &'a str) -> Option<&'a str> {
    if !identifier.starts_with("arn:") {
        return Some(identifier);
    }
    let name = identifier.strip_prefix(&head(call, account))?.strip_prefix("log-group:")?;
    Some(name.strip_suffix(":*").unwrap_or(name))
}

/// What ARNs begin with of what is there for a call.
fn head(call: &Call, account: &str) -> String {
    let (partition, service) = (Partition::of_region(&call.region), Service::Logs.name());
    format!("arn:{partition}:{service}:{}:{account}:", call.region)
}

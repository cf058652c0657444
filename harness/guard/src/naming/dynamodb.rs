//! DynamoDB's older and newer ways to say one thing. The leading key of a query
//! may stand in `KeyConditions` and in `KeyConditionExpression`; AWS takes one.

use ringfence_wire::{Call, ServiceError};
use serde_json::{Map, Value};

/// "legacy conditional parameters"
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html>).
const LEGACY: [&str; 7] = [
    "AttributesToGet",
    "AttributeUpdates",
    "ConditionalOperator",
    "Expected",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
];

const EXPRESSIONS: [&str; 5] = [
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
];

/// Refuses a request that uses both. A batch has them by table.
pub(super) fn check(call: &Call) -> Result<(), ServiceError> {
    one_way(&call.input)?;
    let tables = call.input.get("RequestItems").and_then(Value::as_object);
    tables.into_iter().flat_map(Map::values).filter_map(Value::as_object).try_for_each(one_way)
}

/// The message as in <https://github.com/aws/aws-sdk-js/issues/1127>.
fn one_way(request: &Map<String, Value>) -> Result<(), ServiceError> {
    let given = |members: &[&str]| {
        let given = members.iter().filter(|member| request.contains_key(**member));
        given.copied().collect::<Vec<_>>().join(", ")
    };
    let (legacy, expressions) = (given(&LEGACY), given(&EXPRESSIONS));
    if legacy.is_empty() || expressions.is_empty() {
        return Ok(());
    }
    Err(ServiceError::new(
        400,
        "ValidationException",
        format!(
            "Can not use both expression and non-expression parameters in the same request: \
             Non-expression parameters: {{{legacy}}} Expression parameters: {{{expressions}}}"
        ),
    ))
}

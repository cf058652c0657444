//! Constraints of the API model that no other place here checks, as a table:
//! AWS refuses what breaks them before it looks at anything else, and tells of
//! all of them together.
//!
//! The values are those of the model (botocore's `lambda/2015-03-31`), the
//! patterns as recorded messages print them, with the European sovereign cloud's
//! regions.

use regex_lite::Regex;
use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

use crate::lambda::error::validation;
use crate::lambda::name::summary;

const ARN: &str = r"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)";
/// LocalStack's test_lambda_eventinvokeconfig_exceptions, recorded on AWS.
const DESTINATION: &str = r"$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)";
const EVENT_CALLS: &[&str] = &["PutFunctionEventInvokeConfig", "UpdateFunctionEventInvokeConfig"];
const ALIAS_CALLS: &[&str] = &["CreateAlias", "DeleteAlias", "GetAlias", "UpdateAlias"];
const CODE_CALLS: &[&str] = &["CreateFunction", "UpdateFunctionConfiguration"];
const SOURCE_CALLS: &[&str] = &["CreateEventSourceMapping", "UpdateEventSourceMapping"];
const URL_CALLS: &[&str] = &["CreateFunctionUrlConfig", "UpdateFunctionUrlConfig"];

/// What a member must satisfy.
enum Rule {
    /// The length of a text or a list.
    Length(usize, usize),
    /// A number's bounds.
    Range(i64, i64),
    /// A pattern that a text must match as a whole.
    Pattern(&'static str),
    /// The values that there are.
    OneOf(&'static [&'static str]),
}

/// Operations, the member's path by its names in the input, and its rule.
const RULES: &[(&[&str], &str, Rule)] = &[
    (ALIAS_CALLS, "Name", Rule::Length(1, 128)),
    (&["CreateAlias", "UpdateAlias", "PublishVersion"], "Description", Rule::Length(0, 256)),
    (&["AddPermission", "RemovePermission"], "StatementId", Rule::Length(1, 100)),
    (&["RemovePermission"], "StatementId", Rule::Pattern("([a-zA-Z0-9-_.]+)")),
    (&["AddPermission"], "Principal", Rule::Pattern(r"[^\s]+")),
    (&["AddPermission"], "SourceArn", Rule::Pattern(ARN)),
    (&["AddPermission"], "SourceAccount", Rule::Length(0, 12)),
    (&["AddPermission"], "EventSourceToken", Rule::Length(0, 256)),
    (&["AddPermission"], "EventSourceToken", Rule::Pattern(r"[a-zA-Z0-9._\-]+")),
    (&["AddPermission"], "PrincipalOrgID", Rule::Length(12, 34)),
    (&["AddPermission"], "PrincipalOrgID", Rule::Pattern("o-[a-z0-9]{10,32}")),
    (
        &["ListFunctions", "ListVersionsByFunction", "ListAliases"],
        "MaxItems",
        Rule::Range(1, 10_000),
    ),
    (&["ListFunctionUrlConfigs", "ListFunctionEventInvokeConfigs"], "MaxItems", Rule::Range(1, 50)),
    (&["PutFunctionConcurrency"], "ReservedConcurrentExecutions", Rule::Range(0, i64::MAX)),
    (
        CODE_CALLS,
        "LoggingConfig.ApplicationLogLevel",
        Rule::OneOf(&["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]),
    ),
    (CODE_CALLS, "LoggingConfig.SystemLogLevel", Rule::OneOf(&["DEBUG", "INFO", "WARN"])),
    (CODE_CALLS, "LoggingConfig.LogGroup", Rule::Length(1, 512)),
    (&["UpdateFunctionCode"], "S3Bucket", Rule::Length(3, 63)),
    (&["UpdateFunctionCode"], "S3Key", Rule::Length(1, 1024)),
    (&["UpdateFunctionCode"], "S3ObjectVersion", Rule::Length(1, 1024)),
    (&["CreateFunction"], "Code.S3Bucket", Rule::Length(3, 63)),
    (&["CreateFunction"], "Code.S3Key", Rule::Length(1, 1024)),
    (&["CreateFunction"], "Code.S3ObjectVersion", Rule::Length(1, 1024)),
    (EVENT_CALLS, "DestinationConfig.OnSuccess.Destination", Rule::Length(0, 350)),
    (EVENT_CALLS, "DestinationConfig.OnSuccess.Destination", Rule::Pattern(DESTINATION)),
    (EVENT_CALLS, "DestinationConfig.OnFailure.Destination", Rule::Length(0, 350)),
    (EVENT_CALLS, "DestinationConfig.OnFailure.Destination", Rule::Pattern(DESTINATION)),
    (SOURCE_CALLS, "EventSourceArn", Rule::Pattern(ARN)),
    (SOURCE_CALLS, "BatchSize", Rule::Range(1, 10_000)),
    (SOURCE_CALLS, "MaximumBatchingWindowInSeconds", Rule::Range(0, 300)),
    (SOURCE_CALLS, "ParallelizationFactor", Rule::Range(1, 10)),
    (SOURCE_CALLS, "MaximumRecordAgeInSeconds", Rule::Range(-1, 604_800)),
    (SOURCE_CALLS, "MaximumRetryAttempts", Rule::Range(-1, 10_000)),
    (SOURCE_CALLS, "TumblingWindowInSeconds", Rule::Range(0, 900)),
    (SOURCE_CALLS, "ScalingConfig.MaximumConcurrency", Rule::Range(2, 1000)),
    (SOURCE_CALLS, "StartingPosition", Rule::OneOf(&["LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"])),
    (&["PublishLayerVersion"], "Description", Rule::Length(0, 256)),
    (&["PublishLayerVersion"], "LicenseInfo", Rule::Length(0, 512)),
    (&["PublishLayerVersion"], "CompatibleRuntimes", Rule::Length(0, 15)),
    (&["ListLayers", "ListLayerVersions"], "MaxItems", Rule::Range(1, 50)),
    (URL_CALLS, "Cors.MaxAge", Rule::Range(0, 86_400)),
    (URL_CALLS, "Cors.AllowHeaders", Rule::Length(0, 100)),
    (URL_CALLS, "Cors.AllowMethods", Rule::Length(0, 6)),
    (URL_CALLS, "Cors.AllowOrigins", Rule::Length(0, 100)),
    (URL_CALLS, "Cors.ExposeHeaders", Rule::Length(0, 100)),
];

/// That a call keeps to the table.
///
/// # Errors
/// `ValidationException` with all that it breaks.
pub(in crate::lambda) fn check(call: &Call) -> Result<(), ServiceError> {
    let mut failures = Vec::new();
    for (operations, path, rule) in RULES {
        if !operations.contains(&call.name()) {
            continue;
        }
        if let Some(value) = find(call, path)
            && let Some(constraint) = rule.broken_by(value)
        {
            failures.push(format!(
                "Value '{}' at '{}' failed to satisfy constraint: {constraint}",
                printed(value),
                lowered(path)
            ));
        }
    }
    summary(&failures).map_or(Ok(()), |message| Err(validation(message)))
}

impl Rule {
    /// What a value breaks; nothing where it keeps to the rule, or has another
    /// type, which is refused elsewhere.
    fn broken_by(&self, value: &Value) -> Option<String> {
        match self {
            Self::Length(least, most) => {
                let length = match value {
                    Value::String(text) => text.chars().count(),
                    Value::Array(items) => items.len(),
                    _ => return None,
                };
                if length > *most {
                    return Some(format!("Member must have length less than or equal to {most}"));
                }
                (length < *least)
                    .then(|| format!("Member must have length greater than or equal to {least}"))
            }
            Self::Range(least, most) => {
                let number = match value {
                    Value::String(text) => text.parse().ok()?,
                    other => other.as_i64()?,
                };
                if number > *most {
                    return Some(format!("Member must have value less than or equal to {most}"));
                }
                (number < *least)
                    .then(|| format!("Member must have value greater than or equal to {least}"))
            }
            Self::Pattern(pattern) => {
                let text = value.as_str()?;
                let fits =
                    Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|it| it.is_match(text));
                (!fits)
                    .then(|| format!("Member must satisfy regular expression pattern: {pattern}"))
            }
            Self::OneOf(values) => {
                let text = value.as_str()?;
                (!values.contains(&text))
                    .then(|| format!("Member must satisfy enum value set: [{}]", values.join(", ")))
            }
        }
    }
}

fn find<'a>(call: &'a Call, path: &str) -> Option<&'a Value> {
    let mut names = path.split('.');
    let first = call.input.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}

fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(printed).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// `LoggingConfig.LogGroup` as messages name it: `loggingConfig.logGroup`.
fn lowered(path: &str) -> String {
    let lower = |name: &str| {
        let mut letters = name.chars();
        letters.next().map(|it| it.to_ascii_lowercase()).into_iter().chain(letters).collect()
    };
    path.split('.').map(lower).collect::<Vec<String>>().join(".")
}

#[cfg(test)]
mod tests {
    use ringfence_wire::{Operation, Service};
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn call(operation: &str, input: Value) -> Call {
        Call {
            operation: Operation::find(Service::Lambda, operation).unwrap(),
            region: "eu-west-1".to_owned(),
            input: input.as_object().cloned().unwrap(),
            payload: None,
        }
    }

    #[rstest]
    #[case("ListFunctions", json!({ "MaxItems": "0" }), "1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1")]
    #[case("ListFunctionUrlConfigs", json!({ "MaxItems": 51 }), "1 validation error detected: Value '51' at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 50")]
    #[case("PutFunctionConcurrency", json!({ "ReservedConcurrentExecutions": -1 }), "1 validation error detected: Value '-1' at 'reservedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 0")]
    #[case("AddPermission", json!({ "SourceArn": "no", "PrincipalOrgID": "o-1" }), "3 validation errors detected: Value 'no' at 'sourceArn' failed to satisfy constraint: Member must satisfy regular expression pattern: <ARN>; Value 'o-1' at 'principalOrgID' failed to satisfy constraint: Member must have length greater than or equal to 12; Value 'o-1' at 'principalOrgID' failed to satisfy constraint: Member must satisfy regular expression pattern: o-[a-z0-9]{10,32}")]
    #[case("CreateFunction", json!({ "LoggingConfig": { "SystemLogLevel": "LOUD" } }), "1 validation error detected: Value 'LOUD' at 'loggingConfig.systemLogLevel' failed to satisfy constraint: Member must satisfy enum value set: [DEBUG, INFO, WARN]")]
    #[case("UpdateFunctionUrlConfig", json!({ "Cors": { "AllowMethods": ["A", "B", "C", "D", "E", "F", "G"] } }), "1 validation error detected: Value '[A, B, C, D, E, F, G]' at 'cors.allowMethods' failed to satisfy constraint: Member must have length less than or equal to 6")]
    fn what_breaks_the_model_is_told_with_its_place(
        #[case] operation: &str,
        #[case] input: Value,
        #[case] message: &str,
    ) {
        let error = check(&call(operation, input)).unwrap_err();
        assert_eq!((error.status, &*error.code), (400, "ValidationException"));
        assert_eq!(error.message, message.replace("<ARN>", ARN));
    }

    #[rstest]
    #[case("ListFunctions", json!({ "MaxItems": 10_000 }))]
    #[case("AddPermission", json!({ "SourceArn": "arn:aws:s3:::bucket", "PrincipalOrgID": "o-1234567890" }))]
    #[case("RemovePermission", json!({ "StatementId": "a.b" }))]
    #[case("GetFunction", json!({ "MaxItems": 0 }))]
    fn what_keeps_to_the_model_is_taken(#[case] operation: &str, #[case] input: Value) {
        check(&call(operation, input)).unwrap();
    }

    #[test]
    fn every_pattern_of_the_table_can_be_read() {
        for (_, path, rule) in RULES {
            if let Rule::Pattern(pattern) = rule {
                assert!(Regex::new(&format!("^(?:{pattern})$")).is_ok(), "{path}: {pattern}");
            }
        }
    }
}

//! What a function may not be: AWS's limits that are more than a number, and
//! what is not built here.

use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

use crate::lacking::{Made, with_any_value};
use crate::lambda::error::{invalid, not_built, not_found, validation};

/// The runtimes that AWS's message names, in its order (LocalStack's
/// test_create_lambda_exceptions, recorded on AWS in January 2026).
const RUNTIMES: [&str; 25] = [
    "nodejs20.x",
    "python3.14",
    "provided.al2023",
    "python3.12",
    "python3.13",
    "nodejs24.x",
    "nodejs22.x",
    "java25",
    "python3.10",
    "python3.11",
    "java21",
    "ruby3.3",
    "ruby3.4",
    "ruby3.2",
    "python3.8",
    "python3.9",
    "java17",
    "nodejs16.x",
    "dotnet10",
    "dotnet8",
    "java11",
    "dotnet6",
    "nodejs18.x",
    "provided.al2",
    "java8.al2",
];

/// Runtimes that are newer than the recorded message.
const NEWER: [&str; 6] =
    ["ruby4.0", "nodejs26.x", "python3.15", "java8.al2023", "java11.al2023", "java17.al2023"];

/// Runtimes that AWS once took.
const RETIRED: [&str; 22] = [
    "nodejs",
    "nodejs4.3",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "java8",
    "python2.7",
    "python3.6",
    "python3.7",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "dotnet5.0",
    "nodejs4.3-edge",
    "go1.x",
    "ruby2.5",
    "ruby2.7",
    "provided",
    "python3.4",
];

/// Environment variables that are Lambda's own.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
const RESERVED_VARIABLES: [&str; 18] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
];

/// That a runtime is one that AWS takes.
pub(in crate::lambda) fn check_runtime(runtime: &str) -> Result<(), ServiceError> {
    if RUNTIMES.contains(&runtime) || NEWER.contains(&runtime) {
        return Ok(());
    }
    if RETIRED.contains(&runtime) {
        return Err(invalid(format!(
            "The runtime parameter of {runtime} is no longer supported for creating or updating \
             AWS Lambda functions. We recommend you use a supported runtime while creating or \
             updating functions."
        )));
    }
    Err(invalid(format!(
        "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum \
         value set: [{}] or be a valid ARN",
        RUNTIMES.join(", ")
    )))
}

/// That environment variables keep to AWS's rules.
pub(in crate::lambda) fn check_variables(
    variables: &[(String, String)],
) -> Result<(), ServiceError> {
    /// AWS's limit for all variables together, as JSON.
    const LARGEST: usize = 4096;
    let reserved: Vec<&str> = variables
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| RESERVED_VARIABLES.contains(name))
        .collect();
    if !reserved.is_empty() {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment \
             variables you have provided contains reserved keys that are currently not supported \
             for modification. Reserved keys used in this request: {}",
            reserved.join(", ")
        )));
    }
    let name_fits = |name: &str| {
        name.len() >= 2
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if let Some((name, _)) = variables.iter().find(|(name, _)| !name_fits(name)) {
        return Err(validation(format!(
            "1 validation error detected: Value at 'environment.variables' failed to satisfy \
             constraint: Map keys must satisfy constraint: [Member must satisfy regular \
             expression pattern: [a-zA-Z]([a-zA-Z0-9_])+] (`{name}`)"
        )));
    }
    if let Some((name, _)) = variables.iter().find(|(_, value)| value.contains('\0')) {
        return Err(invalid(format!("the value of `{name}` contains a NUL character")));
    }
    let map: serde_json::Map<String, Value> =
        variables.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let measured = Value::Object(map).to_string();
    if !variables.is_empty() && measured.len() > LARGEST {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment \
             variables you have provided exceeded the 4KB limit. String measured: {measured}"
        )));
    }
    Ok(())
}

/// That a runtime is one that AWS knows, also one that it once took.
///
/// # Errors
/// The runtimes that AWS's messages list.
pub(in crate::lambda) fn known_runtime(runtime: &str) -> Result<(), String> {
    let known = [RUNTIMES.as_slice(), &NEWER, &RETIRED].iter().any(|all| all.contains(&runtime));
    if known { Ok(()) } else { Err(RUNTIMES.join(", ")) }
}

/// That nothing is asked for that would be ignored. Clients send empty forms
/// of what they do not use; these are no request.
pub(in crate::lambda) fn check_built(call: &Call) -> Result<(), ServiceError> {
    let said = |value: Option<&Value>| match value {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
        Some(_) => true,
    };
    if let Some(arn) = call.text("CodeSigningConfigArn").filter(|arn| !arn.is_empty()) {
        // None can be created here, so there is none.
        return Err(ServiceError {
            code: "CodeSigningConfigNotFoundException".into(),
            ..not_found(format!(
                "The code signing configuration cannot be found. Check that the provided code \
                 signing configuration is not deleted: {arn}."
            ))
        });
    }
    for (member, what) in with_any_value(Made::Function) {
        if said(call.input.get(member)) {
            return Err(not_built(what));
        }
    }
    if said(call.input.get("PublishTo")) {
        return Err(not_built("`PublishTo`"));
    }
    Ok(())
}

//! EC2's `DryRun`: "Checks whether you have the required permissions for the
//! action, without actually making the request"
//! (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html>).
//! Emulators make it.

use ringfence_wire::{Call, Service, ServiceError};
use serde_json::Value;

/// Ends an authorized call that was only to be tried.
///
/// # Errors
/// `DryRunOperation` (412), as AWS answers where the call would have been made;
/// or that the parameter is neither true nor false, so that readers could differ.
pub(crate) fn check(call: &Call) -> Result<(), ServiceError> {
    let Some(value) = call.input.get("DryRun").filter(|_| call.service() == Service::Ec2) else {
        return Ok(());
    };
    let text = match value {
        Value::Bool(flag) => flag.to_string(),
        Value::String(text) => text.to_ascii_lowercase(),
        other => other.to_string(),
    };
    match text.as_str() {
        "false" => Ok(()),
        "true" => Err(ServiceError::new(
            412,
            "DryRunOperation",
            "Request would have succeeded, but DryRun flag is set.",
        )),
        _ => Err(ServiceError::new(
            400,
            "InvalidParameterValue",
            format!("Value ({text}) for parameter dryRun is invalid. It is true or false."),
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::requirements::tests::call;

    /// Every operation that has the parameter.
    #[test]
    fn no_operation_is_made_that_was_only_to_be_tried() {
        let mut count = 0;
        for operation in &Service::Ec2.model().operations {
            if operation.member("DryRun").is_none() {
                continue;
            }
            count += 1;
            for (value, told) in [
                (json!("true"), Some((412, "DryRunOperation"))),
                (json!("True"), Some((412, "DryRunOperation"))),
                (json!("1"), Some((400, "InvalidParameterValue"))),
                (json!("false"), None),
            ] {
                let answer = check(&call(Service::Ec2, operation.name, json!({"DryRun": value})));
                let answer = answer.err().map(|error| (error.status, error.code.into_owned()));
                assert_eq!(answer, told.map(|(status, code)| (status, code.to_owned())));
            }
        }
        assert!(count > 600, "{count}");
    }
}

//! `DryRun`: a call that is to be decided and not made. Emulators make it.
//!
//! EC2's "Checks whether you have the required permissions for the action, without
//! actually making the request"
//! (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html>),
//! KMS's and Kinesis's tests permissions too
//! (<https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html>).
//! What it means to other services differs, and whether the upstream knows it,
//! nobody has looked: it is refused by name. Lambda is answered here.

use ringfence_wire::{Call, Service, ServiceError};
use serde_json::Value;

/// Ends an authorized call that was only to be tried.
///
/// # Errors
/// AWS's own answer where the call would have been made; or that the parameter is
/// neither true nor false, so that readers could differ; or that nothing is known of
/// it.
pub(crate) fn check(call: &Call) -> Result<(), ServiceError> {
    let member = ["DryRun", "dryRun"].into_iter().find(|name| call.input.contains_key(*name));
    let Some(member) = member.filter(|_| call.service() != Service::Lambda) else {
        return Ok(());
    };
    let text = match call.input.get(member) {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::String(text)) => text.to_ascii_lowercase(),
        Some(other) => other.to_string(),
    };
    match text.as_str() {
        "false" => Ok(()),
        "true" => Err(tried(call)),
        _ if call.service() == Service::Ec2 => Err(ServiceError::new(
            400,
            "InvalidParameterValue",
            format!("Value ({text}) for parameter dryRun is invalid. It is true or false."),
        )),
        _ => Err(ServiceError::validation(
            call.service(),
            format!("{member} is `{text}`, neither true nor false"),
        )),
    }
}

fn tried(call: &Call) -> ServiceError {
    match call.service().name() {
        "ec2" => ServiceError::new(
            412,
            "DryRunOperation",
            "Request would have succeeded, but DryRun flag is set.",
        ),
        // LocalStack's recorded `test_generate_data_key_pair_dry_run`.
        "kms" | "kinesis" => ServiceError::new(
            400,
            "DryRunOperationException",
            "The request would have succeeded, but the DryRun option is set.",
        ),
        service => ServiceError::new(
            501,
            "NotImplementedException",
            format!("`DryRun` of {service}:{} is not built: nothing was done", call.name()),
        ),
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

    /// Members of this name in other services: answered, or refused by name.
    #[test]
    fn what_was_only_to_be_tried_is_made_by_no_service() {
        let mut tried = std::collections::BTreeSet::new();
        let all = ringfence_wire::Service::all().flat_map(|service| &service.model().operations);
        for operation in all.filter(|operation| operation.service != Service::Lambda) {
            for member in ["DryRun", "dryRun"] {
                if operation.member(member).is_none() {
                    continue;
                }
                let asked = |value| {
                    let input = json!({ member: value });
                    check(&call(operation.service, operation.name, input)).err()
                };
                assert_eq!(asked(json!(false)), None, "{}", operation.name);
                tried.insert((operation.service.name(), asked(json!(true)).unwrap().code));
            }
        }
        for known in [
            ("ec2", "DryRunOperation"),
            ("kms", "DryRunOperationException"),
            ("ssm", "NotImplementedException"),
        ] {
            assert!(tried.contains(&(known.0, known.1.into())), "{tried:?}");
        }
    }
}

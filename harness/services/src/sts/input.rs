//! What STS looks at before anything else, whoever calls and whatever policies
//! say: the bounds and patterns of the API model, all of them at once, and then
//! whether the role's ARN is one.
//!
//! Order and words: recorded on AWS in LocalStack's `test_sts_invalid_parameters`
//! (July 2025).

use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

use super::check;
use crate::credentials::{Identity, Session};

const PREFIX: &str = "1 validation error detected: ";

/// Checks the input of a call, before it is decided.
///
/// # Errors
/// `ValidationError`, in STS's words.
pub fn check_input(call: &Call, caller: Option<&Session>) -> Result<(), ServiceError> {
    // Lambda names its sessions after the function, which may have one letter.
    let is_service =
        caller.is_some_and(|caller| matches!(caller.identity, Identity::Service { .. }));
    let shortest = if is_service { 1 } else { 2 };
    let name = || check::text(call, "RoleSessionName", shortest, 64).map(drop);
    let name_pattern = |member| check::pattern(call, member, r"[\w+=,.@-]*", check::name_character);
    let role = || check::text(call, "RoleArn", 20, 2_048).map(drop);
    let optional = |member, min, max| check::optional(call, member, min, max).map(drop);
    let seconds = |max| check::number(call, "DurationSeconds", 900, max).map(drop);
    match call.name() {
        "AssumeRole" => {
            all([
                role(),
                name(),
                name_pattern("RoleSessionName"),
                optional("Policy", 1, 2_048),
                seconds(43_200),
                listed(call, "PolicyArns", "policyArns", 10),
                listed(call, "Tags", "tags", 50),
                listed(call, "TransitiveTagKeys", "transitiveTagKeys", 50),
                optional("ExternalId", 2, 1_224),
                check::pattern(call, "ExternalId", r"[\w+=,.@:\/-]*", external_character),
                optional("SourceIdentity", 2, 64),
                name_pattern("SourceIdentity"),
            ])?;
            check::role_arn(call).map(drop)
        }
        "AssumeRoleWithWebIdentity" => {
            all([
                role(),
                name(),
                name_pattern("RoleSessionName"),
                check::text(call, "WebIdentityToken", 4, 20_000).map(drop),
                optional("ProviderId", 4, 2_048),
                optional("Policy", 1, 2_048),
                listed(call, "PolicyArns", "policyArns", 10),
                seconds(43_200),
            ])?;
            check::role_arn(call).map(drop)
        }
        "GetFederationToken" => all([
            check::text(call, "Name", 2, 32).map(drop),
            name_pattern("Name"),
            optional("Policy", 1, 2_048),
            seconds(129_600),
            listed(call, "PolicyArns", "policyArns", 10),
            listed(call, "Tags", "tags", 50),
        ]),
        "GetSessionToken" => {
            all([seconds(129_600), optional("SerialNumber", 9, 256), optional("TokenCode", 6, 6)])
        }
        _ => Ok(()),
    }
}

fn external_character(c: char) -> bool {
    check::name_character(c) || ":/".contains(c)
}

fn listed(call: &Call, member: &str, name: &str, most: usize) -> Result<(), ServiceError> {
    match call.input.get(member) {
        Some(Value::Array(items)) if items.len() > most => Err(check::error(format!(
            "{PREFIX}Value at '{name}' failed to satisfy constraint: Member must have length less \
             than or equal to {most}"
        ))),
        _ => Ok(()),
    }
}

/// The faults of a call as one error.
fn all<const N: usize>(checks: [Result<(), ServiceError>; N]) -> Result<(), ServiceError> {
    let mut faults = Vec::new();
    for error in checks.into_iter().filter_map(Result::err) {
        match error.message.strip_prefix(PREFIX) {
            Some(fault) => faults.push(fault.to_owned()),
            // A number that is none cannot even be read.
            None => return Err(error),
        }
    }
    match faults.as_slice() {
        [] => Ok(()),
        [fault] => Err(check::error(format!("{PREFIX}{fault}"))),
        faults => {
            let count = faults.len();
            Err(check::error(format!("{count} validation errors detected: {}", faults.join("; "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use ringfence_wire::{Operation, Service};
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const PATTERN: &str = r"Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*";
    const ROLE: &str = "arn:aws:iam::123456789012:role/app";

    #[rstest]
    #[case::whole(json!({"RoleArn": ROLE, "RoleSessionName": "s1"}), None)]
    #[case::name_before_arn(
        json!({"RoleArn": "arn:a:b:::something/test-role", "RoleSessionName": "Session1:2"}),
        Some(format!("1 validation error detected: {PATTERN}"))
    )]
    #[case::arn(
        json!({"RoleArn": "nothing-valid-in-here", "RoleSessionName": "s1"}),
        Some("nothing-valid-in-here is invalid".to_owned())
    )]
    #[case::no_resource(
        json!({"RoleArn": "arn:a:a::aaaaaaaaaa:", "RoleSessionName": "s1"}),
        Some("arn:a:a::aaaaaaaaaa: is invalid".to_owned())
    )]
    #[case::two_at_once(
        json!({"RoleArn": ROLE, "RoleSessionName": "Session1:2", "DurationSeconds": 1}),
        Some(format!("2 validation errors detected: {PATTERN}; Value '1' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"))
    )]
    fn constraints_come_first_and_together(#[case] input: Value, #[case] says: Option<String>) {
        let call = Call {
            operation: Operation::find(Service::Sts, "AssumeRole").unwrap(),
            region: "us-east-1".into(),
            input: input.as_object().unwrap().clone(),
            payload: None,
        };
        let error = check_input(&call, None).err();
        assert_eq!(error.as_ref().map(|error| error.message.clone()), says);
        assert!(error.is_none_or(|error| (error.status, &*error.code) == (400, "ValidationError")));
    }
}

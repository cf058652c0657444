//! Validation of parameters, in AWS's words. Bounds and patterns are those of
//! the API model (botocore, sts 2011-06-15).

use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

/// A `ValidationError`.
pub(super) fn error(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "ValidationError", message)
}

fn constraint(value: &str, member: &str, rule: &str) -> ServiceError {
    let mut name = member.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    error(format!(
        "1 validation error detected: Value {value} at '{name}' failed to satisfy constraint: \
         Member must {rule}"
    ))
}

/// A required text member within bounds.
pub(super) fn text<'a>(
    call: &'a Call,
    member: &str,
    min: usize,
    max: usize,
) -> Result<&'a str, ServiceError> {
    optional(call, member, min, max)?.ok_or_else(|| constraint("null", member, "not be null"))
}

/// An optional text member within bounds.
pub(super) fn optional<'a>(
    call: &'a Call,
    member: &str,
    min: usize,
    max: usize,
) -> Result<Option<&'a str>, ServiceError> {
    let Some(value) = call.text(member) else { return Ok(None) };
    let length = value.chars().count();
    // A token is a secret: its value must not come back.
    let shown =
        if member.ends_with("Token") { "'[token]'".to_owned() } else { format!("'{value}'") };
    if length < min {
        let rule = format!("have length greater than or equal to {min}");
        return Err(constraint(&shown, member, &rule));
    }
    if length > max {
        let rule = format!("have length less than or equal to {max}");
        return Err(constraint(&shown, member, &rule));
    }
    Ok(Some(value))
}

/// A text member's pattern.
pub(super) fn pattern(
    call: &Call,
    member: &str,
    pattern: &str,
    allowed: impl Fn(char) -> bool,
) -> Result<(), ServiceError> {
    match call.text(member) {
        Some(value) if !value.chars().all(allowed) => Err(constraint(
            &format!("'{value}'"),
            member,
            &format!("satisfy regular expression pattern: {pattern}"),
        )),
        _ => Ok(()),
    }
}

/// Names of sessions and source identities.
pub(super) fn name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

/// An optional number within bounds.
pub(super) fn number(
    call: &Call,
    member: &str,
    min: u32,
    max: u32,
) -> Result<Option<u32>, ServiceError> {
    let number = match call.input.get(member) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    let Some(number) = number else {
        return Err(ServiceError::new(
            400,
            "MalformedInput",
            format!("{member} is not an integer"),
        ));
    };
    if number < i64::from(min) {
        let rule = format!("have value greater than or equal to {min}");
        return Err(constraint(&format!("'{number}'"), member, &rule));
    }
    if number > i64::from(max) {
        let rule = format!("have value less than or equal to {max}");
        return Err(constraint(&format!("'{number}'"), member, &rule));
    }
    Ok(u32::try_from(number).ok())
}

/// Refuses a call that shows an MFA device.
pub(super) fn no_mfa(call: &Call) -> Result<(), ServiceError> {
    for member in ["SerialNumber", "TokenCode"] {
        if call.input.contains_key(member) {
            return Err(ServiceError::new(
                501,
                "NotImplemented",
                format!("{member} cannot be checked: MFA devices are not built into Ringfence"),
            ));
        }
    }
    Ok(())
}

/// A role's ARN: partition, account and name, where it is one.
pub(super) fn role_arn(call: &Call) -> Result<&str, ServiceError> {
    let arn = text(call, "RoleArn", 20, 2048)?;
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let valid = matches!(
        parts.as_slice(),
        ["arn", _, "iam", "", account, resource]
            if account.len() == 12
                && account.chars().all(|c| c.is_ascii_digit())
                && resource.strip_prefix("role/").is_some_and(|name| {
                    !name.is_empty() && !name.ends_with('/')
                })
    );
    if valid { Ok(arn) } else { Err(error(format!("{arn} is invalid"))) }
}

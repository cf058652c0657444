//! The policy of a form: until when it holds, and what its fields must be
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Form;
use super::signed::needs_no_condition;
use crate::{ServiceError, strict_json};

fn denied(why: &str) -> ServiceError {
    ServiceError::new(403, "AccessDenied", format!("Invalid according to Policy: {why}"))
}

fn invalid(why: &str) -> ServiceError {
    ServiceError::new(400, "InvalidPolicyDocument", format!("Invalid Policy: {why}"))
}

/// Checks a form against its policy, whose signature holds.
pub(super) fn check(
    encoded: &str,
    form: &Form,
    bucket: &str,
    now: OffsetDateTime,
) -> Result<(), ServiceError> {
    let bytes = STANDARD.decode(encoded).map_err(|_| invalid("Invalid JSON."))?;
    let policy: Value = strict_json::parse(&bytes).map_err(|_| invalid("Invalid JSON."))?;
    let expiration = policy.get("expiration").and_then(Value::as_str);
    let expiration = expiration.ok_or_else(|| invalid("Policy missing expiration."))?;
    let ends = OffsetDateTime::parse(expiration, &Rfc3339)
        .map_err(|_| invalid(&format!("Invalid 'expiration' value: '{expiration}'")))?;
    if now > ends {
        return Err(denied("Policy expired."));
    }
    let conditions = policy.get("conditions").and_then(Value::as_array);
    let conditions = conditions.ok_or_else(|| invalid("Policy missing conditions."))?;
    let conditions: Vec<Condition> =
        conditions.iter().map(Condition::read).collect::<Result<_, _>>()?;
    for condition in &conditions {
        condition.check(form, bucket)?;
    }
    let is_covered = |name: &str| conditions.iter().any(|condition| condition.covers(name));
    let stray = form.fields().find(|(name, _)| !needs_no_condition(name) && !is_covered(name));
    match stray {
        Some((name, _)) => Err(denied(&format!("Extra input fields: {name}"))),
        // The bucket is a field too, also where the form's address alone names it: seen on
        // AWS in 2026, <https://github.com/aws/aws-sdk-php/issues/3292>.
        None if !is_covered("bucket") => Err(denied("Extra input fields: bucket")),
        None => Ok(()),
    }
}

/// A condition of a policy.
#[derive(Debug)]
enum Condition {
    Equals {
        field: String,
        value: String,
    },
    StartsWith {
        field: String,
        value: String,
    },
    /// As written: what is no number fails.
    Length {
        least: String,
        most: String,
    },
}

impl Condition {
    fn read(value: &Value) -> Result<Self, ServiceError> {
        match value {
            Value::Object(members) => match members.iter().next() {
                Some((name, value)) if members.len() == 1 => {
                    Ok(Self::Equals { field: format!("${name}"), value: plain(value) })
                }
                _ => Err(invalid(
                    "Invalid Simple-Condition: Simple-Conditions must have exactly one property \
                     specified.",
                )),
            },
            Value::Array(items) => match items.as_slice() {
                [Value::String(kind), first, second] => {
                    let (first, second) = (plain(first), plain(second));
                    match kind.to_ascii_lowercase().as_str() {
                        "eq" => Ok(Self::Equals { field: first, value: second }),
                        "starts-with" => Ok(Self::StartsWith { field: first, value: second }),
                        "content-length-range" => Ok(Self::Length { least: first, most: second }),
                        _ => {
                            Err(invalid(&format!("Invalid Condition: unknown operation '{kind}'.")))
                        }
                    }
                }
                _ => Err(invalid("Invalid Condition: wrong number of arguments.")),
            },
            _ => Err(invalid("Invalid Condition: it must be a list or an object.")),
        }
    }

    fn covers(&self, name: &str) -> bool {
        match self {
            Self::Equals { field, .. } | Self::StartsWith { field, .. } => {
                named(field).is_some_and(|field| field == name)
            }
            Self::Length { .. } => false,
        }
    }

    fn check(&self, form: &Form, bucket: &str) -> Result<(), ServiceError> {
        let value_of = |field: &str| match named(field)?.as_str() {
            "bucket" => Some(bucket.to_owned()),
            name => form.field(name).map(str::to_owned),
        };
        let holds = match self {
            Self::Equals { field, value } => value_of(field).is_some_and(|own| own == *value),
            Self::StartsWith { field, value } => {
                named(field).is_some() && value_of(field).unwrap_or_default().starts_with(value)
            }
            Self::Length { least, most } => {
                return match (least.parse(), most.parse()) {
                    (Ok(least), Ok(most)) => length(form, least, most),
                    _ => Err(denied(&format!("Policy Condition failed: {}", self.printed()))),
                };
            }
        };
        match holds {
            true => Ok(()),
            false => Err(denied(&format!("Policy Condition failed: {}", self.printed()))),
        }
    }

    /// As S3 prints a condition that fails, whatever way it was written.
    fn printed(&self) -> String {
        let (kind, first, second) = match self {
            Self::Equals { field, value } => ("eq", field, value),
            Self::StartsWith { field, value } => ("starts-with", field, value),
            Self::Length { least, most } => ("content-length-range", least, most),
        };
        format!("[\"{kind}\", \"{first}\", \"{second}\"]")
    }
}

/// The field that a condition names: `$key`. Names have no case.
fn named(field: &str) -> Option<String> {
    field.strip_prefix('$').map(str::to_ascii_lowercase)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn length(form: &Form, least: u64, most: u64) -> Result<(), ServiceError> {
    let size = u64::try_from(form.file().len()).unwrap_or(u64::MAX);
    if size < least {
        return Err(ServiceError::new(
            400,
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed size",
        )
        .with("ProposedSize", size.to_string())
        .with("MinSizeAllowed", least.to_string()));
    }
    if size > most {
        return Err(ServiceError::new(
            400,
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
        )
        .with("ProposedSize", size.to_string())
        .with("MaxSizeAllowed", most.to_string()));
    }
    Ok(())
}

//! The tiers of Systems Manager's parameters
//! (<https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>).

use ringfence_wire::{Call, ServiceError};

use crate::directory::Directory;

/// The longest value of a standard parameter.
const STANDARD: usize = 4096;
/// The longest value of an advanced one.
const ADVANCED: usize = 8192;

/// Refuses a name that no parameter can have: LocalStack's
/// `test_hierarchical_parameter`; the sentence is in public reports of it.
///
/// # Errors
/// `ValidationException`.
pub(crate) fn names(call: &Call) -> Result<(), ServiceError> {
    let names: Vec<&str> = match call.name() {
        "GetParameter" => call.text("Name").into_iter().collect(),
        "GetParameters" => {
            let names = call.input.get("Names").and_then(serde_json::Value::as_array);
            names.into_iter().flatten().filter_map(serde_json::Value::as_str).collect()
        }
        _ => return Ok(()),
    };
    let is_path = |name: &str| {
        name.starts_with("arn:")
            || name.starts_with("/aws/reference/")
            || !name.contains("//") && (name.starts_with('/') || !name.contains('/'))
    };
    if names.into_iter().all(is_path) {
        return Ok(());
    }
    Err(invalid(
        "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, \
         it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a \
         mix of letters, numbers and the following 3 symbols .-_",
    ))
}

/// The tier that `PutParameter` gives a parameter; nothing for other calls.
///
/// # Errors
/// That the value is too long for it, or that an advanced parameter would become a
/// standard one. The sentences are AWS's:
/// <https://github.com/aws/aws-sdk-net/issues/3157>,
/// <https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ssm/parameter.go>;
/// that of the longest value is in public logs of deployments.
pub(crate) async fn tier(
    call: &Call,
    directory: &Directory,
) -> Result<Option<&'static str>, ServiceError> {
    if call.name() != "PutParameter" {
        return Ok(None);
    }
    let is_long = call.text("Value").is_some_and(|value| is_longer(value, STANDARD));
    let has_policies = call.text("Policies").is_some_and(|policies| policies != "[]");
    let was_advanced = match call.text("Name").filter(|_| overwrites(call)) {
        Some(name) => directory.parameter_is_advanced(&call.region, name).await?,
        None => false,
    };
    let is_advanced = match call.text("Tier") {
        Some("Advanced") => true,
        Some("Intelligent-Tiering") => is_long || has_policies || was_advanced,
        Some("Standard") if was_advanced => {
            return Err(invalid(
                "This parameter uses the advanced-parameter tier. You can't downgrade a parameter \
                 from the advanced-parameter tier to the standard-parameter tier. If necessary, \
                 you can delete the advanced parameter and recreate it as a standard parameter.",
            ));
        }
        None if was_advanced => true,
        None | Some("Standard") => false,
        Some(other) => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'tier' failed to satisfy \
                 constraint: Member must satisfy enum value set: [Standard, Advanced, \
                 Intelligent-Tiering]"
            )));
        }
    };
    if !is_advanced && is_long {
        return Err(invalid(
            "Standard tier parameters support a maximum parameter value of 4096 characters. To \
             create a larger parameter value, upgrade the parameter to use the advanced-parameter \
             tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/\
             userguide/parameter-store-advanced-parameters.html",
        ));
    }
    if call.text("Value").is_some_and(|value| is_longer(value, ADVANCED)) {
        return Err(invalid(
            "The specified parameter value is too large. Advanced-tier parameters support a \
             maximum parameter value of 8192 characters.",
        ));
    }
    Ok(Some(if is_advanced { "Advanced" } else { "Standard" }))
}

fn is_longer(value: &str, most: usize) -> bool {
    value.chars().nth(most).is_some()
}

fn overwrites(call: &Call) -> bool {
    call.input.get("Overwrite").and_then(serde_json::Value::as_bool) == Some(true)
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "ValidationException", message)
}

//! Reading the members of a call.

use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

use crate::cloudformation::error::{unsupported, validation};
use crate::cloudformation::template::Given;

/// A text member that must be there.
pub(in crate::cloudformation) fn required<'a>(
    call: &'a Call,
    member: &str,
) -> Result<&'a str, ServiceError> {
    call.text(member).filter(|text| !text.is_empty()).ok_or_else(|| {
        let mut letters = member.chars();
        let name: String = letters
            .next()
            .map(|first| first.to_ascii_lowercase())
            .into_iter()
            .chain(letters)
            .collect();
        validation(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

/// A name for a new stack or change set.
pub(in crate::cloudformation) fn new_name<'a>(
    call: &'a Call,
    member: &str,
) -> Result<&'a str, ServiceError> {
    let name = required(call, member)?;
    let mut letters = name.chars();
    let good = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '-')
        && name.len() <= 128;
    if good {
        return Ok(name);
    }
    let at = if member == "StackName" { "stackName" } else { "changeSetName" };
    Err(validation(format!(
        "1 validation error detected: Value '{name}' at '{at}' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
    )))
}

/// A flag.
pub(in crate::cloudformation) fn flag(call: &Call, member: &str) -> Option<bool> {
    match call.input.get(member)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => Some(text.eq_ignore_ascii_case("true")),
        _ => None,
    }
}

/// A list of texts.
pub(in crate::cloudformation) fn texts(call: &Call, member: &str) -> Vec<String> {
    list(call, member).filter_map(|item| Some(item.as_str()?.to_owned())).collect()
}

fn list<'a>(call: &'a Call, member: &str) -> impl Iterator<Item = &'a Value> {
    call.input.get(member).and_then(Value::as_array).into_iter().flatten()
}

/// The parameters.
pub(in crate::cloudformation) fn parameters(call: &Call) -> Vec<Given> {
    list(call, "Parameters")
        .filter_map(|item| {
            let text = |name: &str| item.get(name).and_then(Value::as_str);
            let previous = item.get("UsePreviousValue");
            Some(Given {
                key: text("ParameterKey")?.to_owned(),
                value: text("ParameterValue").map(str::to_owned),
                use_previous: previous.is_some_and(|flag| {
                    flag.as_bool().unwrap_or_else(|| flag.as_str() == Some("true"))
                }),
            })
        })
        .collect()
}

/// The stack's tags; `None` when the call gives none.
pub(in crate::cloudformation) fn tags(call: &Call) -> Option<Vec<(String, String)>> {
    call.input.get("Tags")?;
    Some(
        list(call, "Tags")
            .filter_map(|item| {
                let text = |name: &str| item.get(name).and_then(Value::as_str);
                Some((text("Key")?.to_owned(), text("Value").unwrap_or_default().to_owned()))
            })
            .collect(),
    )
}

/// Members whose effect is not built are refused, not ignored.
pub(in crate::cloudformation) fn refuse_unbuilt(call: &Call) -> Result<(), ServiceError> {
    for member in [
        "StackPolicyBody",
        "StackPolicyURL",
        "StackPolicyDuringUpdateBody",
        "StackPolicyDuringUpdateURL",
        "RollbackConfiguration",
        "NotificationARNs",
        "TimeoutInMinutes",
        "ResourcesToImport",
        "IncludeNestedStacks",
        "ImportExistingResources",
        "DeploymentMode",
        "RetainExceptOnCreate",
    ] {
        let given = match call.input.get(member) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::Array(items)) => !items.is_empty(),
            Some(Value::Object(members)) => !members.is_empty(),
            Some(_) => true,
        };
        if given {
            return Err(unsupported(format_args!("the parameter {member}")));
        }
    }
    Ok(())
}

/// A page of a list: the items, and the token of the next page.
pub(in crate::cloudformation) fn page(
    call: &Call,
    items: Vec<Value>,
    size: usize,
) -> Result<(Vec<Value>, Option<String>), ServiceError> {
    let start: usize = match call.text("NextToken") {
        None => 0,
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|text| text.parse().ok())
            .filter(|start| *start <= items.len())
            .ok_or_else(|| validation("Invalid NextToken"))?,
    };
    let end = start.saturating_add(size);
    let next = (end < items.len()).then(|| format!("page-{end}"));
    Ok((items.into_iter().skip(start).take(size).collect(), next))
}

//! What the upstream lacks, and can be answered by the call alone.

use ringfence_wire::{Call, Reply};
use serde_json::{Value, json};

/// The answer to a call whose operation the upstream does not have; none where the
/// call alone does not tell.
pub(super) fn answer(call: &Call) -> Option<Reply> {
    match (call.service().name(), call.name()) {
        ("stepfunctions", "ValidateStateMachineDefinition") => Some(validated(call)),
        // Who cannot list versions has published none.
        ("stepfunctions", "ListStateMachineVersions") => {
            Some(Reply::fields(json!({"stateMachineVersions": []})))
        }
        _ => None,
    }
}

/// Whether a definition of a state machine is one: Terraform's provider asks before it
/// makes each. Syntax alone is looked at, and what no definition is without (codes and
/// form by
/// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinition.html>;
/// the fields by <https://states-language.net/spec.html#toplevelfields>).
fn validated(call: &Call) -> Reply {
    let text = call.text("definition").unwrap_or_default();
    let diagnostic = match serde_json::from_str::<Value>(text) {
        Err(error) => Some(("INVALID_JSON_DESCRIPTION", error.to_string(), None)),
        Ok(definition) => ["StartAt", "States"]
            .iter()
            .find(|field| definition.get(**field).is_none())
            .map(|field| {
                let message = format!("The field '{field}' is required but was missing");
                ("SCHEMA_VALIDATION_FAILED", message, Some("/"))
            }),
    };
    let diagnostics: Vec<Value> = { diagnostic.into_iter() }
        .map(|(code, message, location)| {
            let mut told = json!({"severity": "ERROR", "code": code, "message": message});
            if let (Some(location), Some(told)) = (location, told.as_object_mut()) {
                told.insert("location".to_owned(), location.into());
            }
            told
        })
        .collect();
    let result = if diagnostics.is_empty() { "OK" } else { "FAIL" };
    Reply::fields(json!({"result": result, "diagnostics": diagnostics, "truncated": false}))
}

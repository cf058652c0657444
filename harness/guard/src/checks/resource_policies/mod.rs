//! The policies of resources that AWS refuses to store, in its own sentences
//! where they are known. S3's are in [`crate::checks::s3`]; a function's policy is
//! made here, statement by statement.

mod document;
mod special;
#[cfg(test)]
mod tests;
mod word_table;

use ringfence_wire::{Call, ServiceError};

use word_table::{At, ROWS, Row};

/// Checks a call that stores the policy of a resource.
///
/// # Errors
/// The service's own.
pub(crate) fn check(call: &Call, account: &str) -> Result<(), ServiceError> {
    special::permission(call)?;
    let Some((row, text)) = stored(call) else { return Ok(()) };
    special::before(call, text)?;
    document::check(row, call, text, account)?;
    special::after(call, text)
}

/// The document that a call stores for a resource, and the refusal of a principal
/// in it that is not there.
pub(crate) fn principals_of(call: &Call) -> Option<(&str, ServiceError)> {
    let (row, text) = stored(call)?;
    Some((text, ServiceError::new(row.words.status, row.words.code, row.words.absent)))
}

/// The row of a call with the document that it stores; nothing of one that takes a
/// policy away.
fn stored(call: &Call) -> Option<(&'static Row, &str)> {
    let is_of =
        |row: &&Row| row.api == call.service().name() && row.operations.contains(&call.name());
    let row = ROWS.iter().find(is_of)?;
    let given = match row.at {
        At::Member(name) | At::Removable(name) => call.text(name),
        At::Attributes => call.input.get("Attributes")?.get("Policy")?.as_str(),
        At::Attribute if call.text("AttributeName") == Some("Policy") => {
            call.text("AttributeValue")
        }
        At::Attribute => None,
        At::Patch => {
            let patches = call.input.get("patchOperations")?.as_array()?;
            let of_policy = |it: &&serde_json::Value| {
                it.get("path").and_then(serde_json::Value::as_str) == Some("/policy")
            };
            patches.iter().find(of_policy)?.get("value")?.as_str()
        }
    };
    let is_required = matches!(row.at, At::Member(_));
    given.filter(|text| is_required || !text.is_empty()).map(|text| (row, text))
}

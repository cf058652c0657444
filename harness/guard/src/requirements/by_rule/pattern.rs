//! Condition keys from a pattern of events
//! (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html>).

use ringfence_models::needs::Path;
use serde_json::Value;

use super::keys::Given;
use crate::requirements::RequirementsError;
use crate::requirements::scope::Scope;

/// What a pattern says of a field: the texts that it may be. Of what is no list of
/// texts (`prefix`, `anything-but`) nobody knows what the key is.
pub(super) fn values(
    scope: &Scope<'_>,
    member: &Path,
    field: &[&str],
) -> Result<Given, RequirementsError> {
    let Some(text) = member.texts_in(&scope.call.input).into_iter().next() else {
        return Ok(Given::Nothing);
    };
    let invalid = |_| scope.refused("InvalidEventPatternException", INVALID.to_owned());
    let pattern: Value = serde_json::from_str(text).map_err(invalid)?;
    let mut at = Some(&pattern);
    for name in field {
        at = match at {
            Some(Value::Object(members)) if members.contains_key("$or") => {
                return Ok(Given::Unknown);
            }
            Some(value) => value.get(name),
            None => None,
        };
    }
    Ok(match at {
        None => Given::Nothing,
        Some(Value::Array(items)) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().map_or(Given::Unknown, Given::Whole)
        }
        Some(_) => Given::Unknown,
    })
}

/// As EventBridge begins its sentence
/// (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html>).
const INVALID: &str = "Event pattern is not valid. Reason: it is no JSON";

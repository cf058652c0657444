//! OpenAPI definitions that calls import, as far as permissions hang on them
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html>).

use ringfence_text::json::{self, Numbers};
use ringfence_text::yaml::{self, Aliases, Scalars, Tags};
use ringfence_text::{Bounds, Repeats};
use serde_json::Value;

use super::roles::is_role;
use crate::requirements::RequirementsError;
use crate::requirements::scope::Scope;

const BOUNDS: Bounds = Bounds { depth: 100, bytes: 16 << 20 };
const JSON: json::Dialect =
    json::Dialect { repeats: Repeats::LastWins, numbers: Numbers::AsWritten, bounds: BOUNDS };
const YAML: yaml::Dialect = yaml::Dialect {
    repeats: Repeats::LastWins,
    scalars: Scalars::Core,
    tags: Tags::Refused,
    aliases: Aliases::Expanded(100_000),
    bounds: BOUNDS,
};

/// The members that hold the role with which a backend or an authorizer is
/// called.
/// - <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html>
/// - <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authorizer.html>
const CREDENTIALS: [&str; 2] = ["credentials", "authorizerCredentials"];

/// The roles with which the API calls its backends and authorizers.
pub(super) fn roles(scope: &Scope<'_>) -> Result<Vec<String>, RequirementsError> {
    let mut found = Vec::new();
    if let Some(definition) = read(scope)? {
        roles_in(&definition, &mut found);
    }
    found.dedup();
    Ok(found)
}

/// Whether the definition has a member.
pub(super) fn has(scope: &Scope<'_>, member: &str) -> Result<bool, RequirementsError> {
    Ok(read(scope)?.is_some_and(|definition| definition.get(member).is_some()))
}

/// The definition that a call brings, in JSON or YAML.
fn read(scope: &Scope<'_>) -> Result<Option<Value>, RequirementsError> {
    let Some(payload) = scope.call.payload.as_deref() else { return Ok(None) };
    let text = std::str::from_utf8(payload).ok().and_then(value);
    let unread = || scope.undecided("its definition is neither JSON nor YAML".to_owned());
    text.ok_or_else(unread).map(Some)
}

/// What a text holds, in JSON or YAML.
fn value(text: &str) -> Option<Value> {
    if let Ok(document) = json::read(text, &JSON) {
        return Some(document.root.into_json());
    }
    yaml::read(text, &YAML).ok().map(|document| document.root.into_json())
}

/// The roles that stand anywhere in a text: in the request to another service, in
/// the configuration of a pipeline.
pub(super) fn roles_in_text(
    scope: &Scope<'_>,
    text: &str,
) -> Result<Vec<String>, RequirementsError> {
    let unread = || scope.undecided("its configuration is neither JSON nor YAML".to_owned());
    let mut found = Vec::new();
    all_in(&value(text).ok_or_else(unread)?, &mut found);
    Ok(found)
}

fn all_in(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if is_role(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| all_in(item, found)),
        Value::Object(members) => members.values().for_each(|member| all_in(member, found)),
        _ => {}
    }
}

fn roles_in(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| roles_in(item, found)),
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if CREDENTIALS.contains(&name.as_str()) && is_role(text) => {
                        found.push(text.to_owned());
                    }
                    Some(_) => {}
                    None => roles_in(value, found),
                }
            }
        }
        _ => {}
    }
}

//! `MOCK` integrations with templates that are plain text.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html>

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Response, StatusCode};
use serde_json::Value;

use super::answers::Failure;

const JSON: &str = "application/json";
const TEMPLATES: &str = "mapping templates of REST APIs that are not plain text";

/// The answer of an integration, as `GetIntegration` shows it.
pub(super) fn answer(given: &Value) -> Result<Response<Bytes>, Failure> {
    let request = template(given, "requestTemplates")?.unwrap_or_default();
    // "the integration request mapping template must … return … statusCode"
    let request: Value = serde_json::from_str(&request).map_err(|_| Failure::Internal)?;
    let status = match request.get("statusCode") {
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.clone(),
        _ => return Err(Failure::Internal),
    };
    let all = given.get("integrationResponses").and_then(Value::as_object);
    let chosen = all.and_then(|all| {
        let pattern = |it: &Value| it.get("selectionPattern")?.as_str().map(str::to_owned);
        let named = all.values().find(|it| pattern(it).is_some_and(|own| own == status));
        let plain = |it: &&Value| pattern(it).is_none_or(|own| own.is_empty());
        named.or_else(|| all.values().find(plain))
    });
    let chosen = chosen.ok_or(Failure::Internal)?;
    let code = chosen.get("statusCode").and_then(Value::as_str).and_then(|it| it.parse().ok());
    let body = template(chosen, "responseTemplates")?.unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() =
        code.and_then(|code: u16| StatusCode::from_u16(code).ok()).ok_or(Failure::Internal)?;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    let parameters = chosen.get("responseParameters").and_then(Value::as_object);
    for (place, value) in parameters.into_iter().flatten() {
        let literal =
            value
                .as_str()
                .and_then(|text| text.strip_prefix('\'')?.strip_suffix('\''))
                .ok_or_else(|| Failure::Unserved("parameter mappings of REST APIs".to_owned()))?;
        let name = place.strip_prefix("method.response.header.").unwrap_or_default();
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(literal))
        else {
            return Err(Failure::Internal);
        };
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// The template for JSON; one that computes something is refused by name.
fn template(given: &Value, member: &str) -> Result<Option<String>, Failure> {
    let text = given.get(member).and_then(|all| all.get(JSON)).and_then(Value::as_str);
    match text {
        Some(text) if text.contains(['#', '$']) => Err(Failure::Unserved(TEMPLATES.to_owned())),
        other => Ok(other.map(str::to_owned)),
    }
}

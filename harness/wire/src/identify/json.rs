//! The JSON protocols: `X-Amz-Target` and a JSON body.

use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::form::Read;
use super::input;
use super::refusal::Refusal;
use super::view::View;
use crate::operation::Service;
use crate::strict_json;

/// Reads a JSON request.
pub(super) fn read(view: &View<'_>, service: Service) -> Result<Read, Refusal> {
    if view.parts.method != Method::POST || !matches!(view.parts.uri.path(), "/" | "") {
        return Err(Refusal::Operation(format!(
            "{} takes POST at `/`, not {} at `{}`",
            service.name(),
            view.parts.method,
            view.parts.uri.path()
        )));
    }
    // An upstream may take members from the query string as well.
    if let Some((name, _)) = view.query.first() {
        return Err(Refusal::Request(format!(
            "{} takes no query parameters, but `{name}` is there",
            service.name()
        )));
    }
    let target = view
        .header("x-amz-target")?
        .ok_or_else(|| Refusal::Operation("the header `X-Amz-Target` is missing".to_owned()))?;
    let operation =
        target.rsplit_once('.').and_then(|(_, name)| service.model().operation(name)).ok_or_else(
            || Refusal::Operation(format!("{} has no operation `{target}`", service.name())),
        )?;
    let content_type = view.header(CONTENT_TYPE.as_str())?.unwrap_or_default();
    if !content_type.to_ascii_lowercase().starts_with("application/x-amz-json-1.") {
        return Err(Refusal::Request(format!(
            "the content type of a JSON request is `application/x-amz-json-1.1`, not `{content_type}`"
        )));
    }
    let mut input = Map::new();
    if !view.body.is_empty() {
        input::from_object(operation, object(view.body)?, &mut input)?;
    }
    Ok((operation, input, None))
}

/// Reads a body that is one JSON object.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match strict_json::parse(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Refusal::Request("the body is JSON, but no object".to_owned())),
        Err(error) => Err(Refusal::Request(format!("the body is not JSON: {error}"))),
    }
}

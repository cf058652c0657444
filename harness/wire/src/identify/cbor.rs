//! The protocol `smithy-rpc-v2-cbor`: the operation in the path, the input as
//! CBOR
//! (<https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>).

use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::form::Read;
use super::input;
use super::refusal::Refusal;
use super::view::View;
use crate::cbor;
use crate::operation::Service;

/// The value of the header `smithy-protocol`.
const PROTOCOL: &str = "rpc-v2-cbor";

/// Whether the request says that it is one of this protocol.
pub(super) fn is_cbor(view: &View<'_>) -> Result<bool, Refusal> {
    Ok(view.header("smithy-protocol")? == Some(PROTOCOL))
}

/// The service and the operation that a path names:
/// `/service/NAME/operation/OPERATION`.
pub(super) fn path<'a>(view: &View<'a>) -> Option<(&'a str, &'a str)> {
    let (service, operation) =
        view.parts.uri.path().strip_prefix("/service/")?.split_once("/operation/")?;
    (!service.contains('/') && !operation.contains('/')).then_some((service, operation))
}

/// Reads a request.
pub(super) fn read(view: &View<'_>, service: Service) -> Result<Read, Refusal> {
    if view.parts.method != Method::POST {
        return Err(Refusal::Operation(format!(
            "{} takes POST, not {}",
            service.name(),
            view.parts.method
        )));
    }
    if let Some((name, _)) = view.query.first() {
        return Err(Refusal::Request(format!(
            "{} takes no query parameters, but `{name}` is there",
            service.name()
        )));
    }
    let operation = path(view)
        .filter(|(name, _)| Service::by_target_prefix(name).contains(&service))
        .and_then(|(_, operation)| service.operation(operation))
        .ok_or_else(|| {
            Refusal::Operation(format!(
                "{} has no operation at `{}`",
                service.name(),
                view.parts.uri.path()
            ))
        })?;
    let mut input = Map::new();
    // An operation without an input is sent without a body and its type.
    if !view.body.is_empty() {
        let content_type = view.header(CONTENT_TYPE.as_str())?.unwrap_or_default();
        if !content_type.eq_ignore_ascii_case("application/cbor") {
            return Err(Refusal::Request(format!(
                "the content type of a CBOR request is `application/cbor`, not `{content_type}`"
            )));
        }
        match cbor::decode(view.body) {
            Ok(Value::Object(object)) => input::from_object(operation, object, &mut input)?,
            Ok(_) => return Err(Refusal::Request("the body is CBOR, but no map".to_owned())),
            Err(error) => {
                return Err(Refusal::Request(format!("the body is not CBOR: {error}")));
            }
        }
    }
    Ok((operation, input, None))
}

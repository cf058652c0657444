//! What a function's result means.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

use super::model::PayloadFormat;

/// A result that is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the function's result is no response: {0}")]
pub(crate) struct ResponseError(&'static str);

/// Headers that belong to a connection, not to an answer.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Reads a function's result as an answer.
///
/// # Errors
/// When it is none: the client then gets 500.
pub(crate) fn read(
    payload: &[u8],
    format: PayloadFormat,
) -> Result<Response<Bytes>, ResponseError> {
    let result: Value =
        serde_json::from_slice(payload).map_err(|_| ResponseError("it is not JSON"))?;
    match result {
        Value::Object(members) if members.contains_key("statusCode") => build(&members, format),
        // Format 2.0 infers the rest from whatever else the function returns.
        Value::String(text) if format == PayloadFormat::V2 => Ok(inferred(text.into())),
        _ if format == PayloadFormat::V2 => Ok(inferred(Bytes::copy_from_slice(payload))),
        _ => Err(ResponseError("it has no statusCode")),
    }
}

fn inferred(body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn build(
    members: &Map<String, Value>,
    format: PayloadFormat,
) -> Result<Response<Bytes>, ResponseError> {
    let status = match members.get("statusCode") {
        Some(Value::Number(number)) => number.as_u64().and_then(|code| u16::try_from(code).ok()),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    let status = status
        .filter(|code| (200..=599).contains(code))
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or(ResponseError("its statusCode is not a status"))?;
    let mut response = Response::new(body(members)?);
    *response.status_mut() = status;
    for (name, value) in object(members, "headers")? {
        add(&mut response, name, &scalar(value)?)?;
    }
    if format == PayloadFormat::V1 {
        for (name, values) in object(members, "multiValueHeaders")? {
            let values = values.as_array().ok_or(ResponseError("a header is not a list"))?;
            // Both kinds of one header are merged; the lists win.
            if let Ok(name) = name.parse::<HeaderName>() {
                response.headers_mut().remove(name);
            }
            for value in values {
                add(&mut response, name, &scalar(value)?)?;
            }
        }
    } else if let Some(cookies) = members.get("cookies").filter(|cookies| !cookies.is_null()) {
        let cookies = cookies.as_array().ok_or(ResponseError("its cookies are not a list"))?;
        for cookie in cookies {
            add(&mut response, SET_COOKIE.as_str(), &scalar(cookie)?)?;
        }
    }
    if !response.headers().contains_key(CONTENT_TYPE) && !response.body().is_empty() {
        let plain = HeaderValue::from_static("text/plain;charset=UTF-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
    }
    Ok(response)
}

fn body(members: &Map<String, Value>) -> Result<Bytes, ResponseError> {
    let text = match members.get("body") {
        None | Some(Value::Null) => return Ok(Bytes::new()),
        Some(Value::String(text)) => text,
        Some(_) => return Err(ResponseError("its body is not a text")),
    };
    match members.get("isBase64Encoded") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(text.clone().into()),
        Some(Value::Bool(true)) => STANDARD
            .decode(text)
            .map(Bytes::from)
            .map_err(|_| ResponseError("its body is not base64")),
        Some(_) => Err(ResponseError("its isBase64Encoded is not a truth value")),
    }
}

fn object<'a>(
    members: &'a Map<String, Value>,
    name: &str,
) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, ResponseError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None.into_iter().flatten()),
        Some(Value::Object(object)) => Ok(Some(object).into_iter().flatten()),
        Some(_) => Err(ResponseError("its headers are not an object")),
    }
}

fn scalar(value: &Value) -> Result<String, ResponseError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err(ResponseError("a header's value is not a text")),
    }
}

fn add(response: &mut Response<Bytes>, name: &str, value: &str) -> Result<(), ResponseError> {
    let name: HeaderName = name.parse().map_err(|_| ResponseError("a header has no name"))?;
    if HOP_BY_HOP.contains(&name.as_str()) {
        return Ok(());
    }
    let value = HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| ResponseError("a header's value is none"))?;
    response.headers_mut().append(name, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn read_json(result: Value, format: PayloadFormat) -> Result<Response<Bytes>, ResponseError> {
        read(result.to_string().as_bytes(), format)
    }

    fn header(response: &Response<Bytes>, name: &str) -> Vec<String> {
        let all = response.headers().get_all(name).iter();
        all.map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    #[rstest]
    #[case(json!("Hello"), "Hello")]
    #[case(json!({"message": "Hello"}), r#"{"message":"Hello"}"#)]
    #[case(json!([1, 2]), "[1,2]")]
    #[case(json!(5), "5")]
    #[case(json!(null), "null")]
    fn format_2_infers_the_answer(#[case] result: Value, #[case] body: &str) {
        let response = read_json(result.clone(), PayloadFormat::V2).unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.body(), body);
        assert_eq!(header(&response, "content-type"), ["application/json"]);
        assert_eq!(
            read_json(result, PayloadFormat::V1).unwrap_err(),
            ResponseError("it has no statusCode")
        );
    }

    #[test]
    fn an_answer_in_full() {
        let result = json!({
            "statusCode": 201, "cookies": ["a=1; Secure", "b=2"], "isBase64Encoded": true,
            "headers": {"X-Number": 5, "Content-Type": "image/png", "Connection": "close"},
            "multiValueHeaders": {"x-number": ["6"]},
            "body": "AAEC",
        });
        let response = read_json(result.clone(), PayloadFormat::V2).unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.body().as_ref(), [0, 1, 2]);
        assert_eq!(header(&response, "set-cookie"), ["a=1; Secure", "b=2"]);
        assert_eq!(header(&response, "x-number"), ["5"]);
        assert_eq!(header(&response, "content-type"), ["image/png"]);
        assert!(header(&response, "connection").is_empty());
        // Format 1.0 has lists of headers and no cookies.
        let response = read_json(result, PayloadFormat::V1).unwrap();
        assert_eq!(header(&response, "x-number"), ["6"]);
        assert!(header(&response, "set-cookie").is_empty());
    }

    #[test]
    fn a_text_without_a_type_is_plain() {
        let response = read_json(json!({"statusCode": "404", "body": "no"}), PayloadFormat::V2);
        let response = response.unwrap();
        assert_eq!(response.status(), 404);
        assert_eq!(header(&response, "content-type"), ["text/plain;charset=UTF-8"]);
    }

    #[rstest]
    #[case(json!({"statusCode": 99}), "its statusCode is not a status")]
    #[case(json!({"statusCode": 101}), "its statusCode is not a status")]
    #[case(json!({"statusCode": 1000}), "its statusCode is not a status")]
    #[case(json!({"statusCode": null}), "its statusCode is not a status")]
    #[case(json!({"statusCode": 200.5}), "its statusCode is not a status")]
    #[case(json!({"statusCode": 200, "body": {"a": 1}}), "its body is not a text")]
    #[case(json!({"statusCode": 200, "body": "!", "isBase64Encoded": true}), "its body is not base64")]
    #[case(json!({"statusCode": 200, "headers": []}), "its headers are not an object")]
    #[case(json!({"statusCode": 200, "headers": {"a b": "c"}}), "a header has no name")]
    #[case(json!({"statusCode": 200, "headers": {"a": "b\r\nc: d"}}), "a header's value is none")]
    #[case(json!({"statusCode": 200, "headers": {"a": {}}}), "a header's value is not a text")]
    #[case(json!({"statusCode": 200, "cookies": "a=1"}), "its cookies are not a list")]
    fn what_is_no_answer_is_refused(#[case] result: Value, #[case] why: &'static str) {
        assert_eq!(read_json(result, PayloadFormat::V2).unwrap_err(), ResponseError(why));
    }

    #[test]
    fn text_that_is_not_json_is_refused() {
        assert_eq!(read(b"Hello", PayloadFormat::V2).unwrap_err(), ResponseError("it is not JSON"));
    }
}

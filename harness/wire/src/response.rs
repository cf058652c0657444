//! An answer, read as a client reads it.

use std::borrow::Cow;

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};

use crate::ServiceError;
use crate::cbor;
use crate::operation::{Operation, Protocol};
use crate::xml::{self, Element, Lists};

/// Reads the answer of an operation: the fields of its JSON or XML output
/// (XML: elements as objects, `member`/`item` lists as arrays, text as text,
/// an empty list as the empty text), or the error that it carries. A body that
/// is neither JSON nor XML gives `Null`.
///
/// # Errors
/// The service's own error.
pub fn decode(operation: &Operation, response: &Response<Bytes>) -> Result<Value, ServiceError> {
    let status = response.status().as_u16();
    if status >= 300 {
        return Err(match operation.service.protocol() {
            Protocol::Json | Protocol::RestJson => {
                let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
                json_error(status, response, &body)
            }
            Protocol::Cbor => {
                let body = cbor::decode(response.body()).unwrap_or(Value::Null);
                json_error(status, response, &body)
            }
            _ => xml_error(status, response.body()),
        });
    }
    let body = response.body();
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match operation.service.protocol() {
        Protocol::Json | Protocol::RestJson => {
            Ok(serde_json::from_slice(body).unwrap_or(Value::Null))
        }
        Protocol::Cbor => Ok(cbor::decode(body).unwrap_or(Value::Null)),
        // An object's bytes may well be XML; they are no fields.
        Protocol::RestXml if returns_payload(operation) => Ok(Value::Null),
        protocol => {
            Ok(xml::parse(body).map_or(Value::Null, |root| fields(operation, protocol, &root)))
        }
    }
}

/// The operations of S3 whose answer is an object or a document of its owner.
fn returns_payload(operation: &Operation) -> bool {
    matches!(
        operation.name,
        "GetObject" | "GetObjectTorrent" | "SelectObjectContent" | "GetBucketPolicy"
    )
}

/// The output inside its envelope.
fn fields(operation: &Operation, protocol: Protocol, root: &Element) -> Value {
    match protocol {
        Protocol::Query => root
            .child(&format!("{}Result", operation.name))
            .map_or_else(|| Value::Object(Map::new()), |result| object(result, Lists::Member)),
        Protocol::Ec2 => {
            let mut value = object(root, Lists::Item);
            if let Value::Object(members) = &mut value {
                members.shift_remove("requestId");
            }
            value
        }
        _ if root.children.is_empty() && !root.text.trim().is_empty() => {
            let text = Value::String(root.text.clone());
            Value::Object(Map::from_iter([(root.name.clone(), text)]))
        }
        _ => object(root, Lists::S3),
    }
}

/// The content of an output, which is a structure even where it is empty or
/// has a single member.
fn object(element: &Element, lists: Lists) -> Value {
    match xml::value(element, lists) {
        Value::Object(members) => Value::Object(members),
        _ => Value::Object(Map::new()),
    }
}

/// The error of a JSON answer: the code from the header or the body, without
/// its namespace and without the link that AWS appends.
fn json_error(status: u16, response: &Response<Bytes>, body: &Value) -> ServiceError {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let code = response
        .headers()
        .get("x-amzn-errortype")
        .and_then(|value| value.to_str().ok())
        .or_else(|| text("__type"))
        .or_else(|| text("code"))
        .unwrap_or_default();
    let code = code.split_once(':').map_or(code, |(code, _)| code);
    let code = code.rsplit_once('#').map_or(code, |(_, code)| code);
    let message = text("message").or_else(|| text("Message")).unwrap_or_default();
    ServiceError::new(status, named(code, status), message)
}

/// The error of an XML answer: query's, EC2's or S3's envelope.
fn xml_error(status: u16, body: &[u8]) -> ServiceError {
    let Ok(root) = xml::parse(body) else {
        return ServiceError::new(status, named("", status), "");
    };
    let error = root
        .child("Error")
        .or_else(|| root.child("Errors").and_then(|errors| errors.child("Error")))
        .unwrap_or(&root);
    let code = error.child_text("Code").unwrap_or_default();
    let message = error.child_text("Message").unwrap_or_default();
    ServiceError::new(status, named(code, status), message)
}

/// An answer without a code (to a HEAD request, or not from AWS) has its
/// status for one, as botocore does.
fn named(code: &str, status: u16) -> Cow<'static, str> {
    if code.is_empty() { status.to_string().into() } else { code.to_owned().into() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::{Reply, Service, error, reply};

    fn operation(service: Service, name: &str) -> &'static Operation {
        Operation::find(service, name).unwrap()
    }

    fn answer(status: u16, body: &str) -> Response<Bytes> {
        Response::builder().status(status).body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
    }

    #[rstest]
    #[case(Service::Iam, "GetRole")]
    #[case(Service::Ec2, "DescribeSubnets")]
    #[case(Service::Ssm, "GetParameter")]
    #[case(Service::Lambda, "GetFunction")]
    #[case(Service::S3, "ListObjectsV2")]
    fn what_is_rendered_is_decoded(#[case] service: Service, #[case] name: &str) {
        let operation = operation(service, name);
        let fields = json!({"Role": {"Name": "a<&>", "Tags": [{"Key": "k"}, {"Key": "l"}]}});
        let response = reply::render(&Reply::fields(fields.clone()), operation, "id");
        let expected = match service {
            Service::S3 => fields["Role"].clone(),
            _ => fields,
        };
        assert_eq!(decode(operation, &response), Ok(expected));

        let denied = ServiceError::access_denied(service, "no <&>");
        let response = error::render(&denied, service, "id");
        assert_eq!(decode(operation, &response), Err(denied));
    }

    #[test]
    fn a_list_of_one_is_a_list() {
        let body = "<ListRolesResponse xmlns='x'><ListRolesResult><Roles><member><RoleName>a\
            </RoleName></member></Roles><IsTruncated>false</IsTruncated></ListRolesResult>\
            <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></ListRolesResponse>";
        assert_eq!(
            decode(operation(Service::Iam, "ListRoles"), &answer(200, body)),
            Ok(json!({"Roles": [{"RoleName": "a"}], "IsTruncated": "false"}))
        );
        let body = "<ListBucketResult><Contents><Key>k</Key></Contents></ListBucketResult>";
        assert_eq!(
            decode(operation(Service::S3, "ListObjectsV2"), &answer(200, body)),
            Ok(json!({"Contents": [{"Key": "k"}]}))
        );
    }

    #[test]
    fn a_root_of_text_keeps_its_name() {
        let body = "<LocationConstraint xmlns='x'>eu-west-1</LocationConstraint>";
        assert_eq!(
            decode(operation(Service::S3, "GetBucketLocation"), &answer(200, body)),
            Ok(json!({"LocationConstraint": "eu-west-1"}))
        );
    }

    #[test]
    fn blanks_between_tags_are_no_text() {
        let body = "<DeleteResult xmlns='x'>\n  </DeleteResult>";
        let quiet = decode(operation(Service::S3, "DeleteObjects"), &answer(200, body));
        assert_eq!(quiet, Ok(json!({})));
    }

    #[test]
    fn a_json_error_loses_namespace_and_link() {
        let body =
            r#"{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"m"}"#;
        assert_eq!(
            decode(operation(Service::Ssm, "GetParameter"), &answer(400, body)),
            Err(ServiceError::new(400, "UnrecognizedClientException", "m"))
        );
        let mut response = answer(404, r#"{"Message":"m"}"#);
        response
            .headers_mut()
            .insert("x-amzn-errortype", "ResourceNotFoundException:http://x".parse().unwrap());
        assert_eq!(
            decode(operation(Service::Lambda, "GetFunction"), &response),
            Err(ServiceError::new(404, "ResourceNotFoundException", "m"))
        );
    }

    #[test]
    fn an_error_without_a_body_has_its_status_for_a_code() {
        assert_eq!(
            decode(operation(Service::S3, "HeadObject"), &answer(404, "")),
            Err(ServiceError::new(404, "404", ""))
        );
    }
}

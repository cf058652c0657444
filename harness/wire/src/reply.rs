//! What a service answers, before it is written in the caller's protocol.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::cbor;
use crate::error;
use crate::operation::{Operation, Protocol, Service};
use crate::xml::{self, Lists};

/// A successful answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The HTTP status where it is not the operation's own (201 for
    /// `CreateFunction`, for one).
    pub status: Option<u16>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
}

/// The body of a [`Reply`].
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// The output, by the names that travel on the wire: the fields of a JSON
    /// body, or the elements inside `<ActionResult>`.
    Fields(Value),
    /// A payload as it is (a Lambda function's result).
    Raw(Bytes),
}

impl Reply {
    /// An answer with these fields.
    pub fn fields(value: Value) -> Self {
        Self { status: None, headers: Vec::new(), body: Body::Fields(value) }
    }

    /// An answer without a body.
    pub fn empty() -> Self {
        Self { status: None, headers: Vec::new(), body: Body::Empty }
    }

    /// An answer whose body is this payload.
    pub fn raw(payload: impl Into<Bytes>) -> Self {
        Self { status: None, headers: Vec::new(), body: Body::Raw(payload.into()) }
    }

    /// The same answer with this status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Writes an answer in the protocol of the operation. In XML, objects are
/// elements and arrays `member` elements (EC2: `item`; S3: repeated ones);
/// null is left out.
pub fn render(reply: &Reply, operation: &Operation, request_id: &str) -> http::Response<Bytes> {
    let service = operation.service;
    let (content_type, body) = match (&reply.body, service.protocol()) {
        (Body::Raw(payload), protocol) => (raw_content_type(protocol), payload.clone()),
        (body, Protocol::Query) => ("text/xml", query(operation, body, request_id).into()),
        (body, Protocol::Ec2) => {
            ("text/xml;charset=UTF-8", ec2(operation, body, request_id).into())
        }
        (Body::Empty, Protocol::Json) => (error::json_content_type(service), Bytes::new()),
        (Body::Empty, Protocol::RestJson) => ("application/json", Bytes::new()),
        (Body::Empty, Protocol::RestXml) => ("application/xml", Bytes::new()),
        (Body::Empty, Protocol::Cbor) => ("application/cbor", Bytes::new()),
        (Body::Fields(fields), Protocol::Cbor) => ("application/cbor", cbor::encode(fields).into()),
        (Body::Fields(fields), Protocol::Json) => {
            (error::json_content_type(service), fields.to_string().into())
        }
        (Body::Fields(fields), Protocol::RestJson) => {
            ("application/json", fields.to_string().into())
        }
        (Body::Fields(fields), Protocol::RestXml) => {
            ("application/xml", rest_xml(operation, fields).into())
        }
    };
    let status = reply.status.unwrap_or(operation.status);
    let mut response = error::respond(status, content_type, service, request_id, body);
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The content type of a service's answers in JSON, in the place of one that is not
/// theirs (recorded on AWS: LocalStack's `test_filter_log_events_response_header`);
/// nothing where the other may stand. Of services with other bodies than JSON it does.
pub fn content_type(service: Service, other: &str) -> Option<&'static str> {
    let is_page = other.starts_with("text/html");
    match service.protocol() {
        Protocol::Json if is_page || other == "application/json" => {
            Some(error::json_content_type(service))
        }
        Protocol::RestJson if is_page => Some("application/json"),
        _ => None,
    }
}

const fn raw_content_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::RestJson => "application/json",
        _ => "binary/octet-stream",
    }
}

fn query(operation: &Operation, body: &Body, request_id: &str) -> String {
    let name = operation.name;
    let mut out = opened(operation, &format!("{name}Response"));
    if let Body::Fields(fields) = body {
        xml::tagged(&mut out, &format!("{name}Result"), |out| {
            xml::write_content(out, fields, Lists::Member);
        });
    }
    xml::tagged(&mut out, "ResponseMetadata", |out| xml::text(out, "RequestId", request_id));
    out.push_str(&format!("</{name}Response>\n"));
    out
}

fn ec2(operation: &Operation, body: &Body, request_id: &str) -> String {
    let name = operation.name;
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str(&opened(operation, &format!("{name}Response")));
    xml::text(&mut out, "requestId", request_id);
    if let Body::Fields(fields) = body {
        xml::write_content(&mut out, fields, Lists::Item);
    }
    out.push_str(&format!("</{name}Response>"));
    out
}

/// S3's root elements follow no rule: an object of one object names its root
/// itself, any other is put into `OPERATIONResult`.
fn rest_xml(operation: &Operation, fields: &Value) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let named = fields.as_object().filter(|members| members.len() == 1);
    match named.and_then(|members| members.iter().next()).filter(|(_, root)| root.is_object()) {
        Some((name, root)) => xml::write(&mut out, name, root, Lists::S3),
        None => {
            xml::write(&mut out, &format!("{}Result", operation.name), fields, Lists::S3);
        }
    }
    out
}

fn opened(operation: &Operation, name: &str) -> String {
    let mut out = format!("<{name} xmlns=\"");
    xml::escape(&mut out, operation.service.xml_namespace().unwrap_or_default());
    out.push_str("\">");
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Service;

    fn rendered(reply: &Reply, service: Service, name: &str) -> (u16, String, String) {
        let response = render(reply, Operation::find(service, name).unwrap(), "id");
        (
            response.status().as_u16(),
            response.headers()["content-type"].to_str().unwrap().to_owned(),
            String::from_utf8(response.body().to_vec()).unwrap(),
        )
    }

    #[test]
    fn a_query_answer_wraps_its_result_and_metadata() {
        let reply = Reply::fields(json!({
            "Account": "1", "Skipped": null, "Flag": true, "Tags": [{"Key": "a<b"}], "None": []
        }));
        let (status, content_type, body) = rendered(&reply, Service::Sts, "GetCallerIdentity");
        assert_eq!((status, content_type.as_str()), (200, "text/xml"));
        assert_eq!(
            body,
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <GetCallerIdentityResult><Account>1</Account><Flag>true</Flag>\
             <Tags><member><Key>a&lt;b</Key></member></Tags><None></None>\
             </GetCallerIdentityResult><ResponseMetadata><RequestId>id</RequestId>\
             </ResponseMetadata></GetCallerIdentityResponse>\n"
        );
    }

    #[test]
    fn an_empty_query_answer_has_no_result() {
        let (_, _, body) = rendered(&Reply::empty(), Service::Iam, "DeleteRole");
        assert_eq!(
            body,
            "<DeleteRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></DeleteRoleResponse>\n"
        );
    }

    #[test]
    fn ec2_answers_with_items() {
        let (_, _, body) = rendered(
            &Reply::fields(json!({"subnetSet": [{"subnetId": "s"}]})),
            Service::Ec2,
            "DescribeSubnets",
        );
        assert_eq!(
            body,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeSubnetsResponse \
             xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15\"><requestId>id</requestId>\
             <subnetSet><item><subnetId>s</subnetId></item></subnetSet></DescribeSubnetsResponse>"
        );
    }

    #[test]
    fn rest_json_takes_the_status_of_its_operation() {
        let (status, content_type, body) =
            rendered(&Reply::fields(json!({"routeId": "r"})), Service::ApiGatewayV2, "CreateRoute");
        assert_eq!(
            (status, content_type.as_str(), body.as_str()),
            (201, "application/json", r#"{"routeId":"r"}"#)
        );
        let (status, _, body) = rendered(&Reply::empty(), Service::ApiGatewayV2, "DeleteRoute");
        assert_eq!((status, body.as_str()), (204, ""));
    }

    #[test]
    fn an_answer_in_json_has_the_content_type_of_its_service() {
        let page = "text/html; charset=utf-8";
        let of = |service: &str, other| content_type(Service::of(service).unwrap(), other);
        assert_eq!(of("logs", page), Some("application/x-amz-json-1.1"));
        assert_eq!(of("dynamodb", "application/json"), Some("application/x-amz-json-1.0"));
        assert_eq!(of("dynamodb", "application/x-amz-json-1.0"), None);
        assert_eq!(of("scheduler", page), Some("application/json"));
        assert_eq!(of("apigateway", "application/yaml"), None);
        assert_eq!(of("iam", "text/xml"), None);
    }

    #[test]
    fn a_payload_and_its_headers_are_given_as_they_are() {
        let reply = Reply::raw("\"x\"").with_header("X-Amz-Function-Error", "Unhandled");
        let operation = Operation::find(Service::Lambda, "Invoke").unwrap();
        let response = render(&reply, operation, "id");
        assert_eq!(response.headers()["x-amz-function-error"], "Unhandled");
        assert_eq!(response.body().as_ref(), b"\"x\"");
    }

    #[test]
    fn s3_names_its_root_in_the_fields() {
        let (_, _, body) = rendered(
            &Reply::fields(
                json!({"ListBucketResult": {"Name": "b", "Contents": [{"Key": "k"}, {"Key": "l"}]}}),
            ),
            Service::S3,
            "ListObjects",
        );
        assert_eq!(
            body,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult><Name>b</Name>\
             <Contents><Key>k</Key></Contents><Contents><Key>l</Key></Contents></ListBucketResult>"
        );
    }
}

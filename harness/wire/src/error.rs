//! What a service answers when it refuses, and how it is written in the
//! caller's protocol.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value};
use sha2::{Digest, Sha512};

use crate::operation::{Protocol, Service};
use crate::{cbor, query_error, xml};

/// An error as AWS's clients see it: code, message, HTTP status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ServiceError {
    /// The code that clients match on: `AccessDenied`, `NoSuchEntity`, ….
    pub code: Cow<'static, str>,
    /// The text for people.
    pub message: String,
    /// The HTTP status.
    pub status: u16,
    /// Further members of the error (`Type`, S3's `BucketName`, …), in order.
    pub members: Vec<(&'static str, String)>,
    /// What the guard knows beyond AWS's words: for its journal, never for the
    /// client.
    pub explanation: Option<Box<str>>,
}

/// Services whose refusals differ from those of their protocol: status and code.
const DENIALS: &[(&str, u16, &str)] = &[
    // https://github.com/ministryofjustice/cloud-platform-environments/pull/21094
    ("sns", 403, "AuthorizationError"),
    // It kept the codes of the query protocol, and 403:
    // https://github.com/apache/pekko-connectors/issues/655
    ("sqs", 403, "AccessDenied"),
];

impl ServiceError {
    /// An error without further members.
    pub fn new(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            status,
            members: Vec::new(),
            explanation: None,
        }
    }

    /// The same error with one more member.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// The same error with what the journal is to say of it.
    #[must_use]
    pub fn explained(mut self, explanation: impl Into<String>) -> Self {
        self.explanation = Some(explanation.into().into_boxed_str());
        self
    }

    /// What S3 answers to a document in XML that it cannot read, or that is not of
    /// its schema (LocalStack's recorded `test_s3_api.py`).
    pub fn malformed_xml() -> Self {
        const SENTENCE: &str = "The XML you provided was not well-formed or did not validate \
                                against our published schema";
        Self::new(400, "MalformedXML", SENTENCE)
    }

    /// The refusal of an action that no policy allows, or that one denies.
    ///
    /// JSON services answer with 400, all others with 403. EC2's text starts
    /// with a sentence of its own; the encoded message that AWS appends to it
    /// is left out, because nobody could decode it.
    pub fn access_denied(service: Service, message: impl Into<String>) -> Self {
        let message = message.into();
        if let Some((_, status, code)) = DENIALS.iter().find(|(name, ..)| *name == service.name()) {
            return Self::new(*status, *code, message);
        }
        match service.protocol() {
            Protocol::Query | Protocol::RestXml => Self::new(403, "AccessDenied", message),
            Protocol::Ec2 => Self::new(
                403,
                "UnauthorizedOperation",
                format!("You are not authorized to perform this operation. {message}"),
            ),
            Protocol::Json | Protocol::Cbor => Self::new(400, "AccessDeniedException", message),
            Protocol::RestJson => Self::new(403, "AccessDeniedException", message),
        }
    }

    /// The refusal of an input that does not fit the operation's model.
    pub fn validation(service: Service, message: impl Into<String>) -> Self {
        let code = match (service, service.protocol()) {
            (Service::ApiGateway | Service::ApiGatewayV2, _) => "BadRequestException",
            (_, Protocol::Query) => "ValidationError",
            (_, Protocol::Json | Protocol::RestJson | Protocol::Cbor) => "ValidationException",
            (_, Protocol::Ec2) => "InvalidParameterValue",
            (_, Protocol::RestXml) => "InvalidRequest",
        };
        Self::new(400, code, message)
    }

    /// The refusal of an operation that the service does not have.
    pub fn unknown_operation(service: Service, message: impl Into<String>) -> Self {
        match service.protocol() {
            Protocol::Query | Protocol::Ec2 => Self::new(400, "InvalidAction", message),
            Protocol::Json | Protocol::Cbor => Self::new(400, "UnknownOperationException", message),
            Protocol::RestJson => Self::new(404, "UnknownOperationException", message),
            Protocol::RestXml => Self::new(405, "MethodNotAllowed", message),
        }
    }

    /// The refusal of what Ringfence does not do, by name: never forwarded,
    /// never answered by halves.
    pub fn not_implemented(service: Service, message: impl Into<String>) -> Self {
        match service.protocol() {
            Protocol::RestXml => Self::new(501, "NotImplemented", message),
            _ => Self::new(501, "NotImplementedException", message),
        }
    }
}

/// Writes an error in the protocol of a service. The answer to a HEAD request
/// has no body; leaving it out is the caller's affair.
pub fn render(error: &ServiceError, service: Service, request_id: &str) -> Response<Bytes> {
    render_as(error, service, service.protocol(), request_id)
}

/// Writes an error in one of the protocols of a service.
pub fn render_as(
    error: &ServiceError,
    service: Service,
    protocol: Protocol,
    request_id: &str,
) -> Response<Bytes> {
    let (content_type, body) = match protocol {
        Protocol::Query => ("text/xml", query(error, service, request_id).into()),
        Protocol::Ec2 => ("text/xml;charset=UTF-8", ec2(error, request_id).into()),
        Protocol::Json => (json_content_type(service), json(error, service).to_string().into()),
        Protocol::RestJson => ("application/json", rest_json(error, service).to_string().into()),
        Protocol::RestXml if service == Service::S3 => {
            ("application/xml", s3(error, request_id).into())
        }
        // Only S3 leaves the wrapping out (`noErrorWrapping`,
        // https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html).
        Protocol::RestXml => ("text/xml", query(error, service, request_id).into()),
        Protocol::Cbor => ("application/cbor", cbor::encode(&json(error, service)).into()),
    };
    let mut response = respond(error.status, content_type, service, request_id, body);
    let header = match protocol {
        Protocol::RestJson => Some(("x-amzn-errortype", error.code.as_ref())),
        Protocol::Cbor => Some(("smithy-protocol", "rpc-v2-cbor")),
        _ => None,
    };
    if let Some((name, value)) = header
        && let Ok(value) = HeaderValue::from_str(value)
    {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    if matches!(protocol, Protocol::Json | Protocol::Cbor)
        && let Some(value) = query_error::header(service, &error.code, fault(error.status))
    {
        response.headers_mut().insert(query_error::HEADER, value);
    }
    response
}

/// A response with the headers that every answer of a service has.
pub(crate) fn respond(
    status: u16,
    content_type: &'static str,
    service: Service,
    request_id: &str,
    body: Bytes,
) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    let id = match service {
        Service::S3 => HeaderName::from_static("x-amz-request-id"),
        _ => HeaderName::from_static("x-amzn-requestid"),
    };
    if let Ok(request_id) = HeaderValue::from_str(request_id) {
        headers.insert(id, request_id);
    }
    response
}

/// The content type of a JSON service's answers.
pub(crate) fn json_content_type(service: Service) -> &'static str {
    match service.json_version() {
        Some("1.0") => "application/x-amz-json-1.0",
        _ => "application/x-amz-json-1.1",
    }
}

/// Whose fault an error is, as the query protocol says it.
fn fault(status: u16) -> &'static str {
    if status < 500 { "Sender" } else { "Receiver" }
}

fn query(error: &ServiceError, service: Service, request_id: &str) -> String {
    let mut out = String::new();
    out.push_str("<ErrorResponse xmlns=\"");
    xml::escape(&mut out, service.xml_namespace().unwrap_or_default());
    out.push_str("\">\n");
    xml::tagged(&mut out, "Error", |out| {
        let named = error.members.iter().find(|(name, _)| *name == "Type");
        xml::text(out, "Type", named.map_or_else(|| fault(error.status), |(_, value)| value));
        xml::text(out, "Code", query_error::code(service, &error.code));
        xml::text(out, "Message", &error.message);
        // SQS has an empty one (LocalStack's recorded `test_sqs_permission_lifecycle`).
        if service.name() == "sqs" {
            xml::text(out, "Detail", "");
        }
        for (name, value) in error.members.iter().filter(|(name, _)| *name != "Type") {
            xml::text(out, name, value);
        }
    });
    xml::text(&mut out, "RequestId", request_id);
    out.push_str("</ErrorResponse>\n");
    out
}

fn ec2(error: &ServiceError, request_id: &str) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml::tagged(&mut out, "Response", |out| {
        xml::tagged(out, "Errors", |out| {
            xml::tagged(out, "Error", |out| {
                xml::text(out, "Code", &error.code);
                xml::text(out, "Message", &error.message);
            });
        });
        xml::text(out, "RequestID", request_id);
    });
    out
}

fn s3(error: &ServiceError, request_id: &str) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml::tagged(&mut out, "Error", |out| {
        xml::text(out, "Code", &error.code);
        xml::text(out, "Message", &error.message);
        for (name, value) in &error.members {
            xml::text(out, name, value);
        }
        xml::text(out, "RequestId", request_id);
        xml::text(out, "HostId", &host_id(request_id));
    });
    out
}

/// The id of the host that answered a request of S3's: it goes with the
/// request's, in `HostId` and in the header `x-amz-id-2`.
pub fn host_id(request_id: &str) -> String {
    let digest = Sha512::digest(format!("host of {request_id}"));
    STANDARD.encode(digest.get(..56).unwrap_or_default())
}

/// An error of S3's as another server wrote it, with ids of this one in the
/// place of its own; nothing where it is no such error.
pub fn s3_with_ids(body: &[u8], request_id: &str) -> Option<Bytes> {
    const IDS: [&str; 4] = ["RequestId", "RequestID", "HostId", "HostID"];
    let root = xml::parse(body).ok().filter(|root| root.name == "Error")?;
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml::tagged(&mut out, "Error", |out| {
        for child in root.children.iter().filter(|child| !IDS.contains(&child.name.as_str())) {
            xml::text(out, &child.name, &child.text);
        }
        xml::text(out, "RequestId", request_id);
        xml::text(out, "HostId", &host_id(request_id));
    });
    Some(out.into())
}

/// The code stands in the body.
fn json(error: &ServiceError, service: Service) -> Value {
    let mut body = Map::new();
    body.insert("__type".to_owned(), query_error::name(service, &error.code).into());
    if let Value::Object(members) = rest_json(error, service) {
        body.extend(members);
    }
    Value::Object(body)
}

/// The code stands in a header.
fn rest_json(error: &ServiceError, service: Service) -> Value {
    let mut body = Map::new();
    for (name, value) in &error.members {
        body.insert((*name).to_owned(), value.as_str().into());
    }
    body.insert(message_name(error, service).to_owned(), error.message.as_str().into());
    Value::Object(body)
}

/// The message is `Message` in answers of the authorization layer, and in those
/// errors of Lambda whose model does not say otherwise; `message` in all others.
fn message_name(error: &ServiceError, service: Service) -> &'static str {
    /// Lambda's errors that its model lacks, as AWS sends them.
    const LOWER: [&str; 3] =
        ["InvalidSignatureException", "UnrecognizedClientException", "ValidationException"];
    let code = error.code.as_ref();
    match (service, code) {
        (_, "AccessDeniedException") => "Message",
        (Service::Lambda, code) if !LOWER.contains(&code) => {
            service.model().errors.get(code).and_then(|error| error.message).unwrap_or("Message")
        }
        _ => "message",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn text(response: &Response<Bytes>) -> &str {
        std::str::from_utf8(response.body()).unwrap()
    }

    #[rstest]
    #[case(Service::Iam, 403, "AccessDenied", "no")]
    #[case(Service::CloudFormation, 403, "AccessDenied", "no")]
    #[case(Service::S3, 403, "AccessDenied", "no")]
    #[case(
        Service::Ec2,
        403,
        "UnauthorizedOperation",
        "You are not authorized to perform this operation. no"
    )]
    #[case(Service::Lambda, 403, "AccessDeniedException", "no")]
    #[case(Service::ApiGatewayV2, 403, "AccessDeniedException", "no")]
    #[case(Service::Ssm, 400, "AccessDeniedException", "no")]
    #[case(Service::Logs, 400, "AccessDeniedException", "no")]
    #[case(Service::of("sns").unwrap(), 403, "AuthorizationError", "no")]
    #[case(Service::of("sqs").unwrap(), 403, "AccessDenied", "no")]
    #[case(Service::of("events").unwrap(), 400, "AccessDeniedException", "no")]
    fn a_denial_has_the_code_and_status_of_its_service(
        #[case] service: Service,
        #[case] status: u16,
        #[case] code: &str,
        #[case] message: &str,
    ) {
        let error = ServiceError::access_denied(service, "no");
        assert_eq!(
            (error.status, error.code.as_ref(), error.message.as_str()),
            (status, code, message)
        );
        assert_eq!(render(&error, service, "r").status(), status);
    }

    #[test]
    fn a_query_service_answers_with_an_error_response() {
        let error = ServiceError::new(404, "NoSuchEntity", "role <a> is not there");
        let response = render(&error, Service::Iam, "id-1");
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["content-type"], "text/xml");
        assert_eq!(response.headers()["x-amzn-requestid"], "id-1");
        assert_eq!(
            text(&response),
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n\
             <Error><Type>Sender</Type><Code>NoSuchEntity</Code>\
             <Message>role &lt;a&gt; is not there</Message></Error>\
             <RequestId>id-1</RequestId></ErrorResponse>\n"
        );
    }

    #[test]
    fn ec2_answers_with_its_own_envelope() {
        let error = ServiceError::new(400, "InvalidVpcID.NotFound", "no");
        assert_eq!(
            text(&render(&error, Service::Ec2, "id")),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>\
             <Code>InvalidVpcID.NotFound</Code><Message>no</Message></Error></Errors>\
             <RequestID>id</RequestID></Response>"
        );
    }

    #[test]
    fn s3_answers_with_a_bare_error_and_its_members() {
        let error = ServiceError::new(404, "NoSuchBucket", "no").with("BucketName", "a&b");
        let response = render(&error, Service::S3, "id");
        assert_eq!(response.headers()["x-amz-request-id"], "id");
        assert_eq!(
            text(&response),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchBucket</Code>\
             <Message>no</Message><BucketName>a&amp;b</BucketName><RequestId>id</RequestId>\
             <HostId>HOST</HostId></Error>"
                .replace("HOST", &host_id("id"))
        );
    }

    #[test]
    fn json_services_name_the_type_in_the_body_and_rest_json_in_a_header() {
        let error = ServiceError::new(400, "ParameterNotFound", "no");
        let response = render(&error, Service::Ssm, "id");
        assert_eq!(response.headers()["content-type"], "application/x-amz-json-1.1");
        assert_eq!(text(&response), r#"{"__type":"ParameterNotFound","message":"no"}"#);

        let error = ServiceError::new(404, "ResourceNotFoundException", "no").with("Type", "User");
        let response = render(&error, Service::Lambda, "id");
        assert_eq!(response.headers()["x-amzn-errortype"], "ResourceNotFoundException");
        assert_eq!(text(&response), r#"{"Type":"User","Message":"no"}"#);

        let denied = ServiceError::access_denied(Service::DynamoDb, "no");
        let response = render(&denied, Service::DynamoDb, "id");
        assert_eq!(response.headers()["content-type"], "application/x-amz-json-1.0");
        assert_eq!(text(&response), r#"{"__type":"AccessDeniedException","Message":"no"}"#);
    }

    #[test]
    fn sqs_has_an_empty_detail_in_the_query_protocol() {
        let error = ServiceError::new(400, "InvalidParameterValue", "no");
        let shown = |service| text(&render_as(&error, service, Protocol::Query, "id")).to_owned();
        let sqs = shown(Service::of("sqs").unwrap());
        assert!(sqs.contains("<Message>no</Message><Detail></Detail></Error>"), "{sqs}");
        assert!(!shown(Service::Iam).contains("Detail"));
    }

    /// `Code`, `QueryErrorCode` and `Type` as LocalStack's
    /// `test_sqs_permission_lifecycle` and `test_cloudwatch` were recorded on AWS; the
    /// query protocol has the old code alone, and a service that never spoke it no header.
    #[rstest]
    #[case(
        "sqs",
        Protocol::Json,
        "InvalidParameterValue",
        "InvalidParameterValueException",
        Some("InvalidParameterValue;Sender")
    )]
    #[case("sqs", Protocol::Json, "AccessDenied", "AccessDenied", Some("AccessDenied;Sender"))]
    #[case(
        "cloudwatch",
        Protocol::Json,
        "ValidationException",
        "ValidationException",
        Some("ValidationError;Sender")
    )]
    #[case("ssm", Protocol::Json, "ValidationException", "ValidationException", None)]
    #[case("cloudwatch", Protocol::Query, "ValidationException", "ValidationError", None)]
    #[case("iam", Protocol::Query, "ValidationException", "ValidationException", None)]
    fn what_spoke_the_query_protocol_keeps_its_codes_in_a_header(
        #[case] service: &str,
        #[case] protocol: Protocol,
        #[case] code: &'static str,
        #[case] shown: &str,
        #[case] header: Option<&str>,
    ) {
        let service = Service::of(service).unwrap();
        let response = render_as(&ServiceError::new(400, code, "no"), service, protocol, "id");
        let told = response.headers().get("x-amzn-query-error");
        assert_eq!(told.map(|value| value.to_str().unwrap()), header);
        let expected = match protocol {
            Protocol::Query => format!("<Code>{shown}</Code>"),
            _ => format!("\"__type\":\"{shown}\""),
        };
        assert!(text(&response).contains(&expected), "{}", text(&response));
    }
}

//! Why a request cannot be identified.

use crate::error::ServiceError;
use crate::operation::{Protocol, Service};
use crate::text::DecodeError;

/// Why a request cannot be identified. Everything that two readers could
/// understand differently is one of these.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The service cannot be told.
    Service(String),
    /// The service has no such operation, or it is not known which one it is.
    Operation(String),
    /// The request is malformed or says something twice.
    Request(String),
    /// The input does not fit the operation's model.
    Input(String),
    /// S3 wants a document in the body, and there is none.
    EmptyBody,
    /// The body is larger than the service takes.
    TooLarge {
        /// The most bytes that it takes.
        limit: usize,
    },
}

impl Refusal {
    /// A required member is missing: the text that AWS's services answer with.
    pub(crate) fn missing(member: &str) -> Self {
        let mut letters = member.chars();
        let lower: String = letters
            .next()
            .map(|first| first.to_ascii_lowercase())
            .into_iter()
            .chain(letters)
            .collect();
        Self::Input(format!(
            "1 validation error detected: Value null at '{lower}' failed to satisfy constraint: \
             Member must not be null"
        ))
    }

    /// Text that cannot be decoded.
    pub(crate) fn encoding(place: &str, error: DecodeError) -> Self {
        Self::Request(format!("the {place} cannot be read: {error}"))
    }

    /// The error that a service of this protocol answers with.
    pub(crate) fn into_error(self, service: Option<Service>) -> ServiceError {
        match (self, service) {
            (Self::Operation(message), Some(service)) => {
                ServiceError::unknown_operation(service, message)
            }
            (Self::Input(message), Some(service)) => ServiceError::validation(service, message),
            (Self::Request(message), Some(service)) => {
                let code = match service.protocol() {
                    Protocol::Query => "MalformedInput",
                    Protocol::Ec2 => "InvalidRequest",
                    Protocol::Json | Protocol::RestJson | Protocol::Cbor => {
                        "SerializationException"
                    }
                    Protocol::RestXml => "InvalidRequest",
                };
                ServiceError::new(400, code, message)
            }
            // Recorded on AWS in moto's `test_put_object_lock_misconfiguration`.
            (Self::EmptyBody, _) => {
                ServiceError::new(400, "MissingRequestBodyError", "Request Body is empty")
            }
            (Self::TooLarge { limit }, service) => {
                let (status, code) = match service {
                    Some(Service::Lambda) => (413, "RequestEntityTooLargeException"),
                    Some(Service::S3) => (400, "EntityTooLarge"),
                    Some(_) | None => (413, "RequestEntityTooLarge"),
                };
                ServiceError::new(
                    status,
                    code,
                    format!("Request must be smaller than {limit} bytes"),
                )
            }
            (Self::Operation(message), None) => {
                ServiceError::new(404, "UnknownOperationException", message)
            }
            (Self::Service(message) | Self::Request(message) | Self::Input(message), _) => {
                ServiceError::new(400, "UnknownService", message)
            }
        }
    }
}

//! Answers of the gateway itself.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html>,
//! <https://repost.aws/knowledge-center/api-gateway-troubleshoot-403-forbidden>

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Response, StatusCode};
use serde_json::{Value, json};

/// Why the gateway answers itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// No such resource or method, or no signature where one is asked for.
    MissingAuthenticationToken,
    /// No such stage, or no good API key.
    Forbidden,
    /// An authorizer knows nobody.
    Unauthorized,
    /// The token of a user pool is too old.
    Expired,
    /// A policy denies it, in these words.
    AccessDenied(String),
    /// An authorizer cannot be asked, or its answer is none.
    Authorizer,
    /// The function behind the API gave no answer that is one.
    BadAnswer,
    /// The integration may not be called, or its configuration is wrong.
    Internal,
    Timeout,
    /// What is configured and not served here.
    Unserved(String),
}

impl Failure {
    /// Status, error type and body.
    fn parts(&self) -> (u16, &'static str, Value) {
        let message = |text: &str| json!({ "message": text });
        match self {
            Self::MissingAuthenticationToken => (
                403,
                "MissingAuthenticationTokenException",
                message("Missing Authentication Token"),
            ),
            Self::Forbidden => (403, "ForbiddenException", message("Forbidden")),
            Self::Unauthorized => (401, "UnauthorizedException", message("Unauthorized")),
            Self::Expired => {
                (401, "UnauthorizedException", message("The incoming token has expired"))
            }
            // The only one whose body says `Message`
            // (<https://repost.aws/knowledge-center/api-gateway-403-error-lambda-authorizer>).
            Self::AccessDenied(text) => (403, "AccessDeniedException", json!({ "Message": text })),
            // <https://loige.co/debugging-custom-apigateway-authorizers>
            Self::Authorizer => {
                (500, "AuthorizerConfigurationException", json!({ "message": null }))
            }
            Self::BadAnswer => {
                (502, "InternalServerErrorException", message("Internal server error"))
            }
            Self::Internal => {
                (500, "InternalServerErrorException", message("Internal server error"))
            }
            Self::Timeout => {
                (504, "InternalServerErrorException", message("Endpoint request timed out"))
            }
            // No AWS error has this type.
            Self::Unserved(what) => (
                501,
                "NotImplementedException",
                message(&format!("Ringfence does not have {what}")),
            ),
        }
    }

    pub(super) fn answer(&self) -> Response<Bytes> {
        let (status, kind, body) = self.parts();
        let mut response = Response::new(body.to_string().into());
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(HeaderName::from_static("x-amzn-errortype"), HeaderValue::from_static(kind));
        response
    }
}

//! Answers of the gateway itself.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

/// An answer of the gateway itself.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) message: &'static str,
    pub(super) challenge: Option<String>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, message: &'static str) -> Self {
        Self { status, message, challenge: None }
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }

    pub(super) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden")
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized")
    }

    pub(super) fn answer(self) -> Response<Bytes> {
        let mut response = Response::new(json!({"message": self.message}).to_string().into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let challenge = self.challenge.and_then(|text| HeaderValue::from_str(&text).ok());
        headers.extend(challenge.map(|value| (WWW_AUTHENTICATE, value)));
        response
    }
}

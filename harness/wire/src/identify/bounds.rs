//! How much each service takes in the body of a request.

use bytes::Bytes;
use http::request::Parts;

use super::rest;
use super::view::View;
use crate::{Operation, Protocol, Service, ServiceError};

/// What S3 takes in one upload
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html>).
const S3_UPLOAD: u64 = 5 * 1024 * 1024 * 1024;

/// What a service takes of which no file of `ringfence-models` says another
/// limit.
const USUAL: usize = 4 * 1024 * 1024;

/// The most bytes of body that a service takes here.
pub fn body_limit(service: Service) -> usize {
    service.body_limit().unwrap_or(USUAL)
}

/// The refusal of a body over a limit, by the head of its request; `size` where
/// the request tells it.
pub fn too_large(parts: &Parts, service: Service, limit: usize, size: Option<u64>) -> ServiceError {
    match (service, size) {
        (Service::S3, Some(size)) if size > S3_UPLOAD => ServiceError::new(
            400,
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
        )
        .with("ProposedSize", size.to_string())
        .with("MaxSizeAllowed", S3_UPLOAD.to_string()),
        (Service::S3, _) => ServiceError::not_implemented(
            Service::S3,
            format!("bodies of more than {limit} bytes are not held here; upload in parts"),
        ),
        (Service::Lambda, _) => {
            let operation = operation(parts, service);
            let operation = operation.map_or("requested", |operation| operation.name);
            ServiceError::new(
                413,
                "RequestEntityTooLargeException",
                format!("Request must be smaller than {limit} bytes for the {operation} operation"),
            )
        }
        _ => ServiceError::new(
            413,
            "RequestEntityTooLarge",
            format!("Request must be smaller than {limit} bytes"),
        ),
    }
}

/// The operation of a REST request, by its head.
fn operation(parts: &Parts, service: Service) -> Option<&'static Operation> {
    if service.protocol() != Protocol::RestJson {
        return None;
    }
    let body = Bytes::new();
    rest::operation(&View::new(parts, &body).ok()?, service).ok().map(|(operation, _)| operation)
}

//! Lambda's errors, as AWS writes them.

use ringfence_wire::{Service, ServiceError};

/// 404: there is no such function, version, alias, policy or URL.
pub(super) fn not_found(message: impl Into<String>) -> ServiceError {
    ServiceError::new(404, "ResourceNotFoundException", message).with("Type", "User")
}

/// 409: the thing is there already, or is being changed.
pub(super) fn conflict(message: impl Into<String>) -> ServiceError {
    ServiceError::new(409, "ResourceConflictException", message).with("Type", "User")
}

/// 400: a value that Lambda itself refuses.
pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "InvalidParameterValueException", message).with("Type", "User")
}

/// 400: as [`invalid`], without the `Type` that AWS leaves out here and there
/// (recorded on AWS: LocalStack's test_notfound_and_invalid_routingconfigs and
/// test_function_concurrency_limits).
pub(super) fn untyped(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "InvalidParameterValueException", message)
}

/// 400: a value that the model's constraints refuse.
pub(super) fn validation(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "ValidationException", message)
}

/// 403: refused, by Lambda or by a service that it asked for the caller.
pub(super) fn access_denied(message: impl Into<String>) -> ServiceError {
    ServiceError::new(403, "AccessDeniedException", message)
}

/// 412: the revision that the caller expected is not the present one.
pub(super) fn stale_revision(api: &str) -> ServiceError {
    ServiceError::new(
        412,
        "PreconditionFailedException",
        format!(
            "The Revision Id provided does not match the latest Revision Id. \
             Call the {api} API to retrieve the latest Revision Id"
        ),
    )
    .with("Type", "User")
}

/// 413: a request or package above its limit.
pub(super) fn too_large(message: impl Into<String>) -> ServiceError {
    ServiceError::new(413, "RequestEntityTooLargeException", message).with("Type", "User")
}

/// 429: no concurrency is left.
pub(super) fn throttled(reason: &'static str) -> ServiceError {
    ServiceError::new(429, "TooManyRequestsException", "Rate Exceeded.")
        .with("Reason", reason)
        .with("Type", "User")
}

/// 500: Lambda's own fault.
pub(super) fn service(message: impl Into<String>) -> ServiceError {
    ServiceError::new(500, "ServiceException", message).with("Type", "Service")
}

/// 501: AWS has it, this service does not.
pub(super) fn not_built(what: impl std::fmt::Display) -> ServiceError {
    ServiceError::not_implemented(
        Service::Lambda,
        format!("{what} is not built in this Lambda; nothing was changed"),
    )
}

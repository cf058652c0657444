//! CloudFormation's errors.

use ringfence_wire::ServiceError;

/// `ValidationError` (400), CloudFormation's answer to nearly everything.
pub(super) fn validation(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "ValidationError", message)
}

/// Something that AWS has and this guard does not.
pub(super) fn unsupported(what: impl std::fmt::Display) -> ServiceError {
    validation(format!("{what} is not supported by Ringfence's CloudFormation"))
}

/// A failure of our own, never of the caller's.
pub(super) fn internal(cause: impl std::fmt::Display) -> ServiceError {
    ServiceError::new(500, "InternalFailure", format!("CloudFormation failed: {cause}"))
}

//! API Gateway's refusals.

use ringfence_wire::ServiceError;

/// Why an API without routes cannot be deployed.
pub(in super::super) const NO_ROUTES: &str =
    "Unable to deploy API because no routes exist in this API";

pub(in super::super) fn bad_request(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "BadRequestException", message)
}

pub(in super::super) fn conflict(message: impl Into<String>) -> ServiceError {
    ServiceError::new(409, "ConflictException", message)
}

pub(in super::super) fn not_found(message: impl Into<String>) -> ServiceError {
    ServiceError::new(404, "NotFoundException", message)
}

/// AWS prints the account before the id
/// (<https://github.com/aws/aws-sam-cli/issues/7030>).
pub(in super::super) fn no_api(account: &str, api_id: &str) -> ServiceError {
    not_found(format!("Invalid API identifier specified {account}:{api_id}"))
}

pub(in super::super) fn no_record(kind: &str, id: &str) -> ServiceError {
    not_found(format!("Invalid {kind} identifier specified {id}"))
}

pub(super) fn limit(kind: &str) -> ServiceError {
    ServiceError::new(
        429,
        "TooManyRequestsException",
        format!(
            "Maximum number of {kind} for this API has been reached. Please contact AWS if you \
             need additional {kind}."
        ),
    )
}

/// What AWS has and we do not. No AWS error has this code, so that nobody takes
/// it for AWS's own refusal.
pub(in super::super) fn not_built(what: impl std::fmt::Display) -> ServiceError {
    ServiceError::new(501, "NotImplementedException", format!("Ringfence does not have {what}"))
}

//! How the simulator refuses.

use ringfence_wire::ServiceError;

/// "The request was rejected because an invalid or out-of-range value was
/// supplied for an input parameter."
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html#API_SimulateCustomPolicy_Errors>
pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "InvalidInput", message)
}

/// The principal whose policies are asked for is not there.
pub(super) fn no_such_entity(kind: &str, name: &str) -> ServiceError {
    let message = format!("The {kind} with name {name} cannot be found.");
    ServiceError::new(404, "NoSuchEntity", message)
}

/// "The request failed because a provided policy could not be successfully
/// evaluated": of an attached policy, which the caller did not write.
pub(super) fn unevaluable(cause: ServiceError) -> ServiceError {
    if cause.code == "AccessDenied" {
        return ServiceError::new(500, "PolicyEvaluation", cause.message);
    }
    cause
}

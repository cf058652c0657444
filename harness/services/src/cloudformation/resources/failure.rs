//! Why a resource could not be made, changed or deleted.

use ringfence_wire::{Service, ServiceError};

/// A failed handler.
#[derive(Debug, Clone)]
pub(in crate::cloudformation) enum Failure {
    /// A service refused a call.
    Call {
        service: Service,
        error: ServiceError,
        /// The id that the service gave the call.
        request_id: String,
    },
    /// The handler itself refuses.
    Handler {
        /// `NotStabilized`, `InvalidRequest`, …
        code: &'static str,
        message: String,
    },
    /// CloudFormation refuses before any handler runs.
    Reason(String),
}

impl Failure {
    pub(super) fn handler(code: &'static str, message: impl Into<String>) -> Self {
        Self::Handler { code, message: message.into() }
    }

    /// Whether a service said that the thing does not exist.
    pub(in crate::cloudformation) fn not_found(&self) -> bool {
        matches!(self, Self::Call { error, .. } if handler_code(error) == "NotFound")
    }

    /// The `ResourceStatusReason`.
    pub(in crate::cloudformation) fn reason(&self) -> String {
        let token = uuid::Uuid::new_v4();
        match self {
            Self::Call { service, error, request_id } => format!(
                "Resource handler returned message: \"{} (Service: {}, Status Code: {}, Request ID: {request_id}) (SDK Attempt Count: 1)\" (RequestToken: {token}, HandlerErrorCode: {})",
                error.message,
                sdk_name(*service),
                error.status,
                handler_code(error),
            ),
            Self::Handler { code, message } => format!(
                "Resource handler returned message: \"{message}\" (RequestToken: {token}, HandlerErrorCode: {code})"
            ),
            Self::Reason(reason) => reason.clone(),
        }
    }
}

/// The SDK's name of a service, as its exceptions print it.
const fn sdk_name(service: Service) -> &'static str {
    match service {
        Service::ApiGatewayV2 => "ApiGatewayV2",
        Service::CloudFormation => "CloudFormation",
        Service::DynamoDb => "DynamoDb",
        Service::Ec2 => "Ec2",
        Service::Iam => "Iam",
        Service::Lambda => "Lambda",
        Service::Logs => "CloudWatchLogs",
        Service::S3 => "S3",
        Service::SecretsManager => "SecretsManager",
        Service::Ssm => "Ssm",
        Service::Sts => "Sts",
    }
}

/// The handler contract's code for a service's error
/// (<https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html>).
fn handler_code(error: &ServiceError) -> &'static str {
    let code = error.code.as_ref();
    match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => "AccessDenied",
        "EntityAlreadyExists"
        | "ResourceAlreadyExistsException"
        | "ResourceConflictException"
        | "ParameterAlreadyExists"
        | "BucketAlreadyExists"
        | "BucketAlreadyOwnedByYou"
        | "ResourceInUseException"
        | "InvalidGroup.Duplicate" => "AlreadyExists",
        "ConflictException" | "DeleteConflict" | "BucketNotEmpty" | "DependencyViolation" => {
            "ResourceConflict"
        }
        "Throttling" | "ThrottlingException" | "TooManyRequestsException" => "Throttling",
        "LimitExceeded" | "LimitExceededException" => "ServiceLimitExceeded",
        "NoSuchEntity"
        | "NoSuchEntityException"
        | "NotFoundException"
        | "ParameterNotFound"
        | "NoSuchBucket"
        | "NoSuchBucketPolicy"
        | "NoSuchKey" => "NotFound",
        _ if error.status == 404 || code.ends_with(".NotFound") || code.contains("NotFound") => {
            "NotFound"
        }
        _ if error.status >= 500 => "ServiceInternalError",
        _ if error.status == 400 => "InvalidRequest",
        _ => "GeneralServiceException",
    }
}

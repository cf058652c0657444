//! Why a resource could not be made, changed or deleted.

use ringfence_wire::{Service, ServiceError};
use serde_json::{Map, Value};

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
    /// A service refused to tag a resource with the stack's tags.
    StackTags { service: Service, error: ServiceError, request_id: String },
    /// CloudFormation refuses before any handler runs.
    Reason(String),
}

impl Failure {
    pub(super) fn handler(code: &'static str, message: impl Into<String>) -> Self {
        Self::Handler { code, message: message.into() }
    }

    /// A refused tagging is of the stack's tags where the resource has none of
    /// its own.
    pub(in crate::cloudformation) fn of_stack_tags(self, properties: &Map<String, Value>) -> Self {
        match self {
            Self::Call { service, error, request_id }
                if !properties.contains_key("Tags")
                    && handler_code(&error) == "AccessDenied"
                    && refused_action(&error.message).is_some_and(tags) =>
            {
                Self::StackTags { service, error, request_id }
            }
            other => other,
        }
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
                "Resource handler returned message: \"{}\" (RequestToken: {token}, HandlerErrorCode: {})",
                sdk_message(*service, error, request_id),
                handler_code(error),
            ),
            // As reported of AWS:
            // <https://github.com/aws-samples/cloudfront-authorization-at-edge/issues/260>.
            Self::StackTags { service, error, request_id } => format!(
                "Resource handler returned message: \"Encountered a permissions error performing a tagging operation, please add required tag permissions. See https://repost.aws/knowledge-center/cloudformation-tagging-permission-error for how to resolve. Resource handler returned message: \"{}\"\" (RequestToken: {token}, HandlerErrorCode: UnauthorizedTaggingOperation)",
                sdk_message(*service, error, request_id),
            ),
            Self::Handler { code, message } => format!(
                "Resource handler returned message: \"{message}\" (RequestToken: {token}, HandlerErrorCode: {code})"
            ),
            Self::Reason(reason) => reason.clone(),
        }
    }
}

/// An error as AWS's SDK prints it.
fn sdk_message(service: Service, error: &ServiceError, request_id: &str) -> String {
    format!(
        "{} (Service: {}, Status Code: {}, Request ID: {request_id}) (SDK Attempt Count: 1)",
        error.message,
        sdk_name(service),
        error.status,
    )
}

/// The action that a refusal names.
fn refused_action(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("is not authorized to perform: ")?;
    rest.split_whitespace().next()
}

/// Whether an action does nothing but tag.
fn tags(action: &str) -> bool {
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    name.starts_with("Tag")
        || name.starts_with("Untag")
        || ["AddTagsToResource", "CreateTags", "DeleteTags", "PutBucketTagging"].contains(&name)
        || name == "RemoveTagsFromResource"
}

/// The SDK's name of a service, as its exceptions print it.
fn sdk_name(service: Service) -> &'static str {
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
        other => other.sdk_id(),
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

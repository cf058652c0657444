//! How AWS words a refusal, service by service.
//!
//! Template: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>.
//! The denying policy's ARN follows an explicit deny since January 2026
//! (<https://aws.amazon.com/blogs/security/enhanced-access-denied-error-messages-with-policy-arns>).

use std::borrow::Cow;

use ringfence_policy::{Decision, Layer, Outcome};
use ringfence_services::credentials::Identity;
use ringfence_wire::{Service, ServiceError};

use crate::requirements::Requirement;

/// A refusal in the service's code and status.
pub(crate) fn refused(service: Service, message: impl Into<String>) -> ServiceError {
    ServiceError::access_denied(service, message)
}

/// The error of a call of which the guard does not know what it requires. No service
/// of AWS has this code or this status: nobody takes it for AWS's refusal.
pub const UNMAPPED: &str = "RingfenceUnmapped";

/// The error of a call that the guard cannot decide, since nothing is known of
/// a condition key on which it hangs. It is none of AWS's either.
pub const UNDECIDED: &str = "RingfenceUndecided";

/// The status of [`UNMAPPED`] and [`UNDECIDED`]; the models of AWS's services have
/// none of 418.
const OWN_STATUS: u16 = 418;

/// The refusal of a call of which the guard does not know what it requires, with the
/// reason; the journal has it too.
pub(crate) fn unmapped(reason: String) -> ServiceError {
    ServiceError::new(OWN_STATUS, UNMAPPED, reason.clone()).explained(reason)
}

/// What the guard says of a permission that is undecided.
pub(crate) fn undecided(requirement: &Requirement, decision: &Decision) -> ServiceError {
    let Requirement { action, resource, .. } = requirement;
    let message = format!("{action} on {resource} is {}", decision.explanation);
    ServiceError::new(OWN_STATUS, UNDECIDED, message)
}

/// What the guard says of a permission about a resource of another account than the
/// one that a call acts in.
pub(crate) fn elsewhere(requirement: &Requirement, owner: &str) -> ServiceError {
    let Requirement { action, resource, .. } = requirement;
    let message = format!(
        "{action} on {resource} is undecided: the resource is of the account {owner}, and a call \
         about the resources of several accounts is not decided"
    );
    ServiceError::new(OWN_STATUS, UNDECIDED, message)
}

/// The refusal of one permission.
pub(crate) fn denied(
    service: Service,
    operation: &str,
    caller: &Identity,
    requirement: &Requirement,
    decision: &Decision,
    request_id: &str,
) -> ServiceError {
    if decision.outcome == Outcome::Undecided {
        return undecided(requirement, decision);
    }
    if service == Service::Sts && operation == "AssumeRoleWithWebIdentity" {
        return refused(service, "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    }
    if matches!(caller, Identity::Anonymous) {
        return refused(service, "Access Denied");
    }
    let text = sentence(caller, requirement, decision);
    if service == Service::Ec2 && names_a_resource(requirement) {
        // AWS encrypts what it decided into the last clause; here it is the
        // request id, by which the journal tells the same.
        let reference = request_id.replace('-', "");
        return refused(
            service,
            format!("{text}. Encoded authorization failure message: {reference}"),
        );
    }
    refused(service, text)
}

/// Whether the message names a resource. EC2, S3 and Secrets Manager name none
/// where an action takes none: seen in public logs of `ec2:DescribeVpcs`,
/// `s3:ListAllMyBuckets` and `secretsmanager:ListSecrets`.
fn names_a_resource(requirement: &Requirement) -> bool {
    let service = requirement.action.split(':').next().unwrap_or_default();
    requirement.printed_resource.is_some()
        || requirement.resource != "*"
        || !["ec2", "s3", "secretsmanager"].contains(&service)
}

/// An action as its service writes it in refusals.
/// - `SNS:GetTopicAttributes`:
///   <https://github.com/ministryofjustice/cloud-platform-environments/pull/21094>
/// - `sqs:sendmessage`:
///   <https://github.com/aws/serverless-application-model/issues/3633>
fn printed_action(action: &str) -> Cow<'_, str> {
    match action.split_once(':') {
        Some(("sns", name)) => format!("SNS:{name}").into(),
        Some(("sqs", name)) => format!("sqs:{}", name.to_ascii_lowercase()).into(),
        _ => action.into(),
    }
}

fn sentence(caller: &Identity, requirement: &Requirement, decision: &Decision) -> String {
    let action = &*printed_action(&requirement.action);
    let resource = requirement.printed_resource.as_deref().unwrap_or(&requirement.resource);
    let mut reason = decision.reason(action);
    if decision.outcome == Outcome::ExplicitDeny
        && decision.layer != Layer::Resource
        && let Some(statement) = decision.statements.first()
        && statement.policy.starts_with("arn:")
    {
        reason = format!("{reason}: {}", statement.policy);
    }
    let place = match names_a_resource(requirement) {
        true => format!(" on resource: {resource}"),
        false => String::new(),
    };
    format!("User: {} is not authorized to perform: {action}{place} {reason}", caller.arn())
}

#[cfg(test)]
mod tests {
    use ringfence_policy::{Context, StatementRef};
    use rstest::rstest;

    use super::*;
    use crate::requirements::{Extent, Needed, ResourcePolicy};

    fn requirement(action: &str, resource: &str, printed: Option<&str>) -> Requirement {
        Requirement {
            action: action.into(),
            resource: resource.into(),
            printed_resource: printed.map(str::to_owned),
            context: Context::new(),
            resource_policy: ResourcePolicy::None,
            managed_by_aws: false,
            extent: Extent::Call,
            needed: Needed::Surely,
        }
    }

    fn decision(outcome: Outcome, layer: Layer, policy: Option<&str>) -> Decision {
        let statements = policy
            .map(|policy| StatementRef { layer, policy: policy.into(), sid: None, index: 0 })
            .into_iter()
            .collect();
        Decision {
            outcome,
            layer,
            statements,
            unknown: Vec::new(),
            explanation: String::new(),
            trust_policy: false,
        }
    }

    fn caller() -> Identity {
        Identity::User {
            arn: "arn:aws:iam::123456789012:user/alice".into(),
            name: "alice".into(),
            user_id: "AIDA1".into(),
        }
    }

    #[rstest]
    #[case::iam(Service::Iam, "AccessDenied", 403)]
    #[case::sts(Service::Sts, "AccessDenied", 403)]
    #[case::cloudformation(Service::CloudFormation, "AccessDenied", 403)]
    #[case::s3(Service::S3, "AccessDenied", 403)]
    #[case::ec2(Service::Ec2, "UnauthorizedOperation", 403)]
    #[case::lambda(Service::Lambda, "AccessDeniedException", 403)]
    #[case::api_gateway(Service::ApiGatewayV2, "AccessDeniedException", 403)]
    #[case::ssm(Service::Ssm, "AccessDeniedException", 400)]
    #[case::logs(Service::Logs, "AccessDeniedException", 400)]
    #[case::dynamodb(Service::DynamoDb, "AccessDeniedException", 400)]
    #[case::secrets_manager(Service::SecretsManager, "AccessDeniedException", 400)]
    fn each_service_refuses_in_its_own_code(
        #[case] service: Service,
        #[case] code: &str,
        #[case] status: u16,
    ) {
        let error = refused(service, "no");
        assert_eq!((error.code.as_ref(), error.status), (code, status));
    }

    #[rstest]
    #[case::identity(
        Outcome::ImplicitDeny,
        Layer::Identity,
        None,
        "because no identity-based policy allows the iam:CreateRole action"
    )]
    #[case::boundary(
        Outcome::ImplicitDeny,
        Layer::Boundary,
        None,
        "because no permissions boundary allows the iam:CreateRole action"
    )]
    #[case::session(
        Outcome::ImplicitDeny,
        Layer::Session,
        None,
        "because no session policy allows the iam:CreateRole action"
    )]
    #[case::inline(
        Outcome::ExplicitDeny,
        Layer::Identity,
        Some("own"),
        "with an explicit deny in an identity-based policy"
    )]
    #[case::managed_boundary(
        Outcome::ExplicitDeny,
        Layer::Boundary,
        Some("arn:aws:iam::123456789012:policy/b"),
        "with an explicit deny in a permissions boundary: arn:aws:iam::123456789012:policy/b"
    )]
    #[case::service_control(
        Outcome::ExplicitDeny,
        Layer::ServiceControl,
        Some("p-1"),
        "with an explicit deny in a service control policy"
    )]
    #[case::resource(
        Outcome::ExplicitDeny,
        Layer::Resource,
        Some("arn:aws:lambda:eu-west-1:123456789012:function:f"),
        "with an explicit deny in a resource-based policy"
    )]
    fn the_sentence_names_the_layer(
        #[case] outcome: Outcome,
        #[case] layer: Layer,
        #[case] policy: Option<&str>,
        #[case] reason: &str,
    ) {
        let required = requirement("iam:CreateRole", "arn:aws:iam::123456789012:role/r", None);
        let error = denied(
            Service::Iam,
            "CreateRole",
            &caller(),
            &required,
            &decision(outcome, layer, policy),
            "id",
        );
        assert_eq!(
            error.message,
            format!(
                "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: \
                 iam:CreateRole on resource: arn:aws:iam::123456789012:role/r {reason}"
            )
        );
    }

    #[test]
    fn services_print_resources_in_their_own_ways() {
        let implicit = decision(Outcome::ImplicitDeny, Layer::Identity, None);
        let required =
            requirement("iam:GetRole", "arn:aws:iam::123456789012:role/r", Some("role r"));
        let error = denied(Service::Iam, "GetRole", &caller(), &required, &implicit, "id");
        assert!(error.message.contains(" on resource: role r because "), "{error}");
        let required =
            requirement("s3:GetObject", "arn:aws:s3:::b/k", Some("\"arn:aws:s3:::b/k\""));
        let error = denied(Service::S3, "GetObject", &caller(), &required, &implicit, "id");
        assert!(error.message.contains(" on resource: \"arn:aws:s3:::b/k\" because "), "{error}");
    }

    #[rstest]
    #[case::ec2(
        Service::Ec2,
        "ec2:DescribeVpcs",
        "You are not authorized to perform this operation. ",
        ""
    )]
    #[case::s3(Service::S3, "s3:ListAllMyBuckets", "", "")]
    #[case::secrets(Service::SecretsManager, "secretsmanager:ListSecrets", "", "")]
    #[case::lambda(Service::Lambda, "lambda:ListFunctions", "", " on resource: *")]
    fn an_action_without_resources_is_told_without_one_where_aws_does(
        #[case] service: Service,
        #[case] action: &str,
        #[case] before: &str,
        #[case] place: &str,
    ) {
        let implicit = decision(Outcome::ImplicitDeny, Layer::Identity, None);
        let required = requirement(action, "*", None);
        let error = denied(service, "Any", &caller(), &required, &implicit, "id");
        assert_eq!(
            error.message,
            format!(
                "{before}User: arn:aws:iam::123456789012:user/alice is not authorized to perform: \
                 {action}{place} because no identity-based policy allows the {action} action"
            )
        );
    }

    #[rstest]
    #[case::query(Service::Iam, "CreateRole")]
    #[case::ec2(Service::Ec2, "CreateVpc")]
    #[case::xml(Service::S3, "GetObject")]
    #[case::json(Service::DynamoDb, "GetItem")]
    #[case::rest(Service::Lambda, "Invoke")]
    #[case::a_web_identity(Service::Sts, "AssumeRoleWithWebIdentity")]
    fn what_is_undecided_is_refused_with_an_error_of_the_guards_own(
        #[case] service: Service,
        #[case] operation: &str,
    ) {
        let required = requirement("s3:GetObject", "arn:aws:s3:::b/k", None);
        let mut undecided = decision(Outcome::Undecided, Layer::Identity, Some("own"));
        undecided.explanation =
            "undecided: nothing is known of `x:k`; statement 1 of `own` may allow it".to_owned();
        for caller in [caller(), Identity::Anonymous] {
            let error = denied(service, operation, &caller, &required, &undecided, "id");
            assert_eq!((error.code.as_ref(), error.status), ("RingfenceUndecided", 418));
            assert_eq!(
                error.message,
                "s3:GetObject on arn:aws:s3:::b/k is undecided: nothing is known of `x:k`; \
                 statement 1 of `own` may allow it"
            );
        }
    }

    #[rstest]
    #[case::sns("sns:Publish", "SNS:Publish")]
    #[case::sqs("sqs:SendMessage", "sqs:sendmessage")]
    #[case::events("events:PutRule", "events:PutRule")]
    fn services_write_their_actions_in_their_own_ways(#[case] action: &str, #[case] printed: &str) {
        let implicit = decision(Outcome::ImplicitDeny, Layer::Identity, None);
        let arn = "arn:aws:any:eu-west-1:123456789012:thing";
        let required = requirement(action, arn, None);
        let service = Service::of(action.split(':').next().unwrap()).unwrap();
        let error = denied(service, "Any", &caller(), &required, &implicit, "id");
        assert_eq!(
            error.message,
            format!(
                "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: \
                 {printed} on resource: {arn} because no identity-based policy allows the \
                 {printed} action"
            )
        );
    }

    #[test]
    fn a_web_identity_learns_nothing() {
        let required =
            requirement("sts:AssumeRoleWithWebIdentity", "arn:aws:iam::123456789012:role/r", None);
        let error = denied(
            Service::Sts,
            "AssumeRoleWithWebIdentity",
            &caller(),
            &required,
            &decision(Outcome::ImplicitDeny, Layer::Resource, None),
            "id",
        );
        assert_eq!(error.message, "Not authorized to perform sts:AssumeRoleWithWebIdentity");
        assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
    }

    #[test]
    fn ec2_wraps_the_sentence() {
        let vpc = "arn:aws:ec2:us-east-1:123456789012:vpc/*";
        let required = requirement("ec2:CreateVpc", vpc, None);
        let error = denied(
            Service::Ec2,
            "CreateVpc",
            &caller(),
            &required,
            &decision(Outcome::ImplicitDeny, Layer::Identity, None),
            "0-1",
        );
        assert_eq!(
            error.message,
            "You are not authorized to perform this operation. User: \
             arn:aws:iam::123456789012:user/alice is not authorized to perform: ec2:CreateVpc on \
             resource: arn:aws:ec2:us-east-1:123456789012:vpc/* because no identity-based policy \
             allows the ec2:CreateVpc action. \
             Encoded authorization failure message: 01"
        );
    }
}

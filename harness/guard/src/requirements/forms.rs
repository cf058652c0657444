//! The form of the ARNs that a call names. A policy speaks of `arn:aws:logs:…:log-group:x`;
//! an emulator that reads what follows the last colon acts on `x` for `arn:aws:logs:x` and
//! for `arn:aws:other:…:LOG-GROUP:x` too, of which no statement speaks. AWS has no such
//! resources ("arn:partition:service:region:account-id:resource-type/resource-id",
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>); the form of
//! each type's ARN is in the service authorization reference.

use ringfence_models::{Partition, actions};
use ringfence_policy::Wildcard;
use ringfence_wire::{Call, Service, ServiceError};

use super::Requirement;
use super::scope::arn_parts;

/// Refuses a call that is about what has none of the forms of its action's service. IAM
/// has words of its own for an ARN that is none, and finds what it has by all of the ARN.
///
/// # Errors
/// The service's validation error.
pub(crate) fn check(call: &Call, requirements: &[Requirement]) -> Result<(), ServiceError> {
    if call.service() == Service::Iam {
        return Ok(());
    }
    let partition = Partition::of_region(&call.region).id;
    match requirements.iter().find(|one| !has_a_form(partition, one)) {
        None => Ok(()),
        Some(one) => {
            let message = format!("`{}` is not an ARN of {}", one.resource, prefix(one));
            Err(ServiceError::validation(call.service(), message))
        }
    }
}

fn prefix(requirement: &Requirement) -> &str {
    requirement.action.split_once(':').map_or("", |(prefix, _)| prefix)
}

fn has_a_form(own: &str, requirement: &Requirement) -> bool {
    if requirement.resource == "*" {
        return true;
    }
    let Some(parts) = arn_parts(&requirement.resource) else { return false };
    let [_, partition, service, _, account, _] = parts;
    let prefix = prefix(requirement);
    // CloudFormation's transforms and other things of AWS's own have no type there.
    if partition == own && service == prefix && account == "aws" {
        return true;
    }
    let Some(of_prefix) = actions::of(prefix) else { return true };
    let mut forms = of_prefix.resource_types().flat_map(|kind| &kind.arn).peekable();
    let has_none = forms.peek().is_none();
    partition == own && (has_none || forms.any(|form| fits(form, prefix, &parts)))
}

/// Whether an ARN has a form: what is open in the form is given, what is empty is not,
/// and the words of the resource are there as they are written.
fn fits(form: &str, prefix: &str, parts: &[&str; 6]) -> bool {
    let Some(form) = arn_parts(form) else { return false };
    let [_, _, form_service, form_region, form_account, form] = form;
    let [_, _, service, region, account, resource] = parts;
    let given = |form: &str, part: &str| match form {
        "*" => true,
        form if form.contains("${") => !part.is_empty(),
        form => form == part,
    };
    // Parameters and documents of AWS's own have no account
    // (<https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters.html>).
    let is_public = prefix == "ssm" && account.is_empty();
    given(form_service, service)
        && given(form_region, region)
        && (is_public || given(form_account, account))
        && Wildcard::of_text(&open(form)).matches(resource)
}

/// A form with `*` for each variable.
pub(super) fn open(form: &str) -> String {
    let mut parts = form.split("${");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        let behind = part.split_once('}').map_or("", |(_, behind)| behind);
        format!("{all}*{behind}")
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::requirements::tests::call;

    #[rstest]
    #[case("logs:GetLogEvents", "*", true)]
    #[case(
        "logs:GetLogEvents",
        "arn:aws:logs:eu-west-1:123456789012:log-group:x:log-stream:",
        true
    )]
    #[case("logs:GetLogEvents", "arn:aws:logs:x", false)]
    #[case("logs:GetLogEvents", "arn:aws:other:eu-west-1:123456789012:log-group:x", false)]
    #[case("logs:GetLogEvents", "arn:aws:logs:eu-west-1:123456789012:LOG-GROUP:x", false)]
    #[case("ecs:DeleteCluster", "arn:aws:ecs:eu-west-1:123456789012:cluster/x", true)]
    #[case("ecs:DeleteCluster", "arn:aws:ecs:eu-west-1:111122223333:cluster/*", true)]
    #[case("ecs:DeleteCluster", "arn:aws:ecs::123456789012:cluster/x", false)]
    #[case("ecs:DeleteCluster", "arn:aws:ecs:eu-west-1::cluster/x", false)]
    #[case("ecs:DeleteCluster", "arn:aws-cn:ecs:eu-west-1:123456789012:cluster/x", false)]
    #[case("ecs:DeleteCluster", "ARN:aws:ecs:eu-west-1:123456789012:cluster/x", false)]
    #[case("iam:PassRole", "arn:aws:iam::123456789012:role/app/x", true)]
    #[case("iam:PassRole", "arn:aws:iam:eu-west-1:123456789012:role/app/x", false)]
    #[case("s3:GetObject", "arn:aws:s3:::bucket/a:b/c", true)]
    #[case("ssm:GetParameter", "arn:aws:ssm:eu-west-1::parameter/aws/service/x", true)]
    #[case("ssm:GetParameter", "arn:aws:ssm::123456789012:parameter/x", false)]
    #[case("dms:CreateReplicationTask", "arn:aws:dms:eu-west-1:123456789012:task:T1", true)]
    #[case(
        "cloudformation:CreateChangeSet",
        "arn:aws:cloudformation:eu-west-1:aws:transform/Serverless-2016-10-31",
        true
    )]
    fn a_resource_has_a_form_of_its_service(
        #[case] action: &str,
        #[case] resource: &str,
        #[case] has_one: bool,
    ) {
        let mut call = call(Service::Logs, "GetLogEvents", json!({}));
        call.region = "eu-west-1".into();
        let answer = check(&call, &[Requirement::on(action, resource)]);
        let told = answer.err().map(|error| (error.status, error.code, error.message));
        let service = action.split_once(':').unwrap().0;
        let message = format!("`{resource}` is not an ARN of {service}");
        let refused = (400, "ValidationException".into(), message);
        assert_eq!(told, (!has_one).then_some(refused));
    }
}

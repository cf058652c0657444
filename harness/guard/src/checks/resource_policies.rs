//! The policies on secrets, and those of CloudWatch Logs, that AWS refuses to
//! store, in its own sentences where they are known.
//!
//! - Secrets Manager: the messages that its guide listed
//!   (<https://github.com/awsdocs/aws-secrets-manager-docs/blob/master/doc_source/manage_secret-policy.md>).
//!   For an unknown `Version` it was seen to say "This policy has invalid syntax."
//!   (<https://github.com/awsdocs/aws-cloudformation-user-guide/pull/623>).
//! - Logs, of principals: <https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2557>
//!   and <https://github.com/hashicorp/terraform-provider-aws/issues/32260>. What
//!   it says of other documents that are no policies was not found: that they are
//!   refused follows from what it stores, the sentence is this guard's. It does
//!   not look at the resource (LocalStack's `test_put_resource_policy_update`,
//!   recorded on AWS).
//!
//! Which services there are, is not known here: a service's principal is refused
//! where its form is none
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services>).

use ringfence_policy::{Document, Kind, json};
use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

use crate::checks::s3::is_public;
use crate::checks::statements::{one_or_many, statements, value};

/// Checks a call that stores the policy of a secret.
///
/// # Errors
/// Secrets Manager's own.
pub(crate) fn secret(call: &Call) -> Result<(), ServiceError> {
    let text = call.text("ResourcePolicy").unwrap_or_default();
    let somebody = |principal: &String| is_account(principal) || is_named(principal);
    if !principals(text, "AWS").all(|principal| somebody(&principal))
        || !principals(text, "Service").all(|principal| is_service(&principal))
    {
        return Err(unsupported_principal());
    }
    let sentence = match version(text).as_deref() {
        None | Some("2008-10-17" | "2012-10-17") => "This resource policy contains a syntax error.",
        Some(_) => "This policy has invalid syntax.",
    };
    Document::parse("policy", text, Kind::Resource)
        .map_err(|cause| malformed_secret(sentence).explained(cause.to_string()))?;
    let blocks = call.input.get("BlockPublicPolicy").and_then(Value::as_bool) == Some(true);
    match blocks && is_public(text) {
        true => Err(ServiceError::new(
            400,
            "BlockPublicPolicyException",
            "You can't attach a resource-based policy that allows broad access to the secret.",
        )),
        false => Ok(()),
    }
}

/// The refusal of a principal that is none, or not there.
pub(crate) fn unsupported_principal() -> ServiceError {
    malformed_secret("This resource policy contains an unsupported principal.")
}

fn malformed_secret(sentence: &str) -> ServiceError {
    ServiceError::new(400, "MalformedPolicyDocumentException", sentence)
}

/// Checks a call that stores a policy of Logs.
///
/// # Errors
/// That of Logs.
pub(crate) fn logs(call: &Call) -> Result<(), ServiceError> {
    // Without a document Logs says so itself.
    let Some(text) = call.text("policyDocument") else { return Ok(()) };
    let refused = |message: &str| ServiceError::new(400, "InvalidParameterException", message);
    const UNREADABLE: &str = "Could not convert to persistable policy.";
    if !principals(text, "Service").all(|principal| is_service(&principal)) {
        return Err(refused(UNREADABLE));
    }
    for principal in principals(text, "AWS") {
        if principal.starts_with("arn:") {
            return Err(refused(&format!(
                "Principal section of policy contains ARN instead of account ID: {principal}"
            )));
        }
        if principal != "*" && !is_account(&principal) {
            return Err(refused(UNREADABLE));
        }
    }
    Document::parse("policy", text, Kind::Resource)
        .or_else(|cause| {
            let anywhere = with_any_resource(text).ok_or(cause)?;
            Document::parse("policy", &anywhere, Kind::Resource)
        })
        .map_err(|cause| refused(&format!("The policy document is no policy: {cause}")))?;
    Ok(())
}

/// The document as it would be of any resource; `None` where it names none.
fn with_any_resource(text: &str) -> Option<String> {
    let mut whole = value(json::parse(text).ok()?);
    let mut of_all = statements(text);
    for statement in &mut of_all {
        *statement.get_mut("Resource")? = "*".into();
    }
    *whole.get_mut("Statement")? = of_all.into();
    Some(whole.to_string())
}

/// The `Version` that a document gives.
fn version(text: &str) -> Option<String> {
    let whole = value(json::parse(text).ok()?);
    whole.get("Version").map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned))
}

/// Who is named under `AWS` or `Service`.
fn principals(text: &str, kind: &'static str) -> impl Iterator<Item = String> {
    statements(text).into_iter().flat_map(move |statement| {
        let named = ["Principal", "NotPrincipal"].into_iter().flat_map(|element| {
            one_or_many(statement.get(element).and_then(|element| element.get(kind)))
        });
        named.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    })
}

/// Whether a name has the form of a service's: of labels, no pattern.
fn is_service(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
    };
    text.split('.').count() > 1 && text.split('.').all(is_label)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a principal is everybody, a unique id, or the ARN of somebody. A
/// pattern is nobody's
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>).
fn is_named(text: &str) -> bool {
    let is_id = |prefix: &str| {
        text.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() >= 16 && rest.bytes().all(|it| it.is_ascii_alphanumeric())
        })
    };
    if text == "*" || is_id("AIDA") || is_id("AROA") {
        return true;
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, "", account, resource] = parts.as_slice() else { return false };
    let kinds: &[&str] = match *service {
        "iam" => &["role/", "user/"],
        "sts" => &["assumed-role/", "federated-user/"],
        _ => return false,
    };
    let named = kinds
        .iter()
        .filter_map(|kind| resource.strip_prefix(kind))
        .any(|name| !name.is_empty() && !name.contains(['*', '?']));
    partition.starts_with("aws")
        && is_account(account)
        && (named || (*service == "iam" && *resource == "root"))
}

#[cfg(test)]
mod tests {
    use ringfence_wire::{Operation, Service};
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn put(service: Service, input: Value) -> Call {
        Call {
            operation: Operation::find(service, "PutResourcePolicy").unwrap(),
            region: "eu-west-1".into(),
            input: input.as_object().cloned().unwrap(),
            payload: None,
        }
    }

    const ALICE: &str = "arn:aws:iam::123456789012:user/alice";

    fn document(statement: Value) -> String {
        let mut whole = json!({"Effect": "Allow", "Action": "secretsmanager:GetSecretValue",
            "Resource": "*"});
        for (key, value) in statement.as_object().unwrap() {
            whole[key] = value.clone();
        }
        json!({"Version": "2012-10-17", "Statement": [whole]}).to_string()
    }

    const SYNTAX: Option<&str> = Some("This resource policy contains a syntax error.");
    const PRINCIPAL: Option<&str> = Some("This resource policy contains an unsupported principal.");

    #[rstest]
    #[case::a_user(json!({"Principal": {"AWS": ALICE}}), None)]
    #[case::an_account(json!({"Principal": {"AWS": ["123456789012"]}}), None)]
    #[case::an_accounts_root(json!({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}), None)]
    #[case::a_session(
        json!({"Principal": {"AWS": "arn:aws:sts::123456789012:assumed-role/app/s"}}), None)]
    #[case::a_unique_id(json!({"Principal": {"AWS": "AROAEXAMPLEEXAMPLE00"}}), None)]
    // LocalStack's test_resource_policy, recorded on AWS.
    #[case::everybody(json!({"Principal": "*"}), None)]
    #[case::a_service(json!({"Principal": {"Service": "lambda.amazonaws.com"}}), None)]
    #[case::a_services_service(
        json!({"Principal": {"Service": ["ecs.application-autoscaling.amazonaws.com"]}}), None)]
    #[case::any_service(json!({"Principal": {"Service": "*"}}), PRINCIPAL)]
    #[case::services(json!({"Principal": {"Service": "*.amazonaws.com"}}), PRINCIPAL)]
    #[case::a_services_word(
        json!({"Principal": {"Service": ["lambda.amazonaws.com", "lambda"]}}), PRINCIPAL)]
    #[case::a_services_arn(json!({"Principal": {"Service": ALICE}}), PRINCIPAL)]
    #[case::an_effect(json!({"Principal": "*", "Effect": "AllowSomething"}), SYNTAX)]
    #[case::nobody(json!({}), SYNTAX)]
    #[case::a_word(json!({"Principal": {"AWS": "alice"}}), PRINCIPAL)]
    #[case::a_pattern(json!({"Principal": {"AWS": "arn:aws:iam::123456789012:user/*"}}), PRINCIPAL)]
    #[case::a_group(json!({"Principal": {"AWS": "arn:aws:iam::123456789012:group/g"}}), PRINCIPAL)]
    #[case::no_account(json!({"Principal": {"AWS": "arn:aws:iam::1234:root"}}), PRINCIPAL)]
    #[case::a_bucket(json!({"Principal": {"AWS": "arn:aws:s3:::b"}}), PRINCIPAL)]
    fn the_policy_of_a_secret_is_one(#[case] statement: Value, #[case] refused: Option<&str>) {
        let input = json!({"SecretId": "s", "ResourcePolicy": document(statement)});
        let found = secret(&put(Service::SecretsManager, input));
        let expected = refused.map(|message| {
            ("MalformedPolicyDocumentException".to_owned(), 400, message.to_owned())
        });
        let told = |error: ServiceError| {
            (error.code.into_owned(), error.status, error.message.to_string())
        };
        assert_eq!(found.err().map(told), expected);
    }

    #[rstest]
    #[case::everybody(json!({"Principal": "*"}), true, true)]
    #[case::everybody_where_it_may(json!({"Principal": "*"}), false, false)]
    #[case::of_one_account(
        json!({"Principal": "*", "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}}),
        true, false)]
    #[case::a_user(json!({"Principal": {"AWS": ALICE}}), true, false)]
    fn a_public_policy_of_a_secret_may_be_blocked(
        #[case] statement: Value,
        #[case] blocks: bool,
        #[case] refused: bool,
    ) {
        let input = json!({"SecretId": "s", "ResourcePolicy": document(statement),
            "BlockPublicPolicy": blocks});
        let found = secret(&put(Service::SecretsManager, input));
        let code = found.err().map(|error| (error.code.into_owned(), error.status));
        assert_eq!(code, refused.then(|| ("BlockPublicPolicyException".to_owned(), 400)));
    }

    #[test]
    fn of_an_unknown_version_secrets_manager_has_another_sentence() {
        let policy = document(json!({"Principal": "*"})).replace("2012-10-17", "2019-10-19");
        let input = json!({"SecretId": "s", "ResourcePolicy": policy});
        let refused = secret(&put(Service::SecretsManager, input)).unwrap_err();
        assert_eq!(
            (&*refused.code, &*refused.message),
            ("MalformedPolicyDocumentException", "This policy has invalid syntax.")
        );
    }

    const UNREADABLE: Option<&str> = Some("Could not convert to persistable policy.");

    #[rstest]
    // LocalStack's test_describe_resource_policies, recorded on AWS.
    #[case::a_service(
        json!({"Principal": {"Service": ["route53.amazonaws.com"]}, "Resource": "log_arn"}), None)]
    #[case::an_account(json!({"Principal": {"AWS": "123456789012"}}), None)]
    #[case::an_arn(json!({"Principal": {"AWS": ["123456789012", ALICE]}}),
        Some("Principal section of policy contains ARN instead of account ID: \
              arn:aws:iam::123456789012:user/alice"))]
    #[case::a_service_as_an_account(
        json!({"Principal": {"AWS": "delivery.logs.amazonaws.com"}}), UNREADABLE)]
    #[case::any_service(json!({"Principal": {"Service": "*"}}), UNREADABLE)]
    fn the_policy_of_logs_has_principals(#[case] statement: Value, #[case] refused: Option<&str>) {
        let input = json!({"policyName": "p", "policyDocument": document(statement)});
        let found = logs(&put(Service::Logs, input));
        let expected = refused
            .map(|message| ("InvalidParameterException".to_owned(), 400, message.to_owned()));
        let told = |error: ServiceError| {
            (error.code.into_owned(), error.status, error.message.to_string())
        };
        assert_eq!(found.err().map(told), expected);
    }

    #[test]
    fn of_what_is_no_policy_for_logs_the_guard_says_why() {
        let input = json!({"policyName": "p", "policyDocument":
            document(json!({"Principal": "*", "Effect": "Maybe"}))});
        let refused = logs(&put(Service::Logs, input)).unwrap_err();
        assert_eq!((&*refused.code, refused.status), ("InvalidParameterException", 400));
        assert!(
            refused.message.starts_with("The policy document is no policy: "),
            "{}",
            refused.message
        );
    }
}

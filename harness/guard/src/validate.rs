//! What AWS refuses in a call's content and emulators take: policies that are
//! none, trust in all of GitHub, changes to AWS's own policies.

use ringfence_wire::{Call, Service, ServiceError};
use serde_json::Value;

use crate::checks;

/// Checks a call that is about to go upstream.
///
/// # Errors
/// AWS's own error for such a content.
pub(crate) fn validate(call: &Call, account: &str) -> Result<(), ServiceError> {
    match call.service() {
        Service::Iam => iam(call),
        Service::S3 if call.name() == "PutBucketPolicy" => checks::s3::bucket_policy(call),
        Service::S3 => {
            checks::s3::tags(call)?;
            checks::resource_policies::check(call, account)
        }
        Service::Kms => {
            checks::grants::check(call)?;
            checks::resource_policies::check(call, account)
        }
        _ => checks::resource_policies::check(call, account),
    }
}

fn iam(call: &Call) -> Result<(), ServiceError> {
    let name = call.name();
    if name.starts_with("Create") {
        path_and_names(call)?;
    }
    longest_session(call)?;
    characters(call)?;
    checks::iam::documents(call)?;
    let changes = ["CreatePolicyVersion", "DeletePolicyVersion", "SetDefaultPolicyVersion"];
    let changes =
        changes.contains(&name) || ["DeletePolicy", "TagPolicy", "UntagPolicy"].contains(&name);
    if changes && call.text("PolicyArn").is_some_and(|arn| arn.contains(":iam::aws:policy/")) {
        // AWS-managed policies belong to AWS, whatever one's own policies say.
        return Err(ServiceError::new(
            403,
            "AccessDenied",
            format!(
                "Policy {} is an AWS managed policy and cannot be changed",
                call.text("PolicyArn").unwrap_or_default()
            ),
        ));
    }
    Ok(())
}

/// How long a role's sessions may last
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>).
fn longest_session(call: &Call) -> Result<(), ServiceError> {
    let given = match call.input.get("MaxSessionDuration") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let rule = match given.parse::<i64>() {
        Ok(3_600..=43_200) => return Ok(()),
        Ok(..3_600) => "greater than or equal to 3600",
        Ok(_) => "less than or equal to 43200",
        Err(_) => {
            let message = format!("MaxSessionDuration is `{given}`, not an integer");
            return Err(ServiceError::new(400, "MalformedInput", message));
        }
    };
    Err(ServiceError::new(
        400,
        "ValidationError",
        format!(
            "1 validation error detected: Value '{given}' at 'maxSessionDuration' failed to \
             satisfy constraint: Member must have value {rule}"
        ),
    ))
}

/// The forms of paths and names. An emulator that takes others makes an entity
/// whose ARN is another's: path `/app-` and name `x` give `role/app-x`
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>).
fn path_and_names(call: &Call) -> Result<(), ServiceError> {
    let invalid = |member: &str, form: &str| {
        let message = format!("The specified value for {member} is invalid. It must {form}");
        Err(ServiceError::new(400, "ValidationError", message))
    };
    if let Some(path) = call.text("Path") {
        let printable = path.bytes().all(|byte| matches!(byte, 0x21..=0x7e));
        if !path.starts_with('/') || !path.ends_with('/') || !printable || path.len() > 512 {
            return invalid(
                "path",
                "begin and end with / and contain only alphanumeric characters and/or / \
                 characters.",
            );
        }
    }
    for (member, label) in [
        ("RoleName", "roleName"),
        ("UserName", "userName"),
        ("GroupName", "groupName"),
        ("PolicyName", "policyName"),
        ("InstanceProfileName", "instanceProfileName"),
    ] {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
        if call.text(member).is_some_and(|name| name.is_empty() || !name.chars().all(allowed)) {
            return invalid(
                label,
                "contain only alphanumeric characters and/or the following: +=,.@_-",
            );
        }
    }
    Ok(())
}

/// The characters of a document
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html>).
fn characters(call: &Call) -> Result<(), ServiceError> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    for (member, label) in [
        ("PolicyDocument", "policyDocument"),
        ("AssumeRolePolicyDocument", "assumeRolePolicyDocument"),
    ] {
        if call.text(member).is_some_and(|text| !text.chars().all(allowed)) {
            return Err(ServiceError::new(
                400,
                "ValidationError",
                format!(
                    "1 validation error detected: Value at '{label}' failed to satisfy \
                     constraint: Member must satisfy regular expression pattern: \
                     [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"
                ),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn created(path: &str, name: &str) -> Result<(), ServiceError> {
        let input = json!({"Path": path, "GroupName": name});
        let call = Call {
            operation: ringfence_wire::Operation::find(Service::Iam, "CreateGroup").unwrap(),
            region: "us-east-1".into(),
            input: input.as_object().cloned().unwrap(),
            payload: None,
        };
        validate(&call, "123456789012")
    }

    #[rstest]
    #[case("/", "team", None)]
    #[case("/division/a-b/", "team+=,.@_-1", None)]
    #[case("/app-", "x", Some("path"))]
    #[case("app/", "x", Some("path"))]
    #[case("/a b/", "x", Some("path"))]
    #[case("/", "a/b", Some("groupName"))]
    #[case("/", "a*", Some("groupName"))]
    #[case("/", "", Some("groupName"))]
    fn paths_and_names_have_iams_form(
        #[case] path: &str,
        #[case] name: &str,
        #[case] invalid: Option<&str>,
    ) {
        let answer = created(path, name);
        match invalid {
            None => assert_eq!(answer, Ok(())),
            Some(member) => {
                let error = answer.unwrap_err();
                assert_eq!((error.status, error.code.as_ref()), (400, "ValidationError"));
                let begin = format!("The specified value for {member} is invalid. It must ");
                assert!(error.message.starts_with(&begin), "{error}");
            }
        }
    }

    #[rstest]
    #[case::shortest(json!(3600), None)]
    #[case::longest(json!("43200"), None)]
    #[case::too_short(json!(3599), Some("greater than or equal to 3600"))]
    #[case::too_long(json!(43201), Some("less than or equal to 43200"))]
    #[case::negative(json!(-1), Some("greater than or equal to 3600"))]
    fn sessions_last_an_hour_to_half_a_day(#[case] given: Value, #[case] rule: Option<&str>) {
        let answer = longest_session(&Call {
            operation: ringfence_wire::Operation::find(Service::Iam, "UpdateRole").unwrap(),
            region: "us-east-1".into(),
            input: json!({"MaxSessionDuration": given}).as_object().cloned().unwrap(),
            payload: None,
        });
        let Some(rule) = rule else { return assert_eq!(answer, Ok(())) };
        let error = answer.unwrap_err();
        assert_eq!((error.status, error.code.as_ref()), (400, "ValidationError"));
        assert!(error.message.ends_with(&format!("Member must have value {rule}")), "{error}");
    }
}

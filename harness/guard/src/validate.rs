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
            checks::s3::bucket(call)?;
            checks::s3::tags(call)?;
            checks::resource_policies::check(call, account)
        }
        Service::Ec2 => {
            checks::ec2::check(call)?;
            checks::resource_policies::check(call, account)
        }
        Service::SecretsManager => {
            checks::secrets::name(call)?;
            checks::resource_policies::check(call, account)
        }
        Service::Ssm => {
            checks::ssm::names(call)?;
            checks::resource_policies::check(call, account)
        }
        Service::Logs => {
            checks::logs::check(call)?;
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
    path(call)?;
    names(call)?;
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

/// The form of a path. An emulator that takes others makes an entity whose ARN is
/// another's: path `/app-` and name `x` give `role/app-x`
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>).
fn path(call: &Call) -> Result<(), ServiceError> {
    for (member, label) in [("Path", "path"), ("NewPath", "newPath")] {
        let Some(path) = call.text(member) else { continue };
        let printable = path.bytes().all(|byte| matches!(byte, 0x21..=0x7e));
        if !path.starts_with('/') || !path.ends_with('/') || !printable || path.len() > 512 {
            return Err(invalid(
                label,
                "begin and end with / and contain only alphanumeric characters and/or / \
                 characters.",
            ));
        }
    }
    Ok(())
}

/// The form of a name, whatever is done with it: "The name (friendly name, not ARN)"
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html>).
fn names(call: &Call) -> Result<(), ServiceError> {
    for (member, label) in [
        ("RoleName", "roleName"),
        ("UserName", "userName"),
        ("NewUserName", "newUserName"),
        ("GroupName", "groupName"),
        ("NewGroupName", "newGroupName"),
        ("PolicyName", "policyName"),
        ("InstanceProfileName", "instanceProfileName"),
    ] {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
        if call.text(member).is_some_and(|name| name.is_empty() || !name.chars().all(allowed)) {
            return Err(invalid(
                label,
                "contain only alphanumeric characters and/or the following: +=,.@_-",
            ));
        }
    }
    Ok(())
}

fn invalid(label: &str, form: &str) -> ServiceError {
    let message = format!("The specified value for {label} is invalid. It must {form}");
    ServiceError::new(400, "ValidationError", message)
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
    #[case("GetRole", "RoleName", "arn:aws:iam::123456789012:role/x", "roleName")]
    #[case("AttachRolePolicy", "RoleName", "team/x", "roleName")]
    #[case("PutRolePolicy", "PolicyName", "a b", "policyName")]
    #[case("DeleteUser", "UserName", "arn:aws:iam::123456789012:user/x", "userName")]
    #[case("UpdateUser", "NewUserName", "a/b", "newUserName")]
    #[case("UpdateGroup", "NewGroupName", "a:b", "newGroupName")]
    #[case("GetInstanceProfile", "InstanceProfileName", "a b", "instanceProfileName")]
    fn a_name_has_iams_form_whatever_is_done_with_it(
        #[case] operation: &str,
        #[case] member: &str,
        #[case] given: &str,
        #[case] label: &str,
    ) {
        let answer = |name: &str| {
            validate(
                &Call {
                    operation: ringfence_wire::Operation::find(Service::Iam, operation).unwrap(),
                    region: "us-east-1".into(),
                    input: json!({member: name}).as_object().cloned().unwrap(),
                    payload: None,
                },
                "123456789012",
            )
        };
        assert_eq!(names_of(answer("own+=,.@_-1")), None);
        let error = answer(given).unwrap_err();
        assert_eq!(
            (error.status, error.code.as_ref(), &*error.message),
            (
                400,
                "ValidationError",
                &*format!(
                    "The specified value for {label} is invalid. It must contain only \
                     alphanumeric characters and/or the following: +=,.@_-"
                )
            )
        );
    }

    /// What is said of a name, where another check than that of names may refuse.
    fn names_of(answer: Result<(), ServiceError>) -> Option<String> {
        let message = answer.err()?.message;
        message.contains("The specified value for ").then_some(message)
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

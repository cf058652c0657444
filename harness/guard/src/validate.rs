//! What AWS refuses in a call's content and emulators take: policies that are
//! none, trust in all of GitHub, changes to AWS's own policies.

use ringfence_policy::{Document, Kind, json};
use ringfence_wire::{Call, Service, ServiceError};
use serde_json::Value;

use crate::carrier;

/// GitHub's OIDC provider, by the end of its ARN.
const GITHUB: &str = ":oidc-provider/token.actions.githubusercontent.com";

/// Checks a call that is about to go upstream.
///
/// # Errors
/// AWS's own error for such a content.
pub(crate) fn validate(call: &Call) -> Result<(), ServiceError> {
    match call.service() {
        Service::Iam => iam(call),
        Service::S3 if call.name() == "PutBucketPolicy" => bucket_policy(call),
        _ => Ok(()),
    }
}

fn malformed(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "MalformedPolicyDocument", message)
}

fn iam(call: &Call) -> Result<(), ServiceError> {
    let name = call.name();
    if name.starts_with("Create") {
        path_and_names(call)?;
    }
    longest_session(call)?;
    characters(call)?;
    if carrier::is_feigned(call) {
        return Err(malformed("the document looks like one in which Ringfence keeps another"));
    }
    match name {
        "CreatePolicy" | "CreatePolicyVersion" => {
            let own = call.text("PolicyName").or_else(|| call.text("PolicyArn"));
            let text = call.text("PolicyDocument").unwrap_or_default();
            Document::parse_managed(own.unwrap_or("policy"), text, Kind::Identity)
                .map_err(|cause| malformed(cause.to_string()))?;
        }
        "PutRolePolicy" | "PutUserPolicy" | "PutGroupPolicy" => {
            let own = call.text("PolicyName").unwrap_or("policy");
            document(call, "PolicyDocument", own, Kind::Identity)?;
        }
        "CreateRole" => {
            trust(call, "AssumeRolePolicyDocument")?;
        }
        "UpdateAssumeRolePolicy" => {
            trust(call, "PolicyDocument")?;
        }
        _ => {}
    }
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

fn trust(call: &Call, member: &str) -> Result<(), ServiceError> {
    document(call, member, "trust policy", Kind::Trust)?;
    let text = call.text(member).unwrap_or_default();
    if statements(text).iter().any(|statement| statement.get("Principal") == Some(&"*".into())) {
        // `{"AWS": "*"}` it takes (<https://github.com/aws/aws-cdk/issues/5732>).
        return Err(malformed("AssumeRolepolicy contained an invalid principal: \"STAR\":\"*\"."));
    }
    github_trust(text)
}

/// The statements of a document that can be read.
pub(crate) fn statements(text: &str) -> Vec<Value> {
    let policy = json::parse(text).map(value).unwrap_or_default();
    one_or_many(policy.get("Statement")).cloned().collect()
}

/// As the engine reads it: to serde_json a key may be an instruction of its own
/// (`$serde_json::private::RawValue`), behind which another condition could hide.
fn value(node: json::Node) -> Value {
    match node.value {
        json::Value::Null => Value::Null,
        json::Value::Bool(value) => value.into(),
        json::Value::Number(text) => text.parse().map_or(Value::String(text), Value::Number),
        json::Value::String(text) => text.into(),
        json::Value::Array(items) => items.into_iter().map(value).collect(),
        json::Value::Object(members) => {
            members.into_iter().map(|member| (member.key, value(member.value))).collect()
        }
    }
}

fn document(call: &Call, member: &str, name: &str, kind: Kind) -> Result<(), ServiceError> {
    let Some(text) = call.text(member) else { return Ok(()) };
    Document::parse(name, text, kind).map(drop).map_err(|cause| malformed(cause.to_string()))
}

fn bucket_policy(call: &Call) -> Result<(), ServiceError> {
    let text = match (&call.payload, call.text("Policy")) {
        (Some(payload), _) => String::from_utf8_lossy(payload).into_owned(),
        (None, Some(text)) => text.to_owned(),
        (None, None) => String::new(),
    };
    let bucket = call.text("Bucket").unwrap_or_default();
    let refused = |message: String| {
        Err(ServiceError::new(400, "MalformedPolicy", message).with("BucketName", bucket))
    };
    if let Err(cause) = Document::parse(bucket, &text, Kind::Resource) {
        return refused(cause.to_string());
    }
    // "NotPrincipal must be used with "Effect":"Deny""
    // (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>);
    // the words are those that other S3 services answer with.
    let all_but = |statement: &Value| {
        statement.get("NotPrincipal").is_some() && statement.get("Effect") == Some(&"Allow".into())
    };
    if statements(&text).iter().any(all_but) {
        return refused("Allow with NotPrincipal is not allowed.".to_owned());
    }
    // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html>
    if normalized(&text).len() > 20_480 {
        return refused(
            "Normalized policy document exceeds the maximum allowed size of 20480 bytes".to_owned(),
        );
    }
    Ok(())
}

/// The text without what JSON does not need.
fn normalized(text: &str) -> String {
    json::parse(text).map_or_else(|_| text.to_owned(), |node| value(node).to_string())
}

/// IAM's guard rail on trust in GitHub: `sub` or `job_workflow_ref` must be
/// tested, and not against everything. As recorded, only the first value of a
/// list is looked at
/// (<https://github.com/Dashtid/subvectors>, observations of 2026-08-31 and
/// release v0.4.2).
fn github_trust(text: &str) -> Result<(), ServiceError> {
    for statement in &statements(text) {
        if statement.get("Effect").and_then(Value::as_str) != Some("Allow") {
            continue;
        }
        let federated = statement.get("Principal").and_then(|p| p.get("Federated"));
        for principal in one_or_many(federated).filter_map(Value::as_str) {
            if principal.ends_with(GITHUB) && !is_scoped(statement) {
                return Err(malformed(format!(
                    "Trust policy with trusted principal {principal} must evaluate, using \
                     StringEquals, StringLike or StringEqualsIgnoreCase, \
                     token.actions.githubusercontent.com:sub or \
                     token.actions.githubusercontent.com:job_workflow_ref which is not scoped to \
                     all."
                )));
            }
        }
    }
    Ok(())
}

fn is_scoped(statement: &Value) -> bool {
    const OPERATORS: [&str; 3] = ["stringequals", "stringlike", "stringequalsignorecase"];
    const KEYS: [&str; 2] = [
        "token.actions.githubusercontent.com:sub",
        "token.actions.githubusercontent.com:job_workflow_ref",
    ];
    let Some(conditions) = statement.get("Condition").and_then(Value::as_object) else {
        return false;
    };
    conditions
        .iter()
        .filter(|(operator, _)| OPERATORS.contains(&operator.to_ascii_lowercase().as_str()))
        .filter_map(|(_, keys)| keys.as_object())
        .flatten()
        .filter(|(key, _)| KEYS.contains(&key.to_ascii_lowercase().as_str()))
        .any(|(_, values)| {
            one_or_many(Some(values))
                .next()
                .and_then(Value::as_str)
                .is_some_and(|first| !first.chars().all(|c| c == '*'))
        })
}

/// The elements of an array, or the one value that stands for an array of one.
pub(crate) fn one_or_many(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    match value {
        Some(Value::Array(values)) => values.iter(),
        Some(value) => std::slice::from_ref(value).iter(),
        None => [].iter(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const PROVIDER: &str =
        "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";

    fn created(path: &str, name: &str) -> Result<(), ServiceError> {
        let input = json!({"Path": path, "GroupName": name});
        validate(&Call {
            operation: ringfence_wire::Operation::find(Service::Iam, "CreateGroup").unwrap(),
            region: "us-east-1".into(),
            input: input.as_object().cloned().unwrap(),
            payload: None,
        })
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

    fn trust(condition: &Value) -> String {
        let mut statement = json!({
            "Effect": "Allow",
            "Principal": {"Federated": PROVIDER},
            "Action": "sts:AssumeRoleWithWebIdentity",
        });
        if !condition.is_null() {
            statement["Condition"] = condition.clone();
        }
        json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    }

    #[rstest]
    #[case::no_condition(json!(null))]
    #[case::audience_alone(json!({"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}))]
    #[case::everything(json!({"StringLike": {"token.actions.githubusercontent.com:sub": "*"}}))]
    #[case::everything_first(json!({"StringLike": {"token.actions.githubusercontent.com:sub": ["*", "repo:a/b"]}}))]
    #[case::negated(json!({"StringNotEquals": {"token.actions.githubusercontent.com:sub": "repo:a/b"}}))]
    #[case::if_exists(json!({"StringEqualsIfExists": {"token.actions.githubusercontent.com:sub": "repo:a/b"}}))]
    fn trust_in_all_of_github_is_refused(#[case] condition: Value) {
        let error = github_trust(&trust(&condition)).unwrap_err();
        assert_eq!((error.code.as_ref(), error.status), ("MalformedPolicyDocument", 400));
        assert_eq!(
            error.message,
            format!(
                "Trust policy with trusted principal {PROVIDER} must evaluate, using \
                 StringEquals, StringLike or StringEqualsIgnoreCase, \
                 token.actions.githubusercontent.com:sub or \
                 token.actions.githubusercontent.com:job_workflow_ref which is not scoped to all."
            )
        );
    }

    #[rstest]
    #[case::exact(json!({"StringEquals": {"token.actions.githubusercontent.com:sub": "repo:a/b:ref:refs/heads/main"}}))]
    #[case::pattern(json!({"StringLike": {"token.actions.githubusercontent.com:sub": "repo:a/*"}}))]
    #[case::first_value_counts(json!({"StringLike": {"token.actions.githubusercontent.com:sub": ["repo:a/b", "*"]}}))]
    #[case::workflow(json!({"StringEqualsIgnoreCase": {"token.actions.githubusercontent.com:job_workflow_ref": "a/b/.github/workflows/d.yml@refs/heads/main"}}))]
    #[case::key_in_capitals(json!({"StringEquals": {"Token.Actions.GitHubUserContent.com:sub": "repo:a/b"}}))]
    fn scoped_trust_in_github_is_taken(#[case] condition: Value) {
        assert_eq!(github_trust(&trust(&condition)), Ok(()));
    }

    /// What serde_json takes for an instruction is a key like any other.
    #[test]
    fn a_scope_cannot_be_feigned_by_a_key_of_the_parsers() {
        let hidden = r#"{"token.actions.githubusercontent.com:sub": "repo:a/b"}"#;
        let condition = format!(
            r#"{{"StringEquals":{{"$serde_json::private::RawValue":{}}}}}"#,
            Value::from(hidden)
        );
        let text = trust(&json!("condition")).replace(r#""condition""#, &condition);
        assert!(Document::parse("trust", &text, Kind::Trust).is_ok());
        let error = github_trust(&text).unwrap_err();
        assert_eq!((error.code.as_ref(), error.status), ("MalformedPolicyDocument", 400));
    }

    #[test]
    fn trust_in_another_provider_needs_no_scope() {
        let text =
            trust(&json!(null)).replace("token.actions.githubusercontent.com", "okta.example");
        assert_eq!(github_trust(&text), Ok(()));
    }
}

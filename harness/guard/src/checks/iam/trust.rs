//! IAM's guard rail on trust in GitHub.

use ringfence_wire::ServiceError;
use serde_json::Value;

use super::documents::refused;
use crate::checks::statements::{one_or_many, statements};

/// GitHub's OIDC provider, by the end of its ARN.
const GITHUB: &str = ":oidc-provider/token.actions.githubusercontent.com";

/// `sub` or `job_workflow_ref` must be
/// tested, and not against everything. As recorded, only the first value of a
/// list is looked at
/// (<https://github.com/Dashtid/subvectors>, observations of 2026-08-31 and
/// release v0.4.2).
pub(super) fn github(text: &str) -> Result<(), ServiceError> {
    for statement in &statements(text) {
        // In a trust policy `ALLOW` grants too.
        let effect = statement.get("Effect").and_then(Value::as_str);
        if !effect.is_some_and(|effect| effect.eq_ignore_ascii_case("Allow")) {
            continue;
        }
        let federated = statement.get("Principal").and_then(|p| p.get("Federated"));
        for principal in one_or_many(federated).filter_map(Value::as_str) {
            if principal.ends_with(GITHUB) && !is_scoped(statement) {
                return Err(refused(format!(
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

#[cfg(test)]
mod tests {
    use ringfence_policy::{Document, Kind};
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const PROVIDER: &str =
        "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";

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
        let error = github(&trust(&condition)).unwrap_err();
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
        assert_eq!(github(&trust(&condition)), Ok(()));
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
        let error = github(&text).unwrap_err();
        assert_eq!((error.code.as_ref(), error.status), ("MalformedPolicyDocument", 400));
    }

    #[test]
    fn trust_in_another_provider_needs_no_scope() {
        let text =
            trust(&json!(null)).replace("token.actions.githubusercontent.com", "okta.example");
        assert_eq!(github(&text), Ok(()));
    }
}

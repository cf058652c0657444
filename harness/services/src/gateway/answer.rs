//! What the function of an authorizer answers.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>

use serde_json::{Map, Value};

/// The form that an authorizer's answers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `{"isAuthorized": true}`.
    Simple,
    /// `{"principalId": "…", "policyDocument": {…}}`.
    Policy,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) says: Says,
    /// What integrations and access logs are told.
    pub(crate) context: Option<Map<String, Value>>,
}

/// Whether the request passes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Says {
    /// By a truth value.
    Simply(bool),
    /// By a policy, which is decided for each request, and who asked.
    Policy { principal_id: String, document: Value },
}

impl Answer {
    /// Who asked, as a policy's answer says it.
    pub(crate) fn principal_id(&self) -> Option<&str> {
        match &self.says {
            Says::Simply(_) => None,
            Says::Policy { principal_id, .. } => Some(principal_id),
        }
    }
}

/// Reads an answer.
///
/// # Errors
/// What it lacks: the client then gets 500.
pub(crate) fn read(payload: &[u8], form: Form) -> Result<Answer, &'static str> {
    let Ok(Value::Object(mut members)) = serde_json::from_slice(payload) else {
        return Err("the authorizer's answer is no object");
    };
    let context = match members.remove("context") {
        None | Some(Value::Null) => None,
        Some(Value::Object(context)) => Some(context),
        Some(_) => return Err("the context of the authorizer's answer is no object"),
    };
    let says = match form {
        Form::Simple => match members.remove("isAuthorized") {
            Some(Value::Bool(passes)) => Says::Simply(passes),
            _ => return Err("the authorizer's answer has no truth value isAuthorized"),
        },
        Form::Policy => match (members.remove("principalId"), members.remove("policyDocument")) {
            (Some(Value::String(principal_id)), Some(document @ Value::Object(_))) => {
                Says::Policy { principal_id, document }
            }
            (Some(Value::String(_)), _) => {
                return Err("the authorizer's answer has no policyDocument");
            }
            _ => return Err("the authorizer's answer has no principalId"),
        },
    };
    Ok(Answer { says, context })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!({"isAuthorized": "true"}), Form::Simple, "the authorizer's answer has no truth value isAuthorized")]
    #[case(json!({"principalId": "u", "policyDocument": {}}), Form::Simple, "the authorizer's answer has no truth value isAuthorized")]
    #[case(json!({"isAuthorized": true}), Form::Policy, "the authorizer's answer has no principalId")]
    #[case(json!({"principalId": "u", "policyDocument": "{}"}), Form::Policy, "the authorizer's answer has no policyDocument")]
    #[case(json!({"isAuthorized": true, "context": []}), Form::Simple, "the context of the authorizer's answer is no object")]
    #[case(json!(true), Form::Simple, "the authorizer's answer is no object")]
    fn what_is_no_answer_is_refused(#[case] answer: Value, #[case] form: Form, #[case] why: &str) {
        assert_eq!(read(answer.to_string().as_bytes(), form), Err(why));
    }

    #[test]
    fn an_answer_says_who_passes() {
        let simple = json!({"isAuthorized": false, "context": {"a": [1]}});
        let read_simple = read(simple.to_string().as_bytes(), Form::Simple).unwrap();
        assert_eq!(read_simple.says, Says::Simply(false));
        assert_eq!(read_simple.context, json!({"a": [1]}).as_object().cloned());
        let policy = json!({"principalId": "u", "policyDocument": {"Statement": []}});
        let read_policy = read(policy.to_string().as_bytes(), Form::Policy).unwrap();
        assert_eq!((read_policy.principal_id(), &read_policy.context), (Some("u"), &None));
    }
}

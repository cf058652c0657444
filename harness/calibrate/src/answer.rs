//! What the simulator said, beside what this engine says.

use ringfence_policy::{Decision, Layer, Outcome};
use serde::Serialize;
use serde_json::Value;

/// A statement, by the name that the simulator gives its document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Statement {
    /// `PolicyInputList.1`, …, or the policy's own name where the account's
    /// policies are asked.
    pub source: String,
    /// Its place in the document, from 0.
    pub index: Option<usize>,
}

/// What the simulator said of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    pub decision: String,
    /// The statements that it names.
    pub statements: Vec<Statement>,
    /// The condition keys that it misses.
    pub missing: Vec<String>,
}

/// An answer that has not the form of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the simulator's answer has no {0}")]
pub struct AnswerError(&'static str);

/// A page of answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What is told of each action, by its name.
    pub told: Vec<(String, Told)>,
    /// The marker of the next page, where there is one.
    pub marker: Option<String>,
}

/// Reads a page of answers.
///
/// # Errors
/// When a member is missing that AWS always sends.
pub fn read(output: &Value) -> Result<Page, AnswerError> {
    let results = output.get("EvaluationResults").and_then(Value::as_array);
    let mut told = Vec::new();
    for result in results.ok_or(AnswerError("EvaluationResults"))? {
        let action = text(result, "EvalActionName").ok_or(AnswerError("EvalActionName"))?;
        let decision = text(result, "EvalDecision").ok_or(AnswerError("EvalDecision"))?;
        let matched = result.get("MatchedStatements").and_then(Value::as_array);
        let missing = result.get("MissingContextValues").and_then(Value::as_array);
        let mut statements: Vec<Statement> =
            matched.into_iter().flatten().filter_map(statement).collect();
        statements.sort();
        statements.dedup();
        let missing = missing.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        told.push((action, Told { decision, statements, missing: missing.collect() }));
    }
    let more = output.get("IsTruncated").is_some_and(is_true);
    let marker = if more { text(output, "Marker") } else { None };
    if more && marker.is_none() {
        return Err(AnswerError("Marker"));
    }
    Ok(Page { told, marker })
}

/// A number, or the text of one: XML has no types.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Whether a member is true, or the text of that.
pub fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true) || value.as_str() == Some("true")
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn statement(matched: &Value) -> Option<Statement> {
    let line = matched.pointer("/EndPosition/Line").and_then(number);
    // See `simulation::text`: statement N ends on line N + 2.
    let index = line.and_then(|line| usize::try_from(line).ok()?.checked_sub(2));
    Some(Statement { source: text(matched, "SourcePolicyId")?, index })
}

/// What came of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum Compared {
    /// Both decide alike.
    Agrees {
        /// What AWS said.
        aws: Told,
        /// Whether AWS names a statement that this engine names; none where
        /// either names none.
        same_statement: Option<bool>,
    },
    /// They decide otherwise.
    Disagrees {
        /// What AWS said.
        aws: Told,
    },
    /// The simulator was not asked.
    LeftOut {
        /// Why.
        why: crate::scope::LeftOut,
    },
    /// The simulator refused the question.
    Refused {
        /// Its error's code.
        code: String,
        /// Its words.
        message: String,
    },
}

/// The outcome in the simulator's words.
pub const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => "allowed",
        Outcome::ImplicitDeny => "implicitDeny",
        Outcome::ExplicitDeny => "explicitDeny",
        // No word of AWS's: such a decision is not put to it.
        Outcome::Undecided => "undecided",
    }
}

/// Compares a decision with what the simulator said.
pub fn compared(ours: &Decision, aws: Told) -> Compared {
    if word(ours.outcome) != aws.decision {
        return Compared::Disagrees { aws };
    }
    let own = named(ours);
    let same_statement = (!own.is_empty() && !aws.statements.is_empty())
        .then(|| own.iter().any(|statement| aws.statements.contains(statement)));
    Compared::Agrees { aws, same_statement }
}

/// The deciding statements by the simulator's names. It tells none of service
/// control policies.
pub fn named(decision: &Decision) -> Vec<Statement> {
    let number = |policy: &str| {
        let (_, rest) = policy.split_once('[')?;
        rest.strip_suffix(']')?.parse::<usize>().ok()
    };
    let source = |policy: &str| match decision.layer {
        Layer::Identity => Some(format!("PolicyInputList.{}", number(policy)? + 1)),
        Layer::Boundary => {
            Some(format!("PermissionsBoundaryPolicyInputList.{}", number(policy)? + 1))
        }
        Layer::Resource => Some("ResourcePolicy".to_owned()),
        Layer::VpcEndpoint
        | Layer::ResourceControl
        | Layer::ServiceControl
        | Layer::Session
        | Layer::Root => None,
    };
    decision
        .statements
        .iter()
        .filter_map(|it| Some(Statement { source: source(&it.policy)?, index: Some(it.index) }))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cases::cases;

    const DOCUMENT: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Put*","Resource":"*"},{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;

    fn ours(action: &str) -> Decision {
        let line = format!(
            r#"{{"principal":"arn:aws:iam::123456789012:user/a","action":"{action}","resource":"arn:aws:s3:::b/k","policies":{{"identity":[{DOCUMENT}]}}}}"#
        );
        cases([(line.as_str(), None)]).unwrap().remove(0).ours
    }

    fn told(decision: &str, line: u64) -> Told {
        let output = json!({"EvaluationResults": [{
            "EvalActionName": "s3:GetObject",
            "EvalDecision": decision,
            "MatchedStatements": [{
                "SourcePolicyId": "PolicyInputList.1",
                "StartPosition": {"Line": line - 1, "Column": 90},
                "EndPosition": {"Line": line, "Column": 60},
            }],
        }], "IsTruncated": false});
        read(&output).unwrap().told.remove(0).1
    }

    #[test]
    fn the_same_decision_by_the_same_statement_agrees() {
        let compared = compared(&ours("s3:GetObject"), told("allowed", 3));
        let Compared::Agrees { same_statement, .. } = compared else { panic!("{compared:?}") };
        assert_eq!(same_statement, Some(true));
    }

    #[test]
    fn the_same_decision_by_another_statement_says_so() {
        let compared = compared(&ours("s3:GetObject"), told("allowed", 2));
        let Compared::Agrees { same_statement, .. } = compared else { panic!("{compared:?}") };
        assert_eq!(same_statement, Some(false));
    }

    #[test]
    fn numbers_and_truth_are_read_from_text_too() {
        let output = json!({"EvaluationResults": [{
            "EvalActionName": "s3:GetObject",
            "EvalDecision": "allowed",
            "MatchedStatements": [{"SourcePolicyId": "PolicyInputList.1", "EndPosition": {"Line": "3"}}],
        }], "IsTruncated": "true", "Marker": "next"});
        let mut page = read(&output).unwrap();
        assert_eq!(page.marker.as_deref(), Some("next"));
        assert_eq!(page.told.remove(0).1.statements.first().unwrap().index, Some(1));
    }

    #[test]
    fn another_decision_disagrees() {
        let compared = compared(&ours("s3:DeleteObject"), told("allowed", 3));
        assert_eq!(compared, Compared::Disagrees { aws: told("allowed", 3) });
    }

    #[test]
    fn an_implicit_deny_is_not_an_explicit_one() {
        let compared = compared(&ours("s3:DeleteObject"), told("explicitDeny", 3));
        assert!(matches!(compared, Compared::Disagrees { .. }), "{compared:?}");
    }

    #[test]
    fn an_answer_without_a_decision_is_an_error_that_says_so() {
        let output = json!({"EvaluationResults": [{"EvalActionName": "s3:GetObject"}]});
        assert_eq!(read(&output).unwrap_err(), AnswerError("EvalDecision"));
        let output = json!({"EvaluationResults": [], "IsTruncated": true});
        assert_eq!(read(&output).unwrap_err(), AnswerError("Marker"));
    }
}

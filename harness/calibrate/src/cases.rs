//! Decisions to be compared, read from lines as `ringfence decide` takes them.

use ringfence_policy::jsonl::{Decider, Question};
use ringfence_policy::{Decision, decide};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A decision of this engine.
#[derive(Debug, Clone)]
pub struct Case {
    /// The line's own id, else its number.
    pub id: String,
    /// The role or user behind the caller, where that is known.
    pub owner: Option<String>,
    /// What was asked.
    pub question: Question,
    /// What this engine says.
    pub ours: Decision,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {message}")]
pub struct LineError {
    /// Its number, from 1.
    pub number: usize,
    /// What is wrong.
    pub message: String,
}

#[derive(Deserialize)]
struct Id<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

/// Reads and decides lines; empty ones are passed over.
///
/// # Errors
/// At the first that cannot be read: nothing is left out unseen.
pub fn cases<'a>(
    lines: impl IntoIterator<Item = (&'a str, Option<String>)>,
) -> Result<Vec<Case>, LineError> {
    let mut decider = Decider::default();
    let mut cases = Vec::new();
    for (index, (line, owner)) in lines.into_iter().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let number = index + 1;
        let question = decider.read(line).map_err(|message| LineError { number, message })?;
        let id = serde_json::from_str::<Id<'_>>(line).ok().and_then(|it| it.id);
        let id = match id.map(|id| id.get().trim_matches('"')) {
            Some(id) if id != "null" => id.to_owned(),
            _ => number.to_string(),
        };
        let ours = decide(&question.request(), &question.policies);
        cases.push(Case { id, owner, question, ours });
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_cannot_be_read_is_named_by_its_number() {
        let lines = [("", None), (r#"{"principal":"*"}"#, None)];
        let error = cases(lines).unwrap_err();
        assert_eq!(error.number, 2);
    }

    #[test]
    fn a_case_has_the_lines_own_id_or_its_number() {
        let one = r#"{"id":"x","principal":"arn:aws:iam::123456789012:user/a","action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}"#;
        let two = r#"{"principal":"arn:aws:iam::123456789012:user/a","action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}"#;
        let read = cases([(one, None), (two, None)]).unwrap();
        let ids: Vec<&str> = read.iter().map(|case| case.id.as_str()).collect();
        assert_eq!(ids, ["x", "2"]);
    }
}

//! Hostile text: whatever stands in a document or a line, the answer is a
//! document, a decision or an error with its place; never a panic, and never a
//! document that was read otherwise than it was written.

#![expect(clippy::string_slice, reason = "the places are those of characters")]

use proptest::prelude::*;
use ringfence_policy::{Document, Kind, jsonl::decide_line};

const VALID: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Principal":{"AWS":["123456789012"]},"Action":["s3:Get*"],"Resource":"arn:aws:s3:::b/${aws:username, 'x'}","Condition":{"ForAllValues:StringLike":{"aws:TagKeys":["a","é"]},"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}"#;

const KINDS: [Kind; 6] = [
    Kind::Identity,
    Kind::Boundary,
    Kind::Session,
    Kind::ServiceControl,
    Kind::Resource,
    Kind::Trust,
];

proptest! {
    #[test]
    fn any_text_is_a_document_or_an_error(text in any::<String>()) {
        for kind in KINDS {
            let _ = Document::parse("any", &text, kind);
        }
        let answer: serde_json::Value = serde_json::from_str(&decide_line(&text)).unwrap();
        prop_assert!(answer.get("error").is_some());
    }

    #[test]
    fn a_damaged_document_is_refused_or_still_json(
        at in 0..VALID.len(),
        length in 0_usize..4,
        with in "[\\x00-\\x7f]{0,3}",
    ) {
        let (start, end) = (floor(at), floor((at + length).min(VALID.len())));
        let text = format!("{}{with}{}", &VALID[..start], &VALID[end..]);
        match Document::parse("damaged", &text, Kind::Resource) {
            Ok(_) => prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok()),
            Err(error) => {
                let lines: Vec<&str> = text.split('\n').collect();
                prop_assert!(error.line >= 1 && error.line <= lines.len());
                prop_assert!(error.column <= lines[error.line - 1].chars().count() + 1);
            }
        }
    }

    #[test]
    fn any_value_in_a_condition_is_read_or_refused(
        operator in prop::sample::select(vec![
            "StringLike", "NumericEquals", "DateEquals", "IpAddress", "BinaryEquals", "ArnLike",
            "Bool", "Null",
        ]),
        wanted in any::<String>(),
        held in any::<String>(),
    ) {
        let condition = serde_json::json!({ operator: { "aws:x": wanted } });
        let line = serde_json::json!({
            "principal": "arn:aws:iam::123456789012:user/u",
            "action": "s3:GetObject",
            "resource": held,
            "context": { "aws:x": held },
            "policies": { "identity": [{
                "Version": "2012-10-17",
                "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition },
            }] },
        });
        let answer: serde_json::Value =
            serde_json::from_str(&decide_line(&line.to_string())).unwrap();
        prop_assert!(answer.get("decision").is_some() || answer.get("error").is_some());
    }
}

fn floor(at: usize) -> usize {
    (0..=at).rev().find(|at| VALID.is_char_boundary(*at)).unwrap_or(0)
}

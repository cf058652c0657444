//! Hostile text: whatever stands in a document or a line, the answer is a
//! document, a decision or an error with its place; never a panic, and never a
//! document that was read otherwise than it was written.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests, and what they share with the fuzz targets"
)]

mod entry;

use proptest::prelude::*;

const VALID: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Principal":{"AWS":["123456789012"]},"Action":["s3:Get*"],"Resource":"arn:aws:s3:::b/${aws:username, 'x'}","Condition":{"ForAllValues:StringLike":{"aws:TagKeys":["a","é"]},"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}"#;

const LINE: &str = r#"{"id":1,"principal":"arn:aws:iam::123456789012:user/u","action":"s3:GetObject","resource":"arn:aws:s3:::b/k","resource_account":"123456789012","context":{"aws:x":["a",1,true],"aws:y":null},"policies":{"identity":["{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}"],"boundary":null,"scp":[[{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}]]}}"#;

/// The text with a part of it replaced.
fn damaged(text: &str, at: usize, length: usize, with: &str) -> String {
    let floor = |at: usize| (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = floor(at % text.len());
    let end = floor((start + length).min(text.len())).max(start);
    format!("{}{with}{}", &text[..start], &text[end..])
}

/// Found by fuzzing: to serde_json the key is an instruction of its own.
#[test]
fn a_key_that_the_parser_knows_is_a_key() {
    let condition = r#""Condition":{"StringLike":{"$serde_json::private::RawValue":["a"]}}"#;
    let end = format!(r#""Resource":"*",{condition}}}}}"#);
    entry::document(&format!(r#"{{"Statement":{{"Effect":"Allow","Action":"s3:Get*",{end}"#));
}

proptest! {
    #[test]
    fn any_text_is_a_document_or_an_error(text in any::<String>()) {
        entry::document(&text);
        entry::lines(&text);
    }

    #[test]
    fn a_damaged_document_is_refused_or_still_json(
        at in any::<usize>(),
        length in 0_usize..4,
        with in "[\\x00-\\x7f]{0,3}",
    ) {
        entry::document(&damaged(VALID, at, length, &with));
    }

    #[test]
    fn a_damaged_line_is_answered(
        at in any::<usize>(),
        length in 0_usize..4,
        with in "[\\x00-\\x7f]{0,3}",
    ) {
        entry::lines(&damaged(LINE, at, length, &with));
    }

    /// Also where the end of the line was seen before, and is not read again.
    #[test]
    fn a_line_is_answered_alike_after_others(
        at in any::<usize>(),
        length in 0_usize..4,
        with in "[\\x00-\\x7f]{0,3}|,|\\}|\\},|\\{|\"policies\":\\{\\},|\"context\":\\{",
    ) {
        let mut decider = ringfence_policy::jsonl::Decider::default();
        decider.line(LINE);
        decider.line(LINE);
        // The beginning is where the two ways could part.
        let line = damaged(LINE, at % 200, length, &with);
        prop_assert_eq!(decider.line(&line).text, ringfence_policy::jsonl::decide_line(&line));
    }

    #[test]
    fn any_value_in_a_condition_is_compared_or_refused(
        operator in any::<u8>(),
        wanted in any::<String>(),
        held in any::<String>(),
    ) {
        entry::condition(operator, &wanted, &held);
    }

    #[test]
    fn values_that_nearly_compare_are_compared_or_refused(
        operator in any::<u8>(),
        wanted in "[-+.:/TZ0-9a*?]{0,12}|\\$\\{(aws:username|aws:no|\\*)(, 'x')?\\}|20[0-9]{2}-[01][0-9]-[0-3][0-9]|arn:aws:[a-z*]{0,3}:::[a*?/]{0,4}",
        held in "[-+.:/TZ0-9a]{0,12}|20[0-9]{2}-[01][0-9]-[0-3][0-9]|arn:aws:s3:::[a/]{0,4}",
    ) {
        entry::condition(operator, &wanted, &held);
    }

    #[test]
    fn an_arn_matches_as_its_wildcards_are_defined(
        pattern in "[ab*?é${}:/]{0,8}|[ab*?]{0,30}",
        name in "[abé€:/*?]{0,8}|[ab]{0,60}",
    ) {
        entry::arn(&pattern, &name);
    }
}

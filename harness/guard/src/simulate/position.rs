//! Where a statement stands, as the simulator tells it.
//!
//! "The row and column of the beginning of the `Statement` in an IAM policy"
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_Statement.html>)
//! is, in all of AWS's published answers, where its reader was when the
//! statement came: behind the `[` for the first of a list, behind the statement
//! before it for the others, and behind its own `{` where it stands alone. The
//! end is behind its `}`. Examples:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html#API_SimulatePrincipalPolicy_Examples>,
//! <https://docs.aws.amazon.com/cli/latest/reference/iam/simulate-custom-policy.html#examples>.

use ringfence_policy::{Document, json};

/// Line and column, both from 1.
pub(super) type Position = (usize, usize);

/// Beginning and end of a statement.
pub(super) fn of(document: &Document, index: usize) -> Option<(Position, Position)> {
    let text = document.text();
    let range = document.statement_range(index)?;
    let start = match index.checked_sub(1) {
        Some(previous) => document.statement_range(previous)?.end,
        None => {
            let before = text.get(..range.start)?.trim_end();
            if before.ends_with('[') { before.len() } else { range.start + 1 }
        }
    };
    Some((json::place(text, start), json::place(text, range.end)))
}

#[cfg(test)]
mod tests {
    use ringfence_policy::Kind;
    use rstest::rstest;

    use super::*;

    fn positions(text: &str) -> Vec<(Position, Position)> {
        let document = Document::parse("p", text, Kind::Identity).unwrap();
        (0..document.statement_count()).map(|index| of(&document, index).unwrap()).collect()
    }

    /// The policies and positions of AWS's own examples.
    #[rstest]
    #[case::cli_one_line_alone(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}"#,
        &[((1, 38), (1, 167))]
    )]
    #[case::api_reference_alone(
        "{\n  \"Version\":\"2012-10-17\",\n  \"Statement\":{\n    \"Effect\":\"Allow\",\n    \"Action\":\"s3:PutObject\",\n    \"Resource\":\"arn:aws:s3:::my-test-bucket\"\n  }\n}",
        &[((3, 16), (7, 4))]
    )]
    #[case::the_managed_policy_of_the_api_reference(
        "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n      \"Action\": [\n        \"s3:Get*\",\n        \"s3:List*\"\n      ],\n      \"Resource\": \"*\"\n    }\n  ]\n}",
        &[((3, 17), (11, 6))]
    )]
    #[case::lists_follow_each_other(
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "a:b", "Resource": "*"}]}"#,
        &[((1, 41), (1, 92)), ((1, 92), (1, 146))]
    )]
    fn statements_stand_where_aws_says(
        #[case] text: &str,
        #[case] expected: &[(Position, Position)],
    ) {
        assert_eq!(positions(text), expected);
    }
}

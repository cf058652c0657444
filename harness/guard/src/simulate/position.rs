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

use ringfence_policy::Document;

/// Line and column, both from 1.
pub(super) type Position = (usize, usize);

/// Beginning and end of each statement, read off the text in one go.
pub(super) fn all(document: &Document) -> Vec<(Position, Position)> {
    let text = document.text();
    let mut reader = Reader { text, at: 0, position: (1, 1) };
    let ranges = (0..document.statement_count()).map_while(|index| document.statement_range(index));
    let mut positions = Vec::with_capacity(document.statement_count());
    let mut previous: Option<Position> = None;
    for range in ranges {
        let start = previous.unwrap_or_else(|| {
            let before = text.get(..range.start).unwrap_or_default().trim_end();
            reader.go(if before.ends_with('[') { before.len() } else { range.start + 1 })
        });
        let end = reader.go(range.end);
        positions.push((start, end));
        previous = Some(end);
    }
    positions
}

/// Counts lines and columns; it only goes on.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    position: Position,
}

impl Reader<'_> {
    fn go(&mut self, to: usize) -> Position {
        for character in self.text.get(self.at..to).unwrap_or_default().chars() {
            let (line, column) = self.position;
            self.position = if character == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        self.at = self.at.max(to);
        self.position
    }
}

#[cfg(test)]
mod tests {
    use ringfence_policy::Kind;
    use rstest::rstest;

    use super::*;

    fn positions(text: &str) -> Vec<(Position, Position)> {
        let document = Document::parse("p", text, Kind::Identity).unwrap();
        all(&document)
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

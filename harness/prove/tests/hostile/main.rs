//! Hostile text and odd policies: each line has an answer, what is proved holds of every
//! request that is tried, and a certificate is good or refused.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "tests, and what they share with the fuzz targets"
)]

mod entry;
mod made;

/// Bytes that follow from a number (xorshift).
fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(160).collect()
}

#[test]
fn what_is_proved_of_made_policies_holds_of_made_requests() {
    (0..300).for_each(|seed| entry::sides(&bytes(seed)));
}

#[test]
fn a_line_is_answered_whatever_it_is() {
    entry::lines("");
    entry::lines("{\"id\":1e999,\"a\":{},\"b\":{}}\n{\"a\":{\"identity\":[{}]},\"b\":{}}\n[]\n");
    let line = r#"{"id":1,"a":{"identity":[{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username}"}}]},"b":{"identity":[{"Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*","Condition":{"StringLike":{"aws:x":"${aws:y}*"}}}}]},"universe":"catalogue"}"#;
    for end in 0..line.len() {
        entry::lines(&line[..end]);
    }
    entry::lines(line);
    entry::lines(&format!("{line}\n{line}"));
}

/// Found by fuzzing.
#[test]
fn a_variable_without_a_value_leaves_out_what_is_beyond_it() {
    let deny = r#"{"Effect":"Deny","Action":"*","NotResource":"arn:aws:dynamodb:*:*:table/${aws:PrincipalTag/team}"}"#;
    let allow = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    entry::lines(&format!(
        r#"{{"a":{{"identity":[{{"Version":"2012-10-17","Statement":[{allow},{deny}]}}]}},"b":{{}},"principal":"arn:aws:iam::123456789012:user/alice"}}"#
    ));
}

/// Found by fuzzing: `alias/aws/` in an ARN's region is no alias of AWS's.
#[test]
fn an_alias_of_awss_is_one_in_the_resource_of_an_arn_alone() {
    entry::lines(
        r#"{"a":{"identity":[{"Version":"2008-10-17","Statement":[{"Effect":"Allow","NotAction":["sts:AssumeRole"],"Resource":["arn:aws:x:${*}arn:*"]}]}]},"b":{"identity":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:CreateAlias"],"Resource":["arn:aws:x:alias/aws/::10.1.2.3?::15"]}]}]}}"#,
    );
}

#[test]
fn certificates_are_good_or_refused_whatever_they_are() {
    let text = r#"{"version":1,"documents":{},"certificates":[],"without":[]}"#;
    for end in 0..=text.len() {
        entry::certificates(&text[..end]);
    }
}

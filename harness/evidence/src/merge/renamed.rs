//! Documents that are the same but for the ids that AWS gives.

use std::collections::BTreeMap;

/// Which id of one run is which of another: one to one.
#[derive(Debug, Default)]
pub(super) struct Renaming {
    there: BTreeMap<String, String>,
    back: BTreeMap<String, String>,
}

impl Renaming {
    /// Whether two texts are the same once ids are renamed, as in all texts
    /// before.
    pub(super) fn same(&mut self, one: &str, other: &str) -> bool {
        let (mut ones, mut others) = (pieces(one), pieces(other));
        let mut below = false;
        loop {
            match (ones.next(), others.next()) {
                (None, None) => return true,
                (Some(one), Some(other)) if may_be_renamed(one, other, below) => {
                    if !self.renames(one, other) {
                        return false;
                    }
                }
                (Some(one), Some(other)) if one == other => below = one.ends_with('/'),
                _ => return false,
            }
        }
    }

    fn renames(&mut self, one: &str, other: &str) -> bool {
        let there = self.there.entry(one.to_owned()).or_insert_with(|| other.to_owned());
        let back = self.back.entry(other.to_owned()).or_insert_with(|| one.to_owned());
        there == other && back == one
    }
}

/// A text in runs of letters and digits, and what stands between them.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let word = first.is_ascii_alphanumeric();
        let end = rest.find(|c: char| c.is_ascii_alphanumeric() != word).unwrap_or(rest.len());
        let (piece, left) = rest.split_at(end);
        rest = left;
        Some(piece)
    })
}

/// Whether two words may be the ids of one thing: ids of one kind are of one
/// length. `below` says whether a slash stands before them.
fn may_be_renamed(one: &str, other: &str, below: bool) -> bool {
    one.len() == other.len() && is_id(one, below) && is_id(other, below)
}

/// Whether a word may be an id that a service gave: an API's, a route's or an
/// authorizer's (6 to 10 lower-case letters and digits), one of EC2's or a
/// stack's (8 to 17 hexadecimal digits, or parts of a UUID), or a unique id of
/// IAM's (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>).
/// One without a digit is told from a word of a language by its place: a part of
/// a path, as `/apis/ID/routes/ID`.
fn is_id(word: &str, below: bool) -> bool {
    let has_digit = below || word.bytes().any(|byte| byte.is_ascii_digit());
    let of = |allowed: fn(u8) -> bool| word.bytes().all(allowed);
    let lower = of(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
    let upper = of(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9'));
    let hexadecimal = of(|byte| byte.is_ascii_hexdigit());
    has_digit
        && ((lower && (6..=10).contains(&word.len()))
            || (hexadecimal && matches!(word.len(), 4 | 8 | 12 | 17 | 32))
            || (upper && (16..=24).contains(&word.len())))
        && !is_account(word)
}

/// Account ids are the estate's.
fn is_account(word: &str) -> bool {
    word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::equal("\"Resource\": \"*\"", "\"Resource\": \"*\"", true)]
    #[case::an_api("/apis/a4b5c6d7e8/routes/x1y2z3", "/apis/zz9yy8xx7w/routes/q9w8e7", true)]
    #[case::a_subnet("subnet-0a1b2c3d4e5f60718", "subnet-ffffffff000000001", true)]
    #[case::without_a_digit(
        "/apis/a4b5c6d7e8/routes/kgneyxg",
        "/apis/zz9yy8xx7w/routes/3bofrip",
        true
    )]
    #[case::of_another_length("/routes/kgneyxg", "/routes/kgneyx", false)]
    #[case::a_word("s3:GetObject", "s3:PutObject", false)]
    #[case::a_word_of_an_ids_length("s3:prefixes", "s3:prefixed", false)]
    #[case::an_account(
        "arn:aws:iam::111122223333:role/a",
        "arn:aws:iam::444455556666:role/a",
        false
    )]
    #[case::another_place("/apis/a4b5c6d7e8", "/api/a4b5c6d7e8", false)]
    #[case::more("/apis/a4b5c6d7e8/*", "/apis/a4b5c6d7e8/", false)]
    #[case::an_id_is_no_wildcard("/apis/a4b5c6d7e8", "/apis/*", false)]
    #[case::two_that_become_one("a4b5c6d7e8 b4b5c6d7e8", "c4b5c6d7e8 c4b5c6d7e8", false)]
    #[case::one_that_becomes_two("c4b5c6d7e8 c4b5c6d7e8", "a4b5c6d7e8 b4b5c6d7e8", false)]
    fn ids_alone_may_differ(#[case] one: &str, #[case] other: &str, #[case] same: bool) {
        assert_eq!(Renaming::default().same(one, other), same);
    }

    #[test]
    fn an_id_keeps_its_name_from_text_to_text() {
        let mut renaming = Renaming::default();
        assert!(renaming.same("/apis/a4b5c6d7e8", "/apis/zz9yy8xx7w"));
        assert!(renaming.same("/apis/a4b5c6d7e8/routes", "/apis/zz9yy8xx7w/routes"));
        assert!(!renaming.same("/apis/a4b5c6d7e8", "/apis/other1other"));
    }
}

//! Percent-encoding as AWS's services write and read it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// AWS's `UriEncode`: everything but unreserved characters (RFC 3986) is
/// encoded, `/` as well.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
const STRICT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The same for a path: `/` stays.
const PATH: AsciiSet = STRICT.remove(b'/');

/// Encodes a name, a value or one path segment.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, &STRICT).to_string()
}

/// Encodes a path, keeping its slashes.
pub(crate) fn encode_path(text: &str) -> String {
    utf8_percent_encode(text, &PATH).to_string()
}

/// Why a text cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    /// A `%` without two hexadecimal digits.
    #[error("a `%` is not followed by two hexadecimal digits")]
    Percent,
    /// The decoded bytes are not UTF-8.
    #[error("the decoded text is not UTF-8")]
    Utf8,
}

/// Decodes a path segment.
pub(crate) fn decode(text: &str) -> Result<String, DecodeError> {
    decode_with(text, false)
}

/// Decodes a name or value of a query string or form, where `+` is a space.
pub(crate) fn decode_form(text: &str) -> Result<String, DecodeError> {
    decode_with(text, true)
}

fn decode_with(text: &str, plus_is_space: bool) -> Result<String, DecodeError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let high = rest.next().and_then(hex_digit).ok_or(DecodeError::Percent)?;
                let low = rest.next().and_then(hex_digit).ok_or(DecodeError::Percent)?;
                high << 4 | low
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| DecodeError::Utf8)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Decodes the pairs of a query string or form, in order.
pub(crate) fn pairs(text: &str) -> Result<Vec<(String, String)>, DecodeError> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode_form(name)?, decode_form(value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a%20b+c", Ok("a b+c"))]
    #[case("%C3%A9", Ok("é"))]
    #[case("%", Err(DecodeError::Percent))]
    #[case("%4", Err(DecodeError::Percent))]
    #[case("%+4", Err(DecodeError::Percent))]
    #[case("%zz", Err(DecodeError::Percent))]
    #[case("%FF", Err(DecodeError::Utf8))]
    fn decoding_is_strict(#[case] text: &str, #[case] expected: Result<&str, DecodeError>) {
        assert_eq!(decode(text), expected.map(str::to_owned));
    }

    #[test]
    fn a_form_reads_plus_as_space_and_keeps_order_and_repeats() {
        let expected = [("b", "1 2"), ("a", ""), ("b", "3=4")].map(|(n, v)| (n.into(), v.into()));
        assert_eq!(pairs("b=1+2&&a&b=3=4"), Ok(expected.to_vec()));
    }

    #[test]
    fn encoding_leaves_only_unreserved_characters() {
        assert_eq!(encode("aZ0-_.~/ +é"), "aZ0-_.~%2F%20%2B%C3%A9");
        assert_eq!(encode_path("a b/c"), "a%20b/c");
    }
}

//! Why a text could not be read.

use super::Place;

/// Why a text could not be read, and where. `At` is as in [`Document`].
///
/// [`Document`]: super::Document
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct TextError<At = Place> {
    /// Where.
    pub at: At,
    /// Why.
    pub fault: Fault,
}

impl TextError<usize> {
    /// The same with line and column; `text` is what was read.
    #[must_use]
    pub fn placed(self, text: &str) -> TextError {
        TextError { at: Place::of(text, self.at), fault: self.fault }
    }
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is longer than its dialect allows.
    #[error("longer than {0} bytes")]
    Length(usize),
    /// Too many levels.
    #[error("nested too deeply")]
    Depth,
    /// A key that stands twice, where that is refused.
    #[error("`{0}` stands twice in the same object")]
    Repeated(String),
    /// JSON: something else should stand here.
    #[error("expected {expected}, found {}", or_end(*.found))]
    Expected {
        /// What should.
        expected: &'static str,
        /// What does; nothing at the end.
        found: Option<char>,
    },
    /// JSON: a second value.
    #[error("text after the end of the document")]
    Trailing,
    /// JSON: `01`.
    #[error("a number cannot start with 0")]
    LeadingZero,
    /// JSON: `1e999`, where numbers are doubles.
    #[error("a number out of range")]
    Range,
    /// JSON: a line's end in a string, ….
    #[error("a control character must be escaped")]
    Control,
    /// JSON: `"a`.
    #[error("unterminated string")]
    Unterminated,
    /// JSON: `\x`.
    #[error("invalid escape sequence")]
    Escape,
    /// JSON: `\u12g4`.
    #[error("expected four hexadecimal digits")]
    Hexadecimal,
    /// JSON: `\ud800` without its other half.
    #[error("half a surrogate pair")]
    Surrogate,
    /// JSON: not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// YAML: what the parser says of it.
    #[error("not well-formed YAML: {0}")]
    Malformed(String),
    /// YAML: a second document in the same text.
    #[error("more than one document")]
    Documents,
    /// YAML: `*name`, where it is refused.
    #[error("YAML aliases are not allowed in CloudFormation templates")]
    Alias,
    /// YAML: more values than a text may grow to by its aliases.
    #[error("aliases repeat more than {0} values")]
    Growth(usize),
    /// YAML: more bytes of text than a text may grow to by its aliases.
    #[error("aliases repeat more than {0} bytes")]
    RepeatedBytes(usize),
    /// YAML: `<<`.
    #[error("hash merge `<<`")]
    Merge,
    /// YAML: a map's key that is not a scalar.
    #[error("a key must be a scalar")]
    Key,
    /// YAML: a tag that the dialect does not have.
    #[error("unknown tag `!{0}`")]
    Tag(String),
}

fn or_end(found: Option<char>) -> String {
    match found {
        Some(found) => format!("`{}`", found.escape_default()),
        None => "the end of the document".to_owned(),
    }
}

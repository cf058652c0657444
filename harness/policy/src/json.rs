//! JSON as policies are written: a policy is refused with the line and column
//! of what is wrong, and a key that stands twice in one object is wrong (an
//! ordinary parser keeps the last and says nothing).

use ringfence_text::json::{Dialect, Numbers, read};
use ringfence_text::{Bounds, Place, Repeats};

use crate::document::DocumentError;

/// A value and where it starts, as an offset in bytes.
pub type Node = ringfence_text::Node<usize>;
/// A value.
pub type Value = ringfence_text::Value<usize>;
/// A member of an object.
pub type Member = ringfence_text::Member<usize>;

/// Deep enough for any policy; a bound so that hostile text cannot exhaust
/// the stack. The length of a policy is judged where it is stored, without
/// white space.
const POLICY: Dialect = Dialect {
    repeats: Repeats::Refused,
    // Conditions compare numbers as text or exactly.
    numbers: Numbers::AsWritten,
    bounds: Bounds { depth: 64, bytes: usize::MAX },
};

/// Line and column, both from 1, of an offset; columns count characters.
pub fn place(text: &str, at: usize) -> (usize, usize) {
    let Place { line, column } = Place::of(text, at);
    (line, column)
}

/// An error at an offset of the text.
pub(crate) fn error_at(text: &str, at: usize, message: impl Into<String>) -> DocumentError {
    let (line, column) = place(text, at);
    DocumentError { message: message.into(), line, column }
}

/// Parses a whole text.
///
/// # Errors
/// When it is no JSON, a key stands twice, or it is nested more than 64 deep.
pub fn parse(text: &str) -> Result<Node, DocumentError> {
    match read(text, &POLICY) {
        Ok(document) => Ok(document.root),
        Err(error) => Err(error_at(text, error.at, error.to_string())),
    }
}

//! JSON that does nothing to who looks at it: what is written is the same value, and
//! each character that a terminal or a viewer would obey is written as its escape.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// Whether a character does something to those around it, or to a terminal:
/// controls, zero-width and bidirectional formatting
/// (<https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing>).
pub fn is_active(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// A value on one line.
///
/// # Errors
/// When it is no JSON.
///
/// ```
/// let name = "a\u{202e}b\u{9b}2J";
/// let line = ringfence_evidence::shown::line(&name)?;
/// assert_eq!(line, br#""a\u202eb\u009b2J""#);
/// assert_eq!(serde_json::from_slice::<String>(&line)?, name);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn line<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut out, Shown(CompactFormatter)))?;
    Ok(out)
}

/// A value over several lines, with an end of line behind it.
///
/// # Errors
/// When it is no JSON.
pub fn lines<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut out, Shown(PrettyFormatter::new())))?;
    out.push(b'\n');
    Ok(out)
}

/// Writes what [`lines`] gives.
///
/// # Errors
/// When it is no JSON, or cannot be written.
pub fn write<T: Serialize + ?Sized>(out: &mut dyn io::Write, value: &T) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Shown(PrettyFormatter::new())))?;
    out.write_all(b"\n")
}

/// What lays a value out, with active characters escaped.
struct Shown<F>(F);

impl<F: Formatter> Formatter for Shown<F> {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Most texts are of plain letters, which is told at once.
        if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return writer.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            if is_active(character) {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            } else {
                writer.write_all(character.encode_utf8(&mut [0; 4]).as_bytes())?;
            }
        }
        Ok(())
    }

    fn begin_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn every_value_is_laid_out_as_without_and_is_the_same() {
        let plain = json!({"a": [], "b": {}, "ä ✓": ["x", 1.5, null, true, {"c": "\"\\\n\t/"}]});
        let pretty = format!("{}\n", serde_json::to_string_pretty(&plain).unwrap());
        assert_eq!(String::from_utf8(lines(&plain).unwrap()).unwrap(), pretty);
        let mut out = Vec::new();
        write(&mut out, &plain).unwrap();
        assert_eq!(out, pretty.as_bytes());
        assert_eq!(line(&plain).unwrap(), serde_json::to_vec(&plain).unwrap());
    }

    #[test]
    fn names_and_values_have_nothing_to_obey_and_are_read_back() {
        let active: String =
            (0..=0xe_0080).filter_map(char::from_u32).filter(|c| is_active(*c)).collect();
        assert_eq!(active.chars().count(), 65 + 2 + 5 + 7 + 16 + 1 + 128);
        let hostile = json!({ &active: [&active, format!("a{active}ä")] });
        for text in [lines(&hostile).unwrap(), line(&hostile).unwrap()] {
            let text = String::from_utf8(text).unwrap();
            let acts = |character: char| is_active(character) && character != '\n';
            assert!(!text.contains(acts), "{}", text.escape_unicode());
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), hostile);
        }
    }
}

//! What AWS says of a payload that is no JSON: the words of its parser
//! (Jackson), with the line and column that it gives. Recorded on AWS are an
//! unexpected character and an invalid byte within a token (LocalStack's
//! test_lambda_invoke_payload_encoding_error); the other sentences are those of
//! Jackson's source.

const SOURCE: &str =
    "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); ";
const VALUES: &str = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

/// Why a payload is no JSON; none where it is.
pub(in crate::lambda) fn fault(payload: &[u8]) -> Option<String> {
    let is_text = std::str::from_utf8(payload).is_ok();
    if is_text && serde_json::from_slice::<serde::de::IgnoredAny>(payload).is_ok() {
        return None;
    }
    let mut scanner = Scanner { bytes: payload, at: 0, line: 1, line_start: 0 };
    let fault = match scanner.document() {
        Err(fault) => fault,
        // What this scanner takes and the parser does not: too deep, a lone
        // surrogate, ….
        Ok(()) => scanner.fault(scanner.at, "Unexpected content".to_owned()),
    };
    Some(fault)
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    line_start: usize,
}

/// What is open, and where it began.
enum Open {
    Object(String),
    Array(String),
}

type Scanned = Result<(), String>;

impl Scanner<'_> {
    fn document(&mut self) -> Scanned {
        let mut open: Vec<Open> = Vec::new();
        self.space();
        if self.peek().is_none() {
            return Err(self.fault(self.at, "No content to map due to end-of-input".to_owned()));
        }
        loop {
            // A value begins here.
            let place = self.place(self.at);
            match self.peek() {
                Some(b'{') => {
                    self.at += 1;
                    open.push(Open::Object(place));
                    self.space();
                    if self.peek() != Some(b'}') {
                        self.name(&open)?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    open.push(Open::Array(place));
                    self.space();
                    if self.peek() != Some(b']') {
                        continue;
                    }
                }
                Some(_) => self.scalar()?,
                None => return Err(self.end_of(&open)),
            }
            // A value ended, or is about to.
            if !self.after_value(&mut open)? {
                return Ok(());
            }
        }
    }

    /// Goes on to the next value; false where there is none.
    fn after_value(&mut self, open: &mut Vec<Open>) -> Result<bool, String> {
        loop {
            self.space();
            let (close, entries) = match open.last() {
                None => return Ok(false),
                Some(Open::Object(_)) => (b'}', "Object"),
                Some(Open::Array(_)) => (b']', "Array"),
            };
            match self.peek() {
                Some(byte) if byte == close => {
                    self.at += 1;
                    open.pop();
                }
                Some(b',') => {
                    self.at += 1;
                    self.space();
                    if entries == "Object" {
                        self.name(open)?;
                    }
                    return Ok(true);
                }
                Some(_) => {
                    let wanted = format!("was expecting comma to separate {entries} entries");
                    return Err(self.unexpected(&wanted));
                }
                None => return Err(self.end_of(open)),
            }
        }
    }

    fn name(&mut self, open: &[Open]) -> Scanned {
        match self.peek() {
            Some(b'"') => self.string(" in field name")?,
            Some(_) => {
                return Err(self.unexpected("was expecting double-quote to start field name"));
            }
            None => return Err(self.end_of(open)),
        }
        self.space();
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(_) => {
                let wanted = "was expecting a colon to separate field name and value";
                return Err(self.unexpected(wanted));
            }
            None => return Err(self.end_of(open)),
        }
        self.space();
        Ok(())
    }

    fn scalar(&mut self) -> Scanned {
        match self.peek() {
            Some(b'"') => self.string(": was expecting closing quote for a string value"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$' => {
                self.token()
            }
            _ => Err(self.unexpected(&format!("expected a valid value {VALUES}"))),
        }
    }

    fn token(&mut self) -> Scanned {
        let from = self.at;
        while let Some(byte) = self.peek() {
            if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' {
                self.at += 1;
            } else if byte < 0x80 || !self.character()? {
                break;
            }
        }
        let token = self.bytes.get(from..self.at).unwrap_or_default();
        if [&b"null"[..], b"true", b"false"].contains(&token) {
            return Ok(());
        }
        let token = String::from_utf8_lossy(token);
        Err(self.fault(self.at, format!("Unrecognized token '{token}': was expecting {VALUES}")))
    }

    fn number(&mut self) -> Scanned {
        if self.peek() == Some(b'-') {
            self.at += 1;
            if let Some(byte) = self.peek().filter(|byte| !byte.is_ascii_digit()) {
                return Err(self.fault(
                    self.at,
                    format!(
                        "Unexpected character ({}) in numeric value: expected digit (0-9) to \
                         follow minus sign, for valid numeric value",
                        described(byte)
                    ),
                ));
            }
        }
        let leading_zero = self.peek() == Some(b'0');
        let from = self.at;
        while self.peek().is_some_and(|it| it.is_ascii_digit() || b".eE+-".contains(&it)) {
            self.at += 1;
        }
        let digits = self.bytes.get(from..self.at).unwrap_or_default();
        if leading_zero && digits.get(1).is_some_and(u8::is_ascii_digit) {
            let text = "Invalid numeric value: Leading zeroes not allowed".to_owned();
            return Err(self.fault(from + 1, text));
        }
        Ok(())
    }

    /// A string; `ended` says what the end of the payload within it means.
    fn string(&mut self, ended: &str) -> Scanned {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    if let Some(byte) = self.peek().filter(|it| !b"\"\\/bfnrtu".contains(it)) {
                        return Err(self.fault(
                            self.at,
                            format!("Unrecognized character escape {}", described(byte)),
                        ));
                    }
                    self.at += 1;
                }
                Some(byte) if byte < 0x20 => {
                    return Err(self.fault(
                        self.at,
                        format!(
                            "Illegal unquoted character ({}): has to be escaped using backslash \
                             to be included in string value",
                            described(byte)
                        ),
                    ));
                }
                Some(byte) if byte < 0x80 => self.at += 1,
                Some(_) => {
                    self.character()?;
                }
                None => {
                    let text = format!("Unexpected end-of-input{ended}");
                    return Err(self.fault(self.bytes.len(), text));
                }
            }
        }
    }

    /// Goes over a character of several bytes; whether it is a letter or digit.
    fn character(&mut self) -> Result<bool, String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = match rest.first() {
            Some(0xC2..=0xDF) => 2,
            Some(0xE0..=0xEF) => 3,
            Some(0xF0..=0xF4) => 4,
            first => {
                let byte = first.copied().unwrap_or_default();
                let text = format!("Invalid UTF-8 start byte 0x{byte:x}");
                return Err(self.fault(self.at + 1, text));
            }
        };
        let bytes = rest.get(..length).unwrap_or(rest);
        if let Ok(text) = std::str::from_utf8(bytes) {
            self.at += length;
            return Ok(text.chars().all(char::is_alphanumeric));
        }
        let wrong = bytes.iter().skip(1).position(|byte| !(0x80..0xC0).contains(byte));
        let offset = wrong.map_or(bytes.len(), |position| position + 1);
        let byte = bytes.get(offset).copied().unwrap_or_default();
        Err(self.fault(self.at + offset + 1, format!("Invalid UTF-8 middle byte 0x{byte:x}")))
    }

    fn space(&mut self) {
        while let Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) = self.peek() {
            self.at += 1;
            if byte == b'\n' {
                self.line += 1;
                self.line_start = self.at;
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn unexpected(&self, wanted: &str) -> String {
        let byte = self.peek().unwrap_or_default();
        self.fault(self.at, format!("Unexpected character ({}): {wanted}", described(byte)))
    }

    fn end_of(&self, open: &[Open]) -> String {
        let text = match open.last() {
            Some(Open::Object(place)) => {
                format!(": expected close marker for Object (start marker at {place})")
            }
            Some(Open::Array(place)) => {
                format!(": expected close marker for Array (start marker at {place})")
            }
            None => String::new(),
        };
        self.fault(self.bytes.len(), format!("Unexpected end-of-input{text}"))
    }

    fn fault(&self, at: usize, text: String) -> String {
        format!("{text}\n at {}", self.place(at))
    }

    fn place(&self, at: usize) -> String {
        let column = at.saturating_sub(self.line_start) + 1;
        format!("{SOURCE}line: {}, column: {column}]", self.line)
    }
}

/// A byte as the parser writes it.
fn described(byte: u8) -> String {
    if byte < 0x20 || (0x7F..0xA0).contains(&byte) {
        format!("(CTRL-CHAR, code {byte})")
    } else {
        format!("'{}' (code {byte})", char::from(byte))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        b"\x99\xeb,j\x07\xa1zYh",
        "Unexpected character ((CTRL-CHAR, code 153)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
        1,
        1
    )]
    #[case(b"n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt", "Invalid UTF-8 start byte 0x87", 1, 3)]
    #[case(
        b"abc",
        "Unrecognized token 'abc': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
        1,
        4
    )]
    #[case(
        b"{'a': 1}",
        "Unexpected character (''' (code 39)): was expecting double-quote to start field name",
        1,
        2
    )]
    #[case(
        b"{\"a\" 1}",
        "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value",
        1,
        6
    )]
    #[case(
        b"[1\n 2]",
        "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries",
        2,
        2
    )]
    #[case(
        b"{\"a\": \"b",
        "Unexpected end-of-input: was expecting closing quote for a string value",
        1,
        9
    )]
    #[case(b"{\"a\": \"\xff\"}", "Invalid UTF-8 start byte 0xff", 1, 9)]
    fn a_fault_is_told_with_its_place(
        #[case] payload: &[u8],
        #[case] text: &str,
        #[case] line: usize,
        #[case] column: usize,
    ) {
        let place = format!("{SOURCE}line: {line}, column: {column}]");
        assert_eq!(fault(payload), Some(format!("{text}\n at {place}")));
    }

    #[test]
    fn an_end_names_what_is_open() {
        let message = fault(b" {\"a\": [1").unwrap();
        let (begin, end) = (format!("{SOURCE}line: 1, column: 8]"), "column: 10]");
        assert!(message.starts_with(&format!(
            "Unexpected end-of-input: expected close marker for Array (start marker at {begin})\n"
        )));
        assert!(message.ends_with(end), "{message}");
    }

    #[rstest]
    #[case(b"{\"a\": [1, null, \"\xc3\xa9\", {}, []]}")]
    #[case(b"\"text\"")]
    #[case(b" -1.5e3 ")]
    fn json_has_no_fault(#[case] payload: &[u8]) {
        assert_eq!(fault(payload), None);
    }
}

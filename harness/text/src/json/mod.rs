//! JSON (RFC 8259) as one tree with places.

use super::members::Members;
use super::{Bounds, Document, Fault, Node, Repeated, Repeats, TextError, Value};

/// What texts in JSON differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Keys that stand twice.
    pub repeats: Repeats,
    /// Numbers.
    pub numbers: Numbers,
    /// How much is read.
    pub bounds: Bounds,
}

/// Which numbers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// All that JSON can write.
    AsWritten,
    /// Those that are integers of 64 bits or finite as doubles.
    Doubles,
}

type Result<T> = std::result::Result<T, TextError<usize>>;

/// Reads a whole text.
///
/// # Errors
/// With the place of what is wrong.
pub fn read(text: &str, dialect: &Dialect) -> Result<Document<usize>> {
    dialect.bounds.length(text).map_err(|fault| TextError { at: 0, fault })?;
    let mut parser = Parser { text, at: 0, dialect, repeated: Vec::new() };
    parser.space();
    let root = parser.value(0)?;
    parser.space();
    if parser.peek().is_some() {
        return Err(parser.error(Fault::Trailing));
    }
    Ok(Document { root, repeated: parser.repeated })
}

/// Reads a whole text that may not be UTF-8.
///
/// # Errors
/// With the place of what is wrong.
pub fn read_bytes(bytes: &[u8], dialect: &Dialect) -> Result<Document<usize>> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| TextError { at: error.valid_up_to(), fault: Fault::Encoding })?;
    read(text, dialect)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    dialect: &'a Dialect,
    repeated: Vec<Repeated<usize>>,
}

impl Parser<'_> {
    fn error(&self, fault: Fault) -> TextError<usize> {
        TextError { at: self.at, fault }
    }

    fn expected(&self, expected: &'static str) -> TextError<usize> {
        let found = self.text.get(self.at..).and_then(|rest| rest.chars().next());
        self.error(Fault::Expected { expected, found })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8, name: &'static str) -> Result<()> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.expected(name))
    }

    fn value(&mut self, depth: usize) -> Result<Node<usize>> {
        if depth > self.dialect.bounds.depth {
            return Err(self.error(Fault::Depth));
        }
        let at = self.at;
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Node { at, value })
    }

    fn word(&mut self) -> Result<Value<usize>> {
        let rest = self.text.get(self.at..).unwrap_or("");
        for (word, value) in
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)]
        {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.expected("a JSON value"))
    }

    fn object(&mut self, depth: usize) -> Result<Value<usize>> {
        self.expect(b'{', "`{`")?;
        let mut members = Members::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members.into_list()));
        }
        loop {
            self.space();
            let at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.expected("a key in quotes"));
            }
            let key = self.string()?;
            let key = members
                .key(at, key, self.dialect.repeats)
                .map_err(|fault| TextError { at, fault })?;
            self.space();
            self.expect(b':', "`:`")?;
            self.space();
            let value = self.value(depth + 1)?;
            members.add(key, value, &mut self.repeated);
            self.space();
            if self.peek() == Some(b'}') {
                self.at += 1;
                return Ok(Value::Object(members.into_list()));
            }
            self.expect(b',', "`,`")?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value<usize>> {
        self.expect(b'[', "`[`")?;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            self.space();
            items.push(self.value(depth + 1)?);
            self.space();
            if self.peek() == Some(b']') {
                self.at += 1;
                return Ok(Value::Array(items));
            }
            self.expect(b',', "`,`")?;
        }
    }

    fn number(&mut self) -> Result<Value<usize>> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits()?;
        if leading_zero && whole > 1 {
            return Err(TextError { at: start, fault: Fault::LeadingZero });
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.at).unwrap_or("");
        if self.dialect.numbers == Numbers::Doubles && !is_double(text) {
            return Err(TextError { at: start, fault: Fault::Range });
        }
        Ok(Value::Number(text.to_owned()))
    }

    fn digits(&mut self) -> Result<usize> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.expected("a digit"));
        }
        Ok(self.at - start)
    }

    fn string(&mut self) -> Result<String> {
        self.expect(b'"', "`\"`")?;
        let mut out = String::new();
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            out.push_str(self.text.get(start..self.at).unwrap_or(""));
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                Some(_) => return Err(self.error(Fault::Control)),
                None => return Err(self.error(Fault::Unterminated)),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let code = self.peek();
        self.at += 1;
        Ok(match code {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => {
                self.at -= 1;
                return Err(self.error(Fault::Escape));
            }
        })
    }

    fn unicode(&mut self) -> Result<char> {
        let first = self.hex4()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            self.expect(b'\\', "`\\`")?;
            self.expect(b'u', "`u`")?;
            let second = self.hex4()?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(self.error(Fault::Surrogate));
            }
            0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| self.error(Fault::Surrogate))
    }

    fn hex4(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or("");
        let code = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
        let code = code.ok_or_else(|| self.error(Fault::Hexadecimal))?;
        self.at += 4;
        Ok(code)
    }
}

/// Whether a number has a finite double. Without an exponent only one of more
/// than 300 digits has none.
fn is_double(text: &str) -> bool {
    let is_short = text.len() < 300 && !text.contains(['e', 'E']);
    is_short || text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests;

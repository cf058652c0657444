//! JSON with places: a policy is refused with the line and column of what is
//! wrong, and a key that stands twice in one object is wrong (an ordinary
//! parser keeps the last and says nothing).

use crate::document::DocumentError;

/// Deep enough for any policy; a bound so that hostile text cannot exhaust
/// the stack.
const MAX_DEPTH: usize = 64;

/// A JSON value and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Offset in bytes.
    pub at: usize,
    /// What it is.
    pub value: Value,
}

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// As written: conditions compare numbers as text or exactly.
    Number(String),
    /// Text, its escapes resolved.
    String(String),
    /// A list.
    Array(Vec<Node>),
    /// Members in their order; no key stands twice.
    Object(Vec<Member>),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Where the key starts.
    pub at: usize,
    /// The key.
    pub key: String,
    /// Its value.
    pub value: Node,
}

impl Value {
    /// The name of the kind, with its article.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl Node {
    /// The value in `serde_json`'s terms, for who changes a document and writes
    /// it again. A number that these cannot write as it stands becomes text:
    /// in a condition both are the same value
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>:
    /// a condition's value may be a number, a boolean or a string, each
    /// without quotes or with).
    pub fn to_value(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(yes) => (*yes).into(),
            Value::Number(text) => match text.parse::<serde_json::Number>() {
                Ok(number) if number.to_string() == *text => number.into(),
                _ => text.as_str().into(),
            },
            Value::String(text) => text.as_str().into(),
            Value::Array(items) => items.iter().map(Self::to_value).collect(),
            Value::Object(members) => {
                let each =
                    members.iter().map(|member| (member.key.clone(), member.value.to_value()));
                serde_json::Value::Object(each.collect())
            }
        }
    }
}

/// Line and column, both from 1, of an offset; columns count characters.
pub fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
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
    let mut parser = Parser { text, at: 0 };
    parser.space();
    let node = parser.value(0)?;
    parser.space();
    if parser.peek().is_some() {
        return Err(parser.error("text after the end of the document"));
    }
    Ok(node)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn error(&self, message: impl Into<String>) -> DocumentError {
        error_at(self.text, self.at, message)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), DocumentError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.error(format!("expected `{}`{}", byte as char, self.found())))
    }

    fn found(&self) -> String {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(found) => format!(", found `{}`", found.escape_default()),
            None => ", found the end of the document".to_owned(),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, DocumentError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply for a policy"));
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

    fn word(&mut self) -> Result<Value, DocumentError> {
        let rest = self.text.get(self.at..).unwrap_or("");
        for (word, value) in
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)]
        {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.error(format!("expected a JSON value{}", self.found())))
    }

    fn object(&mut self, depth: usize) -> Result<Value, DocumentError> {
        self.expect(b'{')?;
        let mut members: Vec<Member> = Vec::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            let at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.error(format!("expected a key in quotes{}", self.found())));
            }
            let key = self.string()?;
            if members.iter().any(|member| member.key == key) {
                let message = format!("`{key}` stands twice in the same object");
                return Err(error_at(self.text, at, message));
            }
            self.space();
            self.expect(b':')?;
            self.space();
            let value = self.value(depth + 1)?;
            members.push(Member { at, key, value });
            self.space();
            if self.peek() == Some(b'}') {
                self.at += 1;
                return Ok(Value::Object(members));
            }
            self.expect(b',')?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, DocumentError> {
        self.expect(b'[')?;
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
            self.expect(b',')?;
        }
    }

    fn number(&mut self) -> Result<Value, DocumentError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits()?;
        if leading_zero && whole > 1 {
            return Err(error_at(self.text, start, "a number cannot start with 0"));
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
        Ok(Value::Number(self.text.get(start..self.at).unwrap_or("").to_owned()))
    }

    fn digits(&mut self) -> Result<usize, DocumentError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.error(format!("expected a digit{}", self.found())));
        }
        Ok(self.at - start)
    }

    fn string(&mut self) -> Result<String, DocumentError> {
        self.expect(b'"')?;
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
                Some(_) => return Err(self.error("a control character must be escaped")),
                None => return Err(self.error("the string does not end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, DocumentError> {
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
                return Err(self.error("an escape that JSON does not know"));
            }
        })
    }

    fn unicode(&mut self) -> Result<char, DocumentError> {
        let first = self.hex4()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            self.expect(b'\\')?;
            self.expect(b'u')?;
            let second = self.hex4()?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(self.error("half a surrogate pair"));
            }
            0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| self.error("half a surrogate pair"))
    }

    fn hex4(&mut self) -> Result<u32, DocumentError> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or("");
        let code = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
        let code = code.ok_or_else(|| self.error("expected four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn values_keep_their_places() {
        let node = parse("{\n  \"a\": [1.50, \"\\u00e9\\ud83d\\ude00\"]\n}").unwrap();
        let Value::Object(members) = node.value else { panic!("not an object") };
        assert_eq!((members[0].key.as_str(), members[0].at), ("a", 4));
        let Value::Array(items) = &members[0].value.value else { panic!("not a list") };
        assert_eq!(items[0].value, Value::Number("1.50".into()));
        assert_eq!(items[1].value, Value::String("é😀".into()));
    }

    /// `serde_json` reads its own private key as raw text and loses digits.
    #[test]
    fn what_is_written_again_is_what_was_read() {
        let text = r#"{"$serde_json::private::RawValue":"1","n":[1.50,0.1,12345678901234567890123,true,null,"é"]}"#;
        let again = parse(text).unwrap().to_value().to_string();
        let expected = r#"{"$serde_json::private::RawValue":"1","n":["1.50",0.1,"12345678901234567890123",true,null,"é"]}"#;
        assert_eq!(again, expected);
    }

    #[rstest]
    #[case("{\"a\":1,\n \"a\":2}", "`a` stands twice in the same object", 2, 2)]
    #[case("{\"a\":1,}", "expected a key in quotes, found `}`", 1, 8)]
    #[case("[1 2]", "expected `,`, found `2`", 1, 4)]
    #[case("\"a", "the string does not end", 1, 3)]
    #[case("\"\\ud800x\"", "expected `\\`, found `x`", 1, 8)]
    #[case("[01]", "a number cannot start with 0", 1, 2)]
    #[case("{} {}", "text after the end of the document", 1, 4)]
    #[case("", "expected a JSON value, found the end of the document", 1, 1)]
    fn what_is_not_json_is_refused_where_it_is(
        #[case] text: &str,
        #[case] message: &str,
        #[case] line: usize,
        #[case] column: usize,
    ) {
        let error = parse(text).unwrap_err();
        assert_eq!((error.message.as_str(), error.line, error.column), (message, line, column));
    }

    #[test]
    fn hostile_nesting_is_refused() {
        assert!(parse(&"[".repeat(100_000)).unwrap_err().message.contains("too deeply"));
    }
}

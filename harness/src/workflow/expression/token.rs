//! The words of an expression.

use super::ExpressionError;
use super::value::number_of;

/// A word, and where it begins: in characters, from 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) written: String,
    pub(super) at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Sign(&'static str),
    Name,
    Text(String),
    Number(f64),
}

/// The longest first.
const SIGNS: [&str; 16] =
    ["==", "!=", "<=", ">=", "&&", "||", "(", ")", "[", "]", ",", ".", "!", "<", ">", "*"];

/// What ends a name or a number.
const BOUNDARIES: &str = "()[],.!<>=&|";

/// # Errors
/// At the first word that is none.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ExpressionError> {
    let mut reader = Reader { text, rest: text, at: 1, found: Vec::new() };
    while reader.next()? {}
    Ok(reader.found)
}

struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
    at: usize,
    found: Vec<Token>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<bool, ExpressionError> {
        let blank = self.rest.len() - self.rest.trim_start().len();
        self.take(blank);
        let Some(first) = self.rest.chars().next() else { return Ok(false) };
        if first == '\'' {
            return self.quoted();
        }
        let number = first.is_ascii_digit()
            || matches!(first, '-' | '+')
            || (first == '.' && !self.after_value());
        if number {
            return self.number();
        }
        if let Some(sign) = SIGNS.into_iter().find(|sign| self.rest.starts_with(sign)) {
            self.push(sign.len(), Kind::Sign(sign));
            return Ok(true);
        }
        let length = self.length(BOUNDARIES);
        let name = self.rest.get(..length).unwrap_or_default();
        if !is_name(name) {
            // A sign that stands alone, such as `=`, with what follows it.
            let more = self.rest.get(first.len_utf8()..).unwrap_or_default();
            let end = more.find(|c: char| BOUNDARIES.contains(c) || c.is_whitespace());
            let length = first.len_utf8() + end.unwrap_or(more.len());
            return Err(self.unexpected(length.max(name.len())));
        }
        let kind = match name {
            "NaN" if !self.after_dot() => Kind::Number(f64::NAN),
            "Infinity" if !self.after_dot() => Kind::Number(f64::INFINITY),
            _ => Kind::Name,
        };
        self.push(length, kind);
        Ok(true)
    }

    /// `'it''s'`
    fn quoted(&mut self) -> Result<bool, ExpressionError> {
        let mut value = String::new();
        let mut letters = self.rest.char_indices().skip(1).peekable();
        while let Some((at, letter)) = letters.next() {
            if letter != '\'' {
                value.push(letter);
            } else if letters.peek().is_some_and(|(_, next)| *next == '\'') {
                letters.next();
                value.push('\'');
            } else {
                self.push(at + 1, Kind::Text(value));
                return Ok(true);
            }
        }
        Err(self.unexpected(self.rest.len()))
    }

    fn number(&mut self) -> Result<bool, ExpressionError> {
        let first = self.rest.chars().next().map_or(0, char::len_utf8);
        let more = self.rest.get(first..).unwrap_or_default();
        let end = more.find(|c: char| (BOUNDARIES.contains(c) && c != '.') || c.is_whitespace());
        let length = first + end.unwrap_or(more.len());
        let value = number_of(self.rest.get(..length).unwrap_or_default());
        let named = matches!(self.rest.get(..length), Some("-Infinity" | "+Infinity"));
        if value.is_nan() || (value.is_infinite() && !named) {
            return Err(self.unexpected(length));
        }
        self.push(length, Kind::Number(value));
        Ok(true)
    }

    /// Whether a dot here leads into what stands before it.
    fn after_value(&self) -> bool {
        self.found
            .last()
            .is_some_and(|last| matches!(last.kind, Kind::Name | Kind::Sign(")" | "]" | "*")))
    }

    fn after_dot(&self) -> bool {
        self.found.last().is_some_and(|last| last.kind == Kind::Sign("."))
    }

    /// How far it is to one of these, or to a blank.
    fn length(&self, signs: &str) -> usize {
        let end = self.rest.find(|c: char| signs.contains(c) || c.is_whitespace());
        end.unwrap_or(self.rest.len())
    }

    fn push(&mut self, length: usize, kind: Kind) {
        let at = self.at;
        let written = self.take(length).to_owned();
        self.found.push(Token { kind, written, at });
    }

    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.at += taken.chars().count();
        self.rest = rest;
        taken
    }

    fn unexpected(&self, length: usize) -> ExpressionError {
        let symbol = self.rest.get(..length).unwrap_or(self.rest);
        ExpressionError::placed("Unexpected symbol", symbol, self.at, self.text)
    }
}

/// A letter or `_`, then letters, digits, `_` and `-`.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

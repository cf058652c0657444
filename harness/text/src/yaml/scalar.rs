//! The types of scalars.

use std::borrow::Cow;

use saphyr_parser::{ScalarStyle, Tag};

use super::{Fault, Scalars, Value};

/// A scalar with its type.
pub(super) fn typed(
    text: Cow<'_, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
    scalars: Scalars,
) -> Result<Value, Fault> {
    match tag {
        Some(tag) if tag.is_yaml_core_schema() => match tag.suffix.as_str() {
            "str" => Ok(Value::String(text.into_owned())),
            "int" | "float" | "bool" | "null" => Ok(plain(&text, scalars)),
            other => Err(Fault::Tag(format!("!{other}"))),
        },
        None if style == ScalarStyle::Plain => Ok(plain(&text, scalars)),
        _ => Ok(Value::String(text.into_owned())),
    }
}

/// The type of an unquoted scalar; dates stay text, as CloudFormation keeps
/// `2012-10-17`.
fn plain(text: &str, scalars: Scalars) -> Value {
    match (text, scalars) {
        ("" | "~" | "null" | "Null" | "NULL", _) => return Value::Null,
        ("true" | "True" | "TRUE", _) => return Value::Bool(true),
        ("false" | "False" | "FALSE", _) => return Value::Bool(false),
        ("yes" | "Yes" | "YES" | "on" | "On" | "ON", Scalars::Yaml11) => return Value::Bool(true),
        ("no" | "No" | "NO" | "off" | "Off" | "OFF", Scalars::Yaml11) => {
            return Value::Bool(false);
        }
        _ => {}
    }
    let number = match scalars {
        Scalars::Yaml11 => integer(text).map(|number| number.to_string()).or_else(|| float(text)),
        Scalars::Core => core_integer(text).or_else(|| core_float(text)),
    };
    number.map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

/// YAML 1.2's integers: decimal, `0o10`, `0x1F`.
fn core_integer(text: &str) -> Option<String> {
    let radix = |digits: Option<&str>, radix| unsigned(digits?, radix);
    let special = radix(text.strip_prefix("0x"), 16).or_else(|| radix(text.strip_prefix("0o"), 8));
    if let Some(value) = special {
        return Some(value.to_string());
    }
    let (negative, digits) = signed(text);
    let value = unsigned(digits, 10)?;
    Some(if negative { -value } else { value }.to_string())
}

/// YAML 1.2's decimal fractions, as the double that they are: of `3.10` nothing
/// but `3.1` remains, as on GitHub.
fn core_float(text: &str) -> Option<String> {
    let (_, digits) = signed(text);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    let number = text.parse::<f64>().ok().filter(|number| is_number && number.is_finite());
    number.map(|number| number.to_string())
}

/// Sign and rest.
fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// YAML 1.1's integers (<https://yaml.org/type/int.html>), as PyYAML applies its
/// rules: decimal, octal (`010`), hexadecimal, binary and base 60 (`1:30`), each
/// with underscores. A leading zero with an 8 or a 9 behind it is text.
fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = signed(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let digits = digits.replace('_', "");
    let value = match (digits.strip_prefix("0x"), digits.strip_prefix("0b")) {
        (Some(hexadecimal), _) => unsigned(hexadecimal, 16)?,
        (_, Some(binary)) => unsigned(binary, 2)?,
        _ if digits.contains(':') => sexagesimal(&digits)?,
        _ if digits.len() > 1 && digits.starts_with('0') => unsigned(&digits, 8)?,
        _ => unsigned(&digits, 10)?,
    };
    if negative { value.checked_neg() } else { Some(value) }
}

fn unsigned(digits: &str, radix: u32) -> Option<i64> {
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    is_number.then(|| i64::from_str_radix(digits, radix).ok()).flatten()
}

fn sexagesimal(digits: &str) -> Option<i64> {
    let mut parts = digits.split(':');
    let first = parts.next().filter(|first| !first.starts_with('0'))?;
    parts.try_fold(unsigned(first, 10)?, |value, part| {
        let part = (part.len() <= 2).then(|| unsigned(part, 10)).flatten();
        let part = part.filter(|part| *part < 60)?;
        value.checked_mul(60)?.checked_add(part)
    })
}

/// A decimal fraction, kept as a number only where its text survives (`1.10`
/// does not).
fn float(text: &str) -> Option<String> {
    let (_, digits) = signed(text);
    let is_fraction = digits.len() > 1
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
        && digits.matches('.').count() == 1;
    let survives = |number: &f64| is_fraction && number.to_string() == text;
    text.parse::<f64>().ok().filter(survives).map(|number| number.to_string())
}

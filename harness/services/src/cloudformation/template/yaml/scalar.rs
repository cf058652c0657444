//! The types of scalars, by YAML 1.1's rules (<https://yaml.org/type/>) as
//! `sam`'s reader (PyYAML) applies them.

use saphyr_parser::{ScalarStyle, Tag};
use serde_json::Number;

use super::{Fault, Node, Place, Value, tag};

/// A scalar with its type.
pub(super) fn typed(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    at: Place,
) -> Result<Node, Fault> {
    let own = || Value::Text(text.to_owned());
    match tag {
        Some(tag) if tag.is_yaml_core_schema() => match tag.suffix.as_str() {
            "str" => Ok(Node { at, value: own() }),
            "int" | "float" | "bool" | "null" => Ok(Node { at, value: plain(text) }),
            other => Err(Fault::Tag(format!("!{other}"))),
        },
        Some(_) => tag::long_form(Node { at, value: own() }, tag),
        None if style == ScalarStyle::Plain => Ok(Node { at, value: plain(text) }),
        None => Ok(Node { at, value: own() }),
    }
}

/// The type of an unquoted scalar; dates stay text, as CloudFormation keeps
/// `2012-10-17`.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    match integer(text).map(Number::from).or_else(|| float(text)) {
        Some(number) => Value::Number(number),
        None => Value::Text(text.to_owned()),
    }
}

/// Sign and rest.
fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Decimal, octal (`010`), hexadecimal, binary and base 60 (`1:30`), each with
/// underscores. A leading zero with an 8 or a 9 behind it is text.
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
fn float(text: &str) -> Option<Number> {
    let (_, digits) = signed(text);
    let is_fraction = digits.len() > 1
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
        && digits.matches('.').count() == 1;
    let number =
        text.parse::<f64>().ok().filter(|number| is_fraction && number.to_string() == text);
    number.and_then(Number::from_f64)
}

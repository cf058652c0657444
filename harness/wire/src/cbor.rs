//! CBOR as the protocol `smithy-rpc-v2-cbor` uses it, read strictly
//! (<https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>,
//! RFC 8949).
//!
//! Values are those of the JSON protocols: bytes are base64, moments are
//! numbers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

/// Values nest at most this deep.
const MAX_DEPTH: usize = 64;

/// Why bytes are no value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CborError {
    #[error("it ends too early")]
    End,
    #[error("something stands behind its end")]
    Rest,
    #[error("a head is not well-formed")]
    Head,
    #[error("a text is not UTF-8")]
    Utf8,
    #[error("the key of a map is no text")]
    Key,
    #[error("the key `{0}` is repeated")]
    Repeated(String),
    #[error("a number is out of range")]
    Number,
    #[error("the tag {0} is not known")]
    Tag(u64),
    #[error("values are nested too deep")]
    Depth,
}

/// Reads one value, which is all that there is.
pub(crate) fn decode(bytes: &[u8]) -> Result<Value, CborError> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(0)?;
    if reader.rest.is_empty() { Ok(value) } else { Err(CborError::Rest) }
}

struct Reader<'a> {
    rest: &'a [u8],
}

/// The head of a value.
struct Head {
    major: u8,
    info: u8,
    argument: Argument,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Argument {
    Value(u64),
    /// As many as there are, up to a break.
    Indefinite,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], CborError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(CborError::End)?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self, count: usize) -> Result<u64, CborError> {
        Ok(self.take(count)?.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    fn head(&mut self) -> Result<Head, CborError> {
        let first = self.take(1)?.first().copied().ok_or(CborError::End)?;
        let (major, info) = (first >> 5, first & 0x1f);
        let argument = match info {
            0..=23 => Argument::Value(u64::from(info)),
            24 => Argument::Value(self.number(1)?),
            25 => Argument::Value(self.number(2)?),
            26 => Argument::Value(self.number(4)?),
            27 => Argument::Value(self.number(8)?),
            31 if matches!(major, 2..=5) => Argument::Indefinite,
            _ => return Err(CborError::Head),
        };
        Ok(Head { major, info, argument })
    }

    /// Whether the break of an indefinite value is next; it is taken then.
    fn at_break(&mut self) -> bool {
        match self.rest.split_first() {
            Some((0xff, rest)) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, CborError> {
        if depth > MAX_DEPTH {
            return Err(CborError::Depth);
        }
        let head = self.head()?;
        match (head.major, head.argument) {
            (0, Argument::Value(number)) => Ok(number.into()),
            (1, Argument::Value(number)) => {
                let number = i64::try_from(number).map_err(|_| CborError::Number)?;
                Ok((-1 - number).into())
            }
            (2, argument) => Ok(STANDARD.encode(self.bytes(2, argument)?).into()),
            (3, argument) => Ok(self.text(argument)?.into()),
            (4, argument) => self.list(argument, depth),
            (5, argument) => self.map(argument, depth),
            // Seconds since 1970 (RFC 8949, 3.4.2).
            (6, Argument::Value(1)) => match self.value(depth + 1)? {
                moment @ Value::Number(_) => Ok(moment),
                _ => Err(CborError::Tag(1)),
            },
            (6, Argument::Value(tag)) => Err(CborError::Tag(tag)),
            (7, Argument::Value(bits)) => simple(head.info, bits),
            _ => Err(CborError::Head),
        }
    }

    /// Bytes or text, whole or in pieces.
    fn bytes(&mut self, major: u8, argument: Argument) -> Result<Vec<u8>, CborError> {
        let length = |length: u64| usize::try_from(length).map_err(|_| CborError::End);
        match argument {
            Argument::Value(count) => Ok(self.take(length(count)?)?.to_vec()),
            Argument::Indefinite => {
                let mut all = Vec::new();
                while !self.at_break() {
                    match self.head()? {
                        Head { major: of, argument: Argument::Value(count), .. } if of == major => {
                            all.extend_from_slice(self.take(length(count)?)?);
                        }
                        _ => return Err(CborError::Head),
                    }
                }
                Ok(all)
            }
        }
    }

    fn text(&mut self, argument: Argument) -> Result<String, CborError> {
        String::from_utf8(self.bytes(3, argument)?).map_err(|_| CborError::Utf8)
    }

    /// Whether another item follows the first `read` of them.
    fn more(&mut self, argument: Argument, read: u64) -> bool {
        match argument {
            Argument::Value(count) => read < count,
            Argument::Indefinite => !self.at_break(),
        }
    }

    fn list(&mut self, argument: Argument, depth: usize) -> Result<Value, CborError> {
        let mut items = Vec::new();
        let mut read = 0;
        while self.more(argument, read) {
            items.push(self.value(depth + 1)?);
            read += 1;
        }
        Ok(Value::Array(items))
    }

    fn map(&mut self, argument: Argument, depth: usize) -> Result<Value, CborError> {
        let mut map = Map::new();
        let mut read = 0;
        while self.more(argument, read) {
            let key = match self.head()? {
                Head { major: 3, argument, .. } => self.text(argument)?,
                _ => return Err(CborError::Key),
            };
            let value = self.value(depth + 1)?;
            if map.insert(key.clone(), value).is_some() {
                return Err(CborError::Repeated(key));
            }
            read += 1;
        }
        Ok(Value::Object(map))
    }
}

/// Simple values and floating-point numbers.
fn simple(info: u8, bits: u64) -> Result<Value, CborError> {
    let number = match (info, bits) {
        (20, _) => return Ok(Value::Bool(false)),
        (21, _) => return Ok(Value::Bool(true)),
        // Undefined is as absent as null.
        (22 | 23, _) => return Ok(Value::Null),
        (25, bits) => half(u16::try_from(bits).map_err(|_| CborError::Number)?),
        (26, bits) => {
            f64::from(f32::from_bits(u32::try_from(bits).map_err(|_| CborError::Number)?))
        }
        (27, bits) => f64::from_bits(bits),
        _ => return Err(CborError::Head),
    };
    Number::from_f64(number).map(Value::Number).ok_or(CborError::Number)
}

/// A number of half precision (RFC 8949, appendix D).
fn half(bits: u16) -> f64 {
    let exponent = i32::from((bits >> 10) & 0x1f);
    let mantissa = f64::from(bits & 0x3ff);
    let size = match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (mantissa + 1024.0) * 2f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

/// Writes a value.
pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, value);
    out
}

fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(false) => out.push(0xf4),
        Value::Bool(true) => out.push(0xf5),
        Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), ..) => head(out, 0, number),
            (None, Some(number), _) => head(out, 1, number.unsigned_abs() - 1),
            (None, None, number) => {
                out.push(0xfb);
                out.extend_from_slice(&number.unwrap_or_default().to_be_bytes());
            }
        },
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            head(out, 4, length(items.len()));
            items.iter().for_each(|item| write(out, item));
        }
        Value::Object(members) => {
            head(out, 5, length(members.len()));
            for (name, value) in members {
                write_text(out, name);
                write(out, value);
            }
        }
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    head(out, 3, length(text.len()));
    out.extend_from_slice(text.as_bytes());
}

fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let first = major << 5;
    let bytes = argument.to_be_bytes();
    let (info, from) = match argument {
        0..=23 => {
            out.push(first | bytes[7]);
            return;
        }
        24..=0xff => (24, 7),
        0x100..=0xffff => (25, 6),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 0),
    };
    out.push(first | info);
    out.extend(bytes.iter().skip(from));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    // The examples of RFC 8949, appendix A.
    #[rstest]
    #[case("00", json!(0))]
    #[case("1903e8", json!(1000))]
    #[case("1bffffffffffffffff", json!(u64::MAX))]
    #[case("3903e7", json!(-1000))]
    #[case("f93e00", json!(1.5))]
    #[case("f90001", json!(5.960464477539063e-8))]
    #[case("f9c400", json!(-4.0))]
    #[case("fa47c35000", json!(100000.0))]
    #[case("fb3ff199999999999a", json!(1.1))]
    #[case("f4", json!(false))]
    #[case("f6", Value::Null)]
    #[case("f7", Value::Null)]
    #[case("c11a514b67b0", json!(1363896240))]
    #[case("4401020304", json!("AQIDBA=="))]
    #[case("62c3bc", json!("ü"))]
    #[case("83010203", json!([1, 2, 3]))]
    #[case("a26161016162820203", json!({"a": 1, "b": [2, 3]}))]
    #[case("5f42010243030405ff", json!("AQIDBAU="))]
    #[case("7f657374726561646d696e67ff", json!("streaming"))]
    #[case("9f018202039f0405ffff", json!([1, [2, 3], [4, 5]]))]
    #[case("bf61610161629f0203ffff", json!({"a": 1, "b": [2, 3]}))]
    fn values(#[case] bytes: &str, #[case] value: Value) {
        assert_eq!(decode(&hex::decode(bytes).unwrap()), Ok(value));
    }

    #[rstest]
    #[case::empty("", CborError::End)]
    #[case::short("62c3", CborError::End)]
    #[case::long("9affffffff", CborError::End)]
    #[case::rest("0000", CborError::Rest)]
    #[case::reserved("1c", CborError::Head)]
    #[case::bare_break("ff", CborError::Head)]
    #[case::pieces_of_another_type("5f6161ff", CborError::Head)]
    #[case::indefinite_number("1f", CborError::Head)]
    #[case::unknown_simple("f8ff", CborError::Head)]
    #[case::not_utf8("61ff", CborError::Utf8)]
    #[case::key("a10102", CborError::Key)]
    #[case::repeated("a2616101616102", CborError::Repeated("a".to_owned()))]
    #[case::nan("f97e00", CborError::Number)]
    #[case::too_negative("3bffffffffffffffff", CborError::Number)]
    #[case::tag("c074", CborError::Tag(0))]
    #[case::no_moment("c16161", CborError::Tag(1))]
    fn malformed(#[case] bytes: &str, #[case] error: CborError) {
        assert_eq!(decode(&hex::decode(bytes).unwrap()), Err(error));
    }

    #[test]
    fn nesting_is_bounded() {
        assert_eq!(decode(&[0x81; 100_000]), Err(CborError::Depth));
        assert_eq!(decode(&[0xc1; 100_000]), Err(CborError::Depth));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e300f64..1e300).prop_map(Value::from),
            ".{0,300}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..6).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in any_value()) {
            prop_assert_eq!(decode(&encode(&value)), Ok(value));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }
}

//! The values that condition operators compare: numbers, dates, addresses.

use std::cmp::Ordering;
use std::net::IpAddr;

use crate::condition::boolean;

/// What a condition key's value is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// Any text.
    String,
    /// `-12.50`.
    Numeric,
    /// `true` or `false`, without regard to case.
    Boolean,
    /// An IPv4 or IPv6 address.
    Ip,
    /// Base64.
    Binary,
    /// ISO 8601, or seconds since 1970.
    Date,
}

impl ValueType {
    /// Whether a request's value is of the type, so that the condition
    /// operators of the type can compare it.
    pub fn admits(self, text: &str) -> bool {
        match self {
            Self::String => true,
            Self::Numeric => Number::parse(text).is_some(),
            Self::Boolean => boolean(text).is_some(),
            Self::Ip => text.parse::<IpAddr>().is_ok(),
            Self::Binary => base64(text).is_some(),
            Self::Date => Instant::parse(text).is_some(),
        }
    }
}

/// An exact decimal number: sign, digits before and after the point, without
/// the zeros that do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Number<'a> {
    /// Reads `-12.50`: no exponent, no spaces, nothing after the number.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        let digit = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digit(whole) || !digit(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !zero, whole, fraction })
    }

    pub(crate) fn compare(&self, other: &Number<'_>) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
        }
    }

    fn magnitude(&self, other: &Number<'_>) -> Ordering {
        (self.whole.len().cmp(&other.whole.len()))
            .then_with(|| self.whole.cmp(other.whole))
            .then_with(|| self.fraction.cmp(other.fraction))
    }
}

/// An instant, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(pub(crate) i128);

const SECOND: i128 = 1_000_000_000;

impl Instant {
    /// Reads the W3C profile of ISO 8601, or seconds since 1970 ("you can use
    /// the date operators with dates in ISO 8601 or in epoch (UNIX) time").
    /// A time without a zone is UTC. Bare digits are seconds, never a year.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (date, time) = match text.split_once(['T', 't']) {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        if time.is_none() && !date.trim_start_matches('-').contains('-') {
            return Self::epoch(text);
        }
        let mut fields = date.split('-');
        let year = number(fields.next()?, 4)?;
        let month = fields.next().map_or(Some(1), |field| number(field, 2))?;
        let day = fields.next().map_or(Some(1), |field| number(field, 2))?;
        if fields.next().is_some() || !(1..=12).contains(&month) {
            return None;
        }
        if day < 1 || day > days_in(year, month) {
            return None;
        }
        let seconds = days_before(year, month, day) * 86_400;
        let time = match time {
            Some(time) => time_of_day(time)?,
            None => 0,
        };
        Some(Self(seconds * SECOND + time))
    }

    fn epoch(text: &str) -> Option<Self> {
        Number::parse(text)?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let negative = whole.starts_with('-');
        let whole: i64 = whole.parse().ok()?;
        let fraction = nanoseconds(fraction)?;
        Some(Self(i128::from(whole) * SECOND + if negative { -fraction } else { fraction }))
    }
}

/// `HH:MM[:SS[.fraction]][Z|±HH[:MM]]` in nanoseconds. IAM stores dates of which
/// an hour, minute or second has one digit, and a zone no minutes (moto,
/// `policy_validation.py`, as recorded from AWS).
fn time_of_day(text: &str) -> Option<i128> {
    let (clock, offset) = match text.find(['Z', 'z', '+', '-']) {
        None => (text, 0),
        Some(at) => {
            let (clock, zone) = text.split_at_checked(at)?;
            (clock, zone_offset(zone)?)
        }
    };
    let mut fields = clock.split(':');
    let hour = one_or_two(fields.next()?)?;
    let minute = one_or_two(fields.next()?)?;
    let (second, fraction) = match fields.next() {
        None => (0, 0),
        Some(field) => {
            let (whole, fraction) = match field.split_once('.') {
                Some((_, "")) => return None,
                Some((whole, fraction)) => (whole, nanoseconds(fraction)?),
                None => (field, 0),
            };
            (one_or_two(whole)?, fraction)
        }
    };
    if fields.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((hour * 3600 + minute * 60 + second - offset) * SECOND + fraction)
}

/// Seconds east of UTC.
fn zone_offset(zone: &str) -> Option<i128> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, rest) = match (zone.strip_prefix('+'), zone.strip_prefix('-')) {
        (Some(rest), _) => (1, rest),
        (_, Some(rest)) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "00"));
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Exactly so many digits.
fn number(text: &str, digits: usize) -> Option<i128> {
    if text.len() != digits || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// One digit or two.
fn one_or_two(text: &str) -> Option<i128> {
    number(text, 2).or_else(|| number(text, 1))
}

fn nanoseconds(fraction: &str) -> Option<i128> {
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(
        fraction
            .bytes()
            .chain(std::iter::repeat(b'0'))
            .take(9)
            .fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0')),
    )
}

fn leap(year: i128) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_in(year: i128, month: i128) -> i128 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 (Howard Hinnant's civil calendar).
fn days_before(year: i128, month: i128, day: i128) -> i128 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

/// A range of addresses; a bare address is a range of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddressRange {
    address: IpAddr,
    prefix: u32,
}

impl AddressRange {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => width,
            Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
                prefix.parse().ok()?
            }
            Some(_) => return None,
        };
        (prefix <= width).then_some(Self { address, prefix })
    }

    /// The first address, and how many bits of it count.
    pub(crate) fn start(&self) -> (IpAddr, u32) {
        (self.address, self.prefix)
    }

    /// Addresses of different versions are never in each other's ranges.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let shift = 32 - self.prefix;
                u32::from(a).checked_shr(shift) == u32::from(b).checked_shr(shift)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let shift = 128 - self.prefix;
                u128::from(a).checked_shr(shift) == u128::from(b).checked_shr(shift)
            }
            _ => false,
        }
    }
}

/// Decodes standard base64, with or without its padding.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    if padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) || body.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(body.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in body.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
        bits &= 0xffff;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(ValueType::String, &["", "x"], &[])]
    #[case(ValueType::Numeric, &["0", "-12.50"], &["", "1e3", "ten", "1 "])]
    #[case(ValueType::Boolean, &["true", "FALSE"], &["", "yes", "1"])]
    #[case(ValueType::Ip, &["10.0.0.1", "::1"], &["", "10.0.0.0/8", "ten"])]
    #[case(ValueType::Binary, &["", "QUJD", "QQ=="], &["Q", "Q=Q=", "*"])]
    #[case(ValueType::Date, &["2026-02-03", "2026-02-03T04:05:06Z", "1700000000"], &["", "today", "2026-13-01"])]
    fn a_type_admits_what_its_operators_compare(
        #[case] kind: ValueType,
        #[case] admitted: &[&str],
        #[case] refused: &[&str],
    ) {
        for text in admitted {
            assert!(kind.admits(text), "{kind:?} {text}");
        }
        for text in refused {
            assert!(!kind.admits(text), "{kind:?} {text}");
        }
    }

    #[rstest]
    #[case("10", "9", Ordering::Greater)]
    #[case("-10", "-9", Ordering::Less)]
    #[case("1.50", "1.5", Ordering::Equal)]
    #[case("007", "7.0", Ordering::Equal)]
    #[case("-0", "0", Ordering::Equal)]
    #[case("9007199254740993", "9007199254740992", Ordering::Greater)]
    #[case("0.1", "0.09", Ordering::Greater)]
    fn numbers_compare_exactly(#[case] a: &str, #[case] b: &str, #[case] expected: Ordering) {
        let (a, b) = (Number::parse(a).unwrap(), Number::parse(b).unwrap());
        assert_eq!(a.compare(&b), expected);
    }

    #[rstest]
    #[case("12abc")]
    #[case("")]
    #[case("1.")]
    #[case(".5")]
    #[case("1e3")]
    #[case(" 1")]
    #[case("--1")]
    fn what_is_not_a_number_is_none(#[case] text: &str) {
        assert_eq!(Number::parse(text), None);
    }

    #[rstest]
    #[case("2020-01-01T00:00:00Z", "1577836800")]
    #[case("2020-01-01", "1577836800")]
    #[case("2020-01", "1577836800")]
    #[case("2020-01-01T01:00:00+01:00", "1577836800")]
    #[case("2019-12-31T19:00-05:00", "1577836800")]
    #[case("2020-01-01T00:00:00.250Z", "1577836800.25")]
    #[case("2020-01-01t1:0:0+01", "1577836800")]
    #[case("2020-02-29T00:00:00Z", "1582934400")]
    #[case("1969-12-31T23:59:59Z", "-1")]
    fn dates_and_epoch_seconds_name_the_same_instants(#[case] date: &str, #[case] epoch: &str) {
        assert_eq!(Instant::parse(date).unwrap(), Instant::parse(epoch).unwrap());
    }

    #[rstest]
    #[case("2019-02-29")]
    #[case("2020-13-01")]
    #[case("2020-01-01T24:00:00Z")]
    #[case("2020-01-01T001:00:00Z")]
    #[case("2020-01-01T00:00:00+1")]
    #[case("2020-01-01T00:00:00.1234567890Z")]
    #[case("2020-01-01T00:00:00Zx")]
    #[case("soon")]
    #[case("")]
    #[case("2020-01-01T")]
    fn what_is_not_a_date_is_none(#[case] text: &str) {
        assert_eq!(Instant::parse(text), None);
    }

    #[rstest]
    #[case("203.0.113.0/24", "203.0.113.255", true)]
    #[case("203.0.113.0/24", "203.0.114.0", false)]
    #[case("203.0.113.7", "203.0.113.7", true)]
    #[case("0.0.0.0/0", "8.8.8.8", true)]
    #[case("2001:db8::/32", "2001:db8:1234::1", true)]
    #[case("2001:DB8:1234:5678::", "2001:db8:1234:5678:0:0:0:0", true)]
    #[case("0.0.0.0/0", "::1", false)]
    #[case("::/0", "1.2.3.4", false)]
    fn ranges_hold_their_addresses(#[case] range: &str, #[case] address: &str, #[case] held: bool) {
        let range = AddressRange::parse(range).unwrap();
        assert_eq!(range.contains(address.parse().unwrap()), held);
    }

    #[rstest]
    #[case("10.0.0.0/33")]
    #[case("10.0.0/8")]
    #[case("10.0.0.0/+8")]
    #[case("10.0.0.0/")]
    fn what_is_not_a_range_is_none(#[case] text: &str) {
        assert_eq!(AddressRange::parse(text), None);
    }

    #[test]
    fn base64_decodes() {
        assert_eq!(
            base64("QmluYXJ5VmFsdWVJbkJhc2U2NA==").unwrap(),
            b"BinaryValueInBase64".to_vec()
        );
        assert_eq!(base64("not base64!"), None);
        assert_eq!(base64("QQ="), None);
    }
}

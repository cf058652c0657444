//! Texts that a condition key's tests tell apart: of numbers, instants and
//! addresses those at, between and beyond the policies' own, of texts and
//! patterns the classes of [`crate::words`].

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ringfence_policy::symbolic::Test;

use crate::keys::Told;
use crate::words::{Classes, Pattern, Symbol, literal, pattern};

/// The classes of the texts that the tests tell apart. They are not complete
/// where tests of two kinds are mixed, of which one has wildcards. Besides, they are
/// told apart by the shapes that a caller's keys have.
pub(crate) fn texts(tests: &[Test], shapes: Vec<Pattern>, told: &RefCell<Told>) -> Classes {
    // ForAllValues passes the empty text, whatever it is compared with.
    let mut patterns: Vec<Pattern> = vec![Pattern::new()];
    let mut numbers: Vec<&str> = Vec::new();
    let mut instants: BTreeSet<i128> = BTreeSet::new();
    let mut ranges: Vec<(IpAddr, u32)> = Vec::new();
    for test in tests {
        match test {
            Test::Text { .. } | Test::Like(_) => patterns.extend(pattern_of(test)),
            Test::Number(number) => numbers.push(number),
            Test::Instant(instant) => drop(instants.insert(*instant)),
            Test::Addresses { address, prefix } => ranges.push((*address, *prefix)),
            Test::Binary(bytes) => {
                let padded = base64(bytes);
                let plain = padded.trim_end_matches('=').to_owned();
                let same = [Some(padded), Some(plain), String::from_utf8(bytes.clone()).ok()];
                patterns.extend(same.iter().flatten().map(|text| literal(text, false)));
            }
        }
    }
    // Letters beyond ASCII have cases that are not all tried.
    let beyond = |test: &Test| match test {
        Test::Text { text, fold: true } if !text.is_ascii() => Some(text.clone()),
        _ => None,
    };
    let cased: Vec<String> = tests.iter().filter_map(beyond).collect();
    let literals: Vec<String> = patterns.iter().filter_map(written).collect();
    // No number, date or address is like an ARN.
    let is_wild = |one: &Pattern| !one.iter().all(is_literal) && may_be_read(one);
    let read = !numbers.is_empty() || !instants.is_empty() || !ranges.is_empty();
    let both = !numbers.is_empty() && !instants.is_empty();
    let mixed = both || (read && patterns.iter().any(is_wild));
    let of_numbers = numeric(&numbers, &literals);
    patterns.extend(shapes);
    let mut found = told.borrow_mut().classes(patterns);
    found.complete &= of_numbers.is_some() && !mixed && cased.is_empty();
    found.words.extend(cased.iter().flat_map(|it| [it.to_lowercase(), it.to_uppercase()]));
    found.words.extend(of_numbers.unwrap_or_default());
    found.words.extend(dates(&instants));
    found.words.extend(addresses(&ranges));
    let mut seen = BTreeSet::new();
    found.words.retain(|word| seen.insert(word.clone()));
    found.words.sort_by_key(String::len);
    found
}

/// What a text is compared with by a test; nothing for other types.
pub(crate) fn pattern_of(test: &Test) -> Option<Pattern> {
    match test {
        Test::Text { text, fold } => Some(literal(text, *fold)),
        Test::Like(tokens) => Some(pattern(tokens)),
        Test::Number(_) | Test::Instant(_) | Test::Addresses { .. } | Test::Binary(_) => None,
    }
}

fn is_literal(symbol: &Symbol) -> bool {
    matches!(symbol, Symbol::Character(_) | Symbol::Letter(_))
}

/// Whether a number, a date or an address may match, as far as the beginning
/// tells.
fn may_be_read(pattern: &Pattern) -> bool {
    let head = pattern.iter().take_while(|symbol| is_literal(symbol));
    head.into_iter().all(|symbol| match symbol {
        Symbol::Character(one) | Symbol::Letter(one) => {
            one.is_ascii_hexdigit() || ".:-+TtZz".contains(*one)
        }
        _ => true,
    })
}

fn written(pattern: &Pattern) -> Option<String> {
    pattern
        .iter()
        .map(|symbol| match symbol {
            Symbol::Character(one) | Symbol::Letter(one) => Some(*one),
            _ => None,
        })
        .collect()
}

/// Each number, and one between, below and above; each written so that no text
/// names it as well. `None`: one is too long.
fn numeric(numbers: &[&str], literals: &[String]) -> Option<Vec<String>> {
    if numbers.is_empty() {
        return Some(Vec::new());
    }
    let places = numbers.iter().map(|text| fraction(text).len()).max().unwrap_or(0) + 1;
    let mut values: BTreeSet<i128> = BTreeSet::new();
    for text in numbers {
        let zeros = places.checked_sub(fraction(text).len())?;
        let digits = format!("{}{}", text.replace('.', ""), "0".repeat(zeros));
        values.insert(digits.parse().ok()?);
    }
    let between: Vec<i128> =
        values.iter().zip(values.iter().skip(1)).map(|(a, b)| a.midpoint(*b)).collect();
    let unit = 10_i128.checked_pow(u32::try_from(places).ok()?)?;
    let below = values.first()?.checked_sub(unit)?;
    let above = values.last()?.checked_add(unit)?;
    values.extend(between);
    values.extend([below, above]);
    let written = values.into_iter().flat_map(|value| {
        let sign = if value < 0 { "-" } else { "" };
        let (whole, part) = (value.abs() / unit, value.abs() % unit);
        let part = format!("{part:0places$}");
        let part = part.trim_end_matches('0');
        let short = match part {
            "" => format!("{sign}{whole}"),
            part => format!("{sign}{whole}.{part}"),
        };
        let zeros = (1..)
            .map(|zeros| format!("{sign}{}{}", "0".repeat(zeros), short.trim_start_matches('-')));
        let other = zeros.into_iter().find(|text| !literals.contains(text));
        [short].into_iter().chain(other.filter(|_| !literals.is_empty()))
    });
    Some(written.collect())
}

fn fraction(text: &str) -> &str {
    text.split_once('.').map_or("", |(_, fraction)| fraction)
}

const SECOND: i128 = 1_000_000_000;

/// Each instant, and one between, before and after.
fn dates(instants: &BTreeSet<i128>) -> Vec<String> {
    let (Some(first), Some(last)) = (instants.first(), instants.last()) else { return Vec::new() };
    let mut all = instants.clone();
    all.extend(instants.iter().zip(instants.iter().skip(1)).map(|(a, b)| a.midpoint(*b)));
    all.extend([first - SECOND, last + SECOND]);
    all.into_iter().map(date).collect()
}

/// An instant in nanoseconds since 1970, as ISO 8601 has it.
fn date(instant: i128) -> String {
    let (seconds, nanoseconds) = (instant.div_euclid(SECOND), instant.rem_euclid(SECOND));
    let (days, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Howard Hinnant's civil calendar.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i128::from(month <= 2);
    if !(0..=9999).contains(&year) {
        return format!("{seconds}.{nanoseconds:09}");
    }
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    let fraction = match nanoseconds {
        0 => String::new(),
        some => format!(".{some:09}"),
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// The first address of each range, the first beyond it, and the first of all.
fn addresses(ranges: &[(IpAddr, u32)]) -> Vec<String> {
    if ranges.is_empty() {
        return Vec::new();
    }
    let mut out =
        BTreeSet::from([IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)]);
    for (address, prefix) in ranges {
        match address {
            IpAddr::V4(address) => {
                let rest = u32::MAX.checked_shr(*prefix).unwrap_or(0);
                let first = u32::from(*address) & !rest;
                out.insert(Ipv4Addr::from(first).into());
                out.extend((first | rest).checked_add(1).map(|next| IpAddr::V4(next.into())));
            }
            IpAddr::V6(address) => {
                let rest = u128::MAX.checked_shr(*prefix).unwrap_or(0);
                let first = u128::from(*address) & !rest;
                out.insert(Ipv6Addr::from(first).into());
                out.extend((first | rest).checked_add(1).map(|next| IpAddr::V6(next.into())));
            }
        }
    }
    out.into_iter().map(|address| address.to_string()).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |place: usize| u32::from(chunk.get(place).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 63;
            match DIGITS.get(digit as usize).filter(|_| place <= chunk.len()) {
                Some(digit) => out.push(char::from(*digit)),
                None => out.push('='),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_tried_at_between_and_beyond() {
        let found = numeric(&["5", "10.5"], &[]).unwrap();
        assert_eq!(found, ["4", "5", "7.75", "10.5", "11.5"]);
        assert_eq!(numeric(&["-0.5"], &[]).unwrap(), ["-1.5", "-0.5", "0.5"]);
        assert_eq!(numeric(&["5"], &["5".into()]).unwrap(), ["4", "04", "5", "05", "6", "06"]);
    }

    #[test]
    fn instants_are_written_as_dates() {
        assert_eq!(date(0), "1970-01-01T00:00:00Z");
        assert_eq!(date(1_582_934_400 * SECOND + 5), "2020-02-29T00:00:00.000000005Z");
        assert_eq!(date(-SECOND), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn addresses_are_tried_at_the_ends_of_each_range() {
        let range = |text: &str, prefix| (text.parse().unwrap(), prefix);
        let found = addresses(&[range("10.1.2.3", 8), range("2001:db8::", 32)]);
        assert_eq!(found, ["0.0.0.0", "10.0.0.0", "11.0.0.0", "::", "2001:db8::", "2001:db9::"]);
    }

    #[test]
    fn bytes_are_written_in_base64() {
        assert_eq!(base64(b"a"), "YQ==");
        assert_eq!(base64(b"ab"), "YWI=");
        assert_eq!(base64(b"abc"), "YWJj");
    }
}

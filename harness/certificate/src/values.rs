//! Values of a condition key, one of each kind that its conditions tell apart.

use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ringfence_policy::symbolic::Test;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::language::{Language, Symbol, literal, samples, symbols};
use crate::matter::Shape;

/// Texts: of those that match the same texts and patterns one, each number, instant and
/// address at which an order changes, and one behind it. With a shape, those of it.
///
/// # Errors
/// What is not told apart here.
pub(crate) fn texts(tests: &[Test], shape: Option<&Shape>) -> Result<Vec<String>, String> {
    let mut languages = vec![Language(vec![Vec::new()])];
    let (mut numbers, mut instants) = (Vec::new(), BTreeSet::new());
    let mut addresses: Vec<(IpAddr, u32)> = Vec::new();
    let mut literals = BTreeSet::new();
    for test in tests {
        match test {
            Test::Text { text, fold: true } if !text.is_ascii() => {
                return Err(format!("the letters of `{text}` in any case are not checked here"));
            }
            Test::Text { text, fold } => {
                literals.insert(text.clone());
                languages.push(Language(vec![literal(text, *fold)]));
            }
            Test::Like(tokens) => languages.push(Language(vec![symbols(tokens)])),
            Test::Number(number) => numbers.push(number.as_str()),
            Test::Instant(instant) => drop(instants.insert(*instant)),
            Test::Addresses { address, prefix } => addresses.push((*address, *prefix)),
            Test::Binary(_) => return Err("bytes are not checked here".to_owned()),
        }
    }
    let is_wild = |language: &Language| {
        let begins = |way: &Vec<Symbol>| match way.first() {
            Some(Symbol::Character(one) | Symbol::Letter(one)) => {
                one.is_ascii_hexdigit() || "+-.:".contains(*one)
            }
            first => first.is_some(),
        };
        let is_many = |one: &Symbol| !matches!(one, Symbol::Character(_) | Symbol::Letter(_));
        language.0.iter().any(|way| begins(way) && way.iter().any(is_many))
    };
    let kinds = [!numbers.is_empty(), !instants.is_empty(), !addresses.is_empty()];
    let kinds = kinds.into_iter().filter(|is_there| *is_there).count();
    if kinds > 1 || (kinds == 1 && languages.iter().any(is_wild)) {
        return Err("it is compared as text and as another type: not checked here".to_owned());
    }
    languages.extend(shape.into_iter().flat_map(|shape| shape.languages().cloned()));
    let all: HashSet<&Language> = languages.iter().collect();
    let all: Vec<&Language> = all.into_iter().collect();
    let mut texts = samples(&all, |_| true).map_err(|_| "it has too many patterns".to_owned())?;
    texts.extend(points(&numbers, &literals).ok_or("a number is too long")?);
    texts.extend(moments(&instants).ok_or("an instant is too far away")?);
    texts.extend(first_addresses(&addresses));
    texts.retain(|text| shape.is_none_or(|shape| shape.has(text)));
    Ok(texts)
}

/// Each number and one just above, and one below all; written so that no text names it
/// besides, and as a text does that names it.
fn points(numbers: &[&str], literals: &BTreeSet<String>) -> Option<Vec<String>> {
    let fraction = |text: &str| text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let places = numbers.iter().map(|text| fraction(text)).max().unwrap_or_default() + 1;
    let mut values: BTreeSet<i128> = BTreeSet::new();
    for text in numbers {
        let zeros = "0".repeat(places - fraction(text));
        values.insert(format!("{}{zeros}", text.replace('.', "")).parse().ok()?);
    }
    let lowest = values.first().map(|value| value - 1);
    let above: Vec<i128> = values.iter().map(|value| value + 1).collect();
    values.extend(above);
    values.extend(lowest);
    let written = |value: i128| {
        let unit = 10_i128.checked_pow(u32::try_from(places).ok()?)?;
        let sign = if value < 0 { "-" } else { "" };
        let (whole, rest) = (
            value.unsigned_abs() / unit.unsigned_abs(),
            value.unsigned_abs() % unit.unsigned_abs(),
        );
        let mut text = format!("{sign}{whole}.{rest:0places$}");
        while literals.contains(&text) {
            text.push('0');
        }
        Some(text)
    };
    values.into_iter().map(written).collect()
}

/// Each instant and the next, and one before all.
fn moments(instants: &BTreeSet<i128>) -> Option<Vec<String>> {
    let mut all = instants.clone();
    all.extend(instants.iter().map(|instant| instant + 1));
    all.extend(instants.first().map(|instant| instant - 1));
    let written = |instant| {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(instant).ok()?;
        moment.format(&Rfc3339).ok()
    };
    all.into_iter().map(written).collect()
}

/// The first address of each range, the first behind it, and the first of all.
fn first_addresses(ranges: &[(IpAddr, u32)]) -> Vec<String> {
    let mut all: BTreeSet<IpAddr> = BTreeSet::new();
    if !ranges.is_empty() {
        all.extend([IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)]);
    }
    for (address, prefix) in ranges {
        match address {
            IpAddr::V4(address) => {
                let free = u32::MAX.checked_shr(*prefix).unwrap_or_default();
                all.insert(Ipv4Addr::from(address.to_bits() & !free).into());
                let behind = (address.to_bits() | free).checked_add(1);
                all.extend(behind.map(|bits| IpAddr::V4(bits.into())));
            }
            IpAddr::V6(address) => {
                let free = u128::MAX.checked_shr(*prefix).unwrap_or_default();
                all.insert(Ipv6Addr::from(address.to_bits() & !free).into());
                let behind = (address.to_bits() | free).checked_add(1);
                all.extend(behind.map(|bits| IpAddr::V6(bits.into())));
            }
        }
    }
    all.into_iter().map(|address| address.to_string()).collect()
}

//! Patterns, and classes of texts: for each set of patterns that some text
//! matches, and no more, the shortest such text.

use std::collections::{HashMap, HashSet};

use ringfence_policy::symbolic::Token;

use crate::product::Product;
use crate::relation::is_apart;

/// What a place of a pattern accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Symbol {
    Character(char),
    /// In either case.
    Letter(char),
    Any,
    /// Any but a colon.
    AnyInPart,
    Digit,
    /// Any but a slash.
    AnyInPath,
    Many,
    ManyInPart,
    ManyInPath,
}

/// A pattern.
pub(crate) type Pattern = Vec<Symbol>;

/// A pattern of the engine.
pub(crate) fn pattern(tokens: &[Token]) -> Pattern {
    let mut out = Vec::with_capacity(tokens.len());
    let mut bytes: Vec<u8> = Vec::new();
    for token in tokens {
        match *token {
            Token::Byte(byte) | Token::Letter(byte) if byte >= 0x80 || !bytes.is_empty() => {
                bytes.push(byte);
                if let Ok(text) = std::str::from_utf8(&bytes) {
                    out.extend(text.chars().map(Symbol::Character));
                    bytes.clear();
                }
            }
            Token::Letter(byte) if byte.is_ascii_alphabetic() => {
                out.push(Symbol::Letter(char::from(byte.to_ascii_lowercase())));
            }
            Token::Byte(byte) | Token::Letter(byte) => {
                out.push(Symbol::Character(char::from(byte)))
            }
            Token::One => out.push(Symbol::Any),
            Token::OneInPart => out.push(Symbol::AnyInPart),
            Token::Many => out.push(Symbol::Many),
            Token::ManyInPart => out.push(Symbol::ManyInPart),
        }
    }
    out
}

/// A text as a pattern.
pub(crate) fn literal(text: &str, fold: bool) -> Pattern {
    text.chars()
        .map(|character| match fold && character.is_ascii_alphabetic() {
            true => Symbol::Letter(character.to_ascii_lowercase()),
            false => Symbol::Character(character),
        })
        .collect()
}

/// What texts may be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Alphabet {
    /// Anything.
    All,
    /// All but colons: a part of an ARN before the resource.
    Part,
    /// Letters, digits and hyphens: an action's name.
    Name,
}

impl Alphabet {
    pub(crate) fn has(self, character: char) -> bool {
        match self {
            Self::All => true,
            Self::Part => character != ':',
            Self::Name => character.is_ascii_alphanumeric() || character == '-',
        }
    }
}

/// Texts, one of each class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Classes {
    /// The shortest of each class, the shortest first.
    pub(crate) words: Vec<String>,
    /// Whether there are no other classes.
    pub(crate) complete: bool,
}

/// The classes of the texts by the patterns that they match.
pub(crate) fn classes(patterns: &[Pattern], alphabet: Alphabet) -> Classes {
    let patterns = distinct(patterns.iter());
    let found = easily(&patterns, alphabet);
    found.unwrap_or_else(|| Product::new(&patterns, alphabet).walk())
}

/// A pattern, and what has it, by number.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) pattern: Pattern,
    pub(crate) of: Vec<usize>,
}

/// The classes of the texts by what has a pattern that they match, and by none of these
/// which. There may be more texts than one of a class.
pub(crate) fn classes_of(entries: &[Entry], alphabet: Alphabet) -> Classes {
    let found = easily(&distinct(entries.iter().map(|entry| &entry.pattern)), alphabet);
    found.unwrap_or_else(|| Product::of(entries, alphabet).walk())
}

fn distinct<'p>(patterns: impl Iterator<Item = &'p Pattern>) -> Vec<&'p Pattern> {
    let mut seen: HashSet<&Pattern> = HashSet::new();
    patterns.filter(|one| seen.insert(one)).collect()
}

/// The classes of the texts by the patterns that they match, where no more than the
/// patterns need be looked at.
fn easily(patterns: &[&Pattern], alphabet: Alphabet) -> Option<Classes> {
    let found = simple(patterns, alphabet).or_else(|| beside_some(patterns, alphabet));
    found.map(|words| Classes { words, complete: true })
}

/// Patterns with wildcards in the middle, at most, beside texts and beginnings of texts.
const SOME: usize = 4;

/// Texts and beginnings of texts beside a few other patterns, each of which matches all or
/// nothing of what any of these does: a text that is like none of these is of a class of the
/// others alone. So are ARNs among all that is written like one.
fn beside_some(patterns: &[&Pattern], alphabet: Alphabet) -> Option<Vec<String>> {
    let is_simple = |pattern: &&&Pattern| {
        let head = match pattern.split_last() {
            Some((Symbol::Many, head)) => head,
            _ => pattern.as_slice(),
        };
        head.iter().all(|symbol| matches!(symbol, Symbol::Character(_) | Symbol::Letter(_)))
    };
    let (plain, others): (Vec<&Pattern>, Vec<&Pattern>) =
        patterns.iter().copied().partition(|pattern| is_simple(&pattern));
    if others.is_empty() || others.len() > SOME || plain.len() <= SOME {
        return None;
    }
    // The empty text, and `*`, are beginnings of what other patterns tell apart.
    let is_told = |pattern: &&&Pattern| {
        others.iter().all(|other| includes(other, pattern) || is_apart(other, pattern))
    };
    let (told, rest): (Vec<&Pattern>, Vec<&Pattern>) =
        plain.iter().copied().partition(|pattern| is_told(&pattern));
    // Of the rest each matches all or nothing of these, too.
    let is_clear = |one: &Pattern, pattern: &Pattern| {
        let is_not_empty = matches!(pattern.first(), Some(first) if !is_many(first));
        includes(one, pattern) || is_apart(one, pattern) || (one.is_empty() && is_not_empty)
    };
    if rest.len() > SOME || rest.iter().any(|one| told.iter().any(|it| !is_clear(one, it))) {
        return None;
    }
    let mut words = simple(&told, alphabet)?;
    let few: Vec<&Pattern> = others.into_iter().chain(rest).collect();
    // With a character that none of them all names.
    let free = vec![Symbol::Character(fresh(patterns, alphabet, false)?), Symbol::Many];
    let few_and_free: Vec<&Pattern> = few.iter().copied().chain([&free]).collect();
    let found = Product::new(&few_and_free, alphabet).walk();
    if !found.complete {
        return None;
    }
    // What is like one of the others is of its class already.
    let is_like = |word: &&String| told.iter().any(|pattern| matches(pattern, word));
    let (taken, own): (Vec<String>, Vec<String>) =
        found.words.into_iter().partition(|word| is_like(&word));
    let class = |word: &str| few.iter().map(|one| matches(one, word)).collect::<Vec<bool>>();
    let own_classes: HashSet<Vec<bool>> = own.iter().map(|word| class(word)).collect();
    if taken.iter().any(|word| !own_classes.contains(&class(word))) {
        return None;
    }
    words.extend(own);
    words.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    words.dedup();
    Some(words)
}

/// Texts and beginnings of texts alone: each text, each beginning, and a text
/// beyond each beginning that is none of them.
fn simple(patterns: &[&Pattern], alphabet: Alphabet) -> Option<Vec<String>> {
    let fresh = fresh(patterns, alphabet, false)?;
    let mut words: HashSet<String> = HashSet::from([String::new(), fresh.to_string()]);
    let (mut characters, mut letters) = (false, false);
    let is_digits = |pattern: &&&Pattern| pattern.iter().all(|symbol| *symbol == Symbol::Digit);
    let digits = patterns.iter().filter(|pattern| !pattern.is_empty()).find(is_digits);
    if let Some(digits) = digits {
        // What begins otherwise may be digits as well.
        let begins = |pattern: &&Pattern| pattern.len() > 1 && pattern.contains(&Symbol::Many);
        if patterns.iter().any(begins) {
            return None;
        }
        let digit = self::fresh(patterns, Alphabet::All, true)?;
        words.insert(digit.to_string().repeat(digits.len()));
    }
    for pattern in patterns {
        if is_digits(&pattern) {
            continue;
        }
        let (head, many) = match pattern.split_last() {
            Some((Symbol::Many, head)) => (head, true),
            _ => (pattern.as_slice(), false),
        };
        let mut word = String::new();
        for symbol in head {
            match *symbol {
                Symbol::Character(character) => {
                    characters |= character.is_alphabetic();
                    word.push(character);
                }
                Symbol::Letter(letter) => {
                    letters = true;
                    word.push(letter);
                }
                _ => return None,
            }
        }
        if many {
            words.insert(format!("{word}{fresh}"));
        }
        words.insert(word);
    }
    // Where case counts in one pattern and not in another, both must be tried.
    if characters && letters && !are_apart_by_case(patterns) {
        return None;
    }
    let mut words: Vec<String> =
        words.into_iter().filter(|word| word.chars().all(|one| alphabet.has(one))).collect();
    words.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    Some(words)
}

/// Whether wherever several patterns go on alike, case counts in all of them or in none.
fn are_apart_by_case(patterns: &[&Pattern]) -> bool {
    let mut counts: HashMap<String, bool> = HashMap::new();
    for pattern in patterns {
        let mut begin = String::new();
        for symbol in pattern.iter() {
            let (one, case_counts) = match *symbol {
                Symbol::Character(one) => (one.to_ascii_lowercase(), true),
                Symbol::Letter(one) => (one.to_ascii_lowercase(), false),
                _ => break,
            };
            begin.push(one);
            if !one.is_alphabetic() {
                continue;
            }
            match counts.get(&begin) {
                Some(known) if *known != case_counts => return false,
                Some(_) => {}
                None => drop(counts.insert(begin.clone(), case_counts)),
            }
        }
    }
    true
}

/// A character that no pattern names.
pub(crate) fn fresh(patterns: &[&Pattern], alphabet: Alphabet, digit: bool) -> Option<char> {
    let named = || {
        let symbols = patterns.iter().flat_map(|pattern| pattern.iter());
        symbols.filter_map(|symbol| match symbol {
            Symbol::Character(one) | Symbol::Letter(one) => Some(one.to_ascii_lowercase()),
            _ => None,
        })
    };
    // A bit for each of ASCII's.
    let ascii = named().filter(char::is_ascii).fold(0_u128, |all, one| all | 1 << u32::from(one));
    let preferred = if digit { "1234567890" } else { "xyzwqkjvabcdefghilmnoprstu0123456789-" };
    let is_free = |one: &char| ascii >> u32::from(*one) & 1 == 0 && alphabet.has(*one);
    if let Some(found) = preferred.chars().find(is_free) {
        return Some(found);
    }
    let named: HashSet<char> = named().collect();
    let beyond = (0xa1..0x2000).filter_map(char::from_u32).filter(|_| !digit);
    let mut all = beyond.filter(|one| one.is_alphabetic());
    all.find(|one| alphabet.has(*one) && !named.contains(one))
}

/// Whether a place of a pattern accepts a character.
pub(crate) fn accepts(symbol: Symbol, character: char) -> bool {
    match symbol {
        Symbol::Character(one) => one == character,
        Symbol::Letter(one) => one.eq_ignore_ascii_case(&character),
        Symbol::Any | Symbol::Many => true,
        Symbol::AnyInPart | Symbol::ManyInPart => character != ':',
        Symbol::Digit => character.is_ascii_digit(),
        Symbol::AnyInPath | Symbol::ManyInPath => character != '/',
    }
}

/// Whether it stands for any number of characters.
pub(crate) fn is_many(symbol: &Symbol) -> bool {
    matches!(symbol, Symbol::Many | Symbol::ManyInPart | Symbol::ManyInPath)
}

/// Whether a pattern matches a text.
pub(crate) fn matches(pattern: &[Symbol], text: &str) -> bool {
    reads(pattern, text.chars(), accepts)
}

/// Whether a pattern matches all that another does, as far as one symbol after the other
/// tells.
pub(crate) fn includes(pattern: &[Symbol], other: &[Symbol]) -> bool {
    reads(pattern, other.iter().copied(), accepts_all)
}

/// The texts that stand in a pattern between its wildcards, in small letters: each stands in
/// a pattern within it, too.
pub(crate) fn segments(pattern: &[Symbol]) -> Vec<String> {
    let literal = |symbol: &Symbol| match symbol {
        Symbol::Character(one) | Symbol::Letter(one) => Some(one.to_ascii_lowercase()),
        _ => None,
    };
    let all = pattern.split(|symbol| literal(symbol).is_none());
    let texts = all.map(|part| part.iter().filter_map(literal).collect::<String>());
    texts.filter(|text| !text.is_empty()).collect()
}

/// Whether a place of a pattern accepts all that another stands for.
fn accepts_all(symbol: Symbol, other: Symbol) -> bool {
    let one = !is_many(&other);
    match (symbol, other) {
        (Symbol::Many, _)
        | (Symbol::ManyInPart, Symbol::ManyInPart)
        | (Symbol::ManyInPath, Symbol::ManyInPath) => true,
        (Symbol::Any, _) => one,
        (Symbol::Digit, Symbol::Digit)
        | (Symbol::AnyInPart | Symbol::ManyInPart, Symbol::AnyInPart | Symbol::Digit)
        | (Symbol::AnyInPath | Symbol::ManyInPath, Symbol::AnyInPath | Symbol::Digit) => true,
        (symbol, Symbol::Character(one)) => accepts(symbol, one),
        (symbol, Symbol::Letter(one)) => {
            accepts(symbol, one.to_ascii_lowercase()) && accepts(symbol, one.to_ascii_uppercase())
        }
        _ => false,
    }
}

/// Whether places of a pattern accept one after the other.
fn reads<T: Copy>(
    mut pattern: &[Symbol],
    mut text: impl Iterator<Item = T>,
    accepts: impl Fn(Symbol, T) -> bool,
) -> bool {
    // Most differ at the beginning.
    while let Some((symbol, after)) = pattern.split_first()
        && !is_many(symbol)
    {
        match text.next() {
            Some(one) if accepts(*symbol, one) => pattern = after,
            _ => return false,
        }
    }
    // Places in the pattern, in order, each once.
    let mut places = vec![0];
    let mut next: Vec<usize> = Vec::new();
    let go_on = |places: &mut Vec<usize>, mut place: usize| {
        loop {
            if places.last() != Some(&place) {
                places.push(place);
            }
            match pattern.get(place) {
                Some(symbol) if is_many(symbol) => place += 1,
                _ => return,
            }
        }
    };
    places.clear();
    go_on(&mut places, 0);
    for character in text {
        next.clear();
        for place in &places {
            let Some(symbol) = pattern.get(*place) else { continue };
            if !accepts(*symbol, character) {
                continue;
            }
            let reached = if is_many(symbol) { *place } else { place + 1 };
            if next.last().is_none_or(|last| reached > *last) {
                go_on(&mut next, reached);
            }
        }
        std::mem::swap(&mut places, &mut next);
        if places.is_empty() {
            return false;
        }
    }
    places.last() == Some(&pattern.len())
}

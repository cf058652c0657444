//! Classes of texts: for each set of patterns that some text matches, and no
//! more, the shortest such text.
//!
//! The patterns are read side by side, each as an automaton whose states are
//! the places in it (a bit each), and their product is walked from the shortest
//! text on. Texts that lead to the same places are continued once.

use std::collections::{HashSet, VecDeque};

use ringfence_policy::symbolic::Token;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// Anything.
    All,
    /// All but colons: a part of an ARN before the resource.
    Part,
    /// Letters, digits and hyphens: an action's name.
    Name,
}

impl Alphabet {
    fn has(self, character: char) -> bool {
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

/// States of the product after which the walk is given up.
const STATES: usize = 2_000;

/// The classes of the texts by the patterns that they match.
pub(crate) fn classes(patterns: &[Pattern], alphabet: Alphabet) -> Classes {
    let mut seen: HashSet<&Pattern> = HashSet::new();
    let patterns: Vec<&Pattern> = patterns.iter().filter(|one| seen.insert(one)).collect();
    match simple(&patterns, alphabet) {
        Some(words) => Classes { words, complete: true },
        None => Product::new(&patterns, alphabet).walk(),
    }
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
    if characters && letters {
        return None;
    }
    let mut words: Vec<String> =
        words.into_iter().filter(|word| word.chars().all(|one| alphabet.has(one))).collect();
    words.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    Some(words)
}

/// A character that no pattern names.
fn fresh(patterns: &[&Pattern], alphabet: Alphabet, digit: bool) -> Option<char> {
    let named: HashSet<char> = patterns
        .iter()
        .flat_map(|pattern| pattern.iter())
        .filter_map(|symbol| match symbol {
            Symbol::Character(one) | Symbol::Letter(one) => Some(one.to_ascii_lowercase()),
            _ => None,
        })
        .collect();
    let preferred = if digit { "1234567890" } else { "xyzwqkjvabcdefghilmnoprstu0123456789-" };
    let beyond = (0xa1..0x2000).filter_map(char::from_u32).filter(|_| !digit);
    let mut all = preferred.chars().chain(beyond.filter(|one| one.is_alphabetic()));
    all.find(|one| alphabet.has(*one) && !named.contains(one))
}

/// Places in all patterns, a bit each.
type Places = Box<[u64]>;

struct Product {
    characters: Vec<char>,
    /// Of each character, the places that it leads on from.
    steps: Vec<Places>,
    /// Of each character, the places at which it stays.
    stays: Vec<Places>,
    /// Places that need no character to go on from.
    skips: Places,
    start: Places,
    ends: Places,
}

impl Product {
    fn new(patterns: &[&Pattern], alphabet: Alphabet) -> Self {
        let mut characters: Vec<char> = Vec::new();
        for symbol in patterns.iter().flat_map(|pattern| pattern.iter()) {
            match *symbol {
                Symbol::Character(one) => characters.push(one),
                Symbol::Letter(one) => {
                    characters.extend([one.to_ascii_lowercase(), one.to_ascii_uppercase()]);
                }
                Symbol::Digit => characters.extend(fresh(patterns, alphabet, true)),
                Symbol::AnyInPart | Symbol::ManyInPart => characters.push(':'),
                Symbol::AnyInPath | Symbol::ManyInPath => characters.push('/'),
                Symbol::Any | Symbol::Many => {}
            }
        }
        characters.extend(fresh(patterns, alphabet, false));
        characters.retain(|one| alphabet.has(*one));
        characters.sort_by_key(|one| (!one.is_ascii_lowercase(), *one));
        characters.dedup();
        let count: usize = patterns.iter().map(|pattern| pattern.len() + 1).sum();
        let none = || vec![0_u64; count.div_ceil(64)].into_boxed_slice();
        let mut product = Self {
            steps: characters.iter().map(|_| none()).collect(),
            stays: characters.iter().map(|_| none()).collect(),
            characters,
            skips: none(),
            start: none(),
            ends: none(),
        };
        let mut place = 0;
        for pattern in patterns {
            mark(&mut product.start, place);
            for symbol in *pattern {
                let many = matches!(symbol, Symbol::Many | Symbol::ManyInPart | Symbol::ManyInPath);
                if many {
                    mark(&mut product.skips, place);
                }
                let marks = if many { &mut product.stays } else { &mut product.steps };
                for (character, marks) in product.characters.iter().zip(marks) {
                    if accepts(*symbol, *character) {
                        mark(marks, place);
                    }
                }
                place += 1;
            }
            mark(&mut product.ends, place);
            place += 1;
        }
        product.keep_distinct();
        skip(&mut product.start, &product.skips);
        product
    }

    /// Of characters that every pattern treats alike, one is enough.
    fn keep_distinct(&mut self) {
        let mut seen: HashSet<(Places, Places)> = HashSet::new();
        let all = self.characters.drain(..).zip(self.steps.drain(..)).zip(self.stays.drain(..));
        let kept: Vec<_> =
            all.filter(|((_, steps), stays)| seen.insert((steps.clone(), stays.clone()))).collect();
        for ((character, steps), stays) in kept {
            self.characters.push(character);
            self.steps.push(steps);
            self.stays.push(stays);
        }
    }

    fn after(&self, places: &Places, character: usize) -> Places {
        let mut out = places.clone();
        let (Some(steps), Some(stays)) = (self.steps.get(character), self.stays.get(character))
        else {
            return out;
        };
        let mut carry = 0;
        for (word, (step, stay)) in out.iter_mut().zip(steps.iter().zip(stays.iter())) {
            let moving = *word & step;
            let staying = *word & stay;
            *word = (moving << 1) | carry | staying;
            carry = moving >> 63;
        }
        skip(&mut out, &self.skips);
        out
    }

    fn walk(&self) -> Classes {
        let mut known: HashSet<Places> = HashSet::from([self.start.clone()]);
        let mut matched: HashSet<Places> = HashSet::new();
        let mut queue = VecDeque::from([(self.start.clone(), String::new())]);
        let mut words = Vec::new();
        let mut complete = true;
        while let Some((places, word)) = queue.pop_front() {
            let ends: Places = places.iter().zip(&self.ends).map(|(a, b)| a & b).collect();
            if matched.insert(ends) {
                words.push(word.clone());
            }
            for (character, text) in self.characters.iter().enumerate() {
                let next = self.after(&places, character);
                if known.contains(&next) {
                    continue;
                }
                if known.len() >= STATES {
                    complete = false;
                    continue;
                }
                known.insert(next.clone());
                queue.push_back((next, format!("{word}{text}")));
            }
        }
        Classes { words, complete }
    }
}

fn mark(places: &mut Places, place: usize) {
    if let Some(word) = places.get_mut(place / 64) {
        *word |= 1 << (place % 64);
    }
}

/// Goes on from each `*` to what follows it.
fn skip(places: &mut Places, skips: &Places) {
    loop {
        let mut carry = 0;
        let mut changed = false;
        for (word, skips) in places.iter_mut().zip(skips.iter()) {
            let skipping = *word & skips;
            let next = *word | (skipping << 1) | carry;
            carry = skipping >> 63;
            changed |= next != *word;
            *word = next;
        }
        if !changed {
            return;
        }
    }
}

fn accepts(symbol: Symbol, character: char) -> bool {
    match symbol {
        Symbol::Character(one) => one == character,
        Symbol::Letter(one) => one.eq_ignore_ascii_case(&character),
        Symbol::Any | Symbol::Many => true,
        Symbol::AnyInPart | Symbol::ManyInPart => character != ':',
        Symbol::Digit => character.is_ascii_digit(),
        Symbol::AnyInPath | Symbol::ManyInPath => character != '/',
    }
}

/// Whether a pattern matches a text.
pub(crate) fn matches(pattern: &[Symbol], text: &str) -> bool {
    let is_many =
        |symbol: &Symbol| matches!(symbol, Symbol::Many | Symbol::ManyInPart | Symbol::ManyInPath);
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
    for character in text.chars() {
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

//! Texts that patterns match and others do not: whether there are any, and one of each
//! kind. Patterns are read side by side, character by character, from the shortest text
//! on.

use std::collections::{BTreeSet, HashSet, VecDeque};

use ringfence_policy::symbolic::Token;

/// Sets of places that are looked at before a question is given up.
const STATES: usize = 20_000;

/// A place of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Symbol {
    Character(char),
    /// In either case.
    Letter(char),
    One,
    OneInPart,
    Many,
    ManyInPart,
}

/// Texts that match one of some patterns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Language(pub(crate) Vec<Vec<Symbol>>);

/// Too many sets of places were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Symbol {
    fn accepts(self, character: char) -> bool {
        match self {
            Self::Character(one) => one == character,
            Self::Letter(one) => one.eq_ignore_ascii_case(&character),
            Self::One | Self::Many => true,
            Self::OneInPart | Self::ManyInPart => character != ':',
        }
    }

    fn is_many(self) -> bool {
        matches!(self, Self::Many | Self::ManyInPart)
    }

    fn written(self) -> Option<char> {
        match self {
            Self::Character(one) | Self::Letter(one) => Some(one),
            _ => None,
        }
    }
}

/// The engine's tokens as characters.
pub(crate) fn symbols(tokens: &[Token]) -> Vec<Symbol> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut bytes = Vec::new();
    for token in tokens {
        out.push(match *token {
            Token::Byte(byte) | Token::Letter(byte) if byte >= 0x80 => {
                bytes.push(byte);
                let Ok(text) = std::str::from_utf8(&bytes) else { continue };
                out.extend(text.chars().map(Symbol::Character));
                bytes.clear();
                continue;
            }
            Token::Letter(byte) if byte.is_ascii_alphabetic() => {
                Symbol::Letter(char::from(byte.to_ascii_lowercase()))
            }
            Token::Byte(byte) | Token::Letter(byte) => Symbol::Character(char::from(byte)),
            Token::One => Symbol::One,
            Token::OneInPart => Symbol::OneInPart,
            Token::Many => Symbol::Many,
            Token::ManyInPart => Symbol::ManyInPart,
        });
    }
    out
}

/// A text by itself.
pub(crate) fn literal(text: &str, fold: bool) -> Vec<Symbol> {
    let symbol = |one: char| match fold && one.is_ascii_alphabetic() {
        true => Symbol::Letter(one.to_ascii_lowercase()),
        false => Symbol::Character(one),
    };
    text.chars().map(symbol).collect()
}

impl Language {
    /// ARNs of which each part is like its tokens, in one of these ways.
    pub(crate) fn of_arns(ways: &[[Vec<Token>; 5]]) -> Self {
        let of_part = |symbol: Symbol| match symbol {
            Symbol::Many => Symbol::ManyInPart,
            Symbol::One => Symbol::OneInPart,
            other => other,
        };
        let way = |parts: &[Vec<Token>; 5]| {
            let mut out = literal("arn", true);
            for (place, part) in parts.iter().enumerate() {
                out.push(Symbol::Character(':'));
                match place {
                    4 => out.extend(symbols(part)),
                    _ => out.extend(symbols(part).into_iter().map(of_part)),
                }
            }
            out
        };
        Self(ways.iter().map(way).collect())
    }

    /// All ARNs.
    pub(crate) fn arns() -> Self {
        let many = || vec![Token::Many];
        Self::of_arns(&[[many(), many(), many(), many(), many()]])
    }

    /// Whether the first characters, or the last, show that no text is in both.
    pub(crate) fn is_apart(&self, other: &Self) -> bool {
        self.0.iter().all(|one| {
            other.0.iter().all(|other| {
                differ(one.iter(), other.iter()) || differ(one.iter().rev(), other.iter().rev())
            })
        })
    }

    /// Whether a text is in it.
    pub(crate) fn has(&self, text: &str) -> bool {
        let walk = Walk::new(&[self]);
        let mut state = walk.start();
        for character in text.chars() {
            state = walk.after(&state, character);
        }
        walk.ends(&state).first() == Some(&true)
    }
}

fn differ<'s>(
    one: impl Iterator<Item = &'s Symbol>,
    other: impl Iterator<Item = &'s Symbol>,
) -> bool {
    for (one, other) in one.zip(other) {
        let (Some(a), Some(b)) = (one.written(), other.written()) else { return false };
        let fold = matches!((one, other), (Symbol::Letter(_), _) | (_, Symbol::Letter(_)));
        if a != b && !(fold && a.eq_ignore_ascii_case(&b)) {
            return true;
        }
    }
    false
}

/// The shortest text that is in all of some languages and in none of others.
pub(crate) fn shortest(
    all: &[&Language],
    none: &[&Language],
    is_allowed: fn(char) -> bool,
) -> Result<Option<String>, TooMany> {
    let languages: Vec<&Language> = all.iter().chain(none).copied().collect();
    let walk = Walk::new(&languages);
    let mut found = None;
    walk.visit(
        &languages,
        is_allowed,
        |state| (0..all.len()).all(|number| walk.is_live(state, number)),
        |state, text| {
            let ends = walk.ends(state);
            let (must, must_not) = ends.split_at(all.len());
            let fits = must.iter().all(|ends| *ends) && !must_not.iter().any(|ends| *ends);
            if fits {
                found = Some(text.to_owned());
            }
            fits
        },
    )?;
    Ok(found)
}

/// One text for each set of these languages that some text is in.
pub(crate) fn samples(
    languages: &[&Language],
    is_allowed: fn(char) -> bool,
) -> Result<Vec<String>, TooMany> {
    let walk = Walk::new(languages);
    let mut seen = HashSet::new();
    let mut texts = Vec::new();
    let visit = |state: &State, text: &str| {
        if seen.insert(walk.ends(state)) {
            texts.push(text.to_owned());
        }
        false
    };
    walk.visit(languages, is_allowed, |_| true, visit)?;
    Ok(texts)
}

/// Places in patterns, a bit each.
type State = Vec<u64>;

/// Patterns side by side: after each comes a place that is its end.
struct Walk {
    symbols: Vec<Option<Symbol>>,
    /// The places of each language, from the first to behind the last.
    places: Vec<(usize, usize)>,
    starts: Vec<usize>,
}

impl Walk {
    fn new(languages: &[&Language]) -> Self {
        let mut walk = Self { symbols: Vec::new(), places: Vec::new(), starts: Vec::new() };
        for language in languages {
            let first = walk.symbols.len();
            for way in &language.0 {
                walk.starts.push(walk.symbols.len());
                walk.symbols.extend(way.iter().copied().map(Some));
                walk.symbols.push(None);
            }
            walk.places.push((first, walk.symbols.len()));
        }
        walk
    }

    fn empty(&self) -> State {
        vec![0; self.symbols.len().div_ceil(64)]
    }

    fn start(&self) -> State {
        let mut state = self.empty();
        self.starts.iter().for_each(|place| mark(&mut state, *place));
        self.skip(&mut state);
        state
    }

    /// What follows a `*` may come at once.
    fn skip(&self, state: &mut State) {
        for (place, symbol) in self.symbols.iter().enumerate() {
            if symbol.is_some_and(Symbol::is_many) && is_marked(state, place) {
                mark(state, place + 1);
            }
        }
    }

    fn after(&self, state: &State, character: char) -> State {
        let mut next = self.empty();
        for place in marked(state) {
            let Some(Some(symbol)) = self.symbols.get(place) else { continue };
            if symbol.accepts(character) {
                mark(&mut next, if symbol.is_many() { place } else { place + 1 });
            }
        }
        self.skip(&mut next);
        next
    }

    /// Of each language, whether the text so far is in it.
    fn ends(&self, state: &State) -> Vec<bool> {
        let is_end = |place: &usize| self.symbols.get(*place) == Some(&None);
        let of = |(first, last): &(usize, usize)| {
            (*first..*last).any(|place| is_end(&place) && is_marked(state, place))
        };
        self.places.iter().map(of).collect()
    }

    /// Whether some text from here on may be in a language.
    fn is_live(&self, state: &State, number: usize) -> bool {
        let places = self.places.get(number).copied().unwrap_or_default();
        (places.0..places.1).any(|place| is_marked(state, place))
    }

    fn visit(
        &self,
        languages: &[&Language],
        is_allowed: fn(char) -> bool,
        is_live: impl Fn(&State) -> bool,
        mut stops: impl FnMut(&State, &str) -> bool,
    ) -> Result<(), TooMany> {
        let characters = characters(languages, is_allowed);
        let mut known: HashSet<State> = HashSet::from([self.start()]);
        let mut queue = VecDeque::from([(self.start(), String::new())]);
        while let Some((state, text)) = queue.pop_front() {
            if stops(&state, &text) {
                return Ok(());
            }
            for character in &characters {
                let next = self.after(&state, *character);
                if known.contains(&next) || !is_live(&next) {
                    continue;
                }
                if known.len() >= STATES {
                    return Err(TooMany);
                }
                known.insert(next.clone());
                queue.push_back((next, format!("{text}{character}")));
            }
        }
        Ok(())
    }
}

/// The characters that the patterns name, in both cases, and one that none does: to all
/// patterns every other is like it.
fn characters(languages: &[&Language], is_allowed: fn(char) -> bool) -> Vec<char> {
    let symbols = languages.iter().flat_map(|language| language.0.iter().flatten());
    let mut named: BTreeSet<char> = BTreeSet::from([':']);
    for character in symbols.filter_map(|symbol| symbol.written()) {
        named.extend([character, character.to_ascii_lowercase(), character.to_ascii_uppercase()]);
    }
    let beyond = (0xa1..0x3000).filter_map(char::from_u32).filter(|one| one.is_alphabetic());
    let mut fresh = "xyzwqkjvghilmnoprstu".chars().chain(beyond);
    let fresh = fresh.find(|one| is_allowed(*one) && !named.contains(one));
    let mut all: Vec<char> = fresh.into_iter().collect();
    let lower = named.iter().filter(|one| !one.is_ascii_uppercase());
    all.extend(lower.chain(named.iter().filter(|one| one.is_ascii_uppercase())));
    all.retain(|one| is_allowed(*one));
    all
}

fn mark(state: &mut State, place: usize) {
    if let Some(word) = state.get_mut(place / 64) {
        *word |= 1 << (place % 64);
    }
}

fn is_marked(state: &State, place: usize) -> bool {
    state.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
}

fn marked(state: &State) -> impl Iterator<Item = usize> {
    state.iter().enumerate().flat_map(|(number, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            (left != 0).then(|| {
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                number * 64 + bit
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn language(text: &str) -> Language {
        let symbol = |one| match one {
            '*' => Symbol::Many,
            '?' => Symbol::One,
            one => Symbol::Character(one),
        };
        Language(text.split('|').map(|way| way.chars().map(symbol).collect()).collect())
    }

    #[rstest]
    #[case(&["a*", "*b"], &[], Some("ab"))]
    #[case(&["a*"], &["a", "a?"], Some("axx"))]
    #[case(&["a*"], &["*"], None)]
    #[case(&["a?*"], &["a?", "a??*"], None)]
    #[case(&["a|b*"], &["a"], Some("b"))]
    #[case(&[], &["", "?"], Some("xx"))]
    fn the_shortest_text(#[case] all: &[&str], #[case] none: &[&str], #[case] text: Option<&str>) {
        let [all, none] =
            [all, none].map(|some| some.iter().map(|one| language(one)).collect::<Vec<Language>>());
        let [all, none] = [&all, &none].map(|some| some.iter().collect::<Vec<_>>());
        assert_eq!(shortest(&all, &none, |_| true), Ok(text.map(str::to_owned)));
    }

    #[test]
    fn each_set_of_patterns_has_a_text() {
        let patterns = ["a*", "*b", "ab"].map(language);
        let found = samples(&patterns.iter().collect::<Vec<_>>(), |_| true);
        assert_eq!(found, Ok(["", "a", "b", "ab", "axb"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn no_part_of_an_arn_but_the_last_has_a_colon() {
        let all = Language::arns();
        assert!(all.has("ARN:a:b:c:d:e:f") && all.has("arn:::::"));
        assert!(!all.has("arn::::") && !all.has("x:::::"));
    }
}

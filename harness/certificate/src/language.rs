//! Texts that patterns match and others do not: whether there are any, and one of each
//! kind. Patterns are read side by side, character by character, from the shortest text
//! on.

use std::collections::HashSet;

use ringfence_policy::symbolic::Token;

use crate::walk::{State, Walk};

/// A place of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Symbol {
    Character(char),
    /// In either case.
    Letter(char),
    Digit,
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
    pub(crate) fn accepts(self, character: char) -> bool {
        match self {
            Self::Character(one) => one == character,
            Self::Letter(one) => one.eq_ignore_ascii_case(&character),
            Self::Digit => character.is_ascii_digit(),
            Self::One | Self::Many => true,
            Self::OneInPart | Self::ManyInPart => character != ':',
        }
    }

    pub(crate) fn is_many(self) -> bool {
        matches!(self, Self::Many | Self::ManyInPart)
    }

    pub(crate) fn written(self) -> Option<char> {
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

/// An action's name, in any case.
pub(crate) fn folded(symbols: Vec<Symbol>) -> Vec<Symbol> {
    let fold = |symbol| match symbol {
        Symbol::Character(one) => Symbol::Letter(one.to_ascii_lowercase()),
        other => other,
    };
    symbols.into_iter().map(fold).collect()
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
        |state| {
            let mut none = all.len()..languages.len();
            (0..all.len()).all(|number| walk.is_live(state, number))
                && !none.any(|number| walk.is_sure(state, number))
        },
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

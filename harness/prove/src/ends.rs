//! Patterns by what each text begins and ends with that they match: of two that begin or end
//! otherwise no text matches both.

use std::collections::BTreeMap;

use crate::words::Symbol;

/// What each text begins with that a pattern matches, and what it ends with, backwards: in
/// small letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    head: String,
    tail: String,
}

impl Ends {
    pub(crate) fn of(pattern: &[Symbol]) -> Self {
        Self { head: written(pattern.iter()), tail: written(pattern.iter().rev()) }
    }

    /// How much they say.
    pub(crate) fn len(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    /// Whether no text begins and ends as both say.
    pub(crate) fn is_apart(&self, other: &Self) -> bool {
        let differ = |one: &str, other: &str| {
            let both = one.bytes().zip(other.bytes());
            both.into_iter().any(|(one, other)| one != other)
        };
        differ(&self.head, &other.head) || differ(&self.tail, &other.tail)
    }
}

/// The characters that stand there before the first wildcard.
fn written<'s>(pattern: impl Iterator<Item = &'s Symbol>) -> String {
    let of = |symbol: &Symbol| match symbol {
        Symbol::Character(one) | Symbol::Letter(one) => Some(one.to_ascii_lowercase()),
        _ => None,
    };
    pattern.map_while(of).collect()
}

/// Things by the ends of their patterns.
#[derive(Debug)]
pub(crate) struct ByEnds<T>(BTreeMap<String, BTreeMap<String, Vec<T>>>);

impl<T> Default for ByEnds<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Copy> ByEnds<T> {
    pub(crate) fn insert(&mut self, ends: &Ends, thing: T) {
        let with_head = self.0.entry(ends.head.clone()).or_default();
        with_head.entry(ends.tail.clone()).or_default().push(thing);
    }

    /// Those whose patterns a text may match that begins and ends so.
    pub(crate) fn alike(&self, ends: &Ends) -> Vec<T> {
        let mut found = Vec::new();
        for with_head in of_both(&self.0, &ends.head) {
            for all in of_both(with_head, &ends.tail) {
                found.extend(all.iter().copied());
            }
        }
        found
    }
}

/// What stands under a text's beginnings, and under all that goes on from it.
fn of_both<'m, V>(all: &'m BTreeMap<String, V>, text: &str) -> impl Iterator<Item = &'m V> {
    let shorter: Vec<&V> =
        text.char_indices().filter_map(|(end, _)| all.get(text.get(..end)?)).collect();
    let longer = all.range(text.to_owned()..);
    let text = text.to_owned();
    let longer = longer.take_while(move |(one, _)| one.starts_with(&text)).map(|(_, value)| value);
    shorter.into_iter().chain(longer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Vec<Symbol> {
        let symbol = |one| if one == '*' { Symbol::Many } else { Symbol::Character(one) };
        text.chars().map(symbol).collect()
    }

    #[test]
    fn patterns_that_a_text_may_match_are_found_by_their_ends() {
        const ALL: [&str; 6] = ["*", "ab*", "a*c", "abc", "*bd", "b*"];
        let mut by_ends = ByEnds::default();
        for (number, one) in ALL.iter().enumerate() {
            by_ends.insert(&Ends::of(&pattern(one)), number);
        }
        for one in ["abc", "ab*", "*c", "*", "x", "a*d"] {
            let ends = Ends::of(&pattern(one));
            let mut found = by_ends.alike(&ends);
            found.sort_unstable();
            let all = ALL.iter().enumerate();
            let alike = all.filter(|(_, other)| !Ends::of(&pattern(other)).is_apart(&ends));
            assert_eq!(found, alike.map(|(number, _)| number).collect::<Vec<_>>(), "{one}");
        }
        let ends = |one| Ends::of(&pattern(one));
        assert!(ends("ab*").is_apart(&ends("b*")) && ends("*c").is_apart(&ends("a*d")));
        assert!(!ends("ab*").is_apart(&ends("*c")) && !ends("*").is_apart(&ends("x")));
    }
}

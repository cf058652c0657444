//! How two patterns stand to each other: which of them a text may match.

use crate::budget::{Budget, TooMany};
use crate::product::Product;
use crate::shortest::least;
use crate::words::{Alphabet, Pattern, Symbol, includes, is_many, matches};

/// Patterns that are read side by side have at most so many pairs of places.
const LENGTHS: usize = 20_000;

/// Which of two patterns a text may match: both, the one alone, the other alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Relation {
    pub(crate) both: bool,
    pub(crate) one: bool,
    pub(crate) other: bool,
}

impl Relation {
    /// Of patterns that nothing is known of.
    const ANY: Self = Self { both: true, one: true, other: true };

    /// Of patterns that no text matches both.
    pub(crate) const APART: Self = Self { both: false, ..Self::ANY };

    /// How they stand to each other; where that is too much to find out, in any way.
    pub(crate) fn of(one: &Pattern, other: &Pattern, alphabet: Alphabet, budget: &Budget) -> Self {
        let length = one.len() + other.len();
        // Of each `*` a text is made.
        let stars = one.iter().chain(other).filter(|symbol| is_many(symbol)).count();
        if budget.take(100 + (4 + stars) * length).is_err() {
            return Self::ANY;
        }
        if is_apart(one, other) {
            return Self::APART;
        }
        let (within, around) = (includes(other, one), includes(one, other));
        let possible = Self { both: true, one: !within, other: !around };
        if one.len() * other.len() > LENGTHS {
            return possible;
        }
        let mut relation = Self { both: false, one: false, other: false };
        let mut see = |word: &str| {
            if budget.take(4 * (1 + stars) * (1 + word.len())).is_err() {
                relation = possible;
            }
            match (matches(one, word), matches(other, word)) {
                (true, true) => relation.both = true,
                (true, false) => relation.one = true,
                (false, true) => relation.other = true,
                (false, false) => {}
            }
            relation == possible
        };
        // Most show in a few texts how they stand to each other.
        let likely = [[one, other], [other, one]].into_iter();
        let mut likely = likely.flat_map(|[one, other]| beside(one, other, alphabet));
        if likely.any(|word| word.chars().all(|one| alphabet.has(one)) && see(&word)) {
            return possible;
        }
        if budget.take(1_000 + 100 * length).is_err() {
            return possible;
        }
        match Product::new(&[one, other], alphabet).classes(budget, see) {
            Ok(()) => relation,
            Err(TooMany) => possible,
        }
    }

    /// The same, the other way.
    pub(crate) fn turned(self) -> Self {
        Self { one: self.other, other: self.one, ..self }
    }
}

/// Texts that a pattern may match: the shortest, with what another needs after its
/// beginning in place of each `*`.
fn beside(one: &Pattern, other: &Pattern, alphabet: Alphabet) -> Vec<String> {
    let all = [one, other];
    let begins = other.iter().position(is_many).unwrap_or_default();
    let rest: Pattern = other.iter().skip(begins).copied().collect();
    let Some(rest) = least(&rest, &all, alphabet) else { return Vec::new() };
    let mut texts: Vec<String> = least(one, &all, alphabet).into_iter().collect();
    for (place, _) in one.iter().enumerate().filter(|(_, symbol)| is_many(symbol)) {
        let (before, after) = one.split_at(place);
        let ends = [before, after].map(|part| least(&part.to_vec(), &all, alphabet));
        if let [Some(before), Some(after)] = ends {
            texts.push(format!("{before}{rest}{after}"));
        }
    }
    texts
}

/// Whether no text matches both of two patterns, as their ends tell.
pub(crate) fn is_apart(one: &Pattern, other: &Pattern) -> bool {
    differ(one.iter(), other.iter()) || differ(one.iter().rev(), other.iter().rev())
}

/// Whether no text begins as both do.
fn differ<'s>(
    one: impl Iterator<Item = &'s Symbol>,
    other: impl Iterator<Item = &'s Symbol>,
) -> bool {
    for (one, other) in one.zip(other) {
        match (one, other) {
            (Symbol::Character(a), Symbol::Character(b)) if a != b => return true,
            (Symbol::Letter(a), Symbol::Character(b) | Symbol::Letter(b))
            | (Symbol::Character(b), Symbol::Letter(a))
                if !a.eq_ignore_ascii_case(b) =>
            {
                return true;
            }
            (
                Symbol::Character(_) | Symbol::Letter(_),
                Symbol::Character(_) | Symbol::Letter(_),
            ) => {}
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::shortest::shortest;

    fn pattern(text: &str) -> Pattern {
        let symbol = |one| match one {
            '*' => Symbol::Many,
            '?' => Symbol::Any,
            '#' => Symbol::Digit,
            one => Symbol::Character(one),
        };
        text.chars().map(symbol).collect()
    }

    #[rstest]
    #[case("a*", "b*", [false, true, true])]
    #[case("*a", "*b", [false, true, true])]
    #[case("a*", "*b", [true, true, true])]
    #[case("a*", "ab*", [true, true, false])]
    #[case("a*b", "*", [true, false, true])]
    #[case("a*b", "a?*b", [true, true, false])]
    #[case("ab", "a?", [true, false, true])]
    #[case("a", "a", [true, false, false])]
    #[case("*", "a", [true, true, false])]
    #[case("###", "1*", [true, true, true])]
    fn two_patterns(#[case] one: &str, #[case] other: &str, #[case] expected: [bool; 3]) {
        let [both, first, second] = expected;
        let expected = Relation { both, one: first, other: second };
        let of = |one, other| {
            Relation::of(&pattern(one), &pattern(other), Alphabet::All, &Budget::default())
        };
        let found = of(one, other);
        assert_eq!(found, expected);
        assert_eq!(of(other, one), found.turned());
    }

    /// Without anything left nothing is said of patterns, and no text is looked for.
    #[test]
    fn what_costs_too_much_is_not_known() {
        let spent = Budget::spent();
        let [one, other] = [pattern("a*"), pattern("ab*")];
        assert_eq!(Relation::of(&one, &other, Alphabet::All, &spent), Relation::ANY);
        assert_eq!(shortest(&[&one], &[&other], Alphabet::All, &spent), Err(TooMany));
        let enough = Budget::default();
        assert!(!Relation::of(&one, &other, Alphabet::All, &enough).other);
        let found = shortest(&[&one], &[&other], Alphabet::All, &enough);
        assert_eq!(found, Ok(Some("a".to_owned())));
    }

    #[rstest]
    #[case(&["a*", "*b"], &[], Some("ab"))]
    #[case(&["a*b"], &["ab"], Some("aab"))]
    #[case(&["a*"], &["a", "a?"], Some("aaa"))]
    #[case(&["a*"], &["*"], None)]
    #[case(&["a?*"], &["a?", "a??*"], None)]
    #[case(&[], &["", "?"], Some("xx"))]
    #[case(&["###"], &["1*"], Some("211"))]
    fn the_shortest_text(#[case] all: &[&str], #[case] none: &[&str], #[case] word: Option<&str>) {
        let [all, none] =
            [all, none].map(|some| some.iter().map(|one| pattern(one)).collect::<Vec<_>>());
        let found = shortest(
            &all.iter().collect::<Vec<_>>(),
            &none.iter().collect::<Vec<_>>(),
            Alphabet::All,
            &Budget::default(),
        );
        assert_eq!(found, Ok(word.map(str::to_owned)));
    }
}

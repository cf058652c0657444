//! Patterns side by side.
//!
//! Each is read as an automaton whose states are the places in it (a bit each),
//! and their product is walked from the shortest text on. Texts that lead to the
//! same places are continued once.

use std::cell::{Cell, OnceCell};
use std::collections::{HashSet, VecDeque};

use crate::words::{
    Alphabet, Classes, Pattern, Symbol, accepts, fresh, includes, is_many, matches,
};

/// States of the product after which a walk is given up.
const STATES: usize = 2_000;

/// What a question may cost, so that it ends: about a billionth of a second each.
#[derive(Debug)]
pub(crate) struct Budget(Cell<u64>);

impl Budget {
    /// For a question.
    const ALL: u64 = 1_000_000_000;

    /// For the relations of patterns.
    const RELATING: u64 = 100_000_000;

    /// For the texts of one list of patterns.
    const WALK: u64 = 200_000_000;

    /// Takes some of what is left, where that is enough.
    pub(crate) fn take(&self, cost: usize) -> Result<(), TooMany> {
        let left = self.0.get().checked_sub(cost as u64);
        self.0.set(left.unwrap_or_default());
        left.map(|_| ()).ok_or(TooMany)
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self(Cell::new(Self::ALL))
    }
}

/// What it may cost to find out how patterns stand to each other: a search knows less of
/// what follows where that is not found out, and no less of what there is.
#[derive(Debug)]
pub(crate) struct Relating(pub(crate) Budget);

impl Default for Relating {
    fn default() -> Self {
        Self(Budget(Cell::new(Budget::RELATING)))
    }
}

/// Places in all patterns, a bit each.
type Places = Box<[u64]>;

pub(crate) struct Product {
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
    pub(crate) fn new(patterns: &[&Pattern], alphabet: Alphabet) -> Self {
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
                let many = is_many(symbol);
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

    /// The places of each of the first patterns.
    fn masks(&self, patterns: &[&Pattern]) -> Vec<Places> {
        let mut place = 0;
        let mask = |pattern: &&Pattern| {
            let mut mask = vec![0; self.start.len()].into_boxed_slice();
            for _ in 0..=pattern.len() {
                mark(&mut mask, place);
                place += 1;
            }
            mask
        };
        patterns.iter().map(mask).collect()
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

    /// The shortest text of each class.
    pub(crate) fn walk(&self) -> Classes {
        let mut words = Vec::new();
        let budget = Budget(Cell::new(Budget::WALK));
        let complete = self.classes(&budget, |word| {
            words.push(word.to_owned());
            false
        });
        Classes { words, complete: complete.is_ok() }
    }

    /// Shows the shortest text of each class until told to stop.
    fn classes(&self, budget: &Budget, mut stops: impl FnMut(&str) -> bool) -> Result<(), TooMany> {
        let mut matched: HashSet<Places> = HashSet::new();
        let any = |_: &Places| true;
        self.visit(budget, any, |places, word| matched.insert(self.ends_in(places)) && stops(word))
    }

    fn ends_in(&self, places: &Places) -> Places {
        places.iter().zip(&self.ends).map(|(a, b)| a & b).collect()
    }

    /// Visits places from the shortest text on until told to stop; those that do
    /// not promise anything are not gone on from.
    fn visit(
        &self,
        budget: &Budget,
        promises: impl Fn(&Places) -> bool,
        mut stops: impl FnMut(&Places, &str) -> bool,
    ) -> Result<(), TooMany> {
        let mut known: HashSet<Places> = HashSet::from([self.start.clone()]);
        let mut queue = VecDeque::from([(self.start.clone(), String::new())]);
        let mut complete = Ok(());
        while let Some((places, word)) = queue.pop_front() {
            if stops(&places, &word) {
                return Ok(());
            }
            budget.take(self.characters.len() * (100 + 2 * places.len()))?;
            for (character, text) in self.characters.iter().enumerate() {
                let next = self.after(&places, character);
                if known.contains(&next) || !promises(&next) {
                    continue;
                }
                if known.len() >= STATES {
                    complete = Err(TooMany);
                    continue;
                }
                known.insert(next.clone());
                queue.push_back((next, format!("{word}{text}")));
            }
        }
        complete
    }
}

/// A walk was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

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

fn fits(word: &str, all: &[&Pattern], none: &[&Pattern], alphabet: Alphabet) -> bool {
    word.chars().all(|one| alphabet.has(one))
        && all.iter().all(|pattern| matches(pattern, word))
        && !none.iter().any(|pattern| matches(pattern, word))
}

/// What the longest of some patterns needs at least, where it is of all of them and none
/// of others: none is shorter.
pub(crate) fn guess(all: &[&Pattern], none: &[&Pattern], alphabet: Alphabet) -> Option<String> {
    let patterns: Vec<&Pattern> = all.iter().chain(none).copied().collect();
    let guess = all.iter().filter_map(|pattern| least(pattern, &patterns, alphabet));
    let guess = guess.max_by_key(String::len).unwrap_or_default();
    fits(&guess, all, none, alphabet).then_some(guess)
}

/// The shortest text that each of some patterns matches and none of others.
pub(crate) fn shortest(
    all: &[&Pattern],
    none: &[&Pattern],
    alphabet: Alphabet,
    budget: &Budget,
) -> Result<Option<String>, TooMany> {
    let patterns: Vec<&Pattern> = all.iter().chain(none).copied().collect();
    budget.take(100 * patterns.iter().map(|pattern| pattern.len()).sum::<usize>())?;
    let product = Product::new(&patterns, alphabet);
    let masks = product.masks(all);
    let promises = |places: &Places| {
        let is_in = |mask: &Places| places.iter().zip(mask).any(|(a, b)| a & b != 0);
        masks.iter().all(is_in)
    };
    let mut found = None;
    product.visit(budget, promises, |_, word| {
        let fits = fits(word, all, none, alphabet);
        if fits {
            found = Some(word.to_owned());
        }
        fits
    })?;
    Ok(found)
}

/// A shortest text that a pattern matches.
fn least(pattern: &Pattern, all: &[&Pattern], alphabet: Alphabet) -> Option<String> {
    let mut word = String::with_capacity(pattern.len());
    let (digit, any) = (OnceCell::new(), OnceCell::new());
    for symbol in pattern {
        match *symbol {
            Symbol::Character(one) | Symbol::Letter(one) => word.push(one),
            Symbol::Digit => word.push((*digit.get_or_init(|| fresh(all, alphabet, true)))?),
            Symbol::Any | Symbol::AnyInPart | Symbol::AnyInPath => {
                word.push((*any.get_or_init(|| fresh(all, alphabet, false)))?);
            }
            Symbol::Many | Symbol::ManyInPart | Symbol::ManyInPath => {}
        }
    }
    Some(word)
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

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
        let spent = Budget(Cell::new(0));
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

//! Patterns side by side.
//!
//! Each is read as an automaton whose states are the places in it (a bit each),
//! and their product is walked from the shortest text on. Texts that lead to the
//! same places are continued once. Once a `*` is reached, what its pattern has
//! before it makes no difference: these places are left. Where patterns count by what has
//! them, all are left whose owners have one that matches however the text goes on.

use std::collections::{HashSet, VecDeque};

use crate::budget::{Budget, TooMany};
use crate::words::{Alphabet, Classes, Entry, Pattern, Symbol, accepts, fresh, is_many};

/// States of the product after which a walk is given up.
const STATES: usize = 50_000;

/// Places in all patterns, a bit each; where patterns have owners, these follow: a bit each,
/// set where one of its patterns matches however the text goes on.
pub(crate) type Places = Box<[u64]>;

pub(crate) struct Product {
    characters: Vec<char>,
    /// Of each character, the places that it leads on from.
    steps: Vec<Places>,
    /// Of each character, the places at which it stays.
    stays: Vec<Places>,
    /// Places that need no character to go on from.
    skips: Places,
    /// Places at which every character stays.
    sure: Places,
    /// Of each place, the first of its pattern.
    firsts: Vec<usize>,
    start: Places,
    ends: Places,
    /// Who has the patterns, where that alone counts.
    owners: Option<Owners>,
}

/// Who has which pattern.
struct Owners {
    /// How many words the places have, before the owners.
    places: usize,
    /// Of each pattern its first place and its end, and its owners.
    patterns: Vec<(usize, usize, Places)>,
    /// Of each place, its pattern.
    of_place: Vec<usize>,
    /// Places that every character stays at and an end follows.
    last: Places,
}

impl Product {
    /// Patterns of which counts which of their owners have one that matches.
    pub(crate) fn of(entries: &[Entry], alphabet: Alphabet) -> Self {
        let patterns: Vec<&Pattern> = entries.iter().map(|entry| &entry.pattern).collect();
        let mut product = Self::new(&patterns, alphabet);
        let last = entries.iter().flat_map(|entry| &entry.of).max();
        let words = last.map_or(0, |last| last / 64 + 1);
        let places = product.start.len();
        let mut owners = Owners {
            places,
            patterns: Vec::with_capacity(entries.len()),
            of_place: Vec::new(),
            last: vec![0; places].into_boxed_slice(),
        };
        let mut place = 0;
        for (number, entry) in entries.iter().enumerate() {
            let end = place + entry.pattern.len();
            let mut of = vec![0; words].into_boxed_slice();
            entry.of.iter().for_each(|owner| mark(&mut of, *owner));
            owners.of_place.extend(std::iter::repeat_n(number, end + 1 - place));
            if let Some(before) = end.checked_sub(1).filter(|one| *one >= place)
                && is_marked(&product.sure, before)
            {
                mark(&mut owners.last, before);
            }
            owners.patterns.push((place, end, of));
            place = end + 1;
        }
        let none = std::iter::repeat_n(0, words);
        let mut start: Places = product.start.iter().copied().chain(none).collect();
        owners.leave(&mut start);
        product.start = start;
        product.owners = Some(owners);
        product
    }

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
            sure: none(),
            firsts: Vec::with_capacity(count),
            start: none(),
            ends: none(),
            owners: None,
        };
        let mut place = 0;
        for pattern in patterns {
            mark(&mut product.start, place);
            product.firsts.extend(std::iter::repeat_n(place, pattern.len() + 1));
            for symbol in *pattern {
                let many = is_many(symbol);
                if many {
                    mark(&mut product.skips, place);
                    if product.characters.iter().all(|one| accepts(*symbol, *one)) {
                        mark(&mut product.sure, place);
                    }
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
        let mut start = product.start.clone();
        skip(&mut start, &product.skips);
        product.leave(&mut start);
        product.start = start;
        product
    }

    /// The places of each of the first patterns.
    pub(crate) fn masks(&self, patterns: &[&Pattern]) -> Vec<Places> {
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

    /// From this place on, those from which a pattern matches however the text goes on.
    pub(crate) fn closed(&self, from: usize) -> Places {
        let mut closed = vec![0; self.sure.len()].into_boxed_slice();
        for place in from..self.firsts.len() {
            if is_marked(&self.sure, place) && is_marked(&self.ends, place + 1) {
                mark(&mut closed, place);
            }
        }
        closed
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
        self.leave(&mut out);
        out
    }

    /// Leaves the places before one from which a text may go on in any way: all that goes on
    /// from them to the end of the pattern comes by it.
    fn leave(&self, places: &mut Places) {
        for number in 0..places.len() {
            let sure = places.get(number).zip(self.sure.get(number));
            let mut sure = sure.map_or(0, |(places, sure)| places & sure);
            while sure != 0 {
                let place = number * 64 + sure.trailing_zeros() as usize;
                sure &= sure - 1;
                let first = self.firsts.get(place).copied().unwrap_or(place);
                unmark(places, first, place);
            }
        }
        if let Some(owners) = &self.owners {
            owners.leave(places);
        }
    }

    /// Whether a character leads on from some of the places.
    fn steps(&self, places: &Places, character: usize) -> bool {
        let steps = self.steps.get(character).into_iter().flatten();
        places.iter().zip(steps).any(|(place, step)| place & step != 0)
    }

    /// Whether two characters stay at the same of the places.
    fn stay_alike(&self, places: &Places, [one, other]: [usize; 2]) -> bool {
        let [Some(one), Some(other)] = [one, other].map(|at| self.stays.get(at)) else {
            return false;
        };
        places.iter().zip(one.iter().zip(other)).all(|(place, (a, b))| place & (a ^ b) == 0)
    }

    /// The shortest text of each class.
    pub(crate) fn walk(&self) -> Classes {
        let mut words = Vec::new();
        let budget = Budget::of_walk();
        let complete = self.classes(&budget, |word| {
            words.push(word.to_owned());
            false
        });
        Classes { words, complete: complete.is_ok() }
    }

    /// Shows the shortest text of each class until told to stop.
    pub(crate) fn classes(
        &self,
        budget: &Budget,
        mut stops: impl FnMut(&str) -> bool,
    ) -> Result<(), TooMany> {
        let mut matched: HashSet<Places> = HashSet::new();
        let any = |_: &Places| true;
        self.visit(budget, any, |places, word| matched.insert(self.ends_in(places)) && stops(word))
    }

    /// The patterns that match, or who has one.
    fn ends_in(&self, places: &Places) -> Places {
        let ends: Places = places.iter().zip(&self.ends).map(|(a, b)| a & b).collect();
        self.owners.as_ref().map(|owners| owners.of_marked(places, &ends)).unwrap_or(ends)
    }

    /// Visits places from the shortest text on until told to stop; those that do
    /// not promise anything are not gone on from.
    pub(crate) fn visit(
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
            budget.take(100 + self.characters.len() * (1 + 2 * places.len()))?;
            // Of those that lead on from nowhere.
            let mut staying: Vec<usize> = Vec::new();
            for (character, text) in self.characters.iter().enumerate() {
                if !self.steps(&places, character) {
                    if staying.iter().any(|one| self.stay_alike(&places, [*one, character])) {
                        continue;
                    }
                    staying.push(character);
                }
                budget.take(100 + 12 * places.len())?;
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

impl Owners {
    /// Notes whose patterns match however the text goes on, and leaves all patterns of which
    /// nothing else is known by them.
    fn leave(&self, places: &mut Places) {
        let last: Places = places.iter().zip(&self.last).map(|(a, b)| a & b).collect();
        if last.iter().all(|word| *word == 0) {
            return;
        }
        let sure = self.of_marked(places, &last);
        for (place, sure) in places.iter_mut().skip(self.places).zip(&sure) {
            *place = *sure;
        }
        for (first, end, of) in &self.patterns {
            if of.iter().zip(&sure).all(|(of, sure)| of & !sure == 0) {
                unmark(places, *first, end + 1);
            }
        }
    }

    /// Those that were noted, and those of some places.
    fn of_marked(&self, places: &Places, marked: &Places) -> Places {
        let mut all: Places = places.iter().skip(self.places).copied().collect();
        for (number, word) in marked.iter().enumerate() {
            let mut left = *word;
            while left != 0 {
                let place = number * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                let pattern = self.of_place.get(place).and_then(|at| self.patterns.get(*at));
                for (all, of) in all.iter_mut().zip(pattern.iter().flat_map(|(.., of)| of)) {
                    *all |= of;
                }
            }
        }
        all
    }
}

fn is_marked(places: &Places, place: usize) -> bool {
    places.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
}

fn mark(places: &mut Places, place: usize) {
    if let Some(word) = places.get_mut(place / 64) {
        *word |= 1 << (place % 64);
    }
}

/// Takes away the places from one to before another.
fn unmark(places: &mut Places, from: usize, to: usize) {
    for number in from / 64..=to / 64 {
        let before = |place: usize| match place.saturating_sub(number * 64) {
            within @ 0..64 => (1_u64 << within) - 1,
            _ => u64::MAX,
        };
        if let Some(word) = places.get_mut(number) {
            *word &= !(before(to) & !before(from));
        }
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

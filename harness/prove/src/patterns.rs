//! All patterns of parts of ARNs that a question asks for, with what is known of them.

use std::collections::HashMap;
use std::rc::Rc;

use crate::budget::{Budget, Relating, TooMany};
use crate::ends::Ends;
use crate::parts::PARTS;
use crate::relation::{Relation, is_apart};
use crate::shortest::{guess, shortest};
use crate::words::{Alphabet, Pattern, includes};

/// A pattern, by its number.
pub(crate) type Number = usize;

/// Of a pattern that is not matched it is looked for others within it where both together
/// have at most so many pairs of places.
const WITHIN: usize = 2_500;

/// The last part, in which colons may be.
const RESOURCE: usize = PARTS - 1;

/// All patterns that were asked for, with what is known of them.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    numbers: HashMap<(Alphabet, Pattern), Number>,
    pub(crate) all: Vec<(Alphabet, Rc<Pattern>)>,
    relations: HashMap<(Number, Number), Relation>,
    shortest: HashMap<Asked, Result<Option<String>, TooMany>>,
    /// What the question may still cost.
    pub(crate) budget: Budget,
    /// What it may still cost to find out how patterns stand to each other.
    relating: Relating,
}

/// The patterns that must match and those that must not, and the alphabet.
type Asked = (Vec<Number>, Vec<Number>, Alphabet);

fn alphabet(part: usize) -> Alphabet {
    if part == RESOURCE { Alphabet::All } else { Alphabet::Part }
}

impl Patterns {
    pub(crate) fn number(&mut self, part: usize, pattern: Pattern) -> Number {
        let key = (alphabet(part), pattern);
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        self.all.push((key.0, Rc::new(key.1.clone())));
        self.numbers.insert(key, self.all.len() - 1);
        self.all.len() - 1
    }

    /// How two patterns of a part stand to each other.
    pub(crate) fn relation(&mut self, one: Number, other: Number) -> Option<Relation> {
        if one > other {
            return self.relation(other, one).map(Relation::turned);
        }
        let (alphabet, first) = self.all.get(one)?;
        let (_, second) = self.all.get(other)?;
        if is_apart(first, second) {
            return Some(Relation::APART);
        }
        if let Some(known) = self.relations.get(&(one, other)) {
            return Some(*known);
        }
        let relation = Relation::of(first, second, *alphabet, &self.relating.0);
        self.relations.insert((one, other), relation);
        Some(relation)
    }

    pub(crate) fn length(&self, number: Number) -> usize {
        self.all.get(number).map_or(0, |(_, pattern)| pattern.len())
    }

    /// Whether a pattern shows that it matches nothing that another does not.
    pub(crate) fn is_within(&self, one: Number, other: Number) -> bool {
        let [one, other] = [one, other].map(|number| self.all.get(number));
        let [Some((_, one)), Some((_, other))] = [one, other] else { return false };
        one.len() * other.len() <= WITHIN && includes(other, one)
    }

    /// What each text begins and ends with that a pattern matches.
    pub(crate) fn ends(&self, number: Number) -> Ends {
        self.all.get(number).map(|(_, pattern)| Ends::of(pattern)).unwrap_or_default()
    }

    /// The shortest text that all of some patterns match and none of others.
    pub(crate) fn shortest(
        &mut self,
        mut all: Vec<Number>,
        mut none: Vec<Number>,
        part: usize,
    ) -> Result<Option<String>, TooMany> {
        all.sort_unstable();
        none.sort_unstable();
        let key = (all.clone(), none.clone(), alphabet(part));
        if let Some(known) = self.shortest.get(&key) {
            return known.clone();
        }
        self.budget.take(50 * (1 + all.len() + none.len()))?;
        let found = match guess(&self.of(&all), &self.of(&none), alphabet(part)) {
            Some(found) => Ok(Some(found)),
            None => {
                self.keep_strict(&mut all, &mut none);
                shortest(&self.of(&all), &self.of(&none), alphabet(part), &self.budget)
            }
        };
        self.shortest.insert(key, found.clone());
        found
    }

    fn of(&self, numbers: &[Number]) -> Vec<&Pattern> {
        numbers.iter().filter_map(|one| Some(&*self.all.get(*one)?.1)).collect()
    }

    /// Leaves out what follows from the rest.
    fn keep_strict(&mut self, all: &mut Vec<Number>, none: &mut Vec<Number>) {
        let mut place = 0;
        while let Some(one) = all.get(place).copied() {
            let follows = |other: &Number| {
                *other != one && self.relation(*other, one).is_some_and(|found| !found.one)
            };
            if all.iter().any(follows) {
                all.remove(place);
            } else {
                place += 1;
            }
        }
        none.retain(|one| {
            let apart =
                |other: &Number| self.relation(*other, *one).is_some_and(|found| !found.both);
            !all.iter().any(apart)
        });
    }
}

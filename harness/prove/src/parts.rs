//! Patterns of the parts of ARNs: which of them a text matches together.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::rc::Rc;

use ringfence_policy::symbolic::Logic;

use crate::ends::{ByEnds, Ends};
use crate::formula::{Formula, Variable};
use crate::product::{Budget, Relating, Relation, TooMany, guess, is_apart, shortest};
use crate::set::Set;
use crate::words::{Alphabet, Pattern, Symbol, includes};

/// A pattern, by its number.
pub(crate) type Number = usize;

/// How many parts of an ARN vary.
pub(crate) const PARTS: usize = 5;

/// The last part, in which colons may be.
const RESOURCE: usize = PARTS - 1;

/// All patterns that were asked for, with what is known of them.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    numbers: HashMap<(Alphabet, Pattern), Number>,
    all: Vec<(Alphabet, Rc<Pattern>)>,
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
    fn relation(&mut self, one: Number, other: Number) -> Option<Relation> {
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

    fn length(&self, number: Number) -> usize {
        self.all.get(number).map_or(0, |(_, pattern)| pattern.len())
    }

    /// Whether a pattern shows that it matches nothing that another does not.
    fn is_within(&self, one: Number, other: Number) -> bool {
        let [one, other] = [one, other].map(|number| self.all.get(number));
        let [Some((_, one)), Some((_, other))] = [one, other] else { return false };
        one.len() * other.len() <= WITHIN && includes(other, one)
    }

    /// What each text begins and ends with that a pattern matches.
    fn ends(&self, number: Number) -> Ends {
        self.all.get(number).map(|(_, pattern)| Ends::of(pattern)).unwrap_or_default()
    }

    /// The shortest text that all of some patterns match and none of others.
    fn shortest(
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

/// Atoms, by the part that they are of.
pub(crate) type Atoms = [Vec<Variable>; PARTS];

/// A part of the ARN is like a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Atom {
    part: usize,
    pattern: Number,
}

/// A variable that is true or false.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Test {
    /// It may come out either way.
    Either(String),
    Like(Atom),
}

/// The variables that are true or false.
#[derive(Debug)]
pub(crate) struct Tests {
    patterns: Rc<RefCell<Patterns>>,
    /// The first of the variables.
    first: Variable,
    numbers: HashMap<Test, usize>,
    atoms: Vec<Option<Atom>>,
    /// What the texts of each begin and end with.
    ends: Vec<Ends>,
    /// The atoms of each part.
    of_parts: Atoms,
    /// What follows of each variable where it is false, and where it is true.
    follows: RefCell<HashMap<Follows, Rc<RefCell<Row>>>>,
    /// The variables of each part, by what the pattern begins and ends with.
    by_ends: [ByEnds<usize>; PARTS],
}

/// A variable, and what it then is.
type Follows = (Variable, bool);

/// What follows of a variable.
#[derive(Debug, Default)]
struct Row {
    found: Vec<Follows>,
    /// The variables that were not looked at yet, the next last.
    left: Vec<Variable>,
}

/// Of a pattern that is not matched it is looked for others within it where both together
/// have at most so many pairs of places.
const WITHIN: usize = 2_500;

impl Tests {
    pub(crate) fn new(patterns: Rc<RefCell<Patterns>>) -> Self {
        Self {
            patterns,
            first: 0,
            numbers: HashMap::new(),
            atoms: Vec::new(),
            ends: Vec::new(),
            of_parts: Default::default(),
            follows: RefCell::default(),
            by_ends: Default::default(),
        }
    }

    /// Says which is the first of the variables.
    pub(crate) fn begin(&mut self, first: Variable) {
        self.first = first;
    }

    fn formula(&mut self, test: Test) -> Formula {
        let atom = match &test {
            Test::Like(atom) => Some(*atom),
            Test::Either(_) => None,
        };
        let number = *self.numbers.entry(test).or_insert(self.atoms.len());
        if number == self.atoms.len() {
            self.atoms.push(atom);
            self.follows.get_mut().clear();
            let ends = atom.map(|atom| self.patterns.borrow().ends(atom.pattern));
            let ends = ends.unwrap_or_default();
            if let Some(atom) = atom
                && let (Some(by_ends), Some(of_part)) =
                    (self.by_ends.get_mut(atom.part), self.of_parts.get_mut(atom.part))
            {
                by_ends.insert(&ends, number);
                of_part.push(self.first + number);
            }
            self.ends.push(ends);
        }
        Formula::within(self.first + number, Set::of(2, [1]))
    }

    /// A test that may come out either way, the same wherever it stands.
    pub(crate) fn either(&mut self, test: String) -> Formula {
        self.formula(Test::Either(test))
    }

    /// A part of the ARN is like the pattern.
    pub(crate) fn like(&mut self, part: usize, pattern: Pattern) -> Formula {
        if pattern == [Symbol::Many] {
            return Formula::Constant(true);
        }
        let number = self.patterns.borrow_mut().number(part, pattern);
        self.formula(Test::Like(Atom { part, pattern: number }))
    }

    /// Each part is like its pattern.
    pub(crate) fn all_like(&mut self, patterns: [Pattern; PARTS]) -> Formula {
        let parts = patterns.into_iter().enumerate();
        Formula::all(parts.map(|(part, pattern)| self.like(part, pattern)).collect::<Vec<_>>())
    }

    pub(crate) fn len(&self) -> usize {
        self.atoms.len()
    }

    /// Takes some of what the question may still cost.
    pub(crate) fn spend(&self, cost: usize) -> Result<(), TooMany> {
        self.patterns.borrow().budget.take(cost)
    }

    fn atom(&self, variable: Variable) -> Option<Atom> {
        *self.atoms.get(variable.checked_sub(self.first)?)?
    }

    /// The part that an atom is of, and what the texts of its pattern begin and end with.
    pub(crate) fn ends(&self, variable: Variable) -> Option<(usize, &Ends)> {
        let ends = self.ends.get(variable.checked_sub(self.first)?)?;
        Some((self.atom(variable)?.part, ends))
    }

    /// How many atoms a part has.
    pub(crate) fn count(&self, part: usize) -> usize {
        self.of_parts.get(part).map_or(0, Vec::len)
    }

    /// The pattern of an atom.
    pub(crate) fn pattern(&self, variable: Variable) -> Option<Rc<Pattern>> {
        let number = self.atom(variable)?.pattern;
        self.patterns.borrow().all.get(number).map(|(_, pattern)| Rc::clone(pattern))
    }

    /// Whether the pattern of an atom shows that it matches nothing that another's does not.
    pub(crate) fn is_within(&self, one: Variable, other: Variable) -> bool {
        let numbers = self.atom(one).zip(self.atom(other));
        numbers.is_some_and(|(one, other)| {
            self.patterns.borrow().is_within(one.pattern, other.pattern)
        })
    }

    /// The atoms of each part.
    pub(crate) fn of_parts(&self) -> Atoms {
        self.of_parts.clone()
    }

    /// The atoms of a part, with their variables.
    fn of_part(&self, part: usize) -> impl Iterator<Item = (Variable, Atom)> {
        let all = self.of_parts.get(part).into_iter().flatten();
        all.filter_map(|variable| Some((*variable, self.atom(*variable)?)))
    }

    /// Takes what follows where a variable is true or false, of some atoms of its part,
    /// until it cannot be.
    pub(crate) fn follows(
        &self,
        variable: Variable,
        holds: bool,
        among: &Atoms,
        mut can_be: impl FnMut(Variable, bool) -> bool,
    ) -> bool {
        let Some(atom) = self.atom(variable) else { return true };
        if holds && let Some((part, ends)) = self.ends(variable) {
            // What begins or ends otherwise is not matched as well.
            let others = among.get(part).into_iter().flatten();
            let mut others = others.filter(|other| **other != variable);
            let apart =
                |other: &Variable| self.ends(*other).is_some_and(|(_, other)| ends.is_apart(other));
            if !others.all(|other| !apart(other) || can_be(*other, false)) {
                return false;
            }
        }
        let known = self.follows.borrow().get(&(variable, holds)).cloned();
        let row = known.unwrap_or_else(|| {
            let row = Rc::new(RefCell::new(self.row(variable, atom)));
            self.follows.borrow_mut().insert((variable, holds), Rc::clone(&row));
            row
        });
        let mut row = row.borrow_mut();
        if !row.found.iter().all(|(variable, holds)| can_be(*variable, *holds)) {
            return false;
        }
        while let Some(other) = row.left.pop() {
            let Some(is) = self.follows_for(atom, holds, other) else { continue };
            row.found.push((other, is));
            if !can_be(other, is) {
                return false;
            }
        }
        true
    }

    /// The atoms whose patterns a text may match that one matches.
    fn row(&self, variable: Variable, atom: Atom) -> Row {
        let ends = self.ends(variable).map(|(_, ends)| ends);
        let alike = ends.zip(self.by_ends.get(atom.part));
        let alike = alike.map(|(ends, all)| all.alike(ends)).unwrap_or_default();
        let alike = alike.into_iter().map(|number| self.first + number);
        let mut left: Vec<Variable> = alike.filter(|other| *other != variable).collect();
        // Short patterns say the most.
        let patterns = self.patterns.borrow();
        let length = |one: &Variable| self.atom(*one).map_or(0, |it| patterns.length(it.pattern));
        left.sort_by_cached_key(|one| Reverse(length(one)));
        Row { found: Vec::new(), left }
    }

    /// What another variable is where one is true or false, where that follows.
    fn follows_for(&self, atom: Atom, holds: bool, other: Variable) -> Option<bool> {
        let with = self.atom(other)?;
        let mut patterns = self.patterns.borrow_mut();
        if !holds {
            return patterns.is_within(with.pattern, atom.pattern).then_some(false);
        }
        let found = patterns.relation(atom.pattern, with.pattern)?;
        match (found.both, found.one) {
            (false, _) => Some(false),
            (_, false) => Some(true),
            (true, true) => None,
        }
    }

    /// The shortest text of each part that is like what is known to hold of some atoms, and
    /// not like what is known not to; `None`: some part has none.
    pub(crate) fn words(
        &self,
        domains: &[Set],
        among: &Atoms,
    ) -> Result<Option<[String; PARTS]>, TooMany> {
        let mut words: [String; PARTS] = Default::default();
        for (part, (word, among)) in words.iter_mut().zip(among).enumerate() {
            let (mut all, mut none) = (Vec::new(), Vec::new());
            for variable in among {
                let Some(atom) = self.atom(*variable) else { continue };
                match domains.get(*variable) {
                    Some(domain) if domain.len() == 1 && domain.contains(1) => {
                        all.push(atom.pattern);
                    }
                    Some(domain) if domain.len() == 1 => none.push(atom.pattern),
                    _ => {}
                }
            }
            match self.patterns.borrow_mut().shortest(all, none, part)? {
                Some(found) => *word = found,
                None => return Ok(None),
            }
        }
        Ok(Some(words))
    }

    /// Short texts of a part that are worth a try: each is the shortest that some
    /// pattern matches, or none does.
    pub(crate) fn candidates(&self, part: usize) -> Vec<String> {
        let mut patterns = self.patterns.borrow_mut();
        let atoms: Vec<Number> = self.of_part(part).map(|(_, atom)| atom.pattern).collect();
        let mut words = vec![String::new(), "x".to_owned()];
        for pattern in atoms {
            words.extend(patterns.shortest(vec![pattern], Vec::new(), part).ok().flatten());
        }
        words.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        words.dedup();
        words
    }

    /// The variables of a part, as they are for a text.
    pub(crate) fn of_text(&self, part: usize, text: &str) -> Vec<(Variable, bool)> {
        let patterns = self.patterns.borrow();
        let is_like = |pattern: Number| {
            let found = patterns.all.get(pattern);
            found.is_some_and(|(_, pattern)| crate::words::matches(pattern, text))
        };
        self.of_part(part).map(|(variable, atom)| (variable, is_like(atom.pattern))).collect()
    }
}

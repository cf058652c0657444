//! Patterns of the parts of ARNs: which of them a text matches together.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use ringfence_policy::symbolic::Logic;

use crate::formula::{Formula, Variable};
use crate::product::{Budget, Relation, TooMany, shortest};
use crate::set::Set;
use crate::words::{Alphabet, Pattern, Symbol};

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
        self.budget.take(30).ok();
        if let Some(known) = self.relations.get(&(one, other)) {
            return Some(*known);
        }
        let (alphabet, first) = self.all.get(one)?;
        let (_, second) = self.all.get(other)?;
        let relation = Relation::of(first, second, *alphabet, &self.budget);
        self.relations.insert((one, other), relation);
        Some(relation)
    }

    /// The shortest text that all of some patterns match and none of others.
    fn shortest(
        &mut self,
        mut all: Vec<Number>,
        mut none: Vec<Number>,
        part: usize,
    ) -> Result<Option<String>, TooMany> {
        self.keep_strict(&mut all, &mut none);
        all.sort_unstable();
        none.sort_unstable();
        let key = (all, none, alphabet(part));
        if let Some(known) = self.shortest.get(&key) {
            return known.clone();
        }
        let of = |numbers: &[Number]| -> Vec<Rc<Pattern>> {
            numbers.iter().filter_map(|one| Some(self.all.get(*one)?.1.clone())).collect()
        };
        let (must, must_not) = (of(&key.0), of(&key.1));
        let [must, must_not] =
            [&must, &must_not].map(|some| some.iter().map(|one| &**one).collect::<Vec<_>>());
        let found = shortest(&must, &must_not, alphabet(part), &self.budget);
        self.shortest.insert(key, found.clone());
        found
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
    /// What follows of each variable where it is false, and where it is true.
    follows: RefCell<HashMap<Variable, Rc<[Vec<Follows>; 2]>>>,
}

/// A variable, and what it then is.
type Follows = (Variable, bool);

impl Tests {
    pub(crate) fn new(patterns: Rc<RefCell<Patterns>>) -> Self {
        Self {
            patterns,
            first: 0,
            numbers: HashMap::new(),
            atoms: Vec::new(),
            follows: RefCell::default(),
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

    /// The atoms of a part, with their variables.
    fn of_part(&self, part: usize) -> impl Iterator<Item = (Variable, Atom)> {
        let all = self.atoms.iter().enumerate();
        let all = all.filter_map(|(number, atom)| Some((self.first + number, (*atom)?)));
        all.filter(move |(_, atom)| atom.part == part)
    }

    /// What follows where a variable is true or false.
    pub(crate) fn implied(&self, variable: Variable) -> Rc<[Vec<Follows>; 2]> {
        let known = self.follows.borrow().get(&variable).cloned();
        known.unwrap_or_else(|| {
            let follows = Rc::new(self.follows(variable));
            self.follows.borrow_mut().insert(variable, Rc::clone(&follows));
            follows
        })
    }

    fn follows(&self, variable: Variable) -> [Vec<Follows>; 2] {
        let mut follows: [Vec<Follows>; 2] = Default::default();
        let Some(atom) = self.atom(variable) else { return follows };
        let mut patterns = self.patterns.borrow_mut();
        for (other, with) in self.of_part(atom.part).filter(|(other, _)| *other != variable) {
            let Some(found) = patterns.relation(atom.pattern, with.pattern) else { continue };
            let [if_false, if_true] = &mut follows;
            for (list, matched, unmatched) in
                [(if_false, found.other, found.neither), (if_true, found.both, found.one)]
            {
                match (matched, unmatched) {
                    (false, _) => list.push((other, false)),
                    (_, false) => list.push((other, true)),
                    (true, true) => {}
                }
            }
        }
        follows
    }

    /// The shortest text of each part that is like what is known to hold, and not
    /// like what is known not to; `None`: some part has none.
    pub(crate) fn words(&self, domains: &[Set]) -> Result<Option<[String; PARTS]>, TooMany> {
        let mut words: [String; PARTS] = Default::default();
        for (part, word) in words.iter_mut().enumerate() {
            let (mut all, mut none) = (Vec::new(), Vec::new());
            for (variable, atom) in self.of_part(part) {
                match domains.get(variable) {
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

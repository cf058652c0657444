//! Patterns of the parts of ARNs: which of them a text matches together.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::rc::Rc;

use ringfence_policy::symbolic::Logic;

use crate::budget::TooMany;
use crate::ends::{ByEnds, Ends};
use crate::formula::{Formula, Variable};
use crate::patterns::{Number, Patterns};
use crate::set::Set;
use crate::words::{Pattern, Symbol};

/// How many parts of an ARN vary.
pub(crate) const PARTS: usize = 5;

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

    /// The first of the variables: those before it are of keys.
    pub(crate) fn first(&self) -> Variable {
        self.first
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

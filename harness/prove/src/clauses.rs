//! Of many clauses those that a way to meet another formula leaves open: where a part of the
//! ARN is like one pattern, it is not like those that begin or end otherwise.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use crate::ends::{ByEnds, Ends};
use crate::formula::{Formula, Node, Variable};
use crate::parts::{Atoms, PARTS, Tests};
use crate::set::Set;
use crate::words::segments;

/// As many clauses are looked through one by one.
const FEW: usize = 8;

/// The clauses of a formula that must all hold.
pub(crate) struct Clauses {
    all: Vec<Formula>,
    /// By part, those that hold where it is not like some pattern.
    by_part: [ByPart; PARTS],
    /// The others.
    rest: Vec<usize>,
}

#[derive(Debug, Default)]
struct ByPart {
    by_ends: ByEnds<usize>,
    /// By the longest text that stands in the pattern.
    by_text: HashMap<String, Vec<usize>>,
    /// How long these are.
    lengths: BTreeSet<usize>,
    all: Vec<usize>,
}

impl Clauses {
    /// The clauses of a formula, where they are many.
    pub(crate) fn of(formula: &Formula, tests: &Tests) -> Option<Self> {
        let Some(Node::All(all)) = formula.node() else { return None };
        if all.len() <= FEW {
            return None;
        }
        let mut clauses = Self { all: all.clone(), by_part: Default::default(), rest: Vec::new() };
        for (number, clause) in all.iter().enumerate() {
            let ways = ways(clause);
            // Of the part in which the most patterns differ.
            let unlike = ways.iter().filter_map(|way| atom(way, false, tests));
            let told = unlike.max_by_key(|of| (tests.count(of.part), of.ends.len()));
            match told.and_then(|of| Some((clauses.by_part.get_mut(of.part)?, of))) {
                Some((by_part, of)) => by_part.insert(number, of, tests),
                None => clauses.rest.push(number),
            }
        }
        Some(clauses)
    }

    /// Those that a way leaves open.
    pub(crate) fn beside(&self, way: &Formula, tests: &Tests) -> Formula {
        let mut like: BTreeMap<usize, &Ends> = BTreeMap::new();
        for Told { part, ends, .. } in leaves(way).filter_map(|leaf| atom(leaf, true, tests)) {
            let known = like.entry(part).or_insert(ends);
            if ends.len() > known.len() {
                *known = ends;
            }
        }
        let mut open = self.rest.clone();
        for (part, by_part) in self.by_part.iter().enumerate() {
            match like.get(&part) {
                Some(ends) => open.extend(by_part.by_ends.alike(ends)),
                None => open.extend(&by_part.all),
            }
        }
        open.sort_unstable();
        Formula::left(open.iter().filter_map(|at| self.all.get(*at).cloned()).collect(), true)
    }

    /// Whether a way leaves one of them nothing to hold by, where variables are of these
    /// classes: its pattern is within those that all ways to meet the clause are not like.
    pub(crate) fn refute(&self, way: &Formula, domains: &[Set], tests: &Tests) -> bool {
        let own: Vec<(Variable, &Set)> = leaves(way).filter_map(in_set).collect();
        let like: Vec<Told<'_>> = leaves(way).filter_map(|leaf| atom(leaf, true, tests)).collect();
        let is_closed = |leaf: &Formula| {
            let Some((variable, set)) = in_set(leaf) else { return false };
            let of_way = own.iter().any(|(own, is)| *own == variable && is.is_disjoint(set));
            let before = domains.get(variable).is_some_and(|domain| domain.is_disjoint(set));
            let is_within = |of: Told<'_>| {
                let mut all = like.iter().filter(|own| own.part == of.part);
                all.any(|own| tests.is_within(own.variable, of.variable))
            };
            of_way || before || atom(leaf, false, tests).is_some_and(is_within)
        };
        like.iter().any(|of| {
            let by_part = self.by_part.get(of.part);
            let mut clauses =
                by_part.map(|all| all.about(of, tests)).unwrap_or_default().into_iter();
            clauses.any(|number| {
                self.all.get(number).is_some_and(|one| ways(one).iter().all(is_closed))
            })
        })
    }
}

impl ByPart {
    fn insert(&mut self, number: usize, of: Told<'_>, tests: &Tests) {
        self.by_ends.insert(of.ends, number);
        self.all.push(number);
        let pattern = tests.pattern(of.variable).unwrap_or_default();
        let longest = segments(&pattern).into_iter().max_by_key(String::len).unwrap_or_default();
        self.lengths.insert(longest.len());
        self.by_text.entry(longest).or_default().push(number);
    }

    /// Those whose pattern may match all that another does: its texts stand in that, too.
    fn about(&self, of: &Told<'_>, tests: &Tests) -> Vec<usize> {
        let pattern = tests.pattern(of.variable).unwrap_or_default();
        let mut found = self.by_text.get("").cloned().unwrap_or_default();
        for text in segments(&pattern) {
            for length in self.lengths.iter().filter(|length| **length > 0) {
                let starts = 0..(text.len() + 1).saturating_sub(*length);
                let texts = starts.filter_map(|start| text.get(start..start + length));
                found.extend(texts.filter_map(|text| self.by_text.get(text)).flatten());
            }
        }
        found
    }
}

/// An atom.
struct Told<'t> {
    variable: Variable,
    part: usize,
    ends: &'t Ends,
}

/// The atom that a leaf says to hold, or not to.
fn atom<'t>(leaf: &Formula, holds: bool, tests: &'t Tests) -> Option<Told<'t>> {
    let (variable, set) = in_set(leaf)?;
    let is_so = set.bound() == 2 && set.contains(usize::from(holds));
    let (part, ends) = tests.ends(variable).filter(|_| is_so)?;
    Some(Told { variable, part, ends })
}

fn in_set(leaf: &Formula) -> Option<(Variable, &Set)> {
    match leaf.node() {
        Some(Node::In(variable, set)) => Some((*variable, set)),
        _ => None,
    }
}

/// What must all hold.
fn leaves(way: &Formula) -> std::slice::Iter<'_, Formula> {
    match way.node() {
        Some(Node::All(leaves)) => leaves.iter(),
        _ => std::slice::from_ref(way).iter(),
    }
}

/// The ways to meet a clause.
fn ways(clause: &Formula) -> &[Formula] {
    match clause.node() {
        Some(Node::Any(ways)) => ways,
        _ => std::slice::from_ref(clause),
    }
}

/// The atoms of some formulas, beside others.
pub(crate) fn atoms(formulas: &[Formula], others: &Atoms, tests: &Tests) -> Rc<Atoms> {
    let mut found: [BTreeSet<Variable>; PARTS] = Default::default();
    let mut left: Vec<&Formula> = formulas.iter().collect();
    while let Some(formula) = left.pop() {
        match formula.node() {
            None => {}
            Some(Node::All(all) | Node::Any(all)) => left.extend(all),
            Some(Node::In(variable, _)) => {
                let part = tests.ends(*variable).and_then(|(part, _)| found.get_mut(part));
                part.map(|part| part.insert(*variable));
            }
        }
    }
    for (found, others) in found.iter_mut().zip(others) {
        found.extend(others);
    }
    Rc::new(found.map(|part| part.into_iter().collect()))
}

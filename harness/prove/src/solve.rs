//! A search for classes that meet a formula: three-valued backtracking over
//! sets of classes, with what must hold taken first.

use ringfence_policy::symbolic::Logic;

use crate::formula::{Formula, Node};
use crate::set::Set;

/// Steps after which a search is given up.
const STEPS: usize = 20_000;

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// Classes of each variable, whichever of them meet the formula.
    Classes(Vec<Set>),
    /// There are none.
    Nothing,
    /// It took too long.
    GaveUp,
}

/// Looks for classes, of these, that meet the formula.
pub(crate) fn solve(formula: &Formula, domains: &[Set]) -> Found {
    let mut search = Search { steps: 0 };
    search.find(formula.clone(), domains.to_vec())
}

struct Search {
    steps: usize,
}

impl Search {
    fn find(&mut self, mut formula: Formula, mut domains: Vec<Set>) -> Found {
        self.steps += 1;
        if self.steps > STEPS {
            return Found::GaveUp;
        }
        let clauses = loop {
            formula = reduced(&formula, &domains);
            let node = match &formula {
                Formula::Constant(true) => return Found::Classes(domains),
                Formula::Constant(false) => return Found::Nothing,
                Formula::Of(node) => node,
            };
            let all: &[Formula] = match &**node {
                Node::All(all) => all,
                Node::In(..) | Node::Any(_) => std::slice::from_ref(&formula),
            };
            let mut narrowed = false;
            let mut clauses = Vec::new();
            for one in all {
                match one.node() {
                    Some(Node::In(variable, set)) => {
                        let Some(domain) = domains.get_mut(*variable) else { continue };
                        *domain = domain.intersection(set);
                        if domain.is_empty() {
                            return Found::Nothing;
                        }
                        narrowed = true;
                    }
                    _ => clauses.push(one.clone()),
                }
            }
            if !narrowed {
                break clauses;
            }
            formula = Formula::all(clauses);
        };
        self.branch(clauses, domains)
    }

    /// Tries each way to meet the shortest clause.
    fn branch(&mut self, mut clauses: Vec<Formula>, mut domains: Vec<Set>) -> Found {
        let shortest = clauses.iter().enumerate().min_by_key(|(_, clause)| ways(clause).len());
        let Some((place, _)) = shortest else { return Found::Classes(domains) };
        let clause = clauses.swap_remove(place);
        for way in ways(&clause) {
            let tried = Formula::all(clauses.iter().cloned().chain([way.clone()]));
            match self.find(tried, domains.clone()) {
                Found::Nothing => {}
                found => return found,
            }
            // What is left is where this way is closed.
            if let Some(Node::In(variable, set)) = way.node()
                && let Some(domain) = domains.get_mut(*variable)
            {
                *domain = domain.minus(set);
                if domain.is_empty() {
                    return Found::Nothing;
                }
            }
        }
        Found::Nothing
    }
}

fn ways(clause: &Formula) -> &[Formula] {
    match clause.node() {
        Some(Node::Any(any)) => any,
        _ => &[],
    }
}

/// What of a formula is still open, where each variable's class is one of these.
fn reduced(formula: &Formula, domains: &[Set]) -> Formula {
    let Some(node) = formula.node() else { return formula.clone() };
    match node {
        Node::In(variable, set) => match domains.get(*variable) {
            Some(domain) if domain.is_subset(set) => Formula::Constant(true),
            Some(domain) if domain.is_disjoint(set) => Formula::Constant(false),
            _ => formula.clone(),
        },
        Node::All(all) => {
            let mut kept = Vec::with_capacity(all.len());
            for one in all {
                match reduced(one, domains) {
                    Formula::Constant(true) => {}
                    Formula::Constant(false) => return Formula::Constant(false),
                    open @ Formula::Of(_) => kept.push(open),
                }
            }
            Formula::all(kept)
        }
        Node::Any(any) => {
            let mut kept = Vec::with_capacity(any.len());
            for one in any {
                match reduced(one, domains) {
                    Formula::Constant(false) => {}
                    Formula::Constant(true) => return Formula::Constant(true),
                    open @ Formula::Of(_) => kept.push(open),
                }
            }
            Formula::any(kept)
        }
    }
}

/// The first classes that meet the formula: each variable in its turn takes its
/// first class that any solution has.
pub(crate) fn smallest(formula: &Formula, domains: &[Set], found: Vec<Set>) -> Option<Vec<usize>> {
    let mut domains = domains.to_vec();
    let mut classes: Vec<usize> = found.iter().map(Set::first).collect::<Option<_>>()?;
    for variable in 0..domains.len() {
        let members: Vec<usize> = domains.get(variable)?.iter().collect();
        // Any of the first `low` fails, one of the first `high` meets it.
        let (mut low, mut high) =
            (0, members.iter().position(|m| Some(m) == classes.get(variable))? + 1);
        while low + 1 < high {
            let middle = low.midpoint(high);
            let mut tried = domains.clone();
            let domain = domains.get(variable)?;
            let some = Set::of(domain.bound(), members.iter().take(middle).copied());
            *tried.get_mut(variable)? = some;
            match solve(formula, &tried) {
                Found::Classes(found) => {
                    classes = found.iter().map(Set::first).collect::<Option<_>>()?;
                    high = members.iter().position(|m| Some(m) == classes.get(variable))? + 1;
                }
                Found::Nothing | Found::GaveUp => low = middle,
            }
        }
        let bound = domains.get(variable)?.bound();
        *domains.get_mut(variable)? = Set::of(bound, [*members.get(high - 1)?]);
    }
    Some(classes)
}

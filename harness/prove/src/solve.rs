//! A search for classes that meet a formula: three-valued backtracking over
//! sets of classes, with what must hold taken first.
//!
//! Of the parts of ARNs the search knows the patterns as variables that are true
//! or false; which of them a text can match together, [`crate::parts`] says.

use std::rc::Rc;

use ringfence_policy::symbolic::Logic;

use crate::clauses::{Clauses, atoms};
use crate::formula::{Formula, Node, Variable};
use crate::parts::{Atoms, PARTS, Tests};
use crate::set::Set;

/// Steps after which a search is given up.
const STEPS: usize = 20_000;

/// What it costs to look at a formula, and at what is left of it.
const LOOKING: usize = 8;

/// Texts of a part of an ARN that are tried for a shorter one, at most.
const TRIES: usize = 24;

/// The partition among the parts of an ARN.
const PARTITION: usize = 0;

/// What is looked for: requests that the one side allows and the other does not.
#[derive(Clone, Copy)]
pub(crate) struct Problem<'f> {
    /// What the one side allows: the ways to meet it are tried one by one.
    pub(crate) allowed: &'f Formula,
    /// What else must hold.
    pub(crate) rest: &'f Formula,
    pub(crate) tests: &'f Tests,
    /// The partition of whoever asks: nobody reaches another.
    pub(crate) partition: Option<&'f str>,
}

/// Classes of each variable, whichever of them meet the formulas, and a text for
/// each part of an ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) domains: Vec<Set>,
    pub(crate) parts: [String; PARTS],
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Model(Model),
    /// There is none.
    Nothing,
    /// It took too long.
    GaveUp,
}

impl Problem<'_> {
    /// Looks for classes, of these, that meet the formulas.
    pub(crate) fn solve(&self, domains: &[Set]) -> Found {
        self.solve_where(domains, &[])
    }

    /// The same where variables are true or false.
    fn solve_where(&self, domains: &[Set], fixed: &[(Variable, bool)]) -> Found {
        let mut search = Search { tests: self.tests, steps: 0, gave_up: false };
        let mut state = State {
            formulas: [self.allowed.clone(), self.rest.clone()],
            domains: domains.to_vec(),
            atoms: Rc::new(self.tests.of_parts()),
        };
        // They are all variables of a part: what follows is among them.
        for (variable, holds) in fixed {
            if !fix(&mut state.domains, *variable, *holds) {
                return Found::Nothing;
            }
        }
        match search.find(state) {
            Found::Nothing if search.gave_up => Found::GaveUp,
            found => found,
        }
    }

    /// A request of few and short parts, from one that was found: what is acted
    /// upon, the parts of its ARN and then each key take the first class with which
    /// there is still a request.
    pub(crate) fn smallest(&self, domains: &[Set], found: Model) -> Model {
        let mut domains = domains.to_vec();
        let mut found = self.first_class(0, &mut domains, found);
        // What is acted upon is `*`, or each part of an ARN is tried.
        if found.domains.first().is_some_and(|target| target.contains(1)) {
            found = self.within_partition(&mut domains, found);
            for part in PARTITION + 1..PARTS {
                found = self.shorter(part, &mut domains, found);
            }
        }
        // Of what is no key nothing is shown.
        for variable in 1..self.tests.first().min(domains.len()) {
            if domains.get(variable).is_some_and(|domain| domain.len() > 1) {
                found = self.first_class(variable, &mut domains, found);
            }
        }
        found
    }

    /// The ARN is of the partition of whoever asks, where there is such a request.
    fn within_partition(&self, domains: &mut [Set], found: Model) -> Model {
        let Some(own) = self.partition else { return self.shorter(PARTITION, domains, found) };
        let fixed = self.tests.of_text(PARTITION, own);
        let Found::Model(mut model) = self.solve_where(domains, &fixed) else {
            return self.shorter(PARTITION, domains, found);
        };
        if let Some(part) = model.parts.get_mut(PARTITION) {
            own.clone_into(part);
        }
        self.fix_part(PARTITION, own, domains);
        model
    }

    /// A part of the ARN is this text from now on.
    fn fix_part(&self, part: usize, text: &str, domains: &mut [Set]) {
        for (variable, holds) in self.tests.of_text(part, text) {
            if let Some(domain) = domains.get_mut(variable) {
                *domain = Set::of(2, [usize::from(holds)]);
            }
        }
    }

    /// The part takes the shortest text with which there is a request.
    fn shorter(&self, part: usize, domains: &mut [Set], found: Model) -> Model {
        let length = found.parts.get(part).map_or(0, String::len);
        let candidates = self.tests.candidates(part).into_iter();
        let mut best = found;
        for text in candidates.take_while(|text| text.len() < length).take(TRIES) {
            if self.tests.spend(100 * text.len() * (1 + self.tests.len())).is_err() {
                break;
            }
            let fixed = self.tests.of_text(part, &text);
            if let Found::Model(mut model) = self.solve_where(domains, &fixed) {
                if let Some(part) = model.parts.get_mut(part) {
                    *part = text;
                }
                best = model;
                break;
            }
        }
        let text = best.parts.get(part).cloned().unwrap_or_default();
        self.fix_part(part, &text, domains);
        best
    }

    /// The variable takes its first class with which there is a request.
    fn first_class(&self, variable: Variable, domains: &mut [Set], mut found: Model) -> Model {
        let Some(domain) = domains.get(variable).cloned() else { return found };
        let members: Vec<usize> = domain.iter().collect();
        let place = |found: &Model| {
            let first = found.domains.get(variable).and_then(Set::first);
            members.iter().position(|member| Some(*member) == first)
        };
        // With any of the first `low` there is none, with one of the first `high`
        // there is.
        let (mut low, mut high) = (0, place(&found).map_or(members.len(), |place| place + 1));
        while low + 1 < high {
            let middle = low.midpoint(high);
            let mut tried = domains.to_vec();
            if let Some(domain) = tried.get_mut(variable) {
                *domain = Set::of(domain.bound(), members.iter().take(middle).copied());
            }
            match self.solve(&tried) {
                Found::Model(model) => {
                    high = place(&model).map_or(middle, |place| place + 1);
                    found = model;
                }
                Found::Nothing | Found::GaveUp => low = middle,
            }
        }
        let class = high.checked_sub(1).and_then(|last| members.get(last));
        for domains in [domains, &mut found.domains] {
            if let (Some(domain), Some(class)) = (domains.get_mut(variable), class) {
                *domain = Set::of(domain.bound(), [*class]);
            }
        }
        found
    }
}

/// Where a search is: what is still to be met, and which classes are left.
#[derive(Clone)]
struct State {
    formulas: [Formula; 2],
    domains: Vec<Set>,
    /// The atoms that matter.
    atoms: Rc<Atoms>,
}

struct Search<'t> {
    tests: &'t Tests,
    steps: usize,
    gave_up: bool,
}

/// A clause of one of the formulas, of which each way to meet it is tried.
struct Choice {
    /// What is left where the ways that were tried are closed.
    state: State,
    /// Of which formula it is.
    which: usize,
    /// The other clauses of that formula.
    clauses: Vec<Formula>,
    clause: Formula,
    /// The way that is tried next.
    next: usize,
    /// The clauses of the other formula, where they are many.
    others: Option<Clauses>,
    /// Variables of parts that are settled.
    fixed: Atoms,
}

/// What became of a state.
enum Step {
    Nothing,
    Model(Model),
    Open(Box<Choice>),
}

impl Search<'_> {
    /// Tries all choices, the last first. They are kept in a list: there may be as many as
    /// there are steps.
    fn find(&mut self, state: State) -> Found {
        let mut choices: Vec<Box<Choice>> = Vec::new();
        let mut tried = Some(state);
        loop {
            match tried.take().map_or(Step::Nothing, |state| self.step(state)) {
                Step::Nothing => {}
                Step::Model(model) => return Found::Model(model),
                Step::Open(choice) => choices.push(choice),
            }
            let Some(choice) = choices.last_mut() else { return Found::Nothing };
            tried = self.way(choice);
            if tried.is_none() {
                choices.pop();
            }
        }
    }

    fn step(&mut self, mut state: State) -> Step {
        self.steps += 1;
        let atoms: usize = state.atoms.iter().map(Vec::len).sum();
        let cost = 200 + state.domains.len() + 50 * atoms;
        if self.steps > STEPS || self.tests.spend(cost).is_err() {
            self.gave_up = true;
            return Step::Nothing;
        }
        if !self.settle(&mut state) {
            return Step::Nothing;
        }
        let open = state.formulas.iter().position(|formula| formula.node().is_some());
        match (self.tests.words(&state.domains, &state.atoms), open) {
            (Ok(None), _) => Step::Nothing,
            (Ok(Some(words)), None) => Step::Model(Model { domains: state.domains, parts: words }),
            (_, Some(which)) => self.choice(which, state),
            (Err(_), None) => {
                self.gave_up = true;
                Step::Nothing
            }
        }
    }

    /// Takes what must hold; whether it can.
    fn settle(&mut self, state: &mut State) -> bool {
        loop {
            let mut narrowed = false;
            let State { formulas, domains, atoms } = state;
            for formula in formulas {
                let mut looked_at = 0;
                *formula = reduced(formula, domains, &mut looked_at);
                if self.tests.spend(LOOKING * looked_at).is_err() {
                    self.gave_up = true;
                    return false;
                }
                let all: &[Formula] = match formula {
                    Formula::Constant(true) => continue,
                    Formula::Constant(false) => return false,
                    Formula::Of(node) => match &**node {
                        Node::All(all) => all,
                        Node::In(..) | Node::Any(_) => std::slice::from_ref(formula),
                    },
                };
                let mut clauses = Vec::new();
                for one in all {
                    match one.node() {
                        Some(Node::In(variable, set)) => {
                            if !self.narrow(domains, atoms, *variable, set) {
                                return false;
                            }
                            narrowed = true;
                        }
                        _ => clauses.push(one.clone()),
                    }
                }
                if clauses.len() < all.len() {
                    *formula = Formula::all(clauses);
                }
            }
            if !narrowed {
                return true;
            }
        }
    }

    /// Leaves a variable these classes alone, with what follows; whether any are
    /// left.
    fn narrow(&self, domains: &mut [Set], atoms: &Atoms, variable: Variable, set: &Set) -> bool {
        let Some(domain) = domains.get_mut(variable) else { return true };
        if domain.is_subset(set) {
            return true;
        }
        *domain = domain.intersection(set);
        if domain.is_empty() {
            return false;
        }
        if domain.bound() != 2 {
            return true;
        }
        let holds = domain.contains(1);
        // What follows of these is among them: one pattern is within another or it is not.
        let take = |variable, holds| fix(domains, variable, holds);
        self.tests.follows(variable, holds, atoms, take)
    }

    /// The shortest clause of one of the formulas.
    fn choice(&self, which: usize, state: State) -> Step {
        let [first, second] = &state.formulas;
        // Of many clauses of the other formula each way leaves few open.
        let (formula, other) = if which == 0 { (first, second) } else { (second, first) };
        let mut clauses: Vec<Formula> = match formula.node() {
            Some(Node::All(all)) => all.clone(),
            _ => vec![formula.clone()],
        };
        let shortest = clauses.iter().enumerate().min_by_key(|(_, clause)| ways(clause).len());
        let Some((place, _)) = shortest else { return Step::Nothing };
        let clause = clauses.swap_remove(place);
        let others = Clauses::of(other, self.tests);
        let fixed = |variable: &&Variable| {
            state.domains.get(**variable).is_some_and(|domain| domain.len() == 1)
        };
        let fixed = state.atoms.each_ref().map(|part| part.iter().filter(fixed).copied().collect());
        Step::Open(Box::new(Choice { state, which, clauses, clause, next: 0, others, fixed }))
    }

    /// The next way to meet a clause; `None` where none is left.
    fn way(&self, choice: &mut Choice) -> Option<State> {
        loop {
            let tried =
                choice.next.checked_sub(1).and_then(|tried| ways(&choice.clause).get(tried));
            // What is left is where this way is closed.
            if let Some(Node::In(variable, set)) = tried.and_then(Formula::node) {
                let State { domains, atoms, .. } = &mut choice.state;
                if !self.narrow(domains, atoms, *variable, &set.complement()) {
                    return None;
                }
            }
            if self.steps > STEPS {
                return None;
            }
            let Choice { state, which, clauses, clause, next, others, fixed } = &mut *choice;
            let way = ways(clause).get(*next)?;
            *next += 1;
            if others.as_ref().is_some_and(|all| all.refute(way, &state.domains, self.tests)) {
                continue;
            }
            let mut tried = state.clone();
            let [first, second] = &mut tried.formulas;
            let (formula, other) = if *which == 0 { (first, second) } else { (second, first) };
            *formula = Formula::all(clauses.iter().cloned().chain([way.clone()]));
            if let Some(others) = others {
                *other = others.beside(way, self.tests);
                tried.atoms = atoms(&tried.formulas, fixed, self.tests);
            }
            return Some(tried);
        }
    }
}

fn ways(clause: &Formula) -> &[Formula] {
    match clause.node() {
        Some(Node::Any(any)) => any,
        _ => &[],
    }
}

/// Leaves a variable that is true or false one of these; whether it may be so.
fn fix(domains: &mut [Set], variable: Variable, holds: bool) -> bool {
    let Some(domain) = domains.get_mut(variable) else { return true };
    let class = usize::from(holds);
    let may_be = domain.contains(class);
    if may_be && domain.contains(1 - class) {
        *domain = Set::of(2, [class]);
    }
    may_be
}

/// What of a formula is still open, where each variable's class is one of these; how many
/// formulas were looked at for that.
fn reduced(formula: &Formula, domains: &[Set], looked_at: &mut usize) -> Formula {
    *looked_at += 1;
    let Some(node) = formula.node() else { return formula.clone() };
    let (all, unit) = match node {
        Node::In(variable, set) => {
            return match domains.get(*variable) {
                Some(domain) if domain.is_subset(set) => Formula::Constant(true),
                Some(domain) if domain.is_disjoint(set) => Formula::Constant(false),
                _ => formula.clone(),
            };
        }
        Node::All(all) => (all, true),
        Node::Any(any) => (any, false),
    };
    let mut kept = Vec::new();
    let mut same = true;
    for (place, one) in all.iter().enumerate() {
        let next = reduced(one, domains, looked_at);
        if same && next.is_same(one) {
            continue;
        }
        if same {
            kept.extend(all.iter().take(place).cloned());
            same = false;
        }
        match next {
            Formula::Constant(holds) if holds == unit => {}
            Formula::Constant(_) => return Formula::Constant(!unit),
            open @ Formula::Of(_) => kept.push(open),
        }
    }
    match (same, unit) {
        (true, _) => formula.clone(),
        (false, unit) => Formula::left(kept, unit),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::patterns::Patterns;

    /// What a search looks at counts as its steps do, so that it ends.
    #[test]
    fn looking_at_a_formula_takes_of_what_a_question_may_cost() {
        const COUNT: usize = 2_000;
        let leaf = |variable| Formula::within(variable, Set::of(3, [0, 1]));
        let allowed = Formula::all((0..COUNT).map(leaf));
        let domains = vec![Set::of(3, [0]); COUNT];
        let found = |spent: usize| {
            let patterns = Rc::new(RefCell::new(Patterns::default()));
            patterns.borrow().budget.take(spent).unwrap();
            let mut tests = Tests::new(patterns);
            tests.begin(COUNT);
            let rest = &Formula::Constant(true);
            Problem { allowed: &allowed, rest, tests: &tests, partition: None }.solve(&domains)
        };
        assert!(matches!(found(0), Found::Model(_)));
        // What is left is enough for a step, and not for looking at each of these.
        assert_eq!(found(1_000_000_000 - 5 * COUNT), Found::GaveUp);
    }
}

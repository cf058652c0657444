//! The classes of each condition key, and the conditions as formulas over them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::rc::Rc;

use ringfence_policy::symbolic::{Condition, Effect, Logic};
use ringfence_policy::{Context, Values};

use crate::choices::Passing;
use crate::domain::Rule;
use crate::encode::{KEYS, Scope, holds, put};
use crate::formula::Formula;
use crate::held::{COMPARED, cost};
use crate::parts::Tests;
use crate::set::Set;
use crate::words::{Alphabet, Classes, Pattern, classes};
use crate::written;

/// A condition key.
pub(crate) struct Key {
    /// As it is first written.
    pub(crate) name: String,
    pub(crate) lower: String,
    /// One value of each class, the smallest first; `None` is absence.
    pub(crate) values: Rc<Vec<Option<Values>>>,
    /// Whether these are kept for other questions.
    pub(crate) is_kept: bool,
    /// Whether a variable has this key, so that each value counts by itself.
    pub(crate) is_variable: bool,
}

/// All condition keys that the statements ask for.
pub(crate) struct Keys {
    pub(crate) all: Vec<Key>,
    /// The keys that the caller decides, in every context.
    pub(crate) fixed: Context,
    /// Why not every case may have been told apart.
    pub(crate) open: Vec<String>,
    pub(crate) places: HashMap<String, usize>,
    /// The variables that are true or false.
    pub(crate) tests: Tests,
    /// Those of what entries cover beyond their parts.
    pub(crate) beyond: Vec<Formula>,
    /// Of resources whose variables have too many values, those with which it is known what is
    /// covered.
    pub(crate) chosen: Vec<Formula>,
    pub(crate) unclear: HashSet<String>,
}

/// What was found of conditions with variables and of keys, whoever asks for whatever
/// action: by what it hangs on.
#[derive(Default)]
pub(crate) struct Told {
    /// For each class of the variables of a condition, the classes of its key that pass.
    sets: HashMap<String, Rc<Vec<Set>>>,
    /// The classes of a key, and why these may not be all.
    pub(crate) values: HashMap<String, Valued>,
    /// The classes of the texts that patterns tell apart.
    classes: HashMap<Vec<Pattern>, Classes>,
    /// By what a key may be and the places of the conditions on it, where no variable has it or
    /// stands in them: its classes, and why these may not be all.
    pub(crate) alone: HashMap<(Rule, Vec<usize>), Alone>,
    /// Of such a key's classes and the place of a condition, those that pass for an effect.
    passing: HashMap<(usize, usize, Effect), Rc<Vec<Set>>>,
}

/// The classes of a key, and why these may not be all.
pub(crate) type Alone = (Rc<Vec<Option<Values>>>, Vec<String>);

impl Told {
    /// The classes of the texts that patterns tell apart.
    pub(crate) fn classes(&mut self, patterns: Vec<Pattern>) -> Classes {
        let found = self.classes.entry(patterns);
        found.or_insert_with_key(|patterns| classes(patterns, Alphabet::All)).clone()
    }
}

/// The classes of a key, and why these may not be all.
type Valued = (Rc<Vec<Option<Values>>>, Option<String>);

/// A condition as it is written: operator, key, values and their variables, and its
/// statement's effect.
type Written<'c> = (&'c str, &'c str, &'c [Box<str>], Vec<&'c str>, Effect);

impl Keys {
    pub(crate) fn new(scope: &Scope<'_, '_>) -> Self {
        let mut keys = Self {
            all: Vec::new(),
            fixed: Context::new(),
            open: Vec::new(),
            places: HashMap::new(),
            tests: Tests::new(scope.patterns.clone()),
            beyond: Vec::new(),
            chosen: Vec::new(),
            unclear: HashSet::new(),
        };
        for (key, value) in &scope.caller.fixed {
            put(&mut keys.fixed, key, value.clone().map(Values::One).as_ref());
        }
        let conditions: Vec<&Condition> =
            scope.statements.iter().flat_map(|statement| statement.conditions()).collect();
        let in_resources = scope.statements.iter().flat_map(|one| one.resources());
        let mut variables: Vec<&str> = in_resources.flat_map(|one| one.variables()).collect();
        variables.extend(conditions.iter().flat_map(|condition| condition.variables()));
        for name in &variables {
            keys.add(name, true);
        }
        for condition in &conditions {
            keys.add(condition.key(), false);
        }
        keys.tests.begin(KEYS + keys.all.len());
        keys.check_variables(scope);
        // Variables first, and of these what the caller decides: what others are compared
        // with hangs on their values.
        let is_fixed = |key: &Key| scope.caller.fixed.contains_key(&key.lower);
        let rank = |key: &Key| (!key.is_variable, !is_fixed(key));
        let mut order: Vec<usize> = (0..keys.all.len()).collect();
        order.sort_by_key(|place| keys.all.get(*place).map(rank));
        for place in order {
            keys.find_values(place, &conditions, scope);
        }
        keys
    }

    fn add(&mut self, name: &str, is_variable: bool) {
        let lower = name.to_ascii_lowercase();
        if let Some(place) = self.places.get(&lower) {
            if let Some(key) = self.all.get_mut(*place) {
                key.is_variable |= is_variable;
            }
            return;
        }
        self.places.insert(lower.clone(), self.all.len());
        let (name, values) = (name.to_owned(), Rc::new(vec![None]));
        self.all.push(Key { name, lower, values, is_kept: false, is_variable });
    }

    /// A request's variable that is used twice in a statement, or compared with
    /// another, is not told apart in full.
    fn check_variables(&mut self, scope: &Scope<'_, '_>) {
        for statement in scope.statements {
            let mut used: HashMap<String, usize> = HashMap::new();
            for pattern in statement.resources() {
                let mut own: HashMap<String, usize> = HashMap::new();
                for name in pattern.variables() {
                    *own.entry(name.to_ascii_lowercase()).or_default() += 1;
                }
                for (name, count) in own {
                    let most = used.entry(name).or_default();
                    *most = (*most).max(count);
                }
            }
            for condition in statement.conditions() {
                let own: HashSet<String> =
                    condition.variables().iter().map(|name| name.to_ascii_lowercase()).collect();
                for name in own {
                    *used.entry(name).or_default() += 1;
                }
                let key = self.places.get(condition.lower_key()).and_then(|at| self.all.get(*at));
                if key.is_some_and(|key| key.is_variable) {
                    for name in condition.variables() {
                        self.note(scope, name, "is compared with another variable");
                    }
                }
            }
            for (name, count) in used {
                if count > 1 {
                    self.note(scope, &name, "is used twice in one statement");
                }
            }
        }
    }

    fn note(&mut self, scope: &Scope<'_, '_>, name: &str, what: &str) {
        if scope.caller.fixed.contains_key(&name.to_ascii_lowercase()) {
            return;
        }
        self.unclear.insert(name.to_ascii_lowercase());
        let reason = format!("the variable `${{{name}}}` {what}");
        if !self.open.contains(&reason) {
            self.open.push(reason);
        }
    }

    /// What is asked of a condition: where it is, and the classes of its key and of its
    /// variables.
    fn asked(
        &self,
        (condition, effect): (&Condition, Effect),
        values: &[Option<Values>],
    ) -> String {
        let at = std::ptr::from_ref(condition).addr();
        let mut asked = format!("{at} {effect:?} {values:?}");
        self.tell(&condition.variables(), &mut asked);
        asked
    }

    /// The classes of some variables, in order.
    pub(crate) fn tell(&self, variables: &[&str], into: &mut String) {
        let names: BTreeSet<String> =
            variables.iter().map(|name| name.to_ascii_lowercase()).collect();
        for name in names {
            let key = self.places.get(&name).and_then(|place| self.all.get(*place));
            let values = key.map(|key| &key.values);
            let _ = write!(into, " {name} {values:?}");
        }
    }

    pub(crate) fn contexts(&self, condition: &Condition) -> Option<Vec<(Formula, Context)>> {
        self.combined(&condition.variables(), &Passing::default())
    }

    /// A test that may come out either way, the same wherever it stands.
    pub(crate) fn either(&mut self, test: String) -> Formula {
        self.tests.either(test)
    }

    /// The same of what an entry covers beyond its parts.
    pub(crate) fn beyond(&mut self, entry: &str) -> Formula {
        let beyond = self.either(format!("beyond {entry}"));
        self.beyond.push(beyond.clone());
        beyond
    }

    /// Whether one of the variables is not told apart in full, or not all of them together.
    pub(crate) fn is_unclear(&self, variables: &[&str], passing: &Passing) -> bool {
        variables.iter().any(|name| self.unclear.contains(&name.to_ascii_lowercase()))
            || self.combined(variables, passing).is_none()
    }

    /// Each condition as a formula.
    pub(crate) fn formulas(&mut self, scope: &Scope<'_, '_>) -> HashMap<(usize, Effect), Formula> {
        let mut formulas = HashMap::new();
        // What is written alike is alike.
        let mut known: HashMap<Written<'_>, Formula> = HashMap::new();
        let mut held = Held::default();
        for statement in scope.statements {
            let effect = statement.effect();
            for condition in statement.conditions() {
                let address = std::ptr::from_ref(condition).addr();
                let (name, values) = (condition.operator_name(), condition.values());
                let key = (name, condition.lower_key(), values, condition.variables(), effect);
                let is_told = is_told(condition);
                let formula = match known.get(&key).filter(|_| is_told) {
                    Some(formula) => formula.clone(),
                    None => self.formula(condition, effect, scope, &mut held),
                };
                if is_told {
                    known.insert(key, formula.clone());
                }
                formulas.insert((address, effect), formula);
            }
        }
        formulas
    }

    fn formula(
        &mut self,
        condition: &Condition,
        effect: Effect,
        scope: &Scope<'_, '_>,
        held: &mut Held,
    ) -> Formula {
        let Some(place) = self.places.get(condition.lower_key()).copied() else {
            return Formula::Constant(false);
        };
        let unclear = |name: &str| self.unclear.contains(&name.to_ascii_lowercase());
        let is_unclear = unclear(condition.key()) || condition.variables().into_iter().any(unclear);
        let classes = self.all.get(place).map_or(0, |key| key.values.len());
        let can_be_compared = |contexts: &Vec<(Formula, Context)>| {
            contexts.len().saturating_mul(classes).saturating_mul(cost(condition)) <= COMPARED
        };
        let contexts = self.contexts(condition).filter(can_be_compared);
        if scope.opaque && (is_unclear || contexts.is_none()) {
            return self.either(written::condition(condition, effect));
        }
        let contexts = contexts.unwrap_or_else(|| {
            let what = condition.key();
            self.open.push(format!("the variables compared with `{what}` have too many values"));
            let few = Some(self.first_few(&condition.variables())).filter(can_be_compared);
            few.unwrap_or_default()
        });
        let Some(key) = self.all.get(place) else { return Formula::Constant(false) };
        let own = condition.variables().iter().any(|name| name.eq_ignore_ascii_case(&key.lower));
        let has_variables = !condition.variables().is_empty();
        // What was found of another caller or action.
        let told = has_variables.then(|| self.asked((condition, effect), &key.values));
        let known = told.as_ref().and_then(|asked| scope.told.borrow().sets.get(asked).cloned());
        let alone = (key.is_kept && !has_variables).then(|| {
            let at = std::ptr::from_ref(condition).addr();
            (Rc::as_ptr(&key.values).addr(), at, effect)
        });
        let of_alone = |asked| scope.told.borrow().passing.get(asked).cloned();
        let known = known.or_else(|| alone.as_ref().and_then(of_alone));
        let mut sets: Vec<Set> = Vec::with_capacity(contexts.len());
        let mut whens: Vec<Formula> = Vec::with_capacity(contexts.len());
        for (when, mut context) in contexts {
            whens.push(when);
            if known.is_some() {
                continue;
            }
            let mut set = Set::empty(classes);
            if !has_variables {
                let of_class = held.0.entry(place).or_insert_with(|| key.contexts(&context));
                for (class, context) in of_class.iter().enumerate() {
                    if holds(condition, context, effect) {
                        set.insert(class);
                    }
                }
            } else {
                for class in 0..classes {
                    // A key that is compared with itself has the value it has.
                    if !own {
                        key.put(class, &mut context);
                    }
                    if holds(condition, &context, effect) {
                        set.insert(class);
                    }
                }
            }
            sets.push(set);
        }
        let sets = known.unwrap_or_else(|| Rc::new(sets));
        if let Some(asked) = told {
            scope.told.borrow_mut().sets.insert(asked, Rc::clone(&sets));
        }
        if let Some(asked) = alone {
            scope.told.borrow_mut().passing.insert(asked, Rc::clone(&sets));
        }
        let mut by_set: Vec<(Set, Vec<Formula>)> = Vec::new();
        for (when, set) in whens.into_iter().zip(sets.iter().cloned()) {
            match by_set.iter_mut().find(|(known, _)| *known == set) {
                Some((_, whens)) => whens.push(when),
                None => by_set.push((set, vec![when])),
            }
        }
        Formula::any(
            by_set
                .into_iter()
                .map(|(set, whens)| Formula::any(whens).and(Formula::within(KEYS + place, set))),
        )
    }
}

/// Whether all of one operator, these values and variables say the same, whatever document
/// they are of: one of an old version has no variables and no escapes.
pub(crate) fn is_told(condition: &Condition) -> bool {
    let is_plain = !condition.values().iter().any(|value| value.contains("${"));
    is_plain || !condition.variables().is_empty()
}

/// Of each key, the contexts that its classes make.
#[derive(Default)]
struct Held(HashMap<usize, Vec<Context>>);

impl Key {
    /// The contexts that its classes make, beside what all have.
    fn contexts(&self, beside: &Context) -> Vec<Context> {
        let of = |class: usize| {
            let mut context = beside.clone();
            self.put(class, &mut context);
            context
        };
        (0..self.values.len()).map(of).collect()
    }
}

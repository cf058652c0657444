//! What a condition key may hold: one value of each class of those that the conditions do
//! not tell apart.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::rc::Rc;

use ringfence_policy::symbolic::{Condition, Effect, Test};
use ringfence_policy::{Context, Values};

use crate::domain::{Holds, Rule};
use crate::encode::{Scope, holds, put};
use crate::keys::{Keys, is_told};
use crate::residuals::residuals;
use crate::values::texts;
use crate::words::Pattern;

/// Lists of values of one key that are told apart at most.
const LISTS: usize = 256;

/// Values of a variable that are tried at most.
const VALUES: usize = 64;

/// Values of policies that one key is compared with at most, each with each value of its
/// variables.
const TESTS: usize = 32_768;

/// Comparisons of a value with one of a policy, at most.
pub(crate) const COMPARED: usize = 128_000_000;

/// A condition as it is written: operator, values and their variables.
type Alike<'c> = (&'c str, &'c [Box<str>], Vec<&'c str>);

impl Keys {
    pub(crate) fn find_values(
        &mut self,
        place: usize,
        conditions: &[&Condition],
        scope: &Scope<'_, '_>,
    ) {
        let Some(key) = self.all.get(place) else { return };
        if let Some(fixed) = scope.caller.fixed.get(&key.lower) {
            let value = fixed.clone().map(Values::One);
            if let Some(key) = self.all.get_mut(place) {
                key.values = Rc::new(vec![value]);
            }
            return;
        }
        let (lower, is_variable) = (key.lower.clone(), key.is_variable);
        let on: Vec<&Condition> =
            conditions.iter().filter(|one| one.lower_key() == lower).copied().collect();
        let shape = scope.caller.shapes.get(&lower).or_else(|| scope.caller.sent.get(&lower));
        let has_no_variable = |one: &&Condition| one.variables().is_empty();
        let is_alone = !is_variable && shape.is_none() && on.iter().all(has_no_variable);
        let alone = is_alone.then(|| {
            let at = on.iter().map(|one| std::ptr::from_ref::<Condition>(one).addr());
            (scope.admits.key(&lower), at.collect::<Vec<usize>>())
        });
        let known = alone.as_ref().and_then(|it| scope.told.borrow().alone.get(it).cloned());
        if let Some((values, open)) = known {
            self.put_values(place, values, true, open);
            return;
        }
        let (on, all) = self.compared(&on);
        let tests: Vec<Test> = on.tests();
        let mut shapes: Vec<Pattern> = shape.iter().flat_map(|it| it.patterns().cloned()).collect();
        let mut open: Vec<String> = Vec::new();
        let mut how = scope.admits.key(&lower);
        let mut is_apart = true;
        if is_variable {
            let why = self.tell_apart(place, &mut shapes, &tests, conditions, scope);
            is_apart = why.is_none();
            open.extend(why.map(|why| format!("the variable `${{{lower}}}` {why}")));
        }
        let mut found = texts(&tests, shapes, scope.told);
        if !found.complete {
            let is_cased =
                |test: &Test| matches!(test, Test::Text { text, fold: true } if !text.is_ascii());
            let how = match tests.iter().any(is_cased) {
                true => "without regard to the case of letters beyond ASCII",
                false => "as text with wildcards and as another type",
            };
            open.push(format!("`{lower}` is compared {how}"));
        }
        // Each is compared for either effect.
        let cost = 2 * on.cost().max(1);
        if !all || found.words.len().saturating_mul(cost) > COMPARED {
            found.words.truncate((COMPARED / cost).max(1));
            open.push(format!("`{lower}` is compared with too many values"));
        }
        if is_variable {
            if !is_apart {
                found.words.extend(residuals(&lower, scope, place));
            }
            if let Some(shape) = shape {
                // What stands for any other is of the form.
                let of_form: Vec<String> =
                    found.words.iter().map(|word| shape.with(word)).collect();
                found.words.extend(of_form);
                found.words.retain(|word| shape.has(word));
            }
            let mut seen = HashSet::new();
            found.words.retain(|word| seen.insert(word.clone()));
            if found.words.len() > VALUES {
                found.words.truncate(VALUES);
                open.push(format!("the variable `${{{lower}}}` has too many values"));
            }
        }
        if shape.is_some() {
            how = how.always_one();
        }
        found.words.extend(how.samples().iter().map(|word| (*word).to_owned()));
        if let Some(shape) = shape {
            found.words.retain(|word| shape.has(word));
        }
        let mut asked = format!("{is_variable} {how:?} {:?}", found.words);
        on.tell(self, &mut asked);
        let known = scope.told.borrow().values.get(&asked).cloned();
        let (values, why) = match known {
            Some(known) => known,
            None => {
                let (values, why) = values(how, is_variable, &found.words, &on);
                let known = (Rc::new(values), why);
                scope.told.borrow_mut().values.insert(asked, known.clone());
                known
            }
        };
        open.extend(why);
        let is_kept = alone.is_some();
        if let Some(alone) = alone {
            let known = (Rc::clone(&values), open.clone());
            scope.told.borrow_mut().alone.insert(alone, known);
        }
        self.put_values(place, values, is_kept, open);
    }

    /// The classes of a key, and why these may not be all.
    fn put_values(
        &mut self,
        place: usize,
        values: Rc<Vec<Option<Values>>>,
        is_kept: bool,
        open: Vec<String>,
    ) {
        let Some(key) = self.all.get_mut(place) else { return };
        (key.values, key.is_kept) = (values, is_kept);
        if !open.is_empty() {
            self.unclear.insert(key.lower.clone());
            self.open.extend(open);
        }
    }

    /// The conditions on a key, each once; and whether all their values are among them.
    fn compared<'c>(&self, on: &[&'c Condition]) -> (On<'c>, bool) {
        let mut seen: HashSet<Alike<'_>> = HashSet::new();
        let mut by_variables: HashMap<Vec<&str>, usize> = HashMap::new();
        let mut by_contexts: Vec<(Vec<Context>, Vec<&Condition>)> = Vec::new();
        let (mut count, mut all) = (0, true);
        for condition in on {
            let mut variables = condition.variables();
            let written = (condition.operator_name(), condition.values(), variables.clone());
            if is_told(condition) && !seen.insert(written) {
                continue;
            }
            variables.sort_unstable();
            variables.dedup();
            let place = *by_variables.entry(variables).or_insert_with(|| {
                let contexts = self.contexts(condition).unwrap_or_default();
                let contexts = contexts.into_iter().map(|(_, context)| context).collect();
                by_contexts.push((contexts, Vec::new()));
                by_contexts.len() - 1
            });
            let Some((contexts, conditions)) = by_contexts.get_mut(place) else { continue };
            count += contexts.len() * condition.values().len();
            if count > TESTS {
                all = false;
                continue;
            }
            conditions.push(condition);
        }
        let key = on.first().map_or("", |one| one.lower_key());
        (On { key, by_contexts: RefCell::new(by_contexts) }, all)
    }
}

/// One value of each class that a key may hold, the smallest first, and why these may not be
/// all.
fn values(
    how: Rule,
    is_variable: bool,
    words: &[String],
    on: &On<'_>,
) -> (Vec<Option<Values>>, Option<String>) {
    let mut values: Vec<Option<Values>> = Vec::new();
    if how.may_be_absent {
        values.push(None);
    }
    let words: Vec<&String> = words.iter().filter(|word| how.admits(word)).collect();
    if matches!(how.holds, Holds::One | Holds::Either) {
        values.extend(words.iter().map(|word| Some(Values::One((*word).clone()))));
    }
    let mut open = None;
    if matches!(how.holds, Holds::Many | Holds::Either) {
        let lists = lists(&words, on);
        if !lists.complete {
            open = Some(format!("the lists of `{}` have too many classes", on.key));
        }
        values.extend(lists.all.into_iter().map(|list| Some(Values::Many(list))));
    }
    values.sort_by_key(size);
    if !is_variable {
        let mut seen = HashSet::new();
        values.retain(|value| seen.insert(on.signature(value.as_ref())));
    }
    (values, open)
}

/// Lists of values.
struct Lists {
    all: Vec<Vec<String>>,
    /// Whether there are no other classes.
    complete: bool,
}

/// Lists of these values, one of each class.
fn lists(words: &[&String], on: &On<'_>) -> Lists {
    let of = |words: &[String]| on.signature(Some(&Values::Many(words.to_vec())));
    if !on.is_of_list() {
        let first = words.first().map(|word| vec![(*word).clone()]).unwrap_or_default();
        return Lists { all: vec![first], complete: true };
    }
    let mut seen: HashSet<(Vec<bool>, bool)> = HashSet::new();
    let mut kept: Vec<(Vec<String>, Vec<bool>)> = Vec::new();
    let mut distinct: Vec<(&String, Vec<bool>)> = Vec::new();
    for word in words {
        let one = vec![(*word).clone()];
        let said = of(&one);
        if seen.insert((said.clone(), word.is_empty())) {
            distinct.push((word, said.clone()));
            kept.push((one, said));
        }
    }
    let combined = on.combined();
    let mut place = 0;
    let mut complete = true;
    while let Some((known, of_known)) = kept.get(place).cloned() {
        place += 1;
        for (word, of_word) in &distinct {
            let mut longer = known.clone();
            longer.push((*word).clone());
            let empty = longer.iter().all(String::is_empty);
            // An empty value by itself passes `ForAllValues`, and not among others.
            let said = match longer.iter().any(String::is_empty) {
                true => of(&longer),
                false => {
                    let both = of_known.iter().zip(of_word).zip(&combined);
                    both.map(|((known, word), by)| by.of(*known, *word)).collect()
                }
            };
            if seen.insert((said.clone(), empty)) {
                kept.push((longer, said));
            }
        }
        if kept.len() > LISTS {
            complete = false;
            break;
        }
    }
    Lists { all: kept.into_iter().map(|(list, _)| list).collect(), complete }
}

/// What is said of a list with one more value, by what is said of both.
#[derive(Clone, Copy)]
enum By {
    /// `ForAllValues`.
    All,
    /// `ForAnyValue`.
    Any,
    /// Whatever the list has: no other operator passes one, and `Null` asks for none.
    Either,
}

impl By {
    fn of(self, known: bool, word: bool) -> bool {
        match self {
            Self::All => known && word,
            Self::Any => known || word,
            Self::Either => known,
        }
    }
}

/// What it costs to compare a value with those of a condition: numbers and dates are in their
/// order, and of most others the beginning tells.
pub(crate) fn cost(condition: &Condition) -> usize {
    let name = condition.operator_name();
    if name.contains("Numeric") || name.contains("Date") {
        return 16;
    }
    let of = |value: &str| if value.starts_with(['*', '?', '$']) { 16 } else { 1 };
    condition.values().iter().map(|value| of(value)).sum::<usize>().max(1)
}

/// The conditions on a key, those with the same variables together, each with the contexts
/// that the classes of these make.
struct On<'c> {
    key: &'c str,
    by_contexts: RefCell<Vec<(Vec<Context>, Vec<&'c Condition>)>>,
}

impl On<'_> {
    /// The values that the key is compared with.
    fn tests(&self) -> Vec<Test> {
        let all = self.by_contexts.borrow();
        let of = |(contexts, conditions): &(Vec<Context>, Vec<&Condition>)| {
            let each = conditions
                .iter()
                .flat_map(|condition| contexts.iter().flat_map(|context| condition.tests(context)));
            each.collect::<Vec<_>>()
        };
        all.iter().flat_map(of).collect()
    }

    /// What it costs to compare one value with all of them.
    fn cost(&self) -> usize {
        let all = self.by_contexts.borrow();
        let of = |(contexts, conditions): &(Vec<Context>, Vec<&Condition>)| {
            contexts.len() * conditions.iter().map(|condition| cost(condition)).sum::<usize>()
        };
        all.iter().map(of).sum()
    }

    fn is_of_list(&self) -> bool {
        let all = self.by_contexts.borrow();
        all.iter().any(|(_, conditions)| conditions.iter().any(|one| one.is_of_list()))
    }

    /// What they hang on: where they are, and the classes of their variables.
    fn tell(&self, keys: &Keys, into: &mut String) {
        for (_, conditions) in self.by_contexts.borrow().iter() {
            for condition in conditions {
                let _ = write!(into, " {}", std::ptr::from_ref(*condition).addr());
            }
            let first = conditions.first().map(|one| one.variables()).unwrap_or_default();
            keys.tell(&first, into);
        }
    }

    /// How what is said of a list follows, in the order of [`Self::signature`].
    fn combined(&self) -> Vec<By> {
        let mut combined = Vec::new();
        for (contexts, conditions) in self.by_contexts.borrow().iter() {
            for _ in contexts {
                for condition in conditions {
                    let by = match condition.operator_name().split_once(':') {
                        Some(("ForAllValues", _)) => By::All,
                        Some(_) => By::Any,
                        None => By::Either,
                    };
                    combined.extend([by; 2]);
                }
            }
        }
        combined
    }

    /// For each class of the variables, what each condition says of a value.
    fn signature(&self, value: Option<&Values>) -> Vec<bool> {
        let mut signature = Vec::new();
        for (contexts, conditions) in self.by_contexts.borrow_mut().iter_mut() {
            // The value of the former call is replaced.
            for context in contexts.iter_mut() {
                put(context, self.key, value);
                for condition in conditions.iter() {
                    for effect in [Effect::Allow, Effect::Deny] {
                        signature.push(holds(condition, context, effect));
                    }
                }
            }
        }
        signature
    }
}

fn size(value: &Option<Values>) -> usize {
    match value {
        None => 0,
        Some(Values::One(text)) => 1 + text.len(),
        Some(Values::Many(list)) => 2 + list.iter().map(|text| 2 + text.len()).sum::<usize>(),
    }
}

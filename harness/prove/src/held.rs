//! What a condition key may hold: one value of each class of those that the conditions do
//! not tell apart.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use ringfence_policy::symbolic::{Condition, Effect, Test};
use ringfence_policy::{Context, Values};

use crate::domain::Holds;
use crate::encode::{Scope, holds, put};
use crate::keys::{Keys, is_plain};
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
                key.values = vec![value];
            }
            return;
        }
        let (lower, is_variable) = (key.lower.clone(), key.is_variable);
        let on: Vec<&Condition> =
            conditions.iter().filter(|one| one.lower_key() == lower).copied().collect();
        let (on, all) = self.compared(&on);
        let tests: Vec<Test> = on.tests();
        let shape = scope.caller.shapes.get(&lower).or_else(|| scope.caller.sent.get(&lower));
        let shapes: Vec<Pattern> = shape.iter().flat_map(|it| it.patterns().cloned()).collect();
        let mut found = texts(&tests, shapes);
        if !found.complete {
            let is_cased =
                |test: &Test| matches!(test, Test::Text { text, fold: true } if !text.is_ascii());
            let how = match tests.iter().any(is_cased) {
                true => "without regard to the case of letters beyond ASCII",
                false => "as text with wildcards and as another type",
            };
            self.open.push(format!("`{lower}` is compared {how}"));
            self.unclear.insert(lower.clone());
        }
        // Each is compared for either effect.
        let cost = 2 * on.cost().max(1);
        if !all || found.words.len().saturating_mul(cost) > COMPARED {
            found.words.truncate((COMPARED / cost).max(1));
            self.open.push(format!("`{lower}` is compared with too many values"));
            self.unclear.insert(lower.clone());
        }
        if is_variable {
            let residuals = residuals(&lower, scope, place);
            found.words.extend(residuals);
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
                self.open.push(format!("the variable `${{{lower}}}` has too many values"));
                self.unclear.insert(lower.clone());
            }
        }
        let mut how = scope.admits.key(&lower);
        if shape.is_some() {
            how = how.always_one();
        }
        found.words.extend(how.samples().iter().map(|word| (*word).to_owned()));
        if let Some(shape) = shape {
            found.words.retain(|word| shape.has(word));
        }
        let one = |word: &String| how.admits(word).then(|| Some(Values::One(word.clone())));
        let mut values: Vec<Option<Values>> = Vec::new();
        if how.may_be_absent {
            values.push(None);
        }
        if matches!(how.holds, Holds::One | Holds::Either) {
            values.extend(found.words.iter().filter_map(one));
        }
        if matches!(how.holds, Holds::Many | Holds::Either) {
            let words: Vec<&String> = found.words.iter().filter(|word| how.admits(word)).collect();
            values.extend(self.lists(&words, &on));
        }
        values.sort_by_key(size);
        if !is_variable {
            let mut seen = HashSet::new();
            values.retain(|value| seen.insert(on.signature(value.as_ref())));
        }
        if let Some(key) = self.all.get_mut(place) {
            key.values = values;
        }
    }

    /// The conditions on a key, each once; and whether all their values are among them.
    fn compared<'c>(&self, on: &[&'c Condition]) -> (On<'c>, bool) {
        let mut seen: HashSet<(&str, &[Box<str>])> = HashSet::new();
        let mut by_variables: HashMap<Vec<&str>, usize> = HashMap::new();
        let mut by_contexts: Vec<(Vec<Context>, Vec<&Condition>)> = Vec::new();
        let (mut count, mut all) = (0, true);
        for condition in on {
            let mut variables = condition.variables();
            let written = (condition.operator_name(), condition.values());
            if is_plain(condition) && !seen.insert(written) {
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

    /// Lists of these values, one of each class.
    fn lists(&mut self, words: &[&String], on: &On<'_>) -> Vec<Option<Values>> {
        let list = |words: &[String]| Values::Many(words.to_vec());
        let first = words.first().map(|word| vec![(*word).clone()]).unwrap_or_default();
        if !on.is_of_list() {
            return vec![Some(list(&first))];
        }
        let mut seen: HashSet<(Vec<bool>, bool)> = HashSet::new();
        let mut kept: Vec<Vec<String>> = Vec::new();
        let mut distinct: Vec<&String> = Vec::new();
        for word in words {
            let one = vec![(*word).clone()];
            if seen.insert((on.signature(Some(&list(&one))), word.is_empty())) {
                distinct.push(word);
                kept.push(one);
            }
        }
        let mut place = 0;
        while let Some(known) = kept.get(place).cloned() {
            place += 1;
            for word in &distinct {
                let mut longer = known.clone();
                longer.push((*word).clone());
                let empty = longer.iter().all(String::is_empty);
                if seen.insert((on.signature(Some(&list(&longer))), empty)) {
                    kept.push(longer);
                }
            }
            if kept.len() > LISTS {
                self.open.push(format!("the lists of `{}` have too many classes", on.key));
                self.unclear.insert(on.key.to_owned());
                break;
            }
        }
        kept.iter().map(|words| Some(list(words))).collect()
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

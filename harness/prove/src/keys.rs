//! The classes of each condition key, and the conditions as formulas over them.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};

use ringfence_policy::symbolic::{Condition, Effect, Logic, Test};
use ringfence_policy::{Context, Values};

use crate::domain::Holds;
use crate::encode::{KEYS, Scope, holds, put};
use crate::formula::Formula;
use crate::parts::Tests;
use crate::set::Set;
use crate::values::texts;
use crate::words::Pattern;

/// A condition key.
pub(crate) struct Key {
    /// As it is first written.
    pub(crate) name: String,
    lower: String,
    /// One value of each class, the smallest first; `None` is absence.
    pub(crate) values: Vec<Option<Values>>,
    /// Whether a variable has this key, so that each value counts by itself.
    is_variable: bool,
}

/// All condition keys that the statements ask for.
pub(crate) struct Keys {
    pub(crate) all: Vec<Key>,
    /// The keys that the caller decides, in every context.
    fixed: Context,
    /// Why not every case may have been told apart.
    pub(crate) open: Vec<String>,
    places: HashMap<String, usize>,
    /// The variables that are true or false.
    pub(crate) tests: Tests,
    unclear: HashSet<String>,
}

/// Lists of values of one key that are told apart at most.
const LISTS: usize = 256;

/// Classes of the variables in one value that are tried at most.
const CHOICES: usize = 2_048;

/// Values of a variable that are tried at most.
const VALUES: usize = 64;

impl Keys {
    pub(crate) fn new(scope: &Scope<'_, '_>) -> Self {
        let mut keys = Self {
            all: Vec::new(),
            fixed: Context::new(),
            open: Vec::new(),
            places: HashMap::new(),
            tests: Tests::new(scope.patterns.clone()),
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
        self.all.push(Key { name: name.to_owned(), lower, values: vec![None], is_variable });
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

    fn find_values(&mut self, place: usize, conditions: &[&Condition], scope: &Scope<'_, '_>) {
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
        let of = |condition: &&'_ Condition| {
            let contexts = self.contexts(condition).unwrap_or_default();
            contexts.into_iter().map(|(_, context)| context).collect()
        };
        let on: Vec<On<'_>> =
            on.iter().map(|one| On { condition: one, contexts: RefCell::new(of(one)) }).collect();
        let tests: Vec<Test> = on
            .iter()
            .flat_map(|On { condition, contexts }| {
                contexts.borrow().iter().flat_map(|it| condition.tests(it)).collect::<Vec<_>>()
            })
            .collect();
        // Each value of a variable counts by itself: it is one of any names, or any text.
        let shape = scope.caller.shapes.get(&lower).or_else(|| scope.caller.sent.get(&lower));
        let shape = shape.filter(|shape| !is_variable || shape.has("vq"));
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
        if is_variable {
            let residuals = residuals(&lower, scope, place);
            found.words.extend(residuals);
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
            values.retain(|value| seen.insert(signature(value.as_ref(), &on)));
        }
        if let Some(key) = self.all.get_mut(place) {
            key.values = values;
        }
    }

    /// Lists of these values, one of each class.
    fn lists(&mut self, words: &[&String], on: &[On<'_>]) -> Vec<Option<Values>> {
        let list = |words: &[String]| Values::Many(words.to_vec());
        let first = words.first().map(|word| vec![(*word).clone()]).unwrap_or_default();
        if !on.iter().any(|one| one.condition.is_of_list()) {
            return vec![Some(list(&first))];
        }
        let mut seen: HashSet<(Vec<bool>, bool)> = HashSet::new();
        let mut kept: Vec<Vec<String>> = Vec::new();
        let mut distinct: Vec<&String> = Vec::new();
        for word in words {
            let one = vec![(*word).clone()];
            if seen.insert((signature(Some(&list(&one)), on), word.is_empty())) {
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
                if seen.insert((signature(Some(&list(&longer)), on), empty)) {
                    kept.push(longer);
                }
            }
            if kept.len() > LISTS {
                self.open.push(format!("the lists of `{}` have too many classes", listed_key(on)));
                self.unclear.insert(listed_key(on).to_owned());
                break;
            }
        }
        kept.iter().map(|words| Some(list(words))).collect()
    }

    /// The contexts that the classes of some variables make, each with the
    /// formula that the variables are of these classes; `None` where there are
    /// too many.
    pub(crate) fn choices(
        &mut self,
        variables: &[&str],
        what: &str,
    ) -> Option<Vec<(Formula, Context)>> {
        let found = self.combined(variables);
        if found.is_none() {
            self.open.push(format!("the variables of `{what}` have too many values"));
        }
        found
    }

    fn combined(&self, variables: &[&str]) -> Option<Vec<(Formula, Context)>> {
        let names: BTreeSet<String> =
            variables.iter().map(|name| name.to_ascii_lowercase()).collect();
        let mut all = vec![(Formula::Constant(true), self.fixed.clone())];
        for name in names {
            let place = *self.places.get(&name)?;
            let key = self.all.get(place)?;
            if all.len() * key.values.len() > CHOICES {
                return None;
            }
            let mut next = Vec::with_capacity(all.len() * key.values.len());
            for (when, context) in &all {
                for class in 0..key.values.len() {
                    let mut context = context.clone();
                    key.put(class, &mut context);
                    let is = Formula::within(KEYS + place, Set::of(key.values.len(), [class]));
                    next.push((when.clone().and(is), context));
                }
            }
            all = next;
        }
        Some(all)
    }

    fn contexts(&self, condition: &Condition) -> Option<Vec<(Formula, Context)>> {
        self.combined(&condition.variables())
    }

    /// A test that may come out either way, the same wherever it stands.
    pub(crate) fn either(&mut self, test: String) -> Formula {
        self.tests.either(test)
    }

    /// Whether one of the variables is not told apart in full.
    pub(crate) fn is_unclear(&self, variables: &[&str]) -> bool {
        variables.iter().any(|name| self.unclear.contains(&name.to_ascii_lowercase()))
            || self.combined(variables).is_none()
    }

    /// Each condition as a formula.
    pub(crate) fn formulas(&mut self, scope: &Scope<'_, '_>) -> HashMap<(usize, Effect), Formula> {
        let mut formulas = HashMap::new();
        for statement in scope.statements {
            for condition in statement.conditions() {
                let address = std::ptr::from_ref(condition).addr();
                let formula = self.formula(condition, statement.effect(), scope);
                formulas.insert((address, statement.effect()), formula);
            }
        }
        formulas
    }

    fn formula(&mut self, condition: &Condition, effect: Effect, scope: &Scope<'_, '_>) -> Formula {
        let Some(place) = self.places.get(condition.lower_key()).copied() else {
            return Formula::Constant(false);
        };
        let unclear = |name: &str| self.unclear.contains(&name.to_ascii_lowercase());
        let is_unclear = unclear(condition.key()) || condition.variables().into_iter().any(unclear);
        if scope.opaque && (is_unclear || self.contexts(condition).is_none()) {
            let (name, values) = (condition.operator_name(), condition.values());
            return self.either(format!("{effect:?} {name} {} {values:?}", condition.lower_key()));
        }
        let Some(contexts) = self.contexts(condition) else {
            let what = condition.key();
            self.open.push(format!("the variables compared with `{what}` have too many values"));
            return Formula::Constant(false);
        };
        let Some(key) = self.all.get(place) else { return Formula::Constant(false) };
        let own = condition.variables().iter().any(|name| name.eq_ignore_ascii_case(&key.lower));
        let mut by_set: Vec<(Set, Vec<Formula>)> = Vec::new();
        for (when, mut context) in contexts {
            let mut set = Set::empty(key.values.len());
            for class in 0..key.values.len() {
                // A key that is compared with itself has the value it has.
                if !own {
                    key.put(class, &mut context);
                }
                if holds(condition, &context, effect) {
                    set.insert(class);
                }
            }
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

/// A condition, with the contexts that the classes of its variables make.
struct On<'c> {
    condition: &'c Condition,
    contexts: RefCell<Vec<Context>>,
}

/// For each class of the variables, what each condition says of a value.
fn signature(value: Option<&Values>, on: &[On<'_>]) -> Vec<bool> {
    let mut signature = Vec::new();
    for On { condition, contexts } in on {
        // The value of the former call is replaced.
        for context in contexts.borrow_mut().iter_mut() {
            put(context, condition.lower_key(), value);
            for effect in [Effect::Allow, Effect::Deny] {
                signature.push(holds(condition, context, effect));
            }
        }
    }
    signature
}

fn listed_key<'c>(on: &[On<'c>]) -> &'c str {
    on.first().map_or("", |one| one.condition.lower_key())
}

fn size(value: &Option<Values>) -> usize {
    match value {
        None => 0,
        Some(Values::One(text)) => 1 + text.len(),
        Some(Values::Many(list)) => 2 + list.iter().map(|text| 2 + text.len()).sum::<usize>(),
    }
}

/// Values of a variable that make the text around it like what it is compared
/// with: what others say in its place.
fn residuals(lower: &str, scope: &Scope<'_, '_>, place: usize) -> Vec<String> {
    let mut words = BTreeSet::from([format!("v{place}q"), "x/x".to_owned(), String::new()]);
    let sources: Vec<&str> = scope
        .statements
        .iter()
        .flat_map(|one| one.resources())
        .map(|pattern| resource_part(pattern.source()))
        .collect();
    around(&sources, lower, &mut words);
    let mut by_key: HashMap<&str, Vec<&str>> = HashMap::new();
    for condition in scope.statements.iter().flat_map(|one| one.conditions()) {
        let values = by_key.entry(condition.lower_key()).or_default();
        values.extend(condition.values().iter().map(|text| &**text));
    }
    for sources in by_key.values() {
        around(sources, lower, &mut words);
    }
    words.into_iter().collect()
}

/// What follows the fifth colon that is not in a variable.
fn resource_part(source: &str) -> &str {
    let (mut inside, mut colons) = (false, 0);
    for (place, byte) in source.bytes().enumerate() {
        match byte {
            b'{' => inside = true,
            b'}' => inside = false,
            b':' if !inside => colons += 1,
            _ => {}
        }
        if colons == 5 {
            return source.get(place + 1..).unwrap_or("");
        }
    }
    source
}

fn around(sources: &[&str], lower: &str, words: &mut BTreeSet<String>) {
    for source in sources {
        let Some((before, after)) = split_at_variable(source, lower) else { continue };
        let before = before.rsplit(['*', '?', '}']).next().unwrap_or("");
        let after = after.split(['*', '?', '$']).next().unwrap_or("");
        for other in sources {
            let plain = without_variables(other);
            let starts = plain.match_indices(before).map(|(at, _)| at + before.len());
            for start in starts.take(8).collect::<Vec<_>>() {
                let rest = plain.get(start..).unwrap_or("");
                let mut ends = vec![rest.len()];
                if !after.is_empty() {
                    ends.extend(rest.match_indices(after).map(|(at, _)| at).take(8));
                }
                for end in ends {
                    let word = rest.get(..end).unwrap_or("");
                    words.insert(word.replace('*', "").replace('?', "x"));
                    words.insert(word.replace(['*', '?'], "x"));
                }
            }
        }
    }
}

/// What stands before and after a variable.
fn split_at_variable<'t>(text: &'t str, lower: &str) -> Option<(&'t str, &'t str)> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find("${").map(|at| at + from) {
        let rest = text.get(at + 2..)?;
        let end = rest.find('}')?;
        let name = rest.get(..end)?.split(',').next()?.trim();
        if name.eq_ignore_ascii_case(lower) {
            return Some((text.get(..at)?, rest.get(end + 1..)?));
        }
        from = at + 2;
    }
    None
}

/// Each variable stands for some text.
fn without_variables(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        out.push('*');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    out + rest
}

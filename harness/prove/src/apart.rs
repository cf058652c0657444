//! What the values of a variable are told apart by: the stretches that they leave of all that
//! the texts around them may be like (see [`crate::quotients`]), and whether they have a
//! character that no text names, so that of each class that is not one text alone there is
//! another value.

use std::collections::HashSet;

use ringfence_policy::Context;
use ringfence_policy::symbolic::{Condition, Covered, FRAMES, ResourcePattern, Test};

use crate::budget::Budget;
use crate::encode::{Scope, wild};
use crate::keys::Keys;
use crate::parts::PARTS;
use crate::quotients::{Stretches, is_variable, mark, stretches};
use crate::relation::is_apart;
use crate::values::pattern_of;
use crate::words::{Pattern, Symbol, pattern};

/// Variables of one text that are told apart, at most.
const VARIABLES: usize = 3;

const TOO_MANY: &str = "has too many values";
const BESIDE_ANOTHER: &str = "stands where another variable, or it itself, may stand";
const COLONS: &str = "stands where a colon of it may end a part of an ARN";
const ANOTHER_TYPE: &str = "is compared as text with what is of another type";

/// What may stand for a value: an ARN's resource behind its head, or a key's value.
struct Text {
    /// The parts before it.
    head: Vec<Pattern>,
    pattern: Pattern,
    /// The variables that are in it, or were where they are empty or absent, by place; whether
    /// each is in it.
    variables: Vec<Placed>,
}

/// A variable, by place, and whether it is in a text.
type Placed = (usize, bool);

/// What the values of a variable are told apart by.
#[derive(Debug, Default)]
struct Apart {
    patterns: Vec<Pattern>,
    /// What stands in the texts around them.
    named: HashSet<Symbol>,
    /// Why these may not be all.
    open: Option<&'static str>,
}

/// What a variable of a text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    There,
    Empty,
    Absent,
}

impl Keys {
    /// Adds to the shapes of a variable what else its values are told apart by, beside the
    /// tests of conditions on it; the answer is why they may not all be told apart.
    pub(crate) fn tell_apart(
        &self,
        place: usize,
        shapes: &mut Vec<Pattern>,
        tests: &[Test],
        conditions: &[&Condition],
        scope: &Scope<'_, '_>,
    ) -> Option<&'static str> {
        let lower = self.all.get(place).map_or("", |key| &key.lower);
        let apart = self.apart(place, conditions, scope);
        let forms = scope.admits.key(lower).forms();
        let unread = forms.is_none().then_some("is of a type of which not each value is tried");
        shapes.extend(forms.into_iter().flatten());
        let tested = tests.iter().filter_map(pattern_of);
        let own: Vec<Pattern> = shapes.iter().cloned().chain(tested).collect();
        let number = self.all.iter().take(place).filter(|key| key.is_variable).count();
        let other = apart.other(&own, number);
        let none = other.is_none().then_some("has no value that no text names");
        shapes.extend(other.into_iter().chain(apart.patterns));
        apart.open.or(unread).or(none)
    }

    /// What the values of a variable are told apart by.
    fn apart(&self, place: usize, conditions: &[&Condition], scope: &Scope<'_, '_>) -> Apart {
        let mut apart = Apart::default();
        let budget = Budget::of_walk();
        let mut groups: Vec<Vec<Text>> = Vec::new();
        let in_resources = scope.statements.iter().flat_map(|one| one.resources());
        if in_resources.into_iter().any(|one| self.has(one.variables().collect(), place, scope)) {
            match self.resources(scope) {
                Ok(texts) => groups.push(texts),
                Err(why) => apart.open = Some(why),
            }
        }
        let mut of_keys: HashSet<&str> = HashSet::new();
        for condition in conditions {
            if self.has(condition.variables(), place, scope) {
                of_keys.insert(condition.lower_key());
            }
        }
        for key in of_keys {
            match self.values_of(key, conditions, scope) {
                Ok(texts) => groups.push(texts),
                Err(why) => apart.open = Some(why),
            }
        }
        let named = groups.iter().flatten().flat_map(|text| text.pattern.iter().copied());
        apart.named.extend(named);
        let mut seen: HashSet<Pattern> = HashSet::new();
        let Some(value) = mark(place) else { return Apart { open: Some(TOO_MANY), ..apart } };
        for texts in &groups {
            let own = texts.iter().filter(|text| text.variables.contains(&(place, true)));
            for own in own {
                let marks = |symbol: &Symbol| *symbol == Symbol::Character(value);
                let mut places = own.pattern.iter().enumerate().filter(|(_, it)| marks(it));
                let Some((at, _)) = places.next() else { continue };
                if places.next().is_some() {
                    apart.open = Some(BESIDE_ANOTHER);
                }
                let others = texts.iter().filter(|text| !text.variables.contains(&(place, false)));
                for other in others.filter(|other| own.is_beside(other)) {
                    let cost = (1 + own.pattern.len()) * (1 + other.pattern.len());
                    if budget.take(8 * cost).is_err() {
                        return Apart { open: Some(TOO_MANY), ..apart };
                    }
                    match stretches(&own.pattern, at, &other.pattern) {
                        Stretches::Of(all) => seen.extend(all),
                        Stretches::Unclear => apart.open = Some(BESIDE_ANOTHER),
                    }
                }
            }
        }
        apart.patterns.extend(seen);
        apart.patterns.sort_by_cached_key(|one| (one.len(), format!("{one:?}")));
        apart
    }

    fn has(&self, variables: Vec<&str>, place: usize, scope: &Scope<'_, '_>) -> bool {
        self.of(variables, scope).is_some_and(|all| all.contains(&place))
    }

    /// The places of variables whose values the caller does not decide, each once.
    fn of(&self, variables: Vec<&str>, scope: &Scope<'_, '_>) -> Option<Vec<usize>> {
        let mut all = Vec::new();
        for name in variables {
            let place = *self.places.get(&name.to_ascii_lowercase())?;
            let key = self.all.get(place)?;
            if !all.contains(&place) && !scope.caller.fixed.contains_key(&key.lower) {
                all.push(place);
            }
        }
        Some(all)
    }

    /// The contexts in which each of these variables is there, empty or absent.
    fn each(&self, variables: &[usize]) -> Result<Vec<(Context, Vec<Placed>)>, &'static str> {
        if variables.len() > VARIABLES {
            return Err(TOO_MANY);
        }
        let mut all = vec![(self.fixed.clone(), Vec::new())];
        for place in variables {
            let known = self.all.get(*place).zip(mark(*place));
            let (key, one) = known.ok_or(TOO_MANY)?;
            let mut next = Vec::new();
            for (context, known) in &all {
                for is in [Is::There, Is::Empty, Is::Absent] {
                    let (mut context, mut known) = (context.clone(), known.clone());
                    match is {
                        Is::There => drop(context.set(&key.name, &*one.to_string())),
                        Is::Empty => drop(context.set(&key.name, "")),
                        Is::Absent => drop(context.unset(&key.name)),
                    }
                    known.push((*place, is == Is::There));
                    next.push((context, known));
                }
            }
            all = next;
        }
        Ok(all)
    }

    /// What ARNs may be like, with the variables of policies in it, or why that is not known.
    fn resources(&self, scope: &Scope<'_, '_>) -> Result<Vec<Text>, &'static str> {
        let mut texts = Vec::new();
        let mut seen: HashSet<&str> = HashSet::new();
        for of in scope.statements.iter().flat_map(|one| one.resources()) {
            let variables = self.of(of.variables().collect(), scope).ok_or(TOO_MANY)?;
            let is_plain = !of.source().contains("${");
            if is_plain && !seen.insert(of.source()) {
                continue;
            }
            for (context, variables) in self.each(&variables)? {
                texts.extend(resource(of, &context, &variables).ok_or(COLONS)?);
            }
        }
        let any = || vec![Symbol::Many];
        for [service, account, resource] in FRAMES {
            let head = vec![any(), wild(service, true), any(), wild(account, true)];
            texts.push(Text { head, pattern: wild(resource, false), variables: Vec::new() });
        }
        if let Some(format) = scope.admits.format() {
            let [head @ .., pattern] = format;
            texts.push(Text { head: head.to_vec(), pattern, variables: Vec::new() });
        }
        Ok(texts)
    }

    /// The same of the values of a key.
    fn values_of(
        &self,
        key: &str,
        conditions: &[&Condition],
        scope: &Scope<'_, '_>,
    ) -> Result<Vec<Text>, &'static str> {
        let mut texts = Vec::new();
        let of_value = |pattern, variables| Text { head: Vec::new(), pattern, variables };
        for condition in conditions.iter().filter(|one| one.lower_key() == key) {
            let variables = self.of(condition.variables(), scope).ok_or(TOO_MANY)?;
            for (context, variables) in self.each(&variables)? {
                for test in condition.tests(&context) {
                    let pattern = pattern_of(&test).ok_or(ANOTHER_TYPE)?;
                    texts.push(of_value(pattern, variables.clone()));
                }
            }
        }
        let forms = scope.admits.key(key).forms().ok_or(ANOTHER_TYPE)?;
        let shape = scope.caller.shapes.get(key).or_else(|| scope.caller.sent.get(key));
        let shapes = shape.into_iter().flat_map(|it| it.patterns().cloned());
        texts.extend(forms.into_iter().chain(shapes).map(|form| of_value(form, Vec::new())));
        Ok(texts)
    }
}

/// The characters of which one stands in other values.
const OTHERS: &str = "xyzwqkjvabcdefghilmnoprstuXYZWQKJVABCDEFGHILMNOPRSTU0123456789_=+,@.-\u{e6}\u{f0}\u{fe}\u{142}";

impl Apart {
    /// All values with a character that nothing names: of several variables each has its own,
    /// by number. `None`: there is none.
    fn other(&self, own: &[Pattern], number: usize) -> Option<Pattern> {
        let symbols = || self.named.iter().chain(own.iter().flatten());
        let is_named = |one: char| {
            symbols().any(|symbol| match symbol {
                Symbol::Character(it) => *it == one,
                Symbol::Letter(it) => it.eq_ignore_ascii_case(&one),
                _ => false,
            })
        };
        let one = OTHERS.chars().filter(|one| !is_named(*one)).nth(number)?;
        Some(vec![Symbol::Many, Symbol::Character(one), Symbol::Many])
    }
}

/// What a resource is like; `None` where a colon in a value may be one of those between the
/// parts of an ARN.
fn resource(of: &ResourcePattern, context: &Context, variables: &[Placed]) -> Option<Vec<Text>> {
    // Where a variable has no value what is beyond it for any value is left out.
    let without_value = || of.reached()?.covered(&Context::new());
    let ways = match of.covered(context).or_else(without_value) {
        // It covers nothing, or whatever there is.
        None | Some(Covered::Everything) => return Some(Vec::new()),
        Some(Covered::Arns(ways)) => ways,
    };
    // Of five colons a `*` is one at least, and each that is written before is one.
    let before = of.source().split("${").next().unwrap_or_default();
    if !variables.is_empty() && ways.len() > 1 && before.matches(':').count() < 4 {
        return None;
    }
    let text = |tokens: &[Vec<_>; PARTS]| {
        let [head @ .., resource] = tokens.each_ref().map(|part| pattern(part));
        let is_in_head = head.iter().flatten().copied().any(is_variable);
        let text = Text { head: head.to_vec(), pattern: resource, variables: variables.to_vec() };
        (!is_in_head).then_some(text)
    };
    ways.iter().map(text).collect()
}

impl Text {
    /// Whether one text may be like both, as far as what is before them tells, and the variables
    /// of both are there or not alike.
    fn is_beside(&self, other: &Self) -> bool {
        let differs = |(place, is): &Placed| other.variables.contains(&(*place, !is));
        let mut heads = self.head.iter().zip(&other.head);
        !self.variables.iter().any(differs) && !heads.any(|(one, other)| is_apart(one, other))
    }
}

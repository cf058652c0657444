//! A caller's requests for an action as variables with finitely many classes,
//! and the policies' tests as formulas over them.
//!
//! Variables: whether an ARN or `*` is acted upon, the five parts of the ARN,
//! and a variable for each condition key. A class of a key is absence, a value or
//! a list of values; which of the conditions hold for it, the engine says.

use std::collections::HashMap;

use ringfence_policy::symbolic::{
    Action, Asks, Condition, Covered, Effect, FRAMES, Logic, ResourcePattern, StatementView, Truth,
};
use ringfence_policy::{Context, Principal, Values};

use crate::domain::Admits;
use crate::formula::Formula;
use crate::keys::{Key, Keys};
use crate::set::Set;
use crate::words::{Alphabet, Pattern, Symbol, classes, literal, matches, pattern};

/// Whether an ARN is acted upon, or nothing but `*`.
const TARGET: usize = 0;
/// The service of the ARN among its parts.
const SERVICE: usize = 1;
/// The account of the ARN among its parts.
const ACCOUNT: usize = 3;
/// The first variable of a condition key.
pub(crate) const KEYS: usize = 6;

/// What is asked about: the statements that speak of an action, and a caller.
pub(crate) struct Scope<'s, 'p> {
    pub(crate) statements: &'s [StatementView<'p>],
    /// The condition keys that the caller decides: absent or one value.
    pub(crate) fixed: &'s HashMap<String, Option<String>>,
    /// Accounts that matter.
    pub(crate) accounts: &'s [String],
    /// Services whose ARNs matter.
    pub(crate) services: &'s [String],
    /// Which of [`FRAMES`] matter.
    pub(crate) frames: [bool; FRAMES.len()],
    /// What requests there are.
    pub(crate) admits: &'s Admits,
    /// Whether tests that are not told apart in full may come out either way.
    pub(crate) opaque: bool,
    /// Whether it may come out either way what an entry of `Resource` covers only
    /// where a `*` goes on beyond its part.
    pub(crate) either_beyond: bool,
}

/// The variables and formulas of a scope.
pub(crate) struct Encoding {
    /// All classes of each variable.
    pub(crate) domains: Vec<Set>,
    pub(crate) parts: [Vec<String>; 5],
    pub(crate) keys: Keys,
    /// What requests there are.
    pub(crate) base: Formula,
    /// Why not every case may have been told apart.
    pub(crate) open: Vec<String>,
    /// Whether not every class of ARNs may be there.
    pub(crate) parts_open: bool,
    covers: HashMap<usize, (Formula, Formula)>,
    holds: HashMap<(usize, Effect), Formula>,
    frames: Vec<Formula>,
}

/// A part of an ARN with the patterns that are tried on it.
#[derive(Default)]
struct Part {
    patterns: Vec<Pattern>,
    numbers: HashMap<Pattern, usize>,
}

impl Part {
    fn add(&mut self, pattern: Pattern) -> usize {
        if let Some(number) = self.numbers.get(&pattern) {
            return *number;
        }
        self.numbers.insert(pattern.clone(), self.patterns.len());
        self.patterns.push(pattern);
        self.patterns.len() - 1
    }
}

/// A way to cover ARNs: the number of a pattern for each part.
type Way = [usize; 5];

/// What a pattern covers for some classes of the variables in it.
struct Case {
    /// The condition that the variables in it have these classes.
    when: Formula,
    covered: Covers,
    /// Where it covers more, if it does.
    beyond: Formula,
}

enum Covers {
    Everything,
    Ways(Vec<Way>),
    /// A variable has no value: it covers nothing and leaves out nothing.
    NoValue,
}

impl Encoding {
    pub(crate) fn new(scope: &Scope<'_, '_>) -> Self {
        let mut keys = Keys::new(scope);
        let mut parts: [Part; 5] = Default::default();
        let mut seen: Vec<(usize, Vec<Case>)> = Vec::new();
        let mut covers: HashMap<usize, (Formula, Formula)> = HashMap::new();
        for pattern in scope.statements.iter().flat_map(|statement| statement.resources()) {
            let address = std::ptr::from_ref(pattern).addr();
            let variables: Vec<&str> = pattern.variables().collect();
            if scope.opaque && keys.is_unclear(&variables) {
                let test = |which: &str| format!("{which} {}", pattern.source());
                let either = (keys.opaque(test("covers")), keys.opaque(test("leaves out")));
                covers.insert(address, either);
                continue;
            }
            let cases = cases(pattern, &mut keys, &mut parts, scope.either_beyond);
            seen.push((address, cases));
        }
        let frames = FRAMES.iter().zip(scope.frames).map(|(frame, matters)| {
            let [service, account, resource] = frame;
            let any = || vec![Symbol::Many];
            let (service, resource) = (wild(service, true), wild(resource, false));
            let all = [any(), service, any(), wild(account, false), resource];
            matters.then(|| way(&mut parts, all))
        });
        let frames: Vec<Option<Way>> = frames.collect();
        if let Some(part) = parts.get_mut(ACCOUNT) {
            part.add(vec![Symbol::Digit; 12]);
            for account in scope.accounts {
                part.add(literal(account, false));
            }
        }
        if let Some(part) = parts.get_mut(SERVICE) {
            for service in scope.services {
                part.add(literal(service, true));
            }
        }
        let format = scope.admits.format().cloned().map(|format| way(&mut parts, format));
        let mut open = keys.open.clone();
        let mut parts_open = false;
        let mut sets: Vec<Vec<Set>> = Vec::new();
        let words: Vec<Vec<String>> = parts
            .iter()
            .enumerate()
            .map(|(place, part)| {
                let alphabet = if place == 4 { Alphabet::All } else { Alphabet::Part };
                let mut found = classes(&part.patterns, alphabet);
                let mut seen = std::collections::HashSet::new();
                found.words.retain(|word| {
                    let bits: Vec<bool> =
                        part.patterns.iter().map(|pattern| matches(pattern, word)).collect();
                    seen.insert(bits)
                });
                if !found.complete {
                    parts_open = true;
                    open.push("the patterns of `Resource` have too many classes".into());
                }
                let of = |pattern: &Pattern| {
                    let members = found.words.iter().enumerate();
                    let members = members.filter(|(_, word)| matches(pattern, word));
                    Set::of(found.words.len(), members.map(|(number, _)| number))
                };
                sets.push(part.patterns.iter().map(of).collect());
                found.words
            })
            .collect();
        let covers_way = |way: &Way| {
            let parts = way.iter().zip(&sets).enumerate().map(|(place, (number, sets))| {
                sets.get(*number)
                    .map_or(Formula::Constant(false), |set| Formula::within(place + 1, set.clone()))
            });
            Formula::all(parts)
        };
        let arn = Formula::within(TARGET, Set::of(2, [1]));
        let covers_ways = |ways: &[Way]| Formula::any(ways.iter().map(covers_way));
        covers.extend(seen.into_iter().map(|(address, cases)| {
            let (mut covers, mut leaves_out) = (Vec::new(), Vec::new());
            for case in &cases {
                let covered = match &case.covered {
                    Covers::Everything => Formula::Constant(true),
                    Covers::Ways(ways) => {
                        arn.clone().and(covers_ways(ways).or(case.beyond.clone()))
                    }
                    Covers::NoValue => continue,
                };
                leaves_out.push(case.when.clone().and(covered.clone().negate()));
                covers.push(case.when.clone().and(covered));
            }
            (address, (Formula::any(covers), Formula::any(leaves_out)))
        }));
        let of = |way: &Option<Way>| way.as_ref().map_or(Formula::Constant(false), covers_way);
        let frames: Vec<Formula> = frames.iter().map(of).collect();
        let odd = [3, 7].iter().filter_map(|place| frames.get(*place).cloned());
        let mut base = arn.clone().negate().or(Formula::any(odd).negate());
        if scope.admits.is_limited() {
            let star = Formula::Constant(scope.admits.star()).and(arn.clone().negate());
            base = base.and(star.or(arn.clone().and(covers_ways(format.as_slice()))));
        }
        let holds = keys.formulas(scope);
        let sizes = words.iter().map(Vec::len).chain(keys.all.iter().map(|key| key.values.len()));
        let either = std::iter::repeat_n(2, keys.opaque_count());
        let domains = std::iter::once(2).chain(sizes).chain(either).map(Set::full).collect();
        for reason in &keys.open {
            if !open.contains(reason) {
                open.push(reason.clone());
            }
        }
        Self {
            domains,
            parts: words.try_into().unwrap_or_default(),
            keys,
            base,
            open,
            parts_open,
            covers,
            holds,
            frames,
        }
    }

    /// An ARN is acted upon.
    pub(crate) fn is_arn(&self) -> Formula {
        Formula::within(TARGET, Set::of(2, [1]))
    }

    /// The ARN is like the pattern of this number among [`FRAMES`].
    pub(crate) fn frame(&self, number: usize) -> Formula {
        let frame = self.frames.get(number).cloned().unwrap_or(Formula::Constant(false));
        self.is_arn().and(frame)
    }

    /// The ARN's account passes a test.
    pub(crate) fn account(&self, test: impl Fn(&str) -> bool) -> Formula {
        self.part(ACCOUNT, test)
    }

    /// The ARN's service is this one.
    pub(crate) fn service(&self, service: &str) -> Formula {
        self.part(SERVICE, |text| text.eq_ignore_ascii_case(service))
    }

    fn part(&self, place: usize, test: impl Fn(&str) -> bool) -> Formula {
        let Some(words) = self.parts.get(place) else { return Formula::Constant(false) };
        let members = words.iter().enumerate().filter(|(_, word)| test(word));
        let set = Set::of(words.len(), members.map(|(number, _)| number));
        Formula::within(place + 1, set)
    }

    /// The resource of these classes.
    pub(crate) fn resource(&self, classes: &[usize]) -> String {
        if classes.first() == Some(&0) {
            return "*".to_owned();
        }
        let mut arn = String::from("arn");
        for (part, class) in self.parts.iter().zip(classes.iter().skip(1)) {
            arn.push(':');
            arn.push_str(part.get(*class).map_or("", String::as_str));
        }
        arn
    }

    /// The account of the ARN of these classes.
    pub(crate) fn account_of(&self, classes: &[usize]) -> Option<&str> {
        let [.., accounts, _] = &self.parts;
        let class = classes.get(ACCOUNT + 1).filter(|_| classes.first() == Some(&1))?;
        accounts.get(*class).map(String::as_str)
    }

    /// The condition context of these classes.
    pub(crate) fn context(&self, classes: &[usize]) -> Context {
        let mut context = Context::new();
        for (key, class) in self.keys.all.iter().zip(classes.iter().skip(KEYS)) {
            key.put(*class, &mut context);
        }
        context
    }
}

fn wild(text: &str, fold: bool) -> Pattern {
    let mut out = Vec::new();
    for piece in text.split_inclusive('*') {
        match piece.strip_suffix('*') {
            Some(before) => {
                out.extend(literal(before, fold));
                out.push(Symbol::Many);
            }
            None => out.extend(literal(piece, fold)),
        }
    }
    out
}

fn way(parts: &mut [Part; 5], patterns: [Pattern; 5]) -> Way {
    let mut way = [0; 5];
    for ((number, part), pattern) in way.iter_mut().zip(parts).zip(patterns) {
        *number = part.add(pattern);
    }
    way
}

/// What a pattern covers, by the classes of the variables in it.
fn cases(
    pattern_of: &ResourcePattern,
    keys: &mut Keys,
    parts: &mut [Part; 5],
    either_beyond: bool,
) -> Vec<Case> {
    let variables: Vec<&str> = pattern_of.variables().collect();
    let Some(choices) = keys.choices(&variables, pattern_of.source()) else { return Vec::new() };
    let mut cases: Vec<Case> = Vec::new();
    for (when, context) in choices {
        let mut beyond = Formula::Constant(false);
        let covered = match pattern_of.covered(&context) {
            None => Covers::NoValue,
            Some(Covered::Everything) => Covers::Everything,
            Some(Covered::Arns(mut ways)) => {
                // The first way is the one in which no `*` goes beyond its part.
                if either_beyond && ways.len() > 1 {
                    ways.truncate(1);
                    beyond = keys.opaque(format!("beyond {}", pattern_of.source()));
                }
                let ways = ways
                    .iter()
                    .map(|tokens| way(parts, tokens.each_ref().map(|tokens| pattern(tokens))));
                Covers::Ways(ways.collect())
            }
        };
        cases.push(Case { when, covered, beyond });
    }
    cases
}

/// An action and a caller, asked about with an encoding.
pub(crate) struct Asked<'a> {
    pub(crate) encoding: &'a Encoding,
    pub(crate) action: Action<'a>,
    pub(crate) principal: &'a Principal,
    pub(crate) bounded: bool,
}

impl Asks for Asked<'_> {
    type Truth = Formula;

    fn action(&self) -> &Action<'_> {
        &self.action
    }

    fn principal(&self) -> &Principal {
        self.principal
    }

    fn is_bounded(&self) -> bool {
        self.bounded
    }

    fn covers(&self, pattern: &ResourcePattern) -> Formula {
        let known = self.encoding.covers.get(&std::ptr::from_ref(pattern).addr());
        known.map_or(Formula::Constant(false), |(covers, _)| covers.clone())
    }

    fn leaves_out(&self, pattern: &ResourcePattern) -> Formula {
        let known = self.encoding.covers.get(&std::ptr::from_ref(pattern).addr());
        known.map_or(Formula::Constant(false), |(_, leaves_out)| leaves_out.clone())
    }

    fn holds(&self, condition: &Condition, effect: Effect) -> Formula {
        let known = self.encoding.holds.get(&(std::ptr::from_ref(condition).addr(), effect));
        known.cloned().unwrap_or(Formula::Constant(false))
    }
}

/// Whether a condition holds for sure.
pub(crate) fn holds(condition: &Condition, context: &Context, effect: Effect) -> bool {
    condition.holds(context, effect) == Truth::True
}

/// Puts a value into a context.
pub(crate) fn put(context: &mut Context, key: &str, value: Option<&Values>) {
    let _ = match value {
        None => context.unset(key),
        Some(Values::One(value)) => context.set(key, value.as_str()),
        Some(Values::Many(values)) => context.set_list(key, values.iter().map(String::as_str)),
    };
}

impl Key {
    /// Puts the value of a class into a context.
    pub(crate) fn put(&self, class: usize, context: &mut Context) {
        put(context, &self.name, self.values.get(class).and_then(Option::as_ref));
    }
}

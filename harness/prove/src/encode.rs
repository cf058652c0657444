//! A caller's requests for an action as variables with finitely many classes,
//! and the policies' tests as formulas over them.
//!
//! Variables: whether an ARN or `*` is acted upon, one for each condition key,
//! and one for each pattern of a part of the ARN, true where the part is like it.
//! A class of a key is absence, a value or a list of values; which of the
//! conditions hold for it, the engine says.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use ringfence_policy::symbolic::{
    Action, Asks, Condition, Covered, Effect, FRAMES, Logic, ResourcePattern, StatementView, Truth,
};
use ringfence_policy::{Context, Principal, Values};

use crate::choices::Passing;
use crate::domain::Admits;
use crate::formula::Formula;
use crate::keys::{Key, Keys, Told};
use crate::names;
use crate::parts::PARTS;
use crate::patterns::Patterns;
use crate::residuals::without_variables;
use crate::set::Set;
use crate::solve::Model;
use crate::words::{Pattern, Symbol, literal, pattern};
use crate::written;

/// Whether an ARN is acted upon, or nothing but `*`.
const TARGET: usize = 0;
/// The partition of the ARN among its parts.
const PARTITION: usize = 0;
/// The service of the ARN among its parts.
const SERVICE: usize = 1;
/// The account of the ARN among its parts.
const ACCOUNT: usize = 3;
/// The first variable of a condition key.
pub(crate) const KEYS: usize = 1;

/// What is asked about: the statements that speak of an action, and a caller.
pub(crate) struct Scope<'s, 'p> {
    pub(crate) statements: &'s [StatementView<'p>],
    /// The condition keys that the caller decides.
    pub(crate) caller: &'s names::Keys,
    /// The patterns of all scopes.
    pub(crate) patterns: &'s Rc<RefCell<Patterns>>,
    /// What was found of keys and conditions in all scopes.
    pub(crate) told: &'s RefCell<Told>,
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
    pub(crate) keys: Keys,
    /// What requests there are.
    pub(crate) base: Formula,
    /// Why not every case may have been told apart.
    pub(crate) open: Vec<String>,
    covers: HashMap<usize, (Formula, Formula)>,
    holds: HashMap<(usize, Effect), Formula>,
    frames: Vec<Formula>,
}

impl Encoding {
    pub(crate) fn new(scope: &Scope<'_, '_>) -> Self {
        let mut keys = Keys::new(scope);
        let mut covers: HashMap<usize, (Formula, Formula)> = HashMap::new();
        for statement in scope.statements {
            let has_variables = statement.resources().any(|one| one.variables().next().is_some());
            let passing = match has_variables {
                true => keys.passing(*statement),
                false => Passing::default(),
            };
            for pattern in statement.resources() {
                let address = std::ptr::from_ref(pattern).addr();
                let variables: Vec<&str> = pattern.variables().collect();
                let formulas = if scope.opaque && keys.is_unclear(&variables, &passing) {
                    either(pattern, &mut keys)
                } else {
                    covered(pattern, &mut keys, &passing, scope)
                };
                covers.insert(address, formulas);
            }
        }
        let frames = FRAMES.iter().zip(scope.frames).map(|(frame, matters)| {
            let [service, account, resource] = frame;
            let any = || vec![Symbol::Many];
            let (service, resource) = (wild(service, true), wild(resource, false));
            let all = [any(), service, any(), wild(account, true), resource];
            let like = || keys.tests.all_like(all);
            if matters { like() } else { Formula::Constant(false) }
        });
        let frames: Vec<Formula> = frames.collect();
        let arn = is_arn();
        let mut base = Formula::Constant(true);
        if scope.admits.is_limited() {
            let star = Formula::Constant(scope.admits.star()).and(arn.clone().negate());
            let format = scope.admits.format();
            let format = format.map(|format| keys.tests.all_like(format));
            base = base.and(star.or(arn.and(format.unwrap_or(Formula::Constant(false)))));
        }
        let holds = keys.formulas(scope);
        Self { domains: Vec::new(), base, open: keys.open.clone(), keys, covers, holds, frames }
            .with_domains()
    }

    /// All classes of each variable that there is by now.
    fn with_domains(mut self) -> Self {
        let keys = self.keys.all.iter().map(|key| key.values.len());
        let tests = std::iter::repeat_n(2, self.keys.tests.len());
        self.domains = std::iter::once(2).chain(keys).chain(tests).map(Set::full).collect();
        self
    }

    /// The ARN is like the pattern of this number among [`FRAMES`].
    pub(crate) fn frame(&self, number: usize) -> Formula {
        let frame = self.frames.get(number).cloned().unwrap_or(Formula::Constant(false));
        is_arn().and(frame)
    }

    /// The ARN has an account, twelve digits.
    pub(crate) fn has_account(&mut self) -> Formula {
        self.like(ACCOUNT, vec![Symbol::Digit; 12])
    }

    /// The ARN's account is this one.
    pub(crate) fn account(&mut self, account: &str) -> Formula {
        self.like(ACCOUNT, literal(account, false))
    }

    /// The ARN's partition is this one.
    pub(crate) fn partition(&mut self, partition: &str) -> Formula {
        self.like(PARTITION, literal(partition, false))
    }

    /// The ARN's service is this one.
    pub(crate) fn service(&mut self, service: &str) -> Formula {
        self.like(SERVICE, literal(service, true))
    }

    fn like(&mut self, part: usize, pattern: Pattern) -> Formula {
        let formula = self.keys.tests.like(part, pattern);
        let known = KEYS + self.keys.all.len() + self.keys.tests.len();
        self.domains.resize(known, Set::full(2));
        formula
    }

    /// No entry covers anything beyond its parts.
    pub(crate) fn within_parts(&self) -> Formula {
        Formula::all(self.keys.beyond.iter().cloned().map(Formula::negate))
    }

    /// Of values that are not all tried, those with which it is known what is covered.
    pub(crate) fn chosen(&self) -> Formula {
        Formula::all(self.keys.chosen.iter().cloned())
    }

    /// The condition context of a request.
    pub(crate) fn context(&self, model: &Model) -> Context {
        let mut context = Context::new();
        let classes = model.domains.iter().skip(KEYS).map(Set::first);
        for (key, class) in self.keys.all.iter().zip(classes) {
            key.put(class.unwrap_or_default(), &mut context);
        }
        context
    }
}

/// An ARN is acted upon.
pub(crate) fn is_arn() -> Formula {
    Formula::within(TARGET, Set::of(2, [1]))
}

impl Model {
    fn has_arn(&self) -> bool {
        self.domains.first().and_then(Set::first) == Some(1)
    }

    /// What is acted upon.
    pub(crate) fn resource(&self) -> String {
        if !self.has_arn() {
            return "*".to_owned();
        }
        let mut arn = String::from("arn");
        for part in &self.parts {
            arn.push(':');
            arn.push_str(part);
        }
        arn
    }

    /// The account of the ARN.
    pub(crate) fn account(&self) -> Option<&str> {
        self.parts.get(ACCOUNT).filter(|_| self.has_arn()).map(String::as_str)
    }
}

pub(crate) fn wild(text: &str, fold: bool) -> Pattern {
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

/// The same of a pattern of which not every case is told apart: it covers, or leaves out, the
/// same wherever it is written; nothing but what it covers for some value, and at least what is
/// beyond it for any.
fn either(pattern_of: &ResourcePattern, keys: &mut Keys) -> (Formula, Formula) {
    let any_value = ResourcePattern::of(&without_variables(pattern_of.source()));
    let [most, reached] =
        [any_value, pattern_of.reached()].map(|one| one.map(|one| at_most(&one, keys)));
    let written = written::resource(pattern_of);
    let test = |which: &str| format!("{which} {written}");
    let covers = keys.either(test("covers"));
    let leaves_out = keys.either(test("leaves out"));
    let always = Formula::Constant(true);
    (
        covers.and(most.unwrap_or_else(|| always.clone())),
        leaves_out.or(reached.unwrap_or(always).negate()),
    )
}

/// What a pattern without variables covers, beyond its parts, too.
fn at_most(pattern_of: &ResourcePattern, keys: &mut Keys) -> Formula {
    let Some(Covered::Arns(all)) = pattern_of.covered(&Context::new()) else {
        return Formula::Constant(true);
    };
    let mut like = Vec::with_capacity(all.len());
    for tokens in &all {
        like.push(keys.tests.all_like(tokens.each_ref().map(|part| pattern(part))));
    }
    Formula::any(like).and(is_arn())
}

/// Where a pattern covers what is acted upon, and where it leaves it out: where a variable
/// in it has no value it covers nothing, and leaves out what is beyond it for any value.
fn covered(
    pattern_of: &ResourcePattern,
    keys: &mut Keys,
    passing: &Passing,
    scope: &Scope<'_, '_>,
) -> (Formula, Formula) {
    let either_beyond = scope.either_beyond;
    let written = written::resource(pattern_of);
    let source = pattern_of.source();
    let variables: Vec<&str> = pattern_of.variables().collect();
    let choices = keys.choices((&variables, source), passing, scope.statements);
    let (mut covers, mut leaves_out) = (Vec::new(), Vec::new());
    for (when, context) in choices {
        let known = pattern_of.covered(&context);
        let has_value = known.is_some();
        let reached = pattern_of.reached().filter(|_| !has_value);
        let pattern_of = reached.as_ref().unwrap_or(pattern_of);
        let covered = match known.or_else(|| pattern_of.covered(&context)) {
            // It may cover anything, and leaves out nothing for certain.
            None => continue,
            Some(Covered::Everything) => Formula::Constant(true),
            Some(Covered::Arns(mut ways)) => {
                let mut beyond = Formula::Constant(false);
                // The first way is the one in which no `*` goes beyond its part.
                if either_beyond && ways.len() > 1 {
                    ways.truncate(1);
                    // What is beyond it for any value is not what is for one.
                    let entry = match &reached {
                        None => written.clone(),
                        Some(any) if any.source() == source => format!("{source} of any value"),
                        Some(any) => any.source().to_owned(),
                    };
                    beyond = keys.beyond(&entry);
                }
                let ways = ways.iter().map(|tokens| {
                    let tokens: [Pattern; PARTS] = tokens.each_ref().map(|part| pattern(part));
                    keys.tests.all_like(tokens)
                });
                is_arn().and(Formula::any(ways.collect::<Vec<_>>()).or(beyond))
            }
        };
        leaves_out.push(when.clone().and(covered.clone().negate()));
        if has_value {
            covers.push(when.and(covered));
        }
    }
    (Formula::any(covers), Formula::any(leaves_out))
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

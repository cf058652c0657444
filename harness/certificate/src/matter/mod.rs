//! One caller's requests, and what both sides say of a part of them.
//!
//! The engine evaluates; of a test whose answer differs within the part it is told that
//! nothing is known. What it then still says holds for every request of the part.

mod callers;
mod chosen;
mod decided;
mod known;
mod part;
mod sent;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use ringfence_policy::symbolic::{
    Condition, Covered, Effect, ResourcePattern, StatementView, Truth, statements,
};
use ringfence_policy::{Context, Document, Policies};

pub(crate) use self::callers::{ANY_ACCOUNT, Names, Shape};
pub use self::callers::{Caller, Stands};
pub use self::chosen::{Chosen, told};
pub use self::known::Known;
use self::known::{Number, of_account};
pub use self::part::Part;
use crate::form::Held;
use crate::language::Language;

/// What an entry of `Resource` covers.
#[derive(Debug, Clone, Copy)]
enum Reach {
    /// A variable in it has no value: nothing is covered, and what is none of these is
    /// left out.
    AtMost(Number),
    Everything,
    Arns(Number),
}

/// A caller's requests, and the policies of both sides.
pub struct Matter<'p> {
    inner: &'p Policies,
    outer: &'p Policies,
    pub(crate) caller: Caller,
    pub(crate) statements: Vec<StatementView<'p>>,
    /// Of each statement of the inner side, which come first, the list of policies that it is
    /// in.
    pub(crate) lists: Vec<usize>,
    /// The keys that follow from who asks.
    pub(crate) fixed: Context,
    pub(crate) keys: Vec<Key<'p>>,
    reaches: HashMap<usize, Reach>,
    /// Under which condition a value of which class passes.
    passes: HashMap<(usize, Effect), (usize, Vec<bool>)>,
    known: Known,
    /// The entries of `Resource` that were named, of this caller.
    names: HashMap<String, Number>,
    /// ARNs of the caller's own account.
    own: Number,
    /// ARNs of each account that the policies name and that is not the caller's: a caller
    /// of any account is of none of these.
    others: Vec<Number>,
    /// The names that the policies give actions in full, by service, where keys that AWS never
    /// sends with an action are not in its requests.
    named: Option<HashSet<(Option<&'p str>, String)>>,
}

/// A condition key, and the conditions on it.
pub(crate) struct Key<'p> {
    pub(crate) lower: String,
    pub(crate) conditions: Vec<&'p Condition>,
    /// One value of each class.
    pub(crate) values: Vec<Option<Held>>,
}

/// Lists of documents of some policies: of each one Allow is enough.
fn lists(policies: &Policies) -> impl Iterator<Item = &[Arc<Document>]> {
    let limits = policies.boundary.iter().chain(&policies.session);
    let lists = policies.service_control.iter().chain(limits).map(Vec::as_slice);
    let own = [policies.identity.as_slice(), policies.resource.as_slice()];
    lists.chain(own).chain([policies.vpc_endpoint.as_slice()])
}

/// Documents of some policies.
pub(crate) fn documents(policies: &Policies) -> impl Iterator<Item = &Document> {
    lists(policies).flatten().map(|document| &**document)
}

impl<'p> Matter<'p> {
    /// Reads policies, with the classes of their condition keys. What is known of ARNs
    /// holds of whatever policies.
    ///
    /// # Errors
    /// What is not told apart here, by name.
    pub fn new(
        inner: &'p Policies,
        outer: &'p Policies,
        caller: &Caller,
        classes: &BTreeMap<String, Vec<Option<Held>>>,
        known: &Known,
    ) -> Result<Self, String> {
        if !inner.resource_control.is_empty() || !outer.resource_control.is_empty() {
            return Err("resource control policies are not checked here".to_owned());
        }
        let both = [inner, outer].into_iter().flat_map(documents);
        let own = caller.principal.account_id().unwrap_or_default();
        let of_list = |(list, documents): (usize, &[Arc<Document>])| {
            let count: usize = documents.iter().map(|one| statements(one).count()).sum();
            std::iter::repeat_n(list, count)
        };
        let mut matter = Self {
            inner,
            outer,
            caller: caller.clone(),
            statements: both.flat_map(statements).collect(),
            lists: lists(inner).enumerate().flat_map(of_list).collect(),
            fixed: caller.context(),
            keys: Vec::new(),
            reaches: HashMap::new(),
            passes: HashMap::new(),
            known: known.clone(),
            names: HashMap::new(),
            own: known.number(of_account(own)),
            others: Vec::new(),
            named: None,
        };
        let resources = matter.statements.iter().flat_map(|one| one.resources());
        let accounts = resources.filter_map(|one| one.source().split(':').nth(4));
        let accounts = accounts.filter(|id| *id != own && is_account(id));
        let accounts: BTreeSet<&str> = accounts.collect();
        matter.others = accounts.into_iter().map(|id| known.number(of_account(id))).collect();
        matter.find_resources()?;
        matter.find_keys(classes)?;
        Ok(matter)
    }

    fn find_resources(&mut self) -> Result<(), String> {
        for pattern in self.statements.clone().into_iter().flat_map(StatementView::resources) {
            self.only_fixed(pattern.variables())?;
            let known = pattern.covered(&self.fixed);
            let has_value = known.is_some();
            let reached = pattern.reached().filter(|_| !has_value);
            let of_any = || reached.as_ref().and_then(|one| one.covered(&self.fixed));
            let reach = match known.or_else(of_any) {
                None => return Err(format!("`{}` is not told apart here", pattern.source())),
                Some(Covered::Everything) => Reach::Everything,
                Some(Covered::Arns(ways)) => {
                    let number = self.known.number(Language::of_arns(&ways));
                    let source = reached.as_ref().unwrap_or(pattern).source();
                    self.names.entry(source.to_owned()).or_insert(number);
                    if has_value { Reach::Arns(number) } else { Reach::AtMost(number) }
                }
            };
            self.reaches.insert(std::ptr::from_ref(pattern).addr(), reach);
        }
        Ok(())
    }

    /// Variables of the caller are constants; others are not told apart here.
    fn only_fixed<'v>(&self, mut names: impl Iterator<Item = &'v str>) -> Result<(), String> {
        let open = names.find(|name| !self.caller.is_fixed(name));
        match open {
            None => Ok(()),
            Some(name) => {
                Err(format!("the variable `${{{name}}}` of the request is not checked here"))
            }
        }
    }

    fn find_keys(&mut self, classes: &BTreeMap<String, Vec<Option<Held>>>) -> Result<(), String> {
        let mut by_key: BTreeMap<&'p str, Vec<&'p Condition>> = BTreeMap::new();
        for condition in self.statements.iter().flat_map(|one| one.conditions()) {
            self.only_fixed(condition.variables().into_iter())?;
            by_key.entry(condition.lower_key()).or_default().push(condition);
        }
        for (lower, conditions) in by_key {
            let values = if self.caller.is_fixed(lower) {
                vec![self.fixed.get(lower).map(Held::from)]
            } else {
                let known = classes.get(lower);
                known.cloned().ok_or_else(|| format!("the key `{lower}` has no classes"))?
            };
            let number = self.keys.len();
            for condition in &conditions {
                for effect in [Effect::Allow, Effect::Deny] {
                    let passes = values.iter().map(|value| {
                        holds(condition, &self.with([(lower, value.as_ref())]), effect)
                    });
                    let address = std::ptr::from_ref(*condition).addr();
                    self.passes.insert((address, effect), (number, passes.collect()));
                }
            }
            self.keys.push(Key { lower: lower.to_owned(), conditions, values });
        }
        Ok(())
    }

    /// The context of the caller's requests that hold these besides.
    pub(crate) fn with<'k>(
        &self,
        held: impl IntoIterator<Item = (&'k str, Option<&'k Held>)>,
    ) -> Context {
        let mut context = self.fixed.clone();
        for (key, value) in held {
            put(&mut context, key, value);
        }
        context
    }

    /// All requests for an action.
    pub fn all(&self, action: &str) -> Part {
        let keys = self.keys.iter().zip(self.unsent(action));
        let classes = |(key, is_unsent): (&Key<'_>, bool)| {
            let is_single = self.is_single(&key.lower);
            let is_in = |value: &Option<Held>| match value {
                None => true,
                Some(Held::One(_)) => !is_unsent,
                Some(Held::Many(_)) => !is_unsent && !is_single,
            };
            key.values.iter().map(is_in).collect()
        };
        Part::of(keys.map(classes).collect())
    }

    /// The number of an entry of `Resource`.
    fn named(&self, text: &str) -> Result<Number, String> {
        match self.names.get(text) {
            Some(number) => Ok(*number),
            None => Ok(self.known.number(of_text(text)?)),
        }
    }
}

/// Whether a text is the number of an account.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|one| one.is_ascii_digit())
}

/// The ARNs that an entry of `Resource` covers.
fn of_text(text: &str) -> Result<Language, String> {
    let covered = ResourcePattern::of(text).and_then(|one| one.covered(&Context::new()));
    match covered {
        Some(Covered::Arns(ways)) => Ok(Language::of_arns(&ways)),
        _ => Err(format!("`{text}` is no pattern of ARNs")),
    }
}

/// Whether a condition holds for sure.
pub(crate) fn holds(condition: &Condition, context: &Context, effect: Effect) -> bool {
    condition.holds(context, effect) == Truth::True
}

fn put(context: &mut Context, key: &str, value: Option<&Held>) {
    let _ = match value {
        None => context.unset(key),
        Some(Held::One(value)) => context.set(key, value.as_str()),
        Some(Held::Many(values)) => context.set_list(key, values.iter().map(String::as_str)),
    };
}

//! The search for a request: by groups of actions, and of each by callers.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use ringfence_policy::symbolic::{Action, Effect, FRAMES, Logic, Special, StatementView};
use ringfence_policy::{Principal, judge};

use crate::actions::{Alike, Group, Groups, Names, trait_of};
use crate::callers::{self, Caller, OTHER_ACCOUNT, SOME_ACCOUNT};
use crate::domain::{Admits, Universe};
use crate::encode::{Encoding, Scope, is_arn};
use crate::formula::Formula;
use crate::keys::Told;
use crate::names;
use crate::patterns::Patterns;
use crate::question::{Disagreement, Question, Verdict, Witness};
use crate::tried::{Outcome, Tried, named_partition};

/// What was found of conditions, whatever the action is.
pub(crate) type Known = Rc<RefCell<Told>>;

/// A search for a request that one side alone allows.
pub(crate) struct Search<'s, 'p> {
    question: &'s Question<'p>,
    /// The statements that count: those of the inner side, then the others.
    statements: &'s [StatementView<'p>],
    /// How many are of the inner side.
    inner: usize,
    /// Of each of these, the list of policies that it is in, where that is known.
    lists: Option<&'s [usize]>,
    callers: Vec<Caller>,
    /// The accounts that are named: whoever is of any account is of none of these.
    accounts: BTreeSet<String>,
    /// The partition of what is acted upon, where it is given.
    within: Option<&'s str>,
    patterns: Rc<RefCell<Patterns>>,
    /// Those of what is asked with tests that may come out either way: what it costs is for
    /// itself, so that it is answered where the rest costs too much.
    of_either: Rc<RefCell<Patterns>>,
    told: Known,
    /// The actions of which no request breaks the claim.
    nothing: HashSet<Alike>,
    /// Why something was left undecided.
    open: Option<String>,
}

impl<'s, 'p> Search<'s, 'p> {
    pub(crate) fn new(
        question: &'s Question<'p>,
        statements: &'s [StatementView<'p>],
        inner: usize,
    ) -> Self {
        let policies = [question.inner, question.outer];
        let accounts = callers::accounts_of_callers(policies, statements);
        let mut open = None;
        let callers = match question.principal {
            Some(principal) => vec![callers::one(principal)],
            None => {
                let ours = [SOME_ACCOUNT, OTHER_ACCOUNT].into_iter();
                let ours = ours.filter(|one| accounts.contains(*one)).min();
                open = ours.map(|one| format!("the account {one} is named, which stands for any"));
                callers::all(policies, statements, &accounts)
            }
        };
        let (patterns, of_either, told) = (Rc::default(), Rc::default(), Known::default());
        let nothing = HashSet::new();
        Self {
            question,
            statements,
            inner,
            lists: None,
            callers,
            accounts,
            within: None,
            patterns,
            of_either,
            told,
            nothing,
            open,
        }
    }

    /// What was found before is not looked for again: of the same policies.
    pub(crate) fn knowing(self, told: &Known) -> Self {
        Self { told: Rc::clone(told), ..self }
    }

    /// What is acted upon is of the partition that the ARN of who asks names.
    pub(crate) fn within_a_partition(self) -> Self {
        Self { within: self.question.principal.and_then(named_partition), ..self }
    }

    /// Of the actions none need be asked about that follow from others.
    pub(crate) fn in_lists(self, lists: &'s [usize]) -> Self {
        Self { lists: Some(lists), ..self }
    }

    pub(crate) fn run(mut self) -> Result<Verdict, Disagreement> {
        let both = [self.question.inner, self.question.outer];
        let resource_control = both.iter().any(|all| !all.resource_control.is_empty());
        let universe = self.question.universe;
        let statements = self.statements;
        // Nothing but an Allow of the inner side, or being root, allows anything.
        let own = statements.iter().take(self.inner);
        let allows: Vec<_> = own.filter(|one| one.effect() == Effect::Allow).collect();
        let named = allows.iter().flat_map(|one| one.actions()).filter_map(|(service, _)| service);
        let named: HashSet<&str> = named.collect();
        // Those that are about more than they name: about a service that nobody has.
        let is_any = self.has_root() || allows.iter().any(|one| one.is_about_service("\0"));
        let is_asked_for = |service: &str| is_any || named.contains(service);
        let names = Names::of(statements);
        let mut groups = Groups::new(statements, &names, (universe, resource_control));
        if let Some(lists) = self.lists {
            groups = groups.in_lists(lists);
        }
        let mut decided: HashSet<Alike> = HashSet::new();
        for service in groups.services(is_asked_for) {
            for group in groups.of(&service) {
                // What was asked of another service's is not asked again.
                let is_new = decided.insert(group.alike.clone());
                let found = match universe {
                    Universe::All if is_new => {
                        self.decide(&group.action, &group, &Admits::sent(&group.action))
                    }
                    Universe::Sent if is_new => self.sent(&group),
                    Universe::All | Universe::Sent => None,
                    Universe::Catalogue => self.catalogued(&group),
                };
                if let Some(witness) = found {
                    return self.checked(witness).map(|it| Verdict::Violated(Box::new(it)));
                }
            }
        }
        if !groups.are_complete() {
            self.open = self.open.or_else(|| Some("the actions take too many steps".to_owned()));
        }
        Ok(match self.open {
            None => Verdict::Proved,
            Some(reason) => Verdict::Undecided(reason),
        })
    }

    /// Whether a caller may need no Allow.
    fn has_root(&self) -> bool {
        self.callers.iter().any(|caller| is_of_root(&caller.principal))
    }

    /// The actions of a group; of those that break the claim one of the catalogue, where
    /// there is one.
    fn sent(&mut self, group: &Group) -> Option<Witness> {
        let admits = match group.is_named() {
            true => Admits::named(&group.action),
            false => Admits::single(&group.action),
        };
        let found = self.decide(&group.action, group, &admits)?;
        let keys = group.keys(self.statements);
        let mut seen = HashSet::new();
        for action in group.catalogued(self.statements) {
            let admits = Admits::named(&action);
            let service = action.split(':').next().unwrap_or_default();
            let special = Special::of(&Action::parse(&action));
            let is_new = seen.insert((admits.signature(&keys), trait_of(service, true), special));
            if is_new && let Some(witness) = self.decide(&action, group, &admits) {
                return Some(witness);
            }
        }
        Some(found)
    }

    /// The actions of the catalogue in a group: what holds of any request holds
    /// of each of theirs.
    pub(crate) fn catalogued(&mut self, group: &Group) -> Option<Witness> {
        if self.nothing.contains(&group.alike) {
            return None;
        }
        let open = self.open.take();
        let found = self.decide(&group.action, group, &Admits::anything());
        let is_nothing = found.is_none() && self.open.is_none();
        self.open = open;
        if is_nothing {
            self.nothing.insert(group.alike.clone());
            return None;
        }
        let keys = group.keys(self.statements);
        let mut seen = HashSet::new();
        let mut without: HashMap<String, bool> = HashMap::new();
        let mut by_caller = self.by_caller(group);
        for action in group.catalogued(self.statements) {
            let special = Special::of(&Action::parse(&action));
            for admits in Admits::of(&action) {
                if !seen.insert((admits.signature(&keys), special)) {
                    continue;
                }
                let is_without = admits.service().is_some_and(|service| {
                    let found = without.entry(service).or_insert_with_key(|service| {
                        self.is_without(service, &group.action, &mut by_caller)
                    });
                    *found
                });
                if is_without {
                    continue;
                }
                if let Some(witness) = self.decide(&action, group, &admits) {
                    return Some(witness);
                }
            }
        }
        None
    }

    /// Whether nothing on ARNs of a service is allowed by one side alone.
    fn is_without(&self, service: &str, action: &str, by_caller: &mut [Encoding]) -> bool {
        let callers = self.callers.iter().zip(&mut *by_caller);
        let mut callers = callers.map(|(caller, encoding)| {
            let of = is_arn().and(encoding.service(service));
            !self.tried(action, caller).has_any(encoding, &of)
        });
        callers.len() > 0 && callers.all(|without| without)
    }

    /// What there is to ask about each caller; nothing where that is not told apart, or the
    /// actions are of one service.
    fn by_caller(&self, group: &Group) -> Vec<Encoding> {
        if !group.is_of_services() {
            return Vec::new();
        }
        let mut all = Vec::new();
        let statements = group.of(self.statements);
        for caller in &self.callers {
            let scope = Scope {
                statements: &statements,
                caller: &caller.keys,
                patterns: &self.patterns,
                told: &self.told,
                frames: [true; FRAMES.len()],
                admits: &Admits::anything(),
                opaque: false,
                either_beyond: true,
            };
            let encoding = Encoding::new(&scope);
            if !encoding.open.is_empty() {
                return Vec::new();
            }
            all.push(encoding);
        }
        all
    }

    /// Looks for a request for the action that one side alone allows.
    pub(crate) fn decide(
        &mut self,
        action: &str,
        group: &Group,
        admits: &Admits,
    ) -> Option<Witness> {
        let statements = group.of(self.statements);
        let inner = statements.iter().zip(&group.about).filter(|(_, at)| **at < self.inner);
        let allows = inner.into_iter().any(|(one, _)| one.effect() == Effect::Allow);
        if !allows && !self.has_root() {
            return None;
        }
        let mut encodings: Vec<(&names::Keys, Encoding)> = Vec::new();
        let mut open = None;
        // Most are settled by what the statements are about.
        let may_break = |caller: &&Caller| self.tried(action, caller).may_break(&self.patterns);
        for caller in self.callers.iter().filter(may_break) {
            let known = encodings.iter().position(|(keys, _)| *keys == &caller.keys);
            let place = known.unwrap_or(encodings.len());
            if known.is_none() {
                let encoding = self.encoding(action, &statements, caller, admits, [false, true]);
                encodings.push((&caller.keys, encoding));
            }
            let (_, encoding) = encodings.get_mut(place)?;
            let tried = self.tried(action, caller);
            let is_confirmed = |found: &Witness| {
                let is_one = names::are_of(&found.principal, &caller.keys, &found.context);
                is_one && self.is_confirmed(found)
            };
            let always = Formula::Constant(true);
            // Most ARNs need not be looked at beyond their parts: what is proved
            // without holds, and the engine says whether a request is one.
            match tried.search(encoding, &always) {
                Outcome::Nothing if encoding.open.is_empty() => continue,
                Outcome::Witness(witness) if is_confirmed(&witness) => return Some(*witness),
                Outcome::Nothing => {}
                Outcome::GaveUp | Outcome::Witness(_) => {
                    let within = encoding.within_parts();
                    if let Outcome::Witness(witness) = tried.search(encoding, &within)
                        && is_confirmed(&witness)
                    {
                        return Some(*witness);
                    }
                }
            }
            let has_none = || {
                let mut either = self.encoding(action, &statements, caller, admits, [true, true]);
                matches!(tried.search(&mut either, &always), Outcome::Nothing)
            };
            // Where not everything is told apart the rest proves nothing.
            let is_open = !encoding.open.is_empty();
            if is_open && has_none() {
                continue;
            }
            let mut exact = self.encoding(action, &statements, caller, admits, [false, false]);
            let chosen = exact.chosen();
            if chosen != always
                && let Outcome::Witness(witness) = tried.search(&mut exact, &chosen)
                && is_confirmed(&witness)
            {
                return Some(*witness);
            }
            match tried.search(&mut exact, &always) {
                Outcome::Nothing if exact.open.is_empty() => continue,
                // Where not everything is told apart, a request may come out otherwise.
                Outcome::Witness(witness)
                    if (exact.open.is_empty() && caller.keys.shapes.is_empty())
                        || is_confirmed(&witness) =>
                {
                    return Some(*witness);
                }
                // The names of a caller stand in several keys, which are taken one by one.
                Outcome::Witness(_) if exact.open.is_empty() => {
                    let keys: Vec<&str> = caller.keys.shapes.keys().map(String::as_str).collect();
                    exact.open.push(format!("`{}` of anybody", keys.join("`, `")));
                }
                Outcome::Nothing | Outcome::GaveUp | Outcome::Witness(_) => {}
            }
            if is_open || !has_none() {
                let gave_up = || "the search took too many steps".to_owned();
                open = open.or_else(|| Some(exact.open.first().cloned().unwrap_or_else(gave_up)));
            }
        }
        if self.open.is_none() {
            self.open = open;
        }
        None
    }

    fn tried<'t>(&'t self, action: &'t str, caller: &'t Caller) -> Tried<'t, 'p> {
        let (question, accounts, within) = (self.question, &self.accounts, self.within);
        Tried { question, action, caller, accounts, within }
    }

    fn encoding(
        &self,
        action: &str,
        statements: &[StatementView<'p>],
        caller: &Caller,
        admits: &Admits,
        [opaque, either_beyond]: [bool; 2],
    ) -> Encoding {
        Encoding::new(&Scope {
            statements,
            caller: &caller.keys,
            patterns: if opaque { &self.of_either } else { &self.patterns },
            told: &self.told,
            frames: self.frames(action),
            admits,
            opaque,
            either_beyond,
        })
    }

    /// What the engine tells apart of what is acted upon with the action.
    fn frames(&self, action: &str) -> [bool; FRAMES.len()] {
        let action = Action::parse(action);
        let is_sts = action.service.eq_ignore_ascii_case("sts");
        let policies = [self.question.inner, self.question.outer];
        let controlled = policies.iter().any(|all| !all.resource_control.is_empty());
        let special = Special::of(&action);
        let is = |one: Special| special == Some(one);
        let (policy, role) = (is(Special::PolicyChange), is(Special::RoleChange));
        [true, is_sts, controlled, policy, role, is(Special::AliasChange)]
    }

    /// The verdict, by the request that was found.
    pub(crate) fn answer(self, found: Option<Witness>) -> Result<Verdict, Disagreement> {
        match found {
            Some(witness) => self.checked(witness).map(|it| Verdict::Violated(Box::new(it))),
            None => Ok(self.open.map_or(Verdict::Proved, Verdict::Undecided)),
        }
    }

    /// The engine itself must say the same.
    fn checked(&self, witness: Witness) -> Result<Witness, Disagreement> {
        if self.is_confirmed(&witness) {
            return Ok(witness);
        }
        Err(Disagreement { action: witness.action, resource: witness.resource })
    }

    fn is_confirmed(&self, witness: &Witness) -> bool {
        let allows = |policies| judge(&witness.request(), policies).allowed();
        allows(self.question.inner) && !allows(self.question.outer)
    }
}

impl Group {
    /// The condition keys that its statements ask for, in lower case.
    fn keys(&self, statements: &[StatementView<'_>]) -> Vec<String> {
        let statements = self.of(statements);
        let conditions = statements.iter().flat_map(|statement| statement.conditions());
        let keys: BTreeSet<String> =
            conditions.map(|condition| condition.lower_key().to_owned()).collect();
        keys.into_iter().collect()
    }

    /// The statements that speak of its actions.
    fn of<'p>(&self, statements: &[StatementView<'p>]) -> Vec<StatementView<'p>> {
        self.about.iter().filter_map(|number| statements.get(*number).copied()).collect()
    }
}

/// Whether the caller may need no Allow.
fn is_of_root(principal: &Principal) -> bool {
    matches!(principal, Principal::Root { .. } | Principal::FederatedUser { .. })
}

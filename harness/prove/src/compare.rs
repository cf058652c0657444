//! Whether all that some policies allow others allow as well.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use ringfence_policy::symbolic::{
    Action, Effect, FRAMES, Frame, Logic, StatementView, allowed, statements,
};
use ringfence_policy::{Context, Document, Policies, Principal, Request, Values, judge};

use crate::actions::{Group, groups, only};
use crate::callers::{self, Caller, OTHER_ACCOUNT, SOME_ACCOUNT};
use crate::common;
use crate::domain::{Admits, Universe};
use crate::encode::{Asked, Encoding, Scope, is_arn, put};
use crate::formula::Formula;
use crate::names;
use crate::parts::Patterns;
use crate::product::TooMany;
use crate::solve::{Found, Model, Problem};

/// What is asked: whether everything that one side allows the other allows too.
#[derive(Debug, Clone, Copy)]
pub struct Question<'p> {
    /// The policies whose requests are looked at.
    pub inner: &'p Policies,
    /// The policies that should allow all of these.
    pub outer: &'p Policies,
    /// Who asks; `None` is anybody.
    pub principal: Option<&'p Principal>,
    /// What requests there are.
    pub universe: Universe,
}

/// A request with its own values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Who asks.
    pub principal: Principal,
    /// The action.
    pub action: String,
    /// What is acted upon.
    pub resource: String,
    /// Whose it is, where its ARN does not say.
    pub resource_account: Option<String>,
    /// The condition keys.
    pub context: Context,
}

impl Witness {
    /// The request.
    pub fn request(&self) -> Request<'_> {
        Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: self.resource_account.as_deref(),
            context: &self.context,
        }
    }
}

/// How a question was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// No request is allowed by the one and not by the other.
    Proved,
    /// This one is.
    Violated(Box<Witness>),
    /// What the procedure does not decide.
    Undecided(String),
}

/// The prover and the engine differ about a request: a fault of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "internal error: the prover says that `{action}` on `{resource}` is allowed by one side alone, the engine does not"
)]
pub struct Disagreement {
    /// The action.
    pub action: String,
    /// What is acted upon.
    pub resource: String,
}

/// All documents of some policies.
pub(crate) fn documents(policies: &Policies) -> impl Iterator<Item = &Document> {
    let levels = policies.service_control.iter().chain(&policies.resource_control);
    let limits = policies.boundary.iter().chain(&policies.session);
    let lists = levels.chain(limits).flatten().chain(&policies.identity);
    lists.chain(&policies.resource).chain(&policies.vpc_endpoint).map(|document| &**document)
}

/// Entries of policies that are looked at, at most: actions, resources and values of
/// conditions. AWS's own largest policy has 4,587, and twice that beside itself.
const ENTRIES: usize = 16_384;

/// Why a question is not looked at: it has too many entries.
fn too_many(question: &Question<'_>) -> Option<String> {
    let both = [question.inner, question.outer].into_iter().flat_map(documents);
    let of = |statement: StatementView<'_>| {
        let values = statement.conditions().map(|condition| condition.values().len());
        statement.actions().count() + statement.resources().count() + values.sum::<usize>()
    };
    let entries: usize = both.flat_map(statements).map(of).sum();
    (entries > ENTRIES).then(|| {
        format!("the policies have {entries} actions, resources and values, more than {ENTRIES}")
    })
}

/// Answers a question.
///
/// # Errors
/// Where the engine does not confirm a request that breaks the claim.
pub fn within(question: &Question<'_>) -> Result<Verdict, Disagreement> {
    if let Some(reason) = too_many(question) {
        return Ok(Verdict::Undecided(reason));
    }
    let known = common::known(question.inner, question.outer);
    let of_identity = |document: &Document| {
        question.inner.identity.iter().any(|one| std::ptr::eq(&**one, document))
    };
    let mut all: Vec<StatementView<'_>> = Vec::new();
    let mut allows = false;
    for document in documents(question.inner) {
        let own = known.as_ref().filter(|_| of_identity(document));
        for statement in statements(document) {
            if !own.is_some_and(|known| known.has(statement)) {
                allows |= own.is_some() && statement.effect() == Effect::Allow;
                all.push(statement);
            }
        }
    }
    // Whatever is allowed, a statement allows that the outer side has.
    if known.is_some() && !allows {
        return Ok(Verdict::Proved);
    }
    let inner = all.len();
    all.extend(documents(question.outer).flat_map(statements));
    Search::new(question, &all, inner).run()
}

/// Answers a question about the requests for one action alone.
///
/// # Errors
/// Where the engine does not confirm a request that breaks the claim.
pub fn within_for(question: &Question<'_>, action: &str) -> Result<Verdict, Disagreement> {
    if let Some(reason) = too_many(question) {
        return Ok(Verdict::Undecided(reason));
    }
    let all = both(question);
    let mut search = Search::new(question, &all.statements, all.inner);
    let group = only(&all.statements, action);
    let found = match question.universe {
        Universe::All => search.decide(action, &group, &Admits::sent(action)),
        Universe::Catalogue => search.catalogued(&group),
    };
    search.answer(found)
}

/// Answers a question about the requests for one action on resources of one type, as the
/// catalogue has them.
///
/// # Errors
/// Where the engine does not confirm a request that breaks the claim.
pub fn within_for_type(
    question: &Question<'_>,
    action: &str,
    kind: &str,
) -> Result<Verdict, Disagreement> {
    if let Some(reason) = too_many(question) {
        return Ok(Verdict::Undecided(reason));
    }
    let all = both(question);
    let mut search = Search::new(question, &all.statements, all.inner);
    let group = only(&all.statements, action);
    let mut types = Admits::of_type(action, kind).into_iter();
    let found = types.find_map(|admits| search.decide(action, &group, &admits));
    search.answer(found)
}

/// The statements of both sides.
struct Both<'p> {
    statements: Vec<StatementView<'p>>,
    /// How many are of the inner side.
    inner: usize,
}

fn both<'p>(question: &Question<'p>) -> Both<'p> {
    let mut all: Vec<StatementView<'_>> = documents(question.inner).flat_map(statements).collect();
    let inner = all.len();
    all.extend(documents(question.outer).flat_map(statements));
    Both { statements: all, inner }
}

struct Search<'s, 'p> {
    question: &'s Question<'p>,
    /// The statements that count: those of the inner side, then the others.
    statements: &'s [StatementView<'p>],
    /// How many are of the inner side.
    inner: usize,
    callers: Vec<Caller>,
    /// The accounts that are named: whoever is of any account is of none of these.
    accounts: BTreeSet<String>,
    patterns: Rc<RefCell<Patterns>>,
    /// Why something was left undecided.
    open: Option<String>,
}

impl<'s, 'p> Search<'s, 'p> {
    fn new(question: &'s Question<'p>, statements: &'s [StatementView<'p>], inner: usize) -> Self {
        let accounts = callers::accounts(statements);
        let policies = [question.inner, question.outer];
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
        Self { question, statements, inner, callers, accounts, patterns: Rc::default(), open }
    }

    fn run(mut self) -> Result<Verdict, Disagreement> {
        let both = [self.question.inner, self.question.outer];
        let resource_control = both.iter().any(|all| !all.resource_control.is_empty());
        let universe = self.question.universe;
        let statements = self.statements;
        // Nothing but an Allow of the inner side, or being root, allows anything.
        let own = statements.iter().take(self.inner);
        let allows: Vec<_> = own.filter(|one| one.effect() == Effect::Allow).collect();
        let root = self.has_root();
        let is_asked_for =
            |service: &str| root || allows.iter().any(|one| one.is_about_service(service));
        let groups = groups(statements, universe, resource_control, is_asked_for);
        if !groups.complete {
            self.open = self.open.or_else(|| Some("the actions take too many steps".to_owned()));
        }
        for group in groups.all {
            let found = match universe {
                Universe::All => self.decide(&group.action, &group, &Admits::sent(&group.action)),
                Universe::Catalogue => self.catalogued(&group),
            };
            if let Some(witness) = found {
                return self.checked(witness).map(|witness| Verdict::Violated(Box::new(witness)));
            }
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

    /// The actions of the catalogue in a group: what holds of any request holds
    /// of each of theirs.
    fn catalogued(&mut self, group: &Group) -> Option<Witness> {
        let open = self.open.clone();
        let found = self.decide(&group.action, group, &Admits::anything());
        if found.is_none() && self.open == open {
            return None;
        }
        self.open = open;
        let statements = group.of(self.statements);
        let conditions = statements.iter().flat_map(|statement| statement.conditions());
        let keys: BTreeSet<String> =
            conditions.map(|condition| condition.lower_key().to_owned()).collect();
        let keys: Vec<String> = keys.into_iter().collect();
        let mut seen = HashSet::new();
        let mut without: HashMap<String, bool> = HashMap::new();
        let mut by_caller = self.by_caller(group);
        for action in group.catalogued(self.statements) {
            for admits in Admits::of(&action) {
                if !seen.insert(admits.signature(&keys)) {
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
    fn decide(&mut self, action: &str, group: &Group, admits: &Admits) -> Option<Witness> {
        let statements = group.of(self.statements);
        let inner = self.statements.iter().zip(&group.about).take(self.inner);
        let allows = inner.into_iter().any(|(one, about)| *about && one.effect() == Effect::Allow);
        if !allows && !self.has_root() {
            return None;
        }
        let mut encodings: Vec<(&names::Keys, Encoding)> = Vec::new();
        let mut open = None;
        for caller in &self.callers {
            let known = encodings.iter().position(|(keys, _)| *keys == &caller.keys);
            let place = known.unwrap_or(encodings.len());
            if known.is_none() {
                let encoding = self.encoding(action, &statements, caller, admits, [false, true]);
                encodings.push((&caller.keys, encoding));
            }
            let (_, encoding) = encodings.get_mut(place)?;
            let tried = self.tried(action, caller);
            let always = Formula::Constant(true);
            // Most ARNs need not be looked at beyond their parts: what is proved
            // without holds, and the engine says whether a request is one.
            match tried.search(encoding, &always) {
                Outcome::Nothing if encoding.open.is_empty() => continue,
                Outcome::Witness(witness) if self.is_confirmed(&witness) => return Some(*witness),
                Outcome::Nothing | Outcome::GaveUp | Outcome::Witness(_) => {}
            }
            let mut exact = self.encoding(action, &statements, caller, admits, [false, false]);
            match tried.search(&mut exact, &always) {
                Outcome::Nothing if exact.open.is_empty() => continue,
                // Where not everything is told apart, a request may come out otherwise.
                Outcome::Witness(witness)
                    if (exact.open.is_empty() && caller.keys.shapes.is_empty())
                        || self.is_confirmed(&witness) =>
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
            let mut opaque = self.encoding(action, &statements, caller, admits, [true, true]);
            if !matches!(tried.search(&mut opaque, &always), Outcome::Nothing) {
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
        Tried { question: self.question, action, caller, accounts: &self.accounts }
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
            patterns: &self.patterns,
            frames: self.frames(action),
            admits,
            opaque,
            either_beyond,
        })
    }

    /// What the engine tells apart of what is acted upon with the action.
    fn frames(&self, action: &str) -> [bool; FRAMES.len()] {
        let action = Action::parse(action);
        let is = |service: &str| action.service.eq_ignore_ascii_case(service);
        let policies = [self.question.inner, self.question.outer];
        let controlled = policies.iter().any(|all| !all.resource_control.is_empty());
        let special = ringfence_policy::symbolic::is_special(&action);
        let (iam, kms) = (special && is("iam"), special && is("kms"));
        [true, is("sts"), controlled, iam, iam, kms]
    }

    /// The verdict, by the request that was found.
    fn answer(self, found: Option<Witness>) -> Result<Verdict, Disagreement> {
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
    /// The statements that speak of its actions.
    fn of<'p>(&self, statements: &[StatementView<'p>]) -> Vec<StatementView<'p>> {
        let both = statements.iter().zip(&self.about);
        both.filter(|(_, about)| **about).map(|(statement, _)| *statement).collect()
    }
}

/// Whether the caller may need no Allow.
fn is_of_root(principal: &Principal) -> bool {
    matches!(principal, Principal::Root { .. } | Principal::FederatedUser { .. })
}

enum Outcome {
    Witness(Box<Witness>),
    Nothing,
    GaveUp,
}

/// A caller's requests for an action.
struct Tried<'t, 'p> {
    question: &'t Question<'p>,
    action: &'t str,
    caller: &'t Caller,
    accounts: &'t BTreeSet<String>,
}

/// What is acted upon, of one frame.
struct Target {
    of: Formula,
    arn: &'static str,
}

impl Tried<'_, '_> {
    /// Looks for a request of few and short parts among some of the requests.
    fn search(&self, encoding: &mut Encoding, among: &Formula) -> Outcome {
        let mut witness = |encoding: &Encoding, problem: &Problem<'_>, found, own| {
            let model = problem.smallest(&encoding.domains, found);
            Box::new(self.witness(encoding, &model, own))
        };
        match self.first(encoding, among, &mut witness) {
            Ok(Some(witness)) => Outcome::Witness(witness),
            Ok(None) => Outcome::Nothing,
            Err(TooMany) => Outcome::GaveUp,
        }
    }

    /// Whether there may be any among some of the requests.
    fn has_any(&self, encoding: &mut Encoding, among: &Formula) -> bool {
        self.first(encoding, among, &mut |_, _, _, _| ()) != Ok(None)
    }

    /// Makes something of the first that is found.
    fn first<T>(
        &self,
        encoding: &mut Encoding,
        among: &Formula,
        made: &mut dyn FnMut(&Encoding, &Problem<'_>, Model, bool) -> T,
    ) -> Result<Option<T>, TooMany> {
        let mut gave_up = false;
        for own in [true, false] {
            let Some(owned) = self.owned(encoding, own) else { continue };
            for target in self.targets(encoding) {
                let of = [&encoding.base, &owned, &target.of, among].into_iter().cloned();
                let of = Formula::all(of);
                if of == Formula::Constant(false) {
                    continue;
                }
                let broken = self.breaks(encoding, own, target.arn, of);
                let Some([allowed, rest]) = broken else { continue };
                let tests = &encoding.keys.tests;
                let problem = Problem { allowed: &allowed, rest: &rest, tests };
                match problem.solve(&encoding.domains) {
                    Found::Nothing => {}
                    Found::GaveUp => gave_up = true,
                    Found::Model(found) => return Ok(Some(made(encoding, &problem, found, own))),
                }
            }
        }
        if gave_up { Err(TooMany) } else { Ok(None) }
    }

    /// The requests of a frame that the one side allows, and where the other does
    /// not.
    fn breaks(
        &self,
        encoding: &Encoding,
        own: bool,
        arn: &str,
        of: Formula,
    ) -> Option<[Formula; 2]> {
        let account = self.caller.principal.account_id();
        let context = Context::new();
        let request = Request {
            principal: &self.caller.principal,
            action: self.action,
            resource: arn,
            resource_account: if own { account } else { Some(OTHER_ACCOUNT) },
            context: &context,
        };
        let side = |policies: &Policies| {
            let asked = Asked {
                encoding,
                action: Action::parse(self.action),
                principal: &self.caller.principal,
                bounded: policies.boundary.is_some(),
            };
            allowed(Frame::of(&request, policies), &asked, policies)
        };
        let inner = side(self.question.inner).and(of);
        if inner == Formula::Constant(false) {
            return None;
        }
        let rest = side(self.question.outer).negate();
        (rest != Formula::Constant(false)).then_some([inner, rest])
    }

    /// The resources of the caller's own account, or of others; `None` where
    /// that makes no difference.
    fn owned(&self, encoding: &mut Encoding, own: bool) -> Option<Formula> {
        let arn = is_arn();
        let Some(account) = self.caller.principal.account_id() else {
            return own.then_some(Formula::Constant(true));
        };
        if !own && self.question.inner.resource.is_none() {
            // What another account owns, its own policy must allow.
            return None;
        }
        Some(match (self.caller.any_account, own) {
            (true, true) => {
                let named = self.accounts.iter().map(|one| encoding.account(one));
                let named = Formula::any(named.collect::<Vec<_>>());
                arn.and(named).negate()
            }
            (true, false) => arn,
            (false, true) => {
                let others = encoding.has_account().and(encoding.account(account).negate());
                arn.and(others).negate()
            }
            (false, false) => arn.and(encoding.account(account).negate()),
        })
    }

    /// What is acted upon, by what the engine itself tells apart.
    fn targets(&self, encoding: &Encoding) -> Vec<Target> {
        let action = Action::parse(self.action);
        let is = |service: &str| action.service.eq_ignore_ascii_case(service);
        let [key, role, linked, policy, reserved, alias] =
            std::array::from_fn::<_, { FRAMES.len() }, _>(|number| encoding.frame(number));
        let mut special: Vec<(Formula, &'static str)> = vec![(key, "arn:aws:kms:::key/x")];
        if linked != Formula::Constant(false) {
            special.push((linked, "arn:aws:iam:::role/aws-service-role/x"));
        }
        if ringfence_policy::symbolic::is_special(&action) {
            if is("iam") {
                special.push((policy, "arn:aws:iam::aws:policy/x"));
                special.push((reserved, "arn:aws:iam:::role/aws-reserved/x"));
            } else if is("kms") {
                special.push((alias, "arn:aws:kms:::alias/aws/x"));
            }
        }
        if is("sts") {
            special.push((role, "arn:aws:iam:::role/x"));
        }
        let mut rest = Formula::Constant(true);
        let mut targets = Vec::new();
        for (of, arn) in special {
            targets.push(Target { of: rest.clone().and(of.clone()), arn });
            rest = rest.and(of.negate());
        }
        targets.insert(0, Target { of: rest, arn: "arn:aws:x:::x" });
        targets
    }

    fn witness(&self, encoding: &Encoding, model: &Model, own: bool) -> Witness {
        let is_id = |text: &&str| text.len() == 12 && text.bytes().all(|one| one.is_ascii_digit());
        let owner = model.account().filter(is_id);
        let resource = model.resource();
        let account = match (self.caller.any_account, own, owner) {
            (false, ..) | (_, _, None) => None,
            (true, true, Some(owner)) => Some(owner),
            (true, false, Some(owner)) if owner == SOME_ACCOUNT => Some(OTHER_ACCOUNT),
            (true, false, Some(_)) => None,
        };
        let mut principal = self.caller.principal.clone();
        if let Some(account) = account {
            principal = moved(&principal, account);
        }
        let outside = !own && owner.is_none() && resource != "*";
        let found = Witness {
            principal,
            action: self.action.to_owned(),
            resource,
            resource_account: outside.then(|| OTHER_ACCOUNT.to_owned()),
            context: encoding.context(model),
        };
        let shapes = &self.caller.keys.shapes;
        if shapes.is_empty() {
            return found;
        }
        // Who asks has all the keys that follow from its name.
        let named = callers::called(&found.principal, &found.context);
        let all = [named, Some(found.principal.clone())].into_iter().flatten();
        let mut all = all.map(|principal| {
            let mut context = found.context.clone();
            for (key, value) in names::keys(&principal) {
                if shapes.contains_key(&key) {
                    put(&mut context, &key, value.map(Values::One).as_ref());
                }
            }
            Witness { principal, context, ..found.clone() }
        });
        let breaks = |one: &Witness| {
            let allows = |policies| judge(&one.request(), policies).allowed();
            allows(self.question.inner) && !allows(self.question.outer)
        };
        all.find(breaks).unwrap_or(found)
    }
}

/// The caller, of another account.
fn moved(principal: &Principal, account: &str) -> Principal {
    let moved = |text: &str| text.replace(SOME_ACCOUNT, account);
    match principal {
        Principal::Root { account_id } => Principal::Root { account_id: moved(account_id) },
        Principal::User { arn } => Principal::User { arn: moved(arn) },
        Principal::RoleSession { role_arn, session_arn } => {
            Principal::RoleSession { role_arn: moved(role_arn), session_arn: moved(session_arn) }
        }
        Principal::FederatedUser { arn, user_arn } => {
            Principal::FederatedUser { arn: moved(arn), user_arn: moved(user_arn) }
        }
        other => other.clone(),
    }
}

//! A caller's requests for an action: what the one side allows of them and the other does
//! not.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use ringfence_policy::symbolic::{Action, FRAMES, Frame, Logic, Special, allowed};
use ringfence_policy::{Context, Policies, Principal, Request, Values, judge};

use crate::blind::Blind;
use crate::budget::TooMany;
use crate::callers::{self, Caller, OTHER_ACCOUNT, SOME_ACCOUNT};
use crate::encode::{Asked, Encoding, is_arn, put};
use crate::formula::Formula;
use crate::names;
use crate::parts::Tests;
use crate::patterns::Patterns;
use crate::question::{Question, Witness};
use crate::set::Set;
use crate::solve::{Found, Model, Problem};

/// What became of a search.
pub(crate) enum Outcome {
    Witness(Box<Witness>),
    Nothing,
    GaveUp,
}

/// A caller's requests for an action.
pub(crate) struct Tried<'t, 'p> {
    pub(crate) question: &'t Question<'p>,
    pub(crate) action: &'t str,
    pub(crate) caller: &'t Caller,
    pub(crate) accounts: &'t BTreeSet<String>,
    /// The partition of what is acted upon, where it is given.
    pub(crate) within: Option<&'t str>,
}

/// An ARN that is of none of [`FRAMES`].
const ANY_ARN: &str = "arn:aws:x:::x";

/// What is acted upon, of one frame.
struct Target {
    of: Formula,
    arn: &'static str,
}

impl Tried<'_, '_> {
    /// Looks for a request of few and short parts among some of the requests.
    pub(crate) fn search(&self, encoding: &mut Encoding, among: &Formula) -> Outcome {
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
    pub(crate) fn has_any(&self, encoding: &mut Encoding, among: &Formula) -> bool {
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
        let within = self.reached(encoding);
        for own in [true, false] {
            let Some(owned) = self.owned(encoding, own) else { continue };
            for target in self.targets(encoding) {
                let of = [&encoding.base, &owned, &target.of, among, &within].into_iter().cloned();
                let of = Formula::all(of);
                if of == Formula::Constant(false) {
                    continue;
                }
                let broken = self.breaks(encoding, own, target.arn, of);
                let Some([allowed, rest]) = broken else { continue };
                let tests = &encoding.keys.tests;
                let partition = partition(&self.caller.principal);
                let problem = Problem { allowed: &allowed, rest: &rest, tests, partition };
                match problem.solve(&encoding.domains) {
                    Found::Nothing => {}
                    Found::GaveUp => gave_up = true,
                    Found::Model(found) => return Ok(Some(made(encoding, &problem, found, own))),
                }
            }
        }
        if gave_up { Err(TooMany) } else { Ok(None) }
    }

    /// What requests have in common on what is of the caller's account, or is not.
    fn frame(&self, own: bool, arn: &str, policies: &Policies) -> Frame {
        let account = self.caller.principal.account_id();
        let context = Context::new();
        let request = Request {
            principal: &self.caller.principal,
            action: self.action,
            resource: arn,
            resource_account: if own { account } else { Some(OTHER_ACCOUNT) },
            context: &context,
        };
        Frame::of(&request, policies)
    }

    /// Whether one side alone may allow any, as far as the policies' texts show: of their
    /// tests is known which are the same.
    pub(crate) fn may_break(&self, patterns: &Rc<RefCell<Patterns>>) -> bool {
        let (question, has_account) = (self.question, self.caller.principal.account_id().is_some());
        let others = has_account && question.inner.resource.is_some();
        let owns = [true, false].into_iter().filter(|own| *own || others);
        let special = self.special().into_iter().map(|(_, arn)| arn);
        let arns: Vec<&str> = special.chain([ANY_ARN]).collect();
        let mut frames = owns.flat_map(|own| arns.iter().map(move |arn| (own, *arn)));
        frames.any(|(own, arn)| {
            let tests = RefCell::new(Tests::new(Rc::clone(patterns)));
            let says = |policies: &Policies| {
                let asked = Blind {
                    action: Action::parse(self.action),
                    principal: &self.caller.principal,
                    bounded: policies.boundary.is_some(),
                    tests: &tests,
                };
                allowed(self.frame(own, arn, policies), &asked, policies)
            };
            let inner = says(question.inner);
            if inner == Formula::Constant(false) {
                return false;
            }
            let rest = says(question.outer).negate();
            if rest == Formula::Constant(false) {
                return false;
            }
            let tests = tests.into_inner();
            let problem = Problem { allowed: &inner, rest: &rest, tests: &tests, partition: None };
            problem.solve(&vec![Set::full(2); tests.len()]) != Found::Nothing
        })
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
        let side = |policies: &Policies| {
            let asked = Asked {
                encoding,
                action: Action::parse(self.action),
                principal: &self.caller.principal,
                bounded: policies.boundary.is_some(),
            };
            allowed(self.frame(own, arn, policies), &asked, policies)
        };
        let inner = side(self.question.inner).and(of);
        if inner == Formula::Constant(false) {
            return None;
        }
        let rest = side(self.question.outer).negate();
        (rest != Formula::Constant(false)).then_some([inner, rest])
    }

    /// What is of the partition that is given.
    fn reached(&self, encoding: &mut Encoding) -> Formula {
        match self.within {
            Some(own) => is_arn().and(encoding.partition(own).negate()).negate(),
            None => Formula::Constant(true),
        }
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
        let mut rest = Formula::Constant(true);
        let mut targets = Vec::new();
        for (number, arn) in self.special() {
            let of = encoding.frame(number);
            if of == Formula::Constant(false) {
                continue;
            }
            targets.push(Target { of: rest.clone().and(of.clone()), arn });
            rest = rest.and(of.negate());
        }
        targets.insert(0, Target { of: rest, arn: ANY_ARN });
        targets
    }

    /// Those of [`FRAMES`] that may count for the action, the first before those that are
    /// about more, each with an ARN of it.
    fn special(&self) -> Vec<(usize, &'static str)> {
        let action = Action::parse(self.action);
        let [key, role, linked, policy, reserved, alias] =
            std::array::from_fn::<_, { FRAMES.len() }, _>(|number| number);
        let mut special =
            vec![(key, "arn:aws:kms:::key/x"), (linked, "arn:aws:iam:::role/aws-service-role/x")];
        special.extend(match Special::of(&action) {
            Some(Special::PolicyChange) => Some((policy, "arn:aws:iam::aws:policy/x")),
            Some(Special::RoleChange) => Some((reserved, "arn:aws:iam:::role/aws-reserved/x")),
            Some(Special::AliasChange) => Some((alias, "arn:aws:kms:::alias/aws/x")),
            Some(Special::CallerIdentity | Special::GrantRetired) | None => None,
        });
        if action.service.eq_ignore_ascii_case("sts") {
            special.push((role, "arn:aws:iam:::role/x"));
        }
        special
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

/// The partition that a caller's own ARN names.
pub(crate) fn named_partition(principal: &Principal) -> Option<&str> {
    match principal {
        Principal::Root { .. } | Principal::Service { .. } | Principal::Anonymous => None,
        Principal::User { .. }
        | Principal::FederatedUser { .. }
        | Principal::RoleSession { .. }
        | Principal::WebIdentity { .. } => partition(principal),
    }
}

/// The partition of a caller; a service has none.
fn partition(principal: &Principal) -> Option<&str> {
    match principal {
        Principal::Root { .. } => Some("aws"),
        Principal::User { arn }
        | Principal::FederatedUser { arn, .. }
        | Principal::RoleSession { role_arn: arn, .. }
        | Principal::WebIdentity { provider_arn: arn } => arn.split(':').nth(1),
        Principal::Service { .. } | Principal::Anonymous => Some("aws"),
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

//! What the closures of all sources share: who may do what, and what runs as whom.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use ringfence_policy::{Policies, Principal};
use ringfence_prove::{Question, Universe, Verdict, within};

use super::answers::Answers;
use super::bits::Bits;
use super::classes::Classes;
use super::grown::Grown;
use super::holder::Holder;
use super::means::{By, Follows, Table};
use super::question::{Answer, CannotAsk, Wanted};
use super::world::{Thing, World};
use crate::access::sessions::lets_in;

/// What all sources share.
pub(super) struct Shared<'w> {
    pub(super) world: &'w World,
    pub(super) table: &'w Table,
    classes: Classes,
    answers: Answers,
    holders: RefCell<HashMap<(usize, Grown), Rc<Holder>>>,
    /// By identity and what it has gained, whether that is more than it may do by itself.
    more: RefCell<HashMap<(usize, Grown), bool>>,
    /// Of each ask, all of its things.
    pub(super) full: Vec<Bits>,
    /// Of each means, the roles that its service can run as, and those that may be.
    pub(super) runs: Vec<Option<Rc<Runs>>>,
    /// By the identity that they are, or run as, the places of the things of a kind.
    of: HashMap<(&'w str, Option<usize>), Vec<usize>>,
    /// By the name of what runs as a role, the places of that of which nobody knows as which.
    anybodys: HashMap<&'w str, Vec<usize>>,
    /// Of each thing that runs as a role, the place of the role.
    pub(super) roles: HashMap<&'w str, Vec<Option<usize>>>,
}

/// As which roles a service runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
    pub(super) yes: Bits,
    pub(super) open: Bits,
    pub(super) why: HashMap<usize, Arc<str>>,
}

impl<'w> Shared<'w> {
    pub(super) fn new(world: &'w World, table: &'w Table) -> Result<Self, CannotAsk> {
        let mut known: HashMap<(&By, Option<&str>), Rc<Runs>> = HashMap::new();
        let places: HashMap<usize, usize> = world
            .of_kind("role")
            .iter()
            .enumerate()
            .filter_map(|(place, role)| Some((role.of?, place)))
            .collect();
        let roles = table.held.iter().map(|(name, _)| {
            let things = world.of_kind(name).iter();
            (name.as_str(), things.map(|one| places.get(&one.of?).copied()).collect())
        });
        let roles = roles.collect();
        let mut of: HashMap<(&str, Option<usize>), Vec<usize>> = HashMap::new();
        for (kind, things) in &world.things {
            for (place, thing) in things.iter().enumerate() {
                of.entry((kind.as_str(), thing.of)).or_default().push(place);
            }
        }
        let anybodys = table.held.iter().map(|(name, _)| {
            let things = world.of_kind(name).iter().enumerate();
            let places = things.filter(|(_, one)| one.is_anybodys).map(|(place, _)| place);
            (name.as_str(), places.collect())
        });
        let anybodys = anybodys.collect();
        let mut shared = Self {
            world,
            anybodys,
            table,
            classes: Classes::default(),
            answers: Answers::default(),
            holders: RefCell::default(),
            more: RefCell::default(),
            full: table.asks.iter().map(|ask| Bits::full(world.of_kind(&ask.on).len())).collect(),
            runs: Vec::new(),
            of,
            roles,
        };
        for means in &table.means {
            let Some(service) = &means.service else {
                shared.runs.push(None);
                continue;
            };
            let key = (service, means.held.as_deref());
            let runs = match known.get(&key) {
                Some(runs) => runs.clone(),
                None if service.follows == Follows::Assertions => Rc::new(shared.taking(service)),
                None => Rc::new(shared.runs(service, means.held.as_deref())?),
            };
            known.insert(key, runs.clone());
            shared.runs.push(Some(runs));
        }
        Ok(shared)
    }

    /// The roles that a service takes by their trust policies; or of which something
    /// runs as them.
    fn runs(&self, service: &By, held: Option<&str>) -> Result<Runs, CannotAsk> {
        let mut runs = Runs::default();
        let name = service.name.as_str();
        let (principal, action) = match service.federated {
            true => {
                let provider_arn = name.to_owned();
                (Principal::WebIdentity { provider_arn }, "sts:AssumeRoleWithWebIdentity")
            }
            false => (Principal::Service { name: name.to_owned() }, "sts:AssumeRole"),
        };
        let mut known: HashMap<&str, Answer> = HashMap::new();
        let things = held.map_or(&[][..], |held| self.world.of_kind(held));
        let has_profile =
            |role: &Thing| role.of.is_some_and(|it| self.world.in_profiles.contains(&it));
        let running: HashSet<usize> = things.iter().filter_map(|one| one.of).collect();
        for (place, role) in self.world.of_kind("role").iter().enumerate() {
            if role.of.is_some_and(|it| running.contains(&it)) {
                runs.yes.insert(place);
                continue;
            }
            let answer = match (&role.policy, &role.open) {
                (_, Some(open)) => Answer::Open(open.as_str().into()),
                (None, None) => Answer::No,
                // Whoever assumes a role its trust policy names.
                (Some(policy), None) if !lets_in(Some(&principal), policy) => Answer::No,
                (Some(policy), None) => match known.get(policy.text()) {
                    Some(answer) => answer.clone(),
                    None => {
                        let policies =
                            Policies { resource: Some(policy.clone()), ..Policies::default() };
                        let on = Some(role.arn.as_str());
                        let wanted =
                            Wanted { action, on, of_type: None, but: &[], when: &[], like: None };
                        let answer = Answer::from(wanted.ask(&principal, &policies)?);
                        known.insert(policy.text(), answer.clone());
                        answer
                    }
                },
            };
            let why = match (answer, &service.follows) {
                (Answer::No, _) => continue,
                (Answer::Yes(_), Follows::All) if service.in_profile && !has_profile(role) => {
                    format!("{}: no instance profile of the files has it", role.name).into()
                }
                (Answer::Yes(_), Follows::All) => {
                    runs.yes.insert(place);
                    continue;
                }
                (Answer::Open(why), _) => why,
                (Answer::Yes(_), Follows::ButFor(what)) => {
                    let what = what.as_deref().unwrap_or("nothing of the files does");
                    format!("{}: `{name}` may run as it, and {what}", role.name).into()
                }
                (Answer::Yes(_), Follows::Assertions) => by_assertion(role, name),
                (Answer::Yes(_), Follows::Nothing) => format!(
                    "{} can be handed to `{name}`: what that does with it is not known here",
                    role.name
                )
                .into(),
            };
            runs.open.insert(place);
            runs.why.insert(place, why);
        }
        Ok(runs)
    }

    /// The roles that a SAML provider is let into. What conditions on assertions (`SAML:aud`)
    /// make of one that is forged is not asked.
    fn taking(&self, service: &By) -> Runs {
        let provider = Principal::WebIdentity { provider_arn: service.name.clone() };
        let mut runs = Runs::default();
        for (place, role) in self.world.of_kind("role").iter().enumerate() {
            let why: Arc<str> = match (&role.open, &role.policy) {
                (Some(open), _) => open.as_str().into(),
                (None, Some(policy)) if lets_in(Some(&provider), policy) => {
                    by_assertion(role, &service.name)
                }
                (None, _) => continue,
            };
            runs.open.insert(place);
            runs.why.insert(place, why);
        }
        runs
    }

    /// The places of the things of a kind that are an identity, or run as it.
    pub(super) fn of(&self, kind: &'w str, identity: Option<usize>) -> &[usize] {
        self.of.get(&(kind, identity)).map_or(&[], Vec::as_slice)
    }

    /// The places of what runs as a role, and nobody knows as which.
    pub(super) fn anybodys(&self, kind: &str) -> &[usize] {
        self.anybodys.get(kind).map_or(&[], Vec::as_slice)
    }

    /// Whether an identity may do more with what it has gained than by itself. What the prover
    /// does not decide counts as more.
    pub(super) fn is_more(&self, place: usize, grown: &Grown) -> Result<bool, CannotAsk> {
        let key = (place, grown.clone());
        if let Some(known) = self.more.borrow().get(&key) {
            return Ok(*known);
        }
        let Some(identity) = self.world.identities.get(place) else { return Ok(false) };
        let with = grown.policies(identity, self.world);
        let own = Grown::default().policies(identity, self.world);
        let principal = Some(&identity.principal);
        // What no action of AWS's does to a resource of its types is nothing.
        let mut is_more = true;
        for universe in [Universe::All, Universe::Catalogue] {
            let question = Question { inner: &with, outer: &own, principal, universe };
            is_more &= within(&question)? != Verdict::Proved;
        }
        // Of what is not known nobody knows what is more.
        is_more |= !identity.most.is_empty();
        self.more.borrow_mut().insert(key, is_more);
        Ok(is_more)
    }

    pub(super) fn holder(
        &self,
        identity: usize,
        grown: &Grown,
    ) -> Result<Option<Rc<Holder>>, CannotAsk> {
        let key = (identity, grown.clone());
        if let Some(known) = self.holders.borrow().get(&key) {
            return Ok(Some(known.clone()));
        }
        let asks = &self.table.asks;
        let (classes, answers) = (&self.classes, &self.answers);
        let made = Holder::of(self.world, classes, answers, asks, identity, grown)?.map(Rc::new);
        if let Some(made) = &made {
            self.holders.borrow_mut().insert(key, made.clone());
        }
        Ok(made)
    }
}

/// Why nobody knows whether an assertion of a provider's is taken that anybody forges.
fn by_assertion(role: &Thing, provider: &str) -> Arc<str> {
    let on = &role.name;
    format!(
        "{on}: it takes assertions of `{provider}`, of which the metadata can be replaced: which \
         of them it takes is not followed"
    )
    .into()
}

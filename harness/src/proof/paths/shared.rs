//! What the closures of all sources share: who may do what, and what runs as whom.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use ringfence_policy::{Document, Policies, Principal};
use ringfence_prove::{Question, Universe, Verdict, within};

use super::answers::Answers;
use super::bits::Bits;
use super::classes::Classes;
use super::denied::Asking;
use super::grown::Grown;
use super::holder::Holder;
use super::means::{By, Follows, Table};
use super::question::{Answer, CannotAsk, Wanted};
use super::saml;
use super::world::{Identity, Thing, World};
use crate::access::sessions::lets_in;

/// What all sources share.
pub(super) struct Shared<'w> {
    pub(super) world: &'w World,
    pub(super) table: &'w Table,
    classes: Classes,
    answers: Answers,
    holders: RefCell<HashMap<(usize, Grown), Rc<Holder>>>,
    /// By identity, with nothing that it has gained.
    ungrown: Vec<OnceCell<Rc<Holder>>>,
    /// By identity and what it has gained, whether that is more than it may do by itself.
    more: RefCell<HashMap<(usize, Grown, bool), bool>>,
    /// Of each ask, its things.
    pub(super) asked: Vec<&'w [Thing]>,
    /// Of each ask, all of its things.
    pub(super) full: Vec<Bits>,
    /// Of each means, what it is about.
    pub(super) about: Vec<&'w [Thing]>,
    /// By identity, the place of its role.
    pub(super) places: HashMap<usize, usize>,
    /// Of each means, the roles that its service can run as, and those that may be.
    pub(super) runs: Vec<Option<Rc<Runs>>>,
    /// By the identity that they are, or run as, the places of the things of a kind.
    of: HashMap<(&'w str, Option<usize>), Vec<usize>>,
    /// By the name of what runs as a role, the places of that of which nobody knows as which.
    anybodys: HashMap<&'w str, Vec<usize>>,
    /// By account, the places of its roles.
    in_accounts: HashMap<&'w str, Bits>,
    /// The places of the roles of which nobody knows the account.
    anywhere: Bits,
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
        let asked: Vec<&[Thing]> = table.asks.iter().map(|ask| world.of_kind(&ask.on)).collect();
        let anybodys = table.held.iter().map(|(name, _)| {
            let things = world.of_kind(name).iter().enumerate();
            let places = things.filter(|(_, one)| one.is_anybodys).map(|(place, _)| place);
            (name.as_str(), places.collect())
        });
        let anybodys = anybodys.collect();
        let mut in_accounts: HashMap<&str, Bits> = HashMap::new();
        let mut anywhere = Bits::default();
        for (identity, place) in &places {
            match world.identities.get(*identity).and_then(Identity::account) {
                Some(account) => in_accounts.entry(account).or_default().insert(*place),
                None => anywhere.insert(*place),
            }
        }
        let mut shared = Self {
            world,
            anybodys,
            in_accounts,
            anywhere,
            table,
            classes: Classes::default(),
            answers: Answers::default(),
            holders: RefCell::default(),
            ungrown: vec![OnceCell::new(); world.identities.len()],
            more: RefCell::default(),
            full: asked.iter().map(|things| Bits::full(things.len())).collect(),
            asked,
            about: table.means.iter().map(|means| world.of_kind(&means.on)).collect(),
            places,
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
        // In China some services have a name of their own
        // (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services-in-opt-in-regions>).
        let of_china = Principal::Service { name: format!("{name}.cn") };
        let lets_no_other_in = |policy: &Document| !lets_in(Some(&of_china), policy);
        let refuses = |role: &Thing| {
            role.open.is_none() && role.policy.as_deref().is_some_and(lets_no_other_in)
        };
        let has_profile =
            |role: &Thing| role.of.is_some_and(|it| self.world.in_profiles.contains(&it));
        let running: HashSet<usize> = things.iter().filter_map(|one| one.of).collect();
        for (place, role) in self.world.of_kind("role").iter().enumerate() {
            let is_running = role.of.is_some_and(|it| running.contains(&it));
            let is_refused = |most: &Arc<Document>| !lets_in(Some(&principal), most);
            let answer = match (&role.policy, &role.open) {
                (_, Some(_)) if role.at_most.as_ref().is_some_and(is_refused) => Answer::No,
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
            // What has a role that its trust policy does not let it take does not run as it.
            if is_running && !(matches!(answer, Answer::No) && refuses(role)) {
                runs.yes.insert(place);
                continue;
            }
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
                (None, Some(policy)) if saml::takes(policy, &provider) => {
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

    /// What stands for what is not in the files, with its places.
    pub(super) fn others(&self, kind: &str) -> impl Iterator<Item = (usize, &'w Thing)> + use<'w> {
        let all = self.world.of_kind(kind).iter().enumerate();
        all.take_while(|(_, one)| one.is_other)
    }

    /// Of some roles those of the account of a thing, where that is told apart.
    pub(super) fn of_account(&self, thing: &Thing, roles: &Bits) -> Bits {
        match thing.account.as_deref() {
            None => roles.clone(),
            Some(account) => self.of_one(account).both(roles),
        }
    }

    /// The roles of the accounts in which something is had of an ask; `None` where accounts are
    /// not told apart.
    pub(super) fn beside(&self, ask: usize, have: &Bits) -> Option<Bits> {
        let things = self.asked.get(ask)?;
        let mut all = Bits::default();
        for place in have.iter() {
            all.add(&self.of_one(things.get(place)?.account.as_deref()?));
        }
        Some(all)
    }

    /// The roles that may be of an account.
    fn of_one(&self, account: &str) -> Bits {
        let mut all = self.in_accounts.get(account).cloned().unwrap_or_default();
        all.add(&self.anywhere);
        all
    }

    /// Whether an identity may do more with what it has gained than by itself. What the prover
    /// does not decide counts as more; what is not known counts as nothing, or for certain as the
    /// most that it may be.
    pub(super) fn is_more(
        &self,
        place: usize,
        grown: &Grown,
        is_certain: bool,
    ) -> Result<bool, CannotAsk> {
        let key = (place, grown.clone(), is_certain);
        if let Some(known) = self.more.borrow().get(&key) {
            return Ok(*known);
        }
        let Some(identity) = self.world.identities.get(place) else { return Ok(false) };
        let mut with = grown.policies(identity, self.world);
        let mut own = Grown::default().policies(identity, self.world);
        if is_certain {
            let Some(sure) = identity.surely(with) else { return Ok(false) };
            with = sure;
            own.identity.extend(identity.most.iter().cloned());
        }
        let own = self.world.denied.of_own(identity, own, &with);
        let principal = Some(&identity.principal);
        // What no action of AWS's does to a resource of its types is nothing.
        let mut is_more = true;
        for universe in [Universe::All, Universe::Catalogue] {
            let ask = |with: &Policies| {
                within(&Question { inner: with, outer: &own, principal, universe })
            };
            let asking = Asking::itself(identity, &grown.lifted);
            is_more &= self.world.denied.under(asking, &with, ask)?.verdict != Verdict::Proved;
        }
        // Of what is not known nobody knows what is more.
        is_more |= !is_certain && !identity.most.is_empty();
        self.more.borrow_mut().insert(key, is_more);
        Ok(is_more)
    }

    pub(super) fn holder(
        &self,
        identity: usize,
        grown: &Grown,
    ) -> Result<Option<Rc<Holder>>, CannotAsk> {
        if *grown == Grown::default() {
            let Some(kept) = self.ungrown.get(identity) else { return Ok(None) };
            if let Some(known) = kept.get() {
                return Ok(Some(known.clone()));
            }
            let made = self.made(identity, grown)?;
            return Ok(made.map(|made| kept.get_or_init(|| made).clone()));
        }
        let key = (identity, grown.clone());
        if let Some(known) = self.holders.borrow().get(&key) {
            return Ok(Some(known.clone()));
        }
        let made = self.made(identity, grown)?;
        if let Some(made) = &made {
            self.holders.borrow_mut().insert(key, made.clone());
        }
        Ok(made)
    }

    fn made(&self, identity: usize, grown: &Grown) -> Result<Option<Rc<Holder>>, CannotAsk> {
        let asks = &self.table.asks;
        let (classes, answers) = (&self.classes, &self.answers);
        Ok(Holder::of(self.world, classes, answers, asks, identity, grown)?.map(Rc::new))
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

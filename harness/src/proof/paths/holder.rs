//! What an identity with its policies is allowed of each means; [`asker`] asks.

mod asker;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringfence_policy::symbolic::{Effect, StatementView, statements};
use ringfence_policy::{Context, Document, Kind, Policies, Principal};
use ringfence_prove::Witness;
use serde_json::json;

use asker::Asker;

use super::answers::Answers;
use super::bits::Bits;
use super::classes::Classes;
use super::grown::{Grown, everything};
use super::means::{Ask, Trust};
use super::question::{Answer, CannotAsk};
use super::world::{Thing, World};
use crate::access::federated;

/// What an identity may do, of all that is asked.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) identity: usize,
    pub(super) policies: Policies,
    /// By ask.
    pub(super) found: Vec<Found>,
    /// The asks of which it is allowed everything.
    pub(super) everything: Bits,
    /// Those of which it is allowed some things, or may be.
    pub(super) some: Vec<usize>,
    /// The policies of resources that alone keep it from something, by their places.
    pub(super) kept_back_by: BTreeSet<usize>,
    /// Of such policies, whether it may change them.
    pub(super) changes: RefCell<BTreeMap<usize, bool>>,
}

/// Of what an ask is allowed.
#[derive(Debug)]
pub(super) enum Found {
    /// Of nothing.
    Nothing,
    /// Of everything.
    Everything,
    /// Of these.
    Some(Allowed),
}

/// Of one ask: the things for which it is allowed, or hangs on something.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    pub(super) yes: Bits,
    pub(super) open: Bits,
    /// For which things each answer is.
    answers: Vec<(Bits, Answer)>,
}

impl Allowed {
    /// Adds an answer that is for no thing yet: its place.
    fn with(&mut self, answer: Answer) -> usize {
        self.answers.push((Bits::default(), answer));
        self.answers.len() - 1
    }

    fn put(&mut self, thing: usize, place: usize) {
        let Some((things, answer)) = self.answers.get_mut(place) else { return };
        match answer {
            Answer::No => return,
            Answer::Yes(_) => self.yes.insert(thing),
            Answer::Open(_) => self.open.insert(thing),
        }
        things.insert(thing);
    }

    pub(super) fn answer(&self, thing: usize) -> Option<&Answer> {
        let mut answers = self.answers.iter();
        answers.find(|(things, _)| things.contains(thing)).map(|(_, answer)| answer)
    }

    fn is_nothing(&self) -> bool {
        self.yes.is_empty() && self.open.is_empty()
    }
}

impl Holder {
    pub(super) fn of(
        world: &World,
        classes: &Classes,
        answers: &Answers,
        asks: &[Ask],
        place: usize,
        grown: &Grown,
    ) -> Result<Option<Self>, CannotAsk> {
        let Some(identity) = world.identities.get(place) else { return Ok(None) };
        let policies = grown.policies(identity, world);
        // Whatever is not known allows the most that it may.
        let mut widest = policies.clone();
        widest.identity.extend(identity.most.iter().cloned());
        let sure = identity.surely(policies.clone());
        let all = world.kept_back_by.is_none() && sure.as_ref().is_some_and(is_all);
        let sure = sure.filter(|_| !identity.open.is_empty());
        let trust = trust_in(&identity.principal)?;
        let mut unread = Vec::new();
        for one in &world.unread {
            unread.extend(one.most(Some(&identity.principal))?.map(|most| (one, most)));
        }
        let owned = answers.owned(&widest);
        let surely = sure.map(|sure| answers.owned(&sure));
        let federates = matches!(identity.principal, Principal::User { .. })
            && answers.slice(&owned, federated::TOKEN).may;
        let (whole, lifted) = (&widest, &grown.lifted);
        let kept_back_by = RefCell::default();
        let asker = Asker {
            world,
            classes,
            answers,
            identity,
            owned,
            surely,
            trust,
            unread,
            whole,
            federates,
            lifted,
            kept_back_by,
        };
        let found = asks.iter().map(|ask| {
            // Who may do everything changes a trust policy, whatever it says.
            let by_identity = || {
                ask.trust != Trust::Own
                    && (ask.on == "role" || !classes.have_policies(world, &ask.on))
            };
            let is_denied = || world.denied.may_of(ask, world.of_kind(&ask.on));
            // Who may do everything may not in another account.
            let is_elsewhere = || {
                let mut things = world.of_kind(&ask.on).iter();
                world.is_of_several && things.any(|thing| !world.is_beside(place, thing))
            };
            match () {
                () if all && by_identity() && !is_denied() && !is_elsewhere() => {
                    Ok(Found::Everything)
                }
                () if ask.or.is_empty() => asker.ask(ask),
                () => asker.one_of(ask),
            }
        });
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let mut everything = Bits::default();
        let mut some = Vec::new();
        for (ask, found) in found.iter().enumerate() {
            match found {
                Found::Nothing => {}
                Found::Everything => everything.insert(ask),
                Found::Some(_) => some.push(ask),
            }
        }
        let kept_back_by = asker.kept_back_by.into_inner();
        let changes = RefCell::default();
        Ok(Some(Self { identity: place, policies, found, everything, some, kept_back_by, changes }))
    }
}

/// Whether policies allow everything that no resource's policy has a say in.
pub(super) fn is_all(policies: &Policies) -> bool {
    let Some(everything) = everything() else { return false };
    let Some(all) = statements(&everything).next() else { return false };
    let own: Vec<StatementView<'_>> =
        policies.identity.iter().flat_map(|one| statements(one)).collect();
    let has = own.iter().any(|one| one.effect() == Effect::Allow && one.includes(all));
    has && policies.boundary.is_none() && own.iter().all(|one| one.effect() == Effect::Allow)
}

/// A thing's own policy, where that has a say in what is asked.
pub(super) fn own_policy<'t>(ask: &Ask, thing: &'t Thing) -> Option<&'t Arc<Document>> {
    thing.policy.as_ref().filter(|one| match ask.trust {
        Trust::Caller => false,
        Trust::Own => true,
        // The trust policy of a role speaks of who assumes it alone.
        Trust::None => one.kind() == Kind::Resource,
    })
}

/// Whether what is not known of a thing decides.
pub(super) fn is_open(ask: &Ask, thing: &Thing) -> bool {
    let counts = match ask.trust {
        Trust::Caller => false,
        Trust::Own => true,
        Trust::None => ask.on != "role",
    };
    counts && thing.open.is_some()
}

/// A trust policy that lets an identity in.
pub(super) fn trust_in(principal: &Principal) -> Result<Arc<Document>, CannotAsk> {
    let names = match principal {
        Principal::RoleSession { role_arn, session_arn } => json!([role_arn, session_arn]),
        Principal::User { arn } => json!(arn),
        _ => json!([]),
    };
    let text = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": names}, "Action": "sts:AssumeRole"}]});
    Ok(Arc::new(Document::parse("a trust policy of its making", &text.to_string(), Kind::Trust)?))
}

/// A request that somebody makes who may do everything.
pub(super) fn unlimited(principal: &Principal, ask: &Ask, thing: &Thing) -> Witness {
    let mut context = Context::new();
    if let Some((key, value)) = &ask.when {
        context.set(key, value.clone());
    }
    let resource = match thing.arn.is_empty() {
        true => "*".to_owned(),
        false => thing.arn.replace('*', "x"),
    };
    Witness {
        principal: principal.clone(),
        action: ask.action.clone(),
        resource,
        resource_account: None,
        context,
    }
}

//! Whom a source acts as: each identity with what it has gained.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::super::grown::Grown;
use super::super::holder::{Found, Holder};
use super::super::question::CannotAsk;
use super::{Closure, Entered, Step};

/// What an identity has gained is taken part by part up to so many at a time.
const PARTS: usize = 8;

/// Something that an identity has gained, with the steps that it takes.
#[derive(Debug, Clone)]
pub(in crate::proof::paths) struct Part {
    pub(in crate::proof::paths) grown: Grown,
    pub(in crate::proof::paths) steps: BTreeSet<usize>,
}

/// All that an identity has gained.
#[derive(Debug, Clone, Default)]
pub(in crate::proof::paths) struct Gained {
    pub(in crate::proof::paths) all: Grown,
    pub(in crate::proof::paths) parts: Vec<Rc<Part>>,
}

impl Gained {
    pub(super) fn add(&mut self, part: Part) {
        let before = self.all.clone();
        self.all.add(&part.grown);
        if self.all != before {
            self.parts.push(Rc::new(part));
        }
    }
}

/// An identity as it is held: with some of what it has gained.
pub(super) struct State {
    pub(super) holder: Rc<Holder>,
    pub(super) parts: Vec<Rc<Part>>,
}

/// Of one ask, who may make its requests.
#[derive(Debug, Clone)]
pub(super) struct Able {
    /// Steps and places of states, those of the fewest steps first.
    pub(super) states: Vec<(usize, usize)>,
    /// After how many steps somebody may make all of them: nobody later is needed.
    all_after: Option<usize>,
    /// Nobody makes one after fewer steps.
    pub(super) least: usize,
}

impl Default for Able {
    fn default() -> Self {
        Self { states: Vec::new(), all_after: None, least: usize::MAX }
    }
}

impl Able {
    fn add(&mut self, state: usize, (cost, least): (usize, usize), is_everything: bool) {
        if self.all_after.is_some_and(|all_after| all_after <= cost) {
            return;
        }
        self.least = self.least.min(least);
        if is_everything {
            self.all_after = Some(cost);
        }
        let place = self.states.partition_point(|(other, _)| *other <= cost);
        self.states.truncate(if is_everything { place } else { self.states.len() });
        self.states.insert(place, (cost, state));
    }
}

impl Closure<'_, '_> {
    pub(super) fn enter(&mut self, entered: &Entered) -> Result<(), CannotAsk> {
        let Some(call) = &entered.by else { return self.hold(entered.identity, BTreeSet::new()) };
        if call.open.is_some() && !self.optimistic {
            return Ok(());
        }
        let thing = self.shared.places.get(&entered.identity).copied();
        let number = self.steps.len();
        self.steps.push(Step {
            means: None,
            thing: thing.unwrap_or_default(),
            calls: Vec::new(),
            entered: Some(call.clone()),
            open: None,
            after: BTreeSet::new(),
            cost: 0,
        });
        self.hold(entered.identity, BTreeSet::from([number]))
    }

    pub(super) fn hold(
        &mut self,
        identity: usize,
        after: BTreeSet<usize>,
    ) -> Result<(), CannotAsk> {
        if self.held.contains_key(&identity) {
            return Ok(());
        }
        self.held.insert(identity, after);
        if let Some(place) = self.shared.places.get(&identity) {
            self.lacked.remove(*place);
        }
        self.take(identity, &[])?;
        self.take_grown(identity, 0)
    }

    /// Takes what an identity has gained from a part on: each part by itself, and all.
    pub(super) fn take_grown(&mut self, identity: usize, from: usize) -> Result<(), CannotAsk> {
        let parts =
            self.grown.get(&identity).map(|gained| gained.parts.clone()).unwrap_or_default();
        for part in parts.iter().skip(from).take(PARTS) {
            self.take(identity, std::slice::from_ref(part))?;
        }
        match parts.len() {
            0 | 1 => Ok(()),
            _ => self.take(identity, &parts),
        }
    }

    fn take(&mut self, identity: usize, parts: &[Rc<Part>]) -> Result<(), CannotAsk> {
        let Some(holder) = self.holder(identity, parts)? else { return Ok(()) };
        for at in holder.everything.without(&self.full).iter() {
            if let (Some(have), Some(full)) = (self.have.get_mut(at), self.shared.full.get(at)) {
                have.clone_from(full);
            }
        }
        self.full.add(&holder.everything);
        for at in holder.some.iter().filter(|at| !self.full.contains(**at)) {
            let (Some(have), Some(Found::Some(allowed))) =
                (self.have.get_mut(*at), holder.found.get(*at))
            else {
                continue;
            };
            have.add(&allowed.yes);
            if self.optimistic {
                have.add(&allowed.open);
            }
        }
        let session = self.held.get(&identity).map_or(0, |session| self.cost(session));
        let (cost, least) = match parts {
            [] => (session, session),
            [_] => {
                let cost = self.cost(&self.after(identity, parts));
                (cost, cost)
            }
            // Of several parts not all may be needed.
            _ => (self.cost(&self.after(identity, parts)), session),
        };
        // Whoever is held after fewer steps may take one sooner.
        if self.dearest > cost {
            self.next.retain(|_, step| step.cost <= cost);
            self.dearest = cost;
        }
        self.is_beyond_start |= cost > 0;
        let everything = holder.everything.iter().map(|ask| (ask, true));
        let some = holder.some.iter().map(|ask| (*ask, false));
        for (ask, is_everything) in everything.chain(some) {
            if let Some(able) = self.able.get_mut(ask) {
                able.add(self.states.len(), (cost, least), is_everything);
            }
        }
        self.states.push(State { holder, parts: parts.to_vec() });
        Ok(())
    }

    /// The steps to the session of an identity, and to some of what it has gained.
    pub(super) fn after(&self, identity: usize, parts: &[Rc<Part>]) -> BTreeSet<usize> {
        let session = self.held.get(&identity).into_iter().flatten();
        session.chain(parts.iter().flat_map(|part| &part.steps)).copied().collect()
    }

    /// An identity with some of what it has gained.
    pub(super) fn holder(
        &self,
        identity: usize,
        parts: &[Rc<Part>],
    ) -> Result<Option<Rc<Holder>>, CannotAsk> {
        let mut grown = Grown { lifted: self.lifted.clone(), ..Grown::default() };
        parts.iter().for_each(|part| grown.add(&part.grown));
        self.shared.holder(identity, &grown)
    }
}

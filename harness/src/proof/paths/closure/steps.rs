//! The steps that a source takes, each with its requests, and how many there are before it.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use ringfence_policy::{Document, Kind};
use ringfence_prove::Witness;

use super::super::holder::{Found, Holder, trust_in, unlimited};
use super::super::means::{Means, Trust, is_any};
use super::super::question::{Answer, CannotAsk};
use super::super::world::Thing;
use super::Closure;

/// One request of a step.
#[derive(Debug, Clone)]
pub(in crate::proof::paths) struct Call {
    /// Whose it is; none is the source's own before it acts as anybody.
    pub(in crate::proof::paths) holder: Option<Rc<Holder>>,
    /// The policy that decides beside the caller's.
    pub(in crate::proof::paths) resource: Option<Arc<Document>>,
    pub(in crate::proof::paths) witness: Option<Witness>,
    /// What it hangs on.
    pub(in crate::proof::paths) open: Option<Arc<str>>,
}

/// A request of somebody who is held, by its place in the asks and in their things.
#[derive(Debug, Clone)]
pub(in crate::proof::paths) struct Made {
    holder: Rc<Holder>,
    ask: usize,
    thing: usize,
    pub(in crate::proof::paths) open: Option<Arc<str>>,
}

/// A means that was taken.
#[derive(Debug, Clone)]
pub(in crate::proof::paths) struct Step {
    /// None is the exchange of a token.
    pub(in crate::proof::paths) means: Option<usize>,
    /// Whom or what it gains, by place in the means' things.
    pub(in crate::proof::paths) thing: usize,
    pub(super) calls: Vec<Made>,
    /// The exchange of a token.
    pub(super) entered: Option<Call>,
    /// What else it hangs on.
    pub(in crate::proof::paths) open: Option<Arc<str>>,
    /// The steps that it needs.
    pub(super) after: BTreeSet<usize>,
    /// How many these are, with all that they need.
    pub(super) cost: usize,
}

impl Closure<'_, '_> {
    /// A means that is taken, with the requests of whoever was first able to.
    pub(super) fn step(
        &self,
        place: usize,
        means: &Means,
        thing: usize,
    ) -> Result<Step, CannotAsk> {
        let target = self.shared.about.get(place).and_then(|all| all.get(thing));
        let mut step = Step {
            means: Some(place),
            thing,
            calls: Vec::new(),
            entered: None,
            open: None,
            after: BTreeSet::new(),
            cost: 0,
        };
        let may_be_beside = |one: &Thing| target.is_none_or(|target| one.is_beside(target));
        for need in &means.needs {
            let (Some(ask), Some(on)) =
                (self.shared.table.asks.get(*need), self.shared.asked.get(*need))
            else {
                continue;
            };
            let first = if ask.on == means.on {
                self.first(*need, std::iter::once(thing))?
            } else if is_any(&ask.on) {
                let all = on.iter().enumerate();
                let beside = all.filter(|(_, one)| may_be_beside(one)).map(|(at, _)| at);
                self.first(*need, beside)?
            } else {
                let of = target.and_then(|one| one.of);
                let own = self.shared.of(&ask.on, of).iter().copied();
                let anybodys = self.shared.anybodys(&ask.on).iter().copied();
                let others = self.shared.others(&ask.on);
                let others = others.filter(|(_, one)| may_be_beside(one)).map(|(at, _)| at);
                self.first(*need, own.chain(anybodys).chain(others))?
            };
            let Some((at, call, after)) = first else { continue };
            step.after.extend(after);
            step.calls.push(call);
            let anybodys = on.get(at).filter(|one| one.is_anybodys);
            let why = anybodys.and_then(|one| one.maybe.as_deref());
            step.open = step.open.take().or(why.map(Arc::from));
        }
        if let Some(runs) = self.runs(place)
            && !runs.yes.contains(thing)
        {
            step.open = runs.why.get(&thing).cloned();
        }
        if let (None, Some(why), Some(target)) = (&step.open, means.unsure, target) {
            step.open = Some(format!("{}: {why}", target.name).into());
        }
        step.cost = self.cost(&step.after);
        Ok(step)
    }

    /// A request for the first of some things that is allowed for one.
    fn first(
        &self,
        ask: usize,
        things: impl Iterator<Item = usize>,
    ) -> Result<Option<(usize, Made, BTreeSet<usize>)>, CannotAsk> {
        let Some(have) = self.have.get(ask) else { return Ok(None) };
        for thing in things.filter(|thing| have.contains(*thing)) {
            if let Some((call, after)) = self.call(ask, thing)? {
                return Ok(Some((thing, call, after)));
            }
        }
        Ok(None)
    }

    /// A request for something, of whoever may make it after the fewest steps.
    pub(in crate::proof::paths) fn call(
        &self,
        ask: usize,
        thing: usize,
    ) -> Result<Option<(Made, BTreeSet<usize>)>, CannotAsk> {
        let Some(able) = self.able.get(ask) else { return Ok(None) };
        let mut states = able.states.iter().filter_map(|(_, state)| self.states.get(*state));
        let first = states.find_map(|state| Some((state, self.made(&state.holder, ask, thing)?)));
        let Some((state, mut call)) = first else { return Ok(None) };
        // Not all that it has gained need be for this.
        let mut needed = state.parts.clone();
        for place in (0..state.parts.len()).rev().filter(|_| state.parts.len() > 1) {
            let mut fewer = needed.clone();
            fewer.remove(place);
            let holder = self.holder(state.holder.identity, &fewer)?;
            if let Some(found) = holder.and_then(|holder| self.made(&holder, ask, thing)) {
                (needed, call) = (fewer, found);
            }
        }
        let after = self.after(state.holder.identity, &needed);
        Ok(Some((call, after)))
    }

    fn made(&self, holder: &Rc<Holder>, ask: usize, thing: usize) -> Option<Made> {
        let made = |open| Some(Made { holder: holder.clone(), ask, thing, open });
        match holder.found.get(ask)? {
            Found::Nothing => None,
            Found::Everything => made(None),
            Found::Some(allowed) if allowed.yes.contains(thing) => made(None),
            Found::Some(allowed) if self.optimistic && allowed.open.contains(thing) => {
                match allowed.answer(thing)? {
                    Answer::Open(why) => made(Some(why.clone())),
                    Answer::No | Answer::Yes(_) => None,
                }
            }
            Found::Some(_) => None,
        }
    }

    /// The requests of a step.
    pub(in crate::proof::paths) fn calls(&self, step: &Step) -> Vec<Call> {
        let made = step.calls.iter().filter_map(|made| self.told(made));
        step.entered.iter().cloned().chain(made).collect()
    }

    /// A request, with what it is made of.
    pub(in crate::proof::paths) fn told(&self, made: &Made) -> Option<Call> {
        let asked = self.shared.table.asks.get(made.ask)?;
        let on = self.shared.asked.get(made.ask)?.get(made.thing)?;
        let identity = self.shared.world.identities.get(made.holder.identity)?;
        let resource = match asked.trust {
            Trust::Caller => trust_in(&identity.principal).ok(),
            Trust::Own => on.policy.clone(),
            Trust::None => on.policy.clone().filter(|one| one.kind() == Kind::Resource),
        };
        let witness = match made.holder.found.get(made.ask)? {
            Found::Nothing => None,
            Found::Everything => Some(unlimited(&identity.principal, asked, on)),
            Found::Some(allowed) => match allowed.answer(made.thing)? {
                Answer::Yes(witness) => {
                    let resource = match on.is_many() {
                        true => witness.resource.clone(),
                        false => on.arn.clone(),
                    };
                    Some(Witness { resource, ..(**witness).clone() })
                }
                Answer::No | Answer::Open(_) => None,
            },
        };
        Some(Call { holder: Some(made.holder.clone()), resource, witness, open: made.open.clone() })
    }

    /// How many steps some are, with all that they need.
    pub(in crate::proof::paths) fn cost(&self, steps: &BTreeSet<usize>) -> usize {
        let mut all = steps.iter();
        match (all.next().and_then(|step| self.steps.get(*step)), all.next()) {
            (None, _) => 0,
            (Some(step), None) => step.cost + 1,
            (Some(_), Some(_)) => self.with_all_before(steps).len(),
        }
    }

    /// Some steps with all that they need, in order.
    pub(in crate::proof::paths) fn with_all_before(&self, steps: &BTreeSet<usize>) -> Vec<usize> {
        let mut all = steps.clone();
        let mut open: Vec<usize> = steps.iter().copied().collect();
        while let Some(step) = open.pop() {
            let before = self.steps.get(step).map(|step| &step.after);
            open.extend(before.into_iter().flatten().filter(|one| all.insert(**one)));
        }
        all.into_iter().collect()
    }
}

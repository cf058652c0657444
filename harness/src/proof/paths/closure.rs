//! All that a source comes to: each identity that it acts as gains what its means
//! give, until nothing is new. [`gains`] has what a means gives, [`lifted`] which Denies of
//! resources' policies need not stay.

mod gains;
mod lifted;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use ringfence_policy::{Document, Kind};
use ringfence_prove::Witness;

use super::bits::Bits;
use super::grown::Grown;
use super::holder::{Found, Holder, trust_in, unlimited};
use super::means::{Gives, Means, Trust, is_any};
use super::question::{Answer, CannotAsk};
use super::shared::{Runs, Shared};
use super::world::Thing;

/// What an identity has gained is taken part by part up to so many at a time.
const PARTS: usize = 8;

/// One request of a step.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// Whose it is; none is the source's own before it acts as anybody.
    pub(super) holder: Option<Rc<Holder>>,
    /// The policy that decides beside the caller's.
    pub(super) resource: Option<Arc<Document>>,
    pub(super) witness: Option<Witness>,
    /// What it hangs on.
    pub(super) open: Option<Arc<str>>,
}

/// A request of somebody who is held, by its place in the asks and in their things.
#[derive(Debug, Clone)]
pub(super) struct Made {
    holder: Rc<Holder>,
    ask: usize,
    thing: usize,
    pub(super) open: Option<Arc<str>>,
}

/// A means that was taken.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// None is the exchange of a token.
    pub(super) means: Option<usize>,
    /// Whom or what it gains, by place in the means' things.
    pub(super) thing: usize,
    calls: Vec<Made>,
    /// The exchange of a token.
    entered: Option<Call>,
    /// What else it hangs on.
    pub(super) open: Option<Arc<str>>,
    /// The steps that it needs.
    after: BTreeSet<usize>,
    /// How many these are, with all that they need.
    cost: usize,
}

/// Whom a source acts as from the beginning, and by which request.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) identity: usize,
    pub(super) by: Option<Call>,
}

/// Something that an identity has gained, with the steps that it takes.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) grown: Grown,
    pub(super) steps: BTreeSet<usize>,
}

/// All that an identity has gained.
#[derive(Debug, Clone, Default)]
pub(super) struct Gained {
    pub(super) all: Grown,
    pub(super) parts: Vec<Rc<Part>>,
}

impl Gained {
    fn add(&mut self, part: Part) {
        let before = self.all.clone();
        self.all.add(&part.grown);
        if self.all != before {
            self.parts.push(Rc::new(part));
        }
    }
}

/// An identity as it is held: with some of what it has gained.
struct State {
    holder: Rc<Holder>,
    /// The steps to its session.
    session: BTreeSet<usize>,
    parts: Vec<Rc<Part>>,
    /// How many steps it takes.
    cost: usize,
}

impl State {
    fn after(&self) -> BTreeSet<usize> {
        let parts = self.parts.iter().flat_map(|part| &part.steps);
        self.session.iter().chain(parts).copied().collect()
    }
}

/// What a source comes to.
pub(super) struct Closure<'s, 'w> {
    shared: &'s Shared<'w>,
    /// Whether what is not known counts as allowed.
    optimistic: bool,
    /// The policies of resources that it may change, where what is not known counts as allowed.
    lifted: BTreeSet<usize>,
    pub(super) steps: Vec<Step>,
    /// Those of the fewest steps first.
    states: Vec<State>,
    /// By identity: the steps to its session.
    held: BTreeMap<usize, BTreeSet<usize>>,
    /// The roles that it does not act as, by place.
    lacked: Bits,
    /// By identity; who has gained nothing is not in it.
    grown: HashMap<usize, Gained>,
    have: Vec<Bits>,
    /// The asks of which all things are had.
    full: Bits,
    /// By means and thing: steps that may be taken, and are not yet.
    next: HashMap<(usize, usize), Step>,
    /// No one of these takes more steps before it.
    dearest: usize,
}

impl<'s, 'w> Closure<'s, 'w> {
    /// Follows who acts as some identities from the beginning.
    fn under(
        shared: &'s Shared<'w>,
        sources: &[Entered],
        optimistic: bool,
        lifted: BTreeSet<usize>,
    ) -> Result<Self, CannotAsk> {
        let mut closure = Self {
            shared,
            optimistic,
            lifted,
            steps: Vec::new(),
            states: Vec::new(),
            held: BTreeMap::new(),
            lacked: shared.places.values().copied().collect(),
            grown: HashMap::new(),
            have: vec![Bits::default(); shared.table.asks.len()],
            full: Bits::default(),
            next: HashMap::new(),
            dearest: 0,
        };
        for source in sources {
            closure.enter(source)?;
        }
        while closure.round()? {}
        Ok(closure)
    }

    fn enter(&mut self, entered: &Entered) -> Result<(), CannotAsk> {
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

    fn hold(&mut self, identity: usize, after: BTreeSet<usize>) -> Result<(), CannotAsk> {
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
    fn take_grown(&mut self, identity: usize, from: usize) -> Result<(), CannotAsk> {
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
        let session = self.held.get(&identity).cloned().unwrap_or_default();
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
        let mut state = State { holder, session, parts: parts.to_vec(), cost: 0 };
        state.cost = self.cost(&state.after());
        // Whoever is held after fewer steps may take one sooner.
        if self.dearest > state.cost {
            self.next.retain(|_, step| step.cost <= state.cost);
            self.dearest = state.cost;
        }
        let place = self.states.partition_point(|one| one.cost <= state.cost);
        self.states.insert(place, state);
        Ok(())
    }

    /// An identity with some of what it has gained.
    fn holder(&self, identity: usize, parts: &[Rc<Part>]) -> Result<Option<Rc<Holder>>, CannotAsk> {
        let mut grown = Grown { lifted: self.lifted.clone(), ..Grown::default() };
        parts.iter().for_each(|part| grown.add(&part.grown));
        self.shared.holder(identity, &grown)
    }

    /// Takes the means of the fewest steps that give something; whether there is one.
    fn round(&mut self) -> Result<bool, CannotAsk> {
        let table = self.shared.table;
        let mut found: Vec<(usize, usize)> = Vec::new();
        for (place, means) in table.means.iter().enumerate() {
            let things = self.reached(place, means);
            let of = things.iter().filter(|thing| self.gives(means, *thing));
            found.extend(of.map(|thing| (place, thing)));
        }
        if found.is_empty() {
            return Ok(false);
        }
        // Where nobody is held after any step, all take as many.
        if self.states.last().is_some_and(|state| state.cost > 0) {
            let mut costs = Vec::with_capacity(found.len());
            for (place, thing) in &found {
                let cost = match self.next.get(&(*place, *thing)) {
                    Some(step) => step.cost,
                    None => {
                        let means = table.means.get(*place);
                        let step =
                            means.map(|means| self.step(*place, means, *thing)).transpose()?;
                        let cost = step.as_ref().map_or(0, |step| step.cost);
                        self.dearest = self.dearest.max(cost);
                        self.next.extend(step.map(|step| ((*place, *thing), step)));
                        cost
                    }
                };
                costs.push(cost);
            }
            let fewest = costs.iter().min().copied().unwrap_or_default();
            let mut costs = costs.into_iter();
            found.retain(|_| costs.next() == Some(fewest));
        }
        let mut changed: BTreeMap<usize, usize> = BTreeMap::new();
        let mut sessions: BTreeMap<usize, usize> = BTreeMap::new();
        for (place, thing) in found {
            let Some(means) = table.means.get(place) else { continue };
            // Another of this round may have given the same.
            let about = self.shared.about.get(place).and_then(|all| all.get(thing));
            let of = about.and_then(|one| one.of);
            let is_given =
                means.gives == Gives::Session && of.is_some_and(|it| sessions.contains_key(&it));
            if is_given || !self.gives(means, thing) {
                continue;
            }
            let step = match self.next.remove(&(place, thing)) {
                Some(step) => step,
                None => self.step(place, means, thing)?,
            };
            let number = self.steps.len();
            self.steps.push(step);
            match means.gives {
                Gives::Session => sessions.extend(of.map(|identity| (identity, number))),
                _ => {
                    for (identity, before) in self.grow(means, thing, number) {
                        changed.entry(identity).or_insert(before);
                    }
                }
            }
        }
        for (identity, from) in changed {
            if self.held(identity).is_some() {
                self.take_grown(identity, from)?;
            }
        }
        for (identity, step) in sessions {
            self.hold(identity, BTreeSet::from([step]))?;
        }
        Ok(true)
    }

    /// The things of a means of which all that it needs is had, and that give something.
    fn reached(&self, place: usize, means: &Means) -> Bits {
        let has_none = |need: &usize| self.have.get(*need).is_none_or(Bits::is_empty);
        if (means.unsure.is_some() && !self.optimistic) || means.needs.iter().any(has_none) {
            return Bits::default();
        }
        let mut all = match means.gives == Gives::Session && means.on == "role" {
            true => self.lacked.clone(),
            false => Bits::full(self.shared.about.get(place).map_or(0, |all| all.len())),
        };
        for need in &means.needs {
            let (Some(have), Some(ask)) = (self.have.get(*need), self.shared.table.asks.get(*need))
            else {
                return Bits::default();
            };
            if ask.on == means.on {
                all.keep(have);
            } else if is_any(&ask.on) {
                if let Some(roles) = self.shared.beside(*need, have).filter(|_| means.on == "role")
                {
                    all.keep(&roles);
                }
            } else {
                let places = self.shared.roles.get(ask.on.as_str());
                let of = |one: usize| *places?.get(one)?;
                let mut roles: Bits = have.iter().filter_map(of).collect();
                if let Some(runs) = self.runs(place).filter(|_| self.optimistic) {
                    // What runs as it may be something that is not in the files, or of which
                    // they do not say as which role it runs.
                    let mut anybodys = self.shared.anybodys(&ask.on).iter();
                    let may_be_any = anybodys.any(|one| have.contains(*one));
                    if may_be_any {
                        roles.add(&runs.open);
                        roles.add(&runs.yes);
                    }
                    for (at, other) in self.shared.others(&ask.on) {
                        if have.contains(at) {
                            roles.add(&self.shared.of_account(other, &runs.open));
                        }
                    }
                }
                all.keep(&roles);
            }
        }
        if let Some(runs) = self.runs(place) {
            let mut can = runs.yes.clone();
            if self.optimistic {
                can.add(&runs.open);
            }
            all.keep(&can);
        }
        all
    }

    fn runs(&self, place: usize) -> Option<&Runs> {
        self.shared.runs.get(place)?.as_deref()
    }

    /// A means that is taken, with the requests of whoever was first able to.
    fn step(&self, place: usize, means: &Means, thing: usize) -> Result<Step, CannotAsk> {
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
            let places: Vec<usize> = if ask.on == means.on {
                vec![thing]
            } else if is_any(&ask.on) {
                let all = on.iter().enumerate();
                all.filter(|(_, one)| may_be_beside(one)).map(|(at, _)| at).collect()
            } else {
                let of = target.and_then(|one| one.of);
                let own = self.shared.of(&ask.on, of).iter().copied();
                let anybodys = self.shared.anybodys(&ask.on).iter().copied();
                let others = self.shared.others(&ask.on);
                let others = others.filter(|(_, one)| may_be_beside(one)).map(|(at, _)| at);
                own.chain(anybodys).chain(others).collect()
            };
            for at in places {
                if let Some((call, after)) = self.call(*need, at)? {
                    step.after.extend(after);
                    step.calls.push(call);
                    let is_anybodys = |one: &&Thing| one.is_anybodys;
                    let why = on.get(at).filter(is_anybodys).and_then(|one| one.maybe.as_deref());
                    step.open = step.open.take().or(why.map(Arc::from));
                    break;
                }
            }
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

    /// A request for something, of whoever may make it after the fewest steps.
    pub(super) fn call(
        &self,
        ask: usize,
        thing: usize,
    ) -> Result<Option<(Made, BTreeSet<usize>)>, CannotAsk> {
        let first = self
            .states
            .iter()
            .find_map(|state| self.made(&state.holder, ask, thing).map(|call| (state, call)));
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
        let parts = needed.iter().flat_map(|part| &part.steps);
        let after = state.session.iter().chain(parts).copied().collect();
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
    pub(super) fn calls(&self, step: &Step) -> Vec<Call> {
        let made = step.calls.iter().filter_map(|made| self.told(made));
        step.entered.iter().cloned().chain(made).collect()
    }

    /// A request, with what it is made of.
    pub(super) fn told(&self, made: &Made) -> Option<Call> {
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

    /// Whether what is not known counts as allowed.
    pub(super) const fn is_optimistic(&self) -> bool {
        self.optimistic
    }

    /// Whom it acts as.
    pub(super) fn held(&self, identity: usize) -> Option<&BTreeSet<usize>> {
        self.held.get(&identity)
    }

    /// All that it acts as, with the steps to each session.
    pub(super) fn all_held(&self) -> impl Iterator<Item = (usize, &BTreeSet<usize>)> {
        self.held.iter().map(|(identity, steps)| (*identity, steps))
    }

    /// The steps to more than an identity may do by itself, the fewest: one part of what it has
    /// gained, or else no part more than that takes.
    pub(super) fn grown(&self, identity: usize) -> Result<Option<BTreeSet<usize>>, CannotAsk> {
        let Some(gained) = self.grown.get(&identity) else { return Ok(None) };
        let is_more = |grown: &Grown| self.shared.is_more(identity, grown, !self.optimistic);
        if gained.parts.is_empty() || !is_more(&gained.all)? {
            return Ok(None);
        }
        let mut parts: Vec<&Part> = gained.parts.iter().map(Rc::as_ref).collect();
        parts.sort_by_key(|part| self.cost(&part.steps));
        for part in &parts {
            if is_more(&part.grown)? {
                return Ok(Some(part.steps.clone()));
            }
        }
        // The dearest are tried to be left out first.
        let mut needed = parts.clone();
        for part in parts.iter().rev() {
            let rest = needed.iter().copied().filter(|one| !std::ptr::eq(*one, *part));
            let rest: Vec<&Part> = rest.collect();
            let mut grown = Grown::default();
            rest.iter().for_each(|one| grown.add(&one.grown));
            if is_more(&grown)? {
                needed = rest;
            }
        }
        Ok(Some(needed.iter().flat_map(|part| part.steps.iter().copied()).collect()))
    }

    pub(super) fn have(&self, ask: usize) -> Option<&Bits> {
        self.have.get(ask)
    }

    /// How many steps some are, with all that they need.
    pub(super) fn cost(&self, steps: &BTreeSet<usize>) -> usize {
        let mut all = steps.iter();
        match (all.next().and_then(|step| self.steps.get(*step)), all.next()) {
            (None, _) => 0,
            (Some(step), None) => step.cost + 1,
            (Some(_), Some(_)) => self.with_all_before(steps).len(),
        }
    }

    /// Some steps with all that they need, in order.
    pub(super) fn with_all_before(&self, steps: &BTreeSet<usize>) -> Vec<usize> {
        let mut all = steps.clone();
        let mut open: Vec<usize> = steps.iter().copied().collect();
        while let Some(step) = open.pop() {
            let before = self.steps.get(step).map(|step| &step.after);
            open.extend(before.into_iter().flatten().filter(|one| all.insert(**one)));
        }
        all.into_iter().collect()
    }
}

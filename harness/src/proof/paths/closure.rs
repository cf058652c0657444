//! All that a source comes to: each identity that it acts as gains what its means
//! give, until nothing is new. [`gains`] has what a means gives.

mod gains;

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use ringfence_policy::{Document, Kind};
use ringfence_prove::Witness;

use super::bits::Bits;
use super::grown::Grown;
use super::holder::{Found, Holder, trust_in, unlimited};
use super::means::{ANYTHING, Gives, Means, Trust};
use super::question::{Answer, CannotAsk};
use super::shared::{Runs, Shared};
use super::world::OTHER;

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

/// A means that was taken.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// None is the exchange of a token.
    pub(super) means: Option<usize>,
    /// Whom or what it gains, by place in the means' things.
    pub(super) thing: usize,
    pub(super) calls: Vec<Call>,
    /// What else it hangs on.
    pub(super) open: Option<Arc<str>>,
    /// The steps that it needs.
    after: BTreeSet<usize>,
}

/// Whom a source acts as from the beginning, and by which request.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) identity: usize,
    pub(super) by: Option<Call>,
}

/// An identity as it is held, with the steps that led there.
struct State {
    holder: Rc<Holder>,
    after: BTreeSet<usize>,
}

/// What a source comes to.
pub(super) struct Closure<'s, 'w> {
    shared: &'s Shared<'w>,
    /// Whether what is not known counts as allowed.
    optimistic: bool,
    pub(super) steps: Vec<Step>,
    states: Vec<State>,
    /// By identity: the steps to its session.
    held: Vec<Option<BTreeSet<usize>>>,
    grown: Vec<(Grown, BTreeSet<usize>)>,
    have: Vec<Bits>,
}

impl<'s, 'w> Closure<'s, 'w> {
    /// Follows who acts as some identities from the beginning.
    pub(super) fn of(
        shared: &'s Shared<'w>,
        sources: &[Entered],
        optimistic: bool,
    ) -> Result<Self, CannotAsk> {
        let count = shared.world.identities.len();
        let mut closure = Self {
            shared,
            optimistic,
            steps: Vec::new(),
            states: Vec::new(),
            held: vec![None; count],
            grown: vec![Default::default(); count],
            have: vec![Bits::default(); shared.table.asks.len()],
        };
        for source in sources {
            closure.enter(source)?;
        }
        loop {
            let before = closure.steps.len();
            closure.round()?;
            if closure.steps.len() == before {
                return Ok(closure);
            }
        }
    }

    fn enter(&mut self, entered: &Entered) -> Result<(), CannotAsk> {
        let Some(call) = &entered.by else { return self.hold(entered.identity, BTreeSet::new()) };
        if call.open.is_some() && !self.optimistic {
            return Ok(());
        }
        let roles = self.shared.world.of_kind("role");
        let thing = roles.iter().position(|one| one.of == Some(entered.identity));
        let number = self.steps.len();
        self.steps.push(Step {
            means: None,
            thing: thing.unwrap_or_default(),
            calls: vec![call.clone()],
            open: None,
            after: BTreeSet::new(),
        });
        self.hold(entered.identity, BTreeSet::from([number]))
    }

    fn hold(&mut self, identity: usize, after: BTreeSet<usize>) -> Result<(), CannotAsk> {
        let Some(held) = self.held.get_mut(identity) else { return Ok(()) };
        if held.is_some() {
            return Ok(());
        }
        *held = Some(after.clone());
        self.take(identity, &Grown::default(), after)?;
        let grown = self.grown.get(identity).filter(|(grown, _)| grown.is_more()).cloned();
        if let Some((grown, steps)) = grown {
            let held = self.held.get(identity).cloned().flatten().unwrap_or_default();
            self.take(identity, &grown, held.union(&steps).copied().collect())?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        identity: usize,
        grown: &Grown,
        after: BTreeSet<usize>,
    ) -> Result<(), CannotAsk> {
        let Some(holder) = self.shared.holder(identity, grown)? else { return Ok(()) };
        for ((have, found), ask) in
            self.have.iter_mut().zip(&holder.found).zip(&self.shared.table.asks)
        {
            match found {
                Found::Nothing => {}
                Found::Everything => {
                    have.add(&Bits::full(self.shared.world.of_kind(&ask.on).len()))
                }
                Found::Some(allowed) => {
                    have.add(&allowed.yes);
                    if self.optimistic {
                        have.add(&allowed.open);
                    }
                }
            }
        }
        self.states.push(State { holder, after });
        Ok(())
    }

    fn round(&mut self) -> Result<(), CannotAsk> {
        let table = self.shared.table;
        let mut taken = Vec::new();
        for (place, means) in table.means.iter().enumerate() {
            for thing in self.reached(place, means).iter() {
                if self.gives(means, thing) {
                    taken.push((place, thing));
                }
            }
        }
        let mut changed: BTreeSet<usize> = BTreeSet::new();
        let mut sessions = Vec::new();
        for (place, thing) in taken {
            let Some(means) = table.means.get(place) else { continue };
            // Another of this round may have given the same.
            let of = self.shared.world.of_kind(&means.on).get(thing).and_then(|one| one.of);
            let is_given = means.gives == Gives::Session
                && sessions.iter().any(|(known, _)| Some(*known) == of);
            if is_given || !self.gives(means, thing) {
                continue;
            }
            let step = self.step(place, means, thing);
            let number = self.steps.len();
            self.steps.push(step);
            match means.gives {
                Gives::Session => {
                    sessions.extend(of.map(|identity| (identity, number)));
                }
                _ => changed.extend(self.grow(means, thing, number)),
            }
        }
        for identity in changed {
            let (Some(Some(held)), Some((grown, steps))) =
                (self.held.get(identity).cloned(), self.grown.get(identity).cloned())
            else {
                continue;
            };
            self.take(identity, &grown, held.union(&steps).copied().collect())?;
        }
        for (identity, step) in sessions {
            self.hold(identity, BTreeSet::from([step]))?;
        }
        Ok(())
    }

    /// The things of a means of which all that it needs is had.
    fn reached(&self, place: usize, means: &Means) -> Bits {
        let world = self.shared.world;
        let things = world.of_kind(&means.on);
        let mut all = Bits::full(things.len());
        for need in &means.needs {
            let (Some(have), Some(ask)) = (self.have.get(*need), self.shared.table.asks.get(*need))
            else {
                return Bits::default();
            };
            if have.is_empty() {
                return Bits::default();
            }
            if ask.on == means.on {
                all.keep(have);
            } else if ask.on != ANYTHING {
                let on = world.of_kind(&ask.on);
                let of: BTreeSet<usize> = have.iter().filter_map(|one| on.get(one)?.of).collect();
                let is_of = |at: &usize| {
                    // What runs as it may be something that is not in the files.
                    let open = self.optimistic
                        && have.contains(OTHER)
                        && self.runs(place).is_some_and(|runs| runs.open.contains(*at));
                    open || things
                        .get(*at)
                        .and_then(|one| one.of)
                        .is_some_and(|it| of.contains(&it))
                };
                all = all.iter().filter(is_of).collect();
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
        self.shared.runs.get(place)?.as_ref()
    }

    /// A means that is taken, with the requests of whoever was first able to.
    fn step(&self, place: usize, means: &Means, thing: usize) -> Step {
        let world = self.shared.world;
        let target = world.of_kind(&means.on).get(thing);
        let mut step = Step {
            means: Some(place),
            thing,
            calls: Vec::new(),
            open: None,
            after: BTreeSet::new(),
        };
        for need in &means.needs {
            let Some(ask) = self.shared.table.asks.get(*need) else { continue };
            let on = world.of_kind(&ask.on);
            let places: Vec<usize> = if ask.on == means.on {
                vec![thing]
            } else if ask.on == ANYTHING {
                vec![0]
            } else {
                let of = target.and_then(|one| one.of);
                let own = (0..on.len()).filter(|at| on.get(*at).is_some_and(|one| one.of == of));
                own.chain([OTHER]).collect()
            };
            let found = places.iter().find_map(|at| self.call(*need, *at));
            if let Some((call, after)) = found {
                step.after.extend(after);
                step.calls.push(call);
            }
        }
        if let Some(runs) = self.runs(place)
            && !runs.yes.contains(thing)
        {
            step.open = runs.why.get(&thing).cloned();
        }
        step
    }

    /// A request for something, of the first who may make it.
    pub(super) fn call(&self, ask: usize, thing: usize) -> Option<(Call, BTreeSet<usize>)> {
        let asked = self.shared.table.asks.get(ask)?;
        let on = self.shared.world.of_kind(&asked.on).get(thing)?;
        self.states.iter().find_map(|state| {
            let identity = self.shared.world.identities.get(state.holder.identity)?;
            let resource = match asked.trust {
                Trust::Caller => trust_in(&identity.principal).ok(),
                Trust::Own => on.policy.clone(),
                Trust::None => on.policy.clone().filter(|one| one.kind() == Kind::Resource),
            };
            let holder = Some(state.holder.clone());
            let call =
                |witness, open| (Call { holder, resource, witness, open }, state.after.clone());
            match state.holder.found.get(ask)? {
                Found::Nothing => None,
                Found::Everything => {
                    Some(call(Some(unlimited(&identity.principal, asked, on)), None))
                }
                Found::Some(allowed) => match allowed.answer(thing)? {
                    Answer::No => None,
                    Answer::Yes(witness) => {
                        let mut witness = (**witness).clone();
                        if !on.arn.is_empty() && !asked.on.starts_with("new-") {
                            witness.resource = on.arn.clone();
                        }
                        Some(call(Some(witness), None))
                    }
                    Answer::Open(why) if self.optimistic => Some(call(None, Some(why.clone()))),
                    Answer::Open(_) => None,
                },
            }
        })
    }

    /// Whom it acts as.
    pub(super) fn held(&self, identity: usize) -> Option<&BTreeSet<usize>> {
        self.held.get(identity)?.as_ref()
    }

    pub(super) fn grown(&self, identity: usize) -> Option<&(Grown, BTreeSet<usize>)> {
        self.grown.get(identity).filter(|(grown, _)| grown.is_more())
    }

    pub(super) fn have(&self, ask: usize) -> Option<&Bits> {
        self.have.get(ask)
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

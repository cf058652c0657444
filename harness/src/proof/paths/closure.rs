//! All that a source comes to: each identity that it acts as gains what its means
//! give, until nothing is new. [`held`] has whom it acts as, [`steps`] the steps that it takes,
//! [`gains`] what a means gives, [`lifted`] which Denies of resources' policies need not stay.

mod gains;
mod held;
mod lifted;
mod steps;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

pub(super) use held::Part;
use held::{Able, Gained, State};
pub(super) use steps::{Call, Made, Step};

use super::bits::Bits;
use super::grown::Grown;
use super::means::{Gives, Means, is_any};
use super::question::CannotAsk;
use super::shared::{Runs, Shared};

/// Whom a source acts as from the beginning, and by which request.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) identity: usize,
    pub(super) by: Option<Call>,
}

/// What a source comes to.
pub(super) struct Closure<'s, 'w> {
    shared: &'s Shared<'w>,
    /// Whether what is not known counts as allowed.
    optimistic: bool,
    /// The policies of resources that it may change, where what is not known counts as allowed.
    lifted: BTreeSet<usize>,
    pub(super) steps: Vec<Step>,
    states: Vec<State>,
    /// By ask, who may make its requests.
    able: Vec<Able>,
    /// Whether somebody is held after a step.
    is_beyond_start: bool,
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
            able: vec![Able::default(); shared.table.asks.len()],
            is_beyond_start: false,
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
        if self.is_beyond_start {
            found = self.of_fewest(found)?;
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

    /// Those that take the fewest steps. Of several that give the same session, those that come
    /// later and cannot take fewer steps need not be looked at.
    fn of_fewest(&mut self, found: Vec<(usize, usize)>) -> Result<Vec<(usize, usize)>, CannotAsk> {
        let mut fewest = usize::MAX;
        let mut sessions: HashMap<usize, usize> = HashMap::new();
        let mut all = Vec::with_capacity(found.len());
        for (place, thing) in found {
            let Some(means) = self.shared.table.means.get(place) else { continue };
            let least = self.least(means);
            let of = (means.gives == Gives::Session)
                .then(|| self.shared.about.get(place)?.get(thing)?.of)
                .flatten();
            let known = of.and_then(|it| sessions.get(&it));
            if least > fewest || known.is_some_and(|known| *known <= least) {
                continue;
            }
            let cost = match self.next.get(&(place, thing)) {
                Some(step) => step.cost,
                None => {
                    let step = self.step(place, means, thing)?;
                    let cost = step.cost;
                    self.dearest = self.dearest.max(cost);
                    self.next.insert((place, thing), step);
                    cost
                }
            };
            if let Some(of) = of {
                let known = sessions.entry(of).or_insert(cost);
                *known = cost.min(*known);
            }
            fewest = fewest.min(cost);
            all.push((cost, (place, thing)));
        }
        Ok(all.into_iter().filter(|(cost, _)| *cost == fewest).map(|(_, one)| one).collect())
    }

    /// No step of a means takes fewer before it.
    fn least(&self, means: &Means) -> usize {
        let able = means.needs.iter().filter_map(|need| self.able.get(*need));
        able.map(|able| able.least).max().unwrap_or_default()
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
}

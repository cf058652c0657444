//! The paths of an estate: of each source, to each gain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringfence_policy::{Policies, decide};
use ringfence_prove::jsonl::Shown;

use super::closure::{Call, Closure, Made, Step};
use super::handed;
use super::holder::is_all;
use super::means::{Change, Table, Taken};
use super::own::{Origin, origins};
pub use super::question::CannotAsk;
use super::saml;
use super::shared::Shared;
use super::world::{Kind, World};
use crate::access::estate::Estate;
use crate::access::federated::{self, of_session};
use crate::access::what::once;
use crate::proof::guarded::Guarded;

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// The sources, each with what it gains.
    pub sources: Vec<Source>,
    /// What is not known of the estate, so that nothing is said of it.
    pub unknown: Vec<String>,
}

/// A source.
#[derive(Debug)]
pub struct Source {
    /// `role/deployer`, `tokens of acme/shop`.
    pub name: String,
    /// `token`, `code` or `session`.
    pub kind: &'static str,
    /// Whether it may do everything by its own policies, and is neither a deployer nor
    /// code: what it reaches is not told.
    pub is_all_powerful: bool,
    /// A path a gain: the shortest.
    pub paths: Vec<Path>,
}

/// The shortest path to gains of a kind.
#[derive(Debug)]
pub struct Path {
    /// What is gained: `session`, `own permissions`, or the document that is changed.
    pub gain: &'static str,
    /// Of whom or what.
    pub of: String,
    /// The others of this kind that are gained.
    pub others: Vec<String>,
    /// Why it is not decided.
    pub undecided: Option<String>,
    /// Step by step.
    pub steps: Vec<Reached>,
}

/// A step.
#[derive(Debug)]
pub struct Reached {
    /// The means: an action, or a known path.
    pub by: String,
    /// Whom or what it gains.
    pub of: String,
    /// The requests that it takes.
    pub requests: Vec<Request>,
}

/// A request of a step.
#[derive(Debug)]
pub struct Request {
    /// Who makes it.
    pub who: String,
    /// The request, where it is decided.
    pub request: Option<Shown>,
    /// The statements that allow it.
    pub allowed_by: Vec<String>,
    /// Why it is not decided.
    pub open: Option<String>,
}

/// Finds them.
///
/// # Errors
/// What cannot be asked, and a fault of ours.
pub fn search(estate: &Estate, guarded: Option<&Guarded<'_>>) -> Result<Found, CannotAsk> {
    let setting = setting(estate, guarded);
    let (partition, account, region) = &setting;
    let (services, providers) = (handed::let_in(estate), saml::providers(estate));
    let table = Table::new(&services, &providers, &saml::clusters(estate), partition);
    let world = World::of(estate, &table, (partition, account, region));
    let origins = origins(&world, guarded)?;
    let shared = Shared::new(&world, &table)?;
    let mut sources = Vec::with_capacity(origins.len());
    for origin in &origins {
        sources.push(Searched { world: &world, shared: &shared, origin }.source()?);
    }
    let unknown = world.unknown.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
    Ok(Found { sources, unknown })
}

/// Partition, account and region.
fn setting(estate: &Estate, guarded: Option<&Guarded<'_>>) -> (String, String, String) {
    if let Some(guarded) = guarded {
        return (guarded.partition.clone(), guarded.account.clone(), guarded.region.clone());
    }
    let principals = estate.entries.values().filter_map(|entry| entry.principal.as_ref());
    let arn = principals.map(super::read::arn).next().unwrap_or_default();
    let mut parts = arn.split(':').skip(1);
    let partition = parts.next().unwrap_or("aws").to_owned();
    let account = parts.nth(2).unwrap_or_default().to_owned();
    let region = estate.place().and_then(|place| place.region);
    (partition, account, region.unwrap_or_else(|| "*".to_owned()))
}

/// What is gained.
type Gains<'w> = BTreeMap<(&'static str, &'w str), Gain>;

/// How something is gained.
#[derive(Default)]
struct Gain {
    steps: BTreeSet<usize>,
    /// Of a document, the request.
    last: Option<Last>,
    /// Why nobody knows whether it is more than nothing.
    open: Option<String>,
}

/// The request that changes a document.
struct Last {
    made: Made,
    action: String,
}

struct Searched<'a, 'w> {
    world: &'w World,
    shared: &'a Shared<'w>,
    origin: &'a Origin,
}

impl<'w> Searched<'_, 'w> {
    fn source(&self) -> Result<Source, CannotAsk> {
        let origin = self.origin;
        let is_all_powerful = !origin.is_judged
            && origin.entered.iter().all(|one| {
                self.world.identities.get(one.identity).is_some_and(|identity| {
                    let own = identity.documents.iter().map(|(_, document)| document.clone());
                    let boundary = identity.boundary.clone();
                    let policies =
                        Policies { identity: own.collect(), boundary, ..Policies::default() };
                    identity.surely(policies).is_some_and(|sure| is_all(&sure))
                })
            });
        let mut paths = Vec::new();
        if !is_all_powerful {
            let decided = Closure::of(self.shared, &origin.entered, false)?;
            let sure = self.gains(&decided)?;
            self.add(&decided, &sure, &mut paths);
            let open = Closure::of(self.shared, &origin.entered, true)?;
            let mut maybe = self.gains(&open)?;
            maybe.retain(|gain, _| !sure.contains_key(gain));
            self.add(&open, &maybe, &mut paths);
        }
        Ok(Source { name: origin.name.clone(), kind: origin.what.word(), is_all_powerful, paths })
    }

    /// All that is gained and is not the source's own.
    fn gains(&self, closure: &Closure<'_, 'w>) -> Result<Gains<'w>, CannotAsk> {
        let mut gains = Gains::new();
        let is_entered = |place: usize| {
            self.origin.entered.iter().any(|one| one.identity == place && one.by.is_none())
        };
        for (place, steps) in closure.all_held() {
            let Some(identity) = self.world.identities.get(place) else { continue };
            if is_entered(place) {
                if let Some(grown) = closure.grown(place)? {
                    let gain = ("own permissions", identity.name.as_str());
                    gains.insert(gain, Gain { steps: grown, ..Gain::default() });
                }
                continue;
            }
            // Who is made has nothing, but for the policies that it is given.
            let is_new = matches!(identity.kind, Kind::NewRole | Kind::NewUser);
            let steps = match is_new {
                true => match closure.grown(place)? {
                    None => continue,
                    Some(grown) => steps.union(&grown).copied().collect(),
                },
                false => steps.clone(),
            };
            // What a boundary that is not known lets through.
            let open = identity.open.first().filter(|_| is_new);
            if self.origin.owns(place) || (open.is_some() && !closure.is_optimistic()) {
                continue;
            }
            let open = open.map(|why| format!("{}: what it may do: {why}", identity.name));
            gains.insert(("session", identity.name.as_str()), Gain { steps, last: None, open });
        }
        for (protected, changes) in &self.shared.table.protected {
            for change in changes {
                let things = self.world.of_kind(&protected.on);
                let Some(have) = closure.have(change.ask) else { continue };
                for place in have.iter() {
                    let Some(thing) = things.get(place) else { continue };
                    let gain = (protected.gain.as_str(), thing.name.as_str());
                    if gains.contains_key(&gain) || self.origin.owns_thing(&protected.on, thing) {
                        continue;
                    }
                    let Some(open) = self.changes(&protected.on, place, change, closure) else {
                        continue;
                    };
                    if let Some((mut made, steps)) = closure.call(change.ask, place)? {
                        made.open = made.open.or(open);
                        let ask = self.shared.table.asks.get(change.ask);
                        let action = ask.map(|ask| ask.action.clone()).unwrap_or_default();
                        let last = Some(Last { made, action });
                        gains.insert(gain, Gain { steps, last, open: None });
                    }
                }
            }
        }
        Ok(gains)
    }

    /// Whether a request changes anything, with what that hangs on: where nothing is
    /// there to be taken away, it does not.
    fn changes(
        &self,
        on: &str,
        place: usize,
        change: &Change,
        closure: &Closure<'_, 'w>,
    ) -> Option<Option<Arc<str>>> {
        let Some(takes) = change.takes else { return Some(None) };
        let thing = self.world.of_kind(on).get(place)?;
        let has = match thing.of {
            Some(identity) => &self.world.identities.get(identity)?.has,
            None => self.world.of_groups.get(place)?,
        };
        let there = match takes {
            Taken::Inline => has.inline,
            Taken::Attached => has.attached,
            Taken::Boundary => has.boundary,
            Taken::Member => self.world.members.get(place).is_some_and(|all| !all.is_empty()),
        };
        match (&has.unknown, there) {
            (_, true) => Some(None),
            (Some(why), false) if closure.is_optimistic() => {
                let why = format!("{}: what it has is not known: {why}", thing.name);
                Some(Some(why.into()))
            }
            (_, false) => None,
        }
    }

    /// Of each kind of gain the shortest path, and the others.
    fn add(&self, closure: &Closure<'_, 'w>, gains: &Gains<'w>, paths: &mut Vec<Path>) {
        let mut kinds: BTreeMap<&'static str, Vec<_>> = BTreeMap::new();
        for ((gain, of), how) in gains {
            kinds.entry(gain).or_default().push((*of, how));
        }
        for (gain, all) in kinds {
            let length = |(_, gain): &&(&str, &Gain)| closure.cost(&gain.steps);
            let Some((of, Gain { steps, last, open: not_known })) = all.iter().min_by_key(length)
            else {
                continue;
            };
            let order = closure.with_all_before(steps);
            let mut told: Vec<Reached> = order
                .iter()
                .filter_map(|step| closure.steps.get(*step))
                .map(|step| self.reached(closure, step))
                .collect();
            let of = (*of).to_owned();
            if let Some(Last { made, action }) = last {
                let requests = closure.told(made).iter().map(|call| self.request(call)).collect();
                told.push(Reached { by: action.clone(), of: of.clone(), requests });
            }
            let open = order.iter().filter_map(|step| closure.steps.get(*step)?.open.clone());
            let undecided = open.map(|why| why.to_string()).next();
            let undecided = undecided.or_else(|| not_known.clone());
            let first =
                told.iter().flat_map(|step| &step.requests).find_map(|one| one.open.clone());
            let names = all.into_iter().map(|(name, _)| name.to_owned());
            let others = names.filter(|name| *name != of).collect();
            paths.push(Path { gain, of, others, undecided: first.or(undecided), steps: told });
        }
    }

    fn reached(&self, closure: &Closure<'_, 'w>, step: &Step) -> Reached {
        let means = step.means.and_then(|place| self.shared.table.means.get(place));
        let on = means.map_or("role", |means| means.on.as_str());
        let thing = self.world.of_kind(on).get(step.thing);
        Reached {
            by: means
                .map_or_else(|| "sts:AssumeRoleWithWebIdentity".to_owned(), |one| one.name.clone()),
            of: thing.map(|one| one.name.clone()).unwrap_or_default(),
            requests: closure.calls(step).iter().map(|call| self.request(call)).collect(),
        }
    }

    fn request(&self, call: &Call) -> Request {
        let own = call.holder.as_ref();
        let identity = own.and_then(|holder| self.world.identities.get(holder.identity));
        let policies = Policies {
            resource: call.resource.clone(),
            ..own.map(|holder| holder.policies.clone()).unwrap_or_default()
        };
        let name = identity.map_or(&self.origin.name, |identity| &identity.name).clone();
        let caller = call.witness.as_ref().map(|witness| &witness.principal);
        let session = caller.and_then(federated::name);
        let (policies, who) = match session {
            Some(session) => (of_session(&policies), format!("{name} as {session}")),
            None => (policies, name),
        };
        let allowed_by = call
            .witness
            .as_ref()
            .map(|witness| once(&decide(&witness.request(), &policies).statements));
        Request {
            who,
            request: call.witness.as_ref().map(Shown::of),
            allowed_by: allowed_by.unwrap_or_default(),
            open: call.open.as_deref().map(str::to_owned),
        }
    }
}

impl Source {
    /// `none`, `found` or `undecided`.
    pub fn verdict(&self) -> &'static str {
        if self.is_all_powerful {
            "everything"
        } else if self.paths.iter().any(|path| path.undecided.is_none()) {
            "found"
        } else if !self.paths.is_empty() {
            "undecided"
        } else {
            "none"
        }
    }
}

impl Found {
    /// Whether it is shown that there is no path.
    pub fn is_none(&self) -> bool {
        let is_good = |source: &Source| ["none", "everything"].contains(&source.verdict());
        self.unknown.is_empty() && self.sources.iter().all(is_good)
    }
}

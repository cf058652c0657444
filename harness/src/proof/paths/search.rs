//! The paths of an estate: of each source, to each gain.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_policy::{Policies, StatementRef, decide};
use ringfence_prove::jsonl::Shown;

use super::closure::{Call, Closure, Step};
use super::holder::is_all;
use super::means::Table;
use super::own::{Origin, origins};
pub use super::question::CannotAsk;
use super::shared::Shared;
use super::world::{Kind, World};
use crate::access::estate::Estate;
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
    let table = Table::new();
    let setting = setting(estate, guarded);
    let (partition, account, region) = &setting;
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

/// What is gained, with the steps to it and, of a document, the request.
type Gains = BTreeMap<(&'static str, String), (BTreeSet<usize>, Option<(Call, String)>)>;

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
                    identity.open.is_empty() && is_all(&policies)
                })
            });
        let mut paths = Vec::new();
        if !is_all_powerful {
            let decided = Closure::of(self.shared, &origin.entered, false)?;
            let sure = self.gains(&decided);
            self.add(&decided, &sure, &mut paths);
            let open = Closure::of(self.shared, &origin.entered, true)?;
            let mut maybe = self.gains(&open);
            maybe.retain(|gain, _| !sure.contains_key(gain));
            self.add(&open, &maybe, &mut paths);
        }
        Ok(Source { name: origin.name.clone(), kind: origin.what.word(), is_all_powerful, paths })
    }

    /// All that is gained and is not the source's own.
    fn gains(&self, closure: &Closure<'_, 'w>) -> Gains {
        let mut gains = Gains::new();
        let is_entered = |place: usize| {
            self.origin.entered.iter().any(|one| one.identity == place && one.by.is_none())
        };
        for (place, identity) in self.world.identities.iter().enumerate() {
            let Some(steps) = closure.held(place) else { continue };
            let grown = closure.grown(place);
            if is_entered(place) {
                if let Some((_, grown)) = grown {
                    let gain = ("own permissions", identity.name.clone());
                    gains.insert(gain, (grown.clone(), None));
                }
                continue;
            }
            // Who is made has nothing, but for the policies that it is given.
            let is_new = matches!(identity.kind, Kind::NewRole | Kind::NewUser);
            let steps = match (is_new, grown) {
                (true, None) => continue,
                (true, Some((_, grown))) => steps.union(grown).copied().collect(),
                (false, _) => steps.clone(),
            };
            if !self.origin.owns(place) {
                gains.insert(("session", identity.name.clone()), (steps, None));
            }
        }
        for (protected, asks) in &self.shared.table.protected {
            for ask in asks {
                let things = self.world.of_kind(&protected.on);
                let Some(have) = closure.have(*ask) else { continue };
                for place in have.iter() {
                    let Some(thing) = things.get(place) else { continue };
                    let gain = (protected.gain.as_str(), thing.name.clone());
                    if gains.contains_key(&gain) || self.origin.owns_thing(&protected.on, thing) {
                        continue;
                    }
                    if let Some((call, steps)) = closure.call(*ask, place) {
                        let action = self.shared.table.asks.get(*ask).map(|ask| ask.action.clone());
                        gains.insert(gain, (steps, Some((call, action.unwrap_or_default()))));
                    }
                }
            }
        }
        gains
    }

    /// Of each kind of gain the shortest path, and the others.
    fn add(&self, closure: &Closure<'_, 'w>, gains: &Gains, paths: &mut Vec<Path>) {
        let mut kinds: BTreeMap<&'static str, Vec<&String>> = BTreeMap::new();
        for (gain, of) in gains.keys() {
            kinds.entry(gain).or_default().push(of);
        }
        for (gain, all) in kinds {
            let length = |of: &&&String| {
                gains
                    .get(&(gain, (**of).clone()))
                    .map(|(steps, _)| closure.with_all_before(steps).len())
            };
            let Some(of) = all.iter().min_by_key(length).map(|of| (*of).clone()) else { continue };
            let Some((steps, last)) = gains.get(&(gain, of.clone())) else { continue };
            let order = closure.with_all_before(steps);
            let mut told: Vec<Reached> = order
                .iter()
                .filter_map(|step| closure.steps.get(*step))
                .map(|step| self.reached(step))
                .collect();
            if let Some((call, action)) = last {
                let requests = vec![self.request(call)];
                told.push(Reached { by: action.clone(), of: of.clone(), requests });
            }
            let open = order.iter().filter_map(|step| closure.steps.get(*step)?.open.clone());
            let undecided = open.map(|why| why.to_string()).next();
            let first =
                told.iter().flat_map(|step| &step.requests).find_map(|one| one.open.clone());
            let others = all.into_iter().filter(|one| **one != of).cloned().collect();
            paths.push(Path { gain, of, others, undecided: first.or(undecided), steps: told });
        }
    }

    fn reached(&self, step: &Step) -> Reached {
        let means = step.means.and_then(|place| self.shared.table.means.get(place));
        let on = means.map_or("role", |means| means.on.as_str());
        let thing = self.world.of_kind(on).get(step.thing);
        Reached {
            by: means
                .map_or_else(|| "sts:AssumeRoleWithWebIdentity".to_owned(), |one| one.name.clone()),
            of: thing.map(|one| one.name.clone()).unwrap_or_default(),
            requests: step.calls.iter().map(|call| self.request(call)).collect(),
        }
    }

    fn request(&self, call: &Call) -> Request {
        let own = call.holder.as_ref();
        let identity = own.and_then(|holder| self.world.identities.get(holder.identity));
        let policies = Policies {
            resource: call.resource.clone(),
            ..own.map(|holder| holder.policies.clone()).unwrap_or_default()
        };
        let allowed_by = call.witness.as_ref().map(|witness| {
            let by = decide(&witness.request(), &policies).statements;
            by.iter().map(StatementRef::to_string).collect()
        });
        Request {
            who: identity.map_or(&self.origin.name, |identity| &identity.name).clone(),
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

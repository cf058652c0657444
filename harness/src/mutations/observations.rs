//! What the probes observed, as far as policies decided it: the recorded
//! requests with the probes that look at how they were decided.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use ringfence_guard::recording::Verdict;
use ringfence_guard::requirements::Needed;
use ringfence_guard::{Inputs, Overlay, Recorded};
use ringfence_policy::Principal;

use super::possible::Spoken;
use crate::attacks::facts::FunctionFacts;
use crate::attacks::finding::Traces;
use crate::attacks::{self, Facts, Finding, Road, Suite};

/// What of a finding says which requests its probe depends on, and whether it held.
#[derive(Debug, Clone)]
pub struct Probed {
    /// [`Finding::id`].
    pub id: String,
    /// [`Finding::road`].
    pub road: Road,
    /// [`Finding::verdict`].
    pub verdict: attacks::Verdict,
    /// [`Finding::request_ids`].
    pub request_ids: Vec<String>,
    /// [`Finding::traces`].
    pub traces: Traces,
}

impl Probed {
    /// That of a campaign's findings.
    pub fn of(findings: &[Finding]) -> Vec<Self> {
        let one = |finding: &Finding| Self {
            id: finding.id.clone(),
            road: finding.road,
            verdict: finding.verdict,
            request_ids: finding.request_ids.clone(),
            traces: finding.traces.clone(),
        };
        findings.iter().map(one).collect()
    }
}

/// What a probe notices of a request's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notices {
    /// Whether it is allowed, and which layer and statement refuse it.
    Reason,
    /// Whether it is allowed: whether each of its permissions is.
    Outcome,
}

/// A request with the probes that depend on how it is decided.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The ids of the probes, in order.
    pub probes: Vec<Arc<str>>,
    /// What they notice.
    pub notices: Notices,
    /// What was decided about.
    pub inputs: Arc<Inputs>,
    /// How what it surely needs was decided, permission by permission.
    verdicts: Box<[Verdict]>,
}

/// All observations of a campaign, by the documents that they depend on.
#[derive(Debug, Default)]
pub struct Observations {
    all: Vec<Observation>,
    /// Their places, in the order of their first probes.
    by_document: HashMap<Arc<str>, Vec<usize>>,
}

/// How an observation differs under changed policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// What was refused is allowed.
    Allowed,
    /// What was allowed is refused.
    Refused,
    /// It is refused for another reason.
    Otherwise,
}

impl Observation {
    pub(super) fn new(mut probes: Vec<Arc<str>>, notices: Notices, inputs: Arc<Inputs>) -> Self {
        probes.sort_unstable();
        let verdicts = sure(&inputs, &Overlay::none()).into();
        Self { probes, notices, inputs, verdicts }
    }

    /// What its probes notice under changed policies, if anything.
    pub fn differs(&self, overlay: &Overlay) -> Option<Difference> {
        let verdicts = sure(&self.inputs, overlay);
        // The first permission that is refused is the one that the answer and
        // the journal name, with its layer and statement.
        let refused = |verdicts: &[Verdict]| verdicts.iter().position(|verdict| !verdict.allowed());
        // What is undecided is no answer of AWS's that a probe could notice, unless
        // something else refuses for certain.
        let open = |verdicts: &[Verdict]| {
            let mut refused = verdicts.iter().filter(|verdict| !verdict.allowed()).peekable();
            refused.peek().is_some() && refused.all(Verdict::undecided)
        };
        if open(&self.verdicts) || open(&verdicts) {
            return None;
        }
        match (refused(&self.verdicts), refused(&verdicts)) {
            (Some(_), None) => Some(Difference::Allowed),
            (None, Some(_)) => Some(Difference::Refused),
            (Some(before), Some(after)) if self.notices == Notices::Reason => {
                let reason = |verdicts: &[Verdict], place: usize| {
                    let verdict = verdicts.get(place)?;
                    Some((place, verdict.layer, verdict.sid.clone()))
                };
                (reason(&self.verdicts, before) != reason(&verdicts, after))
                    .then_some(Difference::Otherwise)
            }
            _ => None,
        }
    }
}

impl Observations {
    /// Reads a campaign: what it found, and the requests that were recorded.
    /// `began` is where the campaign begins in the recording; what deployers
    /// did before was their deployment.
    pub fn of(
        suites: &[Suite<'_>],
        probed: &[Probed],
        recorded: &[Arc<Recorded>],
        began: usize,
    ) -> Self {
        let mut probes: HashMap<&str, Vec<(Arc<str>, Notices)>> = HashMap::new();
        // A probe that does not hold notices nothing more.
        let held: Vec<&Probed> =
            probed.iter().filter(|probe| probe.verdict == attacks::Verdict::Held).collect();
        let ids: Vec<Arc<str>> = held.iter().map(|probe| probe.id.as_str().into()).collect();
        for (probe, id) in held.iter().zip(&ids) {
            let notices = match probe.road {
                // STS names neither the layer nor the statement.
                Road::Oidc | Road::Http => Notices::Outcome,
                _ => Notices::Reason,
            };
            for request in &probe.request_ids {
                probes.entry(request).or_default().push((Arc::clone(id), notices));
            }
            // What services did because of it is noticed by its outcome.
            for request in &probe.traces.caused {
                probes.entry(request).or_default().push((Arc::clone(id), Notices::Outcome));
            }
        }
        let mut observations = Self::default();
        for (place, request) in recorded.iter().enumerate() {
            let own = probes.get(request.request_id.as_str()).cloned().unwrap_or_default();
            let by_design = match own.is_empty() {
                true => deployment_or_service(suites, &held, request, place < began),
                false => Vec::new(),
            };
            let inputs = || Arc::clone(&request.inputs);
            for notices in [Notices::Reason, Notices::Outcome] {
                let ids: Vec<Arc<str>> = own
                    .iter()
                    .filter(|(_, how)| *how == notices)
                    .map(|(id, _)| Arc::clone(id))
                    .collect();
                if !ids.is_empty() {
                    observations.add(Observation::new(ids, notices, inputs()));
                }
            }
            if !by_design.is_empty() {
                observations.add(Observation::new(by_design, Notices::Outcome, inputs()));
            }
        }
        for (probe, id) in held.iter().zip(&ids) {
            for decided in &probe.traces.decided {
                let notices = if decided.exact { Notices::Reason } else { Notices::Outcome };
                let ids = vec![Arc::clone(id)];
                observations.add(Observation::new(ids, notices, Arc::clone(&decided.inputs)));
            }
        }
        observations
    }

    pub(super) fn add(&mut self, observation: Observation) {
        let place = self.all.len();
        let ids: BTreeSet<Arc<str>> = observation
            .inputs
            .documents()
            .flat_map(|attached| [Arc::clone(&attached.id), Arc::clone(&attached.slot)])
            .collect();
        self.all.push(observation);
        let all = &self.all;
        let first =
            |place: usize| all.get(place).and_then(|observation| observation.probes.first());
        for id in ids {
            let places = self.by_document.entry(id).or_default();
            let at = places.partition_point(|other| first(*other) <= first(place));
            places.insert(at, place);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them.
    pub fn all(&self) -> &[Observation] {
        &self.all
    }

    /// Those that depend on a document, by its id or its place, in the order of their
    /// first probes.
    pub fn on(&self, id: &str) -> impl Iterator<Item = &Observation> {
        self.by_document.get(id).into_iter().flatten().filter_map(|place| self.all.get(*place))
    }

    /// The first probes that notice a change, in order, and so many at most.
    /// `spoken` is what the changed statement speaks of: nothing else is decided
    /// otherwise.
    pub fn noticed(
        &self,
        id: &str,
        overlay: &Overlay,
        spoken: &Spoken,
        most: usize,
    ) -> BTreeSet<Arc<str>> {
        let mut meant = spoken.requests();
        let mut noticed: BTreeSet<Arc<str>> = BTreeSet::new();
        for observation in self.on(id) {
            // All that follow come after those that are wanted.
            if noticed.len() == most && noticed.last() < observation.probes.first() {
                break;
            }
            let asked = &observation.inputs.asked;
            let is_meant = asked.iter().any(|asked| meant.have(&asked.action));
            if is_meant && observation.differs(overlay).is_some() {
                noticed.extend(observation.probes.iter().cloned());
                while noticed.len() > most {
                    noticed.pop_last();
                }
            }
        }
        noticed
    }
}

/// How what the request surely needs is decided. What it may need besides hides no
/// guard rail.
fn sure(inputs: &Inputs, overlay: &Overlay) -> Vec<Verdict> {
    let verdicts = inputs.verdict_of_each(overlay).into_iter().zip(&inputs.asked);
    let sure = verdicts.filter(|(_, asked)| asked.needed == Needed::Surely);
    sure.map(|(verdict, _)| verdict).collect()
}

/// The probes of a request that is nobody's attack: a deployment's, before the
/// campaign, or a service's that acts for a call of the API.
fn deployment_or_service(
    suites: &[Suite<'_>],
    held: &[&Probed],
    request: &Recorded,
    before: bool,
) -> Vec<Arc<str>> {
    let found = suites.iter().flat_map(|suite| {
        let ids = of_account(suite.facts(), request, before);
        ids.into_iter().map(|id| suite.account().scoped(&id))
    });
    let found: BTreeSet<String> = found.collect();
    if found.is_empty() {
        return Vec::new();
    }
    let named = held.iter().filter(|finding| found.contains(&finding.id));
    named.map(|finding| finding.id.as_str().into()).collect()
}

/// The same in an account, by the ids that the findings have there.
fn of_account(facts: &Facts, request: &Recorded, before: bool) -> Option<String> {
    let asked = request.inputs.asked.first().map(|asked| asked.resource.as_str());
    match &request.inputs.caller.principal {
        // A deployer becomes one, and deploys; its function's role joins the
        // network.
        Principal::WebIdentity { .. } if before => deployment(facts, asked),
        Principal::RoleSession { role_arn: who, .. } | Principal::User { arn: who } if before => {
            deployment(facts, Some(who))
        }
        // Lambda takes the function's role, API Gateway calls the function.
        Principal::Service { .. } => {
            let function = facts.functions.iter().find(|function| {
                let own = facts.function_arn(&function.name);
                asked.is_some_and(|arn| {
                    arn == function.role_arn || arn == own || arn.starts_with(&format!("{own}:"))
                })
            });
            let routes = facts.routes.iter();
            let leads = |function: &FunctionFacts| {
                routes.clone().find(|route| route.leads_to(&function.name))
            };
            let route = function.and_then(leads);
            route.map(crate::attacks::tokens::valid_id)
        }
        _ => None,
    }
}

/// The finding about the deployment in which a role or user takes part.
fn deployment(facts: &Facts, role: Option<&str>) -> Option<String> {
    let role = role?;
    let deployers = facts.deployers.iter().map(|deployer| (&deployer.arn, &deployer.app));
    let functions = facts.functions.iter();
    let functions = functions.filter_map(|it| Some((&it.role_arn, it.app.as_ref()?)));
    let (_, app) = deployers.chain(functions).find(|(arn, _)| *arn == role)?;
    Some(format!("{app}/deployment/{}", Road::Workflow))
}

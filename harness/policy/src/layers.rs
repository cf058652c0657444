//! What all layers say together, where some may hang on keys of which nothing
//! is known.
//!
//! Each layer is taken for independent of the others. What is allowed or denied
//! here so holds whatever the keys turn out to be; what is undecided can still
//! be the same in every case, where statements that exclude each other hang on
//! one key.

use crate::decision::{Layer, Outcome};
use crate::evaluate::{Shape, Verdict};
use crate::logic::Logic;
use crate::scan::{Found, Scan};
use crate::statement::Truth;

/// What the levels of service control policies say, all of which must allow.
#[derive(Debug)]
pub(crate) struct Levels<'p, T = Truth> {
    /// The first Deny of any level, and the first that may apply.
    denies: Scan<'p, T>,
    allow: T,
    /// The first Allow on which it hangs.
    may_allow: Option<Found<'p>>,
}

impl<T: Logic> Default for Levels<'_, T> {
    fn default() -> Self {
        Self { denies: Scan::silent(), allow: T::constant(true), may_allow: None }
    }
}

impl<'p, T: Logic> Levels<'p, T> {
    pub(crate) fn add(&mut self, level: &Scan<'p, T>) {
        self.denies.add_denies(level);
        let allows = level.allows();
        self.allow = self.allow.clone().and(allows.clone());
        if allows.known().is_none() {
            self.may_allow = self.may_allow.or(level.may_allow.first());
        }
    }
}

/// What stands before every resource, whoever asks.
#[derive(Debug)]
pub(crate) struct Gates<'p, T = Truth> {
    /// The policy of the VPC endpoint, which must allow.
    pub(crate) endpoint: Option<Scan<'p, T>>,
    /// Resource control policies, which only deny.
    pub(crate) control: Scan<'p, T>,
}

impl<'p, T: Logic> Gates<'p, T> {
    /// The first of them with such a Deny.
    pub(crate) fn denies(
        &self,
        deny: impl Fn(&Scan<'p, T>) -> Option<Found<'p>>,
    ) -> Option<(Layer, Found<'p>)> {
        let endpoint = self.endpoint.as_ref().and_then(&deny);
        let control = || Some((Layer::ResourceControl, deny(&self.control)?));
        endpoint.map(|found| (Layer::VpcEndpoint, found)).or_else(control)
    }

    /// Whether one of them has a Deny that applies.
    pub(crate) fn denied(&self) -> T {
        let control = self.control.denies();
        match &self.endpoint {
            Some(endpoint) => endpoint.denies().or(control),
            None => control,
        }
    }
}

/// What each layer says.
#[derive(Debug)]
pub(crate) struct Scans<'p, T = Truth> {
    pub(crate) gates: Gates<'p, T>,
    pub(crate) levels: Levels<'p, T>,
    pub(crate) resource: Scan<'p, T>,
    pub(crate) identity: Scan<'p, T>,
    pub(crate) boundary: Option<Scan<'p, T>>,
    pub(crate) session: Option<Scan<'p, T>>,
}

/// What is reached where nothing denies.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reached<'p, T = Truth> {
    Allowed(Verdict<'p>),
    /// This layer should allow, and cannot.
    Denied(Layer),
    /// It hangs on this statement, and maybe on others: allowed where that holds.
    Undecided(Layer, Found<'p>, T),
}

impl<T: Logic> Reached<'_, T> {
    /// Whether it is allowed.
    pub(crate) fn truth(&self) -> T {
        match self {
            Self::Allowed(_) => T::constant(true),
            Self::Denied(_) => T::constant(false),
            Self::Undecided(_, _, truth) => truth.clone(),
        }
    }
}

/// A layer that must allow.
#[derive(Debug, Clone, Copy)]
struct Wanted<'p, T> {
    layer: Layer,
    allows: T,
    may_allow: Option<Found<'p>>,
}

impl<'p, T: Logic> Wanted<'p, T> {
    fn of(layer: Layer, scan: &Scan<'p, T>) -> Self {
        Self { layer, allows: scan.allows(), may_allow: scan.may_allow.first() }
    }
}

impl<'p, T: Logic> Scans<'p, T> {
    /// Whether some layer has a Deny that applies.
    pub(crate) fn denied(&self) -> T {
        let limits = self.boundary.iter().chain(&self.session);
        let rest = [&self.levels.denies, &self.resource, &self.identity];
        let denies = rest.into_iter().chain(limits).map(Scan::denies);
        T::any(std::iter::once(self.gates.denied()).chain(denies))
    }

    /// The first layer with such a Deny.
    pub(crate) fn denies(
        &self,
        deny: impl Fn(&Scan<'p, T>) -> Option<Found<'p>>,
    ) -> Option<(Layer, Found<'p>)> {
        let gates = self.gates.denies(&deny);
        if gates.is_some() {
            return gates;
        }
        let found = [
            (Layer::ServiceControl, deny(&self.levels.denies)),
            (Layer::Resource, deny(&self.resource)),
            (Layer::Identity, deny(&self.identity)),
            (Layer::Boundary, self.boundary.as_ref().and_then(&deny)),
            (Layer::Session, self.session.as_ref().and_then(&deny)),
        ];
        found.into_iter().find_map(|(layer, deny)| Some((layer, deny?)))
    }

    /// What is reached if nothing denies. How the resource's policy names the
    /// caller decides which layers must allow: where a grant that names it more
    /// directly may apply as well, both must come to the same.
    pub(crate) fn allowed(&self, shape: &Shape) -> Reached<'p, T> {
        let mut reached = self.reached(shape, self.resource.allow);
        for grant in self.possible_grants() {
            let more = self.reached(shape, Some(grant));
            let truth =
                || self.resource.open_allow(grant.naming).choose(more.truth(), reached.truth());
            reached = match (&reached, &more) {
                (Reached::Allowed(_), Reached::Allowed(_))
                | (Reached::Denied(_), Reached::Denied(_)) => continue,
                (Reached::Undecided(layer, found, _), _) => {
                    Reached::Undecided(*layer, *found, truth())
                }
                _ => Reached::Undecided(Layer::Resource, grant, truth()),
            };
        }
        reached
    }

    /// Allows of the resource's policy that may apply, and would name the caller
    /// more directly than what applies for certain.
    fn possible_grants(&self) -> impl Iterator<Item = Found<'p>> {
        let certain = self.resource.allow.map(|found| found.naming);
        self.resource.may_allow.iter().filter(move |found| Some(found.naming) > certain)
    }

    /// What is reached with this grant of the resource's policy.
    fn reached(&self, shape: &Shape, grant: Option<Found<'p>>) -> Reached<'p, T> {
        let wanted = self.wanted(shape, grant);
        let wanted = || wanted.iter().flatten();
        let is = |known| move |wanted: &&Wanted<'p, T>| wanted.allows.known() == known;
        if let Some(silent) = wanted().find(is(Some(false))) {
            return Reached::Denied(silent.layer);
        }
        let open = wanted().find(is(None));
        if let Some(Wanted { layer, may_allow: Some(found), .. }) = open {
            let allowed = T::all(wanted().map(|wanted| wanted.allows.clone()));
            return Reached::Undecided(*layer, *found, allowed);
        }
        let needs = shape.needs(grant.map(|found| found.naming));
        // The root user federates a session with all that it may do itself. What
        // the resource's policy gives such a session, it has from there.
        if shape.root && !needs.resource && (needs.identity || !shape.federated) {
            let (outcome, layer) = (Outcome::Allow, Layer::Root);
            return Reached::Allowed(Verdict { outcome, layer, statement: None });
        }
        // Of many requests each may be allowed by another statement.
        let identity = self.identity.allow.or_else(|| self.identity.may_allow.first());
        match (identity, grant) {
            (Some(found), _) if needs.identity => {
                Reached::Allowed(found.verdict(Outcome::Allow, Layer::Identity))
            }
            (_, Some(grant)) => Reached::Allowed(grant.verdict(Outcome::Allow, Layer::Resource)),
            (_, None) => Reached::Denied(Layer::Resource),
        }
    }

    /// The layers that must allow, in their order, with this grant of the
    /// resource's policy.
    fn wanted(&self, shape: &Shape, grant: Option<Found<'p>>) -> [Option<Wanted<'p, T>>; 6] {
        let needs = shape.needs(grant.map(|found| found.naming));
        let levels = Wanted {
            layer: Layer::ServiceControl,
            allows: self.levels.allow.clone(),
            may_allow: self.levels.may_allow,
        };
        let resource = Wanted {
            layer: Layer::Resource,
            allows: T::constant(grant.is_some()),
            may_allow: None,
        };
        let limit = |needed: bool, layer, scan: &Option<Scan<'p, T>>| {
            scan.as_ref().filter(|_| needed).map(|scan| Wanted::of(layer, scan))
        };
        [
            limit(true, Layer::VpcEndpoint, &self.gates.endpoint),
            Some(levels),
            needs.resource.then_some(resource),
            (needs.identity && !shape.root).then(|| Wanted::of(Layer::Identity, &self.identity)),
            limit(needs.limits, Layer::Boundary, &self.boundary),
            limit(needs.session, Layer::Session, &self.session),
        ]
    }

    /// The layers whose Allows decide an undecided request.
    pub(crate) fn open(&self, shape: &Shape) -> Vec<Layer> {
        let mut open = Vec::new();
        let grants = std::iter::once(self.resource.allow).chain(self.possible_grants().map(Some));
        let reached: Vec<_> = grants.map(|grant| (grant, self.reached(shape, grant))).collect();
        let denied = reached.iter().filter(|(_, reached)| matches!(reached, Reached::Denied(_)));
        let allowed = reached.iter().filter(|(_, reached)| matches!(reached, Reached::Allowed(_)));
        if ![0, reached.len()].contains(&denied.count())
            || ![0, reached.len()].contains(&allowed.count())
        {
            open.push(Layer::Resource);
        }
        for (grant, reached) in reached {
            if let Reached::Undecided(..) = reached {
                let wanted = self.wanted(shape, grant).into_iter().flatten();
                let unknown = wanted.filter(|wanted| wanted.allows.known().is_none());
                open.extend(unknown.map(|wanted| wanted.layer));
            }
        }
        open.sort();
        open.dedup();
        open
    }
}

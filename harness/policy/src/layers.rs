//! What all layers say together, where some may hang on keys of which nothing
//! is known.
//!
//! Each layer is taken for independent of the others. What is allowed or denied
//! here so holds whatever the keys turn out to be; what is undecided can still
//! be the same in every case, where statements that exclude each other hang on
//! one key.

use crate::decision::{Layer, Outcome};
use crate::evaluate::{Shape, Verdict};
use crate::scan::{Found, Scan};
use crate::statement::Truth;

/// What the levels of service control policies say, all of which must allow.
#[derive(Debug)]
pub(crate) struct Levels<'p> {
    /// The first Deny of any level, and the first that may apply.
    denies: Scan<'p>,
    allow: Truth,
    /// The first Allow on which it hangs.
    may_allow: Option<Found<'p>>,
}

impl Default for Levels<'_> {
    fn default() -> Self {
        Self { denies: Scan::SILENT, allow: Truth::True, may_allow: None }
    }
}

impl<'p> Levels<'p> {
    pub(crate) fn add(&mut self, level: &Scan<'p>) {
        self.denies.deny = self.denies.deny.or(level.deny);
        self.denies.may_deny = self.denies.may_deny.or(level.may_deny);
        self.allow = Truth::all([self.allow, level.allows()]);
        if level.allows() == Truth::Unknown {
            self.may_allow = self.may_allow.or(level.may_allow.first());
        }
    }
}

/// What stands before every resource, whoever asks.
#[derive(Debug)]
pub(crate) struct Gates<'p> {
    /// The policy of the VPC endpoint, which must allow.
    pub(crate) endpoint: Option<Scan<'p>>,
    /// Resource control policies, which only deny.
    pub(crate) control: Scan<'p>,
}

impl<'p> Gates<'p> {
    /// The first of them with such a Deny.
    pub(crate) fn denies(
        &self,
        deny: impl Fn(&Scan<'p>) -> Option<Found<'p>>,
    ) -> Option<(Layer, Found<'p>)> {
        let endpoint = self.endpoint.as_ref().and_then(&deny);
        let control = || Some((Layer::ResourceControl, deny(&self.control)?));
        endpoint.map(|found| (Layer::VpcEndpoint, found)).or_else(control)
    }
}

/// What each layer says.
#[derive(Debug)]
pub(crate) struct Scans<'p> {
    pub(crate) gates: Gates<'p>,
    pub(crate) levels: Levels<'p>,
    pub(crate) resource: Scan<'p>,
    pub(crate) identity: Scan<'p>,
    pub(crate) boundary: Option<Scan<'p>>,
    pub(crate) session: Option<Scan<'p>>,
}

/// What is reached where nothing denies.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reached<'p> {
    Allowed(Verdict<'p>),
    /// This layer should allow, and cannot.
    Denied(Layer),
    /// It hangs on this statement, and maybe on others.
    Undecided(Layer, Found<'p>),
}

/// A layer that must allow.
#[derive(Debug, Clone, Copy)]
struct Wanted<'p> {
    layer: Layer,
    allows: Truth,
    may_allow: Option<Found<'p>>,
}

impl<'p> Wanted<'p> {
    fn of(layer: Layer, scan: &Scan<'p>) -> Self {
        Self { layer, allows: scan.allows(), may_allow: scan.may_allow.first() }
    }
}

impl<'p> Scans<'p> {
    /// The first layer with such a Deny.
    pub(crate) fn denies(
        &self,
        deny: impl Fn(&Scan<'p>) -> Option<Found<'p>>,
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
    pub(crate) fn allowed(&self, shape: &Shape) -> Reached<'p> {
        let certain = self.reached(shape, self.resource.allow);
        for grant in self.possible_grants() {
            match (&certain, self.reached(shape, Some(grant))) {
                (Reached::Undecided(..), _) => break,
                (Reached::Allowed(_), Reached::Allowed(_))
                | (Reached::Denied(_), Reached::Denied(_)) => {}
                _ => return Reached::Undecided(Layer::Resource, grant),
            }
        }
        certain
    }

    /// Allows of the resource's policy that may apply, and would name the caller
    /// more directly than what applies for certain.
    fn possible_grants(&self) -> impl Iterator<Item = Found<'p>> {
        let certain = self.resource.allow.map(|found| found.naming);
        self.resource.may_allow.iter().filter(move |found| Some(found.naming) > certain)
    }

    /// What is reached with this grant of the resource's policy.
    fn reached(&self, shape: &Shape, grant: Option<Found<'p>>) -> Reached<'p> {
        let wanted = || self.wanted(shape, grant).into_iter().flatten();
        if let Some(silent) = wanted().find(|wanted| wanted.allows == Truth::False) {
            return Reached::Denied(silent.layer);
        }
        let open = wanted().find(|wanted| wanted.allows == Truth::Unknown);
        if let Some(Wanted { layer, may_allow: Some(found), .. }) = open {
            return Reached::Undecided(layer, found);
        }
        let needs = shape.needs(grant.map(|found| found.naming));
        // The root user federates a session with all that it may do itself. What
        // the resource's policy gives such a session, it has from there.
        if shape.root && !needs.resource && (needs.identity || !shape.federated) {
            let (outcome, layer) = (Outcome::Allow, Layer::Root);
            return Reached::Allowed(Verdict { outcome, layer, statement: None });
        }
        match (self.identity.allow, grant) {
            (Some(found), _) if needs.identity => {
                Reached::Allowed(found.verdict(Outcome::Allow, Layer::Identity))
            }
            (_, Some(grant)) => Reached::Allowed(grant.verdict(Outcome::Allow, Layer::Resource)),
            (_, None) => Reached::Denied(Layer::Resource),
        }
    }

    /// The layers that must allow, in their order, with this grant of the
    /// resource's policy.
    fn wanted(&self, shape: &Shape, grant: Option<Found<'p>>) -> [Option<Wanted<'p>>; 6] {
        let needs = shape.needs(grant.map(|found| found.naming));
        let levels = Wanted {
            layer: Layer::ServiceControl,
            allows: self.levels.allow,
            may_allow: self.levels.may_allow,
        };
        let resource =
            Wanted { layer: Layer::Resource, allows: Truth::of(grant.is_some()), may_allow: None };
        let limit = |needed: bool, layer, scan: &Option<Scan<'p>>| {
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
                let unknown = wanted.filter(|wanted| wanted.allows == Truth::Unknown);
                open.extend(unknown.map(|wanted| wanted.layer));
            }
        }
        open.sort();
        open.dedup();
        open
    }
}

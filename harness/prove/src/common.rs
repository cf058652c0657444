//! What both sides have in common, as far as their texts show.
//!
//! Where all but the identity policies is the same, and the outer side's identity
//! policies deny nothing that the inner side's do not, a request that the inner
//! side alone allows is allowed by one of its statements that the outer side does
//! not have: the inner side's other Allows need not be looked at.

use std::sync::Arc;

use ringfence_policy::symbolic::{Effect, StatementView, statements};
use ringfence_policy::{Document, Policies};

/// The Allows of identity policies of the inner side that the outer side has as
/// well, where these decide nothing; `None`: nothing is known.
pub(crate) fn known<'p>(inner: &'p Policies, outer: &'p Policies) -> Option<Known<'p>> {
    let denied = |deny: StatementView<'_>| of(inner, Effect::Deny).any(|one| one.includes(deny));
    let is_less = is_same_but_for_identity(inner, outer) && of(outer, Effect::Deny).all(denied);
    is_less.then(|| Known(of(outer, Effect::Allow).collect()))
}

/// Allows of the outer side.
pub(crate) struct Known<'p>(Vec<StatementView<'p>>);

impl Known<'_> {
    /// Whether one of them speaks of all of which a statement speaks.
    pub(crate) fn has(&self, statement: StatementView<'_>) -> bool {
        statement.effect() == Effect::Allow && self.0.iter().any(|one| one.includes(statement))
    }
}

fn of(policies: &Policies, effect: Effect) -> impl Iterator<Item = StatementView<'_>> {
    let documents = policies.identity.iter();
    documents.flat_map(|one| statements(one)).filter(move |one| one.effect() == effect)
}

fn is_same_but_for_identity(one: &Policies, other: &Policies) -> bool {
    let lists = |a: &[Vec<Arc<Document>>], b: &[Vec<Arc<Document>>]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
    };
    let limit = |a: &Option<Vec<Arc<Document>>>, b: &Option<Vec<Arc<Document>>>| match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => is_same(a, b),
        (Some(_), None) | (None, Some(_)) => false,
    };
    is_same(one.vpc_endpoint.as_slice(), other.vpc_endpoint.as_slice())
        && lists(&one.resource_control, &other.resource_control)
        && one.resource_control_of == other.resource_control_of
        && lists(&one.service_control, &other.service_control)
        && limit(&one.boundary, &other.boundary)
        && limit(&one.session, &other.session)
        && is_same(one.resource.as_slice(), other.resource.as_slice())
}

fn is_same(some: &[Arc<Document>], others: &[Arc<Document>]) -> bool {
    let same = |(one, other): (&Arc<Document>, &Arc<Document>)| {
        Arc::ptr_eq(one, other) || (one.kind() == other.kind() && one.text() == other.text())
    };
    some.len() == others.len() && some.iter().zip(others).all(same)
}

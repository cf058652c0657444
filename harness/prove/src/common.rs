//! What both sides have in common, as far as their texts show.
//!
//! Where all but the identity policies is the same, and the outer side's identity
//! policies deny nothing that the inner side's do not, a request that the inner
//! side alone allows is allowed by one of its statements that the outer side does
//! not have: the inner side's other Allows need not be looked at.

use std::collections::HashMap;
use std::sync::Arc;

use ringfence_policy::symbolic::{Effect, StatementView, Token, statements};
use ringfence_policy::{Document, Policies};

/// The Allows of identity policies of the inner side that the outer side has as
/// well, where these decide nothing; `None`: nothing is known.
pub(crate) fn known<'p>(inner: &'p Policies, outer: &'p Policies) -> Option<Known<'p>> {
    if !is_same_but_for_identity(inner, outer) {
        return None;
    }
    let denies = Known::of(of(inner, Effect::Deny));
    let is_less = of(outer, Effect::Deny).all(|deny| denies.includes(deny));
    is_less.then(|| Known::of(of(outer, Effect::Allow)))
}

/// Statements, by what their entries say. One that includes another has an entry of it among
/// its own: of `Action` and of `Resource` all of the other's, of `NotAction` and
/// `NotResource` none but the other's.
pub(crate) struct Known<'p> {
    all: Vec<StatementView<'p>>,
    by_action: HashMap<(Option<&'p str>, Vec<Token>), Vec<usize>>,
    by_resource: HashMap<&'p str, Vec<usize>>,
}

impl<'p> Known<'p> {
    fn of(all: impl Iterator<Item = StatementView<'p>>) -> Self {
        let all: Vec<_> = all.collect();
        let (mut by_action, mut by_resource) = (HashMap::new(), HashMap::new());
        for (number, one) in all.iter().enumerate() {
            for action in one.actions() {
                let known: &mut Vec<usize> = by_action.entry(action).or_default();
                known.push(number);
            }
            for resource in one.resources() {
                let known: &mut Vec<usize> = by_resource.entry(resource.source()).or_default();
                known.push(number);
            }
        }
        Self { all, by_action, by_resource }
    }

    /// Whether one of them is an Allow that speaks of all of which another Allow speaks.
    pub(crate) fn has(&self, statement: StatementView<'_>) -> bool {
        statement.effect() == Effect::Allow && self.includes(statement)
    }

    /// Whether one of them speaks of all of which a statement speaks.
    fn includes(&self, statement: StatementView<'_>) -> bool {
        let by_action: Vec<&Vec<usize>> =
            statement.actions().filter_map(|action| self.by_action.get(&action)).collect();
        let by_resource = statement.resources();
        let by_resource: Vec<&Vec<usize>> =
            by_resource.filter_map(|one| self.by_resource.get(one.source())).collect();
        let has_resources = statement.resources().next().is_some();
        let count = |lists: &[&Vec<usize>]| lists.iter().map(|list| list.len()).sum::<usize>();
        let lists = match has_resources && count(&by_resource) < count(&by_action) {
            true => by_resource,
            false => by_action,
        };
        let mut candidates = lists.into_iter().flatten().filter_map(|number| self.all.get(*number));
        candidates.any(|one| one.includes(statement))
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

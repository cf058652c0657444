//! What an identity can by the policies of resources that let it in: they allow what its own
//! policies, its boundary and what limits it do not keep back any more.

use std::sync::Arc;

use ringfence_policy::{Document, Policies, Principal};
use ringfence_prove::{Disagreement, Question, Universe, Verdict, within_sent};

use super::denied::Denying;
use super::{Side, Sided, common};
use crate::access::by_resources::{Letting, callers};
use crate::access::estate::denies;

/// What one side alone allows beside the policy of a resource of its files, which is taken for
/// the same on both: its own difference is told under its address.
pub(super) fn alone(
    name: &str,
    inner: &Sided<'_>,
    outer: &Sided<'_>,
) -> Result<Side, Disagreement> {
    let Some(principal) = common(inner.entry, outer.entry) else { return Ok(Side::Nothing) };
    let is_identity = |side: &Sided<'_>| side.is_there && side.entry.policies.resource.is_none();
    let both = [inner, outer];
    if !both.into_iter().all(is_identity) || keeps_back(inner) == keeps_back(outer) {
        return Ok(Side::Nothing);
    }
    let mut open = None;
    for (address, entry) in &inner.estate.entries {
        let all = match Letting::of(address, entry) {
            Ok(all) => all,
            Err(error) => return Ok(Side::Undecided(format!("`{address}`: {error}"))),
        };
        for one in all {
            match beside(name, principal, both, &one)? {
                Side::Nothing => {}
                Side::Undecided(why) => open = open.or(Some(why)),
                found @ Side::Request(_) => return Ok(found),
            }
        }
    }
    Ok(open.map_or(Side::Nothing, Side::Undecided))
}

/// The same beside one of them.
fn beside(
    name: &str,
    principal: &Principal,
    [inner, outer]: [&Sided<'_>; 2],
    letting: &Letting<'_>,
) -> Result<Side, Disagreement> {
    let (policy, beyond) = match letting.lets_in(Some(principal)) {
        Ok(None) => return Ok(Side::Nothing),
        Ok(Some(found)) => found,
        Err(error) => return Ok(Side::Undecided(format!("`{}`: {error}", letting.name))),
    };
    let with = |side: &Sided<'_>| Policies { resource: Some(policy.clone()), ..side.over.clone() };
    let [one, other] = [with(inner), with(outer)];
    for caller in callers(principal, &policy) {
        let session = (caller != *principal).then_some(&caller);
        let denying = match session {
            None => Denying::of(name, inner, outer),
            Some(session) => Denying::of_session(name, session, inner, outer),
        };
        let asked = |inner: &Policies, outer: &Policies| {
            let universe = Universe::All;
            let question = Question { inner, outer, principal: Some(&caller), universe };
            within_sent(&question).map(|(verdict, _)| verdict)
        };
        match denying.under(&one, &other, asked)? {
            Verdict::Proved => {}
            Verdict::Undecided(reason) => return Ok(Side::Undecided(reason)),
            Verdict::Violated(witness) => {
                let why = denying.may_keep_back(&one, &other, asked)?;
                let why = why.or_else(|| beyond.map(str::to_owned));
                return Ok(why.map_or(Side::Request(witness), Side::Undecided));
            }
        }
    }
    Ok(Side::Nothing)
}

/// What keeps back what others allow: its own Denies, its boundary, session policies and the
/// levels of control policies.
type KeepsBack<'s> = [Option<Vec<&'s str>>; 4];

fn keeps_back<'s>(side: &'s Sided<'_>) -> KeepsBack<'s> {
    let Policies { identity, boundary, session, .. } = &side.over;
    let levels = side.over.service_control.iter().chain(&side.over.resource_control);
    let texts = |all: &'s Vec<Arc<Document>>| all.iter().map(|one| one.text()).collect();
    let denying = identity.iter().filter(|document| denies(document));
    [
        Some(denying.map(|document| document.text()).collect()),
        boundary.as_ref().map(texts),
        session.as_ref().map(texts),
        Some(levels.flat_map(|level| level.iter().map(|one| one.text()).chain([""])).collect()),
    ]
}

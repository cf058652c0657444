//! Who asks under a policy that only limits: others than users and sessions of roles, too.
//!
//! - A service control policy binds "the root user" of its accounts and the sessions that users
//!   federate
//!   (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html>).
//! - A resource control policy binds whoever asks for what the accounts have: AWS's services and
//!   unsigned requests, too
//!   (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>).
//! - Through an endpoint comes whatever a network sends, unsigned requests, too
//!   (<https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>).

use std::sync::Arc;

use ringfence_policy::{Document, Kind, Policies, Principal};
use ringfence_prove::{Disagreement, Question, Universe, Verdict, within_sent};

use super::beside::Beside;
use super::{Side, Sided, are_alike};
use crate::access::federated::of_session;

/// Some who ask, with what lets them do everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// Root users, who need no policy.
    Root,
    /// Sessions that users federate, of users who may do everything.
    Federated,
    /// Anybody whom the policy of a resource lets in: services and unsigned requests, too.
    Anybody,
    /// Unsigned requests, which the policy of a resource lets in.
    Unsigned,
}

impl Asks {
    /// What they have under policies that limit them.
    fn under(self, mut policies: Policies) -> Policies {
        match self {
            Self::Federated => return of_session(&policies),
            Self::Root => {}
            Self::Anybody | Self::Unsigned => policies.resource = open(),
        }
        policies.identity.clear();
        policies
    }
}

/// What one side alone lets through, of those whom no policy of their own stands for.
pub(super) fn alone(
    name: &str,
    inner: &Sided<'_>,
    outer: &Sided<'_>,
) -> Result<Side, Disagreement> {
    let limit = [inner, outer].into_iter().any(|side| side.entry.only_limits());
    if !limit || are_alike(&inner.over, &outer.over) {
        return Ok(Side::Nothing);
    }
    let beside = Beside::of(name, inner, outer);
    let unsigned = Principal::Anonymous;
    for asks in all([&inner.over, &outer.over]) {
        let principal = (asks == Asks::Unsigned).then_some(&unsigned);
        let found = |beside: Option<&Beside>| {
            let [inner, outer] = [inner, outer].map(|side| asks.under(limits(side, beside)));
            let (inner, outer, universe) = (&inner, &outer, Universe::All);
            within_sent(&Question { inner, outer, principal, universe }).map(|(it, _)| it)
        };
        match found(None)? {
            Verdict::Proved => {}
            Verdict::Undecided(reason) => return Ok(Side::Undecided(reason)),
            Verdict::Violated(witness) => return Ok(Side::Request(witness)),
        }
        let Some(beside) = &beside else { continue };
        match found(Some(beside))? {
            Verdict::Proved => {}
            Verdict::Undecided(reason) => return Ok(Side::Undecided(reason)),
            Verdict::Violated(witness) => return Ok(Side::Undecided(beside.may_allow(&witness))),
        }
    }
    Ok(Side::Nothing)
}

/// Who is asked about, by what limits on the one side or the other.
fn all(both: [&Policies; 2]) -> Vec<Asks> {
    let has = |is: fn(&Policies) -> bool| both.into_iter().any(is);
    let mut all = vec![Asks::Root, Asks::Federated];
    all.extend(has(|it| !it.resource_control.is_empty()).then_some(Asks::Anybody));
    all.extend(has(|it| it.vpc_endpoint.is_some()).then_some(Asks::Unsigned));
    all
}

/// What limits on a side; through what is not there comes nothing.
fn limits(side: &Sided<'_>, beside: Option<&Beside>) -> Policies {
    let over = &side.over;
    let is_closed = !side.is_there && over.identity.is_empty();
    if is_closed {
        return Policies { vpc_endpoint: closed(), ..over.clone() };
    }
    beside.map_or_else(|| over.clone(), |beside| beside.with(over))
}

/// The policy of a resource that lets in everybody.
fn open() -> Option<Arc<Document>> {
    const TEXT: &str =
        r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
    Document::parse("everybody", TEXT, Kind::Resource).ok().map(Arc::new)
}

/// The policy of an endpoint through which nothing comes.
fn closed() -> Option<Arc<Document>> {
    const TEXT: &str =
        r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}"#;
    Document::parse("no endpoint", TEXT, Kind::VpcEndpoint).ok().map(Arc::new)
}

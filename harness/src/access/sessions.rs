//! Sessions of a role that policies name by their own ARNs.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_policy::symbolic::{Effect, Named, StatementView, statements};
use ringfence_policy::{Document, Principal};

/// What a session of a role is called that stands for all: whoever takes it chooses the name.
pub(crate) const ANY_SESSION: &str = "session";

/// The sessions of a role, by their names, that a policy lets in by their own ARNs, or that it
/// leaves out of a Deny, and one of another name where it denies the very one that stands for
/// any: whoever takes the role chooses the name
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-role-session>).
pub(crate) fn sessions(
    principal: Option<&Principal>,
    policy: &Document,
) -> BTreeMap<String, Principal> {
    let mut all = named(principal, policy, |one, session| {
        one.effect() == Effect::Allow || one.names(session).is_none()
    });
    if let Some(Principal::RoleSession { role_arn, session_arn }) = principal
        && let Some((role, ANY_SESSION)) = session_arn.rsplit_once('/')
    {
        let is_it = |named: Named<'_>| matches!(named, Named::Arn(arn) if arn == &**session_arn);
        let is_denied =
            |one: StatementView<'_>| one.effect() == Effect::Deny && one.principals().any(is_it);
        if statements(policy).any(is_denied) {
            let name = unnamed(role, statements(policy));
            let session_arn = format!("{role}/{name}");
            let other = Principal::RoleSession { role_arn: role_arn.clone(), session_arn };
            all.insert(name, other);
        }
    }
    all
}

/// The name of a session of a role, by its sessions' ARN without a name, that no statement has.
pub(super) fn unnamed<'s>(role: &str, all: impl Iterator<Item = StatementView<'s>>) -> String {
    let named: BTreeSet<&str> = all.flat_map(|one| names(role, one)).collect();
    let mut name = format!("{ANY_SESSION}x");
    while named.contains(name.as_str()) {
        name.push('x');
    }
    name
}

/// The names of a role's sessions that a statement has.
pub(super) fn names<'s>(role: &str, statement: StatementView<'s>) -> impl Iterator<Item = &'s str> {
    statement.principals().filter_map(move |named| match named {
        Named::Arn(arn) => arn.rsplit_once('/').filter(|(of, _)| *of == role).map(|(_, name)| name),
        Named::Account(_) | Named::Service(_) | Named::Federated(_) => None,
    })
}

/// The sessions of a role that statements name which count for them.
fn named(
    principal: Option<&Principal>,
    policy: &Document,
    counts: impl Fn(StatementView<'_>, &Principal) -> bool,
) -> BTreeMap<String, Principal> {
    let Some(Principal::RoleSession { role_arn, session_arn }) = principal else {
        return BTreeMap::new();
    };
    let all = statements(policy).flat_map(|one| one.principals().map(move |named| (one, named)));
    let named = all.filter_map(|(one, named)| {
        let Named::Arn(arn) = named else { return None };
        let (role, name) = arn.rsplit_once('/')?;
        let is_other = arn != &**session_arn && session_arn.rsplit_once('/')?.0 == role;
        let (role_arn, session_arn) = (role_arn.clone(), arn.into());
        let session = Principal::RoleSession { role_arn, session_arn };
        (is_other && counts(one, &session)).then(|| (name.to_owned(), session))
    });
    named.collect()
}

/// Whether a policy has an Allow for somebody, or for one of its sessions; of whom nobody
/// knows who it is, it may have.
pub(crate) fn lets_in(principal: Option<&Principal>, policy: &Document) -> bool {
    let Some(known) = principal else { return true };
    let is_allow = |one: StatementView<'_>| one.effect() == Effect::Allow;
    let mut all = statements(policy).filter(|one| is_allow(*one));
    all.any(|statement| statement.names(known).is_some())
        || !named(principal, policy, |one, _| is_allow(one)).is_empty()
}

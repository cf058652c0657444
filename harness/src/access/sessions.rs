//! Sessions of a role that policies name by their own ARNs.

use std::collections::BTreeMap;

use ringfence_policy::symbolic::{Effect, Named, StatementView, statements};
use ringfence_policy::{Document, Principal};

/// The sessions of a role, by their names, that a policy lets in by their own ARNs: whoever
/// takes the role chooses the name
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-role-session>).
pub(crate) fn sessions(
    principal: Option<&Principal>,
    policy: &Document,
) -> BTreeMap<String, Principal> {
    let Some(Principal::RoleSession { role_arn, session_arn }) = principal else {
        return BTreeMap::new();
    };
    let allows = statements(policy).filter(|one| one.effect() == Effect::Allow);
    let named = allows.flat_map(StatementView::principals).filter_map(|named| {
        let Named::Arn(arn) = named else { return None };
        let (role, name) = arn.rsplit_once('/')?;
        let is_other = arn != &**session_arn && session_arn.rsplit_once('/')?.0 == role;
        let (role_arn, session_arn) = (role_arn.clone(), arn.into());
        is_other.then(|| (name.to_owned(), Principal::RoleSession { role_arn, session_arn }))
    });
    named.collect()
}

/// Whether a policy has an Allow for somebody, or for one of its sessions; of whom nobody
/// knows who it is, it may have.
pub(crate) fn lets_in(principal: Option<&Principal>, policy: &Document) -> bool {
    let Some(known) = principal else { return true };
    let mut all = statements(policy).filter(|one| one.effect() == Effect::Allow);
    all.any(|statement| statement.names(known).is_some()) || !sessions(principal, policy).is_empty()
}

//! Identities that are made anew under their ARNs. A policy names one by its ARN, and AWS keeps
//! the id of the one that there was when the policy was saved; one that is made anew has another
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles>).
//! The policy does not let the new one in, nor does it deny it anything, until it is saved again;
//! whether a plan saves a policy whose text stays nobody knows.

use ringfence_policy::symbolic::{Effect, Named, StatementView, statements};
use ringfence_policy::{Document, Principal};

use super::diff::{Change, Side};
use super::estate::{Entry, Estate};

/// Notes what is not known of identities that the new side makes anew.
pub(super) fn note(old: &Estate, new: &Estate, changes: &mut [Change]) {
    for change in changes {
        let name = &change.name;
        let (Some(was), Some(is)) = (old.entries.get(name), new.entries.get(name)) else {
            continue;
        };
        let Some(principal) = recreated(was, is) else { continue };
        let by = |is_gain: bool| {
            let mut all = new.entries.iter().filter(|(by, policy)| {
                let text =
                    |entry: &Entry| entry.policies.resource.as_ref().map(|it| it.text().to_owned());
                // What is another text is saved.
                old.entries.get(*by).is_some_and(|it| text(it) == text(policy))
            });
            let found = all.find(|(_, policy)| {
                let document = policy.policies.resource.as_deref();
                document.is_some_and(|it| hangs_on(it, principal, is_gain))
            });
            found.map(|(by, _)| {
                format!(
                    "`{by}` names `{name}`, which is made anew, and AWS keeps the id of the one \
                     that was: whether it means the new one is not known"
                )
            })
        };
        if change.gained.is_nothing()
            && let Some(why) = by(true)
        {
            change.gained = Side::Undecided(why);
        }
        if change.lost.is_nothing()
            && let Some(why) = by(false)
        {
            change.lost = Side::Undecided(why);
        }
    }
}

/// Who is made anew under the same ARN, where that is known.
fn recreated<'e>(was: &'e Entry, is: &Entry) -> Option<&'e Principal> {
    let is_same = is.principal.is_none() || is.principal == was.principal;
    was.principal.as_ref().filter(|_| is_same && is.is_anew && !is.is_elsewhere)
}

/// Whether a document gives somebody more, or less, where it means nobody by its name.
fn hangs_on(document: &Document, who: &Principal, is_gain: bool) -> bool {
    // What `NotPrincipal` lists it does not name.
    let gives_more =
        |one: StatementView<'_>| (one.effect() == Effect::Deny) == one.names(who).is_some();
    let mut named = statements(document).filter(|one| names(*one, who));
    named.any(|one| gives_more(one) == is_gain)
}

/// Whether a statement has somebody among whom it names, or leaves out.
fn names(statement: StatementView<'_>, who: &Principal) -> bool {
    let own = match who {
        Principal::User { arn } | Principal::RoleSession { role_arn: arn, .. } => arn,
        _ => return false,
    };
    statement.principals().any(|named| matches!(named, Named::Arn(arn) if arn == own))
}

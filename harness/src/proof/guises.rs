//! Whom policies name that an identity may be of whose name a part is not known.

use std::collections::BTreeMap;

use ringfence_policy::symbolic::{Effect, Named, statements};
use ringfence_policy::{Document, Principal};

use super::guarded::Guarded;
use crate::access::estate::Entry;
use crate::access::unnamed::{form, meet};

/// Somebody whom a policy names and an identity may be.
pub(super) struct Guise {
    pub(super) principal: Principal,
    /// Whether an Allow names it.
    pub(super) is_let_in: bool,
}

/// Whom a policy names that an identity may be of whose name a part is not known, by their
/// ARNs: somebody of its account whom the files do not make and whose name fits.
pub(super) fn guises(
    guarded: &Guarded<'_>,
    (name, entry): (&str, &Entry),
    policy: &Document,
) -> BTreeMap<String, Guise> {
    let mut all: BTreeMap<String, Guise> = BTreeMap::new();
    let Some(form) = form(name).filter(|_| entry.is_unnamed) else { return all };
    for statement in statements(policy) {
        for named in statement.principals() {
            let Named::Arn(arn) = named else { continue };
            let Some((entry, principal)) = identity_of(arn) else { continue };
            let is_own = principal.account_id() == Some(guarded.account.as_str());
            let made = guarded.estate.entries.get(&entry);
            if !is_own || made.is_some_and(|it| !it.is_elsewhere) || !meet(&form, &entry) {
                continue;
            }
            let is_let_in = statement.effect() == Effect::Allow;
            let guise = all.entry(arn.to_owned());
            guise.or_insert(Guise { principal, is_let_in: false }).is_let_in |= is_let_in;
        }
    }
    all
}

/// The entry that an ARN of a role, of a session of one or of a user is of, and who asks.
fn identity_of(arn: &str) -> Option<(String, Principal)> {
    let mut parts = arn.splitn(6, ':').skip(1);
    let (partition, account, rest) = (parts.next()?, parts.nth(2)?, parts.next()?);
    let (kind, path) = rest.split_once('/')?;
    let last = path.rsplit('/').next()?;
    let session = |role: &str, name: &str| Principal::RoleSession {
        role_arn: format!("arn:{partition}:iam::{account}:role/{role}"),
        session_arn: format!("arn:{partition}:sts::{account}:assumed-role/{name}"),
    };
    match kind {
        "role" => Some((format!("role/{last}"), session(path, &format!("{last}/session")))),
        "assumed-role" => {
            let (role, _) = path.split_once('/')?;
            Some((format!("role/{role}"), session(role, path)))
        }
        "user" => Some((format!("user/{last}"), Principal::User { arn: arn.to_owned() })),
        _ => None,
    }
}

//! The `Principal` element: whom a resource policy speaks of, and how
//! directly.

use crate::arn::{Arn, is_account_id};
use crate::request::Principal;

/// How directly a resource policy names the caller; it decides what an Allow
/// of that policy can do alone
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Naming {
    /// By its account: the account's own policies must allow too.
    Account,
    /// By the role of its session, or by the user behind a federated session:
    /// boundary and session policies still limit.
    Behind,
    /// As one of everybody.
    Everyone,
    /// Itself: user, session, root user, service or identity provider.
    Itself,
}

/// An entry of `Principal` or `NotPrincipal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// `"*"` or `{"AWS": "*"}`: these are equivalent, and mean everybody,
    /// services and unsigned callers too.
    Everyone,
    /// An account id or `arn:aws:iam::ACCOUNT:root`.
    Account(Box<str>),
    /// A user, role, role session or federated user.
    Arn(Box<str>),
    /// An id such as `AROA…`: what AWS shows for a deleted principal. It is
    /// nobody.
    UniqueId(Box<str>),
    Service(Box<str>),
    Federated(Box<str>),
    /// An S3 canonical user id; no principal here has one.
    CanonicalUser(Box<str>),
}

impl Entry {
    /// Reads a value of a kind: `AWS`, `Service`, `Federated`, `CanonicalUser`.
    pub(crate) fn read(kind: &str, text: &str) -> Result<Self, String> {
        let invalid = |why: &str| Err(format!("invalid principal `{text}`: {why}"));
        match kind {
            "AWS" => Self::aws(text),
            "Service" if text.contains('*') => invalid("a service principal takes no wildcards"),
            "Service" if !text.contains('.') => {
                invalid("a service principal is a name such as `lambda.amazonaws.com`")
            }
            "Service" => Ok(Self::Service(text.into())),
            "Federated" if text.is_empty() || text.contains(['*', ' ']) => {
                invalid("a federated principal is a provider's ARN or domain name")
            }
            "Federated" => Ok(Self::Federated(text.into())),
            "CanonicalUser" => Ok(Self::CanonicalUser(text.into())),
            _ => invalid("there is no such kind of principal"),
        }
    }

    /// Reads a value of `{"AWS": …}`.
    pub(crate) fn aws(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Everyone);
        }
        if is_account_id(text) {
            return Ok(Self::Account(text.into()));
        }
        // <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes>
        let unique = |text: &str| {
            let of_identity = ["AIDA", "AROA"].iter().any(|kind| text.starts_with(kind));
            (text.len() >= 16 && text.starts_with('A') || text.len() > 4 && of_identity)
                && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        };
        if unique(text) {
            return Ok(Self::UniqueId(text.into()));
        }
        let bad = |why: &str| Err(format!("invalid principal `{text}`: {why}"));
        let Some(arn) = Arn::parse(text) else {
            return bad("it is no `*`, account id or ARN of a user, role or session");
        };
        if text.contains(['*', '?']) {
            return bad("a principal takes no wildcards except a lone `*`");
        }
        let named = |prefix: &str| arn.resource.strip_prefix(prefix).is_some_and(|n| !n.is_empty());
        match arn.service {
            "iam" if arn.region.is_empty() && arn.resource == "root" => match arn.account_id() {
                Some(account) => Ok(Self::Account(account.into())),
                None => bad("its account is no account id"),
            },
            // CloudFront's origin access identities live in the account `cloudfront`.
            "iam" if arn.region.is_empty() && (named("user/") || named("role/")) => {
                if arn.account_id().is_some() || arn.account == "cloudfront" {
                    Ok(Self::Arn(text.into()))
                } else {
                    bad("its account is no account id")
                }
            }
            "sts"
                if arn.region.is_empty()
                    && (named("assumed-role/") || named("federated-user/")) =>
            {
                if arn.account_id().is_some() {
                    Ok(Self::Arn(text.into()))
                } else {
                    bad("its account is no account id")
                }
            }
            _ => bad("it is no ARN of an account's root, a user, a role or a session"),
        }
    }

    /// How the entry names the caller, if it does.
    pub(crate) fn names(&self, principal: &Principal) -> Option<Naming> {
        match self {
            Self::Everyone => Some(Naming::Everyone),
            Self::Account(account) => match principal {
                Principal::Root { account_id } if **account_id == **account => Some(Naming::Itself),
                // An account's principals are its users, roles and sessions. Who
                // comes with a provider's token is none of them yet: such a
                // caller is named by `Federated`.
                Principal::WebIdentity { .. } => None,
                _ if principal.account_id() == Some(account) => Some(Naming::Account),
                _ => None,
            },
            Self::Arn(arn) => match principal {
                Principal::User { arn: user } => same(arn, user).then_some(Naming::Itself),
                Principal::RoleSession { role_arn, session_arn } => {
                    if same(arn, session_arn) {
                        Some(Naming::Itself)
                    } else {
                        same_role(arn, role_arn).then_some(Naming::Behind)
                    }
                }
                Principal::FederatedUser { arn: session, user_arn } => {
                    if same(arn, session) {
                        Some(Naming::Itself)
                    } else {
                        same(arn, user_arn).then_some(Naming::Behind)
                    }
                }
                _ => None,
            },
            Self::Service(service) => match principal {
                Principal::Service { name } => {
                    name.eq_ignore_ascii_case(service).then_some(Naming::Itself)
                }
                _ => None,
            },
            Self::Federated(provider) => match principal {
                Principal::WebIdentity { provider_arn } => {
                    same(provider, provider_arn).then_some(Naming::Itself)
                }
                _ => None,
            },
            Self::UniqueId(_) | Self::CanonicalUser(_) => None,
        }
    }
}

fn same(a: &str, b: &str) -> bool {
    a == b
}

/// Whether both ARNs name the same role. A session's ARN does not show its
/// role's path, and role names are unique in an account: partition, account
/// and name decide.
fn same_role(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let role = |text| {
        let arn = Arn::parse(text)?;
        let path = arn.resource.strip_prefix("role/").filter(|_| arn.service == "iam")?;
        Some((arn.partition, arn.account, path.rsplit('/').next()?))
    };
    matches!((role(a), role(b)), (Some(a), Some(b)) if a == b)
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principals {
    /// `NotPrincipal`.
    pub(crate) negated: bool,
    pub(crate) entries: Box<[Entry]>,
}

impl Principals {
    /// How the element of an Allow, or the `Principal` of a Deny, names the
    /// caller, if it does: the most direct of its entries. `NotPrincipal`
    /// speaks of everybody whom no entry names, an account or the role of a
    /// session included: in an Allow that is the narrower reading.
    pub(crate) fn names(&self, principal: &Principal) -> Option<Naming> {
        let best = self.entries.iter().filter_map(|entry| entry.names(principal)).max();
        if !self.negated {
            return best;
        }
        match best {
            Some(_) => None,
            None => Some(Naming::Everyone),
        }
    }

    /// Whether `NotPrincipal` of a Deny leaves the caller out. It must be named
    /// itself: "all principals except the user named Bob" are denied although
    /// Bob's account stands beside him, and "you must list the role session
    /// name of every user". Of a session, the role must be named too ("you must
    /// include both ARNs for this approach to work"). Whether the account must
    /// be named as well depends on the service, AWS writes; here it need not.
    ///
    /// - <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>
    /// - <https://repost.aws/knowledge-center/explicit-deny-principle-elements-s3>
    /// - <https://aws.amazon.com/blogs/security/how-to-restrict-amazon-s3-bucket-access-to-a-specific-iam-role/>
    pub(crate) fn spares(&self, principal: &Principal) -> bool {
        let named = |wanted| {
            self.entries.iter().any(|entry| {
                let naming = entry.names(principal);
                naming == Some(wanted) || naming == Some(Naming::Everyone)
            })
        };
        match principal {
            // No policy can name the session of a role without one.
            Principal::RoleSession { session_arn, .. } if session_arn.ends_with('/') => {
                named(Naming::Behind)
            }
            Principal::RoleSession { .. } => named(Naming::Itself) && named(Naming::Behind),
            _ => named(Naming::Itself),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn session() -> Principal {
        Principal::RoleSession {
            role_arn: "arn:aws:iam::111122223333:role/teams/deployer".into(),
            session_arn: "arn:aws:sts::111122223333:assumed-role/deployer/run".into(),
        }
    }

    #[rstest]
    #[case("*", Some(Naming::Everyone))]
    #[case("111122223333", Some(Naming::Account))]
    #[case("arn:aws:iam::111122223333:root", Some(Naming::Account))]
    #[case("444455556666", None)]
    #[case("arn:aws:iam::111122223333:role/teams/deployer", Some(Naming::Behind))]
    #[case("arn:aws:iam::111122223333:role/deployer", Some(Naming::Behind))]
    #[case("arn:aws:iam::444455556666:role/deployer", None)]
    #[case("arn:aws:sts::111122223333:assumed-role/deployer/run", Some(Naming::Itself))]
    #[case("arn:aws:sts::111122223333:assumed-role/deployer/other", None)]
    #[case("AROAEXAMPLEEXAMPLE12", None)]
    fn a_session_is_named_by_itself_its_role_or_its_account(
        #[case] entry: &str,
        #[case] expected: Option<Naming>,
    ) {
        assert_eq!(Entry::aws(entry).unwrap().names(&session()), expected);
    }

    #[rstest]
    #[case("alice")]
    #[case("arn:aws:iam::111122223333:user/*")]
    #[case("arn:aws:iam::111122223333:group/admins")]
    #[case("arn:aws:iam::*:root")]
    #[case("arn:aws:s3:::bucket")]
    #[case("12345678901")]
    fn who_cannot_be_a_principal_is_refused(#[case] entry: &str) {
        assert!(Entry::aws(entry).is_err());
    }

    #[test]
    fn the_root_user_is_named_by_its_account_itself() {
        let root = Principal::Root { account_id: "111122223333".into() };
        assert_eq!(Entry::aws("111122223333").unwrap().names(&root), Some(Naming::Itself));
    }

    #[test]
    fn not_principal_speaks_of_everybody_else() {
        let element = |entry: &str| Principals {
            negated: true,
            entries: [Entry::aws(entry).unwrap()].into(),
        };
        assert_eq!(element("111122223333").names(&session()), None);
        assert_eq!(element("444455556666").names(&session()), Some(Naming::Everyone));
        assert_eq!(element("111122223333").names(&Principal::Anonymous), Some(Naming::Everyone));
    }

    const ROOT: &str = "arn:aws:iam::111122223333:root";
    const ROLE: &str = "arn:aws:iam::111122223333:role/teams/deployer";
    const RUN: &str = "arn:aws:sts::111122223333:assumed-role/deployer/run";
    const OTHER_RUN: &str = "arn:aws:sts::111122223333:assumed-role/deployer/other";
    const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
    const BOB: &str = "arn:aws:iam::111122223333:user/bob";

    #[rstest]
    #[case::itself_and_its_role(&[RUN, ROLE, ROOT], true)]
    #[case::no_account_is_needed(&[RUN, ROLE], true)]
    #[case::its_role_is_missing(&[RUN, ROOT], false)]
    #[case::another_session_of_the_role(&[OTHER_RUN, ROLE, ROOT], false)]
    #[case::the_role_alone(&[ROLE, ROOT], false)]
    #[case::the_account_alone(&[ROOT], false)]
    #[case::everybody(&["*"], true)]
    fn a_deny_leaves_a_session_out_that_is_named_with_its_role(
        #[case] entries: &[&str],
        #[case] spared: bool,
    ) {
        assert_eq!(not(entries).spares(&session()), spared);
    }

    #[rstest]
    #[case::himself(&[BOB, ROOT], true)]
    #[case::another(&[ALICE, ROOT], false)]
    #[case::the_account_alone(&["111122223333"], false)]
    fn a_deny_leaves_a_user_out_who_is_named(#[case] entries: &[&str], #[case] spared: bool) {
        assert_eq!(not(entries).spares(&Principal::User { arn: BOB.into() }), spared);
    }

    #[test]
    fn a_role_without_a_session_is_left_out_by_its_own_name() {
        let role = Principal::RoleSession {
            role_arn: ROLE.into(),
            session_arn: "arn:aws:sts::111122223333:assumed-role/deployer/".into(),
        };
        assert!(not(&[ROLE]).spares(&role));
        assert!(!not(&[ROOT]).spares(&role));
    }

    fn not(entries: &[&str]) -> Principals {
        let entries = entries.iter().map(|entry| Entry::aws(entry).unwrap()).collect();
        Principals { negated: true, entries }
    }
}

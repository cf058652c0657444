//! Who calls, whatever the session.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A principal with identity policies, and the root user, whose calls tell what
/// another would need in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// The root user of an account.
    Root {
        /// The account's id.
        account: String,
    },
    /// A user.
    User {
        /// Its name, without its path.
        name: String,
        /// Its account, where that was given.
        account: Option<String>,
    },
    /// A role.
    Role {
        /// Its name, without its path.
        name: String,
        /// Its account, where that was given.
        account: Option<String>,
    },
}

/// A text names no principal.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` names no principal; give the ARN of a role, a session, a user or the root user, or \
     `role/NAME` or `user/NAME`"
)]
pub struct PrincipalError(String);

impl Principal {
    /// The principal behind the ARN of a caller; none where it has no identity
    /// policies (services, web identities, nobody).
    pub(super) fn of(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let (Some("arn"), Some(_), Some(service), Some(_), Some(account), Some(resource)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let account = account.to_owned();
        match (service, resource.split_once('/')) {
            ("iam", None) if resource == "root" => Some(Self::Root { account }),
            ("iam" | "sts", Some((kind, rest))) => Self::named(kind, rest, Some(account)),
            _ => None,
        }
    }

    fn named(kind: &str, rest: &str, account: Option<String>) -> Option<Self> {
        let last =
            |rest: &str| rest.rsplit('/').next().map(str::to_owned).filter(|n| !n.is_empty());
        match kind {
            "user" => Some(Self::User { name: last(rest)?, account }),
            "role" => Some(Self::Role { name: last(rest)?, account }),
            "assumed-role" => {
                let (name, _session) = rest.split_once('/')?;
                Some(Self::Role { name: name.to_owned(), account })
            }
            _ => None,
        }
    }

    /// Whether both are the same; an account that was not given is any.
    pub(super) fn is(&self, other: &Self) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        match (self, other) {
            (Self::Root { account: a }, Self::Root { account: b }) => a == b,
            (Self::User { name: a, account: x }, Self::User { name: b, account: y })
            | (Self::Role { name: a, account: x }, Self::Role { name: b, account: y }) => {
                a == b && same(x, y)
            }
            _ => false,
        }
    }
}

impl FromStr for Principal {
    type Err = PrincipalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = || {
            let (kind, rest) = text.split_once('/').filter(|(kind, _)| *kind != "assumed-role")?;
            Self::named(kind, rest, None)
        };
        Self::of(text).or_else(named).ok_or_else(|| PrincipalError(text.to_owned()))
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root { account } => write!(f, "root of {account}"),
            Self::User { name, .. } => write!(f, "user/{name}"),
            Self::Role { name, .. } => write!(f, "role/{name}"),
        }
    }
}

impl Serialize for Principal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

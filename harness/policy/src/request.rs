//! Who asks for what, under which circumstances.

use std::collections::HashMap;

use crate::arn::Arn;

/// Who asks, as policies name principals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// The account's root user.
    Root {
        /// The account id.
        account_id: String,
    },
    /// An IAM user.
    User {
        /// The user's ARN.
        arn: String,
    },
    /// A session of a role.
    RoleSession {
        /// The role's ARN, with its path.
        role_arn: String,
        /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
        session_arn: String,
    },
    /// A session from `GetFederationToken`.
    FederatedUser {
        /// `arn:aws:sts::ACCOUNT:federated-user/NAME`.
        arn: String,
        /// The user whose key asked for the session, or the account's root:
        /// `arn:aws:iam::ACCOUNT:root`.
        user_arn: String,
    },
    /// A web identity, before it holds a session: the caller of
    /// `AssumeRoleWithWebIdentity`.
    WebIdentity {
        /// The OIDC provider's ARN.
        provider_arn: String,
    },
    /// An AWS service in its own right.
    Service {
        /// `lambda.amazonaws.com`, ….
        name: String,
    },
    /// Nobody: an unsigned request.
    Anonymous,
}

impl Principal {
    /// The account that the caller belongs to; services and unsigned callers
    /// have none.
    pub fn account_id(&self) -> Option<&str> {
        match self {
            Self::Root { account_id } => Some(account_id),
            Self::User { arn } | Self::FederatedUser { arn, .. } => account_of(arn),
            Self::RoleSession { session_arn, role_arn } => {
                account_of(session_arn).or_else(|| account_of(role_arn))
            }
            Self::WebIdentity { provider_arn } => account_of(provider_arn),
            Self::Service { .. } | Self::Anonymous => None,
        }
    }

    /// Whether the caller is the root user, or a session that the root user
    /// federated: neither needs an identity policy.
    pub(crate) fn is_of_root(&self) -> bool {
        match self {
            Self::Root { .. } => true,
            Self::FederatedUser { user_arn, .. } => Arn::parse(user_arn)
                .is_some_and(|arn| arn.service == "iam" && arn.resource == "root"),
            Self::User { .. }
            | Self::RoleSession { .. }
            | Self::WebIdentity { .. }
            | Self::Service { .. }
            | Self::Anonymous => false,
        }
    }
}

fn account_of(arn: &str) -> Option<&str> {
    Arn::parse(arn)?.account_id()
}

/// The condition context of a request. Key names compare without regard to
/// case; a key that is not set is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    values: HashMap<String, Values>,
}

/// What a condition key holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// A single-valued key.
    One(String),
    /// A multi-valued key; it may be empty.
    Many(Vec<String>),
}

impl Values {
    /// All values, of a single-valued key the one.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl Context {
    /// A context without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a single-valued key.
    pub fn set(&mut self, key: &str, value: impl Into<String>) -> &mut Self {
        self.values.insert(key.to_ascii_lowercase(), Values::One(value.into()));
        self
    }

    /// Takes a key away.
    pub fn unset(&mut self, key: &str) -> &mut Self {
        self.values.remove(&key.to_ascii_lowercase());
        self
    }

    /// Sets a multi-valued key.
    pub fn set_list<V: Into<String>>(
        &mut self,
        key: &str,
        values: impl IntoIterator<Item = V>,
    ) -> &mut Self {
        let values = values.into_iter().map(Into::into).collect();
        self.values.insert(key.to_ascii_lowercase(), Values::Many(values));
        self
    }

    /// The key's values, if it is set.
    pub fn get(&self, key: &str) -> Option<&Values> {
        self.values.get(&key.to_ascii_lowercase())
    }

    /// [`Self::get`] for a key that is in lower case already.
    pub(crate) fn get_lower(&self, key: &str) -> Option<&Values> {
        self.values.get(key)
    }

    /// All keys, in lower case, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Takes over all keys of another context.
    pub fn extend(&mut self, other: &Self) {
        self.values.extend(other.values.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}

/// One thing that somebody asks to do.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// The IAM action: `iam:CreateRole`.
    pub action: &'a str,
    /// The ARN acted upon, or `*` for actions without resource types.
    pub resource: &'a str,
    /// The account that owns the resource, where its ARN does not say; else
    /// taken from the ARN, else the principal's.
    pub resource_account: Option<&'a str>,
    /// The condition context.
    pub context: &'a Context,
}

//! Who stands behind a credential.

use ringfence_models::Partition;

use super::sts_sessions::{FederatedUser, RoleSession, WebIdentity};

/// Who stands behind a credential.
#[derive(Debug, Clone, PartialEq)]
pub enum Identity {
    /// The account itself.
    Root {
        /// The account id.
        account_id: String,
        /// The partition that the account is in.
        partition: Partition,
    },
    /// An IAM user.
    User {
        /// `arn:aws:iam::ACCOUNT:user/PATH/NAME`.
        arn: String,
        /// The user's name, without its path.
        name: String,
        /// `AIDA…`.
        user_id: String,
    },
    /// A session of a role.
    Role(Box<RoleSession>),
    /// A session from `GetFederationToken`.
    FederatedUser(Box<FederatedUser>),
    /// An AWS service in its own right, as a resource policy or a role's trust
    /// policy names it.
    Service {
        /// `lambda.amazonaws.com`, ….
        principal: String,
        /// `aws:SourceArn`: the resource on whose behalf it calls.
        source_arn: Option<String>,
        /// `aws:SourceAccount`: the account of that resource.
        source_account: Option<String>,
    },
    /// The bearer of a verified web-identity token: the caller of
    /// `AssumeRoleWithWebIdentity`, before it holds a session.
    WebIdentity(Box<WebIdentity>),
    /// Nobody: an unsigned request, which only a resource policy can allow.
    Anonymous,
}

impl Identity {
    /// Whether it is root, or somebody whom root federated and who so has
    /// root's permissions.
    pub const fn stands_for_root(&self) -> bool {
        match self {
            Self::Root { .. } => true,
            Self::FederatedUser(session) => matches!(session.federator, LongTerm::Root { .. }),
            Self::User { .. }
            | Self::Role(_)
            | Self::Service { .. }
            | Self::WebIdentity(_)
            | Self::Anonymous => false,
        }
    }

    /// The account that the identity belongs to; none for a service and for
    /// nobody.
    pub fn account_id(&self) -> Option<&str> {
        let arn = match self {
            Self::Root { account_id, .. } => return Some(account_id),
            Self::User { arn, .. } => arn,
            Self::Role(session) => &session.role_arn,
            Self::FederatedUser(session) => return Some(session.federator.account_id()),
            Self::WebIdentity(web) => &web.provider_arn,
            Self::Service { .. } | Self::Anonymous => return None,
        };
        arn.split(':').nth(4)
    }

    /// The partition that the identity belongs to, by its ARN; `aws` of a service
    /// and of nobody.
    fn partition(&self) -> Partition {
        let arn = match self {
            Self::Root { partition, .. } => return *partition,
            Self::User { arn, .. } => arn,
            Self::Role(session) => &session.role_arn,
            Self::FederatedUser(session) => match &session.federator {
                LongTerm::Root { partition, .. } => return *partition,
                LongTerm::User { arn, .. } => arn,
            },
            Self::WebIdentity(web) => &web.provider_arn,
            Self::Service { .. } | Self::Anonymous => return Partition::default(),
        };
        arn.split(':').nth(1).and_then(Partition::of_id).unwrap_or_default()
    }

    /// The ARN that AWS's messages print; a service prints its principal, a
    /// web identity its provider and subject.
    pub fn arn(&self) -> String {
        match self {
            Self::Root { account_id, partition } => {
                format!("arn:{partition}:iam::{account_id}:root")
            }
            Self::User { arn, .. } => arn.clone(),
            Self::Role(session) => format!(
                "arn:{}:sts::{}:assumed-role/{}/{}",
                self.partition(),
                self.account_id().unwrap_or_default(),
                session.role_name,
                session.session_name
            ),
            Self::FederatedUser(session) => format!(
                "arn:{}:sts::{}:federated-user/{}",
                self.partition(),
                session.federator.account_id(),
                session.name
            ),
            Self::Service { principal, .. } => principal.clone(),
            Self::WebIdentity(web) => format!("{}:{}", web.provider_arn, web.subject),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }

    /// `aws:userid`: the account id, `AIDA…`, `AROA…:SESSION`, or `ACCOUNT:NAME`
    /// of a federated user.
    pub fn user_id(&self) -> String {
        match self {
            Self::Root { account_id, .. } => account_id.clone(),
            Self::User { user_id, .. } => user_id.clone(),
            Self::Role(session) => format!("{}:{}", session.role_id, session.session_name),
            Self::FederatedUser(session) => {
                format!("{}:{}", session.federator.account_id(), session.name)
            }
            Self::Service { principal, .. } => principal.clone(),
            Self::WebIdentity(web) => format!("{}:{}", web.provider_arn, web.subject),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }
}

/// Who can hold long-term credentials: they alone are given sessions by
/// `GetFederationToken` and `GetSessionToken`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LongTerm {
    /// The account itself.
    Root {
        /// The account id.
        account_id: String,
        /// The partition that the account is in.
        partition: Partition,
    },
    /// An IAM user.
    User {
        /// `arn:aws:iam::ACCOUNT:user/PATH/NAME`.
        arn: String,
        /// The user's name, without its path.
        name: String,
        /// `AIDA…`.
        user_id: String,
    },
}

impl LongTerm {
    /// The account that it belongs to.
    pub fn account_id(&self) -> &str {
        match self {
            Self::Root { account_id, .. } => account_id,
            Self::User { arn, .. } => arn.split(':').nth(4).unwrap_or_default(),
        }
    }

    /// The ARN, as policies name it.
    pub fn arn(&self) -> String {
        Identity::from(self.clone()).arn()
    }
}

impl Identity {
    /// Takes over the new name of a user, where it is that user or was federated by it.
    pub(super) fn rename(&mut self, user: &LongTerm) {
        let LongTerm::User { user_id: renamed, .. } = user else { return };
        match self {
            Self::User { user_id, .. } if user_id == renamed => *self = user.clone().into(),
            Self::FederatedUser(session) => match &session.federator {
                LongTerm::User { user_id, .. } if user_id == renamed => {
                    session.federator = user.clone();
                }
                LongTerm::User { .. } | LongTerm::Root { .. } => {}
            },
            _ => {}
        }
    }
}

impl From<LongTerm> for Identity {
    fn from(holder: LongTerm) -> Self {
        match holder {
            LongTerm::Root { account_id, partition } => Self::Root { account_id, partition },
            LongTerm::User { arn, name, user_id } => Self::User { arn, name, user_id },
        }
    }
}

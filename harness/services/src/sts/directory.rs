//! What STS must know of the account.

use std::fmt;

use async_trait::async_trait;
use ringfence_wire::ServiceError;

/// The account's roles, managed policies and OIDC providers.
#[async_trait]
pub trait Directory: fmt::Debug + Send + Sync {
    /// A role, by its exact ARN.
    async fn role(&self, arn: &str) -> Result<Option<RoleRecord>, ServiceError>;
    /// The default version of a managed policy, by ARN.
    async fn managed_policy(&self, arn: &str) -> Result<Option<String>, ServiceError>;
    /// The OIDC provider registered for an issuer's URL.
    async fn oidc_provider(&self, issuer: &str) -> Result<Option<OidcProvider>, ServiceError>;
}

/// A role that can be assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRecord {
    /// With its path.
    pub arn: String,
    /// Without its path.
    pub name: String,
    /// `AROA…`.
    pub role_id: String,
    /// In seconds.
    pub max_session_duration: u32,
}

/// An OIDC provider of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcProvider {
    /// `arn:aws:iam::ACCOUNT:oidc-provider/HOST[/PATH]`.
    pub arn: String,
    /// The audiences that it accepts.
    pub client_ids: Vec<String>,
}

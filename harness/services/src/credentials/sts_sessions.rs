//! What STS knows of those who hold no long-term key.

use time::OffsetDateTime;

use super::identity::LongTerm;

/// What STS knows of a role session.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleSession {
    /// The role's ARN, with its path.
    pub role_arn: String,
    /// The role's name.
    pub role_name: String,
    /// `AROA…`.
    pub role_id: String,
    /// The session's name.
    pub session_name: String,
    /// The session policies given with the call (inline and managed), as JSON
    /// text; `None` where the call gave none.
    pub session_policies: Option<Vec<String>>,
    /// Session tags (`aws:PrincipalTag/…`), over the role's own.
    pub tags: Vec<(String, String)>,
    /// The keys of the session tags that a chained session inherits.
    pub transitive_tag_keys: Vec<String>,
    /// `aws:SourceIdentity`.
    pub source_identity: Option<String>,
    /// The keys of the web identity that began the session, as far as they last.
    pub web_keys: Vec<(String, ClaimValues)>,
    /// `aws:FederatedProvider`: the OIDC provider's ARN, where one vouched.
    pub federated_provider: Option<String>,
    /// The service that assumed the role, where one did.
    pub assumed_by: Option<String>,
    /// When the session began.
    pub issued_at: OffsetDateTime,
}

/// What STS knows of a federated user's session.
#[derive(Debug, Clone, PartialEq)]
pub struct FederatedUser {
    /// The name that the call gave it.
    pub name: String,
    /// Whose long-term key asked for it, and whose permissions are the most that
    /// it has.
    pub federator: LongTerm,
    /// The session policies given with the call (inline and managed), as JSON
    /// text; `None` where the call gave none.
    pub session_policies: Option<Vec<String>>,
    /// Session tags (`aws:PrincipalTag/…`), over the user's own.
    pub tags: Vec<(String, String)>,
    /// When the session began.
    pub issued_at: OffsetDateTime,
}

/// What a verified web-identity token says.
#[derive(Debug, Clone, PartialEq)]
pub struct WebIdentity {
    /// The OIDC provider's ARN.
    pub provider_arn: String,
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `aud`.
    pub audience: String,
    /// The condition keys that the claims give: `HOST[/PATH]:sub`, ….
    pub keys: Vec<(String, ClaimValues)>,
    /// Session tags in the token (`https://aws.amazon.com/tags`).
    pub tags: Vec<(String, String)>,
    /// The keys of the tags that a chained session inherits.
    pub transitive_tag_keys: Vec<String>,
    /// `https://aws.amazon.com/source_identity`.
    pub source_identity: Option<String>,
}

/// What a claim's condition key holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimValues {
    /// A single-valued key.
    One(String),
    /// A multi-valued key.
    Many(Vec<String>),
}

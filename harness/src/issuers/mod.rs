//! The issuers of tokens: their keys are ours, their names and the shape of
//! their tokens are production's.

mod access;
mod claims;
mod forge;
mod key;

use std::sync::{PoisonError, RwLock};

use jsonwebtoken::jwk::JwkSet;
use ringfence_services::token::SharedKeys;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::config::{self, IssuerKind};

pub use access::Grant;
pub use claims::{AUDIENCE, Bearer, GithubRun, Workload};
pub use forge::{hmac_with_public_key, unsigned, with_payload};
pub use key::SigningKey;

/// Why a token cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// No key.
    #[error("cannot generate an RSA key")]
    Generate,
    /// No signature.
    #[error("cannot sign with an RSA key")]
    Sign,
    /// Nobody who would issue it.
    #[error("no issuer of such tokens is configured")]
    None,
}

/// An issuer with its keys. Relying parties see the published ones through
/// [`Issuer::shared_keys`].
#[derive(Debug)]
pub struct Issuer {
    /// What its tokens look like.
    pub kind: IssuerKind,
    /// `iss`.
    pub url: String,
    /// `aud`, where the configuration names one.
    pub audience: Option<String>,
    /// All clients of a user pool that Layer 1 makes.
    clients: Vec<String>,
    /// The scopes of a good token.
    pub scopes: Vec<String>,
    /// What else a good token says.
    more: Map<String, Value>,
    keys: RwLock<Keys>,
    published: SharedKeys,
}

#[derive(Debug)]
struct Keys {
    current: SigningKey,
    previous: Option<SigningKey>,
}

impl Issuer {
    /// An issuer with a fresh key.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new(configured: &config::Issuer) -> Result<Self, IssuerError> {
        let current = SigningKey::generate()?;
        let published = SharedKeys::new(JwkSet { keys: vec![current.jwk()] });
        Ok(Self {
            kind: configured.kind,
            url: configured.url.get_ref().clone(),
            audience: configured.audience.clone(),
            clients: configured.clients.clone(),
            scopes: configured.scopes.clone(),
            more: configured.claims.clone().into_iter().collect(),
            keys: RwLock::new(Keys { current, previous: None }),
            published,
        })
    }

    /// Whether an audience is a client of a user pool that Layer 1 makes.
    pub fn has_client(&self, audience: &str) -> bool {
        self.clients.iter().any(|client| client == audience)
    }

    /// How probes call it: its URL without the scheme, and without slashes.
    pub fn called(&self) -> String {
        self.host().trim_end_matches('/').replace('/', ":")
    }

    /// Its URL without the scheme, as IAM calls its provider.
    pub fn host(&self) -> &str {
        self.url.strip_prefix("https://").unwrap_or(&self.url)
    }

    /// The audience of GitHub's tokens where a workflow asks for none: the URL
    /// of the repository's owner.
    /// <https://docs.github.com/actions/reference/security/oidc>
    pub fn default_audience(&self, owner: &str) -> String {
        let host = match self.host() {
            "token.actions.githubusercontent.com" => "github.com",
            host => host.split('/').next().unwrap_or(host),
        };
        format!("https://{host}/{owner}")
    }

    /// The published keys, as they are at any time.
    pub fn shared_keys(&self) -> SharedKeys {
        self.published.clone()
    }

    /// Signs with a new key from now on; the old one stays published, so that
    /// tokens which it signed stay good.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn rotate(&self) -> Result<(), IssuerError> {
        let fresh = SigningKey::generate()?;
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut keys.current, fresh);
        keys.previous = Some(old);
        self.publish(&keys);
        Ok(())
    }

    /// Takes the old key out of what is published: tokens which it signed are
    /// no longer good.
    pub fn retire(&self) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.previous = None;
        self.publish(&keys);
    }

    fn publish(&self, keys: &Keys) {
        let keys = std::iter::once(&keys.current).chain(&keys.previous);
        self.published.replace(JwkSet { keys: keys.map(SigningKey::jwk).collect() });
    }

    /// Signs claims with the current key: RS256, with its `kid`.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign(&self, claims: &Map<String, Value>) -> Result<String, IssuerError> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.current.sign(&self.header(keys.current.kid()), claims)
    }

    /// Signs claims with the current key under another header, as an issuer
    /// that is not careful would.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign_with_header(
        &self,
        header: &Value,
        claims: &Map<String, Value>,
    ) -> Result<String, IssuerError> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.current.sign(header, claims)
    }

    /// Signs claims with a key of somebody else's, under this issuer's name
    /// and, where `as_current`, under the current key's id.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign_with_foreign_key(
        &self,
        key: &SigningKey,
        as_current: bool,
        claims: &Map<String, Value>,
    ) -> Result<String, IssuerError> {
        let kid = if as_current { self.current_kid() } else { key.kid().to_owned() };
        key.sign(&self.header(&kid), claims)
    }

    /// The current key's id.
    pub fn current_kid(&self) -> String {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).current.kid().to_owned()
    }

    /// The current public key in PEM, as anyone could have it.
    pub fn public_key_pem(&self) -> String {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).current.public_pem()
    }

    fn header(&self, kid: &str) -> Value {
        match self.kind {
            // Okta's and Cognito's headers have kid and alg alone.
            IssuerKind::Okta | IssuerKind::Cognito => json!({"kid": kid, "alg": "RS256"}),
            IssuerKind::Custom => json!({"typ": "at+jwt", "alg": "RS256", "kid": kid}),
            IssuerKind::Auth0
            | IssuerKind::Entra
            | IssuerKind::EntraV1
            | IssuerKind::Keycloak
            | IssuerKind::Google
            | IssuerKind::Github
            | IssuerKind::Oidc => json!({"typ": "JWT", "alg": "RS256", "kid": kid}),
        }
    }

    /// The claims of an access token for somebody with these scopes, as this kind
    /// of issuer writes them; the audience is the configured one.
    pub fn access_claims(&self, grant: &Grant, now: OffsetDateTime) -> Map<String, Value> {
        let audience = self.audience.as_deref().unwrap_or("api://default");
        let mut claims = access::claims(self.kind, grant, &self.url, audience, now);
        claims.extend(self.more.clone());
        claims
    }

    /// The claim in which a good token names its audience: Cognito's access tokens
    /// have no `aud`.
    pub const fn audience_claim(&self) -> &'static str {
        access::audience_claim(self.kind)
    }

    /// A good access token: a signed-in user with every configured scope.
    ///
    /// # Errors
    /// When signing fails.
    pub fn access_token(&self, now: OffsetDateTime) -> Result<String, IssuerError> {
        self.sign(&self.access_claims(&Grant::user("user@example.com", &self.scopes), now))
    }

    /// A token of who works, with the audience that was asked for; of another issuer than
    /// GitHub with what the configuration says besides.
    ///
    /// # Errors
    /// When signing fails.
    pub fn token_of(
        &self,
        bearer: &Bearer,
        audience: &str,
        now: OffsetDateTime,
    ) -> Result<String, IssuerError> {
        self.sign(&self.claims_of(bearer, audience, now))
    }

    /// Its claims.
    pub fn claims_of(
        &self,
        bearer: &Bearer,
        audience: &str,
        now: OffsetDateTime,
    ) -> Map<String, Value> {
        let mut claims = bearer.claims(&self.url, audience, now);
        if self.kind == IssuerKind::Oidc {
            claims.extend(self.more.clone());
        }
        claims
    }

    /// A GitHub OIDC token for a run, with the audience that was asked for.
    ///
    /// # Errors
    /// When signing fails.
    pub fn github_token(
        &self,
        run: &GithubRun,
        audience: &str,
        now: OffsetDateTime,
    ) -> Result<String, IssuerError> {
        self.sign(&run.claims(&self.url, audience, now))
    }
}

#[cfg(test)]
mod tests;

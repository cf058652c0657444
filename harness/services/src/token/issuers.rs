//! The issuers, and verification by them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, crypto};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use super::compact::Compact;
use super::keys::{self, KeySource};
use super::reach::Reach;
use super::{TokenError, claims, discovery};

/// How long fetched keys are good: API Gateway caches them for up to two hours
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>).
const CACHE_LIFETIME: Duration = Duration::hours(2);
/// How long after a fetch, good or bad, the next may be made: tokens with
/// invented key ids must not make us hammer an issuer.
const REFETCH_INTERVAL: Duration = Duration::seconds(5);

/// What a token must be to be accepted. The audience is not among it.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The issuer, exactly as the claim has it.
    pub issuer: &'a str,
    /// The algorithms allowed. The symmetric ones are refused even if listed.
    pub algorithms: &'a [Algorithm],
    /// The time to check against.
    pub now: OffsetDateTime,
    /// Whether the header must name a key.
    pub require_kid: bool,
}

/// The issuers and where their keys are. Clones share one cache.
#[derive(Clone)]
pub struct Issuers(Arc<Inner>);

struct Inner {
    configured: RwLock<HashMap<String, KeySource>>,
    discovered: RwLock<HashMap<String, Arc<Mutex<Fetched>>>>,
    /// For configured issuers, and for those that calls name. Made when first
    /// needed; `None` where no TLS could be set up, and then nothing can be
    /// discovered.
    http: OnceLock<Option<reqwest::Client>>,
    public: OnceLock<Option<reqwest::Client>>,
}

/// What discovery last gave.
#[derive(Default)]
struct Fetched {
    keys: Option<(JwkSet, OffsetDateTime)>,
    tried: Option<(OffsetDateTime, Result<(), TokenError>)>,
}

impl fmt::Debug for Issuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&*self.0.configured()).finish()
    }
}

impl Issuers {
    /// The issuers with where their keys come from; an issuer that is not among
    /// them is discovered.
    pub fn new(configured: Vec<(String, KeySource)>) -> Self {
        // Chosen aloud: were another crate to switch on jsonwebtoken's second
        // implementation, it would refuse to choose by itself. An error means
        // that one is installed already.
        let _ = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        Self(Arc::new(Inner {
            configured: RwLock::new(configured.into_iter().collect()),
            discovered: RwLock::default(),
            http: OnceLock::new(),
            public: OnceLock::new(),
        }))
    }

    /// Takes an issuer with its keys from now on, in the place of what was known of it:
    /// a user pool's URL is known once it is made.
    pub fn add(&self, issuer: String, keys: KeySource) {
        let mut configured = self.0.configured.write().unwrap_or_else(PoisonError::into_inner);
        configured.insert(issuer, keys);
    }

    /// Verifies a token and returns its claims.
    ///
    /// # Errors
    /// The first rule that the token breaks, in the order form, algorithm, key,
    /// signature, claims.
    pub async fn verify(
        &self,
        token: &str,
        rules: &Rules<'_>,
    ) -> Result<Map<String, Value>, TokenError> {
        let token = Compact::read(token)?;
        if !rules.algorithms.contains(&token.algorithm) {
            return Err(TokenError::Algorithm(format!("{:?}", token.algorithm)));
        }
        if rules.require_kid && token.key_id.is_none() {
            return Err(TokenError::UnknownKey);
        }
        self.check_signature(&token, rules).await?;
        claims::check(&token.claims, rules.issuer, rules.now)?;
        Ok(token.claims)
    }

    /// Whether an issuer's keys are to be had.
    ///
    /// # Errors
    /// `KeysUnavailable`.
    pub async fn reach(&self, issuer: &str, now: OffsetDateTime) -> Result<(), TokenError> {
        match self.0.source(issuer) {
            Some(KeySource::Keys(_)) => Ok(()),
            Some(KeySource::Discovery) | None => {
                self.slot(issuer).lock().await.keys(&self.0, issuer, now).await.map(drop)
            }
        }
    }

    async fn check_signature(
        &self,
        token: &Compact<'_>,
        rules: &Rules<'_>,
    ) -> Result<(), TokenError> {
        if let Some(KeySource::Keys(shared)) = self.0.source(rules.issuer) {
            return keys::verify(token, &shared.current());
        }
        let slot = self.slot(rules.issuer);
        let mut fetched = slot.lock().await;
        let verified = keys::verify(token, fetched.keys(&self.0, rules.issuer, rules.now).await?);
        // An unknown key may be a new one.
        if verified == Err(TokenError::UnknownKey) && fetched.may_fetch(rules.now) {
            let keys = fetched.refresh(&self.0, rules.issuer, rules.now).await?;
            return keys::verify(token, keys);
        }
        verified
    }

    fn slot(&self, issuer: &str) -> Arc<Mutex<Fetched>> {
        let known = self.0.discovered.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = known.get(issuer) {
            return Arc::clone(slot);
        }
        drop(known);
        let mut known = self.0.discovered.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(issuer.to_owned()).or_default())
    }
}

impl Inner {
    fn configured(&self) -> RwLockReadGuard<'_, HashMap<String, KeySource>> {
        self.configured.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn source(&self, issuer: &str) -> Option<KeySource> {
        self.configured().get(issuer).cloned()
    }
}

impl Fetched {
    /// The keys: the cached ones while they are fresh, else new ones.
    async fn keys(
        &mut self,
        issuers: &Inner,
        issuer: &str,
        now: OffsetDateTime,
    ) -> Result<&JwkSet, TokenError> {
        let fresh = self.keys.as_ref().is_some_and(|(_, fetched)| now - *fetched < CACHE_LIFETIME);
        if !fresh {
            if !self.may_fetch(now)
                && let Some((_, Err(error))) = &self.tried
            {
                return Err(error.clone());
            }
            return self.refresh(issuers, issuer, now).await;
        }
        self.cached()
    }

    fn may_fetch(&self, now: OffsetDateTime) -> bool {
        self.tried.as_ref().is_none_or(|(tried, _)| now - *tried >= REFETCH_INTERVAL)
    }

    async fn refresh(
        &mut self,
        issuers: &Inner,
        issuer: &str,
        now: OffsetDateTime,
    ) -> Result<&JwkSet, TokenError> {
        let (reach, http) = match issuers.source(issuer).is_some() {
            true => (Reach::Configured, &issuers.http),
            false => (Reach::Named, &issuers.public),
        };
        let fetched = match http.get_or_init(|| reach.client()) {
            Some(http) => discovery::fetch(http, reach, issuer).await,
            None => Err(TokenError::KeysUnavailable("no TLS could be set up".to_owned())),
        };
        self.tried = Some((now, fetched.as_ref().map(drop).map_err(Clone::clone)));
        self.keys = Some((fetched?, now));
        self.cached()
    }

    fn cached(&self) -> Result<&JwkSet, TokenError> {
        let keys = self.keys.as_ref().map(|(keys, _)| keys);
        keys.ok_or_else(|| TokenError::KeysUnavailable("none were fetched".to_owned()))
    }
}

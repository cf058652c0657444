//! Whose key signed a token.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};

use super::TokenError;
use super::compact::Compact;

/// A key set that its owner can replace while others verify with it. `Debug`
/// shows how many keys there are.
#[derive(Clone)]
pub struct SharedKeys(Arc<RwLock<JwkSet>>);

impl SharedKeys {
    /// A set to begin with.
    pub fn new(keys: JwkSet) -> Self {
        Self(Arc::new(RwLock::new(keys)))
    }

    /// Rotates: the next verification uses this set.
    pub fn replace(&self, keys: JwkSet) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// The set as it is now.
    pub fn current(&self) -> JwkSet {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for SharedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedKeys({} keys)", self.current().keys.len())
    }
}

/// Where an issuer's keys come from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// This set, as it is at the moment of use.
    Keys(SharedKeys),
    /// `ISSUER/.well-known/openid-configuration`, over https (http for loopback
    /// only), cached.
    Discovery,
}

/// Checks a token's signature with the key that it names.
///
/// # Errors
/// `UnknownKey` and `AmbiguousKey` as [`select`]; `Signature`.
pub(super) fn verify(token: &Compact<'_>, keys: &JwkSet) -> Result<(), TokenError> {
    let key = DecodingKey::from_jwk(select(token, keys)?).map_err(|_| TokenError::UnknownKey)?;
    match crypto::verify(token.signature, token.signed.as_bytes(), &key, token.algorithm) {
        Ok(true) => Ok(()),
        _ => Err(TokenError::Signature),
    }
}

/// The one key that fits: of the token's id where it has one, and made for its
/// algorithm. A token without an id fits a set in which only one key is made
/// for its algorithm.
fn select<'a>(token: &Compact<'_>, keys: &'a JwkSet) -> Result<&'a Jwk, TokenError> {
    let mut fitting = keys
        .keys
        .iter()
        .filter(|key| token.key_id.is_none() || key.common.key_id == token.key_id)
        .filter(|key| is_for(key, token.algorithm));
    let key = fitting.next().ok_or(TokenError::UnknownKey)?;
    match fitting.next() {
        Some(_) => Err(TokenError::AmbiguousKey),
        None => Ok(key),
    }
}

/// Whether a key may verify signatures of this algorithm: by its type and
/// curve, and by `alg`, `use` and `key_ops` where it has them.
fn is_for(key: &Jwk, algorithm: Algorithm) -> bool {
    let family = match (&key.algorithm, algorithm) {
        (
            AlgorithmParameters::RSA(_),
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512,
        ) => true,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => {
            key.curve == EllipticCurve::P256
        }
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES384) => {
            key.curve == EllipticCurve::P384
        }
        (AlgorithmParameters::OctetKeyPair(key), Algorithm::EdDSA) => {
            key.curve == EllipticCurve::Ed25519
        }
        _ => false,
    };
    let common = &key.common;
    family
        && common.key_algorithm.is_none_or(|own| own == KeyAlgorithm::from(algorithm))
        && common.public_key_use.as_ref().is_none_or(|own| *own == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|own| own.contains(&KeyOperations::Verify))
}

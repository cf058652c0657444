//! RSA signing keys.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, Jwk, KeyAlgorithm, PublicKeyUse, RSAKeyParameters,
    RSAKeyType,
};
use serde_json::{Map, Value};

use super::IssuerError;

/// An RSA key pair of 2048 bits with its id. `Debug` shows the id alone.
pub struct SigningKey {
    pair: RsaKeyPair,
    kid: String,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Makes a key; its id is a hash of its public half.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn generate() -> Result<Self, IssuerError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| IssuerError::Generate)?;
        let modulus = pair.public_key().modulus().big_endian_without_leading_zero();
        let kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, modulus).as_ref());
        Ok(Self { pair, kid })
    }

    /// A key that is no issuer's: one for the process, for making one takes longer
    /// than an attack.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn of_a_stranger() -> Result<&'static Self, IssuerError> {
        static KEY: OnceLock<SigningKey> = OnceLock::new();
        if let Some(key) = KEY.get() {
            return Ok(key);
        }
        let made = Self::generate()?;
        Ok(KEY.get_or_init(|| made))
    }

    /// The key's id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half as a key set holds it.
    pub fn jwk(&self) -> Jwk {
        let public = self.pair.public_key();
        Jwk {
            common: CommonParameters {
                public_key_use: Some(PublicKeyUse::Signature),
                key_algorithm: Some(KeyAlgorithm::RS256),
                key_id: Some(self.kid.clone()),
                ..CommonParameters::default()
            },
            algorithm: AlgorithmParameters::RSA(RSAKeyParameters {
                key_type: RSAKeyType::RSA,
                n: URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
                e: URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
            }),
        }
    }

    /// The public half in PEM.
    pub fn public_pem(&self) -> String {
        let der: Result<PublicKeyX509Der<'_>, _> = self.pair.public_key().as_der();
        let text = der.map(|der| STANDARD.encode(der.as_ref())).unwrap_or_default();
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        for (place, character) in text.chars().enumerate() {
            if place > 0 && place % 64 == 0 {
                pem.push('\n');
            }
            pem.push(character);
        }
        pem.push_str("\n-----END PUBLIC KEY-----\n");
        pem
    }

    /// Signs a token with RS256, whatever the header says of it.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign(&self, header: &Value, claims: &Map<String, Value>) -> Result<String, IssuerError> {
        let message = message(header, claims);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(|_| IssuerError::Sign)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// What is signed: header and claims, encoded.
pub(super) fn message(header: &Value, claims: &Map<String, Value>) -> String {
    let claims = Value::Object(claims.clone());
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    )
}

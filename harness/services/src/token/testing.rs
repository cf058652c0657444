//! An issuer for tests: keys made at test time, tokens signed with them.

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use serde_json::{Value, json};
use time::OffsetDateTime;

pub(crate) const ISSUER: &str = "https://issuer.example/oauth2/default";

/// An RSA key. Making one takes time, so tests share [`RSA`] and [`OTHER_RSA`].
pub(crate) struct RsaKey(KeyPair);

pub(crate) static RSA: LazyLock<RsaKey> = LazyLock::new(RsaKey::generate);
pub(crate) static OTHER_RSA: LazyLock<RsaKey> = LazyLock::new(RsaKey::generate);

impl RsaKey {
    fn generate() -> Self {
        Self(KeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    /// The public key as a JWK with this id.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let public = self.0.public_key();
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
            "n": URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            "e": URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
        })
    }

    /// The public key's DER (SubjectPublicKeyInfo).
    pub(crate) fn public_der(&self) -> Vec<u8> {
        self.0.public_key().as_der().unwrap().as_ref().to_vec()
    }

    /// Signs `HEADER.CLAIMS` with RS256.
    pub(crate) fn sign(&self, signed: &str) -> Vec<u8> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        let padding = &aws_lc_rs::signature::RSA_PKCS1_SHA256;
        self.0.sign(padding, &random, signed.as_bytes(), &mut signature).unwrap();
        signature
    }

    /// A token of these parts.
    pub(crate) fn token(&self, header: &Value, claims: &Value) -> String {
        self.token_of_texts(&header.to_string(), &claims.to_string())
    }

    /// A token whose parts are these texts, JSON or not.
    pub(crate) fn token_of_texts(&self, header: &str, claims: &str) -> String {
        let signed = signed(header, claims);
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.sign(&signed)))
    }
}

pub(crate) fn signed(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

pub(crate) fn keys(keys: &[Value]) -> JwkSet {
    serde_json::from_value(json!({ "keys": keys })).unwrap()
}

/// The header of a good token.
pub(crate) fn header() -> Value {
    json!({"alg": "RS256", "typ": "JWT", "kid": "k1"})
}

/// Good claims at `now`.
pub(crate) fn claims(now: OffsetDateTime) -> Value {
    let now = now.unix_timestamp();
    json!({
        "iss": ISSUER, "aud": "api://default", "sub": "alice",
        "iat": now, "nbf": now, "exp": now + 300,
    })
}

/// `value` with these members set, or removed where they are null.
pub(crate) fn with(mut value: Value, members: Value) -> Value {
    let target = value.as_object_mut().unwrap();
    for (name, member) in members.as_object().unwrap() {
        if member.is_null() {
            target.remove(name);
        } else {
            target.insert(name.clone(), member.clone());
        }
    }
    value
}

//! Tokens as an attacker makes them.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::Issuer;
use super::key::message;

/// A token of algorithm `none` with no signature.
pub fn unsigned(claims: &Map<String, Value>) -> String {
    format!("{}.", message(&json!({"alg": "none", "typ": "JWT"}), claims))
}

/// A token whose HMAC key is the issuer's public key: what a verifier accepts
/// that lets the token choose between HMAC and RSA.
pub fn hmac_with_public_key(issuer: &Issuer, claims: &Map<String, Value>) -> String {
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": issuer.current_kid()});
    let message = message(&header, claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, issuer.public_key_pem().as_bytes());
    let tag = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

/// A good token's header and signature around other claims.
pub fn with_payload(token: &str, claims: &Map<String, Value>) -> String {
    let mut parts = token.split('.');
    let header = parts.next().unwrap_or_default();
    let signature = parts.nth(1).unwrap_or_default();
    let claims = URL_SAFE_NO_PAD.encode(Value::Object(claims.clone()).to_string());
    format!("{header}.{claims}.{signature}")
}

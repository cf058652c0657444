//! The compact form of a signed token: `HEADER.CLAIMS.SIGNATURE` (RFC 7515,
//! section 7.1), read strictly.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::{TokenError, json};

/// STS takes tokens of up to 20,000 characters (`WebIdentityToken` of its
/// model); API Gateway's limit on all headers together is lower.
const MAX_LENGTH: usize = 20_000;

/// A token whose signature nobody has checked yet.
pub(super) struct Compact<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    pub(super) claims: Map<String, Value>,
    pub(super) signed: &'a str,
    pub(super) signature: &'a str,
}

impl fmt::Debug for Compact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compact").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl<'a> Compact<'a> {
    /// Reads a token; nothing of it is proven by that.
    pub(super) fn read(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > MAX_LENGTH {
            return Err(TokenError::TooLong);
        }
        let malformed = || TokenError::Malformed("it does not have three segments");
        let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        if claims.contains('.') {
            return Err(malformed());
        }
        let header = json::object(&decode(header)?, "its header is not a JSON object")?;
        let claims = json::object(&decode(claims)?, "its claims are not a JSON object")?;
        // No extension is understood, so each critical one is a refusal
        // (RFC 7515, section 4.1.11).
        if header.contains_key("crit") {
            return Err(TokenError::Malformed("its header has critical extensions"));
        }
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) if !id.is_empty() => Some(id.clone()),
            Some(_) => return Err(TokenError::Malformed("its key id is not a text")),
        };
        let algorithm = algorithm(header.get("alg"))?;
        // Decoded here only to refuse what is not strict base64url.
        decode(signature)?;
        Ok(Self { algorithm, key_id, claims, signed, signature })
    }
}

/// The claim `iss` of a token that nobody has verified: good for choosing whose
/// keys to verify it with, and for nothing else.
///
/// # Errors
/// When the token cannot be read or has no issuer.
pub fn unverified_issuer(token: &str) -> Result<String, TokenError> {
    match Compact::read(token)?.claims.get("iss") {
        Some(Value::String(issuer)) => Ok(issuer.clone()),
        _ => Err(TokenError::MissingClaim("iss")),
    }
}

/// Base64url without padding and without stray bits.
fn decode(segment: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD
        .decode(segment)
        .map_err(|_| TokenError::Malformed("a segment is not base64url without padding"))
}

/// The header's algorithm. `none` is not one, and the symmetric ones never are:
/// their key would be the issuer's public key, which everybody has.
fn algorithm(member: Option<&Value>) -> Result<Algorithm, TokenError> {
    let Some(Value::String(name)) = member else {
        return Err(TokenError::Malformed("its header names no algorithm"));
    };
    let refused = || {
        // The name goes into errors: only what can be an algorithm's.
        let fit = name.len() <= 16 && name.bytes().all(|b| b.is_ascii_alphanumeric());
        TokenError::Algorithm(if fit { name.clone() } else { "unknown".to_owned() })
    };
    match Algorithm::from_str(name).map_err(|_| refused())? {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => Err(refused()),
        algorithm => Ok(algorithm),
    }
}

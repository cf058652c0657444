//! An issuer with one key, for the cases whose caller is a web identity.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ringfence_services::token::{KeySource, SharedKeys};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

static KEY: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());

/// Who bears the token, and what it says.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    /// The provider's host and path.
    pub(crate) provider: String,
    pub(crate) audience: String,
    pub(crate) subject: String,
}

impl Bearer {
    fn issuer(&self) -> String {
        format!("https://{}", self.provider)
    }

    /// The issuer and its key, as a guard is told of them.
    pub(crate) fn keys(&self) -> (String, KeySource) {
        // 04, then both coordinates.
        let point = KEY.public_key().as_ref();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        let keys = json!({"keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "k",
            "x": part(1..33), "y": part(33..65),
        }]});
        (self.issuer(), KeySource::Keys(SharedKeys::new(serde_json::from_value(keys).unwrap())))
    }

    /// A token that is good for five minutes.
    pub(crate) fn token(&self) -> String {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let claims = json!({
            "iss": self.issuer(), "aud": self.audience, "sub": self.subject,
            "iat": now, "nbf": now, "exp": now + 300,
        });
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": "k"});
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = KEY.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The bearer that a case's principal and context describe.
///
/// # Errors
/// Why no token is such.
pub(crate) fn bearer(provider: &str, context: &Map<String, Value>) -> Result<Bearer, &'static str> {
    let claim = |name: &str| {
        context.get(&format!("{provider}:{name}")).and_then(Value::as_str).map(str::to_owned)
    };
    if !context.is_empty() && claim("aud").is_none() {
        return Err("a token without an audience: STS refuses it before any policy");
    }
    Ok(Bearer {
        provider: provider.to_owned(),
        audience: claim("aud").unwrap_or_else(|| "sts.amazonaws.com".to_owned()),
        subject: claim("sub").unwrap_or_else(|| "repo:acme/service-a".to_owned()),
    })
}

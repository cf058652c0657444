//! OIDC discovery: an issuer's keys, over the network, within API Gateway's
//! limits.

use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::TokenError;
use super::reach::Reach;

/// API Gateway waits so long for the configuration, and again for the keys
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
const TIMEOUT: Duration = Duration::from_millis(1500);
/// The size of a key set that API Gateway reads (same page).
const MAX_BYTES: usize = 150_000;

#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<Value>,
}

/// Fetches an issuer's keys. Keys of kinds that nobody here knows are left out.
pub(super) async fn fetch(
    http: &reqwest::Client,
    reach: Reach,
    issuer: &str,
) -> Result<JwkSet, TokenError> {
    let base = reach.check(issuer)?;
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let configuration: Configuration = get(http, reach.check(&address)?).await?;
    // Exactly: another issuer's document must not lend its keys (OpenID Connect
    // Discovery 1.0, section 4.3).
    if configuration.issuer != issuer {
        return Err(unavailable("the discovery document is another issuer's"));
    }
    let address = reach.check(&configuration.jwks_uri)?;
    if base.scheme() == "https" && address.scheme() != "https" {
        return Err(unavailable("an issuer with https must not have its keys without"));
    }
    let keys: Keys = get(http, address).await?;
    let keys = keys.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    Ok(JwkSet { keys: keys.collect() })
}

async fn get<T: for<'de> Deserialize<'de>>(
    http: &reqwest::Client,
    address: Url,
) -> Result<T, TokenError> {
    let place = address.clone();
    let failed = move |what: &str| unavailable(&format!("`{place}` {what}"));
    let body = tokio::time::timeout(TIMEOUT, async {
        let mut answer = http.get(address).send().await.map_err(|_| failed("does not answer"))?;
        if !answer.status().is_success() {
            return Err(failed(&format!("answers with status {}", answer.status().as_u16())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|_| failed("breaks off"))? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(failed("answers with more than 150000 bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    })
    .await
    .map_err(|_| failed("does not answer within 1500 ms"))??;
    serde_json::from_slice(&body).map_err(|_| failed("does not answer with what it should"))
}

fn unavailable(why: &str) -> TokenError {
    TokenError::KeysUnavailable(why.to_owned())
}

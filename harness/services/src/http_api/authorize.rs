//! JWT authorizers.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>

use http::HeaderMap;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::event::Query;
use super::model::{IdentitySource, JwtAuthorizer};
use crate::token::{Issuers, Rules, TokenError};

/// API Gateway supports RSA-based algorithms only. `PS256` and its kin are not
/// among those it names anywhere, so they are not accepted.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512];

/// What a token that passed says.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(super) claims: Map<String, Value>,
    /// Those of the token's scopes that the route asks for; `None` where it
    /// asks for none.
    pub(super) scopes: Option<Vec<String>>,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No token at all.
    NoToken,
    /// 401.
    Invalid(String),
    /// 403.
    Scope,
}

impl Refusal {
    /// The answer's status.
    pub(super) fn status(&self) -> http::StatusCode {
        match self {
            Self::NoToken | Self::Invalid(_) => http::StatusCode::UNAUTHORIZED,
            Self::Scope => http::StatusCode::FORBIDDEN,
        }
    }

    /// The answer's `www-authenticate`.
    pub(super) fn challenge(&self, scopes: &[String]) -> String {
        let scopes = scopes.join(" ");
        match self {
            Self::NoToken => "Bearer".to_owned(),
            Self::Invalid(why) => {
                format!(
                    "Bearer scope=\"{scopes}\" error=\"invalid_token\" error_description=\"{why}\""
                )
            }
            Self::Scope => format!(
                "Bearer scope=\"{scopes}\" error=\"insufficient_scope\" error_description=\"{}\"",
                NO_SCOPE
            ),
        }
    }

    /// `$context.authorizer.error`.
    pub(super) fn log(&self) -> String {
        match self {
            Self::NoToken => "missing: token not provided".to_owned(),
            Self::Invalid(why) => format!("invalid_token: {why}"),
            Self::Scope => format!("insufficient_scope: {NO_SCOPE}"),
        }
    }
}

const NO_SCOPE: &str = "the token does not have a required scope";

/// Decides whether a request passes an authorizer.
pub(super) async fn authorize(
    issuers: &Issuers,
    authorizer: &JwtAuthorizer,
    route_scopes: &[String],
    headers: &HeaderMap,
    query: &Query,
    now: OffsetDateTime,
) -> Result<Grant, Refusal> {
    let token = find_token(&authorizer.source, headers, query).ok_or(Refusal::NoToken)?;
    let configuration = &authorizer.jwt_configuration;
    let rules =
        Rules { issuer: &configuration.issuer, algorithms: &ALGORITHMS, now, require_kid: true };
    let claims =
        issuers.verify(&token, &rules).await.map_err(|error| Refusal::Invalid(describe(&error)))?;
    if !has_audience(&claims, &configuration.audience) {
        return Err(Refusal::Invalid("the token does not have a valid audience".to_owned()));
    }
    if route_scopes.is_empty() {
        return Ok(Grant { claims, scopes: None });
    }
    let held = scopes(&claims);
    let granted: Vec<_> =
        route_scopes.iter().filter(|s| held.contains(&s.as_str())).cloned().collect();
    if granted.is_empty() {
        return Err(Refusal::Scope);
    }
    Ok(Grant { claims, scopes: Some(granted) })
}

/// The token, bare or after `Bearer`. A header or parameter that occurs twice is
/// taken as one text, which is then no token.
fn find_token(source: &IdentitySource, headers: &HeaderMap, query: &Query) -> Option<String> {
    let text = values_at(source, headers, query).join(",");
    let text = text.trim();
    let token = match text.split_once(' ').unwrap_or((text, "")) {
        (scheme, token) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        _ => text,
    };
    (!token.is_empty()).then(|| token.to_owned())
}

/// The values at a place; bytes beyond ASCII make a value `?`.
pub(super) fn values_at<'r>(
    place: &IdentitySource,
    headers: &'r HeaderMap,
    query: &'r Query,
) -> Vec<&'r str> {
    match place {
        IdentitySource::Header(name) => {
            headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?")).collect()
        }
        IdentitySource::Query(name) => query.get_all(name),
    }
}

/// One of the audiences is in `aud`, or, only where there is no `aud`, in
/// `client_id`.
fn has_audience(claims: &Map<String, Value>, audiences: &[String]) -> bool {
    let fits =
        |value: &Value| value.as_str().is_some_and(|text| audiences.iter().any(|a| a == text));
    match claims.get("aud") {
        Some(Value::Array(values)) => values.iter().any(fits),
        Some(value) => fits(value),
        None => claims.get("client_id").is_some_and(fits),
    }
}

/// The scopes in `scope` and `scp`: texts with spaces between, or lists.
fn scopes(claims: &Map<String, Value>) -> Vec<&str> {
    fn split(value: &Value) -> Vec<&str> {
        match value {
            Value::String(text) => text.split(' ').collect(),
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
    ["scope", "scp"].iter().filter_map(|name| claims.get(*name)).flat_map(split).collect()
}

/// The `error_description` of a token that does not pass. Texts that AWS was
/// seen to use: the number of segments, the issuer, the expiry, the audience,
/// and both for keys that cannot be had; the others are ours.
fn describe(error: &TokenError) -> String {
    match error {
        TokenError::Malformed(why) if why.contains("three segments") => {
            "token contains an invalid number of segments".to_owned()
        }
        TokenError::Algorithm(name) => format!("signing method {name} is invalid"),
        TokenError::Issuer | TokenError::MissingClaim("iss") => "issuer does not match".to_owned(),
        TokenError::Expired => "the token has expired".to_owned(),
        TokenError::KeysUnavailable(why) if why.contains("openid-configuration") => {
            "OIDC discovery endpoint communication error".to_owned()
        }
        TokenError::KeysUnavailable(_) => "JWKS communication error".to_owned(),
        // A claim's name is the sender's own text.
        TokenError::DuplicateClaim(_) => "the token has a claim twice".to_owned(),
        other => other.to_string().replace('`', "'"),
    }
}

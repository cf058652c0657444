//! The claims that say whose a token is and when it counts.

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::TokenError;

/// Checks issuer and times. The comparison of issuers is of texts: a trailing
/// slash makes another issuer.
///
/// STS wants integers for timestamps (its `AssumeRoleWithWebIdentity` page),
/// and API Gateway wants `exp` after now, `nbf` and `iat` before now
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>).
/// Neither documents an allowance for clocks that differ, nor that a token
/// without `exp` would do, so there is none and it does not. The second that
/// `nbf` and `iat` name counts as reached: a token issued now is good now.
pub(super) fn check(
    claims: &Map<String, Value>,
    issuer: &str,
    now: OffsetDateTime,
) -> Result<(), TokenError> {
    match claims.get("iss") {
        None => return Err(TokenError::MissingClaim("iss")),
        Some(Value::String(claim)) if claim == issuer => {}
        Some(_) => return Err(TokenError::Issuer),
    }
    let now = now.unix_timestamp();
    let expires = timestamp(claims, "exp")?.ok_or(TokenError::MissingClaim("exp"))?;
    if now >= expires {
        return Err(TokenError::Expired);
    }
    if timestamp(claims, "nbf")?.is_some_and(|begins| begins > now) {
        return Err(TokenError::NotYetValid);
    }
    if timestamp(claims, "iat")?.is_some_and(|issued| issued > now) {
        return Err(TokenError::IssuedInFuture);
    }
    Ok(())
}

fn timestamp(claims: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, TokenError> {
    claims.get(name).map(|value| value.as_i64().ok_or(TokenError::Timestamp(name))).transpose()
}

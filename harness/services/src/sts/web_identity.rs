//! `AssumeRoleWithWebIdentity`: an unsigned call, whose bearer is known by its
//! token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::{Map, Value, json};

use super::session::{self, Wanted};
use super::tags::SessionTags;
use super::{Sts, check, check_input, github};
use crate::credentials::{ClaimValues, Identity, Session, WebIdentity};
use crate::token::{Rules, TokenError, unverified_issuer};

/// The algorithms that STS accepts
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>).
const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::ES256, Algorithm::ES384];

/// The claim in which a provider passes session tags.
const TAGS_CLAIM: &str = "https://aws.amazon.com/tags";
/// The claim in which a provider passes a source identity.
const SOURCE_IDENTITY_CLAIM: &str = "https://aws.amazon.com/source_identity";

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "InvalidIdentityToken", message)
}

impl Sts {
    /// Tells the bearer of an `AssumeRoleWithWebIdentity` call by its token:
    /// a provider of the account for its issuer, an audience of that provider,
    /// the issuer's signature, and its times.
    ///
    /// # Errors
    /// AWS's error for the first of these that fails.
    pub async fn web_identity(&self, call: &Call) -> Result<WebIdentity, ServiceError> {
        check_input(call, None)?;
        let token = check::text(call, "WebIdentityToken", 4, 20_000)?;
        if let Some(provider) = call.text("ProviderId") {
            return Err(ServiceError::new(
                400,
                "InvalidParameterValue",
                format!("the provider `{provider}` issues no OpenID Connect tokens"),
            ));
        }
        let issuer = unverified_issuer(token).map_err(|_| {
            invalid(
                "The ID Token provided is not a valid JWT. \
                 (You may see this error if you sent an Access Token)",
            )
        })?;
        let provider = self.directory.oidc_provider(&issuer).await?.ok_or_else(|| {
            invalid(format!("No OpenIDConnect provider found in your account for {issuer}"))
        })?;
        let now = self.setting.now();
        let rules = Rules { issuer: &issuer, algorithms: &ALGORITHMS, now, require_kid: false };
        let claims = self
            .issuers
            .verify(token, &rules)
            .await
            .map_err(|cause| refusal(&cause, token, now.unix_timestamp()))?;
        let audience = audience(&claims)
            .filter(|audience| provider.client_ids.contains(audience))
            .ok_or_else(|| invalid("Incorrect token audience"))?;
        let host = issuer.strip_prefix("https://").unwrap_or(&issuer);
        let host = host.strip_prefix("http://").unwrap_or(host).trim_end_matches('/');
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
        if subject.is_empty() {
            return Err(invalid("Missing a required claim: sub"));
        }
        let (tags, transitive_tag_keys) = tags(&claims)?;
        Ok(WebIdentity {
            keys: keys(host, &subject, &audience, &claims),
            provider_arn: provider.arn,
            subject,
            audience,
            tags,
            transitive_tag_keys,
            source_identity: claims
                .get(SOURCE_IDENTITY_CLAIM)
                .and_then(Value::as_str)
                .map(str::to_owned),
            issuer,
        })
    }

    pub(super) async fn assume_role_with_web_identity(
        &self,
        call: &Call,
        caller: &Session,
    ) -> Result<Reply, ServiceError> {
        let denied = || {
            ServiceError::new(
                403,
                "AccessDenied",
                "Not authorized to perform sts:AssumeRoleWithWebIdentity",
            )
        };
        let Identity::WebIdentity(web) = &caller.identity else { return Err(denied()) };
        let role = self.directory.role(check::role_arn(call)?).await?.ok_or_else(denied)?;
        let name = check::text(call, "RoleSessionName", 2, 64)?;
        let made = self.make(
            &role,
            Wanted {
                name,
                seconds: session::duration(call, &role)?,
                policies: self.session_policies(call).await?,
                tags: SessionTags::new(web.tags.clone(), web.transitive_tag_keys.clone(), None)?,
                source_identity: web.source_identity.clone(),
                web_keys: lasting(&web.keys),
                federated_provider: Some(web.provider_arn.clone()),
                assumed_by: None,
            },
        )?;
        let mut reply = json!({
            "Credentials": made.credentials,
            "SubjectFromWebIdentityToken": web.subject,
            "AssumedRoleUser": made.user,
            "Provider": web.issuer,
            "Audience": web.audience,
        });
        if let Some(fields) = reply.as_object_mut() {
            if let Some(percent) = made.packed_percent {
                fields.insert("PackedPolicySize".to_owned(), percent.into());
            }
            if let Some(source_identity) = &web.source_identity {
                fields.insert("SourceIdentity".to_owned(), source_identity.clone().into());
            }
        }
        Ok(Reply::fields(reply))
    }
}

/// The keys of a token that later requests of the session have too: `amr`,
/// `aud`, `sub` ("Cross-service AWS OIDC federation context keys",
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif>);
/// the others are for trust policies.
fn lasting(keys: &[(String, ClaimValues)]) -> Vec<(String, ClaimValues)> {
    let lasts = |key: &str| {
        key.rsplit_once(':').is_some_and(|(_, claim)| ["amr", "aud", "sub"].contains(&claim))
    };
    keys.iter().filter(|(key, _)| lasts(key)).cloned().collect()
}

/// AWS's error for a token that is refused.
fn refusal(cause: &TokenError, token: &str, now: i64) -> ServiceError {
    match cause {
        TokenError::Expired => {
            // AWS's own text has no blank before the second time.
            let end = expiry(token).map(|end| end.to_string()).unwrap_or_default();
            ServiceError::new(
                400,
                "ExpiredTokenException",
                format!(
                    "Token expired: current date/time {now} must be before the expiration \
                     date/time{end}"
                ),
            )
        }
        TokenError::KeysUnavailable(_) | TokenError::UnknownKey | TokenError::AmbiguousKey => {
            invalid(
                "Couldn't retrieve verification key from your identity provider, please \
                 reference AssumeRoleWithWebIdentity documentation for requirements",
            )
        }
        TokenError::MissingClaim(claim) => invalid(format!("Missing a required claim: {claim}")),
        other => invalid(format!("The web identity token is not valid: {other}")),
    }
}

/// When a token, signed by its issuer, ended.
fn expiry(token: &str) -> Option<i64> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Value>(&claims).ok()?.get("exp")?.as_i64()
}

/// The audience: `azp` decides where a token has several.
fn audience(claims: &Map<String, Value>) -> Option<String> {
    let azp = claims.get("azp").and_then(Value::as_str);
    match claims.get("aud")? {
        Value::String(audience) => Some(audience.clone()),
        Value::Array(all) => match (all.as_slice(), azp) {
            ([Value::String(only)], _) => Some(only.clone()),
            (_, Some(azp)) if all.iter().any(|audience| audience == azp) => Some(azp.to_owned()),
            _ => None,
        },
        _ => None,
    }
}

/// The condition keys of a token: `HOST[/PATH]:sub`, `:aud`, `:amr`, and
/// GitHub's.
fn keys(
    host: &str,
    subject: &str,
    audience: &str,
    claims: &Map<String, Value>,
) -> Vec<(String, ClaimValues)> {
    let mut keys = vec![
        (format!("{host}:sub"), ClaimValues::One(subject.to_owned())),
        (format!("{host}:aud"), ClaimValues::One(audience.to_owned())),
    ];
    if let Some(Value::Array(methods)) = claims.get("amr") {
        let methods = methods.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        keys.push((format!("{host}:amr"), ClaimValues::Many(methods)));
    }
    for claim in github::claims(host) {
        if let Some(Value::String(value)) = claims.get(*claim) {
            keys.push((format!("{host}:{claim}"), ClaimValues::One(value.clone())));
        }
    }
    keys
}

type Tags = (Vec<(String, String)>, Vec<String>);

/// Session tags in a token
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>):
/// `{"principal_tags": {KEY: [VALUE]}, "transitive_tag_keys": [KEY]}`.
fn tags(claims: &Map<String, Value>) -> Result<Tags, ServiceError> {
    let Some(claim) = claims.get(TAGS_CLAIM) else { return Ok(Tags::default()) };
    let malformed = || invalid(format!("The claim {TAGS_CLAIM} is malformed"));
    let given = claim.get("principal_tags").and_then(Value::as_object).ok_or_else(malformed)?;
    let mut tags = Vec::with_capacity(given.len());
    for (key, values) in given {
        let [Value::String(value)] = values.as_array().ok_or_else(malformed)?.as_slice() else {
            return Err(malformed());
        };
        tags.push((key.clone(), value.clone()));
    }
    let transitive = match claim.get("transitive_tag_keys") {
        None => Vec::new(),
        Some(keys) => {
            let keys = keys.as_array().ok_or_else(malformed)?;
            keys.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
    };
    Ok((tags, transitive))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "Cross-service AWS OIDC federation context keys": what GitHub's token says of a
    /// workflow is for the trust policy alone.
    #[test]
    fn a_session_keeps_subject_audience_and_methods() {
        let host = "token.actions.githubusercontent.com";
        let claims = serde_json::json!({"sub": "repo:o/r:ref:refs/heads/main",
            "aud": "sts.amazonaws.com", "amr": ["authenticated"], "repository": "o/r",
            "ref": "refs/heads/main", "job_workflow_ref": "o/w/.github/workflows/x.yml@main"});
        let all = keys(
            host,
            "repo:o/r:ref:refs/heads/main",
            "sts.amazonaws.com",
            claims.as_object().unwrap(),
        );
        assert!(all.iter().any(|(key, _)| key == &format!("{host}:repository")), "{all:?}");
        let kept: Vec<String> = lasting(&all).into_iter().map(|(key, _)| key).collect();
        assert_eq!(kept, ["sub", "aud", "amr"].map(|claim| format!("{host}:{claim}")));
    }
}

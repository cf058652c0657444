//! What `CreateAuthorizer` says of a JWT authorizer.

use ringfence_wire::ServiceError;
use serde_json::Value;

use super::{Given, foreign, text};
use crate::http_api::control::errors;
use crate::http_api::control::input::limit_length;
use crate::http_api::model::{IdentitySource, JwtAuthorizer, JwtConfiguration};

/// Audiences an authorizer may have
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
const MOST_AUDIENCES: usize = 50;

/// Refuses what only Lambda authorizers have.
pub(super) fn check(given: &Given) -> Result<(), ServiceError> {
    foreign(
        "JWT",
        &[
            ("AuthorizerCredentialsArn", text(given.authorizer_credentials_arn.as_ref())),
            (
                "AuthorizerPayloadFormatVersion",
                text(given.authorizer_payload_format_version.as_ref()),
            ),
            (
                "AuthorizerResultTtlInSeconds",
                given.authorizer_result_ttl_in_seconds.is_some_and(|ttl| ttl > 0),
            ),
            ("AuthorizerUri", text(given.authorizer_uri.as_ref())),
            ("EnableSimpleResponses", given.enable_simple_responses == Some(true)),
            ("IdentityValidationExpression", text(given.identity_validation_expression.as_ref())),
        ],
    )
}

pub(super) fn create(given: &Given) -> Result<JwtAuthorizer, ServiceError> {
    check(given)?;
    let jwt_configuration = configuration(given)?
        .ok_or_else(|| errors::bad_request("JwtConfiguration is required for JWT Authorizer"))?;
    let identity_source = given.identity_source.clone().unwrap_or_default();
    let source = source(&identity_source)?;
    Ok(JwtAuthorizer { identity_source, jwt_configuration, source })
}

pub(super) fn update(authorizer: &mut JwtAuthorizer, given: &Given) -> Result<(), ServiceError> {
    check(given)?;
    if let Some(configuration) = configuration(given)? {
        authorizer.jwt_configuration = configuration;
    }
    if let Some(expressions) = &given.identity_source {
        authorizer.source = source(expressions)?;
        authorizer.identity_source.clone_from(expressions);
    }
    Ok(())
}

pub(super) fn configuration(given: &Given) -> Result<Option<JwtConfiguration>, ServiceError> {
    let Some(members) = given.jwt_configuration.clone() else { return Ok(None) };
    let configuration: JwtConfiguration = serde_json::from_value(Value::Object(members))
        .map_err(|error| errors::bad_request(format!("Invalid JwtConfiguration: {error}")))?;
    if configuration.issuer.is_empty() {
        return Err(errors::bad_request("Issuer is required for JWT Authorizer"));
    }
    limit_length("Issuer", Some(&configuration.issuer), 2048)?;
    // With no audience, every token of the issuer would do, or none.
    if configuration.audience.iter().all(String::is_empty) {
        return Err(errors::bad_request(
            "Audience list must have at least 1 item for JWT Authorizer",
        ));
    }
    if configuration.audience.len() > MOST_AUDIENCES {
        return Err(errors::limit("audiences"));
    }
    Ok(Some(configuration))
}

/// Reads the one expression of an identity source.
fn source(expressions: &[String]) -> Result<IdentitySource, ServiceError> {
    let one = match expressions {
        [expression] => place(expression),
        _ => None,
    };
    one.ok_or_else(|| {
        errors::bad_request(
            "JWT Authorizer must have exactly one identity source, of the form \
             $request.header.NAME or $request.querystring.NAME",
        )
    })
}

/// `$request.header.NAME` or `$request.querystring.NAME`.
pub(super) fn place(expression: &str) -> Option<IdentitySource> {
    if let Some(name) = expression.strip_prefix("$request.header.") {
        return name.parse().ok().map(IdentitySource::Header);
    }
    let name = expression.strip_prefix("$request.querystring.")?;
    (!name.is_empty()).then(|| IdentitySource::Query(name.to_owned()))
}

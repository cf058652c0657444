//! What `CreateAuthorizer` says of a Lambda authorizer.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>,
//! <https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html>

use ringfence_wire::ServiceError;

use super::jwt::place;
use super::{Given, foreign, text};
use crate::http_api::control::errors;
use crate::http_api::control::input::set;
use crate::http_api::control::integrations::{check_credentials, invoked};
use crate::http_api::model::{LambdaAuthorizer, PayloadFormat, Source};
use crate::http_api::trace::FACTS;

/// "The maximum value is 3600, or 1 hour."
const MOST_SECONDS: u32 = 3600;

pub(super) fn create(given: &Given) -> Result<LambdaAuthorizer, ServiceError> {
    if !text(given.authorizer_uri.as_ref()) {
        return Err(errors::bad_request("AuthorizerUri is required for REQUEST Authorizer"));
    }
    // <https://github.com/hashicorp/terraform-provider-aws/issues/15181>
    let format = payload_format(given)?.ok_or_else(|| {
        errors::bad_request(
            "AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer",
        )
    })?;
    let mut authorizer = LambdaAuthorizer {
        authorizer_credentials_arn: None,
        authorizer_payload_format_version: format,
        authorizer_result_ttl_in_seconds: None,
        authorizer_uri: String::new(),
        enable_simple_responses: false,
        identity_source: Vec::new(),
        sources: Vec::new(),
        function_arn: String::new(),
    };
    update(&mut authorizer, given)?;
    Ok(authorizer)
}

pub(super) fn update(authorizer: &mut LambdaAuthorizer, given: &Given) -> Result<(), ServiceError> {
    foreign(
        "REQUEST",
        &[
            ("JwtConfiguration", given.jwt_configuration.as_ref().is_some_and(|it| !it.is_empty())),
            ("IdentityValidationExpression", text(given.identity_validation_expression.as_ref())),
        ],
    )?;
    if let Some(uri) = given.authorizer_uri.as_ref().filter(|uri| !uri.is_empty()) {
        authorizer.function_arn = invoked(uri).ok_or_else(|| {
            errors::bad_request(format!(
                "Invalid Authorizer URI: {uri}. Authorizer URI should be a valid API Gateway ARN \
                 that represents a Lambda function invocation."
            ))
        })?;
        authorizer.authorizer_uri.clone_from(uri);
    }
    check_credentials(given.authorizer_credentials_arn.as_deref())?;
    set(&mut authorizer.authorizer_credentials_arn, given.authorizer_credentials_arn.clone());
    if let Some(format) = payload_format(given)? {
        authorizer.authorizer_payload_format_version = format;
    }
    if let Some(simple) = given.enable_simple_responses {
        authorizer.enable_simple_responses = simple;
    }
    if let Some(seconds) = given.authorizer_result_ttl_in_seconds {
        authorizer.authorizer_result_ttl_in_seconds = Some(seconds);
    }
    if let Some(expressions) = &given.identity_source {
        authorizer.sources =
            expressions.iter().map(|text| source(text)).collect::<Result<_, _>>()?;
        authorizer.identity_source.clone_from(expressions);
    }
    whole(authorizer)
}

/// That the settings hold together.
fn whole(authorizer: &LambdaAuthorizer) -> Result<(), ServiceError> {
    let of_first = authorizer.authorizer_payload_format_version == PayloadFormat::V1;
    if authorizer.enable_simple_responses && of_first {
        return Err(errors::bad_request(
            "EnableSimpleResponses is supported only for AuthorizerPayloadFormatVersion 2.0",
        ));
    }
    let seconds = authorizer.authorizer_result_ttl_in_seconds.unwrap_or_default();
    if seconds > MOST_SECONDS {
        return Err(errors::bad_request(format!(
            "AuthorizerResultTtlInSeconds must be between 0 and {MOST_SECONDS}"
        )));
    }
    // "To enable caching, your authorizer must have at least one identity source."
    if seconds > 0 && authorizer.sources.is_empty() {
        return Err(errors::bad_request(
            "IdentitySource is required where AuthorizerResultTtlInSeconds is greater than 0",
        ));
    }
    Ok(())
}

fn payload_format(given: &Given) -> Result<Option<PayloadFormat>, ServiceError> {
    match given.authorizer_payload_format_version.as_deref() {
        None | Some("") => Ok(None),
        Some("1.0") => Ok(Some(PayloadFormat::V1)),
        Some("2.0") => Ok(Some(PayloadFormat::V2)),
        Some(_) => Err(errors::bad_request(
            "Invalid authorizer payload format version specified. Must be one of [1.0, 2.0]",
        )),
    }
}

/// An expression of an identity source.
fn source(expression: &str) -> Result<Source, ServiceError> {
    if let Some(place) = place(expression) {
        return Ok(Source::Request(place));
    }
    if let Some(name) = expression.strip_prefix("$stageVariables.").filter(|name| !name.is_empty())
    {
        return Ok(Source::Stage(name.to_owned()));
    }
    match expression.strip_prefix("$context.") {
        Some(name) if FACTS.contains(&name) => Ok(Source::Context(name.to_owned())),
        Some(_) => Err(errors::not_built(format_args!("the identity source {expression}"))),
        None => Err(errors::bad_request(format!(
            "Invalid identity source {expression}: it must begin with $request.header., \
             $request.querystring., $context. or $stageVariables."
        ))),
    }
}

//! `CreateAuthorizer` and its kin.

use std::sync::Arc;

use ringfence_wire::ServiceError;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::input::{Input, limit_length};
use super::{NOTHING, errors};
use crate::http_api::HttpApis;
use crate::http_api::model::{
    Authorization, Authorizer, IdentitySource, JwtConfiguration, Snapshot, show,
};
use crate::http_api::state::new_id;
use crate::lacking::{Made, lacking};

/// Authorizers an API may have, and audiences an authorizer
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
const MOST_AUTHORIZERS: usize = 10;
const MOST_AUDIENCES: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Given {
    authorizer_credentials_arn: Option<String>,
    authorizer_payload_format_version: Option<String>,
    authorizer_result_ttl_in_seconds: Option<u32>,
    authorizer_type: Option<String>,
    authorizer_uri: Option<String>,
    enable_simple_responses: Option<bool>,
    identity_source: Option<Vec<String>>,
    identity_validation_expression: Option<String>,
    jwt_configuration: Option<Map<String, Value>>,
    name: Option<String>,
}

impl Given {
    fn check(&self) -> Result<(), ServiceError> {
        let kind = self.authorizer_type.as_deref();
        if let Some(what) = lacking(Made::Authorizer, "AuthorizerType", kind) {
            return Err(errors::not_built(what));
        }
        match kind {
            None | Some("JWT") => {}
            Some(_) => {
                return Err(errors::bad_request(
                    "Invalid authorizer type specified. Must be one of [JWT, REQUEST]",
                ));
            }
        }
        let text = |member: &Option<String>| member.as_ref().is_some_and(|t| !t.is_empty());
        let foreign = [
            ("AuthorizerCredentialsArn", text(&self.authorizer_credentials_arn)),
            ("AuthorizerPayloadFormatVersion", text(&self.authorizer_payload_format_version)),
            (
                "AuthorizerResultTtlInSeconds",
                self.authorizer_result_ttl_in_seconds.is_some_and(|ttl| ttl > 0),
            ),
            ("AuthorizerUri", text(&self.authorizer_uri)),
            ("EnableSimpleResponses", self.enable_simple_responses == Some(true)),
            ("IdentityValidationExpression", text(&self.identity_validation_expression)),
        ];
        if let Some((member, _)) = foreign.iter().find(|(_, given)| *given) {
            return Err(errors::bad_request(format!(
                "{member} is not supported for JWT Authorizer"
            )));
        }
        limit_length("Name", self.name.as_deref(), 128)
    }

    fn configuration(&self) -> Result<Option<JwtConfiguration>, ServiceError> {
        let Some(members) = self.jwt_configuration.clone() else { return Ok(None) };
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
}

/// Reads the one expression of an identity source: `$request.header.NAME` or
/// `$request.querystring.NAME`.
fn source(expressions: &[String]) -> Result<IdentitySource, ServiceError> {
    let invalid = || {
        errors::bad_request(
            "JWT Authorizer must have exactly one identity source, of the form \
             $request.header.NAME or $request.querystring.NAME",
        )
    };
    let [expression] = expressions else { return Err(invalid()) };
    if let Some(name) = expression.strip_prefix("$request.header.") {
        return name.parse().map(IdentitySource::Header).map_err(|_| invalid());
    }
    match expression.strip_prefix("$request.querystring.") {
        Some(name) if !name.is_empty() => Ok(IdentitySource::Query(name.to_owned())),
        _ => Err(invalid()),
    }
}

fn find<'a>(snapshot: &'a Snapshot, id: &str) -> Result<&'a Arc<Authorizer>, ServiceError> {
    snapshot.authorizers.get(id).ok_or_else(|| errors::no_record("Authorizer", id))
}

fn check_name(snapshot: &Snapshot, name: &str, own_id: &str) -> Result<(), ServiceError> {
    let taken = |other: &Arc<Authorizer>| other.name == name && other.authorizer_id != own_id;
    if snapshot.authorizers.values().any(taken) {
        return Err(errors::bad_request(format!(
            "Authorizer name must be unique. Authorizer {name} already exists in this RestApi."
        )));
    }
    Ok(())
}

impl HttpApis {
    /// Refuses an issuer whose keys cannot be had
    /// (<https://github.com/haandol/cognito-kakao-example/issues/1>).
    async fn check_issuer(&self, issuer: &str) -> Result<(), ServiceError> {
        self.issuers.reach(issuer, self.now()).await.map_err(|_| {
            let issuer_path = issuer.trim_end_matches('/');
            errors::bad_request(format!(
                "Caught exception when connecting to \
                 {issuer_path}/.well-known/openid-configuration for issuer {issuer}. Please try \
                 again later. Error: Invalid issuer: {issuer}. Issuer must have a valid discovery \
                 endpoint ended with '/.well-known/openid-configuration'"
            ))
        })
    }

    pub(super) async fn create_authorizer(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let given: Given = input.body(&["ApiId"])?;
        given.check()?;
        input.need("AuthorizerType")?;
        let name = input.need("Name")?.to_owned();
        let configuration = given.configuration()?.ok_or_else(|| {
            errors::bad_request("JwtConfiguration is required for JWT Authorizer")
        })?;
        let identity_source = given.identity_source.unwrap_or_default();
        let source = source(&identity_source)?;
        // An unknown API is refused before anybody's issuer is asked.
        self.look(input, |_| Ok(()))?;
        self.check_issuer(&configuration.issuer).await?;
        let now = self.now();
        self.change(input, |api| {
            api.reconfigure(now, |snapshot| {
                if snapshot.authorizers.len() >= MOST_AUTHORIZERS {
                    return Err(errors::limit("Authorizers"));
                }
                check_name(snapshot, &name, "")?;
                let authorizer = Authorizer {
                    authorizer_id: new_id(6)?,
                    authorizer_type: "JWT",
                    identity_source,
                    jwt_configuration: configuration,
                    name,
                    source,
                };
                let shown = show(&authorizer);
                let id = authorizer.authorizer_id.clone();
                snapshot.authorizers.insert(id, Arc::new(authorizer));
                Ok(shown)
            })
        })
    }

    pub(super) async fn update_authorizer(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let given: Given = input.body(&["ApiId", "AuthorizerId"])?;
        given.check()?;
        let id = input.need("AuthorizerId")?;
        let configuration = given.configuration()?;
        let source = given.identity_source.as_deref().map(source).transpose()?;
        self.look(input, |api| find(&api.live, id).map(drop))?;
        if let Some(configuration) = &configuration {
            self.check_issuer(&configuration.issuer).await?;
        }
        let now = self.now();
        self.change(input, |api| {
            api.reconfigure(now, |snapshot| {
                let mut authorizer = Authorizer::clone(find(snapshot, id)?);
                if let Some(name) = given.name.filter(|name| !name.is_empty()) {
                    check_name(snapshot, &name, id)?;
                    authorizer.name = name;
                }
                if let Some(configuration) = configuration {
                    authorizer.jwt_configuration = configuration;
                }
                if let (Some(source), Some(expressions)) = (source, given.identity_source) {
                    authorizer.source = source;
                    authorizer.identity_source = expressions;
                }
                let shown = show(&authorizer);
                snapshot.authorizers.insert(id.to_owned(), Arc::new(authorizer));
                Ok(shown)
            })
        })
    }

    pub(super) fn get_authorizer(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.look(input, |api| Ok(show(find(&api.live, input.need("AuthorizerId")?)?.as_ref())))
    }

    pub(super) fn get_authorizers(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.look(input, |api| {
            input.page(api.live.authorizers.values().map(|one| show(one.as_ref())).collect())
        })
    }

    pub(super) fn delete_authorizer(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let now = self.now();
        self.change(input, |api| {
            api.reconfigure(now, |snapshot| {
                let id = input.need("AuthorizerId")?;
                let name = find(snapshot, id)?.name.clone();
                let user = snapshot.routes.values().find(|route| {
                    matches!(&route.authorization,
                        Authorization::Jwt { authorizer_id, .. } if authorizer_id == id)
                });
                // <https://github.com/anomalyco/sst/issues/5586>
                if let Some(route) = user {
                    return Err(errors::conflict(format!(
                        "Cannot delete authorizer '{name}', is referenced in route: {}",
                        route.key
                    )));
                }
                snapshot.authorizers.remove(id);
                Ok(NOTHING)
            })
        })
    }
}

//! `CreateAuthorizer` and its kin.

mod jwt;
mod lambda;

use std::sync::Arc;

use ringfence_wire::ServiceError;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::input::{Input, limit_length};
use super::{NOTHING, errors};
use crate::http_api::HttpApis;
use crate::http_api::model::{Authorizer, AuthorizerKind, Snapshot, show};
use crate::http_api::state::new_id;

/// Authorizers an API may have
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
const MOST_AUTHORIZERS: usize = 10;

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
        match self.authorizer_type.as_deref() {
            None | Some("JWT" | "REQUEST") => {}
            Some(_) => {
                return Err(errors::bad_request(
                    "Invalid authorizer type specified. Must be one of [JWT, REQUEST]",
                ));
            }
        }
        limit_length("Name", self.name.as_deref(), 128)
    }

    fn create(&self) -> Result<AuthorizerKind, ServiceError> {
        match self.authorizer_type.as_deref() {
            Some("REQUEST") => lambda::create(self).map(AuthorizerKind::Lambda),
            _ => jwt::create(self).map(AuthorizerKind::Jwt),
        }
    }

    fn update(&self, kind: &mut AuthorizerKind) -> Result<(), ServiceError> {
        let own = match kind {
            AuthorizerKind::Jwt(_) => "JWT",
            AuthorizerKind::Lambda(_) => "REQUEST",
        };
        if self.authorizer_type.as_deref().is_some_and(|given| given != own) {
            return Err(errors::bad_request("The type of an authorizer cannot be changed"));
        }
        match kind {
            AuthorizerKind::Jwt(jwt) => jwt::update(jwt, self),
            AuthorizerKind::Lambda(lambda) => lambda::update(lambda, self),
        }
    }
}

/// Refuses what another kind of authorizer has.
fn foreign(kind: &str, members: &[(&str, bool)]) -> Result<(), ServiceError> {
    match members.iter().find(|(_, given)| *given) {
        Some((member, _)) => {
            Err(errors::bad_request(format!("{member} is not supported for {kind} Authorizer")))
        }
        None => Ok(()),
    }
}

/// Whether a text is given.
fn text(member: Option<&String>) -> bool {
    member.is_some_and(|text| !text.is_empty())
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
        let kind = given.create()?;
        // An unknown API is refused before anybody's issuer is asked.
        self.look(input, |_| Ok(()))?;
        if let AuthorizerKind::Jwt(jwt) = &kind {
            self.check_issuer(&jwt.jwt_configuration.issuer).await?;
        }
        let now = self.now();
        self.change(input, |api| {
            api.reconfigure(now, |snapshot| {
                if snapshot.authorizers.len() >= MOST_AUTHORIZERS {
                    return Err(errors::limit("Authorizers"));
                }
                check_name(snapshot, &name, "")?;
                let authorizer = Authorizer { authorizer_id: new_id(6)?, kind, name };
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
        self.look(input, |api| given.update(&mut find(&api.live, id)?.kind.clone()))?;
        if let Some(configuration) = jwt::configuration(&given)? {
            self.check_issuer(&configuration.issuer).await?;
        }
        let now = self.now();
        let shown = self.change(input, |api| {
            api.reconfigure(now, |snapshot| {
                let mut authorizer = Authorizer::clone(find(snapshot, id)?);
                if let Some(name) = given.name.as_ref().filter(|name| !name.is_empty()) {
                    check_name(snapshot, name, id)?;
                    authorizer.name.clone_from(name);
                }
                given.update(&mut authorizer.kind)?;
                let shown = show(&authorizer);
                snapshot.authorizers.insert(id.to_owned(), Arc::new(authorizer));
                Ok(shown)
            })
        })?;
        // What another configuration made is not asked for.
        self.answers.forget(|key| key.authorizer_id == id);
        Ok(shown)
    }

    pub(super) fn get_authorizer(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.look(input, |api| Ok(show(find(&api.live, input.need("AuthorizerId")?)?.as_ref())))
    }

    pub(super) fn get_authorizers(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.look(input, |api| {
            input.page(api.live.authorizers.values().map(|one| show(one.as_ref())).collect())
        })
    }

    /// "Resets all authorizer cache entries on a stage."
    /// (<https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages-stagename-cache-authorizers.html>)
    pub(super) fn reset_authorizers_cache(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let (api, stage) = (input.need("ApiId")?, input.need("StageName")?);
        self.look(input, |api| {
            let there = api.stages.contains_key(stage);
            there
                .then_some(())
                .ok_or_else(|| errors::not_found("Invalid stage identifier specified"))
        })?;
        self.answers.forget(|key| key.api_id == api && key.stage == stage);
        Ok(NOTHING)
    }

    pub(super) fn delete_authorizer(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let now = self.now();
        self.change(input, |api| {
            api.reconfigure(now, |snapshot| {
                let id = input.need("AuthorizerId")?;
                let name = find(snapshot, id)?.name.clone();
                // <https://github.com/anomalyco/sst/issues/5586>
                let mut routes = snapshot.routes.values();
                if let Some(route) =
                    routes.find(|route| route.authorization.authorizer_id() == Some(id))
                {
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

//! `CreateRoute` and its kin.

use std::sync::Arc;

use ringfence_wire::ServiceError;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::input::{Input, limit_length, set};
use super::{NOTHING, errors};
use crate::http_api::HttpApis;
use crate::http_api::model::{Authorization, AuthorizerKind, Route, Snapshot};
use crate::http_api::route::RouteKey;
use crate::http_api::state::new_id;

/// Routes an API may have, and scopes a route
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
const MOST_ROUTES: usize = 300;
const MOST_SCOPES: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Given {
    api_key_required: Option<bool>,
    authorization_scopes: Option<Vec<String>>,
    authorization_type: Option<String>,
    authorizer_id: Option<String>,
    model_selection_expression: Option<String>,
    operation_name: Option<String>,
    request_models: Option<Map<String, Value>>,
    request_parameters: Option<Map<String, Value>>,
    route_key: Option<String>,
    route_response_selection_expression: Option<String>,
    target: Option<String>,
}

impl Given {
    /// Refuses what only WebSocket APIs have.
    fn check(&self) -> Result<(), ServiceError> {
        limit_length("OperationName", self.operation_name.as_deref(), 64)?;
        let text = |member: &Option<String>| member.as_ref().is_some_and(|t| !t.is_empty());
        let map = |member: &Option<Map<_, _>>| member.as_ref().is_some_and(|m| !m.is_empty());
        let foreign = [
            ("ApiKeyRequired", self.api_key_required == Some(true)),
            ("ModelSelectionExpression", text(&self.model_selection_expression)),
            ("RequestModels", map(&self.request_models)),
            ("RequestParameters", map(&self.request_parameters)),
            ("RouteResponseSelectionExpression", text(&self.route_response_selection_expression)),
        ];
        match foreign.iter().find(|(_, given)| *given) {
            Some((member, _)) => Err(errors::bad_request(format!(
                "{member} is currently not supported for protocolType HTTP"
            ))),
            None => Ok(()),
        }
    }
}

/// The authorization that a call asks for, over what was there.
///
/// A type other than `JWT` lets go of authorizer and scopes: with nothing to
/// check, they would only pretend.
fn authorization(
    snapshot: &Snapshot,
    before: &Authorization,
    given: &Given,
) -> Result<Authorization, ServiceError> {
    let kind = given.authorization_type.as_deref().unwrap_or(before.name());
    let old_scopes = match before {
        Authorization::Jwt { scopes, .. } => scopes.as_slice(),
        _ => &[],
    };
    let scopes = given.authorization_scopes.clone().unwrap_or_else(|| old_scopes.to_vec());
    if kind != "JWT" && given.authorization_scopes.as_ref().is_some_and(|s| !s.is_empty()) {
        return Err(errors::bad_request(
            "Authorization scopes are supported only for the authorization type JWT",
        ));
    }
    if scopes.len() > MOST_SCOPES {
        return Err(errors::limit("authorization scopes"));
    }
    if let Some(scope) = scopes.iter().find(|scope| !is_scope(scope)) {
        return Err(errors::bad_request(format!("Invalid authorization scope: {scope}")));
    }
    let given_id = given.authorizer_id.as_deref().filter(|id| !id.is_empty());
    let authorizer = |fits: fn(&AuthorizerKind) -> bool| {
        let id = given_id.or(before.authorizer_id())?;
        snapshot.authorizers.get(id).filter(|it| fits(&it.kind)).map(|_| id.to_owned())
    };
    match kind {
        "NONE" => Ok(Authorization::None),
        "AWS_IAM" => Ok(Authorization::AwsIam),
        // <https://github.com/anomalyco/ion/issues/1104>
        "JWT" => match authorizer(|kind| matches!(kind, AuthorizerKind::Jwt(_))) {
            Some(authorizer_id) => Ok(Authorization::Jwt { authorizer_id, scopes }),
            None => Err(errors::bad_request(
                "Invalid authorizer ID specified. Setting the authorization type to JWT requires \
                 a valid JWT authorizer.",
            )),
        },
        // <https://github.com/hashicorp/terraform-provider-aws/issues/17497>
        "CUSTOM" => match authorizer(|kind| matches!(kind, AuthorizerKind::Lambda(_))) {
            Some(authorizer_id) => Ok(Authorization::Lambda { authorizer_id }),
            None => Err(errors::bad_request(
                "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or \
                 COGNITO_USER_POOLS requires a valid authorizer.",
            )),
        },
        _ => Err(errors::bad_request(
            "Invalid authorization type specified. Must be one of [NONE, AWS_IAM, CUSTOM, JWT]",
        )),
    }
}

/// A scope token of OAuth 2.0 (RFC 6749, section 3.3).
fn is_scope(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

/// The integration that a target names: `integrations/ID`.
fn target(snapshot: &Snapshot, text: &str) -> Result<Option<String>, ServiceError> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.strip_prefix("integrations/") {
        Some(id) if snapshot.integrations.contains_key(id) => Ok(Some(id.to_owned())),
        Some(id) => Err(errors::no_record("Integration", id)),
        None => Err(errors::bad_request(format!(
            "Invalid target {text}: it must have the form integrations/INTEGRATION_ID"
        ))),
    }
}

/// Refuses a key that takes the same requests as another route's.
fn check_key(snapshot: &Snapshot, key: &RouteKey, own_id: &str) -> Result<(), ServiceError> {
    let others = snapshot.routes.values().filter(|route| route.route_id != own_id);
    match others.map(|route| &route.key).find(|other| other.overlaps(key)) {
        None => Ok(()),
        Some(other) if other == key => {
            Err(errors::conflict(format!("Route with key {key} already exists for this API")))
        }
        // <https://github.com/plutomi/plutomi/issues/271>
        Some(other) => Err(errors::conflict(format!(
            "The provided route key \"{key}\" has a conflicting variable on the same hierarchical \
             level as \"{other}\""
        ))),
    }
}

fn parse(text: &str) -> Result<RouteKey, ServiceError> {
    if text.is_empty() {
        return Err(errors::bad_request("Route key is required"));
    }
    text.parse().map_err(|error| errors::bad_request(format!("{error}")))
}

fn find<'a>(snapshot: &'a Snapshot, id: &str) -> Result<&'a Arc<Route>, ServiceError> {
    snapshot.routes.get(id).ok_or_else(|| errors::no_record("Route", id))
}

impl HttpApis {
    pub(super) fn create_route(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let given: Given = input.body(&["ApiId"])?;
        given.check()?;
        let now = self.now();
        self.change(input, |api| {
            api.reconfigure(now, |snapshot| {
                if snapshot.routes.len() >= MOST_ROUTES {
                    return Err(errors::limit("Routes"));
                }
                let mut route = Route {
                    route_id: new_id(7)?,
                    key: parse(given.route_key.as_deref().unwrap_or_default())?,
                    authorization: authorization(snapshot, &Authorization::None, &given)?,
                    integration_id: None,
                    operation_name: None,
                    managed: false,
                };
                check_key(snapshot, &route.key, &route.route_id)?;
                route.integration_id =
                    target(snapshot, given.target.as_deref().unwrap_or_default())?;
                set(&mut route.operation_name, given.operation_name);
                let shown = route.show();
                snapshot.routes.insert(route.route_id.clone(), Arc::new(route));
                Ok(shown)
            })
        })
    }

    pub(super) fn update_route(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let given: Given = input.body(&["ApiId", "RouteId"])?;
        given.check()?;
        let now = self.now();
        self.change(input, |api| {
            api.reconfigure(now, |snapshot| {
                let mut route = Route::clone(find(snapshot, input.need("RouteId")?)?);
                // <https://github.com/hashicorp/terraform-provider-aws/pull/35821>
                let named = given.authorizer_id.as_ref().is_some_and(|id| !id.is_empty());
                if named && given.authorization_type.is_none() {
                    return Err(errors::bad_request(
                        "Unable to update route. Authorizer type is invalid or null.",
                    ));
                }
                route.authorization = authorization(snapshot, &route.authorization, &given)?;
                if let Some(key) = &given.route_key {
                    route.key = parse(key)?;
                    check_key(snapshot, &route.key, &route.route_id)?;
                }
                if let Some(text) = &given.target {
                    route.integration_id = target(snapshot, text)?;
                }
                set(&mut route.operation_name, given.operation_name);
                let shown = route.show();
                snapshot.routes.insert(route.route_id.clone(), Arc::new(route));
                Ok(shown)
            })
        })
    }

    pub(super) fn get_route(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.look(input, |api| Ok(find(&api.live, input.need("RouteId")?)?.show()))
    }

    pub(super) fn get_routes(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.look(input, |api| {
            input.page(api.live.routes.values().map(|route| route.show()).collect())
        })
    }

    pub(super) fn delete_route(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let now = self.now();
        self.change(input, |api| {
            api.reconfigure(now, |snapshot| {
                let id = input.need("RouteId")?;
                find(snapshot, id)?;
                snapshot.routes.remove(id);
                Ok(NOTHING)
            })
        })
    }
}

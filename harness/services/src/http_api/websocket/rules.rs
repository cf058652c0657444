//! What AWS refuses of a WebSocket API's records.

use ringfence_wire::ServiceError;
use serde_json::Value;

use super::kinds::Kind;
use super::{Api, CONNECT, Record, lower_first};
use crate::http_api::control::errors;

/// That members with known values have one of these.
pub(super) fn values(kind: &Kind, given: &Record) -> Result<(), ServiceError> {
    for (member, allowed) in kind.values {
        let value = given.get(&lower_first(member)).and_then(Value::as_str);
        if let Some(value) = value.filter(|value| !value.is_empty() && !allowed.contains(value)) {
            return Err(errors::bad_request(format!(
                "Invalid {member} specified: {value}. Must be one of [{}]",
                allowed.join(", ")
            )));
        }
    }
    Ok(())
}

/// That a record holds together with the others.
pub(super) fn holds(api: &Api, kind: &Kind, record: &Record) -> Result<(), ServiceError> {
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    let there =
        |noun: &str, id: &str| api.records.get(noun).is_some_and(|all| all.contains_key(id));
    match kind.noun {
        "Route" => {
            let key = text("routeKey").unwrap_or_default();
            if taken(api, kind, record, "routeKey", "routeId") {
                return Err(errors::conflict(format!(
                    "Route with key {key} already exists for this API"
                )));
            }
            match text("target").map(|target| (target, target.strip_prefix("integrations/"))) {
                Some((_, Some(id))) if there("Integration", id) => {}
                Some((_, Some(id))) => return Err(errors::no_record("Integration", id)),
                Some((target, None)) => {
                    return Err(errors::bad_request(format!(
                        "Invalid target {target}: it must have the form integrations/INTEGRATION_ID"
                    )));
                }
                None => {}
            }
            authorization(api, key, record)
        }
        "Integration" => {
            if text("integrationType") != Some("MOCK") && text("integrationUri").is_none() {
                return Err(errors::bad_request("IntegrationUri is required"));
            }
            let millis = record.get("timeoutInMillis").and_then(Value::as_u64);
            // <https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-integrations.html>
            if millis.is_some_and(|millis| !(50..=29_000).contains(&millis)) {
                return Err(errors::bad_request("Timeout should be between 50 ms and 29000 ms"));
            }
            Ok(())
        }
        "Deployment" if api.records.get("Route").is_none_or(|all| all.is_empty()) => {
            Err(errors::bad_request(errors::NO_ROUTES))
        }
        "Stage" => match text("deploymentId") {
            Some(id) if !there("Deployment", id) => Err(errors::no_record("Deployment", id)),
            _ => Ok(()),
        },
        "Model" if taken(api, kind, record, "name", "modelId") => {
            Err(errors::conflict("Model name already exists for this API"))
        }
        "RouteResponse" if taken(api, kind, record, "routeResponseKey", "routeResponseId") => {
            Err(errors::conflict("Route response with this key already exists for this route"))
        }
        _ => Ok(()),
    }
}

/// Only who connects is asked who they are
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-control-access.html>).
fn authorization(api: &Api, key: &str, record: &Record) -> Result<(), ServiceError> {
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    let kind = text("authorizationType").unwrap_or("NONE");
    if kind != "NONE" && key != CONNECT {
        return Err(errors::bad_request(format!(
            "Authorization is supported only on the route {CONNECT}"
        )));
    }
    let known = |id: &str| api.records.get("Authorizer").is_some_and(|all| all.contains_key(id));
    if kind == "CUSTOM" && !text("authorizerId").is_some_and(known) {
        // <https://github.com/hashicorp/terraform-provider-aws/issues/17497>
        return Err(errors::bad_request(
            "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or \
             COGNITO_USER_POOLS requires a valid authorizer.",
        ));
    }
    Ok(())
}

/// Whether another record of a kind, and of the same parent, has a member's value.
fn taken(api: &Api, kind: &Kind, record: &Record, member: &str, id: &str) -> bool {
    let parent = kind.parent.map(|noun| lower_first(&format!("{noun}Id")));
    let siblings = api.records.get(kind.noun).into_iter().flat_map(|all| all.values());
    siblings
        .filter(|other| parent.as_ref().is_none_or(|name| other.get(name) == record.get(name)))
        .any(|other| other.get(member) == record.get(member) && other.get(id) != record.get(id))
}

/// That nothing uses a record that goes.
pub(super) fn unused(api: &Api, kind: &Kind, id: &str) -> Result<(), ServiceError> {
    let target = format!("integrations/{id}");
    let (users, member, value) = match kind.noun {
        "Integration" => ("Route", "target", target.as_str()),
        "Authorizer" => ("Route", "authorizerId", id),
        "Deployment" => ("Stage", "deploymentId", id),
        _ => return Ok(()),
    };
    let all = api.records.get(users).into_iter().flatten();
    let names: Vec<&str> = all
        .filter(|(_, user)| user.get(member).and_then(Value::as_str) == Some(value))
        .map(|(name, _)| name.as_str())
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    // <https://github.com/milliHQ/terraform-aws-next-js/issues/247>
    let by = if users == "Route" { "Routes with Ids" } else { "Stages" };
    Err(errors::conflict(format!(
        "Cannot delete {} because it is referenced by the following {by}: [{}]",
        kind.noun,
        names.join(", ")
    )))
}

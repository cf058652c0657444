//! `AWS::ApiGatewayV2::Api`, where a `Body` describes it. AWS imports it in one
//! call; here each part is made by its own call of whoever deploys, which is
//! decided as such. A changed body replaces all parts, as AWS's import does.

use async_trait::async_trait;
use ringfence_wire::services::ApiGatewayV2;
use serde_json::{Map, Value, json};

use super::api_gateway::{self, lower};
use super::http_api_body::{Authorization, Imported, Route, read};
use super::{Context, Existing, Failure, Made, Property, ResourceType, Tagging, at};

pub(super) struct Api;

/// The properties that say how a body is imported, and are none of the API's.
const IMPORT: [&str; 2] = ["Body", "FailOnWarnings"];

#[async_trait]
impl ResourceType for Api {
    fn properties(&self) -> &'static [Property] {
        api_gateway::API.properties()
    }

    fn tagging(&self) -> Tagging {
        api_gateway::API.tagging()
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let imported = imported(wanted)?;
        let properties = properties(wanted, imported.as_ref());
        let made = api_gateway::API.create(context, &properties).await?;
        if let Some(imported) = imported {
            fill(context, &made.physical_id, imported).await?;
        }
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let (before, now) = (self::imported(&current.properties)?, imported(wanted)?);
        let mut there = current.clone();
        there.properties = properties(&current.properties, before.as_ref());
        let wanted = properties(wanted, now.as_ref());
        let made = api_gateway::API.update(context, &there, &wanted).await?;
        if before != now {
            empty(context, &made.physical_id).await?;
            if let Some(imported) = now {
                fill(context, &made.physical_id, imported).await?;
            }
        }
        Ok(made)
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        api_gateway::API.delete(context, current).await
    }
}

fn imported(wanted: &Map<String, Value>) -> Result<Option<Imported>, Failure> {
    let Some(body) = wanted.get("Body") else { return Ok(None) };
    read(body).map(Some).map_err(|cause| Failure::handler("InvalidRequest", cause))
}

/// The API's own properties: those of the template, over those of the body.
fn properties(wanted: &Map<String, Value>, imported: Option<&Imported>) -> Map<String, Value> {
    let mut all = imported.map(|it| it.api.clone()).unwrap_or_default();
    if imported.is_some() {
        all.insert("ProtocolType".to_owned(), "HTTP".into());
    }
    for (name, value) in wanted.iter().filter(|(name, _)| !IMPORT.contains(&name.as_str())) {
        match (all.get_mut(name), value) {
            (Some(Value::Object(tags)), Value::Object(more)) if name == "Tags" => {
                tags.extend(more.clone());
            }
            _ => drop(all.insert(name.clone(), value.clone())),
        }
    }
    all
}

/// Makes authorizers, integrations and routes.
async fn fill(context: &Context, api: &str, imported: Imported) -> Result<(), Failure> {
    let mut authorizers = Map::new();
    for (name, mut input) in imported.authorizers {
        input.insert("ApiId".to_owned(), api.into());
        let answer = context.call(ApiGatewayV2, "CreateAuthorizer", input.into()).await?;
        let kind = at(&answer, "/authorizerType");
        let kind = if kind == "REQUEST" { "CUSTOM" } else { "JWT" };
        authorizers.insert(name, json!([kind, at(&answer, "/authorizerId")]));
    }
    for route in imported.routes {
        let input = route_input(context, api, route, &authorizers).await?;
        context.call(ApiGatewayV2, "CreateRoute", input.into()).await?;
    }
    Ok(())
}

async fn route_input(
    context: &Context,
    api: &str,
    route: Route,
    authorizers: &Map<String, Value>,
) -> Result<Map<String, Value>, Failure> {
    let mut input = route.members;
    input.insert("ApiId".to_owned(), api.into());
    if let Some(integration) = route.integration {
        let mut integration: Map<String, Value> = integration
            .into_iter()
            .map(|(name, value)| match name.as_str() {
                "RequestParameters" | "ResponseParameters" => (name, value),
                _ => (name, lower(&value)),
            })
            .collect();
        integration.insert("ApiId".to_owned(), api.into());
        let answer = context.call(ApiGatewayV2, "CreateIntegration", integration.into()).await?;
        let target = format!("integrations/{}", at(&answer, "/integrationId"));
        input.insert("Target".to_owned(), target.into());
    }
    match route.authorization {
        Authorization::None => {}
        Authorization::Iam => {
            input.insert("AuthorizationType".to_owned(), "AWS_IAM".into());
        }
        Authorization::By(name, scopes) => {
            let made = authorizers.get(&name).cloned().unwrap_or_default();
            let part = |pointer: &str| made.pointer(pointer).cloned().unwrap_or_default();
            input.insert("AuthorizationType".to_owned(), part("/0"));
            input.insert("AuthorizerId".to_owned(), part("/1"));
            if scopes.as_array().is_some_and(|scopes| !scopes.is_empty()) {
                input.insert("AuthorizationScopes".to_owned(), scopes);
            }
        }
    }
    Ok(input)
}

/// Takes all parts away: routes first, since they name the others.
async fn empty(context: &Context, api: &str) -> Result<(), Failure> {
    for (noun, id) in
        [("Route", "routeId"), ("Integration", "integrationId"), ("Authorizer", "authorizerId")]
    {
        let named = json!({ "ApiId": api });
        let listed = context.call(ApiGatewayV2, &format!("Get{noun}s"), named).await?;
        let items = listed.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        for item in items {
            let key = json!({ "ApiId": api, format!("{noun}Id"): item.get(id) });
            context.call(ApiGatewayV2, &format!("Delete{noun}"), key).await?;
        }
    }
    Ok(())
}

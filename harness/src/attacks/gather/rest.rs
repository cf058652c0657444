//! REST APIs, as the probes of HTTP APIs see theirs: a method of a resource is a route,
//! a user pool an issuer.

use ringfence_models::Partition;
use ringfence_wire::Service;
use serde_json::{Value, json};

use super::{ApiFacts, PROBES, ask, member, texts};
use crate::attacks::actor::Actor;
use crate::attacks::facts::{AuthorizerFacts, FactsError, RouteFacts};
use crate::config::Config;

/// "The maximum number of returned results per page"; the default is 25
/// (<https://docs.aws.amazon.com/apigateway/latest/api/API_GetRestApis.html>).
const PAGE: u32 = 500;
const LIST: &str = "GetRestApis";

/// The REST APIs that have a stage, by name.
///
/// # Errors
/// When an answer is missing, but not where the upstream has no REST APIs.
pub(super) async fn apis(config: &Config, platform: &Actor) -> Result<Vec<ApiFacts>, FactsError> {
    let listed = match all(platform, LIST, json!({})).await {
        Ok(listed) => listed,
        Err(FactsError::Call { source, .. }) if source.status == 501 => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = listed
        .iter()
        .map(|it| Ok((member(it, LIST, "name")?, member(it, LIST, "id")?)))
        .collect::<Result<Vec<(String, String)>, FactsError>>()?;
    found.retain(|(name, _)| !name.starts_with(PROBES));
    found.sort();
    let mut apis = Vec::new();
    for (name, id) in found {
        let api = api(config, platform, name, id).await?;
        if !api.stages.is_empty() {
            apis.push(api);
        }
    }
    Ok(apis)
}

async fn read(
    platform: &Actor,
    operation: &'static str,
    input: Value,
) -> Result<Value, FactsError> {
    ask(platform, Service::ApiGateway, operation, input).await
}

/// All pages of a list.
async fn all(
    platform: &Actor,
    operation: &'static str,
    mut input: Value,
) -> Result<Vec<Value>, FactsError> {
    let mut found = Vec::new();
    if let Some(input) = input.as_object_mut() {
        input.insert("limit".to_owned(), PAGE.into());
    }
    loop {
        let page = read(platform, operation, input.clone()).await?;
        found.extend(items(&page).cloned());
        let next = page.get("position").filter(|it| it.is_string());
        match (next, input.as_object_mut()) {
            (Some(next), Some(input)) => input.insert("position".to_owned(), next.clone()),
            _ => return Ok(found),
        };
    }
}

fn items(answer: &Value) -> impl Iterator<Item = &Value> {
    ["items", "item"].into_iter().filter_map(|name| answer.get(name)?.as_array()).flatten()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

async fn api(
    config: &Config,
    platform: &Actor,
    name: String,
    id: String,
) -> Result<ApiFacts, FactsError> {
    let named = json!({ "restApiId": id });
    let shown = read(platform, "GetStages", named.clone()).await?;
    let stages = items(&shown)
        .map(|stage| member(stage, "GetStages", "stageName"))
        .collect::<Result<_, _>>()?;
    let authorizers = all(platform, "GetAuthorizers", named).await?;
    let embedded = json!({ "restApiId": id, "embed": ["methods"] });
    let resources = all(platform, "GetResources", embedded).await?;
    let mut routes: Vec<RouteFacts> =
        resources.iter().flat_map(|resource| methods(resource, &authorizers)).collect();
    // In an order that the next run has too.
    routes.sort_by(|one, other| one.route_key.cmp(&other.route_key));
    let audience = |issuer: &str| {
        let own = config.issuers.iter().find(|own| own.url.get_ref() == issuer);
        own.and_then(|own| own.audience.clone()).unwrap_or_default()
    };
    let pools: Vec<AuthorizerFacts> = authorizers
        .iter()
        .filter_map(|it| {
            let issuer = issuer(it.pointer("/providerARNs/0")?.as_str()?)?;
            Some(AuthorizerFacts {
                id: text(it, "id").to_owned(),
                name: text(it, "name").to_owned(),
                audience: audience(&issuer),
                issuer,
            })
        })
        .collect();
    let nothing = ApiFacts::none();
    let own = pools.first().cloned();
    Ok(ApiFacts {
        id,
        name,
        authorizer_id: own.as_ref().map_or(nothing.authorizer_id, |it| it.id.clone()),
        authorizer_name: own.as_ref().map_or(nothing.authorizer_name, |it| it.name.clone()),
        issuer: own.as_ref().map_or(nothing.issuer, |it| it.issuer.clone()),
        audience: own.map_or(nothing.audience, |it| it.audience),
        authorizers: pools,
        stages,
        routes,
    })
}

/// The methods of a resource. One that answers by itself is a preflight's: nothing is
/// behind it.
fn methods(resource: &Value, authorizers: &[Value]) -> Vec<RouteFacts> {
    let path = text(resource, "path");
    let shown = resource.get("resourceMethods").and_then(Value::as_object);
    let shown = shown.into_iter().flatten();
    shown
        .filter(|(_, it)| it.pointer("/methodIntegration/type") != Some(&json!("MOCK")))
        .map(|(method, it)| {
            let id = text(it, "authorizerId");
            let authorizer = authorizers.iter().find(|it| text(it, "id") == id);
            let is_function = text(it, "authorizationType") == "CUSTOM";
            let sources = authorizer.filter(|_| is_function).map(|it| text(it, "identitySource"));
            let sources = sources.into_iter().flat_map(|it| it.split(','));
            let integration = it.get("methodIntegration").unwrap_or(&Value::Null);
            RouteFacts {
                route_id: format!("{}/{method}", text(resource, "id")),
                route_key: format!("{method} {path}"),
                integration_id: String::new(),
                integration_uri: text(integration, "uri").to_owned(),
                authorization_type: match text(it, "authorizationType") {
                    "" => "NONE".to_owned(),
                    kind => kind.to_owned(),
                },
                authorizer_id: (!id.is_empty()).then(|| id.to_owned()),
                // As HTTP APIs write them.
                identity_sources: sources
                    .map(|it| it.trim().replacen("method.request.", "$request.", 1))
                    .filter(|it| !it.is_empty())
                    .collect(),
                scopes: texts(it.get("authorizationScopes").and_then(Value::as_array)),
                api_key: it.get("apiKeyRequired") == Some(&json!(true)),
            }
        })
        .collect()
}

/// The issuer of a user pool's tokens
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html>).
fn issuer(pool: &str) -> Option<String> {
    match pool.splitn(6, ':').collect::<Vec<_>>().as_slice() {
        ["arn", _, "cognito-idp", region, _, pool] => {
            let suffix = Partition::of_region(region).dns_suffix;
            let pool = pool.strip_prefix("userpool/")?;
            Some(format!("https://cognito-idp.{region}.{suffix}/{pool}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_a_route_and_a_preflight_none() {
        let source = "method.request.header.Authorization";
        let authorizers = [json!({"id": "f", "type": "TOKEN", "identitySource": source})];
        let resource = json!({"id": "r", "path": "/a/{id}", "resourceMethods": {
            "OPTIONS": {"authorizationType": "NONE", "methodIntegration": {"type": "MOCK"}},
            "GET": {"authorizationType": "CUSTOM", "authorizerId": "f", "apiKeyRequired": true,
                "methodIntegration": {"type": "AWS_PROXY", "uri": "arn:fn"}},
        }});
        let routes = methods(&resource, &authorizers);
        let [route] = routes.as_slice() else { panic!("{routes:?}") };
        assert_eq!((&*route.route_key, route.api_key), ("GET /a/{id}", true));
        assert_eq!(route.identity_sources, ["$request.header.Authorization"]);
    }

    #[test]
    fn a_user_pool_is_an_issuer() {
        let pool = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_a";
        let expected = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a";
        assert_eq!(issuer(pool).as_deref(), Some(expected));
        assert_eq!(issuer("arn:aws:iam::123456789012:role/a"), None);
    }
}

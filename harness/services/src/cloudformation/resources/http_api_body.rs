//! The OpenAPI definition of an HTTP API, as calls of API Gateway: SAM describes
//! every `AWS::Serverless::HttpApi` by one.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html>

use serde_json::{Map, Value, json};

const INTEGRATION: &str = "x-amazon-apigateway-integration";
const AUTHORIZER: &str = "x-amazon-apigateway-authorizer";
const ANY: &str = "x-amazon-apigateway-any-method";
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const DEFAULT: &str = "$default";

/// What a definition says of an API.
#[derive(Debug, PartialEq)]
pub(super) struct Imported {
    /// Properties of the API itself: name, CORS, version, description, tags.
    pub(super) api: Map<String, Value>,
    /// Inputs of `CreateAuthorizer`, by name.
    pub(super) authorizers: Vec<(String, Map<String, Value>)>,
    pub(super) routes: Vec<Route>,
}

/// A route with its integration.
#[derive(Debug, PartialEq)]
pub(super) struct Route {
    /// Members of `CreateRoute` but for target and authorization.
    pub(super) members: Map<String, Value>,
    /// The input of `CreateIntegration`.
    pub(super) integration: Option<Map<String, Value>>,
    pub(super) authorization: Authorization,
}

/// Who may call a route.
#[derive(Debug, PartialEq)]
pub(super) enum Authorization {
    None,
    Iam,
    /// By an authorizer of this name, with these scopes.
    By(String, Value),
}

/// Reads a definition.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub(super) fn read(body: &Value) -> Result<Imported, String> {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    if !text("/openapi").is_some_and(|version| version.starts_with('3')) {
        return Err("Unable to import API: the body is no OpenAPI 3 definition".to_owned());
    }
    let mut api = Map::new();
    for (property, pointer) in [
        ("Name", "/info/title"),
        ("Version", "/info/version"),
        ("Description", "/info/description"),
    ] {
        if let Some(value) = text(pointer) {
            api.insert(property.to_owned(), value.into());
        }
    }
    if let Some(cors) = body.get("x-amazon-apigateway-cors").and_then(Value::as_object) {
        let upper = cors.iter().map(|(name, value)| (capital(name), value.clone()));
        api.insert("CorsConfiguration".to_owned(), Value::Object(upper.collect()));
    }
    let tags = tags(body);
    if !tags.is_empty() {
        api.insert("Tags".to_owned(), tags.into());
    }
    let schemes = body.pointer("/components/securitySchemes").and_then(Value::as_object);
    let schemes = schemes.cloned().unwrap_or_default();
    let authorizers =
        schemes.iter().filter_map(|(name, scheme)| authorizer(name, scheme)).collect();
    let mut routes = Vec::new();
    for (path, item) in body.get("paths").and_then(Value::as_object).into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if let Some(key) = route_key(path, method) {
                routes.push(route(key, operation, body, &schemes)?);
            }
        }
    }
    Ok(Imported { api, authorizers, routes })
}

/// The tags with a value: `httpapi:createdBy` of SAM's.
fn tags(body: &Value) -> Map<String, Value> {
    let all = body.get("tags").and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|tag| {
        let name = tag.get("name")?.as_str()?.to_owned();
        Some((name, tag.get("x-amazon-apigateway-tag-value")?.clone()))
    })
    .collect()
}

fn route_key(path: &str, method: &str) -> Option<String> {
    let method = match method {
        ANY => "ANY".to_owned(),
        method if METHODS.contains(&method) => method.to_ascii_uppercase(),
        _ => return None,
    };
    let is_default = path.trim_start_matches('/') == DEFAULT;
    Some(if is_default { DEFAULT.to_owned() } else { format!("{method} {path}") })
}

fn authorizer(name: &str, scheme: &Value) -> Option<(String, Map<String, Value>)> {
    let given = scheme.get(AUTHORIZER)?.as_object()?;
    let mut input = Map::new();
    input.insert("Name".to_owned(), name.into());
    for (member, value) in given {
        let (member, value) = match (member.as_str(), value) {
            ("type", Value::String(kind)) => {
                ("AuthorizerType".to_owned(), kind.to_ascii_uppercase().into())
            }
            ("identitySource", Value::String(sources)) => {
                let sources: Vec<&str> = sources.split(',').map(str::trim).collect();
                ("IdentitySource".to_owned(), json!(sources))
            }
            // As SAM writes a Lambda authorizer's role and format.
            ("authorizerCredentials", value) => {
                ("AuthorizerCredentialsArn".to_owned(), value.clone())
            }
            ("authorizerPayloadFormatVersion", Value::Number(number)) => {
                ("AuthorizerPayloadFormatVersion".to_owned(), format!("{number}").into())
            }
            (member, value) => (capital(member), value.clone()),
        };
        input.insert(member, value);
    }
    Some((name.to_owned(), input))
}

fn route(
    key: String,
    operation: &Value,
    body: &Value,
    schemes: &Map<String, Value>,
) -> Result<Route, String> {
    let integration = operation.get(INTEGRATION).map(integration);
    let security = operation.get("security").or_else(|| body.get("security"));
    let first = security.and_then(Value::as_array).and_then(|all| all.first());
    let named = first.and_then(Value::as_object).and_then(|it| it.iter().next());
    let authorization = match named {
        None => Authorization::None,
        Some((name, scopes)) => match schemes.get(name) {
            Some(scheme) if scheme.get(AUTHORIZER).is_some() => {
                Authorization::By(name.clone(), scopes.clone())
            }
            Some(scheme) if scheme.get("x-amazon-apigateway-authtype").is_some() => {
                Authorization::Iam
            }
            // SAM's own word for a route without an authorizer
            // (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-httpapifunctionauth.html>).
            None if name == "NONE" => Authorization::None,
            _ => {
                return Err(format!(
                    "Unable to import API: {key} names the security scheme {name}, which has no authorizer"
                ));
            }
        },
    };
    let mut members = Map::new();
    members.insert("RouteKey".to_owned(), key.into());
    if let Some(name) = operation.get("operationId") {
        members.insert("OperationName".to_owned(), name.clone());
    }
    Ok(Route { members, integration, authorization })
}

fn integration(given: &Value) -> Map<String, Value> {
    const NAMES: [(&str, &str); 6] = [
        ("uri", "IntegrationUri"),
        ("httpMethod", "IntegrationMethod"),
        ("credentials", "CredentialsArn"),
        ("subtype", "IntegrationSubtype"),
        ("type", "IntegrationType"),
        ("tlsConfig", "TlsConfig"),
    ];
    let mut input = Map::new();
    for (member, value) in given.as_object().into_iter().flatten() {
        let known = NAMES.iter().find(|(name, _)| name == member);
        let name = known.map_or_else(|| capital(member), |(_, name)| (*name).to_owned());
        let value = match (member.as_str(), value) {
            ("type" | "httpMethod", Value::String(text)) => text.to_ascii_uppercase().into(),
            _ => value.clone(),
        };
        input.insert(name, value);
    }
    input
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As SAM's translator writes a Lambda authorizer with `FunctionInvokeRole`.
    #[test]
    fn a_lambda_authorizer_has_its_role_and_format() {
        let given = json!({
            "type": "request", "authorizerUri": "arn:uri", "authorizerCredentials": "arn:role",
            "authorizerPayloadFormatVersion": 2.0, "enableSimpleResponses": true,
            "identitySource": "$request.header.A, $request.querystring.b",
        });
        let (name, input) = authorizer("Fn", &json!({ AUTHORIZER: given })).unwrap();
        assert_eq!(name, "Fn");
        assert_eq!(
            Value::Object(input),
            json!({
                "Name": "Fn", "AuthorizerType": "REQUEST", "AuthorizerUri": "arn:uri",
                "AuthorizerCredentialsArn": "arn:role", "AuthorizerPayloadFormatVersion": "2.0",
                "EnableSimpleResponses": true,
                "IdentitySource": ["$request.header.A", "$request.querystring.b"],
            })
        );
    }

    /// As SAM's translator writes it.
    fn body() -> Value {
        json!({
            "openapi": "3.0.1",
            "info": {"version": "1.0", "title": "shop"},
            "x-amazon-apigateway-cors": {"allowOrigins": ["*"], "maxAge": 600},
            "tags": [{"name": "httpapi:createdBy", "x-amazon-apigateway-tag-value": "SAM"}],
            "components": {"securitySchemes": {
                "Tokens": {"type": "oauth2", "x-amazon-apigateway-authorizer": {
                    "type": "jwt", "identitySource": "$request.header.Authorization",
                    "jwtConfiguration": {"issuer": "https://i", "audience": ["a"]}}},
                "AWS_IAM": {"type": "apiKey", "x-amazon-apigateway-authtype": "awsSigv4"},
            }},
            "security": [{"AWS_IAM": []}],
            "paths": {
                "/orders": {"get": {
                    "security": [{"Tokens": ["read"]}],
                    "x-amazon-apigateway-integration": {
                        "type": "aws_proxy", "httpMethod": "POST", "uri": "arn:f",
                        "payloadFormatVersion": "2.0"}}},
                "/$default": {"x-amazon-apigateway-any-method": {"security": []}},
                "/plain": {"put": {}},
            },
        })
    }

    #[test]
    fn a_definition_is_read_as_the_calls_that_make_it() {
        let imported = read(&body()).unwrap();
        let expected = json!({
            "Name": "shop", "Version": "1.0",
            "CorsConfiguration": {"AllowOrigins": ["*"], "MaxAge": 600},
            "Tags": {"httpapi:createdBy": "SAM"},
        });
        assert_eq!(Value::Object(imported.api), expected);
        let [(name, authorizer)] = imported.authorizers.as_slice() else { panic!() };
        assert_eq!(name, "Tokens");
        let expected = json!({
            "Name": "Tokens", "AuthorizerType": "JWT",
            "IdentitySource": ["$request.header.Authorization"],
            "JwtConfiguration": {"issuer": "https://i", "audience": ["a"]},
        });
        assert_eq!(Value::Object(authorizer.clone()), expected);
        let [orders, default, plain] = imported.routes.as_slice() else { panic!() };
        assert_eq!(orders.members["RouteKey"], "GET /orders");
        let integration = json!({
            "IntegrationType": "AWS_PROXY", "IntegrationMethod": "POST",
            "IntegrationUri": "arn:f", "PayloadFormatVersion": "2.0",
        });
        assert_eq!(orders.integration.clone().map(Value::Object), Some(integration));
        assert_eq!(orders.authorization, Authorization::By("Tokens".to_owned(), json!(["read"])));
        assert_eq!(default.members["RouteKey"], "$default");
        assert_eq!(default.authorization, Authorization::None);
        assert_eq!(plain.authorization, Authorization::Iam);
    }

    /// An authorizer that has the name is none that is left out.
    #[test]
    fn the_scheme_none_is_no_authorizer_unless_there_is_one_of_that_name() {
        let mut body = body();
        body["paths"]["/orders"]["get"]["security"] = json!([{"NONE": []}]);
        assert_eq!(read(&body).unwrap().routes[0].authorization, Authorization::None);
        let tokens = body["components"]["securitySchemes"]["Tokens"].clone();
        body["components"]["securitySchemes"]["NONE"] = tokens;
        assert_eq!(
            read(&body).unwrap().routes[0].authorization,
            Authorization::By("NONE".to_owned(), json!([]))
        );
    }

    #[test]
    fn a_route_is_not_left_open_by_a_scheme_that_is_not_there() {
        let mut body = body();
        body["components"] = json!({});
        assert_eq!(
            read(&body).unwrap_err(),
            "Unable to import API: GET /orders names the security scheme Tokens, which has no authorizer"
        );
        assert!(read(&json!({"swagger": "2.0"})).is_err());
    }
}

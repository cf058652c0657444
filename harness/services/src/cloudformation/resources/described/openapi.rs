//! The body of a REST API in Swagger 2.0, which is what SAM's translator writes,
//! as OpenAPI 3.0. AWS takes both
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html>),
//! and moto the second alone; the extensions, which hold what API Gateway makes
//! of it, are the same in both
//! (<https://swagger.io/docs/specification/v3_0/basic-structure/>).

use serde_json::{Map, Value, json};

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// The properties with such a body rewritten.
pub(super) fn properties(wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut properties = wanted.clone();
    if let Some(Value::Object(body)) = properties.get_mut("Body")
        && body.contains_key("swagger")
    {
        *body = rewritten(body);
    }
    if let Some(Value::Object(paths)) =
        properties.get_mut("Body").and_then(|it| it.get_mut("paths"))
    {
        paths.values_mut().for_each(mocks);
    }
    if repeated(&properties) {
        properties.shift_remove("Parameters");
    }
    properties
}

/// Mock integrations with the members that moto asks for and API Gateway does not: they
/// lead nowhere and call nothing.
fn mocks(path: &mut Value) {
    for method in path.as_object_mut().into_iter().flat_map(Map::values_mut) {
        let integration = method.get_mut("x-amazon-apigateway-integration");
        let Some(integration) = integration.and_then(Value::as_object_mut) else { continue };
        let kind = integration.get("type").and_then(Value::as_str).unwrap_or_default();
        if kind.eq_ignore_ascii_case("mock") {
            for member in ["uri", "httpMethod"] {
                integration.entry(member).or_insert_with(|| "".into());
            }
        }
    }
}

/// Whether the parameters of the import say what `EndpointConfiguration` says, as
/// they do in what SAM's translator writes.
fn repeated(properties: &Map<String, Value>) -> bool {
    let types = properties.get("EndpointConfiguration").and_then(|it| it.get("Types"));
    let told = properties.get("Parameters").and_then(Value::as_object);
    told.zip(types).is_some_and(|(told, types)| {
        told.len() == 1
            && told.get("endpointConfigurationTypes").is_some_and(|it| *types == json!([it]))
    })
}

fn rewritten(body: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("openapi".to_owned(), "3.0.1".into());
    let mut components = Map::new();
    for (key, value) in body {
        match key.as_str() {
            // Hosts and media types are told elsewhere or have no part here.
            "swagger" | "host" | "basePath" | "schemes" | "consumes" | "produces" => {}
            "definitions" => drop(components.insert("schemas".to_owned(), referring(value))),
            "securityDefinitions" => {
                components.insert("securitySchemes".to_owned(), value.clone());
            }
            "info" => drop(out.insert(key.clone(), info(value))),
            "paths" => drop(out.insert(key.clone(), each(value, path))),
            _ => drop(out.insert(key.clone(), referring(value))),
        }
    }
    out.entry("info").or_insert_with(|| info(&json!({})));
    out.entry("paths").or_insert_with(|| json!({}));
    if !components.is_empty() {
        out.insert("components".to_owned(), components.into());
    }
    out
}

/// Both of them are required in OpenAPI 3.0.
fn info(value: &Value) -> Value {
    let mut info = value.as_object().cloned().unwrap_or_default();
    info.entry("title").or_insert_with(|| "API".into());
    let version = info.entry("version").or_insert_with(|| "1.0".into());
    if !version.is_string() {
        *version = version.to_string().into();
    }
    info.into()
}

fn each(value: &Value, rewrite: fn(&str, &Value) -> Value) -> Value {
    let members = value.as_object().into_iter().flatten();
    members.map(|(key, value)| (key.clone(), rewrite(key, value))).collect::<Map<_, _>>().into()
}

fn path(_: &str, value: &Value) -> Value {
    each(value, |name, value| {
        if METHODS.contains(&name) || name == "x-amazon-apigateway-any-method" {
            method(value)
        } else if name == "parameters" {
            parameters(value).0
        } else {
            referring(value)
        }
    })
}

fn method(value: &Value) -> Value {
    let mut method = Map::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        match key.as_str() {
            "consumes" | "produces" | "schemes" => {}
            "parameters" => {
                let (parameters, body) = parameters(value);
                method.insert(key.clone(), parameters);
                if let Some(body) = body {
                    method.insert("requestBody".to_owned(), body);
                }
            }
            "responses" => drop(method.insert(key.clone(), each(value, response))),
            key if key.starts_with("x-") => drop(method.insert(key.to_owned(), value.clone())),
            _ => drop(method.insert(key.clone(), referring(value))),
        }
    }
    // A method has at least one answer in OpenAPI 3.0.
    let answers = method.entry("responses").or_insert_with(|| json!({}));
    if answers.as_object().is_some_and(Map::is_empty) {
        *answers = json!({"default": {"description": ""}});
    }
    method.into()
}

/// The parameters that stay, and the one that is the body.
fn parameters(value: &Value) -> (Value, Option<Value>) {
    let mut body = None;
    let mut kept: Vec<Value> = Vec::new();
    for parameter in value.as_array().into_iter().flatten() {
        let place = parameter.get("in").and_then(Value::as_str).unwrap_or_default();
        if place == "body" || place == "formData" {
            let schema = parameter.get("schema").map_or_else(|| json!({}), referring);
            body = Some(json!({"content": {"application/json": {"schema": schema}}}));
            continue;
        }
        let members = parameter.as_object().into_iter().flatten();
        let (about, mut schema): (Map<_, _>, Map<_, _>) =
            members.map(|(key, value)| (key.clone(), referring(value))).partition(|(key, _)| {
                ["name", "in", "required", "description", "$ref"].contains(&key.as_str())
                    || key.starts_with("x-")
            });
        let mut parameter = about;
        if !parameter.contains_key("$ref") {
            schema.entry("type").or_insert_with(|| "string".into());
            parameter.insert("schema".to_owned(), schema.into());
        }
        kept.push(parameter.into());
    }
    (kept.into(), body)
}

fn response(_: &str, value: &Value) -> Value {
    let mut response = Map::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        match key.as_str() {
            "schema" => {
                let content = json!({"application/json": {"schema": referring(value)}});
                response.insert("content".to_owned(), content);
            }
            "headers" => {
                let header = |_: &str, value: &Value| json!({"schema": referring(value)});
                response.insert(key.clone(), each(value, header));
            }
            _ => drop(response.insert(key.clone(), referring(value))),
        }
    }
    if !response.contains_key("$ref") {
        response.entry("description").or_insert_with(|| "".into());
    }
    response.into()
}

/// A value whose references lead to where OpenAPI 3.0 has definitions.
fn referring(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| match value.as_str().filter(|_| key == "$ref") {
                Some(text) => {
                    let moved = text.replace("#/definitions/", "#/components/schemas/");
                    (key.clone(), moved.into())
                }
                None => (key.clone(), referring(value)),
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(referring).collect(),
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sam_writes_is_openapi_3_with_the_same_extensions() {
        let integration = json!({"type": "aws_proxy", "uri": "arn:u", "httpMethod": "POST"});
        let body = json!({"Body": {
            "swagger": "2.0",
            "info": {"version": 1.0, "title": "t"},
            "definitions": {"M": {"type": "object"}},
            "securityDefinitions": {"A": {"type": "apiKey", "name": "Authorization", "in": "header"}},
            "paths": {"/a/{id}": {"get": {
                "parameters": [{"name": "id", "in": "path", "required": true, "type": "string"},
                               {"name": "M", "in": "body", "schema": {"$ref": "#/definitions/M"}}],
                "produces": ["application/json"],
                "responses": {},
                "security": [{"A": []}],
                "x-amazon-apigateway-integration": integration,
            }}},
        }});
        let out = properties(body.as_object().unwrap());
        assert_eq!(
            out["Body"],
            json!({
                "openapi": "3.0.1",
                "info": {"version": "1.0", "title": "t"},
                "paths": {"/a/{id}": {"get": {
                    "parameters": [{"name": "id", "in": "path", "required": true,
                                    "schema": {"type": "string"}}],
                    "requestBody": {"content": {"application/json":
                        {"schema": {"$ref": "#/components/schemas/M"}}}},
                    "responses": {"default": {"description": ""}},
                    "security": [{"A": []}],
                    "x-amazon-apigateway-integration": integration,
                }}},
                "components": {
                    "schemas": {"M": {"type": "object"}},
                    "securitySchemes": {"A": {"type": "apiKey", "name": "Authorization", "in": "header"}},
                },
            })
        );
        let both = json!({
            "EndpointConfiguration": {"Types": ["REGIONAL"]},
            "Parameters": {"endpointConfigurationTypes": "REGIONAL"},
        });
        let kept = json!({"EndpointConfiguration": {"Types": ["REGIONAL"]}});
        assert_eq!(properties(both.as_object().unwrap()), *kept.as_object().unwrap());
        let other = json!({
            "EndpointConfiguration": {"Types": ["EDGE"]},
            "Parameters": {"endpointConfigurationTypes": "REGIONAL"},
        });
        assert_eq!(properties(other.as_object().unwrap()), *other.as_object().unwrap());
        let third = json!({"Body": {"openapi": "3.0.1", "paths": {}}});
        assert_eq!(properties(third.as_object().unwrap()), *third.as_object().unwrap());
        let mock = |more: Value| {
            let mut integration = json!({"type": "mock"});
            integration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"Body": {"openapi": "3.0.1", "paths": {"/": {"options": {
                "x-amazon-apigateway-integration": integration}}}}})
        };
        let bare = mock(json!({}));
        let filled = mock(json!({"uri": "", "httpMethod": ""}));
        assert_eq!(properties(bare.as_object().unwrap()), *filled.as_object().unwrap());
    }
}

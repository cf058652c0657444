//! `CreateApi` and its kin.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_wire::ServiceError;
use serde::Deserialize;
use serde_json::Value;

use super::input::{Input, limit_length, set};
use super::{NOTHING, errors, integrations, tags};
use crate::http_api::HttpApis;
use crate::http_api::model::{
    Api, ApiFacts, Authorization, Cors, PayloadFormat, Route, Snapshot, Texts, timestamp,
};
use crate::http_api::state::new_id;

const API_KEYS: &str = "$request.header.x-api-key";
const ROUTE_SELECTION: &str = "$request.method $request.path";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Given {
    api_key_selection_expression: Option<String>,
    cors_configuration: Option<Cors>,
    credentials_arn: Option<String>,
    description: Option<String>,
    disable_execute_api_endpoint: Option<bool>,
    disable_schema_validation: Option<bool>,
    ip_address_type: Option<String>,
    name: Option<String>,
    protocol_type: Option<String>,
    route_key: Option<String>,
    route_selection_expression: Option<String>,
    tags: Option<Texts>,
    target: Option<String>,
    version: Option<String>,
}

impl Given {
    fn check(&self) -> Result<(), ServiceError> {
        limit_length("Name", self.name.as_deref(), 128)?;
        limit_length("Description", self.description.as_deref(), 1024)?;
        limit_length("Version", self.version.as_deref(), 64)?;
        if let Some(expression) = &self.api_key_selection_expression
            && expression != API_KEYS
        {
            return Err(errors::bad_request("Invalid API key selection expression"));
        }
        // Both spellings are AWS's own (CreateApi's reference and its answer).
        if let Some(expression) = &self.route_selection_expression
            && expression != ROUTE_SELECTION
            && expression != "${request.method} ${request.path}"
        {
            return Err(errors::bad_request(
                "HTTP APIs support only the route selection expression ${request.method} \
                 ${request.path}",
            ));
        }
        if self.disable_schema_validation == Some(true) {
            return Err(errors::bad_request("Schema validation is not supported for HTTP APIs"));
        }
        if let Some(kind) = &self.ip_address_type
            && !["ipv4", "dualstack"].contains(&kind.as_str())
        {
            return Err(errors::bad_request("Invalid IP address type"));
        }
        self.cors_configuration.as_ref().map_or(Ok(()), check_cors)
    }
}

fn check_cors(cors: &Cors) -> Result<(), ServiceError> {
    if cors.max_age.is_some_and(|age| !(-1..=86_400).contains(&age)) {
        return Err(errors::bad_request("CORS max age must be between -1 and 86400"));
    }
    for origin in cors.allow_origins.iter().flatten() {
        // What AWS documents: exact origins, `*`, `https://*` and `http://*`
        // (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>).
        let wildcard = ["*", "https://*", "http://*"].contains(&origin.as_str());
        if !wildcard && (origin.contains('*') || !origin.contains("://")) {
            return Err(errors::bad_request(format!("Invalid CORS origin: {origin}")));
        }
    }
    for method in cors.allow_methods.iter().flatten() {
        if method != "*" && method.parse::<http::Method>().is_err() {
            return Err(errors::bad_request(format!("Invalid CORS method: {method}")));
        }
    }
    for header in cors.allow_headers.iter().chain(&cors.expose_headers).flatten() {
        if header != "*" && header.parse::<http::HeaderName>().is_err() {
            return Err(errors::bad_request(format!("Invalid CORS header: {header}")));
        }
    }
    Ok(())
}

impl HttpApis {
    pub(super) fn create_api(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let given: Given = input.body(&[])?;
        let name = input.need("Name")?.to_owned();
        let protocol = input.need("ProtocolType")?;
        match protocol {
            "HTTP" => {}
            _ => {
                return Err(errors::bad_request(
                    "Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]",
                ));
            }
        }
        given.check()?;
        let tags = given.tags.clone().unwrap_or_default();
        tags::check(&tags, input)?;
        let now = self.now();
        let mut api = Api {
            facts: ApiFacts {
                api_id: new_id(10)?,
                api_key_selection_expression: API_KEYS,
                cors_configuration: given.cors_configuration,
                created_date: timestamp(now),
                description: given.description.filter(|text| !text.is_empty()),
                disable_execute_api_endpoint: given.disable_execute_api_endpoint.unwrap_or(false),
                ip_address_type: given.ip_address_type.unwrap_or_else(|| "ipv4".to_owned()),
                name,
                protocol_type: "HTTP",
                route_selection_expression: ROUTE_SELECTION,
                tags,
                version: given.version.filter(|text| !text.is_empty()),
            },
            stages: BTreeMap::new(),
            live: Arc::new(Snapshot::default()),
            deployments: BTreeMap::new(),
        };
        if let Some(target) = given.target {
            self.quick_create(&mut api, &target, given.route_key, given.credentials_arn)?;
        } else if given.route_key.is_some() || given.credentials_arn.is_some() {
            return Err(errors::bad_request("RouteKey and CredentialsArn need a target"));
        }
        let shown = self.show_api(&api);
        self.apis.insert(api);
        Ok(shown)
    }

    /// Quick create: an integration of the target, a route to it and the
    /// `$default` stage, all managed by API Gateway
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop.html>).
    fn quick_create(
        &self,
        api: &mut Api,
        target: &str,
        route_key: Option<String>,
        credentials_arn: Option<String>,
    ) -> Result<(), ServiceError> {
        let now = self.now();
        let mut integration = integrations::lambda_proxy(target, PayloadFormat::V2)?;
        integration.api_gateway_managed = true;
        integration.credentials_arn = credentials_arn;
        integrations::check_credentials(integration.credentials_arn.as_deref())?;
        let key = route_key.unwrap_or_else(|| "$default".to_owned());
        let route = Route {
            route_id: new_id(7)?,
            key: key.parse().map_err(|error| errors::bad_request(format!("{error}")))?,
            authorization: Authorization::None,
            integration_id: Some(integration.integration_id.clone()),
            operation_name: None,
            managed: true,
        };
        let mut stage = self.new_stage("$default".to_owned());
        stage.auto_deploy = true;
        stage.api_gateway_managed = true;
        api.stages.insert(stage.stage_name.clone(), stage);
        api.reconfigure(now, |snapshot| {
            snapshot.integrations.insert(integration.integration_id.clone(), Arc::new(integration));
            snapshot.routes.insert(route.route_id.clone(), Arc::new(route));
            Ok(())
        })
    }

    pub(super) fn update_api(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let given: Given = input.body(&["ApiId"])?;
        given.check()?;
        if given.target.is_some() || given.route_key.is_some() || given.credentials_arn.is_some() {
            return Err(errors::not_built("updates of a quick-created API's target"));
        }
        if given.protocol_type.is_some() || given.tags.is_some() {
            return Err(errors::bad_request("ProtocolType and Tags are not updated by UpdateApi"));
        }
        self.change(input, |api| {
            let facts = &mut api.facts;
            if let Some(name) = given.name.filter(|name| !name.is_empty()) {
                facts.name = name;
            }
            set(&mut facts.description, given.description);
            set(&mut facts.version, given.version);
            if let Some(cors) = given.cors_configuration {
                facts.cors_configuration = Some(cors);
            }
            if let Some(disabled) = given.disable_execute_api_endpoint {
                facts.disable_execute_api_endpoint = disabled;
            }
            if let Some(kind) = given.ip_address_type {
                facts.ip_address_type = kind;
            }
            Ok(self.show_api(api))
        })
    }

    pub(super) fn delete_api(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let api_id = input.need("ApiId")?;
        if !self.apis.remove(api_id) {
            return Err(errors::no_api(&self.setting.account_id, api_id));
        }
        self.forget(api_id);
        Ok(NOTHING)
    }

    /// Drops what serving an API has left behind.
    fn forget(&self, api_id: &str) {
        self.functions.forget(api_id);
        self.answers.forget(|key| key.api_id == api_id);
        self.throttle.forget(api_id);
        self.access_log.forget(api_id);
    }

    pub(super) fn delete_cors(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.change(input, |api| {
            api.facts.cors_configuration = None;
            Ok(NOTHING)
        })
    }
}

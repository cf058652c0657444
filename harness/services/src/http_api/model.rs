//! The records of an HTTP API, as `Get…` shows them.
//!
//! Members that AWS leaves out where they have no value are left out here.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::route::{RouteKey, RouteTable};

/// Names with values: tags, stage variables.
pub(crate) type Texts = BTreeMap<String, String>;

/// An API with everything that belongs to it.
#[derive(Debug, Clone)]
pub(super) struct Api {
    pub(super) facts: ApiFacts,
    pub(super) stages: BTreeMap<String, Stage>,
    pub(super) live: Arc<Snapshot>,
    pub(super) deployments: BTreeMap<String, Deployment>,
}

/// What `GetApi` shows, but for the endpoint, which depends on where the guard
/// answers.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiFacts {
    pub(super) api_id: String,
    pub(super) api_key_selection_expression: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cors_configuration: Option<Cors>,
    pub(super) created_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) disable_execute_api_endpoint: bool,
    pub(super) ip_address_type: String,
    pub(super) name: String,
    pub(super) protocol_type: &'static str,
    pub(super) route_selection_expression: &'static str,
    pub(super) tags: Texts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
}

/// The routes with what they use, at one moment: the present of an API, or what
/// a deployment froze.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    pub(super) routes: BTreeMap<String, Arc<Route>>,
    pub(super) integrations: BTreeMap<String, Arc<Integration>>,
    pub(super) authorizers: BTreeMap<String, Arc<Authorizer>>,
    pub(super) table: RouteTable,
}

impl Snapshot {
    /// Brings the table in line with the routes.
    pub(super) fn index(&mut self) {
        self.table = RouteTable::new(
            self.routes.values().map(|route| (route.key.clone(), route.route_id.clone())),
        );
    }
}

/// Cross-origin resource sharing, as configured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Cors {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) allow_credentials: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) allow_headers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) allow_methods: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) allow_origins: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expose_headers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_age: Option<i32>,
}

/// Who authorizes a route's requests, with what that takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Authorization {
    None,
    /// `execute-api:Invoke`, which is the guard's to decide.
    AwsIam,
    Jwt {
        authorizer_id: String,
        /// Any one of them will do; none are asked for where it is empty.
        scopes: Vec<String>,
    },
    /// A function decides.
    Lambda {
        authorizer_id: String,
    },
}

impl Authorization {
    /// The authorizer that is asked.
    pub(super) fn authorizer_id(&self) -> Option<&str> {
        match self {
            Self::None | Self::AwsIam => None,
            Self::Jwt { authorizer_id, .. } | Self::Lambda { authorizer_id } => Some(authorizer_id),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::AwsIam => "AWS_IAM",
            Self::Jwt { .. } => "JWT",
            Self::Lambda { .. } => "CUSTOM",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) route_id: String,
    pub(super) key: RouteKey,
    pub(super) authorization: Authorization,
    /// The id of an integration of the same API.
    pub(super) integration_id: Option<String>,
    pub(super) operation_name: Option<String>,
    /// Made by quick create.
    pub(super) managed: bool,
}

impl Route {
    pub(super) fn show(&self) -> Value {
        let mut shown = json!({
            "apiKeyRequired": false,
            "authorizationType": self.authorization.name(),
            "routeId": self.route_id,
            "routeKey": self.key.to_string(),
        });
        put(&mut shown, "authorizerId", self.authorization.authorizer_id());
        if let Authorization::Jwt { scopes, .. } = &self.authorization {
            put(&mut shown, "authorizationScopes", (!scopes.is_empty()).then_some(scopes));
        }
        let target = self.integration_id.as_ref().map(|id| format!("integrations/{id}"));
        put(&mut shown, "target", target);
        put(&mut shown, "operationName", self.operation_name.as_ref());
        put(&mut shown, "apiGatewayManaged", self.managed.then_some(true));
        shown
    }
}

/// How an event is written and a result is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum PayloadFormat {
    #[serde(rename = "1.0")]
    V1,
    #[serde(rename = "2.0")]
    V2,
}

/// A proxy integration: of a Lambda function, or of an action of a service, which is
/// configured and not served.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Integration {
    #[serde(skip_serializing_if = "is_false")]
    pub(super) api_gateway_managed: bool,
    pub(super) connection_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) credentials_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) integration_id: String,
    pub(super) integration_method: String,
    pub(super) integration_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) integration_subtype: Option<String>,
    /// A function's ARN or its invocation URI, as given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) integration_uri: String,
    pub(super) payload_format_version: PayloadFormat,
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub(super) request_parameters: Texts,
    pub(super) timeout_in_millis: u32,
    /// The function that the URI names; none with a subtype.
    #[serde(skip)]
    pub(super) function_arn: Option<String>,
}

/// An authorizer.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Authorizer {
    pub(super) authorizer_id: String,
    #[serde(flatten)]
    pub(super) kind: AuthorizerKind,
    pub(super) name: String,
}

/// What an authorizer goes by.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "authorizerType")]
pub(super) enum AuthorizerKind {
    #[serde(rename = "JWT")]
    Jwt(JwtAuthorizer),
    #[serde(rename = "REQUEST")]
    Lambda(LambdaAuthorizer),
}

/// A token's claims.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JwtAuthorizer {
    /// One expression.
    pub(super) identity_source: Vec<String>,
    pub(super) jwt_configuration: JwtConfiguration,
    #[serde(skip)]
    pub(super) source: IdentitySource,
}

/// A function's answer.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LambdaAuthorizer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) authorizer_credentials_arn: Option<String>,
    pub(super) authorizer_payload_format_version: PayloadFormat,
    /// How long answers are kept; none or zero where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) authorizer_result_ttl_in_seconds: Option<u32>,
    /// The function's invocation URI.
    pub(super) authorizer_uri: String,
    pub(super) enable_simple_responses: bool,
    pub(super) identity_source: Vec<String>,
    /// The same, read.
    #[serde(skip)]
    pub(super) sources: Vec<Source>,
    /// The function that the URI names.
    #[serde(skip)]
    pub(super) function_arn: String,
}

/// What of a request says who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A header or a query parameter.
    Request(IdentitySource),
    /// A stage variable.
    Stage(String),
    /// What the gateway knows of the request: `routeKey`.
    Context(String),
}

/// A place in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IdentitySource {
    Header(http::HeaderName),
    Query(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct JwtConfiguration {
    #[serde(default)]
    pub(super) audience: Vec<String>,
    #[serde(default)]
    pub(super) issuer: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stage {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) access_log_settings: Option<AccessLogSettings>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) api_gateway_managed: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) auto_deploy: bool,
    pub(super) created_date: String,
    pub(super) default_route_settings: RouteSettings,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deployment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_deployment_status_message: Option<String>,
    pub(super) last_updated_date: String,
    pub(super) route_settings: BTreeMap<String, RouteSettings>,
    pub(super) stage_name: String,
    pub(super) stage_variables: Texts,
    pub(super) tags: Texts,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AccessLogSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RouteSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data_trace_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detailed_metrics_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logging_level: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) throttling_burst_limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) throttling_rate_limit: Option<f64>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deployment {
    pub(super) auto_deployed: bool,
    pub(super) created_date: String,
    pub(super) deployment_id: String,
    pub(super) deployment_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip)]
    pub(super) snapshot: Arc<Snapshot>,
}

/// A record as the members of a reply.
pub(super) fn show(record: &impl Serialize) -> Value {
    // Records are maps of texts, numbers and lists: they always have a JSON form.
    serde_json::to_value(record).unwrap_or_default()
}

/// Sets a member where there is a value.
pub(super) fn put(shown: &mut Value, name: &str, value: Option<impl Serialize>) {
    if let (Some(members), Some(value)) = (shown.as_object_mut(), value) {
        members.insert(name.to_owned(), show(&value));
    }
}

/// A moment as API Gateway writes it.
pub(super) fn timestamp(moment: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    moment.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field by reference")]
fn is_false(value: &bool) -> bool {
    !value
}

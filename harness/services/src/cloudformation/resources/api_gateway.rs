//! The API Gateway v2 types that are an id under an API: the API itself,
//! routes, integrations, authorizers and deployments.

use async_trait::async_trait;
use ringfence_models::Partition;
use ringfence_wire::services::ApiGatewayV2;
use serde_json::{Map, Value, json};

use super::context::{merged, tag_changes, tag_map};
use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, Tagging, at, text};

/// One of the types: `CreateX`, `GetX`, `UpdateX`, `DeleteX` with an `XId`.
pub(super) struct Item {
    /// `Route`, ….
    noun: &'static str,
    /// Its id in the API's members: `RouteId`.
    id: &'static str,
    /// Its id in the API's answers: `routeId`.
    answer_id: &'static str,
    /// The property with the id of the record that it is a part of, beside its API.
    parent: Option<&'static str>,
    properties: &'static [Property],
    tagging: Tagging,
}

const TEXT_MAP: Kind = Kind::Map(&Kind::Text);
const CORS: Kind = Kind::Object(&[
    ("AllowCredentials", Kind::Boolean),
    ("AllowHeaders", Kind::List(&Kind::Text)),
    ("AllowMethods", Kind::List(&Kind::Text)),
    ("AllowOrigins", Kind::List(&Kind::Text)),
    ("ExposeHeaders", Kind::List(&Kind::Text)),
    ("MaxAge", Kind::Integer),
]);
const JWT: Kind = Kind::Object(&[("Audience", Kind::List(&Kind::Text)), ("Issuer", Kind::Text)]);

pub(super) static API: Item = Item {
    noun: "Api",
    id: "ApiId",
    answer_id: "/apiId",
    parent: None,
    properties: &[
        Property::new("ApiKeySelectionExpression", Kind::Text),
        Property::new("Body", Kind::Document),
        Property::new("CorsConfiguration", CORS),
        Property::new("CredentialsArn", Kind::Text),
        Property::new("Description", Kind::Text),
        Property::new("DisableExecuteApiEndpoint", Kind::Boolean),
        Property::new("DisableSchemaValidation", Kind::Boolean),
        Property::new("FailOnWarnings", Kind::Boolean),
        Property::new("IpAddressType", Kind::Text),
        Property::new("Name", Kind::Text),
        Property::new("ProtocolType", Kind::Text).replaces(),
        Property::new("RouteKey", Kind::Text),
        Property::new("RouteSelectionExpression", Kind::Text),
        Property::new("Tags", TEXT_MAP),
        Property::new("Target", Kind::Text),
        Property::new("Version", Kind::Text),
    ],
    tagging: Tagging::System,
};

pub(super) static ROUTE: Item = Item {
    noun: "Route",
    id: "RouteId",
    answer_id: "/routeId",
    parent: None,
    properties: &[
        Property::new("ApiId", Kind::Text).required().replaces(),
        Property::new("ApiKeyRequired", Kind::Boolean),
        Property::new("AuthorizationScopes", Kind::List(&Kind::Text)),
        Property::new("AuthorizationType", Kind::Text),
        Property::new("AuthorizerId", Kind::Text),
        Property::new("ModelSelectionExpression", Kind::Text),
        Property::new("OperationName", Kind::Text),
        Property::new("RequestModels", TEXT_MAP),
        Property::new("RequestParameters", Kind::Map(&Kind::Any)),
        Property::new("RouteKey", Kind::Text).required(),
        Property::new("RouteResponseSelectionExpression", Kind::Text),
        Property::new("Target", Kind::Text),
    ],
    tagging: Tagging::Never,
};

pub(super) static INTEGRATION: Item = Item {
    noun: "Integration",
    id: "IntegrationId",
    answer_id: "/integrationId",
    parent: None,
    properties: &[
        Property::new("ApiId", Kind::Text).required().replaces(),
        Property::new("ConnectionId", Kind::Text),
        Property::new("ConnectionType", Kind::Text),
        Property::new("ContentHandlingStrategy", Kind::Text),
        Property::new("CredentialsArn", Kind::Text),
        Property::new("Description", Kind::Text),
        Property::new("IntegrationMethod", Kind::Text),
        Property::new("IntegrationSubtype", Kind::Text),
        Property::new("IntegrationType", Kind::Text).required(),
        Property::new("IntegrationUri", Kind::Text),
        Property::new("PassthroughBehavior", Kind::Text),
        Property::new("PayloadFormatVersion", Kind::Text),
        Property::new("RequestParameters", TEXT_MAP),
        Property::new("RequestTemplates", TEXT_MAP),
        Property::new("TemplateSelectionExpression", Kind::Text),
        Property::new("TimeoutInMillis", Kind::Integer),
        Property::new("TlsConfig", Kind::Object(&[("ServerNameToVerify", Kind::Text)])),
    ],
    tagging: Tagging::Never,
};

pub(super) static AUTHORIZER: Item = Item {
    noun: "Authorizer",
    id: "AuthorizerId",
    answer_id: "/authorizerId",
    parent: None,
    properties: &[
        Property::new("ApiId", Kind::Text).required().replaces(),
        Property::new("AuthorizerCredentialsArn", Kind::Text),
        Property::new("AuthorizerPayloadFormatVersion", Kind::Text),
        Property::new("AuthorizerResultTtlInSeconds", Kind::Integer),
        Property::new("AuthorizerType", Kind::Text).required(),
        Property::new("AuthorizerUri", Kind::Text),
        Property::new("EnableSimpleResponses", Kind::Boolean),
        Property::new("IdentitySource", Kind::List(&Kind::Text)),
        Property::new("JwtConfiguration", JWT),
        Property::new("Name", Kind::Text).required(),
    ],
    tagging: Tagging::Never,
};

pub(super) static INTEGRATION_RESPONSE: Item = Item {
    noun: "IntegrationResponse",
    id: "IntegrationResponseId",
    answer_id: "/integrationResponseId",
    parent: Some("IntegrationId"),
    properties: &[
        Property::new("ApiId", Kind::Text).required().replaces(),
        Property::new("ContentHandlingStrategy", Kind::Text),
        Property::new("IntegrationId", Kind::Text).required().replaces(),
        Property::new("IntegrationResponseKey", Kind::Text).required(),
        Property::new("ResponseParameters", Kind::Map(&Kind::Any)),
        Property::new("ResponseTemplates", Kind::Map(&Kind::Any)),
        Property::new("TemplateSelectionExpression", Kind::Text),
    ],
    tagging: Tagging::Never,
};

pub(super) static MODEL: Item = Item {
    noun: "Model",
    id: "ModelId",
    answer_id: "/modelId",
    parent: None,
    properties: &[
        Property::new("ApiId", Kind::Text).required().replaces(),
        Property::new("ContentType", Kind::Text),
        Property::new("Description", Kind::Text),
        Property::new("Name", Kind::Text).required(),
        Property::new("Schema", Kind::Document).required(),
    ],
    tagging: Tagging::Never,
};

pub(super) static ROUTE_RESPONSE: Item = Item {
    noun: "RouteResponse",
    id: "RouteResponseId",
    answer_id: "/routeResponseId",
    parent: Some("RouteId"),
    properties: &[
        Property::new("ApiId", Kind::Text).required().replaces(),
        Property::new("ModelSelectionExpression", Kind::Text),
        Property::new("ResponseModels", Kind::Map(&Kind::Any)),
        Property::new("ResponseParameters", Kind::Map(&Kind::Any)),
        Property::new("RouteId", Kind::Text).required().replaces(),
        Property::new("RouteResponseKey", Kind::Text).required(),
    ],
    tagging: Tagging::Never,
};

pub(super) static DEPLOYMENT: Item = Item {
    noun: "Deployment",
    id: "DeploymentId",
    answer_id: "/deploymentId",
    parent: None,
    properties: &[
        Property::new("ApiId", Kind::Text).required().replaces(),
        Property::new("Description", Kind::Text),
        Property::new("StageName", Kind::Text),
    ],
    tagging: Tagging::Never,
};

#[async_trait]
impl ResourceType for Item {
    fn properties(&self) -> &'static [Property] {
        self.properties
    }

    fn tagging(&self) -> Tagging {
        self.tagging
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let mut input = members(wanted);
        if self.tagging != Tagging::Never {
            let tags = context.tags(Some(&tag_property(wanted)), self.tagging);
            input.insert("Tags".to_owned(), tag_map(&tags));
        }
        let answer =
            context.call(ApiGatewayV2, &format!("Create{}", self.noun), input.into()).await?;
        let id = at(&answer, self.answer_id).to_owned();
        let mut made = Made::new(id.clone()).with(self.id, id.clone());
        if self.noun == "Api" {
            made = made.with("ApiEndpoint", at(&answer, "/apiEndpoint")).with(
                "ExecuteApiArn",
                format!(
                    "arn:{}:execute-api:{}:{}:{id}",
                    Partition::of_region(&context.region),
                    context.region,
                    context.account_id
                ),
            );
        }
        context.initiated(&made);
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let key = self.key(current);
        context.call(ApiGatewayV2, &format!("Get{}", self.noun), key.clone().into()).await?;
        let mut input = members(wanted);
        input.remove("ProtocolType");
        input.remove("StageName");
        input.extend(key);
        let differs = wanted
            .iter()
            .any(|(name, value)| name != "Tags" && current.properties.get(name) != Some(value));
        let removed = current.properties.keys().any(|name| !wanted.contains_key(name));
        if differs || removed {
            context.call(ApiGatewayV2, &format!("Update{}", self.noun), input.into()).await?;
        }
        if self.tagging != Tagging::Never {
            let arn = format!(
                "arn:{}:apigateway:{}::/apis/{}",
                Partition::of_region(&context.region),
                context.region,
                current.made.physical_id
            );
            change_tags(context, &arn, current, wanted).await?;
        }
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        // The handlers list GET besides DELETE: they look before they delete.
        let key = self.key(current);
        context.call(ApiGatewayV2, &format!("Get{}", self.noun), key.clone().into()).await?;
        context.call(ApiGatewayV2, &format!("Delete{}", self.noun), key.into()).await?;
        Ok(())
    }
}

impl Item {
    /// The members that name an item.
    fn key(&self, current: &Existing) -> Map<String, Value> {
        let mut key = Map::new();
        if let Some(api) = text(&current.properties, "ApiId") {
            key.insert("ApiId".to_owned(), api.into());
        }
        if let Some(parent) = self.parent
            && let Some(id) = text(&current.properties, parent)
        {
            key.insert(parent.to_owned(), id.into());
        }
        key.insert(self.id.to_owned(), current.made.physical_id.clone().into());
        key
    }
}

/// The properties as members of a call: inside a member the wire's names
/// begin in lower case.
pub(super) fn members(properties: &Map<String, Value>) -> Map<String, Value> {
    properties
        .iter()
        .filter(|(name, _)| *name != "Tags")
        .map(|(name, value)| {
            let value = match (name.as_str(), value) {
                (
                    "RequestModels" | "RequestParameters" | "RequestTemplates" | "ResponseModels"
                    | "ResponseParameters" | "ResponseTemplates" | "StageVariables",
                    value,
                ) => value.clone(),
                ("Schema", Value::Object(schema)) => {
                    Value::Object(schema.clone()).to_string().into()
                }
                (_, value) => lower(value),
            };
            (name.clone(), value)
        })
        .collect()
}

/// The same value with keys that begin in lower case.
pub(super) fn lower(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (lower_first(key), lower(value))).collect())
        }
        Value::Array(items) => items.iter().map(lower).collect(),
        scalar => scalar.clone(),
    }
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

/// API Gateway's tags are an object; the same as a list.
pub(super) fn tag_property(properties: &Map<String, Value>) -> Value {
    properties
        .get("Tags")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

/// Brings the tags of an API or a stage up to date.
pub(super) async fn change_tags(
    context: &Context,
    arn: &str,
    current: &Existing,
    wanted: &Map<String, Value>,
) -> Result<(), Failure> {
    let (set, removed) = tag_changes(
        &merged(Some(&tag_property(&current.properties)), &current.stack_tags),
        &merged(Some(&tag_property(wanted)), &context.stack_tags),
    );
    if !set.is_empty() {
        let input = json!({"ResourceArn": arn, "Tags": tag_map(&set)});
        context.call(ApiGatewayV2, "TagResource", input).await?;
    }
    if !removed.is_empty() {
        let input = json!({"ResourceArn": arn, "TagKeys": removed});
        context.call(ApiGatewayV2, "UntagResource", input).await?;
    }
    Ok(())
}

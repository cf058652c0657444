//! `AWS::ApiGatewayV2::Stage`.

use async_trait::async_trait;
use ringfence_models::Partition;
use ringfence_wire::services::ApiGatewayV2;
use serde_json::{Map, Value, json};

use super::api_gateway::{change_tags, lower, members, tag_property};
use super::context::tag_map;
use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, Tagging, text};

const ROUTE_SETTINGS: Kind = Kind::Object(&[
    ("DataTraceEnabled", Kind::Boolean),
    ("DetailedMetricsEnabled", Kind::Boolean),
    ("LoggingLevel", Kind::Text),
    ("ThrottlingBurstLimit", Kind::Integer),
    ("ThrottlingRateLimit", Kind::Number),
]);
const ACCESS_LOGS: Kind = Kind::Object(&[("DestinationArn", Kind::Text), ("Format", Kind::Text)]);

pub(super) struct Stage;

#[async_trait]
impl ResourceType for Stage {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("AccessLogSettings", ACCESS_LOGS),
            Property::new("ApiId", Kind::Text).required().replaces(),
            Property::new("AutoDeploy", Kind::Boolean),
            Property::new("DefaultRouteSettings", ROUTE_SETTINGS),
            Property::new("DeploymentId", Kind::Text),
            Property::new("Description", Kind::Text),
            Property::new("RouteSettings", Kind::Map(&ROUTE_SETTINGS)),
            Property::new("StageName", Kind::Text).required().replaces(),
            Property::new("StageVariables", Kind::Map(&Kind::Text)),
            Property::new("Tags", Kind::Map(&Kind::Text)),
        ];
        PROPERTIES
    }

    fn tagging(&self) -> Tagging {
        Tagging::System
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let mut input = stage(wanted);
        let tags = context.tags(Some(&tag_property(wanted)), self.tagging());
        input.insert("Tags".to_owned(), tag_map(&tags));
        context.call(ApiGatewayV2, "CreateStage", input.into()).await?;
        let made = Made::new(text(wanted, "StageName").unwrap_or_default());
        context.initiated(&made);
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        context.call(ApiGatewayV2, "UpdateStage", stage(wanted).into()).await?;
        let arn = format!(
            "arn:{}:apigateway:{}::/apis/{}/stages/{}",
            Partition::of_region(&context.region),
            context.region,
            text(wanted, "ApiId").unwrap_or_default(),
            current.made.physical_id
        );
        change_tags(context, &arn, current, wanted).await?;
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let input = json!({
            "ApiId": text(&current.properties, "ApiId"),
            "StageName": current.made.physical_id,
        });
        context.call(ApiGatewayV2, "DeleteStage", input).await?;
        Ok(())
    }
}

/// The keys of `RouteSettings` are route keys and keep their case.
fn stage(wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut input = members(wanted);
    if let Some(Value::Object(settings)) = wanted.get("RouteSettings") {
        let settings: Map<String, Value> =
            settings.iter().map(|(key, value)| (key.clone(), lower(value))).collect();
        input.insert("RouteSettings".to_owned(), settings.into());
    }
    input
}

//! `AWS::Lambda::Url`.

use async_trait::async_trait;
use ringfence_wire::services::Lambda;
use serde_json::{Map, Value};

use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, at, pick};

const CORS: Kind = Kind::Object(&[
    ("AllowCredentials", Kind::Boolean),
    ("AllowHeaders", Kind::List(&Kind::Text)),
    ("AllowMethods", Kind::List(&Kind::Text)),
    ("AllowOrigins", Kind::List(&Kind::Text)),
    ("ExposeHeaders", Kind::List(&Kind::Text)),
    ("MaxAge", Kind::Integer),
]);

pub(super) struct Url;

#[async_trait]
impl ResourceType for Url {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("AuthType", Kind::Text).required(),
            Property::new("Cors", CORS),
            Property::new("InvokeMode", Kind::Text),
            Property::new("Qualifier", Kind::Text).replaces(),
            Property::new("TargetFunctionArn", Kind::Text).required().replaces(),
        ];
        PROPERTIES
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let answer = context.call(Lambda, "CreateFunctionUrlConfig", input(wanted)).await?;
        let arn = at(&answer, "/FunctionArn");
        let made = Made::new(arn)
            .with("FunctionArn", arn)
            .with("FunctionUrl", at(&answer, "/FunctionUrl"));
        context.initiated(&made);
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        context.call(Lambda, "UpdateFunctionUrlConfig", input(wanted)).await?;
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let mut input = pick(&current.properties, &["Qualifier"]);
        if let Some(function) = current.properties.get("TargetFunctionArn") {
            input.insert("FunctionName".to_owned(), function.clone());
        }
        context.call(Lambda, "DeleteFunctionUrlConfig", input.into()).await?;
        Ok(())
    }
}

fn input(wanted: &Map<String, Value>) -> Value {
    let mut input = pick(wanted, &["AuthType", "Cors", "InvokeMode", "Qualifier"]);
    if let Some(function) = wanted.get("TargetFunctionArn") {
        input.insert("FunctionName".to_owned(), function.clone());
    }
    input.into()
}

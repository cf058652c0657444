//! `AWS::Lambda::Version`. Every property replaces it.

use async_trait::async_trait;
use ringfence_wire::services::Lambda;
use serde_json::{Map, Value, json};

use super::context::Patience;
use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, at, pick, text};

pub(super) struct Version;

#[async_trait]
impl ResourceType for Version {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("CodeSha256", Kind::Text).replaces(),
            Property::new("Description", Kind::Text).replaces(),
            Property::new("FunctionName", Kind::Text).required().replaces(),
        ];
        PROPERTIES
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let input = pick(wanted, &["CodeSha256", "Description", "FunctionName"]);
        let answer = context.call(Lambda, "PublishVersion", input.into()).await?;
        let version = at(&answer, "/Version").to_owned();
        let arn = at(&answer, "/FunctionArn");
        let arn = if arn.ends_with(&format!(":{version}")) {
            arn.to_owned()
        } else {
            format!("{arn}:{version}")
        };
        let made = Made::new(arn.clone()).with("Version", version.clone()).with("FunctionArn", arn);
        context.initiated(&made);
        let question = json!({
            "FunctionName": text(wanted, "FunctionName"),
            "Qualifier": version,
        });
        let patience = Patience::with("the version");
        loop {
            let answer = context.call(Lambda, "GetFunctionConfiguration", question.clone()).await?;
            if at(&answer, "/State") != "Pending" {
                break;
            }
            patience.wait().await?;
        }
        Ok(made)
    }

    async fn update(
        &self,
        _: &Context,
        current: &Existing,
        _: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let input = json!({
            "FunctionName": text(&current.properties, "FunctionName"),
            "Qualifier": at(&Value::Object(current.made.attributes.clone()), "/Version"),
        });
        context.call(Lambda, "DeleteFunction", input).await?;
        Ok(())
    }
}

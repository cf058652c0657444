//! `AWS::Lambda::Permission`: a statement of a function's resource policy.
//! Every property replaces it.

use async_trait::async_trait;
use ringfence_wire::services::Lambda;
use serde_json::{Map, Value, json};

use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, pick, text};

pub(super) struct Permission;

#[async_trait]
impl ResourceType for Permission {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("Action", Kind::Text).required().replaces(),
            Property::new("EventSourceToken", Kind::Text).replaces(),
            Property::new("FunctionName", Kind::Text).required().replaces(),
            Property::new("FunctionUrlAuthType", Kind::Text).replaces(),
            Property::new("InvokedViaFunctionUrl", Kind::Boolean).replaces(),
            Property::new("Principal", Kind::Text).required().replaces(),
            Property::new("PrincipalOrgID", Kind::Text).replaces(),
            Property::new("SourceAccount", Kind::Text).replaces(),
            Property::new("SourceArn", Kind::Text).replaces(),
        ];
        PROPERTIES
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let id = context.physical_name(100);
        let mut input = pick(
            wanted,
            &[
                "Action",
                "EventSourceToken",
                "FunctionName",
                "FunctionUrlAuthType",
                "InvokedViaFunctionUrl",
                "Principal",
                "PrincipalOrgID",
                "SourceAccount",
                "SourceArn",
            ],
        );
        input.insert("StatementId".to_owned(), id.clone().into());
        context.call(Lambda, "AddPermission", input.into()).await?;
        let made = Made::new(id.clone()).with("Id", id);
        context.initiated(&made);
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
            "StatementId": current.made.physical_id,
        });
        context.call(Lambda, "RemovePermission", input).await?;
        Ok(())
    }
}

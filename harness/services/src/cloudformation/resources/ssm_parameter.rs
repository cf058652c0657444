//! `AWS::SSM::Parameter`. `PutParameter` with tags needs
//! `ssm:AddTagsToResource` too, and CloudFormation always adds its own three
//! tags
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ssm-parameter.html>).

use async_trait::async_trait;
use ringfence_wire::services::Ssm;
use serde_json::{Map, Value, json};

use super::context::{merged, tag_changes, tag_list};
use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, Tagging, pick, text};

pub(super) struct Parameter;

const MEMBERS: [&str; 7] =
    ["AllowedPattern", "DataType", "Description", "Policies", "Tier", "Type", "Value"];

#[async_trait]
impl ResourceType for Parameter {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("AllowedPattern", Kind::Text),
            Property::new("DataType", Kind::Text),
            Property::new("Description", Kind::Text),
            Property::new("Name", Kind::Text).replaces(),
            Property::new("Policies", Kind::Text),
            Property::new("Tags", Kind::Map(&Kind::Text)),
            Property::new("Tier", Kind::Text),
            Property::new("Type", Kind::Text).required(),
            Property::new("Value", Kind::Text).required(),
        ];
        PROPERTIES
    }

    fn tagging(&self) -> Tagging {
        Tagging::System
    }

    fn name_property(&self) -> Option<&'static str> {
        Some("Name")
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let name = text(wanted, "Name").map_or_else(|| context.physical_name(512), str::to_owned);
        let mut input = pick(wanted, &MEMBERS);
        input.insert("Name".to_owned(), name.clone().into());
        let tags = context.tags(Some(&own_tags(wanted)), self.tagging());
        input.insert("Tags".to_owned(), tag_list(&tags));
        context.call(Ssm, "PutParameter", input.into()).await?;
        let made = made(wanted, &name);
        context.initiated(&made);
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let name = &current.made.physical_id;
        let old = &current.properties;
        if MEMBERS.iter().any(|member| old.get(*member) != wanted.get(*member)) {
            let mut input = pick(wanted, &MEMBERS);
            input.insert("Name".to_owned(), name.clone().into());
            input.insert("Overwrite".to_owned(), true.into());
            context.call(Ssm, "PutParameter", input.into()).await?;
        }
        let (set, removed) = tag_changes(
            &merged(Some(&own_tags(old)), &current.stack_tags),
            &merged(Some(&own_tags(wanted)), &context.stack_tags),
        );
        if !set.is_empty() {
            let input =
                json!({"ResourceType": "Parameter", "ResourceId": name, "Tags": tag_list(&set)});
            context.call(Ssm, "AddTagsToResource", input).await?;
        }
        if !removed.is_empty() {
            let input =
                json!({"ResourceType": "Parameter", "ResourceId": name, "TagKeys": removed});
            context.call(Ssm, "RemoveTagsFromResource", input).await?;
        }
        Ok(made(wanted, name))
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let input = json!({"Name": current.made.physical_id});
        context.call(Ssm, "DeleteParameter", input).await?;
        Ok(())
    }
}

fn made(wanted: &Map<String, Value>, name: &str) -> Made {
    Made::new(name)
        .with("Type", text(wanted, "Type").unwrap_or_default())
        .with("Value", text(wanted, "Value").unwrap_or_default())
}

fn own_tags(properties: &Map<String, Value>) -> Value {
    super::api_gateway::tag_property(properties)
}

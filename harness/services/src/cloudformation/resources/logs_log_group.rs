//! `AWS::Logs::LogGroup`.

use async_trait::async_trait;
use ringfence_models::Partition;
use ringfence_wire::services::Logs;
use serde_json::{Map, Value, json};

use super::context::{merged, tag_changes, tag_map};
use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, Tagging, text};

pub(super) struct LogGroup;

#[async_trait]
impl ResourceType for LogGroup {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("KmsKeyId", Kind::Text),
            Property::new("LogGroupClass", Kind::Text),
            Property::new("LogGroupName", Kind::Text).replaces(),
            Property::new("RetentionInDays", Kind::Integer),
            Property::new("Tags", Kind::Tags),
        ];
        PROPERTIES
    }

    fn tagging(&self) -> Tagging {
        Tagging::System
    }

    fn name_property(&self) -> Option<&'static str> {
        Some("LogGroupName")
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let name =
            text(wanted, "LogGroupName").map_or_else(|| context.physical_name(512), str::to_owned);
        let mut input = json!({
            "logGroupName": name,
            "tags": tag_map(&context.tags(wanted.get("Tags"), self.tagging())),
        });
        for (property, member) in [("KmsKeyId", "kmsKeyId"), ("LogGroupClass", "logGroupClass")] {
            if let (Some(value), Value::Object(members)) = (wanted.get(property), &mut input) {
                members.insert(member.to_owned(), value.clone());
            }
        }
        context.call(Logs, "CreateLogGroup", input).await?;
        let made = Made::new(name.clone()).with("Arn", format!("{}:*", arn(context, &name)));
        context.initiated(&made);
        retention(context, &name, wanted).await?;
        // AWS's handler reads the group back, with the deployer's permissions.
        // https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-logs
        let read = json!({"logGroupNamePrefix": name});
        context.call(Logs, "DescribeLogGroups", read).await?;
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
        if old.get("LogGroupClass") != wanted.get("LogGroupClass") {
            return Err(Failure::handler("NotUpdatable", "LogGroupClass cannot be changed"));
        }
        if old.get("KmsKeyId") != wanted.get("KmsKeyId") {
            match text(wanted, "KmsKeyId") {
                Some(key) => {
                    let input = json!({"logGroupName": name, "kmsKeyId": key});
                    context.call(Logs, "AssociateKmsKey", input).await?;
                }
                None => {
                    let input = json!({"logGroupName": name});
                    context.call(Logs, "DisassociateKmsKey", input).await?;
                }
            }
        }
        if old.get("RetentionInDays") != wanted.get("RetentionInDays") {
            if wanted.contains_key("RetentionInDays") {
                retention(context, name, wanted).await?;
            } else {
                let input = json!({"logGroupName": name});
                context.call(Logs, "DeleteRetentionPolicy", input).await?;
            }
        }
        let (set, removed) = tag_changes(
            &merged(old.get("Tags"), &current.stack_tags),
            &merged(wanted.get("Tags"), &context.stack_tags),
        );
        let arn = arn(context, name);
        if !set.is_empty() {
            let input = json!({"resourceArn": arn, "tags": tag_map(&set)});
            context.call(Logs, "TagResource", input).await?;
        }
        if !removed.is_empty() {
            let input = json!({"resourceArn": arn, "tagKeys": removed});
            context.call(Logs, "UntagResource", input).await?;
        }
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let input = json!({"logGroupName": current.made.physical_id});
        context.call(Logs, "DeleteLogGroup", input).await?;
        Ok(())
    }
}

fn arn(context: &Context, name: &str) -> String {
    let partition = Partition::of_region(&context.region);
    format!("arn:{partition}:logs:{}:{}:log-group:{name}", context.region, context.account_id)
}

async fn retention(
    context: &Context,
    name: &str,
    wanted: &Map<String, Value>,
) -> Result<(), Failure> {
    if let Some(days) = wanted.get("RetentionInDays") {
        let input = json!({"logGroupName": name, "retentionInDays": days});
        context.call(Logs, "PutRetentionPolicy", input).await?;
    }
    Ok(())
}

//! `AWS::CloudFormation::Stack`: a stack in a stack, made by calls of whoever
//! deploys, with the capabilities of the stack that it is in.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html>

use std::time::Duration;

use async_trait::async_trait;
use ringfence_wire::services::CloudFormation;
use serde_json::{Map, Value, json};

use super::context::{Patience, merged, tag_list};
use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, Tagging, at, text};

pub(super) struct Stack;

/// What an attribute that is an output of the inner stack begins with.
pub(super) const OUTPUTS: &str = "Outputs.";
/// How long an inner stack may take that says nothing of it.
const MINUTES: u64 = 60;

#[async_trait]
impl ResourceType for Stack {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("NotificationARNs", Kind::List(&Kind::Text)),
            Property::new("Parameters", Kind::Map(&Kind::Text)),
            Property::new("Tags", Kind::Tags),
            Property::new("TemplateURL", Kind::Text).required(),
            Property::new("TimeoutInMinutes", Kind::Integer),
        ];
        PROPERTIES
    }

    fn tagging(&self) -> Tagging {
        Tagging::Stack
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let mut input = input(context, wanted);
        input.insert("StackName".to_owned(), context.physical_name(128).into());
        let answer = context.call(CloudFormation, "CreateStack", input.into()).await?;
        let id = at(&answer, "/StackId").to_owned();
        context.initiated(&Made::new(id.clone()));
        settled(context, wanted, &id, "CREATE_COMPLETE", "created").await
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        const NOTHING: &str = "No updates are to be performed.";
        let id = &current.made.physical_id;
        let mut input = input(context, wanted);
        input.insert("StackName".to_owned(), id.clone().into());
        match context.call(CloudFormation, "UpdateStack", input.into()).await {
            Err(Failure::Call { error, .. }) if error.message == NOTHING => {
                return Ok(current.made.clone());
            }
            answer => answer?,
        };
        settled(context, wanted, id, "UPDATE_COMPLETE", "updated").await
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let id = &current.made.physical_id;
        let named = json!({ "StackName": id });
        context.call(CloudFormation, "DeleteStack", named).await?;
        match settled(context, &current.properties, id, "DELETE_COMPLETE", "deleted").await {
            Err(failure) if failure.not_found() => Ok(()),
            done => done.map(|_| ()),
        }
    }
}

/// The members that creation and update share.
fn input(context: &Context, wanted: &Map<String, Value>) -> Map<String, Value> {
    let given = wanted.get("Parameters").and_then(Value::as_object);
    let parameters: Value = given
        .into_iter()
        .flatten()
        .map(|(key, value)| json!({ "ParameterKey": key, "ParameterValue": value }))
        .collect();
    let tags = merged(wanted.get("Tags"), &context.stack_tags);
    let mut input = Map::new();
    input.insert("TemplateURL".to_owned(), json!(text(wanted, "TemplateURL")));
    input.insert("Parameters".to_owned(), parameters);
    input.insert("Capabilities".to_owned(), json!(context.capabilities));
    input.insert("Tags".to_owned(), tag_list(&tags));
    input.extend(super::pick(wanted, &["NotificationARNs"]));
    input
}

/// Waits for the end of an operation on an inner stack: the stack as it then is.
async fn settled(
    context: &Context,
    wanted: &Map<String, Value>,
    id: &str,
    good: &str,
    done: &str,
) -> Result<Made, Failure> {
    let minutes = wanted.get("TimeoutInMinutes").and_then(Value::as_u64).unwrap_or(MINUTES);
    let patience = Patience::of("the stack", Duration::from_secs(minutes.saturating_mul(60)));
    let mut reason = String::new();
    loop {
        let question = json!({ "StackName": id });
        let answer = context.call(CloudFormation, "DescribeStacks", question).await?;
        let status = at(&answer, "/Stacks/0/StackStatus");
        if status == good {
            return Ok(made(id, &answer));
        }
        // What a rollback begins with is not told any more at its end.
        let told = at(&answer, "/Stacks/0/StackStatusReason");
        if !told.is_empty() {
            told.clone_into(&mut reason);
        }
        if !status.ends_with("IN_PROGRESS") {
            // <https://repost.aws/knowledge-center/cloudformation-nested-stacks-error>
            return Err(Failure::Reason(format!(
                "Embedded stack {id} was not successfully {done}: {reason}"
            )));
        }
        patience.wait().await?;
    }
}

/// The stack with its outputs as attributes.
fn made(id: &str, answer: &Value) -> Made {
    let outputs = answer.pointer("/Stacks/0/Outputs").and_then(Value::as_array);
    let of = |output: &Value, member: &str| {
        output.get(member).and_then(Value::as_str).map(str::to_owned)
    };
    outputs
        .into_iter()
        .flatten()
        .filter_map(|it| Some((of(it, "OutputKey")?, of(it, "OutputValue")?)))
        .fold(Made::new(id), |made, (key, value)| made.with(&format!("{OUTPUTS}{key}"), value))
}

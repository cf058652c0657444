//! The stacks of an account, with their templates, as CloudFormation has them.

use ringfence_models::Partition;
use ringfence_wire::ServiceError;
use ringfence_wire::services::CloudFormation;
use serde_json::{Value, json};

use super::super::actor::Actor;
use super::super::attack::Step;
use super::super::facts::Facts;
use crate::access::deployed::{Stack, Where};

/// A stack whose template cannot be read: what it lets in is not known.
#[derive(Debug, thiserror::Error)]
#[error("what policies of resources of the stack `{stack}` allow is not known: {why}")]
pub(crate) struct Unread {
    /// The stack.
    pub(crate) stack: String,
    /// Why.
    pub(crate) why: String,
}

/// Where they are.
pub(crate) fn place(facts: &Facts) -> Where {
    Where {
        partition: Partition::of_region(&facts.region).id.to_owned(),
        account: facts.account.clone(),
        region: Some(facts.region.clone()),
    }
}

/// All that have resources.
///
/// # Errors
/// When CloudFormation does not list them.
pub(crate) async fn all(platform: &Actor) -> Result<Vec<Result<Stack, Unread>>, ServiceError> {
    let (mut all, mut token) = (Vec::new(), None);
    loop {
        let asked = token.map_or_else(|| json!({}), |token: String| json!({"NextToken": token}));
        let step = Step::new(CloudFormation, "DescribeStacks", asked);
        let answer = platform.call(&step).await.result?;
        let listed = answer.get("Stacks").and_then(Value::as_array);
        for found in listed.into_iter().flatten() {
            // A stack is in this state until its first change set is executed: nothing is made.
            if text(found, "StackStatus") == Some("REVIEW_IN_PROGRESS") {
                continue;
            }
            all.push(one(platform, found).await);
        }
        match text(&answer, "NextToken").filter(|it| !it.is_empty()) {
            Some(next) => token = Some(next.to_owned()),
            None => return Ok(all),
        }
    }
}

async fn one(platform: &Actor, found: &Value) -> Result<Stack, Unread> {
    let name = text(found, "StackName").unwrap_or_default();
    let unread = |why: String| Unread { stack: name.to_owned(), why };
    let asked = json!({"StackName": name, "TemplateStage": "Processed"});
    let answer = platform.call(&Step::new(CloudFormation, "GetTemplate", asked)).await.result;
    let answer = answer.map_err(|error| unread(error.to_string()))?;
    let template = match answer.get("TemplateBody") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(body)) => Value::Object(body.clone()).to_string(),
        _ => return Err(unread("CloudFormation answers without its template".to_owned())),
    };
    let parameters = found.get("Parameters").and_then(Value::as_array);
    let parameters = parameters.into_iter().flatten().filter_map(|one| {
        Some((text(one, "ParameterKey")?.to_owned(), text(one, "ParameterValue")?.to_owned()))
    });
    Ok(Stack { name: name.to_owned(), template, parameters: parameters.collect() })
}

fn text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value.get(member).and_then(Value::as_str)
}

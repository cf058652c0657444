//! `AWS::CloudFormation::CustomResource` and `Custom::…`: a function makes the
//! resource. It is invoked as whoever deploys, and its answer decides.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html>

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use ringfence_wire::services::Lambda;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, text};
use crate::cloudformation::responses::Waiting;

pub(super) struct Custom;

/// What all types of custom resources begin with that have a name of their own.
const PREFIX: &str = "Custom::";
const TYPE: &str = "AWS::CloudFormation::CustomResource";
/// "Custom resource type names can be up to 60 characters long and can include
/// alphanumeric and the following characters: _@-"
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html>).
const LONGEST: usize = 60;
/// "The total size of the response body can't exceed 4096 bytes" (the same page).
const LARGEST: usize = 4096;
/// Seconds; "default: 3600 seconds (1 hour)", from 1 to 3600 (the same page).
const LONGEST_WAIT: u64 = 3600;
/// Under which name it is remembered that the answer is secret; no attribute is
/// called so.
pub(in crate::cloudformation) const NO_ECHO: &str = "(no echo)";

/// Whether a type is one of custom resources.
pub(in crate::cloudformation) fn is_custom(kind: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@-:".contains(c);
    kind == TYPE
        || kind.strip_prefix(PREFIX).is_some_and(|name| {
            !name.is_empty() && kind.len() <= LONGEST && name.chars().all(plain)
        })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    status: String,
    reason: Option<String>,
    physical_resource_id: Option<String>,
    #[serde(default)]
    no_echo: Value,
    data: Option<Map<String, Value>>,
}

/// A request to the function.
struct Request<'a> {
    kind: &'static str,
    properties: &'a Map<String, Value>,
    physical_id: Option<&'a str>,
    old: Option<&'a Map<String, Value>>,
}

/// How a request ended: with an answer, or without one that can be read.
enum Ended {
    Answered(Answer),
    Not(Failure),
}

#[async_trait]
impl ResourceType for Custom {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("ServiceTimeout", Kind::Integer),
            Property::new("ServiceToken", Kind::Text).required(),
        ];
        PROPERTIES
    }

    fn is_open(&self) -> bool {
        true
    }

    /// <https://github.com/serverless/serverless/issues/9240>
    fn forbids(
        &self,
        old: &Map<String, Value>,
        wanted: &Map<String, Value>,
    ) -> Option<&'static str> {
        (old.get("ServiceToken") != wanted.get("ServiceToken"))
            .then_some("Modifying service token is not allowed.")
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let request = Request { kind: "Create", properties: wanted, physical_id: None, old: None };
        let (id, failure) = match run(context, &request).await? {
            Ended::Answered(answer) => {
                let id = answer.physical_resource_id.clone().filter(|id| !id.is_empty());
                match decided(answer, &request) {
                    Ok(made) => {
                        context.initiated(&made);
                        return Ok(made);
                    }
                    Err(failure) => (id, failure),
                }
            }
            Ended::Not(failure) => (None, failure),
        };
        // The function ran: what it left is its own to delete, by the id that it
        // gave or by one made up for it.
        context.initiated(&Made::new(id.unwrap_or_else(|| context.physical_name(128))));
        Err(failure)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let request = Request {
            kind: "Update",
            properties: wanted,
            physical_id: Some(&current.made.physical_id),
            old: Some(&current.properties),
        };
        match run(context, &request).await? {
            Ended::Answered(answer) => decided(answer, &request),
            Ended::Not(failure) => Err(failure),
        }
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let request = Request {
            kind: "Delete",
            properties: &current.properties,
            physical_id: Some(&current.made.physical_id),
            old: None,
        };
        // A function that is gone does not say that its resource is.
        let ended = run(context, &request).await.map_err(|failure| match failure.not_found() {
            true => Failure::Reason(failure.reason()),
            false => failure,
        })?;
        match ended {
            Ended::Answered(answer) => decided(answer, &request).map(drop),
            Ended::Not(failure) => Err(failure),
        }
    }
}

/// Invokes the function and waits for its answer.
async fn run(context: &Context, request: &Request<'_>) -> Result<Ended, Failure> {
    let token = text(request.properties, "ServiceToken").unwrap_or_default();
    match token.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", _, "lambda", region, _, "function", _, ..] if *region == context.region => {}
        ["arn", _, "sns", ..] => {
            return Err(Failure::Reason(format!(
                "the custom resource {} is backed by an SNS topic ({token}), which is not supported by Ringfence's CloudFormation",
                context.logical_id
            )));
        }
        _ => return Err(Failure::Reason("Invalid service token.".to_owned())),
    }
    let seconds = match request.properties.get("ServiceTimeout").map(Value::as_u64) {
        None => LONGEST_WAIT,
        Some(Some(seconds)) if (1..=LONGEST_WAIT).contains(&seconds) => seconds,
        Some(_) => {
            return Err(Failure::Reason(format!(
                "ServiceTimeout must be an integer between 1 and {LONGEST_WAIT}"
            )));
        }
    };
    let id = uuid::Uuid::new_v4().to_string();
    let waiting = context
        .waiting(&id)
        .ok_or_else(|| Failure::handler("InternalFailure", "the guard has no port yet"))?;
    let payload = Bytes::from(event(context, request, token, &id, &waiting).to_string());
    let input = json!({ "FunctionName": token, "InvocationType": "Event" });
    context.deliver(Lambda, "Invoke", input, payload).await?;
    let answer = waiting.answer(Duration::from_secs(seconds)).await;
    // As AWS tells it: <https://github.com/DataDog/datadog-aws-controltower/issues/9>.
    let Some(answer) = answer else {
        return Ok(Ended::Not(Failure::Reason(format!(
            "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [{id}]. If you are using the Python cfn-response module, you may need to update your Lambda function code so that CloudFormation can attach the updated version."
        ))));
    };
    Ok(read(&answer, context, &id))
}

fn event(
    context: &Context,
    request: &Request<'_>,
    token: &str,
    id: &str,
    waiting: &Waiting,
) -> Value {
    let mut event = json!({
        "RequestType": request.kind,
        "ServiceToken": token,
        "ResponseURL": waiting.url(),
        "StackId": context.stack_id,
        "RequestId": id,
        "LogicalResourceId": context.logical_id,
        "ResourceType": context.kind,
        "ResourceProperties": texts(&Value::Object(request.properties.clone())),
    });
    if let Value::Object(members) = &mut event {
        if let Some(physical_id) = request.physical_id {
            members.insert("PhysicalResourceId".to_owned(), physical_id.into());
        }
        if let Some(old) = request.old {
            let old = texts(&Value::Object(old.clone()));
            members.insert("OldResourceProperties".to_owned(), old);
        }
    }
    event
}

/// A value as functions are given it: all scalars are texts.
fn texts(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.to_string().into(),
        Value::Bool(flag) => flag.to_string().into(),
        Value::Array(items) => items.iter().map(texts).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, it)| (name.clone(), texts(it))).collect())
        }
        other => other.clone(),
    }
}

fn read(answer: &Bytes, context: &Context, id: &str) -> Ended {
    let invalid = |what: &str| Ended::Not(Failure::Reason(format!("{what} (RequestId: {id})")));
    if answer.len() > LARGEST {
        return invalid("Response object is too long");
    }
    let Ok(value) = serde_json::from_slice::<Value>(answer) else {
        return invalid("Invalid Response object: it is no JSON");
    };
    // "This response value should be copied verbatim from the request."
    for (member, own) in [
        ("StackId", context.stack_id.as_str()),
        ("RequestId", id),
        ("LogicalResourceId", context.logical_id.as_str()),
    ] {
        if value.get(member).and_then(Value::as_str) != Some(own) {
            return invalid(&format!("Invalid Response object: {member} is not the request's"));
        }
    }
    match serde_json::from_value(value) {
        Ok(answer) => Ended::Answered(answer),
        Err(cause) => invalid(&format!("Invalid Response object: {cause}")),
    }
}

/// What an answer says of the resource.
fn decided(answer: Answer, request: &Request<'_>) -> Result<Made, Failure> {
    let id = answer.physical_resource_id.filter(|id| !id.is_empty());
    match answer.status.as_str() {
        "SUCCESS" => {}
        "FAILED" => {
            let reason = answer.reason.unwrap_or_default();
            let token = uuid::Uuid::new_v4();
            return Err(Failure::Reason(format!(
                "Received response status [FAILED] from custom resource. Message returned: {reason} (RequestId: {token})"
            )));
        }
        other => {
            // <https://github.com/PaloAltoNetworks/aws-elb-autoscaling/issues/23>
            return Err(Failure::Reason(format!(
                "Invalid Response object: '{other}' is not a valid ResponseStatus"
            )));
        }
    }
    // A deletion needs no id: there is nothing that it would name.
    let id = match (id, request.physical_id) {
        (Some(id), _) => id,
        (None, Some(id)) if request.kind == "Delete" => id.to_owned(),
        _ => return Err(Failure::Reason("Invalid PhysicalResourceId".to_owned())),
    };
    if id.len() > 1024 {
        return Err(Failure::Reason("Invalid PhysicalResourceId".to_owned()));
    }
    let mut made = Made::new(id);
    made.attributes = answer.data.unwrap_or_default();
    made.attributes.remove(NO_ECHO);
    if matches!(&answer.no_echo, Value::Bool(true))
        || answer.no_echo.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true"))
    {
        made = made.with(NO_ECHO, true);
    }
    Ok(made)
}

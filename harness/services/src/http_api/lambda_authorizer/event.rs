//! What an authorizer's function receives: what an integration would, without the
//! body, and what is asked.

use serde_json::{Map, Value, json};

use crate::http_api::event::Event;
use crate::http_api::model::PayloadFormat;

/// The event of a request for `arn`, with the values of the identity sources.
pub(super) fn of(
    event: &Event<'_>,
    format: PayloadFormat,
    arn: &str,
    identity: &[String],
) -> Value {
    let Value::Object(mut members) = event.payload(format) else { return Value::Null };
    for name in ["body", "isBase64Encoded", "multiValueHeaders", "multiValueQueryStringParameters"]
    {
        members.remove(name);
    }
    if let Some(context) = members.get_mut("requestContext").and_then(Value::as_object_mut) {
        context.remove("authorizer");
    }
    let asked = match format {
        PayloadFormat::V2 => {
            // Without sources there is nobody to name.
            let sources = (!identity.is_empty()).then_some(identity);
            json!({ "type": "REQUEST", "routeArn": arn, "identitySource": sources })
        }
        PayloadFormat::V1 => {
            let sources = (!identity.is_empty()).then(|| identity.join(","));
            json!({
                "type": "REQUEST", "methodArn": arn, "identitySource": sources,
                "authorizationToken": sources,
            })
        }
    };
    let asked: Map<String, Value> = asked.as_object().cloned().unwrap_or_default();
    members.extend(asked);
    Value::Object(members)
}

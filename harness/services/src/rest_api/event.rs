//! What functions of a REST API receive.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format>

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::authorize::Granted;
use crate::http_api::{Authorizer, Event, PayloadFormat, Request};

/// A request, with what the gateway found out about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) account_id: &'a str,
    pub(super) api_id: &'a str,
    pub(super) stage: &'a str,
    pub(super) stage_variables: &'a BTreeMap<String, String>,
    pub(super) deployment: &'a str,
    pub(super) resource: &'a str,
    pub(super) resource_id: &'a str,
    pub(super) parameters: &'a BTreeMap<String, String>,
    /// Without the stage.
    pub(super) path: &'a str,
    pub(super) binary_media_types: &'a [String],
    pub(super) request: &'a Request,
}

impl Asked<'_> {
    /// What an integration's function receives.
    pub(super) fn of_integration(&self, granted: &Granted, key: Option<&str>) -> Value {
        let mut event = self.common(granted);
        let (body, is_base64) = self.body();
        event.insert("body".to_owned(), json!(body));
        event.insert("isBase64Encoded".to_owned(), json!(is_base64));
        if let Some(context) = event.get_mut("requestContext").and_then(Value::as_object_mut) {
            if let Some(authorizer) = granted.told() {
                context.insert("authorizer".to_owned(), authorizer);
            }
            if let (Some(identity), Some(key)) =
                (context.get_mut("identity").and_then(Value::as_object_mut), key)
            {
                identity.insert("apiKey".to_owned(), key.into());
            }
        }
        Value::Object(event)
    }

    /// What the function of a `REQUEST` authorizer receives
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html>).
    pub(super) fn of_authorizer(&self, arn: &str) -> Value {
        let mut event = self.common(&Granted::Anyone);
        event.insert("type".to_owned(), "REQUEST".into());
        event.insert("methodArn".to_owned(), arn.into());
        Value::Object(event)
    }

    /// The event of format 1.0, which HTTP APIs have from REST APIs, as these have it.
    fn common(&self, granted: &Granted) -> Map<String, Value> {
        let authorizer = match granted {
            Granted::Caller(caller) => Authorizer::Iam(caller.clone()),
            _ => Authorizer::None,
        };
        let event = Event {
            account_id: self.account_id,
            api_id: self.api_id,
            stage: self.stage,
            stage_variables: self.stage_variables,
            route_key: self.resource,
            route_path: self.resource,
            path_parameters: self.parameters,
            request: self.request,
            authorizer: &authorizer,
        };
        let Value::Object(mut event) = event.payload(PayloadFormat::V1) else {
            return Map::new();
        };
        event.remove("version");
        event.remove("body");
        event.remove("isBase64Encoded");
        event.insert("path".to_owned(), self.path.into());
        for name in ["headers", "multiValueHeaders"] {
            if let Some(Value::Object(headers)) = event.remove(name) {
                let named = headers.into_iter().map(|(name, value)| (as_sent(&name), value));
                event.insert(name.to_owned(), Value::Object(named.collect()));
            }
        }
        if let Some(context) = event.get_mut("requestContext").and_then(Value::as_object_mut) {
            context.remove("authorizer");
            context.insert("path".to_owned(), format!("/{}{}", self.stage, self.path).into());
            context.insert("resourceId".to_owned(), self.resource_id.into());
            context.insert("deploymentId".to_owned(), self.deployment.into());
        }
        event
    }

    /// The body, and whether it is base64: where its media type is one of the API's
    /// binary ones
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html>).
    fn body(&self) -> (Option<String>, bool) {
        let body = &self.request.body;
        if body.is_empty() {
            return (None, false);
        }
        let media = self.request.headers.get(http::header::CONTENT_TYPE);
        let media = media.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        let binary = self.binary_media_types.iter().any(|own| own == "*/*" || own == media);
        match binary {
            true => (Some(STANDARD.encode(body)), true),
            false => (Some(String::from_utf8_lossy(body).into_owned()), false),
        }
    }
}

/// A header's name as clients of HTTP/1.1 send it, which REST APIs pass on; the
/// server here has seen it in small letters.
fn as_sent(name: &str) -> String {
    const COMMON: [&str; 14] = [
        "accept",
        "accept-encoding",
        "accept-language",
        "authorization",
        "cache-control",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "origin",
        "referer",
        "user-agent",
        "x-forwarded-for",
        "x-forwarded-port",
    ];
    if !COMMON.contains(&name) && name != "x-forwarded-proto" {
        return name.to_owned();
    }
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join("-")
}

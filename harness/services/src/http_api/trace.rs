//! What is known of a request: for identity sources, and for the access log.

use bytes::Bytes;
use http::Response;
use serde_json::Value;

use super::HttpApis;
use super::access_log::Context;
use super::event::{Authorizer, Request, claim};
use super::model::Stage;

/// What the gateway knows of a request before it is authorized
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html>).
pub(super) const FACTS: [&str; 15] = [
    "accountId",
    "apiId",
    "domainName",
    "domainPrefix",
    "extendedRequestId",
    "httpMethod",
    "identity.sourceIp",
    "identity.userAgent",
    "path",
    "protocol",
    "requestId",
    "requestTime",
    "requestTimeEpoch",
    "routeKey",
    "stage",
];

/// What serving found out, for the access log.
#[derive(Default)]
pub(super) struct Trace {
    pub(super) route_key: String,
    /// Whether the request came past who authorizes it.
    pub(super) let_in: bool,
    pub(super) authorizer_error: Option<String>,
    pub(super) integration_error: Option<String>,
    /// What the authorizer told, by `authorizer.NAME`.
    authorizer: Context,
}

impl Trace {
    /// Takes note of who authorized a request: claims, or the context that a
    /// function gave.
    pub(super) fn note(&mut self, authorizer: &Authorizer) {
        let members: Vec<(String, String)> = match authorizer {
            Authorizer::None | Authorizer::Iam(_) => return,
            Authorizer::Jwt(grant) => {
                let claims = grant.claims.iter();
                claims.map(|(name, value)| (format!("claims.{name}"), claim(value))).collect()
            }
            Authorizer::Lambda(answer) => {
                let principal = answer.principal_id().map(|id| ("principalId", id.to_owned()));
                let context = answer.context.iter().flatten();
                let texts = context.map(|(name, value)| (name.as_str(), text(value)));
                let all = principal.into_iter().chain(texts);
                all.map(|(name, value)| (name.to_owned(), value)).collect()
            }
        };
        let named = members.into_iter().map(|(name, value)| (format!("authorizer.{name}"), value));
        self.authorizer.extend(named);
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl HttpApis {
    /// [`FACTS`] of a request.
    pub(super) fn facts(
        &self,
        api_id: &str,
        stage: &str,
        route_key: &str,
        request: &Request,
    ) -> Context {
        let host = request.host();
        let values = [
            self.setting.account_id.clone(),
            api_id.to_owned(),
            host.to_owned(),
            host.split('.').next().unwrap_or_default().to_owned(),
            request.request_id.clone(),
            request.method.to_string(),
            request.source_ip.to_string(),
            request.user_agent().to_owned(),
            request.path.clone(),
            request.protocol.clone(),
            request.request_id.clone(),
            request.clf_time(),
            request.epoch_millis().to_string(),
            route_key.to_owned(),
            stage.to_owned(),
        ];
        FACTS.iter().map(|name| (*name).to_owned()).zip(values).collect()
    }

    pub(super) fn log_access(
        &self,
        api_id: &str,
        stage: &Stage,
        request: &Request,
        trace: &Trace,
        response: &Response<Bytes>,
    ) {
        let settings = stage.access_log_settings.as_ref();
        let Some(format) = settings.and_then(|settings| settings.format.as_ref()) else { return };
        let mut context = self.facts(api_id, &stage.stage_name, &trace.route_key, request);
        context.insert("responseLength".to_owned(), response.body().len().to_string());
        context.insert("status".to_owned(), response.status().as_u16().to_string());
        let error = trace.authorizer_error.clone();
        context.extend(error.map(|error| ("authorizer.error".to_owned(), error)));
        for name in ["integrationErrorMessage", "integration.error"] {
            context.extend(trace.integration_error.clone().map(|error| (name.to_owned(), error)));
        }
        context.extend(trace.authorizer.clone());
        context.retain(|_, value| !value.is_empty());
        self.access_log.write(api_id, &stage.stage_name, format, &context);
    }
}

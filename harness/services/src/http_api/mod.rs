//! HTTP APIs (API Gateway v2): what configures them, and what serves them.
//!
//! Control plane: [`HttpApis::answer`]. Data plane: [`HttpApis::api_of_host`]
//! says which API a request is for, [`HttpApis::route_of`] which route it takes
//! (so that the guard can decide `execute-api:Invoke` where the route asks for
//! `AWS_IAM`), and [`HttpApis::serve`] serves it.
//!
//! WebSocket APIs are configured here too ([`websocket`]).
//!
//! What is not built is refused by its name: integrations other than Lambda proxies and actions of services (which are
//! configured and not served), parameter mapping,
//! import and export, custom domains, VPC links, portals.

mod access_log;
mod authorize;
mod control;
mod cors;
mod event;
mod failure;
mod lambda_authorizer;
mod model;
mod response;
mod route;
mod serve;
mod state;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod throttle;
mod trace;
mod websocket;

use std::sync::Arc;

use ringfence_models::Partition;
use serde_json::Value;

use crate::client::Client;
use crate::gateway::cache::Cache;
use crate::gateway::invoke::Functions;
use crate::setting::Setting;
use crate::token::Issuers;

pub(crate) use control::invoked;
pub(crate) use event::{Authorizer, Event, Request};
pub(crate) use model::PayloadFormat;
pub(crate) use response::read as read_response;
pub use route::taken_by;
pub(crate) use serve::request_id;
pub use serve::{Caller, RouteMatch};

/// The HTTP APIs of the account.
#[derive(Debug)]
pub struct HttpApis {
    setting: Arc<Setting>,
    issuers: Issuers,
    apis: state::Apis,
    websockets: websocket::WebSockets,
    functions: Functions,
    /// Answers of Lambda authorizers.
    answers: Cache,
    throttle: throttle::Throttle,
    access_log: access_log::AccessLog,
}

impl HttpApis {
    /// No APIs yet. Functions are invoked through the client; tokens are verified
    /// with the issuers.
    pub fn new(setting: Arc<Setting>, client: Client, issuers: Issuers) -> Self {
        Self {
            answers: Cache::default(),
            functions: Functions::new(Arc::clone(&setting), client),
            access_log: access_log::AccessLog::default(),
            apis: state::Apis::default(),
            websockets: websocket::WebSockets::default(),
            throttle: throttle::Throttle::default(),
            setting,
            issuers,
        }
    }

    /// An API, as `GetApi` shows it.
    pub fn api(&self, api_id: &str) -> Option<Value> {
        let of_websocket = || Some(self.show_websocket(self.websockets.facts(api_id)?));
        self.apis.read(api_id, |api| self.show_api(api)).or_else(of_websocket)
    }

    /// A route, as `GetRoute` shows it.
    pub fn route(&self, api_id: &str, route_id: &str) -> Option<Value> {
        match self.websockets.has(api_id) {
            true => self.websockets.record(api_id, "Route", route_id),
            false => {
                self.apis.read(api_id, |api| api.live.routes.get(route_id).map(|r| r.show()))?
            }
        }
    }

    /// Every route of an API, as `GetRoutes` shows them.
    pub fn routes(&self, api_id: &str) -> Option<Vec<Value>> {
        let of_websocket = || self.websockets.records(api_id, "Route");
        self.apis
            .read(api_id, |api| api.live.routes.values().map(|route| route.show()).collect())
            .or_else(of_websocket)
    }

    /// An integration, as `GetIntegration` shows it.
    pub fn integration(&self, api_id: &str, integration_id: &str) -> Option<Value> {
        if self.websockets.has(api_id) {
            return self.websockets.record(api_id, "Integration", integration_id);
        }
        self.apis.read(api_id, |api| {
            api.live.integrations.get(integration_id).map(|record| model::show(record.as_ref()))
        })?
    }

    /// An authorizer, as `GetAuthorizer` shows it.
    pub fn authorizer(&self, api_id: &str, authorizer_id: &str) -> Option<Value> {
        if self.websockets.has(api_id) {
            return self.websockets.record(api_id, "Authorizer", authorizer_id);
        }
        self.apis.read(api_id, |api| {
            api.live.authorizers.get(authorizer_id).map(|record| model::show(record.as_ref()))
        })?
    }

    /// A stage, as `GetStage` shows it.
    pub fn stage(&self, api_id: &str, stage_name: &str) -> Option<Value> {
        if self.websockets.has(api_id) {
            return self.websockets.record(api_id, "Stage", stage_name);
        }
        self.apis.read(api_id, |api| api.stages.get(stage_name).map(model::show))?
    }

    /// The latest thousand lines of a stage's access log, oldest first. They are
    /// not sent to the stage's log group: on AWS, log delivery does that by a
    /// resource policy of CloudWatch Logs, which the guard does not decide by.
    pub fn access_log(&self, api_id: &str, stage_name: &str) -> Vec<String> {
        self.access_log.lines(api_id, stage_name)
    }

    /// The API that a `Host` header addresses: `ID.execute-api.localhost[:PORT]`,
    /// `ID.execute-api.localhost.localstack.cloud[:PORT]` or
    /// `ID.execute-api.REGION.amazonaws.com[:PORT]`. Whether there is such an
    /// API is not asked; an unknown one answers 404.
    pub fn api_of_host(&self, host: &str) -> Option<String> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
        let (id, rest) = name.split_once(".execute-api.")?;
        let region = self.setting.region.as_str();
        let suffix = self.setting.partition().dns_suffix;
        // The second is LocalStack's
        // (<https://docs.localstack.cloud/aws/services/apigateway/>).
        let ours = ["localhost", "localhost.localstack.cloud"].contains(&rest)
            || rest == format!("{region}.{suffix}");
        let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (ours && plain).then(|| id.to_owned())
    }

    /// What `ApiEndpoint` says: where the guard answers for the API, or AWS's
    /// name for it while the guard has no port yet.
    fn endpoint(&self, api_id: &str) -> String {
        match self.setting.endpoint().and_then(url::Url::port_or_known_default) {
            Some(port) => format!("http://{api_id}.execute-api.localhost:{port}"),
            None => {
                let region = &self.setting.region;
                let suffix = Partition::of_region(region).dns_suffix;
                format!("https://{api_id}.execute-api.{region}.{suffix}")
            }
        }
    }

    /// The same of a WebSocket API.
    fn show_websocket(&self, mut facts: Value) -> Value {
        let id = facts.get("apiId").and_then(Value::as_str).unwrap_or_default().to_owned();
        let endpoint = self.endpoint(&id).replacen("http", "ws", 1);
        model::put(&mut facts, "apiEndpoint", Some(endpoint));
        facts
    }

    fn show_api(&self, api: &model::Api) -> Value {
        let mut shown = model::show(&api.facts);
        model::put(&mut shown, "apiEndpoint", Some(self.endpoint(&api.facts.api_id)));
        shown
    }
}

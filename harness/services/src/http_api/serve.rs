//! The data plane: a request to an API, from its host to its answer.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::authorize::{Grant, authorize};
use super::event::{Authorizer, Event, Request};
use super::failure::Failure;
use super::model::{
    Api, Authorization, AuthorizerKind, Cors, JwtAuthorizer, Route, Snapshot, Stage,
};
use super::trace::Trace;
use super::websocket::CONNECT;
use super::{HttpApis, cors, response};
use crate::gateway::invoke::{Invocation, InvokeError};
use crate::gateway::{Judge, LetIn};

/// What API Gateway takes: the request line with the headers, and the body
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
const MOST_HEADER_BYTES: usize = 10_240;
const MOST_BODY_BYTES: usize = 10 * 1024 * 1024;

/// The methods that routes can have; `ANY` stands for these.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Who calls a route with `AWS_IAM` authorization. The guard puts it into the
/// request's extensions once it has authorized `execute-api:Invoke`; without
/// it, such a route answers 403.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The access key id that signed.
    pub access_key: String,
    /// The caller's account.
    pub account_id: String,
    /// `aws:userid`.
    pub user_id: String,
    /// The caller's ARN.
    pub user_arn: String,
}

/// The route that a request takes, for who must decide on it beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteMatch {
    /// The route's id.
    pub route_id: String,
    /// The route's key: `GET /a/{b}`.
    pub route_key: String,
    /// `NONE`, `AWS_IAM`, `JWT` or `CUSTOM`.
    pub authorization_type: &'static str,
    /// The stage's name.
    pub stage: String,
    /// The resource of `execute-api:Invoke`:
    /// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`.
    pub arn: String,
}

/// An API at the moment of a request.
struct Target {
    stage: Stage,
    cors: Option<Cors>,
    snapshot: Option<Arc<Snapshot>>,
    /// The path without the stage.
    path: String,
}

impl HttpApis {
    /// The route that a request to an API takes; `path` is without the query.
    pub fn route_of(&self, api_id: &str, method: &str, path: &str) -> Option<RouteMatch> {
        if self.websockets.has(api_id) {
            return self.connection_of(api_id, path);
        }
        let target = self.target(api_id, path)?;
        let snapshot = target.snapshot?;
        let taken =
            METHODS.contains(&method).then(|| snapshot.table.take(method, &target.path))??;
        let route = snapshot.routes.get(taken.route_id)?;
        let stage = target.stage.stage_name;
        Some(RouteMatch {
            route_id: route.route_id.clone(),
            route_key: route.key.to_string(),
            authorization_type: route.authorization.name(),
            arn: self.execute_arn(api_id, &stage, &format!("{method}{}", target.path)),
            stage,
        })
    }

    /// Serves a request to an API; the judge decides by policies that authorizers
    /// give.
    pub async fn serve(
        &self,
        api_id: &str,
        request: http::Request<Bytes>,
        source_ip: IpAddr,
        judge: &mut dyn Judge,
    ) -> Response<Bytes> {
        let request_id = request_id();
        let caller = request.extensions().get::<Caller>().cloned();
        let request = Request::of(request, request_id, self.setting.now(), source_ip);
        let mut response = match self.target(api_id, &request.path) {
            None if self.websockets.has(api_id) => {
                self.connect(api_id, &request, caller.is_some()).answer()
            }
            // Without a stage there is no log either.
            None => Failure::not_found().answer(),
            Some(target) => {
                let mut trace = Trace::default();
                let mut response =
                    self.answer_request(api_id, &target, &request, caller, judge, &mut trace).await;
                self.log_access(api_id, &target.stage, &request, &trace, &response);
                if trace.let_in {
                    response.extensions_mut().insert(LetIn);
                }
                response
            }
        };
        // In the place of one that the integration gave.
        if let Ok(id) = HeaderValue::from_str(&request.request_id) {
            response.headers_mut().insert(HeaderName::from_static("apigw-requestid"), id);
        }
        response
    }

    /// The route that a connection to a WebSocket API takes.
    fn connection_of(&self, api_id: &str, path: &str) -> Option<RouteMatch> {
        let stage = path.trim_matches('/').to_owned();
        let route = self.websockets.connect(api_id, &stage)?;
        let text = |name: &str| route.get(name).and_then(serde_json::Value::as_str);
        Some(RouteMatch {
            route_id: text("routeId").unwrap_or_default().to_owned(),
            route_key: CONNECT.to_owned(),
            authorization_type: match text("authorizationType") {
                Some("AWS_IAM") => "AWS_IAM",
                Some("CUSTOM") => "CUSTOM",
                _ => "NONE",
            },
            // `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/$connect`
            // (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-control-access-iam.html>).
            arn: self.execute_arn(api_id, &stage, CONNECT),
            stage,
        })
    }

    /// Why a connection is not made: who may not have it is refused as AWS does, all
    /// others are told that connections are not served.
    fn connect(&self, api_id: &str, request: &Request, is_allowed: bool) -> Failure {
        match self.connection_of(api_id, &request.path).map(|route| route.authorization_type) {
            None => Failure::forbidden(),
            Some("AWS_IAM") if !is_allowed => Failure::forbidden(),
            Some("CUSTOM") => Failure::new(
                StatusCode::NOT_IMPLEMENTED,
                "Ringfence does not have Lambda authorizers of WebSocket APIs",
            ),
            Some(_) => Failure::new(
                StatusCode::NOT_IMPLEMENTED,
                "Ringfence does not have connections to WebSocket APIs",
            ),
        }
    }

    async fn answer_request(
        &self,
        api_id: &str,
        target: &Target,
        request: &Request,
        caller: Option<Caller>,
        judge: &mut dyn Judge,
        trace: &mut Trace,
    ) -> Response<Bytes> {
        if let Some(cors) = &target.cors
            && cors::is_preflight(&request.method, &request.headers)
        {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::NO_CONTENT;
            *response.headers_mut() = cors.preflight(&request.headers);
            return response;
        }
        let mut response = self
            .dispatch(api_id, target, request, caller, judge, trace)
            .await
            .unwrap_or_else(Failure::answer);
        if let Some(cors) = &target.cors {
            cors.apply(&request.headers, response.headers_mut());
        }
        response
    }

    async fn dispatch(
        &self,
        api_id: &str,
        target: &Target,
        request: &Request,
        caller: Option<Caller>,
        judge: &mut dyn Judge,
        trace: &mut Trace,
    ) -> Result<Response<Bytes>, Failure> {
        check_size(request)?;
        let snapshot = target.snapshot.as_ref().ok_or_else(Failure::not_found)?;
        let method = request.method.as_str();
        let taken = METHODS
            .contains(&method)
            .then(|| snapshot.table.take(method, &target.path))
            .flatten()
            .ok_or_else(Failure::not_found)?;
        let route = snapshot.routes.get(taken.route_id).ok_or_else(Failure::not_found)?;
        let route_key = route.key.to_string();
        trace.route_key.clone_from(&route_key);
        let stage = &target.stage;
        let settings =
            stage.route_settings.get(&route_key).unwrap_or(&stage.default_route_settings);
        if !self.throttle.admit((api_id, &stage.stage_name, &route_key), settings, request.time) {
            return Err(Failure::new(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"));
        }
        let event = Event {
            account_id: &self.setting.account_id,
            api_id,
            stage: &stage.stage_name,
            stage_variables: &stage.stage_variables,
            route_key: &route_key,
            route_path: &route.key.path(),
            path_parameters: &taken.path_parameters,
            request,
            authorizer: &Authorizer::None,
        };
        let arn = self.execute_arn(api_id, &stage.stage_name, &format!("{method}{}", target.path));
        let authorizer = self.admit(snapshot, route, &event, &arn, caller, judge, trace).await?;
        trace.let_in = true;
        trace.note(&authorizer);
        let event = Event { authorizer: &authorizer, ..event };
        self.integrate(snapshot, route, &event).await.map_err(|error| {
            trace.integration_error = Some(error.to_string());
            match error {
                InvokeError::Timeout | InvokeError::Throttled => {
                    Failure::new(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
                }
                InvokeError::Unserved => Failure::new(
                    StatusCode::NOT_IMPLEMENTED,
                    "Ringfence does not serve integrations with an IntegrationSubtype",
                ),
                _ => Failure::internal(),
            }
        })
    }

    /// Who authorizes a request for `arn`, if it passes.
    #[expect(clippy::too_many_arguments, reason = "each is of another owner")]
    async fn admit(
        &self,
        snapshot: &Snapshot,
        route: &Route,
        event: &Event<'_>,
        arn: &str,
        caller: Option<Caller>,
        judge: &mut dyn Judge,
        trace: &mut Trace,
    ) -> Result<Authorizer, Failure> {
        let scopes = match &route.authorization {
            Authorization::None => return Ok(Authorizer::None),
            Authorization::AwsIam => {
                return caller.map(Authorizer::Iam).ok_or_else(Failure::forbidden);
            }
            Authorization::Jwt { scopes, .. } => scopes.as_slice(),
            Authorization::Lambda { .. } => &[],
        };
        let authorizer = route
            .authorization
            .authorizer_id()
            .and_then(|id| snapshot.authorizers.get(id))
            .ok_or_else(Failure::internal)?;
        match &authorizer.kind {
            AuthorizerKind::Jwt(jwt) => {
                self.check_token(jwt, scopes, event.request, trace).await.map(Authorizer::Jwt)
            }
            AuthorizerKind::Lambda(lambda) => {
                let asked = self.ask(authorizer, lambda, event, arn, judge).await;
                asked.map(Authorizer::Lambda).map_err(|refusal| {
                    trace.authorizer_error = Some(refusal.log());
                    refusal.failure()
                })
            }
        }
    }

    async fn check_token(
        &self,
        authorizer: &JwtAuthorizer,
        scopes: &[String],
        request: &Request,
        trace: &mut Trace,
    ) -> Result<Grant, Failure> {
        authorize(&self.issuers, authorizer, scopes, &request.headers, &request.query, request.time)
            .await
            .map_err(|refusal| {
                trace.authorizer_error = Some(refusal.log());
                let message = match refusal.status() {
                    StatusCode::FORBIDDEN => "Forbidden",
                    _ => "Unauthorized",
                };
                let challenge = Some(refusal.challenge(scopes));
                Failure { status: refusal.status(), message, challenge }
            })
    }

    async fn integrate(
        &self,
        snapshot: &Snapshot,
        route: &Route,
        event: &Event<'_>,
    ) -> Result<Response<Bytes>, InvokeError> {
        let integration =
            route.integration_id.as_ref().and_then(|id| snapshot.integrations.get(id)).ok_or_else(
                || InvokeError::Other("No integration is attached to the route.".into()),
            )?;
        // The route's own spelling: `GET/a/{b}`, `$default`. Policies that AWS's
        // tools write match it: SAM's `*/GET/a/*`, the console's `*/*/a/{b}`.
        let resource = event.route_key.replacen(" /", "/", 1);
        let source_arn = self.execute_arn(event.api_id, event.stage, &resource);
        let format = integration.payload_format_version;
        let payload = event.payload(format);
        let invocation = Invocation {
            api_id: event.api_id,
            source_arn: &source_arn,
            function: integration.function_arn.as_deref().ok_or(InvokeError::Unserved)?,
            role: integration.credentials_arn.as_deref(),
            timeout_in_millis: integration.timeout_in_millis,
        };
        let result = self.functions.invoke(invocation, &payload).await?;
        response::read(&result, format).map_err(|error| InvokeError::Other(error.to_string()))
    }

    fn execute_arn(&self, api_id: &str, stage: &str, resource: &str) -> String {
        self.arn_of(api_id, &format!("{stage}/{resource}"))
    }

    /// The ARN of something below an API.
    pub(super) fn arn_of(&self, api_id: &str, below: &str) -> String {
        let (region, account) = (&self.setting.region, &self.setting.account_id);
        let partition = self.setting.partition();
        format!("arn:{partition}:execute-api:{region}:{account}:{api_id}/{below}")
    }

    /// The stage of a request: the one that its path begins with, else
    /// `$default`
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>).
    fn target(&self, api_id: &str, path: &str) -> Option<Target> {
        self.apis.read(api_id, |api: &Api| {
            if api.facts.disable_execute_api_endpoint {
                return None;
            }
            let below = path.strip_prefix('/')?;
            let (first, rest) = match below.split_once('/') {
                Some((first, rest)) => (first, format!("/{rest}")),
                None => (below, "/".to_owned()),
            };
            let (stage, path) = match api.stages.get(first) {
                // `$default` is not a name that a path can say.
                Some(stage) if first != "$default" => (stage, rest),
                _ => (api.stages.get("$default")?, path.to_owned()),
            };
            let deployment = stage.deployment_id.as_ref().and_then(|id| api.deployments.get(id));
            Some(Target {
                stage: stage.clone(),
                cors: api.facts.cors_configuration.clone(),
                snapshot: deployment.map(|deployment| Arc::clone(&deployment.snapshot)),
                path,
            })
        })?
    }
}

/// Refuses what is larger than API Gateway takes.
fn check_size(request: &Request) -> Result<(), Failure> {
    let line = request.method.as_str().len() + request.path.len() + request.query.len();
    let sizes = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    if line + sizes.sum::<usize>() > MOST_HEADER_BYTES {
        return Err(Failure::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "Request Header Fields Too Large",
        ));
    }
    if request.body.len() > MOST_BODY_BYTES {
        return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"));
    }
    Ok(())
}

/// An id of the gateway's kind: `Mc7UVioPPHcEKPA=`.
pub(crate) fn request_id() -> String {
    let mut bytes = [0; 11];
    // Without randomness the id is all the same: it is for finding a log line.
    let _ = getrandom::fill(&mut bytes);
    STANDARD.encode(bytes)
}

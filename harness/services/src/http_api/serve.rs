//! The data plane: a request to an API, from its host to its answer.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::json;

use super::access_log::Context;
use super::authorize::{Grant, authorize};
use super::event::{Authorizer, Event, Query, Request, claim};
use super::invoke::InvokeError;
use super::model::{Api, Authorization, Cors, Route, Snapshot, Stage};
use super::websocket::CONNECT;
use super::{HttpApis, cors, response};

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
    /// `NONE`, `AWS_IAM` or `JWT`; `CUSTOM` of a WebSocket API.
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

/// What serving found out, for the access log.
#[derive(Default)]
struct Trace {
    route_key: String,
    authorizer_error: Option<String>,
    integration_error: Option<String>,
    grant: Option<Grant>,
}

/// An answer of the gateway itself.
struct Failure {
    status: StatusCode,
    message: &'static str,
    challenge: Option<String>,
}

impl Failure {
    fn new(status: StatusCode, message: &'static str) -> Self {
        Self { status, message, challenge: None }
    }

    fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }

    fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden")
    }

    fn answer(self) -> Response<Bytes> {
        let mut response = Response::new(json!({"message": self.message}).to_string().into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let challenge = self.challenge.and_then(|text| HeaderValue::from_str(&text).ok());
        headers.extend(challenge.map(|value| (WWW_AUTHENTICATE, value)));
        response
    }
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

    /// Serves a request to an API.
    pub async fn serve(
        &self,
        api_id: &str,
        request: http::Request<Bytes>,
        source_ip: IpAddr,
    ) -> Response<Bytes> {
        let request_id = request_id();
        let caller = request.extensions().get::<Caller>().cloned();
        let (parts, body) = request.into_parts();
        let request = Request {
            request_id,
            time: self.setting.now(),
            source_ip,
            path: parts.uri.path().to_owned(),
            query: Query::new(parts.uri.query().unwrap_or_default()),
            protocol: format!("{:?}", parts.version),
            method: parts.method,
            headers: parts.headers,
            body,
        };
        let mut response = match self.target(api_id, &request.path) {
            None if self.websockets.has(api_id) => {
                self.connect(api_id, &request, caller.is_some()).answer()
            }
            // Without a stage there is no log either.
            None => Failure::not_found().answer(),
            Some(target) => {
                let mut trace = Trace::default();
                let response =
                    self.answer_request(api_id, &target, &request, caller, &mut trace).await;
                self.log_access(api_id, &target.stage, &request, &trace, &response);
                response
            }
        };
        let id = HeaderValue::from_str(&request.request_id);
        let name = HeaderName::from_static("apigw-requestid");
        response.headers_mut().extend(id.ok().map(|id| (name, id)));
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
            .dispatch(api_id, target, request, caller, trace)
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
        let authorizer = match &route.authorization {
            Authorization::None => Authorizer::None,
            Authorization::AwsIam => {
                Authorizer::Iam(caller.as_ref().ok_or_else(Failure::forbidden)?)
            }
            Authorization::Jwt { .. } => {
                let grant = self.check_token(snapshot, route, request, trace).await?;
                Authorizer::Jwt(trace.grant.insert(grant))
            }
        };
        let event = Event {
            account_id: &self.setting.account_id,
            api_id,
            stage: &stage.stage_name,
            stage_variables: &stage.stage_variables,
            route_key: &route_key,
            route_path: &route.key.path(),
            path_parameters: &taken.path_parameters,
            request,
            authorizer,
        };
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

    async fn check_token(
        &self,
        snapshot: &Snapshot,
        route: &Route,
        request: &Request,
        trace: &mut Trace,
    ) -> Result<Grant, Failure> {
        let Authorization::Jwt { authorizer_id, scopes } = &route.authorization else {
            return Err(Failure::internal());
        };
        let authorizer = snapshot.authorizers.get(authorizer_id).ok_or_else(Failure::internal)?;
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
        let result =
            self.functions.invoke(event.api_id, &source_arn, integration, &payload).await?;
        response::read(&result, format).map_err(|error| InvokeError::Other(error.to_string()))
    }

    fn execute_arn(&self, api_id: &str, stage: &str, resource: &str) -> String {
        let (region, account) = (&self.setting.region, &self.setting.account_id);
        let partition = self.setting.partition();
        format!("arn:{partition}:execute-api:{region}:{account}:{api_id}/{stage}/{resource}")
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

    fn log_access(
        &self,
        api_id: &str,
        stage: &Stage,
        request: &Request,
        trace: &Trace,
        response: &Response<Bytes>,
    ) {
        let settings = stage.access_log_settings.as_ref();
        let Some(format) = settings.and_then(|settings| settings.format.as_ref()) else { return };
        let mut context: Context = [
            ("accountId", self.setting.account_id.clone()),
            ("apiId", api_id.to_owned()),
            ("domainName", request.host().to_owned()),
            ("domainPrefix", request.host().split('.').next().unwrap_or_default().to_owned()),
            ("extendedRequestId", request.request_id.clone()),
            ("httpMethod", request.method.to_string()),
            ("identity.sourceIp", request.source_ip.to_string()),
            ("identity.userAgent", request.user_agent().to_owned()),
            ("path", request.path.clone()),
            ("protocol", request.protocol.clone()),
            ("requestId", request.request_id.clone()),
            ("requestTime", request.clf_time()),
            ("requestTimeEpoch", request.epoch_millis().to_string()),
            ("responseLength", response.body().len().to_string()),
            ("routeKey", trace.route_key.clone()),
            ("stage", stage.stage_name.clone()),
            ("status", response.status().as_u16().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let error = trace.authorizer_error.clone();
        context.extend(error.map(|error| ("authorizer.error".to_owned(), error)));
        for name in ["integrationErrorMessage", "integration.error"] {
            context.extend(trace.integration_error.clone().map(|error| (name.to_owned(), error)));
        }
        let claims = trace.grant.iter().flat_map(|grant| &grant.claims);
        context.extend(
            claims.map(|(name, value)| (format!("authorizer.claims.{name}"), claim(value))),
        );
        context.retain(|_, value| !value.is_empty());
        self.access_log.write(api_id, &stage.stage_name, format, &context);
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
fn request_id() -> String {
    let mut bytes = [0; 11];
    // Without randomness the id is all the same: it is for finding a log line.
    let _ = getrandom::fill(&mut bytes);
    STANDARD.encode(bytes)
}

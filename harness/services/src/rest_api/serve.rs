//! The data plane: a request to an API, from its path to its answer.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::HeaderMap;
use http::{HeaderName, HeaderValue, Method, Response};
use serde_json::Value;

use super::answers::Failure;
use super::authorize::Granted;
use super::event::Asked;
use super::snapshot::{Authorization, Integration, Method as Configured, Snapshot};
use super::{RestApis, mock, route};
use crate::gateway::invoke::{Invocation, InvokeError};
use crate::gateway::{Judge, Judgement, LetIn, Question};
use crate::http_api::{Caller, PayloadFormat, read_response};

/// The method that a request takes, for who must decide on it beforehand.
#[derive(Debug, Clone)]
pub struct MethodMatch {
    /// `NONE`, `AWS_IAM` or `CUSTOM`.
    pub authorization_type: &'static str,
    /// The resource of `execute-api:Invoke`:
    /// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`.
    pub arn: String,
    /// The API's resource policy, as it was deployed.
    pub policy: Option<String>,
    target: Target,
}

/// What a request is for.
#[derive(Debug, Clone)]
struct Target {
    api_id: String,
    stage: String,
    stage_variables: BTreeMap<String, String>,
    deployment: String,
    snapshot: Arc<Snapshot>,
    /// The resource's path, and the method as it is configured: `ANY`.
    resource: String,
    method: String,
    parameters: BTreeMap<String, String>,
    /// The request's path without the stage.
    path: String,
}

impl Target {
    fn configured(&self) -> Result<&Configured, Failure> {
        let resource = self.snapshot.resources.get(&self.resource);
        resource
            .and_then(|resource| resource.methods.get(&self.method))
            .ok_or(Failure::MissingAuthenticationToken)
    }
}

/// What a request to an API comes to, before it is decided.
#[derive(Debug)]
pub struct Refused(Failure);

impl Refused {
    /// The gateway's answer.
    pub fn answer(&self) -> Response<Bytes> {
        self.0.answer()
    }
}

impl RestApis {
    /// The method that a request to an API takes; `path` is without the query.
    ///
    /// # Errors
    /// The gateway's answer where it takes none.
    pub async fn method_of(
        &self,
        api_id: &str,
        method: &Method,
        path: &str,
    ) -> Result<MethodMatch, Refused> {
        self.find(api_id, method, path).await.map_err(Refused)
    }

    async fn find(
        &self,
        api_id: &str,
        method: &Method,
        path: &str,
    ) -> Result<MethodMatch, Failure> {
        let below = path.trim_start_matches('/');
        let (stage, rest) = below.split_once('/').unwrap_or((below, ""));
        let input = serde_json::json!({ "restApiId": api_id, "stageName": stage });
        let shown =
            self.records.ask("GetStage", input).await.map_err(|error| match error.status {
                404 => Failure::Forbidden,
                _ => Failure::Internal,
            })?;
        if shown.get("canarySettings").is_some_and(Value::is_object) {
            return Err(Failure::Unserved("canaries of REST APIs".to_owned()));
        }
        let deployment = shown.get("deploymentId").and_then(Value::as_str).unwrap_or_default();
        let snapshot = self
            .snapshot(api_id, deployment)
            .ok_or_else(|| Failure::Unserved(format!("what the deployment {deployment} froze")))?;
        if let Some(what) = &snapshot.unserved {
            return Err(Failure::Unserved(what.clone()));
        }
        let path = format!("/{rest}");
        let paths = snapshot.resources.keys().map(String::as_str);
        let taken = route::take(paths, &path).ok_or(Failure::MissingAuthenticationToken)?;
        let (resource, parameters) = (taken.path.to_owned(), taken.parameters);
        let methods = snapshot.resources.get(&resource).map(|resource| &resource.methods);
        let named = methods.and_then(|methods| {
            [method.as_str(), "ANY"].into_iter().find(|name| methods.contains_key(*name))
        });
        let named = named.ok_or(Failure::MissingAuthenticationToken)?.to_owned();
        let variables = shown.get("variables").and_then(Value::as_object).into_iter().flatten();
        let target = Target {
            api_id: api_id.to_owned(),
            stage: stage.to_owned(),
            stage_variables: variables
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
            deployment: deployment.to_owned(),
            resource,
            method: named,
            parameters,
            path,
            snapshot,
        };
        let authorization_type = match target.configured()?.authorization {
            Authorization::None => "NONE",
            Authorization::AwsIam => "AWS_IAM",
            Authorization::By { .. } => "CUSTOM",
        };
        Ok(MethodMatch {
            authorization_type,
            arn: self.arn_of(api_id, &format!("{stage}/{method}{}", target.path)),
            policy: target.snapshot.policy.clone(),
            target,
        })
    }

    /// Serves a request that takes a method. The caller of a method with `AWS_IAM` is
    /// among the request's extensions, once it is decided that it may.
    pub async fn serve(
        &self,
        taken: &MethodMatch,
        request: http::Request<Bytes>,
        source_ip: IpAddr,
        request_id: &str,
        judge: &mut dyn Judge,
    ) -> Response<Bytes> {
        let caller = request.extensions().get::<Caller>().cloned();
        let (id, time) = (request_id.to_owned(), self.setting.now());
        let request = crate::http_api::Request::of(request, id, time, source_ip);
        let mut let_in = false;
        let answer = self.dispatch(taken, &request, caller, judge, &mut let_in).await;
        let mut answer = answer.unwrap_or_else(|failure| failure.answer());
        if let_in {
            answer.extensions_mut().insert(LetIn);
        }
        // In the place of one that the integration gave.
        if let Ok(id) = HeaderValue::from_str(&crate::http_api::request_id()) {
            answer.headers_mut().insert(HeaderName::from_static("x-amz-apigw-id"), id);
        }
        answer
    }

    async fn dispatch(
        &self,
        taken: &MethodMatch,
        request: &crate::http_api::Request,
        caller: Option<Caller>,
        judge: &mut dyn Judge,
        let_in: &mut bool,
    ) -> Result<Response<Bytes>, Failure> {
        let target = &taken.target;
        let configured = target.configured()?;
        let resource = target.snapshot.resources.get(&target.resource);
        let asked = Asked {
            account_id: &self.setting.account_id,
            api_id: &target.api_id,
            stage: &target.stage,
            stage_variables: &target.stage_variables,
            deployment: &target.deployment,
            resource: &target.resource,
            resource_id: resource.map_or("", |resource| &resource.id),
            parameters: &target.parameters,
            path: &target.path,
            binary_media_types: &target.snapshot.binary_media_types,
            request,
        };
        let granted = match &configured.authorization {
            Authorization::None => {
                self.let_in(taken, judge)?;
                Granted::Anyone
            }
            Authorization::AwsIam => {
                Granted::Caller(caller.ok_or(Failure::MissingAuthenticationToken)?)
            }
            Authorization::By { authorizer_id, scopes } => {
                let authorizer = target.snapshot.authorizers.get(authorizer_id);
                let authorizer = authorizer.ok_or(Failure::Authorizer)?;
                self.ask(authorizer, scopes, &asked, taken, judge).await?
            }
        };
        let key = match configured.api_key {
            true => Some(self.key(&request.headers, &target.api_id, &target.stage).await?),
            false => None,
        };
        *let_in = true;
        match &configured.integration {
            Integration::Unserved(what) => Err(Failure::Unserved(what.clone())),
            Integration::Mock(given) => mock::answer(given),
            Integration::Lambda { function, role, timeout_in_millis } => {
                let below = format!("{}/{}{}", target.stage, request.method, target.resource);
                let source_arn = self.arn_of(&target.api_id, &below);
                let invocation = Invocation {
                    api_id: &target.api_id,
                    source_arn: &source_arn,
                    function,
                    role: role.as_deref(),
                    timeout_in_millis: *timeout_in_millis,
                };
                let event = asked.of_integration(&granted, key.as_deref());
                let result = self.functions.invoke(invocation, &event).await;
                let result = result.map_err(|error| match error {
                    InvokeError::Timeout => Failure::Timeout,
                    // "Internal server error" with 502 for a function's own error
                    // (<https://repost.aws/knowledge-center/malformed-502-api-gateway>).
                    InvokeError::Function(_) => Failure::BadAnswer,
                    _ => Failure::Internal,
                })?;
                read_response(&result, PayloadFormat::V1).map_err(|_| Failure::BadAnswer)
            }
        }
    }

    /// Whether the resource policy lets everybody in who comes without a signature.
    pub(super) fn let_in(&self, taken: &MethodMatch, judge: &mut dyn Judge) -> Result<(), Failure> {
        let Some(policy) = &taken.policy else { return Ok(()) };
        let question = Question { given: None, resource: &taken.arn, policy: Some(policy) };
        match judge.judge(&question) {
            Judgement::Allowed => Ok(()),
            judged => {
                Err(not_authorized("anonymous", &taken.arn, judged == Judgement::ExplicitDeny))
            }
        }
    }
}

/// `User: … is not authorized …`.
fn not_authorized(user: &str, arn: &str, explicit: bool) -> Failure {
    let masked = masked(arn);
    let tail = if explicit { " with an explicit deny" } else { "" };
    Failure::AccessDenied(format!(
        "User: {user} is not authorized to perform: execute-api:Invoke on resource: {masked}{tail}"
    ))
}

/// An ARN as the gateway tells it: eight digits of the account are stars.
fn masked(arn: &str) -> String {
    let parts: Vec<String> = arn
        .splitn(6, ':')
        .enumerate()
        .map(|(at, part)| match at {
            4 => format!("********{}", part.get(8..).unwrap_or_default()),
            _ => part.to_owned(),
        })
        .collect();
    parts.join(":")
}

/// The values of a header as one text.
pub(super) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().filter(|value| !value.is_empty())
}

/// The answer to a caller who signed and may not
/// (<https://repost.aws/knowledge-center/api-gateway-troubleshoot-403-forbidden>).
pub fn denied(user: &str, arn: &str, explicit: bool) -> Response<Bytes> {
    not_authorized(user, arn, explicit).answer()
}

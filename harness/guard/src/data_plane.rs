//! Requests to what the account serves itself, told by their host: HTTP APIs
//! and function URLs. They are journaled like any call; where IAM guards them,
//! it decides here.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, request};
use ringfence_policy::{Context, Document, Kind, Outcome};
use ringfence_services::credentials::{Identity, Session};
use ringfence_services::gateway::{Judge, Judgement, LetIn, Question};
use ringfence_services::http_api::Caller;
use ringfence_services::lambda::{Lambda, UrlHost, UrlTarget};
use ringfence_services::rest_api;
use ringfence_wire::{Service, ServiceError, error, signature};

use crate::api_keys;
use crate::authenticate;
use crate::authorize::{Keys, Subject};
use crate::journal::Ending;
use crate::pipeline::{Passage, Pipeline, deciding};
use crate::refusal;
use crate::requirements::{Requirement, ResourcePolicy, invoke_url};

/// What a host addresses, where it is not AWS's API.
#[derive(Debug)]
pub(crate) enum Target {
    /// An HTTP API, by id.
    Api(String),
    /// A REST API, by id, with the path below it: its stage comes first.
    Rest { api: String, path: String },
    /// A function's URL.
    Url(UrlHost),
    /// A function's package, at a URL that `GetFunction` gave.
    Code,
    /// The answer of a custom resource's function.
    Response,
}

impl Pipeline {
    /// What a request's host addresses, if it is something that is served.
    pub(crate) fn served(&self, parts: &request::Parts) -> Option<Target> {
        let host = parts.headers.get(header::HOST)?.to_str().ok()?;
        if self.services.lambda().is_code_request(host, parts.uri.path()) {
            return Some(Target::Code);
        }
        if self.services.cloudformation().is_response(host, parts.uri.path()) {
            return Some(Target::Response);
        }
        if let Some(api) = self.services.http_apis().api_of_host(host) {
            let path = parts.uri.path().to_owned();
            return Some(match self.has_rest_api(&api) {
                true => Target::Rest { api, path },
                false => Target::Api(api),
            });
        }
        if let Some(url) = self.services.lambda().url_of_host(host) {
            return Some(Target::Url(url));
        }
        let (api, path) = below_rest_api(parts.uri.path()).filter(|_| is_plain(host))?;
        self.has_rest_api(&api).then_some(Target::Rest { api, path })
    }

    /// Whether an account has a REST API.
    fn has_rest_api(&self, api: &str) -> bool {
        self.all().any(|it| it.services.rest_apis().has(api))
    }

    /// That of the account that serves a target; this one's where none has it.
    pub(crate) fn serving(&self, target: &Target, parts: &request::Parts) -> &Self {
        let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        let has = |it: &&Self| match target {
            Target::Api(api) => it.services.api(api).is_some(),
            Target::Rest { api, .. } => it.services.rest_apis().has(api),
            Target::Url(_) => matches!(it.url_of(parts), Some(UrlHost::Served(_))),
            Target::Code => it.services.lambda().code_file(path, query).is_ok(),
            Target::Response => it.services.cloudformation().awaits(path, query),
        };
        self.all().find(has).unwrap_or(self)
    }

    fn url_of(&self, parts: &request::Parts) -> Option<UrlHost> {
        let host = parts.headers.get(header::HOST)?.to_str().ok()?;
        self.services.lambda().url_of_host(host)
    }

    /// Serves a request.
    pub(crate) async fn serve(
        &self,
        target: Target,
        parts: request::Parts,
        body: Bytes,
        passage: &mut Passage,
    ) -> Response<Bytes> {
        passage.entry.principal = Identity::Anonymous.arn();
        // The host is read by the account that has what it names.
        let target = match target {
            Target::Url(host) => Target::Url(self.url_of(&parts).unwrap_or(host)),
            target => target,
        };
        match target {
            Target::Api(api) => {
                let answer = self.serve_api(&api, parts, body, passage).await;
                passage.entry.let_in = Some(was_let_in(&answer));
                answer
            }
            Target::Rest { api, path } => {
                let answer = self.serve_rest(&api, &path, parts, body, passage).await;
                passage.entry.let_in = Some(was_let_in(&answer));
                answer
            }
            Target::Url(url) => self.serve_host(&url, parts, body, passage).await,
            Target::Code => self.serve_code(&parts, passage).await,
            Target::Response => self.serve_response(&parts, body, passage),
        }
    }

    /// An HTTP API decides by itself but for routes with `AWS_IAM`: it answers
    /// 403 on these unless the guard hands it a caller.
    async fn serve_api(
        &self,
        api: &str,
        parts: request::Parts,
        body: Bytes,
        passage: &mut Passage,
    ) -> Response<Bytes> {
        let apis = self.services.http_apis();
        passage.entry.service = "execute-api".to_owned();
        passage.entry.operation = "Invoke".to_owned();
        passage.entry.outcome = Ending::Allowed;
        let route = apis.route_of(api, parts.method.as_str(), parts.uri.path());
        let mut caller = None;
        if let Some(route) = route
            && route.authorization_type == "AWS_IAM"
        {
            let required = invocation(route.arn);
            passage.entry.outcome = Ending::Refused;
            if let Some((session, access_key)) = self.signer(&parts, &body, "execute-api", passage)
            {
                match self.may(&session, vec![required], &parts, passage).await {
                    May::Undecided(error) => return undecided(&error, passage),
                    May::No => {}
                    May::Yes => caller = Some(caller_of(&session, access_key)),
                }
            }
        }
        let headers = parts.headers.clone();
        let mut request = Request::from_parts(parts, body);
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        let source_ip = passage.source_ip;
        let mut given = GivenPolicies { pipeline: self, headers: &headers, passage, error: None };
        let answer = apis.serve(api, request, source_ip, &mut given).await;
        match given.error.take() {
            Some(error) => undecided(&error, passage),
            None => answer,
        }
    }

    /// A REST API decides by itself but for methods with `AWS_IAM`, and for its own
    /// policy.
    async fn serve_rest(
        &self,
        api: &str,
        path: &str,
        parts: request::Parts,
        body: Bytes,
        passage: &mut Passage,
    ) -> Response<Bytes> {
        let apis = self.services.rest_apis();
        passage.entry.service = "execute-api".to_owned();
        passage.entry.operation = "Invoke".to_owned();
        let taken = match apis.method_of(api, &parts.method, path).await {
            Ok(taken) => taken,
            Err(refused) => return refused.answer(),
        };
        let mut caller = None;
        if taken.authorization_type == "AWS_IAM" {
            if let Some((session, access_key)) = self.signer(&parts, &body, "execute-api", passage)
            {
                let required = with_policy(invocation(taken.arn.clone()), taken.policy.as_deref());
                match self.may(&session, vec![required], &parts, passage).await {
                    May::Undecided(error) => return undecided(&error, passage),
                    May::No => {
                        let last = passage.entry.checks.last();
                        let explicit = last.is_some_and(|check| check.outcome == "explicit_deny");
                        let user = session.identity.arn();
                        return rest_api::denied(&user, &taken.arn, explicit);
                    }
                    May::Yes => caller = Some(caller_of(&session, access_key)),
                }
            }
        } else {
            passage.entry.outcome = Ending::Allowed;
        }
        let headers = parts.headers.clone();
        let mut request = Request::from_parts(parts, body);
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        let (source_ip, id) = (passage.source_ip, passage.entry.request_id.clone());
        let mut given = GivenPolicies { pipeline: self, headers: &headers, passage, error: None };
        let answer = apis.serve(&taken, request, source_ip, &id, &mut given).await;
        match given.error.take() {
            Some(error) => undecided(&error, passage),
            None => answer,
        }
    }

    /// Whoever has a signed URL of a package may read it until it is too old, as
    /// of any presigned URL.
    async fn serve_code(&self, parts: &request::Parts, passage: &mut Passage) -> Response<Bytes> {
        passage.entry.service = Service::Lambda.name().to_owned();
        passage.entry.operation = "GetCode".to_owned();
        let read = async {
            if parts.method != Method::GET {
                let text = "The specified method is not allowed against this resource.";
                return Err(ServiceError::new(405, "MethodNotAllowed", text));
            }
            let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
            let file = self.services.lambda().code_file(path, query)?;
            tokio::fs::read(file).await.map_err(|_| {
                ServiceError::new(404, "NoSuchKey", "The specified key does not exist.")
            })
        };
        match read.await {
            Ok(package) => {
                passage.entry.outcome = Ending::Allowed;
                let mut response = Response::new(Bytes::from(package));
                let kind = HeaderValue::from_static("application/zip");
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                response
            }
            Err(error) => {
                passage.entry.outcome = Ending::Refused;
                passage.entry.error = Some(error.code.to_string());
                error::render(&error, Service::S3, &passage.entry.request_id)
            }
        }
    }

    /// Whoever has the URL of a custom resource's request may answer it, as with any
    /// presigned URL.
    fn serve_response(
        &self,
        parts: &request::Parts,
        body: Bytes,
        passage: &mut Passage,
    ) -> Response<Bytes> {
        passage.entry.service = Service::CloudFormation.name().to_owned();
        passage.entry.operation = "RespondToCustomResource".to_owned();
        let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        let error = if parts.method != Method::PUT {
            let text = "The specified method is not allowed against this resource.";
            ServiceError::new(405, "MethodNotAllowed", text)
        } else if self.services.cloudformation().respond(path, query, body) {
            passage.entry.outcome = Ending::Allowed;
            return Response::new(Bytes::new());
        } else {
            ServiceError::new(403, "AccessDenied", "Access Denied")
        };
        passage.entry.outcome = Ending::Refused;
        passage.entry.error = Some(error.code.to_string());
        error::render(&error, Service::S3, &passage.entry.request_id)
    }

    async fn serve_host(
        &self,
        host: &UrlHost,
        parts: request::Parts,
        body: Bytes,
        passage: &mut Passage,
    ) -> Response<Bytes> {
        passage.entry.service = Service::Lambda.name().to_owned();
        passage.entry.operation = "InvokeFunctionUrl".to_owned();
        match host {
            UrlHost::Served(url) => self.serve_url(url, parts, body, passage).await,
            UrlHost::Deleted => refused(passage),
            UrlHost::Unknown => {
                passage.entry.error = Some("AccessDeniedException".to_owned());
                Lambda::url_unknown()
            }
        }
    }

    async fn serve_url(
        &self,
        url: &UrlTarget,
        parts: request::Parts,
        body: Bytes,
        passage: &mut Passage,
    ) -> Response<Bytes> {
        let caller = if url.auth_type == "NONE" {
            Some(Session::direct(Identity::Anonymous))
        } else {
            self.signer(&parts, &body, "lambda", passage).map(|(caller, _)| caller)
        };
        let required = self.url_requirements(url).await;
        let (Some(caller), Some(required)) = (caller, required) else {
            return refused(passage);
        };
        match self.may(&caller, required, &parts, passage).await {
            May::Yes => {}
            May::No => return refused(passage),
            May::Undecided(error) => return undecided(&error, passage),
        }
        let signer = (url.auth_type != "NONE").then_some(&caller);
        let request = Request::from_parts(parts, body);
        let id = &passage.entry.request_id;
        self.services.lambda().serve_url(url, request, passage.source_ip, signer, id).await
    }

    /// New function URLs need both actions since October 2025
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>).
    async fn url_requirements(&self, url: &UrlTarget) -> Option<Vec<Requirement>> {
        let present = self.present(&self.setting.region);
        let qualifier = url.qualifier.as_deref();
        let region = &self.setting.region;
        let by_url = invoke_url(&present, region, &url.function, qualifier, &url.auth_type);
        let by_url = by_url.await.ok()?;
        let mut invoke =
            Requirement { action: "lambda:InvokeFunction".to_owned(), ..by_url.clone() };
        invoke.context.set("lambda:InvokedViaFunctionUrl", "true");
        Some(vec![by_url, invoke])
    }

    /// Who signed a request to a service, and with which key; none where nobody
    /// did, or wrongly.
    fn signer(
        &self,
        parts: &request::Parts,
        body: &Bytes,
        service: &str,
        passage: &mut Passage,
    ) -> Option<(Session, String)> {
        let presented = signature::read(parts).ok().flatten()?;
        presented.check_scope(service, &self.setting.region).ok()?;
        let keyring = &self.setting.keyring;
        let (caller, _) =
            authenticate::signed_by(&presented, parts, body, keyring, passage).ok()?;
        Some((caller, presented.access_key_id))
    }

    /// Whether a caller has all permissions; what cannot be decided is not
    /// allowed.
    async fn may(
        &self,
        caller: &Session,
        required: Vec<Requirement>,
        parts: &request::Parts,
        passage: &mut Passage,
    ) -> May {
        let (directory, directories) = (&self.directory, &self.directories);
        let subject = Subject::of(caller, directories, &self.perimeter, Service::Lambda).await;
        let Ok(subject) = subject else { return May::No };
        let circumstances = passage.circumstances(&parts.headers);
        let region = &self.setting.region;
        let keys = Keys::OfCall;
        let inputs = subject.inputs(&required, region, caller, directory, &circumstances, keys);
        let Ok(inputs) = inputs else { return May::No };
        let verdicts = self.decide(inputs, required, passage);
        match deciding(&verdicts) {
            None if verdicts.is_empty() => May::No,
            _ if self.observer.is_some() => May::Yes,
            None => May::Yes,
            Some(verdict) if verdict.decision.outcome == Outcome::Undecided => {
                May::Undecided(refusal::undecided(&verdict.requirement, &verdict.decision))
            }
            Some(_) => May::No,
        }
    }
}

/// Whether the gateway let in what is answered.
fn was_let_in(answer: &Response<Bytes>) -> bool {
    answer.extensions().get::<LetIn>().is_some()
}

/// Whether a host names this machine and no bucket, API or function of it.
fn is_plain(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let address = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    address.is_ok() || ["localhost", "localhost.localstack.cloud"].contains(&name)
}

/// Where LocalStack serves a REST API at its own host:
/// `/_aws/execute-api/ID/STAGE/PATH`, `/restapis/ID/STAGE/_user_request_/PATH`
/// (<https://docs.localstack.cloud/aws/services/apigateway/>).
fn below_rest_api(path: &str) -> Option<(String, String)> {
    let parted =
        |text: &str| text.split_once('/').map(|(id, rest)| (id.to_owned(), rest.to_owned()));
    if let Some(below) = path.strip_prefix("/_aws/execute-api/") {
        let (id, rest) = parted(below)?;
        return Some((id, format!("/{rest}")));
    }
    let (id, rest) = parted(path.strip_prefix("/restapis/")?)?;
    let (stage, rest) = rest.split_once('/')?;
    let rest = rest.strip_prefix("_user_request_")?;
    Some((id, format!("/{stage}{rest}")))
}

/// Who signed, as APIs are told.
fn caller_of(session: &Session, access_key: String) -> Caller {
    Caller {
        access_key,
        account_id: session.identity.account_id().unwrap_or_default().to_owned(),
        user_id: session.identity.user_id(),
        user_arn: session.identity.arn(),
    }
}

/// What a permission requires of an API that has a policy.
fn with_policy(mut required: Requirement, policy: Option<&str>) -> Requirement {
    if let Some(document) = policy {
        // `arn:aws:execute-api:REGION:ACCOUNT:API`
        let name = required.resource.split('/').next().unwrap_or_default().to_owned();
        required.resource_policy = ResourcePolicy::Resource { name, document: document.to_owned() };
    }
    required
}

/// `execute-api:Invoke`.
fn invocation(resource: String) -> Requirement {
    Requirement {
        action: api_keys::INVOKE.to_owned(),
        resource,
        printed_resource: None,
        context: Context::new(),
        resource_policy: ResourcePolicy::None,
        managed_by_aws: false,
        extent: crate::requirements::Extent::Call,
        needed: crate::requirements::Needed::Surely,
    }
}

/// Decides by the policies that authorizers' functions give, and journals it.
struct GivenPolicies<'a> {
    pipeline: &'a Pipeline,
    headers: &'a HeaderMap,
    passage: &'a mut Passage,
    /// Why something is undecided.
    error: Option<ServiceError>,
}

impl Judge for GivenPolicies<'_> {
    fn judge(&mut self, question: &Question<'_>) -> Judgement {
        let Pipeline { perimeter, directory, setting, .. } = self.pipeline;
        let subject = match question.given {
            Some((authorizer, policy)) => {
                match Document::parse(authorizer, &policy.to_string(), Kind::Identity) {
                    Ok(document) => Subject::given(authorizer, document, perimeter),
                    Err(_) => return Judgement::Malformed,
                }
            }
            None => Subject::anyone(perimeter),
        };
        let required = vec![with_policy(invocation(question.resource.to_owned()), question.policy)];
        let circumstances = self.passage.circumstances(self.headers);
        // Nobody of the account asks: who it is, the function alone has found out.
        let caller = Session::direct(Identity::Anonymous);
        let inputs = subject.inputs(
            &required,
            &setting.region,
            &caller,
            directory,
            &circumstances,
            Keys::OfCall,
        );
        let Ok(inputs) = inputs else { return Judgement::ImplicitDeny };
        let verdicts = self.pipeline.decide(inputs, required, self.passage);
        match deciding(&verdicts) {
            None => Judgement::Allowed,
            Some(verdict) => match verdict.decision.outcome {
                Outcome::Allow => Judgement::Allowed,
                Outcome::ExplicitDeny => Judgement::ExplicitDeny,
                Outcome::ImplicitDeny => Judgement::ImplicitDeny,
                Outcome::Undecided => {
                    let error = refusal::undecided(&verdict.requirement, &verdict.decision);
                    self.error = Some(error);
                    Judgement::Undecided
                }
            },
        }
    }
}

/// Whether a caller may send a request.
enum May {
    Yes,
    No,
    Undecided(ServiceError),
}

/// The guard's own refusal: no API and no function URL answers so.
fn undecided(error: &ServiceError, passage: &mut Passage) -> Response<Bytes> {
    passage.entry.error = Some(error.code.to_string());
    error::render(error, Service::Lambda, &passage.entry.request_id)
}

fn refused(passage: &mut Passage) -> Response<Bytes> {
    passage.entry.error = Some("AccessDeniedException".to_owned());
    Lambda::url_forbidden()
}

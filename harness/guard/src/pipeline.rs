//! The one road of every request: identify, authenticate, authorize, journal,
//! answer here or upstream. A request that any of these cannot do goes no
//! further.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, request};
use ringfence_policy::Outcome;
use ringfence_services::credentials::{Identity, Key, Session};
use ringfence_services::{Setting, sts};
use ringfence_wire::signature::{self, SignatureError, v2};
use ringfence_wire::{Call, Reply, Service, ServiceError, error, identify, post, reply, response};
use serde_json::json;
use time::OffsetDateTime;

use crate::authenticate::Authenticated;
use crate::authorize::{Keys, Subject, Verdict, verdicts, worded};
use crate::context::{Circumstances, requested_region, rfc3339};
use crate::delete_objects::Partial;
use crate::directory::Directory;
use crate::journal::{Check, Ending, Entry, Journal};
use crate::memory::Memory;
use crate::recording::{Attached, Inputs, Overlay, Recorded, Recording};
use crate::requirements::{
    Extent, Requirement, RequirementsError, requirements, requirements_of_absence,
};
use crate::root_watch::{RootUse, RootWatch};
use crate::services::Services;
use crate::signing::{Arrival, Signed};
use crate::state::Present;
use crate::upstream::{self, Upstream};
use crate::{
    account, admit, authenticate, bindings, checks, dry_run, exists, keys, limits, mended, naming,
    refusal, simulate, uploads, validate,
};

/// Everything that a request meets.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) setting: Arc<Setting>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) upstream: Upstream,
    pub(crate) directory: Arc<Directory>,
    pub(crate) services: Services,
    pub(crate) service_control: Vec<Vec<Attached>>,
    /// Kept only where the configuration asked for it.
    pub(crate) recording: Option<Recording>,
    /// For the bodies of requests.
    pub(crate) memory: Memory,
    pub(crate) root_watch: RootWatch,
}

/// A request on its way, with the entry that it leaves.
#[derive(Debug)]
pub(crate) struct Passage {
    pub(crate) entry: Entry,
    pub(crate) source_ip: IpAddr,
    pub(crate) now: OffsetDateTime,
    root: Option<RootUse>,
    /// How the request is signed, where it is.
    scheme: Option<Signed>,
    started: Instant,
}

impl Passage {
    fn begin(source_ip: IpAddr, now: OffsetDateTime) -> Self {
        let entry = Entry {
            time: rfc3339(now),
            request_id: uuid::Uuid::new_v4().to_string(),
            principal: String::new(),
            access_key_id: String::new(),
            service: String::new(),
            operation: String::new(),
            called_via: Vec::new(),
            checks: Vec::new(),
            outcome: Ending::Refused,
            error: None,
            explanation: None,
            status: 0,
            upstream_status: None,
            duration_us: 0,
        };
        Self { entry, source_ip, now, root: None, scheme: None, started: Instant::now() }
    }

    /// Notes who signed, with which key.
    pub(crate) fn signed(&mut self, key: &Key, headers: &HeaderMap) {
        self.caller(&key.session);
        self.entry.access_key_id.clone_from(&key.credentials.access_key_id);
        self.root = RootUse::of(key, headers);
    }

    pub(crate) fn caller(&mut self, caller: &Session) {
        self.entry.principal = caller.identity.arn();
        self.entry.called_via.clone_from(&caller.called_via);
    }

    pub(crate) fn circumstances<'a>(&self, headers: &'a HeaderMap) -> Circumstances<'a> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let content_sha256 = text(HeaderName::from_static("x-amz-content-sha256"));
        Circumstances {
            source_ip: self.source_ip,
            user_agent: text(header::USER_AGENT),
            referer: text(header::REFERER),
            arrival: Some(Arrival { signed: self.scheme, content_sha256 }),
            now: self.now,
        }
    }

    /// Notes what was decided, permission by permission.
    pub(crate) fn decided(&mut self, verdicts: &[Verdict]) {
        self.entry.checks.extend(verdicts.iter().map(|verdict| {
            let requirement = &verdict.requirement;
            Check::new(&requirement.action, &requirement.resource, &verdict.decision)
        }));
        self.entry.outcome = match deciding(verdicts).map(|verdict| verdict.decision.outcome) {
            None | Some(Outcome::Allow) => Ending::Allowed,
            Some(Outcome::Undecided) => Ending::Undecided,
            Some(Outcome::ImplicitDeny | Outcome::ExplicitDeny) => Ending::Denied,
        };
    }

    fn end(mut self, journal: &Journal, response: &mut Response<Bytes>) {
        if let Ok(id) = HeaderValue::from_str(&self.entry.request_id) {
            for name in ["x-amzn-requestid", "x-amz-request-id"] {
                response.headers_mut().insert(HeaderName::from_static(name), id.clone());
            }
        }
        // S3's second id: of the host.
        if self.entry.service == Service::S3.name()
            && let Ok(id) = HeaderValue::from_str(&error::host_id(&self.entry.request_id))
        {
            response.headers_mut().insert(HeaderName::from_static("x-amz-id-2"), id);
        }
        self.entry.status = response.status().as_u16();
        let elapsed = self.started.elapsed().as_micros();
        self.entry.duration_us = u64::try_from(elapsed).unwrap_or(u64::MAX);
        journal.record(self.entry);
    }
}

impl Pipeline {
    /// Takes a request to its answer.
    pub(crate) async fn handle(
        &self,
        request: Request<Bytes>,
        source_ip: IpAddr,
    ) -> Response<Bytes> {
        let mut passage = Passage::begin(source_ip, self.setting.now());
        let (parts, body) = request.into_parts();
        let mut response = match self.served(&parts) {
            Some(target) => self.serve(target, parts, body, &mut passage).await,
            None => self.call(parts, body, &mut passage).await,
        };
        if let Some(used) = passage.root.take() {
            self.root_watch.keep(used, &passage.entry);
        }
        passage.end(&self.journal, &mut response);
        response
    }

    /// The account's state in a region, for mappings.
    pub(crate) fn present<'a>(&'a self, region: &'a str) -> Present<'a> {
        Present {
            directory: &self.directory,
            services: &self.services,
            account_id: &self.setting.account_id,
            region,
        }
    }

    /// Refuses a request whose body was not read, in the form of a service or of
    /// an HTTP API.
    pub(crate) fn refuse_body(
        &self,
        error: &ServiceError,
        service: Option<Service>,
        source_ip: IpAddr,
    ) -> Response<Bytes> {
        let mut passage = Passage::begin(source_ip, self.setting.now());
        passage.entry.error = Some(error.code.to_string());
        let mut response = match service {
            Some(service) => error::render(error, service, &passage.entry.request_id),
            None => admit::plain(error),
        };
        passage.end(&self.journal, &mut response);
        response
    }

    /// An AWS call.
    async fn call(
        &self,
        parts: request::Parts,
        body: Bytes,
        passage: &mut Passage,
    ) -> Response<Bytes> {
        match post::bucket(&parts) {
            Ok(None) => {}
            Ok(Some(bucket)) => return self.post(&bucket, &parts, &body, passage).await,
            Err(error) => {
                passage.entry.error = Some(error.code.to_string());
                return error::render(&error, Service::S3, &passage.entry.request_id);
            }
        }
        let call = match identified(&parts, &body, &self.setting.region) {
            Ok(call) => call,
            Err(error) => {
                let dialect = identify::error_dialect(&parts);
                // What is wrong with the signature says more than that the
                // service, which the signature names, cannot be told.
                let error = readable_signature(&parts)
                    .map_or_else(|cause| cause.to_service_error(dialect), |()| error);
                passage.entry.error = Some(error.code.to_string());
                return error::render(&error, dialect, &passage.entry.request_id);
            }
        };
        passage.entry.service = call.service().name().to_owned();
        passage.entry.operation = call.name().to_owned();
        match self.decide_and_answer(&call, &parts, body, passage).await {
            Ok(response) => response,
            Err(error) => {
                passage.entry.error = Some(error.code.to_string());
                passage.entry.explanation = error.explanation.as_deref().map(str::to_owned);
                error::render(&error, call.service(), &passage.entry.request_id)
            }
        }
    }

    async fn decide_and_answer(
        &self,
        call: &Call,
        parts: &request::Parts,
        body: Bytes,
        passage: &mut Passage,
    ) -> Result<Response<Bytes>, ServiceError> {
        self.checked_journal()?;
        let sts = self.services.sts();
        let authenticated =
            authenticate::authenticate(call, parts, body, &self.setting, sts, passage).await?;
        self.answer(call, authenticated, parts, passage).await
    }

    /// Refuses everything where what is decided cannot be written down.
    pub(crate) fn checked_journal(&self) -> Result<(), ServiceError> {
        self.journal.check().map_err(|cause| {
            ServiceError::new(500, "InternalFailure", format!("{cause}; nothing is decided"))
        })
    }

    /// Decides and answers a call whose caller is known.
    pub(crate) async fn answer(
        &self,
        call: &Call,
        authenticated: Authenticated,
        parts: &request::Parts,
        passage: &mut Passage,
    ) -> Result<Response<Bytes>, ServiceError> {
        let Authenticated { caller, mut body, signed } = authenticated;
        passage.scheme = signed;
        if call.service() == Service::S3 && [Method::GET, Method::HEAD].contains(&parts.method) {
            // S3 passes over the body of a read.
            body = Bytes::new();
        }
        passage.caller(&caller);
        authenticate::restricted(&caller, call)?;
        upstream::check_bucket(call)?;
        if call.service() == Service::Sts {
            sts::check_input(call, Some(&caller))?;
        }
        if !matches!(caller.identity, Identity::Anonymous) {
            checks::s3::region(call, &self.directory.regions)?;
        }
        let named = naming::named(call, &self.present(&call.region)).await?;
        let call = named.call.as_ref();
        let granted = self.authorize(call, &caller, parts, passage).await?;
        let checked = match named.absent {
            Some(absent) => Err(absent),
            None => self.validate(call, &caller.identity).await,
        };
        checked.inspect_err(|_| passage.entry.outcome = Ending::Refused)?;
        if Services::answers(call.service()) {
            let reply = self.services.answer(call, &caller, &passage.entry.request_id).await?;
            return Ok(reply::render(&reply, call.operation, &passage.entry.request_id));
        }
        if account::answers(call) {
            let reply = account::answer(call, &self.directory).await?;
            return Ok(reply::render(&reply, call.operation, &passage.entry.request_id));
        }
        if simulate::answers(call) {
            let reply = simulate::answer(call, self.account()).await?;
            return Ok(reply::render(&reply, call.operation, &passage.entry.request_id));
        }
        if let Some(reply) = self.policy_status(call).await? {
            return Ok(reply::render(&reply, call.operation, &passage.entry.request_id));
        }
        match granted {
            Granted::Call => {
                let answer = self.forward(call, &caller, parts, body, passage).await?;
                let Some(reply) = self.services.after(call, &answer).await? else {
                    return Ok(answer);
                };
                passage.entry.error = None;
                Ok(reply::render(&reply, call.operation, &passage.entry.request_id))
            }
            Granted::Part(partial) => {
                self.delete_allowed(call, &caller, &partial, parts, passage).await
            }
        }
    }

    /// Whether a bucket's policy is public, which emulators do not know; where it
    /// has none, its error is the upstream's.
    async fn policy_status(&self, call: &Call) -> Result<Option<Reply>, ServiceError> {
        if (call.service(), call.name()) != (Service::S3, "GetBucketPolicyStatus") {
            return Ok(None);
        }
        let bucket = call.text("Bucket").unwrap_or_default();
        let Some(policy) = self.directory.bucket_policy(bucket).await? else {
            exists::bucket(call, &self.directory).await?;
            return Err(ServiceError::new(
                404,
                "NoSuchBucketPolicy",
                "The bucket policy does not exist",
            )
            .with("BucketName", bucket));
        };
        let status = json!({"PolicyStatus": {"IsPublic": checks::s3::is_public(&policy)}});
        Ok(Some(Reply::fields(status)))
    }

    /// What a simulation may know of the account.
    fn account(&self) -> simulate::Account<'_> {
        simulate::Account {
            id: &self.setting.account_id,
            directory: &self.directory,
            service_control: &self.service_control,
        }
    }

    /// Decides whether the caller may make the call, or a part of it.
    async fn authorize(
        &self,
        call: &Call,
        caller: &Session,
        parts: &request::Parts,
        passage: &mut Passage,
    ) -> Result<Granted, ServiceError> {
        let service = call.service();
        let mut required = match requirements(call, caller, &self.present(&call.region)).await {
            Ok(required) => required,
            Err(RequirementsError::Service(error)) => return Err(error),
            Err(unmapped) if matches!(caller.identity, Identity::Root { .. }) => {
                // Root needs no permission, and service control policies are
                // the only ones that could limit it.
                if self.service_control.is_empty() {
                    passage.entry.outcome = Ending::Allowed;
                    return Ok(Granted::Call);
                }
                return Err(refusal::refused(service, unmapped.to_string()));
            }
            Err(unmapped) => return Err(refusal::refused(service, unmapped.to_string())),
        };
        require_token_tags(&caller.identity, &mut required);
        let inputs = self.inputs_of(call, caller, &required, parts, passage).await?;
        let verdicts = self.decide(inputs, required, passage);
        let denial = |verdict: &Verdict| denial(verdict, call, caller, passage);
        if let Some(partial) = Partial::of(call, &verdicts, denial) {
            passage.entry.outcome = Ending::Allowed;
            return Ok(Granted::Part(partial));
        }
        refused_by(&verdicts, call, caller, passage)?;
        Ok(Granted::Call)
    }

    /// What decides about the permissions that a call requires.
    async fn inputs_of(
        &self,
        call: &Call,
        caller: &Session,
        required: &[Requirement],
        parts: &request::Parts,
        passage: &Passage,
    ) -> Result<Inputs, ServiceError> {
        let service = call.service();
        let subject = Subject::of(caller, &self.directory, &self.service_control, service)
            .await
            .map_err(|error| worded(error, service))?;
        let circumstances = passage.circumstances(&parts.headers);
        let region = requested_region(call);
        subject
            .inputs(required, region, caller, &self.directory, &circumstances, Keys::OfCall)
            .map_err(|error| worded(error, service))
    }

    /// Refuses to tell a caller that something is not there, where AWS would.
    async fn hide_absence(
        &self,
        call: &Call,
        caller: &Session,
        parts: &request::Parts,
        passage: &mut Passage,
    ) -> Result<(), ServiceError> {
        let present = self.present(&call.region);
        let required = match requirements_of_absence(call, caller, &present).await {
            Ok(required) => required,
            Err(RequirementsError::Service(error)) => return Err(error),
            Err(unmapped) => return Err(refusal::refused(call.service(), unmapped.to_string())),
        };
        if required.is_empty() {
            return Ok(());
        }
        let inputs = self.inputs_of(call, caller, &required, parts, passage).await?;
        // Not recorded: the recorded decision is that about the call itself.
        let verdicts = verdicts(required, inputs.decide(&Overlay::none()));
        passage.decided(&verdicts);
        refused_by(&verdicts, call, caller, passage)
    }

    /// Decides, and keeps what was decided about.
    pub(crate) fn decide(
        &self,
        inputs: Inputs,
        required: Vec<Requirement>,
        passage: &mut Passage,
    ) -> Vec<Verdict> {
        // The items that a call lists do not wait for one another.
        let of_items = required.iter().any(|required| required.extent != Extent::Call);
        let decisions = match of_items {
            true => inputs.decide_each(&Overlay::none()),
            false => inputs.decide(&Overlay::none()),
        };
        let verdicts = verdicts(required, decisions);
        passage.decided(&verdicts);
        if let Some(recording) = &self.recording {
            let entry = &passage.entry;
            recording.keep(Recorded {
                request_id: entry.request_id.clone(),
                principal: entry.principal.clone(),
                service: entry.service.clone(),
                operation: entry.operation.clone(),
                called_via: entry.called_via.clone(),
                inputs,
            });
        }
        verdicts
    }

    /// What AWS refuses of an authorized call and an emulator takes.
    async fn validate(&self, call: &Call, caller: &Identity) -> Result<(), ServiceError> {
        dry_run::check(call)?;
        validate::validate(call)?;
        match call.service() {
            Service::Iam => {
                checks::iam::arns(call)?;
                checks::iam::protected(call, &self.directory).await?;
                checks::iam::creation(call, &self.directory).await?;
                checks::iam::deletion(call, &self.directory).await?;
            }
            Service::S3 => {
                checks::s3::owner(call, &self.setting.account_id)?;
                checks::s3::access(call, caller, &self.directory).await?;
            }
            _ => {}
        }
        limits::check(call, &self.directory).await?;
        exists::check(call, &self.directory, &self.setting.account_id).await?;
        uploads::check(call, &self.directory).await
    }

    /// Deletes those of the objects that may be deleted, and tells of the rest.
    async fn delete_allowed(
        &self,
        call: &Call,
        caller: &Session,
        partial: &Partial,
        parts: &request::Parts,
        passage: &mut Passage,
    ) -> Result<Response<Bytes>, ServiceError> {
        let Some((remainder, headers, body)) = partial.remainder(call)? else {
            exists::bucket(call, &self.directory).await?;
            return Ok(partial.nothing(call, &passage.entry.request_id));
        };
        let mut parts = parts.clone();
        parts.headers = headers;
        let answer = self.forward(&remainder, caller, &parts, body, passage).await?;
        partial.merge(call, answer)
    }

    /// Sends a decided call upstream, and takes note of what it changed.
    async fn forward(
        &self,
        call: &Call,
        caller: &Session,
        parts: &request::Parts,
        body: Bytes,
        passage: &mut Passage,
    ) -> Result<Response<Bytes>, ServiceError> {
        let sent = keys::completed(call, caller)?;
        let ending = bindings::ending(&sent, &self.directory).await?;
        let is_new_bucket = (call.service(), call.name()) == (Service::S3, "CreateBucket")
            && !self.directory.has_bucket(&call.region, call.text("Bucket").unwrap_or("")).await?;
        let answer = self.upstream.forward(&sent, &parts.headers, body, passage.now).await;
        self.directory.changed_by(call);
        let answer = answer?;
        passage.entry.upstream_status = Some(answer.status().as_u16());
        if is_of_no_protocol(&answer) {
            // Of the same status: clients try again what may pass.
            return Err(ServiceError::new(
                answer.status().as_u16(),
                "InternalFailure",
                format!(
                    "{}:{} failed in the upstream, which told no more",
                    call.service().name(),
                    call.name()
                ),
            ));
        }
        if is_absence(call, &answer) {
            self.hide_absence(call, caller, parts, passage).await?;
        }
        if let Some(ending) = ending.filter(|_| answer.status().is_success()) {
            let (directory, upstream) = (&self.directory, &self.upstream);
            let region = &self.setting.region;
            bindings::rebind(&ending, directory, upstream, region, passage.now).await?;
        }
        if is_new_bucket && answer.status().is_success() {
            let bucket = call.text("Bucket").unwrap_or_default();
            let has_ownership = call.text("ObjectOwnership").is_some();
            self.directory.regions.learn(bucket, checks::s3::new_region(call));
            self.directory.close_new_bucket(&call.region, bucket, has_ownership).await?;
        }
        if answer.status().is_success() && call.name() == "DeleteBucket" {
            self.directory.regions.forget(call.text("Bucket").unwrap_or_default());
        }
        if answer.status().is_success() {
            keys::learn(call, &answer, &self.setting, &self.directory).await?;
            account::learn(call, &answer, &self.directory).await?;
        } else if let Err(error) = response::decode(call.operation, &answer) {
            passage.entry.error = Some(error.code.to_string());
        }
        let id = &passage.entry.request_id;
        let mut answer = mended::answer(call, answer, &self.directory, id).await?;
        drop_hop_headers(answer.headers_mut(), parts.method == http::Method::HEAD);
        if let Some(endpoint) = self.setting.endpoint() {
            self.upstream.hide(call, &mut answer, endpoint);
        }
        Ok(answer)
    }
}

/// The call, read with the headers that a presigned request has in its query
/// string.
fn identified(parts: &request::Parts, body: &Bytes, region: &str) -> Result<Call, ServiceError> {
    let Some(headers) = v2::headers(parts) else {
        return identify::identify(parts, body, region);
    };
    let mut parts = parts.clone();
    parts.headers = headers;
    identify::identify(&parts, body, region)
}

/// Whether the signature of a request, of either version, can be read.
fn readable_signature(parts: &request::Parts) -> Result<(), SignatureError> {
    match v2::read(parts)? {
        Some(_) => Ok(()),
        None => signature::read(parts).map(drop),
    }
}

/// How much of a call its caller may do.
#[derive(Debug)]
enum Granted {
    /// All of it.
    Call,
    /// The deletion of some objects of many, or of none.
    Part(Partial),
}

/// The refusal of a call, where one of its permissions was denied.
fn refused_by(
    verdicts: &[Verdict],
    call: &Call,
    caller: &Session,
    passage: &Passage,
) -> Result<(), ServiceError> {
    match deciding(verdicts) {
        Some(denied) => Err(denial(denied, call, caller, passage)),
        None => Ok(()),
    }
}

/// The verdict that refuses: the first denial, or else the first that is
/// undecided.
pub(crate) fn deciding<'v>(verdicts: impl IntoIterator<Item = &'v Verdict>) -> Option<&'v Verdict> {
    let mut undecided = None;
    for verdict in verdicts {
        match verdict.decision.outcome {
            Outcome::Allow => {}
            Outcome::Undecided => undecided = undecided.or(Some(verdict)),
            Outcome::ImplicitDeny | Outcome::ExplicitDeny => return Some(verdict),
        }
    }
    undecided
}

fn denial(verdict: &Verdict, call: &Call, caller: &Session, passage: &Passage) -> ServiceError {
    refusal::denied(
        call.service(),
        call.name(),
        &caller.identity,
        &verdict.requirement,
        &verdict.decision,
        &passage.entry.request_id,
    )
}

/// Whether an answer is a web server's page about its own error: no AWS client
/// could read it.
fn is_of_no_protocol(answer: &Response<Bytes>) -> bool {
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    answer.status().is_server_error() && kind.is_some_and(|kind| kind.starts_with("text/html"))
}

/// Whether an answer says that an object is not there. One to HEAD has no body
/// that could say that it is the bucket.
fn is_absence(call: &Call, answer: &Response<Bytes>) -> bool {
    call.service() == Service::S3
        && answer.status() == http::StatusCode::NOT_FOUND
        && (call.name() == "HeadObject"
            || response::decode(call.operation, answer)
                .is_err_and(|error| error.code == "NoSuchKey"))
}

/// A token may carry session tags and a source identity, which the call does
/// not show: the trust policy must allow these as well
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>).
fn require_token_tags(identity: &Identity, required: &mut Vec<Requirement>) {
    let Identity::WebIdentity(web) = identity else { return };
    let Some(assume) = required.first().cloned() else { return };
    if !web.tags.is_empty() {
        let mut tag = Requirement { action: "sts:TagSession".to_owned(), ..assume.clone() };
        for (key, value) in &web.tags {
            tag.context.set(&format!("aws:RequestTag/{key}"), value);
        }
        tag.context.set_list("aws:TagKeys", web.tags.iter().map(|(key, _)| key));
        tag.context.set_list("sts:TransitiveTagKeys", &web.transitive_tag_keys);
        required.push(tag);
    }
    if let Some(source) = &web.source_identity {
        let mut set = Requirement { action: "sts:SetSourceIdentity".to_owned(), ..assume };
        set.context.set("sts:SourceIdentity", source);
        required.push(set);
    }
}

/// Removes what belongs to the connection between guard and upstream. The
/// length stays with an answer to HEAD, which has no body to measure.
fn drop_hop_headers(headers: &mut HeaderMap, is_head: bool) {
    for name in [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::SERVER,
        HeaderName::from_static("keep-alive"),
    ] {
        headers.remove(name);
    }
    if !is_head {
        headers.remove(header::CONTENT_LENGTH);
    }
}

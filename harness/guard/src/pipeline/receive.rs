//! What reads a request, and who calls.

use std::net::IpAddr;

use bytes::Bytes;
use http::{Response, request};
use ringfence_policy::Outcome;
use ringfence_services::Session;
use ringfence_services::credentials::Identity;
use ringfence_wire::signature::{self, SignatureError, v2};
use ringfence_wire::{Call, Service, ServiceError, error, identify, post};

use super::{Passage, Pipeline};
use crate::recording::Overlay;
use crate::requirements::{RequirementsError, requirements};
use crate::{accounts, admit, authenticate, bindings, upstream};

impl Pipeline {
    /// An AWS call.
    pub(super) async fn call(
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
                let protocol = identify::error_protocol(&parts, dialect);
                return error::render_as(&error, dialect, protocol, &passage.entry.request_id);
            }
        };
        passage.entry.service = call.service().name().to_owned();
        passage.entry.operation = call.name().to_owned();
        let protocol = identify::error_protocol(&parts, call.service());
        match self.decide_and_answer(&call, &parts, body, passage).await {
            Ok(response) => {
                passage.changed(&call);
                response
            }
            Err(error) => {
                passage.entry.error = Some(error.code.to_string());
                passage.entry.explanation = error.explanation.as_deref().map(str::to_owned);
                error::render_as(&error, call.service(), protocol, &passage.entry.request_id)
            }
        }
    }

    /// How much of the body of a call to S3 that nobody signed may be read.
    ///
    /// # Errors
    /// Its refusal, where nobody may make it whatever the body says.
    pub(crate) async fn nobody(
        &self,
        parts: &request::Parts,
        source_ip: IpAddr,
        limit: usize,
    ) -> Result<usize, Box<Response<Bytes>>> {
        // A form brings its signature in its body.
        if !matches!(post::bucket(parts), Ok(None)) {
            return Ok(limit);
        }
        let Ok(call) = identified(parts, &Bytes::new(), &self.setting.region) else {
            return Ok(limit.min(admit::XML));
        };
        // Of another service, whose path told it: it is refused when it is read.
        if call.service() != Service::S3 {
            return Ok(limit.min(admit::XML));
        }
        let limit = if is_upload(&call) { limit } else { limit.min(admit::XML) };
        if upstream::check_bucket(&call).is_err() {
            return Ok(limit.min(admit::XML));
        }
        let mut passage = Passage::begin(source_ip, self.setting.now());
        let caller = Session::direct(Identity::Anonymous);
        passage.caller(&caller);
        passage.entry.service = call.service().name().to_owned();
        passage.entry.operation = call.name().to_owned();
        let denied = match self.acting(&call, None).await {
            Ok(acting) => acting.denied_to_nobody(&call, &caller, parts, &mut passage).await,
            Err(error) => Some(error),
        };
        let Some(error) = denied else {
            return Ok(limit);
        };
        passage.entry.error = Some(error.code.to_string());
        let mut response = error::render(&error, call.service(), &passage.entry.request_id);
        passage.end(&self.journal, &mut response);
        Err(Box::new(response))
    }

    async fn denied_to_nobody(
        &self,
        call: &Call,
        caller: &Session,
        parts: &request::Parts,
        passage: &mut Passage,
    ) -> Option<ServiceError> {
        let required = match requirements(call, caller, &self.present(&call.region)).await {
            Ok(required) if required.is_empty() => return None,
            Ok(required) => required,
            // The body of an object names nothing that it could be about.
            Err(RequirementsError::Service(error)) if is_upload(call) => return Some(error),
            Err(_) => return None,
        };
        let inputs = self.inputs_of(call, caller, &required, parts, passage).await.ok()?;
        let decisions = inputs.decide(&Overlay::none());
        if decisions.iter().all(|decision| decision.outcome == Outcome::Allow) {
            return None;
        }
        // Once more, for the record.
        self.authorize(call, caller, parts, passage).await.err()
    }

    async fn decide_and_answer(
        &self,
        call: &Call,
        parts: &request::Parts,
        body: Bytes,
        passage: &mut Passage,
    ) -> Result<Response<Bytes>, ServiceError> {
        self.checked_journal()?;
        let home = accounts::home(parts, &self.setting.keyring);
        let acting = self.acting(call, home.as_deref()).await?;
        let (setting, sts) = (&acting.setting, acting.services.sts());
        let authenticated =
            authenticate::authenticate(call, parts, body, setting, sts, passage).await?;
        let answer = acting.answer(call, authenticated, parts, passage).await;
        self.rebind(passage).await?;
        answer
    }

    /// Lets the policies of every account mean who had a name that ended.
    ///
    /// # Errors
    /// The first of an account's, once all were gone through.
    async fn rebind(&self, passage: &mut Passage) -> Result<(), ServiceError> {
        let Some(ended) = passage.ended.take() else { return Ok(()) };
        let mut all = Ok(());
        for account in self.all() {
            let (directory, services) = (&account.directory, &account.services);
            let (upstream, region) = (&account.upstream, &account.setting.region);
            let now = passage.now;
            let done = bindings::rebind(&ended, directory, services, upstream, region, now).await;
            all = all.and(done);
        }
        all
    }

    /// Refuses everything where what is decided cannot be written down.
    pub(crate) fn checked_journal(&self) -> Result<(), ServiceError> {
        self.journal.check().map_err(|cause| {
            ServiceError::new(500, "InternalFailure", format!("{cause}; nothing is decided"))
        })
    }
}

/// Whether the body of a call is an object, or a part of one.
fn is_upload(call: &Call) -> bool {
    call.service() == Service::S3 && ["PutObject", "UploadPart"].contains(&call.name())
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

//! What reads a request, and who calls.

use bytes::Bytes;
use http::{Response, request};
use ringfence_wire::signature::{self, SignatureError, v2};
use ringfence_wire::{Call, Service, ServiceError, error, identify, post};

use super::{Passage, Pipeline};
use crate::authenticate;

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
            Ok(response) => response,
            Err(error) => {
                passage.entry.error = Some(error.code.to_string());
                passage.entry.explanation = error.explanation.as_deref().map(str::to_owned);
                error::render_as(&error, call.service(), protocol, &passage.entry.request_id)
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

//! What goes upstream, and what is learned from the answer.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::{Response, request};
use ringfence_models::needs::Needs;
use ringfence_services::credentials::Session;
use ringfence_wire::{Call, Service, ServiceError, identify, reply, response};

use super::{Passage, Pipeline, lacked};
use crate::batch_secrets::Batch;
use crate::delete_objects::Partial;
use crate::{account, bindings, checks, completed, exists, identity_tags, keys, mended, read_back};

impl Pipeline {
    /// Deletes those of the objects that may be deleted, and tells of the rest.
    pub(super) async fn delete_allowed(
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

    /// Reads those of the secrets that may be read, and tells of the rest.
    pub(super) async fn read_allowed(
        &self,
        call: &Call,
        caller: &Session,
        batch: &Batch,
        parts: &request::Parts,
        passage: &mut Passage,
    ) -> Result<Response<Bytes>, ServiceError> {
        let Some(remainder) = batch.remainder(call) else {
            return Ok(batch.nothing(call, &passage.entry.request_id));
        };
        let answer = self.forward(&remainder, caller, parts, Bytes::new(), passage).await?;
        batch.merge(call, answer, &passage.entry.request_id)
    }

    /// Whether a call makes a bucket that is not there.
    async fn is_new_bucket(&self, call: &Call) -> Result<bool, ServiceError> {
        if (call.service(), call.name()) != (Service::S3, "CreateBucket") {
            return Ok(false);
        }
        let bucket = call.text("Bucket").unwrap_or_default();
        let is_there = self.directory.has_bucket(&call.region, bucket).await?;
        if is_there {
            checks::s3::made_again(call)?;
        }
        Ok(!is_there)
    }

    /// Sends a decided call upstream, and takes note of what it changed.
    pub(super) async fn forward(
        &self,
        call: &Call,
        caller: &Session,
        parts: &request::Parts,
        body: Bytes,
        passage: &mut Passage,
    ) -> Result<Response<Bytes>, ServiceError> {
        let sent = completed::completed(call, caller, &self.directory).await?;
        let ending = bindings::ending(&sent, &self.directory).await?;
        let is_new_bucket = self.is_new_bucket(call).await?;
        identity_tags::replace(call, &self.directory).await?;
        let answer = match call.operation.needs() {
            Needs::ByHand => self.upstream.forward(&sent, &parts.headers, body, passage.now).await,
            Needs::ByRule(_) | Needs::Refused(_) => {
                match identify::inflated(parts, &body, call.service())? {
                    None => self.upstream.pass(call, parts, body, passage.now).await,
                    // Not every upstream reads compressed bodies.
                    Some(body) => {
                        let mut parts = parts.clone();
                        parts.headers.remove(header::CONTENT_ENCODING);
                        self.upstream.pass(call, &parts, body, passage.now).await
                    }
                }
            }
        };
        let is_lacking = answer.as_ref().is_ok_and(|answer| lacks(call, answer));
        if !is_lacking {
            self.directory.changed_by(call);
        }
        let answer = answer?;
        passage.entry.upstream_status = Some(answer.status().as_u16());
        if is_lacking {
            if let Some(reply) = lacked::answer(call) {
                return Ok(reply::render(&reply, call.operation, &passage.entry.request_id));
            }
            return Err(ServiceError::not_implemented(
                call.service(),
                format!(
                    "{}:{} is allowed, and the upstream lacks it: no refusal of AWS's. Leave the \
                     call out, or take another upstream, with --backend localstack or the URL of one \
                     that has it",
                    call.service().name(),
                    call.name()
                ),
            ));
        }
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
            passage.ended = bindings::ended(ending, &self.directory).await?;
        }
        if is_new_bucket && answer.status().is_success() {
            let bucket = call.text("Bucket").unwrap_or_default();
            let has_ownership = call.text("ObjectOwnership").is_some();
            self.directory.regions.learn(bucket, checks::s3::new_region(call));
            self.directory.close_new_bucket(&call.region, bucket, has_ownership).await?;
            self.directory.tag_new_bucket(call, bucket).await?;
        }
        if answer.status().is_success() && call.name() == "DeleteBucket" {
            self.directory.regions.forget(call.text("Bucket").unwrap_or_default());
        }
        if answer.status().is_success() {
            self.directory.stored_by(call);
            keys::learn(call, &answer, &self.setting, &self.directory).await?;
            account::learn(call, &answer, &self.directory).await?;
            read_back::tags(call, &self.directory).await?;
        } else if let Err(error) = response::decode(call.operation, &answer) {
            passage.entry.error = Some(error.code.to_string());
        }
        let id = &passage.entry.request_id;
        let mut answer = mended::answer(call, answer, &self.directory, id).await?;
        drop_hop_headers(answer.headers_mut(), parts.method == http::Method::HEAD);
        if let Some(endpoint) = self.setting.endpoint() {
            self.upstream.hide(call, &mut answer, endpoint);
            mended::addressed(call, &mut answer, endpoint);
        }
        Ok(answer)
    }
}

/// Whether an answer says that the upstream does not have the operation. moto
/// answers a web server's page where it has no such service or operation
/// (`call_action` in `core/responses.py` raises `NotImplementedError`), LocalStack
/// 501.
fn lacks(call: &Call, answer: &Response<Bytes>) -> bool {
    let is_by_hand = matches!(call.operation.needs(), Needs::ByHand);
    answer.status() == http::StatusCode::NOT_IMPLEMENTED
        || (!is_by_hand && !answer.status().is_success() && is_page(answer))
}

fn is_page(answer: &Response<Bytes>) -> bool {
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/html"))
}

/// Whether an answer is a web server's page about its own error: no AWS client
/// could read it.
fn is_of_no_protocol(answer: &Response<Bytes>) -> bool {
    answer.status().is_server_error() && is_page(answer)
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

//! What the upstream answers otherwise than AWS, put right before a client sees
//! it. Decisions rest on none of this.

mod ecs;
mod iam;
mod iam_sentences;
mod queues;
mod rest_apis;
mod s3;

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_LENGTH;
use ringfence_wire::{Call, Reply, Service, ServiceError, error, reply, response};
use serde_json::json;

use crate::directory::Directory;

pub(crate) use queues::addressed;

/// The answer as AWS gives it.
///
/// # Errors
/// When what the answer must tell cannot be read from the upstream.
pub(crate) async fn answer(
    call: &Call,
    answer: Response<Bytes>,
    directory: &Directory,
    request_id: &str,
) -> Result<Response<Bytes>, ServiceError> {
    match call.service() {
        Service::Iam => {}
        Service::S3 => return Ok(of_s3(call, answer, request_id)),
        Service::ApiGateway => return Ok(with(answer, |body| rest_apis::body(call, body))),
        service if service.name() == "ecs" => return Ok(with(answer, ecs::body)),
        _ => return Ok(answer),
    }
    match response::decode(call.operation, &answer) {
        Ok(mut fields) => match iam::answer(call, &mut fields, directory).await? {
            true => Ok(reply::render(&Reply::fields(fields), call.operation, request_id)),
            false => Ok(answer),
        },
        Err(told) if iam::is_done(call, &told) => {
            Ok(reply::render(&Reply::fields(json!({})), call.operation, request_id))
        }
        Err(told) => Ok(match iam::error(call, &told) {
            Some(mended) => error::render(&mended, Service::Iam, request_id),
            // moto tells some messages twice, as `Message` and as `message`
            // (LocalStack's recorded `test_role_attach_policy`).
            None if told.status < 500 => error::render(&told, Service::Iam, request_id),
            None => answer,
        }),
    }
}

/// An answer with another body, where there is one.
fn with(
    mut answer: Response<Bytes>,
    body: impl FnOnce(&Bytes) -> Option<Bytes>,
) -> Response<Bytes> {
    if answer.status().is_success()
        && let Some(body) = body(answer.body())
    {
        answer.headers_mut().remove(CONTENT_LENGTH);
        *answer.body_mut() = body;
    }
    answer
}

/// An error of S3's tells this guard's ids, by which the journal knows it.
fn of_s3(call: &Call, mut answer: Response<Bytes>, request_id: &str) -> Response<Bytes> {
    let is_error = answer.status().is_client_error() || answer.status().is_server_error();
    if is_error && let Some(body) = error::s3_with_ids(answer.body(), request_id) {
        *answer.body_mut() = body;
    }
    with(answer, |body| s3::body(call, body))
}

//! What the upstream answers otherwise than AWS, put right before a client sees
//! it. Decisions rest on none of this.

mod ecs;
mod iam;
mod iam_sentences;
mod logs;
mod parameters;
mod queues;
mod rest_apis;
mod s3;
mod secrets;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response};
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
    let mut answer = content(call, answer, directory, request_id).await?;
    let upstreams = answer.headers().get(CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or(""));
    let kind = upstreams.and_then(|kind| reply::content_type(call.service(), kind));
    if let Some(kind) = kind {
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    Ok(answer)
}

async fn content(
    call: &Call,
    answer: Response<Bytes>,
    directory: &Directory,
    request_id: &str,
) -> Result<Response<Bytes>, ServiceError> {
    match call.service() {
        Service::Iam => {}
        Service::Ssm => {
            let Ok(mut fields) = response::decode(call.operation, &answer) else {
                return Ok(answer);
            };
            return Ok(match parameters::answer(call, &mut fields) {
                true => reply::render(&Reply::fields(fields), call.operation, request_id),
                false => answer,
            });
        }
        Service::SecretsManager => {
            return Ok(match response::decode(call.operation, &answer) {
                Ok(mut fields) => match secrets::answer(call, &mut fields, directory).await? {
                    true => reply::render(&Reply::fields(fields), call.operation, request_id),
                    false => answer,
                },
                Err(told) => match secrets::error(call, &told, directory).await? {
                    Some(mended) => error::render(&mended, Service::SecretsManager, request_id),
                    None => answer,
                },
            });
        }
        Service::Logs => {
            let Err(told) = response::decode(call.operation, &answer) else { return Ok(answer) };
            let mended = logs::error(call, &told, directory).await?;
            return Ok(match mended {
                Some(mended) => error::render(&mended, Service::Logs, request_id),
                None => answer,
            });
        }
        Service::S3 => return Ok(of_s3(call, answer, request_id)),
        Service::ApiGateway => return Ok(with(answer, |body| rest_apis::body(call, body))),
        service if service.name() == "ecs" => {
            return Ok(with(answer, |body| ecs::body(call, body)));
        }
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
    if let Some(mended) = s3::in_place(call, &answer, request_id) {
        return mended;
    }
    let is_error = answer.status().is_client_error() || answer.status().is_server_error();
    if is_error && let Some(body) = error::s3_with_ids(answer.body(), request_id) {
        *answer.body_mut() = body;
    }
    if answer.status().is_success() {
        s3::headers(call, answer.headers_mut());
    }
    with(answer, |body| s3::body(call, body))
}

//! Who makes the calls.

use std::sync::Arc;

use bytes::Bytes;
use ringfence_guard::UserKey;
use ringfence_wire::{ServiceError, signature};
use serde_json::Value;
use time::OffsetDateTime;

use super::attack::Step;
use crate::aws::Client;
use crate::terraform::Access;

/// An identity with credentials.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Its ARN, as AWS's messages print it.
    pub arn: String,
    access: Access,
    client: Client,
    /// A user's key that was lent for it, and is retired with it.
    _key: Option<Arc<UserKey>>,
}

/// What a call gave.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The request's id, by which the journal knows it; empty where no answer
    /// came.
    pub request_id: String,
    /// The output, or the service's error.
    pub result: Result<Value, ServiceError>,
}

impl Actor {
    /// An identity that calls with `client`.
    pub fn new(arn: impl Into<String>, access: Access, client: Client) -> Self {
        Self { arn: arn.into(), access, client, _key: None }
    }

    /// A user that calls with a key that was lent.
    pub(super) fn with_key(key: UserKey, access: Access, client: Client) -> Self {
        Self { arn: key.arn().to_owned(), access, client, _key: Some(Arc::new(key)) }
    }

    /// The same, of this ARN.
    pub(super) fn called(self, arn: &str) -> Self {
        Self { arn: arn.to_owned(), ..self }
    }

    /// The key that it calls with.
    pub fn access_key_id(&self) -> &str {
        &self.access.access_key_id
    }

    /// Signs a request to an API.
    pub(super) fn sign(&self, request: &mut http::Request<Bytes>) {
        let access = &self.access;
        signature::sign(
            request,
            &access.access_key_id,
            &access.secret_access_key,
            access.session_token.as_ref(),
            "execute-api",
            &access.region,
            OffsetDateTime::now_utc(),
        );
    }

    /// Makes a call.
    pub async fn call(&self, step: &Step) -> Answer {
        let input = step.input.clone();
        let answer = match step.payload.clone().map(Bytes::from) {
            Some(payload) => {
                self.client
                    .call_with_payload(&self.access, step.service, step.operation, input, payload)
                    .await
            }
            None => self.client.call(&self.access, step.service, step.operation, input).await,
        };
        Answer { request_id: answer.request_id.unwrap_or_default(), result: answer.result }
    }
}

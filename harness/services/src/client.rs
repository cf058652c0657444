//! How a service reaches AWS: as any client does, signed, at the guard's own
//! endpoint.

use std::sync::Arc;

use bytes::Bytes;
use ringfence_wire::{Operation, Service, ServiceError, request, response, signature};
use serde_json::{Map, Value};

use crate::credentials::Credentials;
use crate::setting::Setting;

/// A client of the guard's endpoint.
#[derive(Debug, Clone)]
pub struct Client {
    setting: Arc<Setting>,
    http: reqwest::Client,
}

impl Client {
    /// A client for the setting's endpoint, which is on loopback: neither a
    /// proxy of the environment nor a redirect may lead its keys elsewhere.
    pub fn new(setting: Arc<Setting>) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            // The builder fails where the default client would panic: without
            // a TLS back end, which is compiled in.
            .unwrap_or_default();
        Self { setting, http }
    }

    /// Calls an operation: the input by member names, the output as
    /// [`response::decode`] gives it.
    ///
    /// # Errors
    /// The service's own error; `ServiceUnavailable` (503) when the endpoint
    /// does not answer; `UnknownOperation` when the model has no such operation.
    pub async fn call(
        &self,
        credentials: &Credentials,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Value, ServiceError> {
        let operation = find(service, operation)?;
        let answer = self.send(credentials, operation, members(input), None).await?;
        response::decode(operation, &answer)
    }

    /// Calls an operation that carries or returns a payload as it is; the
    /// answer's headers come with it.
    ///
    /// # Errors
    /// As [`Client::call`]; the answer itself may still be an error of the
    /// service where its status says so.
    pub async fn exchange(
        &self,
        credentials: &Credentials,
        service: Service,
        operation: &str,
        input: Value,
        payload: Option<Bytes>,
    ) -> Result<http::Response<Bytes>, ServiceError> {
        self.send(credentials, find(service, operation)?, members(input), payload).await
    }

    async fn send(
        &self,
        credentials: &Credentials,
        operation: &Operation,
        input: Map<String, Value>,
        payload: Option<Bytes>,
    ) -> Result<http::Response<Bytes>, ServiceError> {
        let endpoint =
            self.setting.endpoint().ok_or_else(|| unreachable("the guard has no port yet"))?;
        let endpoint = endpoint.as_str().parse().map_err(unreachable)?;
        let mut request = request::encode(operation, &input, payload, &endpoint)?;
        signature::sign(
            &mut request,
            &credentials.access_key_id,
            &credentials.secret_access_key,
            credentials.session_token.as_ref(),
            operation.service.signing_name(),
            &self.setting.region,
            self.setting.now(),
        );
        let request = reqwest::Request::try_from(request).map_err(unreachable)?;
        let answer = self.http.execute(request).await.map_err(unreachable)?;
        let mut response = http::Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let body = answer.bytes().await.map_err(unreachable)?;
        response.body(body).map_err(unreachable)
    }
}

fn members(input: Value) -> Map<String, Value> {
    match input {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn find(service: Service, name: &str) -> Result<&'static Operation, ServiceError> {
    Operation::find(service, name).ok_or_else(|| {
        ServiceError::new(
            400,
            "UnknownOperation",
            format!("{} has no operation {name}", service.name()),
        )
    })
}

fn unreachable(cause: impl std::fmt::Display) -> ServiceError {
    ServiceError::new(
        503,
        "ServiceUnavailable",
        format!("the guard's endpoint did not answer: {cause}"),
    )
}

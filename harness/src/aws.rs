//! A client of the guard's endpoint, for probes and for the exchange of
//! tokens: signed as somebody, or not signed at all.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use ringfence_wire::{Operation, Secret, Service, ServiceError, request, response, signature};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use url::Url;

use crate::exchange::{Exchange, Exchanges};
use crate::root::Ledger;
use crate::terraform::Access;

/// An answer with the id under which the guard's journal has it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The output, or the service's own error.
    pub result: Result<Value, ServiceError>,
    /// The journal entry's request id.
    pub request_id: Option<String>,
}

/// A client.
#[derive(Debug, Clone, Default)]
pub struct Client {
    http: reqwest::Client,
    exchanges: Option<Arc<Exchanges>>,
    ledger: Option<Arc<Ledger>>,
}

/// A role to assume with a token.
#[derive(Debug, Clone)]
pub struct WebIdentity<'a> {
    /// The role's ARN.
    pub role_arn: &'a str,
    /// The session's name.
    pub session_name: &'a str,
    /// The token.
    pub token: &'a str,
    /// How long, in seconds; none for STS's own default.
    pub duration: Option<u32>,
    /// A session policy.
    pub policy: Option<&'a str>,
    /// ARNs of managed session policies.
    pub policies: &'a [String],
}

impl Client {
    /// A client that keeps its connections.
    pub fn new() -> Self {
        Self::default()
    }

    /// A client that keeps what it sent and what came back, for the evidence.
    pub fn recording(exchanges: Arc<Exchanges>) -> Self {
        Self { exchanges: Some(exchanges), ..Self::default() }
    }

    /// The same client, announcing its calls as root in a ledger, which keeps what was
    /// answered to it.
    pub(crate) fn announcing(self, ledger: Arc<Ledger>) -> Self {
        Self { ledger: Some(ledger), ..self }
    }

    /// Calls an operation, signed with an access's credentials.
    pub async fn call(
        &self,
        access: &Access,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Answer {
        self.send(&access.endpoint, Some(access), service, operation, input, None).await
    }

    /// The same with a payload (S3 objects, Lambda invocations).
    pub async fn call_with_payload(
        &self,
        access: &Access,
        service: Service,
        operation: &str,
        input: Value,
        payload: Bytes,
    ) -> Answer {
        self.send(&access.endpoint, Some(access), service, operation, input, Some(payload)).await
    }

    /// A call that nobody signs.
    pub async fn call_unsigned(
        &self,
        endpoint: &Url,
        service: Service,
        operation: &str,
        input: Value,
        payload: Option<Bytes>,
    ) -> Answer {
        self.send(endpoint, None, service, operation, input, payload).await
    }

    /// Exchanges a token for a role's session.
    ///
    /// # Errors
    /// STS's own.
    pub async fn assume_with_web_identity(
        &self,
        endpoint: &Url,
        region: &str,
        identity: &WebIdentity<'_>,
    ) -> Result<Access, ServiceError> {
        self.exchange_token(endpoint, region, identity).await.0
    }

    /// The same, with the id under which the guard's journal has the request.
    pub async fn exchange_token(
        &self,
        endpoint: &Url,
        region: &str,
        identity: &WebIdentity<'_>,
    ) -> (Result<Access, ServiceError>, Option<String>) {
        let mut input = json!({
            "RoleArn": identity.role_arn,
            "RoleSessionName": identity.session_name,
            "WebIdentityToken": identity.token,
        });
        if let Some(members) = input.as_object_mut() {
            if let Some(duration) = identity.duration {
                members.insert("DurationSeconds".to_owned(), json!(duration));
            }
            if let Some(policy) = identity.policy {
                members.insert("Policy".to_owned(), json!(policy));
            }
            if !identity.policies.is_empty() {
                let arns = identity.policies.iter().map(|arn| json!({"arn": arn}));
                members.insert("PolicyArns".to_owned(), arns.collect());
            }
        }
        let answer =
            self.send(endpoint, None, Service::Sts, "AssumeRoleWithWebIdentity", input, None).await;
        let access = answer.result.and_then(|output| access(endpoint, region, &output));
        (access, answer.request_id)
    }

    /// Assumes a role with another's credentials.
    ///
    /// # Errors
    /// STS's own.
    pub async fn assume_role(&self, source: &Access, input: Value) -> Result<Access, ServiceError> {
        let answer = self.call(source, Service::Sts, "AssumeRole", input).await;
        access(&source.endpoint, &source.region, &answer.result?)
    }

    async fn send(
        &self,
        endpoint: &Url,
        signer: Option<&Access>,
        service: Service,
        operation: &str,
        input: Value,
        payload: Option<Bytes>,
    ) -> Answer {
        let mut request_id = None;
        let result = self
            .exchange(endpoint, signer, service, operation, input, payload, &mut request_id)
            .await;
        Answer { result, request_id }
    }

    #[expect(clippy::too_many_arguments, reason = "the one place where a call is put together")]
    async fn exchange(
        &self,
        endpoint: &Url,
        signer: Option<&Access>,
        service: Service,
        operation: &str,
        input: Value,
        payload: Option<Bytes>,
        request_id: &mut Option<String>,
    ) -> Result<Value, ServiceError> {
        let operation = Operation::find(service, operation).ok_or_else(|| {
            ServiceError::new(400, "UnknownOperation", format!("no operation {operation}"))
        })?;
        let input = match input {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let endpoint = endpoint.as_str().parse().map_err(unreachable)?;
        let mut request = request::encode(operation, &input, payload, &endpoint)?;
        if let Some(access) = signer {
            let announced =
                self.ledger.as_ref().and_then(|own| own.announce(&access.access_key_id));
            if let Some(id) = announced {
                let id = HeaderValue::from_str(&id).map_err(unreachable)?;
                request.headers_mut().insert("amz-sdk-invocation-id", id);
            }
            signature::sign(
                &mut request,
                &access.access_key_id,
                &access.secret_access_key,
                access.session_token.as_ref(),
                service.signing_name(),
                &access.region,
                OffsetDateTime::now_utc(),
            );
        }
        let mut kept = self.exchanges.as_ref().map(|_| Exchange::asked(&request, signer));
        let request = reqwest::Request::try_from(request).map_err(unreachable)?;
        let answer = self.http.execute(request).await.map_err(unreachable)?;
        let headers = answer.headers().clone();
        *request_id = ["x-amzn-requestid", "x-amz-request-id"]
            .iter()
            .find_map(|name| Some(headers.get(*name)?.to_str().ok()?.to_owned()));
        if let (Some(ledger), Some(id)) = (&self.ledger, request_id.as_ref()) {
            ledger.answered(id);
        }
        let mut reply = http::Response::builder().status(answer.status());
        if let Some(own) = reply.headers_mut() {
            *own = headers;
        }
        let body = answer.bytes().await.map_err(unreachable)?;
        let reply = reply.body(body).map_err(unreachable)?;
        if let (Some(exchanges), Some(mut kept), Some(id)) =
            (&self.exchanges, kept.take(), request_id.as_ref())
        {
            kept.answered(&reply);
            exchanges.keep(id, &kept);
        }
        response::decode(operation, &reply)
    }
}

/// The credentials in STS's answer.
fn access(endpoint: &Url, region: &str, answer: &Value) -> Result<Access, ServiceError> {
    let credential = |name: &str| {
        answer.pointer(&format!("/Credentials/{name}")).and_then(Value::as_str).ok_or_else(|| {
            ServiceError::new(502, "InvalidResponse", format!("STS's answer has no {name}"))
        })
    };
    Ok(Access {
        endpoint: endpoint.clone(),
        region: region.to_owned(),
        access_key_id: credential("AccessKeyId")?.to_owned(),
        secret_access_key: Secret::new(credential("SecretAccessKey")?),
        session_token: Some(Secret::new(credential("SessionToken")?)),
    })
}

fn unreachable(cause: impl std::fmt::Display) -> ServiceError {
    ServiceError::new(503, "ServiceUnavailable", format!("the endpoint does not answer: {cause}"))
}

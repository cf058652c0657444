//! Invoking a function of an API, an integration's or an authorizer's, as the gateway
//! or as the role that is configured.
//!
//! The call goes to the guard's endpoint like anybody's: the function's
//! resource policy lets the gateway in, by `aws:SourceArn` and
//! `aws:SourceAccount`, or it does not. With a role, the
//! gateway assumes it (its trust policy decides) and calls as its session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use ringfence_wire::{Secret, Service, ServiceError};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::client::Client;
use crate::credentials::{Credentials, Identity};
use crate::setting::Setting;

/// The gateway, as resource and trust policies name it.
const PRINCIPAL: &str = "apigateway.amazonaws.com";
/// How the gateway names its session of a role.
const SESSION_NAME: &str = "BackplaneAssumeRoleSession";
/// How long a key of the gateway lives, and how long before that it is replaced.
const KEY_LIFETIME: Duration = Duration::hours(1);
const RENEWAL: Duration = Duration::minutes(5);

/// Why a function gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvokeError {
    /// The words of AWS's access log, seen in public logs of HTTP APIs.
    #[error(
        "The IAM role configured on the integration or API Gateway doesn't have permissions to \
         call the integration. Check the permissions and try again."
    )]
    Denied,
    #[error("The integration did not answer within its timeout.")]
    Timeout,
    #[error("The integration is throttled.")]
    Throttled,
    #[error(
        "The Lambda function returned the following error: {0}. Check your Lambda function code and try again."
    )]
    Function(String),
    #[error("Ringfence does not serve integrations with an IntegrationSubtype.")]
    Unserved,
    #[error("{0}")]
    Other(String),
}

/// Which function is invoked, for what, and as whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Invocation<'a> {
    pub(crate) api_id: &'a str,
    /// What of the API asks: `aws:SourceArn`.
    pub(crate) source_arn: &'a str,
    /// The function's ARN.
    pub(crate) function: &'a str,
    /// The role that the gateway assumes for it; none where the function's resource
    /// policy lets the gateway in.
    pub(crate) role: Option<&'a str>,
    pub(crate) timeout_in_millis: u32,
}

/// The functions behind the APIs.
#[derive(Debug)]
pub(crate) struct Functions {
    setting: Arc<Setting>,
    client: Client,
    /// The gateway's keys, by API and source ARN.
    keys: Mutex<HashMap<(String, String), Credentials>>,
    /// The sessions of roles: by API, source ARN and role.
    sessions: Mutex<HashMap<(String, String, String), Credentials>>,
}

impl Functions {
    pub(crate) fn new(setting: Arc<Setting>, client: Client) -> Self {
        Self { setting, client, keys: Mutex::default(), sessions: Mutex::default() }
    }

    /// Invokes a function and waits for its result.
    pub(crate) async fn invoke(
        &self,
        invocation: Invocation<'_>,
        event: &Value,
    ) -> Result<Bytes, InvokeError> {
        let limit = std::time::Duration::from_millis(invocation.timeout_in_millis.into());
        tokio::time::timeout(limit, self.exchange(invocation, event))
            .await
            .unwrap_or(Err(InvokeError::Timeout))
    }

    async fn exchange(
        &self,
        invocation: Invocation<'_>,
        event: &Value,
    ) -> Result<Bytes, InvokeError> {
        let Invocation { api_id, source_arn, function, role, .. } = invocation;
        let own = self.key(api_id, source_arn)?;
        let credentials = match role {
            Some(role) => self.assume(api_id, source_arn, role, &own).await?,
            None => own,
        };
        let payload = Bytes::from(event.to_string());
        let answer = self
            .client
            .exchange(&credentials, Service::Lambda, "Invoke", named(function), Some(payload))
            .await
            .map_err(|error| describe(&error))?;
        match answer.status().as_u16() {
            200 => match answer.headers().get("x-amz-function-error") {
                None => Ok(answer.into_body()),
                Some(_) => Err(InvokeError::Function(error_of(answer.body()))),
            },
            401 | 403 => Err(InvokeError::Denied),
            429 => Err(InvokeError::Throttled),
            status => Err(InvokeError::Other(format!("Lambda answered with status {status}."))),
        }
    }

    /// The gateway's key for a source, made once an hour.
    fn key(&self, api_id: &str, source_arn: &str) -> Result<Credentials, InvokeError> {
        let now = self.setting.now();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (api_id.to_owned(), source_arn.to_owned());
        if let Some(key) = keys.get(&place).filter(|key| is_fresh(key, now)) {
            return Ok(key.clone());
        }
        let identity = Identity::Service {
            principal: PRINCIPAL.to_owned(),
            source_arn: Some(source_arn.to_owned()),
            source_account: Some(self.setting.account_id.clone()),
        };
        let key = self
            .setting
            .keyring
            .issue(identity, Vec::new(), now + KEY_LIFETIME)
            .map_err(|error| InvokeError::Other(error.to_string()))?;
        keys.insert(place, key.clone());
        Ok(key)
    }

    /// A session of a role, used until it nearly ends.
    async fn assume(
        &self,
        api_id: &str,
        source_arn: &str,
        role: &str,
        own: &Credentials,
    ) -> Result<Credentials, InvokeError> {
        let now = self.setting.now();
        let place = (api_id.to_owned(), source_arn.to_owned(), role.to_owned());
        let held = {
            let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            sessions.get(&place).filter(|session| is_fresh(session, now)).cloned()
        };
        if let Some(session) = held {
            return Ok(session);
        }
        let input = json!({"RoleArn": role, "RoleSessionName": SESSION_NAME});
        let answer = self
            .client
            .call(own, Service::Sts, "AssumeRole", input)
            .await
            .map_err(|error| describe(&error))?;
        let session = session(&answer)
            .ok_or_else(|| InvokeError::Other("AssumeRole gave no credentials.".to_owned()))?;
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(place, session.clone());
        Ok(session)
    }

    /// Ends the keys of an API that is no more.
    pub(crate) fn forget(&self, api_id: &str) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|(api, _), key| {
            let stays = api != api_id;
            if !stays {
                self.setting.keyring.remove(&key.access_key_id);
            }
            stays
        });
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|(api, ..), _| api != api_id);
    }
}

/// The members that name a function: its ARN, and a version or alias apart.
fn named(arn: &str) -> Value {
    let mut parts: Vec<_> = arn.split(':').collect();
    let qualifier = (parts.len() == 8).then(|| parts.pop()).flatten();
    let mut input = json!({
        "FunctionName": parts.join(":"),
        "InvocationType": "RequestResponse",
    });
    if let (Some(members), Some(qualifier)) = (input.as_object_mut(), qualifier) {
        members.insert("Qualifier".to_owned(), qualifier.into());
    }
    input
}

fn is_fresh(key: &Credentials, now: OffsetDateTime) -> bool {
    key.expiration.is_some_and(|end| now + RENEWAL < end)
}

fn session(answer: &Value) -> Option<Credentials> {
    let given = answer.get("Credentials")?;
    let text = |name: &str| given.get(name)?.as_str();
    let format = &time::format_description::well_known::Rfc3339;
    Some(Credentials {
        access_key_id: text("AccessKeyId")?.to_owned(),
        secret_access_key: Secret::new(text("SecretAccessKey")?),
        session_token: Some(Secret::new(text("SessionToken")?)),
        expiration: OffsetDateTime::parse(text("Expiration")?, format).ok(),
    })
}

fn describe(error: &ServiceError) -> InvokeError {
    match error.status {
        401 | 403 => InvokeError::Denied,
        429 => InvokeError::Throttled,
        // The words of a service may quote what a caller sent: the code is enough.
        _ => InvokeError::Other(format!("The integration could not be called: {}.", error.code)),
    }
}

/// The message of a function's own error.
fn error_of(payload: &[u8]) -> String {
    let error: Value = serde_json::from_slice(payload).unwrap_or_default();
    let message = error.get("errorMessage").and_then(Value::as_str);
    message.unwrap_or("no message").to_owned()
}

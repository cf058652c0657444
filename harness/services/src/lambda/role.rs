//! Execution roles: Lambda assumes them as any service does, by the role's
//! trust policy.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ringfence_wire::{Secret, Service, ServiceError};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::Lambda;
use super::error::{invalid, service};
use crate::credentials::{Credentials, Identity};

/// How long a session of an execution role lives.
const LIFETIME: Duration = Duration::hours(1);
/// A session with less left than this is not given to a new environment: more
/// than the longest invocation.
const LEAST_LEFT: Duration = Duration::minutes(20);

/// Sessions of execution roles, by role and function.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    sessions: Mutex<HashMap<(String, String), Credentials>>,
}

impl Sessions {
    fn find(&self, role: &str, function: &str, now: OffsetDateTime) -> Option<Credentials> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(&(role.to_owned(), function.to_owned())).filter(|it| lasts(it, now)).cloned()
    }

    fn keep(&self, role: &str, function: &str, credentials: Credentials) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert((role.to_owned(), function.to_owned()), credentials);
    }

    /// Forgets a function's sessions, so that a new function of its name gets
    /// its own.
    pub(super) fn forget(&self, function: &str) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|(_, of), _| of != function);
    }
}

/// Whether a session is good for one more invocation of any length.
pub(super) fn lasts(credentials: &Credentials, now: OffsetDateTime) -> bool {
    credentials.expiration.is_none_or(|end| end - now > LEAST_LEFT)
}

impl Lambda {
    /// A session of an execution role for a function: the one in use, or a new
    /// one. Its name is the function's, as on AWS.
    pub(super) async fn role_session(
        &self,
        role: &str,
        function: &str,
    ) -> Result<Credentials, ServiceError> {
        if let Some(found) = self.sessions.find(role, function, self.setting.now()) {
            return Ok(found);
        }
        self.assume(role, function).await
    }

    /// That Lambda can assume a role; a session of it.
    pub(super) async fn assume(
        &self,
        role: &str,
        function: &str,
    ) -> Result<Credentials, ServiceError> {
        let now = self.setting.now();
        let lambda = Identity::Service {
            principal: "lambda.amazonaws.com".to_owned(),
            source_arn: Some(super::name::function_arn(&self.setting, function)),
            source_account: Some(self.setting.account_id.clone()),
        };
        let key = self
            .setting
            .keyring
            .issue(lambda, Vec::new(), now + Duration::minutes(5))
            .map_err(|cause| service(cause.to_string()))?;
        let input = json!({
            "RoleArn": role,
            "RoleSessionName": function,
            "DurationSeconds": LIFETIME.whole_seconds(),
        });
        let answer = self.client.call(&key, Service::Sts, "AssumeRole", input).await;
        self.setting.keyring.remove(&key.access_key_id);
        let answer = answer.map_err(|error| {
            if error.status >= 500 {
                service(format!("STS did not answer: {error}"))
            } else {
                invalid("The role defined for the function cannot be assumed by Lambda.")
            }
        })?;
        let credentials = read(&answer).ok_or_else(|| service("STS answered no credentials"))?;
        self.sessions.keep(role, function, credentials.clone());
        Ok(credentials)
    }
}

fn read(answer: &Value) -> Option<Credentials> {
    let it = answer.get("Credentials")?;
    let text = |name: &str| it.get(name)?.as_str();
    Some(Credentials {
        access_key_id: text("AccessKeyId")?.to_owned(),
        secret_access_key: Secret::new(text("SecretAccessKey")?),
        session_token: Some(Secret::new(text("SessionToken")?)),
        expiration: Some(OffsetDateTime::parse(text("Expiration")?, &Rfc3339).ok()?),
    })
}

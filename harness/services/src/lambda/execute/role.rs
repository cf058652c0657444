//! Execution roles: Lambda assumes them as any service does, by the role's
//! trust policy.

use ringfence_wire::{Secret, Service, ServiceError};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::credentials::{Credentials, Identity};
use crate::lambda::Lambda;
use crate::lambda::error::{invalid, not_found, service};

/// How long a session of an execution role lives.
const LIFETIME: Duration = Duration::hours(1);
/// A session with less left than this is not given to a new environment: more
/// than the longest invocation.
const LEAST_LEFT: Duration = Duration::minutes(20);

/// Whether a session is good for one more invocation of any length.
pub(in crate::lambda) fn lasts(credentials: &Credentials, now: OffsetDateTime) -> bool {
    credentials.expiration.is_none_or(|end| end - now > LEAST_LEFT)
}

impl Lambda {
    /// A session of a function's execution role, as its code gets one.
    ///
    /// # Errors
    /// `ResourceNotFoundException` where there is no such function, and what
    /// Lambda answers where it cannot assume the role.
    pub async fn session_of(&self, function: &str) -> Result<Credentials, ServiceError> {
        let facts = self.function(function).ok_or_else(|| {
            let arn = crate::lambda::name::function_arn(&self.setting, function);
            not_found(format!("Function not found: {arn}"))
        })?;
        self.assume(&facts.role, function).await
    }

    /// That Lambda can assume a role; a session of it. Each execution
    /// environment has a session of its own (LocalStack's
    /// test_lambda_different_iam_keys_environment, recorded on AWS), named after
    /// the function.
    pub(in crate::lambda) async fn assume(
        &self,
        role: &str,
        function: &str,
    ) -> Result<Credentials, ServiceError> {
        let now = self.setting.now();
        let lambda = Identity::Service {
            principal: "lambda.amazonaws.com".to_owned(),
            source_arn: Some(crate::lambda::name::function_arn(&self.setting, function)),
            source_account: Some(self.setting.account_id.clone()),
        };
        let key = self
            .setting
            .keyring
            .issue(lambda, Vec::new(), now + Duration::minutes(5))
            .map_err(|cause| service(cause.to_string()))?;
        let input = json!({
            "RoleArn": role,
            "RoleSessionName": session_name(function),
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
        read(&answer).ok_or_else(|| service("STS answered no credentials"))
    }
}

/// A session's name has two characters at least: a function of one letter gets
/// a longer one (LocalStack's test_assume_role, recorded on AWS).
fn session_name(function: &str) -> String {
    if function.len() < 2 { format!("{function}@lambda_function") } else { function.to_owned() }
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

//! REST APIs (API Gateway v1): what serves them. The upstream keeps what configures
//! them; a deployment freezes it here ([`RestApis::after`]).
//!
//! Served are methods with a Lambda proxy or a `MOCK` integration, behind `NONE`,
//! `AWS_IAM`, Lambda authorizers and user pools, with API keys. Everything else is
//! answered with 501 and its name.

mod answers;
mod authorize;
mod event;
mod keys;
mod mock;
mod route;
mod serve;
mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;
use ringfence_wire::{Call, ServiceError, response};
use serde_json::Value;

use crate::client::Client;
use crate::gateway::cache::Cache;
use crate::gateway::invoke::Functions;
use crate::setting::Setting;
use crate::token::Issuers;
use snapshot::Snapshot;

pub use serve::{MethodMatch, Refused, denied};

/// What the upstream keeps of the APIs.
#[async_trait]
pub trait Records: Send + Sync + std::fmt::Debug {
    /// Answers an operation of API Gateway that only reads.
    ///
    /// # Errors
    /// The upstream's.
    async fn ask(&self, operation: &str, input: Value) -> Result<Value, ServiceError>;

    /// An API's resource policy, with whole ARNs.
    ///
    /// # Errors
    /// That it cannot be read.
    async fn policy(&self, api_id: &str) -> Result<Option<String>, ServiceError>;
}

/// What deployments froze, by API and deployment.
type Frozen = BTreeMap<(String, String), Arc<Snapshot>>;

/// The REST APIs of the account.
#[derive(Debug)]
pub struct RestApis {
    setting: Arc<Setting>,
    issuers: Issuers,
    records: Arc<dyn Records>,
    functions: Functions,
    /// Answers of Lambda authorizers.
    answers: Cache,
    frozen: RwLock<Frozen>,
}

impl RestApis {
    /// Without deployments.
    pub fn new(
        setting: Arc<Setting>,
        client: Client,
        issuers: Issuers,
        records: Arc<dyn Records>,
    ) -> Self {
        Self {
            functions: Functions::new(Arc::clone(&setting), client),
            answers: Cache::default(),
            frozen: RwLock::default(),
            setting,
            issuers,
            records,
        }
    }

    /// Takes note of a call that the upstream has answered.
    ///
    /// # Errors
    /// That the upstream does not say what it deployed.
    pub async fn after(&self, call: &Call, answer: &Response<Bytes>) -> Result<(), ServiceError> {
        let api = call.text("restApiId").unwrap_or_default();
        match call.name() {
            "CreateDeployment" => {
                let Ok(made) = response::decode(call.operation, answer) else { return Ok(()) };
                let id = made.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
                let snapshot = Snapshot::read(self.records.as_ref(), api).await?;
                self.write().insert((api.to_owned(), id), Arc::new(snapshot));
            }
            "FlushStageAuthorizersCache" => {
                let stage = call.text("stageName").unwrap_or_default();
                self.answers.forget(|key| key.api_id == api && key.stage == stage);
            }
            "UpdateAuthorizer" => {
                let id = call.text("authorizerId").unwrap_or_default();
                self.answers.forget(|key| key.api_id == api && key.authorizer_id == id);
            }
            "DeleteRestApi" if answer.status().is_success() => {
                self.write().retain(|(own, _), _| own != api);
                self.answers.forget(|key| key.api_id == api);
                self.functions.forget(api);
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether an API of this id was deployed.
    pub fn has(&self, api_id: &str) -> bool {
        let frozen = self.frozen.read().unwrap_or_else(PoisonError::into_inner);
        frozen.keys().any(|(own, _)| own == api_id)
    }

    fn snapshot(&self, api_id: &str, deployment: &str) -> Option<Arc<Snapshot>> {
        let frozen = self.frozen.read().unwrap_or_else(PoisonError::into_inner);
        frozen.get(&(api_id.to_owned(), deployment.to_owned())).cloned()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Frozen> {
        self.frozen.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ARN of something below an API.
    fn arn_of(&self, api_id: &str, below: &str) -> String {
        let (region, account) = (&self.setting.region, &self.setting.account_id);
        let partition = self.setting.partition();
        format!("arn:{partition}:execute-api:{region}:{account}:{api_id}/{below}")
    }
}

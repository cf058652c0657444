//! What the upstream keeps of REST APIs.

use async_trait::async_trait;
use ringfence_models::Partition;
use ringfence_services::rest_api::Records;
use ringfence_wire::{Service, ServiceError};
use serde_json::Value;

use super::Directory;
use crate::requirements::state::Told;

#[async_trait]
impl Records for Directory {
    async fn ask(&self, operation: &str, input: Value) -> Result<Value, ServiceError> {
        self.ask_in(&self.setting.region, Service::ApiGateway, operation, input).await
    }

    async fn policy(&self, api_id: &str) -> Result<Option<String>, ServiceError> {
        let (region, account) = (&self.setting.region, &self.setting.account_id);
        let partition = Partition::of_region(region);
        // Any path below an API has its policy.
        let arn = format!("arn:{partition}:execute-api:{region}:{account}:{api_id}/*");
        match self.resource_policy(region, &arn).await? {
            Told::Is(document) => Ok(Some(document)),
            Told::Nothing => Ok(None),
            Told::Unknown(why) => Err(ServiceError::new(
                501,
                "NotImplementedException",
                format!("the policy of the API cannot be read: {why}"),
            )),
        }
    }
}

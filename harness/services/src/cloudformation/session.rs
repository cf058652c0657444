//! With whose permissions a stack is worked on.

use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};
use time::Duration;

use super::CloudFormation;
use super::error::{internal, validation};
use crate::credentials::{Credentials, Identity, Session};

/// CloudFormation's own principal.
const PRINCIPAL: &str = "cloudformation.amazonaws.com";
/// The session name of a stack's role.
const SESSION: &str = "AWSCloudFormation";

impl CloudFormation {
    /// A forward access session of the caller (API reference of `CreateStack`,
    /// `RoleARN`: without a role, a temporary session of the caller's).
    pub(super) fn forward(&self, caller: &Session) -> Result<Credentials, ServiceError> {
        self.setting.keyring.forward(caller, PRINCIPAL, self.setting.now()).map_err(internal)
    }

    /// A session of the stack's role where it has one, else of the caller.
    pub(super) async fn access(
        &self,
        caller: &Session,
        role_arn: Option<&str>,
        stack_id: &str,
    ) -> Result<Credentials, ServiceError> {
        let Some(role_arn) = role_arn else { return self.forward(caller) };
        let identity = Identity::Service {
            principal: PRINCIPAL.to_owned(),
            source_arn: Some(stack_id.to_owned()),
            source_account: Some(self.setting.account_id.clone()),
        };
        let own = self
            .setting
            .keyring
            .issue(identity, Vec::new(), self.setting.now() + Duration::minutes(5))
            .map_err(internal)?;
        let input = json!({"RoleArn": role_arn, "RoleSessionName": SESSION});
        let answer = self.client.call(&own, Service::Sts, "AssumeRole", input).await;
        self.setting.keyring.remove(&own.access_key_id);
        let refused = || validation(format!("Role {role_arn} is invalid or cannot be assumed"));
        let answer = answer
            .map_err(|error| if error.status >= 500 { internal(error) } else { refused() })?;
        let text =
            |name: &str| answer.pointer(&format!("/Credentials/{name}")).and_then(Value::as_str);
        // CloudFormation works with the role by forward access sessions too:
        // `aws:ViaAWSService` and `aws:CalledVia…` are there whether or not a
        // role was given
        // (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html>,
        // <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-calledvia>).
        let id = text("AccessKeyId").ok_or_else(refused)?;
        let role = self.setting.keyring.find(id).ok_or_else(refused)?;
        self.setting.keyring.remove(id);
        self.forward(&role.session)
    }
}

//! The control plane: one file a kind of record.
//!
//! The texts of refusals are AWS's where a public record of one was found
//! (cited beside it); others say the same in AWS's manner.

mod apis;
mod authorizers;
mod deployments;
pub(super) mod errors;
mod input;
mod integrations;
mod routes;
mod stages;
mod tags;
mod websockets;

pub(crate) use integrations::invoked;
use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::Value;
use time::OffsetDateTime;

use super::HttpApis;
use super::model::Api;
use crate::credentials::Session;
use input::Input;

impl HttpApis {
    /// Answers a call of the control plane. Who may make it has been decided.
    ///
    /// # Errors
    /// API Gateway's own, and `NotImplementedException` (501) for what is not
    /// built.
    pub async fn answer(&self, call: &Call, caller: &Session) -> Result<Reply, ServiceError> {
        let input = Input::new(call, caller);
        if let Some(value) = self.websocket_call(&input)? {
            return Ok(reply(value));
        }
        let value = match call.name() {
            "CreateApi" => self.create_api(&input)?,
            "GetApi" => self.look(&input, |api| Ok(self.show_api(api)))?,
            "GetApis" => {
                let mut all = self.apis.list(|api| self.show_api(api));
                all.extend(self.websockets.all().into_iter().map(|it| self.show_websocket(it)));
                input.page(all)?
            }
            "UpdateApi" => self.update_api(&input)?,
            "DeleteApi" => self.delete_api(&input)?,
            "DeleteCorsConfiguration" => self.delete_cors(&input)?,
            "CreateStage" => self.create_stage(&input)?,
            "GetStage" => self.get_stage(&input)?,
            "GetStages" => self.get_stages(&input)?,
            "UpdateStage" => self.update_stage(&input)?,
            "DeleteStage" => self.delete_stage(&input)?,
            "DeleteAccessLogSettings" => self.delete_access_log_settings(&input)?,
            "DeleteRouteSettings" => self.delete_route_settings(&input)?,
            "CreateRoute" => self.create_route(&input)?,
            "GetRoute" => self.get_route(&input)?,
            "GetRoutes" => self.get_routes(&input)?,
            "UpdateRoute" => self.update_route(&input)?,
            "DeleteRoute" => self.delete_route(&input)?,
            "CreateIntegration" => self.create_integration(&input)?,
            "GetIntegration" => self.get_integration(&input)?,
            "GetIntegrations" => self.get_integrations(&input)?,
            "UpdateIntegration" => self.update_integration(&input)?,
            "DeleteIntegration" => self.delete_integration(&input)?,
            "CreateAuthorizer" => self.create_authorizer(&input).await?,
            "GetAuthorizer" => self.get_authorizer(&input)?,
            "GetAuthorizers" => self.get_authorizers(&input)?,
            "UpdateAuthorizer" => self.update_authorizer(&input).await?,
            "DeleteAuthorizer" => self.delete_authorizer(&input)?,
            "ResetAuthorizersCache" => self.reset_authorizers_cache(&input)?,
            "CreateDeployment" => self.create_deployment(&input)?,
            "GetDeployment" => self.get_deployment(&input)?,
            "GetDeployments" => self.get_deployments(&input)?,
            "UpdateDeployment" => self.update_deployment(&input)?,
            "DeleteDeployment" => self.delete_deployment(&input)?,
            "GetTags" => self.get_tags(&input)?,
            "TagResource" => self.tag_resource(&input)?,
            "UntagResource" => self.untag_resource(&input)?,
            other => return Err(errors::not_built(format_args!("apigatewayv2:{other}"))),
        };
        Ok(reply(value))
    }

    fn now(&self) -> OffsetDateTime {
        self.setting.now()
    }

    /// What `look` sees in the API that a call names.
    fn look<T>(
        &self,
        input: &Input<'_>,
        look: impl FnOnce(&Api) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let api_id = input.need("ApiId")?;
        self.apis
            .read(api_id, look)
            .unwrap_or_else(|| Err(errors::no_api(&self.setting.account_id, api_id)))
    }

    /// Changes the API that a call names.
    fn change<T>(
        &self,
        input: &Input<'_>,
        change: impl FnOnce(&mut Api) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        self.apis.change(&self.setting.account_id, input.need("ApiId")?, change)
    }
}

fn reply(value: Value) -> Reply {
    if value.is_null() { Reply::empty() } else { Reply::fields(value) }
}

/// The answer of a call that returns nothing.
const NOTHING: Value = Value::Null;

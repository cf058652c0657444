//! `CreateDeployment` and its kin.

use ringfence_wire::ServiceError;
use serde::Deserialize;
use serde_json::Value;

use super::input::{Input, limit_length, set};
use super::{NOTHING, errors};
use crate::http_api::HttpApis;
use crate::http_api::model::{Api, Deployment, show, timestamp};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Given {
    description: Option<String>,
    stage_name: Option<String>,
}

fn find<'a>(api: &'a mut Api, id: &str) -> Result<&'a mut Deployment, ServiceError> {
    api.deployments.get_mut(id).ok_or_else(|| errors::no_record("Deployment", id))
}

impl HttpApis {
    pub(super) fn create_deployment(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let given: Given = input.body(&["ApiId"])?;
        limit_length("Description", given.description.as_deref(), 1024)?;
        let now = self.now();
        self.change(input, |api| {
            let description = given.description.filter(|text| !text.is_empty());
            let id = api.deploy(description, false, now)?;
            if let Some(name) = given.stage_name.filter(|name| !name.is_empty()) {
                let stage = api
                    .stages
                    .get_mut(&name)
                    .ok_or_else(|| errors::not_found("Invalid stage identifier specified"))?;
                if stage.auto_deploy {
                    return Err(errors::bad_request(
                        "Deployment ID cannot be set on stages with AutoDeploy enabled",
                    ));
                }
                stage.deployment_id = Some(id.clone());
                stage.last_updated_date = timestamp(now);
            }
            Ok(show(find(api, &id)?))
        })
    }

    pub(super) fn update_deployment(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let given: Given = input.body(&["ApiId", "DeploymentId"])?;
        limit_length("Description", given.description.as_deref(), 1024)?;
        self.change(input, |api| {
            let deployment = find(api, input.need("DeploymentId")?)?;
            set(&mut deployment.description, given.description);
            Ok(show(deployment))
        })
    }

    pub(super) fn get_deployment(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.look(input, |api| {
            let id = input.need("DeploymentId")?;
            api.deployments.get(id).map(show).ok_or_else(|| errors::no_record("Deployment", id))
        })
    }

    pub(super) fn get_deployments(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.look(input, |api| input.page(api.deployments.values().map(show).collect()))
    }

    pub(super) fn delete_deployment(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.change(input, |api| {
            let id = input.need("DeploymentId")?;
            find(api, id)?;
            if api.stages.values().any(|stage| stage.deployment_id.as_deref() == Some(id)) {
                return Err(errors::bad_request(
                    "Active stages pointing to this deployment must be moved or deleted",
                ));
            }
            api.deployments.remove(id);
            Ok(NOTHING)
        })
    }
}

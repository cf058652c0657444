//! `CreateStage` and its kin.

use std::collections::BTreeMap;

use ringfence_wire::ServiceError;
use serde::Deserialize;
use serde_json::Value;

use super::input::{Input, limit_length, set};
use super::{NOTHING, errors, tags};
use crate::http_api::HttpApis;
use crate::http_api::model::{
    AccessLogSettings, Api, RouteSettings, Stage, Texts, show, timestamp,
};

/// Stages an API may have, and variables a stage, with their lengths
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
const MOST_STAGES: usize = 10;
const MOST_VARIABLES: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Given {
    access_log_settings: Option<AccessLogSettings>,
    auto_deploy: Option<bool>,
    client_certificate_id: Option<String>,
    default_route_settings: Option<RouteSettings>,
    deployment_id: Option<String>,
    description: Option<String>,
    route_settings: Option<BTreeMap<String, RouteSettings>>,
    stage_name: Option<String>,
    stage_variables: Option<Texts>,
    tags: Option<Texts>,
}

impl Given {
    fn check(&self) -> Result<(), ServiceError> {
        limit_length("Description", self.description.as_deref(), 1024)?;
        if self.client_certificate_id.as_ref().is_some_and(|id| !id.is_empty()) {
            return Err(errors::bad_request(
                "ClientCertificateId is currently not supported for protocolType HTTP",
            ));
        }
        let settings = self
            .default_route_settings
            .iter()
            .chain(self.route_settings.iter().flat_map(BTreeMap::values));
        for settings in settings {
            check_settings(settings)?;
        }
        for (name, value) in self.stage_variables.iter().flatten() {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let named = (1..=64).contains(&name.len()) && name.chars().all(word);
            if !named || value.chars().count() > 512 {
                return Err(errors::bad_request(format!("Invalid stage variable: {name}")));
            }
        }
        if self.stage_variables.as_ref().is_some_and(|all| all.len() > MOST_VARIABLES) {
            return Err(errors::limit("stage variables"));
        }
        self.access_log_settings.as_ref().map_or(Ok(()), check_access_log)
    }

    /// Takes over what was given.
    fn apply(self, api: &mut Api, stage: &mut Stage) -> Result<(), ServiceError> {
        if let Some(settings) = self.access_log_settings {
            let empty = settings.destination_arn.as_deref().unwrap_or_default().is_empty();
            stage.access_log_settings = (!empty).then_some(settings);
        }
        if let Some(auto_deploy) = self.auto_deploy {
            stage.auto_deploy = auto_deploy;
        }
        if let Some(settings) = self.default_route_settings {
            stage.default_route_settings = settings;
        }
        if let Some(settings) = self.route_settings {
            let known = |key: &str| api.live.routes.values().any(|r| r.key.to_string() == key);
            // <https://github.com/terraform-aws-modules/terraform-aws-apigateway-v2/pull/80>
            if let Some(key) = settings.keys().find(|key| !known(key)) {
                return Err(errors::not_found(format!(
                    "Unable to find Route by key {key} within the provided RouteSettings"
                )));
            }
            stage.route_settings = settings;
        }
        if let Some(variables) = self.stage_variables {
            stage.stage_variables = variables;
        }
        set(&mut stage.description, self.description);
        if let Some(id) = self.deployment_id.filter(|id| !id.is_empty()) {
            if stage.auto_deploy {
                return Err(errors::bad_request(
                    "Deployment ID cannot be set on stages with AutoDeploy enabled",
                ));
            }
            if !api.deployments.contains_key(&id) {
                return Err(errors::no_record("Deployment", &id));
            }
            stage.deployment_id = Some(id);
        }
        Ok(())
    }
}

fn check_settings(settings: &RouteSettings) -> Result<(), ServiceError> {
    let logging = settings.logging_level.as_deref().unwrap_or("OFF");
    if settings.data_trace_enabled == Some(true) || !["OFF", ""].contains(&logging) {
        return Err(errors::bad_request("Execution logs are not supported on protocolType HTTP"));
    }
    if settings.throttling_rate_limit.is_some_and(|rate| !rate.is_finite() || rate < 0.0) {
        return Err(errors::bad_request("Throttling rate limit must not be negative"));
    }
    Ok(())
}

/// A destination with a format, or neither
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html>).
fn check_access_log(settings: &AccessLogSettings) -> Result<(), ServiceError> {
    let destination = settings.destination_arn.as_deref().unwrap_or_default();
    let format = settings.format.as_deref().unwrap_or_default();
    if destination.is_empty() && format.is_empty() {
        return Ok(());
    }
    match destination.splitn(7, ':').collect::<Vec<_>>().as_slice() {
        ["arn", _, "logs", region, account, "log-group", group]
            if !region.is_empty() && !account.is_empty() && !group.is_empty() => {}
        _ => {
            return Err(errors::bad_request(
                "Invalid ARN specified in the request. ARNs must start with 'arn:' and name a \
                 CloudWatch Logs log group",
            ));
        }
    }
    limit_length("Format", Some(format), 3072)?;
    if !["$context.requestId", "$context.extendedRequestId"].iter().any(|v| format.contains(v)) {
        return Err(errors::bad_request(
            "Access log format must include $context.requestId or $context.extendedRequestId",
        ));
    }
    if format.trim_end_matches('\n').contains('\n') {
        return Err(errors::bad_request(
            "Access log format must be single line, new line character is allowed only at end of \
             the format",
        ));
    }
    Ok(())
}

fn no_stage() -> ServiceError {
    errors::not_found("Invalid stage identifier specified")
}

fn find<'a>(api: &'a mut Api, name: &str) -> Result<&'a mut Stage, ServiceError> {
    api.stages.get_mut(name).ok_or_else(no_stage)
}

impl HttpApis {
    /// A stage with nothing set.
    pub(super) fn new_stage(&self, stage_name: String) -> Stage {
        let now = timestamp(self.now());
        Stage {
            access_log_settings: None,
            api_gateway_managed: false,
            auto_deploy: false,
            created_date: now.clone(),
            default_route_settings: RouteSettings {
                detailed_metrics_enabled: Some(false),
                ..RouteSettings::default()
            },
            deployment_id: None,
            description: None,
            last_deployment_status_message: None,
            last_updated_date: now,
            route_settings: BTreeMap::new(),
            stage_name,
            stage_variables: Texts::new(),
            tags: Texts::new(),
        }
    }

    pub(super) fn create_stage(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let mut given: Given = input.body(&["ApiId"])?;
        given.check()?;
        let name = given.stage_name.take().unwrap_or_default();
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name != "$default" && !((1..=128).contains(&name.len()) && name.chars().all(word)) {
            return Err(errors::bad_request("Stage name only allows a-zA-Z0-9_- and $default"));
        }
        let stage_tags = given.tags.take().unwrap_or_default();
        tags::check(&stage_tags, input)?;
        let now = self.now();
        let mut stage = self.new_stage(name.clone());
        stage.tags = stage_tags;
        self.change(input, |api| {
            if api.stages.contains_key(&name) {
                return Err(errors::conflict("Stage already exists"));
            }
            if api.stages.len() >= MOST_STAGES {
                return Err(errors::limit("Stages"));
            }
            given.apply(api, &mut stage)?;
            let auto_deploy = stage.auto_deploy;
            api.stages.insert(name.clone(), stage);
            if auto_deploy {
                api.auto_deploy(&name, now)?;
            }
            Ok(show(find(api, &name)?))
        })
    }

    pub(super) fn update_stage(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let given: Given = input.body(&["ApiId", "StageName"])?;
        given.check()?;
        if given.tags.is_some() {
            return Err(errors::bad_request("Tags are not updated by UpdateStage"));
        }
        let name = input.need("StageName")?;
        let now = self.now();
        self.change(input, |api| {
            let mut stage = find(api, name)?.clone();
            let deployed_itself = stage.auto_deploy;
            given.apply(api, &mut stage)?;
            stage.last_updated_date = timestamp(now);
            let begins = stage.auto_deploy && !deployed_itself;
            api.stages.insert(name.to_owned(), stage);
            if begins {
                api.auto_deploy(name, now)?;
            }
            Ok(show(find(api, name)?))
        })
    }

    pub(super) fn get_stage(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.look(input, |api| {
            api.stages.get(input.need("StageName")?).map(show).ok_or_else(no_stage)
        })
    }

    pub(super) fn get_stages(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.look(input, |api| input.page(api.stages.values().map(show).collect()))
    }

    pub(super) fn delete_stage(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.change(input, |api| {
            api.stages.remove(input.need("StageName")?).map(|_| NOTHING).ok_or_else(no_stage)
        })
    }

    pub(super) fn delete_access_log_settings(
        &self,
        input: &Input<'_>,
    ) -> Result<Value, ServiceError> {
        self.change(input, |api| {
            find(api, input.need("StageName")?)?.access_log_settings = None;
            Ok(NOTHING)
        })
    }

    pub(super) fn delete_route_settings(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        self.change(input, |api| {
            let key = input.need("RouteKey")?;
            match find(api, input.need("StageName")?)?.route_settings.remove(key) {
                Some(_) => Ok(NOTHING),
                None => Err(errors::not_found(format!(
                    "Unable to find Route by key {key} within the provided RouteSettings"
                ))),
            }
        })
    }
}

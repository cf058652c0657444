//! The APIs, and what a change does to them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use ringfence_wire::ServiceError;
use time::OffsetDateTime;

use super::control::errors;
use super::model::{Api, Deployment, Snapshot, timestamp};

/// Every API, by id.
#[derive(Debug, Default)]
pub(super) struct Apis(RwLock<BTreeMap<String, Api>>);

impl Apis {
    /// What `look` sees in an API, if there is one.
    pub(super) fn read<T>(&self, api_id: &str, look: impl FnOnce(&Api) -> T) -> Option<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(api_id).map(look)
    }

    /// What `look` sees in every API.
    pub(super) fn list<T>(&self, look: impl FnMut(&Api) -> T) -> Vec<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().map(look).collect()
    }

    /// Changes an API; a failed change leaves no trace.
    pub(super) fn change<T>(
        &self,
        account: &str,
        api_id: &str,
        change: impl FnOnce(&mut Api) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let mut apis = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let api = apis.get_mut(api_id).ok_or_else(|| errors::no_api(account, api_id))?;
        let mut changed = api.clone();
        let result = change(&mut changed)?;
        *api = changed;
        Ok(result)
    }

    pub(super) fn insert(&self, api: Api) {
        let mut apis = self.0.write().unwrap_or_else(PoisonError::into_inner);
        apis.insert(api.facts.api_id.clone(), api);
    }

    pub(super) fn remove(&self, api_id: &str) -> bool {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(api_id).is_some()
    }
}

impl Api {
    /// Changes routes, integrations or authorizers, and deploys the result to
    /// the stages that deploy by themselves.
    pub(super) fn reconfigure<T>(
        &mut self,
        now: OffsetDateTime,
        change: impl FnOnce(&mut Snapshot) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let mut snapshot = Snapshot::clone(&self.live);
        let result = change(&mut snapshot)?;
        snapshot.index();
        self.live = Arc::new(snapshot);
        let stages: Vec<_> = self.stages.values().filter(|stage| stage.auto_deploy).collect();
        for name in stages.into_iter().map(|stage| stage.stage_name.clone()).collect::<Vec<_>>() {
            self.auto_deploy(&name, now)?;
        }
        Ok(result)
    }

    /// Gives a stage a new deployment of the present. The automatic deployment
    /// before it goes, where no stage uses it: AWS keeps all of them, but an
    /// estate that is configured route by route would keep one per route.
    pub(super) fn auto_deploy(
        &mut self,
        stage_name: &str,
        now: OffsetDateTime,
    ) -> Result<(), ServiceError> {
        let deployment = if self.live.routes.is_empty() {
            None
        } else {
            let description = "Automatic deployment triggered by changes to the Api configuration";
            Some(self.deploy(Some(description.to_owned()), true, now)?)
        };
        let Some(stage) = self.stages.get_mut(stage_name) else { return Ok(()) };
        stage.last_deployment_status_message = Some(match &deployment {
            Some(id) => format!("Successfully deployed stage with deployment ID '{id}'"),
            None => format!("Deployment attempt failed: {}", errors::NO_ROUTES),
        });
        if let Some(id) = deployment {
            stage.deployment_id = Some(id);
        }
        let used: Vec<_> =
            self.stages.values().filter_map(|stage| stage.deployment_id.clone()).collect();
        self.deployments.retain(|id, deployment| !deployment.auto_deployed || used.contains(id));
        Ok(())
    }

    /// Freezes the present as a deployment.
    pub(super) fn deploy(
        &mut self,
        description: Option<String>,
        auto_deployed: bool,
        now: OffsetDateTime,
    ) -> Result<String, ServiceError> {
        if self.live.routes.is_empty() {
            return Err(errors::bad_request(errors::NO_ROUTES));
        }
        let deployment_id = new_id(6)?;
        let deployment = Deployment {
            auto_deployed,
            created_date: timestamp(now),
            deployment_id: deployment_id.clone(),
            deployment_status: "DEPLOYED",
            description,
            snapshot: Arc::clone(&self.live),
        };
        self.deployments.insert(deployment_id.clone(), deployment);
        Ok(deployment_id)
    }
}

/// A new id of API Gateway's kind: small letters and digits.
pub(super) fn new_id(length: usize) -> Result<String, ServiceError> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345678";
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes)
        .map_err(|error| ServiceError::new(500, "InternalFailure", error.to_string()))?;
    Ok(bytes
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)))
        .map(|letter| char::from(*letter))
        .collect())
}

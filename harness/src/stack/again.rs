//! What changed of a stack that runs, made again.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_guard::Recording;

use super::deploy::{Deployment, Failure};
use super::{Stack, StackError};
use crate::template::Engine;
use crate::terraform::{Again, Instance, Roots};

impl Stack {
    /// Keeps Terraform's provider running for [`Self::reapply`], where that is faster.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn keep_providers(&mut self) -> Result<(), StackError> {
        let access = self.root();
        let Some(roots) = &mut self.terraform else { return Ok(()) };
        Ok(roots.keep_providers(&access)?)
    }

    /// Applies the root modules that changed, from the user's files as they are now.
    /// Names the applications whose workflows are given other values by that.
    ///
    /// Terraform acts with the harness's own key for root, since those of others are
    /// retired when teams' code begins to run: whoever asks for this trusts what
    /// their modules start.
    ///
    /// # Errors
    /// Of the files, or Terraform's own, with their places in the user's files.
    pub(crate) async fn reapply(
        &mut self,
        changed: &BTreeSet<usize>,
        refresh: bool,
    ) -> Result<BTreeSet<String>, StackError> {
        let given = self.given();
        let access = self.root();
        let Some(roots) = &mut self.terraform else { return Ok(BTreeSet::new()) };
        let again = Again { changed, refresh };
        let engine = Engine { client: &self.client, guard: &self.guard };
        let files = (&self.config, &self.scratch);
        self.outputs = roots.apply_again(files, engine, &access, again, &self.progress).await?;
        self.take_pools()?;
        let now = self.given();
        let other = now.into_iter().filter(|(app, values)| given.get(app) != Some(values));
        Ok(other.map(|(app, _)| app).collect())
    }

    /// Runs an application's workflow again, in the place of what came of it before.
    /// One that fails is kept as a failure, as at the start. `is_its` says which of
    /// the recorded calls its deployment before made.
    ///
    /// # Errors
    /// When it cannot be run at all.
    pub(crate) async fn redeploy(
        &mut self,
        app: &str,
        is_its: &(dyn Fn(&ringfence_guard::Inputs) -> bool + Sync),
    ) -> Result<(), StackError> {
        let mark = self.guard.recording().map(Recording::mark).unwrap_or_default();
        let done = self.deploy(app).await;
        self.deployments.retain(|deployment| deployment.app != app);
        self.failures.retain(|failure| failure.app != app);
        self.deploying.retain(|recorded| !is_its(&recorded.inputs));
        self.deploying.extend(self.guard.recording().map(|it| it.since(mark)).unwrap_or_default());
        let app = app.to_owned();
        match done {
            Ok(report) => self.deployments.push(Deployment { app, report }),
            Err(StackError::Deploy { app, cause }) => {
                self.failures.push(Failure { app, reason: cause.to_string() });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// What Terraform made, by root module and address.
    ///
    /// # Errors
    /// When a state cannot be read.
    pub(crate) fn made(&self) -> Result<BTreeMap<(usize, String), Instance>, StackError> {
        let mut made = BTreeMap::new();
        for (number, root) in self.terraform.iter().flat_map(Roots::all).enumerate() {
            for instance in root.state().map_err(StackError::State)?.instances() {
                made.insert((number, instance.address()), instance);
            }
        }
        Ok(made)
    }

    /// What each application's workflow is given of Layer 1's outputs.
    fn given(&self) -> BTreeMap<String, Vec<Option<String>>> {
        let apps = self.config.apps.iter();
        let of = |outputs: &BTreeMap<String, String>| -> Vec<Option<String>> {
            outputs.values().map(|name| self.outputs.text_of("", name).ok()).collect()
        };
        apps.map(|app| {
            let values = [of(&app.vars_from_outputs), of(&app.secrets_from_outputs)].concat();
            (app.name.get_ref().clone(), values)
        })
        .collect()
    }
}

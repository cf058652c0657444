//! Deploying the applications, by their own workflows.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::{Stack, StackError};
use crate::config::App;
use crate::issuers::GithubRun;
use crate::registries::{Machine, Registries};
use crate::terraform::TerraformError;
use crate::workflow::{Report, Run, Runner, STEP_BOUNDS, Workflow};

/// An application that was deployed.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Its name.
    pub app: String,
    /// What the workflow left.
    pub report: Report,
}

/// An application that could not be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its name.
    pub app: String,
    /// Why, as its workflow said.
    pub reason: String,
}

impl Stack {
    pub(super) async fn first_deployment(
        &self,
        app: &App,
    ) -> (String, Duration, Result<Report, StackError>) {
        let name = app.name.get_ref();
        let phase = self.progress.phase(format!("deploy {name}"));
        let report = self.run_workflow(name, &phase).await;
        (name.clone(), phase.done(), report)
    }

    /// Runs an application's workflow (again) and returns what it left.
    ///
    /// # Errors
    /// When the application is not configured, or a step fails.
    pub async fn deploy(&self, app: &str) -> Result<Report, StackError> {
        let phase = self.progress.phase(format!("deploy {app}"));
        let report = self.run_workflow(app, &phase).await?;
        phase.done();
        Ok(report)
    }

    async fn run_workflow(
        &self,
        name: &str,
        phase: &crate::progress::Phase,
    ) -> Result<Report, StackError> {
        let app = self.app(name)?;
        let failed = |cause| StackError::Deploy { app: name.to_owned(), cause };
        let workflow =
            Workflow::load(&app.directory.join(&app.workflow), &app.directory).map_err(failed)?;
        let mut identity = GithubRun::of(app, None);
        let event = workflow.started_by(app.event.as_deref(), &app.git_ref).map_err(failed)?;
        event.clone_into(&mut identity.event);
        self.deploy_from(app, &app.directory, identity, phase).await
    }

    /// Runs an application's workflow on another copy of its repository, with
    /// an identity of the caller's choice.
    ///
    /// # Errors
    /// When a step fails.
    pub async fn deploy_from(
        &self,
        app: &App,
        repository: &Path,
        identity: GithubRun,
        phase: &crate::progress::Phase,
    ) -> Result<Report, StackError> {
        let failed = |cause| StackError::Deploy { app: app.name.get_ref().clone(), cause };
        let workflow =
            Workflow::load(&repository.join(&app.workflow), repository).map_err(failed)?;
        let with_outputs = |kind: &str,
                            given: &BTreeMap<String, String>,
                            outputs: &BTreeMap<String, String>| {
            let mut all = given.clone();
            for (name, output) in outputs {
                let field = format!("apps.{}.{kind}_from_outputs.{name}", app.name.get_ref());
                let value = self.outputs.text_of(&field, output).map_err(TerraformError::from)?;
                all.insert(name.clone(), value);
            }
            Ok::<_, StackError>(all)
        };
        let vars = with_outputs("vars", &app.vars, &app.vars_from_outputs)?;
        let secrets = with_outputs("secrets", &app.secrets, &app.secrets_from_outputs)?;
        let runner = Runner {
            tools: &self.tools,
            issuer: self.issuer_of(app)?,
            endpoint: self.guard.endpoint(),
            client: &self.client,
            scratch: &self.scratch,
            sandbox: &self.sandbox,
            registries: &Registries::new(&self.config.workflows.registries, Machine::ours()),
            bounds: STEP_BOUNDS,
        };
        let run = Run {
            workflow: &workflow,
            repository,
            identity,
            vars,
            secrets,
            inputs: app.inputs.clone(),
            actions: self.config.actions.clone(),
        };
        runner.run(&run, phase).await.map_err(failed)
    }
}

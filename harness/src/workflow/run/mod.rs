//! Running a workflow: its jobs, in order.

mod artifacts;
mod checkout;
mod cloudformation;
mod commands;
mod composite;
mod credentials;
mod fill;
mod github_script;
mod hash;
mod job;
mod kept;
mod script;
mod session;
mod setup;
mod state;
mod step;
mod tools;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ringfence_sandbox::{Bounds, Sandbox};
use ringfence_wire::ServiceError;
use url::Url;
use uuid::Uuid;

use super::actions::Substitutes;
use super::expression::{Object, Scope, Status, Stopped, Value};
use super::local::{DEEPEST, Repository};
use super::model::{Call, Called, Job, JobWork, Permissions, Secrets, Step, Workflow};
use super::plan::{self, Conclusion, Outcome, Outcomes};
use super::{StepFailure, StepRecord, WorkflowError, contexts};
use crate::aws::Client;
use crate::config::Place;
use crate::issuers::{GithubRun, Issuer};
use crate::progress::Phase;
use crate::registries::Registries;
use crate::scratch::Scratch;
use crate::tools::PythonTools;

use job::JobRun;
use state::State;

/// What a step may use where nothing else is said: about what GitHub's smallest
/// runner has, <https://docs.github.com/en/actions/reference/runners/github-hosted-runners>.
pub const STEP_BOUNDS: Bounds = Bounds {
    processes: 2048,
    memory: Some(8 * GIB),
    total_memory: 8 * GIB,
    disk: Some(14 * GIB),
    file: Some(8 * GIB),
    open_files: 65_536,
    locked_memory: None,
    core: 0,
};

const GIB: u64 = 1024 * 1024 * 1024;

/// How many jobs one run may have, with those of called workflows and of
/// matrices.
const MOST_JOBS: usize = 1000;

/// Where workflows run.
#[derive(Debug)]
pub struct Runner<'a> {
    /// `sam`, `aws` and Python.
    pub tools: &'a PythonTools,
    /// Who issues the runs' tokens.
    pub issuer: &'a Issuer,
    /// The guard's endpoint: the only AWS that there is.
    pub endpoint: &'a Url,
    /// For the exchange of tokens.
    pub client: &'a Client,
    /// Where the copies go.
    pub scratch: &'a Scratch,
    /// What keeps the steps apart from all else.
    pub sandbox: &'a Sandbox,
    /// What they may reach beside the endpoint.
    pub registries: &'a Registries,
    /// What each of them may use.
    pub bounds: Bounds,
}

/// One run of a workflow.
#[derive(Debug)]
pub struct Run<'a> {
    /// What to run.
    pub workflow: &'a Workflow,
    /// The repository.
    pub repository: &'a Path,
    /// What its token says, and the event that is played; a job's environment
    /// is added.
    pub identity: GithubRun,
    /// `vars.X`.
    pub vars: BTreeMap<String, String>,
    /// `secrets.X`.
    pub secrets: BTreeMap<String, String>,
    /// `inputs.X`.
    pub inputs: BTreeMap<String, String>,
    /// What stands for actions that are not known here.
    pub actions: Substitutes,
}

/// What a run left.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Its steps.
    pub steps: Vec<StepRecord>,
    /// Everything that it printed, secrets masked.
    pub log: Vec<String>,
    /// Where another tool stood in for the one that was asked for.
    pub stand_ins: Vec<String>,
    /// What was left out: actions that the configuration skips, a sentence each.
    pub skipped: Vec<String>,
    /// What steps reached, or tried to, beside the endpoint: a sentence each.
    pub reached: Vec<String>,
}

/// A workflow that is run, or called.
struct Running<'w> {
    workflow: &'w Workflow,
    identity: GithubRun,
    /// No job may do more.
    permissions: Permissions,
    inputs: Object,
    secrets: Value,
    event: Value,
    token: &'w str,
    depth: usize,
}

/// What a workflow came to.
struct Ended {
    outcomes: Outcomes,
    /// The first job that failed.
    failure: Option<WorkflowError>,
}

impl Runner<'_> {
    /// Runs every job.
    ///
    /// # Errors
    /// When the event does not start the workflow, or a step fails: the first
    /// that did, after everything that runs all the same.
    pub async fn run(&self, run: &Run<'_>, phase: &Phase) -> Result<Report, WorkflowError> {
        let workflow = run.workflow;
        let trigger = workflow.triggers.played(Some(&run.identity.event), &run.identity.git_ref)?;
        let repository = Repository::at(run.repository);
        if let Some(remark) =
            workflow.unsupported(Some(&repository), &run.actions).into_iter().next()
        {
            return Err(WorkflowError::Unsupported(vec![remark]));
        }
        let token = format!("ghs_{}{}", Uuid::new_v4().simple(), "0".repeat(4));
        let mut secrets: Object =
            run.secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if secrets.get("GITHUB_TOKEN").is_none() {
            secrets.set("GITHUB_TOKEN", token.as_str());
        }
        let mut identity = run.identity.clone();
        identity.workflow.clone_from(&workflow.name);
        let given = run.inputs.iter();
        let given = given.map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let mut scope = Scope::default();
        scope.contexts.insert("vars", (&run.vars).into());
        let inputs = trigger
            .inputs(&given, &mut |default| {
                default.value(&scope, &mut |_| {}).map_err(|stopped| said(&stopped))
            })
            .map_err(|message| invalid(&workflow.triggers.place, message))?;
        let event = contexts::event(&identity, Some(&inputs), &trigger.schedules);
        let running = Running {
            workflow,
            identity,
            permissions: Permissions { id_token: true, contents: true },
            inputs,
            secrets: secrets.into(),
            event,
            token: &token,
            depth: 1,
        };
        let mut state = State::new(phase);
        state.hide(&token);
        run.secrets.values().for_each(|secret| state.hide(secret));
        let ended = self.workflow(run, &running, &mut state).await?;
        ended.failure.map_or(Ok(state.report), Err)
    }

    async fn workflow(
        &self,
        run: &Run<'_>,
        running: &Running<'_>,
        state: &mut State<'_>,
    ) -> Result<Ended, WorkflowError> {
        let mut ended = Ended { outcomes: Outcomes::new(), failure: None };
        for job in &running.workflow.jobs {
            let mut scope = self.scope(run, running);
            scope.contexts.insert("needs", plan::needs(job, &ended.outcomes));
            scope.status = plan::status(running.workflow, job, &ended.outcomes);
            let failed = |stopped: Stopped| invalid(&job.place, said(&stopped));
            let mut outcome =
                Outcome { conclusion: Conclusion::Skipped, outputs: Object::default() };
            if plan::runs(job, &scope).map_err(failed)? {
                outcome.conclusion = Conclusion::Success;
                // Conditions are asked how what came before ended, the job's
                // own steps are not.
                scope.status = Status::Success;
                let failure =
                    self.combinations(run, running, job, &scope, &mut outcome, state).await?;
                if let Some(failure) = failure {
                    outcome.conclusion = Conclusion::Failure;
                    ended.failure.get_or_insert(failure);
                }
            } else {
                state.note(format!("== {}: skipped", job.id));
            }
            ended.outcomes.insert(job.id.clone(), outcome);
        }
        Ok(ended)
    }

    /// Runs a job once for each combination of its matrix; the first failure
    /// that counts ends it.
    async fn combinations(
        &self,
        run: &Run<'_>,
        running: &Running<'_>,
        job: &Job,
        scope: &Scope,
        outcome: &mut Outcome,
        state: &mut State<'_>,
    ) -> Result<Option<WorkflowError>, WorkflowError> {
        let failed = |stopped: Stopped| invalid(&job.place, said(&stopped));
        let combinations = plan::combinations(job, scope).map_err(failed)?;
        let fail_fast = plan::flag(job.fail_fast.as_ref(), true, scope).map_err(failed)?;
        let total = combinations.len();
        let mut first = None;
        for (index, matrix) in combinations.into_iter().enumerate() {
            state.jobs += 1;
            if state.jobs > MOST_JOBS {
                let message = format!("a run has more than {MOST_JOBS} jobs");
                return Err(invalid(&job.place, message));
            }
            let mut scope = scope.clone();
            scope.contexts.insert("matrix", matrix);
            scope.contexts.insert("strategy", strategy(fail_fast, index, total));
            let bears = plan::flag(job.continue_on_error.as_ref(), false, &scope);
            let bears = bears.map_err(failed)?;
            let result = match &job.work {
                JobWork::Steps(work) => {
                    JobRun::start(self, running, job, work, scope, state)?
                        .finish(self, run, state)
                        .await
                }
                JobWork::Call(call) => {
                    Box::pin(self.call(run, running, job, call, &scope, state)).await
                }
            };
            match result {
                Ok(outputs) => {
                    for (name, value) in outputs.members() {
                        outcome.outputs.set(name.clone(), value.clone());
                    }
                }
                // The machine's fault, and nobody's under test.
                Err(error @ WorkflowError::Run { .. }) => return Err(error),
                Err(error) if bears => state.note(format!("== {}: {error}", job.id)),
                Err(error) => {
                    first.get_or_insert(error);
                    if fail_fast {
                        break;
                    }
                }
            }
        }
        Ok(first)
    }

    /// A job that calls another workflow: what it is given is all that it has.
    async fn call(
        &self,
        run: &Run<'_>,
        running: &Running<'_>,
        job: &Job,
        call: &Call,
        scope: &Scope,
        state: &mut State<'_>,
    ) -> Result<Object, WorkflowError> {
        let failed = |message: String| invalid(&job.place, message);
        let Called::Local(path) = &call.workflow else {
            return Err(failed("a workflow of another repository is not run here".to_owned()));
        };
        if running.depth >= DEEPEST {
            return Err(failed(format!("workflows call one another over {DEEPEST} levels")));
        }
        let workflow = Repository::at(run.repository).workflow(path, &job.place)?;
        let Some(trigger) = workflow.triggers.of("workflow_call") else {
            return Err(failed(format!("`{}` has no `on: workflow_call`", path.display())));
        };
        let texts = |texts: &[(String, super::expression::Template)]| {
            texts
                .iter()
                .map(|(name, template)| {
                    let value = template.value(scope, &mut |_| {});
                    Ok((name.clone(), value.map_err(|it| failed(said(&it)))?))
                })
                .collect::<Result<BTreeMap<String, Value>, WorkflowError>>()
        };
        let secrets = match &call.secrets {
            Secrets::Inherited => running.secrets.clone(),
            Secrets::Given(given) => {
                let mut secrets: Object = texts(given)?.into_iter().collect();
                secrets.set("GITHUB_TOKEN", running.token);
                secrets.into()
            }
        };
        for (name, _) in trigger.secrets.iter().filter(|(_, required)| *required) {
            if secrets.get(name).is_none() {
                return Err(failed(format!("the secret `{name}` is required")));
            }
        }
        let given = texts(&call.with)?;
        let inputs = trigger
            .inputs(&given, &mut |default| {
                default.value(scope, &mut |_| {}).map_err(|stopped| said(&stopped))
            })
            .map_err(failed)?;
        let mut identity = running.identity.clone();
        identity.called_file = Some(path.to_string_lossy().into_owned());
        let called = Running {
            workflow: &workflow,
            identity,
            permissions: job.permissions.within(running.permissions),
            inputs,
            secrets,
            event: running.event.clone(),
            token: running.token,
            depth: running.depth + 1,
        };
        let ended = self.workflow(run, &called, state).await?;
        if let Some(failure) = ended.failure {
            return Err(failure);
        }
        let mut scope = self.scope(run, &called);
        scope.contexts.insert("jobs", plan::jobs(&ended.outcomes));
        let mut outputs = Object::default();
        for (name, template) in &trigger.outputs {
            let value = template.value(&scope, &mut |_| {}).map_err(|it| failed(said(&it)))?;
            outputs.set(name.clone(), value);
        }
        Ok(outputs)
    }

    /// What every expression of a workflow sees.
    fn scope(&self, run: &Run<'_>, running: &Running<'_>) -> Scope {
        let github =
            contexts::github_of_run(&running.identity, running.event.clone(), running.token);
        let mut scope = Scope::default();
        scope.contexts.insert("github", github.into());
        scope.contexts.insert("inputs", running.inputs.clone().into());
        scope.contexts.insert("vars", (&run.vars).into());
        scope.contexts.insert("secrets", running.secrets.clone());
        scope
    }
}

fn strategy(fail_fast: bool, index: usize, total: usize) -> Value {
    let number = |count: usize| Value::Number(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    let mut strategy = Object::default();
    strategy.set("fail-fast", fail_fast);
    strategy.set("job-index", number(index));
    strategy.set("job-total", number(total));
    strategy.set("max-parallel", number(total));
    strategy.into()
}

/// Why an expression has no value. The hash of files is had by steps alone.
fn said(stopped: &Stopped) -> String {
    match stopped {
        Stopped::Fault(message) => message.clone(),
        Stopped::Hash(_) => "hashFiles has no files here".to_owned(),
    }
}

fn invalid(place: &Place, message: String) -> WorkflowError {
    WorkflowError::Invalid { place: place.clone(), message }
}

fn run_failed(step: &Step, source: std::io::Error) -> WorkflowError {
    WorkflowError::Run { place: step.place.clone(), step: step.name.clone(), source }
}

fn failed(step: &Step, message: impl Into<String>) -> WorkflowError {
    failure(step, message, None, Vec::new())
}

fn failure(
    step: &Step,
    message: impl Into<String>,
    aws: Option<ServiceError>,
    tail: Vec<String>,
) -> WorkflowError {
    WorkflowError::Step(Box::new(StepFailure {
        place: step.place.clone(),
        step: step.name.clone(),
        message: message.into(),
        aws,
        tail,
    }))
}

/// A path as steps see it.
fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Where a directory of a step is, as the step sees it.
fn within(workspace: &Path, directory: &str) -> PathBuf {
    workspace.join(directory)
}

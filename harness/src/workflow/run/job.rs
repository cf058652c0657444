//! One run of a job of steps.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::super::expression::{Object, Scope, Status, Stopped, Value};
use super::super::model::{Defaults, Job, Permissions, Step, StepsJob};
use super::super::place::Place;
use super::super::plan::Conclusion;
use super::super::{StepRecord, WorkflowError, contexts};
use super::state::State;
use super::{Run, Runner, Running, failed, invalid, said};
use crate::issuers::GithubRun;

/// How long a step may take where nothing is said; GitHub has six hours.
const STEP_TIME: Duration = Duration::from_secs(30 * 60);

/// A job that runs.
pub(super) struct JobRun<'j> {
    pub(super) job: &'j Job,
    work: &'j StepsJob,
    pub(super) identity: GithubRun,
    pub(super) permissions: Permissions,
    pub(super) place: Place,
    pub(super) scope: Scope,
    pub(super) frame: Frame,
    /// The variables of workflow and job.
    base: BTreeMap<String, String>,
    /// Those of the step that runs.
    pub(super) own: Vec<(String, String)>,
    /// Whether the repository is in the workspace.
    pub(super) checked_out: bool,
    ends: Option<Instant>,
}

/// What is of the job, or of the composite action that runs.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) github: Object,
    pub(super) inputs: Value,
    /// What its steps came to.
    pub(super) steps: Object,
    pub(super) status: Status,
    /// The variables of the steps that use the actions.
    pub(super) variables: Vec<(String, String)>,
    pub(super) defaults: Defaults,
    /// How deep in actions it is.
    pub(super) depth: usize,
}

impl<'j> JobRun<'j> {
    /// Makes its directories and contexts.
    ///
    /// # Errors
    /// When they cannot be made, or its keys have no value.
    pub(super) fn start(
        runner: &Runner<'_>,
        running: &Running<'_>,
        job: &'j Job,
        work: &'j StepsJob,
        mut scope: Scope,
        state: &mut State<'_>,
    ) -> Result<Self, WorkflowError> {
        let at = |stopped: Stopped| invalid(&job.place, said(&stopped));
        let mut identity = running.identity.clone();
        if let Some(environment) = &job.environment {
            let name = environment.value(&scope, &mut |_| {}).map_err(at)?.text();
            identity.environment = (!name.is_empty()).then(|| name.to_string());
        }
        let place =
            Place::create(runner.tools, runner.scratch, runner.sandbox, &identity.repository())
                .and_then(|place| place.tell_event(&running.event).map(|()| place))
                .map_err(|source| WorkflowError::Run {
                    place: work.steps.first().map_or(&job.place, |step| &step.place).clone(),
                    step: job.id.clone(),
                    source,
                })?;
        let event = running.event.clone();
        let github = contexts::github(&identity, &place, &job.id, event, running.token);
        scope.contexts.insert("github", github.clone().into());
        let mut base = BTreeMap::new();
        for (name, template) in running.workflow.env.iter().chain(&work.env) {
            let mut empty = Vec::new();
            let value =
                template.value(&scope, &mut |name| empty.push(name.to_owned())).map_err(at)?;
            empty.iter().for_each(|name| state.note(has_no_value(&job.place, name)));
            base.insert(name.clone(), value.text().to_string());
        }
        let minutes = work.timeout.as_ref();
        let minutes = minutes.map(|it| it.value(&scope, &mut |_| {})).transpose().map_err(at)?;
        let time = minutes.map(|it| duration(&it)).transpose();
        let time = time.map_err(|message| invalid(&job.place, message))?;
        scope.contexts.insert("runner", contexts::runner(&place));
        let frame = Frame {
            github,
            inputs: scope.contexts.get("inputs").cloned().unwrap_or(Value::Null),
            steps: Object::default(),
            status: Status::Success,
            variables: Vec::new(),
            defaults: work.defaults.clone(),
            depth: 1,
        };
        Ok(Self {
            job,
            work,
            identity,
            permissions: job.permissions.within(running.permissions),
            place,
            scope,
            frame,
            base,
            own: Vec::new(),
            checked_out: false,
            ends: time.and_then(|time| Instant::now().checked_add(time)),
        })
    }

    /// Runs its steps, and returns its outputs.
    ///
    /// # Errors
    /// The first step that fails.
    pub(super) async fn finish(
        mut self,
        runner: &Runner<'_>,
        run: &Run<'_>,
        state: &mut State<'_>,
    ) -> Result<Object, WorkflowError> {
        let result = self.all(runner, run, &self.work.steps, state).await;
        self.refresh(self.base.clone());
        let mut outputs = Object::default();
        for (name, template) in &self.work.outputs {
            let value = template.value(&self.scope, &mut |_| {});
            let value = value.map_err(|it| invalid(&self.job.place, said(&it)))?.text();
            // As GitHub does, which tells of it in the log.
            if state.is_secret(&value) {
                state.note(format!("output `{name}` may hold a secret: left out, as on GitHub"));
                continue;
            }
            outputs.set(name.clone(), Value::Text(value));
        }
        result.map(|()| outputs)
    }

    /// Runs steps one after the other: after a failure those alone that ask for
    /// it.
    ///
    /// # Errors
    /// The first failure.
    pub(super) async fn all(
        &mut self,
        runner: &Runner<'_>,
        run: &Run<'_>,
        steps: &[Step],
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let mut first = None;
        for step in steps {
            let mut outputs = Object::default();
            let result = self.one(runner, run, step, &mut outputs, state).await;
            let (outcome, conclusion) = match result {
                Ok(true) => (Conclusion::Success, Conclusion::Success),
                Ok(false) => (Conclusion::Skipped, Conclusion::Skipped),
                Err(error @ WorkflowError::Run { .. }) => return Err(error),
                Err(error) => {
                    let bears = self.bears(runner, step, state).await?;
                    if bears {
                        state.note(format!("{error}: the job goes on"));
                        (Conclusion::Failure, Conclusion::Success)
                    } else {
                        self.frame.status = Status::Failure;
                        first.get_or_insert(error);
                        (Conclusion::Failure, Conclusion::Failure)
                    }
                }
            };
            if let Some(id) = &step.id {
                let mut told = Object::default();
                told.set("outputs", outputs);
                told.set("outcome", outcome.name());
                told.set("conclusion", conclusion.name());
                self.frame.steps.set(id.clone(), told);
            }
        }
        first.map_or(Ok(()), Err)
    }

    async fn bears(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        state: &mut State<'_>,
    ) -> Result<bool, WorkflowError> {
        let Some(template) = &step.continue_on_error else { return Ok(false) };
        let value = self.value(runner, step, template, state).await?;
        Ok(value.text().as_ref() == "true")
    }

    /// Runs a step, where its condition holds.
    async fn one(
        &mut self,
        runner: &Runner<'_>,
        run: &Run<'_>,
        step: &Step,
        outputs: &mut Object,
        state: &mut State<'_>,
    ) -> Result<bool, WorkflowError> {
        if step.condition.is_none() && self.frame.status != Status::Success {
            return Ok(false);
        }
        let environment = self.environment(runner, step, state).await?;
        self.refresh(environment);
        if !self.holds(runner, step, state).await? {
            state.report.log.push(format!("== {}: {}: skipped", self.job.id, step.name));
            return Ok(false);
        }
        let began = Instant::now();
        state.report.log.push(format!("== {}: {}", self.job.id, step.name));
        let limit = self.limit(runner, step, state).await?;
        // An action that is not finished leaves what is its own.
        let frame = self.frame.clone();
        let work = self.step(runner, run, step, outputs, state);
        match tokio::time::timeout(limit, Box::pin(work)).await {
            Ok(result) => result?,
            Err(_) => {
                self.frame = frame;
                return Err(failed(step, format!("not finished after {} s", limit.as_secs())));
            }
        }
        let took = began.elapsed();
        state.tell(&format!("{} ({:.1} s)", step.name, took.as_secs_f64()));
        let record = StepRecord { job: self.job.id.clone(), step: step.name.clone(), took };
        state.report.steps.push(record);
        Ok(true)
    }

    async fn limit(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        state: &mut State<'_>,
    ) -> Result<Duration, WorkflowError> {
        let own = match &step.timeout {
            Some(template) => {
                let value = self.value(runner, step, template, state).await?;
                Some(duration(&value).map_err(|message| failed(step, message))?)
            }
            None => None,
        };
        let left = self.ends.map(|ends| ends.saturating_duration_since(Instant::now()));
        Ok(match (own, left) {
            (Some(own), Some(left)) => own.min(left),
            (Some(time), None) | (None, Some(time)) => time,
            (None, None) => STEP_TIME,
        })
    }

    /// Workflow, job, what earlier steps exported, and the step's own, each
    /// over the one before.
    async fn environment(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        state: &mut State<'_>,
    ) -> Result<BTreeMap<String, String>, WorkflowError> {
        let mut environment = self.base.clone();
        // What a step exported is a value, not a text with expressions.
        environment.extend(self.place.exported.clone());
        environment.extend(self.frame.variables.iter().cloned());
        self.refresh(environment.clone());
        let own = self.texts(runner, step, &step.env, state).await?;
        self.own = own.into_iter().map(|(name, value)| (name, value.text().to_string())).collect();
        environment.extend(self.own.iter().cloned());
        Ok(environment)
    }

    /// Sets what changes from step to step.
    pub(super) fn refresh(&mut self, environment: BTreeMap<String, String>) {
        let mut env = Object::exact();
        environment.into_iter().for_each(|(name, value)| env.set(name, value));
        let mut job = Object::default();
        let status = match self.frame.status {
            Status::Success | Status::Skipped => "success",
            Status::Failure => "failure",
        };
        job.set("status", status);
        self.scope.contexts.insert("env", env.into());
        self.scope.contexts.insert("job", job.into());
        self.scope.contexts.insert("steps", self.frame.steps.clone().into());
        self.scope.contexts.insert("github", self.frame.github.clone().into());
        self.scope.contexts.insert("inputs", self.frame.inputs.clone());
        self.scope.status = self.frame.status;
        // Steps may have changed the files.
        self.scope.hashes.clear();
    }

    /// The variables of the step that runs.
    pub(super) fn variables(&self) -> BTreeMap<String, String> {
        let Some(Value::Object(env)) = self.scope.contexts.get("env") else {
            return BTreeMap::new();
        };
        env.members().iter().map(|(name, value)| (name.clone(), value.text().to_string())).collect()
    }
}

pub(super) fn has_no_value(place: &crate::config::Place, name: &str) -> String {
    format!("{place}: `{name}` has no value: empty, as on GitHub")
}

/// Minutes.
fn duration(minutes: &Value) -> Result<Duration, String> {
    let text = minutes.text();
    let seconds = text.parse::<f64>().ok().map(|minutes| minutes * 60.0);
    seconds
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("timeout-minutes must be a positive number, not `{text}`"))
}

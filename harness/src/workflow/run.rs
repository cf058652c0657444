//! Running a workflow's steps.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ringfence_sandbox::{Bounds, Confinement, Sandbox};
use ringfence_wire::ServiceError;
use time::OffsetDateTime;
use url::Url;

use super::expression::{Contexts, fill};
use super::parse::{Job, Step, Work, Workflow};
use super::place::{self, Place, assignments, github};
use super::{StepFailure, StepRecord, WorkflowError, actions, checkout, python, shell, stand_in};
use crate::aws::{Client, WebIdentity};
use crate::issuers::{GithubRun, Issuer};
use crate::process;
use crate::progress::Phase;
use crate::registries::{Registries, Visit};
use crate::scratch::Scratch;
use crate::tools::PythonTools;

/// How long a step may take where nothing is said; GitHub has six hours.
const STEP_TIME: Duration = Duration::from_secs(30 * 60);

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

/// How many last lines an error shows.
const SHOWN: usize = 25;

/// The audience that the credentials action asks for.
const AUDIENCE: &str = "sts.amazonaws.com";

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
    /// What its token says; a job's environment is added.
    pub identity: GithubRun,
    /// `vars.X`.
    pub vars: BTreeMap<String, String>,
    /// `secrets.X`.
    pub secrets: BTreeMap<String, String>,
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
    /// What steps reached, or tried to, beside the endpoint: a sentence each.
    pub reached: Vec<String>,
}

struct State<'r> {
    contexts: Contexts,
    masked: Vec<String>,
    report: Report,
    phase: &'r Phase,
}

impl State<'_> {
    fn mask(&self, text: &str) -> String {
        self.masked.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }

    fn hide(&mut self, secret: &str) {
        self.masked.extend(
            secret.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned),
        );
    }

    fn stand_in(&mut self, text: String) {
        if !self.report.stand_ins.contains(&text) {
            self.phase.note(&text);
            self.report.stand_ins.push(text);
        }
    }

    fn fill(&mut self, step: &Step, text: &str) -> Result<String, WorkflowError> {
        let mut empty = Vec::new();
        let filled = fill(text, &self.contexts, |name| empty.push(name.to_owned()));
        for name in empty {
            let note = format!("{}: `{name}` has no value: empty, as on GitHub", step.place);
            self.phase.note(&note);
            self.report.log.push(note);
        }
        filled.map_err(|message| WorkflowError::Invalid { place: step.place.clone(), message })
    }
}

impl Runner<'_> {
    /// Runs every job.
    ///
    /// # Errors
    /// When the event does not start the workflow, or at the first step that
    /// fails.
    pub async fn run(&self, run: &Run<'_>, phase: &Phase) -> Result<Report, WorkflowError> {
        let workflow = run.workflow;
        workflow.starts(&run.identity.event, &run.identity.git_ref)?;
        let mut state = State {
            contexts: Contexts {
                vars: run.vars.clone(),
                secrets: run.secrets.clone(),
                ..Contexts::default()
            },
            masked: Vec::new(),
            report: Report::default(),
            phase,
        };
        run.secrets.values().for_each(|secret| state.hide(secret));
        for job in &workflow.jobs {
            self.job(run, job, &mut state).await?;
        }
        Ok(state.report)
    }

    async fn job(
        &self,
        run: &Run<'_>,
        job: &Job,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let first = job.steps.first();
        let mut place =
            Place::create(self.tools, self.scratch, self.sandbox, &run.identity.repository())
                .map_err(|source| WorkflowError::Run {
                    place: first.map_or_else(
                        || run.workflow.triggers_at.clone(),
                        |step| step.place.clone(),
                    ),
                    step: job.id.clone(),
                    source,
                })?;
        let mut identity = run.identity.clone();
        identity.workflow.clone_from(&run.workflow.name);
        if job.environment.is_some() {
            identity.environment.clone_from(&job.environment);
        }
        state.contexts.steps.clear();
        state.contexts.github = github(&identity, &place, &job.id);
        state.contexts.runner = [
            ("os", "Linux".to_owned()),
            ("temp", place.temporary.inside.to_string_lossy().into_owned()),
        ]
        .into();
        for step in &job.steps {
            let began = Instant::now();
            state.report.log.push(format!("== {}: {}", job.id, step.name));
            state.contexts.env = self.step_environment(run, job, step, &place, state)?;
            let limit = step.timeout.or(job.timeout).unwrap_or(STEP_TIME);
            let work = self.step(run, job, step, &identity, &mut place, state);
            let done = tokio::time::timeout(limit, work).await;
            match done {
                Ok(result) => result?,
                Err(_) => {
                    let message = format!("not finished after {} s", limit.as_secs());
                    return Err(failed(step, message));
                }
            }
            let took = began.elapsed();
            state.phase.note(format!("{} ({:.1} s)", step.name, took.as_secs_f64()));
            state.report.steps.push(StepRecord {
                job: job.id.clone(),
                step: step.name.clone(),
                took,
            });
        }
        Ok(())
    }

    /// Workflow, job, what earlier steps exported, and the step's own, each
    /// over the one before.
    fn step_environment(
        &self,
        run: &Run<'_>,
        job: &Job,
        step: &Step,
        place: &Place,
        state: &mut State<'_>,
    ) -> Result<BTreeMap<String, String>, WorkflowError> {
        let mut environment = BTreeMap::new();
        for layer in [&run.workflow.env, &job.env, &place.exported, &step.env] {
            let mut filled = BTreeMap::new();
            for (name, value) in layer {
                // What a step exported is a value, not a text with expressions.
                let exported = std::ptr::eq(layer, &raw const place.exported);
                let value = if exported { value.clone() } else { state.fill(step, value)? };
                filled.insert(name.clone(), value);
            }
            environment.extend(filled);
            state.contexts.env.clone_from(&environment);
        }
        Ok(environment)
    }

    async fn step(
        &self,
        run: &Run<'_>,
        job: &Job,
        step: &Step,
        identity: &GithubRun,
        place: &mut Place,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        match &step.work {
            Work::Uses { action, with } => {
                let mut inputs = BTreeMap::new();
                for (name, value) in with {
                    inputs.insert(name.as_str(), state.fill(step, value)?);
                }
                match action.as_str() {
                    actions::CHECKOUT if !job.permissions.contents => Err(failed(
                        step,
                        "the repository is private and `permissions` has no `contents: read`",
                    )),
                    actions::CHECKOUT => {
                        checkout::checkout(run.repository, &place.workspace.outside, place.user)
                            .map_err(|source| WorkflowError::Run {
                                place: step.place.clone(),
                                step: step.name.clone(),
                                source,
                            })
                    }
                    actions::CREDENTIALS => {
                        self.credentials(job, step, identity, &inputs, place, state).await
                    }
                    actions::SETUP_SAM => {
                        let asked = inputs.get("version").map(String::as_str);
                        if let Some(text) = stand_in::sam(asked.unwrap_or_default()) {
                            state.stand_in(text);
                        }
                        Ok(())
                    }
                    actions::SETUP_PYTHON => {
                        self.python(step, inputs.get("python-version"), place, state).await
                    }
                    other => Err(failed(step, format!("the action `{other}` is not known here"))),
                }
            }
            Work::Run { script, shell, directory } => {
                let script = state.fill(step, script)?;
                let shell = shell.as_deref().or(job.defaults.shell.as_deref());
                let directory = directory.as_deref().or(job.defaults.directory.as_deref());
                let directory = match directory {
                    Some(directory) => place.workspace.inside.join(state.fill(step, directory)?),
                    None => place.workspace.inside.clone(),
                };
                self.script(step, &script, shell, &directory, place, state).await
            }
        }
    }

    /// `aws-actions/configure-aws-credentials`: a token of the run's own for a
    /// session of the role.
    async fn credentials(
        &self,
        job: &Job,
        step: &Step,
        identity: &GithubRun,
        inputs: &BTreeMap<&str, String>,
        place: &mut Place,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        if !job.permissions.id_token {
            // GitHub gives the job no ACTIONS_ID_TOKEN_REQUEST_URL then.
            return Err(failed(
                step,
                "Credentials could not be loaded, please check your action inputs: `permissions` has no `id-token: write`",
            ));
        }
        let input =
            |name: &str| inputs.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let region = input("aws-region").unwrap_or_default();
        let role_arn = input("role-to-assume").unwrap_or_default();
        let duration = match input("role-duration-seconds").map(str::parse) {
            None => 3600,
            Some(Ok(seconds)) => seconds,
            Some(Err(_)) => return Err(failed(step, "`role-duration-seconds` is not a number")),
        };
        let audience = input("audience").unwrap_or(AUDIENCE);
        let token = self
            .issuer
            .github_token(identity, audience, OffsetDateTime::now_utc())
            .map_err(|error| failed(step, error.to_string()))?;
        let request = WebIdentity {
            role_arn,
            session_name: input("role-session-name").unwrap_or("GitHubActions"),
            token: &token,
            duration: Some(duration),
            policy: input("inline-session-policy"),
        };
        let access =
            self.client.assume_with_web_identity(self.endpoint, region, &request).await.map_err(
                |error| {
                    let message = format!(
                        "could not assume `{role_arn}` with OIDC: {}: {}",
                        error.code, error.message
                    );
                    failure(step, message, Some(error), Vec::new())
                },
            )?;
        for (name, value) in access.environment() {
            if matches!(name, "AWS_SECRET_ACCESS_KEY" | "AWS_SESSION_TOKEN") {
                state.hide(&value);
            }
            if name.starts_with("AWS_REGION")
                || name.starts_with("AWS_DEFAULT_REGION")
                || name.contains("KEY")
                || name.contains("TOKEN")
            {
                place.exported.insert(name.to_owned(), value);
            }
        }
        if let (Some(id), Some(account)) = (&step.id, role_arn.split(':').nth(4)) {
            let outputs = [("aws-account-id".to_owned(), account.to_owned())].into();
            state.contexts.steps.insert(id.clone(), outputs);
        }
        Ok(())
    }

    /// `actions/setup-python`: the interpreter where it is installed, else a
    /// stand-in, said aloud.
    async fn python(
        &self,
        step: &Step,
        version: Option<&String>,
        place: &mut Place,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let version = version.map(String::as_str).unwrap_or_default();
        let Some(minor) = python::minor(version).map_err(|text| failed(step, text))? else {
            return Ok(());
        };
        let name = format!("python3.{minor}");
        let found = python::installed(minor).await;
        let run_failed = |source: io::Error| WorkflowError::Run {
            place: step.place.clone(),
            step: step.name.clone(),
            source,
        };
        if let Some(path) = found {
            let bin = place.pythons.outside.join(&name);
            if !bin.exists() {
                fs::create_dir(&bin).map_err(run_failed)?;
                for link in ["python", "python3", name.as_str()] {
                    std::os::unix::fs::symlink(&path, bin.join(link)).map_err(run_failed)?;
                }
            }
            for prefix in ringfence_sandbox::interpreter(&path) {
                if !place.tools.contains(&prefix) {
                    place.tools.push(prefix);
                }
            }
            place.path.insert(0, place.pythons.inside.join(&name));
        } else {
            state.stand_in(stand_in::python(&self.tools.version, version));
        }
        Ok(())
    }

    async fn script(
        &self,
        step: &Step,
        script: &str,
        shell: Option<&str>,
        directory: &Path,
        place: &mut Place,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let (program, options) = shell::program(shell).map_err(|text| failed(step, text))?;
        let run_failed = |source: io::Error| WorkflowError::Run {
            place: step.place.clone(),
            step: step.name.clone(),
            source,
        };
        let files = place.next_step(script).map_err(run_failed)?;
        let mut arguments: Vec<OsString> = options.iter().map(Into::into).collect();
        arguments.push(files.script.clone().into());
        let proxy = self.registries.open().await.map_err(run_failed)?;
        let mut openings = self.endpoint.socket_addrs(|| None).map_err(run_failed)?;
        openings.push(proxy.address());
        let openings = openings.into_iter().map(Into::into).collect();
        let confinement = Confinement {
            arguments,
            environment: place
                .environment(&files, self.endpoint, &proxy, &state.contexts)
                .into_iter()
                .collect(),
            directory: directory.to_owned(),
            walls: place.walls(&files),
            openings,
            bounds: self.bounds,
            ..Confinement::of(program, place.user)
        };
        let mut log = Vec::new();
        let finished = process::run_confined(self.sandbox, &confinement, |_, line| {
            log.push(line.to_owned());
        })
        .await
        .map_err(run_failed)?;
        for (visit, count) in proxy.visits() {
            let Visit { host, port, allowed } = visit;
            let how = if allowed { "reached" } else { "was refused" };
            state
                .report
                .reached
                .push(format!("step `{}` {how} {host}:{port} ({count})", step.name));
        }
        let log: Vec<String> = log.iter().map(|line| state.mask(line)).collect();
        let tail: Vec<String> = log.iter().rev().take(SHOWN).rev().cloned().collect();
        state.report.log.extend(log);
        if !finished.status.success() {
            let message = match (finished.exceeded, finished.status.code()) {
                (Some(bound), _) => format!("ended, because it used {bound}"),
                (None, Some(code)) => format!("exit code {code}"),
                (None, None) => finished.status.to_string(),
            };
            return Err(failure(step, message, None, tail));
        }
        let read = |name: &str| {
            place::written(&files.directory.outside.join("written").join(name))
                .map_err(|error| failed(step, error.to_string()))
        };
        let (env, output, path) = (read("env")?, read("output")?, read("path")?);
        place.exported.extend(assignments(&env).map_err(|text| failed(step, text))?);
        let outputs = assignments(&output).map_err(|text| failed(step, text))?;
        if let Some(id) = &step.id {
            state.contexts.steps.insert(id.clone(), outputs.into_iter().collect());
        }
        for line in path.lines().filter(|line| !line.trim().is_empty()) {
            place.path.insert(0, PathBuf::from(line.trim()));
        }
        Ok(())
    }
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

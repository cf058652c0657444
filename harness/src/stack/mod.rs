//! The assembled thing: upstream, guard, Layer 1, applications.

mod api;
mod identities;

pub use self::api::ApiAnswer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use ringfence_guard::{Guard, GuardError, NoMembership};
use ringfence_sandbox::Sandbox;
use ringfence_services::Credentials;
use ringfence_services::token::KeySource;
use ringfence_wire::ServiceError;
use url::Url;

use crate::aws::Client;
use crate::config::{self, App, Backend, Config, IssuerKind};
use crate::emulator::{self, Emulator, EmulatorError};
use crate::exchange::Exchanges;
use crate::integrity::snapshot::SnapshotError;
use crate::integrity::{Isolation, Moment, Reading};
use crate::issuers::{GithubRun, Issuer, IssuerError};
use crate::progress::Progress;
use crate::registries::{Machine, Registries};
use crate::root::{ForeignCall, Ledger, RootKeys};
use crate::scratch::Scratch;
use crate::terraform::{Outputs, Terraform, TerraformError};
use crate::tools::{PythonTools, TerraformBinary, ToolsError};
use crate::workflow::{Report, Run, Runner, STEP_BOUNDS, Workflow, WorkflowError};

/// Why there is no stack.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A tool is missing.
    #[error(transparent)]
    Tools(#[from] ToolsError),
    /// The run's directory cannot be made.
    #[error("cannot make the run's directory")]
    Scratch(#[source] io::Error),
    /// No upstream.
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
    /// No keys.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// A policy of the organization cannot be read.
    #[error("cannot read the organization's policy `{}`", path.display())]
    Organization {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The account's place in its organization is none.
    #[error(transparent)]
    Membership(#[from] NoMembership),
    /// No keys for root.
    #[error("the operating system gives no randomness: {0}")]
    Randomness(String),
    /// Nothing would keep what is judged apart from the judge.
    #[error(
        "the run would be UNISOLATED: {0}; `--unisolated` runs it all the same, and says so in its evidence"
    )]
    Unisolated(String),
    /// What Layer 1 made cannot be read back.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// No guard.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// No Layer 1.
    #[error(transparent)]
    Terraform(#[from] TerraformError),
    /// An application is not deployed.
    #[error("app `{app}`: {cause}")]
    Deploy {
        /// The application.
        app: String,
        /// Why.
        cause: WorkflowError,
    },
    /// Something that the configuration does not name.
    #[error("ringfence.toml names no {0}")]
    NotConfigured(String),
    /// Something of which the configuration names several.
    #[error("ringfence.toml names more than one {0}")]
    NotOne(String),
    /// A role cannot be assumed.
    #[error("deployer `{deployer}` cannot assume `{role}`: {cause}")]
    Assume {
        /// The deployer.
        deployer: String,
        /// The role.
        role: String,
        /// STS's error.
        cause: Box<ServiceError>,
    },
    /// The upstream died.
    #[error("the upstream died: {url} does not answer any more{}", last_words(.words))]
    Died {
        /// Where it answered.
        url: Url,
        /// What it said last, where that is known.
        words: Vec<String>,
    },
}

/// How to start a stack, beside its configuration.
#[derive(Debug, Clone)]
pub struct Options {
    /// In place of the configuration's upstream.
    pub backend: Option<Backend>,
    /// The guard's port; 0 takes any that is free.
    pub port: u16,
    /// Where the journal is kept as a file.
    pub journal: Option<PathBuf>,
    /// Where the requests of the harness and their answers are kept.
    pub exchanges: Option<Arc<Exchanges>>,
    /// Who hears of the progress.
    pub progress: Progress,
    /// Whether the applications are deployed too.
    pub deploy: bool,
    /// Whether the guard keeps what it decides about, which the attacks'
    /// companions and the mutations need.
    pub record: bool,
    /// Whether an application that cannot be deployed is a result, kept in
    /// [`Stack::failures`], and not the end of the run.
    pub keep_going: bool,
    /// With which keys root acts.
    pub root: RootKeys,
    /// Whether the account is read back after Terraform's apply and after the
    /// workflows, to show that what was applied is what is judged.
    pub read_back: bool,
    /// Whether the stack is started only where the code of the teams is kept
    /// apart from the harness and from the upstream.
    pub isolated: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            backend: None,
            port: 0,
            journal: None,
            exchanges: None,
            progress: Progress::silent(),
            deploy: true,
            record: true,
            keep_going: false,
            root: RootKeys::OfThisRun,
            read_back: false,
            isolated: false,
        }
    }
}

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

/// The assembled thing. Dropping it ends and removes all that it started;
/// [`Stack::stop`] does so in order.
#[derive(Debug)]
pub struct Stack {
    config: Config,
    guard: Guard,
    issuers: Vec<Issuer>,
    outputs: Outputs,
    deployments: Vec<Deployment>,
    failures: Vec<Failure>,
    layer1_state: Option<String>,
    phases: Vec<(String, Duration)>,
    readings: Vec<Reading>,
    root: Credentials,
    ledger: Arc<Ledger>,
    client: Client,
    http: reqwest::Client,
    tools: PythonTools,
    sandbox: Sandbox,
    isolation: Isolation,
    terraform: Option<Terraform>,
    emulator: Emulator,
    progress: Progress,
    // Last: what it removes, others above still use.
    scratch: Scratch,
}

impl Stack {
    /// Starts everything that a configuration names.
    ///
    /// # Errors
    /// At the first part that does not work; nothing is left running then.
    pub async fn start(config: Config, options: Options) -> Result<Self, StackError> {
        let progress = options.progress.clone();
        // What is missing shows before anything is installed or started.
        let binary = match &config.layer1 {
            Some(_) => Some(TerraformBinary::find().await?),
            None => None,
        };
        let tools = PythonTools::provision(&progress).await?;
        let scratch = Scratch::create(&tools.python()).map_err(StackError::Scratch)?;
        let sandbox = Sandbox::detect(&tools.base).await;
        let backend = options.backend.as_ref().unwrap_or(&config.upstream.backend);
        let isolation = Isolation::of(sandbox.mechanism(), backend);
        if options.isolated
            && let Some(reason) = &isolation.reason
        {
            return Err(StackError::Unisolated(reason.clone()));
        }
        let mut phases = Vec::new();

        // Terraform takes seconds to initialise; it needs no endpoint for that.
        let upstream = async {
            let options = emulator::Options {
                backend,
                image: &config.upstream.image,
                environment: &config.upstream.environment,
                account_id: config.account.id.as_str(),
                region: config.account.region.as_str(),
                sealed: true,
            };
            let began = std::time::Instant::now();
            let emulator = Emulator::start(&options, &tools, &scratch, &progress).await?;
            Ok::<_, StackError>((emulator, began.elapsed()))
        };
        let layer1 = async {
            let (Some(layer1), Some(binary)) = (&config.layer1, binary) else {
                return Ok::<_, StackError>(None);
            };
            let phase = progress.phase("terraform init");
            let terraform = Terraform::prepare(binary, layer1, &scratch, &phase).await?;
            Ok(Some((terraform, phase.done())))
        };
        let ((emulator, took), layer1) = tokio::try_join!(upstream, layer1)?;
        phases.push(("upstream".to_owned(), took));
        let terraform = layer1.map(|(terraform, took)| {
            phases.push(("terraform init".to_owned(), took));
            terraform
        });

        let issuers = config.issuers.iter().map(Issuer::new).collect::<Result<Vec<Issuer>, _>>()?;
        let root = options.root.key().map_err(StackError::Randomness)?;
        let ledger = Ledger::of(&root.access_key_id);
        let guard =
            start_guard(&config, &options, root.clone(), &tools, &scratch, &emulator, &issuers)
                .await?;
        let client = options.exchanges.clone().map_or_else(Client::new, Client::recording);
        let mut stack = Self {
            guard,
            issuers,
            outputs: Outputs::default(),
            deployments: Vec::new(),
            failures: Vec::new(),
            layer1_state: None,
            phases,
            readings: Vec::new(),
            root,
            client: client.announcing(Arc::clone(&ledger)),
            ledger,
            http: reqwest::Client::new(),
            tools,
            sandbox,
            isolation,
            terraform,
            emulator,
            progress,
            scratch,
            config,
        };
        // Terraform's provider tries a call for many minutes before it gives up.
        let url = stack.emulator.url().clone();
        let built = tokio::select! {
            built = stack.build(&options) => built,
            () = emulator::silence(&url) => Err(StackError::Died { url: url.clone(), words: Vec::new() }),
        };
        if let Err(error) = built {
            let error = stack.death().await.unwrap_or(error);
            stack.stop().await;
            return Err(error);
        }
        Ok(stack)
    }

    /// Does something for as long as the upstream answers.
    ///
    /// # Errors
    /// The work's own, or [`StackError::Died`].
    pub async fn while_upstream_lives<T>(
        &self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let url = self.emulator.url();
        tokio::select! {
            done = work => done,
            () = emulator::silence(url) => {
                let words = self.emulator.last_words().await;
                Err(StackError::Died { url: url.clone(), words }.into())
            }
        }
    }

    /// Applies Layer 1 and deploys the applications.
    async fn build(&mut self, options: &Options) -> Result<(), StackError> {
        if let Some(terraform) = &self.terraform {
            let phase = self.progress.phase("terraform apply");
            self.outputs = terraform.apply(&self.terraform_root(options.root)?, &phase).await?;
            self.phases.push(("terraform apply".to_owned(), phase.done()));
        }
        if options.root == RootKeys::OfThisRun {
            // What a team wrote runs from here on.
            self.guard.close_root();
        }
        self.read_back(options, Moment::Applied).await?;
        if options.deploy {
            // Side by side, as repositories that know nothing of each other.
            let at_once = std::thread::available_parallelism().map_or(2, usize::from).max(2);
            let deploying = stream::iter(&self.config.apps)
                .map(|app| self.first_deployment(app))
                .buffered(at_once)
                .collect::<Vec<_>>();
            // Terraform takes seconds for it; nothing waits here.
            let showing = async {
                match &self.terraform {
                    Some(terraform) if options.keep_going => terraform.show().await.map(Some),
                    _ => Ok(None),
                }
            };
            let (deployed, shown) = tokio::join!(deploying, showing);
            self.layer1_state = shown?;
            for (app, took, deployed) in deployed {
                self.phases.push((format!("deploy {app}"), took));
                match deployed {
                    Ok(report) => self.deployments.push(Deployment { app, report }),
                    Err(StackError::Deploy { app, cause }) if options.keep_going => {
                        // A dead upstream is no result.
                        if let Some(error) = self.death().await {
                            return Err(error);
                        }
                        self.failures.push(Failure { app, reason: cause.to_string() });
                    }
                    Err(error) => return Err(error),
                }
            }
            self.read_back(options, Moment::Deployed).await?;
        }
        Ok(())
    }

    async fn read_back(&mut self, options: &Options, moment: Moment) -> Result<(), StackError> {
        if options.read_back && self.terraform.is_some() {
            self.readings.push(Reading::take(&self.guard, &self.emulator, moment).await?);
        }
        Ok(())
    }

    async fn first_deployment(&self, app: &App) -> (String, Duration, Result<Report, StackError>) {
        let name = app.name.get_ref();
        let phase = self.progress.phase(format!("deploy {name}"));
        let report = self.run_workflow(name, &phase).await;
        (name.clone(), phase.done(), report)
    }

    /// The error that explains others: the upstream does not answer any more.
    async fn death(&self) -> Option<StackError> {
        let alive = self.http.get(self.emulator.url().clone()).send().await;
        match alive {
            Err(error) if error.is_connect() => {
                let (url, words) = (self.emulator.url().clone(), self.emulator.last_words().await);
                Some(StackError::Died { url, words })
            }
            _ => None,
        }
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
        self.deploy_from(app, &app.directory, GithubRun::of(app, None), phase).await
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
        let workflow = Workflow::load(&repository.join(&app.workflow)).map_err(failed)?;
        let mut vars = app.vars.clone();
        for (name, output) in &app.vars_from_outputs {
            let field = format!("apps.{}.vars_from_outputs.{name}", app.name.get_ref());
            let value = self.outputs.text_of(&field, output).map_err(TerraformError::from)?;
            vars.insert(name.clone(), value);
        }
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
        let run =
            Run { workflow: &workflow, repository, identity, vars, secrets: app.secrets.clone() };
        runner.run(&run, phase).await.map_err(failed)
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The guard.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Where every AWS client goes.
    pub fn endpoint(&self) -> &Url {
        self.guard.endpoint()
    }

    /// The calls that somebody else than the harness made as root since Layer 1
    /// was applied: none, unless a key was stolen.
    pub fn foreign_root_calls(&self) -> Vec<ForeignCall> {
        self.ledger.foreign(self.guard.root_calls())
    }

    /// What answers behind the guard.
    pub fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// Layer 1's outputs.
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// Layer 1, where there is one.
    pub fn terraform(&self) -> Option<&Terraform> {
        self.terraform.as_ref()
    }

    /// The applications, as they were deployed at the start.
    pub fn deployments(&self) -> &[Deployment] {
        &self.deployments
    }

    /// Layer 1's state as `terraform show -json` prints it; none without a
    /// Layer 1.
    ///
    /// # Errors
    /// When Terraform cannot read its state.
    pub async fn layer1_state(&self) -> Result<Option<String>, StackError> {
        match (&self.layer1_state, &self.terraform) {
            (Some(state), _) => Ok(Some(state.clone())),
            (None, Some(terraform)) => Ok(Some(terraform.show().await?)),
            (None, None) => Ok(None),
        }
    }

    /// What was read of the account so far.
    pub fn readings(&self) -> &[Reading] {
        &self.readings
    }

    /// The applications that could not be deployed at the start.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// The phases of the start with their times.
    pub fn phases(&self) -> &[(String, Duration)] {
        &self.phases
    }

    /// The Python tools.
    pub fn tools(&self) -> &PythonTools {
        &self.tools
    }

    /// What keeps the code of the teams, steps and functions, apart from the
    /// harness and from each other.
    pub fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    /// The directory that goes with the stack.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// A client of the guard.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The issuers, in the order of the configuration.
    pub fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }

    /// The issuer of a kind.
    ///
    /// # Errors
    /// When none is configured, or more than one.
    pub fn issuer(&self, kind: IssuerKind) -> Result<&Issuer, StackError> {
        let mut issuers = self.issuers.iter().filter(|issuer| issuer.kind == kind);
        let named = || format!("issuer of the kind {kind:?}");
        let first = issuers.next().ok_or_else(|| StackError::NotConfigured(named()))?;
        match issuers.next() {
            None => Ok(first),
            Some(_) => Err(StackError::NotOne(named())),
        }
    }

    /// The issuer of an app's workflows.
    ///
    /// # Errors
    /// When none is configured.
    pub fn issuer_of(&self, app: &App) -> Result<&Issuer, StackError> {
        let url = self.config.issuer_of(app).map(|issuer| issuer.url.get_ref());
        let issuer = self.issuers.iter().find(|issuer| Some(&issuer.url) == url);
        issuer.ok_or_else(|| {
            StackError::NotConfigured(format!("github issuer of app `{}`", app.name.get_ref()))
        })
    }

    /// An application.
    ///
    /// # Errors
    /// When none of this name is configured.
    pub fn app(&self, name: &str) -> Result<&App, StackError> {
        self.config.app(name).ok_or_else(|| StackError::NotConfigured(format!("app `{name}`")))
    }

    /// Ends everything and waits until it is gone.
    pub async fn stop(self) {
        let Self { guard, emulator, scratch, .. } = self;
        // What fails here failed before and was reported then; the sweeper
        // removes what is left.
        let _ = guard.stop().await;
        emulator.stop().await;
        scratch.remove().await;
    }
}

fn last_words(words: &[String]) -> String {
    if words.is_empty() { String::new() } else { format!("; it said: {}", words.join(" | ")) }
}

/// The policies of a level of the organization, with their names.
fn policies(paths: &[PathBuf]) -> Result<Vec<(String, String)>, StackError> {
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path)
            .map_err(|source| StackError::Organization { path: path.clone(), source })?;
        Ok((path.display().to_string(), text))
    };
    paths.iter().map(read).collect()
}

async fn start_guard(
    config: &Config,
    options: &Options,
    root: Credentials,
    tools: &PythonTools,
    scratch: &Scratch,
    emulator: &Emulator,
    issuers: &[Issuer],
) -> Result<Guard, StackError> {
    let levels = config.organization.iter();
    let service_control = levels.clone().filter_map(|level| level.policies.as_deref());
    let resource_control = levels.map(|level| level.resource_control.as_slice());
    let organization = config.account.organization.as_ref();
    let guard = ringfence_guard::Config {
        account_id: config.account.id.as_str().to_owned(),
        region: config.account.region.as_str().to_owned(),
        port: options.port,
        root,
        upstream: emulator.endpoint(),
        issuers: issuers
            .iter()
            .map(|issuer| (issuer.url.clone(), KeySource::Keys(issuer.shared_keys())))
            .collect(),
        service_control: service_control.map(policies).collect::<Result<_, _>>()?,
        resource_control: resource_control.map(policies).collect::<Result<_, _>>()?,
        membership: organization.map(config::Organization::membership).transpose()?,
        journal: options.journal.clone(),
        python: Some(tools.python()),
        record: options.record,
        work_dir: scratch.subdirectory("guard").map_err(StackError::Scratch)?,
    };
    Ok(Guard::start(guard).await?)
}

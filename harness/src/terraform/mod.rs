//! Layer 1: the platform team's Terraform, applied by the real Terraform with
//! the real provider, through the guard.
//!
//! The work is done in a copy. What makes it speak to the guard is an override
//! file and the environment; the shipped files say nothing of it. The
//! endpoints are set twice: in the override for every service the guard knows,
//! and as `AWS_ENDPOINT_URL` for all others, so that no call can leave the
//! machine.

mod address;
mod copy;
mod diagnostics;
mod examine;
mod existing;
mod instance;
mod lacking;
mod locked;
mod mirror;
mod outputs;
mod outside;
mod overrides;
mod provider;
mod reach;
mod roots;
mod state;
mod states;
mod sync;
mod version;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use ringfence_wire::Secret;
use serde_json::Value;
use tokio::process::Command;
use url::Url;

use crate::config::Layer1;
use crate::hcl::Module;
use crate::process::{self, Finished, Stream};
use crate::progress::Phase;
use crate::remark::{Remark, unsupported};
use crate::scratch::Scratch;
use crate::template::NotMade;
use crate::tools::{Product, TerraformBinary};

pub use diagnostics::Diagnostic;
use diagnostics::Events;
pub use examine::{Examined, Machine, Need, examine};
pub use existing::images;
pub use instance::Instance;
pub use outputs::{OutputError, Outputs};
pub(crate) use outside::{Outside, entries as outside};
use provider::Provider;
pub(crate) use reach::places;
pub(crate) use roots::Again;
pub use roots::{Root, Roots};
pub use state::State;
pub use states::States;

/// Why Layer 1 is not there.
#[derive(Debug, thiserror::Error)]
pub enum TerraformError {
    /// There is nothing to apply.
    #[error("`{}` holds no Terraform files", .0.display())]
    Empty(PathBuf),
    /// It has what cannot be run here: all of it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Unsupported(Vec<Remark>),
    /// The copy cannot be made.
    #[error("cannot prepare a copy of `{}`: {message}", directory.display())]
    Copy {
        /// The directory.
        directory: PathBuf,
        /// What went wrong.
        message: String,
    },
    /// Terraform cannot be run.
    #[error("cannot run `{}`", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The state of a root module cannot be read.
    #[error("cannot read the state of `{}`", directory.display())]
    State {
        /// The user's root module.
        directory: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// A command of Terraform failed.
    #[error("terraform {command} failed: {}", describe(diagnostics, tail))]
    Failed {
        /// Which one.
        command: &'static str,
        /// Its errors, with their places in the user's own files.
        diagnostics: Vec<Diagnostic>,
        /// Its last lines, where it gave no diagnostics.
        tail: Vec<String>,
    },
    /// A template that did not become a stack.
    #[error(transparent)]
    Stack(Box<NotMade>),
    /// An output that is not what it should be.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl TerraformError {
    /// The same, each request that failed with what decided it, where that is known.
    #[must_use]
    pub fn explained(mut self, decided: impl Fn(&str) -> Option<String>) -> Self {
        if let Self::Stack(cause) = self {
            return Self::Stack(Box::new(cause.explained(decided)));
        }
        if let Self::Failed { diagnostics, .. } = &mut self {
            for one in diagnostics {
                if let Some(why) = one.request_id().and_then(&decided) {
                    one.detail = [one.detail.as_str(), &why].join(" ").trim().to_owned();
                }
            }
        }
        self
    }
}

fn describe(diagnostics: &[Diagnostic], tail: &[String]) -> String {
    if diagnostics.is_empty() {
        tail.join(" | ")
    } else {
        diagnostics.iter().map(Diagnostic::to_string).collect::<Vec<_>>().join("\n")
    }
}

/// How an AWS client reaches the guard: the endpoint, the region and whose
/// credentials it signs with.
#[derive(Debug, Clone)]
pub struct Access {
    /// The guard's endpoint.
    pub endpoint: Url,
    /// The region.
    pub region: String,
    /// The access key's id.
    pub access_key_id: String,
    /// The access key's secret.
    pub secret_access_key: Secret,
    /// The session's token.
    pub session_token: Option<Secret>,
}

impl Access {
    /// Sets the environment of an AWS client, and takes everything out of it
    /// that could send the client elsewhere.
    pub fn apply_to(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            // AWS_CA_BUNDLE must not be set for the provider, nor for Python.
            if name.starts_with("AWS_") || name.starts_with("SAM_CLI_") {
                command.env_remove(&*name);
            }
        }
        command.envs(self.environment());
    }

    /// The environment of an AWS client.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("AWS_ENDPOINT_URL", self.endpoint.as_str().trim_end_matches('/').to_owned()),
            ("AWS_REGION", self.region.clone()),
            ("AWS_DEFAULT_REGION", self.region.clone()),
            ("AWS_ACCESS_KEY_ID", self.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_access_key.expose().to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            // Files that need not exist: nobody's own profile is read.
            ("AWS_CONFIG_FILE", "/nonexistent/config".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials".to_owned()),
            ("NO_PROXY", "localhost,127.0.0.1,.localhost".to_owned()),
            ("no_proxy", "localhost,127.0.0.1,.localhost".to_owned()),
        ];
        if let Some(token) = &self.session_token {
            variables.push(("AWS_SESSION_TOKEN", token.expose().to_owned()));
        }
        variables
    }
}

/// The state file's name.
const STATE: &str = "terraform.tfstate";

/// How much Go's garbage collector lets the memory of Terraform and its providers grow
/// before it looks for garbage, in percent
/// (<https://pkg.go.dev/runtime#hdr-Environment_Variables>).
const COLLECTOR: &str = "GOGC";

/// Decoding the schemas of the AWS provider leaves much garbage: an apply takes a third
/// less of a processor's time than with Go's own 100, and half a gigabyte in all.
const COLLECTED: &str = "400";

fn collect_less(command: &mut Command) {
    if std::env::var_os(COLLECTOR).is_none() {
        command.env(COLLECTOR, COLLECTED);
    }
}

/// What a root module reads of others.
#[derive(Debug, Clone, Copy)]
pub struct Reads<'r> {
    /// Which data source reads what.
    pub states: &'r States,
    /// Its own place in the order of root modules.
    pub number: usize,
    /// The files with the states of those before it.
    pub files: &'r [PathBuf],
}

/// A root module of Layer 1 in its working copy.
#[derive(Debug)]
pub struct Terraform {
    binary: TerraformBinary,
    /// The user's own root module, for messages.
    source: PathBuf,
    /// Where it was copied to, with what it reaches.
    place: PathBuf,
    /// The copy of it.
    work: PathBuf,
    /// The files that were copied, by their names from there.
    sourced: BTreeSet<PathBuf>,
    /// The workspace that it is applied in, where it is not Terraform's own.
    workspace: Option<String>,
    cli_config: PathBuf,
    temporary: PathBuf,
    /// The AWS provider, where one runs on.
    provider: Option<Provider>,
}

impl Terraform {
    /// Copies the root module, with the states that it reads, and initialises it.
    /// Needs no endpoint yet.
    ///
    /// # Errors
    /// When the module cannot be read or its providers cannot be had.
    pub async fn prepare(
        binary: TerraformBinary,
        layer1: &Layer1,
        reads: Reads<'_>,
        scratch: &Scratch,
        phase: &Phase,
    ) -> Result<Self, TerraformError> {
        let failed = |error: io::Error| TerraformError::Copy {
            directory: layer1.directory.clone(),
            message: error.to_string(),
        };
        let number = reads.number.checked_add(1).filter(|number| *number > 1);
        let number = number.map(|number| format!("-{number}")).unwrap_or_default();
        let place = scratch.subdirectory(&format!("layer1{number}")).map_err(failed)?;
        let temporary = scratch.subdirectory(&format!("layer1{number}-tmp")).map_err(failed)?;
        let work = Self::copied(&binary, layer1, reads, &place)?;
        let this = Self {
            source: layer1.directory.clone(),
            cli_config: temporary.join("ringfence.tfrc"),
            workspace: layer1.workspace.clone(),
            sourced: sync::files(&place).map_err(failed)?,
            binary,
            place,
            work,
            temporary,
            provider: None,
        };
        this.init(phase).await?;
        this.select_workspace().await?;
        Ok(this)
    }

    /// Copies the root module to a place, ready to be initialised; where it is there.
    fn copied(
        binary: &TerraformBinary,
        layer1: &Layer1,
        reads: Reads<'_>,
        place: &Path,
    ) -> Result<PathBuf, TerraformError> {
        let failed = |error: io::Error| TerraformError::Copy {
            directory: layer1.directory.clone(),
            message: error.to_string(),
        };
        let machine = Machine::with(Some(binary.clone()));
        let remarks = examine(&layer1.directory, &machine).map_err(failed)?.remarks;
        let remarks = unsupported(remarks);
        if !remarks.is_empty() {
            return Err(TerraformError::Unsupported(remarks));
        }
        let copy::Copied { root: work, modules } =
            copy::root_module(&layer1.directory, place).map_err(failed)?;
        if Module::read(&work).map_err(failed)?.is_empty() {
            return Err(TerraformError::Empty(layer1.directory.clone()));
        }
        for (module, copy) in &modules {
            overrides::blank(copy).map_err(failed)?;
            let links = reads.states.of_module(reads.number, module);
            states::overrides(copy, links, reads.files).map_err(failed)?;
        }
        overrides::write_backend(&work).map_err(failed)?;
        overrides::copy_values(&work, &layer1.var_files).map_err(failed)?;
        overrides::write_variables(&work, &layer1.variables).map_err(failed)?;
        Ok(work)
    }

    /// Makes the workspace that it is applied in, and selects it.
    async fn select_workspace(&self) -> Result<(), TerraformError> {
        let Some(workspace) = self.workspace.as_deref().filter(|name| *name != "default") else {
            return Ok(());
        };
        let mut command = self.command(None);
        command.args(["workspace", "new", "-no-color", workspace]);
        let finished = self.finish(&mut command, |_, _| {}).await?;
        match finished.status.success() {
            true => Ok(()),
            false => Err(TerraformError::Failed {
                command: "workspace new",
                diagnostics: Vec::new(),
                tail: diagnostics::plain_errors(&finished.tail),
            }),
        }
    }

    /// The file that its state is kept in.
    fn state_file(&self) -> PathBuf {
        match self.workspace.as_deref().filter(|name| *name != "default") {
            Some(name) => self.work.join("terraform.tfstate.d").join(name).join(STATE),
            None => self.work.join(STATE),
        }
    }

    /// Initialises with what mirrors hold, and once more without them where
    /// that fails: a mirror may hold an older version than is asked for.
    async fn init(&self, phase: &Phase) -> Result<(), TerraformError> {
        let mirrors = mirror::find(&self.binary.platform, Some(&self.source));
        let write = |text: String| {
            std::fs::write(&self.cli_config, text).map_err(|error| TerraformError::Copy {
                directory: self.source.clone(),
                message: error.to_string(),
            })
        };
        if mirrors.is_empty() {
            phase.note("no provider mirror on this machine; asking the registry");
        } else {
            for mirror in &mirrors {
                phase.note(format!("provider mirror {mirror}"));
            }
        }
        write(mirror::cli_config(&mirrors))?;
        let first = match self.run_init(phase).await {
            Err(first @ TerraformError::Failed { .. }) => first,
            result => return result,
        };
        if let Some(broken) = self.broken_files().await {
            return Err(broken);
        }
        if mirrors.is_empty() {
            return Err(first);
        }
        phase.note("the mirrors do not do; asking the registry");
        write(mirror::cli_config(&[]))?;
        self.run_init(phase).await.map_err(|_| first)
    }

    /// What is wrong with the files themselves, by their places: no provider
    /// mends that, and `init` tells it to people alone.
    async fn broken_files(&self) -> Option<TerraformError> {
        let Err(TerraformError::Failed { mut diagnostics, tail, .. }) = self.validate().await
        else {
            return None;
        };
        // Modules that are not there yet have a place too.
        diagnostics.retain(|one| one.place.is_some() && one.summary != "Module not installed");
        let broken = !diagnostics.is_empty();
        broken.then_some(TerraformError::Failed { command: "init", diagnostics, tail })
    }

    async fn run_init(&self, _phase: &Phase) -> Result<(), TerraformError> {
        let mut command = self.command(None);
        command.args(["init", "-input=false", "-no-color", "-backend=true"]);
        let finished = self.finish(&mut command, |_, _| {}).await?;
        if finished.status.success() {
            return Ok(());
        }
        Err(TerraformError::Failed {
            command: "init",
            diagnostics: Vec::new(),
            tail: diagnostics::plain_errors(&finished.tail),
        })
    }

    /// Applies it.
    ///
    /// # Errors
    /// Terraform's own errors, with their places in the user's files.
    pub async fn apply(&self, access: &Access, phase: &Phase) -> Result<Outputs, TerraformError> {
        self.run_apply(access, false, phase).await
    }

    async fn run_apply(
        &self,
        access: &Access,
        unrefreshed: bool,
        phase: &Phase,
    ) -> Result<Outputs, TerraformError> {
        self.point_at(access)?;
        let own = self.own_provider(access)?;
        let mut command = self.attached(access, own.as_ref()).await;
        command.args(["apply", "-json", "-auto-approve", "-input=false", "-compact-warnings"]);
        if unrefreshed {
            command.arg("-refresh=false");
        }
        let events = self.events("apply", &mut command, phase).await?;
        phase.note(format!("{} resources", events.applied));
        self.outputs()
    }

    /// A provider for one command, where none runs on and one may.
    fn own_provider(&self, access: &Access) -> Result<Option<Provider>, TerraformError> {
        match &self.provider {
            Some(_) => Ok(None),
            None => self.start_provider(access),
        }
    }

    /// Starts the AWS provider, where the module can do with one that is started once.
    fn start_provider(&self, access: &Access) -> Result<Option<Provider>, TerraformError> {
        // OpenTofu calls the provider by another name than it calls itself.
        if self.binary.product != Product::Terraform || !self.is_configured_once() {
            return Ok(None);
        }
        let Some(program) = provider::installed(&self.work) else { return Ok(None) };
        match Provider::start(&program, access, &self.work, &self.temporary) {
            Ok(started) => Ok(Some(started)),
            Err(source) => Err(TerraformError::Run { program, source }),
        }
    }

    /// Keeps the AWS provider running for what is applied again, where that is faster.
    pub(crate) fn keep_provider(&mut self, access: &Access) -> Result<(), TerraformError> {
        if self.provider.is_none() {
            self.provider = self.start_provider(access)?;
        }
        Ok(())
    }

    /// Files that cannot be read are Terraform's to tell of.
    fn is_configured_once(&self) -> bool {
        provider::configured_once(&self.work).unwrap_or(false)
    }

    /// A command that uses the provider that runs on, or its own, where the module as it
    /// is now can do with it.
    async fn attached(&self, access: &Access, own: Option<&Provider>) -> Command {
        let mut command = self.command(Some(access));
        let provider = self.provider.as_ref().filter(|_| self.is_configured_once()).or(own);
        if let Some(provider) = provider
            && let Some(attachment) = provider.attachment().await
        {
            command.env(provider::ATTACH, attachment);
        }
        command
    }

    /// Checks it without an endpoint.
    ///
    /// # Errors
    /// Terraform's own errors, with their places in the user's files.
    pub async fn validate(&self) -> Result<(), TerraformError> {
        let mut command = self.command(None);
        command.args(["validate", "-json"]);
        let (text, finished) = self.printed(&mut command).await?;
        let report: Value = serde_json::from_str(&text).unwrap_or_default();
        if report.get("valid").and_then(Value::as_bool) == Some(true) {
            return Ok(());
        }
        let diagnostics = report
            .get("diagnostics")
            .and_then(Value::as_array)
            .map(|list| {
                list.iter()
                    .filter_map(|one| Diagnostic::read(one, &self.work, &self.source))
                    .collect()
            })
            .unwrap_or_default();
        Err(TerraformError::Failed { command: "validate", diagnostics, tail: finished.tail })
    }

    /// Plans it and returns the plan as Terraform's JSON: whether a second
    /// apply would change anything.
    ///
    /// # Errors
    /// Terraform's own errors, with their places in the user's files.
    pub async fn plan(&self, access: &Access, phase: &Phase) -> Result<Value, TerraformError> {
        self.point_at(access)?;
        let own = self.own_provider(access)?;
        let mut command = self.attached(access, own.as_ref()).await;
        command.args(["plan", "-json", "-input=false", "-compact-warnings", "-out=ringfence.plan"]);
        self.events("plan", &mut command, phase).await?;
        let mut command = self.attached(access, own.as_ref()).await;
        command.args(["show", "-json", "ringfence.plan"]);
        self.json("show", &mut command).await
    }

    /// What was applied.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn state(&self) -> io::Result<State> {
        State::read(&self.state_file())
    }

    /// The outputs of the state, with the resources that were made.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn outputs(&self) -> Result<Outputs, TerraformError> {
        let failed = |source| TerraformError::State { directory: self.source.clone(), source };
        let state = self.state().map_err(failed)?;
        Ok(Outputs::of_state(&state))
    }

    /// The program that does the work.
    pub fn binary(&self) -> &TerraformBinary {
        &self.binary
    }

    fn point_at(&self, access: &Access) -> Result<(), TerraformError> {
        overrides::write_provider(&self.work, access).map_err(|error| TerraformError::Copy {
            directory: self.source.clone(),
            message: error.to_string(),
        })
    }

    fn command(&self, access: Option<&Access>) -> Command {
        let mut command = Command::new(&self.binary.path);
        command.current_dir(&self.work);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            // TF_VAR_…, TF_CLI_ARGS and the like would change what is applied.
            if name.starts_with("AWS_") || name.starts_with("TF_") {
                command.env_remove(&*name);
            }
        }
        command
            .env("TF_CLI_CONFIG_FILE", &self.cli_config)
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .env("TMPDIR", &self.temporary);
        collect_less(&mut command);
        if let Some(access) = access {
            access.apply_to(&mut command);
        }
        command
    }

    async fn events(
        &self,
        name: &'static str,
        command: &mut Command,
        phase: &Phase,
    ) -> Result<Events, TerraformError> {
        let mut events = Events::default();
        let finished = self
            .finish(command, |stream, line| {
                if stream == Stream::Out {
                    events.read(line, &self.work, &self.source, phase);
                } else if !line.trim().is_empty() {
                    phase.note(line);
                }
            })
            .await?;
        if finished.status.success() {
            return Ok(events);
        }
        Err(TerraformError::Failed {
            command: name,
            diagnostics: events.errors,
            tail: finished.tail,
        })
    }

    async fn json(
        &self,
        name: &'static str,
        command: &mut Command,
    ) -> Result<Value, TerraformError> {
        let (text, finished) = self.printed(command).await?;
        serde_json::from_str(&text).ok().filter(|_| finished.status.success()).ok_or(
            TerraformError::Failed { command: name, diagnostics: Vec::new(), tail: finished.tail },
        )
    }

    /// Runs a command; what it printed on its standard output, and how it ended.
    async fn printed(&self, command: &mut Command) -> Result<(String, Finished), TerraformError> {
        let mut text = String::new();
        let finished = self
            .finish(command, |stream, line| {
                if stream == Stream::Out {
                    text.push_str(line);
                    text.push('\n');
                }
            })
            .await?;
        Ok((text, finished))
    }

    async fn finish(
        &self,
        command: &mut Command,
        line: impl FnMut(Stream, &str),
    ) -> Result<Finished, TerraformError> {
        process::run(command, line)
            .await
            .map_err(|source| TerraformError::Run { program: self.binary.path.clone(), source })
    }
}

/// `Terraform 1.11.4`, as evidence names it.
impl std::fmt::Display for TerraformBinary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.product {
            Product::Terraform => "Terraform",
            Product::OpenTofu => "OpenTofu",
        };
        write!(f, "{name} {}", self.version)
    }
}

/// A path as a message shows it: of the user's file, not of the copy.
fn in_source(path: &str, source: &Path) -> PathBuf {
    source.join(path)
}

#[cfg(test)]
mod tests;

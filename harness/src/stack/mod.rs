//! The assembled thing: upstream, guard, Layer 1, applications.

mod again;
mod api;
mod deploy;
mod error;
mod files;
mod identities;
mod judged;
mod life;
mod options;
mod pipelines;
mod pools;
mod start;

pub(crate) use self::api::API_ID;
pub use self::api::ApiAnswer;
pub use self::deploy::{Deployment, Failure};
pub use self::error::StackError;
#[cfg(test)]
pub(crate) use self::files::faults;
pub use self::judged::Judged;
pub use self::options::Options;
pub use self::pipelines::Applied;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringfence_guard::{Guard, Recorded, UserKey};
use ringfence_sandbox::Sandbox;
use ringfence_services::Credentials;
use url::Url;

use crate::access::files::Printed;
use crate::aws::Client;
use crate::config::{App, Config, IssuerKind};
use crate::emulator::Emulator;
use crate::integrity::{Isolation, Reading};
use crate::issuers::Issuer;
use crate::progress::Progress;
use crate::root::{ForeignCall, Ledger};
use crate::scratch::Scratch;
use crate::terraform::{Outputs, Root, Roots};
use crate::tools::{Node, PythonTools};

/// The root user of an account beside the one under test.
#[derive(Debug)]
struct OtherRoot {
    account_id: String,
    key: Credentials,
}

/// The assembled thing. Dropping it ends and removes all that it started;
/// [`Stack::stop`] does so in order.
#[derive(Debug)]
pub struct Stack {
    config: Config,
    guard: Guard,
    issuers: Vec<Issuer>,
    outputs: Outputs,
    /// As whom root modules were applied, where root did not apply them.
    pipelines: Vec<Applied>,
    deployments: Vec<Deployment>,
    /// The calls that were decided while the applications were first deployed.
    deploying: Vec<Arc<Recorded>>,
    failures: Vec<Failure>,
    /// Of the last root module, where it was planned alone.
    plan: Option<String>,
    phases: Vec<(String, Duration)>,
    readings: Vec<Reading>,
    root: Credentials,
    /// The root users of the other accounts.
    other_roots: Vec<OtherRoot>,
    /// Keys of users that deploy, which end with the stack.
    lent: Mutex<Vec<UserKey>>,
    ledger: Arc<Ledger>,
    client: Client,
    http: reqwest::Client,
    tools: PythonTools,
    node: Option<Node>,
    sandbox: Sandbox,
    isolation: Isolation,
    terraform: Option<Roots>,
    emulator: Emulator,
    progress: Progress,
    // Last: what it removes, others above still use.
    scratch: Scratch,
}

impl Stack {
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

    /// Whether the harness's own client made the call of a request id.
    pub(crate) fn is_own_call(&self, request_id: &str) -> bool {
        self.ledger.made(request_id)
    }

    /// What answers behind the guard.
    pub fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// Layer 1's outputs.
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// The pipelines that applied root modules, in their order.
    pub fn pipelines(&self) -> &[Applied] {
        &self.pipelines
    }

    /// Layer 1's root modules, where there are any.
    pub fn terraform(&self) -> Option<&Roots> {
        self.terraform.as_ref()
    }

    /// The applications, as they were deployed at the start.
    pub fn deployments(&self) -> &[Deployment] {
        &self.deployments
    }

    /// The calls that were decided until the applications had been deployed for the
    /// first time; none where decisions are not recorded.
    pub fn deploying(&self) -> &[Arc<Recorded>] {
        &self.deploying
    }

    /// The state of each root module as `terraform show -json` prints it, of one that
    /// was planned alone the plan; none without a Layer 1.
    ///
    /// # Errors
    /// When a state cannot be read.
    pub fn layer1_states(&self) -> Result<Vec<String>, StackError> {
        let all = self.terraform.as_ref().map(Roots::all).unwrap_or_default();
        let applied = all.len().saturating_sub(usize::from(self.plan.is_some()));
        let state = |root: &Root| Ok(root.state()?.shown().to_string());
        let states = all.iter().take(applied).map(state);
        let states = states.chain(self.plan.clone().map(Ok)).collect::<io::Result<_>>();
        states.map_err(StackError::State)
    }

    /// The same, each with its root module, and what exists before them.
    ///
    /// # Errors
    /// As [`Self::layer1_states`].
    pub fn printed(&self) -> Result<Vec<Printed>, StackError> {
        let before = self.terraform.as_ref().map(Roots::existing).transpose();
        let before = before.map_err(StackError::State)?.flatten().map(|state| Printed {
            name: pipelines::EXISTING.to_owned(),
            directory: self.config.file.clone(),
            text: state.shown().to_string(),
        });
        let all = self.config.layer1.iter().zip(self.layer1_states()?);
        let printed = all.map(|(layer1, text)| Printed {
            name: layer1.name(),
            directory: layer1.directory.clone(),
            text,
        });
        Ok(before.into_iter().chain(printed).collect())
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

    /// What runs functions of Node.js runtimes.
    pub fn node(&self) -> Option<&Node> {
        self.node.as_ref()
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
}

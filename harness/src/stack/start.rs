//! From a configuration to a stack that works.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use ringfence_guard::{Guard, Recording};
use ringfence_sandbox::Sandbox;
use ringfence_services::Credentials;
use ringfence_services::token::KeySource;

use super::deploy::{Deployment, Failure};
use super::{Options, OtherRoot, Stack, StackError};
use crate::aws::Client;
use crate::config::{self, Config, Layer1};
use crate::emulator::{self, Emulator};
use crate::integrity::{Isolation, Moment, Reading};
use crate::issuers::Issuer;
use crate::root::{Ledger, RootKeys};
use crate::scratch::Scratch;
use crate::terraform::{self, Outputs, Roots};
use crate::tools::{Node, PythonTools, TerraformBinary};

impl Stack {
    /// Starts everything that a configuration names.
    ///
    /// # Errors
    /// At the first part that does not work; nothing is left running then.
    pub async fn start(config: Config, options: Options) -> Result<Self, StackError> {
        let progress = options.progress.clone();
        // What is missing shows before anything is installed or started.
        let terraform =
            !config.existing.is_empty() || config.layer1.iter().any(Layer1::is_terraform);
        let binary = match terraform {
            true => Some(TerraformBinary::find().await?),
            false => None,
        };
        let faults = super::files::faults(&config, binary.as_ref(), options.deploy);
        if !faults.is_empty() {
            return Err(StackError::Unsupported(faults));
        }
        let tools = PythonTools::provision(&progress).await?;
        let node = Node::find().await;
        let faults =
            super::files::template_faults(&config, options.deploy, &tools, node.as_ref()).await;
        if !faults.is_empty() {
            return Err(StackError::Unsupported(faults));
        }
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
        let images = terraform::images(&config.existing);
        let upstream = async {
            let options = emulator::Options {
                backend,
                image: &config.upstream.image,
                environment: &config.upstream.environment,
                account_id: config.account.id.as_str(),
                several_accounts: !config.accounts.is_empty(),
                region: config.account.region.as_str(),
                sealed: true,
                images: &images,
            };
            let began = std::time::Instant::now();
            let emulator = Emulator::start(&options, &tools, &scratch, &progress).await?;
            Ok::<_, StackError>((emulator, began.elapsed()))
        };
        let layer1 = async {
            if config.layer1.is_empty() {
                return Ok::<_, StackError>(None);
            }
            let began = std::time::Instant::now();
            let roots = Roots::prepare(binary, &config, &scratch, &progress).await?;
            Ok(Some((roots, began.elapsed())))
        };
        let ((emulator, took), layer1) = tokio::try_join!(upstream, layer1)?;
        phases.push(("upstream".to_owned(), took));
        let terraform = layer1.map(|(terraform, took)| {
            phases.push(("terraform init".to_owned(), took));
            terraform
        });

        let issuers = config.issuers.iter().map(Issuer::new).collect::<Result<Vec<Issuer>, _>>()?;
        let root = options.root.key().map_err(StackError::Randomness)?;
        let other_roots = other_roots(&config, options.root)?;
        let keys = std::iter::once(&root).chain(other_roots.iter().map(|it| &it.key));
        let ledger = Ledger::of(keys.map(|key| key.access_key_id.as_str()));
        let guard = start_guard(
            &config,
            &options,
            (root.clone(), &other_roots),
            (&tools, node.as_ref()),
            &scratch,
            &emulator,
            &issuers,
        )
        .await?;
        let client = options.exchanges.clone().map_or_else(Client::new, Client::recording);
        let mut stack = Self {
            guard,
            issuers,
            outputs: Outputs::default(),
            pipelines: Vec::new(),
            deployments: Vec::new(),
            deploying: Vec::new(),
            failures: Vec::new(),
            plan: None,
            phases,
            readings: Vec::new(),
            root,
            other_roots,
            lent: std::sync::Mutex::default(),
            client: client.announcing(Arc::clone(&ledger)),
            ledger,
            http: super::api::client()?,
            tools,
            node,
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

    /// Applies Layer 1 and deploys the applications.
    async fn build(&mut self, options: &Options) -> Result<(), StackError> {
        if let Some(terraform) = &self.terraform {
            let began = std::time::Instant::now();
            let made = self.apply(terraform, options).await?;
            (self.outputs, self.pipelines) = (made.outputs, made.pipelines);
            self.plan = made.plan;
            let title = if terraform.binary().is_some() { "terraform apply" } else { "stacks" };
            self.phases.push((title.to_owned(), began.elapsed()));
            self.take_pools()?;
        }
        if options.root == RootKeys::OfThisRun {
            // What a team wrote runs from here on.
            self.guard.close_root();
            for pipeline in &self.pipelines {
                self.guard.retire(&pipeline.access_key_id);
            }
            self.guard.journal().keep_changes();
        }
        self.read_back(options, Moment::Applied).await?;
        if options.deploy && !options.planned {
            // Side by side, as repositories that know nothing of each other.
            let at_once = std::thread::available_parallelism().map_or(2, usize::from).max(2);
            let apps = self.config.apps.iter().filter(|app| self.config.is_run(app));
            let apps: Vec<_> = apps.map(|app| self.first_deployment(app)).collect();
            let deployed = stream::iter(apps).buffered(at_once).collect::<Vec<_>>().await;
            self.deploying = self.guard.recording().map(Recording::all).unwrap_or_default();
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
        if let Some(roots) = self.terraform.as_ref().filter(|_| options.read_back) {
            for account_id in self.config.account_ids() {
                let instances = roots.instances_in(account_id).map_err(StackError::State)?;
                let (guard, emulator) = (&self.guard, &self.emulator);
                let reading = Reading::take(guard, emulator, account_id, &instances, moment);
                self.readings.push(reading.await?);
            }
        }
        Ok(())
    }
}

/// Policies by level, each with its name.
type ByLevel = Vec<Vec<(String, String)>>;

/// The service control and resource control policies of levels of the organization.
fn levels<'c>(
    levels: impl Iterator<Item = &'c config::OrganizationLevel> + Clone,
) -> Result<(ByLevel, ByLevel), StackError> {
    let service_control = levels.clone().filter_map(|level| level.policies.as_deref());
    let resource_control = levels.map(|level| level.resource_control.as_slice());
    Ok((
        service_control.map(policies).collect::<Result<_, _>>()?,
        resource_control.map(policies).collect::<Result<_, _>>()?,
    ))
}

/// Keys of the root users of the accounts beside the one under test.
fn other_roots(config: &Config, keys: RootKeys) -> Result<Vec<OtherRoot>, StackError> {
    let of = |account: &config::OtherAccount| {
        let account_id = account.id.get_ref().as_str().to_owned();
        let key = keys.key_of(&account_id).map_err(StackError::Randomness)?;
        Ok(OtherRoot { account_id, key })
    };
    config.accounts.iter().map(of).collect()
}

/// The policies of a level of the organization, with their names.
fn policies(paths: &[PathBuf]) -> Result<Vec<(String, String)>, StackError> {
    paths.iter().map(|path| policy(path)).collect()
}

/// A policy that comes with the configuration, with its name.
fn policy(path: &Path) -> Result<(String, String), StackError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| StackError::Policy { path: path.to_owned(), source })?;
    Ok((path.display().to_string(), text))
}

async fn start_guard(
    config: &Config,
    options: &Options,
    (root, other_roots): (Credentials, &[OtherRoot]),
    (tools, node): (&PythonTools, Option<&Node>),
    scratch: &Scratch,
    emulator: &Emulator,
    issuers: &[Issuer],
) -> Result<Guard, StackError> {
    let organization = config.account.organization.as_ref();
    let (service_control, resource_control) = levels(config.levels())?;
    let other_accounts = config.accounts.iter().zip(other_roots);
    let other_accounts = other_accounts.map(|(account, root)| {
        let (id, organization) = (account.id.get_ref().as_str(), account.organization.as_ref());
        let (service_control, resource_control) = levels(config.levels_above(id, organization))?;
        Ok::<_, StackError>(ringfence_guard::AccountConfig {
            account_id: id.to_owned(),
            root: root.key.clone(),
            service_control,
            resource_control,
            membership: organization.map(config::Organization::membership).transpose()?,
        })
    });
    let vpc_endpoint = |endpoint: &config::VpcEndpoint| {
        Ok::<_, StackError>(ringfence_guard::VpcEndpoint {
            policy: policy(&endpoint.policy)?,
            services: endpoint.services.clone(),
            callers: endpoint.callers.clone(),
        })
    };
    let guard = ringfence_guard::Config {
        account_id: config.account.id.as_str().to_owned(),
        region: config.account.region.as_str().to_owned(),
        port: options.port,
        reach: options.reach,
        root,
        upstream: emulator.endpoint(),
        issuers: issuers
            .iter()
            .map(|issuer| (issuer.url.clone(), KeySource::Keys(issuer.shared_keys())))
            .collect(),
        service_control,
        resource_control,
        vpc_endpoints: config.vpc_endpoints.iter().map(vpc_endpoint).collect::<Result<_, _>>()?,
        membership: organization.map(config::Organization::membership).transpose()?,
        other_accounts: other_accounts.collect::<Result<_, _>>()?,
        journal: options.journal.clone(),
        interpreters: crate::tools::interpreters(Some(tools), node),
        record: options.record,
        mode: options.mode,
        work_dir: scratch.subdirectory("guard").map_err(StackError::Scratch)?,
    };
    Ok(Guard::start(guard).await?)
}

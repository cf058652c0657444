//! The guard as one thing that is started and stopped.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use ringfence_policy::DocumentError;
use ringfence_services::cloudformation::Contents;
use ringfence_services::credentials::{Credentials, Identity, Keyring};
use ringfence_services::setting::{Interpreters, Setting};
use ringfence_services::token::{Issuers, KeySource};
use ringfence_wire::ServiceError;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::accounts::Directories;
use crate::directory::Directory;
use crate::journal::{Journal, JournalError};
use crate::memory::Memory;
use crate::observe::{Mode, Observer};
use crate::organization::{Membership, Organization, Organizations};
use crate::perimeter::Perimeter;
use crate::pipeline::Pipeline;
use crate::recording::Recording;
use crate::root_watch::{RootCall, RootWatch};
use crate::server;
use crate::services::Services;
use crate::upstream::{Upstream, UpstreamEndpoint, UpstreamError};
use crate::vpc_endpoint::{NoVpcEndpoint, VpcEndpoint, VpcEndpoints};

/// Who can reach a guard's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Programs of this machine: the port is one of 127.0.0.1.
    #[default]
    Loopback,
    /// Whoever reaches this machine: the port is one of all its IPv4 addresses.
    /// A container needs it, since nobody outside reaches its loopback.
    AllInterfaces,
}

impl Reach {
    fn address(self) -> Ipv4Addr {
        match self {
            Self::Loopback => Ipv4Addr::LOCALHOST,
            Self::AllInterfaces => Ipv4Addr::UNSPECIFIED,
        }
    }
}

/// A user's key that was lent, and is retired with this.
#[derive(Debug)]
pub struct UserKey {
    credentials: Credentials,
    arn: String,
    keyring: Arc<Keyring>,
}

impl UserKey {
    /// The key.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The user's ARN.
    pub fn arn(&self) -> &str {
        &self.arn
    }
}

impl Drop for UserKey {
    fn drop(&mut self) {
        self.keyring.retire(&self.credentials.access_key_id);
    }
}

/// What a guard guards, and how.
#[derive(Debug)]
pub struct Config {
    /// The account, twelve digits. The upstream must keep the same.
    pub account_id: String,
    /// The region of the services that answer here.
    pub region: String,
    /// The port; 0 takes any that is free.
    pub port: u16,
    /// Who can reach the port.
    pub reach: Reach,
    /// The account's root key: its holder's alone, and the one that is left
    /// after [`Guard::close_root`].
    pub root: Credentials,
    /// The emulator.
    pub upstream: UpstreamEndpoint,
    /// The token issuers whose keys are known or fetched in a certain way;
    /// all others are discovered.
    pub issuers: Vec<(String, KeySource)>,
    /// Service control policies by level (name and JSON); every level must
    /// allow. None at all limits nobody.
    pub service_control: Vec<Vec<(String, String)>>,
    /// Resource control policies by level (name and JSON); they only deny.
    pub resource_control: Vec<Vec<(String, String)>>,
    /// Where the account stands in its organization; without, condition keys
    /// about organizations are unknown.
    pub membership: Option<Membership>,
    /// Accounts beside it, at the same upstream.
    pub other_accounts: Vec<AccountConfig>,
    /// The VPC endpoints that requests come through; all others come directly.
    pub vpc_endpoints: Vec<VpcEndpoint>,
    /// The journal's file; none keeps it in memory alone.
    pub journal: Option<PathBuf>,
    /// Whether decisions are only journalled, and refuse nothing; see [`Mode`].
    pub mode: Mode,
    /// What runs functions, and SAM's translator.
    pub interpreters: Interpreters,
    /// Whether what is decided about is kept, to be decided again: some
    /// kilobytes for each of the latest requests.
    pub record: bool,
    /// A directory for function code and scratch files; its owner removes it.
    pub work_dir: PathBuf,
}

/// An account beside the first.
#[derive(Debug)]
pub struct AccountConfig {
    /// Twelve digits.
    pub account_id: String,
    /// Its root key: its holder's alone.
    pub root: Credentials,
    /// Service control policies by level, as [`Config::service_control`].
    pub service_control: Vec<Vec<(String, String)>>,
    /// Resource control policies by level, as [`Config::resource_control`].
    pub resource_control: Vec<Vec<(String, String)>>,
    /// Where it stands in its organization.
    pub membership: Option<Membership>,
}

/// Why a guard does not start or stop.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// Somebody else has the port.
    #[error("port {port} of {address} is in use; choose another, or 0 for any that is free")]
    PortInUse {
        /// Where: 127.0.0.1, or 0.0.0.0 for all addresses.
        address: Ipv4Addr,
        /// The port.
        port: u16,
    },
    /// The port cannot be had for another reason.
    #[error("port {port} of {address} cannot be had")]
    Port {
        /// Where: 127.0.0.1, or 0.0.0.0 for all addresses.
        address: Ipv4Addr,
        /// The port.
        port: u16,
        #[source]
        /// What the operating system says.
        cause: io::Error,
    },
    /// The account id is not twelve digits.
    #[error("the account id `{0}` is not twelve digits")]
    AccountId(String),
    /// Two accounts have one id.
    #[error("the account {0} is there twice")]
    AccountTwice(String),
    /// Callers of VPC endpoints are named without an account.
    #[error(
        "the policies of VPC endpoints are not decided where there are several accounts: their \
         callers are named without an account"
    )]
    VpcEndpointsOfSeveral,
    /// A service control policy is none.
    #[error("the service control policy `{name}` is not valid")]
    ServiceControl {
        /// The policy's name.
        name: String,
        #[source]
        /// What is wrong with it.
        cause: DocumentError,
    },
    /// A resource control policy is none.
    #[error("the resource control policy `{name}` is not valid")]
    ResourceControl {
        /// The policy's name.
        name: String,
        #[source]
        /// What is wrong with it.
        cause: DocumentError,
    },
    /// The policy of a VPC endpoint is none.
    #[error("the VPC endpoint policy `{name}` is not valid")]
    VpcEndpointPolicy {
        /// The policy's name.
        name: String,
        #[source]
        /// What is wrong with it.
        cause: DocumentError,
    },
    /// What comes through a VPC endpoint cannot be told.
    #[error("the VPC endpoint with the policy `{name}` is not valid: {cause}")]
    VpcEndpoint {
        /// The policy's name.
        name: String,
        /// What is wrong with it.
        cause: NoVpcEndpoint,
    },
    /// The journal cannot be kept.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The guard cannot talk to the emulator.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The server ended by itself.
    #[error("the guard's server failed")]
    Server(#[source] tokio::task::JoinError),
}

/// A running guard. Dropping it ends its server at once; [`Guard::stop`] ends
/// it in order, with everything that it started.
#[derive(Debug)]
pub struct Guard {
    pipeline: Arc<Pipeline>,
    issuers: Issuers,
    /// The ids of the configuration's root keys.
    root_key_ids: Vec<String>,
    endpoint: Url,
    server: Option<JoinHandle<()>>,
    stopping: CancellationToken,
}

impl Guard {
    /// Starts a guard: when this returns, its port answers.
    ///
    /// # Errors
    /// [`GuardError`]; nothing is left running then.
    pub async fn start(config: Config) -> Result<Self, GuardError> {
        let first = AccountConfig {
            account_id: config.account_id,
            root: config.root,
            service_control: config.service_control,
            resource_control: config.resource_control,
            membership: config.membership,
        };
        let others = config.other_accounts;
        let organizations = organizations(std::iter::once(&first).chain(&others))?;
        if !others.is_empty() && !config.vpc_endpoints.is_empty() {
            return Err(GuardError::VpcEndpointsOfSeveral);
        }
        let vpc_endpoints = VpcEndpoints::read(config.vpc_endpoints)?;
        let perimeter = Arc::new(Perimeter { organizations, vpc_endpoints });
        let journal = Arc::new(Journal::open(config.journal.as_deref())?);
        let address = config.reach.address();
        let listener = listen(address, config.port).await?;
        let port = listener
            .local_addr()
            .map_err(|cause| GuardError::Port { address, port: config.port, cause })?
            .port();
        let setting = Arc::new(Setting::new(
            &first.account_id,
            config.region,
            config.interpreters,
            config.work_dir,
        ));
        let mut endpoint = config.upstream.url.clone();
        // An http URL of its own would do, but parsing can fail and this cannot.
        let _ = endpoint.set_scheme("http");
        let _ = endpoint.set_ip_host(Ipv4Addr::LOCALHOST.into());
        let _ = endpoint.set_port(Some(port));
        endpoint.set_path("/");
        setting.set_endpoint(endpoint.clone());
        let root_key_ids = std::iter::once(&first).chain(&others);
        let root_key_ids = root_key_ids.map(|it| it.root.access_key_id.clone()).collect();
        let beside = others.into_iter().map(|account| {
            let setting = Arc::new(setting.of_another(&account.account_id));
            let upstream = upstream_of(account, &setting, &config.upstream)?;
            let directory = Directory::of_another(upstream.clone(), Arc::clone(&setting));
            Ok((setting, upstream, Arc::new(directory)))
        });
        let beside = beside.collect::<Result<Vec<_>, GuardError>>()?;
        let upstream = upstream_of(first, &setting, &config.upstream)?;
        let directory = Arc::new(Directory::new(upstream.clone(), Arc::clone(&setting)));
        let first = (setting, upstream, directory);
        let directories =
            Directories::new(std::iter::once(&first).chain(&beside).map(
                |(setting, _, directory)| (setting.account_id.clone(), Arc::clone(directory)),
            ));
        let issuers = Issuers::new(config.issuers);
        let recording = config.record.then(Arc::<Recording>::default);
        let observer = (config.mode == Mode::Observe).then(Arc::<Observer>::default);
        let (memory, root_watch) = (Arc::<Memory>::default(), Arc::<RootWatch>::default());
        let pipeline =
            |(setting, upstream, directory): (Arc<Setting>, _, Arc<Directory>)| Pipeline {
                others: Vec::new(),
                directories: directories.clone(),
                services: Services::new(&setting, Arc::clone(&directory), issuers.clone()),
                setting,
                journal: Arc::clone(&journal),
                upstream,
                directory,
                perimeter: Arc::clone(&perimeter),
                recording: recording.clone(),
                observer: observer.clone(),
                memory: Arc::clone(&memory),
                root_watch: Arc::clone(&root_watch),
            };
        let others = beside.into_iter().map(&pipeline).collect();
        let pipeline = Arc::new(Pipeline { others, ..pipeline(first) });
        let stopping = CancellationToken::new();
        let server = tokio::spawn(server::serve(listener, Arc::clone(&pipeline), stopping.clone()));
        Ok(Self { pipeline, issuers, root_key_ids, endpoint, server: Some(server), stopping })
    }

    /// Where the guard answers: `http://127.0.0.1:PORT/`.
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// What was decided.
    pub fn journal(&self) -> &Journal {
        &self.pipeline.journal
    }

    pub(crate) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Adds another key of root's, which is good until [`Guard::close_root`].
    pub fn add_root_key(&self, key: Credentials) {
        self.add_root_key_of(&self.pipeline.setting.account_id, key);
    }

    /// As [`Guard::add_root_key`], of an account; of the first where it is none that is
    /// guarded.
    pub fn add_root_key_of(&self, account_id: &str, key: Credentials) {
        let setting = &self.pipeline.of(account_id).setting;
        setting.keyring.add(key, root_of(setting));
    }

    /// A key of a user of an account (the first where it is none that is guarded), which IAM
    /// does not list: it is retired when it is dropped.
    ///
    /// # Errors
    /// IAM's own: there is no such user; or when the operating system gives no randomness.
    pub async fn user_key(&self, account_id: &str, name: &str) -> Result<UserKey, ServiceError> {
        let account = self.pipeline.of(account_id);
        let user = account.directory.user(name).await?.ok_or_else(|| {
            let message = format!("The user with name {name} cannot be found.");
            ServiceError::new(404, "NoSuchEntity", message)
        })?;
        let credentials = Credentials::long_term()
            .map_err(|error| ServiceError::new(500, "InternalFailure", error.to_string()))?;
        let identity = Identity::User {
            arn: user.arn.clone(),
            name: name.to_owned(),
            user_id: user.id.clone(),
        };
        let keyring = Arc::clone(&account.setting.keyring);
        keyring.add(credentials.clone(), identity);
        Ok(UserKey { credentials, arn: user.arn.clone(), keyring })
    }

    /// Takes the keys of one more token issuer, such as a user pool that has been made.
    pub fn add_issuer(&self, url: String, keys: KeySource) {
        self.issuers.add(url, keys);
    }

    /// Retires every key that stands for a root user but the configuration's, and
    /// watches from now on who makes calls as root.
    pub fn close_root(&self) {
        self.pipeline.root_watch.begin();
        self.pipeline.setting.keyring.close_root(&self.root_key_ids);
    }

    /// Retires a key, of whomever: it is refused from now on as a deleted one is.
    pub fn retire(&self, access_key_id: &str) {
        self.pipeline.setting.keyring.retire(access_key_id);
    }

    /// The calls of root since [`Guard::close_root`].
    pub fn root_calls(&self) -> Vec<RootCall> {
        self.pipeline.root_watch.calls()
    }

    /// The account, with its keyring. Keys of root's that come to it after
    /// [`Guard::close_root`] are retired from the beginning.
    pub fn setting(&self) -> &Arc<Setting> {
        &self.pipeline.setting
    }

    /// A session of the execution role of a function of an account (the first where it is
    /// none that is guarded), as Lambda gives it to the function's code.
    ///
    /// # Errors
    /// Lambda's own: there is no such function, or its role cannot be assumed.
    pub async fn function_session(
        &self,
        account_id: &str,
        function: &str,
    ) -> Result<Credentials, ServiceError> {
        self.pipeline.of(account_id).services.lambda().session_of(function).await
    }

    /// What a stack of CloudFormation's in an account (the first where it is none that is
    /// guarded) has, by name or ARN, once no operation of it is under way; none where there
    /// is no such stack.
    pub async fn settled_stack(&self, account_id: &str, name_or_id: &str) -> Option<Contents> {
        self.pipeline.of(account_id).services.cloudformation().settled(name_or_id).await
    }

    /// Ends functions and stack operations, then the connections.
    ///
    /// # Errors
    /// When the server had failed, or the journal could not be kept.
    pub async fn stop(mut self) -> Result<(), GuardError> {
        // First those who call the guard themselves.
        for account in self.pipeline.all() {
            account.services.shutdown().await;
        }
        self.stopping.cancel();
        if let Some(server) = self.server.take() {
            server.await.map_err(GuardError::Server)?;
        }
        self.pipeline.journal.check()?;
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.stopping.cancel();
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

/// The organizations of accounts, whose ids are told from one another.
fn organizations<'a>(
    accounts: impl Iterator<Item = &'a AccountConfig>,
) -> Result<Organizations, GuardError> {
    let mut organizations = Organizations::default();
    for account in accounts {
        let id = &account.account_id;
        if id.len() != 12 || !id.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(GuardError::AccountId(id.clone()));
        }
        if organizations.of(id).is_some() {
            return Err(GuardError::AccountTwice(id.clone()));
        }
        organizations.add(Organization::read(
            id,
            account.membership.clone(),
            &account.service_control,
            &account.resource_control,
        )?);
    }
    Ok(organizations)
}

/// The upstream as an account sees it, whose root's key becomes known.
fn upstream_of(
    account: AccountConfig,
    setting: &Setting,
    endpoint: &UpstreamEndpoint,
) -> Result<Upstream, UpstreamError> {
    setting.keyring.add(account.root.clone(), root_of(setting));
    Upstream::new(endpoint.clone(), account.account_id, account.root)
}

/// An account's root user.
fn root_of(setting: &Setting) -> Identity {
    Identity::Root { account_id: setting.account_id.clone(), partition: setting.partition() }
}

async fn listen(address: Ipv4Addr, port: u16) -> Result<TcpListener, GuardError> {
    TcpListener::bind((address, port)).await.map_err(|cause| {
        if cause.kind() == io::ErrorKind::AddrInUse {
            GuardError::PortInUse { address, port }
        } else {
            GuardError::Port { address, port, cause }
        }
    })
}

//! Lambda: functions, their versions, aliases, permissions and URLs, and the
//! processes that run them.
//!
//! Nothing here decides who may call: the guard does, before a call arrives.
//! Where Lambda acts for somebody, it calls the guard's endpoint: for the
//! caller (packages in S3, subnets and security groups), as itself (assuming an
//! execution role), or with the execution role's session (logs). A function's
//! own calls take the same road.
//!
//! A function runs in a sandbox on the Runtime API ([`execute::runtime_api`]), one per
//! execution environment: it holds a session of its execution role, its own
//! code and a `/tmp`, and reaches the guard and its Runtime API. What is not
//! enforced, because a process is no micro-VM: the exact memory limit, the
//! network of a `VpcConfig`, and the architecture.

mod api;
mod error;
mod event_sources;
mod execute;
mod layers;
mod name;
mod store;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringfence_wire::{Call, Reply, ServiceError};
use tokio::sync::OnceCell;

pub use self::api::url::{UrlHost, UrlTarget};
use self::error::not_built;
pub use self::event_sources::MappingFacts;
use self::event_sources::store::Mappings;
use self::execute::environment::Key;
use self::execute::language::Language;
pub(crate) use self::execute::language::runs;
use self::execute::pool::Pool;
use self::execute::tasks::Tasks;
use self::layers::store::Layers;
pub use self::name::FunctionName;
use self::name::{LATEST, Name};
use self::store::functions::Store;
use crate::client::Client;
use crate::credentials::Session;
use crate::setting::Setting;

/// The Lambda service of the account.
#[derive(Debug)]
pub struct Lambda {
    setting: Arc<Setting>,
    client: Client,
    store: Store,
    layers: Layers,
    event_sources: Mappings,
    pool: Arc<Pool>,
    /// What signs the URLs of packages; none where the system gives no random
    /// numbers.
    signer: Result<api::location::Signer, aws_lc_rs::error::Unspecified>,
    /// The ids of all function URLs that were ever made.
    made_urls: Mutex<HashSet<String>>,
    tasks: Tasks,
    /// The versions of the interpreters that ran something.
    versions: Mutex<HashMap<Language, String>>,
    /// Where the client of Node.js functions is, once one ran.
    node_client: OnceCell<PathBuf>,
    retry_delays: Vec<Duration>,
}

/// What an invocation takes from the request that asked for it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The request's id, which is the invocation's, as on AWS (LocalStack's
    /// test_request_id_invoke).
    pub request_id: &'a str,
    /// The request's `X-Amzn-Trace-Id`.
    pub trace: Option<&'a str>,
}

/// What the guard must know of a function to decide on a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionFacts {
    /// The function's ARN, unqualified.
    pub arn: String,
    /// The ARN of its execution role.
    pub role: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// Which interpreter runs a function, and which its configuration declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// The declared runtime: `python3.12`.
    pub declared: String,
    /// Its language, as AWS names it: `python`.
    pub language: &'static str,
    /// The version of the interpreter that really ran: `3.11.7`.
    pub actual: String,
}

impl Lambda {
    /// A service without functions.
    pub fn new(setting: Arc<Setting>, client: Client) -> Arc<Self> {
        Self::with_retry_delays(setting, client, execute::invoke::RETRY_DELAYS.to_vec())
    }

    /// As [`Lambda::new`], but with other waits before a failed asynchronous
    /// invocation is repeated than AWS's one and two minutes.
    pub fn with_retry_delays(
        setting: Arc<Setting>,
        client: Client,
        retry_delays: Vec<Duration>,
    ) -> Arc<Self> {
        Arc::new(Self {
            setting,
            client,
            store: Store::default(),
            layers: Layers::default(),
            event_sources: Mappings::default(),
            pool: Arc::new(Pool::default()),
            signer: api::location::Signer::new(),
            made_urls: Mutex::default(),
            tasks: Tasks::new(),
            versions: Mutex::default(),
            node_client: OnceCell::new(),
            retry_delays,
        })
    }

    /// Answers a call that the guard has authorized.
    ///
    /// # Errors
    /// The service's, as AWS writes them; `NotImplementedException` for an
    /// operation that is not built.
    pub async fn answer(
        self: &Arc<Self>,
        call: &Call,
        caller: &Session,
        asked: &Asked<'_>,
    ) -> Result<Reply, ServiceError> {
        api::constraints::check(call)?;
        match call.name() {
            "CreateFunction" => self.create_function(call, caller).await,
            "GetFunction" => self.get_function(call),
            "GetFunctionConfiguration" => self.get_configuration(call),
            "ListFunctions" => self.list_functions(call),
            "UpdateFunctionCode" => self.update_code(call, caller).await,
            "UpdateFunctionConfiguration" => self.update_configuration(call, caller).await,
            "DeleteFunction" => self.delete_function(call),
            "PublishVersion" => self.publish_version(call),
            "ListVersionsByFunction" => self.list_versions(call),
            "CreateAlias" => self.create_alias(call),
            "GetAlias" => self.get_alias(call),
            "UpdateAlias" => self.update_alias(call),
            "DeleteAlias" => self.delete_alias(call),
            "ListAliases" => self.list_aliases(call),
            "AddPermission" => self.add_permission(call),
            "RemovePermission" => self.remove_permission(call),
            "GetPolicy" => self.get_policy(call),
            "CreateFunctionUrlConfig" => self.create_url(call),
            "GetFunctionUrlConfig" => self.get_url(call),
            "UpdateFunctionUrlConfig" => self.update_url(call),
            "DeleteFunctionUrlConfig" => self.delete_url(call),
            "ListFunctionUrlConfigs" => self.list_urls(call),
            "TagResource" => self.tag_resource(call),
            "UntagResource" => self.untag_resource(call),
            "ListTags" => self.list_tags(call),
            "GetFunctionConcurrency" => self.get_concurrency(call),
            "PutFunctionConcurrency" => self.put_concurrency(call),
            "DeleteFunctionConcurrency" => self.delete_concurrency(call),
            "PutFunctionEventInvokeConfig" => self.put_event_invoke(call, false),
            "UpdateFunctionEventInvokeConfig" => self.put_event_invoke(call, true),
            "GetFunctionEventInvokeConfig" => self.get_event_invoke(call),
            "DeleteFunctionEventInvokeConfig" => self.delete_event_invoke(call),
            "ListFunctionEventInvokeConfigs" => self.list_event_invoke(call),
            "GetFunctionCodeSigningConfig" => self.get_code_signing(call),
            "GetFunctionRecursionConfig" => self.get_recursion(call),
            "PutFunctionRecursionConfig" => self.put_recursion(call),
            "GetRuntimeManagementConfig" => self.get_runtime_management(call),
            "PutRuntimeManagementConfig" => self.put_runtime_management(call),
            "PublishLayerVersion" => self.publish_layer(call, caller).await,
            "GetLayerVersion" => self.get_layer(call),
            "GetLayerVersionByArn" => self.get_layer_by_arn(call),
            "DeleteLayerVersion" => self.delete_layer(call),
            "ListLayers" => self.list_layers(call),
            "ListLayerVersions" => self.list_layer_versions(call),
            "AddLayerVersionPermission" => self.add_layer_permission(call),
            "RemoveLayerVersionPermission" => self.remove_layer_permission(call),
            "GetLayerVersionPolicy" => self.get_layer_policy(call),
            "CreateEventSourceMapping" => self.create_event_source(call).await,
            "GetEventSourceMapping" => self.get_event_source(call),
            "ListEventSourceMappings" => self.list_event_sources(call),
            "UpdateEventSourceMapping" => self.update_event_source(call).await,
            "DeleteEventSourceMapping" => self.delete_event_source(call),
            "GetAccountSettings" => Ok(self.account_settings()),
            "Invoke" => self.invoke(call, asked).await,
            other => Err(not_built(format!("`{other}`"))),
        }
    }

    /// What the guard must know of a function.
    pub fn function(&self, name: &str) -> Option<FunctionFacts> {
        let functions = self.store.lock();
        let function = functions.get(name)?;
        Some(FunctionFacts {
            arn: function.arn.clone(),
            role: function.latest.configuration.role.clone(),
            tags: function.tags.clone().into_iter().collect(),
        })
    }

    /// The resource policy of a function, or of one of its versions or aliases.
    pub fn function_policy(&self, name: &str, qualifier: Option<&str>) -> Option<String> {
        let functions = self.store.lock();
        let policy = functions.get(name)?.policies.get(qualifier.unwrap_or(LATEST))?;
        Some(policy.document())
    }

    /// Names a principal by something else in the policies of all functions: by its
    /// unique id once it is gone, by its new ARN where it was renamed.
    pub fn rename_principal(&self, principal: &str, to: &str) {
        for function in self.store.lock().values_mut() {
            for policy in function.policies.values_mut() {
                policy.rename(principal, to);
            }
        }
    }

    /// Which interpreter runs a function, once one was started; none for a
    /// function that no interpreter runs.
    pub fn interpreter(&self, name: &str) -> Option<Interpreter> {
        let runtime = self.store.lock().get(name)?.serving.runtime.clone();
        self.interpreter_of(&runtime)
    }

    /// Ends every process that was started, and everything that runs beside.
    /// Later invocations fail.
    pub async fn shutdown(&self) {
        self.pool.close();
        self.tasks.stop().await;
        self.pool.close();
        self.store.lock().clear();
    }

    fn function_arn(&self, name: &Name) -> String {
        name::function_arn(&self.setting, &name.function)
    }

    fn code_dir(&self) -> PathBuf {
        self.setting.work_dir.join("lambda").join("code")
    }

    fn package_dir(&self) -> PathBuf {
        self.setting.work_dir.join("lambda").join("packages")
    }

    fn scratch_dir(&self) -> PathBuf {
        self.setting.work_dir.join("lambda").join("environments")
    }

    fn versions(&self) -> MutexGuard<'_, HashMap<Language, String>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a version is still what its function runs.
    fn is_live(&self, key: &Key) -> bool {
        let functions = self.store.lock();
        functions.get(&key.function).is_some_and(|function| {
            let generation = if key.version == LATEST {
                Some(function.serving.generation)
            } else {
                function.version(&key.version).map(|it| it.configuration.generation)
            };
            generation == Some(key.generation)
        })
    }
}

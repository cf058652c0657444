//! CloudFormation as AWS runs it: with the caller's permissions, or with those
//! of the stack's role where it has one.
//!
//! - `api`: the operations;
//! - `template`: from text to checked sections, and expressions to values;
//! - `definition`: a caller's template, parameters and tags, made ready;
//! - `macros`: what a template becomes before it is checked;
//! - `changes`: what a definition would change;
//! - `deploy`: doing it, and taking it back;
//! - `resources`: one file a resource type.
//!
//! Every call to another service goes to the guard's own endpoint and is
//! authorized there. What is not built (drift, stack sets, macros other than
//! AWS's, imports, stack policies, rollback triggers) is
//! refused by name.

mod api;
mod changes;
mod contents;
mod definition;
mod deploy;
mod error;
mod events;
mod examine;
mod macros;
mod resolve;
mod resources;
mod responses;
mod session;
mod status;
mod store;
mod template;
mod template_url;
mod transform;

#[cfg(test)]
mod tests;

pub use self::contents::{Contents, Failed, Made};
pub use self::examine::{Examiner, Fault};
pub use self::template_url::Object as TemplateObject;

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use ringfence_models::Partition;
use ringfence_wire::{Call, Reply, ServiceError};
use tokio::task::JoinSet;

use self::responses::Responses;
use self::store::Store;
use self::template::Pseudo;

use self::transform::Translator;
use crate::client::Client;
use crate::credentials::Session;
use crate::setting::Setting;

/// CloudFormation.
#[derive(Debug)]
pub struct CloudFormation {
    setting: Arc<Setting>,
    client: Client,
    store: Store,
    translator: Translator,
    responses: Arc<Responses>,
    tasks: Mutex<JoinSet<()>>,
    /// Whether the translator was started.
    warmed: AtomicBool,
}

/// What authorization needs to know of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackFacts {
    /// The stack's ARN.
    pub stack_id: String,
    /// The role that sticks to the stack.
    pub role_arn: Option<String>,
    /// The stack's own tags.
    pub tags: Vec<(String, String)>,
}

impl CloudFormation {
    /// A CloudFormation without stacks.
    pub fn new(setting: Arc<Setting>, client: Client) -> Arc<Self> {
        let translator =
            Translator::new(setting.interpreters.python.clone(), setting.region.clone());
        Arc::new(Self {
            setting,
            client,
            store: Store::default(),
            translator,
            responses: Arc::default(),
            tasks: Mutex::default(),
            warmed: AtomicBool::new(false),
        })
    }

    /// Answers an operation.
    ///
    /// # Errors
    /// CloudFormation's own error, in AWS's words where AWS has some.
    pub async fn answer(
        self: &Arc<Self>,
        call: &Call,
        caller: &Session,
    ) -> Result<Reply, ServiceError> {
        if self.setting.interpreters.python.is_some() && !self.warmed.swap(true, Ordering::Relaxed)
        {
            let service = Arc::clone(self);
            self.spawn(async move { service.translator.warm().await });
        }
        self.dispatch(call, caller).await.map(Reply::fields)
    }

    /// The object that a `TemplateURL` names; `None` for what is not S3.
    pub fn template_object(&self, url: &str) -> Option<TemplateObject> {
        template_url::parse(url, self.setting.endpoint())
    }

    /// What is known of a stack, by name or ARN.
    pub fn stack(&self, name_or_id: &str) -> Option<StackFacts> {
        self.store.read(name_or_id, |stack| StackFacts {
            stack_id: stack.id.clone(),
            role_arn: stack.role_arn.clone(),
            tags: stack.deployed.as_ref().map(|d| d.tags.clone()).unwrap_or_default(),
        })
    }

    /// What a stack has, by name or ARN, once no operation of it is under way.
    pub async fn settled(&self, name_or_id: &str) -> Option<Contents> {
        self.store.settled(name_or_id, Contents::of).await
    }

    /// Whether a request is the answer of a custom resource's function: to the
    /// guard's own host (at a bucket's host the path would be an object's).
    pub fn is_response(&self, host: &str, path: &str) -> bool {
        self.setting.answers_at(host) && Responses::is_path(path)
    }

    /// Whether an answer is waited for at this URL.
    pub fn awaits(&self, path: &str, query: &str) -> bool {
        self.responses.awaits(path, query)
    }

    /// Takes the answer of a custom resource's function; false where nobody waits
    /// for one at this URL.
    pub fn respond(&self, path: &str, query: &str, body: Bytes) -> bool {
        self.responses.take(path, query, body)
    }

    /// Stops every operation under way and the translator.
    pub async fn shutdown(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks());
        tasks.shutdown().await;
        self.translator.shutdown().await;
    }

    /// Lets an operation run on its own.
    fn spawn(&self, operation: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks();
        // Those that have ended leave.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(operation);
    }

    fn tasks(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pseudo(&self, stack_name: &str, stack_id: &str, notification_arns: &[String]) -> Pseudo {
        Pseudo {
            account_id: self.setting.account_id.clone(),
            region: self.setting.region.clone(),
            stack_id: stack_id.to_owned(),
            stack_name: stack_name.to_owned(),
            notification_arns: notification_arns.to_vec(),
        }
    }

    fn arn(&self, rest: &str) -> String {
        let Setting { region, account_id, .. } = &*self.setting;
        let partition = Partition::of_region(region);
        format!("arn:{partition}:cloudformation:{region}:{account_id}:{rest}")
    }
}

//! What a handler works with: the caller's or the role's session, the names
//! and tags that the stack gives.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ringfence_wire::{Operation, Service, response};
use serde_json::{Value, json};
use url::Url;

use super::{Failure, Made, Tagging};
use crate::client::Client;
use crate::cloudformation::responses::{Responses, Waiting};
use crate::credentials::Credentials;

/// How the engine learns that a resource exists although its handler has not
/// finished.
pub(in crate::cloudformation) trait Progress: Send + Sync {
    /// The resource exists.
    fn initiated(&self, logical_id: &str, made: &Made);
}

/// What a handler works with.
#[derive(Clone)]
pub(in crate::cloudformation) struct Context {
    pub(in crate::cloudformation) client: Client,
    pub(in crate::cloudformation) credentials: Credentials,
    pub(in crate::cloudformation) account_id: String,
    pub(in crate::cloudformation) region: String,
    pub(in crate::cloudformation) stack_id: String,
    pub(in crate::cloudformation) stack_name: String,
    pub(in crate::cloudformation) stack_tags: Vec<(String, String)>,
    /// What the caller acknowledged.
    pub(in crate::cloudformation) capabilities: Vec<String>,
    pub(in crate::cloudformation) logical_id: String,
    /// The resource's type.
    pub(in crate::cloudformation) kind: String,
    /// The name of the snapshot that its deletion leaves.
    pub(in crate::cloudformation) last_snapshot: Option<String>,
    /// Where functions of custom resources answer, once the guard has its port.
    pub(in crate::cloudformation) responses: Option<(Url, Arc<Responses>)>,
    pub(in crate::cloudformation) progress: Arc<dyn Progress>,
}

/// How often a handler looks whether a resource has settled.
const POLL: Duration = Duration::from_millis(100);
/// How long it looks.
const PATIENCE: Duration = Duration::from_secs(120);

impl Context {
    /// The ARN of a role of the account.
    pub(super) fn role_arn(&self, name: &str) -> String {
        let partition = ringfence_models::Partition::of_region(&self.region);
        format!("arn:{partition}:iam::{}:role/{name}", self.account_id)
    }

    /// Calls an operation as whoever deploys.
    pub(super) async fn call(
        &self,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Value, Failure> {
        let (model, answer) = self.answer(service, operation, input, None).await?;
        decoded(service, model, &answer)
    }

    /// The bytes of an answer that is no document, called as whoever deploys.
    pub(super) async fn payload(
        &self,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Bytes, Failure> {
        let (model, answer) = self.answer(service, operation, input, None).await?;
        if answer.status().is_success() {
            return Ok(answer.into_body());
        }
        Err(match decoded(service, model, &answer) {
            Ok(_) => Failure::handler("InternalFailure", format!("{operation} gave no object")),
            Err(failure) => failure,
        })
    }

    /// Calls an operation that is given bytes, as whoever deploys.
    pub(super) async fn deliver(
        &self,
        service: Service,
        operation: &str,
        input: Value,
        payload: Bytes,
    ) -> Result<(), Failure> {
        let (model, answer) = self.answer(service, operation, input, Some(payload)).await?;
        match answer.status().is_success() {
            true => Ok(()),
            false => decoded(service, model, &answer).map(drop),
        }
    }

    async fn answer(
        &self,
        service: Service,
        operation: &str,
        input: Value,
        payload: Option<Bytes>,
    ) -> Result<(&'static Operation, http::Response<Bytes>), Failure> {
        let model = Operation::find(service, operation).ok_or_else(|| {
            Failure::handler("InternalFailure", format!("{operation} is not in the model"))
        })?;
        let answer = self.client.exchange(&self.credentials, service, operation, input, payload);
        let answer = answer.await.map_err(|error| {
            let request_id = String::new();
            Failure::Call { service, error, request_id }
        })?;
        Ok((model, answer))
    }

    /// The resource exists: a failure from here on must not lose it.
    pub(super) fn initiated(&self, made: &Made) {
        self.progress.initiated(&self.logical_id, made);
    }

    /// Waits for the answer of a function to a request.
    pub(super) fn waiting(&self, request_id: &str) -> Option<Waiting> {
        let (endpoint, responses) = self.responses.as_ref()?;
        Some(responses.open(endpoint, request_id))
    }

    /// A physical name: `STACK-LOGICAL-RANDOM`, cut to `limit`.
    pub(in crate::cloudformation) fn physical_name(&self, limit: usize) -> String {
        const RANDOM: usize = 12;
        let random: String =
            uuid::Uuid::new_v4().simple().to_string().chars().take(RANDOM).collect();
        let room = limit.saturating_sub(RANDOM + 2);
        let (stack, logical) = (self.stack_name.as_str(), self.logical_id.as_str());
        // Both names are ASCII, so characters are bytes.
        let fits = |text: &str, room: usize| text.chars().take(room).collect::<String>();
        let logical_room = room.saturating_sub(stack.len()).max(room / 2);
        let logical = fits(logical, logical_room);
        let stack = fits(stack, room.saturating_sub(logical.len()));
        format!("{stack}-{logical}-{random}")
    }

    /// The tags of a resource: its own, the stack's, CloudFormation's. A key
    /// of the resource wins over the same of the stack.
    pub(super) fn tags(&self, own: Option<&Value>, tagging: Tagging) -> Vec<(String, String)> {
        let mut tags = match tagging {
            Tagging::Never => Vec::new(),
            Tagging::Stack | Tagging::System => merged(own, &self.stack_tags),
        };
        if tagging == Tagging::System {
            tags.push(("aws:cloudformation:stack-name".to_owned(), self.stack_name.clone()));
            tags.push(("aws:cloudformation:stack-id".to_owned(), self.stack_id.clone()));
            tags.push(("aws:cloudformation:logical-id".to_owned(), self.logical_id.clone()));
        }
        tags
    }
}

/// How long a handler waits for a resource to settle.
pub(super) struct Patience {
    what: &'static str,
    until: tokio::time::Instant,
}

impl Patience {
    pub(super) fn with(what: &'static str) -> Self {
        Self::of(what, PATIENCE)
    }

    pub(super) fn of(what: &'static str, patience: Duration) -> Self {
        Self { what, until: tokio::time::Instant::now() + patience }
    }

    /// Waits before the next look.
    pub(super) async fn wait(&self) -> Result<(), Failure> {
        if tokio::time::Instant::now() > self.until {
            let message = format!("{} did not settle in time", self.what);
            return Err(Failure::handler("NotStabilized", message));
        }
        tokio::time::sleep(POLL).await;
        Ok(())
    }
}

/// The resource's own tags over the stack's.
pub(super) fn merged(own: Option<&Value>, stack: &[(String, String)]) -> Vec<(String, String)> {
    let mut tags: Vec<(String, String)> = own
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|tag| {
            Some((tag.get("Key")?.as_str()?.to_owned(), tag.get("Value")?.as_str()?.to_owned()))
        })
        .collect();
    let own = tags.len();
    for (key, value) in stack {
        if !tags.iter().take(own).any(|(own, _)| own == key) {
            tags.push((key.clone(), value.clone()));
        }
    }
    tags
}

/// What changed between two sets of tags: set these, remove those.
pub(super) fn tag_changes(
    old: &[(String, String)],
    new: &[(String, String)],
) -> (Vec<(String, String)>, Vec<String>) {
    let set = new.iter().filter(|tag| !old.contains(tag)).cloned().collect();
    let removed = old
        .iter()
        .map(|(key, _)| key)
        .filter(|key| !new.iter().any(|(other, _)| other == *key))
        .cloned()
        .collect();
    (set, removed)
}

/// `[{Key, Value}]`, as most services take tags.
pub(super) fn tag_list(tags: &[(String, String)]) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// `{key: value}`, as Lambda, Logs and API Gateway take them.
pub(super) fn tag_map(tags: &[(String, String)]) -> Value {
    Value::Object(tags.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect())
}

fn decoded(
    service: Service,
    model: &'static Operation,
    answer: &http::Response<Bytes>,
) -> Result<Value, Failure> {
    let failed = |error| Failure::Call { service, error, request_id: request_id(answer) };
    response::decode(model, answer).map_err(failed)
}

/// The id that a service gave a call.
pub(in crate::cloudformation) fn request_id(answer: &http::Response<Bytes>) -> String {
    ["x-amzn-requestid", "x-amz-request-id"]
        .iter()
        .find_map(|name| answer.headers().get(*name)?.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

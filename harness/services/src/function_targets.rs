//! Functions as targets of services that the upstream answers: CloudWatch Logs
//! delivers to them, Secrets Manager rotates by them. The upstream does not know
//! the functions, so what it says of them is mended here.
//!
//! A function is invoked over the guard's own port as the service itself, so
//! that its resource policy decides.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Response;
use ringfence_models::Partition;
use ringfence_wire::{Call, Reply, Service, ServiceError, response};
use serde_json::{Map, Value, json};
use time::Duration;
use tokio::task::JoinSet;

use crate::client::Client;
use crate::credentials::Identity;
use crate::setting::Setting;

mod pattern;
#[cfg(test)]
mod tests;

use pattern::Pattern;

/// AWS's limit of subscription filters of a log group.
const MOST_FILTERS: usize = 2;
/// What LocalStack says of a rotation function, whichever it is.
/// <https://github.com/localstack/localstack/blob/v4.14.0/localstack-core/localstack/services/secretsmanager/provider.py>
const NO_ROTATION_FUNCTION: &str = "Lambda does not exist or could not be accessed";
/// Who invokes the function of a rotation.
const ROTATOR: &str = "secretsmanager.amazonaws.com";
/// What a function is asked to do in a rotation, in this order.
const STEPS: &[&str] = &["createSecret", "setSecret", TEST, "finishSecret"];
const TEST: &str = "testSecret";
/// How long the key lives that a service invokes a function with.
const KEY_LIFETIME: Duration = Duration::minutes(5);

/// The functions that the upstream's services call.
#[derive(Debug)]
pub struct FunctionTargets {
    setting: Arc<Setting>,
    client: Client,
    /// By log group, in the order of arrival.
    filters: Mutex<BTreeMap<String, Vec<Filter>>>,
    /// The functions that rotate secrets, by the secrets' ARNs.
    rotations: Mutex<BTreeMap<String, String>>,
    deliveries: Mutex<JoinSet<()>>,
}

/// A subscription filter that leads to a function.
#[derive(Debug, Clone)]
struct Filter {
    name: String,
    text: String,
    pattern: Pattern,
    function: String,
    distribution: String,
    /// Epoch milliseconds.
    created: i128,
}

impl FunctionTargets {
    /// Without filters.
    pub fn new(setting: Arc<Setting>, client: Client) -> Self {
        Self {
            setting,
            client,
            filters: Mutex::default(),
            rotations: Mutex::default(),
            deliveries: Mutex::default(),
        }
    }

    /// What to answer in place of what the upstream answered to a call; none
    /// where its answer stands. An error that names a function comes only after
    /// everything else about the call was good.
    ///
    /// # Errors
    /// The service's, as AWS writes them.
    pub async fn after(
        &self,
        call: &Call,
        answer: &Response<Bytes>,
    ) -> Result<Option<Reply>, ServiceError> {
        let refused = response::decode(call.operation, answer).err();
        match (call.service(), call.name(), refused) {
            (Service::Logs, "PutSubscriptionFilter", Some(error)) => self.put(call, error).await,
            (Service::Logs, "DescribeSubscriptionFilters", None) => self.describe(call, answer),
            (Service::Logs, "DeleteSubscriptionFilter", Some(error)) => {
                Ok(self.delete(call, &error).then(Reply::empty))
            }
            (Service::Logs, "DeleteLogGroup", None) => {
                self.filters().remove(group(call));
                Ok(None)
            }
            (Service::Logs, "PutLogEvents", None) => {
                self.deliver(call);
                Ok(None)
            }
            (Service::SecretsManager, "RotateSecret", Some(error)) => {
                self.rotate(call, &error).await
            }
            (Service::SecretsManager, "RotateSecret", None) => {
                self.begin(call, &response::decode(call.operation, answer)?);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// Ends all deliveries.
    pub fn shutdown(&self) {
        self.deliveries().abort_all();
    }

    fn deliveries(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn put(&self, call: &Call, error: ServiceError) -> Result<Option<Reply>, ServiceError> {
        let destination = call.text("destinationArn").unwrap_or_default();
        let functions = format!("arn:{}:lambda:", Partition::of_region(&self.setting.region));
        if !destination.starts_with(&functions) {
            return Ok(None);
        }
        if destination.split(':').nth(4) != Some(self.setting.account_id.as_str()) {
            // Whether there is the log group or not: LocalStack's
            // test_put_subscription_filter_errors, recorded on AWS.
            return Err(ServiceError::new(
                400,
                "AccessDeniedException",
                "Cross-account lambda invocation passing is not allowed. You must use \
                 DestinationPolicies to create cross account lambda triggers.",
            ));
        }
        // The upstream refuses the function only where there is the log group.
        if error.code != "InvalidParameterException" {
            return Ok(None);
        }
        let group = group(call);
        let text = call.text("filterPattern").unwrap_or_default().to_owned();
        let pattern = Pattern::read(&text).ok_or_else(|| {
            ServiceError::not_implemented(
                Service::Logs,
                format!("the filter pattern `{text}` is not built here; nothing was changed"),
            )
        })?;
        if !self
            .may_invoke(&logs_principals(&self.setting.region), &self.source(group), destination)
            .await
        {
            return Err(ServiceError::new(
                400,
                "InvalidParameterException",
                "Could not execute the lambda function. Make sure you have given CloudWatch Logs \
                 permission to execute your function.",
            ));
        }
        let filter = Filter {
            name: call.text("filterName").unwrap_or_default().to_owned(),
            text,
            pattern,
            function: destination.to_owned(),
            distribution: call.text("distribution").unwrap_or("ByLogStream").to_owned(),
            created: self.setting.now().unix_timestamp_nanos() / 1_000_000,
        };
        let mut filters = self.filters();
        let filters = filters.entry(group.to_owned()).or_default();
        if let Some(present) = filters.iter_mut().find(|it| it.name == filter.name) {
            *present = Filter { created: present.created, ..filter };
        } else if filters.len() < MOST_FILTERS {
            filters.push(filter);
        } else {
            let text = "Resource limit exceeded.";
            return Err(ServiceError::new(400, "LimitExceededException", text));
        }
        Ok(Some(Reply::empty()))
    }

    fn describe(
        &self,
        call: &Call,
        answer: &Response<Bytes>,
    ) -> Result<Option<Reply>, ServiceError> {
        let group = group(call);
        let prefix = call.text("filterNamePrefix").unwrap_or_default();
        let own: Vec<Value> = self
            .filters()
            .get(group)
            .into_iter()
            .flatten()
            .filter(|filter| filter.name.starts_with(prefix))
            .map(|filter| filter.show(group))
            .collect();
        if own.is_empty() {
            return Ok(None);
        }
        let mut fields = response::decode(call.operation, answer)?;
        match fields.get_mut("subscriptionFilters").and_then(Value::as_array_mut) {
            Some(shown) => shown.extend(own),
            None => fields = json!({ "subscriptionFilters": own }),
        }
        Ok(Some(Reply::fields(fields)))
    }

    /// Whether there was such a filter.
    fn delete(&self, call: &Call, error: &ServiceError) -> bool {
        let name = call.text("filterName").unwrap_or_default();
        let mut filters = self.filters();
        let Some(of_group) = filters.get_mut(group(call)) else { return false };
        let before = of_group.len();
        of_group.retain(|filter| filter.name != name);
        error.code == "ResourceNotFoundException" && of_group.len() < before
    }

    /// Hands the events of a call to the functions whose filters they match.
    fn deliver(&self, call: &Call) {
        let group = group(call).to_owned();
        let filters = self.filters().get(&group).cloned().unwrap_or_default();
        let events = call.input.get("logEvents").and_then(Value::as_array);
        for filter in filters {
            let matched: Vec<Value> = events
                .into_iter()
                .flatten()
                .filter(|event| {
                    let message = event.get("message").and_then(Value::as_str);
                    filter.pattern.matches(message.unwrap_or_default())
                })
                .map(shown_event)
                .collect();
            let stream = call.text("logStreamName").unwrap_or_default();
            let Some(payload) = self.payload(&group, stream, &filter.name, &matched) else {
                continue;
            };
            let (setting, client) = (Arc::clone(&self.setting), self.client.clone());
            let source = self.source(&group);
            let mut deliveries = self.deliveries();
            while deliveries.try_join_next().is_some() {}
            deliveries.spawn(async move {
                for principal in logs_principals(&setting.region) {
                    let input =
                        json!({ "FunctionName": filter.function, "InvocationType": "Event" });
                    let sent = invoke(
                        &setting,
                        &client,
                        &principal,
                        &source,
                        input,
                        Some(payload.clone()),
                    );
                    if sent.await {
                        return;
                    }
                }
            });
        }
    }

    /// What a function gets; none for no events.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/services-cloudwatchlogs.html>
    fn payload(&self, group: &str, stream: &str, filter: &str, events: &[Value]) -> Option<Bytes> {
        if events.is_empty() {
            return None;
        }
        let data = json!({
            "messageType": "DATA_MESSAGE",
            "owner": self.setting.account_id,
            "logGroup": group,
            "logStream": stream,
            "subscriptionFilters": [filter],
            "logEvents": events,
        });
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(data.to_string().as_bytes()).ok()?;
        let data = BASE64.encode(encoder.finish().ok()?);
        Some(json!({ "awslogs": { "data": data } }).to_string().into())
    }

    async fn rotate(
        &self,
        call: &Call,
        error: &ServiceError,
    ) -> Result<Option<Reply>, ServiceError> {
        let of_function =
            |arn: &&str| error.message.contains(arn) || error.message == NO_ROTATION_FUNCTION;
        let Some(function) = call.text("RotationLambdaARN").filter(of_function) else {
            return Ok(None);
        };
        let source = call.text("SecretId").filter(|id| id.starts_with("arn:")).unwrap_or_default();
        let principal = [ROTATOR.to_owned()];
        if !self.may_invoke(&principal, source, function).await {
            // LocalStack's test_secretsmanager.snapshot.json, recorded on AWS.
            return Err(ServiceError::new(
                400,
                "AccessDeniedException",
                "Secrets Manager cannot invoke the specified Lambda function. Ensure that the \
                 function policy grants access to the principal secretsmanager.amazonaws.com.",
            ));
        }
        Err(ServiceError::not_implemented(
            Service::SecretsManager,
            "this upstream rotates by no function; nothing was changed",
        ))
    }

    /// Hands a rotation that the upstream began to the function, step by step: the
    /// first that fails is the last
    /// (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html>).
    /// Where the secret is not rotated at once, only the test is made
    /// (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html>).
    fn begin(&self, call: &Call, begun: &Value) {
        let text = |member: &str| begun.get(member).and_then(Value::as_str).map(str::to_owned);
        let (Some(secret), Some(version)) = (text("ARN"), text("VersionId")) else { return };
        let mut rotations = self.rotations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = call.text("RotationLambdaARN") {
            rotations.insert(secret.clone(), function.to_owned());
        }
        let Some(function) = rotations.get(&secret).cloned() else { return };
        drop(rotations);
        let is_at_once =
            call.input.get("RotateImmediately").and_then(Value::as_bool).unwrap_or(true);
        let steps: &'static [&'static str] = if is_at_once { STEPS } else { &[TEST] };
        let (setting, client) = (Arc::clone(&self.setting), self.client.clone());
        let mut deliveries = self.deliveries();
        while deliveries.try_join_next().is_some() {}
        deliveries.spawn(async move {
            for step in steps {
                let event =
                    json!({ "Step": step, "SecretId": secret, "ClientRequestToken": version });
                let input = json!({ "FunctionName": function });
                let payload = Some(Bytes::from(event.to_string()));
                if !rotated(&setting, &client, &secret, input, payload).await {
                    return;
                }
            }
        });
    }

    /// Whether a service may invoke a function, under one of its names.
    async fn may_invoke(&self, principals: &[String], source: &str, function: &str) -> bool {
        for principal in principals {
            let input = json!({ "FunctionName": function, "InvocationType": "DryRun" });
            if invoke(&self.setting, &self.client, principal, source, input, None).await {
                return true;
            }
        }
        false
    }

    /// The log group as the source of an invocation.
    fn source(&self, group: &str) -> String {
        let (region, account) = (&self.setting.region, &self.setting.account_id);
        let partition = Partition::of_region(region);
        format!("arn:{partition}:logs:{region}:{account}:log-group:{group}:*")
    }

    fn filters(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Filter>>> {
        self.filters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Filter {
    /// The filter as `DescribeSubscriptionFilters` shows it (LocalStack's
    /// test_put_subscription_filter_lambda, recorded on AWS).
    fn show(&self, group: &str) -> Value {
        json!({
            "filterName": self.name,
            "logGroupName": group,
            "filterPattern": self.text,
            "destinationArn": self.function,
            "distribution": self.distribution,
            "applyOnTransformedLogs": false,
            "creationTime": i64::try_from(self.created).unwrap_or_default(),
        })
    }
}

/// Whether a step of a rotation was done.
async fn rotated(
    setting: &Setting,
    client: &Client,
    secret: &str,
    input: Value,
    payload: Option<Bytes>,
) -> bool {
    let answer = invocation(setting, client, ROTATOR, secret, input, payload).await;
    answer.is_some_and(|answer| !answer.headers().contains_key("x-amz-function-error"))
}

/// Invokes a function as a service; whether it was taken.
async fn invoke(
    setting: &Setting,
    client: &Client,
    principal: &str,
    source: &str,
    input: Value,
    payload: Option<Bytes>,
) -> bool {
    invocation(setting, client, principal, source, input, payload).await.is_some()
}

/// What a function answers to a service that may invoke it.
async fn invocation(
    setting: &Setting,
    client: &Client,
    principal: &str,
    source: &str,
    input: Value,
    payload: Option<Bytes>,
) -> Option<Response<Bytes>> {
    let identity = Identity::Service {
        principal: principal.to_owned(),
        source_arn: (!source.is_empty()).then(|| source.to_owned()),
        source_account: Some(setting.account_id.clone()),
    };
    let until = setting.now() + KEY_LIFETIME;
    let key = setting.keyring.issue(identity, Vec::new(), until).ok()?;
    let answer = client.exchange(&key, Service::Lambda, "Invoke", input, payload).await;
    setting.keyring.remove(&key.access_key_id);
    answer.ok().filter(|answer| answer.status().is_success())
}

/// The names under which policies know CloudWatch Logs.
fn logs_principals(region: &str) -> [String; 2] {
    let suffix = Partition::of_region(region).dns_suffix;
    [format!("logs.{region}.{suffix}"), "logs.amazonaws.com".to_owned()]
}

fn group(call: &Call) -> &str {
    call.text("logGroupName").unwrap_or_default()
}

/// An event as a subscription shows it, with an id as long as AWS's.
fn shown_event(event: &Value) -> Value {
    let id = uuid::Uuid::new_v4().as_u128().to_string();
    let mut shown = Map::from_iter([("id".to_owned(), json!(format!("{id:0>56}")))]);
    for member in ["timestamp", "message"] {
        if let Some(value) = event.get(member) {
            shown.insert(member.to_owned(), value.clone());
        }
    }
    Value::Object(shown)
}

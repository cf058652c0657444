//! `Invoke`: which version runs, and what the caller gets.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::lambda::api::settings::ACCOUNT_CONCURRENCY;
use crate::lambda::error::{not_found, service, too_large, validation};
use crate::lambda::execute::destination::{Destinations, Ended};
use crate::lambda::execute::pool::{Limits, Slot};
use crate::lambda::execute::run::Invoked;
use crate::lambda::execute::trace::TraceHeader;
use crate::lambda::name::{LATEST, Name, qualified};
use crate::lambda::store::configuration::{Configuration, State, Version};
use crate::lambda::store::functions::{Function, pending};
use crate::lambda::{Asked, Lambda};

/// AWS's limits of a payload. Asynchronous ones were 256 KB until October 2025.
const LARGEST_SYNCHRONOUS: usize = 6_291_456;
const LARGEST_ASYNCHRONOUS: usize = 1_048_576;
/// AWS's limit of a client context, before it is encoded.
const LARGEST_CONTEXT: usize = 3583;
/// How long AWS waits before it repeats a failed asynchronous invocation.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>
pub(in crate::lambda) const RETRY_DELAYS: [Duration; 2] =
    [Duration::from_secs(60), Duration::from_secs(120)];
/// How long AWS keeps an asynchronous event by default.
const EVENT_AGE: u32 = 21_600;

/// The version that an invocation runs, and how it was asked for.
#[derive(Debug, Clone)]
pub(in crate::lambda) struct Target {
    pub(in crate::lambda) version: String,
    pub(in crate::lambda) configuration: Arc<Configuration>,
    /// As the function sees it: with the qualifier that the caller gave.
    pub(in crate::lambda) arn: String,
    attempts: u32,
    event_age: Duration,
    pub(in crate::lambda) destinations: Destinations,
}

/// What an invocation gives to a function.
#[derive(Debug, Clone)]
pub(in crate::lambda) struct Request {
    pub(in crate::lambda) id: String,
    pub(in crate::lambda) payload: Bytes,
    pub(in crate::lambda) client_context: Option<String>,
    pub(in crate::lambda) trace: TraceHeader,
}

impl Lambda {
    pub(in crate::lambda) async fn invoke(
        self: &Arc<Self>,
        call: &Call,
        asked: &Asked<'_>,
    ) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let kind = call.text("InvocationType").unwrap_or("RequestResponse");
        let limit = match kind {
            "RequestResponse" | "DryRun" => LARGEST_SYNCHRONOUS,
            "Event" => LARGEST_ASYNCHRONOUS,
            other => {
                return Err(validation(format!(
                    "1 validation error detected: Value '{other}' at 'invocationType' failed to \
                     satisfy constraint: Member must satisfy enum value set: [Event, \
                     RequestResponse, DryRun]"
                )));
            }
        };
        let tail = match call.text("LogType") {
            None | Some("None") => false,
            Some("Tail") => true,
            Some(other) => {
                return Err(validation(format!(
                    "1 validation error detected: Value '{other}' at 'logType' failed to satisfy \
                     constraint: Member must satisfy enum value set: [None, Tail]"
                )));
            }
        };
        let request = Request {
            id: asked.request_id.to_owned(),
            payload: payload(call, kind, limit)?,
            client_context: client_context(call)?,
            trace: TraceHeader::read(asked.trace),
        };
        let target = self.target(&name)?;
        if kind == "DryRun" {
            return Ok(Reply::empty().with_status(204));
        }
        self.check_runtime(&target.configuration)?;
        if kind == "Event" {
            let lambda = Arc::clone(self);
            self.tasks.spawn(async move { lambda.run_event(name, target, request).await });
            return Ok(Reply::empty().with_status(202));
        }
        let invoked = self.run_apart(target, request).await?;
        let mut reply = Reply::raw(invoked.payload)
            .with_status(200)
            .with_header("X-Amz-Executed-Version", invoked.version);
        if invoked.failed {
            reply = reply.with_header("X-Amz-Function-Error", "Unhandled");
        }
        if tail {
            reply = reply.with_header("X-Amz-Log-Result", invoked.tail.encoded());
        }
        Ok(reply)
    }

    /// Runs an invocation to its end, also where the caller does not wait.
    pub(in crate::lambda) async fn run_apart(
        self: &Arc<Self>,
        target: Target,
        request: Request,
    ) -> Result<Invoked, ServiceError> {
        let (sender, receiver) = oneshot::channel();
        let lambda = Arc::clone(self);
        self.tasks.spawn(async move {
            // Without a receiver, nobody waits for it.
            let _ = sender.send(lambda.run(&target, &request).await);
        });
        receiver.await.map_err(|_| service("the service is shutting down"))?
    }

    /// An asynchronous invocation: repeated when it fails, as on AWS. What it
    /// runs is what its name means when it is taken from the queue (LocalStack's
    /// test_async_invoke_queue_upon_function_update, recorded on AWS).
    async fn run_event(self: Arc<Self>, name: Name, accepted: Target, request: Request) {
        let deadline = Instant::now() + accepted.event_age;
        let mut failures = 0_usize;
        let mut faults = 0_u32;
        loop {
            let Some((slot, target)) = self.queued(&name, deadline).await else { return };
            let wait = match self.run_in(slot, &target, &request).await {
                Ok(invoked) if !invoked.failed => {
                    let ended = Ended::new("Success", failures + 1);
                    return self.send_on(&target, &request, &invoked, &ended).await;
                }
                Ok(invoked) => {
                    let attempts = usize::try_from(target.attempts).unwrap_or(0);
                    let delay = self.retry_delays.get(failures).filter(|_| failures < attempts);
                    failures += 1;
                    let ended = match delay {
                        None => Some("RetriesExhausted"),
                        Some(delay) if Instant::now() + *delay > deadline => {
                            Some("EventAgeExceeded")
                        }
                        Some(_) => None,
                    };
                    if let Some(condition) = ended {
                        let ended = Ended::new(condition, failures);
                        self.send_dead_letter(&target, &request, &invoked).await;
                        return self.send_on(&target, &request, &invoked, &ended).await;
                    }
                    delay.copied().unwrap_or_default()
                }
                // Lambda's own faults are tried again for hours.
                Err(error) if error.status == 429 || error.status >= 500 => {
                    faults = faults.saturating_add(1);
                    backoff(faults)
                }
                Err(_) => return,
            };
            if Instant::now() + wait > deadline {
                return;
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Waits in the queue until a function may run one more, and what it then
    /// runs: until a slot is given back, and no longer than AWS's own intervals,
    /// since limits change too. None where the event's time is over, or the
    /// function is gone.
    async fn queued(&self, name: &Name, deadline: Instant) -> Option<(Slot, Target)> {
        let mut refused = 0_u32;
        loop {
            let freed = self.pool.freed();
            let taken = self.target(name).and_then(|target| {
                let slot = self.pool.slot(&target.configuration.function_name, &self.limits())?;
                Ok((slot, target))
            });
            match taken {
                Ok(taken) => return Some(taken),
                // It is throttled, or the function is being changed.
                Err(error) if error.status == 429 || error.status == 409 => {}
                Err(_) => return None,
            }
            refused = refused.saturating_add(1);
            let next = (Instant::now() + backoff(refused)).min(deadline);
            tokio::select! {
                () = freed => {}
                () = tokio::time::sleep_until(next) => {}
            }
            if Instant::now() >= deadline {
                return None;
            }
        }
    }

    /// The version that a name means now.
    pub(in crate::lambda) fn target(&self, name: &Name) -> Result<Target, ServiceError> {
        let asked =
            qualified(&self.function_arn(name), Some(name.qualifier.as_deref().unwrap_or(LATEST)));
        self.store.with(name, &asked, |function| {
            let arn = qualified(&function.arn, name.qualifier.as_deref());
            let wanted = pick(function, name.qualifier.as_deref())?;
            let version = function
                .version(&wanted)
                .ok_or_else(|| not_found(format!("Function not found: {arn}")))?;
            let configuration = runnable(function, version)?;
            let qualifier = name.qualifier.as_deref().unwrap_or(LATEST);
            let settings = function.event_invoke.get(qualifier);
            let age = settings.and_then(|it| it.maximum_event_age_seconds).unwrap_or(EVENT_AGE);
            Ok(Target {
                version: version.version.clone(),
                configuration,
                arn,
                attempts: settings.and_then(|it| it.maximum_retry_attempts).unwrap_or(2),
                event_age: Duration::from_secs(age.into()),
                destinations: settings.map(|it| it.destinations.clone()).unwrap_or_default(),
            })
        })
    }

    /// What may run at once, now.
    pub(in crate::lambda) fn limits(&self) -> Limits {
        let functions = self.store.lock();
        let reserved: HashMap<String, u32> = functions
            .iter()
            .filter_map(|(name, it)| Some((name.clone(), it.reserved_concurrency?)))
            .collect();
        let unreserved = ACCOUNT_CONCURRENCY.saturating_sub(reserved.values().sum());
        Limits { reserved, unreserved }
    }
}

/// How long an event waits that could not be run so often: from a second on, and
/// no more than five minutes
/// (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>).
fn backoff(times: u32) -> Duration {
    Duration::from_secs(1 << times.saturating_sub(1).min(8))
}

/// The version that a qualifier means; an alias may mean one of two.
fn pick(function: &Function, qualifier: Option<&str>) -> Result<String, ServiceError> {
    let Some(alias) = qualifier.and_then(|name| function.aliases.get(name)) else {
        return Ok(qualifier.unwrap_or(LATEST).to_owned());
    };
    let Some((second, share)) = &alias.second else { return Ok(alias.version.clone()) };
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|cause| service(cause.to_string()))?;
    let drawn = f64::from(u32::from_be_bytes(bytes)) / (f64::from(u32::MAX) + 1.0);
    Ok(if drawn < *share { second.clone() } else { alias.version.clone() })
}

fn runnable(function: &Function, version: &Version) -> Result<Arc<Configuration>, ServiceError> {
    match &version.state {
        // While $LATEST is updated, what it was before runs.
        State::Active if version.version == LATEST => Ok(Arc::clone(&function.serving)),
        State::Active => Ok(Arc::clone(&version.configuration)),
        state => Err(pending(state)),
    }
}

fn payload(call: &Call, kind: &str, limit: usize) -> Result<Bytes, ServiceError> {
    let payload = call.payload.clone().unwrap_or_default();
    if payload.len() > limit {
        return Err(too_large(format!(
            "{} byte payload is too large for the {kind} invocation type (limit {limit} bytes)",
            payload.len()
        )));
    }
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    if let Some(fault) = crate::lambda::execute::payload::fault(&payload) {
        return Err(content(format!(
            "Could not parse request body into json: Could not parse payload into json: {fault}"
        )));
    }
    Ok(payload)
}

fn client_context(call: &Call) -> Result<Option<String>, ServiceError> {
    let Some(encoded) = call.text("ClientContext").filter(|it| !it.is_empty()) else {
        return Ok(None);
    };
    BASE64
        .decode(encoded)
        .ok()
        .filter(|bytes| bytes.len() <= LARGEST_CONTEXT)
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        .filter(Value::is_object)
        // Compact, because it travels in a header.
        .map(|context| Some(context.to_string()))
        .ok_or_else(|| content("Client context must be a valid Base64-encoded JSON object."))
}

fn content(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "InvalidRequestContentException", message).with("Type", "User")
}

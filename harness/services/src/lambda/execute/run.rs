//! One invocation, from a free environment to its report.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ringfence_wire::ServiceError;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

use crate::lambda::Lambda;
use crate::lambda::error::{access_denied, not_built, service};
use crate::lambda::execute::environment::{
    Blueprint, Environment, Failure, INIT_LIMIT, Init, Key, Outcome, Runs, StartError,
};
use crate::lambda::execute::invoke::{Request, Target};
use crate::lambda::execute::language::{Language, runs};
use crate::lambda::execute::logs::{Log, Report, Status, Tail};
use crate::lambda::execute::pool::Slot;
use crate::lambda::execute::runtime_api::Invocation;
use crate::lambda::store::configuration::Configuration;

/// What an invocation gave.
#[derive(Debug)]
pub(in crate::lambda) struct Invoked {
    pub(in crate::lambda) payload: Bytes,
    /// Whether the function failed.
    pub(in crate::lambda) failed: bool,
    pub(in crate::lambda) version: String,
    pub(in crate::lambda) tail: Tail,
}

/// An environment that is ready, or why there is none.
enum Started {
    Ready(Box<Environment>),
    /// The initialization failed twice; the second time counts.
    Failed {
        log: Log,
        failure: Failure,
    },
    TimedOut {
        log: Log,
    },
}

impl Lambda {
    /// Runs an invocation, where its function may run one more.
    pub(in crate::lambda) async fn run(
        self: &Arc<Self>,
        target: &Target,
        request: &Request,
    ) -> Result<Invoked, ServiceError> {
        let slot = self.pool.slot(&target.configuration.function_name, &self.limits())?;
        self.run_in(slot, target, request).await
    }

    /// Runs an invocation in its slot.
    pub(in crate::lambda) async fn run_in(
        self: &Arc<Self>,
        _slot: Slot,
        target: &Target,
        request: &Request,
    ) -> Result<Invoked, ServiceError> {
        let configuration = &target.configuration;
        let key = Key {
            function: configuration.function_name.clone(),
            generation: configuration.generation,
            version: target.version.clone(),
        };
        let timeout = Duration::from_secs(configuration.timeout_seconds.into());
        let warm = self.warm(&key).await;
        let mut began = Instant::now();
        let started = match warm {
            Some(mut warm) => {
                // What it wrote since its last invocation comes first.
                warm.read_output(self.setting.now(), false);
                warm.log.start(&request.id, &target.version, self.setting.now());
                Started::Ready(Box::new(warm))
            }
            None => self.start(target, key, request, timeout, &mut began).await?,
        };
        let mut environment = match started {
            Started::Ready(environment) => *environment,
            Started::Failed { log, failure } => {
                let ended = Ended::Failed(&failure);
                return Ok(self.report(target, request, log, began, &ended));
            }
            Started::TimedOut { log } => {
                return Ok(self.report(target, request, log, began, &Ended::TimedOut(timeout)));
            }
        };
        let now = self.setting.now();
        if began.elapsed() < timeout && environment.init.is_some() {
            began = Instant::now();
        }
        let deadline = began + timeout;
        let left = deadline.saturating_duration_since(Instant::now());
        let invocation = Invocation {
            request_id: request.id.clone(),
            payload: request.payload.clone(),
            deadline_ms: now.unix_timestamp_nanos() / 1_000_000
                + i128::try_from(left.as_millis()).unwrap_or(0),
            arn: target.arn.clone(),
            trace: request.trace.filled(now.unix_timestamp()),
            client_context: request.client_context.clone(),
        };
        let outcome = environment.invoke(invocation, deadline).await;
        environment.read_output(self.setting.now(), true);
        Ok(self.conclude(target, request, environment, began, outcome).await)
    }

    /// An environment that waits for an invocation, and goes on.
    async fn warm(&self, key: &Key) -> Option<Environment> {
        loop {
            let mut environment = self.pool.take(key, self.setting.now())?;
            if environment.thaw().await {
                return Some(environment);
            }
        }
    }

    /// Reports an invocation, and keeps its environment, which stands still until the
    /// next one, or ends it.
    async fn conclude(
        &self,
        target: &Target,
        request: &Request,
        mut environment: Environment,
        began: Instant,
        outcome: Outcome,
    ) -> Invoked {
        let now = self.setting.now();
        let timeout = Duration::from_secs(target.configuration.timeout_seconds.into());
        let (payload, failed, status) = match &outcome {
            Outcome::Answer(payload) => (payload.clone(), false, Status::Success),
            Outcome::FunctionError(payload) => (payload.clone(), true, Status::Success),
            Outcome::Failed(failure) => {
                (failure.payload(&request.id), true, Status::Error(&failure.kind))
            }
            Outcome::TimedOut => {
                environment.log.timed_out(&timeout_line(&request.id, timeout, now), now);
                (timeout_payload(&request.id, timeout), true, Status::Timeout)
            }
        };
        let report = Report {
            request_id: &request.id,
            duration_ms: milliseconds(began.elapsed()),
            init_ms: environment.init.take().map(milliseconds),
            memory_size_mb: target.configuration.memory_mb,
            memory_used_mb: environment.memory_mb(),
            status,
        };
        let tail = environment.log.finish(&report, now);
        environment.trim_output();
        if environment.is_usable(now) && environment.freeze().await {
            let live = self.is_live(&environment.key);
            self.pool.keep(environment, live);
        }
        Invoked { payload, failed, version: target.version.clone(), tail }
    }

    /// Reports an invocation that never reached its function.
    fn report(
        &self,
        target: &Target,
        request: &Request,
        mut log: Log,
        began: Instant,
        ended: &Ended<'_>,
    ) -> Invoked {
        let now = self.setting.now();
        let (payload, status) = match ended {
            Ended::Failed(failure) => (failure.payload(&request.id), Status::Error(&failure.kind)),
            Ended::TimedOut(timeout) => {
                log.timed_out(&timeout_line(&request.id, *timeout, now), now);
                (timeout_payload(&request.id, *timeout), Status::Timeout)
            }
        };
        let report = Report {
            request_id: &request.id,
            duration_ms: milliseconds(began.elapsed()),
            init_ms: None,
            memory_size_mb: target.configuration.memory_mb,
            memory_used_mb: None,
            status,
        };
        let tail = log.finish(&report, now);
        Invoked { payload, failed: true, version: target.version.clone(), tail }
    }

    /// Starts an environment. An initialization that fails, or takes longer
    /// than AWS's limit, is repeated within the invocation's own time.
    async fn start(
        self: &Arc<Self>,
        target: &Target,
        key: Key,
        request: &Request,
        timeout: Duration,
        began: &mut Instant,
    ) -> Result<Started, ServiceError> {
        let blueprint = self.blueprint(target, key).await?;
        let now = self.setting.now();
        let (mut log, writer) = Log::new(
            self.client.clone(),
            blueprint.credentials.clone(),
            target.configuration.logging.clone(),
            &target.version,
            now,
        );
        self.tasks.spawn(writer.run());
        if let Some(interpreter) = self.interpreter_of(&target.configuration.runtime) {
            let actual = format!("{}:{}", interpreter.language, interpreter.actual);
            log.init_start(&interpreter.declared, &actual, now);
        }
        let log = match Environment::start(&blueprint, log).await {
            Err(StartError::Service(error)) => return Err(error),
            Err(StartError::Program { cause, mut log }) => {
                log.start(&request.id, &target.version, now);
                return Ok(Started::Failed { log, failure: Failure::entrypoint(&cause) });
            }
            Ok(mut environment) => {
                let began = Instant::now();
                let init = environment.wait_ready(began + INIT_LIMIT).await;
                environment.read_output(self.setting.now(), true);
                let status = match &init {
                    Init::Ready => {
                        environment.log.start(&request.id, &target.version, self.setting.now());
                        return Ok(Started::Ready(Box::new(environment)));
                    }
                    Init::Failed(failure) => Status::Error(&failure.kind),
                    Init::TimedOut => Status::Timeout,
                };
                let took = milliseconds(began.elapsed());
                environment.log.init_report(took, status, self.setting.now());
                environment.into_log()
            }
        };
        *began = Instant::now();
        self.start_again(&blueprint, log, target, request, *began + timeout).await
    }

    async fn start_again(
        &self,
        blueprint: &Blueprint,
        mut log: Log,
        target: &Target,
        request: &Request,
        deadline: Instant,
    ) -> Result<Started, ServiceError> {
        log.start(&request.id, &target.version, self.setting.now());
        let mut environment = match Environment::start(blueprint, log).await {
            Ok(environment) => environment,
            Err(StartError::Service(error)) => return Err(error),
            Err(StartError::Program { cause, log }) => {
                return Ok(Started::Failed { log, failure: Failure::entrypoint(&cause) });
            }
        };
        let init = environment.wait_ready(deadline).await;
        environment.read_output(self.setting.now(), true);
        Ok(match init {
            Init::Ready => {
                // It took the invocation's time, and is not reported apart.
                environment.init = None;
                Started::Ready(Box::new(environment))
            }
            Init::Failed(failure) => Started::Failed { log: environment.into_log(), failure },
            Init::TimedOut => Started::TimedOut { log: environment.into_log() },
        })
    }

    async fn blueprint(&self, target: &Target, key: Key) -> Result<Blueprint, ServiceError> {
        let configuration = &target.configuration;
        let endpoint =
            self.setting.endpoint().ok_or_else(|| service("the guard has no port yet"))?;
        let credentials =
            self.assume(&configuration.role, &configuration.function_name).await.map_err(
                |error| {
                    if error.status == 400 { access_denied(error.message) } else { error }
                },
            )?;
        let sandbox = self.setting.sandbox().await.map_err(|cause| service(cause.to_string()))?;
        let layers = self.layers_directory(configuration).await?;
        let (program, arguments, interpreter, client) = match Language::of(&configuration.runtime) {
            Some(language) => {
                let start =
                    self.start_of(language, configuration, &sandbox, layers.as_deref()).await?;
                let directories = self.interpreter_directories(language);
                let program = Runs::Interpreter(language, start.program);
                (program, start.arguments, directories, start.client)
            }
            None => (Runs::Bootstrap, Vec::new(), Vec::new(), None),
        };
        Ok(Blueprint {
            key,
            configuration: Arc::clone(configuration),
            program,
            arguments,
            region: self.setting.region.clone(),
            endpoint: endpoint.as_str().trim_end_matches('/').to_owned(),
            credentials,
            scratch_dir: self.scratch_dir(),
            sandbox,
            layers,
            interpreter,
            client,
        })
    }

    /// The directory of a function's layers.
    async fn layers_directory(
        &self,
        configuration: &Configuration,
    ) -> Result<Option<PathBuf>, ServiceError> {
        let (layers, parent) = (Arc::clone(&configuration.layers), self.code_dir());
        tokio::task::spawn_blocking(move || layers.directory(&parent))
            .await
            .map_err(|cause| service(cause.to_string()))?
            .map_err(|cause| service(cause.to_string()))
    }

    /// That a function's runtime can be run here.
    ///
    /// # Errors
    /// `NotImplementedException`, which names the runtime.
    pub(in crate::lambda) fn check_runtime(&self, of: &Configuration) -> Result<(), ServiceError> {
        if let Some(image) = &of.image {
            return Err(not_built(format!("running the container image `{}`", image.uri)));
        }
        if let Some(member) = of.declared.keys().next() {
            return Err(not_built(format!("running a function with `{member}`")));
        }
        runs(&of.runtime, &self.setting.interpreters).map_err(not_built)
    }
}

/// How an invocation ended that never reached its function.
enum Ended<'a> {
    Failed(&'a Failure),
    TimedOut(Duration),
}

fn timeout_payload(request_id: &str, timeout: Duration) -> Bytes {
    json!({
        "errorType": "Sandbox.Timedout",
        "errorMessage": format!(
            "RequestId: {request_id} Error: Task timed out after {:.2} seconds",
            timeout.as_secs_f64()
        ),
    })
    .to_string()
    .into()
}

fn timeout_line(request_id: &str, timeout: Duration, now: time::OffsetDateTime) -> String {
    let time = now.format(&Rfc3339).unwrap_or_default();
    format!("{time} {request_id} Task timed out after {:.2} seconds", timeout.as_secs_f64())
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
